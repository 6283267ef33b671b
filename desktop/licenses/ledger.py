"""The ledger: what happened to which model, appended, checked and summed up.

Records are written by window and command at once, each in one transaction that reads the last record, adds the next
and seals it. What was written and does not hold is never mended: it is kept, marked, and the chain begins anew behind
it once a person acknowledges afresh.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256 as sha256_of

from desktop.credentials.keeper import Anchor, Keeper, LockedError
from desktop.errors import IntegrityError, UserError
from desktop.licenses.account import account_name
from desktop.licenses.chain import GENESIS, Marked, chained, digest
from desktop.licenses.facts import told
from desktop.licenses.judging import judge, judge_missing, record_of, row_of
from desktop.licenses.record import Fact, Record
from desktop.licenses.seal import Kept, LedgerCheck, seal_of
from desktop.licenses.state import Acknowledgement, LedgerState
from desktop.storage.failures import NewerError
from desktop.storage.ledger import LedgerStore, Writing
from desktop.translation import tr

__all__ = ["Acknowledgement", "Ledger", "LedgerCheck", "LedgerState", "Marked", "Snapshot"]

_LAST_NUMBER = 2**53
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Look:
    """The ledger as it was found. `mark` is what the store said of the file then, None where it cannot be relied on.

    `unusable` is True where the file has to be set aside before anything can be written.
    """

    state: LedgerState
    mark: object = None
    unusable: bool = False


@dataclass(frozen=True)
class Snapshot:
    """The ledger at one moment: its records, the texts that are kept, by their hash, and whether it holds."""

    records: tuple[Record, ...]
    texts: Mapping[str, bytes]
    check: LedgerCheck


class Ledger:
    """The ledger in `store`, sealed with the key that `keeper` keeps.

    For any number of threads; a call may take long (the keyring may ask the person) and is not for the main thread.
    Every method raises ResourceError where the disk refuses, LockedError where the keyring is locked, and NewerError
    where a newer Latchkey wrote the ledger. `clock` gives seconds since 1970, UTC.
    """

    def __init__(
        self,
        store: LedgerStore,
        keeper: Keeper,
        *,
        app_version: str,
        os_user: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._app_version = app_version
        self._os_user = account_name() if os_user is None else os_user
        self._clock = clock
        self._lock = threading.RLock()
        self._known: _Look | None = None
        self._key: bytes | None = None
        self._texts: dict[str, bytes] = {}

    # --- looking -------------------------------------------------------------------------------------------------

    def records(self) -> list[Record]:
        """Everything that was recorded, marked or not, in its order. Raises IntegrityError where it is unreadable."""
        with self._lock:
            if not self._store.exists():
                return []
            with self._store.read() as reading:
                return [record_of(row) for row in reading.records()]

    def check(self) -> LedgerCheck:
        """Whether the ledger holds: reads and computes all of it anew, and asks the keeper."""
        with self._lock:
            self._known = self._look()
            return self._known.state.check

    def snapshot(self) -> Snapshot:
        """All of the ledger as it is at one moment, for an export. Raises IntegrityError where it is unreadable."""
        with self._lock:
            if not self._store.exists():
                return Snapshot((), {}, self.check())
            with self._store.read() as reading:
                records = tuple(record_of(row) for row in reading.records())
                texts = {sha256: data for sha256, data in reading.texts() if _hash(data) == sha256}
                return Snapshot(records, texts, judge(reading, self._kept()).check)

    def state(self) -> LedgerState:
        """What the ledger comes to. Looks through it only where it changed since the last time."""
        with self._lock:
            if self._known is None or self._known.mark is None or self._known.mark != self.stamp():
                self._known = self._look()
            return self._known.state

    def stamp(self) -> object:
        """A value that differs once any process has written to the ledger. Cheap, and raises nothing a person can
        act on: `state` will."""
        with self._lock:
            try:
                if not self._store.exists():
                    return None
                with self._store.read() as reading:
                    return self._store.mark(reading)
            except UserError as error:
                return str(error), self._store.files()

    def close(self) -> None:
        """Close the file; it is opened again at the next use."""
        with self._lock:
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
                kept = reading.kept(sha256)
        right = next((data for data in kept if _hash(data) == sha256), None)
        if kept and right is None:
            raise IntegrityError(
                tr("A license text in the ledger was changed."),
                tr("What is kept under {sha256} is not the text that was accepted.").format(sha256=sha256),
                tr("Read the text in force and accept it afresh. “latchkey licenses verify” says more."),
            )
        return right

    # --- writing -------------------------------------------------------------------------------------------------

    def keep_text(self, data: bytes) -> str:
        """Have a text kept for ever, together with the next record; its SHA-256 (hexadecimal)."""
        sha256 = _hash(data)
        with self._lock:
            self._texts[sha256] = bytes(data)
        return sha256

    def append(self, fact: Fact, *, afresh: bool = False) -> Record:
        """Record one fact: see `append_all`."""
        return self.append_all((fact,), afresh=afresh)[0]

    def append_all(self, facts: Sequence[Fact], *, afresh: bool = False) -> list[Record]:
        """Record facts, all of them or none; their records.

        Where the ledger does not hold, nothing is written and IntegrityError is raised; with `afresh` what is there is
        marked by a record `restarted` first. An acknowledgement needs its text to be kept: see `keep_text`. Raises
        LicenseError where a fact is too long or an acknowledgement has no name.
        """
        facts = [told(fact) for fact in facts]
        if not facts:
            return []
        with self._lock:
            known, self._known = self._known, None  # whatever goes wrong from here on, the next call looks anew
            aside = self._make_way(known, afresh=afresh)
            with self._store.write() as writing:
                if known is None or known.mark is None or known.mark != self._store.mark(writing):
                    known = _Look(judge(writing, self._kept()))
                check = known.state.check
                holds = check.ok and not aside
                if not holds:
                    if not afresh:
                        raise _broken(check)
                    self._restart(writing, aside or check.reason, facts[0])
                self._keep_texts(writing, facts)
                records = self._add(writing, facts)
                version = writing.version()
            self._texts.clear()
            self._move_anchor(records[-1])
            if holds:
                self._remember(known.state, records, version)
            return records

    def _make_way(self, known: _Look | None, *, afresh: bool) -> str:
        """See to it that there is a file to write to; what became of one that could not be used, "" mostly."""
        if known is not None and known.mark is not None and known.state.check.ok and self._store.exists():
            return ""
        look = self._look()
        check = look.state.check
        if not check.ok and not afresh:
            raise _broken(check)
        if not look.unusable:
            return ""
        target = self._store.set_aside(self._clock())
        return tr("{reason} The file is kept as {file}.").format(reason=check.reason, file=target.name)

    def _restart(self, writing: Writing, reason: str, first: Fact) -> None:
        """Mark everything that is there, and begin anew behind it with a new key."""
        writing.mend_guards()
        records = [record_of(row) for row in writing.records()]
        last = max((record.seq for record in records), default=0)
        if last >= _LAST_NUMBER:
            raise IntegrityError(
                tr("The ledger cannot go on."),
                tr("It ends with record {seq}, which is a number no ledger comes to.").format(seq=last),
                tr("Move {file} elsewhere, then acknowledge afresh.").format(file=self._store.path),
            )
        self._key = self._keeper.make_key()
        fact = Fact(event="restarted", person=first.person, organization=first.organization, note=reason)
        self._put(writing, fact, last + 1, digest(records))

    def _keep_texts(self, writing: Writing, facts: Sequence[Fact]) -> None:
        for sha256, data in self._texts.items():
            if data not in writing.kept(sha256):
                writing.keep(sha256, data)
        for fact in facts:
            needed = fact.text_sha256
            if fact.event == "acknowledged" and not any(_hash(data) == needed for data in writing.kept(needed)):
                raise ValueError(f"the text {needed} was not kept")

    def _add(self, writing: Writing, facts: Sequence[Fact]) -> list[Record]:
        row = writing.last()
        last = None if row is None else record_of(row)
        seq, previous = (0, GENESIS) if last is None else (last.seq, last.hash)
        records = []
        for fact in facts:
            seq += 1
            records.append(self._put(writing, fact, seq, previous))
            previous = records[-1].hash
        return records

    def _put(self, writing: Writing, fact: Fact, seq: int, previous: str) -> Record:
        if self._key is None:
            self._key = self._keeper.make_key()
        record = chained(
            fact,
            seq=seq,
            time=rfc3339(self._clock()),
            os_user=self._os_user,
            app_version=self._app_version,
            previous=previous,
        )
        writing.add(row_of(record))
        writing.put_seal(seal_of(self._key, record, self._keeper.place))
        return record

    def _move_anchor(self, newest: Record) -> None:
        try:
            self._keeper.advance(Anchor(newest.seq, newest.hash))
        except UserError:
            # The record is stored and sealed. An anchor that lags behind is right as well.
            _log.exception("the anchor could not be moved to record %d", newest.seq)

    def _remember(self, before: LedgerState, records: Sequence[Record], version: object) -> None:
        """Spare the next call a look through everything, where only we wrote."""
        try:
            mark = self._store.mark_unless_written(version)
        except UserError:
            return
        times = [before.last_time, *(record.time for record in records)]
        back = tuple(record.seq for record, time in zip(records, times, strict=False) if record.time < time)
        check = replace(
            before.check,
            records=before.check.records + len(records),
            clock_back=before.check.clock_back + back,
            sealed_by=self._keeper.place,
        )
        self._known = _Look(before.after(check, records), mark)

    # --- judging -------------------------------------------------------------------------------------------------

    def _look(self) -> _Look:
        try:
            if not self._store.exists():
                return _Look(judge_missing(self._kept()))
            with self._store.read() as reading:
                state, version = judge(reading, self._kept()), reading.version()
            return _Look(state, self._store.mark_unless_written(version))
        except (LockedError, NewerError):
            raise
        except IntegrityError as error:
            reason = f"{error.title} {error.detail}".strip()
            return _Look(LedgerState(LedgerCheck(False, 0, None, reason, "damaged")), unusable=True)

    def _kept(self) -> Kept:
        self._key = self._keeper.key()
        return Kept(self._key, self._keeper.anchor(), self._keeper.place)


def rfc3339(seconds: float) -> str:
    """A time as the ledger writes it: UTC, to the millisecond."""
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        time = datetime.fromtimestamp(0, UTC)  # a clock beyond all calendars
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _broken(check: LedgerCheck) -> IntegrityError:
    return IntegrityError(
        tr("The license ledger does not hold, so nothing is added to it."),
        check.reason,
        tr("Accept a license afresh: what is there is kept, and marked. “latchkey licenses verify” says more."),
    )


def _hash(data: bytes) -> str:
    return sha256_of(data).hexdigest()
