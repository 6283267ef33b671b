"""The flow of the engines elsewhere, on the page of the server: added, asked what they have, removed, brought back."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.navigator import Navigator
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.server.server_page_values import EndpointFacts

if TYPE_CHECKING:
    from desktop.endpoints.endpoint import Endpoint
    from desktop.endpoints.endpoint_service import EndpointCheck, EndpointService
    from desktop.ui.server.server_page import ServerPage
    from desktop.ui.server.server_page_values import NewEndpoint

_MOST_NAMED = 5


class ElsewhereFlow(QObject):
    """`is_offline` and `keep_token` (a token, and the address it is for) are called off the main thread; `keep_token`
    gives what forgets the token again, where the endpoint could not be added. `model_asked` carries the id of a
    model to be shown."""

    model_asked = Signal(str)

    def __init__(
        self,
        navigator: Navigator,
        background: Background,
        service: "EndpointService",
        news: NotificationBar,
        *,
        is_offline: Callable[[], bool],
        keep_token: Callable[[str, str], Callable[[], None]],
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._service, self._news = navigator, background, service, news
        self._is_offline, self._keep_token = is_offline, keep_token
        self._page: ServerPage | None = None
        self._said: dict[str, tuple[str, str]] = {}
        self._asking: set[str] = set()
        self._endpoints: tuple[Endpoint, ...] = ()
        self._closed = False
        navigator.when_built("server", self._connect)
        navigator.page_shown.connect(self._page_shown)
        navigator.activated.connect(self.refresh)

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def _connect(self, page: "ServerPage") -> None:
        self._page = page
        page.view.elsewhere.action_asked.connect(self._act)
        page.form.submitted.connect(self._add)

    def _page_shown(self, name: str) -> None:
        if name == "server":
            self._read()

    def refresh(self) -> None:
        """Endpoints or the offline switch may be others now."""
        if not self._closed and self._navigator.shown == "server":
            self._read()

    def _read(self) -> None:
        self._background.pool(lambda: (self._service.endpoints(), self._is_offline()), self._show, self._fail)

    def _show(self, found: "tuple[tuple[Endpoint, ...], bool]") -> None:
        self._endpoints, offline = found
        if self._closed or self._page is None:
            return
        self._page.view.elsewhere.show_endpoints(
            tuple(
                EndpointFacts(each, *self._said.get(each.name, ("", "")), asking=each.name in self._asking)
                for each in self._endpoints
            ),
            offline=offline,
        )

    def _fail(self, error: UserError) -> None:
        if not self._closed and self._page is not None:
            self._page.view.elsewhere.show_error(error)

    # --- what is asked for ---------------------------------------------------------------------------------------

    def _act(self, action: str, name: str) -> None:
        if action == "check":
            self._check(name)
        elif action == "remove":
            self._background.pool(lambda: self._service.remove(name), self._removed, self._fail)
        else:
            found = next((each for each in self._endpoints if each.name == name and each.models), None)
            if found is not None:
                self.model_asked.emit(f"{found.name}/{found.models[0].id}")
            else:
                self._navigator.show_page("models")

    def _check(self, name: str) -> None:
        if name in self._asking:
            return
        self._asking.add(name)
        self._said.pop(name, None)

        def ended(said: str, problem: str) -> None:
            self._asking.discard(name)
            self._said[name] = said, problem
            self.refresh()

        self._background.pool(
            lambda: self._service.check(name),
            lambda found: ended(_checked_words(found), ""),
            lambda error: ended("", " ".join(each for each in (error.title, error.detail, error.remedy) if each)),
        )
        self._read()

    def _removed(self, gone: "Endpoint") -> None:
        self._said.pop(gone.name, None)
        if self._closed:
            return
        said = tr("{name} is removed. Nothing is sent to {host} any more.")
        said = said.format(name=gone.name, host=isolated(gone.host))
        self._news.notify(said, (tr("Undo"), lambda: self._restore(gone)))
        self.refresh()

    def _restore(self, gone: "Endpoint") -> None:
        self._background.pool(lambda: self._service.restore(gone), lambda _: self.refresh(), self._fail)

    def _add(self, new: "NewEndpoint") -> None:
        page = self._page
        assert page is not None

        def work() -> "EndpointCheck":
            address = self._service.check_new(new.name, new.url, new.context_length)
            forget = self._keep_token(new.token, address) if new.token else None
            try:
                return self._service.add(new.name, new.url, new.license, new.context_length)
            except UserError:
                if forget is not None:
                    forget()
                raise

        def added(found: "EndpointCheck") -> None:
            if self._closed:
                return
            self._said[new.name] = _checked_words(found), ""
            page.form.clear()
            page.go_back()
            self.refresh()

        def failed(error: UserError) -> None:
            if not self._closed:
                page.form.show_error(error)

        self._background.pool(work, added, failed)


def _checked_words(found: "EndpointCheck") -> str:
    said: Any = tr("It answers. Models it has now: {count}.").format(count=len(found.endpoint.models))
    if found.gone:
        said += " " + tr("No longer there: {models}.").format(models=", ".join(map(isolated, found.gone[:_MOST_NAMED])))
    if found.left_out:
        said += " " + tr("Left out, as their names cannot be shown: {count}.").format(count=found.left_out)
    return str(said)
