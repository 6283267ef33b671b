"""Work off the main thread: its order, its hop back, and what becomes of failures."""

import logging
import threading
from collections.abc import Callable, Iterator
from queue import Queue

import pytest

from desktop.background import Background
from desktop.errors import ResourceError, StoppedError, UserError


class MainThread:
    """A stand-in for an event loop: runs on the test's thread what was posted."""

    def __init__(self) -> None:
        self.waiting: Queue[Callable[[], None]] = Queue()

    def run_one(self) -> None:
        self.waiting.get(timeout=5)()


@pytest.fixture
def main() -> MainThread:
    return MainThread()


@pytest.fixture
def background(main: MainThread) -> Iterator[Background]:
    made = Background(main.waiting.put)
    yield made
    made.close()


def test_database_work_keeps_its_order(background: Background) -> None:
    done: list[int] = []
    first_may_go = threading.Event()

    def first() -> None:
        first_may_go.wait(5)
        done.append(1)

    background.database(first)
    last = background.database(lambda: done.append(2))
    first_may_go.set()
    last.result(5)

    assert done == [1, 2]


def test_a_result_arrives_on_the_main_thread(background: Background, main: MainThread) -> None:
    seen: list[tuple[int, threading.Thread]] = []
    background.pool(lambda: 7, lambda value: seen.append((value, threading.current_thread())))

    main.run_one()

    assert seen == [(7, threading.current_thread())]


def test_what_a_person_can_act_on_arrives_as_failure(background: Background, main: MainThread) -> None:
    def full() -> int:
        raise ResourceError("The disk is full.", "", "Free some space.")

    failures: list[UserError] = []
    background.database(full, lambda _: pytest.fail("it did not succeed"), failures.append)

    main.run_one()

    assert [error.title for error in failures] == ["The disk is full."]


def test_a_bug_is_logged_with_its_traceback(background: Background, caplog: pytest.LogCaptureFixture) -> None:
    def bug() -> int:
        raise KeyError("nobody expected this")

    with caplog.at_level(logging.ERROR), pytest.raises(KeyError):
        background.pool(bug).result(5)

    assert "nobody expected this" in caplog.text


def test_who_waits_for_an_end_hears_of_a_bug_too(background: Background, main: MainThread) -> None:
    def bug() -> int:
        raise KeyError("nobody expected this")

    failures: list[UserError] = []
    background.database(bug, lambda _: pytest.fail("it did not succeed"), failures.append)

    main.run_one()

    assert ["nobody expected this" in error.technical for error in failures] == [True]


def test_closing_waits_for_database_work(main: MainThread) -> None:
    background = Background(main.waiting.put)
    saved: list[str] = []
    background.database(lambda: saved.append("draft"))

    background.close()

    assert saved == ["draft"]


def test_work_that_was_stopped_is_told_and_no_matter_for_the_log(
    background: Background, main: MainThread, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[UserError] = []

    def work() -> None:
        raise StoppedError

    begun = background.pool(work, failure=told.append)
    with pytest.raises(StoppedError):
        begun.result(5)
    main.run_one()

    assert [str(each) for each in told] == ["It was stopped."]
    assert not caplog.records
