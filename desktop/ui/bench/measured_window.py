"""The real window under measurement, as a process of its own: `latchkey bench` starts one and reads what it says.

`startup` opens the window as `latchkey` does, says when it stood, and leaves. `stream` opens one with the engine that
it is given, and answers each line `{"text": …}` of standard input with how that answer went. `startup` is given
`desktop.app`, which stands above this floor.
Times are of `time.monotonic`, the same clock in every process of the machine.
"""

import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent

from desktop.paths import find_paths
from desktop.settings import SettingsFile
from desktop.ui.chat.composer_drafts import ComposerDrafts
from desktop.ui.chat.window_drafts import SharedDrafts
from desktop.ui.system.process_events import MainThreadCalls, qt_application
from desktop.ui.theme.theme import Theme
from desktop.ui.window.main_window import MainWindow
from desktop.ui.window.view_file import ViewFile

if TYPE_CHECKING:
    from desktop.chat.chat_events import AnswerFinished, ChatEvent

_SETTLED_MS = 200  # after the end of an answer its last words are still to be drawn


def print_json(value: dict[str, Any]) -> None:
    """One line of JSON to whoever measures."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


class StartupMeasurementWindow(MainWindow):
    """Says when it stands and takes typing, and closes."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.first_paint.connect(lambda: when_at_rest(self._bench_typing))

    def _bench_typing(self, painted: float) -> None:
        edit = self.chat_page.composer.edit
        edit.insertPlainText("a")
        if edit.isVisible() and edit.isEnabled() and edit.text == "a":
            print_json({"painted": painted, "usable": time.monotonic()})
        else:
            print_json({"error": "the window does not take typing"})
        edit.clear()
        self.close()


def when_at_rest(then: Callable[[float], None]) -> None:
    """Call `then` with the time now, once the event loop has done what waits."""
    now = time.monotonic()
    QTimer.singleShot(0, lambda: then(now))


class FrameTimes(QObject):
    """What each frame of a window costs the main thread, in milliseconds of CPU time: all work since the last one.

    Qt's event loops differ in what they tell of waking and sleeping; the thread's own clock stands still in sleep.
    """

    def __init__(self, window: QObject) -> None:
        super().__init__()
        self.taken: list[float] = []
        self._last = time.thread_time()
        self._drawing = False
        window.installEventFilter(self)

    def start(self) -> None:
        """Forget what was, and count from now."""
        self.taken = []
        self._last = time.thread_time()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.UpdateRequest and not self._drawing:
            self._drawing = True
            QTimer.singleShot(0, self._drawn)  # this event is seen before it is handled
        return False

    def _drawn(self) -> None:
        self._drawing = False
        now = time.thread_time()
        self.taken.append(1000 * (now - self._last))
        self._last = now


class StdinQuestions(QObject):
    """Sends each line of standard input to the window's chat, and prints the measurements of each answer."""

    _asked = Signal(str)
    _left = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self._window = window
        self._frames = FrameTimes(window)
        self._writing = False
        self._asked.connect(self._ask, Qt.ConnectionType.QueuedConnection)
        self._left.connect(window.close, Qt.ConnectionType.QueuedConnection)
        window.first_paint.connect(
            lambda: when_at_rest(lambda painted: print_json({"painted": painted, "usable": time.monotonic()}))
        )
        # From the start, so that this process ends with the one that started it, whatever happens here.
        threading.Thread(target=self._read, daemon=True).start()

    def begin(self, event: "ChatEvent") -> None:
        """Called before the window handles `event`."""
        from desktop.chat.chat_events import (
            AnswerDelta,  # by now the program has loaded it: it waits for the first paint
        )

        if isinstance(event, AnswerDelta) and not self._writing:
            self._writing = True
            self._frames.start()

    def end(self, event: "ChatEvent") -> None:
        """Called after the window has handled `event`."""
        from desktop.chat.chat_events import AnswerFinished, ChatFailed

        if isinstance(event, ChatFailed):
            print_json({"error": str(event.error)})
        elif isinstance(event, AnswerFinished):
            QTimer.singleShot(_SETTLED_MS, lambda: self._tell(event))

    def _read(self) -> None:
        for line in sys.stdin:
            self._asked.emit(json.loads(line)["text"])
        self._left.emit()

    def _ask(self, text: str) -> None:
        self._window.new_chat()
        edit = self._window.chat_page.composer.edit
        edit.setPlainText(text)
        self._writing = False
        enter = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
        QCoreApplication.sendEvent(edit, enter)

    def _tell(self, event: "AnswerFinished") -> None:
        timing = event.message.timing
        if event.error is not None or timing is None:
            print_json({"error": event.message.error or "no answer"})
            return
        frames = list(self._frames.taken)
        print_json({"tokens_per_s": timing.tokens_per_s, "tokens": timing.generated_tokens, "frames_ms": frames})


