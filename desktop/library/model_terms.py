"""The terms of models that wrote stored messages, as far as the library knows them."""

import msgspec

from desktop.conversation import ModelReference
from desktop.errors import UserError
from desktop.library.library import Library


class ModelTerms:
    """Looks each model up once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[str, tuple[str, str]] = {}

    def complete(self, reference: ModelReference) -> ModelReference:
        """`reference` with license and attribution. What the message says of them itself stays: it is what was in force
        then. They stay "" where the library does not know the model any more."""
        if reference.license or reference.attribution:
            return reference
        if reference.id not in self._known:
            try:
                model = self._library.find(reference.id)
                self._known[reference.id] = (model.license, "; ".join(model.attribution))
            except UserError:
                self._known[reference.id] = ("", "")
        license_, attribution = self._known[reference.id]
        return msgspec.structs.replace(reference, license=license_, attribution=attribution)
