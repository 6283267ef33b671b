"""Pictures as pixels: turned as the camera was held, on white where they are transparent, the first of moving ones."""

import io
import warnings

from PIL import Image, UnidentifiedImageError

from desktop.documents.reader.refused_file import RefusedFileError
from desktop.documents.reader_messages import LONGEST_SIDE, ImageDecoded

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
_MOST_PIXELS = 64_000_000
"""What is decoded at once: four bytes each, and twice that while it is turned or laid on white."""
_MOST_DRAFTED = 256_000_000
"""Of a JPEG, which can be decoded at a half, a quarter or an eighth of its size."""
_ORIENTATION = 0x0112  # EXIF's tag: what was done to the picture, to be undone
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_image(data: bytes, longest_side: int) -> ImageDecoded:
    """The picture in `data`, with at most `longest_side` pixels to a side. Raises RefusedFileError."""
    Image.MAX_IMAGE_PIXELS = None  # the bounds are these here, before anything is decoded
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return _decoded(image, max(1, min(longest_side, LONGEST_SIDE)))
    except UnidentifiedImageError as error:
        raise RefusedFileError("no-image") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise RefusedFileError("damaged") from error


def _decoded(image: Image.Image, longest_side: int) -> ImageDecoded:
    width, height = image.size
    if width * height > (_MOST_DRAFTED if image.format in ("JPEG", "MPO") else _MOST_PIXELS):
        raise RefusedFileError("image-too-large")
    image.draft("RGB", (longest_side, longest_side))
    if image.width * image.height > _MOST_PIXELS:
        raise RefusedFileError("image-too-large")
    orientation = image.getexif().get(_ORIENTATION, 1)
    turned = orientation in (5, 6, 7, 8)
    image.load()
    upright = _on_white(_shrunk(image, longest_side))
    if orientation in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[orientation])
    return ImageDecoded(
        upright.width,
        upright.height,
        upright.tobytes(),
        height if turned else width,
        width if turned else height,
    )


def _shrunk(image: Image.Image, longest_side: int) -> Image.Image:
    """`image` with no side longer than `longest_side`, in a mode that can be laid on white."""
    if image.mode in ("P", "PA", "LA") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _eight_bits(image)
    elif image.mode not in ("RGB", "RGBA", "RGBX", "L"):
        image = image.convert("RGB")
    factor = min(1.0, longest_side / max(image.size))
    if factor == 1.0:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Gray values of 16 bits or more, from the darkest that occurs to the lightest: Pillow would cut them at 255."""
    gray = image.convert("F")
    extrema = gray.getextrema()
    low, high = float(extrema[0]), float(extrema[1])  # type: ignore[arg-type]
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    scale = 255.0 / (high - low) if high > low else 1.0
    return gray.point(lambda value: value * scale + -low * scale).convert("L")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white
