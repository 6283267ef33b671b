"""DOCX: paragraphs and tables in their order, then headers, footers and notes. Tracked changes count as accepted."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.exceptions import PackageNotFoundError
from docx.opc.part import PartFactory
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml
from docx.package import Package
from docx.parts.document import DocumentPart

from desktop.documents.reader.page_writer import PageWriter
from desktop.documents.reader.refused_file import RefusedFileError
from desktop.documents.reader.zip_bounds import check_archive

_OTHER_MAIN_PARTS = (  # with macros, which are not run; templates
    "application/vnd.ms-word.document.macroEnabled.main+xml",
    "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
)
_MARKUP = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
# What is not there when changes are accepted, codes of fields, and the second form of what is there already.
_LEFT_OUT = frozenset(
    (qn("w:del"), qn("w:moveFrom"), qn("w:instrText"), qn("w:delText"), qn("w:pPr"), qn("w:rPr"), qn("w:tblPr"))
) | {f"{_MARKUP}Fallback"}
_CHANGED = (qn("w:del"), qn("w:ins"), qn("w:moveFrom"), qn("w:moveTo"))
_PARAGRAPH, _TABLE, _ROW, _CELL, _TEXT_BOX = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc"), qn("w:txbxContent")
_SIGNS = {
    qn("w:tab"): "\t",
    qn("w:br"): "\n",
    qn("w:cr"): "\n",
    qn("w:noBreakHyphen"): "-",
    qn("w:footnoteReference"): "[^{}]",
    qn("w:endnoteReference"): "[^e{}]",
}
_MOST_HEADING = 6


def read_word_document(data: bytes, pages: PageWriter) -> None:
    """Write the document in `data` as one page. Raises RefusedFileError where it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_archive(archive)
        for content_type in _OTHER_MAIN_PARTS:
            PartFactory.part_type_for[content_type] = DocumentPart
        part = Package.open(io.BytesIO(data)).main_document_part
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise RefusedFileError("damaged") from error
    if not isinstance(part, DocumentPart):
        raise RefusedFileError("damaged")
    document = part.document
    text = WordText(document)
    for block in text.blocks(document.element.body):
        pages.add(block)
    for block in _surroundings(part, text):
        pages.add(block)
    if next(document.element.body.iter(*_CHANGED), None) is not None:
        pages.note("tracked-changes")


class WordText:
    """Text of elements of WordprocessingML; knows which styles are headings."""

    def __init__(self, document: Document) -> None:
        self._levels, self._lists = _styles(document)
        self._in_list = False

    def blocks(self, parent: Any) -> Iterator[str]:
        """Each paragraph with an empty line after it, each table row in a line."""
        for child in parent:
            if child.tag == _PARAGRAPH:
                yield from self._paragraph(child)
            elif child.tag == _TABLE:
                yield from self._list_end()
                yield from self._table(child)
            elif child.tag not in _LEFT_OUT and isinstance(child.tag, str):
                yield from self.blocks(child)

    def line(self, parent: Any) -> str:
        """All text in `parent`, in one line."""
        return " ".join(" ".join(self.blocks(parent)).split())

    def _paragraph(self, paragraph: Any) -> Iterator[str]:
        boxes: list[Any] = []
        text = "".join(_inline(paragraph, boxes)).strip("\n")
        if text.strip():
            style, numbered = paragraph.style, paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None
            level = self._levels.get(style or "", 0)
            if not level and (numbered or style in self._lists):
                self._in_list = True
                yield f"- {text}\n"
            else:
                yield from self._list_end()
                yield f"{'#' * level} {text.strip()}\n\n" if level else f"{text}\n\n"
        for box in boxes:
            yield from self.blocks(box)

    def _list_end(self) -> Iterator[str]:
        """An empty line, where an item of a list was last."""
        if self._in_list:
            self._in_list = False
            yield "\n"

    def _table(self, table: Any) -> Iterator[str]:
        for row in table.iter(_ROW):
            if next(row.iterancestors(_TABLE)) is table:  # one of a table in a cell is in that cell's line
                cells = [cell for cell in row.iter(_CELL) if next(cell.iterancestors(_ROW)) is row]
                yield "\t".join(self.line(cell) for cell in cells).rstrip() + "\n"
        yield "\n"


def _inline(parent: Any, boxes: list[Any]) -> Iterator[str]:
    """The text of a paragraph's elements; text boxes anchored in it are put into `boxes`."""
    for child in parent:
        tag = child.tag
        if tag == qn("w:t"):
            yield child.text or ""
        elif tag in _SIGNS:
            yield _SIGNS[tag].format(child.get(qn("w:id"), ""))
        elif tag == _TEXT_BOX:
            boxes.append(child)
        elif isinstance(tag, str) and tag not in _LEFT_OUT:
            yield from _inline(child, boxes)


def _styles(document: Document) -> tuple[dict[str, int], frozenset[str]]:
    """By the ids of styles: the levels of headings, and those of items of lists."""
    levels: dict[str, int] = {}
    lists: set[str] = set()
    for style in document.styles.element.iter(qn("w:style")):
        name = style.find(qn("w:name"))
        words = (name.get(qn("w:val"), "") if name is not None else "").lower().split()
        if words == ["title"]:
            levels[style.get(qn("w:styleId"), "")] = 1
        elif words[:1] == ["heading"] and words[1:] and words[1].isdecimal():
            levels[style.get(qn("w:styleId"), "")] = min(_MOST_HEADING, max(1, int(words[1][:2])))
        elif words[:2] in (["list", "bullet"], ["list", "number"]):
            lists.add(style.get(qn("w:styleId"), ""))
    return levels, frozenset(lists)


def _surroundings(part: DocumentPart, text: WordText) -> Iterator[str]:
    """What stands around the text: each header and footer once, and the notes with their numbers."""
    seen: set[str] = set()
    for related in _related(part, RELATIONSHIP_TYPE.HEADER, RELATIONSHIP_TYPE.FOOTER):
        line = text.line(_root(related))
        if line and line not in seen:
            seen.add(line)
            yield f"{line}\n\n"
    for kind, mark in ((RELATIONSHIP_TYPE.FOOTNOTES, ""), (RELATIONSHIP_TYPE.ENDNOTES, "e")):
        for related in _related(part, kind):
            for note in _root(related):
                line = "" if note.get(qn("w:type")) else text.line(note)  # separators have a type
                if line:
                    yield f"[^{mark}{note.get(qn('w:id'))}]: {line}\n\n"


def _related(part: DocumentPart, *kinds: str) -> Iterable[Any]:
    return [each.target_part for each in part.rels.values() if each.reltype in kinds and not each.is_external]


def _root(part: Any) -> Any:
    return part.element if hasattr(part, "element") else parse_xml(part.blob)
