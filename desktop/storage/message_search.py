"""Full-text search over all conversations: messages with the words sought marked, titles, and what narrows it."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from desktop.conversation import Role
from desktop.storage.database import Database
from desktop.storage.search_query import SearchQuery, parse_query
from desktop.storage.search_snippet import Marks, find_matches, mark_line, match_pattern, snippet

_READ_AT_ONCE = 20_000
_READ_AT_MOST = 4_000_000
_FEW_CONVERSATIONS = 200
_MOST_LOOKED_UP = 5_000
_MANY = 20_000
_FEW_SIGNED = 5_000
_STEPS = 20_000  # of SQLite's machine: about a millisecond

INDEXES = ("title_words", "message_words", "message_bigrams", "message_signs")
"""The tables that hold the words of titles and messages, and their signs."""

DELETED_MESSAGES = """
    WITH RECURSIVE gone (number, id) AS (
        SELECT number, id FROM messages WHERE deleted_at IS NOT NULL
        UNION
        SELECT messages.number, messages.id FROM gone JOIN messages ON messages.parent_id = gone.id
    )
    SELECT number FROM gone
"""
"""A SELECT of the numbers of all messages that were taken out of their tree, with all under them."""

_DETAILS = f"""
    SELECT messages.number, substr(text, 1, {_READ_AT_ONCE}), length(text) > {_READ_AT_ONCE}, conversations.id, title,
        messages.id, role, messages.created_at, archived_at IS NOT NULL
    FROM json_each(:numbers) AS found
    CROSS JOIN messages ON messages.number = found.value
    CROSS JOIN conversations ON conversations.id = messages.conversation_id
    WHERE {{conditions}} LIMIT :rest
"""
Values = dict[str, str | int | float | None]


def conversations_holding(query: SearchQuery) -> tuple[str, dict[str, str | int]]:
    """A condition for rows of `conversations` whose title or one of whose messages matches, and its values; `:hits`
    bounds how many of the newest messages count."""
    in_title, title_values = query.titles()
    in_text, text_values = query.message_numbers()
    shown = f"number IN ({in_text} ORDER BY 1 DESC LIMIT :hits) AND number NOT IN ({DELETED_MESSAGES})"
    in_messages = f"SELECT conversation_id FROM messages WHERE {shown}"
    return f"({in_title} OR id IN ({in_messages}))", title_values | text_values


def drop_erased_words(connection: sqlite3.Connection) -> None:
    """Have the indexes forget the words of rows that were deleted: each only notes that a row is gone, and merging all
    of it into one piece drops them."""
    for index in INDEXES:
        connection.execute(f"INSERT INTO {index} ({index}) VALUES ('optimize')")


# Through the index: one look for each model, not for each answer.
_MODELS = """
    WITH RECURSIVE used (id) AS (
        SELECT min(json_extract(model, '$.id')) FROM messages WHERE model IS NOT NULL
        UNION ALL
        SELECT (
            SELECT min(json_extract(model, '$.id')) FROM messages
            WHERE model IS NOT NULL AND json_extract(model, '$.id') > used.id
        ) FROM used WHERE used.id IS NOT NULL
    )
    SELECT used.id, (
        SELECT json_extract(model, '$.name') FROM messages
        WHERE model IS NOT NULL AND json_extract(model, '$.id') = used.id LIMIT 1
    ) FROM used WHERE used.id IS NOT NULL
