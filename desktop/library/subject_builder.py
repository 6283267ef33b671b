"""From a model to what the license check looks at: its lineage, and each license it needs with the text in force."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from msgspec.structs import replace as replace_struct

from desktop.catalog.base_model_name import base_model_name, find_base
from desktop.catalog.catalog import Catalog, CatalogEntry, EntryBase, License, LicenseEdition, copied_models
from desktop.catalog.license_terms import strictest
from desktop.catalog.lineage import Lineage, LineageFlag, LineageNode, node_of_entry, trace_in
from desktop.library.hub_records import HubRecord
from desktop.library.installed_models import InstalledModel
from desktop.library.model_identity import family_of
from desktop.library.model_title import model_title
from desktop.library.publisher_license import PublisherLicense
from desktop.licenses.license_subject import UNKNOWN_LICENSE, LicenseSubject, NeededLicense
from desktop.translation import tr

TextHash = Callable[[str], str]
"""The sha256 of the text in force for a license id; "" where it has none (closed models)."""


def subject_of_entry(
    entry: CatalogEntry,
    catalog: Catalog,
    text_sha256: TextHash,
    known: HubRecord | None = None,
    own_text: PublisherLicense | None = None,
    file: InstalledModel | None = None,
) -> LicenseSubject:
    """A catalog's model before the license check.

    With what the Hub said of it, where somebody looked it up, and what `file`, fetched from there, says of itself.
    """
    node = node_of_entry(entry)
    if known is not None:
        node = _with_card_terms(node, known.node)
    if file is not None:
        node = _with_file(node, file, catalog)
    own = entry.id in catalog.own_models
    names = _names(entry, known, file)
    if own:
        node = _with_copied(node, copied_models(catalog, names, _hashes(known, file, entry)))
    lineage = trace_in(catalog, node) if known is None else known.lineage(catalog, node)
    needed = _needed(lineage, catalog, text_sha256, own_text)
    claims = (
        _claims_of_own(entry, lineage, catalog, known, file)
        if own
        else _claims(lineage, catalog, (*entry.licenses, *(known.node.licenses if known is not None else ())), file)
    )
    lineage = _with_own_text(lineage, own_text)
    shipped = next((file for file in entry.file if file.shipped), None)
    return LicenseSubject(
        id=entry.id,
        name=entry.name,
        publisher=entry.publisher,
        gate=lineage.node.gate,
        needed=needed,
        lineage=lineage,
        repository=entry.repository,
        # Of a copy's repository the commit would name nothing at the publisher's.
        commit=known.commit if known is not None and _same(known.repository, entry.repository) else "",
        file_sha256=shipped.sha256 if shipped else "",
        shipped=shipped is not None,
        hash_vouched=_vouched(known) if own else bool(entry.offered) and all(file.sha256 for file in entry.offered),
        not_runnable=entry.not_runnable or _closed(entry),
        attribution=_attribution(lineage, catalog),
        names=names + (known.base_names if known is not None else ()),
        origins=_names(None, known, file) if own else names,
        endpoint="" if not own and _is_of(entry, file) else _endpoint(known, file),
        own_entry=own,
        claims=claims,
    )


def subject_of_hub_record(
    known: HubRecord,
    catalog: Catalog,
    text_sha256: TextHash,
    own_text: PublisherLicense | None = None,
    file: InstalledModel | None = None,
) -> LicenseSubject:
    """A model at the Hub that the catalog does not know, before the license check; `file` as above."""
    node = known.node if file is None else _with_file(known.node, file, catalog)
    names = _names(None, known, file)
    node = _with_copied(node, copied_models(catalog, names, _hashes(known, file)))
    lineage = known.lineage(catalog, node)
    needed = _needed(lineage, catalog, text_sha256, own_text)
    claims = _claims(lineage, catalog, known.node.licenses, file)
    lineage = _with_own_text(lineage, own_text)
    return LicenseSubject(
        id=known.id,
        name=known.node.name,
        publisher=known.node.publisher,
        gate=lineage.node.gate,
        needed=needed,
        lineage=lineage,
        repository=known.repository,
        commit=known.commit,
        hash_vouched=_vouched(known),
        not_runnable=known.not_runnable,
        attribution=_attribution(lineage, catalog),
        names=names + known.base_names,
        origins=names,
        endpoint=_endpoint(known, file),
        claims=claims,
    )


def subject_of_installed(model: InstalledModel, catalog: Catalog, text_sha256: TextHash) -> LicenseSubject:
    """An imported file whose hash nobody knows, before the license check.

    What its header says, and, where it was recognized by words, the terms of that model besides.
    """
    node = _node_of_import(model, catalog)
    lineage = trace_in(catalog, node)
    return LicenseSubject(
        id=model.id,
        name=node.name,
        publisher=model.publisher,
        gate=None,
        needed=_needed(lineage, catalog, text_sha256),
        lineage=lineage,
        repository=model.repository,
        commit=model.commit,
        file_sha256=model.sha256,
        imported=True,
        attribution=_attribution(lineage, catalog),
        claims=_claims(lineage, catalog, (), model),
        endpoint=model.endpoint,
    )


def with_known_hash(subject: LicenseSubject, model: InstalledModel) -> LicenseSubject:
    """`subject` as an imported file that is its very file."""
    return replace(subject, file_sha256=model.sha256, hash_vouched=True, imported=True)


def with_download(subject: LicenseSubject, model: InstalledModel) -> LicenseSubject:
    """`subject` as the very file that was fetched: at its commit, with the hash that was checked."""
    return replace(
        subject,
        repository=model.repository,
        commit=model.commit,
        file_sha256=model.sha256,
        hash_vouched=model.vouched,
    )


def _with_card_terms(entry: LineageNode, card: LineageNode) -> LineageNode:
    """The catalog's node, with whatever license and base a card at the Hub names besides."""
    bases = {base.id: base for base in (*card.bases, *entry.bases) if base.id != entry.id}
    licenses = dict.fromkeys((*entry.licenses, *card.licenses))
    gate = strictest(entry.gate, card.gate)
    return replace(entry, licenses=tuple(licenses), bases=tuple(bases.values()), gate=gate)


