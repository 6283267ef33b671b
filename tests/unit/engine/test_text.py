"""Bytes become text, thinking is told apart and stop strings cut, however tokens split them."""

import pytest

from desktop.engine.worker.answer_marks import TAG_STYLES, TagStyle
from desktop.engine.worker.answer_text import AnswerText, ShownText, TextReplacement, longest_held

THINK = TAG_STYLES[0]


def run(pieces: list[bytes], stops: tuple[str, ...] = (), **options: object) -> tuple[str, str, bool]:
    """(answer, thinking, stopped) of the pieces fed one by one."""
    text = AnswerText(stops, **options)  # type: ignore[arg-type]
    told: list[tuple[str, bool]] = []

    def take(shown: list[ShownText]) -> None:
        for each in shown:
            if isinstance(each, TextReplacement):
                told[:] = [part for part in each.parts if isinstance(part, tuple)]
            elif isinstance(each, tuple):
                told.append(each)

    for piece in pieces:
        take(text.feed(piece))
        if text.stopped:
            break
    take(text.finish())
    return "".join(t for t, thinking in told if not thinking), "".join(t for t, th in told if th), text.stopped


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_characters_spread_over_tokens_come_out_whole(size: int) -> None:
    text = "naïve 😀 مرحبا 👩‍👩‍👧 end"
    text_out, _, _ = run(split(text.encode(), size))
    assert text_out == text


def test_no_half_character_is_ever_shown() -> None:
    text = AnswerText()
    shown = [text.feed(bytes([byte])) for byte in "a😀b".encode()]
    assert shown == [[("a", False)], [], [], [], [("😀", False)], [("b", False)]]


def test_invalid_bytes_do_not_hold_up_what_follows() -> None:
    assert run([b"a\xff", b"b", b"\xf0\x9f", b"c"])[0] == "a\ufffdb\ufffdc"


def test_a_character_cut_off_by_the_end_is_left_out() -> None:
    assert run([b"caf", "é".encode()[:1]])[0] == "caf"
    assert run([b"a", "😀".encode()[:3]])[0] == "a"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_stop_string_cuts_wherever_it_is_split(size: int) -> None:
    assert run(split(b"Hello world###END### and more", size), ("###END###", "zzz")) == ("Hello world", "", True)


def test_the_first_of_several_stops_wins() -> None:
    assert run([b"one two three"], ("three", "two"))[0] == "one "


def test_what_only_looks_like_a_stop_is_shown_after_all() -> None:
    assert run([b"a STO", b"RE b ST"], ("STOP",)) == ("a STORE b ST", "", False)


def test_a_possible_stop_is_held_back_until_decided() -> None:
    text = AnswerText(("STOP",))
    assert text.feed(b"go ST") == [("go ", False)]
    assert text.feed(b"O") == []
    assert text.feed(b"W") == [("STOW", False)]


def test_longest_held_prefers_the_longest_prefix() -> None:
    assert longest_held("xaab", ["aabc", "b!"]) == 3
    assert longest_held("xyz", ["abc"]) == 0


CHANNELS = TagStyle("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>")


@pytest.mark.parametrize("style", [*TAG_STYLES, CHANNELS], ids=lambda style: style.opens)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_thinking_is_told_from_the_answer(style: object, size: int) -> None:
    data = f"{style.opens}\nhm, well\n{style.closes}\n\nThe answer.".encode()  # type: ignore[attr-defined]
    assert run(split(data, size)) == ("The answer.", "hm, well", False)


def test_thinking_opened_by_the_prompt() -> None:
    assert run([b"so\n", b"</thi", b"nk>", b"\nYes"], opened=THINK) == ("Yes", "so", False)


def test_thinking_that_never_ends_stays_thinking() -> None:
    assert run([b"<think>", b"on and on"]) == ("", "on and on", False)


def test_a_tag_in_the_middle_of_an_answer_is_text() -> None:
    assert run([b"Use the <think> tag </think> so"])[0] == "Use the <think> tag </think> so"


def test_stop_strings_do_not_count_in_thinking() -> None:
    assert run([b"<think>a STOP b</think>c STOP d"], ("STOP",)) == ("c ", "a STOP b", True)


def test_an_answer_that_only_begins_like_a_tag() -> None:
    assert run([b"<", b"thin", b" air"])[0] == "<thin air"
    assert run([b"<thi"])[0] == "<thi"


def test_a_channel_without_analysis_is_plain_answer() -> None:
    assert run([b"<|channel|>final<|message|>", b"Hi"])[0] == "Hi"


def test_white_space_before_the_answer_is_left_out_unless_raw() -> None:
    assert run([b" ", b"\n Hello", b" there"])[0] == "Hello there"
    assert run([b" ", b"Hello"], strip=False)[0] == " Hello"
