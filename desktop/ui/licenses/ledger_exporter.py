"""Exporting the ledger from the window: where to, in which form, and what came of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from desktop.background import Background
from desktop.errors import IntegrityError
from desktop.translation import tr, trn
from desktop.ui.parts.link import open_folder

if TYPE_CHECKING:
    from desktop.library.library_services import LibraryServices
    from desktop.ui.navigator import Navigator


class LedgerExporter(QObject):
    """Asks for a file, writes it in the pool, and tells on the Licenses page what was written."""

    def __init__(self, navigator: "Navigator", background: Background, assembly: "LibraryServices") -> None:
        super().__init__()
        self._navigator, self._background, self._assembly = navigator, background, assembly

    def choose_file(self) -> None:
        """Let the person say where to."""
        forms = (
            (tr("Report for people, with the texts (*.html)"), "html"),
            (tr("JSON, which can be verified on another computer (*.json)"), "json"),
            (tr("CycloneDX bill of materials (*.cdx.json)"), "cdx.json"),
            (tr("Table (*.csv)"), "csv"),
        )
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Export the ledger"))
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
        notices = self._navigator.page("licenses").notices
        notices.show_working(tr("Exporting the ledger…"))

        def done(count: int) -> None:
            folder = (tr("Show in folder"), lambda: open_folder(path.parent))
            text = trn("{count} record was exported to {file}.", "{count} records were exported to {file}.", count)
            notices.show_done(text.format(count=f"{count:,}", file=path), folder)

        self._background.pool(lambda: self._export(path), done, notices.show_error)

    def _export(self, path: Path) -> int:
        """Write it; how many records. What does not hold is exported as it is, and the export says so."""
        from desktop import __version__
        from desktop.library.ledger_export import exported_models
        from desktop.licenses.export.export_formats import write_export

        acknowledgements = self._assembly.acknowledgements
        records, check = acknowledgements.records(), acknowledgements.check()
        texts = {}
        for sha256 in dict.fromkeys(record.text_sha256 for record in records if record.text_sha256):
            try:
                data = acknowledgements.acknowledged_text(sha256)
            except IntegrityError:  # it was changed: the export shows that it is missing
                continue
            if data is not None:
                texts[sha256] = data
        models = exported_models(records, self._assembly.library, acknowledgements.text)
        write_export(path, records, texts, check, app_version=__version__, models=models)
        return len(records)
