"""`ask --file` and `--collection`: what the model is given, and what is told of what the answer cites."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from desktop.cli import ask_command, conversations_command
from desktop.cli.arguments import parser
from desktop.cli.exit_codes import UsageError, exit_code
from desktop.cli.output import CommandOutput
from desktop.conversation import AttachedFilePart, Conversation
from desktop.errors import NotFoundError, PasswordNeededError, UserError
from tests.fakes.document_reading import TextReading
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.plain_documents import PlainDocuments, ScriptedCollections, found_passage
from tests.unit.cli.test_terminal_session import MakeTools, ScriptedTools, model, options, scripted

__all__ = ["model", "scripted"]  # fixtures
FEES = "The annual fee is 40 euros.\fGuests pay 5 euros."
SAID = "The annual fee is 40 euros [1]. Dogs stay outside [3]. It snows [2] and rains [8]."


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class _Club(ScriptedCollections):
    """The collections, of which "Club" alone is there."""

    def collection(self, name: str) -> None:
        if name != "Club":
            raise NotFoundError(f"There is no collection {name}.")

    def close(self) -> None:
        """Nothing is open."""


class _Reader(PlainDocuments):
    def close(self) -> None:
        """Nothing is open."""


def with_documents(tools: ScriptedTools, stdin: bytes = b"") -> ScriptedTools:
    """`tools` that read plain text, and have one collection."""
    given: dict[str, Any] = {"document_reader": _Reader(), "collections": _Club((found_passage("Dogs stay outside."),))}
    tools.__dict__.update(given)
    tools.stdin = io.BytesIO(stdin)
    return tools


@pytest.mark.parametrize("conversation", [(), ("--conversation", "new")])
def test_an_answer_says_what_it_cites(
    model: str, scripted: MakeTools, home: Path, conversation: tuple[str, ...]
) -> None:
    (home / "fees.txt").write_text(FEES)
    tools = with_documents(scripted(FakeAnswer(SAID)))
    named = ("--model", model, "--file", str(home / "fees.txt"), "--collection", "Club", *conversation)
    assert ask_command.run(options("What is the fee?", *named, "--json"), tools) == 0
    told = json.loads(tools.out.getvalue())
    assert [(each["file"], each["page"], each["text"]) for each in told["citations"]] == [
        ("fees.txt", 1, "The annual fee is 40 euros."),
        ("rules.pdf", 1, "Dogs stay outside."),
        ("fees.txt", 2, "Guests pay 5 euros."),
    ]
    assert [each.get("support", "supported") for each in told["citations"]] == ["supported", "supported", "unsupported"]
    assert (told["wrong_citations"], told["passages"]) == ([8], 3)
    prompt = tools.scripted.requests[0].messages[-1].text
    assert "Guests pay 5 euros." in prompt
    assert prompt.endswith("What is the fee?")
    if conversation:
        shown = with_documents(scripted())
        conversations_command._show(options_of(told["conversation"]), shown)
        assert "[Attached: fees.txt (2 pages, 47 B)]" in shown.out.getvalue()
        question = shown.conversation_store.branch(told["conversation"])[0]
        (file,) = [part for part in question.parts if isinstance(part, AttachedFilePart)]
        assert shown.attachments.contains(file.sha256)


def options_of(conversation: str) -> Any:

    return parser().parse_args(["conversations", "show", conversation])


def test_sources_are_listed_on_a_terminal(model: str, scripted: MakeTools) -> None:
    tools = with_documents(scripted(FakeAnswer("The annual fee is 40 euros [1]. It rains [2, 8].")), FEES.encode())
    seen = _Terminal()
    tools.output = CommandOutput(tools.out, seen)
    ask_command.run(options("What is the fee?", "--model", model, "--file", "-"), tools)
    assert "[1] Standard input, page 1\n" in seen.getvalue()
    assert "[2] Standard input, page 2: does not seem to say this\n" in seen.getvalue()
    assert "[8]: there is no such source\n" in seen.getvalue()
    assert "[2]" not in tools.out.getvalue().replace("[2, 8]", "")


def test_what_is_not_there_is_said_before_a_model_is_loaded(model: str, scripted: MakeTools, home: Path) -> None:
    (home / "bad.txt").write_text("%broken")
    (home / "empty.txt").write_text("")
    for named, code in (
        (("--file", str(home / "gone.txt")), 3),
        (("--collection", "Nope"), 3),
        (("--file", str(home / "bad.txt")), 6),
        (("--file", str(home / "empty.txt")), 6),
        (("--file", str(home)), 6),
    ):
        tools = with_documents(scripted())
        with pytest.raises(UserError) as failed:
            ask_command.run(options("What?", "--model", model, *named), tools)
        assert exit_code(failed.value) == code
        assert not tools.scripted.loads
    with pytest.raises(UsageError):
        ask_command.run(options("-", "--file", "-"), with_documents(scripted()))
    (home / "locked.txt").write_text("LOCKED sesame words")
    tools = with_documents(scripted())
    tools.__dict__["document_reader"].read = TextReading().read
    with pytest.raises(PasswordNeededError, match="latchkey collections unlock"):
        ask_command.run(options("What?", "--model", model, "--file", str(home / "locked.txt")), tools)


def test_a_conversation_searches_the_collections_that_were_set_for_it(scripted: MakeTools) -> None:
    tools = with_documents(scripted())
    tools.conversation_store.create(Conversation("c"))

    def settings(*given: str) -> Any:
        tools.out.seek(tools.out.truncate(0))
        conversations_command.run(parser().parse_args(["conversations", "settings", "c", *given, "--json"]), tools)
        return json.loads(tools.out.getvalue())

    assert settings("--collection", "Club")["collections"] == ["Club"]
    assert tools.conversation_store.conversation("c").options.collections == ("Club",)
    with pytest.raises(NotFoundError):
        settings("--collection", "Nope")
    assert "collections" not in settings("--collection", "")
