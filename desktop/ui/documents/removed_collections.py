"""The collections in the bin: a line that offers to bring one back, or to erase it for good."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.documents.document_collection import CollectionState
from desktop.translation import tr, trn
from desktop.ui.parts.confirmation import Confirmation
from desktop.ui.parts.link import Link
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.untrusted_text import add_entry, isolated
from desktop.ui.theme.theme import Theme

_MOST = 20


class RemovedCollections(QWidget):
    """Hidden where there are none. `restore_asked` and `erase_asked` carry the name of one."""

    restore_asked = Signal(str)
    erase_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._names: tuple[str, ...] = ()
        self._asked_about = ""
        self.link = Link(theme, "", name=tr("Removed collections"), size="small")
        self.sure = Confirmation(theme)
        self.sure.yes.setAccessibleName(tr("Erase the collection"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.link)
        column.addWidget(self.sure)
        self.link.clicked.connect(self._open)
        self.sure.confirmed.connect(lambda: self.erase_asked.emit(self._asked_about))
        self.hide()

    def show_removed(self, removed: Sequence[CollectionState]) -> None:
        """Offer these, the last removed first."""
        self._names = tuple(dict.fromkeys(each.name for each in removed))
        count = len(self._names)
        text = trn("{count} removed collection…", "{count} removed collections…", count).format(count=count)
        if text != self.link.text():
            self.link.setText(text)
            self.link.setAccessibleName(text)
            self.link.updateGeometry()
        self.setVisible(bool(count))

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
        question = tr("Erase what was read of “{name}” for good? Its files stay where they are.")
        self.sure.ask(
            question.format(name=isolated(name)), tr("Erase"), tr("Erase the collection"), tr("Keep the collection")
        )
