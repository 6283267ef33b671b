"""The books: what the program said was done, held against what is on the disk after a kill.

A key names one thing that can be looked up, such as `title:ID` or `question:TEXT`. What a program is about to do is
written down before it does it, and again when it has said that it is done. After a kill, a thing stands as it was last
done, or as it was about to be.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LAST_SECONDS = 2.0
"""Of an answer that grows, so much may be missing: it is stored each second, and a busy machine is given another."""


@dataclass(frozen=True)
class Row:
    """A message as it is stored."""

    id: str
    conversation: str
    parent: str | None
    role: str
    status: str
    text: str
    deleted: bool


@dataclass
class Disk:
    """What lies in a home, read without Latchkey."""

    messages: dict[str, Row] = field(default_factory=dict)
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: set[tuple[str, str]] = field(default_factory=set)
    settings: dict[str, Any] = field(default_factory=dict)
    presets: dict[str, Any] = field(default_factory=dict)
    prompts: dict[str, Any] = field(default_factory=dict)
    drafts: str = ""
    acknowledged: set[str] = field(default_factory=set)

    def value(self, key: str) -> Any:
        """How the thing of this key stands."""
        kind, _, name = key.partition(":")
        kind, _, detail = kind.partition(" ")
        match kind:
            case "question":
                waits = name[-33:-1] in self.drafts  # a queue is JSON within JSON; what makes a question unique is not
                return waits or self._is_said("user", name)
            case "answer":
                return self._is_said("assistant", name)
            case "there":
                return name in self.messages
            case "gone":
                return name not in self.messages or self.messages[name].deleted
            case "title" | "pinned" | "archived" | "deleted" | "folder":
                return self.heads.get(name, {}).get(kind)
            case "tag":
                return (name, detail) in self.tags
            case "setting":
                return self.settings.get(name)
            case "preset":
                return self.presets.get(name, {}).get("max_tokens")
            case "prompt":
                return self.prompts.get(name, {}).get("text")
            case "draft":
                return name in self.drafts
            case "license":
                return name in self.acknowledged
        raise AssertionError(key)

    def is_stored(self, question: str) -> bool:
        """Whether the question of this key is a message, and does not only wait to be one."""
        return self._is_said("user", question.partition(":")[2])

    def _is_said(self, role: str, text: str) -> bool:
        return any(each.role == role and each.text == text for each in self.messages.values())


def read_disk(home: Path) -> Disk:
    """What lies in `home`."""
    disk = Disk()
    if (home / "data" / "latchkey.db").exists():
        with closing(sqlite3.connect(home / "data" / "latchkey.db")) as connection:
            for row in connection.execute(
                "SELECT id, conversation_id, parent_id, role, status, text, deleted_at IS NOT NULL FROM messages"
            ):
                disk.messages[row[0]] = Row(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[6]))
            for id_, title, pinned, archived, deleted, folder in connection.execute(
                "SELECT id, title, pinned, archived_at NOT NULL, deleted_at NOT NULL, folder_id FROM conversations"
            ):
                disk.heads[id_] = {
                    "title": title,
                    "pinned": bool(pinned),
                    "archived": bool(archived),
                    "deleted": bool(deleted),
                    "folder": folder,
                }
            disk.tags = set(connection.execute("SELECT conversation_id, tag FROM tags"))
    for name in ("settings", "presets", "prompts"):
        file = home / "config" / f"{name}.json"
        if file.exists():
            values = json.loads(file.read_bytes())
            setattr(disk, name, values if name == "settings" else values[name])
    drafts = home / "data" / "drafts.json"
    disk.drafts = drafts.read_text() if drafts.exists() else ""
    ledger = home / "data" / "ledger.db"
    if ledger.exists():
        with closing(sqlite3.connect(ledger)) as connection:
            for event, model in connection.execute("SELECT event, model FROM ledger ORDER BY seq"):
                if event == "acknowledged":
                    disk.acknowledged.add(model)
                elif event == "revoked":
                    disk.acknowledged.discard(model)
    return disk


class Promises:
    """What was promised by all programs of a home so far. `kept` counts what was held against the disk."""

    def __init__(self) -> None:
        self._sure: dict[str, Any] = {}
        self._maybe: dict[str, list[Any]] = {}
        self._answers: dict[str, tuple[str, str]] = {}
        self._growing: dict[str, list[tuple[float, str]]] = {}
        self.kept = 0

    def about_to(self, key: str, value: Any) -> None:
        """This is going to be done."""
        self._maybe.setdefault(key, []).append(value)

    def done(self, key: str, value: Any) -> None:
        """The program said that it is done."""
        self._sure[key] = value
        self._maybe.pop(key, None)

    def take_lines(self, lines: Iterator[tuple[float, dict[str, Any]]]) -> None:
        """What a driven window wrote, each with the moment at which it was heard."""
        for at, line in lines:
            if "do" in line:
                self.about_to(line["do"], line["value"])
            elif "done" in line:
                self.done(line["done"], line["value"])
            elif "text" in line:
                self.grows(line["text"], at, line["so_far"])
            elif "over" in line:
                self.over(line["over"], line["value"], line["status"])

    def grows(self, message_id: str, at: float, text: str) -> None:
        """So much of an answer was seen at that moment."""
        self._growing.setdefault(message_id, []).append((at, text))

    def over(self, message_id: str, text: str, status: str) -> None:
        """An answer is over, and stored."""
        self._growing.pop(message_id, None)
        self._answers[message_id] = (text, status)

    def faults(self, disk: Disk, killed_at: float) -> list[str]:
        """What was promised and is not so; from then on, things stand as they do."""
        found = []
        for key in {*self._sure, *self._maybe}:
            now = disk.value(key)
            allowed = [*([self._sure[key]] if key in self._sure else _before(key)), *self._maybe.get(key, [])]
            if now not in allowed and not (key not in self._sure and key.startswith("title:")):
                found.append(f"{key} is {now!r}, not {' or '.join(map(repr, allowed))}")
            self.kept += key in self._sure
            if key in self._sure or now in self._maybe[key]:
                self._sure[key] = now
            if key.startswith("draft:") or (key.startswith("question:") and not disk.is_stored(key)):
                self._sure.pop(key, None)  # the next window may do anything with it
        self._maybe.clear()
        for message_id, seen in self._growing.items():
            sure = max((text for at, text in seen if at < killed_at - LAST_SECONDS), key=len, default="")
            stored = disk.messages.get(message_id)
            if sure and (stored is None or not stored.text.startswith(sure)):
                found.append(f"the answer {message_id} has {stored and stored.text!r}, and {sure!r} was seen of it")
            self.kept += bool(sure)
        self._growing.clear()
        for message_id, (text, status) in self._answers.items():
            stored = disk.messages.get(message_id)
            if stored is None or (stored.text, stored.status) != (text, status):
                found.append(f"the answer {message_id} is {stored}, not {text!r}, {status}")
        self.kept += len(self._answers)
        return found


def _before(key: str) -> list[Any]:
    """How a thing stands of which nothing was ever promised."""
    return [None] if key.startswith(("folder:", "setting:", "preset:", "prompt:")) else [False]
