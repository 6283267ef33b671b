"""Tables and paragraphs keep to the width of a terminal, whatever the letters."""

import os

import pytest

from desktop.cli import output
from desktop.cli.output import WIDTH, cells, columns, paragraph, shortened


def test_wide_letters_count_twice_and_joiners_not_at_all() -> None:
    assert cells("abc") == 3
    assert cells("模型") == 4
    assert cells("e\u0301\u200d") == 1


def test_what_is_too_long_ends_with_a_sign_that_something_is_missing() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdef", 4) == "abc…"
    assert cells(shortened("模型模型", 5)) <= 5


def test_a_text_is_looked_at_as_far_as_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    def counted(text: str) -> int:
        nonlocal looked
        looked += len(text)
        return cells(text)

    monkeypatch.setattr(output, "cells", counted)
    assert shortened("x" * 9000, 20) == "x" * 19 + "…"
    assert looked < 100


def test_columns_line_up_also_behind_wide_letters() -> None:
    lines = columns([("模型", "a"), ("x", "b")])
    assert [cells(line[: line.index(letter)]) for line, letter in zip(lines, "ab", strict=True)] == [6, 6]


@pytest.mark.parametrize(("terminal", "width"), [(80, 80), (200, WIDTH), (0, WIDTH), (5, 40), (None, WIDTH)])
def test_a_line_is_as_long_as_the_terminal_is_wide(
    monkeypatch: pytest.MonkeyPatch, terminal: int | None, width: int
) -> None:
    def size(descriptor: int) -> os.terminal_size:
        if terminal is None:
            raise OSError
        return os.terminal_size((terminal, 24))

    monkeypatch.setattr(os, "get_terminal_size", size)
    assert max(map(len, paragraph("four " * 60))) in (width, width - 1)
    rows = [("an-id-of-43-letters-that-nobody-may-cut-short", *["word " * 9] * 2, "ready"), ("id", "a", "b", "ready")]
    long, short = columns(rows, (1, 2))
    assert long.startswith(rows[0][0])
    assert len(short) <= width


def test_only_columns_that_may_give_way_do() -> None:
    rows = [("id-" * 20, "text " * 30, "state"), ("x", "y", "z")]
    first, second = columns(rows, shrink=(1,))
    assert cells(first) <= WIDTH
    assert first.startswith("id-" * 20)
    assert first.endswith("state")
    assert "…" in first
    assert second.split() == ["x", "y", "z"]


def test_line_breaks_in_a_cell_do_not_make_rows() -> None:
    assert columns([("a\nb", "c")]) == ["a b  c"]


def test_a_paragraph_keeps_its_indent_and_never_breaks_a_word() -> None:
    lines = paragraph("word " * 60 + "x" * 150, "  1. ")
    assert lines[0].startswith("  1. word")
    assert all(line.startswith("     ") for line in lines[1:])
    assert all(len(line) <= WIDTH for line in lines[:-1])
    assert lines[-1].strip() == "x" * 150
    assert paragraph("", "  gate  ") == ["  gate"]
