"""How answers and loads end that no worker could end itself: as values to tell the person."""

from desktop.engine import hardware
from desktop.engine.answer_progress import AnswerProgress
from desktop.engine.failures import failed, library_unusable, reinstall_remedy
from desktop.engine.messages import Done, Failed, Probed
from desktop.engine.orders import AnswerOrder, LoadOrder, ProbeOrder, Waiting
from desktop.engine.process import Death
from desktop.errors import EngineError, UserError
from desktop.translation import tr


def loading_cancelled() -> EngineError:
    return EngineError(tr("Loading was cancelled."))


def never_begun(order: Waiting) -> Done | Failed | Probed:
    """The end of an order that still waited when it was cancelled, or the engine closed."""
    match order:
        case AnswerOrder(request):
            return AnswerProgress(request).cancelled()
        case LoadOrder():
            return failed(0, loading_cancelled())
        case ProbeOrder():
            return not_probed(closed())


def closed() -> EngineError:
    return EngineError(tr("The engine was closed."))


def not_probed(error: UserError) -> Probed:
    """What is said of a machine whose worker could not say it."""
    return Probed("", str(error), (), hardware.cpu_features(), tr("not known"))


def no_model() -> EngineError:
    return EngineError(tr("No model is loaded."), remedy=tr("Choose a model first."))


def not_started(error: OSError) -> EngineError:
    """No worker process could be started."""
    return EngineError(
        tr("The engine could not be started."),
        tr("The system says: {reason}.").format(reason=error.strerror or str(error)),
        reinstall_remedy(),
    )


def died_starting(death: Death) -> EngineError:
    """The worker died before it said a word."""
    if death.library_error:
        return library_unusable(death.library_error, death.technical)
    return EngineError(
        tr("The engine could not be started: it stopped at once."),
        tr("Its process is gone: {reason}.").format(reason=death.reason),
        reinstall_remedy(),
        technical=death.technical,
    )


def died_loading(file: str, death: Death) -> EngineError:
    """The worker died while it read `file`, of no crash."""
    again = tr("Download the file again, or choose another model.")
    return EngineError(
        tr("{file} could not be loaded: the engine stopped while reading it.").format(file=file),
        tr("Its process is gone: {reason}.").format(reason=death.reason),
        tr("Close other programs, or choose a smaller model.") if death.kind == "killed" else again,
        technical=death.technical,
    )


def died_rendering(death: Death) -> EngineError:
    """The worker died, again, while it made a prompt of the conversation."""
    return EngineError(
        tr("The engine stopped while it prepared this conversation for the model."),
        tr("Its process is gone: {reason}.").format(reason=death.reason),
        tr("Start a new conversation, or choose another model."),
        technical=death.technical,
    )


def unusable(file: str, reason: str, technical: str) -> EngineError:
    """The worker died of `file` in every way that it was tried."""
    return EngineError(
        tr("{file} cannot be used on this computer.").format(file=file),
        tr("The engine stopped in every way that it was tried, at last like this: {reason}.").format(reason=reason),
        tr("Choose another model, or download the file again."),
        technical=technical,
    )


def known_unusable(file: str, reason: str, technical: str) -> EngineError:
    """As `unusable`, when that was seen before: nothing was tried now."""
    return EngineError(
        tr("{file} cannot be used on this computer.").format(file=file),
        tr("The engine stopped in every way that it was tried before: {reason}.").format(reason=reason),
        tr("Choose another model, or try again."),
        technical=technical,
    )


def file_changed(death: Death) -> EngineError:
    """The worker died in the middle of an answer, and its model's file is not what it was."""
    return EngineError(
        tr("The file of the model changed while it answered."),
        tr("The engine's process is gone: {reason}.").format(reason=death.reason),
        tr("Choose the model again, or download it again."),
        technical=death.technical,
    )


def endless() -> EngineError:
    """The worker said more than any context holds."""
    return EngineError(
        tr("This answer does not come to an end."),
        tr("The engine sends more than any context holds."),
        tr("Choose another model, or another file of this one."),
    )


def died(death: Death) -> EngineError:
    """The worker died in the middle of an answer, for no fault of the model's; the next question starts another."""
    return EngineError(
        tr("The engine stopped unexpectedly."),
        tr("Its process is gone: {reason}.").format(reason=death.reason),
        tr("Ask again: it starts by itself."),
        technical=death.technical,
    )


def bug(error: Exception) -> EngineError:
    """A fault of our own; its traceback is in the log."""
    return EngineError(
        tr("The engine met an error of its own."),
        f"{type(error).__name__}: {error}",
        tr("Ask again; where it happens again, report it."),
    )
