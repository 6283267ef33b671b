"""`latchkey licenses log`, `export` and `verify`: the ledger, for people and for other machines."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from desktop.cli.exit_codes import DONE, exit_code
from desktop.cli.layout import columns, paragraph
from desktop.cli.tools import Tools
from desktop.errors import IntegrityError
from desktop.licenses.record import Record
from desktop.licenses.seal import LedgerCheck
from desktop.translation import tr, trn


def log(options: Namespace, tools: Tools) -> None:
    """Everything that was recorded, oldest first, also where the ledger does not hold, which is then said."""
    records = tools.desk.records()
    if options.json:
        tools.output.json(records)
    elif records:
        rows = [(tr("NO."), tr("TIME"), tr("EVENT"), tr("MODEL"), tr("LICENSE"), tr("BY"))]
        tools.output.table(rows + [_row(record) for record in records], shrink=(3, 4, 5))
    check = tools.desk.check()
    if not check.ok:
        tools.output.note(tr("The ledger does not hold: {reason}").format(reason=check.reason))
    elif not records:
        tools.output.note(tr("Nothing was recorded yet."))


def _row(record: Record) -> tuple[str, str, str, str, str, str]:
    who = ", ".join(part for part in (record.person, record.organization, record.purpose) if part)
    license_ = str(record.license).removeprefix("LicenseRef-")
    return (
        str(record.seq),
        str(record.time)[:19],
        str(record.event),
        str(record.model),
        license_,
        who or str(record.note),
    )


def export(options: Namespace, tools: Tools) -> None:
    """Write the ledger to a file whose suffix says how."""
    raise NotImplementedError


def verify(options: Namespace, tools: Tools) -> int:
    """Check the ledger, or an exported file. Exit code 7 where it does not hold."""
    check = tools.desk.check()
    report = _of_ledger(check)
    if options.json:
        tools.output.json(report)
    else:
        for line in sentences(check):
            tools.output.line(line)
    return DONE if check.ok else exit_code(IntegrityError(""))


def _of_ledger(check: LedgerCheck) -> dict[str, Any]:
    return {
        "ok": check.ok,
        "records": check.records,
        "first_bad": check.first_bad,
        "kind": check.kind or None,
        "reason": check.reason or None,
        "marked": [
            {"first": each.first, "last": each.last, "reason": each.reason, "time": each.time} for each in check.marked
        ],
        "clock_back": list(check.clock_back),
        "sealed_by": check.sealed_by or None,
    }


def sentences(check: LedgerCheck) -> Iterator[str]:
    """What was found, in sentences."""
    if not check.ok:
        yield from paragraph(tr("The ledger does not hold. {reason}").format(reason=check.reason))
        if check.first_bad is not None:
            yield tr("The first bad record is number {seq}.").format(seq=check.first_bad)
        yield from paragraph(
            tr("No model may be loaded until a license is accepted afresh; what is there is kept then, and marked.")
        )
    elif not check.records:
        yield tr("Nothing was recorded yet.")
    else:
        yield trn("The ledger holds: {count} record.", "The ledger holds: {count} records.", check.records).format(
            count=check.records
        )
    for marked in check.marked:
        yield from paragraph(_marked(marked.first, marked.last, marked.time, marked.reason))
    if check.clock_back:
        numbers = ", ".join(str(seq) for seq in check.clock_back)
        yield from paragraph(
            tr(
                "The clock of this machine went back before record {numbers}: the order of records is that of their"
                " numbers, not of their times."
            ).format(numbers=numbers)
        )
    if check.sealed_by == "keyring":
        yield tr("The key of its seal is kept in the keyring of this account.")
    elif check.sealed_by == "file":
        yield from paragraph(
            tr(
                "The key of its seal is kept in a file of the settings folder, as no keyring can be used: whoever can"
                " write to this account's files could make a new ledger with it."
            )
        )


def _marked(first: int, last: int, time: str, reason: str) -> str:
    if not last:
        return tr("Begun afresh on {date}: {reason}").format(date=time[:10], reason=reason)
    return tr("Records {first} to {last} count for nothing since {date}: {reason}").format(
        first=first, last=last, date=time[:10], reason=reason
    )


__all__ = ["Path", "columns", "export", "log", "sentences", "verify"]
