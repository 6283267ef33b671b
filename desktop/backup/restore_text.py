"""What came of a restore, in sentences: the same for window and command."""

from collections.abc import Iterator

from desktop.backup.database_repair import RepairReport
from desktop.backup.restore import RestoreReport
from desktop.safe_text import one_line
from desktop.translation import tr, trn

_MOST_NAMED = 3
_LONGEST_ID = 80


def report_sentences(report: RestoreReport, *, command: bool = True) -> Iterator[str]:
    """What was restored, what was here already, and what a person has to do; problems apart. With `command` also how
    the command undoes it."""
    merge, plan = report.merge, report.plan
    if merge.conversations or merge.extended:
        yield restored_summary(report)
    elif merge.unchanged:
        yield tr("Every conversation of the backup is here already; nothing was added.")
    else:
        yield tr("The backup holds no conversations.")
    if merge.in_bin:
        yield trn(
            "{count} conversation of the backup lies in the bin here, from where it can be taken back.",
            "{count} conversations of the backup lie in the bin here, from where they can be taken back.",
            merge.in_bin,
        ).format(count=merge.in_bin)
    if merge.unreadable:
        yield trn(
            "{count} entry of the backup cannot be read and was left out.",
            "{count} entries of the backup cannot be read and were left out.",
            merge.unreadable,
        ).format(count=merge.unreadable)
    yield from _in_part(merge.in_part)
    yield from _taken(merge.taken_ids)
    yield from _salvaged(plan.salvaged)
    if report.files:
        yield tr("Restored: {files}.").format(files=", ".join(report.files))
    if report.aside:
        yield tr("What was there before is kept as {files}.").format(files=", ".join(report.aside))
    if report.kept:
        yield tr("Left as they are here: {files}.").format(files=", ".join(report.kept))
    if report.collections:
        yield trn(
            "{count} collection of documents was restored: its files are read again where they lie.",
            "{count} collections of documents were restored: their files are read again where they lie.",
            report.collections,
        ).format(count=report.collections)
    if report.tool_servers:
        yield tr(
            "Tool servers were restored: {names}. None may start until you allow it, and a variable that they get has"
            " to be given again."
        ).format(names=", ".join(report.tool_servers))
    yield from _ledger(report)
    if report.safety is not None and command:
        yield tr("What was here before is in {file}; “latchkey restore --replace” with it undoes this.").format(
            file=report.safety
        )


def restored_summary(report: RestoreReport) -> str:
    """How many conversations and messages were restored, in one sentence."""
    merge = report.merge
    said = trn("{count} conversation was restored", "{count} conversations were restored", merge.conversations).format(
        count=merge.conversations
    )
    if merge.extended:
        more = trn("{count} that is here got more messages", "{count} that are here got more messages", merge.extended)
        said = f"{said}, {more.format(count=merge.extended)}"
    messages = trn("{count} message", "{count} messages", merge.messages).format(count=merge.messages)
    return f"{said} ({messages})."


def repair_sentences(report: RepairReport) -> Iterator[str]:
    """What was brought over from a damaged database, and what was not."""
    merge, salvage = report.merge, report.salvage
    conversations = trn(
        "{count} conversation was brought over", "{count} conversations were brought over", merge.conversations
    ).format(count=merge.conversations)
    messages = trn("{count} message", "{count} messages", merge.messages).format(count=merge.messages)
    yield f"{conversations} ({messages})."
    lost = salvage.lost + merge.unreadable
    found = {"lost": lost, "cut": salvage.cut, "headless": salvage.headless}
    if not lost and not salvage.cut:
        yield tr("Nothing is known to be lost.")
    yield from _in_part(merge.in_part)
    yield from _taken(merge.taken_ids)
    yield from _salvaged({key: count for key, count in found.items() if count})
    yield tr("The damaged file is kept as {file}.").format(file=report.kept)


def _in_part(count: int) -> Iterator[str]:
    if count:
        yield trn(
            "Of {count} entry the words are there, and something beside them could not be read.",
            "Of {count} entries the words are there, and something beside them could not be read.",
            count,
        ).format(count=count)


def _taken(ids: list[str]) -> Iterator[str]:
    if ids:
        named = ", ".join(one_line(each)[:_LONGEST_ID] for each in ids[:_MOST_NAMED])
        yield trn(
            "{count} message was left out, as another conversation here has one of the same id: {ids}.",
            "{count} messages were left out, as other conversations here have some of the same ids: {ids}.",
            len(ids),
        ).format(count=len(ids), ids=named if len(ids) <= _MOST_NAMED else f"{named}, …")


def _salvaged(found: dict[str, int]) -> Iterator[str]:
    if lost := found.get("lost"):
        yield trn(
            "{count} entry could not be read and is lost.", "{count} entries could not be read and are lost.", lost
        ).format(count=lost)
    if cut := found.get("cut"):
        yield trn(
            "{count} message could be read in part only, and says so.",
            "{count} messages could be read in part only, and say so.",
            cut,
        ).format(count=cut)
    if headless := found.get("headless"):
        yield trn(
            "Of {count} conversation only messages were found: it is called “Recovered”.",
            "Of {count} conversations only messages were found: they are called “Recovered”.",
            headless,
        ).format(count=headless)


def _ledger(report: RestoreReport) -> Iterator[str]:
    ledger = report.ledger
    if ledger.added:
        yield trn(
            "{count} record of its ledger was added to the ledger here, as history.",
            "{count} records of its ledger were added to the ledger here, as history.",
            ledger.added,
        ).format(count=ledger.added)
        if not ledger.held:
            yield tr("That ledger did not hold: {reason}").format(reason=ledger.reason)
    if ledger.acknowledged:
        yield tr("Licenses that were accepted there do not count here until you accept them again.")
    if ledger.left_out:
        yield trn(
            "{count} record of its ledger is too long to be kept, and was left out.",
            "{count} records of its ledger are too long to be kept, and were left out.",
            ledger.left_out,
        ).format(count=ledger.left_out)
