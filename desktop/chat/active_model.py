"""The model chosen, and whether it is loaded. Loads follow each other: a choice made while another loads waits for it
to be given up."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from msgspec.structs import replace

from desktop.background import Background, MainThreadQueue
from desktop.chat.chat_events import EngineChanged
from desktop.chat.engine_requests import LoadableModel, load_params
from desktop.conversation import ModelReference
from desktop.engine.engine_errors import error_from_event
from desktop.engine.engine_protocol import EngineState, MultiModelEngine
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import LoadEvent, LoadProgress, ModelInfo, ModelReady, RequestFailed
from desktop.errors import LicenseError, UserError
from desktop.settings import Settings

ModelState = Literal["none", "wanted", "loading", "ready", "failed"]


class ChatModel(LoadableModel, Protocol):
    """What chat needs to know of a model on this disk (`desktop.library.library.LibraryModel` is one)."""

    @property
    def name(self) -> str: ...
    @property
    def license(self) -> str: ...
    @property
    def attribution(self) -> tuple[str, ...]: ...


def model_reference(model: ChatModel, file_sha256: str | None = None) -> ModelReference:
    """`model` as the answers name it that it gives, with the terms that it is under now."""
    return ModelReference(model.id, model.name, file_sha256, model.license, "; ".join(model.attribution))


class ActiveModel:
    """Which model answers. `changed` is called on the main thread when anything here did."""

    def __init__(
        self,
        engine: MultiModelEngine,
        background: Background,
        *,
        settings: Callable[[], Settings],
        changed: Callable[[], None],
        hash_file: Callable[[Path], str] | None,
    ) -> None:
        self._engine = engine
        self._background = background
        self._settings = settings
        self._changed = changed
        self._hash_file = hash_file
        self._hop = MainThreadQueue[LoadEvent](background.call_on_main_thread, self._on_events)
        self._params: LoadParams | None = None
        self._context: int | None = None
        self._anew = False
        self._given_up = False
        self._then: ModelState = "wanted"
        self._hashes: dict[str, str] = {}
        self._infos: dict[LoadParams, ModelInfo] = {}
        self.chosen: ChatModel | None = None
        self.state: ModelState = "none"
        self.fraction: float | None = None
        self.error: UserError | None = None
        self.notice = ""
        self._closed = False

    @property
    def params(self) -> LoadParams | None:
        """How the model chosen was loaded; None while it is not."""
        return self._params if self.state == "ready" else None

    @property
    def reference(self) -> ModelReference | None:
        """The model chosen, as an answer names it."""
        return model_reference(self.chosen) if self.chosen is not None else None

    def info(self, params: LoadParams | None) -> ModelInfo | None:
        """What the model loaded with `params` said of itself, be it the one chosen or another; None where it is not
        known."""
        if params is None:
            return None
        known = self._infos.get(params)
        return self._engine.model or known if params == self.params else known  # it may have been loaded anew since

    @property
    def context_length(self) -> int:
        """That of the model loaded now, in tokens; 0 where none is."""
        loaded = self._engine.model
        return loaded.context_length if loaded is not None else 0

    def changed_event(self, *, answering: bool, died: bool) -> EngineChanged:
        """The state of the engine and of this model; `answering` and `died` are what the answers say of the engine."""
        state: EngineState = "empty"
        if self.state in ("loading", "wanted"):
            state = "loading"
        elif answering:
            state = "answering"
        elif self.state == "ready":
            state = "dead" if died else "ready"
        model_id, name = (self.chosen.id, self.chosen.name) if self.chosen is not None else (None, "")
        length = self.context_length if self.state == "ready" else 0
        return EngineChanged(state, self.fraction, model_id, name, self.error, self.notice, length)

    def with_hash(self, reference: ModelReference | None) -> ModelReference | None:
        """`reference` with the sha256 of its file, where that is known by now."""
        if reference is None or reference.id not in self._hashes:
            return reference
        return replace(reference, file_sha256=self._hashes[reference.id])

    def choose(self, model: ChatModel, *, again: bool = False) -> None:
        """Want `model`; `load` loads it. One that failed is wanted once more only with `again`."""
        wanted = self._load_params(model, self._context)
        before, self.chosen = self.chosen, model
        if self.state == "failed" and wanted == self._params and not again:
            return
        self.error = None
        if self.state == "loading":
            self._then = "wanted"
            if wanted != self._params:
                self._give_up()
        elif self.state != "ready" or wanted != self._params:
            self.state = "wanted"
            if before is not None and before.id == model.id and self._params not in (None, wanted):
                self._engine.release(self._params)  # the same model, loaded otherwise: nobody goes back to that
        self._changed()

    @property
    def known(self) -> tuple[LoadParams | None, dict[LoadParams, ModelInfo], dict[str, str]]:
        """How the model is loaded, what models said of themselves, and the sha256 of their files, by their ids."""
        return self._params, dict(self._infos), dict(self._hashes)

    def follow(self, other: "ActiveModel") -> None:
        """Begin as `other` stands: what it has loaded is loaded."""
        self.chosen, self.error, self.notice = other.chosen, other.error, other.notice
        self._params, self._infos, self._hashes = other.known
        self._context = other.wanted_context
        self.state = "wanted" if other.state == "loading" else other.state

    @property
    def wanted_context(self) -> int | None:
        """The context that a chat wants it loaded with, in tokens; None: that of the settings."""
        return self._context

    def has_context(self, wanted: int | None) -> bool:
        """Whether it is loaded with the context that a chat wants, in tokens; None: with that of the settings."""
        if self.chosen is None or self._params is None:
            return True
        return self._load_params(self.chosen, wanted).context_length == self._params.context_length

    def want_context(self, wanted: int | None) -> None:
        """Load the model that is loaded with this context from now on, until another one is wanted."""
        self._context = wanted
        if self.state == "ready":
            self.state = "wanted"
            self._engine.release(self._params)  # nobody goes back to that
            self._changed()

    def _load_params(self, model: ChatModel, context: int | None) -> LoadParams:
        settings = self._settings()
        params = load_params(model, settings, parallel=settings.parallel_answers)
        return params if context is None else replace(params, context_length=context)

    def retry(self) -> None:
        """Try once more to load what could not be loaded, or was given up."""
        if self.state == "loading":
            self._then = "wanted"  # where it is being given up
        elif self.state in ("failed", "none") and self.chosen is not None:
            self.state, self.error = "wanted", None

    def reload(self) -> None:
        """Want the model that is chosen once more, as it was: the engine would load it otherwise now."""
        if self.chosen is None:
            return
        if self.state == "loading":
            self._then = "wanted"
            self._give_up()
        elif self.state in ("ready", "failed"):
            self.state, self.error = "wanted", None
        self._anew = True
        self._changed()

    def refresh(self) -> None:
        """Where the engine does not hold the model any more, the next answer loads it again: its license was revoked,
        say, or its memory was needed."""
        if self.state == "ready" and self._params is not None and self._engine.state_of(self._params) == "empty":
            self.state = "none"

    def set_missing(self, error: UserError) -> None:
        """There is no model to choose."""
        self.chosen, self.state, self.error, self._params = None, "failed", error, None
        self._changed()

    def load(self) -> None:
        """Begin to load the model that is wanted."""
        if self.state != "wanted" or self.chosen is None:
            return
        self.state, self.fraction, self._given_up, self.notice = "loading", 0.0, False, ""
        self._params = self._load_params(self.chosen, self._context)
        anew, self._anew = self._anew, False
        self._engine.load(self._params, self._hop.put, keep=not anew)
        self._changed()

    def stop_loading(self) -> None:
        """Cancel the load; no model is wanted then."""
        if self.state == "wanted":
            self.state = "none"
            self._changed()
        elif self.state == "loading":
            self._then = "none"
            self._give_up()

    def close(self) -> None:
        """Ignore the events of a load from now on."""
        self._closed = True

    def _give_up(self) -> None:
        if not self._given_up:
            self._given_up = True
            self._engine.cancel(0)

    def _on_events(self, events: list[LoadEvent]) -> None:
        if self._closed:
            return
        for event in events:
            match event:
                case LoadProgress():
                    self.fraction = event.fraction
                case ModelReady() | RequestFailed():
                    self._settle(event)
        self._changed()

    def _settle(self, event: ModelReady | RequestFailed) -> None:
        self.fraction = None
        if isinstance(event, ModelReady) and self._params is not None:
            self._infos[self._params] = event.info
        if self._given_up:
            self.state = self._then  # whatever became of it: it may have been ready before it could be given up
        elif isinstance(event, ModelReady):
            self.state, self.notice = "ready", event.notice
            self._hash()
        else:
            self.state, self.error = "failed", error_from_event(event)
            self._context = None  # one chat's wish must not keep the others from being answered
            if isinstance(self.error, LicenseError):  # nothing was tried: it is as soon as it may be
                self._params = None

    def _hash(self) -> None:
        if self.chosen is not None:
            self.note_hash(self.chosen.id, self.chosen.path)

    def note_hash(self, model_id: str, path: Path) -> None:
        """Have the sha256 of a model's file known, which is loaded: for `with_hash`."""
        hash_file = self._hash_file
        if hash_file is None or model_id in self._hashes:
            return

        def known(sha256: str) -> None:
            self._hashes[model_id] = sha256

        self._background.pool(lambda: hash_file(path), known)
