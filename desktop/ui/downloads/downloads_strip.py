"""All downloads, one row each, in a strip above the models; it takes no room where there are none."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from desktop.byte_size import size_text
from desktop.errors import AccessError, LicenseError, UserError
from desktop.translation import tr
from desktop.ui.downloads.download_text import ACTIVE_STATES, fraction_of, milestone, state_text, status_line, title_of
from desktop.ui.parts.button import Button
from desktop.ui.parts.confirmation import Confirmation
from desktop.ui.parts.error_box import ErrorBox, FittedErrorBox
from desktop.ui.parts.label import Label
from desktop.ui.parts.paint import paint_box
from desktop.ui.parts.progress_bar import ProgressBar
from desktop.ui.parts.scroll_bar import use_slim_scroll_bars
from desktop.ui.theme.design_tokens import RADIUS, XS, M, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.download_item import DownloadItem

_ACTS = ("pause", "resume", "see", "again", "use", "cancel", "dismiss")
_MOST_HEIGHT = 0.4
"""Of the page: beyond that the rows scroll."""


class DownloadRow(QWidget):
    """`action_requested` carries what is to be done ("pause", "resume", "cancel", "dismiss", "use", or "see" what the
    model waits for) and the download's id. With `announces` screen readers are told of its milestones."""

    action_requested = Signal(str, str)

    def __init__(
        self, theme: Theme, item: "DownloadItem", *, announces: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._item, self._announces = theme, item, announces
        self._said = milestone(item)
        self._error: UserError | None = None
        self._box: FittedErrorBox | None = None
        self._shown: tuple[str, ...] = ()
        self._name = Label(theme, "", bold=True)
        self._file = Label(theme, "", size="small", color="muted")
        self._bar = ProgressBar(theme, tr("Progress"))
        self._status = Label(theme, "", size="small", color="muted", wrap=True)
        self._note = Label(theme, "", size="small", color="muted", wrap=True)
        self._confirm = Confirmation(theme)
        self.buttons: dict[str, Button] = {
            "use": Button(theme, tr("Chat with it"), kind="accent", size="small"),
            "see": Button(theme, tr("See what is missing"), size="small"),
            "again": Button(theme, tr("Try again"), size="small"),
            "resume": Button(theme, tr("Resume"), size="small"),
            "pause": Button(theme, tr("Pause"), size="small"),
            "cancel": Button(theme, tr("Cancel"), size="small"),
            "dismiss": Button(theme, tr("Close"), size="small"),
        }
        self._build()
        self.show_item(item)

    def _build(self) -> None:
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        column = QVBoxLayout(self)
        column.setContentsMargins(M, S + 2, M, S + 2)
        column.setSpacing(XS + 1)
        top = QHBoxLayout()
        top.setSpacing(S)
        top.addWidget(self._name)
        top.addWidget(self._file, 1)
        self._flow = QHBoxLayout()
        self._flow.setSpacing(XS + 2)
        top.addLayout(self._flow)
        for label in (self._name, self._file):
            label.setSizePolicy(QSizePolicy.Policy.Ignored if label is self._file else QSizePolicy.Policy.Maximum,
                                QSizePolicy.Policy.Fixed)  # fmt: skip
        for act, button in self.buttons.items():
            self._flow.addWidget(button)
            button.clicked.connect(lambda _=False, asked=act: self._act(asked))
        column.addLayout(top)
        column.addWidget(self._bar)
        column.addWidget(self._status)
        column.addWidget(self._note)
        column.addWidget(self._confirm)
        self._confirm.confirmed.connect(lambda: self.action_requested.emit("cancel", self._item.id))
        self._confirm.declined.connect(self._kept)
        self._column = column

    @property
    def first(self) -> Button:
        """The first button that does something now."""
        return next((button for button in self.buttons.values() if not button.isHidden()), self.buttons["dismiss"])

    @property
    def item(self) -> "DownloadItem":
        return self._item

    def show_item(self, item: "DownloadItem") -> None:
        """Show how it stands now."""
        self._item = item
        progress, state = item.progress, item.progress.state
        title = title_of(item)
        self.setAccessibleName(f"{title}: {state_text(item)}")
        self._bar.setAccessibleName(title)
        self._cut()
        self._bar.show_fraction(1.0 if state == "done" else fraction_of(progress), quiet=state not in ACTIVE_STATES)
        self._bar.setVisible(state not in ("done", "cancelled"))
        self._set(self._status, status_line(item))
        self._set(self._note, progress.note)
        self._show_error(item.error)
        self._offer(state)
        if self._announces and (said := milestone(item)) != self._said:
            self._said = said
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, said))

    def _offer(self, state: str) -> None:
        """The buttons that do something now. Where the one with the focus goes, its place is taken by the next."""
        shown = {
            "paused": ("resume", "cancel"),
            "failed": ("see", "again", "cancel") if _waits_for_person(self._item) else ("again", "cancel"),
            "done": ("use", "dismiss") if self._item.installed else ("dismiss",),
            "cancelled": ("dismiss",),
        }.get(state, ("cancel",) if state == "verifying" else ("pause", "cancel"))
        focus = QApplication.focusWidget()
        had = next((act for act, button in self.buttons.items() if button is focus), None)
        asking = not self._confirm.isHidden()
        if asking and "cancel" not in shown:
            self._confirm.hide()
            asking = False
        self._shown = shown
        for act in _ACTS:
            button = self.buttons[act]
            button.setAccessibleName(f"{button.text()}: {title_of(self._item)}")
            wanted = act in shown and not asking
            if button.isHidden() == wanted:
                button.setVisible(wanted)
        if had is not None and had not in shown and not asking:
            self.buttons[shown[0]].setFocus(Qt.FocusReason.OtherFocusReason)
        self._cut()

    def _act(self, act: str) -> None:
        if act == "cancel" and self._item.progress.done > 0:
            size = size_text(self._item.progress.done, "two")
            self._confirm.ask(
                tr("Throw away the {size} that are here?").format(size=size),
                tr("Throw away"),
                tr("Throw away: {what}").format(what=title_of(self._item)),
                tr("Keep: {what}").format(what=title_of(self._item)),
            )
            self._offer(self._item.progress.state)
            return
        self.action_requested.emit("resume" if act == "again" else act, self._item.id)

    def _kept(self) -> None:
        self._offer(self._item.progress.state)
        self.buttons["cancel"].setFocus(Qt.FocusReason.OtherFocusReason)

    def _set(self, label: Label, text: str) -> None:
        if text != label.text():
            label.setText(text)
        if label.isHidden() == bool(text):
            label.setVisible(bool(text))

    def _show_error(self, error: UserError | None) -> None:
        if str(error or "") == str(self._error or ""):
            return
        self._error = error
        if self._box is not None:
            self._column.removeWidget(self._box)
            self._box.hide()
            self._box.deleteLater()
            self._box = None
        if error is not None:
            self._box = FittedErrorBox(ErrorBox(self._theme, error))
            self._column.insertWidget(self._column.indexOf(self._confirm), self._box)

    def _cut(self) -> None:
        """Name and file in one line, each cut where there is no room."""
        item = self._item
        name = f"{item.name} {item.quantization}".strip()
        taken = [
            self.buttons[act].sizeHint().width() + XS + 2 for act in self._shown if not self.buttons[act].isHidden()
        ]
        room = max(self.width() - 2 * M - sum(taken) - S, 80)
        self._name.setText(self._name.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, room * 7 // 10))
        left = room - self._name.sizeHint().width() - S
        self._file.setText(self._file.fontMetrics().elidedText(item.file, Qt.TextElideMode.ElideMiddle, max(left, 0)))
        self._file.setAccessibleName(item.file)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cut()

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("field"), theme.color("line"), RADIUS)


