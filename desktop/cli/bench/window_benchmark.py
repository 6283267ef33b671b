"""The window measured, from outside: how soon it takes typing, and what drawing an answer costs the engine.

The command may not load Qt, so each window is a process of its own, with conversations of its own and Qt's offscreen
platform unless another one was asked for. What runs there is in `desktop/ui/bench/`.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import desktop
from desktop.cli.bench.bench_figures import (
    BenchRounds,
    StartupFigures,
    WindowFigures,
    median,
    percentile,
)
from desktop.cli.bench.engine_benchmark import TimedEngine
from desktop.conversation import ChatMessage
from desktop.engine.engine_protocol import Engine
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import ModelInfo
from desktop.errors import EngineError
from desktop.translation import tr

_PROMPT_TOKENS = 64
_TIMEOUT_S = 180.0
_PACKAGE = Path(desktop.__file__).parent
_OURS = (
    "import sys; sys.path.insert(0, {top!r}); from desktop import app; from desktop.ui.bench import measured_window; "
)
_OURS += "sys.exit(measured_window.startup(app))"
_STREAM = _OURS.replace("startup(app)", "stream(window_bench_setup)").replace(
    "from desktop.ui", "from desktop.cli.bench.window_bench_setup import window_bench_setup; from desktop.ui"
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class WindowTimes:
    """Milliseconds from the start of a process to its window's first paint, and until it takes typing."""

    painted_ms: float
    usable_ms: float


class WindowProcess:
    """A window in a process of its own, that says in JSON lines what happens to it. Close it.

    `home` takes the place of the person's own, where it is given.
    """

    def __init__(
        self, what: Literal["bare", "startup", "stream"], home: Path | None, arguments: Sequence[str] = ()
    ) -> None:
        environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
        if home is not None:
            environment["LATCHKEY_HOME"] = str(home)
        program = ["-c", (_STREAM if what == "stream" else _OURS).format(top=str(_PACKAGE.parent)), *arguments]
        if what == "bare":
            program = [str(_PACKAGE / "ui" / "bench" / "bare_window.py")]
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-P", *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def opened(self) -> WindowTimes:
        """When the window stood. Its process reads the same clock, which counts for the whole machine."""
        times = self.receive()
        return WindowTimes(1000 * (times["painted"] - self._started), 1000 * (times["usable"] - self._started))

    def send(self, order: dict[str, Any]) -> None:
        if self._process.stdin is None:
            raise AssertionError("the window has a pipe to its standard input")
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next thing it says. Raises EngineError where it is gone, says what went wrong, or is silent for long."""
        watch = threading.Timer(_TIMEOUT_S, self._process.kill)
        watch.start()
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        watch.cancel()
        if not line:
            raise EngineError(
                tr("The window that was to be measured ended early."),
                tr("Its exit code is {code}.").format(code=self._process.wait(10)),
                tr("Run “latchkey” by itself to see why."),
            )
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise EngineError(tr("The window that was to be measured failed."), str(said["error"]))
        return said

    def close(self) -> None:
        """Let it go; end it where it does not within ten seconds."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def measure_startup(rounds: int, say: Say) -> tuple[StartupFigures, float]:
    """How soon our window takes typing, against a bare one; and when it is first painted, in milliseconds."""
    say(tr("Opening windows…"))
    ours, bare = [], []
    with _home({}) as home:
        for number in range(rounds + 1):
            mine = _open("startup", home)
            other = _open("bare", home)
            if number:  # the first round fills the disk cache, and makes the home
                ours.append(mine)
                bare.append(other)
    ours_ms, bare_ms = median([opened.usable_ms for opened in ours]), median([opened.usable_ms for opened in bare])
    ratio = median([mine.usable_ms / other.usable_ms for mine, other in zip(ours, bare, strict=True)])
    return StartupFigures(ours_ms, bare_ms, ratio), median([opened.painted_ms for opened in ours])


def measure_window(
    engine: Engine,
    info: ModelInfo,
    params: LoadParams,
    subject: Sequence[str],
    rounds: BenchRounds,
    tokens: int,
    first_paint_ms: float,
    say: Say,
) -> WindowFigures:
    """Decoding while a window draws the answer, against the same engine without one, in turns.

    `engine` has loaded `params` and says `info` of it; the window's own is told to do the same, by `subject` (see
    `WindowProcess`). It keeps its conversations apart from the person's.
    """
    say(tr("Drawing an answer…"))
    timed_engine = TimedEngine(engine)
    timed_engine.calibrate()
    ours, baseline, frames = list[float](), list[float](), list[float]()

    def measure(number: int) -> tuple[float, float, list[float]]:
        """Tokens per second with the window and without, and the window's frames in milliseconds."""
        text = timed_engine.text(_PROMPT_TOKENS)
        window.send({"text": text})
        drawn = window.receive()
        alone = timed_engine.turns((ChatMessage.from_text("user", text),), tokens, f"window-{number}")
        return _speed(drawn["tokens_per_s"]), _speed(alone.done.tokens_per_s), drawn["frames_ms"]

    settings: dict[str, Any] = {
        "version": 1,
        "model": params.model_path,
        "context_length": params.context_length,
        "threads": params.threads,
        "gpu_layers": info.gpu_layers,
        "sampling": {"max_tokens": tokens},
        "stop_on_repetition": False,
        "speculation": "off",
    }
    with _home(settings) as home, closing(WindowProcess("stream", None, [str(home), *subject])) as window:
        window.opened()
        window.receive()  # its model is loaded
        measure(0)  # warms up
        for number in rounds.until_steady(ours, baseline):
            mine, other, drawn_ms = measure(number + 1)
            ours.append(mine)
            baseline.append(other)
            frames += drawn_ms
    return WindowFigures(
        tokens_per_s=median(ours),
        baseline=median(baseline),
        ratio=median([mine / other for mine, other in zip(ours, baseline, strict=True)]),
        frame_p50_ms=percentile(frames, 0.5),
        frame_p99_ms=percentile(frames, 0.99),
        first_paint_ms=first_paint_ms,
    )


def _speed(tokens_per_s: float | None) -> float:
    if not tokens_per_s:
        raise EngineError(
            tr("This model's answers are too short to be measured."), "", tr("Leave out --model, or name another file.")
        )
    return tokens_per_s


def _open(what: Literal["bare", "startup"], home: Path) -> WindowTimes:
    with closing(WindowProcess(what, home)) as window:
        return window.opened()


@contextmanager
def _home(settings: dict[str, Any]) -> Iterator[Path]:
    """A folder for a window's settings and conversations, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        if settings:
            (home / "config").mkdir()
            (home / "config" / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        yield home
