"""A conversation that is opened again reads only its new turn, after a restart and after a crash; and whatever lies on
the disk, answers are those of a fresh start."""

import os
import signal
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from desktop.engine.prompt_cache_folder import PromptCacheFolder, SavingPolicy, ScratchFile
from desktop.engine.worker.state_file import HEADER, StateFile
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, RequestFailed
from desktop.engine.worker_watchdog import WorkerTimeouts
from desktop.errors import EngineError
from tests.fakes.tiny_gguf import random_model
from tests.unit.engine.conftest import Answer, Asker, kill_worker, wait_until

pytestmark = pytest.mark.usefixtures("forked_workers")
KINDS = ["llama", "gemma3", "mamba"]
LONG = "the of and to in is it you " * 40
SOON = SavingPolicy(idle_s=0.02, min_new_tokens=64)
AT_THE_END = SavingPolicy(idle_s=1000.0, min_new_tokens=64)
Opener = Callable[..., Asker]
Files = Callable[[str], Path]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "prompt-cache"


@pytest.fixture
def open_engine(make_client: Callable[..., EngineClient], place: Path) -> Opener:
    """An engine with a model loaded, over the prompt cache's folder."""

    def open_it(path: Path, folder: PromptCacheFolder | None = None, **params: object) -> Asker:
        client = make_client(prompt_cache=folder or PromptCacheFolder(place, policy=SOON))
        client.load_and_wait(LoadParams(str(path), **{"threads": 1, **params}))  # type: ignore[arg-type]
        return Asker(client)

    return open_it


def ask(asker: Asker, *turns: str | ChatMessage, conversation: str = "a", cache: str = "disk") -> Answer:
    return asker.ask(*turns, conversation=conversation, cache=cache, max_tokens=24, ignore_eos=True)


def said(answer: Answer) -> ChatMessage:
    return ChatMessage.from_text("assistant", answer.text)


def saved(place: Path) -> list[Path]:
    return sorted(place.glob("*.state"))


def wait_for_file(place: Path) -> Path:
    wait_until(lambda: bool(saved(place)))
    return saved(place)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_conversation_opened_again_reads_only_its_new_turn_and_answers_the_same(
    open_engine: Opener, model_file: Files, place: Path, kind: str
) -> None:
    asker = open_engine(model_file(kind))
    first = ask(asker, LONG)
    assert first.end.disk_tokens == 0
    wait_for_file(place)
    asker.client.close()
    again = open_engine(model_file(kind))
    second = ask(again, LONG, said(first), "And now?")
    least = first.end.prompt_tokens + (first.end.generated_tokens - 1 if kind == "llama" else -16)
    assert second.end.disk_tokens == second.end.cached_tokens >= least, "the others come back to a checkpoint"
    assert second.end.memory_tokens == 0
    alone = ask(again, LONG, said(first), "And now?", cache="off")
    assert alone.end.cached_tokens == 0
    assert alone.text == second.text
    assert again.client.model is not None
    assert again.client.model.confinement == "landlock+seccomp"


def test_what_was_not_saved_yet_is_saved_when_the_model_goes(
    open_engine: Opener, model_file: Files, place: Path
) -> None:
    asker = open_engine(model_file("llama"), PromptCacheFolder(place, policy=AT_THE_END))
    ask(asker, LONG, conversation="a")
    assert not saved(place)
    asker.client.load_and_wait(LoadParams(str(model_file("bpe")), threads=1))
    assert len(saved(place)) == 1, "another model was loaded"
    ask(asker, LONG, conversation="b")
    asker.client.unload()
    wait_until(lambda: len(saved(place)) == 2)
    asker.client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    assert ask(asker, LONG, "more", conversation="a").end.disk_tokens > 200
    ask(asker, "the it is " * 60, conversation="c")
    asker.client.close()
    assert len(saved(place)) == 3


def test_at_the_end_a_turn_is_saved_that_is_too_short_to_be_saved_before(
    open_engine: Opener, model_file: Files, place: Path
) -> None:
    """Else up to as many tokens would be read again, which is most of what opening a conversation again takes."""
    policy = SavingPolicy(idle_s=0.02, min_new_tokens=256)
    asker = open_engine(model_file("llama"), PromptCacheFolder(place, policy=policy))
    first = ask(asker, LONG, conversation="a")
    wait_for_file(place)
    turns = (LONG, ChatMessage.from_text("assistant", "the of"), "the of and to " * 8)
    second = ask(asker, *turns, conversation="a")
    assert first.end.prompt_tokens + 32 < second.end.prompt_tokens < first.end.prompt_tokens + 256
    asker.client.close()
    again = open_engine(model_file("llama"), PromptCacheFolder(place, policy=policy))
    third = ask(again, *turns, said(second), "And now?", conversation="a")
    assert third.end.disk_tokens >= second.end.prompt_tokens - 1


