"""A worker that was taken over says what it likes: the app believes little of it, opens nothing, and lives on."""

import json
import math
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.engine import answer_progress
from desktop.engine.engine_client import EngineClient
from desktop.engine.frames import EventReader
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_log import WorkerLog
from desktop.engine.worker_messages import AnswerDone, AnswerEvent, Delta, ModelReady, Pong, RequestFailed
from desktop.errors import EngineError, ForbiddenError, IntegrityError, LicenseError, UserError
from desktop.file_stamp import ModelFile
from tests.fakes.hostile_worker import command
from tests.fakes.load_checks import OpenLoadCheck
from tests.unit.engine.conftest import Asker, children, wait_until

Clients = Callable[..., EngineClient]
Files = Callable[[str], Path]
STEERING = "\x1b]0;title\x07\u202e\u202a\u200f\u061c\u2066\x9b31m\r\u2028"
LEFT = ("\x1b", "\x07", "\x9b", "\r", "\u202e", "\u202a", "\u200f", "\u061c", "\u2066", "\u2028")


@pytest.fixture
def hostile(make_client: Clients, model_file: Files) -> Callable[[str, str], EngineClient]:
    def make(stage: str, script: str) -> EngineClient:
        return make_client(executable=command(stage, script))

    return make


def load(client: EngineClient, model_file: Files) -> ModelReady:
    return ModelReady(client.load_and_wait(LoadParams(str(model_file("llama")))), 0)


def harmless(*texts: str) -> bool:
    return not any(sign in text for sign in LEFT for text in texts)


# --- messages out of their bounds ---

