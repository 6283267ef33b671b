"""The models that the server offers: those of the library, by their ids, loaded as everywhere else."""

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from desktop.chat.engine_requests import load_params
from desktop.engine.engine_errors import error_from_event
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.engine.load_params import LoadParams
from desktop.engine.unsupported_file import ModelKind
from desktop.engine.worker_messages import LoadEvent, LoadProgress, ModelInfo, RequestFailed
from desktop.errors import EngineError, NotFoundError
from desktop.library.library_model import LibraryModel, ListedModel
from desktop.licenses.license_check import LicenseCheck
from desktop.licenses.policy import forbids_server
from desktop.licenses.policy_file import PolicySource
from desktop.settings import Settings
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.library.library import Library

_LISTENING_S = 0.2
_MOST_CLIENTS = 50
"""Clients of a model that the ledger is told of by their names; others have one name together."""


@dataclass(frozen=True)
class OfferedModel:
    """A model as it is listed. `created` is when its file was made, in seconds since 1970; `context_length` that which
    it is loaded with, None while it is not."""

    id: str
    name: str
    publisher: str
    kind: ModelKind
    created: int
    context_length: int | None


class OfferedModels:
    """`parallel` is how many answers one model gives at once, None: as the settings say. `only` are the ids of those
    that are offered, () for all. A model that an endpoint runs is not among them: what is asked here stays on this
    machine. Methods read files: not for the server's loop."""

    def __init__(
        self,
        engine: MultiModelEngine,
        library: "Library",
        license_check: LicenseCheck,
        policy: PolicySource,
        settings: Callable[[], Settings],
        *,
        parallel: int | None = None,
        only: Sequence[str] = (),
    ) -> None:
        self._engine = engine
        self._library = library
        self._license_check = license_check
        self._policy = policy
        self._settings = settings
        self._parallel = parallel
        self._only = tuple(only)
        self._recorded: dict[Path, set[str]] = {}
        self._recording = threading.Lock()

    def offer(self, only: Sequence[str], parallel: int | None) -> None:
        """Offer others, or give another number of answers at once, from the next request on. Any thread."""
        self._only, self._parallel = tuple(only), parallel

    def listed(self) -> list[OfferedModel]:
        """Every model that is offered. Raises ForbiddenError where a policy forbids to serve any."""
        self.refuse_forbidden()
        return [
            OfferedModel(
                each.model.id,
                each.model.name,
                each.model.publisher,
                each.model.kind,
                _made_at(each.model.path),
                info.context_length if (info := self.info(self.params(each.model))) is not None else None,
            )
            for each in self._here()
            if each.model is not None
        ]

    def find(self, model_id: str, kind: ModelKind = "chat") -> LibraryModel:
        """The model with this id. A path is none, and says nothing about the files here. Raises NotFoundError,
        EngineError where it is of another kind, ForbiddenError where a policy forbids to serve any."""
        self.refuse_forbidden()
        for each in self._here():
            model = each.model
            if model is None or model_id not in _ids(each, model):
                continue
            if model.kind != kind:
                said = tr("{model} cannot chat.") if kind == "chat" else tr("{model} is no embedding model.")
                raise EngineError(said.format(model=model.name), "", tr("GET /v1/models names the models."))
            return model
        raise NotFoundError(
            tr("There is no model called {model} here.").format(model=model_id), "", tr("GET /v1/models names them.")
        )

    def params(self, model: LibraryModel) -> LoadParams:
        """How the model is loaded."""
        settings = self._settings()
        if model.kind == "embedding":
            return LoadParams(str(model.path), embedding=True, threads=settings.threads)
        if self._parallel is None:
            return load_params(model, settings, parallel=settings.parallel_answers)
        return msgspec.structs.replace(load_params(model, settings), parallel=self._parallel)

    def info(self, params: LoadParams) -> ModelInfo | None:
        """What the model loaded with `params` says of itself; None while it is not loaded."""
        return self._engine.info_of(params)

    def preload(self, model_id: str) -> LibraryModel:
        """Load a model before anybody asks. Raises UserError, also where its license does not allow it."""
        try:
            model = self.find(model_id)
        except EngineError:
            model = self.find(model_id, "embedding")
        events: queue.SimpleQueue[LoadEvent] = queue.SimpleQueue()
        self._engine.load(self.params(model), events.put, keep=True)
        event: LoadEvent = LoadProgress(0.0)
        while isinstance(event, LoadProgress):
            with suppress(queue.Empty):
                event = events.get(timeout=_LISTENING_S)  # not for ever: an interrupt has to be noticed
        if isinstance(event, RequestFailed):
            raise error_from_event(event)
        return model

    def refuse_forbidden(self) -> None:
        """Raises ForbiddenError where a policy forbids to serve models."""
        refusal = forbids_server(self._policy.current())
        if refusal is not None:
            raise refusal

    def record_client(self, model: LibraryModel, client: str) -> None:
        """Have the ledger know, once, that `client` uses the model, which is loaded. Raises UserError where it cannot:
        no answer is given then."""
        with self._recording:
            known = self._recorded.setdefault(model.path, set())
            name = client if client in known or len(known) < _MOST_CLIENTS else tr("further programs")
            if name not in known:
                self._license_check.record_served(model.path, name)
                known.add(name)

    def _here(self) -> list[ListedModel]:
        here = [*self._library.installed(), *self._library.installed("embedding")]
        # What another program asks goes to no other machine: it was not told, and two could ask each other for ever.
        found = [each for each in here if not each.subject.served_at]
        if not self._only:
            return found
        return [each for each in found if each.model is not None and not _ids(each, each.model).isdisjoint(self._only)]


def _ids(listed: ListedModel, model: LibraryModel) -> set[str]:
    """What names it. A model that ships has no id of a file's own."""
    return {model.id, model.file_id, listed.subject.id} - {""}


def _made_at(path: Path) -> int:
    try:
        return int(path.stat().st_mtime)
    except OSError:
        return 0
