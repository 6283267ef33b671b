"""One round of calls of tools: those that a model wrote at once, made beside each other, each decided by a person where
that is needed. Lives on the main thread; each call that reaches a server has a thread of its own.

What comes from a model is a tool's name and arguments. An approval is made here alone, out of what a person decided
(`decide`) about a call that they were shown, and holds for exactly that.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import msgspec

from desktop.background import Background
from desktop.chat.chat_approvals import ChatApprovals
from desktop.chat.chat_tools import ChatTools
from desktop.chat.offered_tools import OfferedTools
from desktop.chat.tool_call_job import CallJob, CallNeedsApproval, CallResult, run_call
from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState, ToolCallStatus
from desktop.conversation import ImagePart, PassagePart, TextPart, ToolCallPart, ToolOutcome, ToolResultPart
from desktop.ended_calls import cancelled_result
from desktop.errors import UserError
from desktop.tools.chat_documents import ChatDocuments
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_call import ToolArgumentsError, ToolImage, parse_arguments
from desktop.tools.tool_permission import AskReason, ToolApproval
from desktop.translation import tr

RoundPart = ToolCallPart | ToolResultPart | PassagePart

# Read by the model.
_DENIED = "The user did not allow this call."
_SPENT = "No more tools can be called in this answer. Answer from what you have."
_NO_SUCH = "There is no tool of this name."
_BAD_ARGUMENTS = "The call was not made: {reason}."


@dataclass(frozen=True)
class RoundServices:
    """What a round is made with. `keep` stores a picture that a tool gave (off the main thread), `room` is how many
    tokens the results together may take, `documents` are those of the chat, `clock` gives the time in seconds since
    1970."""

    tools: ChatTools
    background: Background
    approvals: ChatApprovals
    conversation_id: str
    keep: Callable[[ToolImage], ImagePart]
    room: int
    documents: ChatDocuments | None = None
    clock: Callable[[], float] = time.time


@dataclass
class _RoundCall:
    """One of the calls. `tool` is None where there is none of that name; `shown` is the tool as the person sees it."""

    part: ToolCallPart
    tool: ServerTool | None
    status: ToolCallStatus = "waiting"
    arguments: dict[str, Any] | None = None
    shown: ServerTool | None = None
    reason: AskReason | None = None
    place: str = ""
    problem: str = ""
    result: ToolResultPart | None = None
    passages: tuple[PassagePart, ...] = ()


class ToolRound:
    """The calls `parts` of an answer, for tools that were `offered`. `spend` takes one call of the answer's budget, and
    says whether there was one; `changed` hears of every change, and of the last one `is_over` is true."""

    def __init__(
        self,
        parts: Sequence[ToolCallPart],
        offered: OfferedTools,
        services: RoundServices,
        spend: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:
        self._services, self._spend, self._changed = services, spend, changed
        self._cancelled = Event()
        self._calls = [self._call(part, offered.tools.get(part.name)) for part in parts]

    @staticmethod
    def _call(part: ToolCallPart, tool: ServerTool | None) -> _RoundCall:
        if tool is not None:
            part = msgspec.structs.replace(part, server=tool.server, tool=tool.name)
        return _RoundCall(part, tool, shown=tool)

    @property
    def parts(self) -> tuple[RoundPart, ...]:
        """The calls, and behind them the results there are, in the order of the calls, each with its passages."""
        parts: list[RoundPart] = [call.part for call in self._calls]
        for call in self._calls:
            parts += (call.result, *call.passages) if call.result is not None else ()
        return tuple(parts)

    @property
    def states(self) -> tuple[ToolCallState, ...]:
        """Each call as people see it."""
        return tuple(map(_state, self._calls))

    @property
    def is_over(self) -> bool:
        """Whether each call has its result."""
        return all(call.result is not None for call in self._calls)

    @property
    def has_pictures(self) -> bool:
        """Whether a tool gave one."""
        results = (call.result for call in self._calls if call.result is not None)
        return any(isinstance(part, ImagePart) for result in results for part in result.content)

    def begin(self) -> None:
        """Make the calls that can be made, and ask about those that a person has to decide."""
        for call in self._calls:
            self._begin(call)
        self._changed()

    def decide(self, call_id: str, answer: ToolCallAnswer) -> None:
        """What a person decided about a call that they are asked about; of another one it says nothing."""
        call = next((each for each in self._calls if each.part.id == call_id and each.status == "asked"), None)
        if call is None or call.shown is None:
            return  # answered already, in another window perhaps
        if answer.choice == "deny":
            self._end(call, "denied", _DENIED, tr("You did not allow it."), by="person")
        else:
            self._allow(call, call.shown, answer)
        self._changed()

    def cancel(self) -> None:
        """Stop all calls that have not ended; what servers still do is not waited for."""
        self._cancelled.set()
        for call in self._calls:
            if call.result is None:
                call.status, call.result = "cancelled", cancelled_result(call.part)

    # --- one call ----------------------------------------------------------------------------------------------------

    def _begin(self, call: _RoundCall) -> None:
        if not self._spend():
            self._end(call, "failed", _SPENT, tr("The answer made as many calls of tools as it may."))
        elif call.tool is None:
            self._end(call, "failed", _NO_SUCH, tr("There is no tool of this name."))
        else:
            try:
                call.arguments = parse_arguments(call.part.arguments)
            except ToolArgumentsError as error:
                self._misfit(call, str(error))
            else:
                self._run(call, call.tool, ())

    def _allow(self, call: _RoundCall, tool: ServerTool, answer: ToolCallAnswer) -> None:
        edited = False
        if answer.arguments is not None:
            try:
                given = parse_arguments(answer.arguments)
            except ToolArgumentsError as error:
                call.problem = _sentence(str(error))
                return
            edited = given != call.arguments
            call.arguments = given
        if edited:
            sent = msgspec.json.encode(call.arguments).decode()
            call.part = msgspec.structs.replace(call.part, sent=sent)
        assert call.arguments is not None
        if answer.choice == "chat":
            self._services.approvals.add(self._services.conversation_id, ToolApproval.for_chat(tool))
        once = () if answer.choice == "chat" else (ToolApproval.of_call(tool, call.arguments),)
        self._run(call, tool, once, always=answer.choice == "always", decided=True)
        if answer.choice == "chat":
            self._run_alike(tool)

    def _run_alike(self, tool: ServerTool) -> None:
        """Those that wait for the same decision are made too."""
        for call in self._calls:
            if call.status == "asked" and call.shown == tool:
                self._run(call, tool, ())

    def _run(
        self,
        call: _RoundCall,
        tool: ServerTool,
        approvals: tuple[ToolApproval, ...],
        *,
        always: bool = False,
        decided: bool = False,
    ) -> None:
        services = self._services
        assert call.arguments is not None
        call.status, call.problem = "running", ""
        job = CallJob(
            tool,
            call.arguments,
            (*services.approvals.of(services.conversation_id), *approvals),
            services.tools,
            services.keep,
            services.room // len(self._calls),
            services.documents,
            self._cancelled.is_set,
            services.clock,
            always,
        )
        services.background.thread(
            lambda: run_call(job),
            lambda outcome: self._returned(call, outcome, decided=decided),
            lambda error: self._failed(call, error),
        )

    def _returned(self, call: _RoundCall, outcome: CallResult | CallNeedsApproval, *, decided: bool) -> None:
        if call.result is not None:
            return  # cancelled meanwhile
        if isinstance(outcome, CallNeedsApproval):
            changed = decided and call.shown is not None and outcome.tool.definition != call.shown.definition
            call.status, call.shown = "asked", outcome.tool
            call.reason = "changed" if changed else outcome.reason
            call.place = outcome.place
        elif outcome.misfit and decided:
            call.status, call.problem = "asked", _sentence(outcome.misfit)  # what they put in place does not fit
        elif outcome.misfit:
            self._misfit(call, outcome.misfit)
        else:
            call.status, call.problem, call.passages = outcome.outcome, outcome.problem, outcome.passages
            call.result = ToolResultPart(
                call.part.id,
                call.part.name,
                outcome.content,
                outcome.outcome != "done",
                outcome.outcome,
                outcome.by,
                outcome.seconds,
                outcome.size,
                outcome.at,
            )
        self._changed()

    def _failed(self, call: _RoundCall, error: UserError) -> None:
        if call.result is None:  # a mistake of ours, which the log has
            self._end(call, "failed", error.title, error.title)
            self._changed()

    def _misfit(self, call: _RoundCall, reason: str) -> None:
        self._end(call, "failed", _BAD_ARGUMENTS.format(reason=reason), _sentence(reason))

    def _end(self, call: _RoundCall, outcome: ToolOutcome, text: str, problem: str, *, by: str = "") -> None:
        call.status, call.problem = outcome, problem
        content = (TextPart(text),)
        call.result = ToolResultPart(call.part.id, call.part.name, content, True, outcome, by)


def _sentence(reason: str) -> str:
    """What is wrong with arguments, as a sentence."""
    return f"{reason[:1].upper()}{reason[1:]}." if reason else ""


def _state(call: _RoundCall) -> ToolCallState:
    tool, result = call.shown, call.result
    arguments = call.part.sent or call.part.arguments
    if call.arguments is not None:
        arguments = msgspec.json.format(msgspec.json.encode(call.arguments), indent=2).decode()
    state = ToolCallState(
        call.part.id,
        call.part.server,
        call.part.tool or call.part.name,
        arguments,
        call.status,
        reason=call.reason,
        place=call.place,
        problem=call.problem,
    )
    if tool is not None:
        state = msgspec.structs.replace(
            state, title=tool.title, description=tool.description, reads_only=tool.reads_only
        )
    if result is not None:
        state = msgspec.structs.replace(state, by=result.by, seconds=result.seconds, size=result.size)
    return state
