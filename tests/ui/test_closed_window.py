"""A closed window is gone: what it was made of is freed, and nothing of it runs on."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator, Sequence

import pytest
from PySide6.QtWidgets import QApplication

from tests.ui.driving import Driver


def freed(references: Sequence[Callable[[], object]]) -> bool:
    """Whether all that `references` lead to is freed, Qt's part and Python's."""
    gc.collect()
    return all(reference() is None for reference in references)


@pytest.mark.parametrize("pages", [(), ("Models", "Licenses", "Network", "Settings")], ids=["chat", "every page"])
def test_a_closed_window_is_freed(open_window: Callable[..., Driver], pages: tuple[str, ...]) -> None:
    others = set(QApplication.allWidgets())
    driver = open_window()
    driver.ask("Hello")
    for page in pages:
        driver.click(page)
    parts = [weakref.ref(each) for each in (driver.window, driver.program, driver.window.chat)]
    driver.close()
    del driver.window
    driver.until(lambda: freed(parts))  # the last work in a thread may hold on to it
    assert set(QApplication.allWidgets()) <= others


class TestFrozenHeap:
    @pytest.fixture
    def _heap_set_aside(self) -> Iterator[None]:
        """Nothing is: what is frozen here, the program froze."""
        gc.unfreeze()
        yield
        gc.freeze()

    def test_nothing_stays_frozen_behind_a_closed_window(self, open_window: Callable[..., Driver]) -> None:
        driver = open_window()
        assert gc.get_freeze_count() > 10_000
        driver.close()
        assert gc.get_freeze_count() == 0
