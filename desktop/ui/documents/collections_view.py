"""The collections over the files of the one that is chosen, with what can be done with them."""

from collections.abc import Callable, Sequence
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.documents.document_collection import CollectionFile, CollectionState
from desktop.errors import UserError
from desktop.translation import tr, trn
from desktop.ui.documents.collection_file_item_model import CollectionFileItemModel
from desktop.ui.documents.collection_file_table import CollectionFileTable
from desktop.ui.documents.collection_item_model import CollectionItemModel
from desktop.ui.documents.collection_table import CollectionTable
from desktop.ui.documents.collection_words import error_words, notes_words
from desktop.ui.documents.document_entries import CollectionNameEntry, FilePasswordEntry
from desktop.ui.documents.documents_page_values import ReadingFacts
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorAction, ErrorBox, FittedErrorBox, replace_error_box
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.link import Link
from desktop.ui.parts.page import page_title, section_heading
from desktop.ui.parts.removed_names import RemovedNames, RemovedWords
from desktop.ui.parts.toggle import Toggle
from desktop.ui.theme.design_tokens import XL, XS, L, M, S
from desktop.ui.theme.theme import Theme

_LESSON_WIDTH = 560
_MOST_NOTES = 3
_ASKING = ("encrypted", "unreadable", "missing")
_LOCKED = ("encrypted", "waiting", "changed")  # while its password is asked for


def _removed_words() -> RemovedWords:
    return RemovedWords(
        tr("Removed collections"),
        lambda count: trn("{count} removed collection…", "{count} removed collections…", count).format(count=count),
        tr("Erase what was read of “{name}” for good? Its files stay where they are."),
        tr("Erase the collection"),
        tr("Keep the collection"),
    )


