"""From a model to what the door looks at: its lineage, and each license it needs with the text in force."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from desktop.catalog.entries import Base, Catalog, Entry
from desktop.catalog.lineage import Lineage, Node, node_of_entry, trace_in
from desktop.library.imported import ImportedModel
from desktop.library.known import KnownModel
from desktop.licenses.subject import NeededLicense, Subject
from desktop.translation import tr

UNKNOWN = "LicenseRef-Unknown"
"""The license in whose text a person states that they looked for the terms themselves."""

TextHash = Callable[[str], str]
"""The sha256 of the text in force for a license id; "" where it has none (closed models)."""


@dataclass(frozen=True)
class OwnText:
    """The publisher's own text of one license of a model, where it is the one in force. `name` is that license's."""

    license: str
    name: str
    sha256: str


def subject_of_entry(
    entry: Entry,
    catalog: Catalog,
    text_sha256: TextHash,
    known: KnownModel | None = None,
    own_text: OwnText | None = None,
    file: ImportedModel | None = None,
) -> Subject:
    """A catalog's model before the door; with what the Hub said of it, where somebody looked it up, and what `file`,
    fetched from there, says of itself."""
    node = node_of_entry(entry)
    if known is not None:
        node = _both(node, known.node)
    if file is not None:
        node = _with_file(node, file, catalog)
    lineage = trace_in(catalog, node) if known is None else known.lineage(catalog, node)
    shipped = next((file for file in entry.file if file.shipped), None)
    return Subject(
        id=entry.id,
        name=entry.name,
        publisher=entry.publisher,
        gate=entry.gate if known is None or known.gated is False else lineage.node.gate,
        needed=_needed(lineage, catalog, text_sha256, own_text),
        lineage=lineage,
        repository=entry.repository,
        # Of a copy's repository the commit would name nothing at the publisher's.
        commit=known.commit if known is not None and _same(known.repository, entry.repository) else "",
        file_sha256=shipped.sha256 if shipped else "",
        vouched=bool(entry.file) and all(file.sha256 for file in entry.file),
        not_runnable=entry.not_runnable or _closed(entry),
        attribution=_attribution(lineage, catalog),
    )


def subject_of_known(
    known: KnownModel,
    catalog: Catalog,
    text_sha256: TextHash,
    own_text: OwnText | None = None,
    file: ImportedModel | None = None,
) -> Subject:
    """A model at the Hub that the catalog does not know, before the door; `file` as above."""
    node = known.node if file is None else _with_file(known.node, file, catalog)
    lineage = known.lineage(catalog, node)
    return Subject(
        id=known.id,
        name=known.node.name,
        publisher=known.node.publisher,
        gate=known.node.gate,
        needed=_needed(lineage, catalog, text_sha256, own_text),
        lineage=lineage,
        repository=known.repository,
        commit=known.commit,
        vouched=bool(known.files) and all(part.sha256 for file in known.files for part in file.parts),
        not_runnable=known.not_runnable,
        attribution=_attribution(lineage, catalog),
    )


def subject_of_import(model: ImportedModel, catalog: Catalog, text_sha256: TextHash) -> Subject:
    """An imported file before the door: the catalog's entry where its hash is known, else what its header says."""
    entry = catalog.find_model(model.entry) if model.entry else None
    if entry is not None:
        subject = subject_of_entry(entry, catalog, text_sha256)
        return replace(subject, file_sha256=model.sha256, vouched=True, imported=True)
    lineage = trace_in(catalog, _node_of_import(model, catalog))
    return Subject(
        id=model.id,
        name=model.name,
        publisher=model.publisher,
        gate=None,
        needed=_needed(lineage, catalog, text_sha256),
        lineage=lineage,
        repository=model.repository,
        commit=model.commit,
        file_sha256=model.sha256,
        imported=True,
        attribution=_attribution(lineage, catalog),
    )


def of_download(subject: Subject, model: ImportedModel) -> Subject:
    """`subject` as the very file that was fetched: at its commit, with the hash that was checked."""
    return replace(
        subject, repository=model.repository, commit=model.commit, file_sha256=model.sha256, vouched=model.vouched
    )


