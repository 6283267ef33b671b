"""The place above the composer where an error is shown."""

from PySide6.QtWidgets import QVBoxLayout

from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.parts.error_box import ErrorAction, ErrorBox
from desktop.ui.theme.theme import Theme


class ErrorArea:
    """The top of `column`, where an error is shown. `box` is the one shown now, or None."""

    def __init__(self, theme: Theme, column: QVBoxLayout, width: int, log: str) -> None:
        self._theme, self._column, self._width, self._log = theme, column, width, log
        self._stays = False
        self.box: ErrorBox | None = None

    def show(self, error: UserError | None, action: ErrorAction | None = None) -> None:
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

    def clear_passive(self) -> None:
        """Take away an error that asks for nothing."""
        if not self._stays:
            self.show(None)
