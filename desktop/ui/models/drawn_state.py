"""What of a card and of a model's status is drawn: where it is the same as before, nothing is drawn anew."""

from dataclasses import replace

from desktop.library.library_model import LibraryCard
from desktop.library.status import ModelStatus, ReadyStep


def drawn_of_card(card: LibraryCard) -> object:
    """Everything of a card that is drawn, to be compared. Errors are compared by what they say."""
    verdict = card.verdict
    return card.listed, verdict.licenses, verdict.refusal, str(verdict.error), verdict.purpose, card.refused_purposes


def drawn_of_status(status: ModelStatus | None) -> object:
    """Everything of a status that is drawn; the space on the disk in steps of 100 MB."""
    if status is None:
        return None
    step, offer = status.step, status.offer
    rest = sorted((name, value) for name, value in vars(step).items() if name != "error")
    free = round(status.free_bytes, -8) if status.free_bytes is not None else None
    seen = None
    if offer is not None:
        seen = (offer.commit, offer.files, offer.access, offer.access_revoked, offer.gate_prompt)
    return (
        type(step),
        str(getattr(step, "error", None)),
        rest,
        replace(status, step=ReadyStep(""), offer=None, free_bytes=free),
        seen,
    )
