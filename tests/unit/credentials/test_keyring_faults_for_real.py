"""Keyrings that fail as real ones do, on a bus of their own: a person is told, and goes on."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.unlocked_keyring import BESIDE_UNLOCKED_KEYRING
from tests.unit.credentials.test_keyring_for_real import session

__all__ = ["session"]

pytestmark = [
    pytest.mark.skipif(
        not all(map(shutil.which, ("dbus-run-session", "gnome-keyring-daemon"))), reason="needs dbus and gnome-keyring"
    ),
    pytest.mark.skipif(sys.platform != "linux", reason="the Secret Service is Linux'"),
]

HOWS = ("silent", "dies", "garbage", "prompter")
_BESIDE = """
import subprocess, sys
how, *command = sys.argv[1:]
service = [sys.executable, "-m", "tests.fakes.secret_service", how]
with subprocess.Popen(service, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
    running.stdout.readline()
    done = subprocess.run(command)
    running.kill()
sys.exit(done.returncode)
"""


def latchkey(home: Path, *words: str, how: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in a session whose keyring is unlocked, or fails in some way."""
    environ = {name: value for name, value in os.environ.items() if name != "LATCHKEY_HOME"}
    environ |= {"PYTHONPATH": str(Path.cwd())}
    environ |= {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "CACHE", "STATE")}
    command = [sys.executable, "-m", "desktop", *words]
    wrapped = [sys.executable, "-c", _BESIDE, how, *command] if how else [*BESIDE_UNLOCKED_KEYRING, *command]
    bus = ["dbus-run-session", "--", *wrapped]
    return subprocess.run(bus, capture_output=True, text=True, check=False, timeout=120, env=environ)


def verified(home: Path, how: str = "") -> dict[str, object]:
    done = latchkey(home, "licenses", "verify", "--json", how=how)
    found = json.loads(done.stdout) if done.stdout else {"error": done.stderr}
    assert isinstance(found, dict)
    return found


@pytest.fixture
def sealed(session: Path) -> Path:
    """A home whose ledger the keyring seals."""
    code = (
        "from desktop.library.library_services import build_library_services\n"
        "from desktop.licenses.ledger_record import LedgerEvent\n"
        "from desktop.paths import find_paths\n"
        "made = build_library_services(find_paths())\n"
        "made.ledger.append(LedgerEvent(event='imported', model='m')); made.close()"
    )
    environ = {name: value for name, value in os.environ.items() if name != "LATCHKEY_HOME"}
    environ |= {"PYTHONPATH": str(Path.cwd())}
    environ |= {f"XDG_{name}_HOME": str(session / name.lower()) for name in ("CONFIG", "CACHE", "STATE")}
    command = ["dbus-run-session", "--", *BESIDE_UNLOCKED_KEYRING, sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environ)
    assert done.returncode == 0, done.stderr
    assert verified(session)["sealed_by"] == "keyring"
    return session


@pytest.mark.parametrize("how", HOWS)
def test_a_person_is_told_and_goes_on(sealed: Path, how: str) -> None:
    done = latchkey(sealed, "licenses", "verify", how=how)
    assert done.returncode == 7
    assert "new-segment" in done.stderr
    assert "Traceback" not in done.stderr
    begun = latchkey(sealed, "licenses", "new-segment", "--json", how=how)
    assert begun.returncode == 0, begun.stderr
    found = verified(sealed, how)
    assert (found["ok"], found["records"], found["sealed_by"]) == (True, 2, "file")
    segments = verified(sealed)["segments"]
    assert isinstance(segments, list)
    assert [(each["sealed"], each["counts"]) for each in segments] == [(True, True), (True, False)]


def test_a_question_has_an_end_whatever_the_service_does(session: Path) -> None:
    """The limit itself; how long a whole command takes is no matter of this."""
    code = (
        "import time; from desktop.credentials.keyring_client import KeyringClient, KeyringUnavailableError\n"
        "client = KeyringClient(patience_s=0.5)\n"
        "for _ in range(3):\n"
        "    try: client.call(lambda backend: backend.get_password('a', 'b'))\n"
        "    except KeyringUnavailableError as error: print(error)\n"
    )
    environ = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = ["dbus-run-session", "--", sys.executable, "-c", _BESIDE, "silent", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environ)
    assert done.stdout.splitlines() == ["no answer"] * 3
