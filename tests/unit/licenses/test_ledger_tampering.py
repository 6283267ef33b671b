"""Every way to tamper with the ledger that we could think of, each found, and each survived.

`WAYS` is the list: a name, what is done, what `check` calls it, and the first bad record where one can be named. For
each of them the check fails, nothing that was acknowledged counts any more, nothing is added, a ledger that was open
meanwhile sees it as well, and a fresh acknowledgement marks what is there and begins anew.
"""

import dataclasses
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop.conversation import Conversation
from desktop.credentials.file_key_store import FileKeyStore
from desktop.errors import IntegrityError
from desktop.licenses.ledger_record import LedgerEvent
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from tests.fakes.ledgers import (
    RECORDS,
    TEXTS,
    OpenLedger,
    acknowledged,
    edit,
    facts,
    file_of,
    fill,
    hash_of,
    ledger_in,
    rows,
    write_anew,
)

Rows = list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Way:
    """One way; `kept` is how many of the twelve records are still in the file afterwards, None where it is gone."""

    name: str
    do: Callable[[Path], object]
    kind: str
    first_bad: int | None = None
    kept: int | None = RECORDS


def sql(*statements: str, unguarded: bool = False) -> Callable[[Path], None]:
    return lambda home: edit(home, *statements, unguarded=unguarded)


def anew(change: Callable[[Rows], Rows], hashes: int = RECORDS + 9) -> Callable[[Path], None]:
    return lambda home: write_anew(home, change, hashes=hashes)


def changed(seq: int, **values: Any) -> Callable[[Rows], Rows]:
    return lambda found: [{**row, **values} if row["seq"] == seq else row for row in found]


def in_config(name: str, data: bytes | None) -> Callable[[Path], None]:
    def do(home: Path) -> None:
        if data is None:
            (home / "config" / name).unlink()
        else:
            (home / "config" / name).write_bytes(data)

    return do


def both(*ways: Callable[[Path], object]) -> Callable[[Path], None]:
    def do(home: Path) -> None:
        for way in ways:
            way(home)

    return do


def swap_contents(found: Rows) -> Rows:
    found[4], found[6] = {**found[6], "seq": 5}, {**found[4], "seq": 7}
    return found


def put_in(found: Rows) -> Rows:
    made = {**found[4], "model": "forged"}
    return [{**row, "seq": at + 1} for at, row in enumerate([*found[:4], made, *found[4:]])]


def close_gap(found: Rows) -> Rows:
    return [{**row, "seq": at + 1} for at, row in enumerate(found[:4] + found[5:])]


def one_hash_anew(found: Rows) -> Rows:
    found[4]["person"] = "Somebody Else"
    found[4]["hash"] = hash_of(found[4])
    return found


def previous_anew(found: Rows) -> Rows:
    found[4]["previous"] = "e" * 64
    found[4]["hash"] = hash_of(found[4])
    return found


def seal_follows(home: Path) -> None:
    last = rows(home)[-1]
    edit(home, f"UPDATE seal SET seq = {last['seq']}, hash = '{last['hash']}'")


def older_copy(home: Path) -> None:
    """Put back what was copied when ten records were there, the file and its journal."""
    for suffix in ("", "-wal", "-shm"):
        (home / "data" / f"ledger.db{suffix}").unlink(missing_ok=True)
    for file in (home / "backup").iterdir():
        shutil.copy(file, home / "data" / file.name)


def older_copy_over(home: Path) -> None:
    """The same, over the file that is there."""
    file_of(home).write_bytes((home / "checkpointed.db").read_bytes())
    for suffix in ("-wal", "-shm"):
        (home / "data" / f"ledger.db{suffix}").unlink(missing_ok=True)


def delete(home: Path) -> None:
    for file in (home / "data").iterdir():
        file.unlink()


def empty(home: Path) -> None:
    delete(home)
    file_of(home).touch()


