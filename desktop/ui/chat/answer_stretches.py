"""An answer cut where tools were called: each stretch is thinking, then text, then the calls that ended it.

An answer without calls is one stretch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from desktop.chat.tool_call_state import ToolCallState, ToolCallStatus
from desktop.conversation import ImagePart, MessagePart, TextPart, ThinkingPart, ToolCallPart, ToolResultPart

_LONGEST_PROBLEM = 300


@dataclass(frozen=True)
class ShownToolCall:
    """A call as it is drawn. `arguments` are those that were sent, JSON text; `written` are the model's where a person
    put others in their place, else "". `content` is the result, None as long as there is none.

    The other values are those of `ToolCallState`; `status` is None where nobody knows how an imported call ended.
    """

    call_id: str
    server: str
    tool: str
    arguments: str = ""
    written: str = ""
    status: ToolCallStatus | None = None
    state: ToolCallState | None = None
    problem: str = ""
    by: str = ""
    seconds: float = 0.0
    size: int = 0
    content: tuple[TextPart | ImagePart, ...] | None = None

    @property
    def is_asked(self) -> bool:
        """Whether a person has to decide about it."""
        return self.status == "asked"

    def with_state(self, state: ToolCallState) -> "ShownToolCall":
        """The same call as `state` says it is now."""
        edited = bool(self.arguments) and state.status not in ("asked", "waiting") and bool(self.written)
        return replace(
            self,
            call_id=state.call_id,
            server=state.server,
            tool=state.tool,
            arguments=self.arguments if edited else state.arguments,
            status=state.status,
            state=state,
            problem=state.problem,
            by=state.by,
            seconds=state.seconds,
            size=state.size,
        )


@dataclass(frozen=True)
class AnswerStretch:
    """`seconds`: how long was thought, where known."""

    thinking: str = ""
    seconds: float | None = None
    text: str = ""
    calls: tuple[ShownToolCall, ...] = ()


def call_of_state(state: ToolCallState) -> ShownToolCall:
    """A call of which no more is known than its state."""
    return ShownToolCall(state.call_id, state.server, state.tool).with_state(state)


def answer_stretches(parts: Sequence[MessagePart]) -> list[AnswerStretch]:
    """The stretches of an answer with these parts; at least one."""
    found = [AnswerStretch()]
    for part in parts:
        match part:
            case TextPart() | ThinkingPart():
                if part.text and found[-1].calls:
                    found.append(AnswerStretch())
                found[-1] = _with_words(found[-1], part)
            case ToolCallPart():
                found[-1] = replace(found[-1], calls=(*found[-1].calls, _call(part)))
            case ToolResultPart():
                _take_result(found, part)
    return found


def _with_words(stretch: AnswerStretch, part: TextPart | ThinkingPart) -> AnswerStretch:
    if isinstance(part, TextPart):
        return replace(stretch, text=stretch.text + part.text)
    seconds = stretch.seconds
    if part.seconds is not None:
        seconds = part.seconds + (seconds or 0.0)
    return replace(stretch, thinking=stretch.thinking + part.text, seconds=seconds)


def _call(part: ToolCallPart) -> ShownToolCall:
    return ShownToolCall(
        part.id,
        part.server,
        part.tool or part.name,
        part.sent or part.arguments,
        part.arguments if part.sent and part.sent != part.arguments else "",
    )


def _take_result(found: list[AnswerStretch], part: ToolResultPart) -> None:
    """Give `part` to the call that it answers, in the newest stretch that has one: of calls without an id of their own
    to the first without a result. A result that answers none stands for itself."""
    for number in range(len(found) - 1, -1, -1):
        calls = found[number].calls
        for place in range(len(calls)):
            if calls[place].call_id == part.call_id and calls[place].content is None:
                done = (*calls[:place], _answered(calls[place], part), *calls[place + 1 :])
                found[number] = replace(found[number], calls=done)
                return
    alone = _answered(ShownToolCall(part.call_id, "", part.name), part)
    found[-1] = replace(found[-1], calls=(*found[-1].calls, alone))


def _answered(call: ShownToolCall, part: ToolResultPart) -> ShownToolCall:
    status: ToolCallStatus = part.outcome or ("failed" if part.is_error else "done")
    said = next((each.text for each in part.content if isinstance(each, TextPart)), "") if status != "done" else ""
    return replace(
        call,
        status=status,
        problem=said.strip()[:_LONGEST_PROBLEM],
        by=part.by,
        seconds=part.seconds,
        size=part.size,
        content=part.content,
    )
