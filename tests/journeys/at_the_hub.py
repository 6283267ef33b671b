"""A Hub on this machine for journeys, with a person in every state, and what may never be seen of their token."""

from pathlib import Path

from desktop.network.request_log import RequestLogEntry
from desktop.paths import find_paths
from desktop.storage.request_store import RequestStore
from tests.fakes.hub import FakeHub, FakeRepository

PERSON = "ada"
PASSPHRASE = "correct horse battery staple"
STANDINGS = ("granted", "not-requested", "pending", "rejected", "reset")


def publish(
    hub: FakeHub, name: str, data: bytes | Path, *, gated: str | bool = False, license_id: str = "apache-2.0"
) -> FakeRepository:
    """A repository with one model file, `tiny-Q8_0.gguf`."""
    made = FakeRepository(name, card={"license": license_id}, tags=["gguf"], downloads=12)
    made.gated = gated  # type: ignore[assignment]
    made.add_file("tiny-Q8_0.gguf", data)
    return hub.add(made)


def with_token(token: str, passphrase: str = PASSPHRASE) -> bytes:
    """Standard input for `token set --place vault`: with what pages and files put around a token."""
    return f"\n  {token} \r\n{passphrase}\n".encode()


def requests() -> list[RequestLogEntry]:
    """The log of requests, the newest first."""
    store = RequestStore(find_paths().network_file)
    try:
        return store.newest()
    finally:
        store.close()


def assert_kept_secret(token: str, home: Path) -> None:
    """The token stands in no file of this home: no log, no settings, no list of requests, no vault in plain text."""
    found = [file for file in home.rglob("*") if file.is_file() and token.encode() in file.read_bytes()]
    assert not found
