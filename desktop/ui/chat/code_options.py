"""How code in answers is shown, and where it is sent to be saved: one object for all code blocks of a window."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal


class CodeOptions(QObject):
    """`wraps`: whether long lines of code are broken, in all blocks alike.

    `wrap_changed` tells the blocks. `wrap_chosen` carries what a person chose, to be remembered. `save_asked` carries
    code, the name of a file to propose, and what is to be called once it is saved.
    """

    wrap_changed = Signal()
    wrap_chosen = Signal(bool)
    save_asked = Signal(str, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wraps = False

    @property
    def wraps(self) -> bool:
        return self._wraps

    def set_wraps(self, wraps: bool) -> None:
        """Show code so, as the settings say."""
        if wraps != self._wraps:
            self._wraps = wraps
            self.wrap_changed.emit()

    def choose_wraps(self, wraps: bool) -> None:
        """A person wants code shown so from now on."""
        self.set_wraps(wraps)
        self.wrap_chosen.emit(wraps)

    def save(self, code: str, name: str, saved: Callable[[], None]) -> None:
        """Ask where `code` is to be saved, `name` proposed; `saved` is called once it is."""
        self.save_asked.emit(code, name, saved)