def _with_copied(node: LineageNode, models: Iterable[CatalogEntry]) -> LineageNode:
    """`node`, which is but a copy of these models of Latchkey's catalog: their terms come along, and their gates."""
    others = [each for each in models if each.id != node.id]
    if not others:
        return node
    bases = {base.id: base for base in node.bases}
    for each in others:
        known = set(each.licenses) <= set(node.licenses) and {base.id for base in each.base} <= bases.keys()
        if not known:  # else it is looked at in the publisher's own repository, and has all that the entry says
            bases.setdefault(each.id, EntryBase(each.id, "quantization"))
    gate = strictest(node.gate, *(each.gate for each in others))
    return replace(node, bases=tuple(bases.values()), origin="derived" if bases else node.origin, gate=gate)


def _names(entry: CatalogEntry | None, known: HubRecord | None, file: InstalledModel | None) -> tuple[str, ...]:
    """Every repository that it is known to lie in, under each name it ever had, each once."""
    found = [entry.repository, entry.gguf] if entry is not None else []
    found += [known.repository, *known.names] if known is not None else []
    found += [file.repository] if file is not None and file.model else []
    return tuple(dict.fromkeys(each for each in found if each))


def _hashes(known: HubRecord | None, file: InstalledModel | None, entry: CatalogEntry | None = None) -> list[str]:
    """The sha256 of every file that it is known to have."""
    found = [each.sha256 for each in entry.file] if entry is not None else []
    found += [part.sha256 for each in known.files for part in each.parts] if known is not None else []
    return [*found, file.sha256] if file is not None else found


def _endpoint(known: HubRecord | None, file: InstalledModel | None) -> str:
    """The Hub that gave the file out, else the one that was asked about the model; "" where none was."""
    return (file.endpoint if file is not None else "") or (known.endpoint if known is not None else "")


def _is_of(entry: CatalogEntry, file: InstalledModel | None) -> bool:
    """Whether the catalog knows the file by its hash: then it is that model's, whoever gave it out."""
    return file is not None and any(each.sha256 == file.sha256 for each in entry.file if each.sha256)


def _vouched(known: HubRecord | None) -> bool:
    """Whether the Hub gives the hash of every file."""
    parts = [part for file in known.files for part in file.parts] if known is not None else []
    return bool(parts) and all(part.sha256 for part in parts)


def _claims(lineage: Lineage, catalog: Catalog, said: Iterable[str], file: InstalledModel | None) -> frozenset[str]:
    """The licenses that it is under by the person's word alone. `said` are those that others name for it."""
    stated = set(said)
    found = {each for each in (file.claimed if file is not None else ()) if each not in stated}
    for license_id, node in lineage.licenses:
        if license_id in catalog.own_licenses or (node in catalog.own_models and license_id not in stated):
            found.add(license_id)
    return frozenset(found)


def _claims_of_own(
    entry: CatalogEntry, lineage: Lineage, catalog: Catalog, known: HubRecord | None, file: InstalledModel | None
) -> frozenset[str]:
    """The same for an entry of the person's own: what it would be under without that entry is what others say."""
    bare = replace(node_of_entry(entry), licenses=(), bases=(), gate=None)
    if known is not None:
        bare = _with_card_terms(bare, known.node)
    if file is not None:
        claimed = set(file.claimed)
        bare = _with_file(bare, replace_struct(file, licenses=tuple(set(file.licenses) - claimed)), catalog)
    copied = copied_models(catalog, _names(entry, known, file), _hashes(known, file, entry))
    bare = _with_copied(bare, copied)
    witness = trace_in(catalog, bare) if known is None else known.lineage(catalog, bare)
    of_itself = {*bare.licenses, *(name for each in copied for name in each.licenses)}
    inherited = {name for name, _ in witness.licenses}
    found = {each for each in entry.licenses if each not in of_itself}
    found |= {name for name, _ in lineage.licenses if name not in inherited or name in catalog.own_licenses}
    return frozenset(found)


