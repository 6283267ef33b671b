"""A SHA-256 is told from other texts in one place."""

import pytest

from desktop.file_stamp import is_sha256


def test_sixty_four_small_digits_are_a_hash() -> None:
    assert is_sha256("0123456789abcdef" * 4)


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n", "g" * 64, "sha256:" + "0" * 64])
def test_anything_else_is_none(text: str) -> None:
    assert not is_sha256(text)
