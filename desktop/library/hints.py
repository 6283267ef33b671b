"""What another app's folder says of a model, taken as a hint: it can add a license or a base, never take one away."""

from collections.abc import Sequence

from msgspec.structs import replace

from desktop.catalog.base_name import find_base
from desktop.catalog.entries import Catalog
from desktop.errors import IntegrityError
from desktop.library.elsewhere.found import FoundModel
from desktop.library.imported import ImportedModel, id_for
from desktop.licenses.texts import LicenseTexts, same_words


def with_hints(model: ImportedModel, found: FoundModel, catalog: Catalog, texts: LicenseTexts | None) -> ImportedModel:
    """`model` with what is known of `found` beside its header: its name there, its repository and commit as hints.

    Where the catalog knows that repository, the model there counts as what this one was made from. A license whose very
    words lie beside the file is its license as well.
    """
    licenses = _licenses_in(found.license_texts, catalog, texts)
    model = replace(
        model,
        id=id_for(found.name or model.name, model.sha256),
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
            data = texts.of(license_).data if texts is not None else b""
        except IntegrityError:  # whoever wants to read it is told
            continue
        if any(same_words(data, text.encode("utf-8", "replace")) for text in shipped):
            found.append(license_.id)
    return found
