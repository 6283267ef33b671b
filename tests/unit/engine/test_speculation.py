"""Guesses computed along with a token never change an answer, however it is sampled, stopped or ended."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import ChatMessage
from desktop.engine import hardware
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_protocol import LoadCheck
from desktop.engine.fallback_step import FallbackStep
from desktop.engine.fallback_store import LoadLimits
from desktop.engine.generation_options import SamplingParams
from desktop.engine.gguf_header import read_header
from desktop.engine.load_fallback import LoadAttempt
from desktop.engine.load_params import LoadParams
from desktop.engine.memory_estimate import estimate_memory
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, Delta, ProbeResult
from desktop.errors import EngineError, LicenseError, ResourceError
from desktop.paths import find_paths
from tests.fakes.load_checks import OpenLoadCheck
from tests.fakes.parrot import parrot
from tests.fakes.tiny_gguf import random_model
from tests.unit.engine.conftest import Answer, Asker

pytestmark = pytest.mark.usefixtures("forked_workers")
Files = Callable[[str], Path]
COPIED = "the of and to in is it you that he was for on are with have the of and to in is it you that he was for on "
KINDS = ["builtin", "llama", "bpe", "gemma3", "mamba"]
CANNOT_FORGET = {"mamba"}


@contextmanager
def loaded(
    path: Path,
    folder: Path,
    license_check: LoadCheck | None = None,
    executable: Sequence[str] | None = None,
    **params: Any,
) -> Iterator[Asker]:
    check, logs, cache = license_check or OpenLoadCheck(), folder / "logs", folder / "cache"
    client = EngineClient(license_check=check, logs=logs, cache=cache, executable=executable)
    try:
        client.load_and_wait(LoadParams(str(path), **{"threads": 1, **params}))
        yield Asker(client)
    finally:
        client.close()


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def asker(kind: str, model_file: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """The built-in model, and a random one of each kind of memory, loaded once."""
    path = find_paths().builtin_model if kind == "builtin" else model_file(kind)
    with loaded(path, tmp_path_factory.mktemp("engine")) as found:
        yield found


def both(asker: Asker, *turns: str | ChatMessage, **options: Any) -> tuple[Answer, Answer]:
    """The answer without guesses, and with as many as can be made: they are alike."""
    plain = asker.ask(*turns, **options, speculation="off")
    assert plain.end.drafted_tokens == 0
    guessed = asker.ask(*turns, **options, speculation="on")
    assert_alike(asker, plain, guessed, *turns, **options)
    return plain, guessed


NEARLY_ALIKE = 0.25
"""Of two tokens whose logits lie closer, rounding may prefer either: each processor adds in an order of its own, and in
another one for several tokens at once. Penalties may bring such together as lie further apart."""


def assert_alike(asker: Asker, plain: Answer, other: Answer, *turns: str | ChatMessage, **options: Any) -> None:
    """Both greedy answers are the same, up to a choice between two tokens that are as good as alike."""
    one, two = tokens(plain), tokens(other)
    at = next((index for index, (a, b) in enumerate(zip_longest(one, two)) if a != b), None)
    if at is None:
        assert other.text == plain.text
        assert other.end.stop_reason == plain.end.stop_reason
        assert other.end.generated_tokens == plain.end.generated_tokens
        return
    again = asker.ask(*turns, **options, speculation="off", logprobs=20)
    found = {each.token: each.logprob for each in [each for delta in again.deltas for each in delta.logprobs][at].top}
    assert one[:at] == tokens(again)[:at]
    penalties = 1.0 if options.get("sampling", SamplingParams()).frequency_penalty else 0.0
    assert abs(found[one[at]] - found[two[at]]) < NEARLY_ALIKE + penalties, f"token {at}"


def tokens(answer: Answer) -> list[int]:
    return [token for delta in answer.deltas for token in delta.tokens]


@pytest.mark.parametrize(
    "sampling",
    [
        SamplingParams(temperature=0),
        SamplingParams(temperature=0, repeat_penalty=1.02, frequency_penalty=0.1),
        SamplingParams(temperature=0, dry_multiplier=0.1, dry_allowed_length=8),
    ],
    ids=["greedy", "penalties", "dry"],
)
def test_an_answer_is_the_same_with_guesses(asker: Asker, kind: str, sampling: SamplingParams) -> None:
    _, guessed = both(asker, COPIED, max_tokens=200, ignore_eos=True, sampling=sampling)
    if kind == "builtin":
        assert guessed.end.accepted_tokens > 0
    if kind in CANNOT_FORGET:
        assert guessed.end.drafted_tokens == 0


def test_a_seeded_answer_goes_on_as_far_as_it_was_asked_for(asker: Asker) -> None:
    """What a draw gives may hang on the last digit of a probability: which text it is, no processor need agree on
    (`test_sampled_text_has_the_same_distribution`)."""
    for sampling in (SamplingParams(temperature=0.05, seed=3), SamplingParams(temperature=0.8, seed=3, top_k=5)):
        guessed = asker.ask(COPIED, max_tokens=120, ignore_eos=True, sampling=sampling, speculation="on")
        assert (guessed.end.generated_tokens, guessed.end.stop_reason) == (120, "length")


def test_what_the_context_holds_afterwards_is_what_was_said(asker: Asker) -> None:
    """The next turn reuses the answer, and gives what it gives without guesses."""
    first = asker.ask(COPIED, max_tokens=60, ignore_eos=True, speculation="on", conversation="a")
    turns = (COPIED, ChatMessage.from_text("assistant", first.text), "And now?")
    second = asker.ask(*turns, max_tokens=60, ignore_eos=True, speculation="on", conversation="a")
    assert second.end.cached_tokens >= first.end.prompt_tokens + 60 - 1
    again = asker.ask("Something else", max_tokens=1, speculation="off", conversation="b")
    assert again.end.generated_tokens == 1
    anew = asker.ask(*turns, max_tokens=60, ignore_eos=True, speculation="off", conversation="c")
    assert_alike(asker, anew, second, *turns, max_tokens=60, ignore_eos=True)


def test_the_context_is_filled_to_its_last_token(tmp_path: Path) -> None:
    with loaded(find_paths().builtin_model, tmp_path, context_length=256) as asker:
        _, guessed = both(asker, COPIED, ignore_eos=True)
    assert guessed.end.stop_reason == "context-full"
    assert guessed.end.accepted_tokens > 0


# --- a model that says a given text ---

SAID = "This is the first thing it says, and here is the second; then comes a third, and that is all of it."


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """Says one text, always: what it says in a second answer is what it said in the first."""
    folder = tmp_path_factory.mktemp("speaker")
    with loaded(parrot(folder / "parrot.gguf", SAID, size=3), folder) as found:
        assert found.ask("Say it.").text == SAID
        yield found


AGAIN = ("Say it.", ChatMessage.from_text("assistant", SAID), "Say it again.")


def test_a_seeded_answer_is_the_same_where_nothing_hangs_on_rounding(speaker: Asker) -> None:
    sampling = SamplingParams(temperature=0.8, seed=3)
    texts = {speaker.ask(*AGAIN, sampling=sampling, speculation=mode).text for mode in ("off", "on")}
    assert texts == {SAID}


def test_what_was_said_before_is_accepted(speaker: Asker) -> None:
    both(speaker, *AGAIN)  # while the rounding is measured, little is accepted
    _, guessed = both(speaker, *AGAIN)
    assert guessed.text == SAID
    assert guessed.end.stop_reason == "end"
    assert guessed.end.accepted_tokens > guessed.end.generated_tokens // 3


@pytest.mark.parametrize("stop", ["second", "; then", "third, and that"])
def test_a_stop_text_within_guesses_ends_the_answer_there(speaker: Asker, stop: str) -> None:
    _, guessed = both(speaker, *AGAIN, stop=(stop,))
    assert guessed.text == SAID.partition(stop)[0]
    # What was computed beyond the stop is forgotten.
    assert speaker.ask(*AGAIN, ChatMessage.from_text("assistant", guessed.text), "Once more.").text == SAID


@pytest.mark.parametrize("most", range(1, 12))
def test_the_longest_answer_is_kept_to(speaker: Asker, most: int) -> None:
    _, guessed = both(speaker, *AGAIN, max_tokens=most)
    assert guessed.end.generated_tokens == most


def test_an_answer_stopped_by_the_person_keeps_what_it_said(speaker: Asker) -> None:
    over, seen = threading.Event(), Answer()
    request = speaker.request(*AGAIN, speculation="on", ignore_eos=True)

    def take(event: AnswerEvent) -> None:
        seen.take(event)
        if isinstance(event, Delta):
            speaker.client.cancel(request.id)
        if isinstance(event, AnswerDone):
            over.set()

    speaker.client.generate(request, take)
    assert over.wait(20)
    assert seen.end.stop_reason == "cancelled"
    assert SAID.startswith(seen.text[: len(SAID)])
    assert speaker.ask(*AGAIN).text == SAID


# --- the same distribution ---


def test_sampled_text_has_the_same_distribution(speaker: Asker) -> None:
    """Over many seeds, each token comes as often at each place with guesses as without: chi squared of two samples."""
    counts: dict[str, Counter[tuple[int, int]]] = {"off": Counter(), "on": Counter()}
    drafted = accepted = 0
    for speculation, first in (("off", 0), ("on", 10_000)):
        for seed in range(first, first + 150):
            sampling = SamplingParams(temperature=40, top_k=3, top_p=1.0, min_p=0.0, seed=seed)
            answer = speaker.ask(*AGAIN, max_tokens=10, ignore_eos=True, sampling=sampling, speculation=speculation)
            drafted, accepted = drafted + answer.end.drafted_tokens, accepted + answer.end.accepted_tokens
            counts[speculation].update(enumerate(tokens(answer)))
    assert 0.2 < accepted / drafted < 0.95, "of guesses that are all right or all wrong nothing is learned"
    cells = [cell for cell, count in (counts["off"] + counts["on"]).items() if count >= 10]
    squares = sum(
        (counts["off"][cell] - counts["on"][cell]) ** 2 / (counts["off"][cell] + counts["on"][cell]) for cell in cells
    )
    assert len(cells) > 20
    assert squares < len(cells) + 5 * (2 * len(cells)) ** 0.5, "five standard deviations above the mean"


# --- a draft model ---


class NotingLoadCheck(OpenLoadCheck):
    """Notes what it is asked; refuses the file called `refused`."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.admitted: list[Path] = []
        self.recorded: list[Path] = []
        self.watched: list[Path] = []
        super().__init__(self._note, record_load=self.recorded.append, check_loaded=self.watched.append)

    def _note(self, path: Path) -> None:
        if path.name == self.refused:
            raise LicenseError("It may not be used.")
        self.admitted.append(path)


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asker, NotingLoadCheck]]:
    """The speaker, with a copy of itself as the draft model: it guesses what was never said before."""
    folder = tmp_path_factory.mktemp("drafted")
    paths = [str(parrot(folder / f"{name}.gguf", SAID, size=3)) for name in ("parrot", "draft")]
    check = NotingLoadCheck()
    with loaded(Path(paths[0]), folder, license_check=check, draft_model_path=paths[1]) as found:
        yield found, check


