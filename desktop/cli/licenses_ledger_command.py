"""`latchkey licenses log`, `export`, `verify` and `new-segment`: the ledger, for people and for other machines."""

from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from desktop import __version__
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, UsageError, exit_code
from desktop.cli.output import paragraph
from desktop.errors import IntegrityError
from desktop.library.ledger_export import exported_models
from desktop.licenses.export.export_formats import UnknownExportFormatError, export_format
from desktop.licenses.export.export_formats import write_export as write_export
from desktop.licenses.export.json_export import read_export
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.ledger_seal import LedgerCheck, segment_sentence
from desktop.licenses.restored_records import (
    RestoredRange,
    original_of,
    restored_note,
    restored_ranges,
    restored_sentence,
)
from desktop.paths import expanded
from desktop.translation import tr, trn


def show_log(options: Namespace, tools: CommandContext) -> None:
    """Everything that was recorded, oldest first, also where the ledger does not hold, which is then said."""
    records = tools.acknowledgements.records()
    if options.json:
        tools.output.json(records)
    elif records:
        rows = [(tr("NO."), tr("TIME"), tr("EVENT"), tr("MODEL"), tr("LICENSE"), tr("BY"))]
        tools.output.table(rows + [_row(record) for record in records], shrink=(3, 4, 5))
    check = tools.acknowledgements.check()
    if not check.ok:
        tools.output.note(_does_not_hold(check))
    elif not records:
        tools.output.note(tr("Nothing was recorded yet."))


def _row(record: LedgerRecord) -> tuple[str, str, str, str, str, str]:
    who = ", ".join(str(part) for part in (record.person, record.organization, record.purpose) if part)
    license_ = str(record.license).removeprefix("LicenseRef-")
    inner = original_of(record)
    event = str(record.event) if inner is None else tr("restored: {event}").format(event=inner.record.event)
    return (
        str(record.seq),
        str(record.time if inner is None else inner.record.time)[:19],
        event,
        str(record.model),
        license_,
        who or restored_note(record) or str(record.os_user),
    )


def export(options: Namespace, tools: CommandContext) -> None:
    """Write the ledger, with every text in it and what is known of its models, in the form that the suffix asks for.

    A ledger that does not hold is exported as it is, and that is said. Raises UsageError for another suffix.
    """
    path = expanded(options.file)
    try:
        export_format(path)
    except UnknownExportFormatError as error:
        raise UsageError(error.title, error.detail, error.remedy) from error
    records = tools.acknowledgements.records()
    check = tools.acknowledgements.check()
    write_export(
        path,
        records,
        _texts(records, tools),
        check,
        app_version=__version__,
        models=exported_models(records, tools.library, tools.acknowledgements.text),
    )
    tools.output.line(
        trn("Wrote {count} record to {file}.", "Wrote {count} records to {file}.", len(records)).format(
            count=len(records), file=path
        )
    )
    if not check.ok:
        tools.output.note(_does_not_hold(check))


def _texts(records: Sequence[LedgerRecord], tools: CommandContext) -> dict[str, bytes]:
    """Every text that records name and that is kept unchanged, by its hash."""
    found = {}
    for sha256 in dict.fromkeys(record.text_sha256 for record in records if record.text_sha256):
        try:
            data = tools.acknowledgements.acknowledged_text(sha256)
        except IntegrityError as error:  # it was changed: the export shows that it is missing
            tools.output.note(str(error))
            continue
        if data is not None:
            found[sha256] = data
    return found


def _does_not_hold(check: LedgerCheck) -> str:
    return tr("The ledger does not hold: {reason}").format(reason=check.reason)


def begin_segment(options: Namespace, tools: CommandContext) -> None:
    """Begin a segment that a key in a file seals. Raises IntegrityError where the ledger's own key opens."""
    record = tools.acknowledgements.begin_segment()
    check = tools.acknowledgements.check()
    if options.json:
        tools.output.json({"seq": record.seq, **_found(check)})
        return
    begun = tr("Record {seq} begins a new segment of the ledger, which a key in a file of the settings folder seals.")
    for line in paragraph(begun.format(seq=record.seq)):
        tools.output.line(line)
    for line in check_sentences(check, exported=False):
        tools.output.line(line)
    again = tr("Accept the licenses of what you use again: “latchkey licenses accept”.")
    tools.output.line(again)


def verify(options: Namespace, tools: CommandContext) -> int:
    """Check the ledger, or an exported file. Exit code 7 where it does not hold. Raises NotFoundError."""
    if options.file:
        export = read_export(expanded(options.file))
        check, restored = export.check, restored_ranges(export.records)
    else:
        check = tools.acknowledgements.check()
        restored = _restored(tools)
    if options.json:
        tools.output.json({**_found(check), "restored": [msgspec.to_builtins(each) for each in restored]})
    else:
        for line in check_sentences(check, exported=bool(options.file)):
            tools.output.line(line)
        for part in restored:
            for line in paragraph(restored_sentence(part)):
                tools.output.line(line)
    return DONE if check.ok else exit_code(IntegrityError(""))


def _restored(tools: CommandContext) -> tuple[RestoredRange, ...]:
    try:
        return restored_ranges(tools.acknowledgements.records())
    except IntegrityError:  # the check has said why it cannot be read
        return ()


def _found(check: LedgerCheck) -> dict[str, Any]:
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
        "segments": [msgspec.to_builtins(each) for each in check.segments],
    }


def check_sentences(check: LedgerCheck, *, exported: bool) -> Iterator[str]:
    """What was found, in sentences: of the ledger here, or of a file that was `exported` somewhere."""
    if not check.ok:
        what = tr("The export does not hold. {reason}") if exported else tr("The ledger does not hold. {reason}")
        yield from paragraph(what.format(reason=check.reason))
        if check.first_bad is not None:
            yield tr("The first bad record is number {seq}.").format(seq=check.first_bad)
        if not exported:
            afresh = tr("No model may be loaded until a license is accepted afresh; what is there is kept, and marked.")
            yield from paragraph(afresh)
    elif not check.records:
        yield tr("Nothing was recorded yet.")
    elif exported:
        yield trn("The export holds: {count} record.", "The export holds: {count} records.", check.records).format(
            count=check.records
        )
    else:
        yield trn("The ledger holds: {count} record.", "The ledger holds: {count} records.", check.records).format(
            count=check.records
        )
    for segment in check.segments:
        yield from paragraph(segment_sentence(segment))
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
                "The key of its seal is kept in a file of the settings folder, not in a keyring: whoever can"
                " write to this account's files could make a new ledger with it."
            )
        )


def _marked(first: int, last: int, time: str, reason: str) -> str:
    if not last:
        return tr("Begun afresh on {date}: {reason}").format(date=time[:10], reason=reason)
    return tr("Records {first} to {last} count for nothing since {date}: {reason}").format(
        first=first, last=last, date=time[:10], reason=reason
    )
