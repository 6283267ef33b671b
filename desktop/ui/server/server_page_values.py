"""What the page of the server shows, as values: made off the main thread, drawn by it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from desktop.server.server_activity import ServedRequest
from desktop.settings import ServerSettings

if TYPE_CHECKING:
    from desktop.endpoints.endpoint import Endpoint
    from desktop.errors import UserError

LicenseStanding = Literal["built-in", "accepted", "missing"]
ServerPhase = Literal["off", "starting", "on", "stopping"]


@dataclass(frozen=True)
class LoadedFacts:
    """A model that the engine holds. `answering`
    answers are under way for other programs, `window` says whether one is for a window. `memory` in bytes, 0 where
    that is not known; `ends_in` seconds until it is unloaded, None where it is not to be."""

    name: str
    license: LicenseStanding = "accepted"
    purpose: str = ""
    answering: int = 0
    parallel: int = 1
    window: bool = False
    tokens_per_s: float = 0.0
    memory: int = 0
    ends_in: float | None = None


@dataclass(frozen=True)
class ClientFacts:
    """A program that asks: `kinds` are the paths of its last requests; `last_used` in seconds since 1970."""

    name: str
    kinds: tuple[str, ...] = ()
    answering: int = 0
    requests: int = 0
    last_used: float = 0.0


@dataclass(frozen=True)
class ServerOverview:
    """The server at one moment, `now` in seconds since 1970. `url` is the base address for clients, also where it is
    off; `key_end` the end of the key, "" where none was made. `models` are those that can be offered, ids with
    names. `problem` is why the key cannot be read."""

    phase: ServerPhase = "off"
    settings: ServerSettings = field(default_factory=ServerSettings)
    url: str = ""
    key_end: str = ""
    models: tuple[tuple[str, str], ...] = ()
    loaded: tuple[LoadedFacts, ...] = ()
    clients: tuple[ClientFacts, ...] = ()
    requests: tuple[ServedRequest, ...] = ()
    now: float = 0.0
    error: "UserError | None" = None
    problem: "UserError | None" = None


@dataclass(frozen=True)
class EndpointFacts:
    """An endpoint with what was last said of it: `said` where it was asked, `problem` where that failed."""

    endpoint: "Endpoint"
    said: str = ""
    problem: str = ""
    asking: bool = False


@dataclass(frozen=True)
class NewEndpoint:
    """What the form holds; `token` is "" where none was typed."""

    name: str
    url: str
    license: str = ""
    context_length: int | None = None
    token: str = ""
