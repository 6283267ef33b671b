"""The order in which screen readers go through the widgets of a parent: that in which it got them."""

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtWidgets import QWidget


def set_reading_order(widgets: Sequence[QWidget]) -> None:
    """Have `widgets`, children of one parent, follow each other in this order. They must not overlap: what follows
    would be drawn above what it follows."""
    for after, before in pairwise(reversed(widgets)):
        before.stackUnder(after)
