"""An access token: given without being shown, kept where a passphrase opens it, checked, forgotten, and never taken."""

import shutil
import subprocess
from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.fakes.hub import FakeHub
from tests.fakes.hub.faults import Fault
from tests.fakes.unlocked_keyring import BESIDE_UNLOCKED_KEYRING
from tests.journeys.at_the_hub import PASSPHRASE, PERSON, assert_kept_secret, publish, requests, with_token
from tests.journeys.command import Ran, Terminal, command, environment, latchkey

pytestmark = pytest.mark.loopback


def host(hub: FakeHub) -> str:
    return hub.endpoint.partition("://")[2]


def give(token: str) -> Ran:
    return latchkey("token", "set", "--place", "vault", stdin=with_token(token))


def check(*options: str) -> Ran:
    return latchkey("token", "check", "--passphrase-stdin", *options, stdin=PASSPHRASE)


def test_a_token_from_a_pipe_is_kept_in_a_vault_checked_and_never_shown(hub: FakeHub, home: Path) -> None:
    token = hub.add_token(PERSON, "fineGrained")
    given = give(token)
    assert given.code == 0, given
    assert "vault" in given.out
    assert f"fine-grained token of {PERSON}" in given.out
    assert "may read gated repositories" in given.out
    asked = check("--json")
    assert asked.json == {
        "host": host(hub),
        "place": "vault",
        "ok": True,
        "name": PERSON,
        "role": "fineGrained",
        "may_read_gated": True,
        "message": "",
        "url": "",
    }
    assert check().out.splitlines()[1:] == given.out.splitlines()[1:]
    everything = [given, asked, latchkey("network", "log"), latchkey("network", "log", "--json")]
    assert not [ran for ran in everything if token in ran.out + ran.err]
    assert [each.path for each in requests()] == ["/api/whoami-v2"] * 3
    assert_kept_secret(token, home)


def test_a_token_that_may_not_read_gated_repositories_says_what_to_do(hub: FakeHub) -> None:
    ran = give(hub.add_token(PERSON, "fineGrained", may_read_gated=False))
    assert ran.code == 0, ran
    assert "may not read gated repositories" in ran.out
    assert f"{hub.endpoint}/settings/tokens" in ran.out
    told = check("--json").json
    assert told["may_read_gated"] is False
    assert told["url"] == f"{hub.endpoint}/settings/tokens"
    assert told["message"]


def test_a_token_that_the_hub_refuses_is_not_kept(hub: FakeHub) -> None:
    good = hub.add_token(PERSON)
    assert give(good).code == 0
    refusal = give("hf_" + "Bad" * 11).failed_with(5)
    assert "not kept" in refusal
    assert "/settings/tokens/new" in refusal
    assert check("--json").json["ok"]


def test_a_token_that_was_deleted_at_the_hub_is_noticed(hub: FakeHub) -> None:
    token = hub.add_token(PERSON)
    assert give(token).code == 0
    hub.revoke_token(token)
    asked = check("--json")
    assert asked.code == 5, asked
    assert not asked.json["ok"]
    assert asked.json["place"] == "vault"
    assert "does not accept" in check().failed_with(5)


@pytest.mark.parametrize("text", ["", " \r\n\n", "hf_a b", "two\nlines", "a\nb\nc", "hf_\x1b[31m", "x" * 5000])
def test_what_cannot_be_a_token_is_refused_before_anybody_is_asked(hub: FakeHub, text: str) -> None:
    refusal = latchkey("token", "set", "--place", "session", stdin=text).failed_with(5)
    assert "not an access token" in refusal
    assert not text.strip() or text.strip() not in refusal
    assert hub.requests() == []


def test_without_a_keyring_a_script_has_to_say_where(hub: FakeHub) -> None:
    refusal = latchkey("token", "set", stdin=hub.add_token(PERSON)).failed_with(5)
    assert "--place vault" in refusal
    assert "--place session" in refusal
    assert hub.requests() == []


@pytest.mark.parametrize(("passphrase", "word"), [("", "missing"), ("short", "short")])
def test_no_vault_is_made_without_a_good_passphrase(hub: FakeHub, passphrase: str, word: str) -> None:
    token = hub.add_token(PERSON)
    refusal = latchkey("token", "set", "--place", "vault", stdin=with_token(token, passphrase)).failed_with(5)
    assert word in refusal
    assert not find_paths().token_vault.exists()


