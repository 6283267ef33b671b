"""`latchkey models show`: one model in sections that a person can read: terms, lineage as a tree, files, and what to do
next.
"""

from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from desktop.byte_size import size_text
from desktop.catalog.license_terms import Relation
from desktop.catalog.lineage import Ancestor, EffectiveTerm, Lineage, LineageNode
from desktop.cli.command_context import CommandContext
from desktop.cli.endpoints_command import leaves_sentence
from desktop.cli.model_json import card_of, describe
from desktop.cli.output import columns, paragraph
from desktop.cli.step_commands import command_steps, gate_sentence
from desktop.cli.vault_prompt import with_token
from desktop.endpoints.endpoint import ServedModel
from desktop.errors import NotFoundError
from desktop.hub.pasted_line import ollama_name
from desktop.hub.repository import parse_repository
from desktop.library.hub_records import HubAccessRecord
from desktop.library.library_model import LibraryCard, command_id
from desktop.library.model_identity import recognition_of
from desktop.library.status import ModelStatus
from desktop.licenses.license_verdict import LicenseStatus
from desktop.translation import tr


def lineage_tree(lineage: Lineage) -> list[str]:
    """The tree in lines: the model, each ancestor under what was built on it, terms under where they come from."""
    below: dict[str, list[Ancestor]] = defaultdict(list)
    for ancestor in lineage.ancestors:
        below[ancestor.parent_of].append(ancestor)
    terms = _placed(lineage)
    lines = paragraph(_named(lineage.node), "  ", "    ")
    lines += _term_lines(terms[lineage.node.id], "  " + ("│ " if below[lineage.node.id] else "  "))
    return lines + list(_branches(lineage.node.id, below, terms, "  ", {lineage.node.id}))


def _branches(
    node_id: str, below: dict[str, list[Ancestor]], terms: dict[str, list[EffectiveTerm]], indent: str, seen: set[str]
) -> Iterator[str]:
    children = [each for each in below[node_id] if each.node.id not in seen]
    for number, each in enumerate(children):
        last = number == len(children) - 1
        further = indent + ("   " if last else "│  ")
        grows = "│ " if any(one.node.id not in seen for one in below[each.node.id]) else "  "
        yield from paragraph(
            f"{_named(each.node)}: {_relation(each)}", indent + ("└─ " if last else "├─ "), further + grows
        )
        yield from _term_lines(terms[each.node.id], further + grows)
        yield from _branches(each.node.id, below, terms, further, seen | {each.node.id})


def _placed(lineage: Lineage) -> dict[str, list[EffectiveTerm]]:
    """Each term once, at the oldest node that brings its license: a license handed down is not repeated all the way."""
    depth = {lineage.node.id: 0} | {each.node.id: each.depth for each in lineage.ancestors}
    oldest: dict[tuple[str, str], EffectiveTerm] = {}
    for term in lineage.terms:
        known = oldest.get((term.license, term.restriction))
        if known is None or depth[term.from_id] > depth[known.from_id]:
            oldest[term.license, term.restriction] = term
    placed: dict[str, list[EffectiveTerm]] = defaultdict(list)
    for term in lineage.terms:
        if oldest[term.license, term.restriction] is term:
            placed[term.from_id].append(term)
    return placed


def _named(node: LineageNode) -> str:
    """Its name, who published it, and the license, or that none is known."""
    license_ = " + ".join(node.licenses) or tr("license not known")
    return ", ".join(part for part in (node.name, node.publisher, license_, node.gate or "") if part)


def _term_lines(terms: Sequence[EffectiveTerm], indent: str) -> Iterator[str]:
    for term in terms:
        text = tr("{restriction}: {says} ({license}, {clause})").format(
            restriction=term.restriction, says=term.says, license=term.license, clause=term.clause
        )
        yield from paragraph(text, indent + "• ", indent + "  ")


def _relation(ancestor: Ancestor) -> str:
    if not ancestor.known:
        return tr("{relation}; Latchkey knows nothing of it").format(relation=_phrase(ancestor.relation))
    return _phrase(ancestor.relation)


def _phrase(relation: Relation) -> str:
    return {
        "fine-tune": tr("fine-tuned from it"),
        "continued": tr("trained on from it"),
        "merge": tr("merged from it"),
        "quantization": tr("quantized from it"),
        "difference": tr("published as a difference to it"),
        "dataset": tr("trained on it"),
        "outputs": tr("trained on its outputs"),
    }[relation]


