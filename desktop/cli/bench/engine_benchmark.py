"""The engine measured: reading a prompt, decoding, several answers at once, Stop, and decoding beside a busy core.

It and a bare decoding loop over the same llama.cpp take turns.
"""

import json
import os
import queue
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import desktop
from desktop.cli.bench.bench_figures import BenchRounds, Comparison, compared, median
from desktop.cli.bench.bench_model import WORDS
from desktop.conversation import ChatMessage
from desktop.engine.engine_errors import error_from_event
from desktop.engine.engine_protocol import Engine, LoadCheck
from desktop.engine.generation_options import CacheLevel, GenerationOptions
from desktop.engine.worker_messages import (
    AnswerDone,
    AnswerEvent,
    Delta,
    GenerateRequest,
    ModelInfo,
    PromptPrepared,
    RequestFailed,
)
from desktop.errors import EngineError
from desktop.translation import tr

_PREFILL_TOKENS = 512
_WARM_UP_TOKENS = 64
_AT_ONCE, _SHORT_PROMPT = 4, 16
_STOP_TOKENS = 4000
_STOP_AFTER_S = 0.3
ReportProgress = Callable[[str], None]
_PROMPT_TOKENS = 32
_LONGEST_S = 300
# Computes on one core until its standard input is closed, or for as long as any measurement may take.
_BUSY = """
import os, sys, threading, time
os.sched_setaffinity(0, {int(sys.argv[1])})
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
end = time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    pass
"""


class BareLoopProcess:
    """The baseline, loaded as the engine loaded the same file: threads, layers on the GPU, context. Close it.

    `license_check` is asked before, as it is for every load. Raises UserError where it refuses the file. With `cores`
    it is bound to these, with a thread for each.
    """

    def __init__(
        self, model: Path, like: ModelInfo, license_check: LoadCheck, cores: frozenset[int] = frozenset()
    ) -> None:
        license_check.admit(model)
        script = Path(desktop.__file__).parent / "engine" / "worker" / "baseline.py"
        threads = len(cores) or like.threads
        settings = [str(threads), str(like.gpu_layers), str(like.context_length), *(str(core) for core in cores)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script), str(model), *settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def measure(self, prompt: int, tokens: int, sequences: int = 0) -> tuple[float, float]:
        """Seconds for `prompt` tokens with the first token after them, and for the other `tokens` - 1; of so many
        `sequences` at once."""
        if self._process.stdin is None:
            raise AssertionError("the baseline has a pipe to its standard input")
        order = {"prompt": prompt, "tokens": tokens, "sequences": sequences}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        return float(answer["prompt_s"]), float(answer["decode_s"])

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise EngineError(
                tr("The baseline of the benchmark ended early."),
                tr("Its exit code is {code}.").format(code=self._process.wait(10)),
                tr("Close other programs, so that the model fits into memory twice."),
            )
        answer: dict[str, Any] = json.loads(line)
        return answer


class EngineFigures(msgspec.Struct, frozen=True):
    """What was measured of the engine. `parallel` is four answers at once against one, `bare_parallel` the same of the
    bare loop: what llama.cpp has to give."""

    decode: Comparison
    prefill: Comparison
    parallel: Comparison
    bare_parallel: Comparison
    stop_ms: float


@dataclass(frozen=True)
class TimedAnswer:
    """An answer and how long it took on our side of the pipe, in seconds, from asking to the end."""

    done: AnswerDone
    text: str
    seconds: float

    @property
    def prefill_tokens(self) -> int:
        """Tokens of the prompt that were read anew."""
        return self.done.prompt_tokens - self.done.cached_tokens

    @property
    def decode_s(self) -> float:
        """Seconds for all tokens but the first."""
        return self.seconds - (self.done.time_to_first_token_s or 0)


