"""What the engine gains around decoding: conversations that are kept, guesses, output in a form, and answers at once.

Each figure is a ratio within one run, between two ways of asking the same engine.
"""

import time
from collections.abc import Callable

import msgspec

from desktop.cli.bench.bench_figures import Comparison, compared, median
from desktop.cli.bench.engine_benchmark import ReportProgress, TimedEngine
from desktop.conversation import ChatMessage
from desktop.engine.generation_options import GenerationOptions, JsonSchemaFormat, SamplingParams
from desktop.translation import tr

_AT_ONCE = 4
_SHORT_PROMPT = 16
_SCHEMA = """{"type": "array", "minItems": 400, "items": {"type": "object", "properties": {"name": {"type": "string"},
"count": {"type": "integer"}}, "required": ["name", "count"], "additionalProperties": false}}"""
_PASSAGE = (
    "def total(prices):\n    result = 0\n    for price in prices:\n        result = result + price\n"
    "    return result\n\n"
    "def longest(words):\n    found = ''\n    for word in words:\n        if len(word) > len(found):\n"
    "            found = word\n    return found\n"
)
_COPY = f"Repeat this code exactly, line by line:\n\n{_PASSAGE}"
_INVENT = "Write a list of twenty unusual words and explain each of them."


class AnswerFigures(msgspec.Struct, frozen=True):
    """`switch_ratio` and `reopen_ratio` are times to the first token against those of reading everything: back in a
    conversation after another one, and after the model was unloaded.

    Tokens per second: `copying` and `inventing` with guesses against without, `schema` under a JSON Schema against
    free, `parallel` of four answers at once against one.
    """

    switch_ratio: float
    reopen_ratio: float | None
    copying: Comparison
    inventing: Comparison
    schema: Comparison
    parallel: Comparison


def measure_answers(
    engine: TimedEngine,
    reload: Callable[[], None] | None,
    rounds: int,
    tokens: int,
    conversation_tokens: int,
    say: ReportProgress,
) -> AnswerFigures:
    """Measure a loaded engine. `reload` unloads and loads its model again; None where nothing is kept on the disk."""
    say(tr("Switching between conversations…"))
    switch, reopen = _kept_conversations(engine, reload, rounds, conversation_tokens)
    say(tr("Guessing ahead…"))
    copying = _guessing(engine, _COPY, rounds, tokens, temperature=0.0)
    inventing = _guessing(engine, _INVENT, rounds, tokens, temperature=1.0)
    say(tr("Keeping to a form…"))
    schema = _in_form(engine, rounds, tokens)
    say(tr("Several answers at once…"))
    parallel = _at_once(engine, rounds, tokens)
    return AnswerFigures(switch, reopen, copying, inventing, schema, parallel)


def _kept_conversations(
    engine: TimedEngine, reload: Callable[[], None] | None, rounds: int, tokens: int
) -> tuple[float, float | None]:
    switches, reopened = [], []
    for number in range(rounds):
        turns = {name: (ChatMessage.from_text("user", engine.text(tokens)),) for name in ("one", "other")}
        cold = [engine.turns(turns[name], 4, f"{name}-{number}", cache="disk") for name in turns]
        next_turn = (
            *turns["one"],
            ChatMessage.from_text("assistant", cold[0].text),
            ChatMessage.from_text("user", engine.text(8)),
        )
        read = cold[0].done.time_to_first_token_s or 1
        back = engine.turns(next_turn, 1, f"one-{number}", cache="disk")
        switches.append((back.done.time_to_first_token_s or 0) / read)
        if reload is not None:
            reload()
            again = engine.turns(next_turn, 1, f"one-{number}", cache="disk")
            reopened.append((again.done.time_to_first_token_s or 0) / read)
    return median(switches), median(reopened) if reopened else None


def _guessing(engine: TimedEngine, question: str, rounds: int, tokens: int, temperature: float) -> Comparison:
    turns = (ChatMessage.from_text("user", question),)
    speeds: dict[str, list[float]] = {"auto": [], "off": []}
    for number in range(rounds + 1):
        for mode, found in speeds.items():
            options = GenerationOptions(
                SamplingParams(temperature=temperature, seed=number),
                max_tokens=tokens,
                ignore_eos=True,
                speculation="auto" if mode == "auto" else "off",
            )
            # One conversation for each way, so that what was measured in one answer holds for the next.
            found.append(engine.decode_speed(turns, options, f"{mode}-{temperature}"))
    return compared(speeds["auto"][1:], speeds["off"][1:])


def _in_form(engine: TimedEngine, rounds: int, tokens: int) -> Comparison:
    turns = (ChatMessage.from_text("user", "Write a list of things and how many of each there are, as JSON."),)
    ours, free = [], []
    for number in range(rounds + 1):
        sampling = SamplingParams(temperature=0.8, seed=number)
        plain = GenerationOptions(sampling, max_tokens=tokens, ignore_eos=True, speculation="off")
        schema = GenerationOptions(
            sampling, max_tokens=tokens, response_format=JsonSchemaFormat(_SCHEMA), speculation="off"
        )
        ours.append(engine.decode_speed(turns, schema))
        free.append(engine.decode_speed(turns, plain))
    return compared(ours[1:], free[1:])


def _at_once(engine: TimedEngine, rounds: int, tokens: int) -> Comparison:
    ours: list[float] = []
    one: list[float] = []
    for number in range(rounds + 1):
        for count, found in ((_AT_ONCE, ours), (1, one)):
            begun = time.perf_counter()
            made = engine.together(count, _SHORT_PROMPT, tokens)
            if number:
                found.append(made / (time.perf_counter() - begun))
    return compared(ours, one)