def show_one(options: Namespace, tools: CommandContext) -> None:
    """A model that only the Hub knows is looked up there. Raises NotFoundError, LicenseError for a file that was never
    imported, and what asking the Hub does."""
    try:
        model_id = command_id(tools.library.find_listed(options.id))
    except NotFoundError:
        if not _names_repository(options.id, tools) and not ollama_name(options.id):
            raise
        tools.output.progress(tr("Asking {host}…").format(host=tools.online.host))
        model_id = with_token(options, tools, lambda: tools.lookup.look_up(options.id)).model_id
    present(model_id, tools, json=options.json)


def _names_repository(text: str, tools: CommandContext) -> bool:
    """Whether `text` is a model's name or address at the Hub, and not the path of a file that is missing."""
    if "://" not in text and (text.lower().endswith(".gguf") or text.startswith((".", "/", "~"))):
        return False
    try:
        parse_repository(text, tools.online.endpoint)
    except NotFoundError:
        return False
    return True


def present(model_id: str, tools: CommandContext, *, json: bool) -> None:
    """Show the model with this id."""
    tools.output.progress(tr("Reading {model}…").format(model=model_id))
    card = card_of(tools.library.find_listed(model_id), tools, hashed=True)
    if json:
        tools.output.json(describe(card, tools, hashed=True))
        return
    for line in sections(card, tools):
        tools.output.line(line)


def sections(card: LibraryCard, tools: CommandContext) -> Iterator[str]:
    """All that is known of a model, line by line."""
    lineage = card.listed.subject.lineage
    yield from _head(card)
    yield from ("", tr("TERMS"))
    yield from _terms(card)
    yield from ("", tr("LINEAGE"))
    yield from lineage_tree(lineage)
    for flag in lineage.flags:
        yield from paragraph(flag.sentence, "  ! ")
    model = card.listed.model
    if model is not None and model.served is not None:
        yield from ("", tr("NOT ON THIS MACHINE"))
        yield from _endpoint(model.served)
    else:
        yield from ("", tr("FILES"))
        yield from _files(card, tools)
    before = tr("BEFORE YOU CAN CHAT") if model is None or model.kind == "chat" else tr("BEFORE IT CAN BE USED")
    yield from ("", before if not card.verdict.allowed or not model else tr("NOW"))
    status = None
    if card.listed.model is None:
        model_id = card.listed.subject.id
        status = ModelStatus(tools.next_step(model_id), tools.lookup.hub_record(model_id), file_chosen_by_person=True)
    for number, step in enumerate(command_steps(card, status), 1):
        yield from paragraph(step.sentence, f"  {number}. ")
        yield from (f"     {command}" for command in step.commands)


def _endpoint(served: ServedModel) -> Iterator[str]:
    endpoint, length = served.endpoint, served.context_length
    engine = tr("engine {name}").format(name=endpoint.kind) if endpoint.kind else tr("engine not known")
    reads = tr("reads {count} tokens").format(count=length) if length else tr("how much it reads is not known")
    yield from paragraph(f"{endpoint.address}, {engine}, {reads}", "  ")
    yield from paragraph(leaves_sentence(endpoint), "  ")


def _head(card: LibraryCard) -> Iterator[str]:
    subject, entry = card.listed.subject, card.listed.entry
    yield from paragraph(subject.name)
    parts = [command_id(card.listed)]
    if subject.publisher:
        parts.append(tr("by {publisher}").format(publisher=subject.publisher))
    if entry:
        parts += [tr("family {family}").format(family=entry.family), entry.architecture, entry.published]
        parts.append(tr("{count} parameters").format(count=_count(entry.parameters)) if entry.parameters else "")
        parts.append(tr("context {count}").format(count=entry.context_length) if entry.context_length else "")
    yield from paragraph(", ".join(part for part in parts if part))
    if card.listed.model is not None and (said := recognition_of(card.listed.model)):
        yield from paragraph(said)
    if entry:
        yield from paragraph(entry.summary)
        if entry.page:
            yield entry.page
        for unchecked in entry.unchecked:
            yield from paragraph(tr("Not checked: {what}").format(what=unchecked))


