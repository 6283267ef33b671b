"""What can be read of a damaged file is brought over, and the rest is counted."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from desktop.conversation import Conversation, Message, TextPart
from desktop.errors import IntegrityError
from desktop.storage.conversation_merge import MergeCount, merge_conversations
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.database_salvage import SalvageCount, salvage_database

PAGE = 4096
CHATS, MESSAGES = 12, 8


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file of twelve conversations, some messages longer than a page."""
    path = tmp_path_factory.mktemp("whole") / "latchkey.db"
    database = Database(path)
    store = ConversationStore(database)
    for chat in range(CHATS):
        messages = [
            Message(
                f"c{chat}m{at}",
                f"c{chat}",
                f"c{chat}m{at - 1}" if at else None,
                "assistant" if at % 2 else "user",
                (TextPart(f"chat{chat} words{at} " + "lorem ipsum " * (10 if (chat + at) % 5 else 900)),),
                created_at=1e9 + at,
            )
            for at in range(MESSAGES)
        ]
        store.add_messages(messages, create=Conversation(f"c{chat}", f"Chat {chat}", created_at=1e9, updated_at=1e9))
    database.truncate_wal()
    database.close()
    return path.read_bytes()


def salvage(data: bytes | bytearray, folder: Path) -> tuple[SalvageCount, MergeCount, Database]:
    (folder / "damaged.db").write_bytes(data)
    found = salvage_database(folder / "damaged.db", folder / "salvaged.db")
    database = Database(folder / "new.db")
    merged = merge_conversations(database, folder / "salvaged.db", 2e9)
    assert database.check() == []
    with database.read() as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    return found, merged, database


def shown(database: Database) -> int:
    store = ConversationStore(database)
    return sum(len(store.branch(each)) for each in store.ids())


def roots(data: bytes, folder: Path) -> dict[str, int]:
    """The first page of each table and index."""
    (folder / "look.db").write_bytes(data)
    with closing(sqlite3.connect(folder / "look.db")) as connection:
        return dict(connection.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage"))


def test_a_sound_file_comes_over_whole(whole: bytes, tmp_path: Path) -> None:
    found, merged, database = salvage(whole, tmp_path)
    assert (found.lost, found.cut, found.headless, merged.unreadable) == (0, 0, 0, 0)
    assert (merged.conversations, merged.messages, shown(database)) == (CHATS, CHATS * MESSAGES, CHATS * MESSAGES)
    database.close()


@pytest.mark.parametrize("seed", range(6))
def test_pages_that_cannot_be_read_are_gone_round(seed: int, whole: bytes, tmp_path: Path) -> None:
    """Zeros, noise, and the end cut off."""
    chance, data = random.Random(seed), bytearray(whole)
    safe = set(roots(whole, tmp_path).values())  # without the root of a table there is no way to its rows
    pages = [page for page in range(2, len(data) // PAGE) if page not in safe]
    for page in chance.sample(pages, 4):
        data[(page - 1) * PAGE : page * PAGE] = bytes(PAGE) if seed % 2 else chance.randbytes(PAGE)
    if seed >= 4:
        del data[len(data) * 4 // 5 :]
    found, merged, database = salvage(data, tmp_path)
    total = CHATS * MESSAGES
    assert merged.conversations == CHATS
    assert merged.messages > total // 2
    assert merged.messages + found.lost + merged.unreadable >= total
    assert shown(database) == merged.messages, "what follows a message that is lost hangs on the one before it"
    database.close()


def test_a_lost_header_is_written_anew(whole: bytes, tmp_path: Path) -> None:
    _, merged, database = salvage(os.urandom(100) + whole[100:], tmp_path)
    assert merged.messages == CHATS * MESSAGES
    database.close()
    assert (tmp_path / "damaged.db").read_bytes()[100:] == whole[100:]


def test_indexes_are_not_needed(whole: bytes, tmp_path: Path) -> None:
    data = bytearray(whole)
    for name, page in roots(whole, tmp_path).items():
        if name.startswith(("messages_", "conversations_", "sqlite_autoindex")):
            data[(page - 1) * PAGE : page * PAGE] = bytes(PAGE)
    _, merged, database = salvage(data, tmp_path)
    assert merged.messages == CHATS * MESSAGES
    database.close()


def test_messages_without_their_conversation_are_called_recovered(whole: bytes, tmp_path: Path) -> None:
    page = roots(whole, tmp_path)["conversations"]
    data = bytearray(whole)
    data[(page - 1) * PAGE : page * PAGE] = bytes(PAGE)
    found, merged, database = salvage(data, tmp_path)
    assert (found.headless, merged.messages) == (CHATS, CHATS * MESSAGES)
    assert {each.title for each in ConversationStore(database).conversations()} == {"Recovered"}
    assert shown(database) == CHATS * MESSAGES
    database.close()


def test_a_text_that_is_cut_says_so(whole: bytes, tmp_path: Path) -> None:
    """The pages on which a long text goes on are gone; what else is known of its message is kept."""
    data = bytearray(whole)
    place = data.rindex(b"lorem ipsum lorem ipsum", 0, len(data) - PAGE)
    start = whole.index(b"chat0 words0 lorem")
    overflow = next(
        page
        for page in range(start // PAGE + 1, place // PAGE)
        if data[page * PAGE : page * PAGE + 4] != bytes(4) and data[page * PAGE + 4 : page * PAGE + 400].isascii()
    )
    data[overflow * PAGE : overflow * PAGE + 4] = (0xFFFFFF).to_bytes(4, "big")
    found, merged, database = salvage(data, tmp_path)
    assert (found.cut, merged.messages) == (1, CHATS * MESSAGES)
    with database.read() as connection:
        (count,) = connection.execute("SELECT count(*) FROM messages WHERE text LIKE '(This could not%'").fetchone()
    assert count == 1
    database.close()


def test_what_is_no_database_of_ours_is_refused_and_left_alone(tmp_path: Path) -> None:
    for at, data in enumerate((b"", os.urandom(50_000), bytes(50_000))):
        (tmp_path / "damaged.db").write_bytes(data)
        with pytest.raises(IntegrityError):
            salvage_database(tmp_path / "damaged.db", tmp_path / f"salvaged{at}.db")
        assert (tmp_path / "damaged.db").read_bytes() == data
    assert not list(tmp_path.glob("*.copy*"))
