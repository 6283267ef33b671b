"""Several transfers: a few at a time, each paused, resumed, cancelled and retried by itself, all told of in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from desktop.errors import ForbiddenError, NetworkError
from desktop.hub.fake import Fault
from desktop.hub.transfer.queue import Item, Queue
from tests.fakes.transfer_place import QUICK, Place, bytes_of
from tests.unit.hub.transfer.conftest import MakePlace

pytestmark = pytest.mark.loopback
FILES = [f"model-{number}.gguf" for number in range(4)]


class Heard:
    """Everything a queue said, and a way to wait for it."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._changed = threading.Condition()

    def __call__(self, item: Item) -> None:
        with self._changed:
            self.items.append(item)
            self._changed.notify_all()

    def wait(self, holds: Callable[[dict[str, Item]], bool]) -> dict[str, Item]:
        """Until that holds of the last words about each; those."""
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self._last()), 30), self._last()
            return self._last()

    def states(self, key: str) -> list[str]:
        told = [item.progress.state for item in self.items if item.key == key]
        return [state for at, state in enumerate(told) if at == 0 or told[at - 1] != state]

    def _last(self) -> dict[str, Item]:
        return {item.key: item for item in self.items}


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def stocked(make_place: MakePlace) -> Place:
    place = make_place(size=1_000_000)
    for seed, file in enumerate(FILES):
        place.repository.add_file(file, bytes_of(1_500_000, seed))
    return place


@pytest.fixture
def queue(stocked: Place, heard: Heard) -> Iterator[Queue]:
    made = Queue(stocked.client, stocked.hub.locate, heard, patience=QUICK, connections=2)
    yield made
    made.close()


def add(queue: Queue, place: Place, *files: str, paused: bool = False) -> None:
    for file in files:
        queue.add(file, (place.wanted(file, size=1_500_000),), place.folder, paused=paused)


def in_state(key: str, *states: str) -> Callable[[dict[str, Item]], bool]:
    return lambda last: key in last and last[key].progress.state in states


def all_in(state: str, *keys: str) -> Callable[[dict[str, Item]], bool]:
    return lambda last: all(key in last and last[key].progress.state == state for key in keys)


def test_two_at_a_time_and_the_others_in_their_turn(stocked: Place, queue: Queue, heard: Heard) -> None:
    stocked.fake.rate = 3_000_000
    add(queue, stocked, *FILES)
    last = heard.wait(all_in("done", *FILES))
    for file in FILES:
        (fetched,) = last[file].fetched
        assert fetched.path.read_bytes() == stocked.repository.files[file].data
        assert fetched.verified
        assert last[file].error is None
        assert heard.states(file)[0] == "queued"
    running: set[str] = set()
    for item in heard.items:
        active = item.progress.state in ("locating", "fetching", "retrying", "verifying")
        running = running | {item.key} if active else running - {item.key}
        assert len(running) <= 2
    assert [item.key for item in queue.items()] == FILES
    assert all(item.progress.total == 1_500_000 for item in heard.items)


def test_one_is_paused_and_resumed_while_the_others_go_on(stocked: Place, queue: Queue, heard: Heard) -> None:
    stocked.fake.rate = 1_500_000
    add(queue, stocked, *FILES[:2])
    heard.wait(lambda last: all(last[file].progress.done > 200_000 for file in FILES[:2] if file in last))
    queue.pause(FILES[0])
    paused = heard.wait(in_state(FILES[0], "paused"))[FILES[0]]
    assert paused.error is None
    assert 0 < paused.progress.done < 1_500_000
    heard.wait(in_state(FILES[1], "done"))
    queue.resume(FILES[0])
    (fetched,) = heard.wait(in_state(FILES[0], "done"))[FILES[0]].fetched
    assert fetched.received == 1_500_000 - paused.progress.done
    assert stocked.fake.sent() < 3_600_000


def test_pausing_one_that_waits_and_going_on_at_once(stocked: Place, queue: Queue, heard: Heard) -> None:
    stocked.fake.rate = 3_000_000
    add(queue, stocked, *FILES[:3])
    queue.pause(FILES[2])
    heard.wait(in_state(FILES[2], "paused"))
    queue.resume(FILES[2])
    heard.wait(in_state(FILES[0], "fetching"))
    queue.pause(FILES[0])
    queue.resume(FILES[0])  # it may still be ending
    last = heard.wait(all_in("done", *FILES[:3]))
    assert all(item.fetched for item in last.values())