def test_a_token_for_this_once_is_checked_and_kept_nowhere(hub: FakeHub, home: Path) -> None:
    token = hub.add_token(PERSON, "write")
    ran = latchkey("token", "set", "--place", "session", stdin=token)
    assert ran.code == 0, ran
    assert "kept nowhere" in ran.out
    assert "one that only reads is enough" in ran.out
    assert "No access token" in latchkey("token", "check").failed_with(5)
    publish(hub, "acme/gated-GGUF", b"GGUF", gated="auto").gate_states[PERSON] = "granted"
    assert latchkey("access", "acme/gated-GGUF").code == 5
    assert latchkey("access", "acme/gated-GGUF", "--token-stdin", stdin=f" {token}\n").code == 0
    assert_kept_secret(token, home)


def test_a_locked_vault_is_told_apart_from_a_missing_token(hub: FakeHub) -> None:
    token = hub.add_token(PERSON)
    assert give(token).code == 0
    assert "--passphrase-stdin" in latchkey("token", "check").failed_with(5)
    assert "passphrase is wrong" in latchkey(
        "token", "check", "--passphrase-stdin", stdin="something else"
    ).failed_with(5)
    publish(hub, "acme/gated-GGUF", b"GGUF", gated="auto").gate_states[PERSON] = "granted"
    publish(hub, "acme/open-GGUF", b"GGUF")
    assert "--passphrase-stdin" in latchkey("access", "acme/gated-GGUF").failed_with(5)
    assert latchkey("access", "acme/gated-GGUF", "--passphrase-stdin", stdin=PASSPHRASE).code == 0
    assert latchkey("access", "acme/open-GGUF").code == 0  # what is open needs no passphrase


def test_off_line_a_token_is_kept_and_said_to_be_unchecked(hub: FakeHub) -> None:
    token = hub.add_token(PERSON)
    ran = latchkey("token", "set", "--place", "vault", stdin=with_token(token), LATCHKEY_OFFLINE="1")
    assert ran.code == 0, ran
    assert "not checked" in ran.err
    assert hub.requests() == []
    stays_off = latchkey("token", "check", "--passphrase-stdin", stdin=PASSPHRASE, LATCHKEY_OFFLINE="1")
    assert "offline" in stays_off.failed_with(8)
    assert check("--json").json["ok"]


def test_a_hub_that_does_not_answer_is_a_failure_of_the_network(hub: FakeHub) -> None:
    assert give(hub.add_token(PERSON)).code == 0
    hub.inject(Fault("status", on="hub", path="/api/whoami-v2", status=503, times=None))
    assert host(hub) in check().failed_with(9)


def test_forgetting_takes_the_token_and_a_lost_passphrase_is_no_dead_end(hub: FakeHub) -> None:
    token = hub.add_token(PERSON)
    assert give(token).code == 0
    assert "--passphrase-stdin" in latchkey("token", "forget").failed_with(5)
    ran = latchkey("token", "forget", "--passphrase-stdin", stdin=PASSPHRASE)
    assert ran.code == 0, ran
    assert "still holds at the Hub" in ran.out
    assert "No access token" in latchkey("token", "check").failed_with(5)
    assert give(token).code == 0
    gone = latchkey("token", "forget", "--vault")
    assert gone.code == 0, gone
    assert host(hub) in gone.out
    assert not find_paths().token_vault.exists()
    assert "No access token" in latchkey("token", "check").failed_with(5)
    assert latchkey("token", "forget", "--vault").failed_with(3)


