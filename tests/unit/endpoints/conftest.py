"""An endpoint on this machine, and an engine that asks it, with a license check that a test can turn."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage
from desktop.endpoints.endpoint import Endpoint, EndpointModel, ServedModel
from desktop.endpoints.endpoint_client import EndpointClient
from desktop.endpoints.remote_engine import RemoteEngine
from desktop.engine.engine_protocol import StopSignal
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.load_params import LoadParams
from desktop.engine.request_images import RequestImage
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, Delta, GenerateRequest, LoadEvent, RequestFailed
from desktop.errors import NotFoundError, UserError
from desktop.file_stamp import ModelFile
from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient, HttpTimeouts
from desktop.network.offline_switch import SETTING, OfflineSwitch
from desktop.network.request_log import RequestLogEntry
from tests.fakes.scripted_endpoint import ScriptedEndpoint

FAST = HttpTimeouts(connect=5, read=2, write=5, total=5)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@dataclass
class TurnedCheck:
    """A license check that refuses with `error` where there is one. `recorded` are the loads."""

    error: UserError | None = None
    recorded: list[Path] = field(default_factory=list)

    def admit(self, path: Path, stop: StopSignal | None = None) -> tuple[ModelFile, ...]:
        del stop
        self.check_loaded(path)
        return ()

    def record_load(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        del files
        self.recorded.append(path)

    def check_loaded(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        del path, files
        if self.error is not None:
            raise self.error


@dataclass
class Asked:
    """What an answer came to: all events, its text and thinking, and its end."""

    events: list[AnswerEvent]

    @property
    def text(self) -> str:
        return "".join(each.text for each in self.events if isinstance(each, Delta) and not each.thinking)

    @property
    def thinking(self) -> str:
        return "".join(each.text for each in self.events if isinstance(each, Delta) and each.thinking)

    @property
    def done(self) -> AnswerDone:
        (end,) = self.events[-1:]
        assert isinstance(end, AnswerDone), end
        return end

    @property
    def failed(self) -> RequestFailed:
        (end,) = self.events[-1:]
        assert isinstance(end, RequestFailed), end
        return end


@dataclass
class Far:
    """An endpoint, the engine that asks it, and what stands between them. `gone`: the endpoint was removed."""

    script: ScriptedEndpoint
    offline: bool = False
    gone: bool = False
    token: str = ""
    context_length: int | None = 4096
    patience: tuple[float, float] = (5.0, 5.0)
    check: TurnedCheck = field(default_factory=TurnedCheck)
    log: list[RequestLogEntry] = field(default_factory=list)
    origin: str = ""

    def __post_init__(self) -> None:
        switch = OfflineSwitch(lambda: SETTING if self.offline else None)
        self.http = HttpClient(switch=switch, log=self.log.append)
        self.client = EndpointClient(lambda: self.http, self._token, switch, FAST)
        self.engine = RemoteEngine(
            license_check=self.check, client=self.client, served=self._served, patience=self.patience
        )

    def _token(self, host: str) -> AccessToken | None:
        del host
        return AccessToken(self.token, self.origin or self.script.server.url) if self.token else None

    def _served(self, place: Path) -> ServedModel:
        found = self.served
        if self.gone or found.place != place:
            raise NotFoundError("The endpoint of this model was removed.")
        return found

    @property
    def served(self) -> ServedModel:
        model = EndpointModel("tiny", self.context_length)
        return ServedModel(Endpoint("lab", self.script.url, (model,)), model)

    @property
    def params(self) -> LoadParams:
        return LoadParams(str(self.served.place), endpoint=self.script.url)

    def load(self) -> LoadEvent:
        heard: queue.SimpleQueue[LoadEvent] = queue.SimpleQueue()
        self.engine.load(self.params, heard.put)
        return heard.get(timeout=20)

    def begin(
        self,
        *messages: ChatMessage | str,
        options: GenerationOptions | None = None,
        images: tuple[RequestImage, ...] = (),
        on_event: Callable[[AnswerEvent], None] = lambda event: None,
    ) -> tuple[int, Callable[[], Asked]]:
        """Ask; the answer's id, and what waits for its end."""
        events: list[AnswerEvent] = []
        over = threading.Event()

        def hear(event: AnswerEvent) -> None:
            events.append(event)
            on_event(event)
            if isinstance(event, AnswerDone | RequestFailed):
                over.set()

        told = tuple(ChatMessage.from_text("user", each) if isinstance(each, str) else each for each in messages)
        request = GenerateRequest(self.engine.next_id(), told, options or GenerationOptions(), images=images)
        self.engine.generate(request, hear)

        def wait() -> Asked:
            assert over.wait(20)
            return Asked(events)

        return request.id, wait

    def ask(
        self,
        *messages: ChatMessage | str,
        options: GenerationOptions | None = None,
        images: tuple[RequestImage, ...] = (),
    ) -> Asked:
        return self.begin(*messages, options=options, images=images)[1]()


@pytest.fixture
def far() -> Iterator[Far]:
    """A model at an endpoint, loaded."""
    script = ScriptedEndpoint()
    with script.server.running():
        made = Far(script)
        made.load()
        try:
            yield made
        finally:
            made.engine.close()
            made.http.close()
