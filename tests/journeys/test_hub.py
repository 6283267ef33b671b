"""Asking the Hub from the command: whether one may have a model, what there is, and what was sent."""

import json
from pathlib import Path

import pytest

from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from desktop.settings import SettingsFile
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.hub.faults import Fault
from tests.journeys.at_the_hub import PASSPHRASE, PERSON, STANDINGS, publish, requests, with_token
from tests.journeys.command import Terminal, latchkey

pytestmark = pytest.mark.loopback

POLICY = "offline = true\n"


def give(hub: FakeHub, role: str = "read", *, may_read_gated: bool = True) -> str:
    token = hub.add_token(PERSON, role, may_read_gated=may_read_gated)
    assert latchkey("token", "set", "--place", "vault", stdin=with_token(token)).code == 0
    return token


# --- access ------------------------------------------------------------------------------------------------------


def test_what_is_open_is_open_and_what_is_gated_needs_a_token(hub: FakeHub) -> None:
    publish(hub, "acme/open-GGUF", b"GGUF")
    publish(hub, "acme/gated-GGUF", b"GGUF", gated="manual")
    ran = latchkey("access", "acme/open-GGUF", "--json")
    assert ran.code == 0, ran
    assert ran.json["state"] == "granted"
    assert ran.json["gate"] == "open"
    assert "latchkey models get acme/open-GGUF" in latchkey("access", f"{hub.endpoint}/acme/open-GGUF/tree/main").out
    asked = latchkey("access", "acme/gated-GGUF", "--json")
    assert asked.code == 5, asked
    assert set(asked.json) == {"model", "state", "gate", "message", "url"}
    assert (asked.json["model"], asked.json["state"], asked.json["gate"]) == (
        "acme/gated-GGUF",
        "no-token",
        "hub-manual",
    )
    assert asked.json["url"].startswith(f"{hub.endpoint}/settings/tokens/new")
    refusal = latchkey("access", "acme/gated-GGUF").failed_with(5)
    assert asked.json["url"] in refusal
    assert "latchkey token set" in refusal


@pytest.mark.parametrize("standing", STANDINGS)
def test_every_standing_before_a_gate_is_told_apart(hub: FakeHub, standing: str) -> None:
    token = give(hub)
    repository = publish(hub, "acme/gated-GGUF", b"GGUF", gated="manual")
    repository.gate_states[PERSON] = standing  # type: ignore[assignment]
    ran = latchkey("access", "acme/gated-GGUF", "--json", "--passphrase-stdin", stdin=PASSPHRASE)
    assert ran.json["state"] == standing
    assert ran.code == (0 if standing == "granted" else 5)
    assert ran.json["message"]
    assert ran.json["gate"] == "hub-manual"
    told = latchkey("access", "acme/gated-GGUF", "--passphrase-stdin", stdin=PASSPHRASE)
    assert told.code == ran.code
    assert "acme/gated-GGUF" in told.out + told.err
    assert token not in ran.out + ran.err + told.out + told.err


def test_a_token_without_the_right_scope_and_a_bad_one_are_told_apart(hub: FakeHub) -> None:
    publish(hub, "acme/gated-GGUF", b"GGUF", gated="auto")
    token = give(hub, "fineGrained", may_read_gated=False)
    ask = ("access", "acme/gated-GGUF", "--json", "--passphrase-stdin")
    scope = latchkey(*ask, stdin=PASSPHRASE)
    assert (scope.code, scope.json["state"]) == (5, "token-lacks-scope")
    assert scope.json["url"] == f"{hub.endpoint}/settings/tokens"
    hub.revoke_token(token)
    bad = latchkey(*ask, stdin=PASSPHRASE)
    assert (bad.code, bad.json["state"]) == (5, "bad-token")


