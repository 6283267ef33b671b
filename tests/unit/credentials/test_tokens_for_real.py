"""Tokens in the keyring of this system, for real: gnome-keyring on a bus of its own, present, locked and absent."""

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
SECRET = "hf_" + "Rlx" * 11

_SCRIPT = """
import sys
from pathlib import Path
from desktop.credentials.keyring_token_store import KeyringTokenStore
from desktop.credentials.token_store import TokenIndex
from desktop.credentials.token_store import TokenStoreLockedError
from desktop.credentials.access_tokens import AccessTokens
from desktop.credentials.vault_token_store import VaultTokenStore
from desktop.errors import AccessError
from desktop.network.access_token import AccessToken
home = Path(sys.argv[1])
index = TokenIndex(home / "config" / "places.json")
vault = VaultTokenStore(home / "config" / "tokens.vault", index)
tokens = AccessTokens(KeyringTokenStore(index, patience_s=20), vault)
try:
    for word in sys.argv[2:]:
        if word == "put":
            print(tokens.store(AccessToken(sys.stdin.readline(), "https://huggingface.co")))
        elif word == "get":
            found = tokens.get("huggingface.co")
            print("none" if found is None else f"{len(found.value)} {found!r}")
        elif word == "forget":
            tokens.forget("huggingface.co")
            print("forgotten")
        elif word == "choices":
            print(*(each.status for each in tokens.options()))
except TokenStoreLockedError as error:
    print("locked", error.place)
except AccessError as error:
    print("refused")
"""


@pytest.fixture
def session(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person of their own, with a keyring of their own."""
    for name, folder in (("HOME", "person"), ("XDG_RUNTIME_DIR", "run"), ("XDG_DATA_HOME", "share")):
        (home / folder).mkdir(mode=0o700)
        monkeypatch.setenv(name, str(home / folder))
    for name in ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return home


def run(home: Path, *words: str, bus: bool = True, unlocked: bool = True) -> list[str]:
    command = [sys.executable, "-c", _SCRIPT, str(home), *words]
    if bus:
        command = ["dbus-run-session", "--", *(BESIDE_UNLOCKED_KEYRING if unlocked else ()), *command]
    environ = os.environ | {"PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=environ, input=f"  {SECRET}\r\n"
    )
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_token_lives_in_the_keyring_and_nowhere_on_the_disk(session: Path) -> None:
    assert run(session, "choices", "put") == ["ready absent ready", "keyring"]
    assert run(session, "get") == [f"{len(SECRET)} AccessToken([redacted], 'https://huggingface.co')"]
    for file in session.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes()
    assert run(session, "forget", "get") == ["forgotten", "none"]
    assert run(session, "get") == ["none"]


def test_a_locked_keyring_is_told(session: Path) -> None:
    assert run(session, "put") == ["keyring"]
    assert run(session, "choices", "get", unlocked=False) == ["locked absent ready", "locked keyring"]
    assert run(session, "forget", unlocked=False) == ["locked keyring"]
    assert run(session, "get") == [f"{len(SECRET)} AccessToken([redacted], 'https://huggingface.co')"]


def test_without_a_bus_there_is_no_keyring(session: Path) -> None:
    assert run(session, "choices", "put", bus=False) == ["absent absent ready", "refused"]
    assert run(session, "put") == ["keyring"]
    assert run(session, "get", bus=False) == ["locked keyring"]
