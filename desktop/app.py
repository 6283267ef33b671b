"""The composition root: everything is built here and passed on by constructor.

The window is painted first; the database, the engine and the chat session follow at once, and typing never waits
for them. Their modules are therefore imported only then.
"""

import gc
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication

from desktop.cli.exit_codes import exit_code
from desktop.errors import UserError
from desktop.paths import Paths, find_paths
from desktop.settings import SettingsFile
from desktop.translation import tr, use_language
from desktop.ui.chat import accessibility
from desktop.ui.system.process_events import FileOpenFilter, close_on_signals, leave_qt_messages, log_qt_messages
from desktop.ui.system.single_instance import SingleInstance
from desktop.ui.system.startup_error import show_refusal
from desktop.ui.theme.theme import Theme
from desktop.ui.window.main_window import MainWindow

if TYPE_CHECKING:
    from desktop.background import Background
    from desktop.chat.chat_session import ChatSession
    from desktop.engine.engine_protocol import Engine
    from desktop.engine.kernel_check import KernelCheck
    from desktop.engine.worker_messages import ProbeResult
    from desktop.library.library_services import LibraryServices
    from desktop.storage.database import Database
    from desktop.ui.licenses.license_flow import LicenseFlow
    from desktop.ui.models.flows import ModelFlows
    from desktop.ui.models.model_selection import ModelSelection
    from desktop.ui.network.network_flow import NetworkFlow
    from desktop.ui.system.file_watcher import FileWatcher

_log = logging.getLogger(__name__)
_RELOAD_NEEDED_BY = {"context_length", "threads", "gpu_layers"}


class MainThreadCalls(QObject):
    """Runs functions on the main thread: the one way back from other threads."""

    _called = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._open = True
        self._called.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, function: Callable[[], None]) -> None:
        """Run `function` on the main thread, later; not at all once this is closed."""
        if self._open:
            self._called.emit(function)

    def close(self) -> None:
        """Run nothing any more."""
        self._open = False

    def _run(self, function: Callable[[], None]) -> None:
        if self._open:
            function()