def test_a_model_that_is_not_there_is_no_gate(hub: FakeHub) -> None:
    anonymous = latchkey("access", "acme/nothing", "--json")
    assert (anonymous.code, anonymous.json["state"]) == (3, "missing-or-private")
    assert latchkey("access", "acme/nothing").failed_with(3)
    give(hub)
    known = latchkey("access", "acme/nothing", "--json", "--passphrase-stdin", stdin=PASSPHRASE)
    assert (known.code, known.json["state"], known.json["gate"]) == (3, "missing", None)
    assert latchkey("access", "just-a-word").failed_with(3)
    assert "models are fetched from" in latchkey("access", "https://example.org/acme/x").failed_with(3)
    assert latchkey("access", "text-davinci-003").failed_with(3)


def test_a_disabled_repository_a_broken_hub_and_the_switch_have_codes_of_their_own(hub: FakeHub) -> None:
    publish(hub, "acme/x-GGUF", b"GGUF").disabled = True
    disabled = latchkey("access", "acme/x-GGUF", "--json")
    assert (disabled.code, disabled.json["state"]) == (5, "disabled")
    hub.inject(Fault("status", on="hub", path="/api/models", status=500, times=None))
    assert latchkey("access", "acme/x-GGUF").failed_with(9)
    assert "LATCHKEY_OFFLINE" in latchkey("access", "acme/x-GGUF", LATCHKEY_OFFLINE="1").failed_with(8)


def test_a_model_of_the_catalog_is_asked_for_by_its_id_where_its_files_are(hub: FakeHub) -> None:
    entry = build_library_services(find_paths()).library.catalog.find_model("llama-3.2-1b-instruct")
    assert entry is not None
    publish(hub, entry.gguf or entry.repository, b"GGUF")
    asked = latchkey("access", "llama-3.2-1b-instruct", "--json")
    assert asked.code == 0, asked
    assert (asked.json["model"], asked.json["state"]) == ("llama-3.2-1b-instruct", "granted")


# --- search ------------------------------------------------------------------------------------------------------


def test_a_search_shows_gate_license_and_what_the_catalog_knows_of_the_base(hub: FakeHub) -> None:
    publish(hub, "acme/tiny-GGUF", b"GGUF", gated="auto")
    made = FakeRepository(
        "acme/tiny-llama-GGUF",
        card={"license": "llama3.2", "base_model": "meta-llama/Llama-3.2-1B-Instruct"},
        tags=["gguf", "base_model:quantized:meta-llama/Llama-3.2-1B-Instruct"],
        downloads=50_000,
    )
    hub.add(made)
    found = {each["id"]: each for each in latchkey("models", "search", "tiny", "--json").json}
    assert list(found) == ["acme/tiny-llama-GGUF", "acme/tiny-GGUF"]
    llama, plain = found.values()
    assert (llama["license"], llama["base"]) == ("LicenseRef-Llama-3.2", "llama-3.2-1b-instruct")
    assert "user-cap" in llama["restrictions"]
    assert (plain["gate"], plain["license"], plain["restrictions"]) == ("hub-auto", "Apache-2.0", None)
    lines = latchkey("models", "search", "tiny").out.splitlines()
    assert "50,000" in lines[1]
    assert "not known yet" in lines[2]
    assert len(latchkey("models", "search", "tiny", "--limit", "1", "--json").json) == 1


def test_a_search_that_finds_nothing_says_so(hub: FakeHub) -> None:
    ran = latchkey("models", "search", "no", "such", "thing")
    assert (ran.code, ran.out) == (0, "")
    assert "Nothing was found" in ran.err
    assert latchkey("models", "search", "zzz", "--json").json == []


def test_a_search_off_line_or_with_a_broken_hub_fails_with_a_sentence(hub: FakeHub) -> None:
    assert "offline" in latchkey("models", "search", "x", LATCHKEY_OFFLINE="1").failed_with(8)
    hub.inject(Fault("login-page", on="hub", path="/api/models", times=None))
    assert latchkey("models", "search", "x").failed_with(9)


