"""Where the ledger's key is kept: files, a keyring, and what becomes of either when it fails."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from desktop.credentials.file_key_store import KEY_BYTES, FileKeyStore
from desktop.credentials.keyring_key_store import SERVICE, KeyringKeyStore, find_key_store
from desktop.credentials.ledger_key_store import LedgerAnchor, LedgerKeyLockedError, LedgerKeyStore
from desktop.errors import ResourceError
from desktop.paths import find_paths


class Keyring:
    """A keyring in memory. `error` is what every call raises, `waits` what every call waits for."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], str] = {}
        self.error: Exception | None = None
        self.needs_acknowledgement: threading.Event | None = None
        self.forgets = False

    def get_password(self, service: str, username: str) -> str | None:
        self._meet()
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._meet()
        if not self.forgets:
            self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._meet()
        del self.secrets[service, username]

    def _meet(self) -> None:
        if self.needs_acknowledgement is not None:
            self.needs_acknowledgement.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
def keyring() -> Keyring:
    return Keyring()


@pytest.fixture
def files(home: Path) -> FileKeyStore:
    return FileKeyStore(home / "config")


def in_keyring(home: Path, files: FileKeyStore, keyring: Keyring | None, patience_s: float = 5.0) -> KeyringKeyStore:
    return KeyringKeyStore(home / "data" / "ledger.db", files, find=lambda: keyring, patience_s=patience_s)


@pytest.fixture(params=["file", "keyring"])
def keeper(request: pytest.FixtureRequest, home: Path, files: FileKeyStore, keyring: Keyring) -> LedgerKeyStore:
    return files if request.param == "file" else in_keyring(home, files, keyring)


def test_a_key_is_made_kept_and_made_again(keeper: LedgerKeyStore) -> None:
    assert keeper.key() is None
    assert keeper.anchor() is None
    key = keeper.make_key()
    assert len(key) == KEY_BYTES
    assert keeper.key() == key
    assert keeper.anchor() == LedgerAnchor(0, "0" * 64)
    keeper.advance_anchor(LedgerAnchor(3, "a"))
    other = keeper.make_key()
    assert other != key
    assert keeper.key() == other
    assert keeper.anchor() == LedgerAnchor(0, "0" * 64)


def test_an_anchor_never_goes_back(keeper: LedgerKeyStore) -> None:
    keeper.make_key()
    for seq in (1, 5, 3, 5, 4):
        keeper.advance_anchor(LedgerAnchor(seq, f"at {seq}"))
    assert keeper.anchor() == LedgerAnchor(5, "at 5")


# --- files -----------------------------------------------------------------------------------------------------------


def test_the_files_are_this_persons_alone(home: Path, files: FileKeyStore) -> None:
    files.make_key()
    files.advance_anchor(LedgerAnchor(1, "a"))
    assert sorted(file.name for file in (home / "config").iterdir()) == ["ledger-anchor.json", "ledger-key.json"]
    if sys.platform != "win32":
        assert {oct(file.stat().st_mode & 0o777) for file in (home / "config").iterdir()} == {"0o600"}
        assert oct((home / "config").stat().st_mode & 0o777) == "0o700"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'{"key": 7}',
        b'{"key": "zz"}',
        b'{"key": ""}',
        b'{"key": "' + b"00" * 31 + b'"}',
        b'{"key": "' + b"00" * 33 + b'"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_damaged_key_is_none(home: Path, files: FileKeyStore, data: bytes) -> None:
    files.make_key()
    (home / "config" / "ledger-key.json").write_bytes(data)
    (home / "config" / "ledger-anchor.json").write_bytes(data)
    assert files.key() is None
    assert files.anchor() is None


def test_what_cannot_be_read_or_written_is_told(home: Path, files: FileKeyStore) -> None:
    (home / "config" / "ledger-key.json").mkdir(parents=True)
    with pytest.raises(ResourceError, match="cannot be read"):
        files.key()
    with pytest.raises(ResourceError, match="cannot be saved"):
        files.make_key()
    assert [file.name for file in (home / "config").iterdir()] == ["ledger-key.json"]


def test_a_full_disk_leaves_the_old_key(home: Path, files: FileKeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    key = files.make_key()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError):
        files.make_key()
    assert files.key() == key
    assert len(list((home / "config").iterdir())) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_key_is_told_and_not_waited_for(home: Path, files: FileKeyStore) -> None:
    files.make_key()
    for name in ("ledger-key.json", "ledger-anchor.json"):
        (home / "config" / name).unlink()
        os.mkfifo(home / "config" / name)
    for read in (files.key, files.anchor, files.read):
        with pytest.raises(ResourceError, match="cannot be read"):
            read()


