"""`latchkey licenses`: its subcommands, and what `accept` and `revoke` do."""

import shlex
from argparse import Namespace
from collections.abc import Sequence

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, UsageError
from desktop.cli.terminal_input import repair_input
from desktop.errors import LicenseError, NotFoundError
from desktop.library.library_model import ListedModel
from desktop.licenses.acknowledgements import Acceptance
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.license_subject import LicenseSubject, NeededLicense
from desktop.licenses.license_verdict import LicenseVerdict, accept_command, ledger_broken_error
from desktop.safe_text import is_blank
from desktop.translation import tr


def accept(options: Namespace, tools: CommandContext) -> None:
    """Record that a person accepts the text with the hash given, and say what is still to be accepted.

    Raises LicenseError where it is not the hash of a text in force for the model, and ForbiddenError where the purpose
    is ruled out.
    """
    person = repair_input(options.person)
    if is_blank(person):
        raise UsageError(tr("The name is empty."), "", tr("Write your name after --as."))
    listed = tools.library.find_listed(options.model)
    needed = chosen_license(listed.subject, options.text_sha256, options.license, tools)
    before = tools.acknowledgements.check()
    acceptance = Acceptance(person, options.purpose, repair_input(options.organization))
    record = tools.acknowledgements.accept(listed.subject, needed.id, options.text_sha256, acceptance)
    if not before.ok:
        tools.output.note(restarted_sentence(before.reason))
    if options.json:
        tools.output.json(record)
        return
    tools.output.line(accepted_sentence(listed.subject, needed, record))
    tools.output.line(next_sentence(listed, tools.acknowledgements.verdict(listed.subject)))


def chosen_license(
    subject: LicenseSubject, text_sha256: str, license_id: str | None, tools: CommandContext
) -> NeededLicense:
    """Which of a model's licenses is meant: the one named, else the one whose text has this hash, else the only one.

    Raises NotFoundError where the model does not need the one named, LicenseError where no text has this hash.
    """
    if license_id is not None:
        wanted = tools.acknowledgements.license(license_id, subject.id).id
        found = next((each for each in subject.needed if each.id == wanted), None)
        if found is None:
            raise NotFoundError(
                tr("{model} is not under {license}.").format(model=subject.name, license=license_id),
                "",
                tr("“latchkey models show {id}” names its licenses.").format(id=shlex.quote(subject.id)),
            )
        return found
    wanted = text_sha256.strip().lower()
    found = next((each for each in subject.needed if wanted and each.text_sha256 == wanted), None)
    if found is not None or len(subject.needed) == 1:
        return found or subject.needed[0]  # `accept` refuses a wrong hash, and says which is right
    if not subject.needed:
        raise NotFoundError(tr("There is nothing to accept for {model}.").format(model=subject.name))
    raise LicenseError(
        tr("No license text of {model} that is in force has this sha256.").format(model=subject.name),
        tr("Its licenses are {licenses}.").format(licenses=", ".join(each.id for each in subject.needed)),
        tr("Read them with “latchkey licenses show {id}”, then accept those.").format(id=shlex.quote(subject.id)),
    )


def revoke(options: Namespace, tools: CommandContext) -> None:
    """Take back everything that is accepted for a model, which need not be here any more.

    Raises NotFoundError where nothing is, and IntegrityError where the ledger does not hold, so that nothing counts.
    """
    check = tools.acknowledgements.check()
    if not check.ok:
        raise ledger_broken_error(check.reason)
    part = False
    try:
        subject = tools.library.find_listed(options.model).subject
        model_id, name, part = subject.ledger_id, subject.name, subject.built_in
    except (NotFoundError, LicenseError):
        model_id, name = tools.library.id_of(options.model), ""
    records = tools.acknowledgements.revoke(model_id, name)
    if options.json:
        tools.output.json(records)
        return
    for record in records:
        tools.output.line(
            tr("Revoked {license} for {model}, as record {seq}.").format(
                license=record.license, model=record.model, seq=record.seq
            )
        )
    tools.output.line(
        tr("It is a part of Latchkey, and needs no acceptance: it goes on answering. A policy can forbid it.")
        if part
        else tr("It is unloaded wherever it runs, and may not be loaded again.")
    )


def accepted_sentence(subject: LicenseSubject, needed: NeededLicense, record: LedgerRecord) -> str:
    """What was recorded."""
    return tr("Recorded as number {seq}: {person} accepts {license} for {model}, for the purpose “{purpose}”.").format(
        seq=record.seq, person=record.person, license=needed.name, model=subject.name, purpose=record.purpose
    )


def restarted_sentence(reason: str) -> str:
    """What became of a ledger that did not hold."""
    return tr(
        "The ledger did not hold ({reason}) and begins afresh: what was in it is kept and marked, and counts for"
        " nothing any more. Accept again what else you use."
    ).format(reason=reason.rstrip("."))


def next_sentence(listed: ListedModel, verdict: LicenseVerdict) -> str:
    """What is to be done after an acceptance."""
    subject = listed.subject
    waiting = _waiting(verdict)
    if waiting:
        return tr("{model} also needs {licenses}. Next: {command}").format(
            model=subject.name,
            licenses=", ".join(each.name for each in waiting),
            command=accept_command(subject, waiting[0]),
        )
    if verdict.error is not None:
        return str(verdict.error)
    if listed.model is None:
        at_hub = listed.hub_record is not None or (listed.entry is not None and bool(listed.entry.gguf))
        sentence = (
            tr("Fetch it now: latchkey models get {id}")
            if at_hub
            else tr("{model} is not on this computer: “latchkey models show {id}” says how to get it.")
        )
        return sentence.format(model=subject.name, id=shlex.quote(subject.id))
    if listed.model.adapter:
        sentence = tr("{model} may be used now, on its model: latchkey ask “…” --model ID --lora {id}")
    elif listed.model.kind == "chat":
        sentence = tr("{model} may be used now: latchkey ask “…” --model {id}")
    else:
        sentence = tr("{model} may be used now: “latchkey collections update NAME” prepares a collection for it.")
    return sentence.format(model=subject.name, id=shlex.quote(subject.id))


def _waiting(verdict: LicenseVerdict) -> Sequence[NeededLicense]:
    return [each.needed for each in verdict.licenses if each.needs_acknowledgement]


def run(options: Namespace, tools: CommandContext) -> int:
    from desktop.cli import licenses_ledger_command, licenses_show_command

    match options.action:
        case "list":
            licenses_show_command.show_list(options, tools)
        case "show":
            licenses_show_command.show(options, tools)
        case "accept":
            accept(options, tools)
        case "revoke":
            revoke(options, tools)
        case "log":
            licenses_ledger_command.show_log(options, tools)
        case "new-segment":
            licenses_ledger_command.begin_segment(options, tools)
        case "export":
            licenses_ledger_command.export(options, tools)
        case "verify":
            return licenses_ledger_command.verify(options, tools)
    return DONE