def test_only_what_may_be_kept_is_and_only_where_it_pays(open_engine: Opener, model_file: Files, place: Path) -> None:
    asker = open_engine(model_file("llama"), PromptCacheFolder(place, policy=AT_THE_END))
    ask(asker, LONG, conversation="a", cache="memory")
    ask(asker, LONG, conversation="b", cache="off")
    ask(asker, LONG, conversation="")
    ask(asker, "it", conversation="short")
    asker.client.close()
    assert not saved(place)


def test_with_the_cache_off_nothing_is_reused_and_nothing_kept(
    open_engine: Opener, model_file: Files, place: Path
) -> None:
    asker = open_engine(model_file("llama"))
    first = ask(asker, LONG, conversation="a")
    assert ask(asker, LONG, conversation="a", cache="off").end.cached_tokens == 0
    assert ask(asker, "you " + LONG, conversation="b").end.cached_tokens == 0, "it kept nothing"
    back = ask(asker, LONG, said(first), "more", conversation="a")
    assert back.end.memory_tokens > 200, "and took nothing from other conversations"


def test_a_file_that_was_damaged_is_as_none(open_engine: Opener, model_file: Files, place: Path) -> None:
    folder = PromptCacheFolder(place, policy=SOON)
    asker = open_engine(model_file("llama"), folder, prompt_cache_bytes=0)
    first = ask(asker, LONG)
    whole = wait_for_file(place)
    data, key = whole.read_bytes(), asker.client._dispatcher._worker.states._key

    def answer_with(name: str, content: bytes) -> AnswerDone:
        folder._path(name, key).write_bytes(content)
        ask(asker, "it", cache="off")  # so that the context holds nothing
        answer = ask(asker, LONG, conversation=name)
        assert answer.text == first.text
        return answer.end

    assert answer_with("whole", data).disk_tokens > 200
    middle = len(data) // 2
    broken = {
        "cut": data[:middle],
        "empty": b"",
        "longer": data + b"x",
        "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "future": data[:8] + b"\xff" + data[9:],
        "foreign": data[:16] + bytes(32) + data[48:],
        "text": b"not a state at all" * 100,
        "hostile": with_state(data, os.urandom(50_000), list(range(1, 300))),
        "of_nothing": with_state(data, b"", []),
        "short": with_state(data, data[-2000:], [7] * 5),
    }
    for name, content in broken.items():
        end = answer_with(name, content)
        assert (end.cached_tokens, end.disk_tokens) == (0, 0), name
    assert ask(asker, LONG, said(first), "more").end.cached_tokens > 200, "the context was not harmed"


def with_state(data: bytes, state: bytes, tokens: list[int]) -> bytes:
    """A file with a right digest around whatever a worker that was taken over may have written."""
    with tempfile.TemporaryFile() as file:
        size = StateFile(file.fileno(), HEADER.unpack_from(data)[3]).write(tokens, state)
        return os.pread(file.fileno(), size, 0)


def test_the_last_save_serves_after_the_worker_was_killed(open_engine: Opener, model_file: Files, place: Path) -> None:
    asker = open_engine(model_file("llama"))
    first = ask(asker, LONG)
    wait_for_file(place)
    kill_worker()
    wait_until(lambda: asker.client.state == "dead")
    second = ask(asker, LONG, said(first), "And now?")
    assert second.end.disk_tokens >= first.end.prompt_tokens - 1


def test_a_worker_killed_in_the_middle_of_a_save_leaves_the_former_one(
    open_engine: Opener, model_file: Files, place: Path
) -> None:
    asker = open_engine(model_file("llama"))
    first = ask(asker, LONG)
    former = wait_for_file(place).read_bytes()
    over = threading.Event()

    def stop_it(event: AnswerEvent) -> None:
        if isinstance(event, AnswerDone | RequestFailed):
            kill_worker(signal.SIGSTOP)  # the save that follows does not end
            over.set()

    asker.client.generate(asker.request(LONG, said(first), LONG, conversation="a", cache="disk", max_tokens=4), stop_it)
    assert over.wait(60)
    wait_until(lambda: asker.client._dispatcher._worker.states._exchange is not None)
    kill_worker()
    wait_until(lambda: asker.client.state == "dead")
    assert wait_for_file(place).read_bytes() == former
    assert ask(asker, LONG, said(first), "And now?").end.disk_tokens >= first.end.prompt_tokens - 1


