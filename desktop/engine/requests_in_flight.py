"""The answers that one worker is generating at once, or that wait for it to be ready: by id, until each has ended.

Where the worker crashes, this says whom it was for: the computation that all of them share, or the rendering of one
prompt, which only that one can be blamed for. While that is open, prompts are rendered one after another.
"""

import dataclasses
from collections.abc import Collection, Iterator
from typing import Literal

from desktop.engine.answer_progress import AnswerProgress
from desktop.engine.embedding_messages import EmbedResult
from desktop.engine.embedding_progress import EmbeddingProgress
from desktop.engine.engine_command import AnswerCommand, EmbedCommand, call_listener
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, Event, RequestFailed

CrashedWork = Literal["computing", "rendering"]


@dataclasses.dataclass(eq=False)
class RequestInFlight:
    """One answer, or one request for vectors. `sent` says that the worker has it, `cancelling` that it is to stop.

    `suspected` says that a worker crashed while its prompt may have been rendered, `died_rendering` that one did so
    while there was nothing else that it can have crashed of. `notice` is told with its end.
    """

    order: AnswerCommand | EmbedCommand
    progress: AnswerProgress | EmbeddingProgress
    sent: bool = False
    cancelling: bool = False
    suspected: bool = False
    died_rendering: bool = False
    notice: str = ""

    @property
    def id(self) -> int:
        return self.order.request.id

    @property
    def rendering(self) -> bool:
        """Whether the worker has it and has not said yet that the prompt is rendered."""
        return self.sent and not self.progress.prompted

    def mark_sent(self) -> None:
        """The worker has it now."""
        self.sent = True

    def mark_cancelling(self) -> None:
        """It is to stop."""
        self.cancelling = True

    def accepts(self, event: Event) -> bool:
        """Whether `event` is one that belongs to it, and that its worker may send now."""
        kinds = EmbedResult | RequestFailed if isinstance(self.order, EmbedCommand) else AnswerEvent
        return self.sent and isinstance(event, kinds)

    def receive(self, event: Event) -> None:
        """Pass on an event of the worker that it accepts, all but the end."""
        if isinstance(self.progress, AnswerProgress) and isinstance(event, AnswerEvent):
            self.progress.receive(event)

    def finished(self, event: AnswerDone | EmbedResult) -> AnswerDone | EmbedResult | RequestFailed:
        """The last event to tell, for the last one of the worker."""
        if isinstance(self.progress, AnswerProgress):
            return self.progress.finish(event, self.notice) if isinstance(event, AnswerDone) else self.cancelled()
        return self.progress.finish(event, self.notice) if isinstance(event, EmbedResult) else self.cancelled()

    def cancelled(self) -> AnswerDone | RequestFailed:
        """The last event to tell where it was cancelled, with the text so far told before it."""
        self.progress.flush()
        return self.progress.cancelled()

    def tell(self, event: object) -> None:
        """Tell its listener."""
        call_listener(self.order.on_event, event)


class RequestsInFlight:
    """All of them, in the order in which they were asked. For the dispatcher's thread."""

    def __init__(self) -> None:
        self._requests: list[RequestInFlight] = []
        self._last_suspects: list[RequestInFlight] = []

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[RequestInFlight]:
        return iter(list(self._requests))

    def add(self, order: AnswerCommand | EmbedCommand) -> None:
        """Begin with one."""
        if isinstance(order, AnswerCommand):
            listener = order.on_event
            progress = AnswerProgress(order.request, lambda event: call_listener(listener, event))
            self._requests.append(RequestInFlight(order, progress))
        else:
            self._requests.append(RequestInFlight(order, EmbeddingProgress(order.request)))

    def find(self, request_id: int) -> RequestInFlight | None:
        """The one with this id; None where none has it."""
        return next((each for each in self._requests if each.id == request_id), None)

    def remove(self, request: RequestInFlight) -> None:
        """It has ended."""
        self._requests.remove(request)

    def clear(self) -> list[RequestInFlight]:
        """All have ended; those that had not."""
        ended, self._requests = self._requests, []
        return ended

    @property
    def wanted(self) -> bool:
        """Whether there is one that nobody cancelled."""
        return any(not each.cancelling for each in self._requests)

    @property
    def only_rendering(self) -> bool:
        """Whether all that the worker has to do is to render prompts: nothing is computed meanwhile."""
        sent = [each for each in self._requests if each.sent]
        return bool(sent) and all(each.rendering for each in sent)

    def next_to_send(self, besides: Collection[RequestInFlight] = ()) -> RequestInFlight | None:
        """The next one that the worker is to be given, none of those `besides`; None where none is, or has to wait."""
        waiting = [each for each in self._requests if not each.sent and each not in besides]
        if any(each.suspected and not each.progress.prompted for each in self._requests):
            if any(each.rendering for each in self._requests):
                return None
            waiting.sort(key=lambda each: (each not in self._last_suspects, not each.suspected))
        return waiting[0] if waiting else None

    def restart(self) -> None:
        """The worker is gone, and another one goes on with all of them."""
        for each in self._requests:
            if each.sent:
                each.progress.restart()
                each.sent = False

    def note(self, notice: str) -> None:
        """The model was loaded for all of them, and `notice` says why otherwise than before; "" where it was not."""
        for each in self._requests:
            each.notice = notice or each.notice

    def blame(self) -> tuple[CrashedWork, RequestInFlight | None]:
        """What a worker that crashed was at, and the request that it crashed of for the second time, or None."""
        rendering = [each for each in self._requests if each.rendering]
        computing = any(each.sent and not each.rendering for each in self._requests)
        if len(rendering) == 1 and not computing:
            (alone,) = rendering
            again, alone.died_rendering = alone.died_rendering, True
            return "rendering", alone if again else None
        self._last_suspects = rendering  # they are rendered first in the next worker, before anything is computed
        unsuspected = [each for each in rendering if not each.suspected]
        for each in unsuspected:
            each.suspected = True
        return ("rendering" if unsuspected else "computing"), None