def test_a_token_of_the_environment_or_of_another_program_is_not_taken(
    hub: FakeHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hub.add_token(PERSON)
    others = home / "person"
    for place in (".cache/huggingface", ".huggingface"):
        (others / place).mkdir(parents=True)
        (others / place / "token").write_text(token)
    (others / ".netrc").write_text(f"machine 127.0.0.1 login user password {token}\n")
    (others / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(others))
    monkeypatch.setenv("HF_HOME", str(others / ".cache/huggingface"))
    publish(hub, "acme/gated-GGUF", b"GGUF", gated="auto").gate_states[PERSON] = "granted"
    ran = latchkey("access", "acme/gated-GGUF", HF_TOKEN=token)
    assert ran.code == 5, ran
    assert "HF_TOKEN is set" in ran.err
    assert "printenv HF_TOKEN | latchkey token set" in ran.err
    assert token not in ran.out + ran.err
    assert [each for each in hub.requests() if each.token or "authorization" in each.headers] == []
    told = latchkey("token", "check", HF_TOKEN=token)
    assert told.code == 5
    assert "HF_TOKEN is set" in told.err


def test_a_token_for_another_host_goes_to_no_other(hub: FakeHub) -> None:
    token = hub.add_token(PERSON)
    publish(hub, "acme/gated-GGUF", b"GGUF", gated="auto").gate_states[PERSON] = "granted"
    given = latchkey("token", "set", "--host", "http://127.0.0.1:1", "--place", "vault", stdin=with_token(token))
    assert given.code == 0, given  # nobody answers there: kept, and said to be unchecked
    assert "not checked" in given.err
    assert latchkey("access", "acme/gated-GGUF", "--passphrase-stdin", stdin=PASSPHRASE).code == 5
    assert [each for each in hub.requests() if each.token] == []
    assert latchkey("token", "set", "--host", "a b", "--place", "session", stdin=token).code == 2


def test_on_a_terminal_the_token_is_hidden_and_a_vault_is_offered(hub: FakeHub, home: Path) -> None:
    token = hub.add_token(PERSON, "fineGrained")
    terminal = Terminal("token", "set")
    terminal.read_until("it is not shown): ")
    terminal.type(f"  {token}  \n")
    terminal.read_until("Number: ")
    terminal.type("1\n")
    terminal.read_until("Passphrase: ")
    terminal.type(f"{PASSPHRASE}\n")
    terminal.read_until("The same again: ")
    terminal.type(f"{PASSPHRASE}\n")
    assert terminal.end() == 0, terminal.screen
    assert f"fine-grained token of {PERSON}" in terminal.screen
    assert f"{hub.endpoint}/settings/tokens/new" in terminal.screen
    assert token not in terminal.screen
    assert PASSPHRASE not in terminal.screen

    again = Terminal("token", "check")
    again.read_until("Passphrase of the vault: ")
    again.type("not this one\n")
    again.read_until("passphrase is wrong")
    again.read_until("Passphrase of the vault: ")
    again.type(f"{PASSPHRASE}\n")
    assert again.end() == 0, again.screen
    assert "may read gated repositories" in again.screen
    assert_kept_secret(token, home)


def test_on_a_terminal_nothing_is_kept_where_no_place_is_chosen_or_ctrl_c_is_pressed(hub: FakeHub) -> None:
    token = hub.add_token(PERSON)
    terminal = Terminal("token", "set")
    terminal.read_until("it is not shown): ")
    terminal.type(f"{token}\n")
    for _ in range(3):
        terminal.read_until("Number: ")
        terminal.type("9\n")
    assert terminal.end() == 5, terminal.screen
    stopped = Terminal("token", "set")
    stopped.read_until("it is not shown): ")
    stopped.interrupt()
    assert stopped.end() == 130, stopped.screen
    assert "Traceback" not in stopped.screen
    assert not find_paths().token_vault.exists()


@pytest.mark.skipif(
    not all(map(shutil.which, ("dbus-run-session", "gnome-keyring-daemon"))), reason="needs dbus and gnome-keyring"
)
def test_where_there_is_a_keyring_the_token_goes_there_by_itself(
    hub: FakeHub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, folder in (("HOME", "person"), ("XDG_RUNTIME_DIR", "run"), ("XDG_DATA_HOME", "share")):
        (home / folder).mkdir(mode=0o700)
        monkeypatch.setenv(name, str(home / folder))
    token = hub.add_token(PERSON)
    words = ["dbus-run-session", "--", *BESIDE_UNLOCKED_KEYRING, *command("token", "set")]
    done = subprocess.run(words, input=token.encode(), capture_output=True, env=environment(), timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert b"keyring of this system" in done.stdout
    assert token.encode() not in done.stdout + done.stderr
    assert_kept_secret(token, home)
    # On another bus, without that keyring: the token is there, and cannot be had.
    assert "keyring" in latchkey("token", "check").failed_with(5)
