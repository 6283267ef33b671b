"""From a model to what the door looks at: its lineage, and each license it needs with the text in force."""

from collections.abc import Callable
from dataclasses import replace

from desktop.catalog.entries import Base, Catalog, Entry
from desktop.catalog.lineage import Lineage, Node, node_of_entry, trace_in
from desktop.library.imported import ImportedModel
from desktop.licenses.subject import NeededLicense, Subject
from desktop.translation import tr

UNKNOWN = "LicenseRef-Unknown"
"""The license in whose text a person states that they looked for the terms themselves."""

TextHash = Callable[[str], str]
"""The sha256 of the text in force for a license id; "" where it has none (closed models)."""


def subject_of_entry(entry: Entry, catalog: Catalog, text_sha256: TextHash) -> Subject:
    """A catalog's model before the door."""
    lineage = trace_in(catalog, node_of_entry(entry))
    shipped = next((file for file in entry.file if file.shipped), None)
    return Subject(
        id=entry.id,
        name=entry.name,
        publisher=entry.publisher,
        gate=entry.gate,
        needed=_needed(lineage, catalog, text_sha256),
        lineage=lineage,
        repository=entry.repository,
        file_sha256=shipped.sha256 if shipped else "",
        vouched=bool(entry.file) and all(file.sha256 for file in entry.file),
        not_runnable=entry.not_runnable or _closed(entry),
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
        file_sha256=model.sha256,
        imported=True,
        attribution=_attribution(lineage, catalog),
    )


def _closed(entry: Entry) -> str:
    return (
        tr("Its publisher keeps the weights to itself: there is nothing to download.") if entry.gate == "closed" else ""
    )


def _node_of_import(model: ImportedModel, catalog: Catalog) -> Node:
    bases = tuple(_base(name, model, catalog) for name in model.bases)
    licenses = tuple(known.id if (known := catalog.find_license(name)) else name for name in model.licenses)
    return Node(
        model.id,
        model.name,
        model.publisher,
        licenses=tuple(dict.fromkeys(licenses)),
        origin="derived" if bases else "unknown",
        bases=bases,
    )


def _base(name: str, model: ImportedModel, catalog: Catalog) -> Base:
    """What the header calls `name`, by the repository or the id under which the catalog knows it."""
    wanted = name.casefold()
    known = next(
        (each for each in catalog.model if wanted in (each.repository.casefold(), each.gguf.casefold(), each.id)), None
    )
    return Base(known.id if known else name, "quantization" if model.quantized else "fine-tune")


def _needed(lineage: Lineage, catalog: Catalog, text_sha256: TextHash) -> tuple[NeededLicense, ...]:
    """Each license to acknowledge, ancestors' first. A license or base that nobody knows wants the person's statement.

    What is known under a license, but not what it was built on, is shown as unknown; accepting that license covers it.
    """
    names = {lineage.node.id: lineage.node.name} | {each.node.id: each.node.name for each in lineage.ancestors}
    found: list[NeededLicense] = []
    for license_id, node in lineage.licenses:
        known = catalog.find_license(license_id)
        if known is not None:
            found.append(NeededLicense(known.id, known.name, text_sha256(known.id), node, names[node]))
    unknown = [flag for flag in lineage.unknown if flag.kind != "unknown-lineage"]
    statement = catalog.find_license(UNKNOWN)
    if statement is not None and (unknown or not found):
        node = unknown[0].node if unknown else lineage.node.id
        found.append(
            NeededLicense(statement.id, statement.name, text_sha256(statement.id), node, names.get(node, node))
        )
    return tuple(found)


def _attribution(lineage: Lineage, catalog: Catalog) -> tuple[str, ...]:
    lines = [known.attribution for name, _ in lineage.licenses if (known := catalog.find_license(name)) is not None]
    return tuple(dict.fromkeys(line for line in lines if line))
