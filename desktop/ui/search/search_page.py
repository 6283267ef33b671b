"""The page that searches all conversations: a field, what narrows it, and what was found."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.storage.message_search import FilterChoices, MessageHit, SearchFilter, TitleHit
from desktop.translation import tr, trn
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.page import PageBar, StepPage, page_title
from desktop.ui.parts.untrusted_text import add_entry
from desktop.ui.search.search_results import SearchResultItemModel, SearchResultList
from desktop.ui.theme.design_tokens import XL, L, M, S
from desktop.ui.theme.theme import Theme

_WIDEST = 860
_PAGE_ROWS = 5


def _spans() -> tuple[tuple[str, int], ...]:
    """Spans of time with their days; 0 for all time."""
    return (
        (tr("Any time"), 0),
        (tr("The last 24 hours"), 1),
        (tr("The last 7 days"), 7),
        (tr("The last 30 days"), 30),
        (tr("The last year"), 365),
    )


class SearchPage(StepPage):
    """`asked` when something else is sought, `more_asked` when the end of what was found comes into view, `opened` with
    the row of a hit."""

    asked = Signal()
    more_asked = Signal()
    opened = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.narrowed = SearchFilter()
        self._choices = FilterChoices()
        self._days = 0
        self.bar = PageBar(theme)
        self.bar.row.addWidget(Label(theme, tr("Search"), bold=True))
        self.bar.row.addStretch(1)
        self.field = Field(theme, tr("Words in any chat"), tr("Search all messages"))
        self.rows = SearchResultItemModel(self)
        self.list = SearchResultList(theme, self.rows)
        self.count = Label(theme, "", size="small", color="muted")
        self._lesson = Label(theme, "", color="muted", wrap=True)
        self.model_button, self.when_button, self.folder_button, self.tag_button, self.role_button = (
            Button(theme, kind="quiet", size="small", menu_arrow=True) for _ in range(5)
        )
        self._build(theme)
        self._connect()
        self.show_choices(FilterChoices())
        self._show_lesson(None)

    def _build(self, theme: Theme) -> None:
        filters = FlowBox()
        for button in (self.model_button, self.when_button, self.folder_button, self.tag_button, self.role_button):
            filters.add(button)
        inner = QVBoxLayout()
        inner.setSpacing(S)
        inner.addWidget(page_title(theme, tr("Search all chats")))
        inner.addWidget(self.field)
        inner.addWidget(filters)
        inner.addWidget(self.count)
        inner.addWidget(self._lesson)
        inner.addWidget(self.list, 1)
        holder = QWidget()
        holder.setLayout(inner)
        holder.setMaximumWidth(_WIDEST)
        inner.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.setContentsMargins(XL, L, XL, M)
        row.addStretch(1)
        row.addWidget(holder, 1000)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(row, 1)

    def _connect(self) -> None:
        self.field.textChanged.connect(self.asked)
        self.field.installEventFilter(self)
        self.list.chosen.connect(self.opened)
        self.list.reached_end.connect(self.more_asked)
        self.model_button.clicked.connect(
            lambda: self._menu(self.model_button, "model", tr("Any model"), self._choices.models)
        )
        self.folder_button.clicked.connect(
            lambda: self._menu(self.folder_button, "folder_id", tr("Any folder"), self._choices.folders)
        )
        tags = lambda: [(tag, tag) for tag in self._choices.tags]  # noqa: E731
        self.tag_button.clicked.connect(lambda: self._menu(self.tag_button, "tag", tr("Any tag"), tags()))
        self.role_button.clicked.connect(lambda: self._menu(self.role_button, "role", tr("By anybody"), self._roles()))
        self.when_button.clicked.connect(self._when_menu)

    @property
    def text(self) -> str:
        """What is sought, "" for nothing."""
        return self.field.text().strip()

    @property
    def span(self) -> SearchFilter:
        """What narrows the search, by the clock as it is now."""
        if not self._days:
            return self.narrowed
        since = (datetime.now().astimezone() - timedelta(days=self._days)).timestamp()
        return replace(self.narrowed, since=since)

    def begin(self, text: str | None = None) -> None:
        """Take the keyboard; with `text` search for that."""
        if text is not None:
            self.field.setText(text)
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.field, self.list]

    def show_choices(self, choices: FilterChoices) -> None:
        """What there is to choose from. A kind of which there is nothing is not offered."""
        self._choices = choices
        self.model_button.setVisible(bool(choices.models))
        self.folder_button.setVisible(bool(choices.folders))
        self.tag_button.setVisible(bool(choices.tags))
        self._show_filters()

    def show_hits(self, titles: Sequence[TitleHit], hits: Sequence[MessageHit], *, whole: bool) -> None:
        """Show what was found first; `whole` where there is no more."""
        self.rows.show([*titles, *hits])
        if self.rows.hits:
            self.list.setCurrentIndex(self.rows.index(0))
            self.list.scrollToTop()
        self._show_count(whole)
        self._show_lesson(None)

    def add_hits(self, hits: Sequence[MessageHit], *, whole: bool) -> None:
        """Show more of it."""
        self.rows.add(list(hits))
        self._show_count(whole)

    def show_problem(self, error: UserError) -> None:
        """The conversations cannot be read just now."""
        self.rows.show([])
        self.count.setText("")
        self._show_lesson(error)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent) or self.field.composition.text:
            return False
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: _PAGE_ROWS,
            Qt.Key.Key_PageUp: -_PAGE_ROWS,
        }
        if event.key() in steps:
            self.list.step(steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.list.currentIndex().isValid():
                self.opened.emit(self.list.currentIndex().row())
        else:
            return False
        return True

    def _show_count(self, whole: bool) -> None:
        count = len(self.rows.hits)
        if not self.text:
            text = ""
        elif not count:
            text = tr("Nothing found.")
        elif whole:
            text = trn("{count} found", "{count} found", count).format(count=f"{count:,}")
        else:
            text = tr("More than {count} found, the newest first").format(count=f"{count:,}")
        if text != self.count.text():
            self.count.setText(text)
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def _show_lesson(self, error: UserError | None) -> None:
        if error is not None:
            text = " ".join(part for part in (error.title, error.detail, error.remedy) if part)
        elif self.text:
            text = ""
        else:
            text = tr(
                "Every message and title is searched as you type, archived chats too. All words have to occur; each "
                "also finds the words that it begins. Enter opens the message."
            )
        self._lesson.setText(text)
        self._lesson.setVisible(bool(text))
        self.list.setVisible(bool(self.rows.hits))

    # --- what narrows it -----------------------------------------------------------------------------------------

    @staticmethod
    def _roles() -> list[tuple[str, str]]:
        return [("user", tr("By you")), ("assistant", tr("By a model"))]

    def _show_filters(self) -> None:
        now = self.narrowed
        shown: list[tuple[Button, str, str]] = [
            (self.model_button, dict(self._choices.models).get(now.model, now.model) or tr("Any model"), tr("Model")),
            (self.folder_button, dict(self._choices.folders).get(now.folder_id, "") or tr("Any folder"), tr("Folder")),
            (self.tag_button, now.tag or tr("Any tag"), tr("Tag")),
            (self.role_button, dict(self._roles()).get(now.role or "", tr("By anybody")), tr("Written by")),
            (self.when_button, next(name for name, days in _spans() if days == self._days), tr("Time")),
        ]
        for button, text, kind in shown:
            button.setText(text)
            button.setAccessibleName(tr("{kind}: {choice}").format(kind=kind, choice=text))
            button.updateGeometry()

    def _menu(self, button: Button, field: str, anything: str, choices: Sequence[tuple[str, str]]) -> None:
        menu = make_menu(self.theme, self)
        now = getattr(self.narrowed, field) or ""
        for value, name in (("", anything), *choices):
            entry = add_entry(menu, name)
            entry.setCheckable(True)
            entry.setChecked(value == now)
            entry.triggered.connect(lambda _=False, value=value: self._narrow(field, value))
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def _narrow(self, field: str, value: str) -> None:
        chosen: Any = value or (None if field == "role" else "")
        self.narrowed = replace(self.narrowed, **{field: chosen})
        self._show_filters()
        self.asked.emit()

    def _when_menu(self) -> None:
        menu = make_menu(self.theme, self)
        for name, days in _spans():
            entry = add_entry(menu, name)
            entry.setCheckable(True)
            entry.setChecked(days == self._days)
            entry.triggered.connect(lambda _=False, days=days: self._within(days))
        menu.popup(self.when_button.mapToGlobal(self.when_button.rect().bottomLeft()))

    def _within(self, days: int) -> None:
        self._days = days
        self._show_filters()
        self.asked.emit()