def test_a_link_in_the_place_of_what_is_being_written_is_not_followed(home: Path, files: FileKeyStore) -> None:
    theirs = home / "theirs.txt"
    theirs.write_text("mine")
    files.make_key()
    for name in ("ledger-key.json", "ledger-anchor.json"):
        part = home / "config" / f".{name}.{os.getpid()}-{threading.get_ident()}.part"
        part.symlink_to(theirs)
    files.make_key()
    assert theirs.read_text() == "mine"


# --- a keyring -------------------------------------------------------------------------------------------------------


def test_building_asks_nothing(home: Path, files: FileKeyStore) -> None:
    def never() -> None:
        raise AssertionError("asked")

    KeyringKeyStore(home / "ledger.db", files, find=never)


def test_each_ledger_has_its_own_entries(home: Path, files: FileKeyStore, keyring: Keyring) -> None:
    first = KeyringKeyStore(home / "one.db", files, find=lambda: keyring)
    second = KeyringKeyStore(home / "two.db", files, find=lambda: keyring)
    assert first.make_key() != second.make_key()
    assert first.key() != second.key()
    assert len(keyring.secrets) == 4
    assert {service for service, _ in keyring.secrets} == {SERVICE}
    assert not any(str(home) in name for _, name in keyring.secrets)


def test_without_a_keyring_it_is_the_file(home: Path, files: FileKeyStore) -> None:
    keeper = in_keyring(home, files, None)
    assert keeper.place == "file"
    key = keeper.make_key()
    assert files.key() == key


def test_a_key_in_a_file_stays_there_when_a_keyring_turns_up(home: Path, files: FileKeyStore, keyring: Keyring) -> None:
    key = files.make_key()
    keeper = in_keyring(home, files, keyring)
    assert (keeper.place, keeper.key()) == ("file", key)


def test_a_key_in_the_keyring_is_not_put_aside_by_a_file(home: Path, files: FileKeyStore, keyring: Keyring) -> None:
    key = in_keyring(home, files, keyring).make_key()
    files.make_key()
    keeper = in_keyring(home, files, keyring)
    assert (keeper.place, keeper.key()) == ("keyring", key)


@pytest.mark.parametrize("secret", ["", "zz", "00", "ä"])
def test_a_damaged_entry_is_none(home: Path, files: FileKeyStore, keyring: Keyring, secret: str) -> None:
    keeper = in_keyring(home, files, keyring)
    keeper.make_key()
    for name in keyring.secrets:
        keyring.secrets[name] = secret
    assert keeper.key() is None
    assert keeper.anchor() is None


def test_a_keyring_that_refuses_is_locked_and_no_reason_for_a_file(
    home: Path, files: FileKeyStore, keyring: Keyring
) -> None:
    keyring.error = RuntimeError("Failed to unlock the collection!")
    keeper = in_keyring(home, files, keyring)
    for use in (keeper.key, keeper.anchor, keeper.make_key):
        with pytest.raises(LedgerKeyLockedError) as caught:
            use()
        assert "Failed to unlock" in caught.value.technical
        assert caught.value.remedy
    assert not (home / "config").exists()
    keyring.error = None
    assert keeper.key() is None
    assert keeper.place == "keyring"


def test_a_keyring_that_stores_nothing_is_found_out(home: Path, files: FileKeyStore, keyring: Keyring) -> None:
    keyring.forgets = True
    with pytest.raises(LedgerKeyLockedError):
        in_keyring(home, files, keyring).make_key()


def test_a_keyring_that_does_not_answer_holds_nobody_up(home: Path, files: FileKeyStore, keyring: Keyring) -> None:
    keyring.needs_acknowledgement = threading.Event()
    keeper = in_keyring(home, files, keyring, patience_s=0.05)
    for _ in range(3):
        with pytest.raises(LedgerKeyLockedError):
            keeper.key()
    asking = [each for each in threading.enumerate() if each.name == "keyring"]
    assert len(asking) == 1  # no second question over the one that waits
    keyring.needs_acknowledgement.set()
    asking[0].join(20)
    assert in_keyring(home, files, keyring).key() is None


# --- which of them ---------------------------------------------------------------------------------------------------


def test_a_home_of_its_own_carries_its_key(home: Path) -> None:
    environ = {"LATCHKEY_HOME": str(home)}
    keeper = find_key_store(find_paths(environ), environ)
    assert keeper.place == "file"
    keeper.make_key()
    assert (home / "config" / "ledger-key.json").is_file()


def test_otherwise_the_system_is_asked_later() -> None:
    assert isinstance(find_key_store(find_paths({}), {}), KeyringKeyStore)


def test_the_keyring_library_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys; from desktop.credentials.keyring_key_store import find_key_store\n"
        "from desktop.paths import find_paths\n"
        "find_key_store(find_paths({}), {})\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('keyring', 'secretstorage', 'jeepney')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
