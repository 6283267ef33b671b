"""The database file: made, refused, migrated, shared; and never harmed."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from desktop.conversation import AnswerRecord, ChatOptions, Conversation, ConversationOrigin, Folder, Message, TextPart
from desktop.errors import IntegrityError, ResourceError, UserError
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import APPLICATION_ID, Database
from desktop.storage.folder_store import FolderStore
from desktop.storage.message_search import MessageSearch
from desktop.storage.migration import MIGRATIONS

DATA = Path(__file__).parents[2] / "data" / "databases"


@pytest.fixture
def path(home: Path) -> Path:
    return home / "data" / "latchkey.db"


@pytest.fixture
def filled(path: Path) -> Path:
    """A closed database with one conversation of 200 messages in it."""
    database = Database(path)
    store = ConversationStore(database)
    messages = [
        Message(f"m{at}", "c", f"m{at - 1}" if at else None, "user", (TextPart(f"word{at} " * 100),))
        for at in range(200)
    ]
    store.add_messages(messages, create=Conversation("c", title="Kept"))
    database.close()
    return path


def contents(path: Path) -> dict[str, bytes]:
    """Every file beside the database, and the database, byte for byte."""
    return {each.name: each.read_bytes() for each in path.parent.iterdir()}


def refusal(path: Path, use: Callable[[ConversationStore], object] | None = None) -> UserError:
    """The error that opening (or `use`) raises; nothing on the disk may change by it."""
    before = contents(path)
    database = Database(path)
    store = ConversationStore(database)
    with pytest.raises(UserError) as caught:
        database.open() if use is None else use(store)
    database.close()
    assert contents(path) == before
    assert caught.value.title
    assert caught.value.remedy
    return caught.value


# --- made ------------------------------------------------------------------------------------------------------------


def test_a_new_file_has_the_schema_that_was_agreed(path: Path) -> None:
    database = Database(path)
    with database.read() as connection:
        found = [
            f"{sql};"
            for (sql,) in connection.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT GLOB '*_words_[a-z]*' "
                "AND name NOT GLOB 'message_bigrams_*' AND name NOT GLOB 'message_signs_*' "
                "OR type = 'trigger' ORDER BY type, name"
            )
        ]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    database.close()
    assert "\n\n".join(found) + "\n" == (DATA / "schema.sql").read_text(encoding="utf-8")


def test_nobody_else_may_read_the_file(path: Path) -> None:
    database = Database(path)
    ConversationStore(database).create(Conversation("c"))
    modes = {each.name: oct(each.stat().st_mode & 0o777) for each in path.parent.iterdir()}
    database.close()
    assert modes["latchkey.db"] == "0o600"
    assert set(modes.values()) == {"0o600"}
    assert oct(path.parent.stat().st_mode & 0o777) == "0o700"


def test_closing_leaves_one_file_that_holds_all(filled: Path) -> None:
    assert [each.name for each in filled.parent.iterdir()] == ["latchkey.db"]
    database = Database(filled)
    assert len(ConversationStore(database).branch("c", "m199")) == 200
    assert database.check() == []
    database.close()


def test_what_matters_reaches_the_disk_before_the_write_returns(path: Path) -> None:
    database = Database(path)
    with database.write() as connection:
        durable = connection.execute("PRAGMA synchronous").fetchone()[0]
    with database.write(durable=False) as connection:
        draft = connection.execute("PRAGMA synchronous").fetchone()[0]
    database.close()
    assert (durable, draft) == (2, 1)  # FULL, NORMAL


def test_a_write_that_raises_leaves_nothing(path: Path) -> None:
    database = Database(path)

    def half() -> None:
        with database.write() as connection:
            connection.execute(
                "INSERT INTO conversations (id, title, title_by, created_at, updated_at, system_prompt, pinned) "
                "VALUES ('a', '', '', 0, 0, '', 0)"
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert ConversationStore(database).conversations() == []
    database.close()


# --- refused ---------------------------------------------------------------------------------------------------------


def test_a_newer_file_is_refused(filled: Path) -> None:
    with sqlite3.connect(filled) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    error = refusal(filled)
    assert isinstance(error, IntegrityError)
    assert "newer" in error.title


def test_a_newer_file_whose_version_is_still_in_the_journal_is_refused(filled: Path) -> None:
    connection = sqlite3.connect(filled)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    assert "newer" in refusal(filled).title
    connection.close()


_NEWER = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("UPDATE conversations SET title = 'of the newer one'")
connection.execute("PRAGMA user_version = 99")
for number in range(int(sys.argv[2])):
    connection.execute("UPDATE conversations SET title = title || ?", (str(number),))
if sys.argv[3]:
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    connection.execute("UPDATE conversations SET title = 'after a checkpoint'")
connection.execute("BEGIN")
connection.execute("PRAGMA user_version = 1")
connection.execute("PRAGMA cache_size = 1")
connection.execute("CREATE TABLE much AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9999) "
    "SELECT i, hex(randomblob(200)) FROM n")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("changes", "checkpoint"), [(0, ""), (40, ""), (3, "yes")])
@pytest.mark.parametrize("with_shared_memory", [True, False])
def test_what_a_newer_program_left_when_it_was_killed_is_not_touched(
    filled: Path, changes: int, checkpoint: str, with_shared_memory: bool
) -> None:
    """Its version stands in the log alone, which SQLite moves into the file as soon as it is asked anything."""
    _without_triggers(filled)
    subprocess.run([sys.executable, "-c", _NEWER, str(filled), str(changes), checkpoint], check=False)
    assert filled.with_name("latchkey.db-wal").stat().st_size > 0
    if not with_shared_memory:
        filled.with_name("latchkey.db-shm").unlink()
    assert "newer" in refusal(filled).title


def _without_triggers(path: Path) -> None:
    """Those of titles call functions that plain SQLite has, but in a search index of their own."""
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.commit()


def test_what_this_version_left_in_the_log_when_it_was_killed_is_read(filled: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from desktop.conversation import Conversation; from desktop.storage.database import Database\n"
        "from desktop.storage.conversation_store import ConversationStore\n"
        "ConversationStore(Database(Path(sys.argv[1]))).create(Conversation('d'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(filled)], check=False)
    for content in (None, b"", b"\x37\x7f\x06\x82", b"no log at all" * 100):
        if content is not None:
            filled.with_name("latchkey.db-wal").write_bytes(content)
        database = Database(filled)
        assert {each.id for each in ConversationStore(database).conversations()} == {"c", "d"}
        database.close()


@pytest.mark.parametrize("text", [b"Dear diary, this is no database at all. " * 10, b"x", b"\x00" * 4096])
def test_a_file_that_is_no_database_is_refused(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    assert isinstance(refusal(path), IntegrityError)


def test_the_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    assert isinstance(refusal(path), IntegrityError)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 1234")
    connection.close()
    assert isinstance(refusal(path), IntegrityError)


@pytest.mark.parametrize("size", [7, 50, 100, 4096, 40_000])
def test_a_file_that_was_cut_short_is_refused(filled: Path, size: int) -> None:
    os.truncate(filled, size)
    error = refusal(filled)
    assert isinstance(error, IntegrityError)
    assert str(filled) in error.detail


def test_an_emptied_file_is_not_begun_anew_over_its_journal(filled: Path) -> None:
    filled.with_name("latchkey.db-wal").write_bytes(b"pages that were not moved yet")
    os.truncate(filled, 0)
    assert isinstance(refusal(filled), IntegrityError)
    filled.unlink()
    assert isinstance(refusal(filled), IntegrityError)


def damage(path: Path, table: str) -> None:
    """Overwrite the first page of a table or index."""
    connection = sqlite3.connect(path)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    connection.close()
    whole = bytearray(path.read_bytes())
    whole[(page - 1) * 4096 : page * 4096] = b"\xaa" * 4096
    path.write_bytes(whole)


def test_damage_in_the_middle_is_told_when_it_is_met(filled: Path) -> None:
    damage(filled, "messages")
    error = refusal(filled, lambda store: store.branch("c", "m199"))
    assert isinstance(error, IntegrityError)
    assert str(filled) in error.detail


def test_nothing_is_written_to_a_file_once_it_was_found_damaged(filled: Path) -> None:
    damage(filled, "messages")

    def write_after(store: ConversationStore) -> None:
        with pytest.raises(IntegrityError):
            store.branch("c", "m199")
        store.create(Conversation("d"))

    assert isinstance(refusal(filled, write_after), IntegrityError)


def test_a_full_check_finds_damage(filled: Path) -> None:
    damage(filled, "messages_of_parent")
    database = Database(filled)
    try:
        problems = database.check()
    except IntegrityError as error:
        problems = [error.technical]
    database.close()
    assert problems


def test_when_the_damaged_file_is_moved_away_no_restart_is_needed(filled: Path) -> None:
    os.truncate(filled, 4096)
    database = Database(filled)
    store = ConversationStore(database)
    with pytest.raises(IntegrityError):
        store.conversations()
    filled.rename(filled.with_name("kept-aside.db"))
    assert store.conversations() == []
    store.create(Conversation("fresh"))
    database.close()


def test_opening_again_after_damage_looks_through_the_file_that_is_there_now(filled: Path) -> None:
    good = filled.read_bytes()
    damage(filled, "messages")
    database = Database(filled)
    store = ConversationStore(database)
    with pytest.raises(IntegrityError):
        store.branch("c", "m199")
    with pytest.raises(IntegrityError):
        database.open()
    database.close()
    filled.write_bytes(good)
    database.open()
    assert len(store.branch("c", "m199")) == 200
    database.close()


# --- not writable, full ----------------------------------------------------------------------------------------------

_AS_STRANGER = """
import os, sys
from pathlib import Path
from desktop.conversation import Conversation
from desktop.errors import ResourceError
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
if os.geteuid() == 0:  # root may write everywhere
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    ConversationStore(Database(Path(sys.argv[1]))).create(Conversation("c"))
except ResourceError as error:
    print("refused:", error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter and read."""
    with tempfile.TemporaryDirectory(prefix="latchkey-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_stranger(path: Path) -> str:
    """What a process without the right to write `path` says."""
    done = subprocess.run(
        [sys.executable, "-c", _AS_STRANGER, str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights work otherwise on Windows")
@pytest.mark.parametrize("case", ["folder", "file", "missing"])
def test_what_cannot_be_written_is_told_and_left_alone(open_folder: Path, case: str) -> None:
    data = open_folder / "data"
    path = data / "latchkey.db"
    if case != "missing":
        database = Database(path)
        database.open()
        database.close()
        path.chmod(0o444)
        data.chmod(0o777 if case == "file" else 0o555)
    else:
        open_folder.chmod(0o555)
    before = path.read_bytes() if path.exists() else None
    said = as_stranger(path)
    assert said.startswith("refused: ")
    assert str(data) in said
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_file_where_the_folder_should_be_is_told(home: Path) -> None:
    (home / "data").write_text("no folder")
    with pytest.raises(ResourceError):
        Database(home / "data" / "latchkey.db").open()
    assert (home / "data").read_text() == "no folder"


def test_a_full_disk_is_told_and_what_was_stored_stays(filled: Path) -> None:
    database = Database(filled)
    store = ConversationStore(database)
    with database.read() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    with database.write() as connection:
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")  # what SQLite reports is what a full disk gives
    long = Message("long", "c", "m199", "user", (TextPart("much " * 100_000),))
    with pytest.raises(ResourceError, match="full"):
        store.add_message(long)
    assert len(store.branch("c")) == 200
    with database.write() as connection:
        connection.execute(f"PRAGMA max_page_count = {pages * 1000}")
    store.add_message(long)
    assert len(store.branch("c")) == 201
    database.close()


# --- migrated --------------------------------------------------------------------------------------------------------


def step(folder: Path, name: str, sql: str) -> Path:
    file = folder / name
    file.write_text(sql, encoding="utf-8")
    return file


def test_an_older_file_is_copied_before_it_is_migrated(filled: Path, tmp_path: Path) -> None:
    stars = step(
        tmp_path, "stars.sql", "ALTER TABLE messages ADD COLUMN stars INTEGER;\nUPDATE messages SET stars = 3;\n"
    )
    version = len(MIGRATIONS)
    kept = filled.with_name(f"latchkey.version-{version}.db")
    kept.write_text("an older copy")
    database = Database(filled, migrations=(*MIGRATIONS, stars))
    with database.read() as connection:
        assert connection.execute("SELECT count(*), sum(stars) FROM messages").fetchone() == (200, 600)
    database.close()
    assert kept.read_text() == "an older copy"
    copy = Database(filled.with_name(f"latchkey.version-{version}-2.db"))
    assert len(ConversationStore(copy).branch("c")) == 200
    copy.close()
    with pytest.raises(IntegrityError, match="newer"):
        Database(filled).open()


def test_attempts_that_were_cut_off_leave_one_copy(filled: Path, tmp_path: Path) -> None:
    """Each start that failed once left another one, until the disk was full of them."""
    wrong = step(tmp_path, "wrong.sql", "ALTER TABLE messages ADD COLUMN stars INTEGER;\nUPDATE nowhere SET a = 1;\n")
    for _ in range(3):
        with pytest.raises(sqlite3.OperationalError):
            Database(filled, migrations=(*MIGRATIONS, wrong)).open()
    assert sorted(each.name for each in filled.parent.iterdir()) == [
        "latchkey.db",
        f"latchkey.version-{len(MIGRATIONS)}.db",
    ]
    database = Database(filled)
    ConversationStore(database).create(Conversation("later"))
    database.close()
    with pytest.raises(sqlite3.OperationalError):
        Database(filled, migrations=(*MIGRATIONS, wrong)).open()
    assert len(list(filled.parent.iterdir())) == 3  # it holds more than the first copy


def test_a_migration_that_fails_changes_nothing(filled: Path, tmp_path: Path) -> None:
    wrong = step(tmp_path, "wrong.sql", "ALTER TABLE messages ADD COLUMN stars INTEGER;\nUPDATE nowhere SET a = 1;\n")
    with pytest.raises(sqlite3.OperationalError):
        Database(filled, migrations=(*MIGRATIONS, wrong)).open()
    database = Database(filled)
    with database.read() as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(messages)")]
    database.close()
    assert "stars" not in columns


@pytest.mark.parametrize("file", sorted(DATA.glob("*.db")), ids=lambda file: file.name)
def test_files_of_every_version_open(file: Path, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(file.read_bytes())
    database = Database(path)
    store = ConversationStore(database)
    (conversation,) = store.conversations()
    messages = store.branch(conversation.id)
    assert [message.text for message in messages] == ["Was ist ein Schlüssel?", "A key.\n\n```py\nprint('key')\n```"]
    assert messages[1].thinking == "They ask in German."
    assert messages[1].timing is not None
    assert messages[1].timing.generated_tokens == 9
    assert [found.message_id for found in MessageSearch(store.database).search("schlussel")] == [messages[0].id]
    assert database.check() == []
    database.close()


@pytest.mark.parametrize("version", [1, 2])
def test_what_older_files_hold_is_in_no_folder_and_can_be_put_in_one(version: int, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes((DATA / f"version-{version}.db").read_bytes())
    database = Database(path)
    store, folders = ConversationStore(database), FolderStore(database)
    (head,) = store.conversations()
    assert (head.folder_id, head.archived_at, head.options, head.tags) == (None, None, ChatOptions(), ())
    messages = store.branch(head.id)
    assert [(each.edited, each.record, each.deleted_at) for each in messages] == [(False, None, None)] * 2
    folders.create(Folder("f", "Folder"))
    folders.move([head.id], "f")
    folders.add_tag([head.id], "tag")
    assert store.conversation(head.id) == msgspec.structs.replace(head, folder_id="f", tags=("tag",))
    database.close()
    kept = Database(path.with_name(f"latchkey.version-{version}.db"), migrations=MIGRATIONS[:version])
    with kept.read() as connection:
        assert connection.execute("SELECT count(*) FROM messages").fetchone() == (2,)
    kept.close()


def test_a_file_of_version_3_is_read_whole(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes((DATA / "version-3.db").read_bytes())
    database = Database(path)
    store, folders = ConversationStore(database), FolderStore(database)
    (head,) = store.conversations()
    options = ChatOptions(preset="Precise", sampling={"temperature": 0.2}, thinking=True)
    assert folders.folders() == [
        Folder("folder-1", "Schlüssel", 0, "Antworte kurz.", "built-in", options, 1_700_000_000.0),
        Folder("folder-2", "Später", 1, folded=True),
    ]
    assert (head.folder_id, head.archived_at, head.options, head.tags) == ("folder-1", 5.0, options, ("a", "ä"))
    answer = store.branch(head.id)[1]
    assert answer.edited
    assert answer.record == AnswerRecord("build", "Antworte kurz.", "ab" * 32, "{}", "{}")
    assert head.origin is None
    database.close()


def test_where_a_conversation_came_from_is_kept(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes((DATA / "version-4.db").read_bytes())
    database = Database(path)
    store = ConversationStore(database)
    (head,) = store.conversations()
    assert head.origin == ConversationOrigin("ChatGPT", "67a1-ä", 1_760_000_000.0)
    assert head.tags == ("a", "ä")
    store.create(Conversation("c", origin=ConversationOrigin("x\ud800")))
    assert store.conversation("c").origin == ConversationOrigin("x\ufffd")
    store.update(msgspec.structs.replace(head, origin=None))
    assert store.conversation(head.id).origin is None
    database.close()


# --- shared ----------------------------------------------------------------------------------------------------------

_WRITER = """
import sys
from pathlib import Path
from desktop.conversation import Conversation
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
store = ConversationStore(Database(Path(sys.argv[1])))
for count in range(100):
    store.create(Conversation(f"{sys.argv[2]}-{count}"))
"""


def test_several_processes_make_and_write_one_file(path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), name], stderr=subprocess.PIPE, text=True)
        for name in ("window", "command", "other")
    ]
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0, said
    database = Database(path)
    assert len(ConversationStore(database).conversations()) == 300
    database.close()


_VISITOR = """
import sys
from pathlib import Path
from desktop.conversation import Conversation
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
database = Database(Path(sys.argv[1]))
found = ConversationStore(database).conversations()
print(len(found))
ConversationStore(database).create(Conversation(f"visitor-{len(found)}"))
database.close()
"""


def visit(path: Path) -> int:
    """How many conversations another process finds, which writes one and closes the file behind it."""
    done = subprocess.run([sys.executable, "-c", _VISITOR, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_another_process_that_closes_the_file_takes_nothing_from_our_threads(path: Path) -> None:
    """A second thread's connection once cost this process its locks: the visitor then took itself for the last one and
    removed the journal, and what was written next was lost."""
    window = Database(path)
    store = ConversationStore(window)
    store.create(Conversation("one"))
    thread = threading.Thread(target=store.conversations)
    thread.start()
    thread.join()
    assert visit(path) == 1
    store.create(Conversation("two"))
    assert visit(path) == 3
    assert len(store.conversations()) == 4
    window.close()


def test_what_one_connection_writes_the_other_sees(path: Path) -> None:
    window, command = Database(path), Database(path)
    ConversationStore(window).create(Conversation("c", title="From the window"))
    ConversationStore(command).rename("c", "From the command")
    assert ConversationStore(window).conversation("c").title == "From the command"
    window.close()
    command.close()


def test_a_reader_is_not_disturbed_by_a_writer(path: Path) -> None:
    window, command = Database(path), Database(path)
    ConversationStore(window).create(Conversation("c", title="Before"))
    with window.read() as connection:
        assert connection.execute("SELECT title FROM conversations").fetchone() == ("Before",)
        ConversationStore(command).rename("c", "After")
        assert connection.execute("SELECT title FROM conversations").fetchone() == ("Before",)
    assert ConversationStore(window).conversation("c").title == "After"
    window.close()
    command.close()
