"""Brings the conversations of one database file into another: what is there stays, what it lacks is added.

The file they come from may be a stranger's, or what could be read of a damaged one: every value is looked at, and what
the program could not show later is left out and counted.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from desktop.conversation import Conversation
from desktop.errors import UserError
from desktop.storage.attachment_store import AttachmentStore, named_attachments
from desktop.storage.conversation_erasure import BEING_ERASED
from desktop.storage.conversation_rows import (
    CONVERSATION_COLUMNS,
    MESSAGE_COLUMNS,
    TAGS_COLUMN,
    conversation_from_row,
    message_from_row,
)
from desktop.storage.database import Database
from desktop.storage.folder_store import FOLDER_COLUMNS, folder_from_row
from desktop.storage.message_search import drop_erased_words
from desktop.storage.search_terms import add_functions

TellProgress = Callable[[int, int], None]
"""Is told how many conversations of how many are done. What it raises ends the work, and nothing of it is kept."""

READABLE_TEXT = partial(str, encoding="utf-8", errors="replace")
"""How text is read that need not be UTF-8."""

_HEADS = CONVERSATION_COLUMNS.split(", ")
_MESSAGES = MESSAGE_COLUMNS.split(", ")
_FOLDERS = FOLDER_COLUMNS.split(", ")
_HEAD_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(_HEADS),
    "title": "",
    "title_by": "",
    "system_prompt": "",
    "pinned": 0,
    "tags": "[]",
}
"""What stands in a head for what cannot be read, but for its id and its times: the words of a conversation are in its
messages."""
del _HEAD_DEFAULTS["id"]
_MESSAGE_DEFAULTS: dict[str, Any] = dict.fromkeys(("model", "sampling", "timing", "record"))
_UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)
_Moment = Annotated[float, msgspec.Meta(ge=-62_135_596_800, le=253_402_300_799)]  # the years 1 to 9999


class _MessageRow(msgspec.Struct, array_like=True):
    """The types of a row of MESSAGE_COLUMNS; SQLite itself keeps any value in any column."""

    id: Annotated[str, msgspec.Meta(min_length=1)]
    conversation_id: str
    parent_id: str | None
    role: Literal["system", "user", "assistant"]
    status: Literal["complete", "streaming", "stopped", "failed"]
    text: str
    parts: str | None
    model: str | None
    sampling: str | None
    timing: str | None
    error: str
    writer: str | None
    created_at: _Moment
    pinned: int
    edited: int
    record: str | None
    deleted_at: _Moment | None


@dataclass
class MergeCount:
    """What a merge added: new `conversations`, `messages` in them and in those that were here, `folders`. `extended`
    were here and lacked some, `unchanged` were here with all of theirs, `in_bin` of both lie in the bin here.
    `unreadable` are rows that were left out, `in_part` those that came without what could not be read beside their
    words: options, timing, a title and the like. `taken_ids` are the messages that were left out as another
    conversation here has one of the same id."""

    conversations: int = 0
    messages: int = 0
    folders: int = 0
    extended: int = 0
    unchanged: int = 0
    in_bin: int = 0
    unreadable: int = 0
    in_part: int = 0
    changed_ids: list[str] = field(default_factory=list)
    taken_ids: list[str] = field(default_factory=list)


def merge_conversations(
    database: Database,
    source: Path,
    now: float,
    *,
    attachments: tuple[AttachmentStore, AttachmentStore] | None = None,
    replace: bool = False,
    progress: TellProgress = lambda done, total: None,
) -> MergeCount:
    """Add to `database` what the sound file `source`, of the same schema, has and it lacks; how much that was.

    All of it or nothing. With `replace` what is here is erased first. `attachments` are the files that messages name:
    where they are, and where to add them; one that is damaged here is replaced. `now` in seconds, UTC. Raises what
    `Database` raises.
    """
    with closing(_open(source)) as reading, database.write() as connection:
        if replace:
            _erase_all(connection)
        merge = _Merge(reading, connection, now)
        merge.run(progress)
        if attachments is not None:
            there, here = attachments
            for sha256 in sorted(named_attachments(connection)):
                if there.contains(sha256) and not _is_whole(here, sha256):
                    here.add(there.read(sha256))
    if replace:
        database.truncate_wal()
    return merge.count


def _is_whole(attachments: AttachmentStore, sha256: str) -> bool:
    try:
        attachments.read(sha256)
    except UserError:
        return False
    return True


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.text_factory = READABLE_TEXT
    add_functions(connection)  # an index may be asked for what they give
    return connection


def _erase_all(connection: sqlite3.Connection) -> None:
    for table in ("messages", "tags", "conversations", "folders"):
        connection.execute(f"DELETE FROM {table}")
    drop_erased_words(connection)


class _Merge:
    """One merge under way, in a transaction of `target`."""

    def __init__(self, source: sqlite3.Connection, target: sqlite3.Connection, now: float) -> None:
        self._source, self._target, self._now = source, target, now
        self.count = MergeCount()

    def run(self, progress: TellProgress) -> None:
        self._folders()
        (total,) = self._source.execute("SELECT count(*) FROM conversations").fetchone()
        names = f"{CONVERSATION_COLUMNS}, {TAGS_COLUMN}"
        for done, row in enumerate(self._source.execute(f"SELECT {names} FROM conversations ORDER BY number")):
            progress(done, total)
            self._conversation(row)
        progress(total, total)

    def _folders(self) -> None:
        (last,) = self._target.execute("SELECT ifnull(max(position), -1) FROM folders").fetchone()
        for row in self._source.execute(f"SELECT {FOLDER_COLUMNS} FROM folders ORDER BY position, number"):
            values = dict(zip(_FOLDERS, row, strict=True))
            try:
                found = folder_from_row(row)
                msgspec.convert(msgspec.to_builtins(found, builtin_types=(bytes,)), type(found))
            except _UNREADABLE:
                self.count.unreadable += 1
                continue
            values["position"] = last + 1
            if self._insert("folders", values):
                last += 1
                self.count.folders += 1

    def _conversation(self, row: tuple[Any, ...]) -> None:
        read = {**dict(zip(_HEADS, row[:-1], strict=True)), "tags": row[-1]}
        if read["deleted_at"] == BEING_ERASED:
            return
        values = self._readable(read, _is_head, lambda: _HEAD_DEFAULTS | self._times_of(read["id"]))
        if values is None:
            return
        if values["title"] != read["title"]:
            values["title_by"] = ""
        head = conversation_from_row(tuple(values.values()))
        del values["tags"]
        here = self._target.execute("SELECT leaf_id, deleted_at FROM conversations WHERE id = ?", (head.id,)).fetchone()
        if here is None:
            self._add_head(values, head.tags)
        added, messages = self._messages(head.id)
        self.count.messages += added
        if here is None:
            self.count.conversations += 1
            self._set_leaf(head.id, head.leaf_id if messages.get(head.leaf_id or "", 0.0) is None else _last(messages))
        elif added:
            self.count.extended += 1
            self._lengthen(head, here[0], messages)
        else:
            self.count.unchanged += 1
        if here is not None and here[1] is not None:
            self.count.in_bin += 1
        if here is None or added:
            self.count.changed_ids.append(head.id)

    def _times_of(self, conversation_id: Any) -> dict[str, float]:
        """When a conversation began whose head does not say it: as its first message that does; else 0."""
        query = "SELECT created_at FROM messages WHERE conversation_id = ? ORDER BY number"
        moments = (moment for (moment,) in self._source.execute(query, (conversation_id,)))
        return dict.fromkeys(("created_at", "updated_at"), next(filter(_is_moment, moments), 0.0))

    def _add_head(self, values: dict[str, Any], tags: tuple[str, ...]) -> None:
        folder = self._target.execute("SELECT id FROM folders WHERE id = ?", (values["folder_id"],)).fetchone()
        values["folder_id"] = None if folder is None else folder[0]
        values["leaf_id"] = None
        if values["deleted_at"] is not None:
            values["deleted_at"] = self._now  # the bin keeps it as long as what is deleted today
        self._insert("conversations", values)
        self._target.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(values["id"], tag) for tag in tags])

    def _messages(self, conversation_id: str) -> tuple[int, dict[str, float | None]]:
        """Add the messages that are missing: how many, and all that are here then, with when each was deleted."""
        rows = self._target.execute(
            "SELECT id, deleted_at FROM messages WHERE conversation_id = ? ORDER BY number", (conversation_id,)
        )
        here: dict[str, float | None] = dict(rows.fetchall())
        added, last = 0, None
        query = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE conversation_id = ? ORDER BY number"
        for row in self._source.execute(query, (conversation_id,)):
            if row[0] in here:
                last = row[0]
                continue
            values = self._readable(dict(zip(_MESSAGES, row, strict=True)), _is_message, lambda: _MESSAGE_DEFAULTS)
            if values is None:
                continue
            # Where what it followed is lost, it follows what was said before that.
            parent = values["parent_id"]
            values["parent_id"] = parent if parent in here or parent is None else last
            above = here.get(values["parent_id"] or "")
            values["deleted_at"] = above if values["deleted_at"] is None else values["deleted_at"]
            if values["status"] == "streaming":
                values |= {"status": "stopped", "writer": None}
            if self._insert("messages", values):
                here[values["id"]] = values["deleted_at"]
                last = values["id"]
                added += 1
            else:
                self.count.taken_ids.append(values["id"])
        return added, here

    def _readable(
        self,
        values: dict[str, Any],
        is_readable: Callable[[dict[str, Any]], bool],
        defaults: Callable[[], dict[str, Any]],
    ) -> dict[str, Any] | None:
        """A row by column, with `defaults` in place of what cannot be read; None where it could not be shown with them
        either."""
        if is_readable(values):
            return values
        replaced = defaults()
        least = values | replaced
        if not is_readable(least):
            self.count.unreadable += 1
            return None
        self.count.in_part += 1
        kept = {name: values[name] for name in replaced if is_readable(least | {name: values[name]})}
        return least | kept

    def _lengthen(self, head: Conversation, leaf_id: str | None, messages: dict[str, float | None]) -> None:
        """Show what was added to a conversation, where it goes on from what is shown here."""
        self._target.execute(
            "UPDATE conversations SET updated_at = max(updated_at, ?) WHERE id = ?", (head.updated_at, head.id)
        )
        new_leaf = head.leaf_id
        if new_leaf is None or messages.get(new_leaf, 0.0) is not None:
            return
        at: str | None = new_leaf
        seen = set()
        while at is not None and at != leaf_id and at not in seen:
            seen.add(at)
            row = self._target.execute("SELECT parent_id FROM messages WHERE id = ?", (at,)).fetchone()
            at = None if row is None else row[0]
        if at == leaf_id:
            self._set_leaf(head.id, new_leaf)

    def _set_leaf(self, conversation_id: str, leaf_id: str | None) -> None:
        self._target.execute("UPDATE conversations SET leaf_id = ? WHERE id = ?", (leaf_id, conversation_id))

    def _insert(self, table: str, values: dict[str, Any]) -> bool:
        """Whether the row is new: one with an id that is here is left out."""
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        return bool(self._target.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", values).rowcount)


def _is_head(values: dict[str, Any]) -> bool:
    """Whether these are columns of a conversation that could be shown, its tags the last."""
    try:
        head = conversation_from_row(tuple(values.values()))
        msgspec.convert(msgspec.to_builtins(head, builtin_types=(bytes,)), Conversation)
        for moment in (head.created_at, head.updated_at, head.deleted_at, head.archived_at):
            msgspec.convert(moment, _Moment | None)
    except _UNREADABLE:
        return False
    return bool(head.id)


def _is_moment(value: Any) -> bool:
    try:
        msgspec.convert(value, _Moment)
    except msgspec.ValidationError:
        return False
    return True


def _is_message(values: dict[str, Any]) -> bool:
    """Whether these are columns of a message that could be shown."""
    row = tuple(values.values())
    try:
        msgspec.convert(row, _MessageRow)
        message_from_row(row)
    except _UNREADABLE:
        return False
    return True


def _last(messages: dict[str, float | None]) -> str | None:
    """The newest message that was not deleted."""
    return next((key for key in reversed(messages) if messages[key] is None), None)
