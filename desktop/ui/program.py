"""The running program: shows the window, and builds the rest in `Program.start`, after `MainWindow.first_paint`."""

import gc
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from desktop.errors import UserError
from desktop.paths import Paths, find_paths
from desktop.settings import SettingsFile
from desktop.translation import tr, use_language
from desktop.ui.chat import accessibility_factory
from desktop.ui.system.process_events import MainThreadCalls, qt_application
from desktop.ui.theme.theme import Theme
from desktop.ui.window.main_window import MainWindow

if TYPE_CHECKING:
    from desktop.background import Background
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.ui.backend import Backend

_log = logging.getLogger(__name__)


class Program(QObject):
    """The window is painted first; the database, the engine and the chat session follow at once, and typing never waits
    for them. Their modules are therefore imported only then (`desktop.ui.backend`).

    The window keeps the program alive, and the program ends with it. `engine` takes the place of the real one; with
    `test_engine` its kernels are tested while it is idle. `window_class` makes the window.
    """

    def __init__(
        self,
        paths: Paths,
        engine: "MultiModelEngine | None" = None,
        *,
        test_engine: bool = False,
        window_class: type[MainWindow] = MainWindow,
    ) -> None:
        super().__init__()
        accessibility_factory.install()
        self._paths, self._engine, self._test_engine = paths, engine, test_engine
        self._settings = SettingsFile(paths.settings_file)
        self._main_thread = MainThreadCalls()
        self._backend: Backend | None = None
        self._files: list[Path] = []
        self._started = self._closed = False
        settings = self._settings.current
        use_language(paths.resources / "translations", settings.language)
        self.window = window_class(Theme(paths.resources, settings.theme, settings.text_scale), paths, settings)
        self.setParent(self.window)
        self.window.first_paint.connect(self.start)
        self.window.closing.connect(self.close)
        self.window.settings_changed.connect(self.change_settings)

    @property
    def backend(self) -> "Backend | None":
        """The backend; None until it was built, shortly after the first paint."""
        return self._backend

    def start(self) -> None:
        """Begin to build the backend: imports it in a thread, then builds it on the main thread. Does nothing the
        second time."""
        if self._started or self._closed:
            return
        self._started = True
        from desktop.background import Background

        background = Background(self._main_thread.call_on_main_thread)
        self.window.closing.connect(background.close)
        # Importing takes some tenths of a second: in a thread of its own, so that typing goes on meanwhile.
        background.pool(lambda: self._prepare(background), self._build, self.window.show_error)

    def _prepare(self, background: "Background") -> "Callable[[], Backend]":
        """Open the library, and give what builds the rest on the main thread. Off the main thread."""
        from desktop.library.library_services import build_library_services
        from desktop.ui.backend import Backend

        services = build_library_services(
            self._paths,
            settings=self._settings.latest,
            on_acknowledgement=lambda: self._main_thread.call_on_main_thread(self._recheck_licenses),
            on_unrecorded=lambda error: self._main_thread.call_on_main_thread(lambda: self._show_error(error)),
        )
        return partial(
            Backend,
            self.window,
            services,
            paths=self._paths,
            settings=self._settings,
            change_settings=self.change_settings,
            background=background,
            main_thread=self._main_thread,
            engine=self._engine,
            test_engine=self._test_engine,
        )

    def _build(self, make: "Callable[[], Backend]") -> None:
        if self._closed:
            return
        self._backend = make()
        self.window.retry_requested.connect(self._backend.open_database)
        self._backend.start()
        self.open_files(())
        if self._settings.problem:
            self._show_error(UserError(tr("Your settings were not used."), self._settings.problem))

    def _show_error(self, error: UserError) -> None:
        """Show an error above the composer, until the person closes it."""
        if not self._closed:
            self.window.show_error(error, (tr("Close"), lambda: self.window.show_error(None)))

    def open_files(self, files: Sequence[Path]) -> None:
        """Offer to add these model files, as soon as there is a library."""
        self._files += files
        if self._backend is not None and self._files and not self._closed:
            waiting, self._files = self._files, []
            self._backend.imports.offer_files(waiting)

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Change settings, by name, and show and use them."""
        try:
            self._settings.change(**changes)
        except UserError as error:
            _log.warning("%s", error)
            if not self._closed:
                self.window.show_settings_error(error)
        self.window.show_settings(self._settings.current)
        if self._backend is not None:
            self._backend.take_settings(changes)

    def _recheck_licenses(self) -> None:
        if self._backend is not None:
            self._backend.recheck_licenses()

    def close(self) -> None:
        """Store conversations and stop everything. The window has stored its draft already."""
        if self._closed:
            return
        self._closed = True
        if self._backend is not None:
            self._backend.close()
        self._main_thread.close()
        gc.unfreeze()  # or all that was frozen would be kept beyond the window


def create(
    argv: Sequence[str], *, engine: "MultiModelEngine | None" = None, paths: Paths | None = None
) -> tuple[QApplication, MainWindow]:
    """The real application and its window, shown, without entering the event loop.

    `engine` takes the place of the real one, `paths` of the usual folders. Closing the window ends everything that was
    started for it.
    """
    application = qt_application(argv)
    window = Program(paths or find_paths(), engine).window
    window.show()
    return application, window
