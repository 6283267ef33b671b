"""The same questions to a server that nobody here wrote: olah, serving a repository from a folder, and behind another.

It speaks the Hub's protocol with an accent: no sizes and hashes in a listing, no auth-check, no search, entity tags
without quotes, 401 with a code, and ranges from the second server only. All of it has to be understood.

olah is found as `olah-cli` on the path or by LATCHKEY_OLAH; otherwise it is installed into a folder of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from desktop.engine.gguf_header import read_header
from desktop.errors import NetworkError, NotFoundError
from desktop.hub.hub_client import HubClient
from desktop.hub.repository import Repository
from desktop.hub.repository_info import CardBase
from desktop.hub.transfer.model_transfer import ModelTransfer
from desktop.hub.transfer.transfer_types import FileRequest, TransferProgress, TransferStoppedError
from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from tests.fakes.plain_client import PlainClient
from tests.fakes.tiny_gguf import random_model
from tests.journeys.command import latchkey
from tests.journeys.desk import accept_all, ask

pytestmark = [pytest.mark.soak, pytest.mark.loopback]
ID = "acme/tiny-GGUF"
VERSION = "olah==0.5.4"


@dataclass(frozen=True)
class Mirror:
    """A server over a folder, another in front of it, the commit that both serve, and the files in it."""

    direct: str
    behind: str
    commit: str
    folder: Path


@pytest.fixture(scope="module")
def olah(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = os.environ.get("LATCHKEY_OLAH") or shutil.which("olah-cli")
    if found:
        return Path(found)
    folder = tmp_path_factory.mktemp("olah")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", VERSION], check=True, timeout=600)
    return folder / "bin" / "olah-cli"


@pytest.fixture
def mirror(olah: Path, tmp_path: Path) -> Iterator[Mirror]:
    """For one test only: olah leaves git running for each question, and that has to end with the test."""
    folder = tmp_path / "mirrored" / "models" / ID
    (folder / "BF16").mkdir(parents=True)
    random_model(folder / "tiny-F32.gguf", width=256, layers=3)
    random_model(folder / "BF16" / "other-BF16.gguf")
    (folder / "README.md").write_text(
        "---\nlicense: apache-2.0\nbase_model: acme/base\n---\n# Tiny\n", encoding="utf-8"
    )
    (folder / "LICENSE").write_bytes(b"You may.\r\n")
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "All"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=folder, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True)
    ports = free_ports(2)
    first = f'mirrors-path = ["{tmp_path / "mirrored"}"]\n[accessibility]\noffline = true\n'
    second = f'hf-scheme = "http"\nhf-netloc = "127.0.0.1:{ports[0]}"\nhf-lfs-netloc = "127.0.0.1:{ports[0]}"\n'
    with contextlib.ExitStack() as stack:
        for port, more in zip(ports, (first, second), strict=True):
            stack.enter_context(serving(olah, tmp_path / str(port), port, more))
        direct, behind = (f"http://127.0.0.1:{port}" for port in ports)
        yield Mirror(direct, behind, commit.stdout.strip(), folder)


@contextlib.contextmanager
def serving(olah: Path, folder: Path, port: int, more: str) -> Iterator[None]:
    folder.mkdir()
    config = folder / "olah.toml"
    own = f'host = "127.0.0.1"\nport = {port}\nrepos-path = "{folder / "kept"}"\n'
    own += f'mirror-netloc = "127.0.0.1:{port}"\nmirror-lfs-netloc = "127.0.0.1:{port}"\n'
    config.write_text(f"[basic]\n{own}{more}", encoding="utf-8")
    command: list[str | Path] = [olah, "--config", config, "--log-path", folder / "log"]
    with (
        (folder / "out.txt").open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, cwd=folder) as server,
    ):
        try:
            deadline = time.monotonic() + 60
            while "running on" not in (said := (folder / "out.txt").read_text(encoding="utf-8")):
                assert server.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.1)
            yield
        finally:
            server.terminate()
            server.wait(20)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def hub_at(endpoint: str) -> HubClient:
    return HubClient(PlainClient(timeout=20), endpoint, lambda _: None)


def test_a_repository_is_read_though_its_listing_tells_less(mirror: Mirror) -> None:
    hub = hub_at(mirror.direct)
    info = hub.info(Repository(mirror.direct, ID))
    assert (info.sha, info.gated, info.license) == (mirror.commit, False, "apache-2.0")
    assert info.bases == (CardBase("acme/base", "fine-tune"),)
    assert sorted((each.name, each.quantization) for each in info.files) == [
        ("BF16/other-BF16.gguf", "BF16"),
        ("tiny-F32.gguf", "F32"),
    ]
    file = info.find("F32")
    assert file is not None
    assert hub.with_part_sizes(info, file).size == (mirror.folder / "tiny-F32.gguf").stat().st_size


@pytest.mark.parametrize("which", ["direct", "behind"])
def test_a_license_comes_byte_for_byte(mirror: Mirror, which: str) -> None:
    info = hub_at(mirror.direct).info(Repository(mirror.direct, ID))
    assert hub_at(getattr(mirror, which)).license_text(info) == ("LICENSE", b"You may.\r\n")


@pytest.mark.parametrize("which", ["direct", "behind"])
def test_a_header_is_read_with_and_without_ranges(mirror: Mirror, which: str) -> None:
    info = hub_at(mirror.direct).info(Repository(mirror.direct, ID))
    hub = hub_at(getattr(mirror, which))
    for file in info.files:
        header, local = hub.header(info, file), read_header(mirror.folder / file.name)
        assert (header.parameters, header.file_size, header.license) == (
            local.parameters,
            local.file_size,
            local.license,
        )


@pytest.mark.parametrize("which", ["direct", "behind"])
def test_a_file_is_located_with_its_size(mirror: Mirror, which: str) -> None:
    data = (mirror.folder / "tiny-F32.gguf").read_bytes()
    known = hashlib.sha256(data).hexdigest()
    wanted = FileRequest(repository=ID, commit=mirror.commit, file="tiny-F32.gguf", sha256=known)
    located = hub_at(getattr(mirror, which)).locate(wanted, Event())
    assert (located.size, located.sha256) == (len(data), known), "it tells no sha256; the one known beforehand counts"
    assert len(located.etag) == 40


def test_the_second_server_gives_ranges_and_the_first_does_not(mirror: Mirror) -> None:
    data = (mirror.folder / "tiny-F32.gguf").read_bytes()
    found = {}
    for which in (mirror.direct, mirror.behind):
        url = f"{which}/{ID}/resolve/{mirror.commit}/tiny-F32.gguf"
        answer = PlainClient(timeout=20).request("file", "GET", url, headers={"Range": "bytes=100-299"})
        found[which] = (answer.status, answer.body)
    assert found == {mirror.direct: (200, data), mirror.behind: (206, data[100:300])}


@pytest.mark.parametrize("which", ["direct", "behind"])
def test_access_is_told_by_the_file_where_nobody_answers_the_question(mirror: Mirror, which: str) -> None:
    endpoint = getattr(mirror, which)
    assert hub_at(endpoint).access(Repository(endpoint, ID, mirror.commit), "tiny-F32.gguf").granted


@pytest.mark.parametrize("which", ["direct", "behind"])
def test_what_is_not_there_is_said_so(mirror: Mirror, which: str) -> None:
    endpoint = getattr(mirror, which)
    with pytest.raises(NotFoundError):
        hub_at(endpoint).info(Repository(endpoint, "acme/none"))


@pytest.mark.parametrize("which", ["direct", "behind"])
def test_what_it_cannot_do_is_an_error_in_words(mirror: Mirror, which: str) -> None:
    with pytest.raises(NetworkError) as failed:
        hub_at(getattr(mirror, which)).search("tiny")
    assert failed.value.remedy


@pytest.mark.parametrize("through", ["direct", "behind"])
def test_a_model_is_fetched_with_a_pause_in_the_middle(mirror: Mirror, tmp_path: Path, through: str) -> None:
    source = mirror.folder / "tiny-F32.gguf"
    hub = hub_at(getattr(mirror, through))
    wanted = FileRequest(
        repository=ID,
        commit=mirror.commit,
        file=source.name,
        size=source.stat().st_size,
        sha256=hashlib.sha256(source.read_bytes()).hexdigest(),
    )
    said: list[TransferProgress] = []

    def transfer(stop: bool) -> ModelTransfer:
        def hear(told: TransferProgress) -> None:
            said.append(told)
            if stop and told.state in ("fetching", "verifying"):
                made.pause()

        made = ModelTransfer(PlainClient(timeout=20), hub.locate, (wanted,), tmp_path / "models", listener=hear)
        return made

    with pytest.raises(TransferStoppedError):
        transfer(stop=True).run()
    (fetched,) = transfer(stop=False).run()
    assert fetched.path.read_bytes() == source.read_bytes()
    assert fetched.verified
    assert [each.name for each in (tmp_path / "models").iterdir()] == [source.name]


def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def test_the_command_gets_a_model_from_it_and_asks_it(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)
    monkeypatch.setenv("HF_ENDPOINT", mirror.direct)
    looked = latchkey("models", "get", f"{ID}:F32")
    assert looked.code == 4, looked
    accept_all(ID)
    ran = latchkey("models", "get", f"{ID}:F32", "--json")
    assert ran.code == 0, ran
    assert Path(ran.json["path"]).read_bytes() == (mirror.folder / "tiny-F32.gguf").read_bytes()
    assert latchkey("models", "verify", ID).code == 0
    assert ask(ID).code == 0


def test_what_the_first_server_told_of_a_model_is_no_word_of_the_second(
    mirror: Mirror, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has no listings, and what was learned at one Hub stands for no other."""
    without_proxies(monkeypatch)
    monkeypatch.setenv("HF_ENDPOINT", mirror.direct)
    assert latchkey("models", "get", f"{ID}:F32").code == 4
    accept_all(ID)
    monkeypatch.setenv("HF_ENDPOINT", mirror.behind)
    with contextlib.closing(build_library_services(find_paths())) as assembly, pytest.raises(NotFoundError):
        assembly.downloads.start(ID, "tiny-F32.gguf")
    assert not list(home.rglob("models/**/tiny-F32.gguf"))
    monkeypatch.setenv("HF_ENDPOINT", mirror.direct)
    assert latchkey("models", "get", f"{ID}:F32").code == 0
    assert ask(ID).code == 0
