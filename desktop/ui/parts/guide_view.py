"""A page of the guide: what is written in `resources/guide`, as headings, paragraphs and lists to read."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.label import Label
from desktop.ui.parts.page import ScrollColumn, section_heading
from desktop.ui.theme.design_tokens import COLUMN, S
from desktop.ui.theme.theme import Theme

_LARGEST = 100_000


def guide_blocks(text: str) -> list[tuple[str, str]]:
    """The blocks of a page of the guide, each with its kind: "title", "heading", "item" or "text". A line feed within a
    block is a blank."""
    found: list[tuple[str, str]] = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        joined = " ".join(lines)
        if not joined:
            continue
        if joined.startswith("# "):
            found.append(("title", joined[2:]))
        elif joined.startswith("## "):
            found.append(("heading", joined[3:]))
        elif joined.startswith("- "):
            for line in lines:
                if line.startswith("- "):
                    found.append(("item", line[2:]))
                else:
                    found[-1] = ("item", f"{found[-1][1]} {line}")
        else:
            found.append(("text", joined))
    return found


class GuideView(ScrollColumn):
    """Shows the page in `file`. Its blocks are translated one by one, as strings of the window are."""

    def __init__(self, theme: Theme, file: Path, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("Guide"), COLUMN, parent)
        self._theme = theme
        self.title = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        text = file.read_text(encoding="utf-8")[:_LARGEST]
        for kind, said in guide_blocks(text):
            self._add(kind, tr(said))
        self.rows.addStretch(1)

    def _add(self, kind: str, text: str) -> None:
        if kind == "title":
            self.title = text
        elif kind == "heading":
            self.rows.addSpacing(S)
            self.rows.addWidget(section_heading(self._theme, text))
        elif kind == "text":
            self.rows.addWidget(Label(self._theme, text, wrap=True, selectable=True))
        else:
            row = QHBoxLayout()
            row.setContentsMargins(S, 0, 0, 0)
            row.addWidget(Label(self._theme, "•", color="muted"), 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(Label(self._theme, text, wrap=True, selectable=True), 1)
            row.setSpacing(S)
            self.rows.addLayout(row)
