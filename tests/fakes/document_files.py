"""Documents made on the spot: PDF, encrypted as well, and ODT, written by hand."""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from typing import Any

_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_MAY = -44  # what the permissions of an encrypted file allow


def pdf(pages: Sequence[str], *, password: str = "", labels: str = "", extra: str = "") -> bytes:
    """A PDF with one line of Latin-1 on each page, or none; encrypted with RC4 of 40 bits where there is a password.

    `labels` and `extra` are put into its catalog.
    """
    count = len(pages)
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(count))
    objects: dict[int, bytes] = {
        1: f"<< /Type /Catalog /Pages 2 0 R {labels} {extra} >>".encode(),
        2: f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    }
    owner, key = _rc4_keys(password)
    for index, text in enumerate(pages):
        number = 4 + 2 * index
        objects[number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        ).encode()
        lines = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").split("\n")
        drawn = " T* ".join(f"({line}) Tj" for line in lines)
        content = f"BT /F1 12 Tf 14 TL 72 720 Td {drawn} ET".encode("latin-1") if text else b""
        if password:
            salted = key + (number + 1).to_bytes(3, "little") + b"\0\0"
            content = _rc4(hashlib.md5(salted).digest()[:10], content)
        objects[number + 1] = b"<< /Length %d >> stream\n%s\nendstream" % (len(content), content)
    trailer = ""
    if password:
        user = _rc4(key, _PADDING)
        trailer = (
            f"/Encrypt << /Filter /Standard /V 1 /R 2 /O <{owner.hex()}> /U <{user.hex()}> /P {_MAY} >> /ID [<00> <00>]"
        )
    return _assembled(objects, trailer)


def _assembled(objects: dict[int, bytes], trailer: str) -> bytes:
    out, offsets = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number in sorted(objects):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, objects[number]))
    start, size = out.tell(), len(objects) + 1
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(f"trailer << /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def _rc4_keys(password: str) -> tuple[bytes, bytes]:
    """The entry O and the key, by algorithms 2 and 3 of PDF 1.4 (3.5.2); the owner's password is the same."""
    padded = (password.encode("latin-1") + _PADDING)[:32]
    owner = _rc4(hashlib.md5(padded).digest()[:5], padded)
    key = hashlib.md5(padded + owner + (_MAY & 0xFFFFFFFF).to_bytes(4, "little") + b"\0").digest()[:5]
    return owner, key


def _rc4(key: bytes, data: bytes) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) & 255
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) & 255
        j = (j + box[i]) & 255
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) & 255])
    return bytes(out)


_ODT_SPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
)


def odt(body: str, *, styles: str = "", declaration: str = "", manifest: str = "") -> bytes:
    """An ODT with `body` as its office:text, and `styles` as its office:master-styles."""
    members = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "META-INF/manifest.xml": f"<manifest>{manifest}</manifest>",
        "content.xml": f"{declaration}<office:document-content {_ODT_SPACES}><office:body><office:text>{body}"
        "</office:text></office:body></office:document-content>",
        "styles.xml": f"<office:document-styles {_ODT_SPACES}><office:master-styles>{styles}</office:master-styles>"
        "</office:document-styles>",
    }
    return zipped(members)


def zipped(members: dict[str, Any]) -> bytes:
    """A zip of the members, texts or bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def with_member(data: bytes, name: str, content: "str | bytes") -> bytes:
    """The zip in `data`, with another content of one member."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    return zipped({**members, name: content})
