"""The ledger's seal: shows what the hash chain cannot, that all of it was computed anew or that its end is missing.

The newest record is sealed with an HMAC under a key that is kept outside the ledger's file, and the number and hash of
the newest record are kept beside that key (the anchor). Where another key seals from some record on, a segment begins.
Pure functions; the keys are kept by `desktop/credentials`.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.credentials.ledger_key_store import (
    EarlierKey,
    KeyPlace,
    LedgerAnchor,
    LedgerKeyLockedError,
    key_id,
    locked_key_remedy,
)
from desktop.errors import IntegrityError
from desktop.licenses.ledger_chain import GENESIS, ChainCheck, InvalidatedRecords, canonical_json, check_chain
from desktop.licenses.ledger_record import LedgerRecord
from desktop.storage.ledger_store import SealRow
from desktop.translation import tr, trn

LedgerFault = Literal["", "chain", "seal", "shortened", "key-lost", "damaged"]


@dataclass(frozen=True)
class LedgerSegment:
    """Records `first` to `last`, sealed under one key until `ended` (UTC, RFC 3339; "" for the newest segment).

    `sealed` says whether the seal could be checked and is right, `reason` why not, `counts` whether what was
    acknowledged in it counts here and now.
    """

    first: int
    last: int
    sealed: bool
    counts: bool
    reason: str
    ended: str


@dataclass(frozen=True)
class LedgerCheck:
    """Whether the ledger holds, and if not, what is wrong.

    `first_bad` is the number of the first record that does not hold, None where no single one can be named. `kind`:
    a record was changed, removed or put in ("chain"), the newest one is not the one that was sealed ("seal"), records
    are missing at the end ("shortened"), the key is gone ("key-lost"), the file or a text in it is damaged
    ("damaged"). `marked` are records that count for nothing since somebody acknowledged afresh. `clock_back` are
    records whose time is earlier than that of the one before. `sealed_by` says where the key is kept. `segments` are
    the parts that different keys seal, the newest last; none where one key seals all of it.
    """

    ok: bool
    records: int
    first_bad: int | None = None
    reason: str = ""
    kind: LedgerFault = ""
    marked: tuple[InvalidatedRecords, ...] = ()
    clock_back: tuple[int, ...] = ()
    sealed_by: Literal["keyring", "file", ""] = ""
    segments: tuple[LedgerSegment, ...] = ()


def seal_mac(key: bytes, seq: int, record_hash: str, kept_in: str) -> str:
    """The HMAC-SHA256 (hexadecimal) over the canonical JSON of a record's number and hash and the place of the key."""
    values: dict[str, str | int] = {"seq": seq, "hash": record_hash, "kept_in": kept_in}
    return hmac.new(key, canonical_json(values), "sha256").hexdigest()


def seal_of(key: bytes, record: LedgerRecord, kept_in: KeyPlace) -> SealRow:
    """The seal for a ledger that ends with `record`."""
    return SealRow(record.seq, record.hash, key_id(key), kept_in, seal_mac(key, record.seq, record.hash, kept_in))