def _both(entry: Node, card: Node) -> Node:
    """The catalog's node, with whatever license and base a card at the Hub names besides."""
    bases = {base.id: base for base in (*card.bases, *entry.bases) if base.id != entry.id}
    licenses = dict.fromkeys((*entry.licenses, *card.licenses))
    gate = card.gate if card.gate not in (None, "open") else entry.gate
    return replace(entry, licenses=tuple(licenses), bases=tuple(bases.values()), gate=gate)


def _with_file(node: Node, file: ImportedModel, catalog: Catalog) -> Node:
    """`node`, with the terms that a file of it was fetched under: a newer commit may say less, and what the Hub said
    may have been lost."""
    own = {node.id.casefold(), node.repository.casefold(), file.repository.casefold()}
    bases = {base.id.casefold(): base for base in node.bases}
    for name in file.bases:
        base = _base(name, file, catalog)
        if not {name.casefold(), base.id.casefold()} & own:
            bases.setdefault(base.id.casefold(), base)
    licenses = dict.fromkeys((*node.licenses, *_license_ids(file, catalog)))
    origin = "derived" if node.origin == "unknown" and bases else node.origin
    return replace(node, licenses=tuple(licenses), bases=tuple(bases.values()), origin=origin)


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _closed(entry: Entry) -> str:
    return (
        tr("Its publisher keeps the weights to itself: there is nothing to download.") if entry.gate == "closed" else ""
    )


def _node_of_import(model: ImportedModel, catalog: Catalog) -> Node:
    bases = tuple(_base(name, model, catalog) for name in model.bases)
    return Node(
        model.id,
        model.name,
        model.publisher,
        licenses=_license_ids(model, catalog),
        origin="derived" if bases else "unknown",
        bases=bases,
    )


def _license_ids(model: ImportedModel, catalog: Catalog) -> tuple[str, ...]:
    found = (known.id if (known := catalog.find_license(name)) else name for name in model.licenses)
    return tuple(dict.fromkeys(found))


def _base(name: str, model: ImportedModel, catalog: Catalog) -> Base:
    """What the header calls `name`, by the repository or the id under which the catalog knows it."""
    wanted = name.casefold()
    known = next(
        (each for each in catalog.model if wanted in (each.repository.casefold(), each.gguf.casefold(), each.id)), None
    )
    return Base(known.id if known else name, "quantization" if model.quantized else "fine-tune")


def _needed(
    lineage: Lineage, catalog: Catalog, text_sha256: TextHash, own_text: OwnText | None = None
) -> tuple[NeededLicense, ...]:
    """Each license to acknowledge, ancestors' first. A license or base that nobody knows wants the person's statement.

    What is known under a license, but not what it was built on, is shown as unknown; accepting that license covers it.
    Where `own_text` is the model's own license, its text is the one in force, also of a license that nobody knows.
    """
    start = lineage.node
    names = {start.id: start.name} | {each.node.id: each.node.name for each in lineage.ancestors}
    found: list[NeededLicense] = []
    for license_id, node in lineage.licenses:
        known = catalog.find_license(license_id)
        if own_text is not None and node == start.id and own_text.license == license_id:
            found.append(NeededLicense(own_text.license, own_text.name, own_text.sha256, node, names[node], own=True))
        elif known is not None:
            found.append(NeededLicense(known.id, known.name, text_sha256(known.id), node, names[node]))
    unread = [each for each in start.licenses if catalog.find_license(each) is None]
    told = own_text is not None and unread == [own_text.license]
    unknown = [
        flag
        for flag in lineage.unknown
        if flag.kind != "unknown-lineage" and not (told and flag.kind == "unknown-license" and flag.node == start.id)
    ]
    statement = catalog.find_license(UNKNOWN)
    if statement is not None and (unknown or not found):
        node = unknown[0].node if unknown else start.id
        found.append(
            NeededLicense(statement.id, statement.name, text_sha256(statement.id), node, names.get(node, node))
        )
    return tuple(found)


def _attribution(lineage: Lineage, catalog: Catalog) -> tuple[str, ...]:
    lines = [known.attribution for name, _ in lineage.licenses if (known := catalog.find_license(name)) is not None]
    return tuple(dict.fromkeys(line for line in lines if line))
