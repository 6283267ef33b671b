"""The hop from the engine's thread to the main one."""

import threading
from collections.abc import Callable

from desktop.background import MainThreadQueue
from tests.fakes.main_loop import MainLoop


def put_all(hop: MainThreadQueue[int], count: int) -> None:
    for number in range(count):
        hop.put(number)


def test_everything_that_waits_comes_with_one_hop_in_order() -> None:
    loop = MainLoop()
    posted: list[int] = []
    handled: list[list[int]] = []

    def post(function: Callable[[], None]) -> None:
        posted.append(1)
        loop.post(function)

    hop = MainThreadQueue[int](post, handled.append)
    thread = threading.Thread(target=put_all, args=(hop, 1000))
    thread.start()
    thread.join()
    loop.run_what_waits()
    assert handled == [list(range(1000))]
    assert len(posted) == 1
    hop.put(1000)
    loop.run_what_waits()
    assert handled[1:] == [[1000]]
    assert len(posted) == 2


def test_nothing_is_lost_while_the_main_thread_handles() -> None:
    loop = MainLoop()
    handled: list[int] = []
    hop = MainThreadQueue[int](loop.post, handled.extend)
    thread = threading.Thread(target=put_all, args=(hop, 20_000))
    thread.start()
    loop.run_until(lambda: len(handled) == 20_000)
    thread.join()
    assert handled == list(range(20_000))
