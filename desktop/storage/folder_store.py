"""Folders, and where conversations stand: in a folder, in the archive, in the bin, under which tags.

What is done with several conversations is one transaction: all of it, or nothing. Those that are not there any more
(another process may have erased them) are passed over. Every method raises what `Database` raises.
"""

import re
import sqlite3
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from desktop.conversation import Conversation, Folder
from desktop.errors import NotFoundError, UserError
from desktop.safe_text import repair_surrogates
from desktop.storage.conversation_erasure import BEING_ERASED, ConversationErasure
from desktop.storage.conversation_rows import (
    CONVERSATION_COLUMNS,
    TAGS_COLUMN,
    conversation_from_row,
    options_from_json,
    options_json,
)
from desktop.storage.database import Database
from desktop.translation import tr

Attribute = Literal["folder_id", "archived_at", "deleted_at", "pinned"]
"""The columns that say where a conversation stands."""

LONGEST_NAME = 120
"""Characters that the name of a folder, or a tag, is cut to."""

FOLDER_COLUMNS = "id, name, position, system_prompt, model_id, options, created_at, folded"
_GIVEN = "id IN (SELECT value FROM json_each(:ids))"
_BLANKS = re.compile(r"\s+")


class BlankNameError(UserError):
    """A folder or a tag was to have a name in which nothing can be seen."""