class EmptyCollections(QWidget):
    """What a collection is, where there is none yet."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.new = Button(theme, tr("New collection"), kind="accent")
        self.add_files = Button(theme, tr("Add files…"))
        self.add_folder = Button(theme, tr("Add folder…"))
        said = tr(
            "A collection is a set of files that your chats can look into. An answer then names the file and the page "
            "of each passage it stands on. Drop files or a folder here to begin one; they stay where they are, and "
            "nothing of them leaves this computer."
        )
        lesson = Label(theme, said, color="muted", wrap=True)
        column = QVBoxLayout()
        column.setSpacing(M)
        column.addWidget(page_title(theme, tr("No documents yet")))
        column.addWidget(lesson)
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        for button in (self.new, self.add_files, self.add_folder):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        holder = QWidget()
        holder.setLayout(column)
        holder.setMaximumWidth(_LESSON_WIDTH)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(holder, 100)
        row.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(row)
        outer.addStretch(3)


class CollectionsView(QWidget):
    """Signals carry the name of a collection, and what is to be done with it: `turn_asked` to pause it or to go on,
    `ask_asked` to ask about it in a new chat, `refresh_asked` to look at its files again, `cancel_asked` to leave out
    what is not read yet, `source_removed` the
    folder or file that is to be taken out of it, `name_entered` the name it has ("" for a new one) and the new one,
    `watch_asked` whether it is to be watched.
    `file_action_asked` carries what `CollectionFileTable.action_asked` does, `password_entered` a file's id and its
    password. `names_left` where naming was given up."""

    chosen = Signal(str)
    ask_asked = Signal(str)
    turn_asked = Signal(str)
    name_entered = Signal(str, str)
    remove_asked = Signal(str)
    watch_asked = Signal(str, bool)
    refresh_asked = Signal(str)
    cancel_asked = Signal(str)
    source_removed = Signal(str, object)
    file_action_asked = Signal(str, int)
    password_entered = Signal(int, str)
    settings_asked = Signal()
    guide_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._chosen = ""
        self._by_meaning = False
        self._error: FittedErrorBox | None = None
        self.table = CollectionTable(theme, CollectionItemModel(self))
        self.files = CollectionFileTable(theme, CollectionFileItemModel(self))
        self.empty = EmptyCollections(theme)
        self.name_entry = CollectionNameEntry(theme)
        self.password_entry = FilePasswordEntry(theme)
        self._heading = section_heading(theme, "")
        self._heading.setMinimumWidth(1)
        self.watch = Toggle(theme, "", name=tr("Watch for changes"))
        self.ask = Button(theme, tr("Ask about it"), size="small", name=tr("Ask about the chosen collection"))
        self.turn = Button(theme, "", size="small", other_text=tr("Resume"))
        self.rename = Button(theme, tr("Rename…"), size="small", name=tr("Rename the chosen collection"))
        self.remove = Button(theme, tr("Remove"), size="small", name=tr("Remove the chosen collection"))
        self._watch_label = Label(theme, tr("Watch for changes"), size="small", color="muted")
        self._notes = Label(theme, "", size="small", color="muted", wrap=True)
        self._no_files = Label(theme, "", color="muted", wrap=True)
        self._about_file = Label(theme, "", size="small", color="muted", wrap=True)
        self._facts = Label(theme, "", size="small", color="muted", wrap=True)
        self.settings_link = Link(theme, tr("Choose a model for search by meaning"), size="small")
        self.removed = RemovedNames(theme, _removed_words())
        self.guide_link = Link(theme, tr("What this does not protect from"), size="small")
        self._build()
        self._connect()
        self.show_facts(ReadingFacts())
        self.show_collections(())

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(S)
        head.addWidget(self._heading, 1)
        for control in (self.watch, self._watch_label, self.ask, self.turn, self.rename, self.remove):
            head.addWidget(control)
        self._head = QWidget()
        self._head.setLayout(head)
        head.setContentsMargins(S, L, 0, XS)
        links = QHBoxLayout()
        links.setSpacing(L)
        links.setContentsMargins(S - 2, 0, S, 0)
        links.addWidget(self.guide_link)
        links.addWidget(self.settings_link)
        links.addWidget(self.removed)
        links.addStretch(1)
        for label in (self._notes, self._no_files, self._about_file):
            label.setContentsMargins(S, XS, S, XS)
        self._facts.setContentsMargins(S, M, S, XS)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(XL, S, XL, M)
        self._column.setSpacing(0)
        self.parts: tuple[QWidget, ...] = (
            self.name_entry,
            self.table,
            self._head,
            self._notes,
            self.password_entry,
            self.files,
            self._no_files,
            self._about_file,
            self.empty,
            self._facts,
        )
        for widget in self.parts:
            self._column.addWidget(widget, 1 if widget is self.empty else 0)
        self._column.addLayout(links)
        self._column.addStretch(0)
        for table in (self.table, self.files):
            table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            table.setFixedHeight(0)  # until there are rows

    def _connect(self) -> None:
        table = self.table
        table.chosen.connect(self._choose)
        table.turn_asked.connect(self.turn_asked)
        table.rename_asked.connect(self.ask_name)
        table.remove_asked.connect(self.remove_asked)
        table.refresh_asked.connect(self.refresh_asked)
        table.cancel_asked.connect(self.cancel_asked)
        table.source_removed.connect(self.source_removed)
        self.ask.clicked.connect(lambda: self.ask_asked.emit(self._chosen))
        self.turn.clicked.connect(lambda: self.turn_asked.emit(self._chosen))
        self.rename.clicked.connect(lambda: self.ask_name(self._chosen))
        self.remove.clicked.connect(lambda: self.remove_asked.emit(self._chosen))
        self.watch.clicked.connect(lambda: self.watch_asked.emit(self._chosen, not self.watch.isChecked()))
        self.empty.new.clicked.connect(lambda: self.ask_name())
        self.name_entry.entered.connect(self.name_entered)
        self.name_entry.left.connect(self._name_left)
        self.password_entry.entered.connect(self.password_entered)
        self.password_entry.left.connect(self._password_left)
        self.files.action_asked.connect(self._act_on_file)
        self.files.chosen_changed.connect(self._show_file)
        self.guide_link.clicked.connect(self.guide_asked)
        self.settings_link.clicked.connect(self.settings_asked)

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def collection(self) -> CollectionState | None:
        """The collection that is chosen."""
        row = self.table.rows.row_of(self._chosen)
        return self.table.rows.collections[row] if row >= 0 else None

    def show_collections(self, collections: Sequence[CollectionState]) -> None:
        """Show these; the one that was chosen stays it, where it is still there."""
        self.table.blockSignals(True)
        self.table.rows.show(collections)
        row = self.table.rows.row_of(self._chosen)
        if row < 0 and collections:
            row = min(max(self.table.currentIndex().row(), 0), len(collections) - 1)
        if row != self.table.currentIndex().row():
            self.table.choose_row(row)
        self.table.blockSignals(False)
        name = collections[row].name if collections else ""
        none = not collections
        begins = not none and any(
            each.hasFocus() for each in (self.empty.new, self.empty.add_files, self.empty.add_folder)
        )
        self.empty.setVisible(none)
        self._facts.setVisible(not none)
        self.settings_link.setVisible(not none and not self._by_meaning)
        for widget in (self.table, self._head, self.files):
            widget.setVisible(not none)
        if begins:
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        self._choose(name)
        self._show_chosen()

    def choose(self, name: str) -> None:
        """Make a collection the chosen one, where it is there."""
        row = self.table.rows.row_of(name)
        if row >= 0:
            self.table.choose_row(row)
            self.table.scrollTo(self.table.model().index(row, 0))

    def _choose(self, name: str) -> None:
        if name == self._chosen:
            return
        self._chosen = name
        self.files.rows.show((), datetime.now())  # noqa: DTZ005 - the person's own days
        if not self.password_entry.isHidden():
            self.password_entry.leave()
        self._show_chosen()
        self.chosen.emit(name)

    def _show_chosen(self) -> None:
        collection = self.collection
        if collection is None:
            for label in (self._notes, self._no_files, self._about_file):
                label.hide()
            return
        self._heading.setText(collection.name)
        self.watch.show_on(collection.watched)
        turning = collection.state in ("indexing", "waiting", "paused")
        self.turn.setVisible(turning)
        paused = collection.state == "paused"
        self.turn.setText(tr("Resume") if paused else tr("Pause"))
        self.turn.setAccessibleName(tr("Resume reading") if paused else tr("Pause reading"))
        notes = notes_words(collection)[:_MOST_NOTES]
        self._notes.setText(breakable("\n".join(notes)))
        self._notes.setVisible(bool(notes))
        said = "" if collection.files or self.files.rows.files else tr("Add files or a folder, or drop them here.")
        self._no_files.setText(said)
        self._no_files.setVisible(bool(said))
        self.share_height()

    def show_files(self, name: str, files: Sequence[CollectionFile]) -> None:
        """Show the files of a collection, where that is the chosen one; the file that was chosen stays it."""
        if name != self._chosen:
            return
        table = self.files
        before, at = table.file, table.verticalScrollBar().value()
        # What asks for something comes first: among a thousand files nobody would find it.
        ordered = sorted(files, key=lambda each: each.state not in _ASKING)
        table.rows.show(ordered, datetime.now())  # noqa: DTZ005 - the person's own days
        if before is not None and table.file is None:
            table.choose_row(table.rows.row_of(before.id))
            table.verticalScrollBar().setValue(at)
        self._follow_password()
        self._show_file()
        self._show_chosen()

    def _show_file(self) -> None:
        """Say under the table what is wrong with the file that is chosen."""
        said = error_words(self.files.file) if self.files.file is not None else ""
        if said != self._about_file.text():
            self._about_file.setText(breakable(said))
            self._about_file.setVisible(bool(said))
            self.share_height()

    def show_facts(self, facts: ReadingFacts) -> None:
        """Say how files are read and found."""
        self._by_meaning = bool(facts.model)
        if facts.model:
            by = tr("Search by meaning uses {model} ({license}) on this computer.")
            found = by.format(model=facts.model, license=facts.license_name or tr("license unknown"))
        else:
            found = facts.why_no_model or tr("Passages are found by their words alone.")
        read = tr("Files are read in a process without network that cannot see the rest of your home folder.")
        if not facts.confined:
            read = tr("Files are read in a process of its own; this system does not confine it further.")
        self._facts.setText(f"{found} {read}")
        self.settings_link.setVisible(not facts.model and bool(self.table.rows.collections))

    def show_unreadable(self, error: UserError, retry: Callable[[], None]) -> None:
        """The collections cannot be read: say so in place of a page that looks as if there were none."""
        self.empty.hide()

        def again() -> None:
            self.show_error(None)
            retry()

        self.show_error(error, (tr("Try again"), again))

    def show_error(self, error: UserError | None, action: ErrorAction | None = None) -> None:
        """Say above all what could not be done, with what its button does; None takes it away."""
        action = action or (tr("Close"), lambda: self.show_error(None))
        box = ErrorBox(self._theme, error, action=action) if error else None
        self._error = replace_error_box(self._column, 0, self._error, box)
        self.share_height()

    # --- what is typed -------------------------------------------------------------------------------------------

    def ask_name(self, before: str = "") -> None:
        """Have the name of a new collection typed, or another one for the one called `before`."""
        self.name_entry.ask(before)
        self.share_height()

    def end_naming(self) -> None:
        """What was typed holds."""
        self.name_entry.leave()

    def _name_left(self) -> None:
        self.share_height()
        if self.table.isVisible():
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def await_password(self, file_id: int) -> None:
        """The password of this file was taken: it is asked for until the file is read, or it was another one."""
        if self.password_entry.file_id == file_id and not self.password_entry.isHidden():
            self.password_entry.wait()

    def _follow_password(self) -> None:
        entry, row = self.password_entry, self.files.rows.row_of(self.password_entry.file_id)
        if entry.isHidden():
            return
        file = self.files.rows.files[row] if row >= 0 else None
        if file is None or file.state not in _LOCKED:
            entry.leave()
        elif entry.is_tried and file.state == "encrypted":
            entry.refuse(file.error)

    def _password_left(self) -> None:
        self.share_height()
        self.files.setFocus(Qt.FocusReason.OtherFocusReason)

    def _act_on_file(self, action: str, file_id: int) -> None:
        row = self.files.rows.row_of(file_id)
        if action == "password" and row >= 0:
            self.password_entry.ask(file_id, self.files.rows.files[row].name)
            self.share_height()
        else:
            self.file_action_asked.emit(action, file_id)

    # --- room ----------------------------------------------------------------------------------------------------

    def share_height(self) -> None:
        """Give both tables what their rows take, or, where that is too much, the files the larger part."""
        if not self.table.isVisibleTo(self):
            return
        wanted, of_files = self.table.content_height(), self.files.content_height()
        self._column.activate()
        width = max(self.width() - 2 * XL, 1)
        taken = self._column.totalHeightForWidth(width) if self._column.hasHeightForWidth() else 0
        taken = taken if taken > 0 else self._column.totalSizeHint().height()
        room = max(self.height() - (taken - self.table.maximumHeight() - self.files.maximumHeight()), 0)
        least = self.table.minimumSizeHint().height()
        upper = min(wanted, max(room * 2 // 5, room - of_files, min(least, room)))
        for table, height in ((self.table, upper), (self.files, max(min(of_files, room - upper), 0))):
            if table.maximumHeight() != height:
                table.setFixedHeight(height)
        self._column.activate()  # at once: for a moment they would lie over what stands below them

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share_height()
