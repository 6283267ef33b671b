"""What comes in as bytes of an encoding that nobody names is read as what it most likely is, and can be written."""

import pytest

from desktop.cli.terminal_input import decode_input, repair_input


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1", "cp1252"])
def test_a_question_is_read_whatever_it_is_encoded_in(encoding: str) -> None:
    assert decode_input("Grüße für naïve Cafés".encode(encoding)) == "Grüße für naïve Cafés"


def test_a_byte_that_is_no_utf_8_does_not_spoil_the_rest() -> None:
    assert decode_input("你好 Grüße ".encode() + b"\xfc \x81 \x80") == "你好 Grüße ü \x81 €"


def test_an_argument_that_is_no_utf_8_can_be_written() -> None:
    assert repair_input("Gr\udcfc\udcdfe") == "Grüße"
    assert repair_input("Gr\udcc3\udcbc\udcc3\udc9fe") == "Grüße"
    assert repair_input("plain, 你好") == "plain, 你好"
    repair_input("half \ud83d a sign").encode()
