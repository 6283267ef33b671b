"""What a model is given of a tool's result: its text within bounds, and its pictures by their sha256."""

from collections.abc import Callable

from desktop.chat.document_prompt import without_hidden
from desktop.chat.document_tokens import most_tokens
from desktop.conversation import ImagePart, TextPart
from desktop.errors import UserError
from desktop.safe_text import one_line
from desktop.tools.tool_call import ToolImage, ToolResult

_LEFT_OUT = "\n[The result goes on: {count} more characters of it were left out.]"  # read by the model
_NO_PICTURE = "\n[A picture that could not be kept: {reason}]\n"
_EMPTY = "[The result is empty.]"
_LEAST_TOKENS = 100


def result_content(
    result: ToolResult, room: int, keep: Callable[[ToolImage], ImagePart]
) -> tuple[TextPart | ImagePart, ...]:
    """The parts of `result`, of which the text takes `room` tokens at most; `keep` stores a picture."""
    content: list[TextPart | ImagePart] = []
    left = max(room, _LEAST_TOKENS)
    omitted = 0
    for part in result.parts:
        if isinstance(part, ToolImage):
            content.append(_picture(part, keep))
            continue
        text = without_hidden(part.text)
        shown = text if not omitted else ""
        if most_tokens(shown) > left:
            shown = _beginning(shown, left)
        left -= most_tokens(shown)
        omitted += len(text) - len(shown)
        if shown:
            content.append(TextPart(shown if not content else f"\n{shown}"))
    if omitted:
        content.append(TextPart(_LEFT_OUT.format(count=f"{omitted:,}")))
    return tuple(content) or (TextPart(_EMPTY),)


def _picture(picture: ToolImage, keep: Callable[[ToolImage], ImagePart]) -> TextPart | ImagePart:
    try:
        return keep(picture)
    except UserError as error:  # a full disk, say: the rest of the result is as good as before
        return TextPart(_NO_PICTURE.format(reason=one_line(error.title)))


def _beginning(text: str, room: int) -> str:
    """As much of the beginning of `text` as takes `room` tokens at most."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if most_tokens(text[:middle]) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low]
