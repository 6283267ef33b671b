"""Saving code of an answer as a file: where to, and what came of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from desktop.atomic_file import write_atomically, write_error
from desktop.background import Background
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.ui.navigator import Navigator


class CodeFileFlow(QObject):
    """Asks for a file, which may replace one only after the person said so, and writes it in the pool."""

    def __init__(self, navigator: "Navigator", background: Background) -> None:
        super().__init__()
        self._navigator, self._background = navigator, background

    def choose_file(self, code: str, name: str, saved: Callable[[], None]) -> None:
        """Let the person say where `code` goes; `name` is proposed, `saved` called once it is written."""
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Save code"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        # No default suffix: some systems' dialogs add one after they asked whether to replace a file.
        dialog.selectFile(name)
        dialog.fileSelected.connect(lambda path: self.write(Path(path), code, saved))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def write(self, path: Path, code: str, saved: Callable[[], None]) -> None:
        """Write `code` to `path`, with a line feed at its end. Where that fails, the window says why."""

        def write() -> None:
            text = code if code.endswith("\n") or not code else code + "\n"
            try:
                write_atomically(path, text.encode("utf-8", "replace"), keep_link=True)
            except OSError as error:
                raise write_error(
                    tr("The code was not saved."), path, error, tr("Save it in another folder, or make room.")
                ) from error

        self._background.pool(write, lambda _: saved(), self._navigator.show_error)