class FolderStore:
    """Folders and the order of conversations, in `database`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # --- folders -------------------------------------------------------------------------------------------------

    def folders(self) -> list[Folder]:
        """All of them, as they stand in the list."""
        with self.database.read() as connection:
            return read_folders(connection)

    def folder(self, folder_id: str) -> Folder:
        """One of them. NotFoundError where there is none."""
        with self.database.read() as connection:
            return _read_folder(connection, folder_id)

    def create(self, folder: Folder) -> Folder:
        """Store a new one behind the others; as it is then. BlankNameError where its name is blank."""
        with self.database.write() as connection:
            (last,) = connection.execute("SELECT ifnull(max(position), -1) FROM folders").fetchone()
            stored = msgspec.structs.replace(folder, name=folder_name(folder.name), position=last + 1)
            _insert_folder(connection, stored)
        return stored

    def update(self, folder: Folder) -> None:
        """Store its name, system prompt, model and options in place of the old ones; where it stands and whether it is
        folded stay. NotFoundError where it is not there, BlankNameError where its name is blank."""
        with self.database.write() as connection:
            changed = connection.execute(
                "UPDATE folders SET name = :name, system_prompt = :system_prompt, model_id = :model_id, "
                "options = :options WHERE id = :id",
                _folder_row(msgspec.structs.replace(folder, name=folder_name(folder.name))),
            )
            if not changed.rowcount:
                raise _missing_folder()

    def rename(self, folder_id: str, name: str) -> None:
        """Give it another name. NotFoundError where it is not there, BlankNameError where the name is blank."""
        with self.database.write() as connection:
            changed = connection.execute(
                "UPDATE folders SET name = ? WHERE id = ?", (folder_name(name), repair_surrogates(folder_id))
            )
            if not changed.rowcount:
                raise _missing_folder()

    def set_model(self, folder_id: str, model_id: str | None) -> None:
        """Let new conversations in it begin with this model; None: with the one in use."""
        with self.database.write() as connection:
            connection.execute("UPDATE folders SET model_id = ? WHERE id = ?", (model_id, folder_id))

    def fold(self, folder_id: str, folded: bool) -> None:
        """Leave its conversations out of sight in the list, or show them."""
        with self.database.write() as connection:
            connection.execute("UPDATE folders SET folded = ? WHERE id = ?", (folded, folder_id))

    def place(self, folder_id: str, position: int) -> None:
        """Let it stand at `position` among all folders, 0 for the first."""
        with self.database.write() as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM folders ORDER BY position, number")]
            if folder_id not in ids:
                raise _missing_folder()
            ids.remove(folder_id)
            ids.insert(max(0, position), folder_id)
            connection.executemany("UPDATE folders SET position = ? WHERE id = ?", list(enumerate(ids)))

    def delete(self, folder_id: str) -> tuple[Folder, tuple[str, ...]]:
        """Take it away; its conversations stay, in no folder. The folder as it was, and their ids, for `restore`."""
        with self.database.write() as connection:
            folder = _read_folder(connection, folder_id)
            held = connection.execute("SELECT id FROM conversations WHERE folder_id = ?", (folder_id,)).fetchall()
            connection.execute("UPDATE conversations SET folder_id = NULL WHERE folder_id = ?", (folder_id,))
            connection.execute("DELETE FROM folders WHERE id = ?", (folder_id,))
        return folder, tuple(str(row[0]) for row in held)

    def restore(self, folder: Folder, conversation_ids: Sequence[str]) -> None:
        """Bring a deleted folder back where it stood, and into it those of the conversations that are in no other."""
        with self.database.write() as connection:
            if connection.execute("SELECT 1 FROM folders WHERE id = ?", (folder.id,)).fetchone() is None:
                connection.execute(
                    "UPDATE folders SET position = position + 1 WHERE position >= ? "
                    "AND EXISTS (SELECT 1 FROM folders WHERE position = ?)",
                    (folder.position, folder.position),
                )
                _insert_folder(connection, folder)
            connection.execute(
                f"UPDATE conversations SET folder_id = :folder WHERE {_GIVEN} AND folder_id IS NULL",
                {"folder": folder.id, "ids": _ids_json(conversation_ids)},
            )

    # --- conversations -------------------------------------------------------------------------------------------

    def move(self, ids: Sequence[str], folder_id: str | None) -> tuple[Conversation, ...]:
        """Put conversations into a folder; None: into none. Those that were elsewhere, as they were. NotFoundError
        where the folder is not there."""
        return self._set(ids, "folder_id", folder_id)

    def archive(self, ids: Sequence[str], at: float | None) -> tuple[Conversation, ...]:
        """Take conversations off the list, into the archive, at `at` in seconds, UTC; None: out of it. Those that
        changed, as they were."""
        return self._set(ids, "archived_at", at)

    def pin(self, ids: Sequence[str], pinned: bool) -> tuple[Conversation, ...]:
        """Keep conversations at the top of the list, or no longer. Those that changed, as they were."""
        return self._set(ids, "pinned", int(pinned))

    def delete_conversations(self, ids: Sequence[str], at: float) -> tuple[Conversation, ...]:
        """Put conversations into the bin, at `at` in seconds, UTC. Those that were not in it, as they were."""
        return self._set(ids, "deleted_at", at)

    def undelete(self, ids: Sequence[str]) -> tuple[Conversation, ...]:
        """Bring conversations back out of the bin, to where they were. Those that were in it, as they were."""
        return self._set(ids, "deleted_at", None)

    def put_back(self, before: Sequence[Conversation], attribute: Attribute) -> None:
        """Undo a change of `attribute`: let each conversation stand again where it stood in `before`. A folder that is
        gone is none."""
        value = "(SELECT id FROM folders WHERE id = ?)" if attribute == "folder_id" else "?"
        with self.database.write() as connection:
            connection.executemany(
                f"UPDATE conversations SET {attribute} = {value} WHERE id = ?",
                [(getattr(each, attribute), each.id) for each in before],
            )

    def bin(self, before: float | None = None) -> tuple[str, ...]:
        """The ids of what is in the bin: all of it, or what was deleted at or before `before`."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT id FROM conversations WHERE deleted_at IS NOT NULL AND deleted_at <> :erased "
                "AND (:at IS NULL OR deleted_at <= :at)",
                {"at": before, "erased": BEING_ERASED},
            )
            return tuple(str(row[0]) for row in rows)

    def erase(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Erase those of these conversations that are in the bin; their ids. Nothing of their text stays."""
        erasure = ConversationErasure(self.database)
        erased = erasure.begin(ids)
        for _ in erasure.steps():
            pass
        return erased

    # --- tags ----------------------------------------------------------------------------------------------------

    def tags(self) -> list[tuple[str, int]]:
        """The tags in use, by the alphabet, with the number of conversations outside the bin that have each."""
        with self.database.read() as connection:
            return read_tags(connection)

    def add_tag(self, ids: Sequence[str], tag: str) -> tuple[str, tuple[str, ...]]:
        """Give conversations a tag, spelled as it is where it differs in capitals only. The tag as it is stored, and
        those that did not have it. BlankNameError where it is blank."""
        wanted = tag_name(tag)
        with self.database.write() as connection:
            used = (str(row[0]) for row in connection.execute("SELECT DISTINCT tag FROM tags"))
            wanted = next((each for each in used if each.casefold() == wanted.casefold()), wanted)
            new = connection.execute(
                f"SELECT id FROM conversations WHERE {_GIVEN} "
                "AND NOT EXISTS (SELECT 1 FROM tags WHERE conversation_id = id AND tag = :tag)",
                {"ids": _ids_json(ids), "tag": wanted},
            ).fetchall()
            changed = tuple(str(row[0]) for row in new)
            rows = [(each, wanted) for each in changed]
            connection.executemany("INSERT INTO tags (conversation_id, tag) VALUES (?, ?)", rows)
        return wanted, changed

    def remove_tag(self, ids: Sequence[str], tag: str) -> tuple[str, ...]:
        """Take a tag, in any capitals, off conversations; those that had it."""
        wanted = tag_name(tag).casefold()
        with self.database.write() as connection:
            used = [str(row[0]) for row in connection.execute("SELECT DISTINCT tag FROM tags")]
            values = {"ids": _ids_json(ids), "tags": _ids_json([each for each in used if each.casefold() == wanted])}
            which = f"conversation_{_GIVEN} AND tag IN (SELECT value FROM json_each(:tags))"
            had = connection.execute(f"SELECT conversation_id FROM tags WHERE {which}", values).fetchall()
            connection.execute(f"DELETE FROM tags WHERE {which}", values)
        return tuple(dict.fromkeys(str(row[0]) for row in had))

    def _set(self, ids: Sequence[str], attribute: Attribute, value: str | float | None) -> tuple[Conversation, ...]:
        values = {"ids": _ids_json(ids), "value": value}
        differs = f"deleted_at IS NOT {BEING_ERASED} AND {attribute} IS NOT :value"
        if attribute.endswith("_at"):  # what is there already stays there since when it was
            differs = f"deleted_at IS NOT {BEING_ERASED} AND ({attribute} IS NULL) IS NOT (:value IS NULL)"
        with self.database.write() as connection:
            if attribute == "folder_id" and value is not None:
                _read_folder(connection, str(value))
            rows = connection.execute(
                f"SELECT {CONVERSATION_COLUMNS}, {TAGS_COLUMN} FROM conversations WHERE {_GIVEN} AND {differs}", values
            )
            before = tuple(conversation_from_row(row) for row in rows)
            connection.execute(f"UPDATE conversations SET {attribute} = :value WHERE {_GIVEN} AND {differs}", values)
        return before


def read_folders(connection: sqlite3.Connection) -> list[Folder]:
    """What `FolderStore.folders` gives, read with `connection`."""
    rows = connection.execute(f"SELECT {FOLDER_COLUMNS} FROM folders ORDER BY position, number")
    return [folder_from_row(row) for row in rows]


def read_tags(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """What `FolderStore.tags` gives, read with `connection`."""
    rows = connection.execute(
        "SELECT tag, count(*) FROM tags JOIN conversations ON conversations.id = conversation_id "
        "WHERE deleted_at IS NULL GROUP BY tag"
    )
    return sorted(((str(tag), int(count)) for tag, count in rows), key=lambda row: (row[0].casefold(), row[0]))


def folder_name(text: str) -> str:
    """A folder's name as it is stored: one line, without control characters. BlankNameError where nothing is left."""
    name = _name(text)
    if not name:
        raise BlankNameError(tr("A folder needs a name."), "", tr("Type one."))
    return name


def tag_name(text: str) -> str:
    """A tag as it is stored: as a folder's name, without a leading “#”. BlankNameError where nothing is left."""
    name = _name(text).lstrip("#").strip()
    if not name:
        raise BlankNameError(tr("A tag needs a name."), "", tr("Type one."))
    return name


def _name(text: str) -> str:
    shown = "".join(
        " " if unicodedata.category(each) in ("Cc", "Zl", "Zp") else each for each in repair_surrogates(text)
    )
    visible = unicodedata.normalize("NFC", _BLANKS.sub(" ", shown)).strip()[:LONGEST_NAME].rstrip()
    return visible if any(unicodedata.category(each)[0] not in "CZ" for each in visible) else ""


def _ids_json(ids: Sequence[str]) -> str:
    return msgspec.json.encode([repair_surrogates(each) for each in ids]).decode()


def _folder_row(folder: Folder) -> dict[str, Any]:
    row = msgspec.structs.asdict(folder)
    row["system_prompt"] = repair_surrogates(folder.system_prompt)
    row["model_id"] = None if folder.model_id is None else repair_surrogates(folder.model_id)
    row["options"] = options_json(folder.options)
    return row


def folder_from_row(row: tuple[Any, ...]) -> Folder:
    id_, name, position, system_prompt, model_id, options, created_at, folded = row
    return Folder(id_, name, position, system_prompt, model_id, options_from_json(options), created_at, bool(folded))


def _insert_folder(connection: sqlite3.Connection, folder: Folder) -> None:
    named = ", ".join(f":{column}" for column in FOLDER_COLUMNS.split(", "))
    connection.execute(f"INSERT INTO folders ({FOLDER_COLUMNS}) VALUES ({named})", _folder_row(folder))


def find_folder(connection: sqlite3.Connection, folder_id: str) -> Folder | None:
    """A folder, read with `connection`; None where there is none."""
    row = connection.execute(
        f"SELECT {FOLDER_COLUMNS} FROM folders WHERE id = ?", (repair_surrogates(folder_id),)
    ).fetchone()
    return None if row is None else folder_from_row(row)


def _read_folder(connection: sqlite3.Connection, folder_id: str) -> Folder:
    found = find_folder(connection, folder_id)
    if found is None:
        raise _missing_folder()
    return found


def _missing_folder() -> NotFoundError:
    return NotFoundError(
        tr("There is no such folder."),
        tr("It was perhaps deleted meanwhile."),
        tr("Look at the list of folders for those that are there."),
    )
