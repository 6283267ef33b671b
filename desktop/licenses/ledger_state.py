"""The state that follows from the ledger's records: whether it is intact, and which acknowledgements are in force."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal

from desktop.credentials.ledger_key_store import KeyPlace
from desktop.licenses.ledger_chain import ChainCheck, check_chain
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.ledger_seal import (
    KeyStoreState,
    LedgerCheck,
    LedgerFault,
    LedgerSegment,
    check_earlier_key,
    check_seal,
    effective_records,
    ensure_reachable,
    segments_of,
)
from desktop.storage.ledger_store import RECORD_COLUMNS, LedgerReadTransaction, LedgerRow, SealRow
from desktop.translation import tr

AcknowledgementStatus = Literal["in-force", "revoked", "suspended"]


@dataclass(frozen=True)
class Acknowledgement:
    """A license that was accepted for a model: the record of it, and what became of it.

    `latest` is the record that says so: `record` itself where it is in force, else the revocation or suspension.
    """

    record: LedgerRecord
    status: AcknowledgementStatus
    latest: LedgerRecord


@dataclass(frozen=True)
class LedgerState:
    """The ledger at one moment; `last_time` is that of its newest record.

    Where its check fails, no acknowledgement in it counts.
    """

    check: LedgerCheck
    _acknowledgements: Mapping[tuple[str, str], Acknowledgement] = field(default_factory=dict)
    last_time: str = ""

    def acknowledgement(self, model_id: str, license_id: str, tagged: str = "") -> Acknowledgement | None:
        """What became of the last acceptance of this license for this model; None where there was none.

        Of a text that goes by a name of its own, an acceptance under the license that it is `tagged` as counts, too.
        """
        if not self.check.ok:
            return None
        return self._acknowledgements.get((model_id, license_id)) or self._acknowledgements.get((model_id, tagged))

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """All that are in force or suspended, in the order in which they were accepted."""
        if not self.check.ok:
            return ()
        kept = [each for each in self._acknowledgements.values() if each.status != "revoked"]
        return tuple(sorted(kept, key=lambda each: each.record.seq))

    def after(self, check: LedgerCheck, records: Iterable[LedgerRecord]) -> "LedgerState":
        """The state once these records have followed."""
        standing, last_time = dict(self._acknowledgements), self.last_time
        for record in records:
            _apply(standing, record)
            last_time = record.time
        return LedgerState(check, standing, last_time)


def _apply(standing: dict[tuple[str, str], Acknowledgement], record: LedgerRecord) -> None:
    if record.event == "acknowledged":
        standing[record.model, record.license] = Acknowledgement(record, "in-force", record)
    elif record.event == "revoked" or record.event == "suspended":
        status: AcknowledgementStatus = record.event
        for key, each in standing.items():
            if key[0] == record.model and record.license in ("", key[1]):
                standing[key] = replace(each, status=status, latest=record)


def record_from_row(row: LedgerRow) -> LedgerRecord:
    """A row as a record."""
    return LedgerRecord(**dict(zip(RECORD_COLUMNS, row, strict=True)))


def row_from_record(record: LedgerRecord) -> LedgerRow:
    """A record as a row."""
    return tuple(getattr(record, name) for name in RECORD_COLUMNS)


def evaluate_ledger(reading: LedgerReadTransaction, key_state: KeyStoreState) -> LedgerState:
    """What the ledger that is read comes to.

    Raises IntegrityError where its file cannot be read as a ledger, LedgerKeyLockedError where its key is out of reach.
    """
    records = [record_from_row(row) for row in reading.records()]
    seal = reading.seal()
    ensure_reachable(seal, key_state)
    chain = check_chain(records)
    if not chain.ok:
        return LedgerState(_check(chain, seal, ("chain", chain.first_bad, chain.reason)))
    trusted = records[chain.trusted :]
    ended = reading.segment_seals()
    wrong = check_seal(records, chain, seal, key_state)
    if not wrong[0]:
        wrong = check_earlier_key(records, ended, key_state)
    if not wrong[0]:
        wrong = _check_texts(trusted, reading)
    if not wrong[0] and not reading.triggers_intact():
        wrong = "damaged", None, tr("The guards against changing records were removed from the ledger's file.")
    check = _check(chain, seal, wrong, segments_of(records, chain, seal, ended, key_state))
    return LedgerState(check).after(check, effective_records(trusted, check.segments) if check.ok else ())


def evaluate_missing_ledger(key_state: KeyStoreState) -> LedgerState:
    """The same where there is no file: nothing was ever recorded, or the ledger is gone."""
    chain = check_chain(())
    wrong = check_seal((), chain, None, key_state)
    return LedgerState(_check(chain, None, wrong if wrong[0] else check_earlier_key((), (), key_state)))


def _check(
    chain: ChainCheck,
    seal: SealRow | None,
    wrong: tuple[LedgerFault, int | None, str],
    segments: tuple[LedgerSegment, ...] = (),
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


def _place(seal: SealRow | None) -> KeyPlace | Literal[""]:
    """Where the key that made the seal is kept, as the seal says."""
    if seal is None:
        return ""
    return "keyring" if seal.kept_in == "keyring" else "file"


def _check_texts(
    trusted: Sequence[LedgerRecord], reading: LedgerReadTransaction
) -> tuple[LedgerFault, int | None, str]:
    """Whether every text that was accepted is kept, and none that counts was changed."""
    intact: dict[str, bool] = {}
    for name, data in reading.texts():
        intact[name] = intact.get(name, False) or sha256(data).hexdigest() == name
    for record in trusted:
        right = intact.get(record.text_sha256)
        if right is False:
            return "damaged", record.seq, tr("The license text of record {seq} was changed.").format(seq=record.seq)
        if right is None and record.event == "acknowledged":
            return "damaged", record.seq, tr("The license text of record {seq} is missing.").format(seq=record.seq)
    return "", None, ""
