"""What reads a document, as collections need it."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from desktop.document_content import DocumentContent
from desktop.errors import ResourceError


class ReaderNotStartedError(ResourceError):
    """Nothing can be read now, whatever the file: the process that reads cannot be started."""


class DocumentReading(Protocol):
    """Reads files. `on_progress` gets the pages that are read and all there are (0: not known)."""

    def read(
        self,
        path: Path,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> DocumentContent:
        """All text of the file. Raises UserError, PasswordNeededError among them, and StoppedError where `is_cancelled`
        says so."""
