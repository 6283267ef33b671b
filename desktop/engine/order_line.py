"""What waits for the engine's dispatcher: orders and workers' events in the order they came, and orders in line.

An order that ends what is under way is known here before its turn comes: reading a large file would keep it waiting.
"""

import logging
import queue
from collections import deque
from collections.abc import Callable
from typing import Any

from desktop.engine.orders import AnswerOrder, CancelOrder, Order, PlainOrder, ProbeOrder, Waiting
from desktop.engine.process import Received, WorkerProcess

Item = Order | tuple[WorkerProcess, Received]


_log = logging.getLogger(__name__)


class OrderLine:
    """`order` and `tell` are for any thread, the rest is for the dispatcher's.

    It is asked, as a `Stop`, whether what is under way is to end.
    """

    def __init__(self) -> None:
        self.current: Waiting | None = None
        self._inbox: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._line: deque[Waiting] = deque()
        self._given: list[Order] = []
        self._obeyed: list[Order] = []

    def order(self, order: Order) -> None:
        """`order` was given."""
        if isinstance(order, CancelOrder) or (isinstance(order, PlainOrder) and order.what in ("unload", "close")):
            self._given.append(order)
        self._inbox.put(order)

    def tell(self, worker: WorkerProcess, event: Received) -> None:
        """`worker` said `event`."""
        self._inbox.put((worker, event))

    def take(self, timeout: float | None) -> Item | None:
        """What came next; None where nothing did in so many seconds, or what did is carried out already."""
        try:
            item = self._inbox.get(timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(item, tuple):
            return item
        if item in self._given:
            self._given.remove(item)
        if item in self._obeyed:
            self._obeyed.remove(item)
            return None
        return item

    # --- what is under way ---

    def is_set(self) -> bool:
        """Whether what is under way is to end."""
        return any(self._ends_current(order) for order in self._given)

    def obey(self) -> bool:
        """What is under way failed: whether it was to end. A cancel is for one thing, and is carried out by that."""
        ending = [order for order in self._given if self._ends_current(order)]
        for order in ending[:1]:
            if isinstance(order, CancelOrder):
                self._given.remove(order)
                self._obeyed.append(order)
        return bool(ending)

    def is_current(self, request_id: int) -> bool:
        """Whether a cancel of `request_id` (0: a load) is for what is under way."""
        current = self.current
        return current is not None and number_of(current) == request_id and not isinstance(current, ProbeOrder)

    def _ends_current(self, order: Order) -> bool:
        return not isinstance(order, CancelOrder) or self.is_current(order.request_id)

    # --- what waits for its turn ---

    def wait(self, order: Waiting) -> None:
        """`order` stands in line."""
        self._line.append(order)

    def next(self) -> Waiting | None:
        """The first in line, which is under way from now on; None where there is none, or something else is."""
        if self.current is not None or not self._line:
            return None
        self.current = self._line.popleft()
        return self.current

    def remove(self, request_id: int) -> Waiting | None:
        """The order in line with this id (0: the first load), taken out of it; None where there is none."""
        for order in self._line:
            if number_of(order) == request_id and not isinstance(order, ProbeOrder):
                self._line.remove(order)
                return order
        return None

    def clear(self) -> list[Waiting]:
        """Every order in line, taken out of it."""
        orders = list(self._line)
        self._line.clear()
        return orders


def number_of(order: Waiting) -> int:
    """The id by which `order` is cancelled; 0 for a load."""
    return order.request.id if isinstance(order, AnswerOrder) else 0


def call_listener(listener: Callable[[Any], None], event: Any) -> None:
    """Tell whoever gave an order of `event`. Their bugs are not the engine's."""
    try:
        listener(event)
    except Exception:  # noqa: BLE001 - it goes to the log
        _log.exception("a listener of the engine failed")
