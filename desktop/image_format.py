"""The formats of images that Latchkey takes, shows and exports: raster formats, told by how the bytes begin.

Whatever a file's name or its sender says: the first bytes decide.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageFormat:
    """A format by its name, which is Qt's as well, with its media type and the usual end of such a file's name."""

    name: str
    media_type: str
    suffix: str


_PNG = ImageFormat("png", "image/png", "png")
_JPEG = ImageFormat("jpeg", "image/jpeg", "jpg")
_GIF = ImageFormat("gif", "image/gif", "gif")
_BMP = ImageFormat("bmp", "image/bmp", "bmp")
_WEBP = ImageFormat("webp", "image/webp", "webp")
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", _JPEG),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"BM", _BMP),
)


def image_format(data: bytes) -> ImageFormat | None:
    """The format of the image in `data`; None for what is none, or of another format."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _WEBP
    return next((found for begins, found in _BEGINNINGS if data.startswith(begins)), None)
