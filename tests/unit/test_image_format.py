"""An image is known by its first bytes, whatever it is called."""

import pytest

from desktop.image_format import image_format


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n more", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"BM and more", "image/bmp"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"GIF8", None),
        (b"\x89PN", None),
        (b"", None),
    ],
)
def test_the_first_bytes_decide(data: bytes, media_type: str | None) -> None:
    found = image_format(data)
    assert (found.media_type if found else None) == media_type
