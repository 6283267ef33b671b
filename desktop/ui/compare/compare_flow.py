"""The flow of the page that compares: who answers, what is asked, and which answer is kept."""

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent

from desktop.background import Background
from desktop.chat import chat_events
from desktop.chat.answer_comparison import AnswerComparison, ComparedExchange, ComparedSide, CompareSettings
from desktop.chat.preset_file import BUILT_IN_PRESETS, Preset, PresetFile
from desktop.errors import LicenseError, UserError
from desktop.translation import tr
from desktop.ui.chat.answer_phase_text import answer_phase_text
from desktop.ui.chat.context_card import spoken_end
from desktop.ui.chat.message_footer import credits_of
from desktop.ui.compare.compare_text import settings_text
from desktop.ui.compare.side_menus import model_menu, settings_menu
from desktop.ui.parts.place_text import goes_to_text

if TYPE_CHECKING:
    from desktop.chat.answer_service import AnswerService
    from desktop.conversation import Conversation, Message
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.library.library_model import LibraryCard, LibraryModel
    from desktop.library.recommendations import FirstModelSuggestion
    from desktop.ui.compare.compare_column import CompareColumn
    from desktop.ui.compare.compare_page import ComparePage
    from desktop.ui.navigator import Navigator

_LOOK_MS = 250
_SEED_BITS = 31


class ComparePlace(Protocol):
    """Where a comparison happens: the conversation that is open, and its composer."""

    @property
    def answers(self) -> "AnswerService | None":
        """The answers of that conversation's store; None before there are any."""

    @property
    def conversation_id(self) -> str | None: ...

    def draft(self) -> str:
        """What is typed in the chat."""

    def set_draft(self, text: str) -> None:
        """Have this be typed in the chat."""


