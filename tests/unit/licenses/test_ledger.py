"""The ledger in use: what is recorded, what it comes to, what it keeps, and what it refuses."""

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from desktop.credentials.file_key_store import FileKeyStore
from desktop.credentials.ledger_key_store import LedgerAnchor, LedgerKeyLockedError
from desktop.errors import IntegrityError, LicenseError, ResourceError, UserError
from desktop.licenses.ledger import Ledger
from desktop.licenses.ledger_record import LedgerEvent
from desktop.storage.database_errors import NewerDatabaseError
from desktop.storage.ledger_store import LedgerStore
from tests.fakes.ledgers import RECORDS, TEXTS, OpenLedger, acknowledged, edit, file_of, fill


@pytest.fixture
def ledger(home: Path, open_ledger: OpenLedger) -> Ledger:
    return open_ledger(home)


# --- recorded --------------------------------------------------------------------------------------------------------


def test_looking_at_a_ledger_that_was_never_written_makes_nothing(home: Path, ledger: Ledger) -> None:
    check = ledger.check()
    assert (check.ok, check.records, check.sealed_by) == (True, 0, "")
    assert ledger.records() == []
    assert ledger.state().acknowledgement("a", "MIT") is None
    assert ledger.stamp() is None
    assert ledger.text("0" * 64) is None
    assert ledger.snapshot().records == ()
    assert list(home.iterdir()) == []


def test_a_record_says_who_when_and_what(ledger: Ledger) -> None:
    fact = acknowledged(ledger, "alpaca", "CC-BY-NC-4.0", organization="Engines Ltd", note="n")
    record = ledger.append(fact)
    assert ledger.records() == [record]
    assert {name: getattr(record, name) for name in LedgerEvent.__struct_fields__} == {
        name: getattr(fact, name) for name in LedgerEvent.__struct_fields__
    }
    assert (record.seq, record.os_user, record.app_version, record.previous) == (1, "ada", "0.1.0", "0" * 64)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.time)


