"""The log file: what went wrong and when, for the person and for us. Access tokens never reach it."""

import logging
import logging.handlers
import re
import sys
import threading
from pathlib import Path
from types import TracebackType

_TOKEN = re.compile(r"hf_[A-Za-z0-9]{4,}")
_LIMIT_BYTES = 2_000_000


def redact(text: str) -> str:
    """`text` with every Hub access token in it replaced."""
    return _TOKEN.sub("hf_[redacted]", text)


class _RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def start_log(path: Path) -> bool:
    """Write records from level INFO up to `path` (three files of 2 MB at most). False where it cannot be written."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
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
