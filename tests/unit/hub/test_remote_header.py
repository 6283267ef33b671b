"""The header of a model at the Hub is read from its first megabytes, and nothing more is fetched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from desktop.engine.gguf_header import read_header
from desktop.errors import AccessError, EngineError, NetworkError, NotFoundError
from desktop.hub.hub_client import HubClient
from desktop.hub.remote_header import FIRST_RANGE_BYTES
from desktop.hub.repository import Repository
from desktop.hub.repository_info import RepositoryInfo
from tests.fakes.hub import FakeHub, FakeRepository, Fault
from tests.fakes.plain_client import PlainClient
from tests.fakes.tiny_gguf import bpe_vocabulary, random_model
from tests.unit.hub.conftest import REPOSITORY, AskHub

pytestmark = pytest.mark.loopback

MB = 1 << 20


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small header before 3 MB of weights."""
    metadata = {
        "general.license": "llama3.2",
        "general.base_model.count": 1,
        "general.base_model.0.name": "Llama 3.2 1B",
        "general.base_model.0.organization": "Meta Llama",
        "general.base_model.0.repo_url": "https://huggingface.co/meta-llama/Llama-3.2-1B",
    }
    path = tmp_path_factory.mktemp("models") / "tiny-F32.gguf"
    return random_model(path, width=256, layers=3, metadata=metadata)


