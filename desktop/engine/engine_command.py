"""What the engine is told to do: load, answer, give vectors, say what it is, stop one of these, or start and end."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from desktop.engine.embedding_messages import EmbedRequest
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import AnswerEvent, EmbedEvent, GenerateRequest, LoadEvent, ProbeResult

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadCommand:
    """Load a model in place of the one loaded; with `keep` only where that is another one, or loaded otherwise."""

    params: LoadParams
    on_event: Callable[[LoadEvent], None]
    keep: bool = False


@dataclass(frozen=True)
class AnswerCommand:
    request: GenerateRequest
    on_event: Callable[[AnswerEvent], None]


@dataclass(frozen=True)
class EmbedCommand:
    request: EmbedRequest
    on_event: Callable[[EmbedEvent], None]


@dataclass(frozen=True)
class ProbeCommand:
    on_event: Callable[[ProbeResult], None]


@dataclass(frozen=True)
class CancelCommand:
    request_id: int


@dataclass(frozen=True)
class ForgetCommand:
    """Have the worker keep nothing of a conversation."""

    conversation: str


@dataclass(frozen=True)
class ControlCommand:
    """Start a worker ahead of need, ask the license check about the loaded model, end the worker, or end everything."""

    what: Literal["start", "recheck", "unload", "close"]


QueuedCommand = LoadCommand | AnswerCommand | EmbedCommand | ProbeCommand
EngineCommand = QueuedCommand | CancelCommand | ForgetCommand | ControlCommand


def cancel_id(order: QueuedCommand) -> int:
    """The id by which `order` is cancelled; 0 for a load."""
    return order.request.id if isinstance(order, AnswerCommand | EmbedCommand) else 0


def call_listener(listener: Callable[[Any], None], event: Any) -> None:
    """Call a command's listener with `event`. What the listener raises is logged and goes no further."""
    try:
        listener(event)
    except Exception:  # noqa: BLE001 - it goes to the log
        _log.exception("a listener of the engine failed")