class Program(QObject):
    """The running program: builds the window at once, and all that stands behind it after the first paint."""

    def __init__(self, paths: Paths, engine: "Engine | None" = None, *, test_engine: bool = False) -> None:
        super().__init__()
        self._paths = paths
        self._settings = SettingsFile(paths.settings_file)
        self._hop = MainThreadCalls()
        self._engine = engine
        self._test_engine = test_engine
        self._kernels: KernelCheck | None = None
        self._background: Background | None = None
        self._database: Database | None = None
        self._chat: ChatSession | None = None
        self._assembly: LibraryServices | None = None
        self._choice: ModelSelection | None = None
        self._flow: LicenseFlow | None = None
        self._file_watcher: FileWatcher | None = None
        self._flows: ModelFlows | None = None
        self._files: list[Path] = []
        self._network: NetworkFlow | None = None
        self._closed = False
        settings = self._settings.current
        use_language(paths.resources / "translations", settings.language)
        self.theme = Theme(paths.resources, settings.theme, settings.text_scale)
        self.window = MainWindow(self.theme, paths, settings)
        self.window.first_paint.connect(self.start)
        self.window.closing.connect(self.close)
        self.window.settings_changed.connect(self._change_settings)
        self.window.retry_requested.connect(self._open_database)

    def start(self) -> None:
        """Build what stands behind the window."""
        if self._background is not None or self._closed:
            return
        from desktop.background import Background

        self._background = Background(self._hop.post)
        # Importing takes some tenths of a second: in a thread of its own, so that typing goes on meanwhile.
        self._background.pool(self._assemble, self._build, self.window.chat_page.show_problem)

    def _assemble(self) -> "LibraryServices":
        _import_core()
        from desktop.library.library_services import build_library_services

        return build_library_services(self._paths, settings=self._settings.latest)

    def _build(self, assembly: "LibraryServices") -> None:
        if self._closed or self._background is None:
            return
        self._assembly = assembly
        self._make_engine(assembly)
        self._make_chat(assembly)
        self._make_flows(assembly)
        self._make_network(assembly)
        self._open_database()
        self._background.pool(_import_markdown)
        # What stands now stays: the collector need not look at it again while an answer streams.
        gc.freeze()
        if self._settings.problem:
            page = self.window.chat_page
            error = UserError(tr("Your settings were not used."), self._settings.problem)
            page.show_problem(error, (tr("Close"), lambda: page.show_problem(None)))

    def _make_engine(self, assembly: "LibraryServices") -> None:
        from desktop.engine.kernel_check import KernelCheck

        paths = self._paths
        kernels = self._kernels = KernelCheck(paths.engine_test_file)
        if self._engine is None:
            from desktop.engine.engine_client import EngineClient
            from desktop.engine.fallback_store import FallbackStore

            self._engine = EngineClient(
                license_check=assembly.license_check,
                logs=paths.engine_logs,
                cache=paths.cache,
                fallbacks=FallbackStore(paths.load_fallbacks),
                refuses_unusable=True,
                kernel_choice=kernels.choice,
            )
        if self._test_engine:
            engine, hop = self._engine, self._hop
            kernels.start(lambda: engine.state in ("loading", "answering"), lambda: hop.post(self._load_again))
        self.window.pages.page_built.connect(self._page_built)

    def _page_built(self, page: str) -> None:
        # Which GPUs there are counts where it is said what fits, and nowhere sooner.
        if page == "models" and self._engine is not None:
            self._engine.probe(lambda probed: self._hop.post(lambda: self._probed(probed)))

    def _probed(self, probed: "ProbeResult") -> None:
        found = self._assembly is not None and self._assembly.lookup.set_devices(probed.devices)
        if found and self._flow is not None and not self._closed:
            self._flow.refresh()

    def _make_chat(self, assembly: "LibraryServices") -> None:
        from desktop.chat.chat_session import ChatSession
        from desktop.storage.conversation_store import ConversationStore
        from desktop.storage.database import Database

        assert self._background is not None
        assert self._engine is not None
        self._database = Database(self._paths.database_file)
        self._chat = ChatSession(
            store=ConversationStore(self._database),
            engine=self._engine,
            background=self._background,
            settings=lambda: self._settings.current,
            listener=self.window.hear,
            hash_file=assembly.license_check.loaded_sha256,
        )

    def _open_database(self) -> None:
        assert self._background is not None
        assert self._database is not None
        self._background.database(self._database.open, lambda _: self._database_opened(), self._database_failed)

    def _database_opened(self) -> None:
        if self._chat is None or self._closed:
            return
        self.window.clear_failure()
        if self.window.chat is None:
            self._chat.start()
            self.window.use_chat(self._chat)

    def _database_failed(self, error: UserError) -> None:
        if not self._closed:
            self.window.show_failure(error)

    # --- licenses ------------------------------------------------------------------------------------------------

    def _make_flows(self, assembly: "LibraryServices") -> None:
        """Which model answers, whether it may, and the pages on which a person says so."""
        from desktop.ui.licenses.license_flow import LicenseFlow
        from desktop.ui.licenses.license_page_loader import LicensePageLoader
        from desktop.ui.models.flows import ModelFlows
        from desktop.ui.models.model_selection import ModelSelection
        from desktop.ui.system.file_watcher import FileWatcher

        assert self._background is not None
        assert self._chat is not None
        gather = LicensePageLoader(assembly)
        self._choice = ModelSelection(
            self.window,
            self._background,
            assembly.library,
            self._chat,
            wanted=lambda: self._settings.current.model,
            save=self._change_settings,
        )
        self._flow = LicenseFlow(self.window, self._background, assembly, gather, self._choice)
        self._file_watcher = FileWatcher(self._paths.ledger_file, assembly.ledger.stamp, self._background)
        self._flows = ModelFlows(self.window, self._background, assembly, self._flow, self._choice, self._paths)
        self._file_watcher.changed.connect(self._ledger_changed)
        self.window.activated.connect(self._file_watcher.look)
        assembly.acknowledgements.on_change = lambda: self._hop.post(self._ledger_changed)
        self._choice.refresh()
        self._file_watcher.start()
        self._flows.start()
        self.open_files(())

    def open_files(self, files: Sequence[Path]) -> None:
        """Offer to add these model files, as soon as there is a library."""
        self._files += files
        if self._flows is not None and self._files and not self._closed:
            waiting, self._files = self._files, []
            self._flows.taking.offer(waiting)

    def _ledger_changed(self) -> None:
        """Something was accepted or revoked, here or in another process: what is loaded may have to go at once."""
        if self._engine is not None and self._flow is not None and not self._closed:
            self._engine.recheck()
            self._flow.refresh()
            if self._background is not None and self._assembly is not None:
                self._background.pool(self._assembly.recheck)

    def _make_network(self, assembly: "LibraryServices") -> None:
        """The offline switch, the log of requests, the settings of the network."""
        from desktop.ui.network.network_flow import NetworkFlow

        assert self._background is not None
        self._network = NetworkFlow(
            self.window, self._background, assembly, self._paths, self._settings, self._change_settings
        )
        self._network.settings_changed.connect(self.window.show_settings)
        self._network.token_asked.connect(self._ask_token)
        self._network.start()

    def _ask_token(self) -> None:
        """A person wants to give an access token, from the settings; there they come back to."""
        if self._flows is not None:
            self._flows.access.open_token(then=lambda: self.window.show_page("settings"))

    # --- settings ------------------------------------------------------------------------------------------------

    def _change_settings(self, changes: dict[str, Any]) -> None:
        try:
            self._settings.change(**changes)
        except UserError as error:
            _log.warning("%s", error)
            if not self._closed:
                self.window.show_settings_error(error)
        self.window.show_settings(self._settings.current)
        if self._network is not None:
            self._network.refresh()
        if _RELOAD_NEEDED_BY & changes.keys():
            self._reload_model()

    def _reload_model(self) -> None:
        """It is to run otherwise than before."""
        if self._choice is not None and not self._closed:
            self._choice.reload_model()

    def _load_again(self) -> None:
        """The engine test found what has to be turned off, in the model that is loaded too."""
        if self._chat is not None and not self._closed:
            self._chat.load_again()

    # --- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Store what was said and stop everything. The window's draft is stored already."""
        if self._closed:
            return
        self._closed = True
        shown = (self._network, self._choice, self._flow, self._file_watcher, self._flows)
        for part in (*shown, self._chat, self._kernels, self._engine):
            if part is not None:
                part.close()
        if self._assembly is not None:
            self._assembly.close()  # the process would stay until a file of many gigabytes is read
        if self._background is not None:
            self._background.close()
        if self._database is not None:
            self._database.close()
        self._hop.close()
        gc.unfreeze()  # or all that was frozen would be kept beyond the window