def _terms(card: LibraryCard) -> Iterator[str]:
    subject, lineage = card.listed.subject, card.listed.subject.lineage
    rows = []
    for license_status in card.verdict.licenses:
        needed = license_status.needed
        brought = "" if needed.comes_from == subject.id else tr("from {ancestor}").format(ancestor=needed.from_name)
        stands = "" if subject.gate == "closed" else license_status_text(license_status)
        rows.append((needed.id, needed.name, brought, stands))
    yield from columns(rows, shrink=(1, 2), indent="  ")
    gate = f"{subject.gate}: {gate_sentence(subject.gate)}" if subject.gate else tr("none known")
    yield from paragraph(gate, tr("  gate          "))
    if card.listed.hub_record is not None and card.listed.hub_record.access is not None:
        yield from paragraph(_access_lines(card.listed.hub_record.access), tr("  access        "))
    restrictions = ", ".join(lineage.restrictions) or (tr("not known") if lineage.unknown else tr("none"))
    yield from paragraph(restrictions, tr("  restrictions  "))
    for line in subject.attribution:
        yield from paragraph(line, tr("  attribution   "))


def _access_lines(said: HubAccessRecord) -> str:
    """What the Hub last said, and when."""
    when = datetime.fromtimestamp(said.time, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    return tr("{state}, asked {time}").format(state=said.state, time=when)


def license_status_text(license_status: LicenseStatus) -> str:
    """Where a person stands with one license."""
    record = license_status.record
    if license_status.status == "in-force" and record is not None:
        accepted = tr("accepted {date} by {person}, {purpose}").format(
            date=record.time[:10], person=record.person, purpose=record.purpose
        )
        return accepted + tr(", in other white space") if license_status.white_space_differs else accepted
    return {
        "not-needed": tr("part of Latchkey: nothing to accept"),
        "revoked": tr("revoked"),
        "text-changed": tr("its text changed"),
        "suspended": tr("its text changed"),
    }.get(license_status.status, tr("not accepted"))


def _files(card: LibraryCard, tools: CommandContext) -> Iterator[str]:
    described = describe(card, tools, hashed=True)
    offer = tools.lookup.hub_record(card.listed.subject.id) if card.listed.model is None else None
    for file in described["files"]:
        amount = size_text(file["size"]) if file["size"] else tr("size not known")
        parts = [file["name"], file["quantization"], amount, _label(file["fit"])]
        parts.append(file["quality"]["short"] if file["quality"] else "")
        if offer is not None and file["name"] == offer.recommended:
            parts.append(tr("recommended here"))
        yield from paragraph(", ".join(part for part in parts if part), "  ")
        if file["sha256"]:
            yield f"    sha256 {file['sha256']}"
    if any(file["quality"] and file["quality"]["perplexity_growth"] for file in described["files"]):
        yield from paragraph(
            tr("Perplexity is llama.cpp's figure for the quantization in Llama 3 8B: large models lose less."), "  "
        )
    if not described["files"]:
        yield "  " + (tr("none known yet") if _could_be_asked(card) else tr("none known"))
    if offer is not None:
        for name in offer.skipped:
            yield "  " + tr("not offered: {file}").format(file=name)
        yield "  " + tr("at {page}, commit {commit}").format(page=offer.page, commit=offer.commit[:12])
    if (projector := described["projector"]) is not None:
        yield from paragraph(_projector_line(projector), "  ")
        if projector["sha256"]:
            yield f"    sha256 {projector['sha256']}"
    model = card.listed.model
    if model is not None:
        yield "  " + tr("in {folder}").format(folder=model.path.parent)
    if described["fit"] is not None and described["fit"]["needed"]:
        yield "  " + described["fit"]["sentence"]


def _projector_line(projector: dict[str, Any]) -> str:
    if projector["path"] is not None and not projector["here"]:
        return tr("its projector {file} is gone: it sees no pictures").format(file=projector["name"])
    amount = size_text(projector["size"]) if projector["size"] else tr("size not known")
    return tr("{file}, {size}: its projector, with which it sees pictures").format(file=projector["name"], size=amount)


def _could_be_asked(card: LibraryCard) -> bool:
    entry = card.listed.entry
    return card.listed.hub_record is None and entry is not None and bool(entry.gguf)


def _label(label: str) -> str:
    """How a file suits this machine, in a word or two."""
    return {
        "fits-gpu": tr("fits the GPU"),
        "fits-memory": tr("fits memory"),
        "slow": tr("slow here"),
        "too-large": tr("too large for this machine"),
    }.get(label, "")


def _count(parameters: int) -> str:
    for step, letter in ((1e9, "B"), (1e6, "M")):
        if parameters >= step:
            return f"{parameters / step:.1f}".removesuffix(".0") + f" {letter}"
    return str(parameters)
