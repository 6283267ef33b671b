"""Starts Qt and the program. Everything else is built by `desktop.ui.program`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from desktop.cli.exit_codes import exit_code
from desktop.errors import UserError
from desktop.paths import Paths, find_paths
from desktop.ui.program import Program
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


def _start_log(paths: Paths) -> None:
    from desktop.log import log_to_stderr, log_uncaught, start_log

    if not start_log(paths.log_file):
        log_to_stderr()
    log_uncaught()
    log_qt_messages()
