"""A picture's pixels as the data of a PNG file, which endpoints take in an address."""

import base64
import struct
import zlib

from desktop.engine.request_images import RequestImage


def data_url(image: RequestImage) -> str:
    """`image` as the address of a PNG file that is itself in it (RFC 2397)."""
    return "data:image/png;base64," + base64.b64encode(png_file(image)).decode()


def png_file(image: RequestImage) -> bytes:
    """`image` as a PNG file (https://www.w3.org/TR/png-3/): 8 bits for each of red, green and blue, no filter."""
    row = 3 * image.width
    rows = b"".join(b"\0" + image.rgb[at : at + row] for at in range(0, row * image.height, row))
    head = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