def test_the_account_is_the_systems_own_word(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    ledger = Ledger(LedgerStore(file_of(home)), FileKeyStore(home / "config"), app_version="0.1.0")
    assert ledger.append(LedgerEvent(event="loaded")).os_user not in ("", "somebody-else")
    ledger.close()


def test_it_holds_after_every_record_and_in_every_process(home: Path, ledger: Ledger, open_ledger: OpenLedger) -> None:
    fill(ledger)
    for count in range(5):
        ledger.append(LedgerEvent(event="loaded", model=f"m{count}"))
        assert ledger.state().check == ledger.check() == open_ledger(home).check()
    assert ledger.check().records == RECORDS + 5


def test_several_facts_are_recorded_together_or_not_at_all(home: Path, ledger: Ledger) -> None:
    fill(ledger)
    with pytest.raises(LicenseError):
        ledger.append_all(
            [LedgerEvent(event="revoked", model="alpaca"), LedgerEvent(event="loaded", note="x" * 10_001)]
        )
    with pytest.raises(ValueError, match="not kept"):
        ledger.append_all(
            [LedgerEvent(event="loaded"), LedgerEvent(event="acknowledged", person="Ada", text_sha256="f" * 64)]
        )
    assert ledger.append_all([]) == []
    assert len(ledger.records()) == RECORDS
    assert ledger.check().ok


def test_nobody_restarts_or_invents_by_a_fact(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="restarted"):
        ledger.append(LedgerEvent(event="restarted"))
    with pytest.raises(ValueError, match="blessed"):
        ledger.append(LedgerEvent(event="blessed"))  # type: ignore[arg-type]


def test_the_database_itself_refuses_changes(home: Path, ledger: Ledger) -> None:
    fill(ledger)
    ledger.close()
    connection = sqlite3.connect(file_of(home), isolation_level=None)
    for statement in (
        "UPDATE ledger SET person = 'Eve'",
        "DELETE FROM ledger WHERE seq = 12",
        "REPLACE INTO ledger SELECT * FROM ledger WHERE seq = 5",
        'INSERT INTO ledger SELECT seq + 100, time, event, model, model_name, repository, "commit", file_sha256, '
        "license, text_sha256, person, organization, purpose, note, os_user, app_version, previous, hash FROM ledger",
        "UPDATE license_texts SET bytes = x''",
        "DELETE FROM license_texts",
        "REPLACE INTO license_texts SELECT * FROM license_texts WHERE number = 1",
        "INSERT INTO license_texts VALUES (99, 'x', x'00')",
    ):
        for recursive in ("OFF", "ON"):
            connection.execute(f"PRAGMA recursive_triggers = {recursive}")
            with pytest.raises(sqlite3.IntegrityError, match=r"ledger|license text"):
                connection.execute(statement)
    connection.close()
    assert ledger.check().ok


# --- what it comes to ------------------------------------------------------------------------------------------------


def test_an_acceptance_stands_until_it_is_revoked_or_suspended(ledger: Ledger) -> None:
    accepted = ledger.append(acknowledged(ledger, "a", "MIT"))
    other = ledger.append(acknowledged(ledger, "a", "Apache-2.0"))
    standing = ledger.state().acknowledgement("a", "MIT")
    assert standing is not None
    assert (standing.record, standing.status, standing.latest) == (accepted, "in-force", accepted)
    assert ledger.state().acknowledgement("b", "MIT") is None

    suspended = ledger.append(LedgerEvent(event="suspended", model="a", license="MIT", text_sha256="f" * 64))
    standing = ledger.state().acknowledgement("a", "MIT")
    assert standing is not None
    assert (standing.record, standing.status, standing.latest) == (accepted, "suspended", suspended)
    assert [each.record for each in ledger.state().acknowledgements()] == [accepted, other]

    again = ledger.append(acknowledged(ledger, "a", "MIT", TEXTS[1]))
    standing = ledger.state().acknowledgement("a", "MIT")
    assert standing is not None
    assert (standing.record, standing.status) == (again, "in-force")

    ledger.append(LedgerEvent(event="revoked", model="a", license="MIT"))
    standing = ledger.state().acknowledgement("a", "MIT")
    assert standing is not None
    assert standing.status == "revoked"
    assert [each.record for each in ledger.state().acknowledgements()] == [other]


def test_revoking_a_model_revokes_all_its_licenses_and_no_others(ledger: Ledger) -> None:
    for model, license_id in (("a", "MIT"), ("a", "Apache-2.0"), ("b", "MIT")):
        ledger.append(acknowledged(ledger, model, license_id))
    ledger.append(LedgerEvent(event="revoked", model="a"))
    assert [each.record.model for each in ledger.state().acknowledgements()] == ["b"]


def test_what_was_never_accepted_cannot_be_suspended_into_being(ledger: Ledger) -> None:
    ledger.append(LedgerEvent(event="suspended", model="a", license="MIT"))
    assert ledger.state().acknowledgement("a", "MIT") is None


def test_the_stamp_changes_with_every_record_of_any_process(
    home: Path, ledger: Ledger, open_ledger: OpenLedger
) -> None:
    stamps = [ledger.stamp()]
    other = open_ledger(home)
    for each in (ledger, other, ledger, other, other):
        each.append(LedgerEvent(event="loaded"))
        assert ledger.stamp() == ledger.stamp()
        stamps.append(ledger.stamp())
    assert len({repr(stamp) for stamp in stamps}) == 6


def test_what_another_process_revokes_is_seen_at_once(home: Path, ledger: Ledger, open_ledger: OpenLedger) -> None:
    fill(ledger)
    command = open_ledger(home)
    assert ledger.state().acknowledgement("alpaca", "CC-BY-NC-4.0") is not None
    command.append(LedgerEvent(event="revoked", model="alpaca"))
    standing = ledger.state().acknowledgement("alpaca", "CC-BY-NC-4.0")
    assert standing is not None
    assert standing.status == "revoked"


def test_a_clock_that_goes_back_changes_no_order(home: Path, open_ledger: OpenLedger) -> None:
    times = iter([1_000_000_000.0, 999_999_999.0, 999_999_999.5, -1e30, float("inf")])
    ledger = open_ledger(home, lambda: next(times))
    for count in range(5):
        ledger.append(LedgerEvent(event="loaded", model=f"m{count}"))
    assert [record.model for record in ledger.records()] == ["m0", "m1", "m2", "m3", "m4"]
    assert ledger.state().check == ledger.check()
    assert ledger.check().ok
    assert ledger.check().clock_back == (2, 4)


# --- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"line\r\nline\n\rline\r",
        b"\xef\xbb\xbfwith a mark\r\n",
        "Für Forschung".encode("latin-1"),
        "wide".encode("utf-16"),
        b"\x00\x01\x02",
        b"",
        os.urandom(1 << 20),
        b"A license of a megabyte. " * 42_000,
    ],
    ids=["CRLF", "BOM", "latin-1", "UTF-16", "NUL", "empty", "1 MB of bytes", "1 MB of text"],
)
def test_a_text_is_kept_to_the_byte(home: Path, ledger: Ledger, text: bytes, open_ledger: OpenLedger) -> None:
    record = ledger.append(acknowledged(ledger, "a", "MIT", text))
    ledger.close()
    assert record.text_sha256 == hashlib.sha256(text).hexdigest()
    assert open_ledger(home).text(record.text_sha256) == text
    assert open_ledger(home).check().ok


