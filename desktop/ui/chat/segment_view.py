"""Which view shows which kind of segment of an answer."""

from PySide6.QtWidgets import QWidget

from desktop.chat.markdown.answer_segments import CodeSegment, Segment, TableSegment
from desktop.translation import tr
from desktop.ui.chat.code_options import CodeOptions
from desktop.ui.chat.code_view import CodeView
from desktop.ui.chat.markdown_table import MarkdownTableView
from desktop.ui.chat.prose_view import ProseView
from desktop.ui.theme.theme import Theme

SegmentView = ProseView | CodeView | MarkdownTableView


def make_view(segment: Segment, theme: Theme, code: CodeOptions, parent: QWidget) -> SegmentView:
    """An empty view for `segment`; `code` are the options of code blocks."""
    if isinstance(segment, CodeSegment):
        return CodeView(theme, segment.language, parent, options=code)
    if isinstance(segment, TableSegment):
        return MarkdownTableView(theme, parent)
    view = ProseView(theme, parent)
    view.setAccessibleName(tr("Text"))
    return view


def fits(view: SegmentView, segment: Segment) -> bool:
    """Whether `view` is of the kind that shows `segment`."""
    if isinstance(segment, CodeSegment):
        return isinstance(view, CodeView)
    return isinstance(view, MarkdownTableView if isinstance(segment, TableSegment) else ProseView)