class TimedEngine:
    """Asks a loaded engine for timed answers, with prompts of which no two begin alike."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._random = random.Random(2)
        self._words_per_token = 1.0

    def calibrate(self) -> None:
        """Find out how many of our words the model's vocabulary makes a token of."""
        words = 64
        self._words_per_token = words / self.raw(words, 1).done.prompt_tokens

    def text(self, tokens: int) -> str:
        """Random words that make about so many tokens."""
        return " ".join(self._random.choices(WORDS, k=max(1, round(tokens * self._words_per_token))))

    def raw(self, prompt_tokens: int, tokens: int) -> TimedAnswer:
        """`tokens` tokens after a prompt of about `prompt_tokens`, without a template."""
        turns = (ChatMessage.from_text("user", self.text(prompt_tokens)),)
        return self.ask(
            GenerateRequest(self._engine.next_id(), turns, _raw_options(tokens)),
            lambda: None,
        )

    def turns(
        self, turns: tuple[ChatMessage, ...], tokens: int, conversation: str, cache: CacheLevel = "memory"
    ) -> TimedAnswer:
        """The next turn of a conversation."""
        options = GenerationOptions(max_tokens=tokens, ignore_eos=True, speculation="off", cache=cache)
        return self.ask(GenerateRequest(self._engine.next_id(), turns, options, conversation), lambda: None)

    def decode_speed(self, turns: tuple[ChatMessage, ...], options: GenerationOptions, conversation: str = "") -> float:
        """Tokens per second of an answer, without reading the prompt."""
        answer = self.ask(GenerateRequest(self._engine.next_id(), turns, options, conversation), lambda: None)
        return max(answer.done.generated_tokens - 1, 1) / max(answer.decode_s, 1e-6)

    def together(self, count: int, prompt_tokens: int, tokens: int) -> float:
        """Tokens per second of `count` answers that were asked for at once: from when all of them are being generated
        to the end of the first. Raises EngineError."""
        events: queue.SimpleQueue[tuple[float, AnswerEvent]] = queue.SimpleQueue()
        for _ in range(count):
            turn = ChatMessage.from_text("user", self.text(prompt_tokens))
            request = GenerateRequest(self._engine.next_id(), (turn,), _raw_options(tokens))
            self._engine.generate(request, lambda event: events.put((time.perf_counter(), event)))
        made: dict[int, int] = {}
        begun, ended = (0.0, 0), (0.0, 0)
        over = 0
        while over < count:
            at, event = events.get()
            if isinstance(event, RequestFailed):
                raise error_from_event(event)
            if isinstance(event, Delta | AnswerDone):
                made[event.id] = max(made.get(event.id, 0), event.generated_tokens)
                if len(made) == count and not begun[0]:
                    begun = at, sum(made.values())
                if isinstance(event, AnswerDone):
                    over += 1
                    ended = ended if ended[0] else (at, sum(made.values()))
        return max(ended[1] - begun[1], 1) / max(ended[0] - begun[0], 1e-6)

    def stop_s(self, prompt_tokens: int) -> float:
        """Seconds from Stop, pressed while a prompt is read, to the end of the answer."""
        request = GenerateRequest(
            self._engine.next_id(),
            (ChatMessage.from_text("user", self.text(prompt_tokens)),),
            GenerationOptions(raw_prompt=True),
        )
        pressed = 0.0

        def stop() -> None:
            nonlocal pressed
            time.sleep(_STOP_AFTER_S)
            pressed = time.perf_counter()
            self._engine.cancel(request.id)

        self.ask(request, stop)
        return time.perf_counter() - pressed

    def ask(self, request: GenerateRequest, when_reading: Callable[[], None]) -> TimedAnswer:
        """Ask; `when_reading` is called when the engine begins to read the prompt. Raises EngineError."""
        events: queue.SimpleQueue[tuple[float, AnswerEvent]] = queue.SimpleQueue()
        text: list[str] = []
        started = time.perf_counter()
        self._engine.generate(request, lambda event: events.put((time.perf_counter(), event)))
        while True:
            at, event = events.get()
            match event:
                case PromptPrepared():
                    when_reading()
                case AnswerDone():
                    return TimedAnswer(event, "".join(text), at - started)
                case RequestFailed():
                    raise error_from_event(event)
                case _:
                    text.append(getattr(event, "text", ""))


def _raw_options(tokens: int) -> GenerationOptions:
    """`tokens` tokens without a template, and without guesses: speed is that of decoding."""
    return GenerationOptions(max_tokens=tokens, raw_prompt=True, ignore_eos=True, speculation="off")


