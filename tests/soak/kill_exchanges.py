"""Programs that are killed while words leave a home or come into one: exports, imports, backups, restores."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

from desktop.conversation import Conversation, ImagePart, Message, Role, TextPart
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from tests.soak.kill_operations import Attempt, Life
from tests.soak.process_forker import Forked

CHATS, TURNS = 150, 12
_SUFFIXES = ("json", "html", "md", "pdf")
Texts = dict[str, list[str]]


def source(life: Life) -> Path:
    """A home with many chats, images among them, settings and a ledger; made once. `all.json` and `all.zip` are beside
    it: its export and its backup."""
    home = life.scratch / "source"
    if (life.scratch / "all.zip").exists():
        return home
    shutil.copytree(life.home, home, ignore=shutil.ignore_patterns("latchkey.db*", "window.lock", "prompt-cache"))
    fill(home, "chat", CHATS)
    for line in (
        ("conversations", "export", str(life.scratch / "all.json")),
        ("backup", str(life.scratch / "all.zip")),
    ):
        done = life.run("command", *line, home=home)
        assert done.code == 0, done.err.whole
    return home


def fill(home: Path, name: str, chats: int) -> None:
    """Many conversations, each with an image of its own."""
    database = Database(home / "data" / "latchkey.db")
    store, images = ConversationStore(database), AttachmentStore(home / "data" / "attachments")
    for number in range(chats):
        chat = f"{name}-{number}"
        sha256 = images.add(f"an image of {chat}".encode() * 2000)
        parent: str | None = None
        turns = []
        for turn in range(TURNS):
            parts = (
                TextPart(f"Turn {turn} of {chat}. " * 20),
                *((ImagePart(sha256, "image/png"),) if not turn else ()),
            )
            role: Role = "assistant" if turn % 2 else "user"
            turns.append(Message(f"{chat}-{turn}", chat, parent, role, parts, created_at=1000.0 + turn))
            parent = turns[-1].id
        store.add_messages(turns, create=Conversation(chat, f"Title of {chat}", "person", 1000.0, 1000.0 + number))
    database.close()


def texts(home: Path) -> Texts:
    """By each conversation's title, what stands in it."""
    found: Texts = {}
    file = home / "data" / "latchkey.db"
    if file.exists():
        with closing(sqlite3.connect(file)) as connection:
            query = "SELECT c.id, c.title, m.text FROM conversations c JOIN messages m ON m.conversation_id = c.id "
            for id_, title, text in connection.execute(query + "ORDER BY c.number, m.number"):
                found.setdefault(f"{title} {id_}", []).append(text)
    return found


def by_title(found: Texts) -> dict[str, list[str]]:
    """The same, by titles alone: what is imported gets ids of its own."""
    return {key.rpartition(" ")[0]: value for key, value in found.items()}


def images(home: Path) -> list[str]:
    """What is wrong with the images: one that a message names is not there, or one is there that no message names."""
    named: set[str] = set()
    file = home / "data" / "latchkey.db"
    with closing(sqlite3.connect(file)) as connection:
        for (parts,) in connection.execute("SELECT parts FROM messages WHERE parts LIKE '%sha256%'"):
            named |= {each["sha256"] for each in json.loads(parts) if "sha256" in each}
    kept = {each.name for each in (home / "data" / "attachments").rglob("*") if each.is_file()}
    found = [f"{len(named - kept)} images are missing"] if named - kept else []
    parts = sum(each.endswith(".part") for each in kept)
    return found + ([f"{len(kept - named)} images are nobody's, {parts} half written"] if kept - named else [])


def opened(life: Life, home: Path) -> list[str]:
    """A window starts in this home, and ends."""
    window = life.run("window", "start", "0", home=home)
    return [] if window.code == 0 else [f"no window: {window.code} {window.err.whole[-300:].decode(errors='replace')}"]


def aged(folder: Path) -> list[Path]:
    """What was left half written in a person's folder, from now on as if that had been long ago."""
    left = list(folder.glob(".latchkey-*.part"))
    for each in left:
        os.utime(each, (0, 0))
    return left


def uncleaned(left: list[Path], forked: Forked) -> list[str]:
    """Whether a program that came to its end left it there."""
    return [f"{each.name} stays in {each.parent}" for each in left if forked.code == 0 and each.exists()]


# --- out -------------------------------------------------------------------------------------------------------------


def export(life: Life, choose: random.Random) -> Attempt:
    """Chats written to a file, which may be there already."""
    home = source(life)
    file = life.scratch / "Documents" / f"chats.{choose.choice(_SUFFIXES)}"
    file.parent.mkdir(exist_ok=True)
    left = aged(file.parent)
    before, at = (file.read_bytes(), file.stat().st_mtime_ns) if file.exists() else (None, 0)
    which = ["--all"] if file.suffix == ".json" or choose.random() < 0.3 else ["chat-1", "chat-2", "chat-3"]

    def check(life: Life, forked: Forked, killed_at: float) -> list[str]:
        now = file.read_bytes() if file.exists() else None
        found = uncleaned(left, forked)
        if now == before:
            written = now is not None and file.stat().st_mtime_ns != at  # two within a second are the same
            return found + ([f"{file.name} was not written"] if forked.code == 0 and not written else [])
        return found + ([] if now is not None and is_whole(file, now) else [f"{file.name} is not whole"])

    return Attempt(["conversations", "export", str(file), *which, "--force"], check=check, home=home)