def test_what_a_hub_says_cannot_write_on_the_terminal(hub: FakeHub) -> None:
    evil = "\x1b]0;owned\x07\x9b31m\u202e"
    hub.add(FakeRepository("acme/evil-GGUF", card={"license": f"mit{evil}"}, tags=["gguf"]))
    terminal = Terminal("models", "search", "evil")
    assert terminal.end() == 0, terminal.screen
    assert "acme/evil-GGUF" in terminal.screen
    assert not [sign for sign in ("\x1b]", "\x07", "\x9b", "\u202e") if sign in terminal.screen]
    assert "\x1b" not in latchkey("models", "search", "evil", "--json").out


# --- the switch and the log --------------------------------------------------------------------------------------


def test_the_switch_holds_for_every_command_until_it_is_turned_back(hub: FakeHub) -> None:
    assert "online" in latchkey("offline", "status").out
    assert "offline" in latchkey("offline", "on").out
    assert SettingsFile(find_paths().settings_file).current.offline
    assert "latchkey offline off" in latchkey("models", "search", "x").failed_with(8)
    assert latchkey("offline", "status", "--json").json == {
        "offline": True,
        "setting": True,
        "environment": False,
        "policy": False,
        "reason": "The offline switch is on, so nothing was sent.",
    }
    assert hub.requests() == []
    assert latchkey("offline", "off").code == 0
    assert latchkey("models", "search", "x").code == 0


def test_what_the_environment_or_the_policy_holds_cannot_be_turned_off_here(hub: FakeHub, home: Path) -> None:
    assert "LATCHKEY_OFFLINE" in latchkey("offline", "off", LATCHKEY_OFFLINE="1").failed_with(8)
    policy = home / "policy.toml"
    policy.write_text(POLICY)
    refusal = latchkey("offline", "off", LATCHKEY_POLICY=str(policy)).failed_with(8)
    assert "policy" in refusal
    status = latchkey("offline", "status", "--json", LATCHKEY_POLICY=str(policy), LATCHKEY_OFFLINE="1").json
    assert (status["offline"], status["setting"], status["environment"], status["policy"]) == (True, False, True, True)
    told = latchkey("offline", "status", LATCHKEY_POLICY=str(policy), LATCHKEY_OFFLINE="1").out
    assert "policy" in told
    assert "LATCHKEY_OFFLINE" in told
    policy.write_text("version = 'one'")
    assert latchkey("models", "search", "x", LATCHKEY_POLICY=str(policy)).failed_with(8)
    assert latchkey("offline", "status", "--json", LATCHKEY_POLICY=str(policy)).json["policy"]
    assert hub.requests() == []


def test_every_request_is_in_the_log_and_can_be_found(hub: FakeHub) -> None:
    assert "Nothing was sent" in latchkey("network", "log").err
    assert not find_paths().network_file.exists()
    assert latchkey("network", "log", "--json").json == []
    publish(hub, "acme/open-GGUF", b"GGUF")
    latchkey("access", "acme/open-GGUF")
    latchkey("models", "search", "open")
    log = latchkey("network", "log", "--json").json
    assert [each["purpose"] for each in log] == ["search", "model", "access"]
    assert set(log[0]) == {
        "time", "purpose", "method", "host", "path", "status", "sent", "received", "seconds", "error",
    }  # fmt: skip
    assert all(each["status"] == 200 and each["received"] > 0 and each["host"] in hub.endpoint for each in log)
    assert len(log) == len(hub.requests())
    assert [each["purpose"] for each in latchkey("network", "log", "access", "open-gguf", "--json").json] == ["access"]
    assert len(latchkey("network", "log", "--limit", "2", "--json").json) == 2
    told = latchkey("network", "log", "--limit", "2")
    assert "newest 2" in told.err
    assert "/api/models/acme/open-GGUF?blobs=…" in told.out
    assert "No request holds" in latchkey("network", "log", "unheard-of").err


def test_a_request_that_gets_no_answer_is_in_the_log_too(hub: FakeHub) -> None:
    ran = latchkey("models", "search", "x", HF_ENDPOINT="http://127.0.0.1:1")
    assert ran.failed_with(9)
    assert requests()[0].status == 0
    assert json.loads(latchkey("network", "log", "--json").out)[0]["error"]
