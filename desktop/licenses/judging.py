"""Whether the ledger holds: the chain, its end against the seal, the texts, the guards of the file, in this order."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from desktop.credentials.keeper import Place
from desktop.licenses.chain import ChainCheck, check_chain
from desktop.licenses.record import Record
from desktop.licenses.seal import Kept, Kind, LedgerCheck, Segment, check_beside, check_seal, ensure_reachable
from desktop.licenses.segments import counting, segments_of
from desktop.licenses.state import LedgerState
from desktop.storage.ledger import COLUMNS, Reading, Row, SealRow
from desktop.translation import tr


def record_of(row: Row) -> Record:
    """A row as a record."""
    return Record(**dict(zip(COLUMNS, row, strict=True)))


def row_of(record: Record) -> Row:
    """A record as a row."""
    return tuple(getattr(record, name) for name in COLUMNS)


def judge(reading: Reading, kept: Kept) -> LedgerState:
    """What the ledger that is read comes to.

    Raises IntegrityError where its file cannot be read as a ledger, and LockedError where its key is out of reach.
    """
    records = [record_of(row) for row in reading.records()]
    seal = reading.seal()
    ensure_reachable(seal, kept)
    chain = check_chain(records)
    if not chain.ok:
        return LedgerState(_check(chain, seal, ("chain", chain.first_bad, chain.reason)))
    trusted = records[chain.trusted :]
    ended = reading.segment_seals()
    wrong = check_seal(records, chain, seal, kept)
    if not wrong[0]:
        wrong = check_beside(records, ended, kept)
    if not wrong[0]:
        wrong = _check_texts(trusted, reading)
    if not wrong[0] and not reading.guarded():
        wrong = "damaged", None, tr("The guards against changing records were removed from the ledger's file.")
    check = _check(chain, seal, wrong, segments_of(records, chain, seal, ended, kept))
    return LedgerState(check).after(check, counting(trusted, check.segments) if check.ok else ())


def judge_missing(kept: Kept) -> LedgerState:
    """The same where there is no file: nothing was ever recorded, or the ledger is gone."""
    chain = check_chain(())
    wrong = check_seal((), chain, None, kept)
    return LedgerState(_check(chain, None, wrong if wrong[0] else check_beside((), (), kept)))


def _check(
    chain: ChainCheck,
    seal: SealRow | None,
    wrong: tuple[Kind, int | None, str],
    segments: tuple[Segment, ...] = (),
) -> LedgerCheck:
    kind, first_bad, reason = wrong
    return LedgerCheck(
        not kind,
        chain.records,
        first_bad,
        reason,
        kind,
        chain.marked,
        chain.clock_back,
        _place(seal),
        segments,
    )


def _place(seal: SealRow | None) -> Place | Literal[""]:
    """Where the key that made the seal is kept, as the seal says."""
    if seal is None:
        return ""
    return "keyring" if seal.kept_in == "keyring" else "file"


def _check_texts(trusted: Sequence[Record], reading: Reading) -> tuple[Kind, int | None, str]:
    """Whether every text that was accepted is kept, and none that counts was changed."""
    kept: dict[str, bool] = {}
    for name, data in reading.texts():
        kept[name] = kept.get(name, False) or sha256(data).hexdigest() == name
    for record in trusted:
        right = kept.get(record.text_sha256)
        if right is False:
            return "damaged", record.seq, tr("The license text of record {seq} was changed.").format(seq=record.seq)
        if right is None and record.event == "acknowledged":
            return "damaged", record.seq, tr("The license text of record {seq} is missing.").format(seq=record.seq)
    return "", None, ""