def test_a_text_is_kept_once(home: Path, ledger: Ledger) -> None:
    for model in ("a", "b", "c"):
        ledger.append(acknowledged(ledger, model, "MIT"))
    connection = sqlite3.connect(file_of(home))
    assert connection.execute("SELECT count(*) FROM license_texts").fetchone() == (1,)
    connection.close()


def test_a_changed_text_is_never_given_out(home: Path, ledger: Ledger, open_ledger: OpenLedger) -> None:
    fill(ledger)
    sha256 = hashlib.sha256(TEXTS[2]).hexdigest()
    edit(home, f"UPDATE license_texts SET bytes = x'00' WHERE sha256 = '{sha256}'")
    with pytest.raises(IntegrityError):
        open_ledger(home).text(sha256)


# --- names -----------------------------------------------------------------------------------------------------------

NAMES = {
    "Hebrew and Latin": "שרה \u202e Sarah \u200f",
    "emoji": "👩‍💻 Ada",
    "a line break": "Ada\nLovelace\r\n",
    "control characters": "\x00Ada\x1b[31m\x7f\x85",
    "quotes": "O'Brien \"; DROP TABLE ledger; --",
    "combining": "Zalgo" + "\u0301" * 500,
    "noncharacters": "A\ufffe\uffff\U0010ffff",
    "ten thousand": "ä" * 10_000,
}


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_name_is_kept_as_it_was_typed(home: Path, ledger: Ledger, name: str, open_ledger: OpenLedger) -> None:
    ledger.append(acknowledged(ledger, "a", "MIT", person=name, organization=name))
    ledger.close()
    (record,) = open_ledger(home).records()
    assert (record.person, record.organization) == (name, name)
    assert open_ledger(home).check().ok


def test_half_a_character_is_replaced(ledger: Ledger) -> None:
    record = ledger.append(acknowledged(ledger, "a", "MIT", person="Ada \ud83d", organization="\ud83d\ude00"))
    assert (record.person, record.organization) == ("Ada \ufffd", "\U0001f600")
    assert ledger.check().ok


@pytest.mark.parametrize("name", ["", " ", "\n\t\r", "\u00a0\u2003", "\u200b\u200d\ufeff", "\u202e", "\x00", "\ud800"])
def test_a_name_that_nobody_can_see_is_none(home: Path, ledger: Ledger, name: str) -> None:
    with pytest.raises(LicenseError):
        ledger.append(acknowledged(ledger, "a", "MIT", person=name))
    assert not file_of(home).exists()


@pytest.mark.parametrize("field", ["person", "organization", "note", "model_name"])
def test_more_than_ten_thousand_characters_are_refused(ledger: Ledger, field: str) -> None:
    fact = msgspec.structs.replace(acknowledged(ledger, "a", "MIT"), **{field: "x" * 10_001})
    with pytest.raises(UserError, match="10001"):
        ledger.append(fact)
    assert ledger.records() == []


# --- refused, or gone on with ----------------------------------------------------------------------------------------


def test_a_fresh_start_asked_for_without_need_is_none(ledger: Ledger) -> None:
    ledger.append(acknowledged(ledger, "a", "MIT"), afresh=True)
    ledger.append(acknowledged(ledger, "b", "MIT"), afresh=True)
    assert [record.event for record in ledger.records()] == ["acknowledged", "acknowledged"]
    assert ledger.check().marked == ()


