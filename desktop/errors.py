"""The tree of errors: what a person can act on, told apart from what is a bug.

    UserError                     title, detail, remedy; shown where it happened
    ├── NotFoundError             no such model, file or conversation
    ├── UnreadableFileError       a document or picture that cannot be read
    │   └── PasswordNeededError   its password is missing, or another one
    ├── LicenseError              license not acknowledged, revoked, or its text changed
    ├── AccessError               token or gate
    ├── EngineError               the engine could not load or run a model
    │   └── ContextFullError      a conversation does not fit the model's context whole
    ├── IntegrityError            a hash, the ledger or the database does not hold
    ├── ForbiddenError            policy, purpose or the offline switch forbids it
    ├── NetworkError              network or server
    └── ResourceError             disk or memory does not suffice

Every other exception but StoppedError is a bug: it is not caught on the way, and goes to the log with its traceback.
"""


class StoppedError(Exception):
    """Who asked for something does not want it any more, and has it stopped. Nothing is wrong."""


class UserError(Exception):
    """Something a person can act on.

    `title` says what happened in a few words, `detail` why, `remedy` the one thing to do next. All three are
    already translated. `technical` is for the log and for "Details": never needed to understand the error.
    """

    def __init__(self, title: str, detail: str = "", remedy: str = "", *, technical: str = "") -> None:
        super().__init__(title, detail, remedy)
        self.title = title
        self.detail = detail
        self.remedy = remedy
        self.technical = technical

    def __str__(self) -> str:
        """The error as one sentence after another, for a terminal line or a log record."""
        return " ".join(part for part in (self.title, self.detail, self.remedy) if part)


class NotFoundError(UserError):
    """No such model, file or conversation."""


class UnreadableFileError(UserError):
    """A document or picture cannot be read: damaged, too large, of a format that is not taken, or it changed."""


class PasswordNeededError(UnreadableFileError):
    """A document opens with a password only. `wrong` says that one was given, and that it is another one."""

    def __init__(
        self, title: str, detail: str = "", remedy: str = "", *, technical: str = "", wrong: bool = False
    ) -> None:
        super().__init__(title, detail, remedy, technical=technical)
        self.wrong = wrong


class LicenseError(UserError):
    """The license is not acknowledged, was revoked, or its text changed."""


class AccessError(UserError):
    """The access token or the gate stands in the way."""


class EngineError(UserError):
    """The engine could not load or run a model."""


class ContextFullError(EngineError):
    """A conversation takes `needed_tokens`, more than the model's context has room for, and none of it may be left
    out: whoever asked is to say what happens then."""

    def __init__(
        self, title: str, detail: str = "", remedy: str = "", *, technical: str = "", needed_tokens: int = 0
    ) -> None:
        super().__init__(title, detail, remedy, technical=technical)
        self.needed_tokens = needed_tokens


class IntegrityError(UserError):
    """A hash, the ledger or the database does not hold."""


class ForbiddenError(UserError):
    """Policy, purpose or the offline switch forbids it."""


class NetworkError(UserError):
    """The network or a server failed."""


class ResourceError(UserError):
    """Disk or memory does not suffice."""
