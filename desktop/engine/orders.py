"""What the app may ask of the engine's dispatcher, as values, and how patient it is with a worker."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from desktop.engine.messages import AnswerEvent, Generate, LoadEvent, LoadParams, Probed


@dataclass(frozen=True)
class Patience:
    """How long the app waits for a worker, in seconds.

    `ping_after` without a word it is asked for one; `gone_after` more without an answer it is ended. While it renders
    the prompt, where a template may hold it, it has only `prompt_after`. After a cancel it has `cancel` to obey.
    """

    ping_after: float = 5.0
    gone_after: float = 20.0
    prompt_after: float = 5.0
    cancel: float = 2.0


@dataclass(frozen=True)
class Workplace:
    """How workers are started, and where things lie: the command, the folder of logs and that of caches."""

    command: tuple[str, ...]
    logs: Path
    cache: Path

    @property
    def drivers_folder(self) -> Path:
        """What drivers of GPUs write, where one computes. It is the only thing that a worker does; nothing reads it."""
        return self.cache / "gpu-drivers"


@dataclass(frozen=True)
class LoadOrder:
    params: LoadParams
    on_event: Callable[[LoadEvent], None]


@dataclass(frozen=True)
class AnswerOrder:
    request: Generate
    on_event: Callable[[AnswerEvent], None]


@dataclass(frozen=True)
class ProbeOrder:
    on_event: Callable[[Probed], None]


@dataclass(frozen=True)
class CancelOrder:
    request_id: int


@dataclass(frozen=True)
class PlainOrder:
    """Start a worker ahead of need, ask the door about the loaded model, end the worker, or end everything."""

    what: Literal["start", "recheck", "unload", "close"]


Waiting = LoadOrder | AnswerOrder | ProbeOrder
Order = Waiting | CancelOrder | PlainOrder
