"""What the window's actions do with the newest turns of the conversation that is shown."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.ui.chat.transcript import Transcript


class NewestTurn:
    """`transcript` gives the transcript, None where no conversation was shown yet: nothing happens then."""

    def __init__(self, transcript: "Callable[[], Transcript | None]") -> None:
        self._transcript = transcript

    def copy(self) -> None:
        """Put the newest answer on the clipboard."""
        if (transcript := self._transcript()) is not None:
            transcript.copy_last_answer()

    def read(self) -> None:
        """Put the keyboard's caret into the newest answer, where a screen reader reads it."""
        if (transcript := self._transcript()) is not None:
            transcript.read_last_answer()

    def show(self) -> None:
        """Go to the newest turn."""
        if (transcript := self._transcript()) is not None:
            transcript.jump_to_end()
