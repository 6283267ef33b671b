"""What any of the interfaces asks of a model, as one value; and what their conversions into it share."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from desktop.conversation import ChatMessage, ImagePart, MessagePart, TextPart
from desktop.engine.generation_options import GenerationOptions
from desktop.image_format import image_format
from desktop.safe_text import repair_surrogates, repair_values
from desktop.server.api_errors import ApiError
from desktop.translation import tr

MOST_IMAGES = 32
MOST_TOOLS = 256


@dataclass(frozen=True)
class ModelRequest:
    """`messages` for the model with the id `model`, and how it is to answer. `prefill` is text that the answer begins
    with. `images` are the files of the pictures that messages name, by their sha256. With `one_call` the answer ends
    behind its first call of a tool."""

    model: str
    messages: tuple[ChatMessage, ...]
    options: GenerationOptions
    prefill: str = ""
    images: dict[str, bytes] = field(default_factory=dict)
    one_call: bool = False
    stream: bool = False


class RequestImages:
    """Collects the pictures of one request."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def add(self, encoded: str, param: str) -> ImagePart:
        """A picture that came as base64. Raises ApiError."""
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise ApiError(400, tr("The image is no base64."), "invalid_image", param) from None
        return self._take(data, param)

    def add_url(self, url: str, param: str) -> ImagePart:
        """A picture in a data: address. Raises ApiError: no other address is followed, as this server sends nothing."""
        head, comma, data = url.partition(",")
        if not head.startswith("data:") or not comma or not head.endswith(";base64"):
            raise ApiError(
                400,
                tr("An image has to come in a data: address with base64: this server fetches nothing from elsewhere."),
                "invalid_image",
                param,
            )
        return self.add(data, param)

    def _take(self, data: bytes, param: str) -> ImagePart:
        kind = image_format(data)
        if kind is None:
            raise ApiError(400, tr("The image is of no format that is taken."), "invalid_image", param)
        sha256 = hashlib.sha256(data).hexdigest()
        self.files[sha256] = data
        if len(self.files) > MOST_IMAGES:
            raise ApiError(400, tr("There are more than {most} images.").format(most=MOST_IMAGES), "too_many_images")
        return ImagePart(sha256, kind.media_type)


def conversation_messages(messages: Iterable[ChatMessage]) -> tuple[tuple[ChatMessage, ...], str]:
    """The messages as chat templates take them, and what the answer begins with: the last message, where it is an
    assistant's, without calls.

    All that the system says stands in one message at the beginning, and messages of one role that follow each other
    become one: many templates refuse anything else. Messages in which nothing stands are left out.
    """
    system: list[str] = []
    joined: list[ChatMessage] = []
    for each in messages:
        if each.role == "system":
            system.append(each.text)
        elif not any(not isinstance(part, TextPart) or part.text for part in each.parts):
            continue
        elif joined and joined[-1].role == each.role:
            joined[-1] = ChatMessage(each.role, _joined(joined[-1].parts, each.parts))
        else:
            joined.append(each)
    prefill = ""
    if joined and joined[-1].role == "assistant" and all(isinstance(part, TextPart) for part in joined[-1].parts):
        prefill = joined.pop().text
    if not joined:
        raise ApiError(400, tr("There is nothing to answer: no message of the user."), "no_messages", "messages")
    said = "\n\n".join(filter(None, system))
    head = (ChatMessage.from_text("system", said),) if said else ()
    return (*head, *joined), prefill


def _joined(first: tuple[MessagePart, ...], second: tuple[MessagePart, ...]) -> tuple[MessagePart, ...]:
    if first and second and isinstance(first[-1], TextPart) and isinstance(second[0], TextPart):
        return (*first[:-1], TextPart(f"{first[-1].text}\n\n{second[0].text}"), *second[1:])
    return (*first, *second)


def json_text(value: Any) -> str:
    """A JSON value of a request as text. Raises ApiError for one that nothing can be done with."""
    try:
        return json.dumps(repair_values(value), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise ApiError(
            400, tr("Something in the request is nested too deeply, or is no JSON."), "invalid_json"
        ) from None


def texts(parts: Sequence[str]) -> tuple[TextPart, ...]:
    """Parts of text, without the empty ones."""
    return tuple(TextPart(repair_surrogates(each)) for each in parts if each)


def refused(param: str, message: str) -> ApiError:
    """What a request asks for and this server does not do."""
    return ApiError(400, message, "unsupported_parameter", param)