@pytest.fixture(scope="module")
def wordy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vocabulary of 150,000 tokens, and long merges: several megabytes of header."""
    vocabulary = bpe_vocabulary(filler=150_000)
    vocabulary.tokens = [
        f"{token} of many more words" if token.startswith("filler") else token for token in vocabulary.tokens
    ]
    path = tmp_path_factory.mktemp("models") / "wordy-F32.gguf"
    return random_model(path, width=64, layers=1, vocabulary=vocabulary)


def publish(fake: FakeHub, ask: AskHub, files: dict[str, Path | bytes]) -> tuple[HubClient, RepositoryInfo]:
    made = fake.add(FakeRepository(REPOSITORY))
    for name, data in files.items():
        made.add_file(name, data)
    hub = ask(fake)
    info = hub.info(Repository(fake.endpoint, REPOSITORY))
    fake.forget_requests()
    return hub, info


def test_a_small_header_costs_one_short_answer(either: FakeHub, ask: AskHub, tiny: Path) -> None:
    hub, info = publish(either, ask, {"sub/tiny-F32.gguf": tiny})
    header, local = hub.header(info, info.files[0]), read_header(tiny)
    assert header.path == Path("sub/tiny-F32.gguf")
    assert (header.architecture, header.license, header.base_models) == (
        "llama",
        "llama3.2",
        ("meta-llama/Llama-3.2-1B",),
    )
    assert (header.parameters, header.file_size, header.shape) == (local.parameters, local.file_size, local.shape)
    assert header.estimate_memory(4096) == local.estimate_memory(4096)
    assert [seen.headers["range"] for seen in either.requests("cdn")] == [f"bytes=0-{FIRST_RANGE_BYTES - 1}"]
    assert either.sent("cdn") == FIRST_RANGE_BYTES < tiny.stat().st_size


def test_a_large_vocabulary_is_read_to_its_end_and_no_byte_comes_twice(fake: FakeHub, ask: AskHub, wordy: Path) -> None:
    hub, info = publish(fake, ask, {"wordy-F32.gguf": wordy})
    header = hub.header(info, info.files[0])
    assert header.vocab_size > 150_000
    assert header == read_header_as(wordy, header.path)
    assert len(fake.requests("cdn")) > 1
    assert 4 * MB < fake.sent("cdn") <= 16 * MB < wordy.stat().st_size


def read_header_as(path: Path, name: Path) -> object:
    return replace(read_header(path), path=name, files=(name,))


def test_all_parts_of_a_split_model_are_looked_at(fake: FakeHub, ask: AskHub, tiny: Path, tmp_path: Path) -> None:
    first = tmp_path / "tiny-00001-of-00002.gguf"
    random_model(first, layers=1, change=lambda writer: put_split(writer, 0))
    second = tmp_path / "tiny-00002-of-00002.gguf"
    writer = gguf.GGUFWriter(second, "llama")
    put_split(writer, 1)
    writer.add_tensor("more.weight", np.zeros((1 << 19, 1), np.float32))
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    hub, info = publish(fake, ask, {first.name: first, second.name: second})
    assert len(info.files) == 1
    header, local = hub.header(info, info.files[0]), read_header(first)
    assert header.files == (Path(first.name), Path(second.name))
    assert (header.parameters, header.file_size) == (local.parameters, local.file_size)


def put_split(writer: gguf.GGUFWriter, number: int) -> None:
    writer.add_uint16("split.no", number)
    writer.add_uint16("split.count", 2)
    writer.add_int32("split.tensors.count", 13)


def test_a_server_that_ignores_ranges_is_cut_short(fake: FakeHub, ask: AskHub, wordy: Path) -> None:
    hub, info = publish(fake, ask, {"wordy-F32.gguf": wordy})
    fake.inject(Fault("ignore-range", times=None))
    assert hub.header(info, info.files[0]).vocab_size > 150_000
    # What lies in the system's buffers was sent in vain, the rest was not.
    assert all(seen.sent < wordy.stat().st_size for seen in fake.requests("cdn"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GG",
        b"<html>log in</html>",
        b"\x00" * 3 * MB,
        b"PK\x03\x04" + b"\x01" * 2 * MB,
        b"GGUF" + b"\xff" * 2 * MB,
    ],
    ids=["empty", "two bytes", "page", "zeros", "zip", "counts without end"],
)
def test_what_is_no_model_is_said_so_after_one_answer(fake: FakeHub, ask: AskHub, content: bytes) -> None:
    hub, info = publish(fake, ask, {"odd-Q8_0.gguf": content})
    with pytest.raises((EngineError, NetworkError)):
        hub.header(info, info.files[0])
    assert fake.sent("cdn") <= FIRST_RANGE_BYTES


def test_a_header_without_end_is_given_up(fake: FakeHub, ask: AskHub, tmp_path: Path) -> None:
    endless = tmp_path / "endless-Q8_0.gguf"
    head = b"GGUF" + (3).to_bytes(4, "little") + (1).to_bytes(8, "little") + (9).to_bytes(8, "little")
    text = b"\x05\x00\x00\x00\x00\x00\x00\x00words" + (9).to_bytes(4, "little") + (8).to_bytes(4, "little")
    with endless.open("wb") as file:
        file.write(head + text + (3_000_000).to_bytes(8, "little"))
        for _ in range(70):
            file.write((b"\x18\x00\x00\x00\x00\x00\x00\x00" + b"a" * 24) * (MB // 32))
    hub, info = publish(fake, ask, {endless.name: endless})
    with pytest.raises(NetworkError, match="64 MB"):
        hub.header(info, info.files[0])
    assert fake.sent("cdn") <= 64 * MB


def test_headers_of_many_parts_are_not_larger_than_one_may_be(
    fake: FakeHub, ask: AskHub, wordy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 12 * MB
    monkeypatch.setattr("desktop.hub.remote_header.MAX_HEADER_BYTES", most)
    hub, info = publish(fake, ask, {f"wordy-F32-{number:05d}-of-00009.gguf": wordy for number in range(1, 10)})
    with pytest.raises(NetworkError, match="takes more"):
        hub.header(info, info.files[0])
    assert fake.sent("cdn") <= most + 9 * (MB >> 4)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("cut", after=1000), None),
        (Fault("too-little", amount=1000), "sooner"),
        (Fault("wrong-range", amount=7), "Other bytes"),
        (Fault("gzip"), "packed"),
        (Fault("login-page"), "web page|log in"),
        (Fault("status", status=416), "sooner"),
        (Fault("status", status=500), "fault"),
        (Fault("status", status=404), "holds no file"),
        (Fault("status", status=403), "does not give out"),
        (Fault("stall", after=1000), None),
        (Fault("silent"), None),
        (Fault("redirect-loop", times=None), None),
    ],
    ids=lambda each: f"{each.kind}-{each.status}" if isinstance(each, Fault) else "",
)
def test_a_fault_on_the_way_is_an_error_and_no_wrong_header(
    fake: FakeHub, ask: AskHub, tiny: Path, fault: Fault, words: str | None
) -> None:
    publish(fake, ask, {"tiny-F32.gguf": tiny})
    hub = ask(fake, client=PlainClient(timeout=0.3))
    info = hub.info(Repository(fake.endpoint, REPOSITORY))
    fake.inject(fault)
    with pytest.raises((NetworkError, NotFoundError, AccessError), match=words):
        hub.header(info, info.files[0])


def test_a_flipped_byte_in_the_header_is_no_crash(fake: FakeHub, ask: AskHub, tiny: Path) -> None:
    hub, info = publish(fake, ask, {"tiny-F32.gguf": tiny})
    for at in range(0, 3000, 61):
        fake.inject(Fault("wrong-bytes", at=at))
        try:
            hub.header(info, info.files[0])
        except (EngineError, NetworkError):
            continue


def test_a_gated_header_needs_access_and_the_token_stays_at_the_hub(fake: FakeHub, ask: AskHub, tiny: Path) -> None:
    made = fake.add(FakeRepository(REPOSITORY, gated="manual"))
    made.add_file("tiny-F32.gguf", tiny)
    at = Repository(fake.endpoint, REPOSITORY)
    anonymous = ask(fake)
    with pytest.raises(AccessError, match="no access token was given"):
        anonymous.header(anonymous.info(at), anonymous.info(at).files[0])
    hub = ask(fake, fake.add_token("anna"))
    with pytest.raises(AccessError, match="not asked for access"):
        hub.header(hub.info(at), hub.info(at).files[0])
    fake.set_gate_state(REPOSITORY, "anna", "granted")
    assert hub.header(hub.info(at), hub.info(at).files[0]).license == "llama3.2"
    assert fake.requests("cdn")
    assert not [seen for seen in fake.requests("cdn") if seen.token]


def test_a_header_is_of_the_commit_that_was_looked_at(fake: FakeHub, ask: AskHub, tiny: Path, wordy: Path) -> None:
    hub, info = publish(fake, ask, {"tiny-F32.gguf": tiny})
    made = fake.find(REPOSITORY)
    assert made is not None
    made.add_file("tiny-F32.gguf", wordy)
    assert hub.header(info, info.files[0]).license == "llama3.2"
    made.commits[info.sha] = {"tiny-F32.gguf": made.files["tiny-F32.gguf"]}
    with pytest.raises(NetworkError, match="another size"):
        hub.header(info, info.files[0])
