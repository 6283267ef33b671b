"""Text of others acts neither on a terminal nor in a log."""

import unicodedata

import pytest

from desktop.safe_text import (
    escape_controls,
    is_blank,
    mark_unseen,
    one_line,
    repair_values,
    safe_text,
    spreadsheet_cell,
    without_unseen,
)

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("sign", BIDI, ids=lambda sign: f"U+{ord(sign):04X}")
def test_no_control_of_direction_is_left(sign: str) -> None:
    assert sign not in escape_controls(f"photo{sign}gpj.gguf")


def test_no_control_character_is_left_but_line_feed_and_tab() -> None:
    shown = escape_controls("".join(map(chr, range(0x20))) + "".join(map(chr, range(0x7F, 0xA0))))

    assert [sign for sign in shown if unicodedata.category(sign) == "Cc"] == ["\t", "\n"]
    assert escape_controls("\x1b]0;owned\x07 \x9b2J") == "\\x1b]0;owned\\x07 \\x9b2J"


def test_what_turns_letters_is_seen_to_be_there() -> None:
    assert escape_controls("a\u202egpj.gguf") == "a\\u202egpj.gguf"


def test_right_to_left_text_and_its_joiners_stay_as_they_are() -> None:
    text = "שלום עולם, می\u200cخواهم 👩\u200d💻\n\tנכון?"

    assert escape_controls(text) == text


def test_a_line_has_no_break_of_any_kind() -> None:
    text = "one\r\ntwo\x0bthree\x0cfour\x85five\u2028six\u2029seven\teight "

    assert one_line(text) == "one two three four five six seven eight"
    assert len(one_line("x\x1c\x1d\x1ey").splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@x", "＝1+1", "＋1", "－1", "＠x", "﹦1", "⁺1", "−1"),
        *(" =1+1", "\u00a0=1", "\u3000＝1", "\n=1", "\t=1", "\tx", "\rx", "\r\n @x"),
        *("\ufeff=1", "\u200b=1", "\x00=1", "\u202e=1"),
    ],
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert spreadsheet_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", " ", "a=1", "1-2", "Ada Lovelace", "•=1", "'=1", "–", "#=1"])
def test_a_cell_that_is_no_formula_stays_as_it_is(text: str) -> None:
    assert spreadsheet_cell(text) == text


def test_text_is_blank_where_nothing_of_it_can_be_seen() -> None:
    assert is_blank(" \u00a0\u200b\u202e\n\ud800")
    assert not is_blank("\u202ea")


def test_what_cannot_be_seen_is_left_out_or_marked() -> None:
    assert without_unseen("a\u202eb\u00a0c\n\x1bd") == "ab\u00a0c\nd"
    assert mark_unseen("a\u202eb\u00a0c", 10) == "a\ufffdb\ufffdc"
    assert mark_unseen("a\u202eb\u00a0c", 10, keep="\u00a0") == "a\ufffdb\u00a0c"
    assert mark_unseen("long enough", 5) == "long…"


def test_every_text_in_a_value_is_repaired() -> None:
    value = {"a\ud83d": ["\ud83d\ude00", {"b": ("\udc00", 1, None)}]}

    assert repair_values(value) == {"a\ufffd": ["😀", {"b": ["\ufffd", 1, None]}]}


def test_half_a_character_in_a_log_is_an_escape() -> None:
    assert safe_text("a\ud83d\u200eb\r", 40) == "a\\ud83d\\u200eb\\x0d"
