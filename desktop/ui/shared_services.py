"""What all windows of the program share: engine, conversations, library and network, and which model answers.

Importing this takes some tenths of a second. `desktop.ui.program` does it after the first paint, in a thread.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QIcon

from desktop.background import Background
from desktop.backup.automatic_backup import AutomaticBackup
from desktop.backup.backup_writer import PersonsData
from desktop.backup.restore import resume_restore
from desktop.chat.answer_service import AnswerService
from desktop.chat.chat_events import ConversationsChanged
from desktop.chat.chat_tools import ChatTools
from desktop.chat.document_services import DocumentServices
from desktop.chat.preset_file import PresetFile
from desktop.chat.prompt_library import PromptLibrary
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_pool import EnginePool
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.kernel_check import KernelCheck
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.paths import Paths
from desktop.settings import SettingsFile
from desktop.storage.attachment_store import AttachmentStore
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import DOCUMENTS_SCHEMA, Database
from desktop.ui.documents.documents_page_values import ReadingFacts
from desktop.ui.documents.shared_documents import SharedCollections, SharedReader
from desktop.ui.models.model_selection import ModelDisplay, ModelSelection
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.server.shared_server import SharedServer
from desktop.ui.settings.backup_timer import BackupTimer
from desktop.ui.system.file_watcher import FileWatcher
from desktop.ui.system.process_events import MainThreadCalls
from desktop.ui.tools.shared_tools import SharedTools
from desktop.ui.window.outside_flows import OutsideFlows
from desktop.ui.window.tray_flow import TrayFlow

if TYPE_CHECKING:
    from desktop.chat.conversation_options import OptionChanges
    from desktop.documents.collection_service import CollectionService
    from desktop.documents.document_reader import DocumentReader
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.errors import UserError
    from desktop.library.library_model import LibraryCard, LibraryModel
    from desktop.library.library_services import LibraryServices
    from desktop.library.recommendations import FirstModelSuggestion
    from desktop.server.api_server import ApiServer
    from desktop.server.offered_models import OfferedModels
    from desktop.tools.tool_service import ToolService
    from desktop.ui.window.main_window import MainWindow

_RELOAD_NEEDED_BY = {
    "context_length",
    "threads",
    "gpu_layers",
    "parallel_answers",
    "prompt_cache_memory",
    "model_settings",
}
_SEARCHED_WITH = {"embedding_model", "reranker_model"}
_INDEXING_AFTER_MS = 10_000
_ENGINES_KEPT_BY = {"model_memory", "unload_after"}


class ModelDisplays:
    """Shows in every window which model answers."""

    def __init__(self) -> None:
        self.shown: list[ModelDisplay] = []

    def show_models(self, models: "list[LibraryModel]", in_use: "LibraryModel | None", waiting: dict[str, str]) -> None:
        for display in self.shown:
            display.show_models(models, in_use, waiting)

    def show_blocked(self, waiting: dict[str, str]) -> None:
        for display in self.shown:
            display.show_blocked(waiting)

    def show_license_verdict(self, card: "LibraryCard | None", error: "UserError | None") -> None:
        for display in self.shown:
            display.show_license_verdict(card, error)

    def show_suggestion(self, suggestion: "FirstModelSuggestion | None") -> None:
        for display in self.shown:
            display.show_suggestion(suggestion)


class SharedServices(QObject):
    """Built once, before the first window's `Backend`. `start` begins, `close` ends all, when no window is left.

    `engine` takes the place of the real one; with `test_engine` its kernels are tested while it is idle.
    `change_settings` takes settings by name, which then calls `take_settings`; `change_model` takes the id of a model,
    and what is to be set for that one.

    `database_opened` where the conversations can be read, `database_failed` with why not. `restored` where a backup was
    restored: what is open may be another than is stored.
    """

    database_opened = Signal()
    database_failed = Signal(object)
    restored = Signal()

    def __init__(
        self,
        services: "LibraryServices",
        *,
        paths: Paths,
        settings: SettingsFile,
        change_settings: Callable[[dict[str, Any]], None],
        change_model: "Callable[[str, OptionChanges], None]",
        background: Background,
        main_thread: MainThreadCalls,
        engine: "MultiModelEngine | None",
        test_engine: bool,
    ) -> None:
        super().__init__()
        self.library, self.paths, self.settings = services, paths, settings
        self.change_settings, self.background, self.main_thread = change_settings, background, main_thread
        self.change_model = change_model
        self.closed = False
        self.kernels = KernelCheck(paths.engine_test_file)
        self.prompt_cache = PromptCacheFolder(paths.prompt_cache, lambda: settings.current.prompt_cache_disk)
        self.engine = engine or self._engine_pool()
        if test_engine:
            self.kernels.start(self._is_engine_busy, lambda: main_thread.call_on_main_thread(self._load_again))
        self.database, self.attachments = Database(paths.database_file), AttachmentStore(paths.attachments)
        self.documents = Database(paths.documents_file, DOCUMENTS_SCHEMA)
        self.data = PersonsData(paths, self.database, services.ledger, self.attachments, self.documents)
        self.backup_timer = BackupTimer(AutomaticBackup(self.data, lambda: settings.current), background)
        self.presets = PresetFile(paths.presets_file)
        self.prompts = PromptLibrary(paths.prompts_file)
        self.reader = SharedReader(self._make_reader)
        self.collections = SharedCollections(background, self._make_collections)
        self.tools = SharedTools(background, self._make_tools, paths.tool_logs)
        self._indexing_timer = QTimer(self, singleShot=True, interval=_INDEXING_AFTER_MS)
        self._indexing_timer.timeout.connect(self._start_collections)
        self.answers = AnswerService(
            store=ConversationStore(self.database),
            engine=self.engine,
            background=background,
            settings=lambda: settings.current,
            hash_file=services.license_check.loaded_sha256,
            prompt_cache=self.prompt_cache,
            presets=self.presets,
            attachments=self.attachments,
            documents=DocumentServices(self.reader, self.collections, paths.draft_attachments, self.reader),
            tools=ChatTools(self.tools.service),
        )
        self.displays = ModelDisplays()
        self.selection = ModelSelection(
            self.displays,
            background,
            services.library,
            self.answers,
            wanted=lambda: settings.current.model,
            save=change_settings,
        )
        icon = QIcon(str(paths.resources / "icons" / "latchkey.svg"))
        self.server = SharedServer(background, self._make_server, lambda: settings.current, paths.api_key_file)
        self.tray = TrayFlow(icon, lambda: settings.current, self, goes_on=self.server.words)
        self._ledger_watcher = FileWatcher(paths.ledger_file, services.ledger.stamp, background)
        self._ledger_watcher.changed.connect(self.recheck_licenses)

    def _engine_pool(self) -> EnginePool:
        fallbacks, paths, settings = FallbackStore(self.paths.load_fallbacks), self.paths, self.settings

        def make() -> EngineClient:
            return EngineClient(
                license_check=self.library.license_check,
                logs=paths.engine_logs,
                cache=paths.cache,
                fallbacks=fallbacks,
                refuses_unusable=True,
                kernel_choice=self.kernels.choice,
                prompt_cache=self.prompt_cache,
            )

        return EnginePool(
            make,
            make_remote=self.library.remote_engine,
            memory=lambda: settings.current.model_memory,
            unload_after=lambda: settings.current.unload_after,
        )

    def _make_reader(self) -> "DocumentReader":
        from desktop.documents.document_reader import DocumentReader

        return DocumentReader(self.paths.reader_logs)

    def _make_collections(self, on_change: Callable[[], None]) -> "CollectionService":
        from desktop.documents.collection_service import CollectionService
        from desktop.documents.search_models import passage_vectors

        vectors = passage_vectors(self.library.library, lambda: self.settings.current, lambda: self.engine)
        return CollectionService(self.paths, self.reader, database=self.documents, on_change=on_change, vectors=vectors)

    def _make_tools(self) -> "ToolService":
        from desktop.tools.tool_service import ToolService

        return ToolService(self.paths, self.library.policy, self.library.network)

    def _make_server(self, changed: Callable[[], None]) -> "tuple[ApiServer, OfferedModels]":
        from desktop.server.api_server import ApiServer
        from desktop.server.offered_models import OfferedModels

        services = self.library
        models = OfferedModels(
            self.engine, services.library, services.license_check, services.policy, self.settings.latest
        )
        return ApiServer(self.engine, models, self.reader, changed=changed), models

    def _keep_tool_token(self, token: str, address: str) -> None:
        """Keep an access token for the host of a tool server. Raises UserError. Not for the main thread."""
        from desktop.network.access_token import AccessToken

        tokens = self.library.network.tokens
        tokens.store(AccessToken(token, address), tokens.best_place() or "keyring")

    def _keep_endpoint_token(self, token: str, address: str) -> Callable[[], None]:
        """The same for an endpoint's; what forgets it again, where none was kept before."""
        from desktop.network.access_token import origin_of

        tokens = self.library.network.tokens
        host = origin_of(address).partition("://")[2]
        known = host in tokens.hosts()
        self._keep_tool_token(token, address)
        return (lambda: None) if known else lambda: tokens.forget(host)

    def is_offline(self) -> bool:
        """Whether nothing may use the network now. Any thread."""
        return self.library.network.switch.offline

    def outside_flows(self, window: "MainWindow", news: NotificationBar) -> OutsideFlows:
        """A window's flows for programs outside it. `news` says what was done."""
        return OutsideFlows(
            window,
            self.background,
            self.tools,
            self.server,
            self.library,
            self.engine,
            news,
            self.paths,
            pictures=self.reader,
            is_offline=self.is_offline,
            keep_tool_token=self._keep_tool_token,
            keep_endpoint_token=self._keep_endpoint_token,
            change_settings=self.change_settings,
        )

    def reading_facts(self) -> ReadingFacts:
        """How files are read and found here. Not for the main thread."""
        from desktop.ui.documents.reading_facts import reading_facts

        return reading_facts(self.library.library, self.settings.current, self.reader)

    def start(self) -> None:
        """Read what is on the disk: models, licenses, conversations."""
        self.selection.refresh()
        self._ledger_watcher.start()
        self.backup_timer.start()
        # What was being indexed goes on, but not while everything else of a start wants the disk.
        self._indexing_timer.start()
        if self.settings.current.server.at_start:
            self.server.turn_on()

    def _start_collections(self) -> None:
        def go_on(there: bool) -> None:
            if there and not self.closed:
                self.collections.start()

        if not self.closed:
            self.background.pool(self.paths.documents_file.exists, go_on)

    # --- conversations -------------------------------------------------------------------------------------------

    def open_database(self) -> None:
        """Open the conversations; where that fails, `database_failed` says so, and this may be tried again."""
        self.background.database(
            self._open_database, lambda _: self._tell_opened(), lambda error: self._tell_failed(error)
        )

    def _open_database(self) -> None:
        resume_restore(self.data)  # one that was cut off is finished before anything is shown
        self.database.open()

    def _tell_opened(self) -> None:
        if not self.closed:
            self.database_opened.emit()

    def _tell_failed(self, error: "UserError") -> None:
        if not self.closed:
            self.database_failed.emit(error)

    def show_restored(self, report: object) -> None:
        """A window restored a backup: show all of them what there is now."""
        if not self.closed:
            self.change_settings({})  # reads them anew, and shows them
            self.answers.tell(ConversationsChanged())
            self.restored.emit()

    # --- models and licenses -------------------------------------------------------------------------------------

    def _is_engine_busy(self) -> bool:
        return self.engine.state in ("loading", "answering")

    def _load_again(self) -> None:
        """The engine test found what has to be turned off, in the models that are loaded too."""
        if not self.closed:
            self.engine.release()
            self.answers.reload_model()

    def check_ledger(self) -> None:
        """Look soon whether another process wrote to the ledger."""
        self._ledger_watcher.check()

    def recheck_licenses(self) -> None:
        """Check licenses again, as one was accepted or revoked: the loaded model may have to be unloaded."""
        if not self.closed:
            self.engine.recheck()
            self.selection.refresh()
            self.background.pool(self.library.recheck_downloads)
            self.collections.tell_models_changed()

    def take_settings(self, changes: dict[str, Any]) -> None:
        """Apply settings that were changed in this process; `changes` by name."""
        if self.closed:
            return
        if _RELOAD_NEEDED_BY & changes.keys():
            self.selection.reload_model()
        if _ENGINES_KEPT_BY & changes.keys():
            self.engine.recheck()
        if "server" in changes:
            self.server.take_settings()
        if _SEARCHED_WITH & changes.keys():
            self.collections.tell_models_changed()

    def close(self) -> None:
        """Store conversations and stop everything."""
        self.closed = True
        self.server.begin_close()
        self.tray.close()
        self.backup_timer.close()
        self.selection.close()
        self._ledger_watcher.close()
        self._indexing_timer.stop()
        self.answers.close()
        self.reader.close()
        self.collections.close()
        self.tools.close()
        self.kernels.close()
        self.engine.close()
        self.server.close()
        self.library.close()  # the process would stay until a file of many gigabytes is read
        self.background.close()
        self.database.close()
        self.documents.close()
