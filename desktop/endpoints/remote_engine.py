"""The engine of models that are not on this machine: no worker, no memory, no prompt cache; each answer is a request to
the endpoint, behind the same license check and the offline switch.

Loading sends nothing: it asks the license check, which records it, and says what is known of the model.
"""

import itertools
import logging
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from desktop.endpoints.endpoint import ServedModel
from desktop.endpoints.endpoint_client import EndpointClient
from desktop.endpoints.message_fit import TokenEstimate
from desktop.endpoints.remote_answer import FIRST_S, SILENCE_S, AnswerWatch, RemoteAnswer, cancelled
from desktop.engine.embedding_messages import EmbedRequest
from desktop.engine.engine_errors import (
    bug_event,
    engine_closed,
    failed_probe,
    failure_event,
    loading_cancelled,
    no_model_loaded,
)
from desktop.engine.engine_protocol import EngineState, LoadCheck
from desktop.engine.load_params import LoadParams
from desktop.engine.request_images import PictureCost
from desktop.engine.worker_messages import (
    AnswerEvent,
    EmbedEvent,
    GenerateRequest,
    LoadEvent,
    ModelInfo,
    ModelReady,
    ProbeResult,
)
from desktop.errors import EngineError, StoppedError, UserError
from desktop.struct_repair import without_lone_surrogates
from desktop.translation import tr

_AT_ONCE = 16
_log = logging.getLogger(__name__)


