"""Records of another ledger, out of a backup, appended to this one as history.

Each becomes a record `restored`, which is chained and sealed like any other. It says of which model and license it is,
and who accepted, so that it is found and shown; its `note` is JSON that holds the other ledger's record whole, with its
own hash, and whether the chain that it came from held. It changes nothing: a forged backup must not be able to accept
a license for anybody, so what was acknowledged in it does not count until a person accepts afresh.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from desktop.licenses.ledger_chain import record_hash
from desktop.licenses.ledger_record import (
    MOST_CHARACTERS,
    MOST_RESTORED_CHARACTERS,
    LedgerEvent,
    LedgerRecord,
)
from desktop.safe_text import repair_surrogates
from desktop.translation import tr, trn

_COPIED = (
    "model",
    "model_name",
    "repository",
    "commit",
    "file_sha256",
    "license",
    "text_sha256",
    "person",
    "organization",
    "purpose",
)


class _RestoredNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    held: bool
    record: LedgerRecord


_note = msgspec.json.Decoder(_RestoredNote)
_encoder = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True)
class RestoredOriginal:
    """The `record` that a record `restored` tells of. `held` says whether the chain that it came from was whole,
    `intact` whether it is what its own hash says."""

    record: LedgerRecord
    held: bool
    intact: bool


@dataclass(frozen=True)
class RestoredRange:
    """Neighbouring records `first` to `last` that were restored; see `RestoredOriginal`."""

    first: int
    last: int
    held: bool
    intact: bool


def original_of(record: LedgerRecord) -> RestoredOriginal | None:
    """What a record `restored` tells of; None for any other, and where its note cannot be read."""
    if record.event != "restored":
        return None
    try:
        note = _note.decode(record.note)
        intact = record_hash(note.record) == note.record.hash
    except (msgspec.MsgspecError, UnicodeError, OverflowError, RecursionError):
        return None
    return RestoredOriginal(note.record, note.held, intact)


def restored_event(record: LedgerRecord, *, held: bool) -> LedgerEvent | None:
    """The fact that `record` was recorded by another ledger; None where it is too long to be kept."""
    try:
        note = _encoder.encode(_RestoredNote(held, record)).decode()
    except UnicodeEncodeError:  # half characters, which no ledger of ours ever stored
        return None
    if len(note) > MOST_RESTORED_CHARACTERS:
        return None
    copied = {name: repair_surrogates(str(getattr(record, name)))[:MOST_CHARACTERS] for name in _COPIED}
    return LedgerEvent(event="restored", note=note, **copied)


# --- for people ------------------------------------------------------------------------------------------------------


def restored_ranges(records: Sequence[LedgerRecord]) -> tuple[RestoredRange, ...]:
    """Which records were restored, in their order; neighbours of which the same is to be said are one range."""
    found: list[RestoredRange] = []
    for record in records:
        if record.event != "restored":
            continue
        inner = original_of(record)
        held, intact = (False, False) if inner is None else (inner.held, inner.intact)
        last = found[-1] if found else None
        if last is not None and (last.last + 1, last.held, last.intact) == (record.seq, held, intact):
            found[-1] = RestoredRange(last.first, record.seq, held, intact)
        else:
            found.append(RestoredRange(record.seq, record.seq, held, intact))
    return tuple(found)


def restored_sentence(part: RestoredRange) -> str:
    """How records that were restored stand."""
    said = trn(
        "Record {first} was restored from a backup and tells what another ledger recorded.",
        "Records {first} to {last} were restored from a backup and tell what another ledger recorded.",
        part.last - part.first + 1,
    ).format(first=part.first, last=part.last)
    if not part.intact:
        held = tr("What they tell is not what was recorded there: it was changed before it was restored.")
    elif part.held:
        held = tr("That ledger held when it was restored.")
    else:
        held = tr("That ledger did not hold when it was restored.")
    return " ".join((said, held, tr("What was accepted there does not count here until it is accepted again.")))


def restored_note(record: LedgerRecord) -> str:
    """What a record `restored` tells, in one sentence in place of its note; the note of any other."""
    inner = original_of(record)
    if inner is None:
        return str(record.note)
    there = inner.record
    said = tr("Record {seq} of another ledger, of {time}, from a backup.").format(seq=there.seq, time=there.time)
    doubt = "" if inner.held and inner.intact else tr("That ledger did not hold.")
    return " ".join(part for part in (said, there.note, doubt) if part)
