"""How answers and loads end that no worker could end itself: as values to tell the person."""

from desktop.engine.messages import Delta, Done, Generate, Prompted
from desktop.errors import EngineError
from desktop.translation import tr


def cancelled(request: Generate, prompted: Prompted | None = None, delta: Delta | None = None) -> Done:
    """The end of an answer that was cancelled, with what is known of it so far."""
    return Done(
        id=request.id,
        stop_reason="cancelled",
        prompt_tokens=prompted.prompt_tokens if prompted else 0,
        cached_tokens=prompted.cached_tokens if prompted else 0,
        generated_tokens=delta.generated_tokens if delta else 0,
        time_to_first_token_s=None,
        tokens_per_s=delta.tokens_per_s if delta else None,
        prompt_tokens_per_s=None,
        seed=request.sampling.seed or 0,
        context_length=prompted.context_length if prompted else 0,
        dropped_messages=prompted.dropped_messages if prompted else 0,
    )


def loading_cancelled() -> EngineError:
    return EngineError(tr("Loading was cancelled."))


def no_model() -> EngineError:
    return EngineError(tr("No model is loaded."), remedy=tr("Choose a model first."))


def not_started(error: OSError) -> EngineError:
    """No worker process could be started."""
    return EngineError(
        tr("The engine could not be started."),
        tr("The system says: {reason}.").format(reason=error.strerror or str(error)),
        tr("Install Latchkey again."),
    )


def died_loading(file: str, reason: str, technical: str) -> EngineError:
    """The worker died while it read `file`."""
    return EngineError(
        tr("{file} could not be loaded: the engine stopped while reading it.").format(file=file),
        tr("Its process is gone: {reason}.").format(reason=reason),
        tr("Download the file again, or choose another model."),
        technical=technical,
    )


def died(reason: str, technical: str) -> EngineError:
    """The worker died in the middle of an answer or a probe."""
    return EngineError(
        tr("The engine stopped unexpectedly."),
        tr("Its process is gone: {reason}.").format(reason=reason),
        tr("Ask again: it starts by itself."),
        technical=technical,
    )


def bug(error: Exception) -> EngineError:
    """A fault of our own; its traceback is in the log."""
    return EngineError(
        tr("The engine met an error of its own."),
        f"{type(error).__name__}: {error}",
        tr("Ask again; where it happens again, report it."),
    )
