"""The log file: what went wrong and when, for the person and for us. Access tokens never reach it."""

import logging
import logging.handlers
import re
import sys
import threading
from pathlib import Path
from types import TracebackType

from desktop.safe_text import escape_controls

_TOKEN = re.compile(r"hf_[A-Za-z0-9]{4,}")
_HEADER = re.compile(
    r"\b(Bearer\s+|authorization['\"]?\s*[:=]\s*b?['\"]?Basic\s+)(?!hf_\[)[^\s'\",;]{8,}", re.IGNORECASE
)
# The second form: a password with a slash in it, which is not a port and a path with an @.
_PASSWORD = re.compile(
    r"(\b[a-z][a-z0-9+.-]{0,20}://)(?:[^\s/@'\"]+|[^\s/@:'\"]+:(?!\d+(?:/|$))[^\s'\"]{1,500})@", re.IGNORECASE
)
# Of an address that was signed for one download, whatever proves the signature.
_SIGNED = re.compile(r"([?&](?:[\w-]*(?:signature|token|credential|policy|key[\w-]*))=)[^&\s'\"]+", re.IGNORECASE)
_SHORTEST_HIDDEN = 6
_LIMIT_BYTES = 2_000_000
_hidden: set[str] = set()
_hiding = threading.Lock()


def hide(secret: str) -> None:
    """Have `secret` replaced wherever this process logs it from here on. The log is the process's, and so is this.

    Texts shorter than six characters are not hidden: they would be found in the middle of words.
    """
    if len(secret) >= _SHORTEST_HIDDEN:
        with _hiding:
            _hidden.add(secret)


def redact(text: str) -> str:
    """`text` without access tokens, headers that carry one, passwords in addresses, and what signs an address."""
    with _hiding:
        # The longest first: one secret may be the beginning of another.
        secrets = sorted(_hidden, key=len, reverse=True)
    for secret in secrets:
        text = text.replace(secret, "[redacted]")
    text = _TOKEN.sub("hf_[redacted]", text)
    text = _HEADER.sub(r"\1[redacted]", text)
    text = _PASSWORD.sub(r"\1[redacted]@", text)
    return _SIGNED.sub(r"\1[redacted]", text)


class _RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # Escaped first: a token with a character in it that is left out would be found by nobody any more. Further
        # lines are set in, so that no text can pass for a record of its own.
        return redact(escape_controls(super().format(record)).replace("\n", "\n    "))


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log that cannot be written any more, on a full disk say, says nothing: it is no reason for a traceback."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """See the class."""


def start_log(path: Path) -> bool:
    """Write records from level INFO up to `path` (three files of 2 MB at most). False where it cannot be written."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler: logging.Handler = _LogFile(
            path, maxBytes=_LIMIT_BYTES, backupCount=2, encoding="utf-8", errors="backslashreplace"
        )
    except OSError:
        root.addHandler(logging.NullHandler())
        return False
    handler.setFormatter(_RedactingFormatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    logging.captureWarnings(True)
    return True


def log_to_stderr() -> None:
    """Write warnings and errors to standard error: where there is no log file they would be lost."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)


def log_uncaught() -> None:
    """Send exceptions that nobody caught, in any thread, to the log with their traceback."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        logging.getLogger("latchkey").critical("uncaught error", exc_info=(kind, error, trace))

    def report_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            report(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = report
    threading.excepthook = report_thread
