"""Gives the worker the answers that it is to generate, several at once, and passes on what it sends of each.

What a worker sends is believed for the answer that it names, where it was given that one and has not ended it. What it
sends for another is dropped, so that no answer is told twice or gets what was said after its end.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from desktop.engine import engine_errors
from desktop.engine.embedding_messages import EmbedResult
from desktop.engine.engine_command import AnswerCommand
from desktop.engine.engine_protocol import FileTouchedError
from desktop.engine.fallback_step import FallbackStep
from desktop.engine.model_load import ModelLoad
from desktop.engine.requests_in_flight import CrashedWork, RequestInFlight, RequestsInFlight
from desktop.engine.watched_worker import WatchedWorker
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, GenerateRequest, PromptPrepared, RequestFailed
from desktop.engine.worker_process import WorkerExit
from desktop.errors import UserError
from desktop.translation import tr

_log = logging.getLogger(__name__)
_End = AnswerDone | EmbedResult | RequestFailed


class AnswerHost(Protocol):
    """What has to be done where the answers cannot go on as they are (the dispatcher does it)."""

    def rest(self) -> None:
        """Nothing is under way any more."""

    def evict_model(self, error: UserError) -> None:
        """The model may not stay: unload it, and fail every answer."""

    def reload(self, step: FallbackStep, kill_because: str = "") -> None:
        """End the worker and load the model again for all answers. Raises UserError."""


class AnswerDispatch:
    """The answers in `requests`. All methods on the dispatcher's thread."""

    def __init__(self, requests: RequestsInFlight, worker: WatchedWorker, load: ModelLoad, host: AnswerHost) -> None:
        self._requests = requests
        self._worker = worker
        self._load = load
        self._host = host
        self._abandoned: set[int] = set()

    # --- to the worker ---

    def send_waiting(self) -> None:
        """Give the worker every answer that may begin now, each after the license check and with its saved state.

        Raises UserError.
        """
        held: list[RequestInFlight] = []
        while (request := self._requests.next_to_send(held)) is not None:
            try:
                message = request.progress.request()
            except UserError as error:
                self.finish(request, engine_errors.failure_event(request.id, error))
                continue
            refusal = self._load.may_stay()
            if isinstance(refusal, FileTouchedError):
                self._read_once_more(refusal)
                return
            if refusal is not None:
                self._host.evict_model(refusal)
                return
            prepared = self._worker.states.prepare(message) if isinstance(message, GenerateRequest) else message
            if prepared is None:  # its saved state comes first
                held.append(request)
                self._worker.hold()
                continue
            self._worker.send(prepared, "answering")
            request.mark_sent()
            if request.cancelling:
                self._worker.cancel(request.id)
        self._worker.watchdog.note_rendering(self._requests.only_rendering)

    def _read_once_more(self, touched: FileTouchedError) -> None:
        """The file was touched: what is being generated from it ends, and the rest waits until it is loaded again."""
        _log.warning("engine: %s", touched)
        for request in self._requests:
            if request.sent:
                self.finish(request, engine_errors.failure_event(request.id, touched))
        if self._requests:
            self._host.reload(self._load.require())

    def cancel(self, request: RequestInFlight) -> bool:
        """Stop one answer. False where it is the last one that a load under way is for: that has to be given up."""
        request.mark_cancelling()
        if request.sent:
            self._worker.cancel(request.id)
        elif self._worker.stage == "answering" or self._requests.wanted:
            self.finish(request, request.cancelled())
        else:
            return False
        return True

    def end_overdue(self) -> bool:
        """Let go of answers that the worker should have stopped by now, so that others go on; whether that was done.

        It may be about to begin with them only. Where nothing else is under way, it is ended instead.
        """
        overdue = self._worker.watchdog.overdue_cancels()
        if not overdue or not self._requests.wanted:
            return False
        for request_id in overdue:
            self._worker.watchdog.stop_cancel_timeout(request_id)
            request = self._requests.find(request_id)
            if request is not None:
                self._abandoned.add(request_id)
                self.finish(request, request.cancelled())
        self.send_waiting()
        return True

    # --- from the worker ---

    def take(self, event: AnswerEvent | EmbedResult) -> None:
        """An event of the worker. Raises UserError where the model cannot be loaded again after it."""
        request = self._requests.find(event.id)
        if request is None or not request.accepts(event):
            if isinstance(event, _End):
                self._abandoned.discard(event.id)
                self._worker.watchdog.stop_cancel_timeout(event.id)
                self.send_waiting()
            return
        if isinstance(event, AnswerEvent) and isinstance(request.order, AnswerCommand):
            self._worker.states.note(request.order.request, event)
        if isinstance(event, AnswerDone | EmbedResult):
            refusal = self._load.may_stay()
            if refusal is not None:
                self._host.evict_model(refusal)
                return
        request.receive(event)
        if request.progress.too_long:
            self._end_endless(request)
            return
        if isinstance(event, AnswerDone | EmbedResult):
            self.finish(request, request.finished(event))
            if isinstance(event, AnswerDone):
                self._load.remember_success(event)
        elif isinstance(event, RequestFailed):
            self.finish(request, event)
        if isinstance(event, PromptPrepared | _End):
            self.send_waiting()

    def _end_endless(self, request: RequestInFlight) -> None:
        """It does not come to an end: its worker is ended, and the others go on in the next one."""
        request.progress.flush()
        self._worker.end(tr("it did not come to an end"))
        self._load.ended()
        self.forget_worker()
        self.finish(request, engine_errors.failure_event(request.id, engine_errors.answer_too_long()))
        if self._requests:
            self._host.reload(self._load.require())

    # --- the end ---

    def finish(self, request: RequestInFlight, event: _End) -> None:
        """Report the end of one answer."""
        request.progress.flush()
        self._requests.remove(request)
        self._worker.states.release(request.id)
        self._worker.watchdog.stop_cancel_timeout(request.id)
        if not self._requests:
            self._host.rest()
        request.tell(event)

    def finish_all(self, end: Callable[[RequestInFlight], _End]) -> None:
        """Report the ends of all answers; none of them is under way any more when the first is told."""
        ended = self._requests.clear()
        self._host.rest()
        for request in ended:
            self._worker.states.release(request.id)
            request.progress.flush()
            request.tell(end(request))

    def finish_cancelled(self) -> None:
        """Report those as cancelled that were to be, as their worker is gone."""
        for request in self._requests:
            if request.cancelling:
                self.finish(request, request.cancelled())

    def blame(self, death: WorkerExit) -> CrashedWork:
        """What the worker that died was at; one that it died of for the second time ends with that."""
        if death.kind != "crash":
            return "computing"
        work, culprit = self._requests.blame()
        if culprit is not None and not culprit.cancelling:
            self.finish(
                culprit, engine_errors.failure_event(culprit.id, engine_errors.died_rendering(death), died=True)
            )
        return work

    def forget_worker(self) -> None:
        """The worker is gone: nothing of what it was given is under way, and another one goes on with it."""
        self._abandoned.clear()
        self._requests.restart()

    def watch_abandoned(self) -> None:
        """Nothing else is under way: what the worker has not stopped yet it has to stop now, or is ended."""
        for request_id in self._abandoned:
            self._worker.watchdog.start_cancel_timeout(request_id)
