"""The flow of imports: files and folders that are chosen or dropped, one after another, off the main thread."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QLocale, QObject, QTimer
from PySide6.QtWidgets import QFileDialog

from desktop.background import Background
from desktop.chat.chat_events import ConversationsChanged
from desktop.errors import StoppedError, UserError
from desktop.translation import tr, trn
from desktop.ui.navigator import Navigator
from desktop.ui.parts.notification_bar import NotificationBar

if TYPE_CHECKING:
    from desktop.chat.chat_events import ChatEvent
    from desktop.chat.importers.conversation_importer import ChatImportResult, ImportProgress
    from desktop.storage.attachment_store import AttachmentStore
    from desktop.storage.database import Database
    from desktop.ui.imports.chat_import_page import ChatImportPage

_LOOK_MS = 120
_LIST_EVERY = 16
_T = TypeVar("_T")


class ChatImportFlow(QObject):
    """Between the page of imports and the importer, which stores into `database` and `attachments`. `news` says that it
    is over where another page is shown, `tell` is told that the list of conversations changed, `delete` puts
    conversations into the bin."""

    def __init__(
        self,
        navigator: Navigator,
        background: Background,
        database: "Database",
        attachments: "AttachmentStore",
        news: NotificationBar,
        tell: "Callable[[ChatEvent], None]",
        delete: Callable[[Sequence[str]], None],
    ) -> None:
        super().__init__()
        self._navigator, self._background = navigator, background
        self._database, self._attachments = database, attachments
        self._news, self._tell, self._delete = news, tell, delete
        self._waiting: list[Path] = []
        self._results: list[tuple[str, ChatImportResult]] = []
        self._reading: Path | None = None
        self._progress: ImportProgress | None = None
        self._stop = threading.Event()
        self._closed = False
        self._looks = self._listed = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        navigator.when_built("chat-import", self._connect)

    def _connect(self, page: "ChatImportPage") -> None:
        from desktop.chat.importers.all_readers import all_readers

        page.show_apps([reader.app for reader in all_readers()])
        page.files_asked.connect(self.ask_files)
        page.folder_asked.connect(self.ask_folder)
        page.stop_asked.connect(self._cancel)
        page.bin_asked.connect(self._put_in_bin)
        page.chats_asked.connect(lambda: self._navigator.show_page(""))

    def close(self) -> None:
        """Stop after the conversation that is being stored, and show nothing any more."""
        self._closed = True
        self._waiting.clear()
        self._stop.set()
        self._timer.stop()

    @property
    def _page(self) -> "ChatImportPage":
        page: ChatImportPage = self._navigator.page("chat-import")
        return page

    # --- what is to come in --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Show the page."""
        self._navigator.show_page("chat-import")

    def ask_files(self) -> None:
        """Have the person choose files."""
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Import chats"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([tr("Exported chats (*.zip *.json *.jsonl *.ndjson *.chat)"), tr("All files (*)")])
        self._open_dialog(dialog)

    def ask_folder(self) -> None:
        """Have the person choose a folder."""
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Import the chats in a folder"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._open_dialog(dialog)

    def _open_dialog(self, dialog: QFileDialog) -> None:
        dialog.filesSelected.connect(lambda paths: self.offer_files([Path(path) for path in paths]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def offer_files(self, paths: Sequence[Path]) -> None:
        """Import these, after what is being imported already."""
        if not paths or self._closed:
            return
        self._navigator.show_page("chat-import")
        if self._reading is None:
            self._results = []
            self._page.show_results(())
        self._waiting += paths
        if self._reading is None:
            self._import_next()

    # --- one after another ---------------------------------------------------------------------------------------

    def _import_next(self) -> None:
        if self._closed:
            return
        if not self._waiting:
            self._reading = None
            self._timer.stop()
            self._page.show_working("")
            self._page.show_results(self._results)
            self._tell_elsewhere()
            return
        path = self._reading = self._waiting.pop(0)
        self._progress, self._looks, self._listed = None, 0, 0
        self._stop.clear()
        self._show_progress()
        self._timer.start()

        def imported(result: "ChatImportResult") -> None:
            self._results.append((path.name, result))
            if result.messages or result.conversations:
                self._tell(ConversationsChanged())
            self._import_next()

        def failed(error: UserError) -> None:  # a bug: the log has it
            from desktop.chat.importers.conversation_importer import ChatImportResult

            imported(ChatImportResult(error=error))

        self._background.pool(lambda: self._run(path), imported, failed)

    def _tell_elsewhere(self) -> None:
        """Where the person went to another page meanwhile."""
        from desktop.chat.importers.import_text import brief_text

        if self._navigator.shown != "chat-import":
            self._news.notify(brief_text([result for _, result in self._results]), (tr("Look"), self.open))

    def _run(self, path: Path) -> "ChatImportResult":
        from desktop.chat.importers.all_readers import all_readers
        from desktop.chat.importers.conversation_importer import ConversationImporter

        importer = ConversationImporter(self._database, self._attachments, all_readers(), on_database=self._on_database)
        return importer.run(path, self._take_progress, self._stop.is_set)

    def _on_database(self, work: Callable[[], _T]) -> _T:
        """In the thread of the database, between what others ask of it."""
        try:
            future = self._background.database(work)
        except RuntimeError:  # the program ends
            raise StoppedError from None
        return future.result()

    def _take_progress(self, progress: "ImportProgress") -> None:
        self._progress = progress

    def _look(self) -> None:
        self._show_progress()
        self._looks += 1
        came = 0 if self._progress is None else self._progress.conversations
        if self._looks % _LIST_EVERY == 0 and came != self._listed:
            self._listed = came
            self._tell(ConversationsChanged())

    def _show_progress(self) -> None:
        if self._reading is None:
            return
        text, progress = tr("Importing {file}…").format(file=self._reading.name), self._progress
        fraction = None
        if progress is not None:
            came = trn("{count} chat", "{count} chats", progress.conversations)
            text += "  " + came.format(count=QLocale().toString(progress.conversations))
            if progress.bytes_total:
                fraction = min(progress.bytes_read / progress.bytes_total, 1.0)
        self._page.show_working(text, fraction)

    def _cancel(self) -> None:
        self._waiting.clear()
        self._stop.set()

    def _put_in_bin(self) -> None:
        ids = [each for _, result in self._results for each in result.ids]
        if ids:
            self._delete(ids)
            self._page.show_in_bin()
