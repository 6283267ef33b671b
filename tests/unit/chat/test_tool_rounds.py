"""Answers that call tools: what is asked, called, told and stored, with a scripted engine and scripted tools."""

from collections.abc import Callable
from typing import Any

import pytest

from desktop.chat.chat_events import AnswerFinished, ToolCallsChanged
from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState
from desktop.conversation import Message, TextPart, ToolCallPart, ToolResultPart
from tests.fakes.fake_engine import FakeAnswer
from tests.fakes.scripted_tools import ScriptedTools
from tests.fakes.talk import Talk

Begin = Callable[..., Talk]


def look(arguments: dict[str, Any], _is_cancelled: Callable[[], bool]) -> str:
    return f"sunny in {arguments['place']}"


def call(place: str, name: str = "look", call_id: str = "1") -> ToolCallPart:
    return ToolCallPart(call_id, name, f'{{"place": "{place}"}}')


def calling(*calls: ToolCallPart, text: str = "I look.") -> FakeAnswer:
    return FakeAnswer(text, calls=calls, stop_reason="tool-calls", prompt_tokens=50)


def results(message: Message) -> list[ToolResultPart]:
    return [part for part in message.parts if isinstance(part, ToolResultPart)]


@pytest.fixture
def talk(begin: Begin) -> Callable[..., Talk]:
    def make(tools: ScriptedTools, *script: FakeAnswer, servers: tuple[str, ...] = ("far",), **more: Any) -> Talk:
        talk = begin(list(script), tools=tools, **more)
        talk.chat.options.change(talk.chat.current_id or "", {"tools": servers})
        return talk

    return make


def asked(talk: Talk, count: int = 1) -> tuple[ToolCallState, ...]:
    """The calls, once so many are asked about."""

    def waiting() -> list[ToolCallState]:
        told = talk.told(ToolCallsChanged)
        return [each for each in told[-1].calls if each.status == "asked"] if told else []

    talk.until(lambda: len(waiting()) == count)
    return talk.told(ToolCallsChanged)[-1].calls


def decide(talk: Talk, call_id: str, choice: Any, arguments: str | None = None) -> None:
    message_id = talk.told(ToolCallsChanged)[-1].message_id
    talk.chat.decide_call(message_id, call_id, ToolCallAnswer(choice, arguments))


def test_a_call_is_asked_about_made_and_answered(talk: Callable[..., Talk]) -> None:
    tools = ScriptedTools(look=look)
    chat = talk(tools, calling(call("Rome")), FakeAnswer("It is sunny.", prompt_tokens=80, cached_tokens=50))
    chat.chat.send("Rome?")
    (state,) = asked(chat)
    assert (state.server, state.tool, state.reason, tools.called) == ("far", "look", "new", [])
    assert state.arguments == '{\n  "place": "Rome"\n}'
    decide(chat, "1", "once")
    message = chat.until_told(AnswerFinished).message
    made_at = results(message)[0].at
    assert made_at > 0
    assert tools.called == [("look", {"place": "Rome"})]
    assert message.parts == (
        TextPart("I look."),
        ToolCallPart("1", "look", '{"place": "Rome"}', "far", "look"),
        ToolResultPart(
            "1", "look", (TextPart("sunny in Rome"),), False, "done", "approval", 0.25, 5, results(message)[0].at
        ),
        TextPart("It is sunny."),
    )
    assert chat.told(ToolCallsChanged)[-1].calls == ()
    first, second = chat.fake.requests
    assert [tool.name for tool in first.options.tools] == ["look"]
    assert [each.role for each in second.messages] == ["system", "user", "assistant", "tool"]
    assert message.timing is not None
    assert (message.timing.prompt_tokens, message.timing.used_tokens) == (80, 83)
    chat.settled()
    assert chat.store.message(message.id).parts == message.parts
