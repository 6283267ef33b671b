"""What a selection that goes over several text views asks of each of them."""

from abc import abstractmethod

from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QWidget


class SelectableView(QWidget):
    """Shows `document`, and draws the part of a selection that lies in it.

    `dragged_past_edge` when a selection goes on left (less than 0) or right of what is seen, by how many pixels.
    """

    dragged_past_edge = Signal(int)
    document: QTextDocument

    def undrawn_text(self) -> str:
        """What comes after the end of the document and is not written into it yet, as it is copied."""
        return ""

    @property
    def joint(self) -> str | None:
        """What stands between the end of the document and the next view, where both show one text that was cut; None
        where a paragraph ends."""
        return None

    @abstractmethod
    def position_at(self, spot: QPointF) -> int:
        """The position in the document nearest to a place in the view."""

    @abstractmethod
    def caret_rect(self, position: int) -> QRectF:
        """Where the caret stands before a position."""

    @abstractmethod
    def set_selection(self, start: int, end: int) -> None:
        """Draw what lies between two positions as selected; nothing where they are the same."""