def test_a_draft_model_guesses_what_was_not_said_before(drafted: tuple[Asker, NotingLoadCheck]) -> None:
    asker, _ = drafted
    both(asker, "Say it.")
    _, guessed = both(asker, "Say it once.")
    assert guessed.text == SAID
    assert guessed.end.accepted_tokens > guessed.end.generated_tokens // 3


def test_a_draft_model_is_admitted_recorded_and_watched_like_any_other(drafted: tuple[Asker, NotingLoadCheck]) -> None:
    asker, check = drafted
    asker.ask("Say it.", max_tokens=1)
    for noted in (check.admitted, check.recorded, check.watched):
        assert {path.name for path in noted} == {"parrot.gguf", "draft.gguf"}


def test_a_draft_model_that_is_refused_is_not_loaded(tmp_path: Path) -> None:
    paths = [str(parrot(tmp_path / f"{name}.gguf", SAID)) for name in ("parrot", "draft")]
    check = NotingLoadCheck(refused="draft.gguf")
    with (
        pytest.raises(LicenseError),
        loaded(Path(paths[0]), tmp_path, license_check=check, draft_model_path=paths[1]),
    ):
        pass
    assert not check.recorded


def test_a_draft_model_of_another_vocabulary_is_refused_and_says_so(tmp_path: Path) -> None:
    paths = [str(parrot(tmp_path / f"{name}.gguf", text)) for name, text in (("one", SAID), ("two", SAID[:-10] + "!"))]
    with (
        pytest.raises(EngineError, match="another vocabulary"),
        loaded(Path(paths[0]), tmp_path, draft_model_path=paths[1]),
    ):
        pass


