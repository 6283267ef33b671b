"""From a footnote's mark to the footnote and back, within one answer."""

from collections.abc import Sequence

from PySide6.QtWidgets import QApplication, QWidget

from desktop.ui.chat.auto_scroll import ensure_visible
from desktop.ui.chat.rendered_text import fragments
from desktop.ui.chat.text_properties import FOOTNOTE
from desktop.ui.chat.text_view import TextView


def find_target(views: Sequence[TextView], target: str) -> tuple[TextView, int, int] | None:
    """Where `target` ("#fn:1", "#fnref:1") is drawn: the view, and where it begins and ends in its document."""
    for view in views:
        block = view.document.begin()
        while block.isValid():
            for fragment in fragments(block):
                if fragment.charFormat().property(FOOTNOTE) == target:
                    return view, fragment.position(), fragment.position() + fragment.length()
            block = block.next()
    return None


def go_to_footnote(holder: QWidget, views: Sequence[TextView], link: str) -> bool:
    """Scroll to what `link` leads to in the answer that `holder` shows, and select it; whether it leads to anything.

    Whoever came by keyboard goes on reading there.
    """
    found = find_target(views, link) if link.startswith("#fn") else None
    if found is None:
        return False
    view, start, end = found
    reading = QApplication.focusWidget()
    if reading is not None and isinstance(reading.parentWidget(), TextView):
        from desktop.ui.chat.accessibility import accessible_child
        from desktop.ui.chat.accessible_text import AccessibleText

        child = accessible_child(view)
        if isinstance(child, AccessibleText):
            child.go_to_drawn(start)
    view.selection.select(view, start, end)
    ensure_visible(holder, view, view.caret_rect(start))
    return True