def test_two_fresh_starts_leave_two_marks(home: Path, ledger: Ledger, open_ledger: OpenLedger) -> None:
    fill(ledger)
    for _ in range(2):
        seq = ledger.records()[-1].seq
        edit(home, f"UPDATE ledger SET note = 'x' WHERE seq = {seq}")
        ledger.append(acknowledged(ledger, "a", "MIT"), afresh=True)
    check = open_ledger(home).check()
    assert check.ok
    assert [(mark.first, mark.last) for mark in check.marked] == [(1, 12), (13, 14)]


def test_of_two_processes_that_begin_anew_one_does(home: Path, ledger: Ledger, open_ledger: OpenLedger) -> None:
    fill(ledger)
    edit(home, "UPDATE ledger SET note = 'x' WHERE seq = 3")
    window, command = open_ledger(home), open_ledger(home)
    assert not window.check().ok
    assert not command.check().ok
    window.append(acknowledged(window, "a", "MIT"), afresh=True)
    command.append(acknowledged(command, "b", "MIT"), afresh=True)
    assert [record.event for record in window.records()[RECORDS:]] == ["restarted", "acknowledged", "acknowledged"]
    assert [each.record.model for each in window.state().acknowledgements()] == ["a", "b"]
    window.append(LedgerEvent(event="loaded"))
    command.append(LedgerEvent(event="loaded"))
    assert open_ledger(home).check().ok


def test_a_key_of_yesterday_does_not_open_a_ledger_begun_anew(home: Path, ledger: Ledger) -> None:
    fill(ledger)
    old = FileKeyStore(home / "config").key()
    edit(home, "UPDATE ledger SET note = 'x' WHERE seq = 3")
    ledger.append(acknowledged(ledger, "a", "MIT"), afresh=True)
    assert FileKeyStore(home / "config").key() != old


def test_a_ledger_of_a_newer_latchkey_is_left_alone(home: Path, ledger: Ledger, open_ledger: OpenLedger) -> None:
    fill(ledger)
    ledger.close()
    edit(home, "PRAGMA user_version = 99")
    before = file_of(home).read_bytes()
    fresh = open_ledger(home)
    for use in (fresh.check, fresh.state, fresh.records):
        with pytest.raises(NewerDatabaseError):
            use()
    with pytest.raises(NewerDatabaseError):
        fresh.append(acknowledged(fresh, "a", "MIT"), afresh=True)
    assert file_of(home).read_bytes() == before


class LockedKeeper(FileKeyStore):
    """A keyring that stays shut."""

    def key(self) -> bytes | None:
        raise LedgerKeyLockedError("locked")


def test_behind_a_locked_keyring_nothing_counts_and_nothing_is_marked(home: Path, ledger: Ledger) -> None:
    fill(ledger)
    ledger.close()
    before = file_of(home).read_bytes()
    shut = Ledger(LedgerStore(file_of(home)), LockedKeeper(home / "config"), app_version="0.1.0")
    for use in (shut.check, shut.state):
        with pytest.raises(LedgerKeyLockedError):
            use()
    for afresh in (False, True):
        with pytest.raises(LedgerKeyLockedError):
            shut.append(acknowledged(shut, "a", "MIT"), afresh=afresh)
    shut.close()
    assert file_of(home).read_bytes() == before
    assert ledger.check().ok


def test_an_anchor_that_lags_behind_is_right(home: Path, ledger: Ledger, open_ledger: OpenLedger) -> None:
    """The process was killed between storing a record and remembering it."""
    fill(ledger)
    keeper = FileKeyStore(home / "config")
    anchor = keeper.anchor()
    ledger.append(LedgerEvent(event="loaded"))
    (home / "config" / "ledger-anchor.json").write_text(f'{{"seq": {anchor.seq}, "hash": "{anchor.hash}"}}')  # type: ignore[union-attr]
    assert open_ledger(home).check().ok
    open_ledger(home).append(LedgerEvent(event="loaded"))
    assert keeper.anchor() == LedgerAnchor(RECORDS + 2, ledger.records()[-1].hash)


