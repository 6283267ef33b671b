"""What an answer owes to the model that gave it: its license, what it restricts, the attribution it asks for."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from desktop.conversation import ModelReference
from desktop.ui.parts.terms import license_label, restriction_phrase

if TYPE_CHECKING:
    from desktop.library.models import LibraryModel

CreditOf = Callable[[ModelReference], str]


def no_credit(_: ModelReference) -> str:
    """Before the models are known."""
    return ""


def credit_text(license_id: str, restrictions: Iterable[str], attribution: Iterable[str]) -> str:
    """The quiet line, for one model: "Llama 3.2 · attribution, acceptable use · Built with Llama"."""
    terms = ", ".join(restriction_phrase(each) for each in restrictions)
    parts = [license_label(license_id) if license_id else "", terms, *attribution]
    return " · ".join(part for part in parts if part)


def credits_of(models: "Iterable[LibraryModel]") -> CreditOf:
    """What is owed to each of `models`; nothing is said of others."""
    texts: dict[str, str] = {}
    for model in models:
        text = credit_text(model.license, model.restrictions, model.attribution)
        texts |= {model.id: text, str(model.path): text}
    return lambda reference: texts.get(reference.id, "")
