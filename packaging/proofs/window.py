"""The real program with its window, and a person in it: starts, asks, opens pages, waits, closes.

    python window.py [--documents FILE…] [--search WORDS] [--look-up NAME --token-stdin] [--idle SECONDS]

It is `python -m desktop` without arguments; the person is a timer within its own event loop. What was done stands on
standard output as one JSON value. No display is needed.
"""

import argparse
import json
import runpy
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtCore import QEventLoop, QMimeData, Qt, QTimer, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget

from desktop.ui.chat.document_side import DocumentSide
from desktop.ui.chat.source_list import SourceList
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.window.main_window import MainWindow

_PATIENCE_S = 90.0
PAGES = ("models", "network", "settings", "licenses", "documents")


def pause(milliseconds: int) -> None:
    """Let the window live for a while: in its event loop, which leaves the other threads their turns."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def errors(inside: QWidget) -> list[str]:
    """What is said of errors in a part of the window."""
    boxes = (each for each in inside.findChildren(ErrorBox) if each.isVisible())
    return [each.accessibleDescription() for each in boxes]


class Person:
    """Somebody at the window, who does one thing after the other and remembers what came of it."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.done: dict[str, Any] = {}

    def wait(self, until: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not until():
            if time.monotonic() > end:
                raise TimeoutError(what)
            pause(20)

    def named(self, name: str, kind: type[QWidget] = QWidget) -> QWidget | None:
        """The visible widget with this accessible name, or one that begins so."""
        shown = (each for each in self.window.findChildren(kind) if each.isVisible() and each.isEnabled())
        return next((each for each in shown if each.accessibleName().startswith(name)), None)

    def press(self, name: str) -> None:
        self.wait(lambda: self.named(name, QAbstractButton) is not None, name)
        button = self.named(name, QAbstractButton)
        assert button is not None
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Space)

    def type_into(self, name: str, text: str) -> QWidget:
        self.wait(lambda: self.named(name, QLineEdit) is not None, name)
        field = self.named(name, QLineEdit)
        assert isinstance(field, QLineEdit)
        field.setFocus()
        field.clear()
        QTest.keyClicks(field, text)
        return field

    # --- what is done --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Wait for the built-in model to be loaded."""
        bar = self.window.chat_page.top_bar
        self.wait(lambda: self.window.chat is not None, "the conversations")
        self.wait(lambda: bar.model is not None and bar.progress is None, "the model")
        self.done["model"] = bar.model.id if bar.model is not None else ""

    def ask(self, question: str, messages: int = 2) -> None:
        page, chat = self.window.chat_page, self.window.chat
        assert chat is not None
        QTest.keyClicks(page.composer.edit, question)
        QTest.keyClick(page.composer.edit, Qt.Key.Key_Return)
        self.wait(
            lambda: page.shown_transcript is not None and len(page.transcript.messages) >= messages, "the question"
        )
        self.wait(lambda: not chat.is_answering() and page.transcript.messages[-1].status != "streaming", "the answer")
        answer = page.transcript.messages[-1]
        self.done["answer"] = answer.status, answer.text

    def read_documents(self, files: Sequence[Path]) -> None:
        """Attach files, look at them, take the pictures off again, ask about the others and open a source."""
        page, strip = self.window.chat_page, self.window.chat_page.composer.attachments
        given = QMimeData()
        given.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
        page.composer.edit.files_pasted.emit(given)
        self.wait(lambda: len(strip.items) == len(files), "the files")
        self.wait(lambda: all(each.state != "reading" for each in strip.items), "what was read of the files")
        self.done["attached"] = [(each.name, each.kind, each.state) for each in strip.items]
        strip.pictures_removed.emit()  # the built-in model sees none
        self.wait(lambda: all(each.kind == "document" for each in strip.items), "the documents alone")
        self.ask("What does the survey say about revoking access?", 4)
        self.wait(lambda: bool(page.transcript.findChildren(SourceList)), "the sources")
        (sources,) = page.transcript.findChildren(SourceList)
        if not sources.rows:  # none is cited: those that were given stand behind a button
            QTest.keyClick(sources.buttons[-1], Qt.Key.Key_Space)
        self.wait(lambda: bool(sources.rows), "a source")
        self.done["sources"] = [each.accessibleName() for each in sources.rows]
        row = sources.rows[0]
        QTest.keyClick(row, Qt.Key.Key_Space)
        self.wait(lambda: any(each.isVisible() for each in self.window.findChildren(DocumentSide)), "the document")
        pause(300)

    def open_pages(self) -> None:
        for name in PAGES:
            self.window.show_page(name)
            pause(300)
        self.wait(lambda: bool(self.window.models_page.list.rows.ids), "the models")
        self.done["pages"] = list(self.window.pages.built_pages)

    def search(self, words: str) -> None:
        """Ask the Hub for words, and wait until it is said why it could not be asked."""
        self.window.show_page("models")
        self.type_into("Search models", words)
        self.press(f"Search the Hub for {words}")
        hub = self.window.models_page.hub
        self.wait(lambda: bool(errors(hub)), "why there is no answer")
        self.done["search"] = errors(hub)

    def look_up(self, name: str, token: str) -> None:
        """Look a gated model up, give an access token where the window asks for one, accept the license, download."""
        self.window.show_page("models")
        field = self.type_into("Search models", name)
        QTest.keyClick(field, Qt.Key.Key_Return)
        self.press("Enter an access token")
        self.type_into("Access token", token)
        self.press("This session only")
        self.press("Save token")
        self.press("Continue")
        self.wait(lambda: self.window.pages.shown == "models", "the way back")
        self.press("Read Apache License 2.0")
        self.type_into("Your name", "Ada Lovelace")
        self.press("Research")
        self.press("I accept")
        self.press("Download the file")
        rows = self.window.models_page.downloads.rows
        self.wait(lambda: any(each.item.progress.state == "done" for each in rows.values()), "the download")
        self.done["downloaded"] = [each.item.installed for each in rows.values()]


def main() -> int:
    parser = argparse.ArgumentParser(description="A person at the window.")
    parser.add_argument("--documents", type=Path, nargs="*", default=[], help="attach these files, and ask about them")
    parser.add_argument("--search", default="", help="ask the Hub for these words")
    parser.add_argument("--look-up", default="", help="look up this model; its token comes from standard input")
    parser.add_argument("--idle", type=float, default=0.5, help="how long to do nothing at all, in seconds")
    chosen = parser.parse_args()
    token = sys.stdin.readline().strip() if chosen.look_up else ""
    failed: list[str] = []
    original = QApplication.exec

    def walk() -> None:
        window = next(each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow))
        person = Person(window)
        try:
            person.start()
            person.ask("How do I stop an answer?")
            if chosen.documents:
                person.read_documents(chosen.documents)
            person.open_pages()
            if chosen.search:
                person.search(chosen.search)
            if chosen.look_up:
                person.look_up(chosen.look_up, token)
            pause(int(chosen.idle * 1000))
        except Exception as error:  # noqa: BLE001 - whatever it is, the window has to be closed and the reason told
            failed.append(f"{type(error).__name__}: {error}")
        sys.stdout.write(json.dumps({**person.done, "failed": failed}) + "\n")
        sys.stdout.flush()
        window.close()

    def run_with_person(*_: object) -> int:
        QTimer.singleShot(0, walk)
        return original()

    QApplication.exec = run_with_person  # type: ignore[method-assign]
    sys.argv = ["latchkey"]
    try:
        runpy.run_module("desktop", run_name="__main__", alter_sys=True)
    except SystemExit as leave:
        return 1 if failed or leave.code else 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
