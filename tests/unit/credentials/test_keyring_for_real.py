"""The keyring of this system, for real: gnome-keyring on a bus of its own, where both are installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.unlocked_keyring import BESIDE_UNLOCKED_KEYRING

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("dbus-run-session", "gnome-keyring-daemon"))), reason="needs dbus and gnome-keyring"
)

_SCRIPT = """
import sys
from pathlib import Path
from desktop.credentials.file_key_store import FileKeyStore
from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.credentials.keyring_key_store import SERVICE, KeyringKeyStore, find_backend
from desktop.licenses.ledger import Ledger
from desktop.storage.ledger_store import LedgerStore
from tests.fakes.ledgers import acknowledged
home = Path(sys.argv[1])
keeper = KeyringKeyStore(home / "ledger.db", FileKeyStore(home / "config"), patience_s=20)
ledger = Ledger(LedgerStore(home / "ledger.db"), keeper, app_version="1")
if "forget" in sys.argv:
    backend = find_backend()
    backend.delete_password(SERVICE, f"{keeper._name}-key")
try:
    if "append" in sys.argv:
        ledger.append(acknowledged(ledger, "a", "MIT"), afresh="afresh" in sys.argv)
    check = ledger.check()
    print(check.kind or "holds", check.records, check.sealed_by, keeper.place)
except LedgerKeyLockedError as error:
    print("locked")
"""


@pytest.fixture
def session(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person of their own, with a keyring of their own."""
    for name, folder in (("HOME", "person"), ("XDG_RUNTIME_DIR", "run"), ("XDG_DATA_HOME", "share")):
        (home / folder).mkdir(mode=0o700)
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return home


def run(home: Path, *words: str, bus: bool = True, unlocked: bool = True) -> str:
    command = [sys.executable, "-c", _SCRIPT, str(home), *words]
    if bus:
        command = ["dbus-run-session", "--", *(BESIDE_UNLOCKED_KEYRING if unlocked else ()), *command]
    environ = os.environ | {"PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_key_lives_in_the_keyring(session: Path) -> None:
    assert run(session, "append") == "holds 1 keyring keyring"
    assert run(session, "append") == "holds 2 keyring keyring"
    assert not (session / "config").exists()


def test_a_locked_keyring_is_told_and_changes_nothing(session: Path) -> None:
    assert run(session, "append") == "holds 1 keyring keyring"
    before = (session / "ledger.db").read_bytes()
    assert run(session, "append", "afresh", unlocked=False) == "locked"
    assert (session / "ledger.db").read_bytes() == before
    assert not (session / "config").exists()
    assert run(session) == "holds 1 keyring keyring"


def test_a_session_without_the_keyring_leaves_a_ledger_alone_that_the_keyring_sealed(session: Path) -> None:
    assert run(session, "append") == "holds 1 keyring keyring"
    assert run(session, bus=False) == "locked"
    assert run(session, "append", "afresh", bus=False) == "locked"
    assert run(session) == "holds 1 keyring keyring"


def test_without_any_keyring_the_key_lives_in_a_file(session: Path) -> None:
    assert run(session, "append", bus=False) == "holds 1 file file"
    assert run(session, "append") == "holds 2 file file"


def test_an_entry_that_was_deleted_is_found_and_got_past(session: Path) -> None:
    assert run(session, "append") == "holds 1 keyring keyring"
    assert run(session, "forget") == "key-lost 1 keyring keyring"
    assert run(session, "append", "afresh") == "holds 3 keyring keyring"
    assert run(session) == "holds 3 keyring keyring"
