"""The model that says what it was given does so, word for word: other tests rest on it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.parrot import Token, parrot
from tests.unit.engine.conftest import Asker

ANSWER = "It is so: **“quoted”**，that is 「so」.\n\n- one\n- two\n\n```c\nint  a;\n```\n\nThe end, the end, the end."


@pytest.mark.parametrize("size", [3, 12, 1000])
def test_an_answer_comes_word_for_word(tmp_path: Path, load: Callable[..., Asker], size: int) -> None:
    answers = [load(parrot(tmp_path / "parrot.gguf", ANSWER, size=size)).ask(text) for text in ("Hi", "の")]
    assert [answer.text for answer in answers] == [ANSWER, ANSWER]
    assert {answer.end.stop_reason for answer in answers} == {"end"}


def test_tokens_and_bytes_are_said_as_they_are(tmp_path: Path, load: Callable[..., Asker]) -> None:
    path = parrot(tmp_path / "parrot.gguf", "a ", "😀".encode(), Token("<mark>", defined=True), Token("b"))
    answer = load(path).ask("?")
    assert answer.text == "a 😀<mark>b"
    assert answer.end.generated_tokens == 7
