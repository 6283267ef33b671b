"""The ledger as evidence: a hand in it is found, nothing is loaded on its word, and others can check a copy."""

import csv
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from desktop.paths import find_paths
from tests.journeys.command import latchkey
from tests.journeys.desk import accept_all, ask, events, log, tiny_research

GUIDE = "latchkey-guide"
MODEL = "tiny-research"


@pytest.fixture(scope="module")
def _used_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("used")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATCHKEY_HOME", str(home))
        latchkey("models", "import", str(tiny_research(home)))
        accept_all(MODEL)
        ask(MODEL)
        latchkey("licenses", "revoke", MODEL)
        accept_all(MODEL)
        assert events() == ["imported", "acknowledged", "loaded", "revoked", "acknowledged"]
    return home


@pytest.fixture
def used(home: Path, _used_once: Path) -> Path:
    """A home in which somebody accepted, asked and revoked, and accepted again: a copy, to be changed at will."""
    shutil.copytree(_used_once, home, dirs_exist_ok=True)
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
    tamper("UPDATE ledger SET person = 'Somebody Else' WHERE seq = 2")
    ran = latchkey("licenses", "verify", "--json")
    assert ran.code == 7, ran
    assert (ran.json["ok"], ran.json["records"], ran.json["first_bad"]) == (False, 5, 2)
    told = latchkey("licenses", "verify")
    assert told.code == 7
    assert "number 2" in told.out
    assert "ledger does not hold" in ask(MODEL).failed_with(7)
    assert "does not hold" in latchkey("licenses", "log").err
    assert "does not hold" in latchkey("licenses", "revoke", MODEL).failed_with(7)
    assert latchkey("doctor", "--json").code == 7
    assert len(log()) == 5  # a refusal is not added to what does not hold

    (needed,) = latchkey("models", "show", MODEL, "--json").json["licenses"]
    line = ["accept", MODEL, "--text-sha256", needed["text_sha256"], "--as", "Ada", "--purpose", "research"]
    accepted = latchkey("licenses", *line)
    assert accepted.code == 0, accepted
    assert "begins afresh" in accepted.err
    assert ask(MODEL).code == 0
    checked = latchkey("licenses", "verify", "--json").json
    assert checked["ok"]
    assert [(each["first"], each["last"]) for each in checked["marked"]] == [(1, 5)]
    assert [record["event"] for record in log()][5:] == ["restarted", "acknowledged", "loaded"]
    assert "Records 1 to 5 count for nothing" in latchkey("licenses", "verify").out


@pytest.mark.usefixtures("used")
@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("DELETE FROM ledger WHERE seq = 4", 4),
        ("DELETE FROM ledger WHERE seq = 5", 5),
        ("UPDATE ledger SET text_sha256 = 'x' WHERE seq = 5", 5),
        ("DELETE FROM license_texts", 2),
    ],
    ids=["a revocation taken out", "the newest taken off", "another text", "the texts thrown away"],
)
def test_whoever_takes_something_away_is_found_out(statement: str, first_bad: int) -> None:
    tamper(statement)
    ran = latchkey("licenses", "verify", "--json")
    assert ran.code == 7, ran
    assert ran.json["first_bad"] == first_bad
    assert ask(MODEL).code == 7


@pytest.mark.usefixtures("used")
def test_a_ledger_thrown_away_does_not_pass_for_a_new_one() -> None:
    for file in find_paths().data.glob("ledger.db*"):
        file.unlink()
    assert latchkey("licenses", "verify").code == 7
    assert ask(MODEL).code == 7
    accept_all(MODEL)
    assert ask(MODEL).code == 0


def test_an_export_is_written_in_each_form_and_verified_on_another_machine(used: Path, tmp_path: Path) -> None:
    for suffix in (".json", ".csv", ".html", ".cdx.json"):
        ran = latchkey("licenses", "export", str(tmp_path / f"ledger{suffix}"))
        assert ran.code == 0, ran
        assert "5 records" in ran.out
    with (tmp_path / "ledger.csv").open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.reader(file))) == 6
    report = (tmp_path / "ledger.html").read_text(encoding="utf-8")
    assert "Tiny Research License" in report
    assert "Ada Example" in report
    assert json.loads((tmp_path / "ledger.cdx.json").read_text())["bomFormat"] == "CycloneDX"

    other = tmp_path / "other home"
    exported = tmp_path / "ledger.json"
    ran = latchkey("licenses", "verify", str(exported), "--json", LATCHKEY_HOME=str(other))
    assert ran.code == 0, ran
    assert (ran.json["ok"], ran.json["records"], ran.json["first_bad"]) == (True, 5, None)
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
    assert (found["records"], found["holds"], found["sealed_by"]) == (5, True, "file")
    assert "key" in latchkey("doctor").out


@pytest.mark.usefixtures("used")
def test_no_segment_is_begun_where_the_key_is_there() -> None:
    assert "no new segment" in latchkey("licenses", "new-segment").failed_with(7)
    assert len(log()) == 5


def test_without_its_key_the_ledger_goes_on_in_a_new_segment(used: Path) -> None:
    (used / "config" / "ledger-key.json").unlink()
    assert latchkey("licenses", "verify").code == 7
    begun = latchkey("licenses", "new-segment", "--json").json
    assert (begun["seq"], begun["ok"], begun["records"]) == (6, True, 6)
    assert [(each["first"], each["last"], each["sealed"]) for each in begun["segments"]] == [
        (1, 5, False),
        (6, 6, True),
    ]
    assert "Records 1 to 5 are unsealed" in latchkey("licenses", "verify").out
    assert latchkey("doctor", "--json").json["ledger"]["unsealed"] == 5
    assert "accept" in ask(MODEL).failed_with(4)
    accept_all(MODEL)
    assert ask(MODEL).code == 0
    assert [record["event"] for record in log()][:6] == [*events()[:5], "segment-begun"]
    exported = used / "ledger.json"
    assert latchkey("licenses", "export", str(exported)).code == 0
    assert "Records 1 to 5 are unsealed" in latchkey("licenses", "verify", str(exported)).out


def test_a_ledger_that_is_gone_while_its_key_is_there_is_missed(used: Path) -> None:
    for file in (used / "data").glob("ledger.db*"):
        file.unlink()
    (used / "config" / "ledger-anchor.json").unlink()
    told = latchkey("licenses", "verify")
    assert told.code == 7
    assert "The ledger is gone" in told.out


def test_the_ledger_holds_no_word_of_a_conversation() -> None:
    accept_all(GUIDE)
    answer = latchkey("ask", "Do you know the word xylophone?").out.strip()
    kept = b"".join(file.read_bytes() for file in find_paths().data.glob("ledger.db*"))
    assert b"xylophone" not in kept
    assert answer
    assert answer.encode() not in kept