def test_an_anchor_that_cannot_be_moved_loses_no_record(home: Path, ledger: Ledger, open_ledger: OpenLedger) -> None:
    fill(ledger)
    (home / "config" / "ledger-anchor.json").rename(home / "config" / "kept")
    (home / "config" / "ledger-anchor.json").mkdir()
    ledger.append(LedgerEvent(event="loaded"))
    (home / "config" / "ledger-anchor.json").rmdir()
    (home / "config" / "kept").rename(home / "config" / "ledger-anchor.json")
    assert open_ledger(home).check().ok
    assert len(open_ledger(home).records()) == RECORDS + 1


# --- disks -----------------------------------------------------------------------------------------------------------

_LIMITED = """
import resource, sys
from pathlib import Path
from desktop.errors import ResourceError
from tests.fakes.ledgers import ledger_in
from desktop.licenses.ledger_record import LedgerEvent
ledger = ledger_in(Path(sys.argv[1]))
ledger.check()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    for count in range(1000):
        ledger.append(LedgerEvent(event="loaded", note="x" * 5000))
except ResourceError as error:
    print("refused:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of this kind")
@pytest.mark.parametrize("limit", [0, 1000, 40_000, 100_000])
def test_a_disk_that_takes_no_more_is_told_and_nothing_is_half_written(
    home: Path, ledger: Ledger, limit: int, open_ledger: OpenLedger
) -> None:
    fill(ledger)
    ledger.close()
    code = [sys.executable, "-c", _LIMITED, str(home), str(limit)]
    done = subprocess.run(code, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused: ")
    after = open_ledger(home)
    assert after.check().ok
    after.append(LedgerEvent(event="loaded"))
    assert open_ledger(home).check().ok


_AS_STRANGER = """
import os, sys
from pathlib import Path
from desktop.errors import ResourceError
from desktop.licenses.ledger_record import LedgerEvent
from tests.fakes.ledgers import acknowledged, ledger_in
if os.geteuid() == 0:  # root may write everywhere
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
ledger = ledger_in(Path(sys.argv[1]))
try:
    ledger.append(acknowledged(ledger, "a", "MIT"), afresh=True)
except ResourceError as error:
    print("refused:", error)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights work otherwise on Windows")
@pytest.mark.parametrize("missing", [True, False])
def test_a_folder_that_cannot_be_written_is_told(home: Path, ledger: Ledger, missing: bool) -> None:
    if not missing:
        fill(ledger)
        ledger.close()
        (home / "config" / "ledger-key.json").chmod(0o644)
        (home / "config" / "ledger-anchor.json").chmod(0o644)
        (home / "config").chmod(0o755)
        (home / "data").chmod(0o555)
        file_of(home).chmod(0o444)
    home.chmod(0o555)
    code = [sys.executable, "-c", _AS_STRANGER, str(home)]
    done = subprocess.run(code, capture_output=True, text=True, check=False, timeout=60)
    home.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused: ")
    assert str(home) in done.stdout
    if missing:
        assert list(home.iterdir()) == []


def test_the_ledger_and_the_key_are_this_persons_alone(home: Path, ledger: Ledger) -> None:
    fill(ledger)
    files = [*(home / "data").iterdir(), *(home / "config").iterdir()]
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    with pytest.raises(ResourceError):
        Ledger(LedgerStore(home / "data" / "ledger.db" / "under"), FileKeyStore(home), app_version="").append(
            LedgerEvent(event="loaded")
        )


# --- of older versions -----------------------------------------------------------------------------------------------

HOMES = Path(__file__).parents[2] / "data" / "ledgers"


@pytest.mark.parametrize("version", sorted(HOMES.iterdir()), ids=lambda version: version.name)
def test_ledgers_of_every_version_hold_and_go_on(home: Path, version: Path, open_ledger: OpenLedger) -> None:
    shutil.copytree(version, home, dirs_exist_ok=True)
    ledger = open_ledger(home)
    check = ledger.check()
    assert (check.ok, check.records, check.reason) == (True, RECORDS, "")
    assert [each.record.model for each in ledger.state().acknowledgements()] == ["alpaca", "llama-2-7b"]
    assert ledger.text(hashlib.sha256(TEXTS[2]).hexdigest()) == TEXTS[2]
    ledger.append(LedgerEvent(event="loaded"))
    ledger.close()
    assert open_ledger(home).check().ok
