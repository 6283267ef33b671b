"""Whether there is a newer version: asked of a real server, believed only where the publisher signed it."""

from __future__ import annotations

import base64
import datetime
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.errors import ForbiddenError, IntegrityError, NetworkError, NotFoundError, UserError
from desktop.network.http_client import HttpClient
from desktop.network.offline_switch import OfflineSwitch
from desktop.updates.update_check import UpdateCheck
from desktop.updates.update_manifest import version_of
from tests.fakes.web import Asked, Server, Talk

PACKAGING = str(Path(__file__).resolve().parents[3] / "packaging")
sys.path.append(PACKAGING)  # appended: a folder of that name must not hide the library
import sign_update  # noqa: E402

sys.path.remove(PACKAGING)
pytestmark = pytest.mark.loopback
TODAY = datetime.date(2026, 11, 29)
NEWS: dict[str, Any] = {
    "sequence": 7,
    "version": "0.2.0",
    "released": "2026-11-20",
    "expires": "2027-01-01",
    "page": "https://example.org/latchkey",
    "notes": "Faster.",
}


class Publisher:
    """A key, the files that it signed, and a server that has them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files = folder, dict[str, bytes]()
        self.key = sign_update.new_key(folder / "key.pem")
        self.server = Server(self._answer)
        self.offline: str | None = None
        switch = OfflineSwitch(lambda: self.offline)
        self.client = HttpClient(switch=switch, log=lambda _: None, retries=0)

    def announce(self, **changes: Any) -> None:
        bundle, manifest = self.folder / "latchkey.deb", self.folder / "latchkey.json"
        bundle.write_bytes(b"a bundle")
        manifest.write_text(json.dumps(NEWS | changes))
        sign_update.sign(self.folder / "key.pem", manifest, [bundle])
        self.files = {f"/{name}": (self.folder / name).read_bytes() for name in ("latchkey.json", "latchkey.json.sig")}

    def check(self, version: str = "0.1.0", key: str = "") -> Any:
        source = self.folder / "updates.json"
        source.write_text(json.dumps({"address": f"{self.server.url}/latchkey.json", "keys": [key or self.key]}))
        return UpdateCheck(source, self.folder / "seen.json", lambda: self.client, version, lambda: TODAY).check()

    def _answer(self, asked: Asked, talk: Talk) -> None:
        body = self.files.get(asked.target)
        talk.answer(404 if body is None else 200, body or b"")


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    made = Publisher(tmp_path)
    with made.server.running():
        yield made


def test_a_newer_version_is_told_with_its_files_and_no_file_is_fetched(publisher: Publisher) -> None:
    publisher.announce()
    found = publisher.check()
    assert (found.current, found.newest.version, found.newer) == ("0.1.0", "0.2.0", True)
    assert [(each.name, each.size) for each in found.newest.files] == [("latchkey.deb", 8)]
    assert [each.target for each in publisher.server.asked] == ["/latchkey.json", "/latchkey.json.sig"]


@pytest.mark.parametrize(
    ("version", "newer"),
    [
        ("0.2.0", False), ("0.2", False), ("0.10.0", False), ("0.1.9", True),
        # Marked by whoever packaged it.
        ("0.2.0+deb1", False), ("0.2.0-1ubuntu1", False), ("0.2.0.dev3", True), ("0.2.0rc1", True), ("main", True),
    ],
)  # fmt: skip
def test_versions_are_compared_as_numbers(publisher: Publisher, version: str, newer: bool) -> None:
    publisher.announce()
    assert publisher.check(version).newer is newer


def test_what_another_key_signed_or_somebody_changed_is_not_believed(publisher: Publisher) -> None:
    publisher.announce()
    other = sign_update.new_key(publisher.folder / "other.pem")
    with pytest.raises(IntegrityError, match="not signed"):
        publisher.check(key=other)
    publisher.files["/latchkey.json"] = publisher.files["/latchkey.json"].replace(b"example.org", b"example.com")
    with pytest.raises(IntegrityError, match="not signed"):
        publisher.check()


def test_a_signature_of_another_kind_of_file_is_none(publisher: Publisher) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    publisher.announce()
    key: Any = load_pem_private_key((publisher.folder / "key.pem").read_bytes(), None)
    publisher.files["/latchkey.json.sig"] = base64.b64encode(key.sign(publisher.files["/latchkey.json"]))
    with pytest.raises(IntegrityError, match="not signed"):
        publisher.check()


def test_an_older_announcement_than_one_seen_is_refused(publisher: Publisher) -> None:
    publisher.announce()
    publisher.check()
    publisher.announce(sequence=6, version="0.1.5")
    with pytest.raises(IntegrityError, match="older than one"):
        publisher.check()


def test_an_announcement_that_ran_out_is_refused(publisher: Publisher) -> None:
    publisher.announce(expires="2026-11-28")
    with pytest.raises(IntegrityError, match="2026-11-28"):
        publisher.check()


def test_a_clock_that_is_behind_is_told_since_nothing_would_run_out_by_it(publisher: Publisher) -> None:
    publisher.announce(released="2026-12-01")
    publisher.check()
    publisher.announce(released="2026-12-02")
    with pytest.raises(IntegrityError, match=r"2026-12-02.*yet to come"):
        publisher.check()


@pytest.mark.parametrize(
    "page", ["https://", "https://a:b@example.org/", "https://example.org/\n<b>", "https://[::1", "https:///x"]
)
def test_a_page_that_is_no_address_is_refused(publisher: Publisher, page: str) -> None:
    publisher.announce()
    with pytest.raises(IntegrityError, match="cannot be read"):
        publisher.announce(page=page)


def test_what_is_shown_is_plain(publisher: Publisher) -> None:
    publisher.announce(page="https://ex\u0430mple.org/a b", notes="New:\n\u202e\x1b[2J")
    found = publisher.check().newest
    assert found.page == "https://xn--exmple-4nf.org/a%20b"
    assert found.notes == "New:\n\\u202e\\x1b[2J"


def test_no_announcement_is_signed_that_would_hold_for_years(publisher: Publisher) -> None:
    with pytest.raises(SystemExit, match="2028-01-01"):
        publisher.announce(expires="2028-01-01")


def test_nothing_is_asked_while_offline(publisher: Publisher) -> None:
    publisher.announce()
    publisher.offline = "setting"
    with pytest.raises(ForbiddenError):
        publisher.check()
    assert publisher.server.connections == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", IntegrityError),
        (b"{" * 60_000, IntegrityError),
        (b"x" * 70_000, NetworkError),
        (None, NetworkError),
    ],
)
def test_other_answers_are_told(publisher: Publisher, answer: bytes | None, error: type[UserError]) -> None:
    publisher.announce()
    publisher.files = {} if answer is None else publisher.files | {"/latchkey.json": answer}
    with pytest.raises(error):
        publisher.check()


def test_a_copy_without_an_address_says_so(tmp_path: Path) -> None:
    def never() -> HttpClient:
        raise AssertionError("nothing is asked")

    check = UpdateCheck(tmp_path / "updates.json", tmp_path / "seen.json", never, "0.1.0")
    with pytest.raises(NotFoundError, match="does not know"):
        check.check()
    (tmp_path / "updates.json").write_text('{"address": "http://example.org/a.json", "keys": []}')
    with pytest.raises(IntegrityError, match="damaged"):
        check.check()


@pytest.mark.parametrize("text", ["", "1", "1.0rc1", "1..0", "1.0.0.0.0", "١.٢", "1.9999999"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        version_of(text)
