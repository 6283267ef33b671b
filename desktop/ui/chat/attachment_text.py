"""A file that is attached to a message not sent yet, in words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from desktop.byte_size import size_text
from desktop.translation import tr, trn

if TYPE_CHECKING:
    from desktop.chat.draft_attachment import DraftAttachment
    from desktop.engine.request_images import PictureCost

_ROUGH = ((100, 10), (1_000, 50), (10_000, 100), (1_000_000, 1_000))


def attachment_state_text(item: "DraftAttachment", *, blind: bool = False, pixels: str = "") -> str:
    """How far it is read; then how large it is for the model and how it is given. `blind`: the model sees no
    pictures; `pixels` is how large a picture is (see `pixels_text`), "" where that is not known."""
    if item.state == "reading":
        if item.fraction is None:
            return tr("Reading…")
        return tr("Reading… {percent} %").format(percent=int(item.fraction * 100))
    if item.state == "failed":
        return item.error.title if item.error is not None else tr("It could not be read.")
    if blind:
        return tr("This model sees no pictures")
    if item.kind == "image":
        said = (size_text(item.size) if item.size else "", tokens_about(item.tokens))
        return pixels or " · ".join(filter(None, said)) or tr("Picture")
    if item.whole:
        return tr("{size} · whole").format(size=tokens_about(item.tokens) or size_text(item.size))
    pages = trn("1 page", "{count} pages", item.pages).format(count=f"{item.pages:,}") if item.pages else ""
    return tr("{size} · in passages").format(size=pages or tokens_about(item.tokens) or size_text(item.size))


def question_of(items: "Sequence[DraftAttachment]") -> str:
    """What is asked of files that are sent without a word; "" where there is none that may be sent."""
    given = [item for item in items if item.state != "failed"]
    if given and all(item.kind == "image" for item in given):
        return trn("What is in this picture?", "What is in these pictures?", len(given))
    return trn("What is in this file?", "What is in these files?", len(given)) if given else ""


def attachment_tip(item: "DraftAttachment", *, blind: bool = False) -> str:
    """All that is known of it, one thing a line."""
    lines = [item.name]
    if item.size:
        lines.append(size_text(item.size))
    if item.pages:
        lines.append(trn("1 page", "{count} pages", item.pages).format(count=f"{item.pages:,}"))
    if about := tokens_about(item.tokens):
        lines.append(about)
    if item.state == "ready" and item.kind == "document":
        if item.whole:
            lines.append(tr("The model is given all of it with your question."))
        else:
            lines.append(
                tr("It is too long to be given whole: for each question the model is given the passages that fit it.")
            )
    if blind:
        lines.append(blind_text())
    if item.error is not None:
        lines.append(str(item.error))
    return "\n".join(lines)


def pixels_text(width: int, height: int, cost: "PictureCost | None") -> str:
    """How large a picture is, and about how many tokens it takes of a model that pictures `cost` so much."""
    size = tr("{width} × {height}").format(width=f"{width:,}", height=f"{height:,}")
    return size if cost is None else f"{size} · {tokens_about(_picture_tokens(width, height, cost))}"


def seen_text(width: int, height: int, cost: "PictureCost | None", *, blind: bool = False) -> str:
    """What the model sees of a picture of this size."""
    size = tr("{width} × {height} pixels.").format(width=f"{width:,}", height=f"{height:,}")
    if blind:
        return f"{size} {tr('The model in use sees no pictures.')}"
    if cost is None:
        return size
    tokens = tokens_about(_picture_tokens(width, height, cost))
    return f"{size} {tr('The model in use reads it as {tokens}.').format(tokens=tokens)}"


def given_text(width: int, height: int, tokens: int | None) -> str:
    """What a model is given of a picture."""
    size = tr("The model is given {width} × {height} pixels.").format(width=f"{width:,}", height=f"{height:,}")
    return f"{size} {tr('It reads them as {tokens}.').format(tokens=tokens_about(tokens))}" if tokens else size


def _picture_tokens(width: int, height: int, cost: "PictureCost") -> int:
    """It is given no larger than `USUAL_SIDE`, in the same proportions."""
    from desktop.chat.message_pictures import USUAL_SIDE

    part = min(1.0, USUAL_SIDE / max(width, height, 1))
    return cost.tokens(round(width * part), round(height * part))


def blind_text() -> str:
    """What is said of a picture where the model in use sees none, and the way out."""
    return tr("The model in use sees no pictures. Choose one that does, or remove the picture.")


def tokens_about(tokens: int | None) -> str:
    """About how many tokens, in a round number; "" where that is not known."""
    if tokens is None:
        return ""
    step = next((step for below, step in _ROUGH if tokens < below), 10_000)
    count = max(round(tokens / step) * step, 1)
    return trn("about {count} token", "about {count} tokens", count).format(count=f"{count:,}")