def test_a_draft_model_that_guesses_wrong_changes_nothing(tmp_path: Path, model_file: Files) -> None:
    random_model(tmp_path / "draft.gguf", seed=9)
    with loaded(model_file("llama"), tmp_path, draft_model_path=str(tmp_path / "draft.gguf")) as asker:
        _, guessed = both(asker, COPIED, max_tokens=60, ignore_eos=True)
    assert guessed.end.drafted_tokens > guessed.end.accepted_tokens


def test_what_a_draft_model_takes_counts_as_memory_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, draft = (parrot(tmp_path / f"{name}.gguf", SAID) for name in ("parrot", "draft"))
    shape = read_header(path).shape
    room = estimate_memory(shape, 8192) + estimate_memory(shape, 8192) // 2
    monkeypatch.setattr(hardware, "available_memory", lambda: room)
    alone = LoadAttempt.begin(FallbackStep(LoadParams(str(path), context_length=8192)), OpenLoadCheck())
    probed = ProbeResult("0", "", (), (), "none")
    alone.begin_with(probed, LoadLimits(), LoadLimits())
    assert alone.request().params.context_length == 8192
    params = LoadParams(str(path), context_length=8192, draft_model_path=str(draft))
    beside = LoadAttempt.begin(FallbackStep(params), OpenLoadCheck())
    beside.begin_with(probed, LoadLimits(), LoadLimits())
    with pytest.raises(ResourceError):
        beside.request()


def test_a_choice_too_close_for_a_batch_is_made_again_alone_and_counts_once(tmp_path: Path) -> None:
    """Where nearly every choice is too close, penalties that count tokens still count each of them once."""
    script = tmp_path / "cautious_worker.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[3])!r})\n"
        "from desktop.engine.worker.rounding_margin import RoundingMargin\n"
        "from desktop.engine.worker.worker_loop import run\n"
        "RoundingMargin.value = property(lambda self: 4.0)\n"
        "run(sys.argv[1:])\n"
    )
    sampling = SamplingParams(temperature=0, repeat_penalty=1.0, frequency_penalty=0.4)
    executable = [sys.executable, str(script)]
    with loaded(find_paths().builtin_model, tmp_path, executable=executable) as asker:
        _, guessed = both(asker, COPIED, max_tokens=200, ignore_eos=True, sampling=sampling)
    assert guessed.end.drafted_tokens > guessed.end.accepted_tokens
