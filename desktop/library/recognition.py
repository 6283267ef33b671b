"""A model file that is taken in, recognized: what its header and its place tell, weighed, and noted with the file."""

from msgspec.structs import replace

from desktop.engine.header import Header
from desktop.library.elsewhere.found import FoundModel
from desktop.library.identity import Identity, evidence_of, identify
from desktop.library.imported import ImportedModel, id_for
from desktop.library.known import KnownModel
from desktop.library.models import Library


def identity_in(
    library: Library, header: Header, sha256: str, hashes: tuple[str, ...], found: FoundModel | None
) -> Identity | None:
    """Which model a file is, by what `library` knows. `sha256` is that of the whole, `hashes` those of its parts."""
    repository = found.repository if found is not None else ""
    evidence = evidence_of(header, sha256=sha256, hashes=hashes, repository=repository)
    return identify(evidence, library.catalog, library.known.all())


def with_identity(model: ImportedModel, identity: Identity | None, library: Library) -> ImportedModel:
    """`model` as what it was recognized as; as it is where that is None.

    Only a known hash makes it that very model. Words make it a file that was made from that model: it keeps an id, and
    acknowledgements, of its own, and the terms of both apply.
    """
    if identity is None:
        return model
    entry, known = library.catalog.find_model(identity.model), library.known.find(identity.model, identity.endpoint)
    if entry is None and known is not None:
        model = with_card(model, known)  # should it be forgotten, its terms stay
    name = entry.name if entry is not None else known.node.name if known is not None else model.name
    if identity.witness == "sha256":
        return replace(model, name=name, entry=identity.model, witness="sha256", endpoint=identity.endpoint)
    return replace(model, id=id_for(name, model.sha256), name=name, likely=identity.model, witness=identity.witness)


def tells_more(
    existing: ImportedModel, header: Header, hashes: tuple[str, ...], found: FoundModel | None, library: Library
) -> bool:
    """Whether a model that was taken in when nobody knew what it is can be recognized now."""
    if existing.model or existing.entry or existing.likely:
        return False
    return identity_in(library, header, existing.sha256, hashes, found) is not None


def with_card(model: ImportedModel, known: KnownModel) -> ImportedModel:
    """`model`, with the terms that its card named: they are those of this very commit, and no catalog has them."""
    bases = (base.id for base in known.node.bases if base.inherits)
    return replace(
        model,
        licenses=tuple(dict.fromkeys((*model.licenses, *known.node.licenses))),
        bases=tuple(dict.fromkeys((*model.bases, *bases))),
    )
