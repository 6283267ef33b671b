"""The flow of endpoints on the page of models: looks what one has now, removes one, and brings it back."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop.background import Background
from desktop.errors import UserError
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.endpoints.endpoint import Endpoint
    from desktop.endpoints.endpoint_service import EndpointCheck, EndpointService
    from desktop.ui.models.models_page import ModelsPage
    from desktop.ui.navigator import Navigator


class EndpointFlow(QObject):
    """Between the page of models and the endpoints, whose changes are told by the service itself."""

    def __init__(self, navigator: "Navigator", background: Background, service: "EndpointService") -> None:
        super().__init__()
        self._navigator, self._background, self._service = navigator, background, service
        self._closed = False
        navigator.when_built("models", self._connect)

    def _connect(self, page: "ModelsPage") -> None:
        page.detail.endpoint_check_asked.connect(self.check)
        page.detail.endpoint_remove_asked.connect(self.remove)

    @property
    def _page(self) -> "ModelsPage":
        return self._navigator.page("models")

    def check(self, name: str) -> None:
        """Ask an endpoint what it has now."""
        self._page.show_problem(None)
        self._background.pool(lambda: self._service.check(name), self._checked, self._fail)

    def _checked(self, found: "EndpointCheck") -> None:
        if self._closed:
            return
        text = tr("{name} answers. Models it has now: {count}.").format(
            name=found.endpoint.name, count=len(found.endpoint.models)
        )
        if found.gone:
            text += " " + tr("No longer there: {models}.").format(models=", ".join(found.gone[:5]))
        self._page.show_done(text)

    def remove(self, name: str) -> None:
        """Remove an endpoint; it can be brought back at once."""
        self._background.pool(lambda: self._service.remove(name), self._removed, self._fail)

    def _removed(self, gone: "Endpoint") -> None:
        if self._closed:
            return
        text = tr("{name} is removed. Nothing is sent to {host} any more.").format(name=gone.name, host=gone.host)
        self._page.show_done(text, (tr("Undo"), lambda: self._restore(gone)))

    def _restore(self, gone: "Endpoint") -> None:
        def restored(_: None) -> None:
            if not self._closed:
                self._page.show_done(tr("{name} is back.").format(name=gone.name))

        self._background.pool(lambda: self._service.restore(gone), restored, self._fail)

    def close(self) -> None:
        """End: nothing is shown any more."""
        self._closed = True

    def _fail(self, error: UserError) -> None:
        if not self._closed:
            self._page.show_problem(error)
