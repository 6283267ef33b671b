"""The left side of the window: search and new, the conversations, the way to the pages, and the offline switch."""

from datetime import date

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.conversation import Conversation
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, Tone, badge_size, paint_badge
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.page import Separator
from desktop.ui.parts.paint import paint_box, paint_focus, repaint_on_hover
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.sidebar.conversation_list import ConversationItemModel, ConversationList, grouped, title_of
from desktop.ui.theme.design_tokens import XS, M, S
from desktop.ui.theme.theme import Theme

WIDTH = 251
_SEARCH_PAUSE_MS = 120
_UNDO_MS = 12_000


class OfflinePill(QAbstractButton):
    """The button "Offline". Checked while offline; pressing it only emits `clicked`."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        repaint_on_hover(self)
        self.setFont(theme.font("small"))
        self.setAccessibleName(tr("Offline"))
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._restyle)

    def nextCheckState(self) -> None:
        """It shows what is so, not what was pressed."""

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return max((badge_size(metrics, word) for word in (tr("Offline"), tr("Online"))), key=QSize.width)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self.font())
        rect, theme = QRectF(self.rect()), self._theme
        words = tr("Offline") if self.isChecked() else tr("Online")
        tone: Tone = "good" if self.isChecked() else "quiet"
        size = badge_size(self.fontMetrics(), words)
        badge = QRectF(0, 0, size.width(), rect.height())
        if self.underMouse() or self.isDown():
            ground = theme.color("pressed" if self.isDown() else "hover")
            paint_box(painter, badge, ground, None, badge.height() / 2)
        paint_badge(painter, theme, badge, words, tone)
        if self.underMouse() and self.isChecked():
            paint_box(painter, badge, None, theme.color("good_text"), badge.height() / 2)
        if self.hasFocus():
            paint_focus(painter, badge, theme.color("accent"), badge.height() / 2 - 1)

    def _restyle(self) -> None:
        self.setFont(self._theme.font("small"))
        self.updateGeometry()
        self.update()


class OfflineStatus(QWidget):
    """The pill and a word of explanation. `held` is the reason why it is offline whatever the switch says, "" for
    none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.offline_reason = ""
        self._setting = False
        self.pill = OfflinePill(theme)
        self._says = ""
        self._words = Label(theme, "", color="faint", size="small")
        self._words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(S, XS + 1, S, 0)
        row.setSpacing(S)
        row.addWidget(self.pill)
        row.addWidget(self._words, 1)
        self._show()

    @property
    def offline(self) -> bool:
        """Whether it says so."""
        return self._setting or bool(self.offline_reason)

    def show_setting(self, offline: bool) -> None:
        """How the person's own switch stands."""
        self._setting = offline
        self._show()

    def show_offline_reason(self, held: str) -> None:
        """Why Latchkey is offline whatever the switch says, as a sentence; "" where nothing keeps it so."""
        self.offline_reason = held
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.width() - self.pill.sizeHint().width() - 3 * S
        self._words.setText(self._words.fontMetrics().elidedText(self._says, Qt.TextElideMode.ElideRight, room))

    def _show(self) -> None:
        offline = self.offline
        self.pill.setChecked(offline)
        words = tr("no network use") if offline else tr("only when you ask")
        self._says = words
        self._fit()
        click = tr("Press to see why.") if self.offline_reason else tr("Press to go online.") if offline else ""
        says = (
            self.offline_reason or words
            if offline
            else tr("The network is used only when you ask for something there.")
        )
        self.pill.setAccessibleDescription(says)
        set_tool_tip(self.pill, " ".join(part for part in (says, click or tr("Press to go offline.")) if part))
        self.pill.update()


class UndoBar(QWidget):
    """ "Conversation deleted · Undo", for some seconds. Of several deleted meanwhile the last comes back first."""

    undone = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._deleted: list[Conversation] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(S, XS, 0, XS)
        row.setSpacing(XS)
        self._label = Label(theme, tr("Conversation deleted"), size="small", color="muted")
        self.button = Button(theme, tr("Undo"), size="small")
        self.button.clicked.connect(self._undo)
        row.addWidget(self._label, 1)
        row.addWidget(self.button)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_UNDO_MS)
        self._timer.timeout.connect(self._leave)
        self.hide()

    def offer(self, conversation: Conversation) -> None:
        """Offer to bring `conversation` back."""
        self._deleted.append(conversation)
        self._show_last()
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, self.accessibleName()))

    def _show_last(self) -> None:
        title = title_of(self._deleted[-1])
        set_tool_tip(self._label, title)
        self.setAccessibleName(tr("{title} was deleted").format(title=title))
        self.show()
        self._timer.start()

    def _undo(self) -> None:
        restored = self._deleted.pop()
        if self._deleted:
            self._show_last()
        else:
            self.hide()
        self.undone.emit(restored.id)

    def _leave(self) -> None:
        # Never from under the person's hand.
        if self.button.hasFocus() or self.underMouse():
            self._timer.start()
        else:
            self._deleted.clear()
            self.hide()


