"""A box for text of several lines, which is given back character by character as it was typed or pasted."""

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDropEvent, QInputMethodEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from desktop.ui.parts.document_text import selection_data, text_of
from desktop.ui.parts.input_composition import InputComposition
from desktop.ui.parts.text_options import right_to_left

_BLOCKS_LOOKED_AT = 50
_LOOKED_AT = 200


class PlainTextEdit(QPlainTextEdit):
    """Each paragraph reads in the direction of its first letter; all stand at the side of the whole text's first one.

    Copies plain text alone. `composition` is what an input method is composing here.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.composition = InputComposition(self)
        self.textChanged.connect(self._align)

    @property
    def text(self) -> str:
        """What was typed and pasted, without what is being composed."""
        return text_of(self.document())

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed, nor is being composed."""
        return self.document().isEmpty() and not self.composition.text

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.InsertLineSeparator):
            self.break_line()  # Qt would put in U+2028, which is no line feed for whoever reads the text
            return
        super().keyPressEvent(event)

    def break_line(self) -> None:
        """Begin a new line at the cursor."""
        self.textCursor().insertBlock()
        self.ensureCursorVisible()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        super().inputMethodEvent(event)
        self.composition.update_from_event(event)

    def dropEvent(self, event: QDropEvent) -> None:
        self.composition.finish()
        super().dropEvent(event)

    def insertFromMimeData(self, source: QMimeData) -> None:
        self.composition.finish()
        super().insertFromMimeData(source)

    def createMimeDataFromSelection(self) -> QMimeData:
        return selection_data(self.textCursor())

    def _align(self) -> None:
        """Stand at the right where the text reads from right to left. Qt aligns all paragraphs of plain text alike."""
        block = self.document().begin()
        from_right: bool | None = None
        while block.isValid() and block.blockNumber() < _BLOCKS_LOOKED_AT and from_right is None:
            from_right = right_to_left(block.text()[:_LOOKED_AT])
            block = block.next()
        wanted = Qt.AlignmentFlag.AlignRight if from_right else Qt.AlignmentFlag.AlignLeft
        option = self.document().defaultTextOption()
        if option.alignment() != wanted:
            option.setAlignment(wanted)
            self.document().setDefaultTextOption(option)
