"""HTML: its text, with headings, lists and tables told apart. Nothing that it names is loaded, no script is run."""

import re
from collections.abc import Callable
from html.parser import HTMLParser

from desktop.documents.reader.page_writer import PageWriter
from desktop.documents.reader.plain_text import note_encoding
from desktop.documents.reader.text_encoding import TextEncoding, decoded, text_encoding

_DECLARED = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_SAMPLE = 4096
_UNSEEN = frozenset(("script", "style", "template", "noscript", "svg", "math", "iframe", "object", "select"))
_PARAGRAPHS = frozenset(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre", "article", "section",
     "header", "footer", "nav", "main", "aside", "figure", "form", "title", "hr")
)  # fmt: skip
_LINES = frozenset(("div", "br", "tr", "li", "dt", "dd", "caption", "option", "legend", "address", "figcaption"))
_CELLS = frozenset(("td", "th"))


def read_html(data: bytes, pages: PageWriter) -> None:
    """Write the text of the page in `data`."""
    encoding = html_encoding(data)
    note_encoding(encoding, pages)
    text = HtmlText(pages.add)
    for piece in decoded(data, encoding):
        text.feed(piece)
    text.close()


def html_encoding(data: bytes) -> TextEncoding:
    """What the page says that it is written in, where its bytes do not say otherwise. Raises RefusedFileError."""
    found = text_encoding(data)
    declared = _DECLARED.search(data[:_SAMPLE])
    if not found.guessed or declared is None:
        return found
    name = declared[1].decode("ascii")
    try:
        "".encode(name)
        return TextEncoding("cp1252" if name.lower() in ("iso-8859-1", "latin1", "us-ascii") else name)
    except (LookupError, ValueError):
        return found


class HtmlText(HTMLParser):
    """Parses HTML fed to it and gives its text to `write`, line by line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__(convert_charrefs=True)
        self._write = write
        self._skipping: list[str] = []
        self._line: list[str] = []
        self._pending_breaks = 0
        self._written = False
        self._verbatim = 0

    def handle_starttag(self, tag: str, attrs: "list[tuple[str, str | None]]") -> None:
        if tag in _UNSEEN:
            self._skipping.append(tag)
        elif self._skipping:
            return
        elif tag in _PARAGRAPHS:
            self._break(2)
            self._verbatim += tag == "pre"
            if tag[0] == "h" and tag[1:].isdecimal():
                self._line.append(f"{'#' * int(tag[1:])} ")
        elif tag in _LINES:
            self._break(1)
            if tag == "li":
                self._line.append("- ")
        elif tag in _CELLS and "".join(self._line).strip():
            self._line.append("\t")
        elif tag == "img":
            self._line.append(next((f"[{value}]" for name, value in attrs if name == "alt" and value), ""))

    def handle_startendtag(self, tag: str, attrs: "list[tuple[str, str | None]]") -> None:
        if tag not in _UNSEEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._skipping:
            while self._skipping.pop() != tag:
                pass
        elif self._skipping:
            return
        elif tag in _PARAGRAPHS:
            self._break(2)
            self._verbatim = max(0, self._verbatim - (tag == "pre"))
        elif tag in _LINES:
            self._break(1)

    def handle_data(self, data: str) -> None:
        if self._skipping:
            return
        if self._verbatim:
            *lines, rest = data.split("\n")
            for line in lines:
                self._line.append(line)
                self._break(1)
            self._line.append(rest)
        else:
            self._line.append(re.sub(r"[ \t\n\r\f]+", " ", data))

    def close(self) -> None:
        super().close()
        self._break(1)

    def _break(self, breaks: int) -> None:
        """End the line that is being written, and have `breaks` line feeds before the next one."""
        text = "".join(self._line)
        self._line = []
        if text.strip():
            line = text.rstrip() if self._verbatim else re.sub(" +", " ", text).strip(" ")
            self._write("\n" * (min(2, self._pending_breaks) if self._written else 0) + line)
            self._written, self._pending_breaks = True, breaks
        elif self._verbatim and breaks == 1:
            self._pending_breaks = 2
        else:
            self._pending_breaks = max(self._pending_breaks, breaks)
