"""The error above the composer: one at a time, where it happened, until it is acted on or passes."""

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.theme.theme import Theme

Action = tuple[str, Callable[[], None]]


class ProblemPlace:
    """The top of `column`, where an error is shown. `box` is the one shown now, or None."""

    def __init__(self, theme: Theme, column: QVBoxLayout, width: int, log: str) -> None:
        self._theme, self._column, self._width, self._log = theme, column, width, log
        self._stays = False
        self.box: ErrorBox | None = None

    def show(self, error: UserError | None, action: Action | None = None) -> None:
        """Show an error; None takes it away. One with an action of its own stays until that was done."""
        self._stays = action is not None
        if self.box is not None:
            self._column.removeWidget(self.box)
            self.box.hide()
            self.box.deleteLater()
            self.box = None
        if error is not None:
            own = action or (tr("Close"), lambda: self.show(None))
            self.box = ErrorBox(self._theme, error, action=own, log=self._log)
            self.box.setMaximumWidth(self._width)
            self._column.insertWidget(0, self.box)

    def pass_by(self) -> None:
        """Take away an error that asks for nothing."""
        if not self._stays:
            self.show(None)
