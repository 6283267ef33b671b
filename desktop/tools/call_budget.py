"""How many calls of tools one answer may make."""

import threading

from desktop.errors import ForbiddenError
from desktop.translation import tr


class CallBudget:
    """How many calls an answer may make. Shared by the calls of one answer."""

    def __init__(self, most: int) -> None:
        self._left, self._lock = most, threading.Lock()

    def spend(self) -> None:
        """Take one. Raises ForbiddenError where none is left."""
        with self._lock:
            if self._left <= 0:
                raise ForbiddenError(
                    tr("The answer made as many calls of tools as it may."),
                    "",
                    tr("Ask again, or go on without tools."),
                )
            self._left -= 1
