"""The fake Hub does what its users rely on: whole files, ranges, a rate for each connection, each fault as it is named.

Asked with the standard library, so that a mistake here is not hidden by the app's own client making the same one.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import desktop
from tests.fakes.hub import FakeHub, FakeRepository, Fault

pytestmark = pytest.mark.loopback
DATA = bytes(range(256)) * 400
MODEL = "tiny-Q8_0.gguf"
ID = "acme/tiny"


@pytest.fixture
def stocked(fake: FakeHub) -> FakeHub:
    fake.add(FakeRepository(ID)).add_file(MODEL, DATA)
    return fake


def get(
    url: str, headers: dict[str, str] | None = None, method: str = "GET", tls: ssl.SSLContext | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One request, redirects not followed. Raises what http.client does where the answer is cut."""
    parts = urlsplit(url)
    if tls is not None:
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(parts.netloc, timeout=5, context=tls)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def stored(hub: FakeHub, name: str = MODEL) -> str:
    status, headers, _ = get(f"{hub.endpoint}/{ID}/resolve/main/{name}")
    assert status == 302
    return headers["location"]


def test_no_fake_is_part_of_the_program() -> None:
    package = Path(desktop.__file__).parent
    assert [path.name for path in package.rglob("*.py") if "fake" in path.stem] == []


def test_a_large_file_is_at_the_cdn_with_everything_a_download_needs(stocked: FakeHub) -> None:
    status, headers, _ = get(f"{stocked.endpoint}/{ID}/resolve/main/{MODEL}", method="HEAD")
    repository = stocked.find(ID)
    assert repository is not None
    assert (status, headers["x-linked-size"], headers["x-linked-etag"], headers["x-repo-commit"]) == (
        302,
        str(len(DATA)),
        f'"{hashlib.sha256(DATA).hexdigest()}"',
        repository.head,
    )
    status, answer, body = get(headers["location"])
    assert (status, answer["accept-ranges"], body) == (200, "bytes", DATA)
    assert urlsplit(headers["location"]).netloc != urlsplit(stocked.endpoint).netloc


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=5-9", 206, 5, 10),
        ("bytes=5-", 206, 5, len(DATA)),
        ("bytes=-7", 206, len(DATA) - 7, len(DATA)),
        ("bytes=5-999999999", 206, 5, len(DATA)),
        ("bytes=999999999-", 416, 0, 0),
        ("lines=1-2", 200, 0, len(DATA)),
    ],
)
def test_ranges_are_given_as_asked(stocked: FakeHub, asked: str, status: int, start: int, end: int) -> None:
    got, headers, body = get(stored(stocked), {"Range": asked})
    assert (got, body) == (status, DATA[start:end])
    if status == 206:
        assert headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    if status == 416:
        assert headers["content-range"] == f"bytes */{len(DATA)}"


def test_a_range_of_a_file_that_changed_is_the_whole_new_one(stocked: FakeHub) -> None:
    url = stored(stocked)
    etag = get(url)[1]["etag"]
    headers = {"Range": "bytes=5-9", "If-Range": etag}
    assert get(url, headers)[0] == 206
    repository = stocked.find(ID)
    assert repository is not None
    repository.swap_file(MODEL, b"GGUF other")
    assert get(url, headers)[::2] == (200, b"GGUF other")


def test_addresses_of_the_cdn_expire_and_cannot_be_made_up(stocked: FakeHub) -> None:
    url = stored(stocked)
    assert get(url.replace("Signature=", "Signature=0"))[0] == 403
    stocked.expire_links()
    assert get(url)[0] == 403
    assert get(stored(stocked))[0] == 200


def test_a_token_at_the_cdn_is_refused_and_remembered(stocked: FakeHub) -> None:
    assert get(stored(stocked), {"Authorization": "Bearer hf_secret"})[0] == 400
    assert [seen.token for seen in stocked.requests("cdn")] == ["hf_secret"]


def test_files_on_disk_are_served_like_those_in_memory(fake: FakeHub, tmp_path: Path) -> None:
    path = tmp_path / MODEL
    path.write_bytes(DATA)
    fake.add(FakeRepository(ID)).add_file(MODEL, path)
    url = stored(fake)
    assert get(url)[2] == DATA
    assert get(url, {"Range": "bytes=100-299"})[2] == DATA[100:300]
    assert fake.sent() == len(DATA) + 200


CUT = (http.client.IncompleteRead, ConnectionResetError)


