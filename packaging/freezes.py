"""Measures how long the window stands still at most in what is known to be hard for it: large pastes, hostile answers.

    python packaging/freezes.py [CASE ...]

A watched loop handles one round of events after the other; said is the longest that the main thread computed in one, in
milliseconds of its CPU time. More than 100 are marked. No display is needed.
"""

import gc
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP)]

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from desktop.ui.window.main_window import MainWindow

MOST_MS = 100.0
LINE = "One line that has no end, with **marks** and `code` in it. " * 18_000
LINES = "def f(value):\n    return value  # and why\n" * 24_000


class Watchdog:
    """The longest round of the event loop since `start`, in milliseconds."""

    def __init__(self, application: "QApplication") -> None:
        self._application = application
        self.longest = 0.0

    def do(self, act: Callable[[], object]) -> None:
        """`act` is one round."""
        began = time.thread_time()
        act()
        self.longest = max(self.longest, 1000 * (time.thread_time() - began))

    def settle(self, seconds: float = 0.5, until: Callable[[], bool] = lambda: True) -> None:
        """Let events come for so long, and on until something holds."""
        end, last = time.monotonic() + seconds, time.monotonic() + 120
        while time.monotonic() < end or (not until() and time.monotonic() < last):
            self.do(self._application.processEvents)
            time.sleep(0.002)


class Cases:
    """What is done in the window; each is one method of `all`."""

    def __init__(self, window: "MainWindow", dog: Watchdog) -> None:
        self.window, self.page, self.dog = window, window.chat_page, dog
        self.edit = window.chat_page.composer.edit

    def _paste(self, text: str) -> None:
        from desktop.ui.parts.document_text import text_data

        data = text_data(text)
        self.page.composer.set_text("")
        self.dog.longest = 0.0
        self.dog.do(lambda: self.edit.insertFromMimeData(data))
        self.dog.settle(1.6)  # the draft is saved meanwhile
        for _ in range(3):
            self.dog.do(lambda: self.edit.insertPlainText("x"))
            self.dog.settle(0.1)
        self.dog.do(self.edit.undo)
        self.dog.do(self.edit.undo)
        self.dog.settle(0.2)
        self.page.composer.set_text("")
        self.dog.settle(1.2)

    def _show(self, role: str, text: str, *, whole: bool = False) -> None:
        from desktop.chat.chat_events import ConversationOpened
        from desktop.conversation import Conversation, Message, TextPart
        from desktop.ui.chat.answer_view import AnswerView

        message = Message("m", "c", None, role, (TextPart(text),))  # type: ignore[arg-type]
        self.dog.longest = 0.0
        self.dog.do(
            lambda: self.page.show_opened(ConversationOpened(Conversation("c", created_at=1.0), (message,), {}))
        )
        self.dog.settle(0.3)
        view = self.page.transcript.views[0]
        if isinstance(view, AnswerView):
            self.dog.settle(0.1, lambda: view.source().is_drawn() or bool(view.buttons()))
        if whole:
            for button in view.buttons():
                if button.text().startswith("Show all"):
                    self.dog.do(button.click)
            self.dog.settle(1.0)

    def all(self) -> dict[str, Callable[[], None]]:
        from tests.ui.test_hostile_markdown import CASES

        found: dict[str, Callable[[], None]] = {
            "paste 1 MB in one line": lambda: self._paste(LINE),
            "paste 1 MB of lines": lambda: self._paste(LINES),
            "paste 50 MB": lambda: self._paste("x" * 50_000_000),
            "question of 1 MB in one line": lambda: self._show("user", LINE),
            "question of 1 MB, shown whole": lambda: self._show("user", LINE, whole=True),
            "answer of 1 MB in one line": lambda: self._show("assistant", LINE),
            "answer of 200,000 characters, whole": lambda: self._show("assistant", LINES[:200_000], whole=True),
            "10,000 nested quotes": lambda: self._show("assistant", ">" * 10_000 + " x"),
            "typing, database locked": self._locked,
        }
        for name, text in CASES.items():
            found[f"hostile: {name}"] = lambda text=text: self._show("assistant", text, whole=True)  # type: ignore[misc]
        return found

    def _locked(self) -> None:
        folder = Path(os.environ["LATCHKEY_HOME"]) / "data"
        self.window.new_chat()
        with closing(sqlite3.connect(folder / "latchkey.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            self.dog.longest = 0.0
            for letter in "typed while another process holds the database":
                self.dog.do(lambda letter=letter: self.edit.insertPlainText(letter))  # type: ignore[misc]
                self.dog.settle(0.02)
            self.dog.do(lambda: self.window.conversations.schedule())
            self.dog.settle(2)
            other.execute("ROLLBACK")
        self.dog.settle(0.5)


def main() -> int:
    os.environ["LATCHKEY_HOME"] = tempfile.mkdtemp()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QEvent

    from desktop.ui.program import create

    application, window = create(["latchkey"])
    window.resize(1280, 800)
    dog = Watchdog(application)
    dog.settle(5)
    gc.freeze()
    slow = 0
    for name, run in Cases(window, dog).all().items():
        if sys.argv[1:] and not any(wanted in name for wanted in sys.argv[1:]):
            continue
        run()
        application.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        gc.collect()
        slow += dog.longest > MOST_MS
        print(f"{dog.longest:8.1f} ms  {name}{'   <- too long' if dog.longest > MOST_MS else ''}", flush=True)
    window.close()
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
