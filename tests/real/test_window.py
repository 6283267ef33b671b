"""The window with the real model: a question whose answer is shown, and a second one that reads only what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from desktop.ui.chat.code_view import CodeView
from tests.real.conftest import Imported
from tests.ui.driving import Driver

pytestmark = pytest.mark.real_model

REVERSE = "Write a Python function that reverses a string."


@pytest.fixture
def open_window(qtbot: QtBot, imported: Imported) -> Iterator[Callable[..., Driver]]:
    drivers: list[Driver] = []

    def opened(**settings: Any) -> Driver:
        drivers.append(Driver(qtbot, None, {"model": imported.id, "threads": 1, **settings}))
        drivers[-1].wait_ready()
        return drivers[-1]

    yield opened
    for driver in drivers:
        driver.close()


def test_a_question_gets_a_real_answer(open_window: Callable[..., Driver], imported: Imported) -> None:
    window = open_window(sampling={"temperature": 0, "max_tokens": 80})
    assert window.page.top_bar.model is not None
    answer = window.ask(REVERSE)
    assert answer.status == "complete"
    assert answer.timing is not None
    assert answer.timing.generated_tokens > 20
    assert answer.model is not None
    assert answer.model.id == imported.id
    # It answers with a block of code, which is drawn as one.
    assert "```python" in answer.text
    assert [block for block in window.transcript.findChildren(CodeView) if block.isVisible()]
    assert "tok/s" in window.footer
    second = window.ask("Thank you.")
    assert second.status == "complete"
    assert second.timing is not None
    assert second.timing.cached_tokens >= answer.timing.prompt_tokens
    assert not window.errors()
