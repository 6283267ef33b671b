"""The flow of the access steps: fills the pages, checks and stores tokens, asks the Hub, polls pending requests."""

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background
from desktop.credentials.token_store import TokenStoreLockedError
from desktop.errors import ForbiddenError, NetworkError, UserError
from desktop.hub.repository_access import TOKENS_PAGE, RepositoryAccess
from desktop.translation import tr
from desktop.ui.access.access_page_values import GateContent, SavedToken, TokenContent, TokenInput
from desktop.ui.access.access_poller import AccessPoller
from desktop.ui.parts.notification_bar import NotificationBar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from desktop.library.library_model import LibraryCard
    from desktop.library.library_services import LibraryServices
    from desktop.ui.access.gate_step import GateStep
    from desktop.ui.access.token_step import TokenStep
    from desktop.ui.navigator import Navigator

_TICK_MS = 10_000
_FOLLOWED = ("pending",)
_DECIDED = ("granted", "rejected")


class AccessFlow(QObject):
    """Between the pages about access and the Hub.

    `changed` carries a model's id where something about it may have changed, `model_asked` that of one to be
    shown, `failed` why a page cannot be shown.
    """

    changed = Signal(str)
    model_asked = Signal(str)
    failed = Signal(object)

    def __init__(
        self, navigator: "Navigator", background: Background, assembly: "LibraryServices", news: NotificationBar
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._assembly = navigator, background, assembly
        self._getting, self._online = assembly.lookup, assembly.network
        self._news = news
        self._closed = False
        self._asked = 0
        self._stop = threading.Event()
        self._then: Callable[[], None] | None = None
        self._checking: set[str] = set()
        self.poller = AccessPoller(self._ask_quietly, lambda: self._online.switch.offline, parent=self)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._ticked)
        navigator.page_shown.connect(self._page_shown)
        navigator.when_built("token", self._connect_token)
        navigator.when_built("gate", self._connect_gate)

    def _connect_token(self, step: "TokenStep") -> None:
        step.saved.connect(self._save)
        step.left.connect(self._leave)
        step.continued.connect(self._continue)
        step.forget_asked.connect(self._forget)
        step.link_asked.connect(self._navigator.confirm_open)

    def _connect_gate(self, gate: "GateStep") -> None:
        gate.check_asked.connect(self._check)
        gate.token_asked.connect(self._token_from_gate)
        gate.continued.connect(self._leave)
        gate.left.connect(self._leave)
        gate.link_asked.connect(self._navigator.confirm_open)

    @property
    def _token_page(self) -> "TokenStep":
        return self._navigator.page("token")

    @property
    def _gate_page(self) -> "GateStep":
        return self._navigator.page("gate")

    def close(self) -> None:
        """End: no request is made and nothing shown any more."""
        self._closed = True
        self._stop.set()
        self._tick.stop()
        self.poller.close()

    def poll_pending(self, cards: "Sequence[LibraryCard]") -> None:
        """The models were listed: those whose request waits for its publisher are followed from now on."""
        for card in cards:
            known = card.listed.hub_record
            if known is not None and known.access is not None:
                self._follow(known.id, known.access.state, known.access.time)

    def _follow(self, model_id: str, state: str, asked: float) -> None:
        if state in _FOLLOWED:
            self.poller.add(model_id, asked)
        else:
            self.poller.remove(model_id)

    def _page_shown(self, page: str) -> None:
        if page == "gate":
            self._tick.start()
        else:
            self._tick.stop()

    def _ticked(self) -> None:
        content = self._gate_page.content
        following = self.poller.next_check_at(content.model_id) if content is not None else 0.0
        self._gate_page.tick(time.time(), following)

    def _leave(self) -> None:
        self._navigator.show_page("models")

    # --- the token -----------------------------------------------------------------------------------------------

    def open_token(self, model_id: str = "", *, unlock: bool = False, then: "Callable[[], None] | None" = None) -> None:
        """Ask for an access token, for a model or for none in particular; `then` is what goes on once it is kept.
        `unlock` asks only for the passphrase of the vault in which it lies."""
        self._asked += 1
        mine = self._asked

        def work() -> TokenContent:
            online = self._online
            online.tokens.retry()  # a person who unlocked the keyring meanwhile finds it so
            offer = self._getting.hub_record(model_id) if model_id else None
            name = self._assembly.library.find_listed(model_id).subject.name if model_id else ""
            return TokenContent(
                model_id,
                name,
                online.host,
                online.hub.token_page,
                online.endpoint + TOKENS_PAGE,
                online.tokens.options(),
                offer.access if offer is not None else None,
                online.tokens.place(online.host),
                unlock,
            )

        def show(content: TokenContent) -> None:
            if mine == self._asked and not self._closed:
                self._then = then
                self._token_page.show_content(content)
                self._navigator.show_page("token", entry="models")

        self._background.pool(work, show, self._fail)

    def _save(self) -> None:
        step = self._token_page
        content = step.content
        if content is None:
            return
        form = step.fields.form
        step.fields.show_error(None)
        step.fields.set_busy(True)
        if content.unlock:
            self._background.pool(lambda: self._open_vault(form), lambda _: self._continue(), self._on_token)
        else:
            self._keep(form)

    def _keep(self, form: TokenInput, *, checked: bool = True, lacking: bool = False) -> None:
        """Check a token and keep it; unchecked, or although it lacks what is needed, where the person wants that."""
        step = self._token_page

        def work() -> SavedToken:
            from desktop.network.access_token import AccessToken

            token = AccessToken(form.value, self._online.endpoint)
            who = self._online.hub.whoami(token, stop=self._stop) if checked else None
            if who is not None and who.scope_known and not who.may_read_gated and not lacking:
                return SavedToken(who, None)
            self._open_vault(form)
            place = self._online.tokens.store(token, form.place)
            self._getting.token_changed()
            return SavedToken(who, place)

        def saved(result: SavedToken) -> None:
            if self._closed:
                return
            if result.place is None:
                step.show_missing_scope(result, lambda: self._keep(form, lacking=True))
                return
            step.show_saved(result)
            model_id = step.content.model_id if step.content is not None else ""
            if model_id and checked:
                self.check_access(model_id)  # what the Hub said without a token does not count any more
            self.changed.emit(model_id)

        def failed(error: UserError) -> None:
            unreachable = isinstance(error, NetworkError | ForbiddenError) and checked
            keep = lambda: self._keep(form, checked=False)  # noqa: E731 - bound to this form
            self._on_token(error, (tr("Keep it unchecked"), keep) if unreachable else None)

        self._background.pool(work, saved, failed)

    def _open_vault(self, form: TokenInput) -> None:
        """Make or open the vault, where the token is to go there. Off the main thread."""
        vault = self._online.tokens.vault
        vault_status = vault.status()
        if form.place != "vault" or vault_status == "ready":
            return
        if vault_status == "absent":
            vault.create(form.passphrase)
        else:
            vault.unlock(form.passphrase)

    def _on_token(self, error: UserError, action: "tuple[str, Callable[[], None]] | None" = None) -> None:
        if not self._closed:
            self._token_page.show_error(error, action)

    def _forget(self) -> None:
        content = self._token_page.content

        def forgotten(_: object) -> None:
            if not self._closed and content is not None:
                self.changed.emit(content.model_id)
                self.open_token(content.model_id)

        def work() -> None:
            self._online.tokens.forget(self._online.host)
            self._getting.token_changed()

        self._background.pool(work, forgotten, self._on_token)

    def _continue(self) -> None:
        then, self._then = self._then, None
        self._leave()
        content = self._token_page.content
        if content is not None:
            self.changed.emit(content.model_id)
        if then is not None:
            then()

    # --- the gate ------------------------------------------------------------------------------------------------

    def open_gate(self, model_id: str) -> None:
        """Show what the publisher asks, and how the person stands."""
        self._asked += 1
        mine = self._asked

        def show(content: GateContent | None) -> None:
            if mine == self._asked and not self._closed and content is not None:
                self._gate_page.show_content(self._followed(content), time.time())
                self._navigator.show_page("gate", entry="models")

        self._background.pool(lambda: self._gate(model_id), show, self._fail)

    def _gate(self, model_id: str) -> GateContent | None:
        """What the gate's page says, from what is known. Off the main thread."""
        offer = self._getting.hub_record(model_id)
        if offer is None:
            return None
        listed = self._assembly.library.find_listed(model_id)
        repository = listed.hub_record.gate_repository if listed.hub_record is not None else ""
        return GateContent(
            model_id=model_id,
            model_name=listed.subject.name,
            repository=repository or offer.repository,
            host=self._online.host,
            page=f"{self._online.endpoint}/{repository or offer.repository}",
            access=offer.access,
            manual=offer.gated == "manual",
            prompt=offer.gate_prompt,
            fields=offer.gate_fields,
            checked_at=offer.checked,
        )

    def _followed(self, content: GateContent) -> GateContent:
        """`content` with when the Hub is asked next: a request that waits is followed from now on."""
        self._follow(content.model_id, content.access.state if content.access is not None else "", content.checked_at)
        return replace(content, next_check_at=self.poller.next_check_at(content.model_id))

    def _token_from_gate(self) -> None:
        content = self._gate_page.content
        if content is not None:
            self.open_token(content.model_id, then=lambda: self.open_gate(content.model_id))

    def _check(self) -> None:
        content = self._gate_page.content
        if content is not None:
            self._gate_page.set_busy(True)
            self.check_access(content.model_id)

    # --- asking --------------------------------------------------------------------------------------------------

    def check_access(self, model_id: str, *, quiet: bool = False) -> None:
        """Ask the Hub how the person stands with a model; tell it where it was decided meanwhile."""
        if model_id in self._checking or self._closed:
            return
        self._checking.add(model_id)

        def work() -> tuple[str, RepositoryAccess, GateContent | None]:
            before = self._getting.hub_record(model_id)
            state = before.access.state if before is not None and before.access is not None else ""
            access = self._getting.check_access(model_id, self._stop)
            return state, access, self._gate(model_id)

        def answered(result: tuple[str, RepositoryAccess, GateContent | None]) -> None:
            self._checking.discard(model_id)
            if self._closed:
                return
            before, access, content = result
            if content is not None:
                content = self._followed(content)
                if self._shows_gate(model_id):
                    self._gate_page.set_busy(False)
                    self._gate_page.show_content(content, time.time())
                    self._gate_page.announce(access.title)
            if before != access.state and (quiet or not self._shows_gate(model_id)):
                self._tell(model_id, before, access)
            self.changed.emit(model_id)

        def failed(error: UserError) -> None:
            self._checking.discard(model_id)
            if self._closed:
                return
            if self._shows_gate(model_id):
                self._gate_page.set_busy(False)
                if not quiet:
                    self._gate_page.show_error(error)
            if isinstance(error, TokenStoreLockedError) and error.place == "vault" and not quiet:
                self.open_token(model_id, unlock=True, then=lambda: self.check_access(model_id))

        self._background.pool(work, answered, failed)

    def _ask_quietly(self, model_id: str) -> None:
        self.check_access(model_id, quiet=True)

    def _shows_gate(self, model_id: str) -> bool:
        if self._navigator.shown != "gate":
            return False
        content = self._gate_page.content
        return content is not None and content.model_id == model_id

    def _tell(self, model_id: str, before: str, access: RepositoryAccess) -> None:
        """Notify of a decision that came while another page was shown: access was given, refused or taken back."""
        taken = before == "granted" and not access.granted
        if (access.state in _DECIDED and before in ("pending", "not-requested", "reset")) or taken:
            self._news.notify(access.title, (tr("Show"), lambda: self.model_asked.emit(model_id)))

    def _fail(self, error: UserError) -> None:
        if not self._closed:
            self.failed.emit(error)
