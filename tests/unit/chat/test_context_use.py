"""What fills the context: the parts take together what the engine counted, and say which of them are estimates."""

import msgspec
import pytest

from desktop.chat.context_use import ContextPart, context_use
from desktop.conversation import Message, SummaryPart, TextPart, ThinkingPart, Timing


def turn(number: int, role: str, text: str, **fields: object) -> Message:
    parts = fields.pop("parts", (TextPart(text),))
    return Message(str(number), "c", str(number - 1), role, parts, **fields)  # type: ignore[arg-type]


def by_name(use: object) -> dict[str, ContextPart]:
    return {part.name: part for part in use.parts}  # type: ignore[attr-defined]


def test_the_parts_take_what_the_engine_counted_and_the_room_is_what_is_left() -> None:
    said = (ThinkingPart("t" * 30), TextPart("a" * 10))
    path = [
        turn(1, "user", "q" * 300),
        turn(2, "assistant", "a" * 500, timing=Timing(110, generated_tokens=130)),
        turn(3, "user", "q" * 100, pinned=True),
        turn(4, "assistant", "", parts=said, timing=Timing(400, generated_tokens=40)),
    ]
    use = context_use(path, "s" * 100, used=440, total=1000, room=250)
    parts = by_name(use)
    assert parts["system"] == ContextPart("system", 40, exact=False)
    assert parts["pinned"] == ContextPart("pinned", 40, exact=False)
    assert parts["messages"] == ContextPart("messages", 320, exact=False)
    assert (parts["thinking"].tokens, parts["answer"].tokens) == (30, 10)
    assert parts["room"] == ContextPart("room", 250, exact=True)
    assert parts["free"] == ContextPart("free", 310, exact=True)
    assert sum(part.tokens for part in use.parts) == 1000


@pytest.mark.parametrize(
    ("prompt", "counts", "exact"),
    [
        (400, {"system_tokens": 90, "document_tokens": 0}, True),
        (400, {}, False),
        (399, {"system_tokens": 90, "document_tokens": 0}, False),
        (400, {"system_tokens": 401, "document_tokens": 0}, False),
        (400, {"system_tokens": 90, "document_tokens": -1}, False),
        (400, {"system_tokens": 90, "document_tokens": 10}, False),
    ],
    ids=["counted", "older answer", "another prompt", "more than all", "negative", "documents where there are none"],
)
def test_parts_are_exact_where_the_engine_counted_this_prompt(prompt: int, counts: dict[str, int], exact: bool) -> None:
    answer = turn(2, "assistant", "a", timing=Timing(prompt, generated_tokens=40, **counts))  # type: ignore[arg-type]
    path = [turn(1, "user", "q" * 300), answer]
    use = context_use(path, "s" * 100, used=440, total=1000, room=250)
    system, messages = use.parts[:2]
    assert (system.tokens, messages.tokens) == ((90, 310) if exact else (100, 300))
    assert system.exact is messages.exact is exact
    talk = [turn(1, "user", "q", pinned=True), turn(2, "assistant", "a"), turn(3, "user", "q"), answer]
    parts = by_name(context_use(talk, "s", used=440, total=1000, room=250))
    assert (parts["system"].exact, parts["pinned"].exact, parts["messages"].exact) == (exact, False, False)


def test_an_older_answers_timing_is_stored_as_it_was() -> None:
    stored = b'{"prompt_tokens":400,"accepted_tokens":0}'
    again = msgspec.json.encode(msgspec.json.decode(stored, type=Timing))
    assert b"system_tokens" not in again
    assert b"document_tokens" not in again


def test_what_stands_alone_is_no_estimate() -> None:
    use = context_use(
        [turn(1, "user", "q"), turn(2, "assistant", "a", timing=Timing(50, generated_tokens=7))],
        "",
        used=57,
        total=100,
        room=25,
    )
    assert use.parts[:2] == (ContextPart("messages", 50, exact=True), ContextPart("answer", 7, exact=True))


def test_a_summary_takes_the_place_of_what_it_covers() -> None:
    said = (SummaryPart("s" * 100, 2), TextPart("a"))
    path = [
        turn(1, "user", "old " * 500),
        turn(2, "assistant", "old " * 500),
        turn(3, "user", "n" * 100),
        turn(4, "assistant", "", parts=said, timing=Timing(200, generated_tokens=1)),
    ]
    parts = by_name(context_use(path, "", used=201, total=400, room=100))
    assert parts["summary"].tokens == parts["messages"].tokens == 100


def test_messages_that_were_left_out_take_nothing() -> None:
    path = [
        turn(1, "user", "gone " * 500),
        turn(2, "assistant", "gone " * 500),
        turn(3, "user", "p" * 50, pinned=True),
        turn(4, "assistant", "a" * 50, timing=Timing(100, generated_tokens=5, dropped_messages=2)),
        turn(5, "user", "q" * 100),
        turn(6, "assistant", "a", timing=Timing(200, generated_tokens=1, dropped_messages=2)),
    ]
    parts = by_name(context_use(path, "", used=201, total=400, room=100))
    assert (parts["pinned"].tokens, parts["messages"].tokens) == (50, 150)


@pytest.mark.parametrize("used", [0, 500, 2000])
def test_nothing_is_negative_however_full_it_is(used: int) -> None:
    path = [turn(1, "user", ""), turn(2, "assistant", "", parts=(), timing=Timing(300, generated_tokens=900))]
    use = context_use(path, "", used=used, total=1000, room=250)
    assert all(part.tokens > 0 for part in use.parts)
    assert sum(part.tokens for part in use.parts) <= max(used, 1000)
