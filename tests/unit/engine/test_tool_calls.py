"""Calls of tools, family by family: definitions in, calls out of a stream that is cut anywhere, and all of it back."""

import json
from collections.abc import Iterable, Sequence

import pytest

from desktop.conversation import ChatMessage, MessagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.generation_options import ToolDefinition
from desktop.engine.worker.answer_marks import MarkTable
from desktop.engine.worker.answer_text import AnswerText, ShownText, TextReplacement
from desktop.engine.worker.call_marks import call_marks
from desktop.engine.worker.call_reader import CallPiece, ToolCatalog
from desktop.engine.worker.chat_template import ChatTemplate
from desktop.engine.worker.tool_layout import NO_RESULT, definitions
from tests.fakes.tool_families import TOOL_FAMILIES, ToolFamily

SCHEMA = {
    "type": "object",
    "properties": {
        "place": {"type": "string", "description": "Where to look."},
        "days": {"type": "integer", "description": "How far ahead."},
    },
    "required": ["place"],
}
LOOK = ToolDefinition("look", "Looks out of the window.", json.dumps(SCHEMA))
QUESTION = ChatMessage.from_text("user", "What is it like outside?")
BY_NAME = {family.name: family for family in TOOL_FAMILIES}


class Spoken:
    """Reads what a model of one family says."""

    def __init__(self, family: ToolFamily) -> None:
        self.template = ChatTemplate(family.template, "<s>", "</s>")
        self.table = MarkTable(call_marks(self.template))
        self.header = "<|start|>assistant" if self.template.has_channels else None

    def prompt(self, *turns: ChatMessage, generation_prompt: bool = True) -> str:
        return self.template.render(turns, tools=definitions((LOOK,), str), generation_prompt=generation_prompt)

    def read(self, pieces: Iterable[bytes]) -> tuple[tuple[MessagePart, ...], ToolCatalog]:
        tools = ToolCatalog((LOOK,), "seed")
        answer = AnswerText(table=self.table, header=self.header, tools=tools)
        shown: list[ShownText] = []
        for piece in pieces:
            shown += answer.feed(piece)
        return parts_of([*shown, *answer.finish()]), tools


def parts_of(shown: Sequence[ShownText]) -> tuple[MessagePart, ...]:
    """The parts of an answer, put together as the app does."""
    parts: list[MessagePart] = []
    for each in shown:
        assert not isinstance(each, TextReplacement)
        last = parts[-1] if parts else None
        if isinstance(each, CallPiece):
            if isinstance(last, ToolCallPart) and last.id == each.call_id:
                parts[-1] = ToolCallPart(last.id, last.name, last.arguments + each.arguments)
            else:
                parts.append(ToolCallPart(each.call_id, each.name, each.arguments))
        elif isinstance(last, TextPart):
            parts[-1] = TextPart(last.text + each[0])
        else:
            assert not each[1], "nothing of it is thinking"
            parts.append(TextPart(each[0]))
    return tuple(parts)


def read(name: str, said: str, size: int = 1) -> tuple[tuple[MessagePart, ...], ToolCatalog]:
    data = said.encode()
    return Spoken(BY_NAME[name]).read(data[at : at + size] for at in range(0, len(data), size))


def calls_in(parts: Sequence[MessagePart]) -> list[tuple[str, str]]:
    return [(part.name, part.arguments) for part in parts if isinstance(part, ToolCallPart)]


def text_in(parts: Sequence[MessagePart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart))


@pytest.mark.parametrize("family", TOOL_FAMILIES, ids=lambda family: family.name)
def test_a_family_round_trip(family: ToolFamily) -> None:
    spoken, data = Spoken(family), family.says.encode()
    asked = spoken.prompt(QUESTION)
    assert bool(spoken.template.layout.variable) == family.native
    for detail in ("look", "Looks out of the window.", "Where to look.", "integer", "required"):
        assert detail in asked

    parts, tools = spoken.read([data])
    assert calls_in(parts) == [*family.calls]
    assert text_in(parts).rstrip() == family.text
    assert (tools.calls, tools.broken) == (len(family.calls), [])
    ids = [part.id for part in parts if isinstance(part, ToolCallPart)]
    assert len(set(ids)) == len(ids)
    if family.ids:
        assert tuple(ids) == family.ids

    assert spoken.read(bytes([byte]) for byte in data)[0] == parts, "byte by byte"
    for at in range(1, len(data)):
        assert spoken.read([data[:at], data[at:]])[0] == parts, data[:at]

    answered = (QUESTION, ChatMessage("assistant", parts))
    results = tuple(
        ToolResultPart(part.id, part.name, (TextPart(f"sunny {number}"),))
        for number, part in enumerate(part for part in parts if isinstance(part, ToolCallPart))
    )
    again = spoken.prompt(*answered, ChatMessage("tool", results))
    assert again.startswith(asked + family.says), "what the model said comes back word for word"
    behind = again[len(asked + family.says) :]
    assert [behind.count(f"sunny {number}") for number in range(len(results))] == [1] * len(results)


@pytest.mark.parametrize("family", TOOL_FAMILIES, ids=lambda family: family.name)
def test_several_calls_and_their_results_reach_every_template(family: ToolFamily) -> None:
    """Also one that takes one call at a time, and ids that another family's model made."""
    calls = tuple(ToolCallPart(f"functions.look:{number}", "look", f'{{"place": "P{number}"}}') for number in range(2))
    results = tuple(ToolResultPart(call.id, "look", (TextPart(f"sunny {call.id[-1]}"),)) for call in calls)
    prompt = Spoken(family).prompt(QUESTION, ChatMessage("assistant", calls), ChatMessage("tool", results))
    places = [prompt.find(word) for word in ("P0", "P1", "sunny 0", "sunny 1")]
    assert min(places) > 0
    assert places[0] < places[2]
    assert places[1] < places[3]


