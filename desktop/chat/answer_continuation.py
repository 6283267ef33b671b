"""Answers that a model goes on with from their text: which can be, and what they are then."""

from collections.abc import Sequence

from desktop.conversation import Message, MessagePart, PassagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.errors import UserError
from desktop.translation import tr


def can_continue(message: Message) -> bool:
    """Whether an answer may go on: it ended before its end, or a person changed it, and the model can go on from it."""
    if message.role != "assistant" or message.status == "streaming" or not _can_go_on(message):
        return False
    cut = message.timing is not None and message.timing.stop_reason == "length"
    return not (message.status == "complete" and not cut and not message.edited)


def refuse_to_continue(message: Message) -> None:
    """Raise UserError where a model cannot go on from the text of `message`."""
    if message.role != "assistant" or message.status == "streaming" or not _can_go_on(message):
        raise UserError(
            tr("The model cannot go on from here."),
            tr("There is no text of an answer that it could go on from."),
            tr("Regenerate it instead."),
        )


def continued_parts(begins: tuple[MessagePart, ...], more: tuple[MessagePart, ...]) -> tuple[MessagePart, ...]:
    """The parts of an answer that began with `begins` and went on with `more`."""
    if begins and more:
        end, start = begins[-1], more[0]
        if isinstance(end, TextPart) and isinstance(start, TextPart):
            return (*begins[:-1], TextPart(end.text + start.text), *more[1:])
    return (*begins, *more)


def continued_text(parts: Sequence[MessagePart]) -> str:
    """The text that an answer of these parts is gone on from: without spaces at its end, as the next word brings its
    own."""
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    return text.rstrip(" \t")


def begun_rounds(parts: tuple[MessagePart, ...]) -> tuple[tuple[MessagePart, ...], tuple[MessagePart, ...]]:
    """`parts` of an answer up to the last result of a tool, with what that gave, and what stands behind it."""
    places = [at for at, part in enumerate(parts) if isinstance(part, ToolResultPart | PassagePart)]
    end = places[-1] + 1 if places else 0
    return parts[:end], parts[end:]


def _can_go_on(message: Message) -> bool:
    return bool(message.text.strip()) or any(isinstance(part, ToolCallPart) for part in message.parts)
