"""A call of a tool and its result, as values: what is sent was checked, what came back is bounded and harmless."""

import base64
import binascii
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from desktop.byte_size import size_text
from desktop.conversation import PassagePart
from desktop.image_format import image_format
from desktop.safe_text import escape_controls, one_line, repair_surrogates, repair_values
from desktop.tools.server_tool import nested_deeper
from desktop.translation import tr

LARGEST_ARGUMENTS = 256 << 10
LONGEST_TEXT = 100_000
LARGEST_IMAGE = 8 << 20
MOST_PARTS = 64
_DEEPEST_ARGUMENTS = 32


class ToolArgumentsError(Exception):
    """Arguments that are not JSON, or do not fit the tool's schema; the text says why, for the model and the person."""


@dataclass(frozen=True)
class ToolText:
    """Text of a result, without characters that act. `cut` says that the server sent more."""

    text: str
    cut: bool = False


@dataclass(frozen=True)
class ToolImage:
    """A picture of a result; the media type is what its bytes say."""

    media_type: str
    data: bytes


@dataclass(frozen=True)
class ToolResult:
    """What a tool gave. `failed`: the tool says that it could not do it. `size` is what the server sent, in bytes.
    `passages` are those of the chat's documents that its text holds, under the numbers that it names."""

    parts: tuple[ToolText | ToolImage, ...]
    failed: bool = False
    size: int = 0
    seconds: float = 0.0
    passages: tuple[PassagePart, ...] = ()

    @property
    def text(self) -> str:
        """Its text parts, one after another."""
        return "\n".join(part.text for part in self.parts if isinstance(part, ToolText))


def parse_arguments(text: str) -> dict[str, Any]:
    """The arguments that a model or a person wrote as JSON. Raises ToolArgumentsError."""
    if len(text) > LARGEST_ARGUMENTS:
        raise ToolArgumentsError(tr("the arguments are longer than {size}").format(size=size_text(LARGEST_ARGUMENTS)))
    try:
        value = json.loads(text or "{}", parse_constant=_no_number, parse_float=_number, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ToolArgumentsError(
            tr("the arguments are no JSON: {reason}").format(reason=one_line(str(error)))
        ) from None
    if not isinstance(value, dict):
        raise ToolArgumentsError(tr("the arguments are no JSON object"))
    if nested_deeper(value, _DEEPEST_ARGUMENTS):
        raise ToolArgumentsError(tr("the arguments are nested too deeply"))
    repaired: dict[str, Any] = repair_values(value)
    return repaired


def harmless_result(
    content: Iterable[dict[str, Any]], structured: Any, *, failed: bool, size: int, seconds: float
) -> ToolResult:
    """A result out of MCP's `content` blocks; `structured` counts where there is no content.

    Text ends after LONGEST_TEXT characters in all, images are taken by their first bytes, and nothing that a block
    names is fetched.
    """
    parts: list[ToolText | ToolImage] = []
    room = LONGEST_TEXT
    for block in content:
        if len(parts) == MOST_PARTS or room <= 0:
            parts.append(ToolText(tr("[The rest of the result was left out.]"), cut=True))
            break
        part = _image(block) or _text(block, room)
        room -= len(part.text) if isinstance(part, ToolText) else 0
        parts.append(part)
    if not parts and structured is not None:
        parts.append(_bounded(json.dumps(repair_values(structured), ensure_ascii=False, indent=1), room))
    return ToolResult(tuple(parts), failed, size, seconds)


def _text(block: dict[str, Any], room: int) -> ToolText:
    resource = block.get("resource")
    match block.get("type"):
        case "text":
            return _bounded(str(block.get("text", "")), room)
        case "resource" if isinstance(resource, dict) and isinstance(resource.get("text"), str):
            return _bounded(resource["text"], room)
        case "resource_link":
            return ToolText(tr("[A link, not opened: {address}]").format(address=one_line(str(block.get("uri"))[:500])))
    kind = one_line(str(block.get("mimeType") or block.get("type"))[:60])
    return ToolText(tr("[A part of the kind {kind} is not shown.]").format(kind=kind))


def _bounded(text: str, room: int) -> ToolText:
    return ToolText(escape_controls(repair_surrogates(text[:room])), cut=len(text) > room)


def _image(block: dict[str, Any]) -> ToolImage | None:
    data = block.get("data")
    if block.get("type") != "image" or not isinstance(data, str) or len(data) > LARGEST_IMAGE * 4 // 3 + 4:
        return None
    try:
        found = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    known = image_format(found)
    return ToolImage(known.media_type, found) if known is not None else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # which of them counts is a matter of who reads it
        raise ValueError("a name stands twice in an object")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number that JSON can hold")


def _number(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text[:40])
