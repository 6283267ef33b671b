"""How records come into the ledger's file: chained, sealed, and with what begins a new part of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from desktop.credentials.keeper import Keeper
from desktop.errors import IntegrityError
from desktop.licenses.account import account_name
from desktop.licenses.chain import GENESIS, chained, digest
from desktop.licenses.judging import record_of, row_of
from desktop.licenses.record import Fact, Record
from desktop.licenses.seal import seal_of
from desktop.storage.ledger import Writing
from desktop.translation import tr

_LAST_NUMBER = 2**53


class LedgerWriter:
    """Writes to a file that somebody else opened and judged. `key` is the one that seals now, None before there is one:
    it is made with the first record. `clock` gives seconds since 1970, UTC."""

    def __init__(
        self, file: Path, keeper: Keeper, *, app_version: str, os_user: str | None, clock: Callable[[], float]
    ) -> None:
        self._file = file
        self._keeper = keeper
        self._app_version = app_version
        self._os_user = account_name() if os_user is None else os_user
        self._clock = clock
        self.key: bytes | None = None

    def restart(self, writing: Writing, reason: str, first: Fact, make_key: Callable[[], bytes]) -> Record:
        """Mark everything that is there, and begin anew behind it with a new key."""
        writing.mend_guards()
        records = [record_of(row) for row in writing.records()]
        last = max((record.seq for record in records), default=0)
        if last >= _LAST_NUMBER:
            raise IntegrityError(
                tr("The ledger cannot go on."),
                tr("It ends with record {seq}, which is a number no ledger comes to.").format(seq=last),
                tr("Move {file} elsewhere, then acknowledge afresh.").format(file=self._file),
            )
        if (seal := writing.seal()) is not None:
            writing.keep_seal(seal)
        self.key = make_key()
        fact = Fact(event="restarted", person=first.person, organization=first.organization, note=reason)
        return self._put(writing, fact, last + 1, digest(records))

    def go_back(self, writing: Writing, key: bytes) -> bool:
        """Begin a segment under the key in the keyring, which opens again; whether that was to be done."""
        if self.key == key:
            return False
        self._keeper.go_back()
        self.begin(writing, key, tr("The keyring opens again."))
        return True

    def begin(self, writing: Writing, key: bytes, why: str) -> Record:
        """Begin a segment that `key` seals; what is there has to be a whole chain."""
        if (seal := writing.seal()) is not None:
            writing.keep_seal(seal)
        self.key = key
        return self.add(writing, [Fact(event="segment-begun", note=why)])[0]

    def keep_texts(self, writing: Writing, texts: Mapping[str, bytes], facts: Sequence[Fact]) -> None:
        """Keep texts under their hashes; each text that a fact acknowledges has to be there then."""
        for name, data in texts.items():
            if data not in writing.kept(name):
                writing.keep(name, data)
        for fact in facts:
            needed = fact.text_sha256
            if fact.event == "acknowledged" and not any(_hash(data) == needed for data in writing.kept(needed)):
                raise ValueError(f"the text {needed} was not kept")

    def add(self, writing: Writing, facts: Sequence[Fact]) -> list[Record]:
        """Records of these facts behind the last one, the newest sealed."""
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
        if self.key is None:
            self.key = self._keeper.make_key()
        record = chained(
            fact,
            seq=seq,
            time=rfc3339(self._clock()),
            os_user=self._os_user,
            app_version=self._app_version,
            previous=previous,
        )
        writing.add(row_of(record))
        writing.put_seal(seal_of(self.key, record, self._keeper.place))
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
