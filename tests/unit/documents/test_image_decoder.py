"""Pictures become pixels: upright, on white, the first of several, within bounds."""

import io
import zlib
from typing import Any

import pytest
from PIL import Image

from desktop.documents.reader import image_decoder
from desktop.documents.reader.image_decoder import decode_image
from desktop.documents.reader.refused_file import RefusedFileError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def picture(*pixels: tuple[int, ...], width: int = 2, mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (width, len(pixels) // width))
    image.putdata(list(pixels))
    return image


def pixels(data: bytes, longest_side: int = 100) -> list[tuple[int, ...]]:
    rgb = decode_image(data, longest_side).rgb
    return [tuple(rgb[index : index + 3]) for index in range(0, len(rgb), 3)]


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP"])
def test_formats_without_loss_give_their_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    assert pixels(encoded(picture(RED, GREEN, BLUE, WHITE), kind, **options)) == [RED, GREEN, BLUE, WHITE]


def test_what_is_transparent_lies_on_white() -> None:
    data = encoded(picture((255, 0, 0, 255), (255, 0, 0, 0), mode="RGBA"), "PNG")
    assert pixels(data) == [RED, WHITE]
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putdata([0, 1])
    assert pixels(encoded(palette, "PNG", transparency=1)) == [RED, WHITE]


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(1, [RED, GREEN]), (2, [GREEN, RED]), (3, [GREEN, RED]), (6, [RED, GREEN]), (8, [GREEN, RED])],
)
def test_a_picture_is_turned_as_the_camera_was_held(orientation: int, expected: list[tuple[int, ...]]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode_image(encoded(picture(RED, GREEN), "PNG", exif=exif), 100)
    size = (1, 2) if orientation in (6, 8) else (2, 1)
    assert (decoded.width, decoded.height) == (decoded.original_width, decoded.original_height) == size
    assert [tuple(decoded.rgb[index : index + 3]) for index in (0, 3)] == expected


def test_of_moving_pictures_the_first_is_taken() -> None:
    others = [picture(GREEN, GREEN), picture(BLUE, BLUE)]
    assert pixels(encoded(picture(RED, RED), "GIF", save_all=True, append_images=others)) == [RED, RED]


def test_gray_of_sixteen_bits_keeps_its_grays() -> None:
    image = Image.new("I;16", (2, 1))
    image.putdata([0, 32768])
    assert pixels(encoded(image, "PNG")) == [(0, 0, 0), (127, 127, 127)]


@pytest.mark.parametrize(("size", "expected"), [((400, 100), (50, 12)), ((1, 300), (1, 50)), ((30, 20), (30, 20))])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_is_made_smaller_and_never_larger(
    size: tuple[int, int], expected: tuple[int, int], kind: str
) -> None:
    decoded = decode_image(encoded(Image.new("RGB", size, RED), kind), 50)
    assert (decoded.width, decoded.height) == expected
    assert (decoded.original_width, decoded.original_height) == size
    assert len(decoded.rgb) == 3 * expected[0] * expected[1]


def test_a_picture_of_too_many_pixels_is_refused_but_a_jpeg_is_decoded_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_decoder, "_MOST_PIXELS", 10_000)
    monkeypatch.setattr(image_decoder, "_MOST_DRAFTED", 100_000)
    assert decode_image(encoded(Image.new("RGB", (300, 300), RED), "JPEG"), 50).width == 50
    for image, kind in (((300, 300), "PNG"), ((400, 300), "JPEG")):
        with pytest.raises(RefusedFileError, match="image-too-large"):
            decode_image(encoded(Image.new("RGB", image, RED), kind), 50)


def test_a_bomb_is_refused_by_what_it_says_of_its_size() -> None:
    data = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(RefusedFileError, match="image-too-large"):
        decode_image(bytes(data), 50)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no-image"),
        (b"words", "no-image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no-image"),
        (encoded(picture(RED, GREEN), "PNG")[:50], "damaged"),
        (encoded(Image.new("RGB", (64, 64), RED), "JPEG")[:-300], "damaged"),
    ],
)
def test_what_is_no_sound_picture_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(RefusedFileError, match=problem):
        decode_image(data, 50)