def cut(home: Path) -> None:
    checkpoint(home)
    os.truncate(file_of(home), file_of(home).stat().st_size // 2)


def overwrite_page(home: Path) -> None:
    checkpoint(home)
    connection = sqlite3.connect(file_of(home))
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ledger'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with file_of(home).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xaa" * size)


def checkpoint(home: Path) -> None:
    connection = sqlite3.connect(file_of(home))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def chats_in_its_place(home: Path) -> None:
    delete(home)
    database = Database(file_of(home))
    ConversationStore(database).create(Conversation("c"))
    database.close()


def ledger_of_another(home: Path) -> None:
    other = home / "other"
    ledger = ledger_in(other)
    fill(ledger)
    ledger.close()
    delete(home)
    checkpoint(other)
    shutil.copy(file_of(other), file_of(home))


def key_of_another(home: Path) -> None:
    FileKeyStore(home / "elsewhere").make_key()
    shutil.copy(home / "elsewhere" / "ledger-key.json", home / "config" / "ledger-key.json")


def anchor(seq: int, value: str) -> Callable[[Path], None]:
    return in_config("ledger-anchor.json", json.dumps({"seq": seq, "hash": value}).encode())


last_removed = sql("DELETE FROM ledger WHERE seq = 12")
key_deleted = in_config("ledger-key.json", None)
anchor_deleted = in_config("ledger-anchor.json", None)

FIELDS = (
    "time",
    "model",
    "model_name",
    "repository",
    "commit",
    "file_sha256",
    "license",
    "text_sha256",
    "person",
    "organization",
    "purpose",
    "note",
    "os_user",
    "app_version",
    "previous",
    "hash",
)

WAYS = (
    *(Way(f"{name} edited", sql(f"UPDATE ledger SET \"{name}\" = 'x' WHERE seq = 5"), "chain", 5) for name in FIELDS),
    Way("refusal made an acknowledgement", sql("UPDATE ledger SET event = 'acknowledged' WHERE seq = 6"), "chain", 6),
    Way("revocation made a load", sql("UPDATE ledger SET event = 'loaded' WHERE seq = 10"), "chain", 10),
    Way("moved to another model", sql("UPDATE ledger SET model = 'vicuna' WHERE seq = 2"), "chain", 2),
    Way("first record edited", sql("UPDATE ledger SET person = 'Eve' WHERE seq = 1"), "chain", 1),
    Way("last record edited", sql("UPDATE ledger SET note = 'x' WHERE seq = 12"), "chain", 12),
    Way("edited with the triggers gone", sql("UPDATE ledger SET note = 'x' WHERE seq = 5", unguarded=True), "chain", 5),
    Way("bytes in place of text", sql("UPDATE ledger SET person = x'416461' WHERE seq = 5"), "chain", 5),
    Way("no UTF-8", sql("UPDATE ledger SET person = CAST(x'ff41' AS TEXT) WHERE seq = 5"), "chain", 5),
    Way("a NUL added", sql("UPDATE ledger SET person = person || char(0) WHERE seq = 5"), "chain", 5),
    Way("first removed", sql("DELETE FROM ledger WHERE seq = 1"), "chain", 1, 11),
    Way("one in the middle removed", sql("DELETE FROM ledger WHERE seq = 5"), "chain", 5, 11),
    Way("one removed and the gap closed", anew(close_gap), "chain", 5, 11),
    Way("three in the middle removed", sql("DELETE FROM ledger WHERE seq IN (4, 5, 6)"), "chain", 4, 9),
    Way("last removed", last_removed, "shortened", 12, 11),
    Way("last three removed", sql("DELETE FROM ledger WHERE seq > 9"), "shortened", 10, 9),
    Way("last removed, seal too", sql("DELETE FROM ledger WHERE seq > 11", "DELETE FROM seal"), "shortened", 12, 11),
    Way("last removed, seal moved back", both(last_removed, seal_follows), "shortened", 12, 11),
    Way("all removed", sql("DELETE FROM ledger"), "shortened", 1, 0),
    Way("two swapped", anew(swap_contents), "chain", 5),
    Way("renumbered", sql("UPDATE ledger SET seq = 13 WHERE seq = 12"), "chain", 12),
    Way("renumbered below all", sql("UPDATE ledger SET seq = -3 WHERE seq = 5"), "chain", -3),
    Way("doubled at the end", anew(lambda found: [*found, {**found[4], "seq": 13}]), "chain", 13, 13),
    Way("doubled and hashed", anew(lambda found: [*found, {**found[4], "seq": 13}], 12), "seal", 13, 13),
    Way("put in between", anew(put_in), "chain", 5, 13),
    Way("one hashed anew", anew(one_hash_anew), "chain", 5),
    Way("previous edited and hashed", anew(previous_anew), "chain", 5),
    Way("event unknown, all hashed anew", anew(changed(5, event="blessed"), 0), "chain", 5),
    Way("a restart forged, all hashed anew", anew(changed(5, event="restarted"), 0), "chain", 5),
    Way("all hashed anew", anew(changed(5, person="Eve"), 0), "seal"),
    Way("the rest hashed anew", anew(changed(5, person="Eve"), 4), "seal"),
    Way("all hashed anew, seal follows", both(anew(changed(5, person="Eve"), 0), seal_follows), "seal"),
    Way("seal removed", sql("DELETE FROM seal"), "seal"),
    Way("seal's code edited", sql("UPDATE seal SET mac = replace(mac, substr(mac, 1, 1), 'x')"), "seal"),
    Way("seal's code no text", sql("UPDATE seal SET mac = x'00ff'"), "seal"),
    Way("seal's hash edited", sql("UPDATE seal SET hash = 'x'"), "seal"),
    Way("seal's place edited", sql("UPDATE seal SET kept_in = 'keyring'"), "seal"),
    Way("seal's number edited", sql("UPDATE seal SET seq = 11"), "seal"),
    Way("seal's number ahead", sql("UPDATE seal SET seq = 14"), "shortened", 13),
    Way("seal's key edited", sql("UPDATE seal SET key_id = '0123456789abcdef'"), "key-lost"),
    Way("triggers dropped", sql(unguarded=True), "damaged"),
    Way(
        "a trigger added",
        sql("CREATE TRIGGER quiet AFTER INSERT ON ledger BEGIN DELETE FROM license_texts; END"),
        "damaged",
    ),
    Way("a column added", sql("ALTER TABLE ledger ADD COLUMN mood TEXT"), "damaged", None, None),
    Way("the table renamed", sql("ALTER TABLE ledger RENAME TO old", unguarded=True), "damaged", None, None),
    Way("license text changed", sql("UPDATE license_texts SET bytes = bytes || x'0a' WHERE number = 3"), "damaged", 5),
    Way("license text removed", sql("DELETE FROM license_texts WHERE number = 2"), "damaged", 2),
    Way("license text under another hash", sql("UPDATE license_texts SET sha256 = 'x' WHERE number = 1"), "damaged", 1),
    Way("older copy with its journal", older_copy, "shortened", 11, 10),
    Way("older copy over the file", older_copy_over, "shortened", 11, 10),
    Way("deleted", delete, "shortened", 1, 0),
    Way("emptied", empty, "shortened", 1, 0),
    Way("cut in half", cut, "damaged", None, None),
    Way("a page overwritten", overwrite_page, "damaged", None, None),
    Way("the chats in its place", chats_in_its_place, "damaged", None, None),
    Way("another's ledger in its place", ledger_of_another, "key-lost"),
    Way("no database", both(delete, lambda home: file_of(home).write_bytes(b"Dear diary")), "damaged", None, None),
    Way("key deleted", key_deleted, "key-lost"),
    Way("key damaged", in_config("ledger-key.json", b'{"key": "abcd"}'), "key-lost"),
    Way("key replaced", key_of_another, "key-lost"),
    Way("key and anchor deleted", both(key_deleted, anchor_deleted), "key-lost"),
    Way("anchor deleted", anchor_deleted, "seal"),
    Way("anchor damaged", in_config("ledger-anchor.json", b"\xff{"), "seal"),
    Way("anchor's hash edited", anchor(12, "0" * 64), "seal", 12),
    Way("anchor's number edited", anchor(14, "0" * 64), "shortened", 13),
)  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a filled ledger, and copies of the ledger from when it held ten records."""
    home = tmp_path_factory.mktemp("template")
    ledger = ledger_in(home)
    told = facts(ledger)
    for fact in told[:10]:
        ledger.append(fact)
    shutil.copytree(home / "data", home / "backup")
    assert (home / "backup" / "ledger.db-wal").stat().st_size
    shutil.copytree(home / "data", home / "closed" / "data")
    checkpoint(home / "closed")
    shutil.copy(file_of(home / "closed"), home / "checkpointed.db")
    for fact in told[10:]:
        ledger.append(fact)
    ledger.close()
    return home


@pytest.fixture
def filled(template: Path, home: Path) -> Path:
    shutil.copytree(template, home, dirs_exist_ok=True)
    return home


def test_at_least_twenty_ways_are_tried() -> None:
    assert len({way.name for way in WAYS}) == len(WAYS) >= 20


def test_untouched_it_holds(filled: Path, open_ledger: OpenLedger) -> None:
    ledger = open_ledger(filled)
    check = ledger.check()
    assert (check.ok, check.records, check.first_bad, check.reason, check.kind) == (True, RECORDS, None, "", "")
    assert check.sealed_by == "file"
    assert [each.record.model for each in ledger.state().acknowledgements()] == ["alpaca", "llama-2-7b"]
    ledger.close()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_it_is_found(filled: Path, way: Way, open_ledger: OpenLedger) -> None:
    way.do(filled)
    ledger = open_ledger(filled)
    check = ledger.check()
    assert not check.ok
    assert (check.kind, check.first_bad) == (way.kind, way.first_bad)
    assert check.reason
    state = ledger.state()
    assert state.acknowledgement("alpaca", "CC-BY-NC-4.0") is None
    assert state.acknowledgements() == ()
    ledger.close()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_nothing_is_added_to_it(filled: Path, way: Way, open_ledger: OpenLedger) -> None:
    way.do(filled)
    before = {file.name: file.read_bytes() for file in (filled / "data").iterdir() if "-shm" not in file.name}
    ledger = open_ledger(filled)
    for event in ("loaded", "refused", "revoked", "suspended"):
        with pytest.raises(IntegrityError):
            ledger.append(LedgerEvent(event=event, model="alpaca"))
    with pytest.raises(IntegrityError):
        ledger.append(acknowledged(ledger, "alpaca", "MIT"))
    ledger.close()
    if "ledger.db-wal" not in before:
        assert before == {file.name: file.read_bytes() for file in (filled / "data").iterdir()}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_ledger_that_was_open_meanwhile_sees_it(filled: Path, way: Way, open_ledger: OpenLedger) -> None:
    window = open_ledger(filled)
    assert window.check().ok
    try:
        way.do(filled)
    except sqlite3.OperationalError:
        pytest.skip("cannot be done while the ledger is open")
    stamp = window.stamp()
    assert not window.check().ok
    assert not window.state().check.ok
    assert window.stamp() == stamp
    with pytest.raises(IntegrityError):
        window.append(LedgerEvent(event="loaded", model="alpaca"))
    window.close()


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_fresh_acknowledgement_marks_it_and_begins_anew(filled: Path, way: Way, open_ledger: OpenLedger) -> None:
    way.do(filled)
    ledger = open_ledger(filled)
    broken = ledger.check()
    kept = [] if way.kept is None else ledger.records()
    record = ledger.append(acknowledged(ledger, "alpaca", "CC-BY-NC-4.0", TEXTS[2]), afresh=True)

    check = ledger.check()
    assert (check.ok, check.reason, check.first_bad) == (True, "", None)
    (mark,) = check.marked
    assert broken.reason in mark.reason
    assert [each.record for each in ledger.state().acknowledgements()] == [record]
    records = ledger.records()
    assert records[: len(kept)] == kept
    assert len(kept) == (way.kept or 0)
    assert [each.event for each in records[len(kept) :]] == ["restarted", "acknowledged"]
    assert (mark.first, mark.last) == ((kept[0].seq, kept[-1].seq) if kept else (0, 0))
    if way.kept is None:
        (aside,) = (filled / "data").glob("ledger.set-aside-*.db")
        assert aside.name in mark.reason
    assert ledger.text(record.text_sha256) == TEXTS[2]
    ledger.append(LedgerEvent(event="loaded", model="alpaca"))
    ledger.close()
    assert open_ledger(filled).check().ok

    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        edit_guarded(filled, "UPDATE ledger SET person = 'Eve'")
    if kept:  # what was marked cannot be changed further
        edit(filled, f"UPDATE ledger SET note = 'never' WHERE seq = {kept[0].seq}")
        assert open_ledger(filled).check().kind == "chain"


def edit_guarded(home: Path, statement: str) -> None:
    connection = sqlite3.connect(file_of(home))
    try:
        connection.execute(statement)
    finally:
        connection.close()
