"""What an answer owes to the model that gave it, in one quiet line: license, restrictions, attribution."""

from desktop.conversation import ModelReference
from desktop.errors import UserError
from desktop.library.models import Library, LibraryModel


def credit(model: LibraryModel) -> str:
    """The line for one model: "Alpaca 7B: CC-BY-NC-4.0, research-only, non-commercial; Built with Llama"."""
    terms = ", ".join(part for part in (model.license, *model.restrictions) if part)
    return f"{model.name}: " + "; ".join(part for part in (terms, *model.attribution) if part)


class Credits:
    """The same for messages that are kept, as far as their models are still known here."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[str, str] = {}

    def of(self, reference: ModelReference) -> str:
        """What is owed for a message of that model; "" where nothing is known of it any more."""
        if reference.id not in self._known:
            try:
                self._known[reference.id] = credit(self._library.find(reference.id))
            except UserError:
                self._known[reference.id] = ""
        return self._known[reference.id]
