"""What has to be there before the engine is asked for an answer: its branch, the tools that it is offered, passages of
documents, pictures. One after another, each off the main thread; the rest on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from desktop.background import Background
from desktop.chat.active_model import ActiveModel
from desktop.chat.answer_documents import has_documents
from desktop.chat.answer_saver import AnswerSaver
from desktop.chat.answer_settings import AnswerPlace, answer_settings
from desktop.chat.answer_tools import GatheredTools, gather_tools, no_tools_note
from desktop.chat.chat_events import AnswerPhaseName, AnswerReplaced, ChatEvent
from desktop.chat.chat_tools import ChatTools
from desktop.chat.conversation_options import AnswerPlaces
from desktop.chat.message_pictures import MessagePictures
from desktop.chat.passage_finder import PassageFinder
from desktop.chat.pending_answer import PendingAnswer
from desktop.conversation import Message, ModelReference, PassagePart, Status
from desktop.engine.generation_options import CacheLevel
from desktop.engine.request_images import RequestImage
from desktop.engine.worker_messages import AnswerDone
from desktop.errors import UserError
from desktop.settings import Settings
from desktop.storage.conversation_store import ConversationStore

_USUAL_CONTEXT = 4096


class PreparedAnswers(Protocol):
    """The answers that are prepared."""

    def is_running(self, answer: PendingAnswer) -> bool: ...
    def latest(self, message: Message) -> Message: ...
    def set_phase(self, answer: PendingAnswer, phase: AnswerPhaseName, fraction: float | None = None) -> None: ...
    def wait_for_context(self, answer: PendingAnswer, context_length: int | None) -> None: ...
    def generate(self, answer: PendingAnswer) -> None: ...
    def finish(
        self, answer: PendingAnswer, status: Status, done: AnswerDone | None, error: UserError | None = None
    ) -> None: ...


@dataclass(frozen=True)
class PreparationServices:
    """Where it comes from; without `tools` no answer is offered any."""

    store: ConversationStore
    places: AnswerPlaces
    finder: PassageFinder
    pictures: MessagePictures
    tools: ChatTools | None


class AnswerPreparation:
    """`begin` ends in `PreparedAnswers.generate`, in a wait for another context, or in a failure. An answer that is
    stopped meanwhile is left alone."""

    def __init__(
        self,
        answers: PreparedAnswers,
        sources: PreparationServices,
        model: ActiveModel,
        drafts: AnswerSaver,
        background: Background,
        settings: Callable[[], Settings],
        tell: Callable[[ChatEvent], None],
        cache: CacheLevel,
    ) -> None:
        self._answers, self._sources, self._model = answers, sources, model
        self._drafts, self._background = drafts, background
        self._settings, self._tell, self._cache = settings, tell, cache

    def begin(self, answer: PendingAnswer, model: ModelReference | None) -> None:
        """Prepare an answer that `model` gives."""
        conversation_id, parent_id = answer.conversation_id, answer.message.parent_id

        def read() -> tuple[list[Message], AnswerPlace]:
            path = self._sources.store.branch(conversation_id, parent_id) if parent_id is not None else []
            return path, self._sources.places.read(conversation_id, model.id if model is not None else "")

        self._background.database(
            read, lambda found: self._read(answer, *found, model), lambda error: self._fail(answer, error)
        )

    def _read(
        self, answer: PendingAnswer, path: list[Message], place: AnswerPlace, model: ModelReference | None
    ) -> None:
        if not self._answers.is_running(answer) or answer.params is None:
            return
        counts = answer_settings(self._settings(), model.id if model is not None else "", place, self._cache)
        wanted = counts.context_length
        if answer.given_by is not None and wanted is not None:
            answer.params = replace(answer.params, context_length=wanted)
        elif answer.given_by is None and answer.params == self._model.params and not self._model.has_context(wanted):
            self._answers.wait_for_context(answer, wanted)
            return
        answer.prepare(map(self._answers.latest, path), counts, self._model.info(answer.params), model)
        self._find_tools(answer)

    # --- tools -------------------------------------------------------------------------------------------------------

    def _find_tools(self, answer: PendingAnswer) -> None:
        tools, names = self._sources.tools, answer.tool_names
        if tools is None or not names:
            self._find_passages(answer)
            return
        info = self._model.info(answer.params)
        if info is not None and not info.has_template:  # with one tools are described in words at least
            self._offer(answer, GatheredTools(notes=(no_tools_note(answer.model.name if answer.model else ""),)))
            return
        context_length = info.context_length if info is not None else 0
        if not context_length:
            context_length = (answer.params.context_length if answer.params is not None else None) or _USUAL_CONTEXT
        documents = has_documents(answer.path, answer.collections)
        self._answers.set_phase(answer, "calling")
        self._background.thread(
            lambda: gather_tools(
                tools, names, context_length, lambda: not self._answers.is_running(answer), documents=documents
            ),
            lambda gathered: self._offer(answer, gathered),
            lambda error: self._offer(answer, GatheredTools(notes=(error.title,))),
        )

    def _offer(self, answer: PendingAnswer, gathered: GatheredTools) -> None:
        if not self._answers.is_running(answer):
            return
        answer.offer(gathered, self._settings().tool_calls)
        if gathered.notes:
            self._show(answer)
        self._find_passages(answer)

    # --- passages and pictures ---------------------------------------------------------------------------------------

    def _find_passages(self, answer: PendingAnswer) -> None:
        request = answer.passage_request(self._model.info(answer.params))
        if request is None:
            self.look_and_generate(answer)
            return
        if request.takes_time:
            self._answers.set_phase(answer, "searching")
        self._background.pool(
            lambda: self._sources.finder.find(request, lambda: not self._answers.is_running(answer)),
            lambda found: self._found(answer, found),
            lambda error: self._fail(answer, error),
        )

    def _found(self, answer: PendingAnswer, passages: tuple[PassagePart, ...]) -> None:
        if not self._answers.is_running(answer):
            return
        answer.passages = passages
        if passages:
            self._show(answer)
        self.look_and_generate(answer)

    def look_and_generate(self, answer: PendingAnswer) -> None:
        """Read the pictures that the model is to be shown and was not yet, then generate."""
        path = answer.pictured_path
        if not path:
            self._answers.generate(answer)
            return
        self._background.pool(
            lambda: self._sources.pictures.read(path, lambda: not self._answers.is_running(answer)),
            lambda images: self._pictured(answer, images),
            lambda error: self._fail(answer, error),
        )

    def _pictured(self, answer: PendingAnswer, images: tuple[RequestImage, ...]) -> None:
        answer.images = images
        if self._answers.is_running(answer):
            self._answers.generate(answer)

    # --- the rest ----------------------------------------------------------------------------------------------------

    def _show(self, answer: PendingAnswer) -> None:
        self._tell(AnswerReplaced(answer.conversation_id, answer.snapshot()))
        self._drafts.schedule_save(answer.message.id)

    def _fail(self, answer: PendingAnswer, error: UserError) -> None:
        if self._answers.is_running(answer):
            self._answers.finish(answer, "failed", None, error)
