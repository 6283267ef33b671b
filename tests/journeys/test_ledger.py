"""The ledger as evidence: a hand in it is found, nothing is loaded on its word, and others can check a copy."""

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.journeys.command import latchkey
from tests.journeys.desk import accept_all, ask, events, log

GUIDE = "latchkey-guide"


@pytest.fixture
def used(home: Path) -> Path:
    """A home in which somebody accepted, asked and revoked, and accepted again."""
    accept_all(GUIDE)
    ask(GUIDE)
    latchkey("licenses", "revoke", GUIDE)
    accept_all(GUIDE)
    assert events() == ["acknowledged", "loaded", "revoked", "acknowledged"]
    return home


def tamper(*statements: str) -> None:
    """Change the ledger's file past its guards, as somebody with a database tool can."""
    connection = sqlite3.connect(find_paths().ledger_file)
    guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in guards:
        connection.execute(sql)
    connection.commit()
    connection.close()


@pytest.mark.usefixtures("used")
def test_a_changed_record_is_named_nothing_is_loaded_and_accepting_afresh_goes_on() -> None:
    tamper("UPDATE ledger SET person = 'Somebody Else' WHERE seq = 1")
    ran = latchkey("licenses", "verify", "--json")
    assert ran.code == 7, ran
    assert (ran.json["ok"], ran.json["records"], ran.json["first_bad"]) == (False, 4, 1)
    told = latchkey("licenses", "verify")
    assert told.code == 7
    assert "number 1" in told.out
    assert "ledger does not hold" in ask(GUIDE).failed_with(7)
    assert "does not hold" in latchkey("licenses", "log").err
    assert "does not hold" in latchkey("licenses", "revoke", GUIDE).failed_with(7)
    assert latchkey("doctor", "--json").code == 7
    assert len(log()) == 4  # a refusal is not added to what does not hold

    (needed,) = latchkey("models", "show", GUIDE, "--json").json["licenses"]
    line = ["accept", GUIDE, "--text-sha256", needed["text_sha256"], "--as", "Ada", "--purpose", "research"]
    accepted = latchkey("licenses", *line)
    assert accepted.code == 0, accepted
    assert "begins afresh" in accepted.err
    assert ask(GUIDE).code == 0
    checked = latchkey("licenses", "verify", "--json").json
    assert checked["ok"]
    assert [(each["first"], each["last"]) for each in checked["marked"]] == [(1, 4)]
    assert [record["event"] for record in log()][4:] == ["restarted", "acknowledged", "loaded"]
    assert "Records 1 to 4 count for nothing" in latchkey("licenses", "verify").out


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("DELETE FROM ledger WHERE seq = 3", 3),
        ("DELETE FROM ledger WHERE seq = 4", 4),
        ("UPDATE ledger SET text_sha256 = 'x' WHERE seq = 4", 4),
        ("DELETE FROM license_texts", 1),
    ],
    ids=["a revocation taken out", "the newest taken off", "another text", "the texts thrown away"],
)
def test_whoever_takes_something_away_is_found_out(statement: str, first_bad: int) -> None:
    tamper(statement)
    ran = latchkey("licenses", "verify", "--json")
    assert ran.code == 7, ran
    assert ran.json["first_bad"] == first_bad
    assert ask(GUIDE).code == 7


@pytest.mark.usefixtures("used")
def test_a_ledger_thrown_away_does_not_pass_for_a_new_one() -> None:
    for file in find_paths().data.glob("ledger.db*"):
        file.unlink()
    assert latchkey("licenses", "verify").code == 7
    assert ask(GUIDE).code == 7
    accept_all(GUIDE)
    assert ask(GUIDE).code == 0


def test_an_export_is_written_in_each_form_and_verified_on_another_machine(used: Path, tmp_path: Path) -> None:
    for suffix in (".json", ".csv", ".html", ".cdx.json"):
        ran = latchkey("licenses", "export", str(tmp_path / f"ledger{suffix}"))
        assert ran.code == 0, ran
        assert "4 records" in ran.out
    with (tmp_path / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 5
    report = (tmp_path / "ledger.html").read_text(encoding="utf-8")
    assert "Apache License" in report
    assert "Ada Example" in report
    assert json.loads((tmp_path / "ledger.cdx.json").read_text())["bomFormat"] == "CycloneDX"

    other = tmp_path / "other home"
    exported = tmp_path / "ledger.json"
    ran = latchkey("licenses", "verify", str(exported), "--json", LATCHKEY_HOME=str(other))
    assert ran.code == 0, ran
    assert (ran.json["ok"], ran.json["records"], ran.json["first_bad"]) == (True, 4, None)
    assert not (other / "data").exists()

    exported.write_text(exported.read_text().replace("Ada Example", "Bob Example", 1))
    ran = latchkey("licenses", "verify", str(exported), LATCHKEY_HOME=str(other))
    assert ran.code == 7, ran
    assert "does not hold" in ran.out
    assert latchkey("licenses", "verify", str(used / "no such file.json")).failed_with(3)


@pytest.mark.usefixtures("used")
def test_an_export_of_no_known_form_is_wrong_usage(tmp_path: Path) -> None:
    assert ".cdx.json" in latchkey("licenses", "export", str(tmp_path / "ledger.pdf")).failed_with(2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("used")
def test_doctor_says_whether_the_ledger_holds_and_where_its_key_is() -> None:
    found = latchkey("doctor", "--json").json["ledger"]
    assert (found["records"], found["holds"], found["sealed_by"]) == (4, True, "file")
    assert "key" in latchkey("doctor").out


def test_the_ledger_holds_no_word_of_a_conversation() -> None:
    accept_all(GUIDE)
    answer = latchkey("ask", "Do you know the word xylophone?").out.strip()
    kept = b"".join(file.read_bytes() for file in find_paths().data.glob("ledger.db*"))
    assert b"xylophone" not in kept
    assert answer
    assert answer.encode() not in kept
