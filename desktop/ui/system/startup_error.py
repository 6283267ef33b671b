"""Reports why the program cannot start: on standard error, and in a dialog where that is no terminal or pipe."""

import contextlib
import os
import stat
import sys

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QMessageBox

from desktop.errors import UserError
from desktop.safe_text import one_line
from desktop.translation import tr
from desktop.ui.parts.untrusted_text import message_box

_SHOWN_MS = 60_000


def show_refusal(error: UserError) -> None:
    """Say why no window opens and what to do. A dialog that nobody closes goes by itself after a minute."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(one_line(str(error)) + "\n")
        sys.stderr.flush()
    if _is_read():
        return
    detail = " ".join(part for part in (error.detail, error.remedy) if part)
    box = message_box(None, tr("Latchkey"), error.title, detail)
    box.setIcon(QMessageBox.Icon.Warning)
    QTimer.singleShot(_SHOWN_MS, box.reject)
    box.exec()


def _is_read() -> bool:
    """Whether somebody reads standard error: a terminal, or a program through a pipe."""
    try:
        return os.isatty(2) or stat.S_ISFIFO(os.fstat(2).st_mode)
    except OSError:
        return False
