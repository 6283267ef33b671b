"""The running program: shows its windows, and builds the rest in `Program.start`, after `MainWindow.first_paint`."""

import gc
import logging
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication

from desktop.atomic_file import remove_leftovers
from desktop.errors import UserError
from desktop.paths import Paths, find_paths
from desktop.settings import SettingsFile
from desktop.translation import tr, use_language
from desktop.ui.chat import accessibility_factory
from desktop.ui.chat.composer_drafts import ComposerDrafts
from desktop.ui.chat.window_drafts import SharedDrafts
from desktop.ui.system.idle_collection import IdleCollection
from desktop.ui.system.process_events import MainThreadCalls, qt_application
from desktop.ui.theme.theme import Theme
from desktop.ui.window.main_window import MainWindow
from desktop.ui.window.restored_windows import OpenView, RestoredWindows
from desktop.ui.window.view_file import ViewFile
from desktop.ui.window.window_geometry import stand_beside

if TYPE_CHECKING:
    from desktop.background import Background
    from desktop.chat.conversation_options import OptionChanges
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.ui.backend import Backend
    from desktop.ui.chat.window_drafts import WindowDrafts
    from desktop.ui.shared_services import SharedServices

_log = logging.getLogger(__name__)


class Program(QObject):
    """The window is painted first; the database, the engine and the chat session follow at once, and typing never waits
    for them. Their modules are therefore imported only then (`desktop.ui.backend`).

    The windows keep the program alive, and it ends with the last of them. `window` is the first one, or another one
    once that is closed. `engine` takes the place of the real one; with `test_engine` its kernels are tested while it is
    idle. `window_class` makes the windows.
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
        self._window_class = window_class
        self._settings = SettingsFile(paths.settings_file)
        self._main_thread = MainThreadCalls()
        self._background: Background | None = None
        self._shared: SharedServices | None = None
        self._backends: dict[int, Backend] = {}
        self._files: list[Path] = []
        self._started = self._closed = False
        settings = self._settings.current
        use_language(paths.resources / "translations", settings.language)
        self._theme = Theme(paths.resources, settings.theme, settings.text_scale)
        self._drafts = SharedDrafts(ComposerDrafts(paths.data / "drafts.json", self._main_thread.call_on_main_thread))
        self._collection = IdleCollection(self._is_answering, self)
        self._windows: list[MainWindow] = []
        self._restored = RestoredWindows(paths.data / "windows.json")
        self._view_file = ViewFile(paths.data / "view.json")
        self._views: dict[int, WindowDrafts] = {}
        self.window = self._make_window()
        self.setParent(self.window)
        self.window.first_paint.connect(self.start)

    @property
    def backend(self) -> "Backend | None":
        """The backend of `window`; None until it was built, shortly after the first paint."""
        return self._backends.get(id(self.window))

    @property
    def windows(self) -> tuple[MainWindow, ...]:
        """The windows that are open, in the order in which they were opened."""
        return tuple(self._windows)

    # --- windows -------------------------------------------------------------------------------------------------

    def _make_window(self) -> MainWindow:
        drafts = self._drafts.open_view()
        window = self._window_class(self._theme, self._paths, self._settings.current, drafts, self._view_file)
        self._windows.append(window)
        self._views[id(window)] = drafts
        held = weakref.ref(window)
        window.closing.connect(lambda: self._window_closing(held()))
        window.settings_changed.connect(self.change_settings)
        window.window_asked.connect(self.open_window)
        window.quitting.connect(self.close_windows)
        window.restored.settled.connect(self._keep_windows)
        window.chat_told.connect(self._collection.postpone)
        window.chat_page.composer.edit.textChanged.connect(self._collection.postpone)
        return window

    def _is_answering(self) -> bool:
        return self._shared is not None and self._shared.engine.state in ("loading", "answering")

    def open_window(self) -> None:
        """Open one more window, beside the others."""
        self._open_window()

    def _open_window(self, view: OpenView | None = None) -> None:
        """`view`: one of the last run's, which does not take the focus."""
        if self._closed:
            return
        active = QApplication.activeWindow()
        window = self._make_window()
        window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, on=view is not None)
        if not window.restored.stand_beside_first(view):
            stand_beside(window, active if isinstance(active, MainWindow) else self.window)
        if self._shared is not None:
            window.first_paint.connect(self._build_backends)
        window.show()

    def raise_window(self) -> None:
        """Show the window that was used last above all others."""
        active = QApplication.activeWindow()
        (active if isinstance(active, MainWindow) else self.window).raise_window()

    def close_windows(self) -> None:
        """Close every window for good; the program ends with them. Those behind one that asks first stay."""
        for window in self.windows:
            if self._closed or not window.leave():
                return

    def _window_closing(self, window: MainWindow | None) -> None:
        others = [each for each in self._windows if each is not window]
        if window is None or window.is_leaving or not others:
            self._restored.end(self._further_views())  # before any of them goes
        if window is None or not others:
            self.close()
            return
        self._windows.remove(window)
        self._drafts.close_view(self._views.pop(id(window)))
        if (backend := self._backends.pop(id(window), None)) is not None:
            backend.close()
        if window is self.window:
            self.window = others[0]
            self.setParent(self.window)
        if not window.is_leaving:  # it alone was closed: it does not come back
            self._keep_windows()
        gc.unfreeze()  # or what was made of it would be kept
        window.deleteLater()

    def _further_views(self) -> list[OpenView]:
        return [each.restored.view for each in self._windows if each is not self.window]

    def _keep_windows(self) -> None:
        """Windows were opened, closed, moved or show something else: keep what the next start opens."""
        self.window.restored.take_first_place()
        self._restored.keep_soon(self._further_views())

    # --- what stands behind them ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to build what stands behind the windows: imports it in a thread, then builds it on the main thread.
        Does nothing the second time."""
        if self._started or self._closed:
            return
        self._started = True
        from desktop.background import Background

        background = self._background = Background(self._main_thread.call_on_main_thread)
        background.pool(lambda: remove_leftovers(self._paths.config, self._paths.data))
        # Importing takes some tenths of a second: in a thread of its own, so that typing goes on meanwhile.
        background.pool(lambda: self._prepare(background), self._build, self.window.show_error)

    def _prepare(self, background: "Background") -> "Callable[[], SharedServices]":
        """Open the library, and give what builds the rest on the main thread. Off the main thread."""
        import desktop.ui.backend  # noqa: F401 - it takes as long
        from desktop.library.library_services import build_library_services
        from desktop.ui.shared_services import SharedServices

        services = build_library_services(
            self._paths,
            settings=self._settings.latest,
            on_acknowledgement=lambda: self._main_thread.call_on_main_thread(self._recheck_licenses),
            on_unrecorded=lambda error: self._main_thread.call_on_main_thread(lambda: self._show_error(error)),
        )
        return partial(
            SharedServices,
            services,
            paths=self._paths,
            settings=self._settings,
            change_settings=self.change_settings,
            change_model=self.change_model,
            background=background,
            main_thread=self._main_thread,
            engine=self._engine,
            test_engine=self._test_engine,
        )

    def _build(self, make: "Callable[[], SharedServices]") -> None:
        if self._closed:
            return
        self._shared = make()
        self._build_backends()
        self._shared.start()
        for view in self._restored.read():
            self._open_window(view)
        # What stands now stays: the collector need not look at it again while an answer streams.
        gc.freeze()
        self.open_files(())
        if self._settings.problem:
            self._show_error(UserError(tr("Not all of your settings are in use."), self._settings.problem))

    def _build_backends(self) -> None:
        """Give each window its backend that has none yet."""
        from desktop.ui.backend import Backend

        for window in self._windows:
            if self._shared is not None and id(window) not in self._backends:
                backend = self._backends[id(window)] = Backend(window, self._shared)
                backend.start()

    def _show_error(self, error: UserError) -> None:
        """Show an error above the composer, until the person closes it."""
        if not self._closed:
            window = self.window
            window.show_error(error, (tr("Close"), lambda: window.show_error(None)))

    def open_files(self, files: Sequence[Path]) -> None:
        """Offer to add these model files, as soon as there is a library."""
        self._files += files
        if self.backend is not None and self._files and not self._closed:
            waiting, self._files = self._files, []
            self.backend.imports.offer_files(waiting)

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Change settings, by name, and show and use them."""
        self._change(lambda: self._settings.change(**changes))
        self._take_settings(changes)

    def change_model(self, model_id: str, changes: "OptionChanges") -> None:
        """Change what is set for one model, and show and use it."""
        from desktop.chat.conversation_options import changed_options

        self._change(lambda: self._settings.change_model(model_id, lambda own: changed_options(own, changes)))
        self._take_settings({"model_settings": self._settings.current.model_settings})

    def _change(self, change: "Callable[[], object]") -> None:
        try:
            change()
        except UserError as error:
            _log.warning("%s", error)
            if not self._closed:
                self.window.show_settings_error(error)

    def _take_settings(self, changes: dict[str, Any]) -> None:
        for window in self._windows:
            window.show_settings(self._settings.current)
        for backend in self._backends.values():
            backend.refresh()
        if self._shared is not None:
            self._shared.take_settings(changes)

    def _recheck_licenses(self) -> None:
        if self._shared is not None:
            self._shared.recheck_licenses()

    def close(self) -> None:
        """Store conversations and stop everything. The window has stored its draft already."""
        if self._closed:
            return
        self._closed = True
        self._collection.close()
        for backend in self._backends.values():
            backend.close()
        if self._shared is not None:
            self._shared.close()
        elif self._background is not None:
            self._background.close()
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
