"""What was removed and is kept: a line that offers to bring one back, or to erase it for good."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.confirmation import Confirmation
from desktop.ui.parts.link import Link
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.untrusted_text import add_entry, isolated
from desktop.ui.theme.theme import Theme

_MOST = 20


@dataclass(frozen=True)
class RemovedWords:
    """How the line speaks: its accessible name, its text for so many, the `question` about {name} before it is erased,
    and the accessible names of both answers."""

    title: str
    count: Callable[[int], str]
    question: str
    erase: str
    keep: str


class RemovedNames(QWidget):
    """Hidden where there are none. `restore_asked` and `erase_asked` carry the name of one."""

    restore_asked = Signal(str)
    erase_asked = Signal(str)

    def __init__(self, theme: Theme, words: RemovedWords, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._words = theme, words
        self._names: tuple[str, ...] = ()
        self._asked_about = ""
        self.link = Link(theme, "", name=words.title, size="small")
        self.sure = Confirmation(theme)
        self.sure.yes.setAccessibleName(words.erase)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.link)
        column.addWidget(self.sure)
        self.link.clicked.connect(self._open)
        self.sure.confirmed.connect(lambda: self.erase_asked.emit(self._asked_about))
        self.hide()

    def show_removed(self, names: Sequence[str]) -> None:
        """Offer these, the last removed first."""
        self._names = tuple(dict.fromkeys(names))
        text = self._words.count(len(self._names))
        if text != self.link.text():
            self.link.setText(text)
            self.link.setAccessibleName(text)
            self.link.updateGeometry()
        self.setVisible(bool(self._names))

    def _open(self) -> None:
        menu = make_menu(self._theme, self)
        for name in self._names[:_MOST]:
            entry = add_entry(menu, tr("Bring back “{name}”").format(name=isolated(name)))
            entry.triggered.connect(lambda _=False, wanted=name: self.restore_asked.emit(wanted))
        menu.addSeparator()
        for name in self._names[:_MOST]:
            entry = add_entry(menu, tr("Erase “{name}” for good…").format(name=isolated(name)))
            entry.triggered.connect(lambda _=False, wanted=name: self._ask(wanted))
        menu.popup(self.link.mapToGlobal(self.link.rect().bottomLeft()))

    def _ask(self, name: str) -> None:
        self._asked_about = name
        question = self._words.question.format(name=isolated(name))
        self.sure.ask(question, tr("Erase"), self._words.erase, self._words.keep)
