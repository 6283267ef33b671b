"""Looks for a newer version when the settings ask for it."""

from typing import TYPE_CHECKING

from desktop import __version__
from desktop.background import Background
from desktop.errors import UserError
from desktop.paths import Paths
from desktop.translation import tr
from desktop.ui.settings.about_section import AboutSection

if TYPE_CHECKING:
    from collections.abc import Callable

    from desktop.network.http_client import HttpClient
    from desktop.updates.update_check import UpdateState


class UpdateFlow:
    """Between the section and the publisher's address. `client` sends the requests."""

    def __init__(
        self, section: AboutSection, background: Background, paths: Paths, client: "Callable[[], HttpClient]"
    ) -> None:
        self._section, self._background, self._paths, self._client = section, background, paths, client
        self._closed = False
        section.update_asked.connect(self._check)

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def _check(self) -> None:
        def ask() -> "UpdateState":
            from desktop.updates.update_check import UpdateCheck

            return UpdateCheck(self._paths.update_source, self._paths.seen_updates, self._client, __version__).check()

        self._background.pool(ask, self._show, self._fail)

    def _show(self, found: "UpdateState") -> None:
        newest = found.newest
        if self._closed:
            return
        if found.newer:
            text = tr("Latchkey {version} came out on {day}.")
            self._section.show_found(text.format(version=newest.version, day=newest.released.isoformat()), newest.page)
        else:
            self._section.show_found(tr("This is the newest version."))

    def _fail(self, error: UserError) -> None:
        if not self._closed:
            self._section.show_found(str(error))
