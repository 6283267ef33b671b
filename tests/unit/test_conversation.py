"""Messages of typed parts as values, and as they go over the pipe."""

import msgspec
import pytest

from desktop.conversation import (
    ChatMessage,
    DocumentPart,
    ImagePart,
    MessagePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from desktop.struct_repair import without_lone_surrogates

PARTS: dict[str, MessagePart] = {
    "text": TextPart("a"),
    "thinking": ThinkingPart("b", 2.0),
    "image": ImagePart("ab" * 32, "image/png", "a.png"),
    "document": DocumentPart("Terms", "all of it", "application/pdf", "cd" * 32),
    "tool-call": ToolCallPart("1", "weather", '{"city": "Bonn"}'),
    "tool-result": ToolResultPart("1", "weather", (TextPart("rain"), ImagePart("ef" * 32, "image/png")), is_error=True),
    "unknown": UnknownPart("audio", '{"type":"audio"}'),
}


@pytest.mark.parametrize("tag", PARTS)
def test_each_part_passes_the_pipe_under_its_own_tag(tag: str) -> None:
    sent = ChatMessage("user", (PARTS[tag],))
    body = msgspec.msgpack.encode(sent)
    assert msgspec.msgpack.decode(body)["parts"][0]["type"] == tag
    assert msgspec.msgpack.decode(body, type=ChatMessage) == sent


@pytest.mark.parametrize(
    "parts",
    [
        [{"text": "no type"}],
        [{"type": "video", "text": "a"}],
        [{"type": "text"}],
        [{"type": "text", "text": 1}],
        [{"type": "thinking", "text": "a", "seconds": -1.0}],
        [{"type": "thinking", "text": "a", "seconds": float("nan")}],
        [{"type": "tool-result", "call_id": "1", "name": "t", "content": [{"type": "thinking", "text": "a"}]}],
        "text",
    ],
)
def test_what_is_no_part_is_refused(parts: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode({"role": "user", "parts": parts}), type=ChatMessage)


def test_the_text_of_a_message_is_that_of_its_text_parts() -> None:
    message = ChatMessage("assistant", (*PARTS.values(), TextPart("z")))
    assert message.text == "a\n\nz", "a paragraph ends where a tool gave a result"
    assert ChatMessage.from_text("user", "Hi") == ChatMessage("user", (TextPart("Hi"),))


def test_the_length_counts_the_text_of_all_parts() -> None:
    assert ChatMessage("user", (TextPart("abc"), DocumentPart("T", "x" * 10, "", ""))).length == 14
    assert ChatMessage("user", (ToolResultPart("1", "t", (TextPart("rain"),)),)).length == 6


def test_lone_surrogates_are_replaced_at_any_depth() -> None:
    half, whole = "a\udc00", "a\ufffd"
    message = ChatMessage("tool", (ToolResultPart(half, half, (TextPart(half),)), ThinkingPart("b", 1.0)))
    assert without_lone_surrogates(message) == ChatMessage(
        "tool", (ToolResultPart(whole, whole, (TextPart(whole),)), ThinkingPart("b", 1.0))
    )
