"""One call of a tool, made off the main thread: checked, decided by the permissions, and its result taken over."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from desktop.chat.chat_tools import ChatTools, ToolCalling
from desktop.chat.tool_result_parts import result_content
from desktop.conversation import ImagePart, PassagePart, TextPart, ToolOutcome
from desktop.ended_calls import NOT_CARRIED_OUT
from desktop.errors import ForbiddenError, StoppedError, UserError
from desktop.tools.chat_documents import ChatDocuments
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_call import ToolArgumentsError, ToolImage, ToolResult
from desktop.tools.tool_permission import AskReason, CallDenied, ToolApproval
from desktop.tools.tool_refusals import ApprovalNeededError
from desktop.tools.tool_server import BUILT_IN

# Read by the model.
_NOT_ALLOWED = "This call is not allowed."
_FAILED = "The call failed: {reason}"


@dataclass(frozen=True)
class CallJob:
    """A call of `tool`, as it was offered or shown, with what a person approved. `keep` stores a picture that it gives,
    `room` is how many tokens its text may take. With `always` a person allowed the tool, as it is, for always."""

    tool: ServerTool
    arguments: dict[str, Any]
    approvals: tuple[ToolApproval, ...]
    tools: ChatTools
    keep: Callable[[ToolImage], ImagePart]
    room: int
    documents: ChatDocuments | None
    is_cancelled: Callable[[], bool]
    clock: Callable[[], float]
    always: bool = False


@dataclass(frozen=True)
class CallNeedsApproval:
    """A person is to be asked about the call of `tool`; `place` says where it runs."""

    tool: ServerTool
    reason: AskReason
    place: str


@dataclass(frozen=True)
class CallResult:
    """How it ended, with `content` for the model and `problem`, one sentence for people, where it failed. `misfit` says
    what is wrong with the arguments, "" for nothing. `passages` are those of the chat's documents that it gave."""

    outcome: ToolOutcome
    content: tuple[TextPart | ImagePart, ...]
    problem: str = ""
    by: str = ""
    seconds: float = 0.0
    size: int = 0
    at: float = 0.0
    misfit: str = ""
    passages: tuple[PassagePart, ...] = ()


def run_call(job: CallJob) -> CallResult | CallNeedsApproval:
    """Make the call, or say why it is not made. Raises nothing but bugs."""
    from desktop.tools.argument_schema import check_arguments  # not small

    service, began, at, by = job.tools.service(), time.monotonic(), job.clock(), ""
    try:
        check_arguments(job.tool.schema, job.arguments)
        if job.always:
            service.set_permission(job.tool, "always")
        by = _allowed_by(service, job)
        result = service.call(
            job.tool.server,
            job.tool.name,
            job.arguments,
            job.approvals,
            person_present=job.tools.person_present,
            documents=job.documents,
            is_cancelled=job.is_cancelled,
        )
        return _result(job, result, by, at, time.monotonic() - began)
    except ApprovalNeededError as needed:
        return CallNeedsApproval(needed.tool, needed.reason, _place(service, needed.tool))
    except ToolArgumentsError as error:
        return CallResult("failed", (), misfit=str(error))
    except StoppedError:
        return CallResult("cancelled", (TextPart(NOT_CARRIED_OUT),), by=by, seconds=time.monotonic() - began, at=at)
    except ForbiddenError as error:
        content = (TextPart(_NOT_ALLOWED),)
        return CallResult("denied", content, _sentences(error), _denied_by(service, job))
    except UserError as error:
        content = (TextPart(_FAILED.format(reason=error.title)),)
        return CallResult("failed", content, _sentences(error), by, time.monotonic() - began, at=at)


def _result(job: CallJob, result: ToolResult, by: str, at: float, seconds: float) -> CallResult:
    content = result_content(result, job.room, job.keep)
    outcome: ToolOutcome = "failed" if result.failed else "done"
    return CallResult(outcome, content, "", by, result.seconds or seconds, result.size, at, passages=result.passages)


def _allowed_by(service: ToolCalling, job: CallJob) -> str:
    """Due to what the call may be made, where it may."""
    rule = service.rule(job.tool)
    if rule is None and job.tool.server == BUILT_IN:
        return "built-in"
    if rule is not None and rule.permission == "always" and rule.definition == job.tool.definition:
        return "always"
    own = [each for each in job.approvals if each.covers(job.tool, job.arguments)]
    return "approval" if any(each.arguments is not None for each in own) else "chat" if own else ""


def _denied_by(service: ToolCalling, job: CallJob) -> str:
    try:
        present = job.tools.person_present
        decision = service.decide(job.tool, job.arguments, job.approvals, person_present=present)
    except UserError:
        return ""
    return decision.reason if isinstance(decision, CallDenied) else ""


def _place(service: ToolCalling, tool: ServerTool) -> str:
    try:
        return service.place(tool.server)
    except UserError:  # it was removed just now: the call will say so
        return ""


def _sentences(error: UserError) -> str:
    return " ".join(filter(None, (error.title, error.remedy)))
