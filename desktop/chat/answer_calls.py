"""Calls of tools in answers in progress: made round after round, each decided where a person has to, until the model
calls no more. On the main thread."""

from collections.abc import Callable, Iterable
from typing import Protocol

from desktop.background import Background
from desktop.chat.answer_documents import AnswerDocuments
from desktop.chat.answer_saver import AnswerSaver
from desktop.chat.chat_approvals import ChatApprovals
from desktop.chat.chat_events import AnswerPhaseName, AnswerReplaced, ChatEvent, ToolCallsChanged
from desktop.chat.chat_tools import ChatTools
from desktop.chat.passage_finder import PassageFinder
from desktop.chat.pending_answer import PendingAnswer
from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState
from desktop.chat.tool_round import RoundServices, ToolRound
from desktop.conversation import ImagePart
from desktop.engine.answer_room import answer_room
from desktop.engine.worker_messages import AnswerDone
from desktop.tools.tool_call import ToolImage

_SHARE = 2
"""Of what is free of the context the results of one round take half at most: the answer goes on, and may call again."""


class AnswersWithCalls(Protocol):
    """The answers that the engine is asked for."""

    def is_running(self, answer: PendingAnswer) -> bool: ...
    def set_phase(self, answer: PendingAnswer, phase: AnswerPhaseName, fraction: float | None = None) -> None: ...
    def go_on(self, answer: PendingAnswer) -> None: ...


class AnswerCalls:
    """`tools` are the tool servers; `keep` stores a picture that one gave, off the main thread, `finder` finds
    passages of documents. `tell` is the listener. Without `tools` no answer is offered any."""

    def __init__(
        self,
        answers: AnswersWithCalls,
        tools: ChatTools | None,
        background: Background,
        drafts: AnswerSaver,
        tell: Callable[[ChatEvent], None],
        keep: Callable[[ToolImage], ImagePart],
        finder: PassageFinder,
    ) -> None:
        self._answers, self._background, self._drafts = answers, background, drafts
        self.tools, self._tell, self._keep = tools, tell, keep
        self._finder, self.approvals = finder, ChatApprovals()

    def begin(self, answer: PendingAnswer, done: AnswerDone) -> None:
        """The model waits for the results of the calls with which the answer was `done` so far."""
        assert self.tools is not None
        parts = answer.end_round(done)
        room = done.context_length - answer_room(done.context_length, None) - done.prompt_tokens - done.generated_tokens
        services = RoundServices(
            self.tools,
            self._background,
            self.approvals,
            answer.conversation_id,
            self._keep,
            max(room, 0) // _SHARE,
            AnswerDocuments(self._finder, answer.path, answer.collections, answer.given_passages),
        )
        answer.tool_round = ToolRound(parts, answer.offered, services, answer.spend_call, lambda: self._changed(answer))
        self._answers.set_phase(answer, "calling")
        answer.tool_round.begin()

    def decide(self, answers: Iterable[PendingAnswer], message_id: str, call_id: str, choice: ToolCallAnswer) -> None:
        """A person decided about a call of one of `answers`; nothing where nobody is asked about it any more."""
        for answer in answers:
            if answer.message.id == message_id and answer.tool_round is not None:
                answer.tool_round.decide(call_id, choice)
                return

    @staticmethod
    def states(answers: Iterable[PendingAnswer], message_id: str) -> tuple[ToolCallState, ...]:
        """The calls of one of `answers`, as they are now; () where it makes none."""
        found = (answer for answer in answers if answer.message.id == message_id)
        return next((answer.tool_calls for answer in found), ())

    def end(self, answer: PendingAnswer) -> None:
        """The answer is over, perhaps in the middle of its calls: these are stopped."""
        if answer.tool_round is not None:
            answer.tool_round.cancel()
            answer.take_calls(answer.tool_round.parts)
            self._tell(ToolCallsChanged(answer.conversation_id, answer.message.id, answer.tool_calls))
        if answer.tool_calls:
            self._tell(ToolCallsChanged(answer.conversation_id, answer.message.id, ()))

    def _changed(self, answer: PendingAnswer) -> None:
        round_ = answer.tool_round
        if round_ is None or not self._answers.is_running(answer):
            return
        answer.take_calls(round_.parts)
        self._drafts.schedule_save(answer.message.id)
        self._tell(AnswerReplaced(answer.conversation_id, answer.snapshot()))
        self._tell(ToolCallsChanged(answer.conversation_id, answer.message.id, answer.tool_calls))
        if round_.is_over:
            answer.begin_round(pictures=round_.has_pictures)
            self._answers.go_on(answer)