def _waits_for_person(item: "DownloadItem") -> bool:
    """Whether a step of the model itself leads on, and not another try."""
    return isinstance(item.error, (AccessError, LicenseError))


class DownloadsStrip(QScrollArea):
    """`asked` carries what is to be done and the download's id."""

    action_requested = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.rows: dict[str, DownloadRow] = {}
        self.setAccessibleName(tr("Downloads"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        use_slim_scroll_bars(self, theme)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._inside = QWidget()
        self._inside.installEventFilter(self)
        self.setWidget(self._inside)
        self._column = QVBoxLayout(self._inside)
        self._column.setContentsMargins(0, S, M, S)
        self._column.setSpacing(XS + 2)
        # A layout would ask for the height that its texts take at their narrowest: it is given what they take here.
        self._column.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._heading = Label(theme, "", size="small", color="faint")
        self._heading.setContentsMargins(S, 0, 0, 0)
        self._column.addWidget(self._heading)
        self.hide()

    def show_items(self, items: "Sequence[DownloadItem]") -> None:
        """List `items`, in this order; rows that stay are changed in place."""
        wanted = {item.id: item for item in items}
        for gone in self.rows.keys() - wanted.keys():
            row = self.rows.pop(gone)
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        for item in items:
            self.show_item(item)
        self._heading.setText(tr("Downloads · {count}").format(count=len(items)))
        self.setVisible(bool(items))
        self._fit()

    def show_item(self, item: "DownloadItem") -> None:
        """Show how one stands now; one that is new comes last."""
        row = self.rows.get(item.id)
        if row is not None:
            row.show_item(item)
            return
        row = self.rows[item.id] = DownloadRow(self._theme, item, announces=True)
        row.action_requested.connect(self.action_requested)
        self._column.addWidget(row)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._inside and event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:
        page = self.window().height() if self.window() is not None else 700
        return QSize(200, min(self._wanted(), round(page * _MOST_HEIGHT)))

    def _wanted(self) -> int:
        """The height that all rows take at this width."""
        margins, gap = self._column.contentsMargins(), self._column.spacing()
        width = max(self.width() - margins.left() - margins.right(), 100)
        rows = sum(row.heightForWidth(width) + gap for row in self.rows.values())
        return margins.top() + self._heading.sizeHint().height() + rows + margins.bottom()

    def minimumSizeHint(self) -> QSize:
        return QSize(100, min(self.sizeHint().height(), 80))

    def resizeEvent(self, event: QEvent) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit()

    def _fit(self) -> None:
        if self.width() <= 0:
            return
        self._inside.resize(self.width(), self._wanted())
        height = self.sizeHint().height()
        if height != self.maximumHeight():
            self.setFixedHeight(height)
