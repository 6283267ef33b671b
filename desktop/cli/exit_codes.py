"""The exit codes of the command: part of its contract, so that scripts can tell failures apart."""

from desktop.errors import (
    AccessError,
    EngineError,
    ForbiddenError,
    IntegrityError,
    LicenseError,
    NetworkError,
    NotFoundError,
    ResourceError,
    UnreadableFileError,
    UserError,
)

DONE = 0
BUG = 1
USAGE = 2
INTERRUPTED = 130
READER_GONE = 141
"""As a shell says it of a program that SIGPIPE ended: 128 and the signal's number."""

_CODES: tuple[tuple[type[UserError], int], ...] = (
    (NotFoundError, 3),
    (LicenseError, 4),
    (AccessError, 5),
    (EngineError, 6),
    (IntegrityError, 7),
    (UnreadableFileError, 7),
    (ForbiddenError, 8),
    (NetworkError, 9),
    (ResourceError, 10),
)


class UsageError(UserError):
    """The command was called in a way that it does not know."""


def exit_code(error: UserError) -> int:
    """The exit code for `error`; a UserError of no known class counts as an engine failure."""
    if isinstance(error, UsageError):
        return USAGE
    return next((code for of, code in _CODES if isinstance(error, of)), 6)