class StreamMeasurementWindow(MainWindow):
    """Passes each chat event to `StdinQuestions`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._bench_questions = StdinQuestions(self)

    def set_chat(self, chat: Any, make_temporary: Any = None) -> None:
        super().set_chat(chat, make_temporary)
        print_json({"ready": True})

    def show_event(self, event: "ChatEvent") -> None:
        self._bench_questions.begin(event)
        super().show_event(event)
        self._bench_questions.end(event)


def _tell_bug(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    print_json({"error": f"{kind.__name__}: {error}"})
    os._exit(1)


def startup(app: Any) -> int:
    """Start the program as a person would, and close it as soon as it takes typing."""
    sys.excepthook = _tell_bug
    return int(app.run(sys.argv[:1], window_class=StartupMeasurementWindow))


class StreamMeasurement:
    """A window with a chat behind it and nothing else: no licenses, so that the engine's license check decides.

    `measured` is a `desktop.cli.bench.window_bench_setup.WindowBenchSetup`.
    """

    def __init__(self, measured: Any) -> None:
        usual = find_paths()
        self._paths = replace(usual, config=measured.home / "config", data=measured.home / "data")
        self._measured = measured
        self._main_thread = MainThreadCalls()
        self._closing: list[Callable[[], None]] = [self._main_thread.close]
        self._settings = SettingsFile(self._paths.settings_file)
        settings = self._settings.current
        theme = Theme(usual.resources, settings.theme, settings.text_scale)
        drafts = SharedDrafts(ComposerDrafts(self._paths.data / "drafts.json")).open_view()
        view = ViewFile(self._paths.data / "view.json")
        self.window = StreamMeasurementWindow(theme, self._paths, settings, drafts, view)
        self.window.first_paint.connect(self._start)
        self.window.closing.connect(self._close)
        self.window.show()

    def _start(self) -> None:
        from desktop.background import Background
        from desktop.chat.chat_session import ChatSession
        from desktop.storage.conversation_store import ConversationStore
        from desktop.storage.database import Database

        background, database = Background(self._main_thread.call_on_main_thread), Database(self._paths.database_file)
        chat = ChatSession(
            store=ConversationStore(database),
            engine=self._measured.engine,
            background=background,
            settings=lambda: self._settings.current,
            listener=self.window.show_event,
        )
        self._closing = [chat.close, self._measured.close, background.close, database.close, self._main_thread.close]

        def opened(_: object) -> None:
            chat.start()
            self.window.set_chat(chat)
            self.window.display.show_models([self._measured.model], self._measured.model, {})
            chat.use_model(self._measured.model)

        background.database(database.open, opened, lambda error: print_json({"error": str(error)}))
        gc.freeze()

    def _close(self) -> None:
        closing, self._closing = self._closing, []
        for close in closing:
            close()


def stream(measured: Callable[[], Any]) -> int:
    """Stay open and answer what is asked on standard input, until that is closed."""
    sys.excepthook = _tell_bug
    application = qt_application(sys.argv[:1])
    shown = StreamMeasurement(measured())
    code = int(application.exec())
    del shown
    return code