class RemoteEngine:
    """An `Engine`. `served` gives the model that a path stands for, as it is now; it raises UserError where its
    endpoint was removed. `patience` is how many seconds an answer may take until its first word, and between two."""

    def __init__(
        self,
        *,
        license_check: LoadCheck,
        client: EndpointClient,
        served: Callable[[Path], ServedModel],
        patience: tuple[float, float] = (FIRST_S, SILENCE_S),
    ) -> None:
        self._license_check = license_check
        self._client = client
        self._served = served
        self._patience = patience
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._loads = ThreadPoolExecutor(1, "endpoint-load")
        self._answers = ThreadPoolExecutor(_AT_ONCE, "endpoint-answer")
        self._watches: dict[int, AnswerWatch] = {}
        self._estimate = TokenEstimate()
        self._params: LoadParams | None = None
        self._context: int | None = None
        self._model: ModelInfo | None = None
        self._loading = self._cancelled = 0
        self._closed = False

    @property
    def state(self) -> EngineState:
        with self._lock:
            if self._loading:
                return "loading"
            if self._watches:
                return "answering"
            return "ready" if self._model is not None else "empty"

    @property
    def model(self) -> ModelInfo | None:
        return self._model

    @property
    def prompt_cache_bytes(self) -> int:
        return 0

    def start(self) -> None:
        """Nothing: there is no process to be started."""

    def next_id(self) -> int:
        return next(self._ids)

    # --- loading ---

    def load(self, params: LoadParams, on_event: Callable[[LoadEvent], None], *, keep: bool = False) -> None:
        with self._lock:
            self._loading += 1
            self._cancelled = 0
            closed = self._closed
            if not closed:
                self._loads.submit(self._load, params, on_event, keep)
        if closed:
            threading.Thread(target=self._end_load, args=(on_event, failure_event(0, engine_closed()))).start()

    def _load(self, params: LoadParams, on_event: Callable[[LoadEvent], None], keep: bool) -> None:
        begun = time.monotonic()
        event: LoadEvent
        try:
            self._client.check_online()
            path, kept = Path(params.model_path), keep and params == self._params and self._model is not None
            served = self._served(path)
            if kept:
                self._license_check.check_loaded(path)
            else:
                self._license_check.admit(path)
                self._license_check.record_load(path)
            with self._lock:
                if not kept:
                    self._params, self._context = params, served.context_length
                self._model = info = _model_info(served, params, self._context)
            event = ModelReady(info, time.monotonic() - begun)
            if self._cancelled or self._closed:
                self._params = self._model = None
                event = failure_event(0, loading_cancelled())
        except UserError as error:
            self._params = self._model = None
            event = failure_event(0, error)
        except Exception as error:  # noqa: BLE001 - whoever waits for the load has to hear of its end
            _log.exception("a model at an endpoint could not be loaded")
            event = bug_event(0, error, traceback.format_exc())
        self._end_load(on_event, event)

    def _end_load(self, on_event: Callable[[LoadEvent], None], event: LoadEvent) -> None:
        with self._lock:
            self._loading -= 1
        on_event(event)

    # --- answers ---

    def generate(self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None]) -> None:
        watch = AnswerWatch(self._check, self._patience)
        with self._lock:
            self._watches[request.id] = watch
            closed = self._closed
            if not closed:
                self._answers.submit(self._answer, without_lone_surrogates(request), on_event, watch)
        if closed:
            failure = failure_event(request.id, engine_closed())
            threading.Thread(target=self._end_answer, args=(request.id, on_event, failure)).start()

    def _answer(self, request: GenerateRequest, on_event: Callable[[AnswerEvent], None], watch: AnswerWatch) -> None:
        event: AnswerEvent
        try:
            params = self._params
            if params is None:
                raise no_model_loaded()
            if threading.Event.is_set(watch):
                event = cancelled(request, self._context)
            else:
                self._check()
                served = self._served(Path(params.model_path))
                answer = RemoteAnswer(self._client, served, request, on_event, watch, self._estimate, self._context)
                event = answer.run()
                self._context = answer.context_length
        except StoppedError:
            event = cancelled(request, self._context)
        except UserError as error:
            event = failure_event(request.id, error)
        except Exception as error:  # noqa: BLE001 - whoever waits for the answer has to hear of its end
            _log.exception("an answer of an endpoint failed")
            event = bug_event(request.id, error, traceback.format_exc())
        self._end_answer(request.id, on_event, event)

    def _end_answer(self, request_id: int, on_event: Callable[[AnswerEvent], None], event: AnswerEvent) -> None:
        with self._lock:
            self._watches.pop(request_id, None)
        on_event(event)

    def embed(self, request: EmbedRequest, on_event: Callable[[EmbedEvent], None]) -> None:
        """Refused: what searches in documents runs on this machine."""
        failure = failure_event(request.id, EngineError(tr("Vectors of texts are made on this machine only.")))
        threading.Thread(target=on_event, args=(failure,), daemon=True).start()

    def cancel(self, request_id: int) -> None:
        with self._lock:
            if request_id == 0:
                self._cancelled = self._loading
                return
            watch = self._watches.get(request_id)
        if watch is not None:
            watch.set()

    def forget(self, conversation: str) -> None:
        """Nothing: nothing of a conversation is kept here."""

    def probe(self, on_event: Callable[[ProbeResult], None]) -> None:
        result = failed_probe(EngineError(tr("This model is not on this machine.")))
        threading.Thread(target=on_event, args=(result,), daemon=True).start()

    # --- the end ---

    def _check(self) -> None:
        """Raise UserError where the model may not be used any more: its license, its endpoint, the switch."""
        params = self._params
        if params is not None:
            self._client.check_online()
            self._license_check.check_loaded(Path(params.model_path))
            self._served(Path(params.model_path))

    def unload(self) -> None:
        self._stop_answers(None)
        self._params = self._model = None

    def recheck(self) -> None:
        if self._params is None:
            return
        try:
            self._license_check.check_loaded(Path(self._params.model_path))
            self._served(Path(self._params.model_path))
        except UserError as error:
            self._stop_answers(error)
            self._params = self._model = None

    def _stop_answers(self, why: UserError | None) -> None:
        with self._lock:
            watches = list(self._watches.values())
        for watch in watches:
            watch.end(why)

    def begin_close(self) -> None:
        """Begin to close, without waiting."""
        with self._lock:
            self._closed = True
        self.unload()
        for executor in (self._loads, self._answers):
            executor.shutdown(wait=False)

    def close(self) -> None:
        self.begin_close()
        for executor in (self._loads, self._answers):
            executor.shutdown(wait=True)


def _model_info(served: ServedModel, params: LoadParams, context_length: int | None) -> ModelInfo:
    endpoint = served.endpoint
    return ModelInfo(
        name=served.model.id,
        architecture="",
        license=endpoint.license,
        description=tr("{model} at {host}").format(model=served.model.id, host=endpoint.host),
        parameters=0,
        size=0,
        context_length=context_length or 0,
        trained_context_length=context_length or 0,
        has_template=True,
        threads=0,
        gpu_layers=0,
        devices=(),
        engine=endpoint.kind or tr("not known"),
        confinement=tr("not on this machine"),
        thinks=False,
        thinking_controls=("effort",),
        tool_support="native",
        pictures=PictureCost(0, 0) if params.projector else None,
    )
