"""What answers of a conversation or a model are asked with, set by command."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from desktop.cli import conversations_command
from desktop.cli.arguments import parser
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.cli.output import CommandOutput
from desktop.conversation import ChatOptions, Conversation
from desktop.errors import NotFoundError
from desktop.paths import find_paths


class SettingsTools(CommandContext):
    def __init__(self) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        super().__init__(find_paths(), CommandOutput(self.out, self.err), io.BytesIO())


def settings(*arguments: str) -> str:
    tools = SettingsTools()
    try:
        conversations_command.run(parser().parse_args(["conversations", "settings", *arguments]), tools)
    finally:
        tools.close()
    return tools.out.getvalue()


def told(*arguments: str) -> Any:
    return json.loads(settings(*arguments, "--json"))


@pytest.fixture
def chat(home: Path) -> str:
    tools = SettingsTools()
    tools.conversation_store.create(Conversation("c1", options=ChatOptions(sampling={"top_k": 3})))
    tools.close()
    return "c1"


def test_what_is_given_is_set_and_the_rest_stays(chat: str) -> None:
    assert settings(chat).split() == ["top", "k", "3"]
    line = ("--system", "Be brief.", "--preset", "precise", "--thinking", "low", "--context", "2048")
    assert told(chat, *line, "--sampling", '{"temperature": 0.5, "samplers": ["top_k"], "max_tokens": 9}') == {
        "id": "c1",
        "system_prompt": "Be brief.",
        "preset": "precise",
        "thinking": None,
        "effort": "low",
        "thinking_budget": None,
        "context_length": 2048,
        "sampling": {"top_k": 3, "temperature": 0.5, "samplers": '["top_k"]', "max_tokens": 9},
    }
    changed = told(chat, "--thinking", "off", "--system", "none", "--sampling", '{"top_k": null}', "--context", "auto")
    assert (changed["thinking"], changed["effort"], changed["system_prompt"]) == (False, None, None)
    assert (changed["context_length"], "top_k" in changed["sampling"]) == (None, False)
    assert "no settings of its own" in settings(chat, "--reset")


@pytest.mark.parametrize("sampling", ['{"temperature": "hot"}', '{"mood": 1}', '{"max_tokens": 0}'])
def test_what_cannot_be_is_refused_and_changes_nothing(chat: str, sampling: str) -> None:
    with pytest.raises(UsageError):
        settings(chat, "--sampling", sampling)
    assert told(chat)["sampling"] == {"top_k": 3}


def test_a_conversation_that_is_not_there_is_told(home: Path) -> None:
    with pytest.raises(NotFoundError):
        settings("nowhere")
