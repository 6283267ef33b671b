"""A worker that crashes under the window: its answer goes on in the same place, or one sentence says why it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QLabel

from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_pool import EnginePool
from desktop.engine.fallback_store import FallbackStore
from tests.fakes.crashing_worker import Fault, command
from tests.fakes.load_checks import OpenLoadCheck
from tests.ui.driving import Driver

Open = Callable[..., Driver]
QUESTION = "What is a model?"
GREEDY = {"temperature": 0.0, "max_tokens": 40}
NOTICE = "The engine stopped with weights repacked for this processor, so it now runs without repacking them."


def _engine(home: Path, *faults: Fault, **options: Any) -> EnginePool:
    made = command(*faults) if faults else None
    folder = home / "engine"
    return EnginePool(
        lambda: EngineClient(
            license_check=OpenLoadCheck(), logs=folder / "logs", cache=folder / "cache", executable=made, **options
        )
    )


def _notices(driver: Driver) -> list[str]:
    labels = driver.window.findChildren(QLabel)
    return [label.toolTip() for label in labels if label.isVisible() and label.toolTip() == NOTICE]


def _forget_open_chat(home: Path) -> None:
    """The next start opens no chat of the one before."""
    (home / "data" / "view.json").unlink()


def test_an_answer_whose_worker_dies_in_the_middle_goes_on_in_the_same_bubble(open_window: Open, home: Path) -> None:
    plain = open_window(_engine(home), sampling=GREEDY)
    expected = plain.ask(QUESTION)
    plain.close()
    _forget_open_chat(home)
    driver = open_window(_engine(home, Fault("decode", at_token=8)), sampling=GREEDY)
    answer = driver.ask(QUESTION)
    assert (answer.text, answer.status) == (expected.text, "complete")
    assert driver.transcript.views[-1].plain_text() == expected.text
    assert [message.role for message in driver.messages] == ["user", "assistant"]
    assert not driver.errors()
    driver.until(lambda: len(_notices(driver)) == 1)
    assert driver.ask("And then?").status == "complete"
    assert not driver.errors()


def test_a_model_that_stops_the_engine_every_time_is_told_with_its_last_words(open_window: Open, home: Path) -> None:
    store = FallbackStore(home / "data" / "load-fallbacks.json")
    driver = open_window(_engine(home, Fault("decode", unless="never"), fallbacks=store), sampling=GREEDY)
    answer = driver.ask(QUESTION)
    assert answer.status == "failed"
    assert answer.text, "what was said stays"
    (box,) = driver.errors()
    assert "cannot be used on this computer" in box.accessibleDescription()
    assert "by itself" not in box.accessibleDescription()
    details = [label for label in box.findChildren(QLabel) if "crashing_worker: SIGSEGV at decode" in label.text()]
    assert details
    assert not details[0].isVisible()
    driver.click("Details")
    assert details[0].isVisible()
    driver.close()
    _forget_open_chat(home)

    store = FallbackStore(home / "data" / "load-fallbacks.json")  # as the next process has it
    again = open_window(_engine(home, fallbacks=store, refuses_unusable=True), wait=False)
    again.until(lambda: bool(again.errors()))
    (box,) = again.errors()
    assert "cannot be used on this computer" in box.accessibleDescription()
    again.click("Try again")
    again.until(lambda: not again.errors())
    assert again.ask(QUESTION).status == "complete"
