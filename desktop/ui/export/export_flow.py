"""Exporting chats from the window: which file, in which form, how far it is, and what came of it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog, QFileDialog

from desktop.background import Background
from desktop.chat.export.export_name import export_name
from desktop.errors import UserError
from desktop.translation import tr, trn
from desktop.ui.export.export_progress import ExportProgressDialog
from desktop.ui.parts.link import open_folder
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.parts.untrusted_text import isolated, set_window_title

if TYPE_CHECKING:
    from PySide6.QtPrintSupport import QPrinter

    from desktop.chat.export.chat_exporter import ChatExporter, ChatFormat, ExportProgress, ExportResult
    from desktop.storage.database import Database
    from desktop.ui.navigator import Navigator

    DatabaseOf = Callable[[str], tuple[Database, bool]]

T = TypeVar("T")
_SUFFIXES: dict["ChatFormat", str] = {"html": ".html", "md": ".md", "pdf": ".pdf", "json": ".json"}


class ExportFlow(QObject):
    """Asks for a file, writes it in the pool, and tells what was written. `database_of` gives the database that holds a
    conversation, "" for all of them, and whether that is a temporary one."""

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        exporter: "ChatExporter",
        news: NotificationBar,
        database_of: "DatabaseOf",
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._exporter = navigator, background, exporter
        self._news, self._database_of = news, database_of
        self._running: list[ExportProgressDialog] = []

    def choose_file(self, ids: tuple[str, ...]) -> None:
        """Let the person say where these chats go, and in which form; without ids all of them."""
        self._with_title(ids, lambda title: self._open_dialog(ids, title))

    def _with_title(self, ids: tuple[str, ...], then: Callable[[str], None]) -> None:
        """Call `then` with the title of the only chat, or a name for several."""
        from desktop.storage.conversation_store import ConversationStore

        if len(ids) != 1:
            then(tr("Chats"))
            return
        database, _ = self._database_of(ids[0])
        store = ConversationStore(database)
        self._background.database(
            lambda: store.conversation(ids[0]).title, then, lambda error: self._navigator.show_error(error)
        )

    def _open_dialog(self, ids: tuple[str, ...], title: str) -> None:
        forms: tuple[tuple[str, ChatFormat], ...] = (
            (tr("Web page, for reading and handing on (*.html)"), "html"),
            (tr("PDF, for reading and printing (*.pdf)"), "pdf"),
            (tr("Markdown, for notes (*.md)"), "md"),
            (tr("JSON, which loses nothing and can be imported again (*.json)"), "json"),
        )
        named = dict(forms)
        name = export_name(title, tr("Chat"))
        _, temporary = self._database_of(ids[0] if ids else "")
        heading = trn("Export {count} chat", "Export {count} chats", len(ids)).format(count=f"{len(ids):,}")
        if temporary:
            heading = tr("Export this temporary chat: the file stays when the chat is gone")
        elif not ids:
            heading = tr("Export all chats")
        dialog = QFileDialog(self._navigator.dialog_parent, heading)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        # No default suffix: some systems' dialogs add one after they asked whether to replace a file.
        dialog.setNameFilters([text for text, _ in forms])
        dialog.selectFile(name + _SUFFIXES["html"])
        dialog.filterSelected.connect(lambda chosen: dialog.selectFile(name + _SUFFIXES[named[chosen]]))

        def chosen(path: str) -> None:
            self.write(ids, Path(path), named.get(dialog.selectedNameFilter(), "html"))

        dialog.fileSelected.connect(chosen)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def write(self, ids: tuple[str, ...], path: Path, form: "ChatFormat") -> None:
        """Write these chats to `path`, in the form that its suffix names, which is added where there is none: `form`.

        The person said already that a file at `path` may be replaced, but not one with that suffix added.
        """
        from desktop.chat.export.chat_exporter import format_of
        from desktop.chat.export.export_target import ExportTarget

        named = format_of(path)
        target = ExportTarget(path, replaces=True)
        if named is None:
            target = ExportTarget(path.with_name(path.name + _SUFFIXES[form]))
        database, _ = self._database_of(ids[0] if ids else "")

        def export(progress: "ExportProgress") -> "ExportResult":
            return self._exporter.export(database, ids or None, named or form, target, progress)

        self._run(export, lambda result: self._done(result, target.path), tr("Exporting…"))

    def _done(self, result: "ExportResult", path: Path) -> None:
        text = trn(
            "{count} chat was exported to {file}.", "{count} chats were exported to {file}.", result.conversations
        )
        said = text.format(count=f"{result.conversations:,}", file=isolated(str(path)))
        if result.missing:
            missing = trn(
                "{count} image is not here any more and is missing in it.",
                "{count} images are not here any more and are missing in it.",
                len(result.missing),
            )
            said = f"{said} {missing.format(count=len(result.missing))}"
        self._news.notify(said, (tr("Show in folder"), lambda: open_folder(path.parent)))

    # --- paper ---------------------------------------------------------------------------------------------------

    def choose_printer(self, ids: tuple[str, ...]) -> None:
        """Let the person choose a printer for these chats."""
        self._with_title(ids, lambda title: self._open_print_dialog(ids, title))

    def _open_print_dialog(self, ids: tuple[str, ...], title: str) -> None:
        from PySide6.QtPrintSupport import QAbstractPrintDialog, QPrintDialog, QPrinter

        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        printer.setFullPage(True)
        printer.setDocName(export_name(title, tr("Chat")))
        dialog = QPrintDialog(printer, self._navigator.dialog_parent)
        set_window_title(dialog, tr("Print"))
        dialog.setOption(QAbstractPrintDialog.PrintDialogOption.PrintPageRange, on=False)
        dialog.accepted.connect(lambda: self.print_to(ids, printer))
        dialog.finished.connect(dialog.deleteLater)
        QDialog.open(dialog)  # Qt's own `open` of this class is another one, which takes a slot

    def print_to(self, ids: tuple[str, ...], printer: "QPrinter") -> None:
        """Print these chats."""
        from desktop.ui.export.chat_pdf import draw_on_paper

        database, _ = self._database_of(ids[0])
        self._run(
            lambda progress: self._exporter.draw(
                database, ids, lambda heads, chats, source: draw_on_paper(printer, heads, chats, source), progress
            ),
            lambda _: self._news.notify(tr("The chat was sent to the printer.")),
            tr("Printing…"),
        )

    # --- the work ------------------------------------------------------------------------------------------------

    def _run(self, work: Callable[["ExportProgress"], T], done: Callable[[T], None], text: str) -> None:
        dialog = ExportProgressDialog(text, self._navigator.dialog_parent)
        self._running.append(dialog)

        def succeed(result: T) -> None:
            self._end(dialog)
            done(result)

        def fail(error: UserError) -> None:
            stopped = dialog.stopped
            self._end(dialog)
            if not stopped:
                self._navigator.show_error(error)

        self._background.pool(lambda: work(dialog.progress), succeed, fail)

    def _end(self, dialog: ExportProgressDialog) -> None:
        if dialog in self._running:
            self._running.remove(dialog)
        dialog.end()

    def close(self) -> None:
        """Give up what is being written: nothing of it is left."""
        for dialog in self._running:
            dialog.stop()
