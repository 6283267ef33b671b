"""ODT: paragraphs, headings, lists, tables and notes, read as a stream. Tracked changes count as accepted."""

import io
import zipfile
from collections.abc import Callable
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from desktop.documents.reader.page_writer import PageWriter
from desktop.documents.reader.refused_file import RefusedFileError
from desktop.documents.reader.zip_bounds import check_archive, read_member

_CHUNK = 1 << 18
_LARGEST_MANIFEST = 4 << 20
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_LEFT_OUT = frozenset((f"{_TEXT}tracked-changes", f"{_OFFICE}annotation", f"{_TEXT}note-citation"))
_BLOCKS = frozenset((f"{_TEXT}p", f"{_TEXT}h"))
_ENDING_WITH_EMPTY_LINE = frozenset((f"{_TEXT}list", f"{_TABLE}table"))
_AROUND = frozenset(f"{_STYLE}{name}" for name in ("header", "footer", "header-first", "footer-first", "header-left"))
_MOST_SPACES, _MOST_HEADING = 1000, 6


def read_open_document(data: bytes, pages: PageWriter) -> None:
    """Write the text in `data` as one page. Raises RefusedFileError where it is none, or encrypted."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_archive(archive)
            names = frozenset(archive.namelist())
            if "META-INF/manifest.xml" in names:
                manifest = read_member(archive, "META-INF/manifest.xml", _LARGEST_MANIFEST)
                if b"encryption-data" in manifest:
                    raise RefusedFileError("office-encrypted")
            body = OpenDocumentText(pages.add)
            _feed(archive, "content.xml", body)
            if "styles.xml" in names:
                _feed(archive, "styles.xml", OpenDocumentText(pages.add, within=_AROUND))
    except (zipfile.BadZipFile, KeyError, ParseError) as error:
        raise RefusedFileError("damaged") from error
    except DefusedXmlException as error:  # entities, which grow without end
        raise RefusedFileError("bomb") from error
    if body.has_changes:
        pages.note("tracked-changes")


def _feed(archive: zipfile.ZipFile, name: str, target: "OpenDocumentText") -> None:
    parser = DefusedXMLParser(target=target)
    with archive.open(name) as member:
        while chunk := member.read(_CHUNK):
            parser.feed(chunk)
    parser.close()


class OpenDocumentText:
    """Takes the events of a parser and gives text to `write`. With `within` only what stands in such elements."""

    def __init__(self, write: Callable[[str], None], within: frozenset[str] = frozenset()) -> None:
        self.has_changes = False
        self._write = write
        self._within = within
        self._inside = 0 if within else 1
        self._left_out = 0
        self._blocks: list[list[str]] = []
        self._cells: list[list[str]] = []
        self._lists = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._inside += tag in self._within
        if self._left_out or tag in _LEFT_OUT:
            self._left_out += 1
            self.has_changes = self.has_changes or tag == f"{_TEXT}tracked-changes"
            return
        if tag in _BLOCKS:
            level = attributes.get(f"{_TEXT}outline-level", "1") if tag == f"{_TEXT}h" else ""
            self._blocks.append([f"{'#' * min(_MOST_HEADING, int(level))} "] if level.isdecimal() else [])
        elif tag == f"{_TEXT}list-item":
            self._lists += 1
        elif tag == f"{_TABLE}table-row":
            self._cells.append([])
        elif tag == f"{_TABLE}table-cell" and self._cells:
            self._cells[-1].append("")
        elif tag == f"{_TEXT}note-body":
            self.data(" [")
        else:
            self.data(_sign(tag, attributes))

    def data(self, text: str) -> None:
        if self._blocks and not self._left_out:
            self._blocks[-1].append(text)

    def end(self, tag: str) -> None:
        if self._left_out:
            self._left_out -= 1
        elif tag in _BLOCKS and self._blocks:
            self._finish_block("".join(self._blocks.pop()))
        elif tag == f"{_TEXT}list-item":
            self._lists -= 1
        elif tag in _ENDING_WITH_EMPTY_LINE and self._inside and not (self._lists or self._cells or self._blocks):
            self._write("\n")
        elif tag == f"{_TABLE}table-row" and self._cells:
            self._finish_row(self._cells.pop())
        elif tag == f"{_TEXT}note-body":
            self.data("]")
        self._inside -= tag in self._within

    def close(self) -> None:
        """The parser is done."""

    def _finish_block(self, text: str) -> None:
        line = text.strip("\n")
        if self._blocks:  # in a note or a text box: part of what it stands in
            self._blocks[-1].append(" ".join(line.split()))
        elif self._cells and self._cells[-1]:
            self._cells[-1][-1] = f"{self._cells[-1][-1]} {' '.join(line.split())}".strip()
        elif line.strip() and self._inside:
            self._write(f"- {line}\n" if self._lists else f"{line}\n\n")

    def _finish_row(self, cells: list[str]) -> None:
        line = "\t".join(cells).rstrip()
        if self._cells and self._cells[-1]:  # a table in a cell
            self._cells[-1][-1] = f"{self._cells[-1][-1]} {line}".strip()
        elif line and self._inside:
            self._write(f"{line}\n")


def _sign(tag: str, attributes: dict[str, str]) -> str:
    """What an empty element stands for."""
    if tag == f"{_TEXT}s":
        count = attributes.get(f"{_TEXT}c", "1")
        return " " * (min(_MOST_SPACES, int(count)) if count.isdecimal() and len(count) < 9 else 1)
    return {f"{_TEXT}tab": "\t", f"{_TEXT}line-break": "\n"}.get(tag, "")
