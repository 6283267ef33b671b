"""The engine's errors: one for each way in which loading or answering fails, and their form on the worker's pipe."""

from typing import TYPE_CHECKING, Literal

from desktop.child_process_command import program_replaced_error
from desktop.engine import hardware
from desktop.engine.message_bounds import LONGEST_TEXT, LONGEST_WORDS
from desktop.engine.worker_messages import ProbeResult, RequestFailed
from desktop.errors import (
    AccessError,
    ContextFullError,
    EngineError,
    ForbiddenError,
    IntegrityError,
    LicenseError,
    NetworkError,
    NotFoundError,
    ResourceError,
    UserError,
)
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.engine.worker_process import WorkerExit

ErrorKind = Literal[
    "engine", "context-full", "resource", "not-found", "license", "access", "forbidden", "integrity", "network", "bug"
]
_KINDS: tuple[tuple[ErrorKind, type[UserError]], ...] = (
    ("resource", ResourceError),
    ("not-found", NotFoundError),
    ("license", LicenseError),
    ("access", AccessError),
    ("forbidden", ForbiddenError),
    ("integrity", IntegrityError),
    ("network", NetworkError),
    ("context-full", ContextFullError),
    ("engine", EngineError),
)
"""A class stands before those that it is one of."""


def failure_event(request_id: int, error: UserError, *, died: bool = False) -> RequestFailed:
    """`error` as the event that ends request `request_id` (0: loading)."""
    kind: ErrorKind = next((name for name, of in _KINDS if isinstance(error, of)), "engine")
    title, detail, remedy = (text[:LONGEST_WORDS] for text in (error.title, error.detail, error.remedy))
    needed = error.needed_tokens if isinstance(error, ContextFullError) else 0
    return RequestFailed(request_id, kind, title, detail, remedy, error.technical[-LONGEST_TEXT:], died, needed)


def bug_event(request_id: int, error: Exception, trace: str) -> RequestFailed:
    """A fault of the worker's own, with its traceback, as the event that ends request `request_id`."""
    detail = f"{type(error).__name__}: {error}"[:LONGEST_WORDS]
    return RequestFailed(
        request_id, "bug", tr("The engine met an error of its own."), detail, technical=trace[-LONGEST_TEXT:]
    )


def error_from_event(event: RequestFailed) -> UserError:
    """The `UserError` that `event` carries; a bug in the worker becomes an EngineError."""
    said = event.title, event.detail, event.remedy
    if event.kind == "context-full":
        return ContextFullError(*said, technical=event.technical, needed_tokens=event.needed_tokens)
    of = dict(_KINDS).get(event.kind, EngineError)
    return of(*said, technical=event.technical)


def library_unusable(reason: str, technical: str) -> EngineError:
    """llama.cpp's libraries are missing, or are not those that this version was made for."""
    return EngineError(
        tr("The engine's library is missing, or of another version than Latchkey needs."),
        tr("The system says: {reason}.").format(reason=reason.rstrip(".")),
        reinstall_remedy(),
        technical=technical,
    )


def reinstall_remedy() -> str:
    """What to do where the engine itself does not work, whatever the model."""
    return tr("Run “make” again where Latchkey was built, or install Latchkey again.")


def loading_cancelled() -> EngineError:
    return EngineError(tr("Loading was cancelled."))


def embedding_cancelled() -> EngineError:
    return EngineError(tr("Reading the text was cancelled."))


def unusable_vectors() -> EngineError:
    """The worker sent other vectors than were asked for."""
    return EngineError(
        tr("The engine gave no usable result for this text."), remedy=tr("Try again, or choose another model.")
    )


def engine_closed() -> EngineError:
    return EngineError(tr("The engine was closed."))


def failed_probe(error: UserError) -> ProbeResult:
    """The ProbeResult to use where the worker gave none."""
    return ProbeResult("", str(error), (), hardware.cpu_features(), tr("not known"))


def no_model_loaded() -> EngineError:
    return EngineError(tr("No model is loaded."), remedy=tr("Choose a model first."))


def worker_not_started(error: OSError) -> EngineError:
    """No worker process could be started."""
    if replaced := program_replaced_error(str(error)):
        return EngineError(replaced.title, replaced.detail, replaced.remedy, technical=replaced.technical)
    return EngineError(
        tr("The engine could not be started."),
        tr("The system says: {reason}.").format(reason=error.strerror or str(error)),
        reinstall_remedy(),
    )