def test_cancelling_removes_what_was_fetched_whatever_it_was_doing(stocked: Place, queue: Queue, heard: Heard) -> None:
    stocked.fake.rate = 500_000
    add(queue, stocked, *FILES[:3])
    add(queue, stocked, FILES[3], paused=True)
    heard.wait(lambda last: all(last[file].progress.done > 50_000 for file in FILES[:2]))
    queue.pause(FILES[0])
    heard.wait(in_state(FILES[0], "paused"))
    assert any(name.startswith(FILES[0]) for name in stocked.left)
    for file in FILES:
        queue.cancel(file)
    heard.wait(all_in("cancelled", *FILES))
    assert stocked.left == []
    for file in FILES:
        queue.remove(file)
    assert queue.items() == ()


def test_one_that_failed_says_why_and_can_be_tried_again(stocked: Place, queue: Queue, heard: Heard) -> None:
    stocked.fake.inject(Fault("login-page", path=FILES[0]))
    add(queue, stocked, *FILES[:2])
    last = heard.wait(lambda last: in_state(FILES[0], "failed")(last) and in_state(FILES[1], "done")(last))
    assert isinstance(last[FILES[0]].error, NetworkError)
    assert all(item.error is not None for item in heard.items if item.progress.state == "failed")
    queue.resume(FILES[0])
    last = heard.wait(in_state(FILES[0], "done"))
    assert last[FILES[0]].error is None


def test_a_name_that_is_unfit_fails_and_holds_nobody_up(stocked: Place, queue: Queue, heard: Heard) -> None:
    queue.add("bad", (stocked.wanted("../up.gguf", size=1),), stocked.folder)
    add(queue, stocked, FILES[0])
    last = heard.wait(in_state(FILES[0], "done"))
    assert isinstance(last["bad"].error, ForbiddenError)
    queue.cancel("bad")
    queue.resume(FILES[0])
    with pytest.raises(KeyError):
        queue.pause("nobody")


def test_closing_pauses_everything_and_nothing_is_said_afterwards(stocked: Place, queue: Queue, heard: Heard) -> None:
    stocked.fake.rate = 200_000
    add(queue, stocked, *FILES)
    heard.wait(lambda last: all(last[file].progress.done > 20_000 for file in FILES[:2]))
    queue.close()
    told = len(heard.items)
    assert [item.progress.state for item in queue.items()][:2] == ["paused", "paused"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("transfer")]
    queue.resume(FILES[0])
    assert len(heard.items) == told
    again = Heard()
    stocked.fake.rate = None
    later = Queue(stocked.client, stocked.hub.locate, again, patience=QUICK)
    for file in FILES:
        later.add(file, (stocked.wanted(file),), stocked.folder)
    last = again.wait(all_in("done", *FILES))
    later.close()
    assert last[FILES[0]].fetched[0].received < 1_500_000, "what was there before is not fetched again"


def test_a_listener_may_ask_the_queue(stocked: Place, heard: Heard) -> None:
    seen: list[int] = []

    def listen(item: Item) -> None:
        seen.append(len(own.items()))
        if item.progress.state == "paused":
            own.resume(item.key)
        heard(item)

    own = Queue(stocked.client, stocked.hub.locate, listen, patience=QUICK)
    add(own, stocked, FILES[0], paused=True)
    heard.wait(in_state(FILES[0], "done"))
    own.close()
    assert seen


def test_a_bug_in_the_middle_is_a_failure_with_words(
    stocked: Place, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    bugs: list[object] = []
    monkeypatch.setattr(threading, "excepthook", bugs.append)

    def locate(*_: object) -> None:
        raise ZeroDivisionError

    queue = Queue(stocked.client, locate, heard, patience=QUICK)  # type: ignore[arg-type]
    add(queue, stocked, FILES[0])
    last = heard.wait(in_state(FILES[0], "failed"))
    queue.close()
    assert last[FILES[0]].error is not None
    assert len(bugs) == 1
