"""The flow of backups: what is written and restored in the background, and what the windows show afterwards."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from desktop.background import Background
from desktop.byte_size import size_text
from desktop.errors import StoppedError, UserError
from desktop.translation import tr
from desktop.ui.parts.link import open_folder
from desktop.ui.settings.backup_section import BackupSection, moment_text

if TYPE_CHECKING:
    from desktop.backup.backup_manifest import BackupManifest
    from desktop.backup.backup_writer import PersonsData, WrittenBackup
    from desktop.backup.restore import RestoreReport
    from desktop.chat.answer_queue import AnswerQueue
    from desktop.storage.conversation_merge import MergeCount
    from desktop.ui.navigator import Navigator

_LOOK_MS = 100
_MOST_LOOKS = 100
"""An answer that does not end within ten seconds is not waited for: what was saved of it stays."""


class BackupFlow(QObject):
    """Between the section of backups and `data`. `restored` carries a report: lists, settings and what is open are to
    be shown anew. `queue` gives the answers in progress, which end before a restore begins."""

    restored = Signal(object)

    def __init__(
        self, navigator: "Navigator", background: Background, data: "PersonsData", queue: "AnswerQueue"
    ) -> None:
        super().__init__()
        self._navigator, self._background = navigator, background
        self._data, self._queue = data, queue
        self._closed = False
        self._looks = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_LOOK_MS)
        self._begin: Callable[[], None] | None = None
        self._timer.timeout.connect(self._look)
        navigator.when_built("settings", self._connect)

    def _connect(self, page: object) -> None:
        section = self._section
        section.backup_asked.connect(self.choose_target)
        section.restore_asked.connect(self.choose_backup)
        section.kept_asked.connect(self.examine)
        section.offer.accepted.connect(self.restore)
        section.appeared.connect(self.refresh)
        section.changed.connect(lambda _: self.refresh())
        self.refresh()

    @property
    def _section(self) -> BackupSection:
        section: BackupSection = self._navigator.page("settings").backups
        return section

    def refresh(self) -> None:
        """Show the automatic backups that are there."""
        from desktop.backup.backup_folder import BackupFolder

        folder = self._data.paths.backups

        def show(kept: object) -> None:
            if not self._closed:
                self._section.show_kept(kept, folder)  # type: ignore[arg-type]

        self._background.pool(BackupFolder(folder).all, show)

    # --- making one --------------------------------------------------------------------------------------------------

    def choose_target(self) -> None:
        """Let the person say where a backup goes."""
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Back up"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([tr("Backups (*.zip)")])
        dialog.selectFile(f"latchkey-{time.strftime('%Y-%m-%d')}.zip")
        dialog.fileSelected.connect(lambda path: self.back_up(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def back_up(self, path: Path) -> None:
        """Write a backup to `path`; the dialog has asked whether a file there may be replaced."""
        from desktop.backup.backup_writer import write_backup

        self._work(tr("Backing up…"))

        def done(written: "WrittenBackup") -> None:
            if self._closed:
                return
            self._section.set_busy(False)
            text = tr("{file} was written: {size}, read again and whole.").format(
                file=written.file, size=size_text(written.size)
            )
            text = " ".join((text, *written.manifest.left_out))
            self._section.notice.show_done(text, (tr("Show in folder"), lambda: open_folder(written.file.parent)))

        self._background.pool(lambda: write_backup(self._data, path, overwrite=True), done, self._failed)

    # --- restoring one -----------------------------------------------------------------------------------------------

    def choose_backup(self) -> None:
        """Let the person say which backup."""
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Restore"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([tr("Backups (*.zip)"), tr("All files (*)")])
        dialog.fileSelected.connect(lambda path: self.examine(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def examine(self, path: Path) -> None:
        """Look through a backup, and show what it holds."""
        self._work(tr("Reading the backup…"))

        def read() -> "BackupManifest":
            from desktop.backup.backup_reader import open_backup

            with open_backup(path) as backup:
                backup.verify()
                return backup.manifest

        def show(manifest: "BackupManifest") -> None:
            if self._closed:
                return
            self._section.set_busy(False)
            self._section.notice.clear()
            self._section.offer.show_backup(path, manifest, moment_text(manifest.created))

        self._background.pool(read, show, self._failed)

    def restore(self, path: Path, settings: bool, *, replace: bool = False) -> None:
        """Restore a backup, once no answer is being written any more."""
        self._work(tr("Restoring…"))
        self._begin = lambda: self._restore(path, settings=settings, replace=replace)
        self._looks = 0
        self._queue.stop_all()
        self._look()

    def _look(self) -> None:
        self._looks += 1
        if self._closed or self._begin is None:
            return
        if self._queue.empty or self._looks > _MOST_LOOKS:
            begin, self._begin = self._begin, None
            begin()
        else:
            self._timer.start()

    def _restore(self, path: Path, *, settings: bool, replace: bool) -> None:
        from desktop.backup.restore import restore_backup
        from desktop.backup.restore_stage import RestoreChoices

        choices = RestoreChoices(settings=settings, replace=replace)

        def in_turn(merge: "Callable[[], MergeCount]") -> "MergeCount":
            """What the windows have asked to be saved is saved first."""
            try:
                waiting = self._background.database(merge)
            except RuntimeError:  # the program ends: it takes no more work
                raise StoppedError from None
            return waiting.result()

        def work() -> "RestoreReport":
            return restore_backup(self._data, path, choices, in_turn=in_turn)

        self._background.pool(work, self._done, self._failed)

    def _done(self, report: "RestoreReport") -> None:
        from desktop.backup.restore_text import report_sentences

        if self._closed:
            return
        self._section.set_busy(False)
        self.restored.emit(report)
        self.refresh()
        sentences = " ".join((*report_sentences(report, command=False), *report.problems))
        safety = report.safety
        undo = None if safety is None else (tr("Undo"), lambda: self.restore(safety, True, replace=True))
        self._section.notice.show_done(sentences, undo)

    def _work(self, text: str) -> None:
        self._section.set_busy(True)
        self._section.offer.hide()
        self._section.notice.show_working(text)

    def _failed(self, error: UserError) -> None:
        if not self._closed:
            self._section.set_busy(False)
            self._section.notice.show_error(error)

    def close(self) -> None:
        """Show nothing any more. What is being written is finished."""
        self._closed = True
        self._timer.stop()
