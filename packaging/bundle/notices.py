"""The third-party notices of a bundle: what is inside, and the texts of all its licenses, each text once."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from bundle import rust_crates
from bundle.embedded import LICENSES, TABLE
from bundle.part import Part

_RULE = "=" * 78
_COMMON = Path("/usr/share/common-licenses")
_QT_NOTICE = """\
Qt {version} is used under the GNU Lesser General Public License, version 3. Its text and that of the GNU General Public
License, to which it refers, stand below.

Where the source is: https://download.qt.io/official_releases/QtForPython/ (PySide6 and Shiboken) and
https://download.qt.io/official_releases/qt/ (Qt), both in version {version}. Latchkey does not change them. Whoever
hands this bundle on has to keep that source available for as long.

How to replace them: Qt, PySide6 and Shiboken are shared libraries in the folder "_internal", in PySide6/ and shiboken6/
below it. Put others of the same major version in their place, built from that source as you changed it, and start
Latchkey again. Nothing checks or prevents that. Taking Latchkey apart to find out why a changed library does not work
with it is allowed.
"""
_ICONV = """\
lxml's wheels have GNU libiconv linked into lxml/etree. It is used under the GNU Lesser General Public License, version
2.1 or later, whose text stands below. Its source is at https://ftp.gnu.org/gnu/libiconv/, and that of lxml, from which
etree is built against a libiconv that you changed, on the Python Package Index (lxml {version}). Put the library that
you built in the place of the one in "_internal/lxml".
"""


def third_party_notices(parts: Sequence[Part]) -> str:
    """The notices of `parts`. Raises OSError where a text cannot be read."""
    others = [part for part in parts if part.name != "latchkey"]
    lines = [
        "Third-party notices of Latchkey",
        "",
        "Latchkey itself is licensed under Apache-2.0. This bundle also holds what is listed here.",
        "",
    ]
    for part in others:
        inside = f", inside {part.holder}" if part.holder else ""
        lines.append(f"  {part.name} {part.version}{inside}: {part.license or 'see its text below'}".rstrip())
    for part in others:
        if part.name == "qt":
            lines += ["", _RULE, "Qt and its libraries", _RULE, "", _QT_NOTICE.format(version=part.version).rstrip()]
        if part.name == "libiconv":
            holder = next((each.version for each in others if each.name == part.holder), "")
            lines += ["", _RULE, "GNU libiconv", _RULE, "", _ICONV.format(version=holder).rstrip()]
    if bare := rust_crates.without_notice(others):
        lines += ["", "Of these crates the license is known, and no copyright notice was at hand: " + ", ".join(bare)]
    texts, users = license_texts(others)
    for digest, text in texts.items():
        lines += ["", _RULE, ", ".join(dict.fromkeys(users[digest])), _RULE, "", text.rstrip()]
    return "\n".join(lines) + "\n"


def license_texts(parts: Sequence[Part]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Every text of `parts` once, by its digest, and the names of those that it belongs to.

    A Debian package's copyright file refers to texts in `common-licenses`: those are texts of it, too.
    """
    texts: dict[str, str] = {}
    users: dict[str, list[str]] = {}
    for part in parts:
        for path in (*part.texts, *_common_texts(part)):
            text = path.read_text(encoding="utf-8", errors="replace")
            digest = hashlib.sha256(" ".join(text.split()).encode()).hexdigest()
            texts.setdefault(digest, text)
            users.setdefault(digest, []).append(f"{part.name} {part.version}".strip())
    return texts, users


def without_text(parts: Sequence[Part]) -> list[Part]:
    """The parts of which no license text is at hand, theirs or their holder's."""
    with_text = {part.name for part in parts if part.texts}
    return [part for part in parts if not part.texts and part.holder not in with_text]


def _common_texts(part: Part) -> list[Path]:
    if part.kind != "debian":
        return []
    told = "".join(each.read_text(encoding="utf-8", errors="replace") for each in part.texts)
    names = sorted(each.name for each in _COMMON.iterdir() if not each.is_symlink()) if _COMMON.is_dir() else []
    return [_COMMON / name for name in names if f"{_COMMON}/{name}" in told.replace(f"{name}.", f"{name} ")]


_QT = TABLE["pyside6-essentials"]["qt"]
STANDARD_TEXTS = {
    "MIT": (LICENSES / "mit.txt",),
    _QT.license: tuple(LICENSES / text for text in _QT.texts),
}
"""For parts that declare a license and bring no text."""
OWN_TEXTS = {"latex2mathml": (LICENSES / "bundled" / "latex2mathml.txt",)}
"""Of those, the parts whose own text is here, with its copyright notice."""
