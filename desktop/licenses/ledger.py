"""The ledger: what happened to which model, appended, checked and summed up.

Records are written by window and command at once, each in one transaction that reads the last record, adds the next
and seals it. What was written and does not hold is never mended: it is kept, marked, and the chain begins anew behind
it once a person acknowledges afresh.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256 as sha256_of

from desktop.credentials.ledger_key_store import (
    EarlierKey,
    KeyPlace,
    LedgerAnchor,
    LedgerKeyLockedError,
    LedgerKeyStore,
)
from desktop.errors import IntegrityError, UserError
from desktop.licenses.ledger_chain import InvalidatedRecords
from desktop.licenses.ledger_record import CHAIN_EVENTS, LedgerEvent, LedgerRecord, validated_event
from desktop.licenses.ledger_seal import (
    KeyStoreState,
    LedgerCheck,
    seal_matches,
    segment_not_needed_error,
    segment_refusal,
)
from desktop.licenses.ledger_state import (
    Acknowledgement,
    LedgerState,
    evaluate_ledger,
    evaluate_missing_ledger,
    record_from_row,
)
from desktop.licenses.ledger_writer import LedgerWriter
from desktop.storage.database_errors import NewerDatabaseError
from desktop.storage.ledger_store import LedgerReadTransaction, LedgerStore, LedgerWriteTransaction
from desktop.translation import tr

__all__ = ["Acknowledgement", "InvalidatedRecords", "Ledger", "LedgerCheck", "LedgerSnapshot", "LedgerState"]

_MAX_TRIES = 4
_EARLIER_KEY_WAIT_S = 1.0
"""Seconds that the first check waits for the keyring while the key in use lies in a file. A keyring that opens answers
in a tenth of that; without its answer, a ledger that was rewritten under a foreign key would count until it came."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _CachedState:
    """The ledger as it was found. `mark` is what the store said of the file then, None where it cannot be relied on.

    `unusable` is True where the file has to be set aside before anything can be written. `earlier_key` is what was
    known of the keyring.
    """

    state: LedgerState
    mark: object = None
    unusable: bool = False
    earlier_key: EarlierKey | None = None


@dataclass(frozen=True)
class LedgerSnapshot:
    """The ledger at one moment: its records, the texts that are kept, by their hash, and whether it holds."""

    records: tuple[LedgerRecord, ...]
    texts: Mapping[str, bytes]
    check: LedgerCheck


