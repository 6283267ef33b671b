"""Appends records to the ledger's file: chains and seals them, and begins new segments and restarts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from desktop.credentials.ledger_key_store import LedgerKeyStore
from desktop.errors import IntegrityError
from desktop.licenses.ledger_chain import GENESIS, chain_digest, chain_record
from desktop.licenses.ledger_record import LedgerEvent, LedgerRecord, account_name
from desktop.licenses.ledger_seal import seal_of
from desktop.licenses.ledger_state import record_from_row, row_from_record
from desktop.storage.ledger_store import LedgerWriteTransaction
from desktop.translation import tr

_MAX_SEQ = 2**53


class LedgerWriter:
    """Writes to a file that `Ledger` has opened and checked. `key` is the one that seals now, None before there is one:
    it is made with the first record. `clock` gives seconds since 1970, UTC."""

    def __init__(
        self, file: Path, keeper: LedgerKeyStore, *, app_version: str, os_user: str | None, clock: Callable[[], float]
    ) -> None:
        self._file = file
        self._key_store = keeper
        self._app_version = app_version
        self._os_user = account_name() if os_user is None else os_user
        self._clock = clock
        self.key: bytes | None = None

    def restart(
        self, writing: LedgerWriteTransaction, reason: str, first: LedgerEvent, make_key: Callable[[], bytes]
    ) -> LedgerRecord:
        """Mark everything that is there, and begin anew behind it with a new key."""
        writing.restore_triggers()
        records = [record_from_row(row) for row in writing.records()]
        last = max((record.seq for record in records), default=0)
        if last >= _MAX_SEQ:
            raise IntegrityError(
                tr("The ledger cannot go on."),
                tr("It ends with record {seq}, which is a number no ledger comes to.").format(seq=last),
                tr("Move {file} elsewhere, then acknowledge afresh.").format(file=self._file),
            )
        if (seal := writing.seal()) is not None:
            writing.add_segment_seal(seal)
        self.key = make_key()
        fact = LedgerEvent(event="restarted", person=first.person, organization=first.organization, note=reason)
        return self._put(writing, fact, last + 1, chain_digest(records))

    def return_to_keyring(self, writing: LedgerWriteTransaction, key: bytes) -> bool:
        """Begin a segment under the key in the keyring, which opens again; False where that key seals already."""
        if self.key == key:
            return False
        self._key_store.return_to_keyring()
        self.begin_segment(writing, key, tr("The keyring opens again."))
        return True

    def begin_segment(self, writing: LedgerWriteTransaction, key: bytes, why: str) -> LedgerRecord:
        """Begin a segment that `key` seals; what is there has to be a whole chain."""
        if (seal := writing.seal()) is not None:
            writing.add_segment_seal(seal)
        self.key = key
        return self.add(writing, [LedgerEvent(event="segment-begun", note=why)])[0]

    def keep_texts(
        self, writing: LedgerWriteTransaction, texts: Mapping[str, bytes], facts: Sequence[LedgerEvent]
    ) -> None:
        """Keep texts under their hashes; each text that a fact acknowledges has to be there then."""
        for name, data in texts.items():
            if data not in writing.texts_under(name):
                writing.add_text(name, data)
        for fact in facts:
            needed = fact.text_sha256
            if fact.event == "acknowledged" and not any(_hash(data) == needed for data in writing.texts_under(needed)):
                raise ValueError(f"the text {needed} was not kept")

    def add(self, writing: LedgerWriteTransaction, facts: Sequence[LedgerEvent]) -> list[LedgerRecord]:
        """Records of these facts behind the last one, the newest sealed."""
        row = writing.last()
        last = None if row is None else record_from_row(row)
        seq, previous = (0, GENESIS) if last is None else (last.seq, last.hash)
        records = []
        for fact in facts:
            seq += 1
            records.append(self._put(writing, fact, seq, previous))
            previous = records[-1].hash
        return records

    def _put(self, writing: LedgerWriteTransaction, fact: LedgerEvent, seq: int, previous: str) -> LedgerRecord:
        if self.key is None:
            self.key = self._key_store.make_key()
        record = chain_record(
            fact,
            seq=seq,
            time=rfc3339(self._clock()),
            os_user=self._os_user,
            app_version=self._app_version,
            previous=previous,
        )
        writing.add(row_from_record(record))
        writing.set_seal(seal_of(self.key, record, self._key_store.place))
        return record


def rfc3339(seconds: float) -> str:
    """A time as the ledger writes it: UTC, to the millisecond."""
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        time = datetime.fromtimestamp(0, UTC)  # a clock beyond all calendars
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()
