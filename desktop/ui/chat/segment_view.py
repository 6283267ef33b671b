"""Which view shows which kind of segment of an answer."""

from PySide6.QtWidgets import QWidget

from desktop.chat.markdown.answer_segments import CodeSegment, ProseSegment, Segment, TableSegment
from desktop.translation import tr
from desktop.ui.chat.answer_direction import AnswerDirection
from desktop.ui.chat.citation_marks import CitationMarks
from desktop.ui.chat.code_options import CodeOptions
from desktop.ui.chat.code_view import CodeView
from desktop.ui.chat.container_blocks import Levels
from desktop.ui.chat.markdown_table import MarkdownTableView
from desktop.ui.chat.prose_view import ProseView
from desktop.ui.theme.theme import Theme

SegmentView = ProseView | CodeView | MarkdownTableView


def make_view(
    segment: Segment, theme: Theme, code: CodeOptions, citations: CitationMarks, parent: QWidget
) -> SegmentView:
    """An empty view for `segment`; `code` are the options of code blocks, `citations` those of the answer."""
    if isinstance(segment, CodeSegment):
        return CodeView(theme, segment.language, parent, options=code)
    if isinstance(segment, TableSegment):
        return MarkdownTableView(theme, parent, citations=citations)
    view = ProseView(theme, parent, citations=citations)
    view.setAccessibleName(tr("Text"))
    return view


def fits(view: SegmentView, segment: Segment) -> bool:
    """Whether `view` is of the kind that shows `segment`."""
    if isinstance(segment, CodeSegment):
        return isinstance(view, CodeView)
    return isinstance(view, MarkdownTableView if isinstance(segment, TableSegment) else ProseView)


def show_segment(
    view: SegmentView, segment: Segment, levels: Levels, direction: AnswerDirection, *, open_end: bool
) -> bool:
    """Let `view` show `segment`, before which `levels` are open and the answer runs in `direction`; whether its height
    may have changed. `open_end`: more of it may come."""
    if isinstance(view, CodeView) and isinstance(segment, CodeSegment):
        return view.set_code(segment.text, closed=segment.closed or not open_end, language=segment.language)
    if isinstance(view, MarkdownTableView) and isinstance(segment, TableSegment):
        view.set_table(segment, around=direction.right_to_left)
        return True
    assert isinstance(view, ProseView)
    assert isinstance(segment, ProseSegment)
    changed = view.set_blocks(segment.blocks, segment.around, levels=levels, direction=direction, growing=open_end)
    view.show_caret(open_end)
    view.setVisible(not view.is_empty)
    return changed
