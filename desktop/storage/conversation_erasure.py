"""Erasing conversations for good, a part at a time, so that nothing else that is to be written waits long.

Those to be erased get a time of deletion that no clock gives. From then on they are in no list, cannot come back, and
are the first that every purge takes: where the process ends in the middle, the next start goes on.
"""

import json
from collections.abc import Iterator, Sequence

from desktop.conversation import Conversation
from desktop.storage.database import Database
from desktop.storage.message_search import INDEXES
from desktop.storage.message_tree import insert_conversation, purge_branches

BEING_ERASED = -1.0
"""The `deleted_at` of what is being erased."""

_MARK = "being-erased"
"""The id of a conversation of no messages that stays until the indexes have forgotten the others."""

_HEADS_AT_ONCE, _MESSAGES_AT_ONCE = 50, 100
_PAGES_AT_ONCE = 100
"""How many pages of an index are merged at once."""
_MESSAGES_BETWEEN_MERGES = 10_000
"""After so many the indexes forget their words: a page that has none left counts for nothing while it is merged, and so
the words of all of them would be forgotten in one step."""


class ConversationErasure:
    """Erases from `database`. Nothing of a text stays in the file or its journal: not in the tables, not in the search
    indexes. (Where another process is reading just then, the journal keeps it until it is emptied or the last process
    closes it.) Every method raises what `Database` raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, ids: Sequence[str]) -> tuple[str, ...]:
        """From now on those of `ids` that are in the bin are being erased; which these are."""
        return self._begin("id IN (SELECT value FROM json_each(:ids))", {"ids": json.dumps(list(ids))})

    def begin_old(self, older_than: float) -> tuple[str, ...]:
        """The same of all that were deleted at or before `older_than`, with those whose erasing was cut off."""
        return self._begin("deleted_at <= :before", {"before": older_than}) + self.under_way()

    def under_way(self) -> tuple[str, ...]:
        """The ids of what is being erased."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id FROM conversations WHERE deleted_at = ? AND id <> ?", (BEING_ERASED, _MARK)
            )
            return tuple(str(row[0]) for row in rows)

    def steps(self, branches_before: float | None = None) -> Iterator[int]:
        """Erase what is being erased, and the branches deleted at or before `branches_before`: a short transaction for
        each step. How many conversations and branches went with it."""
        if not self._mark(branches_before):
            return
        if branches_before is not None:
            with self._database.write() as connection:
                count = purge_branches(connection, branches_before)
            yield count
        messages = 0
        while (found := self._erase_some()) is not None:
            yield found[1]
            messages += found[0]
            if messages >= _MESSAGES_BETWEEN_MERGES:
                messages = 0
                yield from self._drop_all_words()
        yield from self._drop_all_words()
        with self._database.write() as connection:
            connection.execute("DELETE FROM conversations WHERE id = ?", (_MARK,))
        self._database.truncate_wal()

    def _mark(self, branches_before: float | None) -> bool:
        """Note that something is being erased, for a start that finds it half done; False where nothing is."""
        with self._database.write() as connection:
            anything = connection.execute(
                "SELECT 1 FROM conversations WHERE deleted_at = ? "
                "UNION ALL SELECT 1 FROM messages WHERE deleted_at <= ? LIMIT 1",
                (BEING_ERASED, branches_before),
            ).fetchone()
            marked = connection.execute("SELECT 1 FROM conversations WHERE id = ?", (_MARK,)).fetchone()
            if anything and not marked:
                insert_conversation(connection, Conversation(_MARK, deleted_at=BEING_ERASED))
        return anything is not None

    def _begin(self, condition: str, values: dict[str, str | float]) -> tuple[str, ...]:
        which = f"deleted_at IS NOT NULL AND deleted_at <> {BEING_ERASED} AND {condition}"
        with self._database.write() as connection:
            rows = connection.execute(f"SELECT id FROM conversations WHERE {which}", values).fetchall()
            connection.execute(f"UPDATE conversations SET deleted_at = {BEING_ERASED} WHERE {which}", values)
        return tuple(str(row[0]) for row in rows)

    def _erase_some(self) -> tuple[int, int] | None:
        """Erase some messages, or conversations that have none left; how many of both, None if there are no more."""
        heads = (
            f"SELECT id FROM conversations WHERE deleted_at = {BEING_ERASED} AND id <> '{_MARK}' "
            f"ORDER BY number LIMIT {_HEADS_AT_ONCE}"
        )
        # The newest first: an answer goes before what it answers.
        newest = (
            f"SELECT number FROM messages WHERE conversation_id IN ({heads}) "
            f"ORDER BY number DESC LIMIT {_MESSAGES_AT_ONCE}"
        )
        with self._database.write(durable=False) as connection:  # `_begin` was: a start does again what is lost
            messages = connection.execute(f"DELETE FROM messages WHERE number IN ({newest})").rowcount
            if messages == _MESSAGES_AT_ONCE:
                return messages, 0
            count = connection.execute(f"DELETE FROM conversations WHERE id IN ({heads})").rowcount
        return (messages, count) if count else None

    def _drop_all_words(self) -> Iterator[int]:
        for index in INDEXES:
            yield from self._drop_words(index)

    def _drop_words(self, index: str) -> Iterator[int]:
        """Have an index forget the words of rows that were deleted: it only notes that these are gone until its pieces
        are merged into one."""
        pages = -_PAGES_AT_ONCE  # negative once: all pieces are to become one
        while True:
            with self._database.write(durable=False) as connection:
                before = connection.total_changes
                connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', ?)", (pages,))
                done = connection.total_changes - before < 2
            if done:
                return
            pages = _PAGES_AT_ONCE
            yield 0
