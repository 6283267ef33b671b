"""`latchkey access MODEL`: whether the Hub gives a person a model's files, and what stands in the way."""

import shlex
from argparse import Namespace

import msgspec

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE
from desktop.cli.vault_prompt import note_foreign_token, with_token
from desktop.errors import NotFoundError, UserError
from desktop.hub.hub_lineage import GATES
from desktop.hub.repository import Repository, parse_repository
from desktop.hub.repository_access import RepositoryAccess
from desktop.translation import tr


class AccessResult(msgspec.Struct, frozen=True):
    """The Hub's word as `access --json` gives it: fields and their names are part of the command's contract.

    `state` is one of `desktop.hub.repository_access.AccessState`, `gate` "open", "hub-auto", "hub-manual", or None
    where the repository cannot be looked at. `message` is what to tell a person, `url` the page where something can be
    done.
    """

    model: str
    state: str
    gate: str | None
    message: str
    url: str


def run(options: Namespace, tools: CommandContext) -> int:
    """Ask, and say it. Raises AccessError where there is no access, NotFoundError where there is no such model."""
    model = tools.library.id_of(options.model)
    repository = repository_of(model, tools)
    if tools.library.catalog.find_model(model) is None and tools.library.hub_records.find(model) is None:
        model = repository.id
    tools.output.progress(tr("Asking {host}…").format(host=tools.online.host))
    access, gate = with_token(options, tools, lambda: _ask(model, repository, tools))
    if options.json:
        said = " ".join(part for part in (access.title, access.detail, access.remedy) if part)
        tools.output.json(AccessResult(model, access.state, gate, said, access.url))
    if not access.granted:
        if access.lacks_token:
            note_foreign_token(tools)
        raise access_error(access)
    if not options.json:
        tools.output.line(_granted(access, gate, model))
    return DONE


def repository_of(text: str, tools: CommandContext) -> Repository:
    """The repository that holds the files of a model of the catalog, or the one that `text` names.

    Raises NotFoundError where it names none, or the model is not at the Hub.
    """
    entry = tools.library.catalog.find_model(text)
    if entry is None:
        return parse_repository(text, tools.online.endpoint)
    name = entry.gguf or entry.repository
    if not name:
        raise NotFoundError(
            tr("{model} is not at the Hub.").format(model=entry.name),
            "",
            tr("“latchkey models show {id}” says what is known of it.").format(id=shlex.quote(entry.id)),
        )
    return parse_repository(name, tools.online.endpoint)


def access_error(access: RepositoryAccess) -> UserError:
    """What stands in the way, with the page where it can be removed."""
    error = access.error()
    remedy = f"{error.remedy} {access.url}".strip() if access.url else error.remedy
    if access.state in ("no-token", "bad-token", "missing-or-private"):
        remedy += " " + tr("Then: latchkey token set")
    return type(error)(error.title, error.detail, remedy, technical=error.technical)


def _ask(model: str, repository: Repository, tools: CommandContext) -> tuple[RepositoryAccess, str | None]:
    """Access and gate. Of a model that Latchkey knows, or can look up in the catalog, the answer is remembered."""
    library = tools.library
    if library.hub_records.find(model) is not None or library.catalog.find_model(model) is not None:
        try:
            access = tools.lookup.check_access(model)
            return access, library.find_listed(model).subject.gate
        except NotFoundError:  # nothing could be looked up there; the Hub itself says what it is
            pass
    hub = tools.online.hub
    access = hub.access(repository)
    if access.state in ("missing", "missing-or-private", "disabled"):
        return access, None
    try:
        return access, GATES[hub.info(repository).gated]
    except UserError:  # whoever has access and no answer to this still has access
        return access, None


def _granted(access: RepositoryAccess, gate: str | None, model: str) -> str:
    next_one = tr("Fetch it with “latchkey models get {model}”.").format(model=shlex.quote(model))
    if gate == "open":
        return tr("{model} is open to everybody.").format(model=model) + " " + next_one
    return f"{access.title} {next_one}"
