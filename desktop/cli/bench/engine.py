"""The engine measured: reading a prompt, decoding, a second turn, and Stop. Ours and the bare loop take turns."""

import queue
import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import msgspec

from desktop.cli.bench.bare_loop import BareLoop
from desktop.cli.bench.figures import Compared, compared, median
from desktop.cli.bench.model import WORDS
from desktop.engine.failures import as_error
from desktop.engine.interface import Engine
from desktop.engine.messages import AnswerEvent, ChatTurn, Done, Failed, Generate, ModelInfo, Prompted
from desktop.translation import tr

_PREFILL_TOKENS = 512
_DECODE_PROMPT_TOKENS = 128
_CONVERSATION_TOKENS = 1900
_REPLY_TOKENS = 32
_STOP_TOKENS = 4000
_STOP_AFTER_S = 0.3

Say = Callable[[str], None]


class EngineFigures(msgspec.Struct, frozen=True):
    """What was measured of the engine."""

    decode: Compared
    prefill: Compared
    ttft_warm_ratio: float
    stop_ms: float


@dataclass(frozen=True)
class Timed:
    """An answer and how long it took on our side of the pipe, in seconds, from asking to the end."""

    done: Done
    text: str
    seconds: float

    @property
    def read(self) -> int:
        """Tokens of the prompt that were read anew."""
        return self.done.prompt_tokens - self.done.cached_tokens

    @property
    def decode_s(self) -> float:
        """Seconds for all tokens but the first."""
        return self.seconds - (self.done.time_to_first_token_s or 0)


class Asker:
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

    def raw(self, prompt_tokens: int, tokens: int) -> Timed:
        """`tokens` tokens after a prompt of about `prompt_tokens`, without a template."""
        turns = (ChatTurn("user", self.text(prompt_tokens)),)
        return self.ask(
            Generate(self._engine.next_id(), turns, max_tokens=tokens, raw_prompt=True, ignore_eos=True), lambda: None
        )

    def turns(self, turns: tuple[ChatTurn, ...], tokens: int, conversation: str) -> Timed:
        """The next turn of a conversation."""
        request = Generate(self._engine.next_id(), turns, max_tokens=tokens, conversation=conversation, ignore_eos=True)
        return self.ask(request, lambda: None)

    def stop_s(self, prompt_tokens: int) -> float:
        """Seconds from Stop, pressed while a prompt is read, to the end of the answer."""
        request = Generate(self._engine.next_id(), (ChatTurn("user", self.text(prompt_tokens)),), raw_prompt=True)
        pressed = 0.0

        def stop() -> None:
            nonlocal pressed
            time.sleep(_STOP_AFTER_S)
            pressed = time.perf_counter()
            self._engine.cancel(request.id)

        self.ask(request, stop)
        return time.perf_counter() - pressed

    def ask(self, request: Generate, when_reading: Callable[[], None]) -> Timed:
        """Ask; `when_reading` is called when the engine begins to read the prompt. Raises EngineError."""
        events: queue.SimpleQueue[tuple[float, AnswerEvent]] = queue.SimpleQueue()
        text: list[str] = []
        started = time.perf_counter()
        self._engine.generate(request, lambda event: events.put((time.perf_counter(), event)))
        while True:
            at, event = events.get()
            match event:
                case Prompted():
                    when_reading()
                case Done():
                    return Timed(event, "".join(text), at - started)
                case Failed():
                    raise as_error(event)
                case _:
                    text.append(getattr(event, "text", ""))


def measure_engine(
    engine: Engine, info: ModelInfo, bare_loop: Callable[[], BareLoop], rounds: int, tokens: int, say: Say
) -> EngineFigures:
    """Measure a loaded engine against the bare loop on the same file. `say` is told what is being measured."""
    asker = Asker(engine)
    asker.calibrate()
    room = info.context_length - 128
    with closing(bare_loop()) as bare:
        say(tr("Decoding…"))
        decode = _decode(asker, bare, rounds, tokens)
        say(tr("Reading a prompt…"))
        prefill = _prefill(asker, bare, rounds, min(_PREFILL_TOKENS, room))
    say(tr("A second turn…"))
    warm = _warm_ratio(asker, rounds, min(_CONVERSATION_TOKENS, room // 2))
    say(tr("Stopping…"))
    stops = [asker.stop_s(min(_STOP_TOKENS, room)) for _ in range(rounds)]
    return EngineFigures(decode, prefill, warm, 1000 * median(stops))


def _decode(asker: Asker, bare: BareLoop, rounds: int, tokens: int) -> Compared:
    ours, baseline = [], []
    for number in range(rounds + 1):
        mine = asker.raw(_DECODE_PROMPT_TOKENS, tokens)
        made = mine.done.generated_tokens
        _, seconds = bare.measure(mine.done.prompt_tokens, made)
        if number:  # the first round warms up
            ours.append((made - 1) / mine.decode_s)
            baseline.append((made - 1) / seconds)
    return compared(ours, baseline)


def _prefill(asker: Asker, bare: BareLoop, rounds: int, tokens: int) -> Compared:
    ours, baseline = [], []
    for number in range(rounds + 1):
        mine = asker.raw(tokens, 1)
        seconds, _ = bare.measure(mine.read, 1)
        if number:
            ours.append(mine.read / mine.seconds)
            baseline.append(mine.read / seconds)
    return compared(ours, baseline)


def _warm_ratio(asker: Asker, rounds: int, tokens: int) -> float:
    """Time to the first token of a second turn against that of the first, which was read from nothing."""
    ratios = []
    for number in range(rounds):
        conversation = f"bench-{number}"
        first = (ChatTurn("user", asker.text(tokens)),)
        cold = asker.turns(first, _REPLY_TOKENS, conversation)
        second = (*first, ChatTurn("assistant", cold.text), ChatTurn("user", asker.text(8)))
        warm = asker.turns(second, 1, conversation)
        ratios.append((warm.done.time_to_first_token_s or 0) / (cold.done.time_to_first_token_s or 1))
    return median(ratios)