def died_starting(death: "WorkerExit") -> EngineError:
    """The worker died before it sent anything."""
    if death.library_error:
        return library_unusable(death.library_error, death.technical)
    return EngineError(
        tr("The engine could not be started: it stopped at once."),
        tr("Its process is gone: {reason}.").format(reason=death.reason),
        reinstall_remedy(),
        technical=death.technical,
    )


def driver_stopped(plugin: str) -> str:
    """The engine goes on without GPUs, as the driver that `plugin` starts ended it."""
    return tr(
        "Models run on the processor: the driver of the graphics card stopped the engine ({plugin}). It is tried again "
        "after this computer was restarted."
    ).format(plugin=plugin)


def driver_failed(plugin: str, reason: str) -> EngineError:
    """`driver_stopped` with how the engine ended, for a report."""
    return EngineError(
        driver_stopped(plugin),
        tr("Its process is gone: {reason}.").format(reason=reason),
        tr("“latchkey engine test” has it tried again at the next start."),
    )


def gpu_unused(problem: str) -> EngineError:
    """A plug-in for GPUs is there and cannot be used; `problem` is a sentence."""
    return EngineError(problem, remedy=tr("Models run on the processor. Install Latchkey again, or the plug-in."))


def died_loading(file: str, death: "WorkerExit") -> EngineError:
    """The worker died while it read `file`, of no crash."""
    again = tr("Download the file again, or choose another model.")
    return EngineError(
        tr("{file} could not be loaded: the engine stopped while reading it.").format(file=file),
        tr("Its process is gone: {reason}.").format(reason=death.reason),
        tr("Close other programs, or choose a smaller model.") if death.kind == "killed" else again,
        technical=death.technical,
    )


def died_rendering(death: "WorkerExit") -> EngineError:
    """The worker died, again, while it made a prompt of the conversation."""
    return EngineError(
        tr("The engine stopped while it prepared this conversation for the model."),
        tr("Its process is gone: {reason}.").format(reason=death.reason),
        tr("Start a new conversation, or choose another model."),
        technical=death.technical,
    )


def sees_no_pictures() -> EngineError:
    """A picture was to be shown to a model without a projector."""
    return EngineError(
        tr("This model cannot see pictures."),
        tr("There is an image in the conversation, and no projector (mmproj) was loaded with the model."),
        tr("Choose a model that sees, or ask without the image."),
    )


def model_crashes(file: str, reason: str, technical: str) -> EngineError:
    """The worker died of `file` in every way that it was tried."""
    return EngineError(
        tr("{file} cannot be used on this computer.").format(file=file),
        tr("The engine stopped in every way that it was tried, at last like this: {reason}.").format(reason=reason),
        tr("Choose another model, or download the file again."),
        technical=technical,
    )


def model_known_to_crash(file: str, reason: str, technical: str) -> EngineError:
    """As `model_crashes`, where that was found earlier: the file was not tried again."""
    return EngineError(
        tr("{file} cannot be used on this computer.").format(file=file),
        tr("The engine stopped in every way that it was tried before: {reason}.").format(reason=reason),
        tr("Choose another model, or try again."),
        technical=technical,
    )


def file_changed(death: "WorkerExit") -> EngineError:
    """The worker died in the middle of an answer, and its model's file is not what it was."""
    return EngineError(
        tr("The file of the model changed while it answered."),
        tr("The engine's process is gone: {reason}.").format(reason=death.reason),
        tr("Choose the model again, or download it again."),
        technical=death.technical,
    )


def answer_too_long() -> EngineError:
    """The worker sent more text or tokens than any context holds."""
    return EngineError(
        tr("This answer does not come to an end."),
        tr("The engine sends more than any context holds."),
        tr("Choose another model, or another file of this one."),
    )


def died_answering(death: "WorkerExit") -> EngineError:
    """The worker died in the middle of an answer, for no fault of the model's; the next question starts another."""
    return EngineError(
        tr("The engine stopped unexpectedly."),
        tr("Its process is gone: {reason}.").format(reason=death.reason),
        tr("Ask again: it starts by itself."),
        technical=death.technical,
    )


def bug_error(error: Exception) -> EngineError:
    """A fault of our own; its traceback is in the log."""
    return EngineError(
        tr("The engine met an error of its own."),
        f"{type(error).__name__}: {error}",
        tr("Ask again; where it happens again, report it."),
    )
