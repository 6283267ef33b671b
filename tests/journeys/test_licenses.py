"""A person and a license: refused before it is accepted, let in after, out again once it is taken back."""

import hashlib
from pathlib import Path

import pytest

from desktop.cli.output import cells
from desktop.paths import find_paths
from tests.accepting import import_and_accept
from tests.journeys.command import Running, Terminal, latchkey
from tests.journeys.desk import (
    LICENSE_TEXT,
    accept,
    accept_all,
    ask,
    choose,
    events,
    log,
    tiny_apache,
    tiny_research,
    waiting,
)
from tests.journeys.models import endless_model, let_answers_repeat

GUIDE = "latchkey-guide"


def text_of(license_id: str) -> bytes:
    return (find_paths().resources / "licenses" / f"{license_id.lower()}.txt").read_bytes()


def test_a_new_user_is_refused_reads_accepts_asks_revokes_and_is_refused_again(home: Path) -> None:
    model = tiny_apache(home)
    refusal = ask(model).failed_with(4)
    sha256 = hashlib.sha256(text_of("Apache-2.0")).hexdigest()
    assert f"latchkey licenses accept {model} --text-sha256 {sha256}" in refusal
    assert latchkey("licenses", "show", model).out.encode() == text_of("Apache-2.0")

    accepted = accept(model, sha256)
    assert accepted.code == 0, accepted
    assert "Ada Example" in accepted.out
    answered = ask(model)
    assert answered.code == 0, answered
    assert answered.err == ""

    revoked = latchkey("licenses", "revoke", model)
    assert revoked.code == 0, revoked
    assert "revoked" in ask(model).failed_with(4)

    imported, *records = log()
    assert imported["event"] == "imported"
    assert [record["event"] for record in records] == ["refused", "acknowledged", "loaded", "revoked", "refused"]
    assert {record["model"] for record in records} == {model}
    assert [record["seq"] for record in records] == [2, 3, 4, 5, 6]
    acknowledged, loaded = records[1], records[2]
    assert (acknowledged["person"], acknowledged["purpose"]) == ("Ada Example", "personal")
    assert (acknowledged["license"], acknowledged["text_sha256"]) == ("Apache-2.0", sha256)
    assert loaded["file_sha256"] == hashlib.sha256((home / "apache.gguf").read_bytes()).hexdigest()
    assert records[3]["license"] == "Apache-2.0"
    assert "waits" in records[0]["note"]
    checked = latchkey("licenses", "verify", "--json").json
    assert (checked["ok"], checked["records"], checked["first_bad"]) == (True, 6, None)


def test_looking_makes_no_ledger() -> None:
    for line in (
        ["models", "list"],
        ["models", "show", GUIDE],
        ["licenses", "list"],
        ["licenses", "show", GUIDE],
        ["licenses", "log"],
        ["licenses", "verify"],
        ["doctor"],
    ):
        assert latchkey(*line).code == 0, line
    assert not find_paths().ledger_file.exists()
    assert not find_paths().config.exists()


def test_revoking_in_another_process_stops_an_answer_in_the_middle(home: Path) -> None:
    path = endless_model(home / "endless.gguf")
    let_answers_repeat()
    model = import_and_accept(home, path)
    running = Running("ask", "hello", "--model", model)
    assert running.first_output()
    assert latchkey("licenses", "revoke", model).code == 0
    ran = running.end()
    assert ran.code == 4, ran.err
    assert "revoked" in ran.err
    assert "Traceback" not in ran.err
    assert events()[-2:] == ["loaded", "revoked"]


def test_revoked_in_the_middle_of_a_chat_the_answer_ends_and_what_was_said_is_kept(home: Path) -> None:
    model = import_and_accept(home, endless_model(home / "endless.gguf"))
    choose(model)
    let_answers_repeat()
    terminal = Terminal()
    terminal.read_until("> ")
    terminal.type("hello\n")
    for _ in range(5):
        terminal.read_until(" the")
    assert latchkey("licenses", "revoke", model).code == 0
    terminal.read_until("You revoked the license")
    terminal.read_until("> ")
    terminal.type("hello again\n")
    terminal.read_until("You revoked the license")
    terminal.type("/quit\n")
    assert terminal.end() == 0, terminal.screen
    (conversation,) = latchkey("conversations", "list", "--json").json
    messages = latchkey("conversations", "show", conversation["id"], "--json").json["messages"]
    assert messages[1]["status"] == "failed"
    assert " the" in messages[1]["text"]


@pytest.mark.parametrize("sha256", ["0" * 64, "", "apache"])
def test_a_hash_of_another_text_is_refused(sha256: str) -> None:
    refusal = accept(GUIDE, sha256).failed_with(4)
    assert hashlib.sha256(text_of("Apache-2.0")).hexdigest() in refusal
    assert events() == []


@pytest.mark.parametrize(
    "line",
    [
        ["--as", "Ada", "--purpose", "world domination"],
        ["--as", "Ada"],
        ["--purpose", "personal"],
        ["--as", " \u200b ", "--purpose", "personal"],
    ],
    ids=["no such purpose", "no purpose", "no name", "a name that cannot be seen"],
)
def test_a_name_and_a_purpose_are_needed(line: list[str]) -> None:
    sha256 = hashlib.sha256(text_of("Apache-2.0")).hexdigest()
    ran = latchkey("licenses", "accept", GUIDE, "--text-sha256", sha256, *line)
    assert ran.code == 2, ran
    assert events() == []


