"""A reader of documents that takes every file for text: pages are divided by form feeds, and what begins with LOCKED
needs the password that follows it."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from desktop.document_content import DocumentContent, DocumentPage
from desktop.errors import PasswordNeededError, StoppedError, UnreadableFileError


class TextReading:
    """`read_paths` are the files that it was asked for."""

    def __init__(self) -> None:
        self.read_paths: list[Path] = []

    def read(
        self,
        path: Path,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> DocumentContent:
        self.read_paths.append(path)
        data = path.read_bytes()
        text = data.decode("utf-8", "replace")
        if text.startswith("BROKEN"):
            raise UnreadableFileError(f"{path.name} is damaged.", "", "Choose another file.")
        if text.startswith("LOCKED "):
            _, needed, text = text.split(" ", 2)
            if password != needed:
                raise PasswordNeededError(f"{path.name} needs a password.", wrong=bool(password))
        pages = text.split("\f")
        on_progress(len(pages), len(pages))
        if is_cancelled():
            raise StoppedError
        return DocumentContent(
            path.name,
            "text/plain",
            hashlib.sha256(data).hexdigest(),
            len(data),
            tuple(DocumentPage(number, page) for number, page in enumerate(pages, 1)),
            len(pages) > 1,
        )
