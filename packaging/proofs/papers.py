"""Documents that try to bring something from elsewhere when they are read, and a picture."""

import struct
import zlib
from pathlib import Path

from tests.fakes.document_files import pdf

NAMED = "http://192.0.2.7/seen.png"
_PAGES = ("Chapter 1. Gates\nA gate keeps a record.", "Chapter 2. Access\nPublishers may revoke access at any time.")
_MORE = [
    f"Chapter {at}. Of the rest\n" + "There is nothing else to be told. \n" * 40 for at in range(3, 15)
]  # not whole
_PAGE = f"""<!doctype html><html><head><link rel="stylesheet" href="{NAMED}"><script src="{NAMED}"></script>
<meta http-equiv="refresh" content="0;url={NAMED}"></head><body><p>Wolves live in the north of the country.</p>
<img src="{NAMED}" srcset="{NAMED} 2x"><iframe src="{NAMED}"></iframe><object data="{NAMED}"></object></body></html>"""
_MAIL = f"""From: Ada <ada@example.com>\nTo: Bob <bob@example.com>\nSubject: The boiler\nMIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b\nDisposition-Notification-To: ada@example.com\n
--b\nContent-Type: text/plain\n\nThe boiler was replaced on Monday, see {NAMED}
--b\nContent-Type: text/html\n\n<p>The boiler was replaced on Monday.</p><img src="{NAMED}">
--b\nContent-Type: message/external-body; access-type=URL; URL="{NAMED}"\n\nContent-Type: image/png\n\n--b--
"""
_DRAWING = f"""<!DOCTYPE a [<!ENTITY e SYSTEM "{NAMED}"><!ENTITY % p SYSTEM "{NAMED}">]>
<a>&e;<image href="{NAMED}"/></a>"""
_OPENS = f"/OpenAction << /S /URI /URI ({NAMED}) >> /AA << /O << /S /GoToR /F ({NAMED}) >> >>"


def make_papers(folder: Path) -> list[Path]:
    """Write a PDF, a picture and, in the folder "papers", a page, a mail and an XML file; the first two."""
    papers = folder / "papers"
    papers.mkdir(parents=True)
    for name, text in (("page.html", _PAGE), ("mail.eml", _MAIL), ("drawing.xml", _DRAWING)):
        (papers / name).write_text(text, encoding="utf-8")
    survey, picture = folder / "survey.pdf", folder / "picture.png"
    survey.write_bytes(pdf([*_PAGES, *_MORE], extra=_OPENS))
    picture.write_bytes(_png(40, 30))
    return [survey, picture]


def _png(width: int, height: int) -> bytes:
    rows = (b"\0" + bytes((200, 90, 30)) * width) * height
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    checked = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(checked)
