"""Between the access tokens and the settings that list them. A keyring may ask the person and take its time, so nothing
of it happens on the main thread."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from desktop.background import Background
from desktop.errors import NotFoundError, UserError
from desktop.library.online import Online
from desktop.translation import tr
from desktop.ui.access.words import may_sentence, who_sentence
from desktop.ui.network.content import Kept, kept

if TYPE_CHECKING:
    from desktop.ui.settings.network import NetworkSection


class TokenDesk:
    """Lists, checks and forgets them, opens and closes the vault. `forgotten` is called, off the main thread, once one
    is gone."""

    def __init__(
        self,
        section: "NetworkSection",
        online: Online,
        background: Background,
        forgotten: Callable[[], None],
    ) -> None:
        self._box, self._online, self._background = section.tokens, online, background
        self._forgotten = forgotten
        self._closed = False
        self._box.check_asked.connect(self._check)
        self._box.forget_asked.connect(self._forget)
        self._box.lock_asked.connect(lambda: self._do(self._online.tokens.vault.lock, self.refresh))
        self._box.unlock_asked.connect(self._unlock)

    def refresh(self) -> None:
        """List what is kept now."""
        self._background.pool(lambda: kept(self._online), self._show, self._if_open(self._box.show_error))

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def _show(self, found: Kept) -> None:
        if not self._closed:
            self._box.show_kept(found)

    def _check(self, host: str) -> None:
        def check() -> str:
            from desktop.hub.api import Hub  # with it comes all that a request takes, which most starts do without

            token = self._online.tokens.get(host)
            if token is None:
                raise NotFoundError(tr("There is no token for {host} any more.").format(host=host))
            who = Hub(self._online.client, _endpoint(self._online, host, token.origin), lambda _: token).whoami(token)
            return f"{who_sentence(who)} {may_sentence(who)}"

        told = self._if_open(lambda text: self._box.show_found(host, text))
        self._background.pool(check, told, lambda error: told(str(error)))

    def _forget(self, host: str) -> None:
        def forget() -> None:
            self._online.tokens.forget(host)
            self._forgotten()

        failed = self._if_open(lambda error: self._box.show_found(host, str(error)))
        self._background.pool(forget, self._if_open(lambda _: self.refresh()), failed)

    def _unlock(self, passphrase: str) -> None:
        unlock = self._online.tokens.vault.unlock
        self._background.pool(
            lambda: unlock(passphrase),
            self._if_open(lambda _: self.refresh()),
            self._if_open(self._box.vault.show_error),
        )

    def _do(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        self._background.pool(work, self._if_open(lambda _: then()), self._if_open(self._box.show_error))

    def _if_open(self, show: Callable[..., None]) -> Callable[..., None]:
        return lambda value: None if self._closed else show(value)


def _endpoint(online: Online, host: str, origin: str) -> str:
    """Where the token's owner is asked for: the Hub in use, with its path, where it is for that one."""
    try:
        return online.endpoint if online.host == host else origin
    except UserError:
        return origin
