"""How an answer's Markdown is drawn: markers, lists and quotes in both directions, and the end that still grows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QTextBlock, QTextFragment
from PySide6.QtWidgets import QApplication

from desktop.chat.markdown.answer_segments import Block, ProseSegment, segments
from desktop.ui.chat.answer_body import AnswerBody
from desktop.ui.chat.code_view import CodeView
from desktop.ui.chat.prose_view import ProseView
from desktop.ui.chat.text_properties import (
    IMAGE,
    MARKER,
    QUOTE_BARS,
    RULE,
    SOURCE_AT,
    SOURCE_END,
    WRITTEN,
)
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
WIDTH = 600


_alive: list[AnswerBody] = []  # a block of a document that is gone must not be asked


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    font = QApplication.font()  # the next theme begins with what this one leaves
    yield Theme(RESOURCES, "light")
    _alive.clear()
    QApplication.setFont(font)


def _drawn(theme: Theme, text: str) -> AnswerBody:
    body = AnswerBody(theme)
    _alive.append(body)
    body.end(text)
    body.place(WIDTH)
    return body


def _grown(theme: Theme, *pieces: str) -> AnswerBody:
    body = AnswerBody(theme)
    for piece in pieces:
        body.add(piece)
        body.place(WIDTH)
    return body


def _blocks(body: AnswerBody) -> list[QTextBlock]:
    found = []
    for view in body.text_views():
        block = view.document.begin()
        while block.isValid():
            found.append(block)
            block = block.next()
    return found


def _runs(block: QTextBlock) -> list[QTextFragment]:
    found, walk = [], block.begin()
    while not walk.atEnd():
        found.append(walk.fragment())
        walk += 1
    return found


def _text(block: QTextBlock) -> str:
    """What a block says, without what is in it for the drawing alone."""
    return "".join(run.text() for run in _runs(block) if not run.charFormat().hasProperty(WRITTEN))


def _lines(body: AnswerBody) -> list[str]:
    return [_text(block) for block in _blocks(body)]


def _x(block: QTextBlock, position: int) -> float:
    """Where in its view character number `position` of `block` begins, in pixels."""
    at: Any = block.layout().lineAt(0).cursorToX(position)
    return float(block.layout().position().x() + (at[0] if isinstance(at, tuple) else at))


def _text_starts(body: AnswerBody) -> list[float]:
    """Where the text of each item begins, across."""
    found = []
    for block in _blocks(body):
        markers = [run for run in _runs(block) if run.charFormat().boolProperty(MARKER)]
        if markers:
            found.append(round(_x(block, sum(run.length() for run in markers)), 1))
    return found


def _bars(block: QTextBlock) -> list[float]:
    return list(block.blockFormat().property(QUOTE_BARS) or [])


# --- markers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "markers"),
    [
        ("0. a\n1. b\n2. c", ["0. a", "1. b", "2. c"]),
        ("98. a\n99. b\n100. c\n101. d", ["98. a", "99. b", "100. c", "101. d"]),
        ("007. a\n008. b", ["007. a", "008. b"]),
        ("0) a\n1) b", ["0) a", "1) b"]),
        ("1998. a\n1999. b", ["1998. a", "1999. b"]),
        ("1. a\n1. b\n1. c", ["1. a", "2. b", "3. c"]),
        ("5. a\n5. b", ["5. a", "6. b"]),
        ("1. a\n3. b\n9. c", ["1. a", "3. b", "9. c"]),
        ("- a\n  - b\n    - c\n- d", ["• a", "◦ b", "▪ c", "• d"]),
        ("- - a", ["• ◦ a"]),
        ("- a\n-\n- c", ["• a", "• ", "• c"]),
    ],
)
def test_numbers_are_shown_as_they_were_written(theme: Theme, text: str, markers: list[str]) -> None:
    assert _lines(_drawn(theme, text)) == markers


@pytest.mark.parametrize("text", ["98. a\n99. b\n100. c\n101. d", "0. a\n10. b\n1000. c", "- a\n- b"])
def test_the_text_of_a_list_is_aligned_whatever_its_markers(theme: Theme, text: str) -> None:
    starts = _text_starts(_drawn(theme, text))
    assert len(set(starts)) == 1
    body = _drawn(theme, text)
    for block in _blocks(body):
        markers = [run for run in _runs(block) if run.charFormat().boolProperty(MARKER)]
        end = _x(block, markers[0].length())
        assert end < starts[0]  # no marker runs into its text


def test_a_list_keeps_its_alignment_while_a_wide_number_comes_late(theme: Theme) -> None:
    text = "".join(f"{number}. item\n" for number in range(95, 103))
    body = _grown(theme, *(text[at : at + 3] for at in range(0, len(text), 3)))
    body.end(text)
    body.place(WIDTH)
    assert len(_text_starts(body)) == 8
    assert len(set(_text_starts(body))) == 1


def test_a_list_is_aligned_on_both_sides_of_code_in_it(theme: Theme) -> None:
    body = _drawn(theme, "99. before\n\n    ```py\n    x\n    ```\n\n    between\n\n100. after\n")
    code = next(view for view in body.views if isinstance(view, CodeView))
    starts = _text_starts(body)
    assert len(starts) == 2
    assert len(set(starts)) == 1
    assert abs(code.x() - starts[0]) <= 1
    assert _lines(body) == ["99. before", "x", "between", "100. after"]


def test_code_that_begins_an_item_stands_beside_its_marker(theme: Theme) -> None:
    body = _drawn(theme, "- ```py\n  x\n  ```\n- next")
    marker, code = body.views[0], body.views[1]
    assert isinstance(code, CodeView)
    assert _lines(body) == ["• ", "x", "• next"]
    assert marker.y() == code.y()
    assert code.x() > 0


def test_headings_tell_their_level(theme: Theme) -> None:
    body = _drawn(theme, "\n\n".join(f"{'#' * level} h" for level in range(1, 7)))
    assert [block.blockFormat().headingLevel() for block in _blocks(body)] == [1, 2, 3, 4, 5, 6]
    sizes = [_runs(block)[0].charFormat().font().pointSizeF() for block in _blocks(body)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 6


def test_single_line_breaks_stay(theme: Theme) -> None:
    assert _lines(_drawn(theme, "Roses are red,\nviolets are blue.  \nEnd\\\nof it.")) == [
        "Roses are red,\u2028violets are blue.\u2028End\u2028of it."
    ]


def test_an_image_is_its_description_with_its_address(theme: Theme) -> None:
    run = _runs(_blocks(_drawn(theme, "![a *fine* picture](https://example.org/p.png)"))[0])[0]
    assert run.text() == "a fine picture"
    assert run.charFormat().property(IMAGE) == "https://example.org/p.png"
    assert run.charFormat().anchorHref() == "https://example.org/p.png"


def test_a_line_across_is_one(theme: Theme) -> None:
    body = _drawn(theme, "a\n\n---\n\nb")
    assert [block.blockFormat().boolProperty(RULE) for block in _blocks(body)] == [False, True, False]
    assert _drawn(theme, "---").height() > 0


def test_what_is_nested_very_deep_is_still_read(theme: Theme) -> None:
    deep = "\n".join("  " * level + f"- level {level}" for level in range(40)) + "\n\n" + "> " * 50 + "quoted"
    margins = [block.blockFormat().leftMargin() for block in _blocks(_drawn(theme, deep))]
    assert len(margins) > 15
    assert max(margins) < WIDTH / 2


@pytest.mark.parametrize("feature", ["calt", "liga", "dlig"])
def test_no_font_makes_other_signs_of_what_is_written(theme: Theme, feature: str) -> None:
    tag = QFont.Tag(feature)
    body = _drawn(theme, "a -> `b => c`\n\n```\nd != e\n```")
    fonts = [run.charFormat().font() for block in _blocks(body) for run in _runs(block)]
    assert len(fonts) >= 3
    for font in (*fonts, theme.font("normal"), theme.mono(), QApplication.font()):
        assert font.isFeatureSet(tag)
        assert font.featureValue(tag) == 0


@pytest.mark.parametrize("text", ["- [ ] open\n- [x] done", "1. [x] done"])
def test_tasks_have_boxes_that_are_text(theme: Theme, text: str) -> None:
    expected = text.replace("- [ ]", "☐").replace("- [x]", "☑").replace("[x]", "☑")
    assert "\n".join(_lines(_drawn(theme, text))) == expected


# --- nested ----------------------------------------------------------------------------------------------------------


def test_lists_and_quotes_nest_in_any_order(theme: Theme) -> None:
    body = _drawn(theme, "- a\n\n  > q\n  >\n  > 1. n\n  >\n  >    > deep\n\n> - in quote\n")
    blocks = {_text(block): block for block in _blocks(body)}
    assert _bars(blocks["• a"]) == []
    list_text = blocks["• a"].blockFormat().leftMargin()
    assert _bars(blocks["q"]) == [list_text]
    assert blocks["q"].blockFormat().leftMargin() > list_text
    assert len(_bars(blocks["deep"])) == 2
    assert _bars(blocks["deep"])[1] == blocks["1. n"].blockFormat().leftMargin()
    assert _bars(blocks["• in quote"]) == [0.0]


def test_code_in_quotes_leaves_room_for_their_bars(theme: Theme) -> None:
    body = _drawn(theme, "> > text\n> > ```\n> > code\n> > ```\n")
    code = next(view for view in body.views if isinstance(view, CodeView))
    assert code.x() == _blocks(body)[0].blockFormat().leftMargin()
    assert code.x() + code.width() == WIDTH


# --- from the right --------------------------------------------------------------------------------------------------

ARABIC_LIST = "1. افتح الملف `setup.cfg` ثم احفظه.\n2. Latchkey Guide اسم.\n   - اقرأ\n100. النهاية\n"


def _is_from_the_right(block: QTextBlock) -> bool:
    return block.textDirection() == Qt.LayoutDirection.RightToLeft


def test_a_list_from_the_right_has_its_markers_whole_at_the_right(theme: Theme) -> None:
    body = _drawn(theme, ARABIC_LIST)
    blocks = _blocks(body)
    assert all(_is_from_the_right(block) for block in blocks)
    assert _lines(body)[1] == "2. Latchkey Guide اسم."
    for block in blocks:
        line = block.layout().lineAt(0)
        left = block.layout().position().x() + line.naturalTextRect().left()
        right = block.layout().position().x() + line.naturalTextRect().right()
        assert left >= 0
        assert right <= WIDTH + 1
    for block in (blocks[0], blocks[3]):
        assert block.layout().position().x() + block.layout().lineAt(0).naturalTextRect().right() >= WIDTH - 1
    outer = [start for start, block in zip(_text_starts(body), blocks, strict=True) if block is not blocks[2]]
    assert max(outer) - min(outer) < 1
    assert outer[0] < WIDTH - 10
    assert _text_starts(body)[2] < outer[0]  # the nested one stands further in


def test_each_paragraph_runs_as_its_first_letter_does(theme: Theme) -> None:
    body = _drawn(theme, "פתח את README.md (עד הסוף).\n\nLatchkey برنامج.\n\n`pip` הוא כלי.\n\n> ملاحظة\n\n# عنوان")
    assert [_is_from_the_right(block) for block in _blocks(body)] == [True, False, True, True, True]
    quote = _blocks(body)[3]
    assert _bars(quote) == [-2.0]
    assert quote.blockFormat().rightMargin() > 0
    assert quote.blockFormat().leftMargin() == 0


def test_what_has_no_direction_follows_what_is_above_it(theme: Theme) -> None:
    body = _drawn(theme, "שלום\n\n123 - 456\n\nEnglish\n\n789")
    assert [_is_from_the_right(block) for block in _blocks(body)] == [True, True, False, False]


def test_code_in_a_sentence_from_the_right_stays_in_one_piece_and_nothing_is_added_to_what_is_read(
    theme: Theme,
) -> None:
    body = _drawn(theme, "הפעל `--flag=1` עכשיו.")
    block = _blocks(body)[0]
    assert _text(block) == "הפעל --flag=1 עכשיו."
    start = block.text().index("--flag")
    assert _x(block, start + 1) < _x(block, start + 6)  # from the left within itself
    english = _blocks(_drawn(theme, "Run `--flag=1` now."))[0]
    assert english.text() == "Run --flag=1 now."


def test_code_itself_runs_from_the_left_and_is_indented_from_the_right(theme: Theme) -> None:
    body = _drawn(theme, "1. ראשון\n   ```py\n   # שלום\n   x = 1\n   ```\n")
    code = next(view for view in body.views if isinstance(view, CodeView))
    assert code.x() == 0
    assert code.x() + code.width() < WIDTH - 10
    block = code.view.document.begin()
    while block.isValid():
        assert not _is_from_the_right(block)
        block = block.next()


# --- growing ---------------------------------------------------------------------------------------------------------


def _block(text: str) -> Block:
    prose = segments(text)[0]
    assert isinstance(prose, ProseSegment)
    return prose.blocks[0]


def test_words_that_are_added_are_appended(theme: Theme) -> None:
    view = ProseView(theme)
    view.set_blocks((_block("Some **bold** words"),), growing=True)
    changed: list[int] = []
    view.document.contentsChange.connect(lambda position, _gone, _added: changed.append(position))
    view.set_blocks((_block("Some **bold** words and more of them"),), growing=True)
    assert [run.text() for run in _runs(view.document.begin())] == ["Some ", "bold", " words and more of them"]
    assert min(changed) >= len("Some bold")


def test_every_run_knows_where_it_was_written(theme: Theme) -> None:
    def told(text: str) -> Block:
        block = _block(text)
        inline = next(token for token in block if token.type == "inline")
        for child in inline.children or []:
            if child.content:
                at = text.index(child.content)
                child.meta["at"] = (at, at + len(child.content))
        return block

    view = ProseView(theme)
    view.set_blocks((told("Some **bold** words"),), growing=True)
    view.set_blocks((told("Some **bold** words and more"),), growing=True)
    text = "Some **bold** words and more"
    for run in _runs(view.document.begin()):
        start, end = (run.charFormat().intProperty(name) for name in (SOURCE_AT, SOURCE_END))
        assert text[start:end] == run.text()


def test_a_list_over_two_views_looks_alike_in_both(theme: Theme) -> None:
    prose = segments("".join(f"{number}. item\n" for number in (98, 99, 100)))[0]
    assert isinstance(prose, ProseSegment)
    block = tuple(token for each in prose.blocks for token in each)
    cuts = [at for at, token in enumerate(block) if token.type == "list_item_open"]
    first, second = ProseView(theme), ProseView(theme)
    first.set_blocks((block[: cuts[1]],))
    narrow = first.document.begin().blockFormat().leftMargin()
    second.set_blocks((block[cuts[1] : cuts[2]], block[cuts[2] :]), levels=first.levels)
    assert first.rewrite_outdated()
    second.rewrite_outdated()
    assert not first.rewrite_outdated()
    assert not second.rewrite_outdated()
    margins = {view.document.begin().blockFormat().leftMargin() for view in (first, second)}
    assert len(margins) == 1
    assert margins.pop() > narrow


def test_a_view_on_its_own_goes_on_in_the_lists_around_it(theme: Theme) -> None:
    inside = segments("3. a\n   ```\n   x\n   ```\n4. b\n")[2]
    assert isinstance(inside, ProseSegment)
    view = ProseView(theme)
    view.set_blocks(inside.blocks, inside.around)
    assert view.document.begin().text() == "4. b"
    assert replace(inside, blocks=()).around


def test_an_answer_is_placed_again_when_a_view_becomes_higher_by_itself(theme: Theme) -> None:
    body = _drawn(theme, "text")
    heard: list[bool] = []
    body.grown.connect(lambda: heard.append(True))
    view = body.views[0]
    assert isinstance(view, ProseView)
    before = body.height()
    view.document.setDocumentMargin(10)  # as a formula that becomes ready makes its line higher
    view.resized.emit()
    assert heard == [True]
    assert body.place(WIDTH) == before + 20


def test_a_list_is_aligned_in_another_size_too(theme: Theme) -> None:
    text = "98. a\n99. b\n\n    ```\n    x\n    ```\n\n100. c"
    body = _drawn(theme, text)
    before = _text_starts(body)
    theme.choose("light", 1.5)
    body.restyle()
    body.place(WIDTH)
    assert _text_starts(body) == _text_starts(_drawn(theme, text))
    assert len(set(_text_starts(body))) == 1
    assert _text_starts(body)[0] > before[0] * 1.3


# --- direction --------------------------------------------------------------------------------------------------------

ARABIC = "هذا برنامج للمحادثة يعمل على جهازك."
NAMED = "Latchkey برنامج للمحادثة يعمل على جهازك."
_FROM_THE_RIGHT, _FROM_THE_LEFT = Qt.LayoutDirection.RightToLeft, Qt.LayoutDirection.LeftToRight


@pytest.mark.parametrize(
    ("before", "text", "direction"),
    [
        (ARABIC, NAMED, _FROM_THE_RIGHT),
        (ARABIC, "## GPU والذاكرة المطلوبة", _FROM_THE_RIGHT),
        (ARABIC, "**Linux** و **macOS** من الأنظمة التي يعمل عليها", _FROM_THE_RIGHT),
        (ARABIC, "> Qt مكتبة لبناء الواجهات", _FROM_THE_RIGHT),
        (ARABIC, "This sentence is English.", _FROM_THE_LEFT),
        (ARABIC, "The word برنامج means program.", _FROM_THE_LEFT),
        (f"{ARABIC}\n\nThis sentence is English.\n\n{ARABIC}", NAMED, _FROM_THE_RIGHT),
        (f"{ARABIC}\n\n{ARABIC}\n\nThis sentence is English.", NAMED, _FROM_THE_RIGHT),
        (f"{ARABIC}\n\n```\npip install latchkey\n```", NAMED, _FROM_THE_RIGHT),
        ("An answer in English.", NAMED, _FROM_THE_LEFT),
        ("זו תוכנה לשיחה.", "Latchkey היא תוכנה לשיחה שפועלת במחשב שלך.", _FROM_THE_RIGHT),
    ],
)
def test_a_name_in_latin_letters_does_not_turn_a_sentence_around(
    theme: Theme, before: str, text: str, direction: Qt.LayoutDirection
) -> None:
    whole = f"{before}\n\n{text}"
    assert _blocks(_drawn(theme, whole))[-1].textDirection() == direction
    grown = _grown(theme, *(whole[at : at + 3] for at in range(0, len(whole), 3)))
    grown.end(whole)
    assert _blocks(grown)[-1].textDirection() == direction


def test_items_that_begin_with_names_follow_their_list(theme: Theme) -> None:
    body = _drawn(theme, f"- {ARABIC}\n- Linux نظام تشغيل حر\n- Qt مكتبة لبناء الواجهات")
    hidden = [run.text() for block in _blocks(body) for run in _runs(block) if run.charFormat().hasProperty(WRITTEN)]
    assert {block.textDirection() for block in _blocks(body)} == {_FROM_THE_RIGHT}
    assert hidden == []  # nothing is turned within its line


def test_lines_of_words_are_added_to_what_is_drawn(theme: Theme) -> None:
    text = "".join(f"word {number}\n" for number in range(20))
    body = _grown(theme, text)
    changed: list[int] = []
    body.text_views()[0].document.contentsChange.connect(lambda place, *_: changed.append(place))
    body.add("and more\nwith `code` and **bold** words\n")
    assert min(changed) >= len(text) - len("word 19\n")
    body.end(text + "and more\nwith `code` and **bold** words\n")
    assert _lines(body) == [text.replace("\n", "\u2028") + "and more\u2028with code and bold words"]


def test_code_that_was_drawn_before_it_was_closed_knows_where_it_was_written(theme: Theme) -> None:
    text = "A word with `code`.\n"
    grown, whole = _grown(theme, *text), _drawn(theme, text)
    grown.end(text)
    sources = [
        [(run.charFormat().intProperty(SOURCE_AT), run.charFormat().intProperty(SOURCE_END)) for run in _runs(block)]
        for body in (grown, whole)
        for block in _blocks(body)
    ]
    assert sources[0] == sources[1]


@pytest.mark.parametrize(
    ("pieces", "first"),
    [
        (["a word **and", " bold** after it ", "and `code", "` and more"], "a word "),
        (["a *slanted* word and ~~struck", "~~ and **bold* ", "or not** at all"], "a "),
        (["a **bold** word, https://example", ".org/path and _emph", "asis_ as well"], "a "),
        (["see [this", "](https://example.org) and $x", "^2$ with <sub>lo", "w</sub> end"], "s"),
    ],
)
def test_the_end_of_a_long_paragraph_is_written_again_alone(theme: Theme, pieces: list[str], first: str) -> None:
    before = "Words with `code`, *emphasis* and **more** of both.\n" * 20
    body = _grown(theme, before + first)
    document, changed = body.text_views()[0].document, []
    document.contentsChange.connect(lambda place, *_: changed.append(place))
    text = before + "".join(pieces)
    for at in range(len(before + first), len(text), 3):
        body.add(text[at : at + 3])
    assert min(changed) >= _lines(body)[0].rindex("\u2028")
    body.end(text)
    assert _told(body) == _told(_drawn(theme, text))


def _told(body: AnswerBody) -> list[tuple[str, int, int, int, bool, str]]:
    runs = [(run.text(), run.charFormat()) for block in _blocks(body) for run in _runs(block)]
    return [
        (
            text,
            look.intProperty(SOURCE_AT),
            look.intProperty(SOURCE_END),
            look.fontWeight(),
            look.fontItalic(),
            look.anchorHref(),
        )
        for text, look in runs
    ]


def test_a_long_list_of_short_items_is_written_in_parts_that_look_like_one(theme: Theme) -> None:
    text = "".join(f"- item {number}\n" for number in range(60))
    body = _grown(theme, text)
    document, changed = body.text_views()[0].document, []
    document.contentsChange.connect(lambda place, *_: changed.append(place))
    body.add("- one more\n- and one\n")
    assert min(changed) > document.characterCount() // 2
    margins = {block.blockFormat().topMargin() for block in _blocks(body)[1:]}
    assert len(margins) == 1
