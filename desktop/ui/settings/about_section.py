"""What Latchkey is: its version and those of what it stands on, and whether there is a newer one, when asked."""

import platform
from pathlib import Path

from PySide6 import __version__ as pyside_version
from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop import __version__
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.link import Link
from desktop.ui.parts.setting_controls import set_hint, setting_row
from desktop.ui.theme.design_tokens import M
from desktop.ui.theme.theme import Theme

NOTICES = Path(__file__).resolve().parents[3] / "THIRD-PARTY-NOTICES.txt"
"""In a bundle, the texts of all licenses inside it (packaging/bundle/account.py); elsewhere it is not there."""


class AboutSection(QWidget):
    """Emits `update_asked` where a newer version is to be looked for, and `page_asked` with the address of its page."""

    update_asked = Signal()
    page_asked = Signal(str)

    def __init__(self, theme: Theme, notices: Path | None = NOTICES, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(M)
        text = tr("Latchkey {version}, under the Apache License 2.0").format(version=__version__)
        parts = (f"Python {platform.python_version()}", f"PySide {pyside_version}", _llama_version())
        versions = " · ".join(part for part in parts if part)
        copy = Button(theme, tr("Copy"), name=tr("Copy versions"))
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(f"Latchkey {__version__} · {versions}"))
        column.addLayout(setting_row(theme, text, versions, copy)[0])
        if notices is not None and notices.is_file():
            place = Button(theme, tr("Copy"), name=tr("Copy where the licenses are"))
            place.clicked.connect(lambda: QGuiApplication.clipboard().setText(str(notices)))
            column.addLayout(setting_row(theme, tr("Licenses of what is inside"), str(notices), place)[0])
        self._page = ""
        self.link = Link(theme, tr("Its page…"), name=tr("Page of the newer version"))
        self.link.clicked.connect(lambda: self.page_asked.emit(self._page))
        self.check = Button(theme, tr("Check now"), name=tr("Check for a newer version"))
        self.check.clicked.connect(self._ask)
        name = tr("Newer versions")
        row, self.says = setting_row(theme, name, _unasked(), self.link, self.check)
        self.link.hide()
        column.addLayout(row)

    def show_found(self, text: str, page: str = "") -> None:
        """Say what was found, and where the newer version can be had."""
        self._page = page
        self.link.setVisible(bool(page))
        set_hint(self.says, text)
        self.check.setEnabled(True)

    def _ask(self) -> None:
        self.check.setEnabled(False)
        set_hint(self.says, tr("Asking…"))
        self.update_asked.emit()


def _unasked() -> str:
    return tr("Latchkey looks only when you press this, and fetches nothing but the announcement.")


def _llama_version() -> str:
    from importlib import metadata

    try:
        return f"llama-cpp-python {metadata.version('llama-cpp-python')}"
    except metadata.PackageNotFoundError:
        return ""