def _import_core() -> None:
    from importlib import import_module

    core = (
        "chat.chat_session",
        "engine.engine_client",
        "engine.kernel_check",
        "library.library_services",
        "storage.database",
    )
    flows = (
        "licenses.license_flow",
        "licenses.license_page_loader",
        "models.flows",
        "models.model_selection",
        "network.network_flow",
    )
    for name in (*core, *(f"ui.{flow}" for flow in flows)):
        import_module(f"desktop.{name}")


def _import_markdown() -> None:
    """What the first answer is drawn with, before it comes."""
    from desktop.chat.markdown.answer_segments import segments

    segments("-")


def create(
    argv: Sequence[str], *, engine: "Engine | None" = None, paths: Paths | None = None
) -> tuple[QApplication, MainWindow]:
    """The real application and its window, shown, without entering the event loop.

    `engine` takes the place of the real one, `paths` of the usual folders. Closing the window ends everything that was
    started for it.
    """
    return _application(argv), _open(paths or find_paths(), engine).window


def run(argv: Sequence[str], files: Sequence[Path] = ()) -> int:
    """Open the window, stay until it is closed, and give the exit code. A second start raises the first window and
    ends. `files` are model files to offer for import there, absolute: what a file manager opens.
    """
    running = _application(argv)
    try:
        paths = find_paths()
        instance = SingleInstance(paths.data)
        if not instance.claim(files):
            return 0
    except UserError as error:
        show_refusal(error)
        return exit_code(error)
    program = _open(paths, None, test_engine=True)
    window = program.window
    program.open_files(files)
    window.first_paint.connect(lambda: _start_log(paths))
    instance.asked.connect(window.raise_window)
    instance.files_asked.connect(program.open_files)
    opening = FileOpenFilter(program.open_files)
    if sys.platform == "darwin":
        running.installEventFilter(opening)
    window.first_paint.connect(instance.listen)
    waking = close_on_signals(window)
    code = running.exec()
    leave_qt_messages()
    del waking
    instance.close()
    return code


def _application(argv: Sequence[str]) -> QApplication:
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    made = QApplication(list(argv))
    made.setApplicationName("Latchkey")
    made.setDesktopFileName("latchkey")
    if sys.platform != "darwin":
        made.setStyle("Fusion")
    return made


def _open(paths: Paths, engine: "Engine | None", *, test_engine: bool = False) -> Program:
    accessibility.install()
    program = Program(paths, engine, test_engine=test_engine)
    # The window keeps the program alive, and goes with it.
    program.window.program = program  # type: ignore[attr-defined]
    program.window.show()
    return program


def _start_log(paths: Paths) -> None:
    from desktop.log import log_to_stderr, log_uncaught, start_log

    if not start_log(paths.log_file):
        log_to_stderr()
    log_uncaught()
    log_qt_messages()