"""


@dataclass(frozen=True)
class SearchFilter:
    """What narrows a search; None and "" leave it as wide as it is.

    `model` is the id of a model: found are its answers, and a person's messages in conversations where it answered.
    `since` and `until` are times in seconds since 1970, `since` included and `until` not. `folder_id` is a folder's.
    """

    model: str = ""
    since: float | None = None
    until: float | None = None
    folder_id: str = ""
    tag: str = ""
    role: Role | None = None


@dataclass(frozen=True)
class MessageHit:
    """A message that search found. `snippet` is the text around the words sought, on one line, and `marks` where they
    stand in it. A search `before` its `number` goes on after it."""

    conversation_id: str
    title: str
    message_id: str
    role: Role
    snippet: str
    marks: Marks
    created_at: float
    archived: bool
    number: int


@dataclass(frozen=True)
class TitleHit:
    """A conversation whose title holds what is sought; `marks` say where."""

    conversation_id: str
    title: str
    marks: Marks
    updated_at: float
    archived: bool


@dataclass(frozen=True)
class FilterChoices:
    """What a search can be narrowed by here: models by their ids with the names that were shown, folders by their ids
    with their names, and tags."""

    models: tuple[tuple[str, str], ...] = ()
    folders: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()


class MessageSearch:
    """Searches what is kept in `database`. Every method may be called from any thread, and raises what `Database`
    raises. Deleted conversations and branches are not found, archived conversations are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(
        self,
        text: str,
        narrowed: SearchFilter = SearchFilter(),
        *,
        limit: int = 50,
        before: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[MessageHit]:
        """The newest messages that hold every word of `text`, or words that it begins; empty where it is blank.

        Once `cancelled` says so, it ends soon, with what it has found by then.
        """
        query = parse_query(text)
        if query is None:
            return []
        found: list[MessageHit] = []
        with self._database.read() as connection, _cancellable(connection, cancelled):
            within, conditions, values = _narrowing(connection, narrowed)
            if before is not None:
                within.append("{number} < :before")
                values["before"] = before
            if query.words and query.signs and (holding := _few_with_signs(connection, query.signs)):
                within.append(holding)
                values["signs"] = query.signs
            numbers, more = query.message_numbers(" AND ".join(within))
            values |= more
            gone = {number for (number,) in connection.execute(DELETED_MESSAGES)}
            stream = connection.execute(f"{numbers} ORDER BY 1 DESC", values)
            details = _DETAILS.format(conditions=" AND ".join(conditions))
            pattern, size = match_pattern(query), limit
            while len(found) < limit and (rows := stream.fetchmany(size)):
                left = ",".join(str(number) for (number,) in rows if number not in gone)
                values |= {"numbers": f"[{left}]", "rest": limit - len(found)}
                found += [_hit(connection, row, pattern) for row in connection.execute(details, values)]
                size = min(size * 4, _MOST_LOOKED_UP)
        return found

    def titles(
        self,
        text: str,
        narrowed: SearchFilter = SearchFilter(),
        *,
        limit: int = 5,
    ) -> list[TitleHit]:
        """The conversations last written to whose titles hold every word of `text`."""
        query = parse_query(text)
        if query is None:
            return []
        condition, values = query.titles()
        own, more = _conversation_conditions(narrowed)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id, title, updated_at, archived_at IS NOT NULL FROM conversations "
                f"WHERE {' AND '.join([condition, *own])} ORDER BY updated_at DESC LIMIT :limit",
                {**values, **more, "limit": limit},
            ).fetchall()
        pattern = match_pattern(query)
        return [
            TitleHit(key, *mark_line(title, pattern), updated_at, bool(archived))
            for key, title, updated_at, archived in rows
        ]

    def choices(self) -> FilterChoices:
        """What there is to narrow a search by."""
        with self._database.read() as connection:
            models = connection.execute(_MODELS).fetchall()
            folders = connection.execute("SELECT id, name FROM folders ORDER BY position, number").fetchall()
            tags = connection.execute("SELECT DISTINCT tag FROM tags ORDER BY tag").fetchall()
        named = sorted(((str(key), str(name or key)) for key, name in models), key=lambda each: each[1].casefold())
        return FilterChoices(
            tuple(named), tuple((str(key), str(name)) for key, name in folders), tuple(t for (t,) in tags)
        )


def _conversation_conditions(narrowed: SearchFilter) -> tuple[list[str], Values]:
    """Conditions for rows of `conversations`, and their values."""
    conditions, values = ["conversations.deleted_at IS NULL"], Values()
    if narrowed.folder_id:
        conditions.append("conversations.folder_id = :folder")
        values["folder"] = narrowed.folder_id
    if narrowed.tag:
        conditions.append("conversations.id IN (SELECT conversation_id FROM tags WHERE tag = :tag)")
        values["tag"] = narrowed.tag
    if narrowed.model:
        wrote = "model IS NOT NULL AND json_extract(model, '$.id') = :model"
        conditions.append(f"conversations.id IN (SELECT conversation_id FROM messages WHERE {wrote})")
        values["model"] = narrowed.model
    return conditions, values


