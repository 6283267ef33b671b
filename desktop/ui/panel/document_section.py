"""The panel's part about documents: which collections answers look in, and the files attached to this chat."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.conversation import AttachedFilePart
from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.choice_row import ChoiceRow
from desktop.ui.parts.label import Label
from desktop.ui.parts.page import section_heading
from desktop.ui.parts.untrusted_text import isolated, plain_line, set_tool_tip
from desktop.ui.theme.design_tokens import XS
from desktop.ui.theme.theme import Theme

_MOST_FILES = 12


@dataclass(frozen=True)
class OfferedCollection:
    """A collection that answers may look in. `detail` says in a few words how large it is, or that it is gone."""

    name: str
    detail: str = ""
    is_here: bool = True


class DocumentSection(QWidget):
    """`chosen` carries the names of the collections to look in, `file_asked` an `AttachedFilePart` to be shown;
    `page_asked` where collections are to be made."""

    chosen = Signal(tuple)
    file_asked = Signal(object)
    page_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._offered: tuple[OfferedCollection, ...] = ()
        self._own: tuple[str, ...] = ()
        self._inherited: tuple[str, ...] = ()
        self._files: tuple[AttachedFilePart, ...] = ()
        self._boxed: list[OfferedCollection] = []
        self.boxes: list[ChoiceRow] = []
        self.file_buttons: list[Button] = []
        self._says = Label(theme, "", size="small", color="muted", wrap=True)
        self.page_button = Button(theme, "", kind="quiet", size="small")
        self.page_button.clicked.connect(self.page_asked)
        self._files_heading = Label(theme, tr("Files in this chat"), size="small", color="muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addWidget(section_heading(theme, tr("Documents")))
        column.addWidget(self._says)
        self._rows, self._file_rows = QVBoxLayout(), QVBoxLayout()
        for rows in (self._rows, self._file_rows):
            rows.setSpacing(0)
        column.addLayout(self._rows)
        column.addWidget(self.page_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._files_heading)
        column.addLayout(self._file_rows)
        self._show()

    def show_collections(self, offered: Sequence[OfferedCollection]) -> None:
        """These are the collections that there are."""
        if tuple(offered) != self._offered:
            self._offered = tuple(offered)
            self._show()

    def show_chosen(self, own: Sequence[str], inherited: Sequence[str]) -> None:
        """Answers look in `own`; where that is none, in those `inherited` from the folder."""
        if (tuple(own), tuple(inherited)) != (self._own, self._inherited):
            self._own, self._inherited = tuple(own), tuple(inherited)
            self._show()

    def show_files(self, files: Sequence[AttachedFilePart]) -> None:
        """These files are attached to messages of this chat."""
        if tuple(files) == self._files:
            return
        self._files = tuple(files)
        for button in self.file_buttons:
            button.hide()
            button.deleteLater()
        self.file_buttons = [self._file_button(part) for part in files[:_MOST_FILES]]
        self._files_heading.setVisible(bool(files))
        left = len(files) - _MOST_FILES
        said = tr("Files in this chat")
        more = trn("{said}, and 1 more", "{said}, and {count} more", left).format(said=said, count=left)
        self._files_heading.setText(more if left > 0 else said)

    def _file_button(self, part: AttachedFilePart) -> Button:
        pages = trn("1 page", "{count} pages", part.pages).format(count=f"{part.pages:,}") if part.pages else ""
        button = Button(self._theme, part.name, kind="row", size="small")
        button.set_detail(pages)
        name = tr("Show what was read of {name}").format(name=isolated(plain_line(part.name)))
        button.setAccessibleName(name)
        set_tool_tip(button, part.name)
        button.clicked.connect(lambda: self.file_asked.emit(part))
        self._file_rows.addWidget(button)
        return button

    def _show(self) -> None:
        known = {each.name for each in self._offered}
        gone = [OfferedCollection(name, tr("not here"), is_here=False) for name in self._own if name not in known]
        offered = [*self._offered, *gone]
        focused = next((box.name for box in self.boxes if box.hasFocus()), None)
        if self._boxed != offered:
            self._boxed = offered
            for box in self.boxes:
                self._rows.removeWidget(box)
                box.hide()
                box.deleteLater()
            self.boxes = [self._box(each) for each in offered]
        for box in self.boxes:
            box.blockSignals(True)
            box.setChecked(box.name in (self._own or self._inherited))
            box.blockSignals(False)
            if box.name == focused:
                box.setFocus(Qt.FocusReason.OtherFocusReason)
        self._says.setText(self._sentence())
        self.page_button.setText(tr("Collections…") if self._offered else tr("Make a collection…"))
        self.page_button.setAccessibleName(self.page_button.text())
        self._files_heading.setVisible(bool(self._files))

    def _sentence(self) -> str:
        if not self._offered:
            return tr("A collection is a folder of your documents, which answers can look in.")
        if not self._own and self._inherited:
            return tr("Answers look in what the folder says, until you choose here.")
        return tr("Answers look in these for passages that fit the question.")

    def _box(self, offered: OfferedCollection) -> ChoiceRow:
        spoken = tr("Look in {name}").format(name=plain_line(offered.name))
        box = ChoiceRow(self._theme, offered.name, offered.detail, spoken)
        box.toggled.connect(lambda on: self._turn(offered.name, on))
        self._rows.addWidget(box)
        box.show()
        return box

    def _turn(self, name: str, on: bool) -> None:
        now = [each for each in (self._own or self._inherited) if each != name]
        self.chosen.emit((*now, name) if on else tuple(now))