def _with_file(node: LineageNode, file: InstalledModel, catalog: Catalog) -> LineageNode:
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


def _closed(entry: CatalogEntry) -> str:
    return (
        tr("Its publisher keeps the weights to itself: there is nothing to download.") if entry.gate == "closed" else ""
    )


def _node_of_import(model: InstalledModel, catalog: Catalog) -> LineageNode:
    bases = {base.id: base for base in (_base(name, model, catalog) for name in model.bases)}
    likely = catalog.find_model(model.likely) if model.likely else None
    if likely is not None:
        # What lives on in that model is said by it; whatever else the header names stays beside it.
        theirs = family_of(likely, catalog)
        others = [base for base in bases.values() if base.id not in theirs]
        bases = {base.id: base for base in (EntryBase(likely.id, "quantization"), *others)}
    title = model_title(
        model.name, model.path, repository=model.repository, architecture=model.architecture, sha256=model.sha256
    )
    return LineageNode(
        model.id,
        likely.name if likely is not None else title,
        model.publisher,
        licenses=_license_ids(model, catalog),
        origin="derived" if bases else "unknown",
        bases=tuple(bases.values()),
    )


def _license_ids(model: InstalledModel, catalog: Catalog) -> tuple[str, ...]:
    found = (known.id if (known := catalog.find_license(name)) else name for name in model.licenses)
    return tuple(dict.fromkeys(found))


def _base(name: str, model: InstalledModel, catalog: Catalog) -> EntryBase:
    """What the header calls `name`, by the id under which the catalog knows it, else by its repository."""
    known = find_base(name, catalog)
    return EntryBase(known.id if known else base_model_name(name), "quantization" if model.quantized else "fine-tune")


def _needed(
    lineage: Lineage, catalog: Catalog, text_sha256: TextHash, own_text: PublisherLicense | None = None
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
            found.append(_own(own_text, node, names[node], known, text_sha256))
        elif known is not None:
            sha256 = text_sha256(known.id)
            found.append(NeededLicense(known.id, known.name, sha256, node, names[node], editions=known.edition))
    if own_text is not None and _is_another(own_text) and all(each.id != own_text.id for each in found):
        found.append(
            _own(own_text, start.id, start.name, None, text_sha256)
        )  # an ancestor brings the license that it is tagged as
    unread = [each for each in start.licenses if catalog.find_license(each) is None]
    told = own_text is not None and unread == [own_text.license]
    unknown = [
        flag
        for flag in lineage.unknown
        if flag.kind != "unknown-lineage" and not (told and flag.kind == "unknown-license" and flag.node == start.id)
    ]
    statement = catalog.find_license(UNKNOWN_LICENSE)
    if statement is not None and (unknown or not found):
        node = unknown[0].node if unknown else start.id
        found.append(
            NeededLicense(statement.id, statement.name, text_sha256(statement.id), node, names.get(node, node))
        )
    return tuple(found)


def _own(text: PublisherLicense, node: str, name: str, known: License | None, text_sha256: TextHash) -> NeededLicense:
    if _is_another(text):
        return NeededLicense(text.id, text.name, text.sha256, node, name, own=True, tagged=text.license)
    editions = known.edition if known is not None else ()
    if known is not None and (shipped := text_sha256(known.id)):
        source = known.source or tr("the text that comes with Latchkey")
        editions = (*editions, LicenseEdition(shipped, "words", source))
    return NeededLicense(text.id, text.name, text.sha256, node, name, own=True, editions=editions)


def _is_another(text: PublisherLicense) -> bool:
    """Whether it is not the text of the license that it is called by."""
    return text.id != text.license


def _with_own_text(lineage: Lineage, text: PublisherLicense | None) -> Lineage:
    """`lineage`, saying that nobody has read what the publisher's own text restricts. What its tag restricts stays."""
    if text is None or not _is_another(text):
        return lineage
    node = lineage.node
    sentence = tr("Its license is tagged {license}, but its text is another one: what it restricts is not known.")
    flag = LineageFlag("unknown-license", node.id, sentence.format(license=text.license))
    licenses = tuple(dict.fromkeys(text.id if each == text.license else each for each in node.licenses))
    return replace(lineage, node=replace(node, licenses=licenses), flags=(*lineage.flags, flag))


def _attribution(lineage: Lineage, catalog: Catalog) -> tuple[str, ...]:
    lines = [known.attribution for name, _ in lineage.licenses if (known := catalog.find_license(name)) is not None]
    return tuple(dict.fromkeys(line for line in lines if line))
