"""Starts Qt and the program. Everything else is built by `desktop.ui.program`."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PySide6.QtGui import QGuiApplication

from desktop.cli.exit_codes import exit_code
from desktop.errors import ResourceError, UserError
from desktop.paths import Paths, find_paths
from desktop.translation import tr
from desktop.ui.program import Program
from desktop.ui.system.display import offscreen_problem
from desktop.ui.system.process_events import (
    FileOpenFilter,
    ImportThread,
    close_on_signals,
    leave_qt_messages,
    log_qt_messages,
    qt_application,
)
from desktop.ui.system.single_instance import SingleInstance
from desktop.ui.system.startup_error import show_refusal
from desktop.ui.window.main_window import MainWindow

if TYPE_CHECKING:
    from desktop.chat.export.message_words import ExportSource
    from desktop.conversation import Conversation
    from desktop.storage.whole_conversation import WholeConversation


def run(argv: Sequence[str], files: Sequence[Path] = (), *, window_class: type[MainWindow] = MainWindow) -> int:
    """Open the window, stay until it is closed, and give the exit code. A second start raises the first window and
    ends. `files` are model files to offer for import there, absolute: what a file manager opens. `window_class` makes
    the window.
    """
    running = qt_application(argv)
    try:
        paths = find_paths()
        instance = SingleInstance(paths.data)
        if not instance.claim(files):
            return 0
    except UserError as error:
        show_refusal(error)
        return exit_code(error)
    program = Program(paths, test_engine=True, window_class=window_class)
    window = program.window
    window.show()
    program.open_files(files)
    # Importing what these two need takes a tenth of a second, in which nothing could be typed.
    late = ImportThread(("desktop.log", "logging.handlers", "PySide6.QtNetwork"))
    late.imported.connect(lambda: _start_log(paths))
    late.imported.connect(instance.listen)
    window.first_paint.connect(late.start)
    instance.raise_requested.connect(program.raise_window)
    instance.files_asked.connect(program.open_files)
    opening = FileOpenFilter(program.open_files)
    if sys.platform == "darwin":
        running.installEventFilter(opening)
    waking = close_on_signals(program.close_windows)
    code = running.exec()
    leave_qt_messages()
    del waking
    instance.close()
    return code


def draw_pdf(
    heads: "Sequence[Conversation]",
    conversations: "Iterable[WholeConversation]",
    source: "ExportSource",
    file: BinaryIO,
) -> None:
    """Draw chats as PDF into `file` (see `desktop.ui.export.chat_pdf`) for a command, in a process without a window.

    Raises ResourceError where Qt cannot start here, OSError where the file cannot be written.
    """
    from desktop.ui.export.chat_pdf import draw_pdf as draw

    if sys.platform not in ("darwin", "win32"):
        if why := offscreen_problem():
            raise ResourceError(
                tr("PDF cannot be drawn: {reason}.").format(reason=why), "", tr("Export HTML, and print that.")
            )
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    running = QGuiApplication.instance() or QGuiApplication(["latchkey"])
    log_qt_messages()
    try:
        draw(heads, conversations, source, file)
    finally:
        leave_qt_messages()
        del running


def _start_log(paths: Paths) -> None:
    from desktop.log import log_to_stderr, log_uncaught, start_log

    if not start_log(paths.log_file):
        log_to_stderr()
    log_uncaught()
    log_qt_messages()
