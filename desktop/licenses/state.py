"""What the ledger comes to: which acknowledgements stand, out of everything that was recorded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from desktop.licenses.record import Record
from desktop.licenses.seal import LedgerCheck

Status = Literal["in-force", "revoked", "suspended"]


@dataclass(frozen=True)
class Acknowledgement:
    """A license that was accepted for a model: the record of it, and what became of it.

    `latest` is the record that says so: `record` itself where it is in force, else the revocation or suspension.
    """

    record: Record
    status: Status
    latest: Record


@dataclass(frozen=True)
class LedgerState:
    """The ledger at one moment; `last_time` is that of its newest record.

    Where its check fails, no acknowledgement in it counts.
    """

    check: LedgerCheck
    _standing: Mapping[tuple[str, str], Acknowledgement] = field(default_factory=dict)
    last_time: str = ""

    def standing(self, model_id: str, license_id: str, tagged: str = "") -> Acknowledgement | None:
        """What became of the last acceptance of this license for this model; None where there was none.

        Of a text that goes by a name of its own, an acceptance under the license that it is `tagged` as counts, too.
        """
        if not self.check.ok:
            return None
        return self._standing.get((model_id, license_id)) or self._standing.get((model_id, tagged))

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """All that are in force or suspended, in the order in which they were accepted."""
        if not self.check.ok:
            return ()
        kept = [each for each in self._standing.values() if each.status != "revoked"]
        return tuple(sorted(kept, key=lambda each: each.record.seq))

    def after(self, check: LedgerCheck, records: Iterable[Record]) -> "LedgerState":
        """The state once these records have followed."""
        standing, last_time = dict(self._standing), self.last_time
        for record in records:
            _apply(standing, record)
            last_time = record.time
        return LedgerState(check, standing, last_time)


def _apply(standing: dict[tuple[str, str], Acknowledgement], record: Record) -> None:
    if record.event == "acknowledged":
        standing[record.model, record.license] = Acknowledgement(record, "in-force", record)
    elif record.event == "revoked" or record.event == "suspended":
        status: Status = record.event
        for key, each in standing.items():
            if key[0] == record.model and record.license in ("", key[1]):
                standing[key] = replace(each, status=status, latest=record)
