"""What the turns of a window ask of the documents in them: one object for all of them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.conversation import AttachedFilePart, PassagePart
from desktop.ui.chat.cited_sources import ShownSource

if TYPE_CHECKING:
    from desktop.chat.citations import Citation

CitationsFound = Callable[["Sequence[Citation]"], None]


class MessageDocuments(QObject):
    """`citations_wanted` carries an answer's text, the passages that its model was given, and what is to be called with
    the citations; `source_asked` a `ShownSource` and `file_asked` an `AttachedFilePart` that is to be shown."""

    citations_wanted = Signal(str, object, object)
    source_asked = Signal(object)
    file_asked = Signal(object)

    def find_citations(self, text: str, passages: Sequence[PassagePart], found: CitationsFound) -> None:
        """Have `found` called with the citations in `text`, some time later."""
        self.citations_wanted.emit(text, tuple(passages), found)

    def show_source(self, source: ShownSource) -> None:
        """Have a source shown in its document."""
        self.source_asked.emit(source)

    def show_file(self, part: AttachedFilePart) -> None:
        """Have what was read of a file shown."""
        self.file_asked.emit(part)
