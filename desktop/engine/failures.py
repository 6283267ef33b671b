"""Between a `UserError` and the `Failed` event that carries it over the pipe."""

from typing import Literal

from desktop.engine.messages import Failed
from desktop.errors import (
    EngineError,
    ForbiddenError,
    IntegrityError,
    LicenseError,
    NotFoundError,
    ResourceError,
    UserError,
)

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
    return Failed(request_id, kind, error.title, error.detail, error.remedy, error.technical, died)


def as_error(event: Failed) -> UserError:
    """The `UserError` that `event` carries; a bug in the worker becomes an EngineError."""
    of = dict(_KINDS).get(event.kind, EngineError)
    return of(event.title, event.detail, event.remedy, technical=event.technical)
