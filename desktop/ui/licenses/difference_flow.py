"""The flow of the difference page: compares two license texts, and goes back to the license step or page it came
from."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from desktop.background import Background
from desktop.errors import UserError
from desktop.ui.licenses.license_page_values import DifferenceContent, LicenseStepContent
from desktop.ui.licenses.one_click_acceptance import Back

if TYPE_CHECKING:
    from desktop.ui.licenses.difference_page import DifferencePage
    from desktop.ui.licenses.license_page_loader import LicensePageLoader
    from desktop.ui.licenses.license_step import LicenseStep
    from desktop.ui.navigator import Navigator


class OpenLicenseStep(Protocol):
    """Shows the license step of a model."""

    def __call__(self, model_id: str, license_id: str = "", *, back: Back = "") -> None: ...


class DifferenceFlow:
    """Between what asks for a difference and the page that shows it. The texts are compared in the pool.

    `open_step` shows a license step, `failed` is told why nothing could be compared.
    """

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        gather: "LicensePageLoader",
        open_step: OpenLicenseStep,
        failed: Callable[[UserError], None],
    ) -> None:
        self._navigator, self._background, self._gather = navigator, background, gather
        self._open_step, self._failed = open_step, failed
        self._back: Back = ""
        self._asked = 0
        self._closed = False

    @property
    def _page(self) -> "DifferencePage":
        return self._navigator.page("difference")

    @property
    def _license_step(self) -> "LicenseStep":
        return self._navigator.page("license")

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def forget(self) -> None:
        """Something else is to be shown by now."""
        self._asked += 1

    def open_changes(self, model_id: str, license_id: str, *, back: Back) -> None:
        """Show what changed in a license since it was accepted; the step itself where nothing can be compared."""

        def show(content: DifferenceContent | None) -> None:
            if content is None:
                self._open_step(model_id, license_id, back=back)
            else:
                self._show(content, back)

        self._ask(lambda: self._gather.difference(model_id, license_id), show)

    def open_standard(self, step: LicenseStepContent, *, back: Back) -> None:
        """Show in what the text of a license step differs from the standard one, and lead back to the step."""

        def show(content: DifferenceContent | None) -> None:
            if content is None:  # the text became another one meanwhile
                self._open_step(step.subject.id, step.needed.id, back=back)
            else:
                self._show(content, back)

        self._ask(lambda: self._gather.standard_difference(step.subject.id, step.needed.id), show)

    def read(self) -> None:
        """From the difference on to the whole text."""
        content = self._page.content
        if content is not None and content.from_step:
            self.leave()
        elif content is not None:
            self._open_step(content.subject.id, content.difference.new.id, back=self._back)

    def leave(self) -> None:
        """Back to where the difference was asked for."""
        content = self._page.content
        step = self._license_step.content if content is not None and content.from_step else None
        if step is not None:
            self._navigator.show_page("license", entry=self._back)
        else:
            self._navigator.show_page(self._back)

    def _ask(
        self, work: Callable[[], DifferenceContent | None], show: Callable[[DifferenceContent | None], None]
    ) -> None:
        self._asked += 1
        mine = self._asked
        self._background.pool(
            work, lambda content: show(content) if mine == self._asked and not self._closed else None, self._failed
        )

    def _show(self, content: DifferenceContent, back: Back) -> None:
        self._back = back
        self._page.show_content(content, back)
        self._navigator.show_page("difference", entry=back)
