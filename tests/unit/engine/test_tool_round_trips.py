"""The whole round trip of tools through the real worker, for each family's template: the chat session asks, the model
calls, the results go back, and the prompt cache has what was read before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import Message, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_pool import EnginePool
from desktop.settings import SamplingSettings, Settings
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.parrot import Token, parrot
from tests.fakes.scripted_tools import ScriptedTools, some_tool
from tests.fakes.talk import SomeModel, Talk
from tests.fakes.tool_families import TOOL_FAMILIES, ToolFamily

pytestmark = pytest.mark.usefixtures("forked_workers")
SCHEMA = {
    "type": "object",
    "properties": {"place": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["place"],
}


def _marks(before: str, *marks: str, text: str = "") -> tuple[str | Token, ...]:
    """What a model says whose marks are tokens, each of which is said once: one call."""
    said = (Token(mark, control=True) for mark in marks)
    return (*filter(None, (before,)), *said, *filter(None, (text,)))


_CALLS = "<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"
_ENDS = _marks("", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>")
_SEP = "<｜tool▁sep｜>"
_ROME = '{"place": "Rome", "days": 3}'
ONE_CALL: dict[str, tuple[tuple[str | Token, ...], str]] = {
    "gpt-oss": (
        (*_marks(" to=functions.look", "<|channel|>", text="commentary json"), *_marks("", "<|message|>", text=_ROME)),
        "<|call|>",
    ),
    "deepseek-v3": (
        (*_marks("I look.", *_CALLS, text="function"), *_marks("", _SEP, text=f"look\n```json\n{_ROME}\n```"), *_ENDS),
        "</s>",
    ),
    "deepseek-v3.1": (
        (*_marks("I look.", *_CALLS, text="look"), *_marks("", _SEP, text=_ROME), *_ENDS),
        "</s>",
    ),
}
"""What is said, and the end token, where the marks of a family have to be tokens."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EnginePool]:
    pool = EnginePool(lambda: EngineClient(license_check=OpenLoadCheck(), logs=tmp_path, cache=tmp_path / "cache"))
    yield pool
    pool.close()


def answered(tmp_path: Path, engine: EnginePool, model: Path, tools: ScriptedTools) -> Message:
    """The answer of a model that may call its tools in one round."""
    calls = len(tools.defined) * 2
    settings = Settings(sampling=SamplingSettings(temperature=0.0), tool_calls=calls)
    talk = Talk(tmp_path / "chat.db", engine=engine, tools=tools, settings=settings, model=SomeModel(path=model))
    try:
        talk.chat.options.change(talk.chat.current_id or "", {"tools": ("far",)})
        return talk.ask("What is it like outside?")
    finally:
        talk.close()


@pytest.mark.parametrize("family", TOOL_FAMILIES, ids=lambda family: family.name)
def test_a_family_calls_and_goes_on(tmp_path: Path, engine: EnginePool, family: ToolFamily) -> None:
    """A model that says the same again: where it has made as many calls as it may, it is asked without tools."""

    def look(arguments: dict[str, Any], _is_cancelled: object) -> str:
        return f"sunny in {arguments['place']}"

    tools = ScriptedTools(look=look)
    tools.defined = {"look": some_tool("far", "look", schema=SCHEMA)}
    tools.set_permission(tools.defined["look"], "always")
    said, eos = ONE_CALL.get(family.name, ((family.says,), "</s>"))
    wanted = list(family.calls[: 1 if family.name in ONE_CALL else None])
    model = parrot(tmp_path / "parrot.gguf", *said, size=7, template=family.template, eos=eos)
    message = answered(tmp_path, engine, model, tools)
    assert (message.status, message.error) == ("complete", "")
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    results = [part for part in message.parts if isinstance(part, ToolResultPart)]
    assert [(call.name, call.arguments) for call in calls[: len(wanted)]] == wanted
    assert {(call.server, call.tool) for call in calls} == {("far", "look")}
    assert [result.call_id for result in results] == [call.id for call in calls]
    assert len({call.id for call in calls}) == len(calls)
    assert {result.outcome for result in results[:2]} == {"done"}
    if family.name != "gpt-oss":
        assert isinstance(message.parts[-1], TextPart), "what it said without tools"
        assert message.text.startswith(family.text)
