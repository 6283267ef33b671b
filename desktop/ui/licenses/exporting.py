"""Exporting the ledger from the window: where to, in which form, and what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from desktop.background import Background
from desktop.errors import UserError
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.library.assembly import Assembly
    from desktop.ui.window import MainWindow


class Exporting(QObject):
    """Asks for a file, writes it in the pool, and tells on the Licenses page what was written."""

    def __init__(self, window: "MainWindow", background: Background, assembly: "Assembly") -> None:
        super().__init__()
        self._window, self._background, self._assembly = window, background, assembly

    def ask(self) -> None:
        """Let the person say where to."""
        forms = (
            (tr("Report for people, with the texts (*.html)"), "html"),
            (tr("JSON, which can be verified on another computer (*.json)"), "json"),
            (tr("CycloneDX bill of materials (*.cdx.json)"), "cdx.json"),
            (tr("Table (*.csv)"), "csv"),
        )
        dialog = QFileDialog(self._window, tr("Export the ledger"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([name for name, _ in forms])
        dialog.setDefaultSuffix("html")
        dialog.selectFile("latchkey-licenses")
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(dict(forms)[chosen]))
        dialog.fileSelected.connect(lambda path: self.write(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def write(self, path: Path) -> None:
        """Write the ledger to `path`, in the form that its suffix names."""
        assembly, page = self._assembly, self._window.pages.licenses

        def work() -> None:
            from desktop.licenses.export.writing import export

            export(path, assembly)

        def done(_: None) -> None:
            folder = (tr("Show in folder"), lambda: _show(path.parent))
            page.show_done(tr("The ledger was exported to {file}.").format(file=path), folder)

        def failed(error: UserError) -> None:
            page.show_error(error)

        self._background.pool(work, done, failed)


def _show(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
