"""An access token and the keyring of this system, with the real command and a real Secret Service in a fresh home.

gnome-keyring on a bus of its own: open, locked, and a bus on which nobody keeps secrets.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.fakes.hub import FakeHub
from tests.fakes.unlocked_keyring import BESIDE_UNLOCKED_KEYRING
from tests.journeys import command
from tests.journeys.at_the_hub import PASSPHRASE, PERSON, assert_kept_secret, publish, with_token
from tests.journeys.command import Terminal, latchkey

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.skipif(
        not all(map(shutil.which, ("dbus-run-session", "gnome-keyring-daemon"))), reason="needs dbus and gnome-keyring"
    ),
]
MODEL = "acme/gated-GGUF"
# What the bus and the keyring say to themselves goes nowhere; what the command says comes through.
_ON_A_BUS = 'exec 3>&2; exec dbus-run-session {options} -- sh -c \'exec {before} "$0" "$@" 2>&3\' "$0" "$@" 2>/dev/null'
_UNLOCK = shlex.join(BESIDE_UNLOCKED_KEYRING)
_BUS_ALONE = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/> <allow eavesdrop="true"/> <allow own="*"/>
  </policy>
</busconfig>
"""


class Session:
    """Says on which bus the commands of the test run from here on, each on a new one; the keyring's file stays."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._home, self._monkeypatch = home, monkeypatch
        self._command = command.command

    def unlocked(self) -> None:
        self._run_on_a_bus(before=_UNLOCK)

    def locked(self) -> None:
        """The keyring is there, and nobody has given its password."""
        self._run_on_a_bus()

    def without(self) -> None:
        """There is a bus, and no keyring on it."""
        config = self._home / "bus.conf"
        config.write_text(_BUS_ALONE)
        self._run_on_a_bus(options=f"--config-file={config}")

    def _run_on_a_bus(self, *, options: str = "", before: str = "") -> None:
        shell = ["sh", "-c", _ON_A_BUS.format(options=options, before=before)]
        self._monkeypatch.setattr(command, "command", lambda *arguments: [*shell, *self._command(*arguments)])


@pytest.fixture
def session(hub: FakeHub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A person of their own, with a keyring of their own that is empty."""
    for name, folder in (("HOME", "person"), ("XDG_RUNTIME_DIR", "run"), ("XDG_DATA_HOME", "share")):
        (home / folder).mkdir(mode=0o700)
        monkeypatch.setenv(name, str(home / folder))
    publish(hub, MODEL, b"GGUF", gated="manual").gate_states[PERSON] = "granted"
    return Session(home, monkeypatch)


def test_a_token_in_an_open_keyring_is_found_by_every_later_command(session: Session, hub: FakeHub, home: Path) -> None:
    session.unlocked()
    token = hub.add_token(PERSON, "fineGrained")
    given = latchkey("token", "set", stdin=token)
    assert given.code == 0, given
    assert "keyring of this system" in given.out
    assert latchkey("token", "check", "--json").json["place"] == "keyring"
    assert latchkey("access", MODEL).code == 0  # no passphrase, no prompt
    assert_kept_secret(token, home)
    newer = hub.add_token(PERSON, "read")
    assert latchkey("token", "set", stdin=newer).code == 0
    assert latchkey("token", "check", "--json").json["role"] == "read"
    forgotten = latchkey("token", "forget")
    assert forgotten.code == 0, forgotten
    assert "No access token" in latchkey("token", "check").failed_with(5)
    assert latchkey("access", MODEL).code == 5


def test_a_locked_keyring_is_named_and_what_it_holds_is_there_once_it_is_open(session: Session, hub: FakeHub) -> None:
    session.unlocked()
    assert latchkey("token", "set", stdin=hub.add_token(PERSON, "fineGrained")).code == 0
    hub.forget_requests()
    session.locked()
    for arguments in (("token", "check"), ("token", "forget"), ("access", MODEL)):
        refusal = latchkey(*arguments).failed_with(5)
        assert "keyring" in refusal
        assert "locked" in refusal
    assert [each for each in hub.requests() if each.token] == []
    session.unlocked()
    assert latchkey("token", "check", "--json").json["ok"]


def test_where_the_keyring_is_locked_a_vault_and_this_once_are_offered(session: Session, hub: FakeHub) -> None:
    session.locked()
    token = hub.add_token(PERSON, "fineGrained")
    refusal = latchkey("token", "set", stdin=token).failed_with(5)
    assert "--place vault" in refusal
    assert "--place session" in refusal
    terminal = Terminal("token", "set")
    terminal.read_until("it is not shown): ")
    terminal.type(f"{token}\n")
    offered = terminal.read_until("Number: ")
    assert "once it is unlocked" in offered
    assert "passphrase of yours" in offered
    assert "Nowhere" in offered
    terminal.type("2\n")
    terminal.read_until("Passphrase: ")
    terminal.type(f"{PASSPHRASE}\n")
    terminal.read_until("The same again: ")
    terminal.type(f"{PASSPHRASE}\n")
    assert terminal.end() == 0, terminal.screen
    assert latchkey("token", "check", "--json", "--passphrase-stdin", stdin=PASSPHRASE).json["place"] == "vault"


def test_a_token_goes_to_the_vault_past_a_keyring_that_holds_an_older_one(session: Session, hub: FakeHub) -> None:
    session.unlocked()
    assert latchkey("token", "set", stdin=hub.add_token(PERSON, "read")).code == 0
    session.locked()
    newer = hub.add_token(PERSON, "fineGrained")
    assert latchkey("token", "set", "--place", "vault", stdin=with_token(newer)).code == 0
    asked = latchkey("token", "check", "--json", "--passphrase-stdin", stdin=PASSPHRASE).json
    assert (asked["place"], asked["role"]) == ("vault", "fineGrained")
    session.unlocked()
    again = latchkey("token", "check", "--json", "--passphrase-stdin", stdin=PASSPHRASE).json
    assert (again["place"], again["role"]) == ("vault", "fineGrained"), "the older one came back"


def test_on_a_bus_without_a_keyring_a_vault_and_this_once_are_offered(
    session: Session, hub: FakeHub, home: Path
) -> None:
    session.without()
    token = hub.add_token(PERSON, "fineGrained")
    assert "--place vault" in latchkey("token", "set", stdin=token).failed_with(5)
    assert "keyring" in latchkey("token", "set", "--place", "keyring", stdin=token).failed_with(5)
    terminal = Terminal("token", "set")
    terminal.read_until("it is not shown): ")
    terminal.type(f"{token}\n")
    offered = terminal.read_until("Number: ")
    assert "once it is unlocked" not in offered
    assert "passphrase of yours" in offered
    terminal.type("2\n")
    assert terminal.end() == 0, terminal.screen
    assert "kept nowhere" in terminal.screen
    assert not find_paths().token_vault.exists()
    assert latchkey("token", "set", "--place", "vault", stdin=with_token(token)).code == 0
    assert latchkey("access", MODEL, "--passphrase-stdin", stdin=PASSPHRASE).code == 0
    assert_kept_secret(token, home)
