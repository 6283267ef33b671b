"""What programs are doing when they are killed: one function for each kind of work.

Each says what is started, what it is about to do, and what holds once it is over. To have another kind killed, write a
function that makes its `Attempt`, and enter it in the table of `test_kills_at_random.py`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop.storage.search_terms import add_functions
from tests.soak.kill_promises import LAST_SECONDS, Disk, Promises, read_disk
from tests.soak.process_forker import Forked, ProcessForker, Program

TOP = Path(__file__).resolve().parents[2]
DATABASES = sorted((TOP / "tests" / "data" / "databases").glob("version-*.db"))
LEDGERS = sorted((TOP / "tests" / "data" / "ledgers").iterdir())
PATIENCE_S = 120.0
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
QUESTIONS = ("How do I stop an answer?", "What is a lineage?", "Where are my models?", "鍵は何ですか？")
Check = Callable[["Life", Forked, float], list[str]]


@dataclass
class Attempt:
    """One program that is started: what it promises, by keys of the books, and what else is looked at afterwards.

    `home` is another one than the life's, where it has to be. It `lasts` so many seconds, where it would not end.
    """

    arguments: list[str]
    program: Program = "command"
    promises: list[tuple[str, Any]] = field(default_factory=list)
    check: Check | None = None
    home: Path | None = None
    lasts: float = 0.0


@dataclass
class Life:
    """A home in which programs are started and killed, with its books. `model` has a license that can be accepted,
    whose text has the hash `text_sha256`. Homes of their own lie in `scratch`."""

    home: Path
    scratch: Path
    forker: ProcessForker
    model: str = ""
    text_sha256: str = ""
    promises: Promises = field(default_factory=Promises)
    disk: Disk = field(default_factory=Disk)

    def start(self, program: Program, arguments: Sequence[str], home: Path | None = None) -> Forked:
        """Start a program in `home`, or in the life's own."""
        kept = {name: value for name, value in os.environ.items() if name not in _DISPLAYS}
        where = {"LATCHKEY_HOME": str(home or self.home), "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(TOP)}
        return self.forker.start(program, arguments, kept | where)

    def run(self, program: Program, *arguments: str, home: Path | None = None) -> Forked:
        """The same, to its end."""
        forked = self.start(program, arguments, home)
        forked.watch(PATIENCE_S)
        forked.close()
        return forked

    def chat(self, choose: random.Random) -> str | None:
        """Some conversation that is there."""
        found = sorted(each for each, head in self.disk.heads.items() if not head["deleted"])
        return choose.choice(found) if found else None

    def look(self) -> Disk:
        """What lies on the disk now."""
        self.disk = read_disk(self.home)
        return self.disk

    def new_folder(self, name: str) -> Path:
        """An empty folder for a home of its own."""
        folder = self.scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


# --- chatting --------------------------------------------------------------------------------------------------------


def ask(life: Life, choose: random.Random) -> Attempt:
    """One more turn, streamed to standard output or given as JSON."""
    text = f"{choose.choice(QUESTIONS)} ({uuid.uuid4().hex})"
    chat = life.chat(choose) if choose.random() < 0.8 else None
    line = ["ask", text, "--conversation", chat or "new"]
    # Half of them go on for seconds, so that there is something to lose.
    line += ["--max-tokens", "48"] if choose.random() < 0.5 else ["--max-tokens", "2000", "--ignore-eos"]
    as_json = choose.random() < 0.3

    def check(life: Life, forked: Forked, killed_at: float) -> list[str]:
        said = forked.out.whole.decode(errors="ignore")
        if not said and forked.code != 0:
            return []  # it may have been stored, and may not
        asked = [each for each in life.disk.messages.values() if each.text == text and each.role == "user"]
        if len(asked) != 1:
            return [f"{text!r} was asked and is there {len(asked)} times"]
        answers = [each.text for each in life.disk.messages.values() if each.parent == asked[0].id]
        if forked.code == 0:
            wanted = json.loads(said)["text"] if as_json else said
            whole = any(each.strip() and each.strip() in wanted for each in answers)
            return [] if whole else [f"{wanted!r} was said, and {answers} is stored"]
        sure = forked.out.until(killed_at - LAST_SECONDS).decode(errors="ignore")
        kept = any(each.startswith(sure.strip()) for each in answers)
        return [] if kept else [f"{sure!r} was said {LAST_SECONDS} s before, and {answers} is stored"]

    return Attempt([*line, "--json"] if as_json else line, promises=[(f"question:{text}", True)], check=check)


def window(life: Life, choose: random.Random) -> Attempt:
    """A person at the window, for some seconds: asks, stops, edits, branches, deletes, moves, drafts, queues."""
    return Attempt([str(choose.randrange(1 << 30)), "1000"], "window", lasts=6.0)


def order(life: Life, choose: random.Random) -> Attempt:
    """A conversation pinned, tagged, put away, deleted or brought back by a command."""
    chat = life.chat(choose)
    if chat is None:
        return ask(life, choose)
    tag = choose.choice(("red", "green"))
    gone = sorted(each for each, head in life.disk.heads.items() if head["deleted"])
    does: list[tuple[list[str], str, Any]] = [
        (["pin", chat], f"pinned:{chat}", True),
        (["unpin", chat], f"pinned:{chat}", False),
        (["archive", chat], f"archived:{chat}", True),
        (["unarchive", chat], f"archived:{chat}", False),
        (["tag", chat, tag], f"tag {tag}:{chat}", True),
        (["delete", chat], f"deleted:{chat}", True),
    ]
    if gone:
        does += [(["undelete", gone[0]], f"deleted:{gone[0]}", False)] * 2
    arguments, key, value = choose.choice(does)
    return Attempt(["conversations", *arguments], promises=[(key, value)])


# --- settings, licenses ----------------------------------------------------------------------------------------------


def settings(life: Life, choose: random.Random) -> Attempt:
    """The offline switch, presets and prompts."""
    number = choose.randrange(1, 10_000)
    name = choose.choice(("red", "green"))
    switch = choose.random() < 0.5
    does: list[tuple[list[str], str, Any]] = [
        (["offline", "on" if switch else "off"], "setting:offline", switch),
        (["presets", "set", name, "--max-tokens", str(number)], f"preset:{name}", number),
        (["prompts", "set", name, "--text", f"Prompt {number}"], f"prompt:{name}", f"Prompt {number}"),
    ]
    arguments, key, value = choose.choice(does)
    return Attempt(arguments, promises=[(key, value)])


def licenses(life: Life, choose: random.Random) -> Attempt:
    """A license accepted or revoked."""
    if life.model in life.disk.acknowledged and choose.random() < 0.7:
        return Attempt(["licenses", "revoke", life.model], promises=[(f"license:{life.model}", False)])
    what = ["--text-sha256", life.text_sha256, "--as", "Ada Example", "--purpose", "personal"]
    return Attempt(["licenses", "accept", life.model, *what], promises=[(f"license:{life.model}", True)])


# --- upgrades --------------------------------------------------------------------------------------------------------


def migrate(life: Life, choose: random.Random) -> Attempt:
    """The first look of this version at a home of an earlier one, with some thousand messages more in it."""
    home = life.new_folder("migrated")
    file = choose.choice(DATABASES[:-1])
    (home / "data").mkdir()
    database = home / "data" / "latchkey.db"
    shutil.copy(file, database)
    with closing_connection(database) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        (chat,) = connection.execute("SELECT id FROM conversations").fetchone()
        connection.executemany(
            "INSERT INTO messages (id, conversation_id, parent_id, role, status, text, error, created_at) "
            "VALUES (?, ?, NULL, 'user', 'complete', ?, '', 1)",
            [(f"more-{number}", chat, f"Message {number} 鍵は何ですか") for number in range(4000)],
        )
        connection.commit()
    before = set(read_texts(database))

    def check(life: Life, forked: Forked, killed_at: float) -> list[str]:
        after = set(read_texts(database))
        copies = list((home / "data").glob("latchkey.version-*.db"))
        found = [] if before == after else [f"of {len(before)} messages {len(before & after)} are the same"]
        found += [f"{len(copies)} copies"] if len(copies) > 2 else []
        return found + [f"{each} is not whole" for each in copies if set(read_texts(each)) != before]

    return Attempt(["conversations", "list", "--json"], check=check, home=home)


def migrate_ledger(life: Life, choose: random.Random) -> Attempt:
    """The first look at a ledger of an earlier version, and a record behind it."""
    home = life.new_folder("migrated-ledger")
    shutil.copytree(choose.choice(LEDGERS[:-1]), home, dirs_exist_ok=True)
    return Attempt(["licenses", "revoke", "alpaca"], home=home)


def read_texts(database: Path) -> Iterator[tuple[str, str]]:
    """The id and the text of each message in a file of any version."""
    with closing_connection(database) as connection:
        yield from connection.execute("SELECT id, text FROM messages").fetchall()


@contextmanager
def closing_connection(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a database, closed at the end of the block."""
    with closing(sqlite3.connect(file)) as connection:
        add_functions(connection)
        yield connection