class CompareFlow(QObject):
    """Between the page and an `AnswerComparison` in the conversation that is open. `license_asked` carries the id of a
    model whose license is to be read."""

    license_asked = Signal(str)

    def __init__(
        self,
        navigator: "Navigator",
        background: Background,
        place: ComparePlace,
        engine: "MultiModelEngine",
        presets: PresetFile,
    ) -> None:
        super().__init__()
        self._navigator, self._background, self._place, self._engine = navigator, background, place, engine
        self._preset_file = presets
        self._presets: dict[str, Preset] = dict(BUILT_IN_PRESETS)
        self._models: list[LibraryModel] = []
        self._in_use: LibraryModel | None = None
        self._waiting: dict[str, str] = {}
        self._chosen: list[LibraryModel | None] = [None, None]
        self._settings = [CompareSettings(), CompareSettings()]
        self._comparison: AnswerComparison | None = None
        self._sides: tuple[ComparedSide, ...] = ()
        self._seed: int | None = None
        self._asked_in = ""
        self._asking = self._closed = False
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look_for_memory)
        navigator.when_built("compare", self._connect)

    def _connect(self, page: "ComparePage") -> None:
        page.sent.connect(self._send)
        page.left.connect(self.leave)
        page.stopped.connect(self._stop_all)
        page.typed.connect(self._typed)
        page.again_asked.connect(self._ask_again)
        page.link_asked.connect(self._navigator.confirm_open)
        page.set_credits(credits_of(self._models))
        for place, column in enumerate(page.columns):
            column.model_asked.connect(lambda at=place: self._open_models(at))
            column.settings_asked.connect(lambda at=place: self._open_settings(at))
            column.stop_asked.connect(lambda at=place: self._stop(at))
            column.keep_asked.connect(lambda at=place: self._keep(at))
            column.license_asked.connect(lambda at=place: self._open_license(at))

    @property
    def _page(self) -> "ComparePage":
        return self._navigator.page("compare")

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        self._timer.stop()
        self._forget()

    # --- coming and going ----------------------------------------------------------------------------------------

    def open(self) -> None:
        """Show the page: with the comparison of the conversation that is open, where there is one, else a new one."""
        answers, conversation_id = self._place.answers, self._place.conversation_id
        if answers is None or conversation_id is None:
            return
        page = self._page
        if self._comparison is None or self._asked_in != conversation_id or not self._sides:
            self._forget()
            self._asked_in = conversation_id
            self._comparison = AnswerComparison(answers, self._background, lambda: self._navigator.settings, self._hear)
            self._choose_first()
            page.show_idle()
            self._show_sides()
            page.composer.set_text(self._place.draft())
            self._read_presets()
        self._navigator.show_page("compare")

    def leave(self) -> None:
        """Back to the chat. What is answered goes on, and can be come back to; what is typed is there as well."""
        if self._sides and not self._page.answering:
            self._forget()
        self._navigator.show_page("")

    def _forget(self) -> None:
        self._timer.stop()
        if self._comparison is not None:
            self._comparison.close()
        self._comparison, self._sides, self._asking = None, (), False

    def _read_presets(self) -> None:
        def read(found: dict[str, Preset]) -> None:
            self._presets = found

        self._background.pool(self._preset_file.presets, read)

    def _typed(self, text: str) -> None:
        """What is typed here is the chat's draft as well: it is kept as that."""
        if not self._sides and not self._asking:
            self._place.set_draft(text)

    # --- who answers ---------------------------------------------------------------------------------------------

    def show_models(self, models: "list[LibraryModel]", in_use: "LibraryModel | None", waiting: dict[str, str]) -> None:
        """Offer `models`; `in_use` answers in the chat, and `waiting` says what some of them wait for, by id."""
        self._models, self._in_use, self._waiting = models, in_use, waiting
        if self._navigator.is_built("compare"):
            self._page.set_credits(credits_of(models))

    def show_blocked(self, waiting: dict[str, str]) -> None:
        """Say what some models wait for, by id."""
        self._waiting = waiting

    def show_license_verdict(self, card: "LibraryCard | None", error: UserError | None) -> None:
        """Nothing: each column says for itself where a license is missing."""

    def show_suggestion(self, suggestion: "FirstModelSuggestion | None") -> None:
        """Nothing."""

    def _choose_first(self) -> None:
        """The model of the chat, and beside it the one chosen before, or another that may be used, or the same."""
        here = {model.id: model for model in self._models}
        first = self._in_use or (self._models[0] if self._models else None)
        before = self._chosen[1]
        others = [each for each in self._models if first is None or each.id != first.id]
        # What is written goes to another machine only where a person chose that.
        usable = [each for each in others if each.id not in self._waiting and each.served is None]
        second = here.get(before.id) if before is not None else None
        self._chosen = [first, second or next(iter(usable), first)]

    def _show_sides(self) -> None:
        for column, model, settings in zip(self._page.columns, self._chosen, self._settings, strict=True):
            if model is None:
                column.show_model("", "", "", ())
            else:
                away = model.served is not None
                column.show_model(model.name, model.quantization, model.license, model.restrictions, away=away)
            column.show_settings(settings_text(settings))
        served = [model.served.endpoint for model in self._chosen if model is not None and model.served is not None]
        places = {each.host: goes_to_text(each) for each in served}
        self._page.composer.show_goes_to(" ".join(places.values()))

    def _open_models(self, place: int) -> None:
        button = self._page.columns[place].model_button

        def choose(model: "LibraryModel") -> None:
            self._chosen[place] = model
            self._show_sides()

        menu = model_menu(self._page.theme, button, self._models, self._chosen[place], self._waiting, choose)
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def _open_settings(self, place: int) -> None:
        button = self._page.columns[place].settings_button

        def change(settings: CompareSettings) -> None:
            self._settings[place] = settings
            self._show_sides()

        menu = settings_menu(self._page.theme, button, self._settings[place], self._presets, change)
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def _open_license(self, place: int) -> None:
        if place < len(self._sides):
            self.license_asked.emit(self._sides[place].model.id)

    # --- asking --------------------------------------------------------------------------------------------------

    def _send(self, text: str) -> None:
        models = [model for model in self._chosen if model is not None]
        if self._comparison is None or self._asking or len(models) != len(self._chosen):
            return
        answers = self._place.answers
        if answers is not None and answers.queue.busy(self._asked_in):
            self._page.show_error(
                UserError(
                    tr("An answer of this chat is in progress."),
                    remedy=tr("Wait until it has ended, or stop it, and ask again."),
                )
            )
            return
        sides = tuple(ComparedSide(model, settings) for model, settings in zip(models, self._settings, strict=True))
        seed = _new_seed() if self._page.same_seed.isChecked() else None
        comparison = self._comparison

        def begun(exchange: ComparedExchange) -> None:
            if self._closed or comparison is not self._comparison:
                return
            self._asking, self._sides, self._seed = False, sides, seed
            page = self._page
            page.show_asked(exchange.question.text)
            page.composer.set_text("")
            self._place.set_draft("")
            for column, answer in zip(page.columns, exchange.answers, strict=True):
                column.begin(answer)
            self._timer.start()

        self._asking = comparison.ask(text, self._asked_in, sides, seed, begun, self._failed)

    def _failed(self, error: UserError) -> None:
        self._asking = False
        if not self._closed:
            self._page.show_error(error)

    def _ask_again(self, place: int, _message_id: str) -> None:
        column = self._page.columns[place]
        if self._comparison is None or column.message is None or column.answering or place >= len(self._sides):
            return

        def begun(answer: "Message") -> None:
            if not self._closed:
                column.begin(answer)
                self._timer.start()

        self._comparison.ask_again(column.message, self._sides[place], self._seed, begun, self._failed)

    def _stop(self, place: int) -> None:
        message = self._page.columns[place].message
        if self._comparison is not None and message is not None:
            self._comparison.stop(message)

    def _stop_all(self) -> None:
        for place, column in enumerate(self._page.columns):
            if column.answering:
                self._stop(place)

    def _keep(self, place: int) -> None:
        message = self._page.columns[place].message
        if self._comparison is None or message is None:
            return

        def kept(_: "Conversation") -> None:
            if not self._closed:
                self._forget()
                self.leave()

        self._comparison.keep(message, kept, self._failed)

    # --- the answers ---------------------------------------------------------------------------------------------

    def _column_of(self, message_id: str) -> "CompareColumn | None":
        columns = self._page.columns
        return next((each for each in columns if each.message is not None and each.message.id == message_id), None)

    def _hear(self, event: "chat_events.ChatEvent") -> None:
        if self._closed:
            return
        match event:
            case chat_events.AnswerPhase():
                if (column := self._column_of(event.message_id)) is not None:
                    column.transcript.set_phase(event.message_id, answer_phase_text(event))
            case chat_events.AnswerDelta():
                if (column := self._column_of(event.message_id)) is not None:
                    column.transcript.append_text(event.message_id, event.text, event.thinking)
            case chat_events.AnswerReplaced():
                if (column := self._column_of(event.message.id)) is not None:
                    column.transcript.restate(event.message)
            case chat_events.AnswerFinished():
                if (column := self._column_of(event.message.id)) is not None:
                    column.finish(event.message, _for_window(event.error))
                    said = f"{column.transcript.accessibleName()}: {spoken_end(event.message)}"
                    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._page, said))

    def _look_for_memory(self) -> None:
        """Say why an answer has not begun yet, where that is for want of memory or of a second place in one worker."""
        if self._comparison is None or not self._page.answering:
            self._timer.stop()
            return
        loads = [self._comparison.load_params(side) for side in self._sides]
        for column, params in zip(self._page.columns, loads, strict=True):
            waits = column.answering and self._engine.waits_for_memory(params)
            text = tr("There is not enough memory for both models at once: this answer comes after the other.")
            column.show_note(text if waits else "")
        if len(set(loads)) == 1 and loads[0].parallel < len(loads):
            text = tr("This model gives one answer at a time here: the second one comes after the first.")
            self._page.columns[1].show_note(text if self._page.columns[0].answering else "")


def _for_window(error: UserError | None) -> UserError | None:
    """A refusal with what the window offers in place of the command that the error names."""
    if not isinstance(error, LicenseError):
        return error
    remedy = tr("Read the license and accept it, then try again. The other answer goes on.")
    return type(error)(error.title, error.detail, remedy, technical=error.technical)


def _new_seed() -> int:
    import secrets

    return secrets.randbits(_SEED_BITS)
