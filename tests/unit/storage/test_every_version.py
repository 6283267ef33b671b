"""Files of every version come to the present one with everything in them: at once, after a kill, by several processes.

`tests/data/databases`, `tests/data/ledgers` and `tests/data/network` hold a file of each version, as it wrote it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from desktop.errors import ResourceError
from desktop.network.request_log import UNFINISHED, RequestLogEntry
from desktop.storage.database import CONVERSATIONS_SCHEMA, LEDGER_SCHEMA, NETWORK_SCHEMA, Database, DatabaseSchema
from desktop.storage.migration import LEDGER_MIGRATIONS, MIGRATIONS, NETWORK_MIGRATIONS
from desktop.storage.request_store import RequestStore

DATA = Path(__file__).parents[2] / "data"
CONVERSATIONS = sorted((DATA / "databases").glob("version-*.db"))
LEDGERS = sorted((DATA / "ledgers").glob("*/data/ledger.db"))
NETWORK = sorted((DATA / "network").glob("version-*.db"))
FILES = [(each, CONVERSATIONS_SCHEMA) for each in CONVERSATIONS]
FILES += [(each, LEDGER_SCHEMA) for each in LEDGERS]
FILES += [(each, NETWORK_SCHEMA) for each in NETWORK]
"""Every file of every version."""

Rows = dict[str, tuple[list[str], list[tuple[object, ...]]]]


def rows(path: Path, columns: Rows | None = None) -> Rows:
    """The columns and the rows of each table, search indexes apart; with `columns` those of its tables and columns."""
    found: Rows = {}
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        virtual = tuple(name for name, sql in names if "VIRTUAL" in (sql or ""))
        for name, _ in names:
            if name.startswith(("sqlite_", *virtual)) or (columns is not None and name not in columns):
                continue
            own = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            wanted = own if columns is None else columns[name][0]
            listed = ", ".join(f'"{each}"' for each in wanted)
            found[name] = (wanted, sorted(connection.execute(f"SELECT {listed} FROM {name}"), key=repr))
    return found


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def put(file: Path, folder: Path) -> Path:
    """A copy of a file of some version in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(file, folder / "file.db"))


def opened(path: Path, schema: DatabaseSchema) -> Database:
    database = Database(path, schema)
    database.open()
    assert database.check() == []
    return database


def in_words(case: object) -> str:
    return case.parent.parent.name if isinstance(case, Path) and case.stem == "ledger" else getattr(case, "stem", "")


def test_there_is_a_file_of_every_version() -> None:
    for files, steps in ((CONVERSATIONS, MIGRATIONS), (LEDGERS, LEDGER_MIGRATIONS), (NETWORK, NETWORK_MIGRATIONS)):
        assert [version(each) for each in files] == list(range(1, len(steps) + 1))


@pytest.mark.parametrize(("file", "schema"), FILES, ids=in_words)
def test_whatever_stands_in_it_stands_in_it_afterwards(file: Path, schema: DatabaseSchema, tmp_path: Path) -> None:
    path = put(file, tmp_path)
    before, old = rows(path), version(path)
    assert any(each for _, each in before.values())
    opened(path, schema).close()
    assert version(path) == len(schema.migrations)
    assert rows(path, before) == before
    opened(path, schema).close()
    copies = [each for each in tmp_path.iterdir() if each != path]
    assert len(copies) == (old < len(schema.migrations))
    assert [rows(each) for each in copies] == [before] * len(copies)


