"""Citations of an answer: raised numbers that lead to their sources, which stand below with what bears them out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCharFormat
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.chat.citations import Citation
from desktop.conversation import AttachedFilePart, Message, PassagePart, TextPart
from desktop.ui.chat.accessibility import accessible_child
from desktop.ui.chat.accessible_text import AccessibleText
from desktop.ui.chat.answer_view import AnswerView
from desktop.ui.chat.citation_marks import source_of_link
from desktop.ui.chat.cited_sources import ShownSource, excerpt, source_name
from desktop.ui.chat.message_documents import MessageDocuments
from desktop.ui.chat.message_view import MessageActions
from desktop.ui.chat.rendered_text import document_length, fragments, lines_of, text_between
from desktop.ui.chat.source_list import SourceList
from desktop.ui.chat.text_view import TextView
from desktop.ui.chat.user_message_view import UserMessageView
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
SHA = "a" * 64
FIRST = PassagePart(1, "gates.pdf", 12, "Any time. Files already here are not affected. More of it.", SHA)
SECOND = PassagePart(2, "gates.pdf", 13, "Copies stay where they are.", SHA)
Draw = Callable[..., tuple[AnswerView, list[ShownSource], list[str]]]
TEXT = "Files stay [1], copies too [1, 2][2]. `x[1]` and [3].\n\n| a | b |\n|---|---|\n| c [2] | d |\n"


def citations(text: str) -> list[Citation]:
    """Those of TEXT: the passage 1 bears the first out, 2 none, and there is no 3."""

    def at(mark: str, nth: int = 0) -> tuple[int, int]:
        start = -1
        for _ in range(nth + 1):
            start = text.index(mark, start + 1)
        return start, start + len(mark)

    return [
        Citation(1, *at("[1]"), FIRST, "supported", ((10, 46),)),
        Citation(1, *at("[1, 2]"), FIRST, "supported", ((10, 46),)),
        Citation(2, *at("[1, 2]"), SECOND, "unsupported"),
        Citation(2, *at("[2]"), SECOND, "unsupported"),
        Citation(3, *at("[3]"), None, "no-such-source"),
        Citation(2, *at("[2]", 1), SECOND, "unsupported"),
    ]


@pytest.fixture
def draw(qapp: QApplication, qtbot: QtBot) -> Draw:
    def drawn(
        text: str = TEXT, parts: tuple[PassagePart, ...] = (FIRST, SECOND)
    ) -> tuple[AnswerView, list[ShownSource], list[str]]:
        documents = MessageDocuments()
        asked: list[ShownSource] = []
        links: list[str] = []
        documents.citations_wanted.connect(lambda said, passages, found: found(citations(said)))
        documents.source_asked.connect(asked.append)
        actions = MessageActions(lambda key: None, lambda message: None, links.append, documents=documents)
        message = Message("m", "c", None, "assistant", (*parts, TextPart(text)), status="streaming")
        view = AnswerView(Theme(RESOURCES, "light"), message, actions)
        qtbot.addWidget(view)
        documents.setParent(view)
        view.finish(Message("m", "c", None, "assistant", (*parts, TextPart(text))))
        view.place(600)
        view.show()
        return view, asked, links

    return drawn


def _sources(view: AnswerView) -> SourceList:
    """What stands below the answer."""
    shown = view._sources.list
    assert shown is not None
    return shown


def raised(view: TextView) -> list[tuple[str, QTextCharFormat]]:
    """The raised numbers that a view shows."""
    found: list[tuple[str, QTextCharFormat]] = []
    block = view.document.begin()
    while block.isValid():
        runs = [each for each in fragments(block) if source_of_link(each.charFormat().anchorHref()) is not None]
        found += [(run.text().strip("\u2066\u2069"), run.charFormat()) for run in runs]
        block = block.next()
    return found


def test_marks_become_raised_numbers_and_are_copied_as_they_were_written(draw: Draw) -> None:
    view, _, _ = draw()
    prose, table = view.text_views()
    numbers = raised(prose)
    assert [text for text, _ in numbers] == ["1", "1", "2\u26a0\ufe0e", "2\u26a0\ufe0e", "3?"]
    assert all(form.verticalAlignment() == form.VerticalAlignment.AlignSuperScript for _, form in numbers)
    assert [form.fontStrikeOut() for _, form in numbers] == [False] * 4 + [True]
    assert [text for text, _ in raised(table)] == ["2\u26a0\ufe0e"]
    assert (
        text_between(prose.document, 0, document_length(prose.document))
        == "Files stay [1], copies too [1, 2][2]. x[1] and [3]."
    )
    assert view.plain_text() == TEXT
    view.selection.select_all()
    assert "copies too [1, 2][2]. `x[1]` and [3]" in view.selection.markdown()


def test_a_reader_hears_the_file_and_the_page_and_what_is_wrong(draw: Draw) -> None:
    view, _, _ = draw()
    said = "\n".join(line.text for line in lines_of(view.text_views()[0].document))
    assert said.startswith("Files stay (Source 1: gates.pdf, page 12), copies too")
    assert "(Source 2: gates.pdf, page 13. The passage does not say this)" in said
    assert said.endswith("and (Source 3: there is no such source).")


def test_each_source_stands_below_once_with_what_is_wrong_in_words(draw: Draw) -> None:
    view, asked, _ = draw()
    rows = _sources(view).rows
    assert [row.accessibleName() for row in rows] == [
        "Source 1: gates.pdf, page 12", "Source 2: gates.pdf, page 13", "Source 3: No such source",
    ]  # fmt: skip
    assert "Files already here are not affected." in rows[0].accessibleDescription()
    assert "The passage does not say this." in rows[1].accessibleDescription()
    assert "no source of this number" in rows[2].accessibleDescription()
    assert rows[2] in view.buttons()
    rows[0].click()
    assert asked == [ShownSource(1, FIRST, ((10, 46),), "supported")]
    assert not rows[2].isEnabled()


def test_a_number_leads_to_its_source_by_pointer_and_by_keyboard(draw: Draw, qtbot: QtBot) -> None:
    view, _, links = draw()
    view.text_views()[0].link_clicked.emit("latchkey-source:2")
    rows = _sources(view).rows
    assert [row.is_chosen for row in rows] == [False, True, False]
    assert links == [], "no citation is opened as an address"
    reader = accessible_child(view.text_views()[0])
    assert isinstance(reader, AccessibleText)
    reader.go_to(end=False)
    assert reader.focusNextPrevChild(True)
    QTest.keyClick(reader, Qt.Key.Key_Return)
    assert [row.is_chosen for row in rows] == [True, False, False]
    view.text_views()[0].link_clicked.emit("https://example.org")
    assert links == ["https://example.org"]


def test_sources_that_come_below_an_answer_let_its_end_be_followed(draw: Draw, qtbot: QtBot) -> None:
    view, _, _ = draw()
    third = PassagePart(7, "other.txt", 0, "Not cited.", "b" * 64)
    again = Message("m", "c", None, "assistant", (FIRST, SECOND, third, TextPart(TEXT)))
    with qtbot.assertNotEmitted(view.height_changed), qtbot.waitSignal(view.grown):  # nobody asked for them
        view.finish(again)
    assert _sources(view).buttons[-1].text() == "1 passage was given and is not cited"


def test_passages_that_were_given_and_are_not_cited_are_offered(draw: Draw) -> None:
    third = PassagePart(7, "other.txt", 0, "Not cited.", "b" * 64)
    view, _, _ = draw(parts=(FIRST, SECOND, third))
    sources = _sources(view)
    assert sources.buttons[-1].text() == "1 passage was given and is not cited"
    sources.buttons[-1].click()
    assert sources.rows[-1].source == ShownSource(7, third, (), "not-cited")


@pytest.mark.parametrize(
    ("text", "marks", "most", "expected", "marked"),
    [
        ("Short text.", [(0, 5)], 100, "Short text.", ["Short"]),
        ("one two\n\nthree  four", [(9, 14)], 100, "one two three four", ["three"]),
        ("word " * 40 + "found here " + "word " * 40, [(200, 210)], 60, None, ["found here"]),
        ("a\u202etxt.exe\u2069 b", [(0, 3)], 100, "a\ufffdtxt.exe\ufffd b", ["a\ufffdt"]),
        ("長い文章" * 100, [(200, 204)], 40, None, ["長い文章"]),
        ("", [], 100, "", []),
    ],
)
def test_an_excerpt_holds_the_marked_words_in_one_line(
    text: str, marks: list[tuple[int, int]], most: int, expected: str | None, marked: list[str]
) -> None:
    line, places = excerpt(text, marks, most)
    assert [line[start:end] for start, end in places] == marked
    assert "\n" not in line
    assert expected is None or line == expected
    assert len(line) <= most + 50


@pytest.mark.parametrize(
    ("passage", "name"),
    [
        (PassagePart(1, "a.txt", 0, "", SHA), "a.txt"),
        (PassagePart(1, "a.pdf", 3, "", SHA, label="1"), "a.pdf, page 1"),
        (PassagePart(1, "a.xlsx", 2, "", SHA, label="Costs"), "a.xlsx, Costs"),
        (PassagePart(1, "a\n\tb\u202e.txt", 0, "", SHA), "a b\\u202e.txt"),
        (PassagePart(1, "x" * 300 + ".txt", 0, "", SHA), "x" * 60 + "…" + "x" * 56 + ".txt"),
    ],
)
def test_a_source_is_named_in_one_line(passage: PassagePart, name: str) -> None:
    assert source_name(passage) == name


def test_a_question_shows_its_files_and_how_much_of_each_was_given(qapp: QApplication, qtbot: QtBot) -> None:
    documents = MessageDocuments()
    asked: list[AttachedFilePart] = []
    documents.file_asked.connect(asked.append)
    actions = MessageActions(lambda key: None, lambda message: None, lambda link: None, documents=documents)
    files = [
        AttachedFilePart(f"{at} {'n' * 90}.pdf", "application/pdf", SHA, f"{at:064}", 9, 41, at == 1) for at in range(9)
    ]
    view = UserMessageView(Theme(RESOURCES, "light"), Message("q", "c", None, "user", (*files, TextPart("?"))), actions)
    qtbot.addWidget(view)
    with qtbot.assertNotEmitted(view.height_changed), qtbot.waitSignal(view.grown):  # nobody asked: the end is followed
        view.show_passages_used({f"{0:064}": 9})
    view.place(300)
    names = [button.accessibleName() for button in view.buttons()]
    assert names[0].endswith("41 pages · 9 passages used")
    assert names[1].endswith("41 pages · given whole")
    assert names[6] == "3 more files"
    assert all(button.geometry().right() <= 300 for button in view.buttons()[:7])
    view.buttons()[6].click()
    view.buttons()[8].click()
    assert asked == [files[8]]


def test_many_sources_are_folded_and_one_that_is_pressed_is_shown(qapp: QApplication, qtbot: QtBot) -> None:
    sources = SourceList(Theme(RESOURCES, "light"))
    qtbot.addWidget(sources)
    cited = [ShownSource(at, PassagePart(at, "a.txt", 0, "x", SHA)) for at in range(1, 8)]
    sources.show_sources(cited[:4])
    assert (len(sources.rows), len(sources.buttons)) == (4, 4), "no button stands for one source"
    sources.show_sources(cited)
    assert [row.source.number for row in sources.rows] == [1, 2, 3]
    assert sources.buttons[-1].text() == "Show all 7 sources"
    sources.choose(6)
    assert [row.source.number for row in sources.rows if row.is_chosen] == [6]
    assert len(sources.rows) == len(sources.buttons) == 7