def test_each_fault_does_what_its_name_says(stocked: FakeHub) -> None:
    url = stored(stocked)

    def with_fault(fault: Fault, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        stocked.faults.clear()
        stocked.inject(fault)
        return get(url, headers)

    with pytest.raises(http.client.IncompleteRead) as cut:
        with_fault(Fault("cut", at=1000))
    assert cut.value.partial == DATA[:1000]
    with pytest.raises(http.client.IncompleteRead) as cut:
        with_fault(Fault("cut", at=1000), {"Range": "bytes=900-1999"})
    assert cut.value.partial == DATA[900:1000]
    with pytest.raises(CUT):
        with_fault(Fault("cut", after=1000, reset=True))
    with pytest.raises(http.client.RemoteDisconnected):
        with_fault(Fault("close"))
    assert with_fault(Fault("ignore-range"), {"Range": "bytes=5-9"})[::2] == (200, DATA)
    assert with_fault(Fault("wrong-range", amount=3), {"Range": "bytes=5-9"})[::2] == (206, DATA[8:13])
    assert with_fault(Fault("too-little", amount=7))[2] == DATA[:-7]
    assert with_fault(Fault("too-much", amount=7))[2] == DATA + b"\0" * 7
    _, _, body = with_fault(Fault("wrong-bytes", at=1234))
    assert [at for at in range(len(DATA)) if body[at] != DATA[at]] == [1234]
    status, headers, body = with_fault(Fault("gzip"))
    assert (status, headers["content-encoding"], gzip.decompress(body)) == (200, "gzip", DATA)
    status, headers, body = with_fault(Fault("no-length"))
    assert "content-length" not in headers
    assert body == DATA
    assert "etag" not in with_fault(Fault("no-validators"))[1]
    status, headers, body = with_fault(Fault("login-page"))
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert with_fault(Fault("redirect-elsewhere"))[1]["location"].startswith(stocked.elsewhere)
    assert with_fault(Fault("status", status=429, headers=(("Retry-After", "3"),)))[1]["retry-after"] == "3"
    assert get(url)[::2] == (200, DATA), "each fault is there once"


def test_a_redirect_loop_never_ends(stocked: FakeHub) -> None:
    stocked.inject(Fault("redirect-loop", times=None))
    url, seen = stored(stocked), set()
    for _ in range(20):
        status, headers, _ = get(url)
        assert status == 302
        url = stocked.cdn + headers["location"]
        seen.add(url)
    assert len(seen) == 20, "no two addresses are the same: counting has to end it"


@pytest.mark.parametrize("kind", ["silent", "stall"])
def test_silence_lasts_until_the_fake_ends(kind: str) -> None:
    waited = threading.Event()
    with FakeHub() as hub:
        hub.add(FakeRepository(ID)).add_file(MODEL, DATA)
        url = stored(hub)
        hub.inject(Fault(kind, after=10))  # type: ignore[arg-type]

        def ask() -> None:
            with pytest.raises((http.client.HTTPException, OSError)):
                get(url)
            waited.set()

        thread = threading.Thread(target=ask)
        thread.start()
        assert not waited.wait(0.3)
    assert waited.wait(5)
    thread.join()


def test_a_fault_waits_for_its_request(stocked: FakeHub) -> None:
    url = stored(stocked)
    stocked.inject(Fault("status", path="other.gguf"), Fault("status", skip=1), Fault("cut", at=50_000))
    assert get(url, {"Range": "bytes=0-9"})[0] == 206
    assert get(url, {"Range": "bytes=0-9"})[0] == 500
    assert get(url, {"Range": "bytes=0-9"})[0] == 206
    with pytest.raises(http.client.IncompleteRead):
        get(url, {"Range": "bytes=49999-50009"})


def test_each_connection_has_its_own_rate(stocked: FakeHub) -> None:
    """Two connections together get twice what one does: that is what several connections are for."""
    url = stored(stocked)
    stocked.rate = len(DATA) * 4
    done: list[float] = []

    def fetch() -> None:
        began = time.monotonic()
        assert get(url)[2] == DATA
        done.append(time.monotonic() - began)

    threads = [threading.Thread(target=fetch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # No machine is too slow for this side of it: a connection never gets more than its rate.
    assert all(seconds >= 0.2 for seconds in done)


def test_connections_can_be_dropped_while_they_send(stocked: FakeHub) -> None:
    url = stored(stocked)
    stocked.rate = 20_000
    threading.Timer(0.2, stocked.drop_connections).start()
    with pytest.raises(CUT):
        get(url)
    stocked.rate = None
    assert get(url)[2] == DATA


def test_only_who_trusts_its_authority_can_talk_to_it(tmp_path: Path) -> None:
    with FakeHub(tls=True) as hub:
        hub.add(FakeRepository(ID))
        assert hub.ca_file is not None
        url = f"{hub.endpoint}/api/models/{ID}"
        with pytest.raises(ssl.SSLCertVerificationError):
            get(url, tls=ssl.create_default_context())
        assert get(url, tls=ssl.create_default_context(cafile=hub.ca_file))[0] == 200
        for place in (hub.cdn, hub.elsewhere):
            get(place, tls=ssl.create_default_context(cafile=hub.ca_file))
        folder = hub.ca_file.parent
    assert not folder.exists()


def test_it_leaves_no_thread_and_no_port_behind(stocked: FakeHub) -> None:
    with FakeHub() as hub:
        port = urlsplit(hub.endpoint).port
        assert port is not None
        get(hub.endpoint)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fake") and not thread.is_alive()]
    with FakeHub(port=port) as again:
        assert get(again.endpoint)[0] == 404


def test_by_hand_it_says_where_it_listens_and_ends_by_itself() -> None:
    command = [sys.executable, "-m", "tests.fakes.hub", "--port", "0", "--minutes", "0.02"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "HF_ENDPOINT=http://127.0.0.1:" in done.stdout
    assert "hf_" in done.stdout, "it gives out tokens to try"
    assert done.stderr == ""
