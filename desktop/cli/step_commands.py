"""The steps of `library.status` to a first answer, in sentences with the commands that take them."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from desktop.byte_size import part_text, size_text
from desktop.catalog.catalog import CatalogEntry
from desktop.hub.repository_access import RepositoryAccess
from desktop.library.library_model import LibraryCard, ListedModel, command_id
from desktop.library.status import (
    DownloadStep,
    EnterTokenStep,
    FreeSpaceStep,
    ImportStep,
    LookUpStep,
    ModelStatus,
    RefusedStep,
    RequestAccessStep,
    StatusStep,
    WaitForApprovalStep,
    is_refused,
    status_steps,
)
from desktop.library.step_error import step_error
from desktop.licenses.license_verdict import LicenseStatus, accept_command, show_argument
from desktop.translation import tr


@dataclass(frozen=True)
class CommandStep:
    """One thing to do: a sentence, and the commands that do it. None, where nothing can be done."""

    sentence: str
    commands: tuple[str, ...] = ()


def command_steps(card: LibraryCard, status: ModelStatus | None = None) -> list[CommandStep]:
    """What is still to be done before the model answers, in order; the last step is to ask it. Where nothing can be
    done there is one step, which says why. `status` is what is known of a model that is not here beside its card."""
    listed, verdict = card.listed, card.verdict
    if listed.subject.not_runnable:
        return [CommandStep(listed.subject.not_runnable)]
    if is_refused(card):
        return [CommandStep(str(verdict.error))]
    waiting = [each for each in status_steps(card, status) if not each.done]
    steps = _at_the_hub(listed, waiting, status)
    if verdict.refusal == "ledger":
        steps.append(CommandStep(str(verdict.error), ("latchkey licenses verify",)))
    for each in waiting:
        match each.stage:
            case "file":
                steps.insert(0, _lost(card))
            case "license" if each.license is not None:
                steps.append(_accept(listed, each.license))
            case "import" | "download":
                steps += _to_fetch(listed, status)
    if listed.model is not None and listed.model.adapter:
        name = shlex.quote(command_id(listed))
        return [*steps, CommandStep(tr("Put it on its model."), (f'latchkey ask "…" --model ID --lora {name}',))]
    if listed.model is not None and listed.model.kind != "chat":
        return [
            *steps,
            CommandStep(tr("It is used to search in collections of documents."), ("latchkey collections update NAME",)),
        ]
    by_name = listed.model is not None or _has_files(listed) or _recognized(listed)
    name = shlex.quote(command_id(listed)) if by_name else "ID"
    return [*steps, CommandStep(tr("Ask it something."), (f'latchkey ask "…" --model {name}',))]


def _accept(listed: ListedModel, license_status: LicenseStatus) -> CommandStep:
    subject, needed = listed.subject, license_status.needed
    sentence = {
        "revoked": tr("Read the license {license} and accept it again: you revoked it."),
        "text-changed": tr("The license {license} has a new text. See what changed, and accept it again."),
        "suspended": tr("The license {license} has a new text. See what changed, and accept it again."),
    }.get(license_status.status, tr("Read the license {license} and accept it.")).format(license=needed.name)
    if needed.comes_from != subject.id:
        sentence += " " + tr("It comes from {ancestor}.").format(ancestor=needed.from_name)
    changed = license_status.status in ("text-changed", "suspended")
    read = (
        f"latchkey licenses show {shlex.quote(subject.id)} --changes"
        if changed
        else f"latchkey licenses show {show_argument(subject, needed)}"
    )
    return CommandStep(sentence, (read, accept_command(subject, needed)))


def _lost(card: LibraryCard) -> CommandStep:
    """What to do about a file that is not there any more, or is another one than was added."""
    model = card.listed.model
    assert model is not None
    name = shlex.quote(model.id)
    if model.state == "missing":
        sentence = tr("Its file is gone: {file}. Put it back, or take the model out of the library.")
        return CommandStep(sentence.format(file=model.path), (f"latchkey models remove {name}",))
    if card.verdict.refusal == "file":
        return CommandStep(str(card.verdict.error), (f"latchkey models verify {name}",))
    sentence = tr("Its file has changed since it was added: {file}. Reading it again tells whether it is the same.")
    return CommandStep(sentence.format(file=model.path), (f"latchkey models verify {name}",))


def _at_the_hub(listed: ListedModel, waiting: Sequence[StatusStep], status: ModelStatus | None) -> list[CommandStep]:
    """What has to be done about access, or why the Hub cannot be asked."""
    again = (f"latchkey access {shlex.quote(listed.subject.id)}",)
    match status.step if status is not None else None:
        case EnterTokenStep(access):
            return [CommandStep(_said(access), ("latchkey token set", *again))]
        case RequestAccessStep(access) | WaitForApprovalStep(access):
            return [CommandStep(_said(access), again)]
        case LookUpStep(again=True):
            return [CommandStep(tr("Ask the Hub whether you may have it."), again)]
        case RefusedStep(error):
            return [CommandStep(str(error))]
    asks = any(each.stage == "access" for each in waiting) and listed.subject.gate not in (None, "open")
    return [CommandStep(gate_sentence(listed.subject.gate))] if asks and listed.subject.gate else []


def _said(access: RepositoryAccess) -> str:
    return " ".join(part for part in (access.title, access.remedy, access.url) if part)


def _to_fetch(listed: ListedModel, status: ModelStatus | None) -> list[CommandStep]:
    """How its file comes here: from the Hub, or brought by a person."""
    get = (f"latchkey models get {shlex.quote(listed.subject.id)}",)
    step = status.step if status is not None else None
    match step:
        case ImportStep(reason):
            return [CommandStep(reason, ("latchkey models import FILE.gguf",))]
        case FreeSpaceStep():
            error = step_error(step, listed.subject.name)
            return [CommandStep(str(error), get)]
        case DownloadStep(file, amount, done) if done:
            sentence = tr("Fetch the rest of {file}: {part} is here.")
            return [CommandStep(sentence.format(file=file, part=part_text(done, amount)), get)]
        case DownloadStep(file, amount):
            return [CommandStep(tr("Fetch {file}, {size}.").format(file=file, size=size_text(amount)), get)]
    if _has_files(listed):
        return [CommandStep(tr("Fetch it from the Hub."), get)]
    if listed.entry is None:
        return []
    sentence = _where(listed.entry)
    if not _recognized(listed):
        sentence += " " + tr("The file is then listed under an id of its own, and its licenses are accepted for that.")
    return [CommandStep(sentence, ("latchkey models import FILE.gguf",))]


def _has_files(listed: ListedModel) -> bool:
    """Whether the Hub holds files of it that llama.cpp reads, as far as is known."""
    return (
        bool(listed.hub_record.files)
        if listed.hub_record is not None
        else bool(listed.entry is not None and listed.entry.gguf)
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
