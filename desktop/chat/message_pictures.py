"""The pictures of a conversation as a model is shown them: decoded in a confined process, and no larger than needed."""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from desktop.conversation import ImagePart, Message, ToolResultPart
from desktop.engine.request_images import LARGEST_IMAGES, PictureCost, RequestImage
from desktop.errors import StoppedError, UserError
from desktop.storage.attachment_store import AttachmentStore
from desktop.tools.tool_call import ToolImage
from desktop.translation import tr

USUAL_SIDE = 2048
"""Pixels of the longest side that a model is given; its projector makes it smaller still."""
_MOST_KEPT = 4
_COLORS = 3


class DecodedPicture(Protocol):
    """A picture's pixels, three bytes for each, and how large it was (`desktop.documents.document_reader`)."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def rgb(self) -> bytes: ...


class PictureDecoder(Protocol):
    """What decodes pictures, in a process of its own. Raises UserError, StoppedError where `is_cancelled` said so."""

    def read_image(
        self, data: bytes, *, longest_side: int, name: str = "", is_cancelled: Callable[[], bool]
    ) -> DecodedPicture: ...


@dataclass(frozen=True)
class ShownPicture:
    """A picture as a model is given it, and about how many tokens it takes there; None where that is not known."""

    image: RequestImage
    tokens: int | None


class MessagePictures:
    """Reads those that messages name from `attachments`, with `reader`; without either, none can be. Methods block, and
    may be called from any thread but the main one."""

    def __init__(self, attachments: AttachmentStore | None, reader: PictureDecoder | None) -> None:
        self._attachments, self._reader = attachments, reader
        self._kept: OrderedDict[tuple[str, int], RequestImage] = OrderedDict()
        self._given: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def read(self, path: Sequence[Message], is_cancelled: Callable[[], bool]) -> tuple[RequestImage, ...]:
        """The pictures of a branch, root first, each once. One that cannot be read is left out where a tool gave it, or
        it was sent before the last question, and raises UserError otherwise. StoppedError where `is_cancelled` said
        so."""
        asked = max((at for at, message in enumerate(path) if message.role == "user"), default=0)
        parts = {part.sha256: part for message in path for part in images_of(message)}
        needed = {part.sha256 for message in path[asked:] for part in message.parts if isinstance(part, ImagePart)}
        side = side_for(len(parts))
        found = []
        for part in parts.values():
            try:
                found.append(self.look(part, is_cancelled, side))
            except StoppedError:
                raise
            except UserError:
                if part.sha256 in needed:
                    raise
        return tuple(found)

    def shown(self, part: ImagePart, cost: PictureCost | None) -> ShownPicture:
        """One picture as a model is given it that pictures `cost` so much. Raises UserError."""
        image = self.look(part, lambda: False)
        return ShownPicture(image, cost.tokens(image.width, image.height) if cost is not None else None)

    def keep(self, picture: ToolImage) -> ImagePart:
        """Store a picture that a tool gave. Raises UserError."""
        if self._attachments is None:
            raise UserError(tr("Pictures cannot be kept here."))
        part = ImagePart(self._attachments.add(picture.data), picture.media_type)
        with self._lock:
            self._given[part.sha256] = picture.data
        return part

    def keep_given(self, message: Message) -> None:
        """Store once more what tools gave for an answer that is being stored: nothing named it before, so that it may
        have been removed. Raises UserError."""
        for part in images_of(message):
            with self._lock:
                data = self._given.get(part.sha256)
            if data is not None and self._attachments is not None:
                self._attachments.add(data)
            if message.status != "streaming":
                with self._lock:
                    self._given.pop(part.sha256, None)

    def look(self, part: ImagePart, is_cancelled: Callable[[], bool], side: int = USUAL_SIDE) -> RequestImage:
        """One picture with no more than `side` pixels to a side. Raises UserError, StoppedError."""
        key = part.sha256, side
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
        if self._attachments is None or self._reader is None:
            raise UserError(tr("Pictures cannot be read here."))
        image = decoded(part.sha256, self._attachments.read(part.sha256), part.name, self._reader, side, is_cancelled)
        with self._lock:
            self._kept[key] = image
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return image


def decoded(
    sha256: str,
    data: bytes,
    name: str,
    reader: PictureDecoder,
    side: int = USUAL_SIDE,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> RequestImage:
    """The picture in `data`, which messages name by `sha256`. Raises UserError, StoppedError."""
    found = reader.read_image(data, longest_side=side, name=name, is_cancelled=is_cancelled)
    return RequestImage(sha256, found.width, found.height, found.rgb)


def side_for(count: int) -> int:
    """How many pixels `count` pictures may have to a side, so that one message to the engine holds them."""
    return min(USUAL_SIDE, math.isqrt(LARGEST_IMAGES // _COLORS // max(count, 1)))


def images_of(message: Message) -> Iterable[ImagePart]:
    """The pictures that a message names, those that tools gave among them."""
    for part in message.parts:
        if isinstance(part, ImagePart):
            yield part
        elif isinstance(part, ToolResultPart):
            yield from (each for each in part.content if isinstance(each, ImagePart))
