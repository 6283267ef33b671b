"""Pictures on their way through a chat template: each is a mark in its turn's text, and its tokens afterwards.

Templates have no part in where a picture's embeddings stand: the projector says itself what belongs around them.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from desktop.conversation import ChatMessage, ImagePart, MessagePart, TextPart, ToolResultPart
from desktop.engine.worker.projector import PreparedPicture
from desktop.errors import EngineError
from desktop.translation import tr


def has_pictures(turns: Sequence[ChatMessage]) -> bool:
    """Whether any of `turns` names a picture."""
    return any(_images(part) for turn in turns for part in turn.parts)


def with_marks(turns: Sequence[ChatMessage], mark: str) -> tuple[list[ChatMessage], list[str]]:
    """The turns with a mark in place of each picture, and the sha256 of each in their order. `mark` is a character that
    stands nowhere in them."""
    order: list[str] = []

    def marked(image: ImagePart) -> TextPart:
        order.append(image.sha256)
        return TextPart(f"{mark}{len(order) - 1}{mark}")

    def changed(part: MessagePart) -> MessagePart:
        match part:
            case ImagePart():
                return marked(part)
            case ToolResultPart() if _images(part):
                return replace(
                    part, content=tuple(marked(each) if isinstance(each, ImagePart) else each for each in part.content)
                )
            case _:
                return part

    made = [
        replace(turn, parts=tuple(map(changed, turn.parts))) if any(map(_images, turn.parts)) else turn
        for turn in turns
    ]
    return made, order


def with_pictures(
    parts: Sequence[str | tuple[int, ...]], mark: str, order: Sequence[str], pictures: Mapping[str, PreparedPicture]
) -> list[str | tuple[int, ...]]:
    """The rendering with the tokens of each picture in place of its mark. Raises EngineError where the template left
    one out."""
    made: list[str | tuple[int, ...]] = []
    seen: set[str] = set()
    for part in parts:
        if not isinstance(part, str):
            made.append(part)
            continue
        for index, piece in enumerate(part.split(mark)):
            if index % 2 == 0:
                made += [piece] if piece else []
            elif piece.isascii() and piece.isdecimal() and int(piece) < len(order):
                seen.add(piece)
                made.append(pictures[order[int(piece)]].tokens)
    if len(seen) < len(order):
        raise EngineError(
            tr("This model's chat template leaves pictures out."),
            remedy=tr("Ask without them, or choose another model."),
        )
    return made


def _images(part: MessagePart) -> tuple[ImagePart, ...]:
    if isinstance(part, ImagePart):
        return (part,)
    return (
        tuple(each for each in part.content if isinstance(each, ImagePart)) if isinstance(part, ToolResultPart) else ()
    )
