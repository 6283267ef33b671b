"""What an export of the ledger says of the models in it, from the catalog and the library: the same for window and
command."""

from collections.abc import Callable, Sequence

from desktop.catalog.catalog import Catalog
from desktop.errors import UserError
from desktop.library.library import Library
from desktop.licenses.export.export_document import (
    ExportedAncestor,
    ExportedLicense,
    ExportedModel,
    ExportedRestriction,
)
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.license_subject import LicenseSubject, NeededLicense
from desktop.licenses.license_texts import LicenseText, words_sha256

TextInForce = Callable[[str, str], LicenseText]
"""The text in force of a license for a model, given by their ids. May raise UserError."""


def exported_models(records: Sequence[LedgerRecord], library: Library, text: TextInForce) -> list[ExportedModel]:
    """What is known of each model that `records` name; nothing of one that is gone from catalog and disk."""
    found = []
    for model_id in dict.fromkeys(record.model for record in records if record.model):
        try:
            subject = library.find_listed(model_id).subject
        except UserError:
            continue
        found.append(_model(subject, library.catalog, text))
    return found


def _model(subject: LicenseSubject, catalog: Catalog, text: TextInForce) -> ExportedModel:
    return ExportedModel(
        subject.ledger_id,
        subject.name,
        subject.publisher,
        subject.repository,
        tuple(_license(needed, catalog, _words(needed, subject, text)) for needed in subject.needed),
        tuple(ExportedRestriction(term.restriction, term.from_name, term.clause) for term in subject.lineage.terms),
        tuple(ExportedAncestor(each.node.id, each.node.name) for each in subject.lineage.ancestors),
    )


def _words(needed: NeededLicense, subject: LicenseSubject, text: TextInForce) -> str:
    try:
        return words_sha256(text(needed.id, subject.id).data)
    except UserError:
        return ""  # whoever wants to read it is told


def _license(needed: NeededLicense, catalog: Catalog, words: str) -> ExportedLicense:
    known = catalog.find_license(needed.id)
    return ExportedLicense(needed.id, needed.name, (known.spdx if known else None) or "", needed.text_sha256, words)
