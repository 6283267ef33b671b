"""The chain of records: each one carries the hash of the one before it, so that a change anywhere is seen from then on.

Pure functions over values. What the chain cannot show (all of it computed anew, or its end cut off) the seal shows:
`desktop/licenses/ledger_seal.py`.

A record of the event `restarted` begins a new part of the chain. Its `previous` is the digest of all records before it
as they stood then, right or wrong; it marks them, and they count for nothing any more, but cannot be changed further
without notice.

A record of the event `segment-begun` follows in the chain like any other, and begins a segment that another key seals:
`desktop/licenses/ledger_seal.py`. One of the event `restored` follows in the chain, too, and tells what another ledger
recorded: `desktop/licenses/restored_records.py`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from desktop.licenses.ledger_record import EVENTS, LedgerEvent, LedgerRecord
from desktop.translation import tr

GENESIS = "0" * 64
"""What the first record has in place of a hash before it."""

_encoder = msgspec.json.Encoder(order="sorted")
_EVENTS = frozenset(EVENTS)
_KINDS = {str, int}


@dataclass(frozen=True)
class InvalidatedRecords:
    """Records `first` to `last` that count for nothing since `time` (UTC, RFC 3339); both 0 where none was left."""

    first: int
    last: int
    reason: str
    time: str


@dataclass(frozen=True)
class ChainCheck:
    """Whether a chain holds. `first_bad` is the number of the first record that does not, `reason` why.

    `trusted` is the position of the first record that counts: those before it are marked. `clock_back` are the numbers
    of records whose time is earlier than that of the record before them; their order is right all the same.
    """

    ok: bool
    records: int
    first_bad: int | None
    reason: str
    marked: tuple[InvalidatedRecords, ...]
    clock_back: tuple[int, ...]
    trusted: int


def canonical_json(values: Mapping[str, str | int]) -> bytes:
    """`values` as JSON with sorted keys and no spaces, in UTF-8: what `json.dumps` gives with `sort_keys=True`,
    `separators=(",", ":")` and `ensure_ascii=False`."""
    return _encoder.encode(values)


def record_hash(record: LedgerRecord) -> str:
    """The SHA-256 (hexadecimal) over the canonical JSON of all fields but `hash`."""
    values = msgspec.structs.asdict(record)
    del values["hash"]
    return hashlib.sha256(canonical_json(values)).hexdigest()


def chain_digest(records: Sequence[LedgerRecord]) -> str:
    """The SHA-256 over the canonical JSON of each record, its hash included, each followed by a line feed."""
    whole = hashlib.sha256()
    for record in records:
        whole.update(_line(record))
    return whole.hexdigest()


def _line(record: LedgerRecord) -> bytes:
    try:
        return _encoder.encode(record) + b"\n"
    except (UnicodeEncodeError, OverflowError, TypeError):
        return b"\n"  # nothing that was ever stored; it has no place in any chain


def chain_record(
    fact: LedgerEvent, *, seq: int, time: str, os_user: str, app_version: str, previous: str
) -> LedgerRecord:
    """`fact` as the record that follows the one whose hash is `previous`."""
    values = msgspec.structs.asdict(fact)
    record = LedgerRecord(
        **values, seq=seq, time=time, os_user=os_user, app_version=app_version, previous=previous, hash=""
    )
    return msgspec.structs.replace(record, hash=record_hash(record))


def check_chain(records: Sequence[LedgerRecord]) -> ChainCheck:
    """Whether these records, in the order they are given, are a whole chain."""
    marked, trusted = _restarts(records)
    bad, reason = _first_bad(records, trusted, restarted=bool(marked))
    back = tuple(
        after.seq
        for before, after in pairwise(records)
        if type(after.time) is type(before.time) and after.time < before.time
    )
    return ChainCheck(not reason, len(records), bad, reason, marked, back, trusted)


def _restarts(records: Sequence[LedgerRecord]) -> tuple[tuple[InvalidatedRecords, ...], int]:
    """The parts that were marked, and where the part that counts begins."""
    if not any(record.event == "restarted" for record in records):
        return (), 0
    marked: list[InvalidatedRecords] = []
    begin, whole = 0, hashlib.sha256()
    for at, record in enumerate(records):
        if record.event == "restarted" and record.previous == whole.hexdigest() and _record_fault(record) == "":
            first, last = (records[begin].seq, records[at - 1].seq) if at else (0, 0)
            marked.append(InvalidatedRecords(first, last, record.note, record.time))
            begin = at
        whole.update(_line(record))
    return tuple(marked), begin


def _first_bad(records: Sequence[LedgerRecord], trusted: int, *, restarted: bool) -> tuple[int | None, str]:
    previous = GENESIS
    last = records[trusted - 1].seq if trusted else 0
    for at in range(trusted, len(records)):
        record = records[at]
        if type(record.seq) is not int:
            return last + 1, tr("Record {seq} has no number.").format(seq=last + 1)
        if record.seq != last + 1:
            return _out_of_order(records, at, last + 1)
        if reason := _record_fault(record):
            return record.seq, reason
        begins = restarted and at == trusted
        if (record.previous != previous or record.event == "restarted") and not begins:
            return _broken_link(records, at)
        last, previous = record.seq, record.hash
    return None, ""


def _record_fault(record: LedgerRecord) -> str:
    """What is wrong with a record in itself."""
    values = msgspec.structs.asdict(record)
    seq, found = record.seq, values.pop("hash")
    if set(map(type, values.values())) != _KINDS or type(seq) is not int:
        return tr("Record {seq} holds something other than text.").format(seq=seq)
    try:
        changed = found != hashlib.sha256(canonical_json(values)).hexdigest()
    except (UnicodeEncodeError, OverflowError):
        changed = True
    if changed:
        return tr("Record {seq} was changed after it was written.").format(seq=seq)
    if record.event not in _EVENTS:
        return tr("Record {seq} tells of something unknown: {event}.").format(seq=seq, event=record.event)
    return ""


def _out_of_order(records: Sequence[LedgerRecord], at: int, expected: int) -> tuple[int, str]:
    seq = records[at].seq
    if seq < expected:
        if any(record.seq == seq for record in records[:at]):
            return seq, tr("Record {seq} is there twice.").format(seq=seq)
        return seq, tr("Record {seq} stands where record {expected} belongs.").format(seq=seq, expected=expected)
    if any(record.seq == expected for record in records[at:]):
        return expected, tr("Record {seq} is not in its place.").format(seq=expected)
    return expected, tr("Record {seq} is missing.").format(seq=expected)


def _broken_link(records: Sequence[LedgerRecord], at: int) -> tuple[int, str]:
    """Two neighbors that do not fit, each right in itself: which of them was written anew, the next one tells."""
    record = records[at]
    if record.event == "restarted":
        return record.seq, tr("Record {seq} marks those before it, and they are not what they were.").format(
            seq=record.seq
        )
    following = records[at + 1] if at + 1 < len(records) else None
    if at == 0 or (following is not None and following.previous != record.hash):
        return record.seq, tr("Record {seq} does not follow the one before it.").format(seq=record.seq)
    return records[at - 1].seq, tr("Record {seq} was replaced: the next one follows another.").format(
        seq=records[at - 1].seq
    )
