"""Failures as the two interfaces tell them: a status, and JSON in the form that each has for it."""

from dataclasses import dataclass
from typing import Any, Literal

from desktop.engine.engine_errors import error_from_event
from desktop.engine.worker_messages import RequestFailed
from desktop.errors import (
    ContextFullError,
    EngineError,
    ForbiddenError,
    IntegrityError,
    LicenseError,
    NotFoundError,
    ResourceError,
    UnreadableFileError,
    UserError,
)
from desktop.safe_text import mark_unseen, repair_surrogates
from desktop.translation import tr

ApiStyle = Literal["openai", "anthropic"]
_LONGEST = 4000
_OPENAI_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


class ApiError(Exception):
    """A request that is refused or fails: the HTTP `status`, a sentence, and OpenAI's `code` and `param` for it."""

    def __init__(self, status: int, message: str, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = mark_unseen(repair_surrogates(message), _LONGEST, keep="\n")
        self.code = code
        self.param = param

    def body(self, style: ApiStyle) -> dict[str, Any]:
        """The JSON that says so."""
        if style == "anthropic":
            kind = _ANTHROPIC_TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "api_error")
            return {"type": "error", "error": {"type": kind, "message": self.message}}
        kind = _OPENAI_TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {
            "error": {"message": self.message, "type": kind, "param": self.param or None, "code": self.code or None}
        }


@dataclass(frozen=True)
class _Answer:
    """How an error of a kind is answered."""

    of: type[UserError]
    status: int
    code: str


# A class stands before those that it is one of. What the engine refuses was asked for; what fails in it is told apart.
_ANSWERS = (
    _Answer(LicenseError, 403, "license_not_in_force"),
    _Answer(ForbiddenError, 403, "forbidden_by_policy"),
    _Answer(IntegrityError, 403, "integrity"),
    _Answer(NotFoundError, 404, "model_not_found"),
    _Answer(ContextFullError, 400, "context_length_exceeded"),
    _Answer(UnreadableFileError, 400, "invalid_image"),
    _Answer(ResourceError, 503, "insufficient_memory"),
    _Answer(EngineError, 400, "cannot_be_answered"),
)


def api_error(error: UserError) -> ApiError:
    """A `UserError` as it is answered: with all three of its sentences."""
    found = next((each for each in _ANSWERS if isinstance(error, each.of)), _Answer(UserError, 500, "internal_error"))
    return ApiError(found.status, str(error), found.code)


def failed_answer(event: RequestFailed) -> ApiError:
    """An answer's failure in the engine."""
    if event.died or event.kind == "bug":
        return ApiError(503 if event.died else 500, str(error_from_event(event)), "engine_failed")
    return api_error(error_from_event(event))


def failed_load(event: RequestFailed) -> ApiError:
    """A model that could not be loaded."""
    error = error_from_event(event)
    if event.kind in ("engine", "bug"):
        return ApiError(503, str(error), "model_not_loaded")
    return api_error(error)


def stopping_error() -> ApiError:
    """The server ends."""
    return ApiError(503, tr("The server is stopping."), "stopping")
