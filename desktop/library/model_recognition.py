"""A model file that is taken in, recognized: what its header and its place tell, weighed, and noted with the file."""

from collections.abc import Sequence

from msgspec.structs import replace

from desktop.catalog.base_model_name import find_base
from desktop.catalog.catalog import Catalog
from desktop.engine.gguf_header import GgufHeader
from desktop.errors import IntegrityError
from desktop.library.hub_records import HubRecord
from desktop.library.installed_models import InstalledModel, installed_id
from desktop.library.library import Library
from desktop.library.model_identity import ModelIdentity, evidence_of, identify
from desktop.library.other_apps.discovered_model import DiscoveredModel
from desktop.licenses.license_texts import LicenseTexts, same_words


def with_app_hints(
    model: InstalledModel, found: DiscoveredModel, catalog: Catalog, texts: LicenseTexts | None
) -> InstalledModel:
    """`model` with what is known of `found` beside its header: its name there, its repository and commit as hints.

    Where the catalog knows that repository, the model there counts as what this one was made from. A license whose very
    words lie beside the file is its license as well.
    """
    licenses = _licenses_in(found.license_texts, catalog, texts)
    model = replace(
        model,
        id=installed_id(found.name or model.name, model.sha256),
        name=found.name or model.name,
        licenses=tuple(dict.fromkeys((*model.licenses, *licenses))),
        claimed=(*model.claimed, *(each for each in licenses if each not in model.licenses)),
        repository=found.repository,
        commit=found.commit,
    )
    if not found.repository or model.entry:
        return model
    if find_base(found.repository, catalog) is None:
        return model
    # A header that names no base of its own is that of a mere quantization.
    quantized = model.quantized or not model.bases
    bases = tuple(dict.fromkeys((*model.bases, found.repository)))
    return replace(model, bases=bases, quantized=quantized)


def _licenses_in(shipped: Sequence[str], catalog: Catalog, texts: LicenseTexts | None) -> list[str]:
    """The catalog's licenses whose very words are among the `shipped` texts."""
    found = []
    for license_ in catalog.license if texts is not None and shipped else ():
        if not license_.text:
            continue
        try:
            data = texts.text_of(license_).data if texts is not None else b""
        except IntegrityError:  # whoever wants to read it is told
            continue
        if any(same_words(data, text.encode("utf-8", "replace")) for text in shipped):
            found.append(license_.id)
    return found


def identity_in(
    library: Library, header: GgufHeader, sha256: str, hashes: tuple[str, ...], found: DiscoveredModel | None
) -> ModelIdentity | None:
    """Which model a file is, by what `library` knows. `sha256` is that of the whole, `hashes` those of its parts."""
    if header.adapter:  # whatever model its words name is the one that it belongs to
        return None
    repository = found.repository if found is not None else ""
    evidence = evidence_of(header, sha256=sha256, hashes=hashes, repository=repository)
    return identify(evidence, library.catalog, library.hub_records.all())


def with_identity(model: InstalledModel, identity: ModelIdentity | None, library: Library) -> InstalledModel:
    """`model` as what it was recognized as; as it is where that is None.

    Only a known hash makes it that very model. Words make it a file that was made from that model: it keeps an id, and
    acknowledgements, of its own, and the terms of both apply.
    """
    if identity is None:
        return model
    entry, known = (
        library.catalog.find_model(identity.model),
        library.hub_records.find(identity.model, identity.endpoint),
    )
    if entry is None and known is not None:
        model = with_card(model, known)  # should it be forgotten, its terms stay
    name = entry.name if entry is not None else known.node.name if known is not None else model.name
    if model.kind != "chat" and identity.witness != "sha256":
        name = model.name  # its words may name the chat model that it was made from
    if identity.witness == "sha256":
        return replace(model, name=name, entry=identity.model, witness="sha256", endpoint=identity.endpoint)
    return replace(
        model, id=installed_id(name, model.sha256), name=name, likely=identity.model, witness=identity.witness
    )


def can_be_recognized_now(
    existing: InstalledModel,
    header: GgufHeader,
    hashes: tuple[str, ...],
    found: DiscoveredModel | None,
    library: Library,
) -> bool:
    """Whether a model that was taken in when nobody knew what it is can be recognized now."""
    if existing.model or existing.entry or existing.likely:
        return False
    return identity_in(library, header, existing.sha256, hashes, found) is not None


def with_card(model: InstalledModel, known: HubRecord) -> InstalledModel:
    """`model`, with the terms that its card named: they are those of this very commit, and no catalog has them."""
    bases = (base.id for base in known.node.bases if base.inherits)
    return replace(
        model,
        licenses=tuple(dict.fromkeys((*model.licenses, *known.node.licenses))),
        bases=tuple(dict.fromkeys((*model.bases, *bases))),
    )
