"""From a name to a verified file with the real command: what stands in the way, the download, and every way it ends."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.hub.faults import Fault
from tests.fakes.tiny_gguf import random_model
from tests.journeys.at_the_hub import PASSPHRASE, PERSON, assert_kept_secret, publish, with_token
from tests.journeys.command import Ran, Running, Terminal, latchkey
from tests.journeys.desk import accept_all, ask, events

pytestmark = pytest.mark.loopback

NAME = "acme/tiny-GGUF"


@pytest.fixture
def file(home: Path) -> Path:
    """A small model of random weights, under apache-2.0."""
    return random_model(home / "published.gguf")


def get(*arguments: str, stdin: str | bytes = b"", **environ: str) -> Ran:
    return latchkey("models", "get", *arguments, stdin=stdin, **environ)


def with_license(hub: FakeHub, data: Path, name: str = NAME, gated: str | bool = False) -> FakeRepository:
    """A repository whose license was read and accepted."""
    repository = publish(hub, name, data, gated=gated)
    assert get(name).code in (4, 5)
    accept_all(name)
    return repository


def large(hub: FakeHub, rate: int = 400_000) -> FakeRepository:
    """The built-in model under another name, through a slow line; its license accepted."""
    repository = with_license(hub, find_paths().builtin_model)
    hub.rate = rate
    hub.forget_requests()
    return repository


def unfinished() -> list[dict[str, Any]]:
    return list(latchkey("models", "downloads", "--json").json)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- what stands in the way --------------------------------------------------------------------------------------


def test_a_license_that_waits_is_named_with_both_commands_and_nothing_is_fetched(hub: FakeHub, file: Path) -> None:
    publish(hub, NAME, file)
    refusal = get(NAME).failed_with(4)
    assert "latchkey licenses show Apache-2.0" in refusal
    assert f"latchkey licenses accept {NAME} --text-sha256" in refusal
    assert get(NAME, "--json").failed_with(4)
    assert not list(find_paths().models.rglob("*"))
    assert "downloaded" not in events()


def test_a_model_is_fetched_verified_and_asked(hub: FakeHub, file: Path) -> None:
    with_license(hub, file)
    ran = get(NAME)
    assert ran.code == 0, ran
    assert f"latchkey ask “…” --model {NAME}" in ran.out
    shown = latchkey("models", "show", NAME, "--json").json
    assert shown["installed"]
    assert shown["state"] == "ready"
    assert shown["path"] in ran.out
    assert Path(shown["path"]).read_bytes() == file.read_bytes()
    assert shown["repository"] == NAME
    assert ask(NAME).code == 0
    assert events() == ["acknowledged", "downloaded", "loaded"]
    assert unfinished() == []
    assert latchkey("models", "verify", NAME).code == 0
    before = len(hub.requests())
    again = get(NAME, "--json")
    assert (again.code, again.json["id"]) == (0, NAME)
    assert len(hub.requests()) == before  # what is here is asked of nobody
    removed = latchkey("models", "remove", NAME)
    assert removed.code == 0, removed
    assert "free again" in removed.out
    assert not Path(shown["path"]).exists()


def test_json_is_the_model_as_show_gives_it(hub: FakeHub, file: Path) -> None:
    with_license(hub, file)
    ran = get(NAME, "--json")
    assert ran.code == 0, ran
    assert ran.json == latchkey("models", "show", NAME, "--json").json


def test_a_gate_is_passed_step_by_step_and_the_token_goes_to_the_hub_alone(
    hub: FakeHub, file: Path, home: Path
) -> None:
    repository = publish(hub, NAME, file, gated="manual")
    told = [get(NAME).failed_with(5)]
    assert "latchkey token set" in told[0]
    weak = hub.add_token(PERSON, "fineGrained", may_read_gated=False)
    assert latchkey("token", "set", "--place", "vault", stdin=with_token(weak)).code == 0
    unlocked = (NAME, "--passphrase-stdin")
    told.append(get(*unlocked, stdin=PASSPHRASE).failed_with(5))
    assert "may not read gated repositories" in told[-1]
    token = hub.add_token(PERSON, "fineGrained")
    assert latchkey("token", "set", "--place", "vault", stdin=with_token(token)).code == 0
    told.append(get(*unlocked, stdin=PASSPHRASE).failed_with(5))
    assert f"{hub.endpoint}/{NAME}" in told[-1]
    repository.gate_states[PERSON] = "pending"
    told.append(get(*unlocked, stdin=PASSPHRASE).failed_with(5))
    assert latchkey("models", "show", NAME, "--json").json["state"] == "waiting-for-approval"
    repository.gate_states[PERSON] = "granted"
    told.append(get(*unlocked, stdin=PASSPHRASE).failed_with(4))
    assert len(set(told)) == len(told)
    accept_all(NAME)
    ran = get(*unlocked, stdin=PASSPHRASE)
    assert ran.code == 0, ran
    assert {each.token for each in hub.requests("hub")} == {"", weak, token}
    assert {each.token for each in hub.requests() if each.listener != "hub"} == {""}
    assert_kept_secret(token, home)
    assert token not in "".join((ran.out, ran.err, *told))


def test_a_locked_vault_is_said_to_be_in_the_way(hub: FakeHub, file: Path) -> None:
    token = hub.add_token(PERSON)
    assert latchkey("token", "set", "--place", "vault", stdin=with_token(token)).code == 0
    publish(hub, NAME, file, gated="auto").gate_states[PERSON] = "granted"
    assert "--passphrase-stdin" in get(NAME).failed_with(5)
    assert get(NAME, "--token-stdin", stdin=token).failed_with(4)  # past the gate, before the license


def test_access_that_was_taken_back_is_noticed_before_anything_is_fetched(hub: FakeHub, file: Path) -> None:
    token = hub.add_token(PERSON)
    repository = publish(hub, NAME, file, gated="manual")
    repository.gate_states[PERSON] = "granted"
    given = (NAME, "--token-stdin")
    assert get(*given, stdin=token).code == 4
    accept_all(NAME)
    repository.gate_states[PERSON] = "rejected"
    assert "taken back" in get(*given, stdin=token).failed_with(5)
    assert hub.requests("cdn", "tiny") == [each for each in hub.requests("cdn", "tiny") if each.headers.get("range")]


# --- which model, which file -------------------------------------------------------------------------------------


def several(hub: FakeHub, home: Path) -> FakeRepository:
    repository = FakeRepository(NAME, card={"license": "apache-2.0"}, tags=["gguf"])
    for number, name in enumerate(("tiny-Q4_K_M.gguf", "tiny-Q8_0.gguf", "deep/tiny-F16.gguf")):
        repository.add_file(name, random_model(home / f"{number}.gguf", seed=30 + number))
    return hub.add(repository)


@pytest.mark.parametrize(
    ("arguments", "fetched"),
    [
        ((NAME, "--file", "Q8_0"), "tiny-Q8_0.gguf"),
        ((NAME, "--file", "tiny-q4_k_m.gguf"), "tiny-Q4_K_M.gguf"),
        ((f"{NAME}:Q8_0",), "tiny-Q8_0.gguf"),
        ((f"{{endpoint}}/{NAME}/blob/main/tiny-Q4_K_M.gguf",), "tiny-Q4_K_M.gguf"),
        ((f"{{endpoint}}/{NAME}/resolve/main/deep/tiny-F16.gguf?download=true",), "tiny-F16.gguf"),
        ((f"{{endpoint}}/{NAME}", "--file", "F16"), "tiny-F16.gguf"),
    ],
)
def test_a_file_is_named_by_quantization_by_name_or_by_its_address(
    hub: FakeHub, home: Path, arguments: tuple[str, ...], fetched: str
) -> None:
    several(hub, home)
    named = [each.format(endpoint=hub.endpoint) for each in arguments]
    assert get(*named).code == 4
    accept_all(NAME)
    ran = get(*named, "--json")
    assert ran.code == 0, ran
    assert Path(ran.json["path"]).name == fetched


def test_a_file_that_is_not_there_is_answered_with_those_that_are(hub: FakeHub, home: Path) -> None:
    several(hub, home)
    refusal = get(NAME, "--file", "Q2_K").failed_with(3)
    assert "tiny-Q4_K_M.gguf" in refusal
    assert "Q4_K_M" in get(f"{NAME}:Q2_K").failed_with(3)


def test_a_second_file_of_a_model_is_fetched_beside_the_first(hub: FakeHub, home: Path) -> None:
    several(hub, home)
    assert get(NAME, "--file", "Q8_0").code == 4
    accept_all(NAME)
    assert get(NAME, "--file", "Q8_0").code == 0
    ran = get(NAME, "--file", "Q4_K_M")
    assert ran.code == 0, ran
    assert {each.name for each in find_paths().models.rglob("*.gguf")} == {"tiny-Q8_0.gguf", "tiny-Q4_K_M.gguf"}
    assert ask(NAME).code == 0


def test_a_model_of_the_catalog_is_fetched_by_its_id(hub: FakeHub, file: Path) -> None:
    catalog = build_library_services(find_paths()).library.catalog
    entry = next(each for each in catalog.model if each.gguf and each.gate == "open" and not each.base)
    repository = publish(hub, entry.gguf, file, license_id="apache-2.0")
    if entry.repository and entry.repository != entry.gguf:
        hub.add(FakeRepository(entry.repository, card=repository.card))
    assert get(entry.id).code == 4
    accept_all(entry.id)
    ran = get(f"{entry.id}:Q8_0", "--json")
    assert ran.code == 0, ran
    assert ran.json["id"] == entry.id
    assert ask(entry.id).code == 0


# --- every way it ends -------------------------------------------------------------------------------------------


def test_off_line_policy_network_and_missing_models_have_codes_of_their_own(
    hub: FakeHub, file: Path, home: Path
) -> None:
    publish(hub, NAME, file)
    assert "LATCHKEY_OFFLINE" in get(NAME, LATCHKEY_OFFLINE="1").failed_with(8)
    policy = home / "policy.toml"
    policy.write_text("contact = 'licenses@acme.example'\n[allow]\nlicense = ['MIT']\n")
    assert "acme.example" in get(NAME, LATCHKEY_POLICY=str(policy)).failed_with(8)
    assert get("acme/nothing-GGUF").failed_with(3)
    assert get("just-a-word").failed_with(3)
    assert get("https://example.org/a/b").failed_with(3)
    assert get("text-davinci-003").failed_with(3)
    hub.inject(Fault("status", on="hub", path="/api/models", status=500, times=None))
    assert get("acme/other-GGUF").failed_with(9)


def test_a_repository_without_files_for_llama_cpp_says_to_bring_one(hub: FakeHub) -> None:
    repository = FakeRepository("acme/safe", card={"license": "apache-2.0"})
    repository.add_file("model.safetensors", b"weights")
    hub.add(repository)
    assert "latchkey models import" in get("acme/safe").failed_with(3)


def test_a_file_larger_than_the_disk_is_not_begun(hub: FakeHub, file: Path) -> None:
    repository = with_license(hub, file)
    size, sha256 = 10**15, repository.files["tiny-Q8_0.gguf"].sha256
    listing = {
        "id": NAME,
        "sha": repository.head,
        "gated": False,
        "cardData": repository.card,
        "tags": ["gguf"],
        "siblings": [{"rfilename": "tiny-Q8_0.gguf", "size": size, "lfs": {"size": size, "sha256": sha256}}],
    }
    repository.raw_info = json.dumps(listing).encode()
    refusal = get(NAME).failed_with(10)
    assert "GB" in refusal


def test_bytes_that_are_not_the_publishers_never_become_a_model(hub: FakeHub, file: Path) -> None:
    with_license(hub, file)
    hub.inject(Fault("wrong-bytes", path="", at=file.stat().st_size - 5, times=None))
    ran = get(NAME)
    assert ran.code == 7, ran
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert not latchkey("models", "show", NAME, "--json").json["installed"]
    assert "downloaded" not in events()
    hub.faults.clear()
    assert get(NAME).code == 0


def test_ctrl_c_pauses_and_the_same_command_goes_on_where_it_stopped(hub: FakeHub) -> None:
    repository = large(hub)
    size = repository.files["tiny-Q8_0.gguf"].size
    running = Running("models", "get", NAME)
    wait_until(lambda: hub.sent("cdn") > size // 4)
    running.interrupt()
    ran = running.end()
    assert ran.code == 130, ran
    assert ran.out == ""
    assert "Paused at" in ran.err
    assert "goes on where it stopped" in ran.err
    assert "Traceback" not in ran.err
    (waiting,) = unfinished()
    assert (waiting["model"], waiting["state"], waiting["total"]) == (NAME, "paused", size)
    assert 0 < waiting["done"] < size
    assert "1. Fetch the rest of tiny-Q8_0.gguf" in latchkey("models", "show", NAME).out
    assert NAME in latchkey("models", "downloads").out
    hub.rate = None
    before = hub.sent("cdn")
    assert get(NAME).code == 0
    assert hub.sent("cdn") - before < size
    assert unfinished() == []
    assert latchkey("models", "verify", NAME).code == 0


def test_a_killed_download_goes_on_as_well(hub: FakeHub) -> None:
    repository = large(hub)
    size = repository.files["tiny-Q8_0.gguf"].size
    running = Running("models", "get", NAME, "--json")
    wait_until(lambda: hub.sent("cdn") > size // 2)
    os.killpg(running.process.pid, signal.SIGKILL)
    assert running.end().out == ""
    assert [each["state"] for each in unfinished()] == ["paused"]
    hub.rate = None
    ran = get(NAME, "--json")
    assert ran.code == 0, ran
    assert Path(ran.json["path"]).read_bytes() == find_paths().builtin_model.read_bytes()


def test_a_download_that_is_given_up_leaves_nothing(hub: FakeHub) -> None:
    repository = large(hub)
    size = repository.files["tiny-Q8_0.gguf"].size
    running = Running("models", "get", NAME)
    wait_until(lambda: hub.sent("cdn") > size // 4)
    running.interrupt()
    assert running.end().code == 130
    assert latchkey("models", "downloads", "--cancel", "other").failed_with(3)
    ran = latchkey("models", "downloads", "--cancel", NAME)
    assert ran.code == 0, ran
    assert unfinished() == []
    assert [each for each in find_paths().models.rglob("*") if each.is_file()] == []


def test_a_second_command_waits_for_the_first_or_says_so_and_both_end_well(hub: FakeHub) -> None:
    large(hub)
    first = Running("models", "get", NAME, "--json")
    wait_until(lambda: hub.sent("cdn") > 0)
    second = Running("models", "get", NAME, "--json")
    hub.rate = None
    ends = [first.end(), second.end()]
    assert [each.code for each in ends] == [0, 0], ends
    assert ends[0].json["path"] == ends[1].json["path"]
    assert events().count("downloaded") == 1


def test_a_terminal_shows_how_far_it_is_and_lets_the_license_be_accepted_there(hub: FakeHub) -> None:
    publish(hub, NAME, find_paths().builtin_model)
    hub.rate = 700_000
    terminal = Terminal("models", "get", NAME)
    terminal.read_until("Read the whole text now? [y/N] ")
    terminal.type("\n")
    terminal.read_until("Your name: ")
    terminal.type("Ada\n")
    terminal.read_until("accept for one: ")
    terminal.type("\n")
    terminal.read_until("Your purpose (")
    terminal.read_until("): ")
    terminal.type("personal\n")
    terminal.read_until("Type “accept” to accept; anything else declines: ")
    terminal.type("accept\n")
    terminal.read_until("MB/s")
    assert terminal.end() == 0, terminal.screen
    assert " %  " in terminal.screen
    assert "left" in terminal.screen
    assert f"--model {NAME}" in terminal.screen
    assert events() == ["acknowledged", "downloaded"]
