"""Chooses the model in use: asks the license check before the chat gets it; and suggests a first model."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.errors import NotFoundError, UserError
from desktop.translation import tr
from desktop.ui.models.model_text import blocked_labels

if TYPE_CHECKING:
    from desktop.chat.answer_service import AnswerService
    from desktop.library.library import Library
    from desktop.library.library_model import LibraryCard, LibraryModel
    from desktop.library.library_services import LibraryServices
    from desktop.library.recommendations import FirstModelSuggestion
    from desktop.ui.navigator import Navigator


class ModelDisplay(Protocol):
    """Shows which model answers."""

    def show_models(self, models: "list[LibraryModel]", in_use: "LibraryModel | None", waiting: dict[str, str]) -> None:
        """Offer `models`; `in_use` answers, and `waiting` says what some of them wait for, by id."""

    def show_blocked(self, waiting: dict[str, str]) -> None:
        """Say what some models wait for, by id."""

    def show_license_verdict(self, card: "LibraryCard | None", error: UserError | None) -> None:
        """Whether the chosen model may be used: for which purpose, or what it waits for."""

    def show_suggestion(self, suggestion: "FirstModelSuggestion | None") -> None:
        """Offer a first model, or none."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SelectionResult:
    """The models here, and the one that is wanted with what the license check says of it."""

    models: "list[LibraryModel]" = field(default_factory=list)
    model: "LibraryModel | None" = None
    card: "LibraryCard | None" = None
    error: UserError | None = None


class ModelSelection(QObject):
    """Lists the models on this disk, keeps which one is chosen, and asks the license check before the chat may use it.

    `wanted` gives the id or path in the settings, `save` stores another one.
    `checked` is emitted after each license check.
    """

    checked = Signal()

    def __init__(
        self,
        display: ModelDisplay,
        background: Background,
        library: "Library",
        chat: "AnswerService",
        *,
        wanted: Callable[[], str | None],
        save: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self._display, self._background, self._library = display, background, library
        self._chat, self._wanted, self._save = chat, wanted, save
        self._asked = 0
        self._again = False
        self._awaited = ""
        self._closed = False
        self._models: list[LibraryModel] = []
        self._waiting: dict[str, str] = {}
        self._marking = self._mark_again = False
        self.model: LibraryModel | None = None
        self.card: LibraryCard | None = None
        self.refusal: UserError | None = None
        chat.defer_sending()

    def refresh(self) -> None:
        """List the models and ask the license check again; on the main thread, what follows comes later."""
        self._asked += 1
        mine = self._asked
        chosen = self.model.id if self.model is not None else self._wanted() or ""
        awaited = self._awaited

        def found(result: SelectionResult) -> None:
            if mine == self._asked and not self._closed:
                self._apply(result)

        def failed(error: UserError) -> None:
            found(SelectionResult(error=error))

        self._background.pool(lambda: self._look(chosen, awaited), found, failed)

    def show(self) -> None:
        """Show once more what is known by now, where something is: there is one more display."""
        if self.model is not None or self.refusal is not None:
            self._display.show_models(self._models, self.model, self._waiting)
            self._display.show_license_verdict(self.card, self.refusal)
            self.checked.emit()

    def choose(self, model_id: str) -> None:
        """Answer with this model from now on, where the license check allows it.

        One that came after the models were listed (a download that just ended) is chosen as soon as it is among them.
        """
        self._again = True  # a person asks for it: it is tried although it may have failed
        model = next((held for held in self._models if held.id == model_id), None)
        self._awaited = model_id if model is None else ""
        if model is not None:
            self._keep(model)
            self._display.show_models(self._models, model, self._waiting)
        self.refresh()

    def _keep(self, model: "LibraryModel") -> None:
        if self.model is None or model.id != self.model.id:
            self._save({"model": model.id})
        self.model = model

    def reload_model(self) -> None:
        """The settings it is loaded with changed."""
        if self.model is not None and self.refusal is None and self.card is not None:
            self._chat.use_model(self.model)

    def close(self) -> None:
        """End: nothing is shown or checked any more."""
        self._closed = True

    def _look(self, wanted: str, awaited: str = "") -> SelectionResult:
        """The models here; of them the one awaited, else wanted, else the first; what the license check says of it. Off
        the main thread."""
        models = self._library.models()
        if any(held.id == awaited for held in models):
            wanted = awaited
        model = next((held for held in models if held.id == wanted), None)
        if model is None and wanted:
            try:
                model = self._library.find(wanted)
            except UserError as error:
                _log.warning("the model chosen is gone: %s", error)
            else:
                if model.kind != "chat":
                    _log.warning("the model chosen cannot chat: %s", wanted)
                    model = None
                elif all(held.id != model.id for held in models):
                    models = [*models, model]
        model = model or (models[0] if models else None)
        if model is None:
            return SelectionResult(models, error=_no_model())
        try:
            card = self._library.card(model.id)
        except UserError as error:  # a file that was never imported, or a ledger that cannot be read
            return SelectionResult(models, model, error=error)
        return SelectionResult(models, model, card, card.verdict.error)

    def _apply(self, found: SelectionResult) -> None:
        if found.model is not None and found.model.id == self._awaited:
            self._keep(found.model)
        self._awaited = ""
        self._models, self.model, self.card, self.refusal = found.models, found.model, found.card, found.error
        again, self._again = self._again, False
        self._display.show_models(found.models, found.model, self._waiting)
        self._display.show_license_verdict(found.card, found.error)
        if found.error is not None:
            self._chat.deny_model(found.error)
        elif found.model is not None:
            self._chat.use_model(found.model, again=again)
        self._update_blocked()
        self.checked.emit()

    def _update_blocked(self) -> None:
        """Mark each model with what it waits for, once that is known. The chosen one does not wait for this: the others
        rest on the ledger, whose key a keyring may ask a person for. So it is one job at a time as well."""
        if self._marking:
            self._mark_again = True
            return
        self._marking, self._mark_again = True, False

        def marked(waiting: dict[str, str]) -> None:
            self._marking = False
            if self._closed:
                return
            self._waiting = waiting
            self._display.show_blocked(waiting)
            if self._mark_again:
                self._update_blocked()

        self._background.pool(lambda: blocked_labels(self._library.cards_here()), marked, lambda _: marked({}))


def _no_model() -> NotFoundError:
    return NotFoundError(
        tr("There is no model on this computer."),
        tr("The model that comes with Latchkey is missing from this installation."),
        tr("Install Latchkey again."),
    )


class ModelSuggestionFlow(QObject):
    """Offers a first model on `display`. Nothing is looked for before `choice` has checked the models that are here,
    and nothing is asked of anybody."""

    def __init__(
        self,
        navigator: "Navigator",
        display: ModelDisplay,
        background: Background,
        assembly: "LibraryServices",
        choice: "ModelSelection",
    ) -> None:
        super().__init__()
        self._display, self._background, self._assembly, self._choice = display, background, assembly, choice
        self._looks = 0
        self._closed = False
        choice.checked.connect(self._look)
        for changed in (navigator.settings_changed, navigator.activated, navigator.page_shown):
            changed.connect(lambda *_: self._look())

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def _look(self) -> None:
        if self._closed or self._choice.model is None:
            return
        self._looks += 1
        mine = self._looks

        def show(suggestion: "FirstModelSuggestion | None") -> None:
            if mine == self._looks and not self._closed:
                self._display.show_suggestion(suggestion)

        self._background.pool(self._assembly.lookup.suggestion, show, lambda _: show(None))