@pytest.mark.parametrize("family", TOOL_FAMILIES, ids=lambda family: family.name)
def test_a_call_that_nobody_carried_out_is_told_so(family: ToolFamily) -> None:
    call = ToolCallPart("abcdefg12", "look", '{"place": "P0"}')
    prompt = Spoken(family).prompt(QUESTION, ChatMessage("assistant", (call,)), ChatMessage.from_text("user", "Well?"))
    assert -1 < prompt.find("P0") < prompt.find(NO_RESULT) < prompt.find("Well?")


MENTIONS = (
    "It writes `<tool_call>` and then JSON.",
    'So:\n```xml\n<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>\n```\nThat is how.',
    "The tag <tool_call> opens a call.",
    'It is "<tool_call>" there.',
    "<tool_call> is what it writes before a call.",
)


@pytest.mark.parametrize("said", MENTIONS)
@pytest.mark.parametrize("size", [1, 1000])
def test_an_answer_that_mentions_a_mark_is_no_call(said: str, size: int) -> None:
    parts, tools = read("hermes", said, size)
    assert parts == (TextPart(said),)
    assert tools.calls == 0


@pytest.mark.parametrize("said", ['{"a": 1}', '{"name": "Ann", "age": 3}', '{"name": "other", "parameters": {}}', "{"])
@pytest.mark.parametrize("size", [1, 1000])
def test_json_that_calls_none_of_the_tools_is_text(said: str, size: int) -> None:
    parts, tools = read("llama-3", said, size)
    assert parts == (TextPart(said),)
    assert tools.calls == 0


BROKEN = (
    ("hermes", '<tool_call>\n{"name": "look", "arguments": {"place": }}\n</tool_call>', '{"place": }', ""),
    ("hermes", '<tool_call>\n{"name": "look", "arguments": {"place": "Rome"\n</tool_call>', '{"place": "Rome"\n', ""),
    ("hermes", '<tool_call>\n{"name": "look", "arguments": {"place": "Ro\n</tool_call>', '{"place": "Ro\n', ""),
    ("hermes", '<tool_call>\n{"name": "look", "arguments": {"pla', '{"pla', ""),
    ("hermes", '<tool_call>\n{"name": "look", "arguments": "Rome"}\n</tool_call>\nDone.', "Rome", "Done."),
    ("ministral", "[TOOL_CALLS]look[ARGS]{'place': 'Rome'}", "{'place': 'Rome'}", ""),
    ("gpt-oss", "<|channel|>commentary to=functions.look<|message|>Rome<|call|>", "Rome", ""),
)


@pytest.mark.parametrize(("family", "said", "arguments", "text"), BROKEN)
@pytest.mark.parametrize("size", [1, 1000])
def test_broken_arguments_are_kept_as_they_were_written_and_told(
    family: str, said: str, arguments: str, text: str, size: int
) -> None:
    parts, tools = read(family, said, size)
    assert calls_in(parts) == [("look", arguments)]
    assert text_in(parts) == text
    assert tools.broken == ["look"]


def test_arguments_are_told_while_they_come() -> None:
    spoken = Spoken(BY_NAME["hermes"])
    answer = AnswerText(table=spoken.table, tools=ToolCatalog((LOOK,)))
    first = answer.feed(b'<tool_call>{"name": "look", "arguments": {"place": "Ro')
    assert [each.arguments for each in first if isinstance(each, CallPiece)] == ["", '{"place": "Ro']
    assert [each.arguments for each in answer.feed(b"me")[:1] if isinstance(each, CallPiece)] == ["me"]


def test_what_a_call_holds_is_not_read_as_marks() -> None:
    """A file that a model writes may hold its own marks."""
    code = "<think>\nx\n</think>\n<|end|>\n```\n</s>\n"
    said = f"<tool_call>\n<function=look>\n<parameter=place>\n{code}\n</parameter>\n</function>\n</tool_call>\nDone."
    parts, _ = read("qwen3-coder", said)
    assert calls_in(parts) == [("look", json.dumps({"place": code}))]
    assert text_in(parts) == "Done."


def test_the_end_of_a_call_inside_a_string_ends_nothing() -> None:
    arguments = '{"place": "say </tool_call> there", "days": 1}'
    parts, tools = read("hermes", f'<tool_call>\n{{"name": "look", "arguments": {arguments}}}\n</tool_call>')
    assert calls_in(parts) == [("look", arguments)]
    assert tools.broken == []


def test_text_between_and_behind_calls_stays() -> None:
    call = '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>'
    parts, _ = read("hermes", f"One.\n{call}\nTwo.\n{call}\nThree.")
    assert [part.text.strip() if isinstance(part, TextPart) else part.__class__ for part in parts] == [
        "One.", ToolCallPart, "Two.", ToolCallPart, "Three.",
    ]  # fmt: skip


def test_thinking_about_a_call_is_no_call() -> None:
    spoken = Spoken(BY_NAME["hermes"])
    answer = AnswerText(table=spoken.table, tools=ToolCatalog((LOOK,)))
    call = '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>'
    shown = [*answer.feed(f"<think>\n{call}\n</think>\n{call}".encode()), *answer.finish()]
    assert "".join(each[0] for each in shown if isinstance(each, tuple)) == call
    assert sum(isinstance(each, CallPiece) and not each.arguments for each in shown) == 1


def test_without_tools_nothing_is_a_call() -> None:
    said = '<tool_call>\n{"name": "look", "arguments": {}}\n</tool_call>'
    answer = AnswerText()
    assert (
        "".join(each[0] for each in [*answer.feed(said.encode()), *answer.finish()] if isinstance(each, tuple)) == said
    )