@pytest.mark.parametrize(
    "name",
    [
        "\U0001f511\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "מרים כהן\u200f",
        "Ada\nmodels: none",
        "a\u202eb",
        "x" * 9000,
        "Zoë\x1b[2J",
    ],
    ids=["emoji", "right-to-left", "line break", "override", "long", "escape"],
)
def test_any_name_is_recorded_to_the_letter_and_shown_harmlessly(name: str, home: Path) -> None:
    model = tiny_apache(home)
    sha256 = hashlib.sha256(text_of("Apache-2.0")).hexdigest()
    ran = accept(model, sha256, person=name)
    assert ran.code == 0, ran
    assert log()[1]["person"] == name
    shown = latchkey("licenses", "log")
    assert shown.out.count("\n") == 3  # the heading and two records, whatever the name holds
    assert all(cells(line) <= 100 for line in shown.out.splitlines())
    assert ask(model).code == 0


def test_a_name_beyond_all_bounds_is_refused_and_not_cut() -> None:
    sha256 = hashlib.sha256(text_of("Apache-2.0")).hexdigest()
    assert "too long" in accept(GUIDE, sha256, person="x" * 20_000).failed_with(4)
    assert events() == []


def test_a_purpose_that_the_license_rules_out_is_refused_with_its_clause(home: Path) -> None:
    imported = latchkey("models", "import", str(tiny_research(home)), "--json")
    assert imported.json["id"] == "tiny-research"
    (license_,) = waiting("tiny-research")
    refusal = accept("tiny-research", license_["text_sha256"], purpose="commercial").failed_with(8)
    assert "clause 2" in refusal
    assert "Nobody may earn money with it." in refusal
    assert events() == ["imported"]
    assert accept("tiny-research", license_["text_sha256"], purpose="research").code == 0
    assert ask("tiny-research").code == 0


def test_a_text_that_changed_suspends_the_model_until_the_new_one_is_accepted(home: Path) -> None:
    path = tiny_research(home)
    latchkey("models", "import", str(path))
    accept_all("tiny-research")
    assert ask("tiny-research").code == 0

    text = find_paths().config / "licenses" / "tiny.txt"
    text.write_text(LICENSE_TEXT.replace("Anybody may run it.", "Only members may run it."))
    assert "new text" in ask("tiny-research").failed_with(4)
    assert "new text" in ask("tiny-research").failed_with(4)
    assert events() == ["imported", "acknowledged", "loaded", "suspended", "refused", "refused"]
    assert "license changed" in latchkey("models", "list").out

    changes = latchkey("licenses", "show", "tiny-research", "--changes").out
    assert "- 1. Anybody may run it." in changes
    assert "+ 1. Only members may run it." in changes
    assert "commercial" not in changes  # what stayed as it was is left out

    old = hashlib.sha256(LICENSE_TEXT.encode()).hexdigest()
    assert accept("tiny-research", old).code == 4
    accept_all("tiny-research")
    assert ask("tiny-research").code == 0
    assert events()[-2:] == ["acknowledged", "loaded"]


def test_a_model_that_is_gone_can_still_be_revoked(home: Path) -> None:
    path = tiny_research(home)
    latchkey("models", "import", str(path))
    accept_all("tiny-research")
    latchkey("models", "remove", "tiny-research")
    (find_paths().config / "models.toml").unlink()
    assert latchkey("licenses", "revoke", "tiny-research").code == 0
    assert events() == ["imported", "acknowledged", "removed", "revoked"]
    assert latchkey("licenses", "revoke", "tiny-research").code == 3


def test_the_texts_of_several_licenses_are_told_apart() -> None:
    shown = latchkey("licenses", "show", "alpaca-7b")
    assert "==> LLaMA" in shown.out
    assert "LicenseRef-LLaMA" in shown.out
    assert "CC-BY-NC-4.0" in shown.out
    described = latchkey("licenses", "show", "alpaca-7b", "--json").json
    assert [each["id"] for each in described] == ["LicenseRef-LLaMA", "CC-BY-NC-4.0"]
    assert set(described[0]) >= {"id", "name", "spdx", "text", "sha256", "source", "restrictions"}
    (one,) = [each for each in latchkey("licenses", "list", "--json").json if each["id"] == "CC-BY-NC-4.0"]
    assert one == described[1] == latchkey("licenses", "show", "cc-by-nc-4.0", "--json").json
    assert one["spdx"] == "CC-BY-NC-4.0"
    assert described[0]["spdx"] is None
    assert {"restriction", "clause"} <= set(one["restrictions"][0])
    assert hashlib.sha256(one["text"].encode()).hexdigest() == one["sha256"]


def test_with_several_licenses_the_hash_says_which_one_is_meant(home: Path) -> None:
    first, second = waiting("alpaca-7b")
    assert accept("alpaca-7b", "0" * 64, purpose="research").failed_with(4)
    ran = accept("alpaca-7b", second["text_sha256"], purpose="research")
    assert ran.code == 0, ran
    assert first["text_sha256"] in ran.out  # what comes next
    assert [record["license"] for record in log()] == [second["id"]]
    refusal = accept("alpaca-7b", first["text_sha256"], purpose="personal").failed_with(8)
    assert "1.a" in refusal


def test_the_use_policy_that_a_license_incorporates_can_be_read() -> None:
    policy = latchkey("licenses", "show", "LicenseRef-Llama-3.2", "--acceptable-use")
    assert policy.code == 0, policy
    assert "Prohibited Uses" in policy.out
    assert latchkey("licenses", "show", "MIT", "--acceptable-use").failed_with(3)


def test_what_is_neither_license_nor_model_is_not_shown() -> None:
    assert "no-such-thing" in latchkey("licenses", "show", "no-such-thing").failed_with(3)
