"""What a stream tells of an answer, and what one value does: thinking that was told as text, held words, calls."""

from desktop.conversation import AnswerPart, TextPart, ThinkingPart, ToolCallPart
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, Delta, DeltaReplacement, ToolCallDelta
from desktop.server.answer_pieces import (
    AnswerPieces,
    CallArguments,
    CallBegun,
    CollectedAnswer,
    Piece,
    TextPiece,
    ThoughtPiece,
)

DONE = AnswerDone(1, "end", 3, 0, 4, None, None, None, 0, 100, 0)


def replaced(*parts: AnswerPart) -> DeltaReplacement:
    return DeltaReplacement(1, parts)


def told(events: list[AnswerEvent], *, holds: bool = False) -> list[Piece]:
    pieces = AnswerPieces(holds=holds)
    return [piece for event in [*events, DONE] for piece in pieces.take(event)]


def test_text_is_told_at_once() -> None:
    pieces = AnswerPieces()
    assert pieces.take(Delta(1, "Hi")) == [TextPiece("Hi")]
    assert pieces.take(Delta(1, "")) == []


def test_first_words_of_a_model_that_thinks_are_held_until_they_are_known_to_be_none() -> None:
    pieces = AnswerPieces(holds=True)
    assert pieces.take(Delta(1, "Let me see")) == []
    assert pieces.take(replaced(ThinkingPart("Let me see"))) == [ThoughtPiece("Let me see")]
    assert pieces.take(Delta(1, "Four")) == [TextPiece("Four")]
    assert told([Delta(1, "Four")], holds=True) == [TextPiece("Four")]
    assert AnswerPieces(holds=True).take(Delta(1, "x" * 201)) == [TextPiece("x" * 201)]


def test_what_was_told_is_not_told_again() -> None:
    events: list[AnswerEvent] = [Delta(1, "Hmm."), replaced(ThinkingPart("Hmm."), TextPart("Four"))]
    assert told(events) == [TextPiece("Hmm."), ThoughtPiece("Hmm."), TextPiece("Four")]
    events = [Delta(1, "Hm", thinking=True), replaced(ThinkingPart("Hmm"), TextPart("4"))]
    assert told(events) == [ThoughtPiece("Hm"), ThoughtPiece("m"), TextPiece("4")]


def test_calls_begin_once_and_their_arguments_grow() -> None:
    events: list[AnswerEvent] = [
        ToolCallDelta(1, "a", "look"),
        ToolCallDelta(1, "a", "look", '{"x'),
        ToolCallDelta(1, "a", "look", '":1}'),
        ToolCallDelta(1, "b", "go", "{}"),
    ]
    assert told(events) == [
        CallBegun("a", "look"),
        CallArguments('{"x'),
        CallArguments('":1}'),
        CallBegun("b", "go"),
        CallArguments("{}"),
    ]


def test_the_whole_answer_is_as_the_engine_has_it_at_last() -> None:
    answer = CollectedAnswer()
    for event in (
        Delta(1, "Hmm."),
        replaced(ThinkingPart("Hmm."), TextPart("Fo")),
        Delta(1, "ur"),
        ToolCallDelta(1, "a", "look", "{}"),
    ):
        answer.take(event)
    assert (answer.thinking, answer.text) == ("Hmm.", "Four")
    assert [(each.name, each.arguments) for each in answer.calls] == [("look", "{}")]
    answer.take(replaced(ToolCallPart("a", "look", "{}"), TextPart("!")))
    assert answer.text == "!"
    assert answer.thinking == ""
