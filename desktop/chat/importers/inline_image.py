"""Images that stand in an export as text: data URLs (RFC 2397) in base64."""

import base64
import binascii
import hashlib
import re

from desktop.chat.importers.imported_conversation import ImportedAttachment
from desktop.conversation import ImagePart
from desktop.image_format import image_format

_URL = re.compile(r"data:([\w.+/-]*)(?:;[\w.+=-]+)*;base64,", re.ASCII)


def image_from_bytes(data: bytes, name: str = "") -> tuple[ImagePart, ImportedAttachment] | None:
    """An image as a part of a message, with its bytes; None where they are none."""
    found = image_format(data)
    if found is None:
        return None
    sha256 = hashlib.sha256(data).hexdigest()
    return ImagePart(sha256, found.media_type, name), ImportedAttachment(sha256, found.media_type, name, data)


def image_from_url(url: str, name: str = "") -> tuple[ImagePart, ImportedAttachment] | None:
    """The image that a data URL, or base64 alone, holds; None for any other address, which is not asked."""
    found = _URL.match(url)
    if found is None and ":" in url[:64]:
        return None
    try:
        data = base64.b64decode(url[found.end() if found else 0 :], validate=False)
    except (binascii.Error, ValueError):
        return None
    return image_from_bytes(data, name)
