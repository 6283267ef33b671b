"""What the engine gains around decoding: conversations that are kept, guesses, output in a form, and answers at once.

Each figure is a ratio within one run, between two ways of asking the same engine.
"""

from collections.abc import Callable, Sequence

import msgspec

from desktop.cli.bench.bench_figures import BenchRounds, Comparison, compared, median
from desktop.cli.bench.bench_model import WORDS
from desktop.cli.bench.engine_benchmark import ReportProgress, TimedEngine
from desktop.conversation import ChatMessage
from desktop.engine.generation_options import GenerationOptions, JsonSchemaFormat, SamplingParams
from desktop.translation import tr

_SCHEMA = """{"type": "array", "minItems": 400, "items": {"type": "object", "properties": {
"name": {"type": "string", "maxLength": 24}, "count": {"type": "integer"}}, "required": ["name", "count"],
"additionalProperties": false}}"""
_PASSAGE = (
    "def total(prices):\n    result = 0\n    for price in prices:\n        result = result + price\n"
    "    return result\n\n"
    "def longest(words):\n    found = ''\n    for word in words:\n        if len(word) > len(found):\n"
    "            found = word\n    return found\n"
)
_COPY = f"Repeat this code exactly, line by line:\n\n{_PASSAGE}"
_COPY_CHANGED = f"Repeat this code, with result named amount:\n\n{_PASSAGE}"
_INVENT = "Write a list of twenty unusual words and explain each of them."
_NEXT_TOKENS, _REPLY_TOKENS, _OTHER_TOKENS = 8, 16, 128
_CHANGED_AT = 20
_FIRST_TOKENS = 16


class AnswerFigures(msgspec.Struct, frozen=True):
    """Ratios are times to the first token against that of reading all of a conversation of `conversation_tokens`:
    `ttft_warm_ratio` of its next turns, `switch_ratio` back in it after another one, `reopen_ratio` after the model was
    unloaded.

    Tokens per second: `copying`, `copying_changed` (a copy with one change) and `inventing` (nothing repeats) with
    guesses against without, `schema` under a JSON Schema against free.
    """

    conversation_tokens: int
    ttft_warm_ratio: float
    switch_ratio: float
    reopen_ratio: float | None
    copying: Comparison
    copying_changed: Comparison
    inventing: Comparison
    schema: Comparison


def measure_answers(
    engine: TimedEngine,
    reload: Callable[[], None] | None,
    rounds: BenchRounds,
    tokens: int,
    conversation_tokens: int,
    say: ReportProgress,
    *,
    counts: bool,
) -> AnswerFigures:
    """Measure a loaded engine. `reload` unloads and loads its model again; None where nothing is kept on the disk.
    `counts` says that it is the model that this program made up, which copies words in their order."""
    say(tr("Turns of a long conversation…"))
    read, warm, switch, reopen = _kept_conversations(engine, reload, rounds, conversation_tokens)
    say(tr("Guessing ahead…"))
    copied, changed, invented = _counted_questions(tokens) if counts else (_COPY, _COPY_CHANGED, _INVENT)
    copying, copying_changed = _guessing(engine, (copied, changed), rounds, tokens, temperature=0.0)
    (inventing,) = _guessing(engine, (invented,), rounds, tokens, temperature=1.0)
    say(tr("Keeping to a form…"))
    schema = _in_form(engine, rounds, tokens)
    return AnswerFigures(read, warm, switch, reopen, copying, copying_changed, inventing, schema)


def _counted_questions(tokens: int) -> tuple[str, str, str]:
    """What a model that counts from the first word on makes a copy of, a copy with one change, and nothing of."""
    words = WORDS[: tokens + 16]
    changed = [*words[:_CHANGED_AT], WORDS[-1], *words[_CHANGED_AT + 1 :]]
    return " ".join(words), " ".join(changed), " ".join(WORDS[-len(words) :])


def _kept_conversations(
    engine: TimedEngine, reload: Callable[[], None] | None, rounds: BenchRounds, tokens: int
) -> tuple[int, float, float, float | None]:
    """Tokens of a conversation, and the time to the first token of its further turns as shares of that of the first:
    the next, one after another conversation, one after the model was loaded anew (None without `reload`)."""
    turns = [ChatMessage.from_text("user", engine.text(tokens))]
    other = (ChatMessage.from_text("user", engine.text(min(tokens, _OTHER_TOKENS))),)
    cold = engine.turns(tuple(turns), _REPLY_TOKENS, "one", cache="disk")
    read, said = cold.done.time_to_first_token_s or 1, cold.text

    def next_turn() -> float:
        nonlocal said
        turns.append(ChatMessage.from_text("assistant", said))
        turns.append(ChatMessage.from_text("user", engine.text(_NEXT_TOKENS)))
        answer = engine.turns(tuple(turns), _REPLY_TOKENS, "one", cache="disk")
        said = answer.text
        return (answer.done.time_to_first_token_s or 0) / read

    warm, switched, reopened = [], [], []
    for _ in range(rounds.least):  # each against one reading of everything, of which these are hundredths
        warm.append(next_turn())
        engine.turns(other, 1, "other", cache="disk")
        switched.append(next_turn())
        if reload is not None:
            reload()
            reopened.append(next_turn())
    return cold.done.prompt_tokens, median(warm), median(switched), median(reopened) if reopened else None


def _guessing(
    engine: TimedEngine, questions: Sequence[str], rounds: BenchRounds, tokens: int, *, temperature: float
) -> list[Comparison]:
    """Each of `questions`, which are equally long, answered with guesses, against the first one without any: what a
    token takes then does not depend on what it says."""

    def speed(number: int, question: int, *, guesses: bool) -> float:
        options = GenerationOptions(
            SamplingParams(temperature=temperature, seed=number),
            max_tokens=tokens if number else min(tokens, _FIRST_TOKENS),  # the first round warms up
            ignore_eos=True,
            speculation="auto" if guesses else "off",
        )
        # One conversation for each way, so that what was measured in one answer holds for the next.
        turns = (ChatMessage.from_text("user", questions[question]),)
        return engine.decode_speed(turns, options, f"guesses-{temperature}-{question}-{guesses}")

    plain = list[float]()
    guessed: list[list[float]] = [[] for _ in questions]
    speed(0, 0, guesses=False)
    for question in range(len(questions)):
        speed(0, question, guesses=True)
    for number in rounds.until_steady(guessed[-1], plain):
        plain.append(speed(number + 1, 0, guesses=False))
        for question, found in enumerate(guessed):
            found.append(speed(number + 1, question, guesses=True))
    return [compared(found, plain) for found in guessed]


def _in_form(engine: TimedEngine, rounds: BenchRounds, most: int) -> Comparison:
    turns = (ChatMessage.from_text("user", "Write a list of things and how many of each there are, as JSON."),)
    ours, free = list[float](), list[float]()

    def speed(number: int, schema: JsonSchemaFormat | None) -> float:
        options = GenerationOptions(
            SamplingParams(temperature=0.8, seed=number),
            max_tokens=most if number else min(most, _FIRST_TOKENS),
            ignore_eos=schema is None,
            response_format=schema,
            speculation="off",
        )
        return engine.decode_speed(turns, options)

    for schema in (JsonSchemaFormat(_SCHEMA), None):
        speed(0, schema)
    for number in rounds.until_steady(ours, free):
        ours.append(speed(number + 1, JsonSchemaFormat(_SCHEMA)))
        free.append(speed(number + 1, None))
    return compared(ours, free)
