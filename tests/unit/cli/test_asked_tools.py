"""`ask --tools` with a scripted engine and tools that are real: Latchkey's own, and a server process."""

import json
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.cli import ask_command, conversations_command, terminal_tool_calls
from desktop.cli.arguments import parser
from desktop.cli.exit_codes import UsageError
from desktop.conversation import ToolCallPart
from desktop.errors import NotFoundError
from desktop.tools.tool_server import ToolServer
from tests.fakes.fake_engine import FakeAnswer
from tests.unit.cli.test_terminal_session import MakeTools, ScriptedTools, model, options, scripted

__all__ = ["model", "scripted"]
SCRIPT = Path(__file__).parents[2] / "fakes" / "scripted_tool_server.py"
SUM = ToolCallPart("1", "calculator", '{"expression": "6*7"}')
ECHO = ToolCallPart("1", "echo", '{"text": "h\\u001b[2Ji"}')


def with_server(tools: ScriptedTools) -> ScriptedTools:
    """A tool server that is allowed."""
    given = (str(SCRIPT.parent),)
    tools.tool_service.add(ToolServer("far", sys.executable, (str(SCRIPT), "good"), readable=given))
    tools.tool_service.set_allowed("far", True)
    return tools


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a person at the terminal will type."""
    answers: list[str] = []
    monkeypatch.setattr(terminal_tool_calls, "can_ask", lambda _tools: True)
    monkeypatch.setattr("builtins.input", lambda: answers.pop(0))
    yield answers
    assert not answers


def calls_of(tools: ScriptedTools) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = json.loads(tools.out.getvalue())["tool_calls"]
    return calls


def test_a_built_in_tool_is_called_and_told(model: str, scripted: MakeTools) -> None:
    tools = scripted(FakeAnswer("I compute.", calls=(SUM,)), FakeAnswer("It is 42."))
    assert ask_command.run(options("6*7?", "--model", model, "--tools", "built-in"), tools) == 0
    assert tools.out.getvalue() == "I compute.\n\nIt is 42.\n"
    assert "Called the tool “calculator” of “built-in”" in tools.err.getvalue()
    assert not tools.paths.database_file.exists(), "it is kept nowhere"
    first, second = tools.scripted.requests
    assert [tool.name for tool in first.options.tools] == ["calculator", "date"]
    assert second.messages[-1].parts[0].content[0].text == "42"  # type: ignore[union-attr]


def test_in_a_pipe_only_what_is_always_allowed_is_called(model: str, scripted: MakeTools) -> None:
    for allowed, outcome, by in ((False, "denied", "nobody-to-ask"), (True, "done", "always")):
        tools = scripted(FakeAnswer("", calls=(ECHO,)), FakeAnswer("Fine."))
        if not allowed:
            with_server(tools)
        else:
            tools.tool_service.set_permission(tools.tool_service.tool("far", "echo"), "always")
        ask_command.run(options("hi", "--model", model, "--json", "--tools", "far", "--conversation", "new"), tools)
        (call,) = calls_of(tools)
        assert (call["server"], call["tool"], call["outcome"], call["by"]) == ("far", "echo", outcome, by)
        assert (call["id"], call["name"], call["arguments"]) == ("1", "echo", ECHO.arguments)
        assert call["result"] == ("h\\x1b[2Ji" if allowed else "This call is not allowed.")
        conversation = json.loads(tools.out.getvalue())["conversation"]
        tools.out.truncate(0)
        tools.out.seek(0)
        shown = parser().parse_args(["conversations", "show", conversation])
        conversations_command.run(shown, tools)
        assert "Calls the tool echo of far: " in tools.out.getvalue()
        assert ("allowed always" if allowed else "nobody could be asked") in tools.out.getvalue()


def test_a_person_at_the_terminal_is_asked_about_each_call(model: str, scripted: MakeTools, typed: list[str]) -> None:
    tools = with_server(scripted(FakeAnswer("", calls=(ECHO,)), FakeAnswer("Fine.")))
    typed += ["what?", "n"]
    ask_command.run(options("hi", "--model", model, "--tools", "far"), tools)
    told = tools.err.getvalue()
    assert "wants to call the tool “echo” of “far”" in told
    assert "The server says of it: Does echo." in told
    assert "\x1b" not in told
    assert "was not called. You did not allow it." in told
    again = scripted(
        FakeAnswer("", calls=(ECHO,)), FakeAnswer("Fine."), FakeAnswer("", calls=(ECHO,)), FakeAnswer("OK.")
    )
    typed += ["a"]
    ask_command.run(options("hi", "--model", model, "--tools", "far"), again)
    rule = again.tool_service.rule(again.tool_service.tool("far", "echo"))
    assert rule is not None
    assert rule.permission == "always"


def test_all_that_would_be_sent_is_shown_and_what_was_typed_before_is_no_answer(
    model: str, scripted: MakeTools, typed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    leader, terminal = os.openpty()
    long = ToolCallPart("1", "echo", json.dumps({"text": "x" * 50_000 + "the end"}))
    tools = with_server(scripted(FakeAnswer("", calls=(long,)), FakeAnswer("Fine.")))
    os.write(leader, b"a\n")
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        typed += ["n"]
        ask_command.run(options("hi", "--model", model, "--tools", "far"), tools)
        assert select.select([terminal], [], [], 0)[0] == []
    os.close(leader)
    assert 'the end"' in tools.err.getvalue()


def test_ctrl_c_at_the_question_stops_the_answer(
    model: str, scripted: MakeTools, typed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press() -> str:
        raise KeyboardInterrupt

    tools = with_server(scripted(FakeAnswer("I look.", calls=(ECHO,)), FakeAnswer("Never.")))
    monkeypatch.setattr("builtins.input", press)
    assert ask_command.run(options("hi", "--model", model, "--tools", "far"), tools) == 130
    assert tools.out.getvalue() == "I look.\n"
    assert "was stopped" in tools.err.getvalue()


def test_what_cannot_be_had_is_refused(model: str, scripted: MakeTools) -> None:
    with pytest.raises(UsageError, match="--raw-prompt"):
        ask_command.run(options("hi", "--raw-prompt", "--tools", "built-in"), scripted())
    with pytest.raises(NotFoundError, match="gone"):
        ask_command.run(options("hi", "--model", model, "--tools", "built-in", "gone"), scripted())


def test_a_server_that_may_not_start_is_told_and_left_out(model: str, scripted: MakeTools) -> None:
    tools = with_server(scripted(FakeAnswer("Fine.")))
    tools.tool_service.set_allowed("far", False)
    ask_command.run(options("hi", "--model", model, "--tools", "far"), tools)
    assert tools.out.getvalue() == "Fine.\n"
    assert "“far” is not allowed to start. The answer goes on without its tools." in tools.err.getvalue()
