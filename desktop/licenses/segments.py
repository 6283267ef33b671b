"""Segments: parts of the chain that are sealed under different keys, since one of them did not open.

A segment begins with a record `segment-begun`; the seal of the one before is kept in the ledger's file. What counts:

- Where the keyring opens and keeps the ledger's key, what was acknowledged in segments that are sealed under it. One
  that was begun beside it, with a key in a file, could have been made by anybody who writes to the files.
- Where it does not open, what was acknowledged in the newest segment: what came before cannot be verified.

A revocation or suspension counts wherever it was recorded, so that nobody is rid of one by keeping the keyring shut.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from desktop.credentials.keeper import Anchor, key_id_of
from desktop.errors import IntegrityError
from desktop.licenses.chain import ChainCheck, check_chain
from desktop.licenses.record import Record
from desktop.licenses.seal import Kept, Segment, ended_early, mac_of
from desktop.storage.ledger import SealRow
from desktop.translation import tr, trn


@dataclass(frozen=True)
class _Part:
    """A segment as it lies in the chain: the numbers of its first and last record, the hash of the last one."""

    first: int
    last: int
    hash: str
    ended: str


def segments_of(
    records: Sequence[Record], chain: ChainCheck, seal: SealRow | None, ended: Iterable[SealRow], kept: Kept
) -> tuple[Segment, ...]:
    """The segments of records whose chain holds, the newest last; none where there is but one, and it counts.

    `seal` seals the newest one, which is right; `ended` are the seals of those before.
    """
    parts = _parts(records, chain)
    seals = {each.seq: each for each in ended}
    from_keyring = kept.keyring_key
    found = []
    for part in parts:
        newest = part is parts[-1]
        row = seal if newest else seals.get(part.last)
        reason = "" if newest else _unsealed(part, row, kept)
        under_keyring = row is not None and from_keyring is not None and row.key_id == key_id_of(from_keyring)
        counts = not reason and (under_keyring if from_keyring is not None else newest)
        found.append(Segment(part.first, part.last, not reason, counts, reason, part.ended))
    # What was marked may have been a keyring's segment: a chain that was begun anew beside it counts no more than one
    # that went on.
    return () if len(found) == 1 and found[0].counts else tuple(found)


def segments_without_key(records: Sequence[Record], chain: ChainCheck) -> tuple[Segment, ...]:
    """The same from an export, which no key goes with: no seal can be checked, and the newest one counts."""
    parts = _parts(records, chain)
    reason = tr("The seal cannot be checked from an export.")
    return tuple(
        Segment(part.first, part.last, False, part is parts[-1], reason, part.ended) for part in parts if len(parts) > 1
    )


def counting(records: Iterable[Record], segments: Iterable[Segment]) -> list[Record]:
    """Those of `records` that count: all but acknowledgements in segments that do not."""
    out = [range(each.first, each.last + 1) for each in segments if not each.counts]
    return [
        record for record in records if record.event != "acknowledged" or not any(record.seq in each for each in out)
    ]


def segment_sentence(segment: Segment) -> str:
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


def _parts(records: Sequence[Record], chain: ChainCheck) -> list[_Part]:
    begins = [chain.trusted, *(at for at in range(chain.trusted + 1, len(records)) if _begins(records[at]))]
    ends = [*(at - 1 for at in begins[1:]), len(records) - 1]
    if not records:
        return []
    return [
        _Part(
            records[begin].seq,
            records[end].seq,
            records[end].hash,
            records[end + 1].time if end + 1 < len(records) else "",
        )
        for begin, end in zip(begins, ends, strict=True)
    ]


def _begins(record: Record) -> bool:
    return record.event == "segment-begun"


def _unsealed(part: _Part, row: SealRow | None, kept: Kept) -> str:
    """Why a segment that ended is not known to be as it was sealed; "" where it is."""
    if row is None:
        return tr("The seal is missing.")
    key = next((key for key in kept.keys if key_id_of(key) == row.key_id), None)
    if key is None:
        if row.kept_in == "keyring":
            return tr("The key is in the keyring, which does not open here.")
        return tr("The key is gone.")
    if is_right(key, row) and row.hash == part.hash:
        return ""
    return tr("The seal does not fit the newest of them.")


def is_right(key: bytes, row: SealRow) -> bool:
    """Whether `key` made this seal."""
    made = mac_of(key, row.seq, row.hash, row.kept_in).encode("ascii")
    return type(row.seq) is int and hmac.compare_digest(made, str(row.mac).encode("ascii", "replace"))


def unfit(records: Sequence[Record], seal: SealRow | None, seen: Anchor | None) -> str:
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
        return ended_early(last.seq, seen.seq)
    if seal is None:
        return tr("The seal is missing.")
    if type(seal.seq) is not int or seal.seq > last.seq:
        return ended_early(last.seq, seal.seq)
    if (seal.seq, seal.hash) != (last.seq, last.hash):
        return tr("The seal does not fit the newest record: the ledger was written anew without the key.")
    return ""


def no_segment_needed() -> IntegrityError:
    """The key opens, so the ledger goes on under it."""
    return IntegrityError(
        tr("The ledger's key opens, so no new segment is begun."),
        "",
        tr("Go on as usual: what was accepted counts. “latchkey licenses verify” says more."),
    )
