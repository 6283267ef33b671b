"""What goes on in the server, for whoever looks at it: who uses it, what is loaded, and the last requests. Of what is
asked and answered nothing is kept here, only how much it was."""

import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from desktop.safe_text import without_unseen
from desktop.translation import tr

_MOST_CLIENTS, _MOST_REQUESTS = 100, 500
_LONGEST_NAME = 60
_VERSION = re.compile(r"/v?\d.*")


@dataclass(frozen=True)
class ServerClient:
    """A program that uses the server; times in seconds since 1970."""

    name: str
    requests: int = 0
    answering: int = 0
    tokens: int = 0
    last_used: float = 0.0


@dataclass(frozen=True)
class ModelActivity:
    """A model that was asked for: `answering` answers are under way, of which `loaded` it computes up to `parallel` at
    once; `tokens_per_s` is what all of them make together."""

    id: str
    answering: int = 0
    parallel: int = 1
    tokens_per_s: float = 0.0


@dataclass(frozen=True)
class ServedRequest:
    """A request that is over. `status` is the HTTP status, `error` the sentence where it failed; `seconds` it took."""

    at: float
    client: str
    path: str
    status: int
    model: str = ""
    prompt_tokens: int = 0
    generated_tokens: int = 0
    tokens_per_s: float | None = None
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class ServerState:
    """All of it at one moment. `url` is the base address for clients, "" where the server does not run."""

    url: str = ""
    clients: tuple[ServerClient, ...] = ()
    models: tuple[ModelActivity, ...] = ()
    requests: tuple[ServedRequest, ...] = ()
    connections: int = 0


def client_name(key_name: str, user_agent: str) -> str:
    """What a client is called: as its key is, else as its program calls itself, without the version."""
    if key_name:
        return key_name
    words = without_unseen(user_agent).split()
    name = _VERSION.sub("", words[0])[:_LONGEST_NAME] if words else ""
    return name or tr("unknown program")


class ServerActivity:
    """Keeps it, within bounds. May be used from any thread; `changed` is called on the thread of whatever changed."""

    def __init__(self, changed: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.time) -> None:
        self._changed = changed
        self._clock = clock
        self._lock = threading.Lock()
        self._clients: OrderedDict[str, ServerClient] = OrderedDict()
        self._answers: dict[int, tuple[str, str, int, float]] = {}
        self._requests: deque[ServedRequest] = deque(maxlen=_MOST_REQUESTS)

    def begin(self, number: int, client: str, model: str, parallel: int) -> None:
        """An answer is asked for; `number` is its own."""
        with self._lock:
            self._answers[number] = (client, model, parallel, 0.0)
            known = self._client(client)
            self._clients[client] = replace(known, answering=known.answering + 1)
        self._changed()

    def speed(self, number: int, tokens_per_s: float | None) -> None:
        """How fast an answer is being generated."""
        with self._lock:
            if tokens_per_s is not None and (known := self._answers.get(number)) is not None:
                self._answers[number] = (*known[:3], tokens_per_s)

    def end(self, number: int) -> None:
        """An answer is over; its request is noted by `note`."""
        with self._lock:
            client = self._answers.pop(number, ("",))[0]
            if (known := self._clients.get(client)) is not None:
                self._clients[client] = replace(known, answering=max(0, known.answering - 1))
        self._changed()

    def note(self, request: ServedRequest) -> None:
        """A request is over."""
        with self._lock:
            self._requests.append(request)
            known = self._client(request.client)
            self._clients[request.client] = replace(
                known,
                requests=known.requests + 1,
                tokens=known.tokens + request.generated_tokens,
                last_used=self._clock(),
            )
        self._changed()

    def state(self, url: str, connections: int) -> ServerState:
        """What there is now: the clients by their last use, the newest request first."""
        with self._lock:
            models: dict[str, ModelActivity] = {}
            for _, model, parallel, speed in self._answers.values():
                known = models.get(model, ModelActivity(model, parallel=parallel))
                models[model] = replace(known, answering=known.answering + 1, tokens_per_s=known.tokens_per_s + speed)
            clients = tuple(reversed(self._clients.values()))
            return ServerState(url, clients, tuple(models.values()), tuple(reversed(self._requests)), connections)

    def _client(self, name: str) -> ServerClient:
        """A client as it is known, as the one used last. Beyond so many, those that were not seen for longest go."""
        known = self._clients.pop(name, ServerClient(name))
        self._clients[name] = known
        while len(self._clients) > _MOST_CLIENTS:
            idle = next((each for each in self._clients.values() if not each.answering), None)
            if idle is None or idle.name == name:
                break
            del self._clients[idle.name]
        return known