@dataclass(frozen=True)
class KeyStoreState:
    """What is kept outside the file: the key, the newest record that was seen, and where; `earlier_key` is what the
    keyring keeps where that is a file, `file_keys` every key that lies in the file."""

    key: bytes | None
    anchor: LedgerAnchor | None
    place: KeyPlace
    earlier_key: EarlierKey | None = None
    file_keys: tuple[bytes, ...] = ()

    @property
    def keyring_key(self) -> bytes | None:
        """The key that the keyring keeps, as far as it is known."""
        if self.place == "keyring":
            return self.key
        return self.earlier_key.key if self.earlier_key is not None else None

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Every key at hand."""
        return tuple(key for key in (self.key, self.keyring_key, *self.file_keys) if key is not None)


def ensure_reachable(seal: SealRow | None, key_state: KeyStoreState) -> None:
    """Raise LedgerKeyLockedError where a keyring holds the key, and this session has none: over SSH, say.

    Nothing is known to be wrong then, and to begin anew would mark a ledger that may well hold.
    """
    if seal is None or seal.kept_in != "keyring" or key_state.place == "keyring":
        return
    if key_state.key is None or key_id(key_state.key) != seal.key_id:
        raise LedgerKeyLockedError(
            tr("The ledger is sealed with a key in the keyring, which this session does not reach."),
            tr("Without the key nobody can say whether the ledger holds, so no model but the built-in one is loaded."),
            locked_key_remedy(),
        )


def check_seal(
    records: Sequence[LedgerRecord], chain: ChainCheck, seal: SealRow | None, key_state: KeyStoreState
) -> tuple[LedgerFault, int | None, str]:
    """What the seal says of records whose chain holds: a kind, the first bad record, a reason; "" where it is right."""
    last = records[-1].seq if records else 0
    head = records[-1].hash if records else GENESIS
    anchor = key_state.anchor
    if anchor is not None and anchor.seq > last:
        return "shortened", last + 1, truncated_sentence(last, anchor.seq)
    if not records and key_state.key is not None and anchor is None:
        return "shortened", None, tr("The ledger is gone: its key is here, and no key is made without a ledger.")
    if seal is None:
        return ("seal", None, tr("The seal is missing.")) if records else ("", None, "")
    if type(seal.seq) is not int or seal.seq > last:
        return "shortened", last + 1, truncated_sentence(last, seal.seq)
    if key_state.key is None:
        return "key-lost", None, tr("The key that seals the ledger is gone.")
    if key_id(key_state.key) != seal.key_id:
        return "key-lost", None, tr("The key that is kept now is not the one that sealed the ledger.")
    right = hmac.compare_digest(_ascii(seal.mac), _ascii(seal_mac(key_state.key, seal.seq, seal.hash, seal.kept_in)))
    if right and seal.seq < last:
        return "seal", seal.seq + 1, tr("Record {seq} was added without a seal.").format(seq=seal.seq + 1)
    if not right or (seal.seq, seal.hash) != (last, head):
        return "seal", None, tr("The seal does not fit the newest record: the ledger was written anew without the key.")
    if anchor is None:
        return "seal", None, tr("The number of the newest record, which is kept beside the key, is gone.")
    if anchor.seq and not any((record.seq, record.hash) == (anchor.seq, anchor.hash) for record in records):
        return "seal", anchor.seq, tr("Record {seq} is not the one that was there before.").format(seq=anchor.seq)
    return "", None, ""


def check_earlier_key(
    records: Sequence[LedgerRecord], ended: Sequence[SealRow], key_state: KeyStoreState
) -> tuple[LedgerFault, int | None, str]:
    """The same of a ledger whose newest segment is sealed with a key in a file, by what the keyring keeps of it."""
    if key_state.earlier_key is None or (
        key_state.key is not None and key_id(key_state.key) == key_id(key_state.earlier_key.key)
    ):
        return "", None, ""
    anchor, known = key_state.earlier_key.anchor, key_id(key_state.earlier_key.key)
    seal = next((each for each in reversed(ended) if each.key_id == known), None)
    if seal is None:
        return "seal", None, tr("The keyring keeps the key of this ledger, and nothing in it is sealed with that key.")
    made = seal_mac(key_state.earlier_key.key, seal.seq, seal.hash, seal.kept_in)
    there = {(record.seq, record.hash) for record in records}
    if not hmac.compare_digest(_ascii(seal.mac), _ascii(made)) or (seal.seq, seal.hash) not in there:
        return (
            "seal",
            None,
            tr("Records up to {seq} are not those that were sealed with the key in the keyring.").format(seq=seal.seq),
        )
    if anchor is not None and anchor.seq > seal.seq:
        return (
            "shortened",
            seal.seq + 1,
            tr(
                "Record {seq} is not the one that was there before: records were left out when the ledger went on with"
                " a key in a file."
            ).format(seq=seal.seq + 1),
        )
    if anchor is not None and anchor.seq and (anchor.seq, anchor.hash) not in there:
        return "seal", anchor.seq, tr("Record {seq} is not the one that was there before.").format(seq=anchor.seq)
    return "", None, ""


def truncated_sentence(last: int, known: object) -> str:
    """In a sentence: `known` records were there, and the ledger ends with number `last`."""
    if not last:
        return tr("The ledger is gone: {known} records were in it.").format(known=known)
    return tr("The ledger ends with record {last}, and {known} was written already: it was cut or restored.").format(
        last=last, known=known
    )


def _ascii(text: object) -> bytes:
    return str(text).encode("ascii", "replace")


@dataclass(frozen=True)
class _SegmentRange:
    """A segment as it lies in the chain: the numbers of its first and last record, the hash of the last one."""

    first: int
    last: int
    hash: str
    ended: str


def segments_of(
    records: Sequence[LedgerRecord],
    chain: ChainCheck,
    seal: SealRow | None,
    ended: Iterable[SealRow],
    key_state: KeyStoreState,
) -> tuple[LedgerSegment, ...]:
    """The segments of records whose chain holds, the newest last; none where there is but one, and it counts.

    `seal` seals the newest one, which is right; `ended` are the seals of those before.
    """
    parts = _parts(records, chain)
    seals = {each.seq: each for each in ended}
    from_keyring = key_state.keyring_key
    found = []
    for part in parts:
        newest = part is parts[-1]
        row = seal if newest else seals.get(part.last)
        reason = "" if newest else _seal_fault(part, row, key_state)
        under_keyring = row is not None and from_keyring is not None and row.key_id == key_id(from_keyring)
        counts = not reason and (under_keyring if from_keyring is not None else newest)
        found.append(LedgerSegment(part.first, part.last, not reason, counts, reason, part.ended))
    # What was marked may have been a keyring's segment: a chain that was begun anew beside it counts no more than one
    # that went on.
    return () if len(found) == 1 and found[0].counts else tuple(found)


def segments_without_key(records: Sequence[LedgerRecord], chain: ChainCheck) -> tuple[LedgerSegment, ...]:
    """The same from an export, which no key goes with: no seal can be checked, and the newest one counts."""
    parts = _parts(records, chain)
    reason = tr("The seal cannot be checked from an export.")
    return tuple(
        LedgerSegment(part.first, part.last, False, part is parts[-1], reason, part.ended)
        for part in parts
        if len(parts) > 1
    )


def effective_records(records: Iterable[LedgerRecord], segments: Iterable[LedgerSegment]) -> list[LedgerRecord]:
    """Those of `records` that count: all but acknowledgements in segments that do not."""
    out = [range(each.first, each.last + 1) for each in segments if not each.counts]
    return [
        record for record in records if record.event != "acknowledged" or not any(record.seq in each for each in out)
    ]


def segment_sentence(segment: LedgerSegment) -> str:
    """How one of several segments stands."""
    count = segment.last - segment.first + 1
    numbers = {"first": segment.first, "last": segment.last}
    if segment.counts:
        return trn(
            "Record {first} is a segment of its own, and what was accepted in it counts.",
            "Records {first} to {last} are a segment of their own, and what was accepted in them counts.",
            count,
        ).format(**numbers)
    again = tr("What was accepted there does not count until it is accepted again; what was revoked stays revoked.")
    if segment.sealed:
        why = tr("The keyring did not open then, so a key in a file sealed it. The keyring opens now.")
        said = trn(
            "Record {first} is a segment of its own.", "Records {first} to {last} are a segment of their own.", count
        )
    else:
        why = segment.reason
        said = trn("Record {first} is unsealed.", "Records {first} to {last} are unsealed.", count)
    return " ".join((said.format(**numbers), why, again))


def _parts(records: Sequence[LedgerRecord], chain: ChainCheck) -> list[_SegmentRange]:
    begins = [chain.trusted, *(at for at in range(chain.trusted + 1, len(records)) if _begins(records[at]))]
    ends = [*(at - 1 for at in begins[1:]), len(records) - 1]
    if not records:
        return []
    return [
        _SegmentRange(
            records[begin].seq,
            records[end].seq,
            records[end].hash,
            records[end + 1].time if end + 1 < len(records) else "",
        )
        for begin, end in zip(begins, ends, strict=True)
    ]


def _begins(record: LedgerRecord) -> bool:
    return record.event == "segment-begun"


def _seal_fault(part: _SegmentRange, row: SealRow | None, key_state: KeyStoreState) -> str:
    """Why a segment that ended is not known to be as it was sealed; "" where it is."""
    if row is None:
        return tr("The seal is missing.")
    key = next((key for key in key_state.keys if key_id(key) == row.key_id), None)
    if key is None:
        if row.kept_in == "keyring":
            return tr("The key is in the keyring, which does not open here.")
        return tr("The key is gone.")
    if seal_matches(key, row) and row.hash == part.hash:
        return ""
    return tr("The seal does not fit the newest of them.")


def seal_matches(key: bytes, row: SealRow) -> bool:
    """Whether `key` made this seal."""
    made = seal_mac(key, row.seq, row.hash, row.kept_in).encode("ascii")
    return type(row.seq) is int and hmac.compare_digest(made, str(row.mac).encode("ascii", "replace"))


def segment_refusal(records: Sequence[LedgerRecord], seal: SealRow | None, seen: LedgerAnchor | None) -> str:
    """Why records cannot stay as a segment of their own, without the key that sealed them; "" where they can.

    `seen` is the newest record that was seen as the key lay in a file, once.
    """
    if not records:
        return tr("There was no ledger, and its key did not open: whether there was one before is not known.")
    chain = check_chain(records)
    if not chain.ok:
        return chain.reason
    last = records[-1]
    if seen is not None and seen.seq > last.seq:
        return truncated_sentence(last.seq, seen.seq)
    if seal is None:
        return tr("The seal is missing.")
    if type(seal.seq) is not int or seal.seq > last.seq:
        return truncated_sentence(last.seq, seal.seq)
    if (seal.seq, seal.hash) != (last.seq, last.hash):
        return tr("The seal does not fit the newest record: the ledger was written anew without the key.")
    return ""


def segment_not_needed_error() -> IntegrityError:
    """The key opens, so the ledger goes on under it."""
    return IntegrityError(
        tr("The ledger's key opens, so no new segment is begun."),
        "",
        tr("Go on as usual: what was accepted counts. “latchkey licenses verify” says more."),
    )
