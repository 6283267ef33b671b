"""How files are read and found on this machine, for the page of documents. Not for the main thread."""

from desktop.documents.search_models import SearchModels
from desktop.errors import UserError
from desktop.library.library import Library
from desktop.settings import Settings
from desktop.ui.documents.documents_page_values import ReadingFacts
from desktop.ui.documents.shared_documents import SharedReader
from desktop.ui.parts.terms_text import license_label


def reading_facts(library: Library, settings: Settings, reader: SharedReader) -> ReadingFacts:
    """Which model finds passages by meaning, under which license, or why none does; and whether reading is confined."""
    confined = reader.is_confined()
    try:
        model = SearchModels(library, lambda: settings).embedding()
    except UserError as error:
        return ReadingFacts(why_no_model=error.title, confined=confined)
    licenses: tuple[str, ...] = ()
    for card in library.cards_here("embedding"):
        if card.listed.model is not None and str(card.listed.model.path) == model.path:
            licenses = tuple(card.listed.subject.lineage.node.licenses)
    return ReadingFacts(model.name, ", ".join(map(license_label, licenses)), confined=confined)
