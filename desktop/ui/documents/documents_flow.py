"""The flow of documents: between the page and the collections, which work off the main thread."""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog

from desktop.errors import NotFoundError, UserError
from desktop.translation import tr, trn
from desktop.ui.documents.passage_flow import PassageFlow
from desktop.ui.documents.shared_documents import SharedCollections
from desktop.ui.navigator import Navigator
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.parts.untrusted_text import isolated

if TYPE_CHECKING:
    from desktop.documents.collection_service import CollectionService
    from desktop.documents.document_collection import AddedPaths, CollectionFile, CollectionState
    from desktop.ui.documents.documents_page import DocumentsPage
    from desktop.ui.documents.documents_page_values import ReadingFacts

    Files = tuple[CollectionFile, ...]
    States = tuple[CollectionState, ...]
    Read = tuple[States, States, str, Files, ReadingFacts | None, UserError | None]

_REFRESH_MS = 250
_MOST_NAMED = 3


class DocumentsFlow(QObject):
    """`facts` says how files are read and found; it is called off the main thread. `news` says what was done, with
    Undo. `settings_asked` where a model is to be chosen that finds passages by meaning; `ask_asked` carries
    the name of a collection that a new chat is to look in."""

    settings_asked = Signal()
    ask_asked = Signal(str)

    def __init__(
        self,
        navigator: Navigator,
        collections: SharedCollections,
        news: NotificationBar,
        facts: "Callable[[], ReadingFacts]",
    ) -> None:
        super().__init__()
        self._navigator, self._news, self._facts = navigator, news, facts
        self.shared = self._collections = collections
        self._page: DocumentsPage | None = None
        self._passages: PassageFlow
        self._told_problem = ""
        self._facts_due = True
        self._states: dict[str, CollectionState] = {}
        self._changes: deque[Callable[[], None]] = deque()
        self._changing = self._reading = self._outdated = self._closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._read)
        collections.changed.connect(self._changed)
        navigator.when_built("documents", self._connect)
        navigator.page_shown.connect(self._page_shown)

    def close(self) -> None:
        """Show nothing any more. What is being read goes on, for other windows."""
        self._closed = True
        self._timer.stop()
        self._changes.clear()
        if self._page is not None:
            self._passages.close()

    def _connect(self, page: "DocumentsPage") -> None:
        self._page, view = page, page.collections
        self._passages = PassageFlow(page, self._collections, self._fail)
        page.files_asked.connect(self._ask_files)
        page.folder_asked.connect(self._ask_folder)
        page.dropped.connect(lambda name, paths: self.add(name, paths))
        view.chosen.connect(lambda _: self._read())
        view.name_entered.connect(self._name)
        view.turn_asked.connect(self._turn)
        view.remove_asked.connect(self._remove)
        view.watch_asked.connect(lambda name, on: self._change(lambda service: service.set_watched(name, on)))
        view.file_action_asked.connect(self._act_on_file)
        view.password_entered.connect(self._enter_password)
        view.settings_asked.connect(self.settings_asked)
        view.ask_asked.connect(self.ask_asked)
        view.cancel_asked.connect(lambda name: self._change(lambda service: service.cancel(name)))
        view.source_removed.connect(self._take_out)
        view.removed.restore_asked.connect(lambda name: self._change(lambda service: service.restore(name)))
        view.removed.erase_asked.connect(lambda name: self._change(lambda service: service.erase(name)))
        view.refresh_asked.connect(lambda name: self._change(lambda service: service.refresh(name)))

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_collection(self, name: str) -> None:
        """Show the page, and this collection on it."""
        self._navigator.show_page("documents")
        page: DocumentsPage = self._navigator.page("documents")
        page.show_collection(name)

    def refresh(self) -> None:
        """Settings were changed: another model may find passages now."""
        self._facts_due = True
        if self._navigator.shown == "documents":
            self._read()

    def _page_shown(self, name: str) -> None:
        if name == "documents":
            self._facts_due = True
            self._read()
        else:
            self._timer.stop()

    def _changed(self) -> None:
        """Something changed: the page is brought up to date soon, while it is the one that is shown."""
        if self._closed or self._timer.isActive():
            return
        if self._navigator.shown == "documents":
            self._timer.start()
        elif not self._states:
            self._collections.run_if_built(lambda service: service.collections(), self._take_states)

    def places(self) -> list[tuple[str, str, Callable[[], None]]]:
        """The collections, as "Go to anything" offers them: those that are known by now."""
        self._collections.run_if_built(lambda service: service.collections(), self._take_states)
        return [(name, tr("Collection"), partial(self.show_collection, name)) for name in self._states]

    def _take_states(self, states: "Sequence[CollectionState]") -> None:
        self._states = {each.name: each for each in states}

    def _read(self) -> None:
        """Read what the page shows. One reading at a time: what changes meanwhile is read after it."""
        page = self._page
        if page is None or self._closed:
            return
        if self._reading:
            self._outdated = True
            return
        self._reading, self._outdated = True, False
        chosen = page.collections.collection
        name, due, facts = chosen.name if chosen is not None else "", self._facts_due, self._facts

        def read(service: "CollectionService") -> "Read":
            states = service.collections()
            names = [each.name for each in states]
            shown = name if name in names else names[0] if names else ""
            try:
                files = service.files(shown) if shown else ()
            except NotFoundError:  # removed since
                files = ()
            return states, service.removed(), shown, files, facts() if states and due else None, service.problem

        self._collections.run(read, self._show, self._show_unread)

    def _show(self, read: "Read") -> None:
        self._reading = False
        if self._closed or self._page is None:
            return
        states, removed, name, files, facts, problem = read
        self._take_states(states)
        view = self._page.collections
        if facts is not None:
            self._facts_due = False
            view.show_facts(facts)
        view.show_collections(states)
        view.show_files(name, files)
        view.removed.show_removed([each.name for each in removed])
        if problem is not None and str(problem) != self._told_problem:
            view.show_error(problem)
        self._told_problem = str(problem) if problem is not None else ""
        if self._outdated:
            self._timer.start()

    def _show_unread(self, error: UserError) -> None:
        self._reading = False
        if not self._closed and self._page is not None:
            self._page.collections.show_unreadable(error, self._read)

    def _fail(self, error: UserError) -> None:
        if not self._closed and self._page is not None:
            self._page.collections.show_error(error)

    # --- what is changed: one after another, in the order in which it was asked for -------------------------------

    def _change(
        self,
        work: "Callable[[CollectionService], Any]",
        then: Callable[[Any], None] | None = None,
        failure: Callable[[UserError], None] | None = None,
    ) -> None:
        def go() -> None:
            def done(result: Any) -> None:
                self._next_change()
                if not self._closed:
                    if then is not None:
                        then(result)
                    self._read()

            def failed(error: UserError) -> None:
                self._next_change()
                if not self._closed:
                    (failure or self._fail)(error)

            self._collections.run(work, done, failed)

        self._changes.append(go)
        if not self._changing:
            self._next_change()

    def _next_change(self) -> None:
        self._changing = bool(self._changes)
        if self._changes:
            self._changes.popleft()()

    def _name(self, before: str, name: str) -> None:
        def work(service: "CollectionService") -> str:
            if not before:
                return service.create(name).name
            service.rename(before, name)
            return service.collection(name).name

        def named(given: str) -> None:
            if self._page is not None:
                self._page.collections.end_naming()
                self._choose_when_shown(given, begin=True)

        def refused(error: UserError) -> None:
            if self._page is not None:
                self._page.collections.name_entry.show_problem(error)

        self._change(work, named, refused)

    def _choose_when_shown(self, name: str, *, begin: bool = False) -> None:
        """Read, and show this collection as the chosen one; with `begin` the keyboard goes to it."""

        def show(states: "tuple[CollectionState, ...]") -> None:
            if not self._closed and self._page is not None:
                self._take_states(states)
                self._page.collections.show_collections(states)
                self._page.collections.choose(name)
                if begin:
                    self._page.collections.table.setFocus(Qt.FocusReason.OtherFocusReason)
                self._read()

        self._collections.run(lambda service: service.collections(), show, self._fail)

    def _turn(self, name: str) -> None:
        state = self._states.get(name)
        if state is not None and state.state == "paused":
            self._change(lambda service: service.resume(name))
        else:
            self._change(lambda service: service.pause(name))

    def _remove(self, name: str) -> None:
        def removed(_: object) -> None:
            undo = (tr("Undo"), lambda: self._change(lambda service: service.restore(name)))
            said = tr("The collection “{name}” was removed. Its files stay where they are.")
            self._news.notify(said.format(name=isolated(name)), undo)

        self._change(lambda service: service.remove(name), removed)

    def _take_out(self, name: str, path: Path) -> None:
        def taken(_: object) -> None:
            undo = (tr("Undo"), lambda: self._change(lambda service: service.add(name, [path])))
            said = tr("{path} was taken out of “{name}”.")
            self._news.notify(said.format(path=path, name=isolated(name)), undo)

        self._change(lambda service: service.take_out(name, path), taken)

    def add(self, name: str, paths: Sequence[Path]) -> None:
        """Add files and folders to a collection; with "" to a new one, which is called as the first folder is."""
        chosen = tuple(paths)
        if not chosen:
            return

        def work(service: "CollectionService") -> "tuple[str, AddedPaths]":
            into = name
            if not into:
                folder = chosen[0] if chosen[0].is_dir() else None
                into = service.create(folder.name if folder is not None and folder.name else tr("Documents")).name
            return into, service.add(into, chosen)

        def added(result: "tuple[str, AddedPaths]") -> None:
            into, added_paths = result
            if added_paths.refused:
                self._fail(_refusal(added_paths.refused))
            if not name:
                self._choose_when_shown(into)

        self._change(work, added)

    def _ask_files(self, name: str) -> None:
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Add files to a collection"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        self._open_dialog(dialog, name)

    def _ask_folder(self, name: str) -> None:
        dialog = QFileDialog(self._navigator.dialog_parent, tr("Add a folder to a collection"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._open_dialog(dialog, name)

    def _open_dialog(self, dialog: QFileDialog, name: str) -> None:
        dialog.filesSelected.connect(lambda paths: self.add(name, [Path(path) for path in paths]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    # --- files ---------------------------------------------------------------------------------------------------

    def _act_on_file(self, action: str, file_id: int) -> None:
        page = self._page
        collection = page.collections.collection if page is not None else None
        if page is None or collection is None:
            return
        name, row = collection.name, page.collections.files.rows.row_of(file_id)
        file_name = page.collections.files.rows.files[row].name if row >= 0 else ""
        if action == "look":
            self._passages.look_at(lambda service: service.content(name, file_id), page.show_content)
        elif action == "take-back":
            self._change(lambda service: service.take_back(name, file_id))
        elif action == "leave-out":

            def left(_: object) -> None:
                undo = (tr("Undo"), lambda: self._change(lambda service: service.take_back(name, file_id)))
                self._news.notify(tr("“{name}” was left out.").format(name=isolated(file_name)), undo)

            self._change(lambda service: service.leave_out(name, file_id), left)

    def _enter_password(self, file_id: int, password: str) -> None:
        page = self._page
        collection = page.collections.collection if page is not None else None
        if page is None or collection is None:
            return
        name = collection.name

        def refused(error: UserError) -> None:
            page.collections.password_entry.show_problem(error)

        self._change(
            lambda service: service.enter_password(name, file_id, password),
            lambda _: page.collections.await_password(file_id),
            refused,
        )


def _refusal(refused: "Sequence[tuple[Path, UserError]]") -> UserError:
    """What was not added, and why."""
    title = trn("{count} of them was not added.", "{count} of them were not added.", len(refused))
    reasons = [str(error) for _, error in refused[:_MOST_NAMED]]
    more = len(refused) - len(reasons)
    if more > 0:
        reasons.append(trn("And {count} more.", "And {count} more.", more).format(count=more))
    return UserError(title.format(count=len(refused)), " ".join(reasons), "")
