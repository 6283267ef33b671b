"""The license check's errors for the window: with a button in place of the command that the error names."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.errors import IntegrityError, LicenseError, UserError
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryCard
    from desktop.ui.parts.error_box import ErrorAction


def refusal_with_action(
    error: UserError, card: "LibraryCard | None", open_step: Callable[[str], None], open_licenses: Callable[[], None]
) -> "tuple[UserError, ErrorAction] | None":
    """`error` in the window's words, with the button that settles it; None where no acceptance would settle it.

    `card` is the model that is chosen, None for a file that was never imported. `open_step` opens its license step,
    `open_licenses` the Licenses page.
    """
    if isinstance(error, LedgerKeyLockedError):
        return for_window(error), (tr("Licenses…"), open_licenses)
    if card is None:
        return None
    verdict = card.verdict
    known = verdict.error.title if verdict.error is not None else ""
    broken = verdict.refusal == "ledger" and isinstance(error, IntegrityError) and error.title == known
    if not broken and not isinstance(error, LicenseError):
        return None
    model_id = card.listed.subject.id
    remedy = tr("Read the license and accept it; what you typed is kept.")
    if broken:
        remedy = tr("Accept the license afresh: the old records are kept, and marked. The Licenses page says more.")
    kind = type(error)
    return kind(error.title, error.detail, remedy, technical=error.technical), (
        tr("Read and accept…"),
        lambda: open_step(model_id),
    )


def for_window(error: LedgerKeyLockedError) -> LedgerKeyLockedError:
    """The same with what the window offers: its Licenses page leads on both ways."""
    remedy = tr(
        "Unlock the keyring and try again. Or begin a new segment on the Licenses page, with a new key in a file: what"
        " was recorded stays, unsealed, and licenses are accepted again."
    )
    return LedgerKeyLockedError(error.title, error.detail, remedy, technical=error.technical)