def _narrowing(connection: sqlite3.Connection, narrowed: SearchFilter) -> tuple[list[str], list[str], Values]:
    """Conditions for the numbers of messages, conditions for rows of `messages` and `conversations`, and the values of
    both."""
    within: list[str] = []
    own, values = _conversation_conditions(narrowed)
    conditions = list(own)
    if len(own) > 1:
        matching = f"SELECT id FROM conversations WHERE {' AND '.join(own)}"
        count = f"SELECT count(*) FROM ({matching} LIMIT {_FEW_CONVERSATIONS + 1})"
        if connection.execute(count, values).fetchone()[0] <= _FEW_CONVERSATIONS:
            # Their messages are told by their numbers, before any row of another is read. Measured on 100,000 messages:
            # 10 ms and not 75 for a word that nearly all hold. The sign keeps SQLite from asking for each by itself.
            within.append(f"+{{number}} IN (SELECT number FROM messages WHERE conversation_id IN ({matching}))")
    if narrowed.model:
        conditions.append("(messages.role <> 'assistant' OR json_extract(messages.model, '$.id') = :model)")
    if narrowed.role is not None:
        conditions.append("messages.role = :role")
        values["role"] = narrowed.role
    if narrowed.since is not None or narrowed.until is not None:
        values["since"] = float("-inf") if narrowed.since is None else narrowed.since
        values["until"] = float("inf") if narrowed.until is None else narrowed.until
        conditions += ["messages.created_at >= :since", "messages.created_at < :until"]
        # Numbers bound the search where that skips much; as clocks are set back and conversations imported, each
        # message's own time decides. What is newest is found first without bounds.
        most = _MANY if narrowed.until is None else -1
        count, values["first"], values["last"] = connection.execute(
            "SELECT count(*), min(number), max(number) FROM ("
            f"SELECT number FROM messages WHERE created_at >= :since AND created_at < :until LIMIT {most})",
            values,
        ).fetchone()
        if count != most:
            within.append("{number} BETWEEN :first AND :last")
    return within, conditions, values


def _few_with_signs(connection: sqlite3.Connection, signs: str) -> str:
    """A condition for the numbers of messages that hold `signs` (as the value of that name), where these are few; ""
    where they are many: then messages with the words are found to hold them soon."""
    matching = "SELECT rowid FROM message_signs WHERE message_signs MATCH :signs"
    count = f"SELECT count(*) FROM ({matching} LIMIT {_FEW_SIGNED + 1})"
    few = connection.execute(count, {"signs": signs}).fetchone()[0] <= _FEW_SIGNED
    return f"+{{number}} IN ({matching})" if few else ""


@contextmanager
def _cancellable(connection: sqlite3.Connection, cancelled: Callable[[], bool] | None) -> Iterator[None]:
    """Leave the block without a word where `cancelled` says so."""
    if cancelled is not None:
        connection.set_progress_handler(cancelled, _STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_INTERRUPT:
            raise
    finally:
        connection.set_progress_handler(None, 0)


def _hit(connection: sqlite3.Connection, row: tuple[Any, ...], pattern: re.Pattern[str]) -> MessageHit:
    number, text, longer, conversation_id, title, message_id, role, created_at, archived = row
    matches = find_matches(text, pattern)
    if longer and not matches:
        read = f"SELECT substr(text, 1, {_READ_AT_MOST}) FROM messages WHERE number = ?"
        text, longer = connection.execute(read, (number,)).fetchone()[0], False
        matches = find_matches(text, pattern)
    line, marks = snippet(text, matches, cut=bool(longer))
    return MessageHit(conversation_id, title, message_id, role, line, marks, created_at, bool(archived), number)
