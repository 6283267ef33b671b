"""The ledger's file beside the conversations' file: troubles of one are no troubles of the other."""

import sqlite3
from pathlib import Path

import pytest

from desktop.conversation import Conversation
from desktop.errors import IntegrityError, ResourceError
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import APPLICATION_ID, LEDGER_ID, LEDGER_SCHEMA, Database
from desktop.storage.ledger_store import RECORD_COLUMNS, LedgerStore, SealRow
from tests.fakes.ledgers import file_of, fill, ledger_in

ROW = tuple(1 if name == "seq" else name for name in RECORD_COLUMNS)


@pytest.fixture
def store(home: Path) -> LedgerStore:
    return LedgerStore(file_of(home))


def test_what_is_written_is_read_again(store: LedgerStore) -> None:
    with store.write() as writing:
        writing.add(ROW)
        writing.add_text("a", b"one")
        writing.add_text("a", b"another")
        writing.set_seal(SealRow(1, "h", "k", "file", "m"))
        writing.set_seal(SealRow(1, "h", "k", "file", "n"))
    with store.read() as reading:
        assert reading.records() == [ROW]
        assert reading.last() == ROW
        assert reading.texts_under("a") == [b"one", b"another"]
        assert list(reading.texts()) == [("a", b"one"), ("a", b"another")]
        assert reading.seal() == SealRow(1, "h", "k", "file", "n")
        assert reading.triggers_intact()
    store.close()


def test_a_write_that_raises_leaves_nothing(store: LedgerStore) -> None:
    def half() -> None:
        with store.write() as writing:
            writing.add(ROW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    with store.read() as reading:
        assert reading.records() == []
    store.close()


def test_the_two_files_cannot_stand_for_each_other(home: Path) -> None:
    assert APPLICATION_ID != LEDGER_ID
    chats = home / "data" / "latchkey.db"
    database = Database(chats)
    ConversationStore(database).create(Conversation("c"))
    database.close()
    ledger = ledger_in(home)
    fill(ledger)
    ledger.close()
    both = chats.read_bytes(), file_of(home).read_bytes()

    with pytest.raises(IntegrityError, match="conversations cannot be read: their file is not"):
        Database(file_of(home)).open()
    with pytest.raises(IntegrityError, match="ledger cannot be read: its file is not"):
        Database(chats, LEDGER_SCHEMA).open()
    assert (chats.read_bytes(), file_of(home).read_bytes()) == both


def test_its_troubles_are_told_in_its_own_words(home: Path) -> None:
    (home / "data").write_text("no folder")
    with pytest.raises(ResourceError, match="The ledger cannot be written"):
        Database(file_of(home), LEDGER_SCHEMA).open()
    (home / "data").unlink()
    file_of(home).parent.mkdir()
    file_of(home).write_bytes(b"SQLite format 3\x00 and no more")
    with pytest.raises(IntegrityError, match="The ledger cannot be read"):
        Database(file_of(home), LEDGER_SCHEMA).open()


def test_damage_to_one_does_not_touch_the_other(home: Path) -> None:
    database = Database(home / "data" / "latchkey.db")
    ConversationStore(database).create(Conversation("c"))
    ledger = ledger_in(home)
    fill(ledger)
    ledger.close()
    file_of(home).write_bytes(b"gone")
    assert not ledger_in(home).check().ok
    assert [each.id for each in ConversationStore(database).conversations()] == ["c"]
    database.close()


def test_a_file_set_aside_keeps_its_journal_and_takes_no_name_twice(home: Path, store: LedgerStore) -> None:
    for content in (b"first", b"second"):
        file_of(home).parent.mkdir(exist_ok=True)
        file_of(home).write_bytes(content)
        file_of(home).with_name("ledger.db-wal").write_bytes(content)
        target = store.set_aside(1_780_000_000.0)
        assert target.read_bytes() == content
        assert target.with_name(target.name + "-wal").read_bytes() == content
    assert len(list(file_of(home).parent.iterdir())) == 4


def test_a_row_of_anything_is_read_as_text(store: LedgerStore) -> None:
    store.close()
    with store.write() as writing:
        writing.add(ROW)
    connection = sqlite3.connect(store.path, isolation_level=None)
    connection.execute("DROP TRIGGER ledger_keeps_what_it_says")
    connection.execute(
        "UPDATE ledger SET person = x'ff00', note = CAST(x'c328' AS TEXT), model = 7, license = x'', \"commit\" = 1e400"
    )
    connection.close()
    with store.read() as reading:
        (row,) = reading.records()
        assert not reading.triggers_intact()
    found = dict(zip(RECORD_COLUMNS, row, strict=True))
    assert found["person"] == "(bytes: ff00)"
    assert found["note"] == "(no text: c328)"
    assert (found["model"], found["license"], found["commit"]) == ("7", "(bytes: )", "Inf")
    assert found["time"] == "time"
    store.close()


def test_the_schema_is_the_one_that_was_agreed(store: LedgerStore) -> None:
    with store.write():
        pass
    store.close()
    connection = sqlite3.connect(store.path)
    found = [
        f"{sql};" for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name")
    ]
    connection.close()
    agreed = Path(__file__).parents[2] / "data" / "databases" / "ledger-schema.sql"
    assert "\n\n".join(found) + "\n" == agreed.read_text(encoding="utf-8")