_DYING = """
import os, shutil, signal, sys
from pathlib import Path
import desktop.storage.database as module
import desktop.storage.migration as migration
schema = getattr(module, sys.argv[3])
whole, done = migration._statements, 0
def dying(script):
    global done
    for statement in whole(script):
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        yield statement
    if done == last:
        os.kill(os.getpid(), signal.SIGKILL)
migration._statements = dying
for last in range(1000):
    folder = Path(sys.argv[2]) / str(last)
    folder.mkdir()
    path = Path(shutil.copy(sys.argv[1], folder / "file.db"))
    pid = os.fork()
    if pid == 0:
        module.Database(path, schema).open()
        os._exit(0)
    if os.waitpid(pid, 0)[1] == 0:
        break
print(last)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
@pytest.mark.parametrize(
    ("file", "name"),
    [
        *((each, "CONVERSATIONS_SCHEMA") for each in CONVERSATIONS[:-1]),
        *((each, "LEDGER_SCHEMA") for each in LEDGERS[:-1]),
    ],
    ids=in_words,
)
def test_killed_before_any_statement_it_is_of_one_version_or_another_and_goes_on(
    file: Path, name: str, tmp_path: Path
) -> None:
    schema: DatabaseSchema = {"CONVERSATIONS_SCHEMA": CONVERSATIONS_SCHEMA, "LEDGER_SCHEMA": LEDGER_SCHEMA}[name]
    code = [sys.executable, "-c", _DYING, str(file), str(tmp_path), name]
    done = subprocess.run(code, capture_output=True, text=True, check=True, timeout=120)
    kills, old, before = int(done.stdout), version(file), rows(file)
    assert kills >= 2
    seen = set()
    for each in range(kills):
        path = tmp_path / str(each) / "file.db"
        assert len(list(path.parent.glob("file.version-*.db"))) == 1
        seen.add(version(path))
        database = opened(path, schema)
        database.close()
        assert version(path) == len(schema.migrations)
        assert rows(path, before) == before
        assert not list(path.parent.glob(".*"))
    assert seen == set(range(old, len(schema.migrations)))


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX systems")
@pytest.mark.parametrize("room", [4096, 40_000, 100_000, 150_000])
def test_a_disk_that_fills_up_in_the_middle_leaves_it_as_it_was(room: int, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    import resource

    path = put(CONVERSATIONS[0], tmp_path)
    with closing(sqlite3.connect(path)) as connection:  # so that the search index takes pages
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE messages SET text = text || replace(hex(zeroblob(15000)), '0', '漢字')")
        connection.commit()
    before = rows(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(ResourceError):
            Database(path).open()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.glob(".latchkey-*"))
    assert rows(path, before) == before
    opened(path, CONVERSATIONS_SCHEMA).close()
    assert rows(path, before) == before


_OPEN = """
import sys
from pathlib import Path
import desktop.storage.database as module
database = module.Database(Path(sys.argv[1]), getattr(module, sys.argv[2]))
print(flush=True)
sys.stdin.readline()
database.open()
"""


@pytest.mark.parametrize(
    ("file", "name"), [(CONVERSATIONS[0], "CONVERSATIONS_SCHEMA"), (LEDGERS[0], "LEDGER_SCHEMA")], ids=in_words
)
def test_several_processes_bring_it_up_to_date_at_once(file: Path, name: str, tmp_path: Path) -> None:
    path = put(file, tmp_path)
    before = rows(path)
    code = [sys.executable, "-c", _OPEN, str(path), name]
    running = [
        subprocess.Popen(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for each in running:
        assert each.stdout is not None
        each.stdout.readline()
    for each in running:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate()[1] for each in running]
    assert [each.returncode for each in running] == [0] * 4, said
    assert rows(path, before) == before
    assert not list(tmp_path.glob(".latchkey-*"))


@pytest.mark.parametrize("file", NETWORK, ids=in_words)
def test_a_log_of_requests_of_every_version_is_read_whole(file: Path, tmp_path: Path) -> None:
    store = RequestStore(put(file, tmp_path), now=lambda: 1_790_000_000.0)
    assert store.newest() == [
        RequestLogEntry(1_790_000_002.0, "file", "GET", "huggingface.co", "/a/2", 0, 0, 0, 0.0, UNFINISHED, "k2"),
        RequestLogEntry(1_790_000_001.0, "access", "HEAD", "hf.example", "/b/ü", 403, 0, 7, 0.25, "refused", "k1"),
        RequestLogEntry(1_790_000_000.0, "file", "GET", "huggingface.co", "/a/0", 200, 10, 20, 0.5, "", "k0"),
    ]
    store.close()


@pytest.mark.parametrize(("file", "schema"), FILES, ids=in_words)
def test_one_of_a_later_version_is_left_to_the_last_byte(file: Path, schema: DatabaseSchema, tmp_path: Path) -> None:
    path = put(file, tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(schema.migrations) + 1}")
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    use: list[Callable[[Database], object]] = [Database.open, lambda each: each.read().__enter__(), Database.check]
    for each in use:
        database = Database(path, schema)
        with pytest.raises(Exception, match="newer"):
            each(database)
        database.close()
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
