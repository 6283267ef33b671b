"""Between a `UserError` and the `Failed` event that carries it over the pipe."""

from typing import Literal

from desktop.engine.messages import LONGEST_TEXT, LONGEST_WORDS, Failed
from desktop.errors import (
    EngineError,
    ForbiddenError,
    IntegrityError,
    LicenseError,
    NotFoundError,
    ResourceError,
    UserError,
)
from desktop.translation import tr

Kind = Literal["engine", "resource", "not-found", "license", "forbidden", "integrity", "bug"]
_KINDS: tuple[tuple[Kind, type[UserError]], ...] = (
    ("resource", ResourceError),
    ("not-found", NotFoundError),
    ("license", LicenseError),
    ("forbidden", ForbiddenError),
    ("integrity", IntegrityError),
    ("engine", EngineError),
)


def failed(request_id: int, error: UserError, *, died: bool = False) -> Failed:
    """`error` as the event that ends request `request_id` (0: loading)."""
    kind: Kind = next((name for name, of in _KINDS if isinstance(error, of)), "engine")
    title, detail, remedy = (text[:LONGEST_WORDS] for text in (error.title, error.detail, error.remedy))
    return Failed(request_id, kind, title, detail, remedy, error.technical[-LONGEST_TEXT:], died)


def bug(request_id: int, error: Exception, trace: str) -> Failed:
    """A fault of the worker's own, with its traceback, as the event that ends request `request_id`."""
    detail = f"{type(error).__name__}: {error}"[:LONGEST_WORDS]
    return Failed(request_id, "bug", tr("The engine met an error of its own."), detail, technical=trace[-LONGEST_TEXT:])


def as_error(event: Failed) -> UserError:
    """The `UserError` that `event` carries; a bug in the worker becomes an EngineError."""
    of = dict(_KINDS).get(event.kind, EngineError)
    return of(event.title, event.detail, event.remedy, technical=event.technical)


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
