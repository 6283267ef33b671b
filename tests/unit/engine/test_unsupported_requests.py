"""What a request asks for and this worker cannot do is refused, never left out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import (
    ChatMessage,
    DocumentPart,
    MessagePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from desktop.engine.generation_options import ThinkingOptions, ToolDefinition
from desktop.errors import EngineError
from tests.unit.engine.conftest import Asker, children

PARTS: dict[str, MessagePart] = {
    "a model's thinking": ThinkingPart("hm"),
    "a document": DocumentPart("Terms", "all of it"),
    "a call of a tool": ToolCallPart("1", "weather", "{}"),  # in a question
    "the result of a tool": ToolResultPart("1", "weather", (TextPart("rain"),)),
    "something that a newer version wrote": UnknownPart("audio", '{"type":"audio"}'),
}


def test_what_cannot_be_given_to_the_model_is_refused_by_name(
    load: Callable[..., Asker], model_file: Callable[[str], Path]
) -> None:
    asker = load(model_file("llama"))
    worker = children()
    for name, part in PARTS.items():
        for raw in (False, True):
            with pytest.raises(EngineError, match="cannot be given to the model") as caught:
                asker.ask(ChatMessage("user", (TextPart("the of"), part)), "and", raw_prompt=raw)
            assert f"It is {name}," in caught.value.detail
            assert caught.value.remedy
    with pytest.raises(EngineError, match="cannot be given to the model"):
        asker.ask("the of", ChatMessage.from_text("tool", "rain"), "and")
    assert asker.ask("the of", max_tokens=2, ignore_eos=True).end.generated_tokens == 2
    assert children() == worker


def test_options_that_the_worker_does_not_know_are_refused_by_name(
    load: Callable[..., Asker], model_file: Callable[[str], Path]
) -> None:
    asker = load(model_file("llama"))
    raw: dict[str, Any] = {"thinking": ThinkingOptions(enabled=False), "tools": (ToolDefinition("look"),)}
    for name, value in raw.items():
        with pytest.raises(EngineError, match="cannot be generated as it was asked for") as caught:
            asker.ask("the of", raw_prompt=True, **{name: value})
        assert name in caught.value.detail, "a raw prompt has no template that could take it"
    assert asker.ask("the of", max_tokens=2, ignore_eos=True).end.generated_tokens == 2


def test_text_in_several_parts_is_one_text(load: Callable[..., Asker], model_file: Callable[[str], Path]) -> None:
    asker = load(model_file("llama"))
    parts = ChatMessage("user", (TextPart("the "), TextPart("of")))
    whole = asker.ask("the of", max_tokens=4, ignore_eos=True)
    again = asker.ask(parts, max_tokens=4, ignore_eos=True)
    assert (again.text, again.end.prompt_tokens) == (whole.text, whole.end.prompt_tokens)


def test_a_document_counts_where_a_conversation_is_too_long(
    load: Callable[..., Asker], model_file: Callable[[str], Path]
) -> None:
    asker = load(model_file("llama"))
    with pytest.raises(EngineError, match="too long to be sent"):
        asker.ask(ChatMessage("user", (DocumentPart("Terms", "x" * 10_000_001),)))
