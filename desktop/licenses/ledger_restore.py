"""Appends what the ledger in a backup holds to the ledger here, as history (`desktop.licenses.restored_records`)."""

from collections.abc import Iterable
from dataclasses import dataclass

from desktop.licenses.export.json_export import LedgerExport
from desktop.licenses.ledger import Ledger
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.restored_records import original_of, restored_event


@dataclass(frozen=True)
class LedgerRestore:
    """What came of restoring: how many records were `added`, and how many were here already (`known`) or could not be
    kept (`left_out`). `held` says whether the ledger they came from holds, `reason` why not."""

    added: int = 0
    known: int = 0
    left_out: int = 0
    acknowledged: int = 0
    held: bool = True
    reason: str = ""


def restore_records(ledger: Ledger, export: LedgerExport) -> LedgerRestore:
    """Append what `export` holds and `ledger` does not know, with the texts: all of it or none.

    What the other ledger had restored itself is taken as it was recorded first. Raises what `Ledger.append_all` raises.
    """
    known = _known_hashes(ledger.records())
    facts, here, left_out, acknowledged = [], 0, 0, 0
    for record in export.records:
        inner = original_of(record)
        original, held = (record, export.check.ok) if inner is None else (inner.record, inner.held and export.check.ok)
        if original.hash in known:
            here += 1
            continue
        known.add(original.hash)
        fact = restored_event(original, held=held)
        if fact is None:
            left_out += 1
            continue
        facts.append(fact)
        acknowledged += original.event == "acknowledged"
    if facts:
        for data in export.texts.values():
            ledger.store_text(data)
        ledger.append_all(facts)
    return LedgerRestore(len(facts), here, left_out, acknowledged, export.check.ok, export.check.reason)


def _known_hashes(records: Iterable[LedgerRecord]) -> set[str]:
    known = set()
    for record in records:
        known.add(record.hash)
        if (inner := original_of(record)) is not None:
            known.add(inner.record.hash)
    return known
