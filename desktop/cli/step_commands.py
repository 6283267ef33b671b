"""What stands between a person and a first answer, as steps with the very commands."""

import shlex
from dataclasses import dataclass

from desktop.byte_size import part_text, size_text
from desktop.catalog.catalog import CatalogEntry
from desktop.cli.standing import command_id, why_not_runnable
from desktop.hub.repository_access import RepositoryAccess
from desktop.library.library import LibraryCard, ListedModel
from desktop.library.status import (
    DownloadStep,
    EnterTokenStep,
    FreeSpaceStep,
    ImportStep,
    LookUpStep,
    NextStep,
    RefusedStep,
    RequestAccessStep,
    WaitForApprovalStep,
    step_error,
)
from desktop.licenses.license_verdict import LicenseStatus, accept_command, show_argument
from desktop.translation import tr


@dataclass(frozen=True)
class CommandStep:
    """One thing to do: a sentence, and the commands that do it. None, where nothing can be done."""

    sentence: str
    commands: tuple[str, ...] = ()


def command_steps(card: LibraryCard, coming: NextStep | None = None) -> list[CommandStep]:
    """What is still to be done before the model answers, in order; the last step is to ask it. Where nothing can be
    done there is one step, which says why. `coming` is what comes next at the Hub, where the model is not here."""
    listed, verdict = card.listed, card.verdict
    if reason := why_not_runnable(listed):
        return [CommandStep(reason)]
    if verdict.error is not None and verdict.refusal in ("policy", "not-runnable"):
        return [CommandStep(str(verdict.error))]
    away = listed.model is None
    steps = _lost(listed) if listed.model is not None else _to_ask_for(listed, coming)
    if verdict.error is not None and verdict.refusal == "ledger":
        steps.append(CommandStep(str(verdict.error), ("latchkey licenses verify",)))
    afresh = verdict.refusal == "ledger"
    steps += [_accept(listed, each) for each in verdict.standings if afresh or each.needs_acknowledgement]
    if verdict.error is not None and verdict.refusal in ("purpose", "file"):
        steps.append(CommandStep(str(verdict.error)))
    if away:
        steps += _to_fetch(listed, coming)
    name = shlex.quote(command_id(listed)) if not away or _at_hub(listed) or _recognized(listed) else "ID"
    return [*steps, CommandStep(tr("Ask it something."), (f'latchkey ask "…" --model {name}',))]


def _accept(listed: ListedModel, standing: LicenseStatus) -> CommandStep:
    subject, needed = listed.subject, standing.needed
    sentence = {
        "revoked": tr("Read the license {license} and accept it again: you revoked it."),
        "text-changed": tr("The license {license} has a new text. See what changed, and accept it again."),
        "suspended": tr("The license {license} has a new text. See what changed, and accept it again."),
    }.get(standing.status, tr("Read the license {license} and accept it.")).format(license=needed.name)
    if needed.comes_from != subject.id:
        sentence += " " + tr("It comes from {ancestor}.").format(ancestor=needed.from_name)
    changed = standing.status in ("text-changed", "suspended")
    read = (
        f"latchkey licenses show {shlex.quote(subject.id)} --changes"
        if changed
        else f"latchkey licenses show {show_argument(subject, needed)}"
    )
    return CommandStep(sentence, (read, accept_command(subject, needed)))


def _lost(listed: ListedModel) -> list[CommandStep]:
    """What to do about a file that is not there any more, or is another one than was added."""
    model = listed.model
    if model is None or model.state == "here":
        return []
    name = shlex.quote(model.id)
    if model.state == "changed":
        sentence = tr("Its file has changed since it was added: {file}. Reading it again tells whether it is the same.")
        return [CommandStep(sentence.format(file=model.path), (f"latchkey models verify {name}",))]
    sentence = tr("Its file is gone: {file}. Put it back, or take the model out of the library.")
    return [CommandStep(sentence.format(file=model.path), (f"latchkey models remove {name}",))]


def _to_ask_for(listed: ListedModel, coming: NextStep | None) -> list[CommandStep]:
    """What has to be done about the gate, before anything else: a publisher may take days."""
    again = (f"latchkey access {shlex.quote(listed.subject.id)}",)
    match coming:
        case EnterTokenStep(access):
            return [CommandStep(_said(access), ("latchkey token set", *again))]
        case RequestAccessStep(access) | WaitForApprovalStep(access):
            return [CommandStep(_said(access), again)]
        case LookUpStep(again=True):
            return [CommandStep(tr("Ask the Hub whether you may have it."), again)]
        case RefusedStep(error):
            return [CommandStep(str(error))]
    gate = listed.subject.gate
    return [CommandStep(gate_sentence(gate))] if isinstance(coming, LookUpStep) and gate not in (None, "open") else []


def _said(access: RepositoryAccess) -> str:
    return " ".join(part_text for part_text in (access.title, access.remedy, access.url) if part_text)


def _to_fetch(listed: ListedModel, coming: NextStep | None) -> list[CommandStep]:
    """How its file comes here: from the Hub, or brought by a person."""
    get = (f"latchkey models get {shlex.quote(listed.subject.id)}",)
    match coming:
        case ImportStep(reason):
            return [CommandStep(reason, ("latchkey models import FILE.gguf",))]
        case FreeSpaceStep():
            error = step_error(coming, listed.subject.name)
            return [CommandStep(str(error), get)]
        case DownloadStep(file, amount, done) if done:
            sentence = tr("Fetch the rest of {file}: {part} is here.")
            return [CommandStep(sentence.format(file=file, part=part_text(done, amount)), get)]
        case DownloadStep(file, amount):
            return [CommandStep(tr("Fetch {file}, {size}.").format(file=file, size=size_text(amount)), get)]
    if _at_hub(listed):
        return [CommandStep(tr("Fetch it from the Hub."), get)]
    if listed.entry is None:
        return []
    sentence = _where(listed.entry)
    if not _recognized(listed):
        sentence += " " + tr("The file is then listed under an id of its own, and its licenses are accepted for that.")
    return [CommandStep(sentence, ("latchkey models import FILE.gguf",))]


def _at_hub(listed: ListedModel) -> bool:
    """Whether the Hub holds files of it that llama.cpp reads, as far as is known."""
    return (
        bool(listed.known.files) if listed.known is not None else bool(listed.entry is not None and listed.entry.gguf)
    )


def _recognized(listed: ListedModel) -> bool:
    """Whether a file of this model is known by its hash, so that it is taken for the model wherever it comes from."""
    return listed.entry is not None and any(file.sha256 for file in listed.entry.file)


def _where(entry: CatalogEntry) -> str:
    """Where a file for llama.cpp is to be had."""
    if any(base.relation == "difference" for base in entry.base):
        return tr(
            "It is published as a difference to the weights it was built on: add the two, make a GGUF file of the sum,"
            " and import it."
        )
    if entry.repository:
        sentence = tr(
            "No GGUF file of it is known: make one of the weights at huggingface.co/{repository}, and import it."
        )
        return sentence.format(repository=entry.repository)
    return tr("No GGUF file of it is known: one made of its weights can be imported.")


def gate_sentence(gate: str) -> str:
    """What a gate means for a person."""
    return {
        "open": tr("Anybody can fetch its weights."),
        "click-through": tr("Its publisher hands out the weights to those who apply and agree to the terms."),
        "hub-auto": tr("On the Hub one agrees to its publisher's terms, and has access at once."),
        "hub-manual": tr("On the Hub one asks for access, and its publisher decides."),
        "closed": tr("Its weights are not to be had."),
    }.get(gate, gate)