class Sidebar(QWidget):
    """Emits what the person asks for; shows what it is given."""

    new_asked = Signal()
    search_changed = Signal(str)
    opened = Signal(str)
    rename_asked = Signal(str)
    renamed = Signal(str, str)
    pin_asked = Signal(str, bool)
    delete_asked = Signal(str)
    undo_asked = Signal(str)
    page_asked = Signal(str)
    more_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._open_id: str | None = None
        self._postponed: list[Conversation] | None = None
        self.search = Field(theme, tr("Search chats"), escape_clears=True)
        self.new_button = Button(theme, tr("New"), icon="plus", name=tr("New chat"))
        self.rows = ConversationItemModel(self)
        self.list = ConversationList(theme, self.rows)
        self.undo_bar = UndoBar(theme)
        self.models = Button(theme, tr("Models"), kind="row")
        self.licenses = Button(theme, tr("Licenses"), kind="row")
        self.network = Button(theme, tr("Network"), kind="row")
        self.settings = Button(theme, tr("Settings"), kind="row")
        self.offline = OfflineStatus(theme)
        self._empty = Label(theme, "", size="small", color="faint", wrap=True)
        self._build()
        self._search_timer = QTimer(self)
        self._search_timer.setSingleShot(True)
        self._search_timer.setInterval(_SEARCH_PAUSE_MS)
        self._search_timer.timeout.connect(lambda: self.search_changed.emit(self.query))
        self.search.textChanged.connect(lambda: self._search_timer.start())
        self.new_button.clicked.connect(self.new_asked)
        self.list.chosen.connect(self.opened)
        self.list.delete_asked.connect(self.delete_asked)
        self.list.menu_asked.connect(self._menu)
        self.list.reached_end.connect(self.more_asked)
        self.list.rename_ended.connect(self._show_postponed, Qt.ConnectionType.QueuedConnection)
        self.rows.renamed.connect(self.renamed)
        self.undo_bar.undone.connect(self._undone)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(S + 2, M, S + 2, M)
        column.setSpacing(0)
        top = QHBoxLayout()
        top.setSpacing(S)
        top.addWidget(self.search, 1)
        top.addWidget(self.new_button)
        column.addLayout(top)
        column.addSpacing(M)
        self._empty.setContentsMargins(S, XS, S, XS)
        self._empty.hide()
        column.addWidget(self._empty)
        column.addWidget(self.list, 1)
        column.addWidget(self.undo_bar)
        column.addSpacing(S)
        column.addWidget(Separator(self._theme))
        column.addSpacing(S)
        for name, button in (
            ("models", self.models),
            ("licenses", self.licenses),
            ("network", self.network),
            ("settings", self.settings),
        ):
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, page=name: self.page_asked.emit(page))
            column.addWidget(button)
        column.addWidget(self.offline)

    @property
    def query(self) -> str:
        """What is searched for, "" for nothing."""
        return self.search.text().strip()

    def show_conversations(self, conversations: list[Conversation]) -> None:
        """Show these, in this order; not before a title that is being typed over is finished."""
        if self.list.renaming:
            self._postponed = conversations
            return
        self._postponed = None
        here, row = self.list.current_id(), self.list.currentIndex().row()
        bar = self.list.verticalScrollBar()
        at = bar.value()
        heading = tr("Found") if self.query else ""
        if self.rows.show(grouped(conversations, date.today(), heading)):  # noqa: DTZ011 - the person's own days
            bar.setValue(at)
            if self.list.hasFocus():
                self.list.restore_position(here, row)
        self._empty.setText(tr("Nothing found.") if self.query else tr("No conversations yet."))
        self._empty.setVisible(not conversations)
        self.list.select(self._open_id)

    def _show_postponed(self) -> None:
        if self._postponed is not None:
            self.show_conversations(self._postponed)

    def _undone(self, conversation_id: str) -> None:
        if self.undo_bar.isHidden():
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)  # the button that had it is gone
        self.undo_asked.emit(conversation_id)

    def show_open(self, conversation_id: str | None) -> None:
        """Mark the conversation that is open."""
        self._open_id = conversation_id
        self.list.select(conversation_id)

    def show_page(self, page: str) -> None:
        """Mark the page that is shown, "" for the conversation. The steps of a license belong to "licenses"."""
        self.models.setChecked(page == "models")
        self.licenses.setChecked(page in ("licenses", "license", "difference"))
        self.network.setChecked(page == "network")
        self.settings.setChecked(page == "settings")
        self.list.select(None if page else self._open_id)

    def fill_menu(self, conversation_id: str, menu: object) -> None:
        """Add what can be done with a conversation to a menu."""
        from PySide6.QtWidgets import QMenu

        assert isinstance(menu, QMenu)
        row = self.rows.row_of(conversation_id)
        conversation = self.rows.conversation_at(self.rows.index(row)) if row is not None else None
        if conversation is None:
            return
        pinned = conversation.pinned
        menu.addAction(tr("Rename\tF2"), lambda: self.rename_asked.emit(conversation_id))
        menu.addAction(tr("Unpin") if pinned else tr("Pin"), lambda: self.pin_asked.emit(conversation_id, not pinned))
        menu.addSeparator()
        menu.addAction(tr("Delete\tDel"), lambda: self.delete_asked.emit(conversation_id))

    def _menu(self, conversation_id: str, at: QPoint) -> None:
        menu = make_menu(self._theme, self)
        self.fill_menu(conversation_id, menu)
        menu.popup(at)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 600)

    def minimumSizeHint(self) -> QSize:
        return QSize(180, 300)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._theme.color("sidebar"))
