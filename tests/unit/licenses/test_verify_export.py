"""An exported ledger on another machine: it holds, or the first thing that does not is named."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.errors import NotFoundError, ResourceError
from desktop.licenses.export import verify_export, write_export
from desktop.licenses.ledger_record import LedgerEvent
from tests.fakes.ledgers import RECORDS, TEXTS, OpenLedger, acknowledged, edit, fill, hash_of

Whole = dict[str, Any]


@pytest.fixture
def file(home: Path, tmp_path: Path, open_ledger: OpenLedger) -> Path:
    """An export of twelve records, in a folder with nothing else."""
    ledger = open_ledger(home)
    fill(ledger)
    found = ledger.snapshot()
    ledger.close()
    write_export(tmp_path / "ledger.json", found.records, found.texts, found.check, app_version="0.1.0")
    return tmp_path / "ledger.json"


def test_an_untouched_export_holds(file: Path) -> None:
    check = verify_export(file)
    assert (check.ok, check.records, check.first_bad, check.reason, check.kind) == (True, RECORDS, None, "", "")
    assert check.sealed_by == ""


def test_how_it_is_laid_out_does_not_matter(file: Path) -> None:
    whole = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(whole, sort_keys=True), encoding="utf-8")
    assert verify_export(file).ok


def test_an_export_of_nothing_holds(home: Path, tmp_path: Path, open_ledger: OpenLedger) -> None:
    found = open_ledger(home).snapshot()
    write_export(tmp_path / "a.json", found.records, found.texts, found.check, app_version="0.1.0")
    check = verify_export(tmp_path / "a.json")
    assert (check.ok, check.records) == (True, 0)


def test_a_ledger_begun_anew_holds_elsewhere_too(home: Path, tmp_path: Path, open_ledger: OpenLedger) -> None:
    ledger = open_ledger(home)
    fill(ledger)
    edit(
        home,
        "UPDATE ledger SET person = x'ff00' WHERE seq = 5",
        "UPDATE license_texts SET bytes = x'00' WHERE number = 1",
    )
    ledger.append(acknowledged(ledger, "alpaca", "CC-BY-NC-4.0", TEXTS[2]), afresh=True)
    found = ledger.snapshot()
    assert found.check.ok
    write_export(tmp_path / "a.json", found.records, found.texts, found.check, app_version="0.1.0")
    check = verify_export(tmp_path / "a.json")
    assert check.ok, check.reason
    assert check.marked == found.check.marked
    assert (check.marked[0].first, check.marked[0].last) == (1, 12)


def test_clocks_that_went_back_are_told(home: Path, tmp_path: Path, open_ledger: OpenLedger) -> None:
    times = iter([3e9, 1e9])
    ledger = open_ledger(home, lambda: next(times))
    ledger.append(LedgerEvent(event="loaded"))
    ledger.append(LedgerEvent(event="loaded"))
    found = ledger.snapshot()
    write_export(tmp_path / "a.json", found.records, found.texts, found.check, app_version="0.1.0")
    assert verify_export(tmp_path / "a.json").clock_back == (2,)


def record(seq: int, /, **values: Any) -> Callable[[Whole], object]:
    return lambda whole: whole["records"][seq - 1].update(values)


def drop(seq: int, name: str) -> Callable[[Whole], object]:
    return lambda whole: whole["records"][seq - 1].pop(name)


def remove(*seqs: int) -> Callable[[Whole], object]:
    return lambda whole: whole.update(records=[each for each in whole["records"] if each["seq"] not in seqs])


def swap(whole: Whole) -> None:
    records = whole["records"]
    records[3], records[5] = records[5], records[3]


def double(whole: Whole) -> None:
    whole["records"].insert(5, whole["records"][4])


def hash_anew(whole: Whole) -> None:
    whole["records"][4]["person"] = "Eve"
    whole["records"][4]["hash"] = hash_of(whole["records"][4])


def text_of(seq: int, change: Callable[[Whole, str], object]) -> Callable[[Whole], object]:
    return lambda whole: change(whole["texts"], whole["records"][seq - 1]["text_sha256"])


WAYS: dict[str, tuple[Callable[[Whole], object], str, int | None]] = {
    "a record edited": (record(5, person="Eve"), "chain", 5),
    "a refusal made an acknowledgement": (record(6, event="acknowledged"), "chain", 6),
    "the last edited": (record(12, note="x"), "chain", 12),
    "a field added": (record(5, approved="yes"), "damaged", 5),
    "a field removed": (drop(5, "person"), "chain", 5),
    "a hash removed": (drop(5, "hash"), "damaged", 5),
    "a number in place of text": (record(5, person=7), "damaged", 5),
    "text in place of a number": (record(5, seq="5"), "damaged", 5),
    "a number beyond all": (record(5, seq=10**30), "damaged", 5),
    "an unknown event": (record(5, event="blessed"), "damaged", 5),
    "a record removed": (remove(5), "chain", 5),
    "the first removed": (remove(1), "chain", 1),
    "the last removed": (remove(12), "shortened", 12),
    "the last three removed": (remove(10, 11, 12), "shortened", 10),
    "all removed": (lambda whole: whole.update(records=[]), "shortened", 1),
    "two swapped": (swap, "chain", 4),
    "one doubled": (double, "chain", 5),
    "all turned around": (lambda whole: whole["records"].reverse(), "chain", 1),
    "one hashed anew": (hash_anew, "chain", 5),
    "the end edited": (lambda whole: whole["head"].update(hash="f" * 64), "chain", None),
    "the end moved back": (lambda whole: whole["head"].update(seq=11), "chain", None),
    "a text edited": (text_of(2, lambda texts, sha256: texts[sha256].update(text="Do as you please.")), "damaged", 2),
    "a text emptied": (text_of(2, lambda texts, sha256: texts.update({sha256: {"base64": ""}})), "damaged", 2),
    "a text twice": (text_of(2, lambda texts, sha256: texts[sha256].update(base64="")), "damaged", 2),
    "a text of nothing": (text_of(2, lambda texts, sha256: texts.update({sha256: {}})), "damaged", 2),
    "bytes that are none": (text_of(5, lambda texts, sha256: texts[sha256].update(base64="§§")), "damaged", 5),
    "a text removed": (text_of(2, lambda texts, sha256: texts.pop(sha256)), "damaged", 2),
    "a text that nothing names": (lambda whole: whole["texts"].update({"a" * 64: {"text": "x"}}), "damaged", None),
    "another format": (lambda whole: whole.update(format="shopping-list"), "damaged", None),
    "a version to come": (lambda whole: whole.update(version=3), "damaged", None),
    "no head": (lambda whole: whole.pop("head"), "damaged", None),
    "no texts": (lambda whole: whole.pop("texts"), "damaged", None),
    "records of another kind": (lambda whole: whole.update(records={"1": {}}), "damaged", None),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_what_was_done_to_it_is_found(file: Path, name: str) -> None:
    change, kind, first_bad = WAYS[name]
    whole = json.loads(file.read_text(encoding="utf-8"))
    change(whole)
    file.write_text(json.dumps(whole), encoding="utf-8")
    check = verify_export(file)
    assert (check.ok, check.kind, check.first_bad) == (False, kind, first_bad), check.reason
    assert check.reason


def test_cut_short_anywhere_it_does_not_hold(file: Path) -> None:
    data = file.read_bytes().rstrip()
    for size in (0, 1, 50, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:size])
        assert verify_export(file).kind == "damaged"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 5000,
        b"\xff\xfe[]",
        b"[" * 3_000_000,
        b'{"a":' * 1_000_000,
        b"null",
        b"[]",
        b'"text"',
        b'{"format": "latchkey-ledger", "version": 1, "head": {"seq": 0, "hash": ""}, "records": [], "texts": {}}',
        b'{"format": "latchkey-ledger", "version": 1, "head": {"seq": 1, "hash": "\\ud800"}, "records": []}',
        b"1" * 100_000,
    ],
    ids=lambda data: repr(data[:12]),
)
def test_a_foreign_or_hostile_file_gets_an_answer(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(data)
    check = verify_export(tmp_path / "a.json")
    assert not check.ok
    assert check.reason


def test_a_file_of_two_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(2 << 30)
    check = verify_export(tmp_path / "a.json")
    assert not check.ok
    assert "too large" in check.reason


@pytest.mark.parametrize("value", [10**30, -(10**30), 10**15])
def test_a_number_beyond_all_is_named_beside_a_restart_too(
    home: Path, tmp_path: Path, value: int, open_ledger: OpenLedger
) -> None:
    ledger = open_ledger(home)
    fill(ledger)
    edit(home, "UPDATE ledger SET note = 'x' WHERE seq = 5")
    ledger.append(acknowledged(ledger, "alpaca", "MIT"), afresh=True)
    found = ledger.snapshot()
    write_export(tmp_path / "a.json", found.records, found.texts, found.check, app_version="0.1.0")
    whole = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    whole["records"][2]["seq"] = value
    (tmp_path / "a.json").write_text(json.dumps(whole), encoding="utf-8")
    assert not verify_export(tmp_path / "a.json").ok


def test_a_record_of_hostile_depth_is_named(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"person": "Ada Lovelace"', '"person": ' + "[" * 100_000 + "]" * 100_000, 1))
    check = verify_export(file)
    assert (check.ok, check.kind) == (False, "damaged")


def test_what_is_not_there_or_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        verify_export(tmp_path / "none.json")
    with pytest.raises(ResourceError):
        verify_export(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
        with pytest.raises(ResourceError):
            verify_export(tmp_path / "pipe.json")
