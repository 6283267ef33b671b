"""The terms of the model that answers, as badges that give way: apart where there is room, summed up where not."""

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.label import Badge, Tone, badge_size
from desktop.ui.parts.terms import SEVERE, license_label, restrictions_badge
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import S

_GAP = S + 2


class TermsBadges(QWidget):
    """What rules a purpose out, other restrictions (the license where there are none), whether it is a part of
    Latchkey, and the declared purpose."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._restrictions: tuple[str, ...] = ()
        self._license_text = self._part_text = self._purpose_text = ""
        self._severe, self._others = Badge(theme, "", "bad", self), Badge(theme, "", "warn", self)
        self._license, self._purpose = Badge(theme, "", "quiet", self), Badge(theme, "", "quiet", self)
        self._part = Badge(theme, "", "quiet", self)
        self._badges = (self._severe, self._others, self._license, self._part, self._purpose)
        for badge in self._badges:
            badge.hide()
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._changed)

    def show_terms(self, license_id: str, restrictions: tuple[str, ...], *, part: bool = False) -> None:
        """Show the license and the effective restrictions of a model; "" and () for none. `part`: it is a part of
        Latchkey."""
        self._restrictions = restrictions
        self._license_text = license_label(license_id) if license_id else ""
        self._part_text = tr("Part of Latchkey") if part else ""
        self._changed()

    def show_purpose(self, purpose: str) -> None:
        """Show for what the model's use was declared, as people read it."""
        self._purpose_text = purpose
        self._changed()

    def sizeHint(self) -> QSize:
        return QSize(self._width(self._words(apart=True)), self._severe.sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        least = self._severe.fontMetrics().averageCharWidth() * 8 if self._words(apart=False) else 0
        return QSize(least, self._severe.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _changed(self) -> None:
        self.updateGeometry()
        self._arrange()

    def _words(self, *, apart: bool) -> list[tuple[Badge, str, Tone]]:
        """What each badge that is shown says."""
        severe = tuple(each for each in self._restrictions if each in SEVERE)
        others = tuple(each for each in self._restrictions if each not in SEVERE)
        if not apart and severe:
            severe, others = self._restrictions, ()
        license_text = "" if self._restrictions else self._license_text
        words: tuple[tuple[Badge, str, Tone], ...] = (
            (self._severe, *restrictions_badge(severe)),
            (self._others, *restrictions_badge(others)),
            (self._license, license_text, "quiet"),
            (self._part, self._part_text, "quiet"),
            (self._purpose, self._purpose_text, "quiet"),
        )
        return [each for each in words if each[1]]

    def _width(self, words: Sequence[tuple[Badge, str, Tone]]) -> int:
        widths = [badge_size(badge.fontMetrics(), text).width() for badge, text, _ in words]
        return sum(widths) + _GAP * max(len(widths) - 1, 0)

    def _arrange(self) -> None:
        """Where they have no room apart, one badge names all restrictions, and is cut: the purpose stays whole."""
        words = self._words(apart=self.width() >= self.sizeHint().width())
        over = max(self._width(words) - self.width(), 0)
        x = 0
        for place, (badge, text, tone) in enumerate(words):
            badge.set(text, tone)
            width = badge.sizeHint().width()
            if place == 0:
                width = max(width - over, badge.minimumSizeHint().width())
            badge.setGeometry(x, 0, width, badge.sizeHint().height())
            x += width + _GAP
        shown = [badge for badge, _, _ in words]
        for badge in self._badges:
            badge.setVisible(badge in shown)
        self._purpose.setAccessibleName(tr("Purpose: {purpose}").format(purpose=self._purpose_text))
