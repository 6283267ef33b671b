"""`latchkey models get`: a model from the Hub, as far as its gate, its license and this machine allow it."""

import shlex
from argparse import Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING

from desktop.byte_size import part_text, percent_text, size_text
from desktop.cli import models_show_command
from desktop.cli.acceptance_prompt import AcceptancePrompt, can_ask
from desktop.cli.access_command import access_error
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE, INTERRUPTED
from desktop.cli.terminal_progress import show_download
from desktop.cli.vault_prompt import note_foreign_token, with_token
from desktop.errors import ForbiddenError, NotFoundError, UserError
from desktop.hub.repository import DEFAULT_ENDPOINT, MAIN, parse_repository
from desktop.hub.repository_access import RepositoryAccess
from desktop.library.downloads import AlreadyInstalledError
from desktop.library.hub_offer import HubOffer, OfferedFile
from desktop.library.library_model import ListedModel, command_id
from desktop.library.status import (
    AcceptLicenseStep,
    DownloadStep,
    EnterTokenStep,
    LookUpStep,
    NextStep,
    ReadyStep,
    RequestAccessStep,
    WaitForApprovalStep,
)
from desktop.library.step_error import step_error
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.library.download_item import DownloadItem

_MOST_STEPS = 20  # there are ten kinds of them, and each is taken once


@dataclass(frozen=True)
class DownloadTarget:
    """What is to be fetched: a model, and the name of one of its files ("" leaves that to what fits here)."""

    model_id: str
    file: str = ""


def run(options: Namespace, tools: CommandContext) -> int:
    """Fetch a model, or go on where that stopped. Raises the UserError of what stands in the way."""
    text, wanted = _split(options.id, options.file, tools)
    here = _here(text, wanted, tools)
    target = DownloadTarget(command_id(here)) if here is not None else _looked_up(text, wanted, options, tools)
    step = _resolve_steps(target, options, tools)
    if isinstance(step, ReadyStep):
        return _present(target.model_id, tools, options, tr("{model} is here already."))
    try:
        item = show_download(tools.downloads, lambda: tools.downloads.start(target.model_id, step.file), tools.output)
    except AlreadyInstalledError:  # by another process, since the steps were taken
        return _present(target.model_id, tools, options, tr("{model} is here already."))
    return _ended(item, target, options, tools)


# --- what is wanted ----------------------------------------------------------------------------------------------


def _split(text: str, file: str, tools: CommandContext) -> tuple[str, str]:
    """The model and the file of it. A quantization may stand behind a catalog's id, as behind a repository's name."""
    head, colon, tail = text.partition(":")
    if colon and tail and tools.library.catalog.find_model(head) is not None:
        return head, file or ("" if tail.casefold() == "latest" else tail)
    return text, file


def _here(text: str, wanted: str, tools: CommandContext) -> ListedModel | None:
    """The model where the very file that is wanted is on this disk already: nobody has to be asked about it."""
    named = {text.casefold(), tools.library.id_of(text).casefold()}
    try:
        repository = parse_repository(text, _endpoint(tools))
    except NotFoundError:
        pass
    else:
        if repository.revision != MAIN:
            return None  # the Hub knows whether that is what is here
        named |= {repository.id.casefold(), tools.library.id_of(repository.id).casefold()}
        wanted = wanted or repository.file or repository.quantization
    wanted = wanted.casefold()
    for listed in tools.library.listed_files():
        model = listed.model
        if model is None or not {listed.subject.id.casefold(), model.id.casefold()} & named:
            continue
        names = (model.path.name.casefold(), model.quantization.casefold())
        if not wanted or wanted.rpartition("/")[2] in names:
            return listed
    return None


def _endpoint(tools: CommandContext) -> str:
    """The Hub whose addresses count. What is here already needs none: where the one that was set is no address, the
    usual one stands for it."""
    try:
        return tools.online.endpoint
    except UserError:
        return DEFAULT_ENDPOINT


def _looked_up(text: str, wanted: str, options: Namespace, tools: CommandContext) -> DownloadTarget:
    """Ask the Hub what it offers there. Raises NotFoundError where the file is not among it."""
    tools.output.progress(tr("Asking {host}…").format(host=tools.online.host))
    offer = with_token(options, tools, lambda: tools.lookup.look_up(text))
    if not wanted:
        return DownloadTarget(offer.model_id)
    file = offer.file(wanted)
    if not offer.files:
        return DownloadTarget(offer.model_id)  # why there is none is the next step's to say
    if file is None:
        raise NotFoundError(
            tr("{repository} has no file {file}.").format(repository=offer.repository, file=wanted),
            tr("It has {files}.").format(files=", ".join(_file_text(each) for each in offer.files)),
            tr("Write one of these after --file."),
        )
    return DownloadTarget(offer.model_id, file.name)