class Ledger:
    """The ledger in `store`, sealed with the key in `keeper`.

    For any number of threads; a call may take long (the keyring may ask the person) and is not for the main thread.
    Every method raises ResourceError where the disk refuses, LedgerKeyLockedError where the keyring is locked, and
    NewerDatabaseError where a newer Latchkey wrote the ledger. `clock` gives seconds since 1970, UTC.
    """

    def __init__(
        self,
        store: LedgerStore,
        keeper: LedgerKeyStore,
        *,
        app_version: str,
        os_user: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._key_store = keeper
        self._clock = clock
        self._writer = LedgerWriter(store.path, keeper, app_version=app_version, os_user=os_user, clock=clock)
        self._lock = threading.RLock()
        self._known: _CachedState | None = None
        self._texts: dict[str, bytes] = {}

    # --- looking -------------------------------------------------------------------------------------------------

    def records(self) -> list[LedgerRecord]:
        """Everything that was recorded, marked or not, in its order. Raises IntegrityError where it is unreadable."""
        with self._lock:
            if not self._store.exists():
                return []
            with self._store.read() as reading:
                return [record_from_row(row) for row in reading.records()]

    def check(self) -> LedgerCheck:
        """Whether the ledger holds: reads and computes all of it anew, and asks the key store."""
        with self._lock:
            self._known = self._load_state()
            return self._known.state.check

    def snapshot(self) -> LedgerSnapshot:
        """All of the ledger as it is at one moment, for an export. Raises IntegrityError where it is unreadable."""
        with self._lock:
            if not self._store.exists():
                return LedgerSnapshot((), {}, self.check())
            with self._read_with_key() as (reading, key_state):
                records = tuple(record_from_row(row) for row in reading.records())
                texts = {sha256: data for sha256, data in reading.texts() if _hash(data) == sha256}
                return LedgerSnapshot(records, texts, evaluate_ledger(reading, key_state).check)

    def state(self) -> LedgerState:
        """What the ledger comes to. Looks through it only where it changed since the last time."""
        with self._lock:
            if not self._is_current(self._known, self._mark()):
                self._known = self._load_state()
            assert self._known is not None
            return self._known.state

    def stamp(self) -> object:
        """A value that differs once any process has written to the ledger, or the keyring was found to keep something
        of it. Cheap, and raises nothing a person can act on: `state` will."""
        with self._lock:
            mark, earlier_key = self._mark(), self._key_store.earlier_key()
            return mark if earlier_key is None else (mark, earlier_key)

    @property
    def place(self) -> KeyPlace:
        """Where the key of the seal is kept. Raises LedgerKeyLockedError where a locked keyring has to say."""
        with self._lock:
            return self._key_store.place

    def retry_key(self) -> None:
        """Ask the keyring at the next call, even if it was locked or timed out before. Does not block."""
        self._key_store.retry()

    def close(self) -> None:
        """Close the file. What uses it afterwards leaves it closed again.

        Waits for nobody: another thread may be asking a person for the keyring.
        """
        self._store.close()

    def text(self, sha256: str) -> bytes | None:
        """A license text by its hash, byte for byte; None where it is not kept.

        Raises IntegrityError where what is kept under the hash is something else.
        """
        with self._lock:
            if sha256 in self._texts:
                return self._texts[sha256]
            if not self._store.exists():
                return None
            with self._store.read() as reading:
                stored = reading.texts_under(sha256)
        right = next((data for data in stored if _hash(data) == sha256), None)
        if stored and right is None:
            raise IntegrityError(
                tr("A license text in the ledger was changed."),
                tr("What is kept under {sha256} is not the text that was accepted.").format(sha256=sha256),
                tr("Read the text in force and accept it afresh. “latchkey licenses verify” says more."),
            )
        return right

    # --- writing -------------------------------------------------------------------------------------------------

    def store_text(self, data: bytes) -> str:
        """Have a text kept for ever, together with the next record; its SHA-256 (hexadecimal)."""
        sha256 = _hash(data)
        with self._lock:
            self._texts[sha256] = bytes(data)
        return sha256

    def append(self, fact: LedgerEvent, *, afresh: bool = False) -> LedgerRecord:
        """Record one fact: see `append_all`."""
        return self.append_all((fact,), afresh=afresh)[0]

    def append_all(self, facts: Sequence[LedgerEvent], *, afresh: bool = False) -> list[LedgerRecord]:
        """Record facts, all of them or none; their records.

        Where the ledger does not hold, nothing is written and IntegrityError is raised; with `afresh` what is there is
        marked by a record `restarted` first. An acknowledgement needs its text to be stored: see `store_text`. Raises
        LicenseError where a fact is too long or an acknowledgement has no name.
        """
        facts = [validated_event(fact) for fact in facts]
        if not facts:
            return []
        with self._lock:
            known, self._known = self._known, None  # whatever goes wrong from here on, the next call looks anew
            aside = self._prepare_file(known, afresh=afresh)
            with self._store.write() as writing:
                if known is None or not self._is_current(known, self._store.stamp(writing)):
                    known = _CachedState(evaluate_ledger(writing, self._key_store_state(writing)))
                check = known.state.check
                holds = check.ok and not aside
                if not holds:
                    if not afresh:
                        raise _broken(check)
                    self._writer.restart(writing, aside or check.reason, facts[0], self._key_store.make_key)
                elif self._key_store.place == "file" and (earlier_key := self._key_store.earlier_key()) is not None:
                    holds = not self._writer.return_to_keyring(writing, earlier_key.key)
                self._writer.keep_texts(writing, self._texts, facts)
                records = self._writer.add(writing, facts)
                version = writing.version()
            self._texts.clear()
            self._move_anchor(records[-1])
            if holds:
                self._remember(known.state, records, version)
            return records

    def begin_segment(self) -> LedgerRecord:
        """Go on with a new key in a file, as the one that seals the ledger cannot be had; the record that says so.

        What was recorded stays, unsealed until that key is there again: see `LedgerCheck.segments`. Where records are
        missing or do not fit, they are marked as in a ledger that does not hold. Where another process was quicker, its
        record. Raises IntegrityError where the key can be had after all.
        """
        with self._lock:
            self._known = None
            aside = self._prepare_file_without_key()
            with self._store.write() as writing:
                records = [record_from_row(row) for row in writing.records()]
                if records and self._opens(writing):
                    return next((each for each in reversed(records) if each.event in CHAIN_EVENTS), records[-1])
                wrong = aside or segment_refusal(records, writing.seal(), self._key_store.file_keys()[1])
                if wrong:
                    record = self._writer.restart(
                        writing, wrong, LedgerEvent(event="restarted"), self._key_store.make_key_in_file
                    )
                else:
                    key = self._key_store.make_key_in_file()
                    record = self._writer.begin_segment(writing, key, tr("The key of the records before did not open."))
            self._move_anchor(record)
            return record

    def _prepare_file_without_key(self) -> str:
        """As `_prepare_file`, where the key cannot be had. Raises IntegrityError where it can."""
        try:
            look = self._load_state()
            if look.unusable:
                self._key_store.read()
        except LedgerKeyLockedError:
            look = self._check_file()
        else:
            check = look.state.check
            if check.kind != "key-lost":
                raise segment_not_needed_error() if check.ok else _broken(check)
        return self._set_aside(look) if look.unusable else ""

    def _opens(self, writing: LedgerWriteTransaction) -> bool:
        """Whether the seal is made with the key that lies in the file: another process has begun a segment."""
        seal = writing.seal()
        if seal is None or seal.kept_in != "file":
            return False
        self._key_store.select_key(seal.kept_in, str(seal.key_id))
        key, _ = self._key_store.read()
        return key is not None and seal_matches(key, seal)

    def _prepare_file(self, known: _CachedState | None, *, afresh: bool) -> str:
        """See to it that there is a file to write to; what became of one that could not be used, "" mostly."""
        if known is not None and known.mark is not None and known.state.check.ok and self._store.exists():
            return ""
        look = self._load_state()
        check = look.state.check
        if not check.ok and not afresh:
            raise _broken(check)
        return self._set_aside(look) if look.unusable else ""

    def _set_aside(self, look: _CachedState) -> str:
        target = self._store.set_aside(self._clock())
        return tr("{reason} The file is kept as {file}.").format(reason=look.state.check.reason, file=target.name)

    def _move_anchor(self, newest: LedgerRecord) -> None:
        try:
            self._key_store.advance_anchor(LedgerAnchor(newest.seq, newest.hash))
        except UserError:
            # The record is stored and sealed. An anchor that lags behind is right as well.
            _log.exception("the anchor could not be moved to record %d", newest.seq)

    def _remember(self, before: LedgerState, records: Sequence[LedgerRecord], version: object) -> None:
        """Spare the next call a look through everything, where only we wrote."""
        try:
            mark = self._store.stamp_unless_written(version)
        except UserError:
            return
        times = [before.last_time, *(record.time for record in records)]
        back = tuple(record.seq for record, time in zip(records, times, strict=False) if record.time < time)
        check = replace(
            before.check,
            records=before.check.records + len(records),
            clock_back=before.check.clock_back + back,
            sealed_by=self._key_store.place,
        )
        self._known = _CachedState(before.after(check, records), mark)

    # --- judging -------------------------------------------------------------------------------------------------

    def _load_state(self) -> _CachedState:
        """The ledger as it is."""
        try:
            if not self._store.exists():
                return _CachedState(evaluate_missing_ledger(self._key_store_state()))
            with self._read_with_key() as (reading, key_state):
                state, version = evaluate_ledger(reading, key_state), reading.version()
            return _CachedState(state, self._store.stamp_unless_written(version), earlier_key=key_state.earlier_key)
        except (LedgerKeyLockedError, NewerDatabaseError):
            raise
        except IntegrityError as error:
            return _unusable(error)

    def _check_file(self) -> _CachedState:
        """Whether the file can be used, whatever its seal says."""
        try:
            if self._store.exists():
                with self._store.read() as reading:
                    _ = reading.records(), reading.seal(), reading.segment_seals()
            return _CachedState(LedgerState(LedgerCheck(True, 0)))
        except NewerDatabaseError:
            raise
        except IntegrityError as error:
            return _unusable(error)

    @contextmanager
    def _read_with_key(self) -> Iterator[tuple[LedgerReadTransaction, KeyStoreState]]:
        """One state of the file, and what was kept outside of it before: the other way round, an anchor that another
        process moves in between would be ahead of what is read."""
        for left in reversed(range(_MAX_TRIES)):
            with self._store.read() as reading:
                seal = reading.seal()
                key_state = self._key_store_state(reading)
            with self._store.read() as reading:
                now = reading.seal()
                if left and (seal is None or now is None or seal[2:4] != now[2:4]) and seal != now:
                    continue  # another key seals it by now
                yield reading, key_state
                return

    def _key_store_state(self, reading: LedgerReadTransaction | None = None) -> KeyStoreState:
        """What is kept outside the file, from where the seal says that it is."""
        if reading is not None and (seal := reading.seal()) is not None:
            self._key_store.select_key(str(seal.kept_in), str(seal.key_id))
        key, anchor = self._key_store.read()
        self._writer.key = key
        place = self._key_store.place
        return KeyStoreState(
            key, anchor, place, self._key_store.earlier_key(_EARLIER_KEY_WAIT_S), self._key_store.file_keys()[0]
        )

    def _mark(self) -> object:
        try:
            if not self._store.exists():
                return None
            with self._store.read() as reading:
                return self._store.stamp(reading)
        except UserError as error:
            return str(error), self._store.file_stamps()

    def _is_current(self, known: _CachedState | None, mark: object) -> bool:
        """Whether what was known of the ledger still is so, with this mark of its file."""
        return (
            known is not None
            and known.mark is not None
            and known.mark == mark
            and known.earlier_key == self._key_store.earlier_key()
        )


def _unusable(error: IntegrityError) -> _CachedState:
    reason = f"{error.title} {error.detail}".strip()
    return _CachedState(LedgerState(LedgerCheck(False, 0, None, reason, "damaged")), unusable=True)


def _broken(check: LedgerCheck) -> IntegrityError:
    return IntegrityError(
        tr("The license ledger does not hold, so nothing is added to it."),
        check.reason,
        tr("Accept a license afresh: what is there is kept, and marked. “latchkey licenses verify” says more."),
    )


def _hash(data: bytes) -> str:
    return sha256_of(data).hexdigest()
