"""Widgets that somebody else places, and whose height follows from their width (Qt's `heightForWidth`)."""

from PySide6.QtWidgets import QWidget


def resize_to_width(widget: QWidget, width: int) -> int:
    """Lay `widget` out for `width` and give it the height that its layout wants there; that height in pixels."""
    layout = widget.layout()
    assert layout is not None
    layout.invalidate()
    height = max(layout.totalHeightForWidth(width), layout.totalMinimumSize().height())
    widget.resize(width, height)
    return height
