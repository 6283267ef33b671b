"""Where a file's bytes are: asked of the Hub at a pinned commit, with a token only where a gate needs one."""

from __future__ import annotations

from threading import Event

import pytest

from desktop.errors import AccessError, NetworkError, NotFoundError
from desktop.hub.file_locator import FileLocator
from desktop.hub.transfer.transfer_types import FileRequest
from desktop.network.http_client import HttpClient
from desktop.network.offline_switch import OfflineSwitch
from tests.fakes.hub import FakeHub, FakeRepository, Fault
from tests.fakes.web import Proxy, Server
from tests.unit.hub.conftest import REPOSITORY, AskHub

pytestmark = pytest.mark.loopback
MODEL = "tiny-Q8_0.gguf"


def wanted(repository: FakeRepository, file: str = MODEL) -> FileRequest:
    return FileRequest(repository=REPOSITORY, commit=repository.head, file=file)


def test_a_large_file_lies_elsewhere_and_its_hash_is_the_hubs(
    either: FakeHub, repository: FakeRepository, ask: AskHub
) -> None:
    either.add(repository)
    located = ask(either, either.add_token("anna")).locate(wanted(repository), Event())
    content = repository.files[MODEL]
    assert located.url.startswith(f"{either.cdn}/")
    assert (located.size, located.sha256, located.etag) == (content.size, content.sha256, content.sha256)
    assert located.token is None
    assert not [seen for seen in either.requests() if seen.token], "nobody asked for a token"
    assert not either.requests("cdn"), "locating is not fetching"
    assert located.url not in repr(located), "a signed address is not shown"


def test_a_small_file_lies_at_the_hub_behind_a_redirect_of_its_own(
    fake: FakeHub, repository: FakeRepository, ask: AskHub
) -> None:
    fake.add(repository)
    located = ask(fake).locate(wanted(repository, "LICENSE"), Event())
    assert located.url.startswith(f"{fake.endpoint}/api/resolve-cache/")
    assert (located.size, located.sha256) == (repository.files["LICENSE"].size, "")
    assert located.etag == repository.files["LICENSE"].git_sha1


def test_a_gated_file_is_located_with_the_token_and_the_store_gets_none(
    fake: FakeHub, repository: FakeRepository, ask: AskHub
) -> None:
    repository.gated = "auto"
    repository.add_file("config.json", b"{}")
    fake.add(repository)
    hub = ask(fake, fake.add_token("anna"))
    with pytest.raises(AccessError, match="not asked for access"):
        hub.locate(wanted(repository), Event())
    with pytest.raises(AccessError, match="no access token was given"):
        ask(fake).locate(wanted(repository), Event())
    fake.set_gate_state(REPOSITORY, "anna", "granted")
    assert hub.locate(wanted(repository), Event()).token is None
    at_the_hub = hub.locate(wanted(repository, "config.json"), Event())
    assert at_the_hub.token is not None
    assert at_the_hub.token.origin == fake.endpoint


@pytest.mark.parametrize("name", ["gone.gguf", "a b/ü?.gguf"])
def test_a_file_that_is_not_there_is_named(fake: FakeHub, repository: FakeRepository, ask: AskHub, name: str) -> None:
    fake.add(repository)
    with pytest.raises(NotFoundError) as missing:
        ask(fake).locate(wanted(repository, name), Event())
    assert name in missing.value.title


def test_a_commit_that_is_not_there_is_named(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    fake.add(repository)
    with pytest.raises(NotFoundError, match="no version"):
        ask(fake).locate(FileRequest(repository=REPOSITORY, commit="b" * 40, file=MODEL), Event())


@pytest.mark.parametrize(
    "fault",
    [
        Fault("redirect-loop", on="hub", methods=("HEAD",), times=None),
        Fault("login-page", on="hub", methods=("HEAD",)),
        Fault("status", on="hub", methods=("HEAD",), status=500),
        Fault("status", on="hub", methods=("HEAD",), status=429),
        Fault("status", on="hub", methods=("HEAD",), status=302, headers=(("Location", "ftp://127.0.0.1/x"),)),
        Fault("status", on="hub", methods=("HEAD",), status=302, headers=(("Location", "http://[::1/x"),)),
        Fault("status", on="hub", methods=("HEAD",), status=302),
        Fault("status", on="hub", methods=("HEAD",), status=302,
              headers=(("Location", "/x"), ("X-Repo-Commit", "d" * 40))),
        Fault("close", on="hub", methods=("HEAD",)),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status} {fault.headers[:1]}",
)  # fmt: skip
def test_a_fault_on_the_way_is_an_error(fake: FakeHub, repository: FakeRepository, ask: AskHub, fault: Fault) -> None:
    fake.add(repository)
    fake.inject(fault)
    with pytest.raises((NetworkError, NotFoundError)):
        ask(fake).locate(wanted(repository), Event())


def test_an_answer_for_another_commit_is_refused(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    fake.add(repository)
    headers = (("Location", f"{fake.cdn}/x"), ("X-Repo-Commit", "d" * 40), ("X-Linked-Size", "4"))
    fake.inject(Fault("status", on="hub", methods=("HEAD",), status=302, headers=headers))
    with pytest.raises(NetworkError, match="another version"):
        ask(fake).locate(wanted(repository), Event())


def test_a_stranger_gets_no_token(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    repository.gated = "auto"
    fake.add(repository)
    fake.set_gate_state(REPOSITORY, "anna", "granted")
    fake.inject(Fault("redirect-elsewhere", on="hub", methods=("HEAD",), skip=1))
    located = ask(fake, fake.add_token("anna")).locate(
        FileRequest(repository=REPOSITORY, commit=repository.head, file=MODEL, size=4, sha256="e" * 64), Event()
    )
    assert located.url.startswith(fake.elsewhere)
    assert located.token is None
    assert located.sha256 == "e" * 64, "whoever gives it out, the hash that was known counts"
    assert not fake.requests("elsewhere")


def test_no_hub_elsewhere_names_an_address_of_this_machine(repository: FakeRepository) -> None:
    outside = Server(lambda asked, talk: talk.answer(302, Location="http://127.0.0.1:9/x"))
    with outside.running(), Proxy({"hub.example": outside.port}).running() as proxy:
        client = HttpClient(switch=OfflineSwitch(lambda: None), log=lambda _: None, proxy=proxy.url)
        with pytest.raises(NetworkError, match="leads to this machine"):
            FileLocator(client, "http://hub.example").locate(wanted(repository), Event())
        client.close()
