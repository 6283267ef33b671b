"""Shows the events of chat session, engine and license check on the chat page."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop.errors import UserError
from desktop.settings import Settings
from desktop.translation import tr
from desktop.ui.chat.chat_page import ChatPage
from desktop.ui.chat.message_footer import credits_of
from desktop.ui.parts.place_text import goes_to_text
from desktop.ui.parts.terms_text import purpose_name

if TYPE_CHECKING:
    from desktop.chat.chat_events import ChatEvent, EngineChanged
    from desktop.library.library_model import LibraryCard, LibraryModel
    from desktop.library.recommendations import FirstModelSuggestion
    from desktop.ui.parts.error_box import ErrorAction


class ChatDisplay(QObject):
    """Draws on `page`. `settings` gives those in force.

    `model_chosen` carries the id of a model that is to be loaded again, `license_asked` that of one whose license is
    to be read; `licenses_asked` where the page of licenses is to be shown.
    """

    model_chosen = Signal(str)
    license_asked = Signal(str)
    licenses_asked = Signal()
    answer_finished = Signal(object)

    def __init__(self, page: ChatPage, settings: Callable[[], Settings]) -> None:
        super().__init__(page)
        self._page, self._settings = page, settings
        self._model_id: str | None = None
        self._card: LibraryCard | None = None
        self._refusal: UserError | None = None
        self._shows_error = False

    def handle_event(self, event: "ChatEvent") -> None:
        """Show an event of an answer or of the engine."""
        from msgspec.structs import replace

        from desktop.chat import chat_events

        page = self._page
        match event:
            case chat_events.AnswerDelta():
                page.show_text(event)
            case chat_events.AnswerReplaced():
                page.show_restated(event)
            case chat_events.AnswerPhase():
                page.show_phase(event)
            case chat_events.ToolCallsChanged():
                page.calls.show_calls(event)
            case chat_events.AnswerFinished():
                refusal = self._license_refusal(event.error) if event.error is not None else None
                page.show_finished(replace(event, error=refusal[0]) if refusal is not None else event)
                self.answer_finished.emit(event)
            case chat_events.MessageAdded():
                page.show_added(event)
            case chat_events.ContextUsed():
                page.show_context(event)
            case chat_events.MessageChanged():
                page.show_changed(event)
            case chat_events.BranchDeleted():
                page.branches.tell_deleted(event)
            case chat_events.QueueChanged():
                page.queue.take_change(event)
            case chat_events.ContextChosen():
                page.context.take_choice(event.conversation_id, event.choice)
            case chat_events.EngineChanged():
                self._show_engine(event)
            case chat_events.ChatFailed():
                page.show_failed(event)
                self._show_refusal(event.error)

    def show_models(self, models: "list[LibraryModel]", in_use: "LibraryModel | None", waiting: dict[str, str]) -> None:
        """Offer `models`; `in_use` answers, and `waiting` says what some of them wait for, by id."""
        self._model_id = in_use.id if in_use is not None else None
        self._page.top_bar.show_models(models)
        self._page.top_bar.show_blocked(waiting)
        self._page.top_bar.show_model(in_use)
        served = in_use.served if in_use is not None else None
        self._page.composer.show_goes_to(goes_to_text(served.endpoint) if served is not None else "")
        self._page.empty.show_model(in_use)
        self._page.set_credits(credits_of(models))

    def show_blocked(self, waiting: dict[str, str]) -> None:
        """Say what some models wait for, by id."""
        self._page.top_bar.show_blocked(waiting)

    def show_license_verdict(self, card: "LibraryCard | None", error: UserError | None) -> None:
        """Whether the chosen model may be used: for which purpose, or what it waits for."""
        self._card, self._refusal = card, error
        purpose = card.verdict.purpose if card is not None and error is None else ""
        self._page.top_bar.show_purpose(purpose_name(purpose) if purpose else "")
        self._page.empty.show_license_verdict(card, self._settings().acceptance)

    def show_suggestion(self, suggestion: "FirstModelSuggestion | None") -> None:
        """Offer a first model on the empty page, or none."""
        self._page.empty.show_suggestion(suggestion)

    def _show_engine(self, event: "EngineChanged") -> None:
        bar = self._page.top_bar
        self._page.composer.meter.set_total(event.context_length)
        if event.state == "loading":
            percent = round((event.fraction or 0) * 100)
            bar.show_loading(event.fraction or 0.0, tr("Loading… {percent} %").format(percent=percent))
        else:
            bar.show_loading(None, event.notice)
        if event.error is not None:
            model = event.model_id or self._model_id or ""
            self._shows_error = True
            if event.error is self._refusal and self._page.shown_transcript is None:
                return  # the page says so already, in place of a conversation
            again = (tr("Try again"), lambda: self.model_chosen.emit(model))
            close = (tr("Close"), lambda: self._page.show_error(None))
            if not self._show_refusal(event.error):
                self._page.show_error(event.error, again if model else close)
        elif self._shows_error and event.state == "ready":
            self._shows_error = False
            self._page.show_error(None)

    def _license_refusal(self, error: UserError) -> "tuple[UserError, ErrorAction] | None":
        from desktop.ui.licenses.refusal_text import refusal_with_action

        return refusal_with_action(error, self._card, self.license_asked.emit, self.licenses_asked.emit)

    def _show_refusal(self, error: UserError) -> bool:
        """Where a person's acceptance would settle `error`, say so with the button that leads there."""
        refusal = self._license_refusal(error)
        if refusal is not None:
            self._page.show_error(*refusal)
            self._shows_error = True
        return refusal is not None