ANSWERS = {
    "NaN": "send(done(request.id, tokens_per_s=float('nan')))",
    "infinite": "send(done(request.id, time_to_first_token_s=float('inf')))",
    "negative": "send(done(request.id, generated_tokens=-1))",
    "too large for a database": "send(done(request.id, prompt_tokens=2 ** 63))",
    "too large for 64 bits": r"raw(b'\0\0\0\x0b\x81\xa2id\xcf' + b'\xff' * 8)",
    "another type": "send(done(request.id, seed='1'))",
    "a list for a text": "send({'type': 'delta', 'id': request.id, 'text': ['a'], 'tokens': [1]})",
    "no such end": "send(done(request.id, stop_reason='won'))",
    "tokens that are none": "send({'type': 'delta', 'id': request.id, 'text': 'a', 'tokens': [2 ** 31]})",
    "an answer in too many parts": (
        "send({'type': 'restated', 'id': request.id, 'parts': [{'type': 'text', 'text': 'a'}] * 1025})"
    ),
    "an answer of a part that is none": (
        "send({'type': 'restated', 'id': request.id, 'parts': [{'type': 'image', 'sha256': '', 'media_type': ''}]})"
    ),
    "a thought of endless length": (
        "send({'type': 'restated', 'id': request.id, "
        "'parts': [{'type': 'thinking', 'text': 'a', 'seconds': float('inf')}]})"
    ),
    "no such message": "send({'type': 'open', 'path': '/etc/passwd'})",
    "no message": "raw(bytes(8))",
    "too long": "raw((64 * 1024 * 1024).to_bytes(4, 'big'))",
    "lists in lists": r"raw(b'\0\x0f\0\0' + b'\x91' * 0xf0000)",
    "no text": r"raw(b'\0\0\0\x04\xa3\xff\xff\xff')",
    "half a message": "raw(bytes(3)); os._exit(0)",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_message_that_is_none_ends_the_worker_and_the_next_question_starts_another(
    hostile: Callable[[str, str], EngineClient], model_file: Files, name: str
) -> None:
    client = hostile("generate", ANSWERS[name])
    load(client, model_file)
    asker = Asker(client)
    with pytest.raises(EngineError) as caught:
        asker.ask("Hi")
    assert harmless(str(caught.value))
    assert len(str(caught.value)) < 1000
    with pytest.raises(EngineError):
        asker.ask("Hi again")
    assert client.state in ("dead", "empty")


LOADS = {
    "progress NaN": "send({'type': 'load-progress', 'fraction': float('nan')})",
    "progress beyond": "send({'type': 'load-progress', 'fraction': 2.0})",
    "layers": "send(ModelReady(INFO, -1.0))",
    "endless name": "send({**plain(ModelReady(INFO, 1.0)), 'info': {**plain(INFO), 'name': 'a' * 5000}})",
}


@pytest.mark.parametrize("name", LOADS)
def test_a_load_out_of_its_bounds_is_refused(
    hostile: Callable[[str, str], EngineClient], model_file: Files, name: str
) -> None:
    with pytest.raises(EngineError, match="unintelligibly"):
        load(hostile("load", LOADS[name]), model_file)


@pytest.mark.parametrize("variant", ["a\\0b", "--in", "../../x", "a b", "a" * 50])
def test_a_variant_that_is_no_name_is_never_handed_on(
    hostile: Callable[[str, str], EngineClient], model_file: Files, variant: str
) -> None:
    client = hostile("probe", f"send({{**plain(PROBED), 'cpu_variants': ['{variant}', 'b']}})")
    with pytest.raises(EngineError, match="could not be started"):
        load(client, model_file)


# --- messages out of their turn ---


def test_a_model_that_nobody_handed_over_is_not_loaded(make_client: Clients, model_file: Files) -> None:
    """Else the ledger would tell of a load that never was."""
    loaded: list[Path] = []

    class NotingLoadCheck(OpenLoadCheck):
        def record_load(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
            loaded.append(path)

    script = "send(ModelReady(INFO, 0.1)); send(LoadProgress(1.0)); send(ModelReady(INFO, 0.1)); send(PROBED)"
    client = make_client(license_check=NotingLoadCheck(), executable=command("probe", script))
    load(client, model_file)
    assert len(loaded) == 1
    assert Asker(client).ask("Hi").text == "hello"


def test_what_is_said_out_of_turn_changes_nothing(
    hostile: Callable[[str, str], EngineClient], model_file: Files
) -> None:
    script = """
other = request.id + 1
for event in (
    ModelReady(INFO, 0.1), PROBED, LoadProgress(0.5),
    RequestFailed(0, "resource", "no"), RequestFailed(0, "engine", "no"), Pong(7),
    RequestFailed(other, "engine", "no"), Delta(other, "wrong", False, 1, 1.0, (1,)), done(other),
    TokenizeResult(request.id, (1,)),
):
    send(event)
send(Delta(request.id, "right", False, 1, 1.0, (1,)))
send(done(request.id))
send(done(request.id))
send(Delta(request.id, "late", False, 1, 1.0, (1,)))
send(ModelReady(INFO, 0.1))
send(RequestFailed(0, "resource", "no"))
"""
    client = hostile("generate", script)
    load(client, model_file)
    asker = Asker(client)
    for _ in range(3):
        assert asker.ask("Hi").text == "right"
    assert client.state == "ready"


# --- what it says to a person ---


@pytest.mark.parametrize("kind", ["license", "forbidden", "integrity", "not-found", "bug", "engine"])
def test_only_the_app_speaks_of_licenses_and_files(
    hostile: Callable[[str, str], EngineClient], model_file: Files, kind: str
) -> None:
    text = STEERING.encode("unicode_escape").decode()
    client = hostile("load", f"send(RequestFailed(0, {kind!r}, '{text}' * 9, '{text}', '{text}', '{text}', True))")
    with pytest.raises(UserError) as caught:
        load(client, model_file)
    assert not isinstance(caught.value, LicenseError | ForbiddenError | IntegrityError)
    error = caught.value
    assert harmless(error.title, error.detail, error.remedy, error.technical)
    assert "\\u202e" in error.title


def test_the_failed_answer_of_a_living_worker_is_no_death(
    hostile: Callable[[str, str], EngineClient], model_file: Files
) -> None:
    client = hostile("generate", "send(RequestFailed(request.id, 'engine', 'no', died=True))")
    load(client, model_file)
    events: list[AnswerEvent] = []
    over = threading.Event()

    def hear(event: AnswerEvent) -> None:
        events.append(event)
        if isinstance(event, RequestFailed):
            over.set()

    client.generate(Asker(client).request("Hi"), hear)
    assert over.wait(30)
    assert isinstance(events[-1], RequestFailed)
    assert not events[-1].died
    assert client.state == "ready"


def test_what_it_says_of_itself_can_be_shown(hostile: Callable[[str, str], EngineClient], model_file: Files) -> None:
    text = STEERING.encode("unicode_escape").decode() + "\\n"
    device = f"ComputeDevice('{text}', '{text}', '{text}', 1, 1)"
    probed = hostile(
        "probe", f"send(ProbeResult('{text}', '{text}', ({device},), ('{text}',), '{text}'))"
    ).probe_and_wait()
    told = json.dumps(msgspec.to_builtins(probed), ensure_ascii=False)
    assert harmless(told)
    assert "\n" not in probed.build
    model = f"ModelInfo(*['{text}'] * 4, 1, 1, 512, 512, True, 1, 0, ('{text}',), '{text}', '{text}')"
    script = f"send(ModelReady({model}, 1.0))"
    info = load(hostile("load", script), model_file).info
    assert harmless(json.dumps(msgspec.to_builtins(info), ensure_ascii=False))


def test_its_last_words_and_its_log_are_text(
    hostile: Callable[[str, str], EngineClient], model_file: Files, tmp_path: Path
) -> None:
    text = (STEERING + "latchkey: the engine gave up: " + STEERING).replace("\r", "").replace("\u2028", "")
    said = f"latchkey: the engine gave up: {text}\n".encode()
    client = hostile("load", f"say({said!r}); os.abort()")
    with pytest.raises(EngineError) as caught:
        load(client, model_file)
    assert harmless(str(caught.value), caught.value.technical)
    (log, *_) = sorted((tmp_path / "logs").glob("engine-*.log"))
    assert harmless(log.read_text())
    assert "the engine gave up" in log.read_text()


# --- too much of it ---


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_messages_are_taken_no_faster_than_they_can_be_heard() -> None:
    source, output = os.pipe()
    body = msgspec.msgpack.encode(Pong(1))
    message = len(body).to_bytes(4, "big") + body

    def flood() -> None:
        for _ in range(100):
            os.write(output, message * 100)
        os.close(output)

    thread = threading.Thread(target=flood)
    thread.start()
    clock = Clock()
    intake = EventReader(source, clock=clock, sleep=clock.sleep)
    heard = 0
    while intake.read() is not None:
        heard += 1
    thread.join()
    intake.close()
    assert heard == 10_000
    assert clock.now == pytest.approx(6, abs=0.1), "4,000 at once, then 1,000 a second"


def test_large_messages_count_for_many() -> None:
    source, output = os.pipe()
    body = msgspec.msgpack.encode(Delta(1, "a" * 4_000_000))

    def write(descriptor: int, data: bytes) -> None:
        view = memoryview(len(data).to_bytes(4, "big") + data)
        while view:
            view = view[os.write(descriptor, view) :]

    def write_all() -> None:
        for _ in range(20):
            write(output, body)

    thread = threading.Thread(target=write_all)
    thread.start()
    clock = Clock()
    intake = EventReader(source, clock=clock, sleep=clock.sleep)
    for _ in range(20):
        assert intake.read() is not None
    thread.join()
    os.close(output)
    intake.close()
    assert clock.now > 0.5


@pytest.mark.parametrize(
    "script",
    [
        "while True: send(Delta(request.id, 'a' * 1000000, False, 1, 1.0, (1,)))",
        "while True: send(Delta(request.id, 'a' * 1000000))",
        "while True: send(Delta(request.id, 'a'))",
        "while True: send(Delta(request.id, '', False, 1, 1.0, (1,) * 100000))",
    ],
    ids=["text", "held back", "held back in pieces", "tokens"],
)
def test_an_answer_without_end_is_ended(
    hostile: Callable[[str, str], EngineClient],
    model_file: Files,
    script: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answer_progress, "MOST_TEXT", 20_000_000)
    monkeypatch.setattr(answer_progress, "MOST_TOKENS", 1_000_000)
    client = hostile("generate", script)
    load(client, model_file)
    with pytest.raises(EngineError, match="does not come to an end"):
        Asker(client).ask("Hi")
    wait_until(lambda: not children())


def test_ten_thousand_empty_messages_tell_nobody_anything(
    hostile: Callable[[str, str], EngineClient], model_file: Files
) -> None:
    script = "[send(Delta(request.id, '')) for _ in range(3000)]; send(done(request.id))"
    client = hostile("generate", script)
    load(client, model_file)
    assert Asker(client).ask("Hi").deltas == []


def test_a_line_without_end_is_kept_in_bounds(tmp_path: Path) -> None:
    source, output = os.pipe()
    log = WorkerLog(source, tmp_path)
    for _ in range(40):
        os.write(output, b"a" * 65_536)
    os.close(output)
    assert len(log.tail()) < 400_000
    assert log.path is not None
    assert log.path.stat().st_size < 1_500_000


def test_a_cancelled_flood_is_over_at_once(hostile: Callable[[str, str], EngineClient], model_file: Files) -> None:
    client = hostile("generate", "while True: send(Pong(1)); send(PromptProgress(request.id, 1, 0))")
    load(client, model_file)
    over, events = threading.Event(), []

    def hear(event: Any) -> None:
        events.append(event)
        if isinstance(event, AnswerDone):
            over.set()

    request = Asker(client).request("Hi")
    client.generate(request, hear)
    wait_until(lambda: len(events) > 100)
    client.cancel(request.id)
    assert over.wait(30)
    assert events[-1].stop_reason == "cancelled"
    assert math.isfinite(events[-1].thinking_s or 0)


def test_a_log_is_written_through_no_link(tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    first = WorkerLog(os.open("/dev/null", os.O_RDONLY), tmp_path / "one")
    assert first.path is not None
    stem, _, number = first.path.stem.rpartition("-")
    folder = tmp_path / "two"
    folder.mkdir()
    for ahead in range(1, 4):
        (folder / f"{stem}-{int(number) + ahead}.log").symlink_to(kept)
    source, output = os.pipe()
    os.write(output, b"said\n")
    os.close(output)
    log = WorkerLog(source, folder)
    assert log.tail() == "said"
    assert kept.read_text() == "kept"
