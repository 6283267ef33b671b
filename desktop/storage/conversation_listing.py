"""The list of conversations: pinned, in folders, by date; the archive and the bin; those that a search or a tag leaves.

One reading gives all that the list shows, so that it is of one moment. Only the first rows of a long list are read.
"""

import sqlite3
from typing import Literal

import msgspec

from desktop.conversation import Conversation, Folder
from desktop.safe_text import repair_surrogates
from desktop.storage.conversation_erasure import BEING_ERASED
from desktop.storage.conversation_rows import CONVERSATION_COLUMNS, TAGS_COLUMN, conversation_from_row
from desktop.storage.database import Database
from desktop.storage.folder_store import read_folders, read_tags
from desktop.storage.message_search import conversations_holding
from desktop.storage.search_query import parse_query

ListPlace = Literal["chats", "archive", "bin"]

_NEWEST_HITS = 2000
_IN_PLACE: dict[ListPlace, str] = {
    "chats": "deleted_at IS NULL AND archived_at IS NULL",
    "archive": "deleted_at IS NULL AND archived_at IS NOT NULL",
    "bin": f"deleted_at IS NOT NULL AND deleted_at <> {BEING_ERASED}",
}
_NEWEST_FIRST = "updated_at DESC, number DESC"
_Values = dict[str, str | int]


class ListFilter(msgspec.Struct, frozen=True):
    """Which conversations are listed: those of one place, with the words of `query` in title or messages, with a tag,
    in a folder; `limit` of them at most. A search among the chats finds those in the archive too. The head of `open_id`
    is read whether it is listed or not."""

    place: ListPlace = "chats"
    query: str = ""
    tag: str | None = None
    folder_id: str | None = None
    limit: int = 500
    open_id: str | None = None

    @property
    def narrowed(self) -> bool:
        """Whether it leaves anything of its place out."""
        return bool(self.query.strip()) or self.tag is not None or self.folder_id is not None


class FolderSection(msgspec.Struct, frozen=True):
    """A folder in the list: how many conversations stand in it there, and the first of them, none where it is folded.
    Those that are pinned stand above the folders."""

    folder: Folder
    count: int
    conversations: tuple[Conversation, ...] = ()


class ListedConversations(msgspec.Struct, frozen=True):
    """What the list shows for `filter`. In the archive, in the bin, and where anything narrows the list, all of it
    stands in `others`, and `folders` holds no conversations. `complete` is False where rows beyond the limit were left
    out. `archived` and `deleted` count the archive and the bin, `tags` says how many conversations have each tag.
    `open` is the one asked for, unless it is deleted or not stored."""

    filter: ListFilter
    pinned: tuple[Conversation, ...] = ()
    folders: tuple[FolderSection, ...] = ()
    others: tuple[Conversation, ...] = ()
    complete: bool = True
    archived: int = 0
    deleted: int = 0
    tags: tuple[tuple[str, int], ...] = ()
    open: Conversation | None = None

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        """Every conversation in it, from the top."""
        inside = (each for section in self.folders for each in section.conversations)
        return (*self.pinned, *inside, *self.others)


class ConversationListing:
    """Lists what is kept in `database`. Each method raises what `Database` raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, wanted: ListFilter) -> ListedConversations:
        """The list for `wanted`."""
        with self._database.read() as connection:
            return _read_list(connection, wanted)

    def conversations(self, wanted: ListFilter) -> list[Conversation]:
        """Those that `wanted` leaves: pinned first, then newest first; in the bin what was deleted last comes first."""
        with self._database.read() as connection:
            return _read_flat(connection, wanted)


def _read_list(connection: sqlite3.Connection, wanted: ListFilter) -> ListedConversations:
    count = "SELECT count(*) FROM conversations WHERE"
    (archived,) = connection.execute(f"{count} {_IN_PLACE['archive']}").fetchone()
    (deleted,) = connection.execute(f"{count} {_IN_PLACE['bin']}").fetchone()
    if wanted.place == "chats" and not wanted.narrowed:
        found = _read_sections(connection, wanted)
    else:
        rows = _read_flat(connection, msgspec.structs.replace(wanted, limit=wanted.limit + 1))
        shown = tuple(rows[: wanted.limit])
        complete = len(rows) == len(shown)
        found = ListedConversations(wanted, folders=_read_headings(connection), others=shown, complete=complete)
    tags = tuple(read_tags(connection))
    here: _Values = {"limit": 1, "open": wanted.open_id or ""}
    opened = next(iter(_read_rows(connection, "id = :open AND deleted_at IS NULL", "number", here)), None)
    return msgspec.structs.replace(found, archived=archived, deleted=deleted, tags=tags, open=opened)


def _read_flat(connection: sqlite3.Connection, wanted: ListFilter) -> list[Conversation]:
    query = parse_query(wanted.query)
    condition, order = _IN_PLACE[wanted.place], f"pinned DESC, {_NEWEST_FIRST}"
    values: _Values = {"limit": wanted.limit, "hits": _NEWEST_HITS}
    if wanted.place == "bin":
        order = "deleted_at DESC, number DESC"
    if query is not None:
        if wanted.place == "chats":
            condition, order = "deleted_at IS NULL", f"archived_at IS NOT NULL, {order}"
        holding, found = conversations_holding(query)
        condition += f" AND {holding}"
        values |= found
    if wanted.tag is not None:
        condition += " AND id IN (SELECT conversation_id FROM tags WHERE tag = :tag)"
        values["tag"] = repair_surrogates(wanted.tag)
    if wanted.folder_id is not None:
        condition += " AND folder_id = :folder"
        values["folder"] = wanted.folder_id
    return _read_rows(connection, condition, order, values)


def _read_sections(connection: sqlite3.Connection, wanted: ListFilter) -> ListedConversations:
    left = wanted.limit + 1
    here = _IN_PLACE["chats"]
    pinned = _read_rows(connection, f"{here} AND pinned = 1", _NEWEST_FIRST, {"limit": left})
    left -= len(pinned)
    sections = []
    for section in _read_headings(connection):
        rows: list[Conversation] = []
        if not section.folder.folded and section.count and left > 0:
            values: _Values = {"limit": left, "folder": section.folder.id}
            rows = _read_rows(connection, f"folder_id = :folder AND {here} AND pinned = 0", _NEWEST_FIRST, values)
            left -= len(rows)
        sections.append(msgspec.structs.replace(section, conversations=tuple(rows)))
    loose = f"{here} AND pinned = 0 AND folder_id IS NULL"
    others = _read_rows(connection, loose, _NEWEST_FIRST, {"limit": max(left, 0)})
    return ListedConversations(wanted, tuple(pinned), tuple(sections), tuple(others), complete=left > len(others))


def _read_headings(connection: sqlite3.Connection) -> tuple[FolderSection, ...]:
    folders = read_folders(connection)
    if not folders:
        return ()
    counts = dict(
        connection.execute(
            "SELECT folder_id, count(*) FROM conversations WHERE folder_id IS NOT NULL "
            f"AND {_IN_PLACE['chats']} AND pinned = 0 GROUP BY folder_id"
        ).fetchall()
    )
    return tuple(FolderSection(folder, counts.get(folder.id, 0)) for folder in folders)


def _read_rows(connection: sqlite3.Connection, condition: str, order: str, values: _Values) -> list[Conversation]:
    rows = connection.execute(
        f"SELECT {CONVERSATION_COLUMNS}, {TAGS_COLUMN} FROM conversations WHERE {condition} ORDER BY {order} "
        "LIMIT :limit",
        values,
    )
    return [conversation_from_row(row) for row in rows]