def _file_text(file: OfferedFile) -> str:
    return f"{file.name} ({size_text(file.size)})" if file.size else file.name


# --- what stands in the way --------------------------------------------------------------------------------------


def _resolve_steps(target: DownloadTarget, options: Namespace, tools: CommandContext) -> DownloadStep | ReadyStep:
    """Take one step after another until the file can be fetched, or is here. Raises the UserError of the first one that
    only a person can take, elsewhere."""
    access_checked = False
    for _ in range(_MOST_STEPS):
        step = tools.next_step(target.model_id, target.file)
        match step:
            case DownloadStep() | ReadyStep():
                _warn(step, target, tools)
                return step
            case LookUpStep(again=False):
                with_token(options, tools, lambda: tools.lookup.look_up(target.model_id))
            case LookUpStep() if not access_checked:
                access_checked = True
                with_token(options, tools, lambda: tools.lookup.check_access(target.model_id))
            case EnterTokenStep(access) | RequestAccessStep(access) | WaitForApprovalStep(access):
                raise _gate(access, tools)
            case AcceptLicenseStep(error=error):
                if not can_ask(tools):
                    raise error
                listed = tools.library.find_listed(target.model_id)
                AcceptancePrompt(tools, listed.subject, tools.acknowledgements.verdict(listed.subject)).run()
            case _:
                raise _step_error(step, target, tools)
    raise AssertionError(f"no end of steps: {step}")


def _gate(access: RepositoryAccess, tools: CommandContext) -> Exception:
    if access.lacks_token:
        note_foreign_token(tools)
    return access_error(access)


def _step_error(step: NextStep, target: DownloadTarget, tools: CommandContext) -> Exception:
    name = tools.library.find_listed(target.model_id).subject.name
    return step_error(step, name) or ForbiddenError(
        tr("The Hub does not say whether you may have {model}.").format(model=name),
        "",
        tr("Ask it again: latchkey access {model}").format(model=shlex.quote(target.model_id)),
    )


def _warn(step: DownloadStep | ReadyStep, target: DownloadTarget, tools: CommandContext) -> None:
    """Say before the bytes come that the file is too large for this machine, or slow here."""
    offer = tools.lookup.hub_record(target.model_id)
    if isinstance(step, DownloadStep) and offer is not None and (file := offer.file(step.file)) is not None:
        if file.fit.label in ("too-large", "slow"):
            tools.output.note(f"{step.file}: {file.fit.sentence}")
        if not target.file and _others(offer, file):
            tools.output.note(
                tr("Fetching {file}; --file takes another one of {others}.").format(
                    file=step.file, others=", ".join(_others(offer, file))
                )
            )


def _others(offer: HubOffer, file: OfferedFile) -> list[str]:
    return [each.quantization or each.name for each in offer.files if each.name != file.name]


# --- how it ended ------------------------------------------------------------------------------------------------


def _ended(item: "DownloadItem", target: DownloadTarget, options: Namespace, tools: CommandContext) -> int:
    """Say how a download ended. Raises the UserError that it failed with."""
    if item.error is not None:
        raise item.error
    progress = item.progress
    if progress.state == "done":
        tools.downloads.dismiss(item.id)
        sentence = tr("{file} ({size}) is here.").format(file=item.file, size=size_text(progress.total))
        return _present(item.installed or target.model_id, tools, options, sentence)
    if progress.state == "paused":
        tools.online.switch.check()
        tools.output.note(
            tr("Paused at {percent}, {part}. The same command goes on where it stopped.").format(
                percent=percent_text(progress.done, progress.total), part=part_text(progress.done, progress.total)
            )
        )
        return INTERRUPTED
    tools.output.note(tr("The download was given up in another window."))
    return INTERRUPTED


def _present(model_id: str, tools: CommandContext, options: Namespace, sentence: str) -> int:
    """Say that a model is here, where it lies, and what comes next; in JSON all that is known of it."""
    if options.json:
        models_show_command.present(model_id, tools, json=True)
        return DONE
    listed = tools.library.find_listed(model_id)
    tools.output.line(sentence.format(model=listed.subject.name))
    if listed.model is not None:
        tools.output.line(tr("It lies at {path}").format(path=listed.model.path))
    verdict = tools.acknowledgements.verdict(listed.subject)
    if verdict.error is not None:
        tools.output.line(str(verdict.error))
    else:
        tools.output.line(tr("Ask it: latchkey ask “…” --model {id}").format(id=shlex.quote(command_id(listed))))
    return DONE
