"""Records that came out of a backup: kept whole, told apart, and worth nothing but what they tell."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import msgspec
import pytest

from desktop.errors import LicenseError
from desktop.licenses.export.export_formats import write_export
from desktop.licenses.export.json_export import read_export, verify_export
from desktop.licenses.ledger import Ledger
from desktop.licenses.ledger_record import LedgerEvent
from desktop.licenses.ledger_restore import restore_records
from desktop.licenses.restored_records import (
    original_of,
    restored_event,
    restored_note,
    restored_ranges,
    restored_sentence,
)
from desktop.storage.database_errors import NewerDatabaseError
from desktop.storage.ledger_store import LedgerStore
from desktop.storage.migration import LEDGER_MIGRATIONS
from tests.fakes.ledgers import RECORDS, OpenLedger, acknowledged, edit, file_of, fill


@pytest.fixture
def restored(home: Path, tmp_path: Path, open_ledger: OpenLedger) -> Ledger:
    """A ledger with a record of its own, and twelve of another home behind it."""
    there = open_ledger(tmp_path / "there")
    fill(there)
    ledger = open_ledger(home)
    ledger.append(acknowledged(ledger, "mine", "MIT", b"Mine.\n"))
    restore_records(ledger, read_export(export(there, tmp_path / "there.json")))
    return ledger


def export(ledger: Ledger, path: Path) -> Path:
    found = ledger.snapshot()
    write_export(path, found.records, found.texts, found.check, app_version="0.1.0", machine="m", os_user="ada")
    return path


def test_each_tells_a_whole_record_of_the_other_ledger(
    restored: Ledger, tmp_path: Path, open_ledger: OpenLedger
) -> None:
    there = open_ledger(tmp_path / "there").records()
    records = restored.records()[1:]
    assert [original.record for record in records if (original := original_of(record))] == there
    accepted = records[1]
    assert (accepted.model, accepted.person, accepted.purpose) == ("llama-2-7b", "Ada Lovelace", "research")
    assert accepted.text_sha256 == there[1].text_sha256


def test_what_was_accepted_and_revoked_there_changes_nothing_here(home: Path, restored: Ledger) -> None:
    revoked = restored_event(msgspec.structs.replace(restored.records()[0], event="revoked", model="mine"), held=True)
    assert revoked is not None
    restored.append(revoked)
    in_force = [each.record.model for each in restored.state().acknowledgements() if each.status == "in-force"]
    assert in_force == ["mine"]


def test_it_holds_and_a_change_in_what_is_told_is_found(home: Path, restored: Ledger, open_ledger: OpenLedger) -> None:
    assert restored.check().ok
    assert restored.check() == open_ledger(home).check() == restored.state().check
    restored.close()
    edit(home, "UPDATE ledger SET note = replace(note, 'Ada', 'Eve') WHERE seq = 3")
    check = open_ledger(home).check()
    assert (check.ok, check.first_bad) == (False, 3)


def test_ranges_say_which_of_them_can_be_relied_on(restored: Ledger) -> None:
    (part,) = restored_ranges(restored.records())
    assert (part.first, part.last, part.held, part.intact) == (2, RECORDS + 1, True, True)
    assert "Records 2 to 13 were restored" in restored_sentence(part)
    forged = msgspec.structs.replace(restored.records()[0], person="Eve")
    fact = restored_event(forged, held=True)
    assert fact is not None
    restored.append(fact)
    last = restored_ranges(restored.records())[-1]
    assert (last.first, last.intact) == (RECORDS + 2, False)
    assert "changed before it was restored" in restored_sentence(last)


def test_exports_show_them_and_verify(restored: Ledger, tmp_path: Path) -> None:
    whole = export(restored, tmp_path / "a.json")
    assert verify_export(whole).ok
    assert json.loads(whole.read_text())["version"] == 2
    rows = list(csv.DictReader(io.StringIO(export(restored, tmp_path / "a.csv").read_text())))
    assert [row["event"] for row in rows] == ["acknowledged", *["restored"] * RECORDS]
    html = export(restored, tmp_path / "a.html").read_text()
    assert "Records 2 to 13 were restored from a backup" in html
    assert "Record 1 of another ledger" in html
    bill = json.loads(export(restored, tmp_path / "a.cdx.json").read_text())
    assert [each["name"] for each in bill["components"]] == ["Mine"]


def test_a_ledger_without_them_exports_what_an_older_latchkey_verifies(
    home: Path, open_ledger: OpenLedger, tmp_path: Path
) -> None:
    ledger = open_ledger(home)
    fill(ledger)
    assert json.loads(export(ledger, tmp_path / "a.json").read_text())["version"] == 1


def test_an_older_latchkey_is_refused_by_the_version(home: Path, restored: Ledger) -> None:
    """It would take such a record for tampering."""
    restored.close()
    old = LedgerStore(file_of(home))
    old._database._migrations = LEDGER_MIGRATIONS[:2]
    with pytest.raises(NewerDatabaseError), old.read():
        pass
    old.close()


def test_a_note_that_cannot_be_read_is_shown_as_it_is(home: Path, open_ledger: OpenLedger) -> None:
    ledger = open_ledger(home)
    record = ledger.append(LedgerEvent(event="restored", note='{"held": true}'))
    assert original_of(record) is None
    assert restored_note(record) == '{"held": true}'
    (part,) = restored_ranges([record])
    assert not part.intact


def test_a_record_that_is_too_long_is_left_out(home: Path, restored: Ledger) -> None:
    long = msgspec.structs.replace(restored.records()[0], note="x" * 2_000_000)
    assert restored_event(long, held=True) is None
    with pytest.raises(LicenseError, match="too long"):
        restored.append(LedgerEvent(event="restored", note="x" * 1_020_000))
    with pytest.raises(LicenseError, match="too long"):
        restored.append(LedgerEvent(event="loaded", note="x" * 10_001))