def is_whole(file: Path, data: bytes) -> bool:
    """Whether an export ends as it should."""
    match file.suffix:
        case ".json":
            return len(json.loads(data)["conversations"]) == CHATS
        case ".html":
            return data.rstrip().endswith(b"</html>")
        case ".pdf":
            return data.startswith(b"%PDF") and data.rstrip().endswith(b"%%EOF")
    return data.endswith(b"\n") and data.count(b"Turn 11 of chat") >= 3


def backup(life: Life, choose: random.Random) -> Attempt:
    """Everything in one file, over the one of before."""
    home = source(life)
    file = life.scratch / "Documents" / "all.zip"
    file.parent.mkdir(exist_ok=True)
    left = aged(file.parent)
    before = file.read_bytes() if file.exists() else None

    def check(life: Life, forked: Forked, killed_at: float) -> list[str]:
        now = file.read_bytes() if file.exists() else None
        found = uncleaned(left, forked) + ([] if now != before or forked.code != 0 else ["it is as it was"])
        if now is not None:
            looked = life.run("command", "restore", str(file), "--check", home=home)
            found += [] if looked.code == 0 else [f"the backup is not whole: {looked.err.whole[-300:]!r}"]
        work = list(home.rglob(".backup-*"))
        return found + ([f"{len(work)} folders of backups that were cut off"] if len(work) > 8 else [])

    return Attempt(["backup", str(file), "--force"], check=check, home=home)


# --- in --------------------------------------------------------------------------------------------------------------


def take_in(life: Life, choose: random.Random) -> Attempt:
    """A large export taken in, into a home in which an earlier attempt may have been cut off."""
    wanted = by_title(texts(source(life)))
    home = life.scratch / "taking"
    if choose.random() < 0.5 or not home.exists():
        life.new_folder("taking")

    def check(life: Life, forked: Forked, killed_at: float) -> list[str]:
        here = by_title(texts(home))
        found = [f"{title} is not whole" for title, said in here.items() if wanted.get(title) != said][:3]
        if forked.code == 0 and here != wanted:
            found.append(f"{len(here)} of {len(wanted)} came")
        found += opened(life, home) + images(home)
        if choose.random() < 0.3:
            again = life.run("command", "conversations", "import", str(life.scratch / "all.json"), "--json", home=home)
            came = json.loads(again.out.whole)["imported"]
            if by_title(texts(home)) != wanted or came != len(wanted) - len(here):
                found.append(f"{came} came again behind {len(here)} of {len(wanted)}")
        return found

    return Attempt(["conversations", "import", str(life.scratch / "all.json"), "--json"], check=check, home=home)


def restore(life: Life, choose: random.Random) -> Attempt:
    """A backup restored into a home that is empty, or has chats and settings of its own."""
    wanted = texts(source(life))
    home = life.new_folder("restoring")
    if choose.random() < 0.7:
        shutil.copytree(
            life.home / "config", home / "config", ignore=shutil.ignore_patterns("settings.json", "ledger-*")
        )
        (home / "config" / "settings.json").write_text(json.dumps({"theme": "dark", "threads": 1}))
        fill(home, "own", 20)
    own = texts(home)
    settings = (home / "config" / "settings.json").read_bytes() if own else None
    replaces = bool(own) and choose.random() < 0.4
    choices = [*(["--replace"] if replaces else []), *(["--settings"] if choose.random() < 0.5 else [])]
    after = wanted if replaces else own | wanted
    with zipfile.ZipFile(life.scratch / "all.zip") as packed:
        theirs = packed.read("config/settings.json")

    def check(life: Life, forked: Forked, killed_at: float) -> list[str]:
        here = {key: said for key, said in texts(home).items() if key in own or key in wanted}
        listed = life.run("command", "conversations", "list", "--json", home=home)
        shown = {f"{each['title']} {each['id']}" for each in json.loads(listed.out.whole)}
        found = [] if shown in (set(own), set(after)) else [f"{len(shown)} of {len(own)} and {len(wanted)} are listed"]
        found += [f"{key} is not whole" for key, said in here.items() if (own | wanted)[key] != said][:3]
        if forked.code == 0 and shown != set(after):
            found.append("it was said to be restored")
        now = (home / "config" / "settings.json").read_bytes() if (home / "config" / "settings.json").exists() else None
        if now not in (settings, theirs):
            found.append(f"the settings are {now!r}")
        found += opened(life, home)
        left = [each.name for each in (home / "data").glob("restoring*")]
        found += [f"{left} is left"] if left else []
        return found + (images(home) if (home / "data" / "latchkey.db").exists() else [])

    return Attempt(["restore", str(life.scratch / "all.zip"), *choices], check=check, home=home)