def test_what_another_file_context_or_processor_left_is_not_used(
    open_engine: Opener, tmp_path: Path, place: Path
) -> None:
    path = random_model(tmp_path / "model.gguf")
    asker = open_engine(path)
    ask(asker, LONG)
    wait_for_file(place)
    asker.client.close()
    assert ask(open_engine(path, flash_attention="off"), LONG).end.cached_tokens == 0
    os.utime(path)
    assert ask(open_engine(path), LONG).end.cached_tokens == 0, "nobody said that it is the same file"
    assert ask(open_engine(path, context_length=2048), LONG).end.disk_tokens > 200, "saved anew; its length is free"


def test_a_worker_writes_no_more_than_it_was_given(open_engine: Opener, model_file: Files, place: Path) -> None:
    budget = 20_000
    folder = PromptCacheFolder(place, lambda: budget, policy=SOON)
    asker = open_engine(model_file("llama"), folder)
    first = ask(asker, LONG)
    wait_until(lambda: asker.client._dispatcher._worker.states._next() is None)
    budget = 1 << 30  # what the app says now; the system holds to what it was
    ask(asker, LONG, said(first), LONG)
    wait_until(lambda: asker.client._dispatcher._worker.states._next() is None)
    assert not saved(place)
    assert ask(asker, LONG, said(first), "more").end.cached_tokens > 200


def test_an_answer_that_is_stopped_while_its_state_is_copied_ends_at_once(
    open_engine: Opener, model_file: Files, place: Path
) -> None:
    asker = open_engine(model_file("llama"))
    ask(asker, LONG)
    wait_for_file(place)
    asker.client.close()
    begun = threading.Event()

    class SlowFolder(PromptCacheFolder):
        def fetch(self, conversation: str, key: str, scratch: ScratchFile, stopped: Callable[[], bool]) -> int:
            if not begun.is_set():
                begun.set()
                wait_until(stopped)
            return super().fetch(conversation, key, scratch, stopped)

    slow = open_engine(model_file("llama"), SlowFolder(place, policy=SOON))
    request, over, events = slow.request(LONG, conversation="a", cache="disk"), threading.Event(), []

    def take(event: AnswerEvent) -> None:
        events.append(event)
        if isinstance(event, AnswerDone | RequestFailed):
            over.set()

    slow.client.generate(request, take)
    assert begun.wait(20)
    slow.client.cancel(request.id)
    assert over.wait(20)
    assert isinstance(events[-1], AnswerDone)
    assert events[-1].stop_reason == "cancelled"
    assert ask(slow, LONG).end.disk_tokens > 200


def test_a_deleted_conversation_is_not_saved_any_more(open_engine: Opener, model_file: Files, place: Path) -> None:
    folder = PromptCacheFolder(place, policy=AT_THE_END)
    asker = open_engine(model_file("llama"), folder)
    ask(asker, LONG)
    folder.discard("a")
    asker.client.close()
    assert not saved(place)


def test_memory_in_use_is_told_and_bounded(open_engine: Opener, model_file: Files) -> None:
    asker = open_engine(model_file("llama"))
    ask(asker, LONG, conversation="a", cache="memory")
    assert asker.client.prompt_cache_bytes == 0, "the context itself does not count"
    ask(asker, "you it is " * 60, conversation="b", cache="memory")
    assert asker.client.prompt_cache_bytes > 50_000
    none = open_engine(model_file("llama"), prompt_cache_bytes=0)
    ask(none, LONG, conversation="a", cache="memory")
    ask(none, "you it is " * 60, conversation="b", cache="memory")
    assert none.client.prompt_cache_bytes == 0
    assert ask(none, LONG, conversation="a", cache="memory").end.memory_tokens == 0


def test_two_conversations_answered_at_once_are_both_restored_and_saved_afterwards(
    open_engine: Opener, model_file: Files, place: Path
) -> None:
    prompts = {"a": LONG, "b": "you it is " * 80}
    asker = open_engine(model_file("llama"), parallel=4)
    first = together(asker, {name: (prompt,) for name, prompt in prompts.items()})
    wait_until(lambda: len(saved(place)) == 2)
    asker.client.close()
    former = {file: file.read_bytes() for file in saved(place)}
    again = open_engine(model_file("llama"), parallel=4)
    turns = {name: (prompts[name], said(first[name]), "more of it " * 40) for name in prompts}
    second = together(again, {**turns, "new": ("it is not",)})
    for name in prompts:
        assert second[name].end.disk_tokens == second[name].end.cached_tokens >= first[name].end.prompt_tokens - 1
        assert ask(again, *turns[name], conversation="", cache="off").text == second[name].text
    assert second["new"].end.cached_tokens == 0
    wait_until(lambda: all(file.read_bytes() != former.get(file) for file in saved(place)))
    again.client.close()
    last = open_engine(model_file("llama"), parallel=4)
    third = together(last, {name: (*turns[name], said(second[name]), "and?") for name in prompts})
    for name in prompts:
        assert third[name].end.disk_tokens >= second[name].end.prompt_tokens - 1, "it was saved anew"


