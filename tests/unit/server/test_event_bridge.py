"""Events on their way to the loop: in order, within bounds, and ended from outside."""

import asyncio
import threading

from desktop.engine.worker_messages import Delta
from desktop.server.event_bridge import EventBridge, Interruption


def test_events_of_another_thread_come_in_their_order() -> None:
    async def run() -> list[str]:
        bridge = EventBridge()

        def put() -> None:
            for number in range(1000):
                bridge.put(Delta(1, str(number)))

        thread = threading.Thread(target=put)
        thread.start()
        found: list[str] = []
        while len(found) < 1000:
            found += [event.text for event in await bridge.take(10) if isinstance(event, Delta)]
        thread.join()
        return found

    assert asyncio.run(run()) == [str(n) for n in range(1000)]


def test_where_too_many_wait_the_answer_is_interrupted() -> None:
    async def run() -> None:
        bridge = EventBridge(most=3)
        for n in range(10):
            bridge.put(Delta(1, str(n)))
        assert await bridge.take(10) == [Interruption.TOO_SLOW]
        bridge.put(Delta(1, "late"))
        bridge.interrupt(Interruption.SERVER_STOPS)
        assert await bridge.take(0.01) == []

    asyncio.run(run())


def test_an_interruption_comes_before_what_waits() -> None:
    async def run() -> None:
        bridge = EventBridge()
        bridge.put(Delta(1, "a"))
        bridge.interrupt(Interruption.CLIENT_GONE)
        assert await bridge.take(10) == [Interruption.CLIENT_GONE]

    asyncio.run(run())


def test_events_of_an_answer_whose_loop_has_ended_are_dropped() -> None:
    async def made() -> EventBridge:
        return EventBridge()

    asyncio.run(made()).put(Delta(1, "late"))