def measure_engine(
    timed_engine: TimedEngine,
    info: ModelInfo,
    bare_loop: Callable[[], BareLoopProcess],
    rounds: BenchRounds,
    tokens: int,
    say: ReportProgress,
) -> EngineFigures:
    """Measure a loaded engine against the bare loop on the same file. `say` is told what is being measured."""
    room = info.context_length - 128
    with closing(bare_loop()) as bare:
        say(tr("Reading a prompt, and decoding…"))
        prefill, decode = _speeds(timed_engine, bare, rounds, min(_PREFILL_TOKENS, room), tokens)
        say(tr("Several answers at once…"))
        parallel, bare_parallel = _at_once(timed_engine, bare, rounds, tokens)
    say(tr("Stopping…"))
    stops = [timed_engine.stop_s(min(_STOP_TOKENS, room)) for _ in range(rounds.most)]
    return EngineFigures(decode, prefill, parallel, bare_parallel, 1000 * median(stops))


def _speeds(
    timed_engine: TimedEngine, bare: BareLoopProcess, rounds: BenchRounds, prompt: int, tokens: int
) -> tuple[Comparison, Comparison]:
    """Reading a prompt of so many tokens, and decoding so many behind it."""
    timed_engine.raw(_WARM_UP_TOKENS, tokens)
    bare.measure(_WARM_UP_TOKENS, tokens)
    read: tuple[list[float], list[float]] = [], []
    decoded: tuple[list[float], list[float]] = [], []
    for _ in rounds.until_steady(*decoded):
        mine = timed_engine.raw(prompt, tokens)
        made = mine.done.generated_tokens
        reading_s, decoding_s = bare.measure(mine.prefill_tokens, made)
        read[0].append(mine.prefill_tokens / (mine.seconds - mine.decode_s))
        read[1].append(mine.prefill_tokens / reading_s)
        decoded[0].append((made - 1) / mine.decode_s)
        decoded[1].append((made - 1) / decoding_s)
    return compared(*read), compared(*decoded)


def _at_once(
    timed_engine: TimedEngine, bare: BareLoopProcess, rounds: BenchRounds, tokens: int
) -> tuple[Comparison, Comparison]:
    """Four answers at once and one: of the engine, and of the bare loop."""
    ours: dict[int, list[float]] = {_AT_ONCE: [], 1: []}
    bares: dict[int, list[float]] = {_AT_ONCE: [], 1: []}
    tokens = max(tokens * 3 // 4, 2)  # four times as many are generated
    for _ in rounds.until_steady(ours[_AT_ONCE], ours[1]):
        for count in ours:
            ours[count].append(timed_engine.together(count, _SHORT_PROMPT, tokens))
    for _ in range(rounds.least):
        for count in bares:
            _, seconds = bare.measure(_SHORT_PROMPT, tokens, count)
            bares[count].append(count * (tokens - 1) / seconds)
    return compared(ours[_AT_ONCE], ours[1]), compared(bares[_AT_ONCE], bares[1])


def measure_beside_busy_core(
    engine: Engine, bare_loop: Callable[[frozenset[int]], BareLoopProcess], rounds: BenchRounds, tokens: int
) -> Comparison | None:
    """Tokens per second of the loaded engine and of a bare loop, while another process computes on one core.

    The engine may use every core. The bare loop is bound to the cores that are left, with a thread for each. None where
    there is one core only, or the system cannot bind a process to a core.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:
        return None
    timed_engine = TimedEngine(engine)
    ours, baseline = list[float](), list[float]()
    tokens = max(tokens * 3 // 4, 2)
    with _busy(cores[-1]), closing(bare_loop(frozenset(cores[:-1]))) as bare:
        timed_engine.raw(_PROMPT_TOKENS, tokens)  # the engine finds out that a core is taken
        bare.measure(_PROMPT_TOKENS, 2)
        for _ in rounds.until_steady(ours, baseline):
            mine = timed_engine.raw(_PROMPT_TOKENS, tokens)
            made = mine.done.generated_tokens
            _, seconds = bare.measure(mine.done.prompt_tokens, made)
            ours.append((made - 1) / mine.decode_s)
            baseline.append((made - 1) / seconds)
    return compared(ours, baseline)


@contextmanager
def _busy(core: int) -> Iterator[None]:
    """A process that computes on `core` meanwhile."""
    command = [sys.executable, "-I", "-c", _BUSY, str(core), str(_LONGEST_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.kill()