def test_answers_do_not_wait_for_what_is_being_saved(open_engine: Opener, model_file: Files, place: Path) -> None:
    asker = open_engine(model_file("llama"))
    first = ask(asker, LONG)
    wait_for_file(place)
    asker.client.close()
    begun, endless = threading.Event(), [True]

    class SlowFolder(PromptCacheFolder):
        def keep(self, name: str, key: str, scratch: ScratchFile, size: int, stopped: Callable[[], bool]) -> bool:
            if endless[0]:
                begun.set()
                wait_until(stopped)
            return super().keep(name, key, scratch, size, stopped)

    slow = open_engine(model_file("llama"), SlowFolder(place, policy=SOON), parallel=4)
    other = ask(slow, "you it is " * 80, conversation="b")
    assert begun.wait(20)
    assert ask(slow, "it", conversation="new").end.disk_tokens == 0, "one that has no state need not wait at all"
    endless[0] = False
    interrupting = ask(slow, LONG, said(first), "more")
    assert interrupting.end.disk_tokens >= first.end.prompt_tokens - 1
    wait_until(lambda: len(saved(place)) == 2)
    slow.client.close()
    again = open_engine(model_file("llama"))
    back = ask(again, "you it is " * 80, said(other), "more", conversation="b")
    assert back.end.disk_tokens >= other.end.prompt_tokens - 1, "what was interrupted is saved afterwards"


def test_one_of_several_that_is_stopped_while_it_waits_for_its_state_lets_the_others_go_on(
    open_engine: Opener, model_file: Files, place: Path
) -> None:
    asker = open_engine(model_file("llama"), parallel=4)
    together(asker, {"a": (LONG,), "b": ("you it is " * 80,)})
    wait_until(lambda: len(saved(place)) == 2)
    asker.client.close()
    begun = threading.Event()

    class SlowFolder(PromptCacheFolder):
        def fetch(self, name: str, key: str, scratch: ScratchFile, stopped: Callable[[], bool]) -> int:
            if name == "a":
                begun.set()
                wait_until(stopped)
            return super().fetch(name, key, scratch, stopped)

    slow = open_engine(model_file("llama"), SlowFolder(place, policy=AT_THE_END), parallel=4)
    held = Listening(slow, LONG, conversation="a")
    assert begun.wait(20)
    behind = Listening(slow, "you it is " * 80, conversation="b")
    assert ask(slow, "it", conversation="new").end.cached_tokens == 0
    assert not held.answer.prompted
    slow.client.cancel(held.request.id)
    assert held.end().stop_reason == "cancelled"
    assert behind.end().disk_tokens > 200


def test_an_answer_that_waits_for_a_worker_that_is_stuck_in_a_save_is_told_of_it(
    open_engine: Opener, make_client: Callable[..., EngineClient], model_file: Files, place: Path
) -> None:
    asker = open_engine(model_file("llama"))
    first = ask(asker, LONG)
    wait_for_file(place)
    asker.client.close()
    client = make_client(
        prompt_cache=PromptCacheFolder(place, policy=SOON), timeouts=WorkerTimeouts(ping_after=0.1, gone_after=1.5)
    )
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    stuck = Asker(client)
    over = threading.Event()

    def stop_it(event: AnswerEvent) -> None:
        if isinstance(event, AnswerDone | RequestFailed):
            kill_worker(signal.SIGSTOP)
            over.set()

    client.generate(stuck.request("you it is " * 80, conversation="b", cache="disk", max_tokens=4), stop_it)
    assert over.wait(60)
    wait_until(lambda: client._dispatcher._worker.states._exchange is not None)
    with pytest.raises(EngineError):
        ask(stuck, LONG, said(first), "And now?")
    assert ask(stuck, LONG, said(first), "And now?").end.disk_tokens >= first.end.prompt_tokens - 1


class Listening:
    """An answer on its way."""

    def __init__(self, asker: Asker, *turns: str | ChatMessage, conversation: str) -> None:
        self.request = asker.request(*turns, conversation=conversation, cache="disk", max_tokens=24, ignore_eos=True)
        self.answer, self._over = Answer(), threading.Event()
        asker.client.generate(self.request, self._take)

    def _take(self, event: AnswerEvent) -> None:
        self.answer.take(event)
        if isinstance(event, AnswerDone | RequestFailed):
            self._over.set()

    def end(self) -> AnswerDone:
        assert self._over.wait(60)
        return self.answer.end


def together(asker: Asker, asked: dict[str, tuple[str | ChatMessage, ...]]) -> dict[str, Answer]:
    """Answers that were asked for at once, by conversation."""
    begun = {name: Listening(asker, *turns, conversation=name) for name, turns in asked.items()}
    for each in begun.values():
        each.end()
    return {name: each.answer for name, each in begun.items()}
