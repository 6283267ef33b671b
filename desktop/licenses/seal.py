"""What the chain alone cannot show: that all of it was computed anew, or that its end is missing.

The newest record is sealed with an HMAC under a key that is kept outside the ledger's file, and the number and hash of
the newest record are kept beside that key (the anchor). Pure functions; the keys are kept by `desktop/credentials`.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.credentials.keeper import Anchor, KeptBeside, LockedError, Place, key_id_of, ways_on
from desktop.licenses.chain import GENESIS, ChainCheck, Marked, canonical
from desktop.licenses.record import Record
from desktop.storage.ledger import SealRow
from desktop.translation import tr

Kind = Literal["", "chain", "seal", "shortened", "key-lost", "damaged"]


@dataclass(frozen=True)
class Segment:
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
    kind: Kind = ""
    marked: tuple[Marked, ...] = ()
    clock_back: tuple[int, ...] = ()
    sealed_by: Literal["keyring", "file", ""] = ""
    segments: tuple[Segment, ...] = ()


def mac_of(key: bytes, seq: int, record_hash: str, kept_in: str) -> str:
    """The HMAC-SHA256 (hexadecimal) over the canonical JSON of a record's number and hash and the place of the key."""
    values: dict[str, str | int] = {"seq": seq, "hash": record_hash, "kept_in": kept_in}
    return hmac.new(key, canonical(values), "sha256").hexdigest()


def seal_of(key: bytes, record: Record, kept_in: Place) -> SealRow:
    """The seal for a ledger that ends with `record`."""
    return SealRow(record.seq, record.hash, key_id_of(key), kept_in, mac_of(key, record.seq, record.hash, kept_in))


@dataclass(frozen=True)
class Kept:
    """What is kept outside the file: the key, the newest record that was seen, and where; `beside` is what the keyring
    keeps where that is a file, `file_keys` every key that lies in the file."""

    key: bytes | None
    anchor: Anchor | None
    place: Place
    beside: KeptBeside | None = None
    file_keys: tuple[bytes, ...] = ()

    @property
    def keyring_key(self) -> bytes | None:
        """The key that the keyring keeps, as far as it is known."""
        if self.place == "keyring":
            return self.key
        return self.beside.key if self.beside is not None else None

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Every key at hand."""
        return tuple(key for key in (self.key, self.keyring_key, *self.file_keys) if key is not None)


def ensure_reachable(seal: SealRow | None, kept: Kept) -> None:
    """Raise LockedError where a keyring holds the key, and this session has none: over SSH, say. Nothing is known to
    be wrong then, and to begin anew would mark a ledger that may well hold."""
    if seal is None or seal.kept_in != "keyring" or kept.place == "keyring":
        return
    if kept.key is None or key_id_of(kept.key) != seal.key_id:
        raise LockedError(
            tr("The ledger is sealed with a key in the keyring, which this session does not reach."),
            tr("Without the key nobody can say whether the ledger holds, so no model but the built-in one is loaded."),
            ways_on(),
        )


def check_seal(
    records: Sequence[Record], chain: ChainCheck, seal: SealRow | None, kept: Kept
) -> tuple[Kind, int | None, str]:
    """What the seal says of records whose chain holds: a kind, the first bad record, a reason; "" where it is right."""
    last = records[-1].seq if records else 0
    head = records[-1].hash if records else GENESIS
    anchor = kept.anchor
    if anchor is not None and anchor.seq > last:
        return "shortened", last + 1, ended_early(last, anchor.seq)
    if not records and kept.key is not None and anchor is None:
        return "shortened", None, tr("The ledger is gone: its key is here, and no key is made without a ledger.")
    if seal is None:
        return ("seal", None, tr("The seal is missing.")) if records else ("", None, "")
    if type(seal.seq) is not int or seal.seq > last:
        return "shortened", last + 1, ended_early(last, seal.seq)
    if kept.key is None:
        return "key-lost", None, tr("The key that seals the ledger is gone.")
    if key_id_of(kept.key) != seal.key_id:
        return "key-lost", None, tr("The key that is kept now is not the one that sealed the ledger.")
    right = hmac.compare_digest(_ascii(seal.mac), _ascii(mac_of(kept.key, seal.seq, seal.hash, seal.kept_in)))
    if right and seal.seq < last:
        return "seal", seal.seq + 1, tr("Record {seq} was added without a seal.").format(seq=seal.seq + 1)
    if not right or (seal.seq, seal.hash) != (last, head):
        return "seal", None, tr("The seal does not fit the newest record: the ledger was written anew without the key.")
    if anchor is None:
        return "seal", None, tr("The number of the newest record, which is kept beside the key, is gone.")
    if anchor.seq and not any((record.seq, record.hash) == (anchor.seq, anchor.hash) for record in records):
        return "seal", anchor.seq, tr("Record {seq} is not the one that was there before.").format(seq=anchor.seq)
    return "", None, ""


def check_beside(records: Sequence[Record], ended: Sequence[SealRow], kept: Kept) -> tuple[Kind, int | None, str]:
    """The same of a ledger whose newest segment is sealed with a key in a file, by what the keyring keeps of it."""
    if kept.beside is None or (kept.key is not None and key_id_of(kept.key) == key_id_of(kept.beside.key)):
        return "", None, ""
    anchor, known = kept.beside.anchor, key_id_of(kept.beside.key)
    seal = next((each for each in reversed(ended) if each.key_id == known), None)
    if seal is None:
        return "seal", None, tr("The keyring keeps the key of this ledger, and nothing in it is sealed with that key.")
    made = mac_of(kept.beside.key, seal.seq, seal.hash, seal.kept_in)
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


def ended_early(last: int, known: object) -> str:
    """In a sentence: `known` records were there, and the ledger ends with number `last`."""
    if not last:
        return tr("The ledger is gone: {known} records were in it.").format(known=known)
    return tr("The ledger ends with record {last}, and {known} was written already: it was cut or restored.").format(
        last=last, known=known
    )


def _ascii(text: object) -> bytes:
    return str(text).encode("ascii", "replace")
