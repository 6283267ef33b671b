"""The offline switch at the foot of the sidebar, with a word of explanation."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.label import Label, Tone, badge_size, paint_badge
from desktop.ui.parts.paint import paint_box, paint_focus, repaint_on_hover
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme


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
