"""Accepting what restricts nothing with one click, as the last time; and what is remembered for it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from desktop.background import Background
from desktop.errors import UserError
from desktop.licenses.acknowledgements import Acceptance, Acknowledgements
from desktop.licenses.ledger_record import account_name
from desktop.licenses.license_subject import NeededLicense
from desktop.licenses.license_verdict import unrestricted_licenses
from desktop.settings import AcceptanceSettings
from desktop.ui.licenses.license_page_values import AcceptanceInput, LicenseStepContent

if TYPE_CHECKING:
    from desktop.library.library import Library
    from desktop.ui.navigator import Navigator

Back = Literal["", "models", "licenses", "compare"]
"""The page a license step leads back to, "" for the conversation."""


class OneClickAcceptance:
    """Between a click and `acknowledgements`. `ended` is told the model, the page to go back to, and whether it was
    accepted (else the license step has to be shown); `failed` why it could not be recorded."""

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        acknowledgements: Acknowledgements,
        library: "Library",
        ended: Callable[[str, Back, bool], None],
        failed: Callable[[UserError], None],
    ) -> None:
        self._navigator, self._background, self._library = navigator, background, library
        self._acknowledgements = acknowledgements
        self._ended, self._failed = ended, failed
        self._accepting: set[str] = set()

    @property
    def _last(self) -> AcceptanceSettings:
        return self._navigator.settings.acceptance

    def proposed(self, content: LicenseStepContent) -> AcceptanceInput:
        """What is filled in of a license that restricts nothing: as the last time, at first the account's name."""
        if not content.unrestricted:
            return AcceptanceInput()
        return AcceptanceInput(self._last.name or account_name(), self._last.organization, self._last.purpose)

    def remember(self, acceptance: Acceptance) -> None:
        """A license was accepted as this."""
        last = AcceptanceSettings(acceptance.person, acceptance.organization, acceptance.purpose)
        if last != self._last:
            self._navigator.change_settings({"acceptance": last})

    def accept(
        self, model_id: str, licenses: Sequence[NeededLicense], shown: AcceptanceSettings, *, back: Back = ""
    ) -> None:
        """Accept `licenses` of a model as `shown`: exactly what the person saw beside the button, whatever the settings
        are by now. They were shown to restrict nothing; where that is not so any more, nothing is accepted."""
        if model_id in self._accepting:
            return  # a second click
        if not shown.complete or shown.purpose == "":
            self._ended(model_id, back, False)
            return
        self._accepting.add(model_id)
        acceptance = Acceptance(shown.name, shown.purpose, shown.organization)

        def accepted(done: bool) -> None:
            self._accepting.discard(model_id)
            self._ended(model_id, back, done)

        def failed(error: UserError) -> None:
            self._accepting.discard(model_id)
            self._failed(error)

        self._background.pool(lambda: self._record(model_id, licenses, acceptance), accepted, failed)

    def _record(self, model_id: str, licenses: Sequence[NeededLicense], acceptance: Acceptance) -> bool:
        """Off the main thread. Whether all of them are accepted now."""
        card = self._library.card(model_id)
        waiting = {each.needed.id for each in card.verdict.licenses if each.needs_acknowledgement}
        still = [needed for needed in licenses if needed.id in waiting]
        if not set(still) <= set(unrestricted_licenses(card.listed.subject, card.verdict)):
            return False
        for needed in still:
            self._acknowledgements.accept(card.listed.subject, needed.id, needed.text_sha256, acceptance)
        return True
