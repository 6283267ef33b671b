"""What is said of a ledger: sentences for whatever was found."""

import pytest

from desktop.cli.licenses_ledger_command import check_sentences
from desktop.licenses.ledger_chain import InvalidatedRecords
from desktop.licenses.ledger_seal import LedgerCheck, LedgerSegment


def said(check: LedgerCheck, *, exported: bool = False) -> str:
    lines = list(check_sentences(check, exported=exported))
    assert all(len(line) <= 100 for line in lines)
    return " ".join(" ".join(lines).split())


def test_a_ledger_that_holds_says_how_much_and_where_its_key_is() -> None:
    assert "The ledger holds: 1 record." in said(LedgerCheck(True, 1, sealed_by="keyring"))
    assert "keyring of this account" in said(LedgerCheck(True, 12, sealed_by="keyring"))
    assert "12 records" in said(LedgerCheck(True, 12, sealed_by="file"))
    assert "file of the settings folder" in said(LedgerCheck(True, 12, sealed_by="file"))


def test_an_empty_ledger_is_no_fault() -> None:
    assert said(LedgerCheck(True, 0)) == "Nothing was recorded yet."


def test_a_fault_names_the_record_the_reason_and_the_way_on() -> None:
    told = said(LedgerCheck(False, 9, 4, "Record 4 was changed after it was written.", "chain"))
    assert "Record 4 was changed" in told
    assert "first bad record is number 4" in told
    assert "accepted afresh" in told


def test_an_export_is_judged_without_a_word_about_loading() -> None:
    told = said(LedgerCheck(False, 9, 4, "Record 4 was changed.", "chain"), exported=True)
    assert "The export does not hold." in told
    assert "afresh" not in told
    assert "The export holds: 9 records." in said(LedgerCheck(True, 9), exported=True)


@pytest.mark.parametrize(("first", "last", "wanted"), [(1, 4, "Records 1 to 4"), (0, 0, "Begun afresh on 2026-11-25")])
def test_records_that_no_longer_count_are_told(first: int, last: int, wanted: str) -> None:
    marked = InvalidatedRecords(first, last, "Record 2 is missing.", "2026-11-25T04:00:00.000Z")
    told = said(LedgerCheck(True, 6, marked=(marked,), sealed_by="file"))
    assert wanted in told
    assert "Record 2 is missing." in told


def test_a_clock_that_went_back_is_told_with_the_records() -> None:
    told = said(LedgerCheck(True, 6, clock_back=(3, 5)))
    assert "before record 3, 5" in told
    assert "order of records is that of their numbers" in told


def test_each_segment_is_told_with_what_counts_in_it() -> None:
    segments = (
        LedgerSegment(1, 3, False, False, "The key is gone.", "2026-11-25T04:00:00.000Z"),
        LedgerSegment(4, 4, True, False, "", "2026-11-25T04:00:00.000Z"),
        LedgerSegment(5, 6, True, True, "", ""),
    )
    told = said(LedgerCheck(True, 6, segments=segments, sealed_by="keyring"))
    assert "Records 1 to 3 are unsealed. The key is gone. What was accepted there does not count" in told
    assert "Record 4 is a segment of its own. The keyring did not open then" in told
    assert "Records 5 to 6 are a segment of their own, and what was accepted in them counts." in told
