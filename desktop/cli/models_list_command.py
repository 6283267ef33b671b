"""`latchkey models list`: every model of the catalog and on this disk, or every adapter, one line each."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from desktop.byte_size import size_text
from desktop.catalog.license_terms import Restriction
from desktop.cli.command_context import CommandContext
from desktop.cli.model_json import card_of, describe
from desktop.cli.output import paragraph
from desktop.library.library_model import LibraryCard, ListedModel, command_id
from desktop.library.recommendations import TaskRecommendation, tasks_text
from desktop.library.status import ModelState, model_state
from desktop.translation import tr

_SHRINKING = (1, 2)
_OWN_PREFIX = "LicenseRef-"


def show_list(options: Namespace, tools: CommandContext) -> None:
    """Print the list, models on this disk first. On a terminal the ones recommended for this computer follow the
    table. With --adapters print those alone."""
    if options.adapters:
        _show_adapters(options, tools)
        return
    every = [card_of(listed, tools) for listed in tools.library.listed_files()]
    cards = [card for card in every if _is_asked_for(card.listed, options)]
    if options.json:
        choices = tools.lookup.task_recommendations(every)
        tools.output.json([describe(card, tools, hashed=False) | _chosen(card, choices) for card in cards])
    elif not cards:
        tools.output.note(tr("No model is called so. “latchkey models search” looks for it on the Hub."))
    else:
        rows = [(tr("ID"), tr("LICENSE"), tr("RESTRICTIONS"), tr("GATE"), tr("STATE"))]
        rows += [_row(card) for card in cards]
        if options.installed:
            sizes = [size_text(card.listed.model.size) if card.listed.model is not None else "" for card in cards]
            tools.output.table([(*row, size) for row, size in zip(rows, [tr("SIZE"), *sizes], strict=True)], _SHRINKING)
        else:
            tools.output.table(rows, _SHRINKING)
        if tools.output.terminal and not options.installed and not options.words:
            for line in _to_begin_with(tools.lookup.task_recommendations(every)):
                tools.output.line(line)
    tell_problems(tools)


def _is_asked_for(listed: ListedModel, options: Namespace) -> bool:
    if options.installed and listed.model is None:
        return False
    name = f"{command_id(listed)} {listed.subject.name} {listed.subject.publisher}".casefold()
    return all(word.casefold() in name for word in options.words)


def _show_adapters(options: Namespace, tools: CommandContext) -> None:
    cards = [card_of(listed, tools) for listed in tools.library.adapters()]
    if options.json:
        tools.output.json([describe(card, tools, hashed=False) for card in cards])
    elif cards:
        rows = [(tr("ID"), tr("LICENSE"), tr("RESTRICTIONS"), tr("GATE"), tr("STATE"))]
        tools.output.table(rows + [_row(card) for card in cards], _SHRINKING)
    else:
        tools.output.note(tr("No adapter was imported: “latchkey models import PATH” takes one in."))


def _chosen(card: LibraryCard, choices: Mapping[str, TaskRecommendation]) -> dict[str, Any]:
    """What a model was chosen for on this computer and why: nothing and null for most."""
    choice = choices.get(card.listed.subject.id)
    return {
        "chosen_for": list(choice.tasks) if choice is not None else [],
        "chosen_because": choice.reason if choice is not None else None,
    }


def _to_begin_with(choices: Mapping[str, TaskRecommendation]) -> Iterator[str]:
    if choices:
        yield from ("", tr("FOR THIS COMPUTER"))
        for each in choices.values():
            yield from paragraph(f"{each.model_id}: {tasks_text(each.tasks)}", "  ")
            yield from paragraph(each.reason, "    ")


def tell_problems(tools: CommandContext) -> None:
    """Print the mistakes in the catalog, one note each; the entries without mistakes are used."""
    for problem in tools.library.problems:
        tools.output.note(str(problem))


def _row(card: LibraryCard) -> tuple[str, str, str, str, str]:
    subject = card.listed.subject
    unknown = not subject.lineage.restrictions and bool(subject.lineage.unknown)
    licenses = [each.removeprefix(_OWN_PREFIX) for each in subject.lineage.node.licenses] or [tr("unknown")]
    return (
        command_id(card.listed),
        " + ".join(licenses),
        tr("not known") if unknown else in_short(subject.lineage.restrictions),
        subject.gate or "–",
        _state(card),
    )


def _state(card: LibraryCard) -> str:
    """The state, and what a model is for that cannot chat."""
    text = status_text(model_state(card))
    model = card.listed.model
    if model is None or model.adapter or model.kind == "chat":
        return text
    kinds = {"embedding": tr("{state} (embedding model)"), "reranker": tr("{state} (reranker)")}
    return kinds[model.kind].format(state=text)


def status_text(state: ModelState) -> str:
    """A state in a word or two, for a table."""
    return {
        "ready": tr("ready"),
        "to-accept": tr("to accept"),
        "revoked": tr("revoked"),
        "license-changed": tr("license changed"),
        "ledger-broken": tr("ledger broken"),
        "forbidden": tr("forbidden"),
        "file-changed": tr("file changed"),
        "file-missing": tr("file missing"),
        "not-here": tr("not here"),
        "needs-token": tr("needs a token"),
        "needs-access": tr("needs access"),
        "waiting-for-approval": tr("access pending"),
        "no-access": tr("no access"),
        "cannot-run": tr("cannot run"),
        "closed": tr("closed"),
    }[state]


def in_short(restrictions: tuple[Restriction, ...]) -> str:
    """The severest restriction and the number of others, "research-only +2"; "–" for none."""
    if not restrictions:
        return "–"
    more = len(restrictions) - 1
    return restrictions[0] + (f" +{more}" if more else "")
