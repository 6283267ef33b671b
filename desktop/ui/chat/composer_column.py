"""What stands under the conversation: the composer, in the middle of the page, with errors and what waits above it."""

from PySide6.QtWidgets import QVBoxLayout

from desktop.ui.chat.composer import Composer
from desktop.ui.chat.error_area import ErrorArea
from desktop.ui.theme.design_tokens import COLUMN, XL, L, M
from desktop.ui.theme.theme import Theme

_WIDEST = COLUMN + 40
_NARROW = 500


class ComposerColumn(QVBoxLayout):
    """Holds `composer`; `problems` are shown above it. `log` is where more is found of an error."""

    def __init__(self, theme: Theme, composer: Composer, log: str) -> None:
        super().__init__()
        self._composer = composer
        self.setSpacing(M)
        composer.setMaximumWidth(_WIDEST)
        self.addWidget(composer, 0)
        self.problems = ErrorArea(theme, self, _WIDEST, log)

    def center(self, width: int) -> None:
        """Stand under the column of text of a page that is `width` pixels wide."""
        side = max((width - _WIDEST) // 2, XL if width > _NARROW else M)
        self.setContentsMargins(side, M - 2, side, L + 2)
