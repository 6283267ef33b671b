"""`Backend`: engine, conversations, library and network, and the flows that connect them with the window.

Importing this takes some tenths of a second. `desktop.ui.program` does it after the first paint, in a thread.
"""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QIcon

from desktop.background import Background
from desktop.chat.chat_session import ChatSession
from desktop.chat.conversation_options import changed_options
from desktop.chat.preset_file import PresetFile
from desktop.chat.prompt_library import PromptLibrary
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_pool import EnginePool
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.kernel_check import KernelCheck
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.errors import UserError
from desktop.paths import Paths
from desktop.settings import SettingsFile
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.message_search import MessageSearch
from desktop.translation import tr
from desktop.ui.access.access_flow import AccessFlow
from desktop.ui.chat.code_file_flow import CodeFileFlow
from desktop.ui.downloads.download_flow import DownloadFlow
from desktop.ui.licenses.license_flow import LicenseFlow
from desktop.ui.licenses.license_page_loader import LicensePageLoader
from desktop.ui.models.import_flow import ImportFlow
from desktop.ui.models.model_list_flow import ModelListFlow
from desktop.ui.models.model_selection import ModelSelection, ModelSuggestionFlow
from desktop.ui.models.model_setup_flow import ModelSetupFlow
from desktop.ui.network.network_flow import NetworkFlow
from desktop.ui.panel.panel_flow import PanelFlow
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.prompts.prompt_flow import PromptFlow
from desktop.ui.search.search_flow import SearchFlow
from desktop.ui.settings.settings_flow import SettingsFlow
from desktop.ui.system.file_watcher import FileWatcher
from desktop.ui.system.process_events import MainThreadCalls
from desktop.ui.window.file_drop import FileDropTarget
from desktop.ui.window.main_window import MainWindow
from desktop.ui.window.tray_flow import TrayFlow

if TYPE_CHECKING:
    from desktop.chat.conversation_options import OptionChanges
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.engine.worker_messages import ProbeResult
    from desktop.library.library_model import LibraryCard
    from desktop.library.library_services import LibraryServices

_RELOAD_NEEDED_BY = {
    "context_length",
    "threads",
    "gpu_layers",
    "parallel_answers",
    "prompt_cache_memory",
    "model_settings",
}
_ENGINES_KEPT_BY = {"model_memory", "unload_after"}


class Backend(QObject):
    """Engine, conversations and library, and the flows between them and the window. `start` begins, `close` ends all.

    `engine` takes the place of the real one; with `test_engine` its kernels are tested while it is idle.
    `change_settings` takes settings by name, which then calls `take_settings`.
    """

    def __init__(
        self,
        window: MainWindow,
        services: "LibraryServices",
        *,
        paths: Paths,
        settings: SettingsFile,
        change_settings: Callable[[dict[str, Any]], None],
        background: Background,
        main_thread: MainThreadCalls,
        engine: "MultiModelEngine | None",
        test_engine: bool,
    ) -> None:
        super().__init__()
        self._window, self._background, self._main_thread = window, background, main_thread
        self.services = services
        self.closed = False
        self._undo_text = ""
        self.kernels = KernelCheck(paths.engine_test_file)
        prompt_cache = PromptCacheFolder(paths.prompt_cache, lambda: settings.current.prompt_cache_disk)
        self.engine = engine or _engine_pool(services, paths, self.kernels, settings, prompt_cache)
        if test_engine:
            self.kernels.start(self._is_engine_busy, lambda: main_thread.call_on_main_thread(self._load_again))
        window.when_built("models", self._probe)
        self.database = Database(paths.database_file)
        store = ConversationStore(self.database)
        self.search = SearchFlow(window, background, MessageSearch(self.database), store)
        self.chat = ChatSession(
            store=store,
            engine=self.engine,
            background=background,
            settings=lambda: settings.current,
            listener=window.show_event,
            hash_file=services.license_check.loaded_sha256,
            prompt_cache=prompt_cache,
            presets=(presets := PresetFile(paths.presets_file)),
        )
        self.selection = ModelSelection(
            window.display,
            background,
            services.library,
            self.chat,
            wanted=lambda: settings.current.model,
            save=change_settings,
        )
        self.licenses = LicenseFlow(window, background, services, LicensePageLoader(services), self.selection)
        self.ledger_watcher = FileWatcher(paths.ledger_file, services.ledger.stamp, background)
        self.news = NotificationBar(window.theme, window)
        self._settings = settings
        self.panel = PanelFlow(
            window,
            background,
            self.chat,
            self.engine,
            presets,
            self.news,
            change_model=self._change_model,
            switch_model=self.selection.choose,
        )
        window.panel_asked.connect(self.panel.turn)
        page, library = window.chat_page, PromptLibrary(paths.prompts_file)
        self.prompts = PromptFlow(
            window,
            window.theme,
            background,
            library,
            self.news,
            page=page,
            composer=page.composer,
            edit=page.composer.edit,
        )
        window.chat_told.connect(self.prompts.take_event)
        self.access = AccessFlow(window, background, services, self.news)
        self.downloads = DownloadFlow(window, background, services, self.news, paths)
        self.imports = ImportFlow(window, background, services, self._loaded_files)
        self.model_list = ModelListFlow(window, background, services, self.selection, self.licenses)
        self.setup = ModelSetupFlow(window, background, services, self.access, self.downloads, self.imports)
        self.suggestion = ModelSuggestionFlow(window, window.display, background, services, self.selection)
        icon = QIcon(str(paths.resources / "icons" / "latchkey.svg"))
        self.tray = TrayFlow(window, icon, lambda: settings.current)
        self.drop = FileDropTarget(window.theme, window, window.chat_page.composer.edit.viewport())
        self.settings = SettingsFlow(window, background, services, self.engine, prompt_cache)
        self.code_files = CodeFileFlow(window, background)
        window.chat_page.code.save_asked.connect(self.code_files.choose_file)
        self.network = NetworkFlow(window, background, services, paths, settings, change_settings)
        self._connect_models()
        self._connect_licenses()
        self._connect_network()

    def _connect_models(self) -> None:
        window, setup = self._window, self.setup
        window.model_chosen.connect(self.selection.choose)
        window.chat_page.empty.model_asked.connect(setup.show_model)
        window.page_shown.connect(self._page_shown)
        window.chat_page.branches.undo_offered.connect(self._offer_undo)
        self.search.message_asked.connect(window.open_message)
        setup.list_outdated.connect(self.licenses.refresh)
        setup.license_asked.connect(self._open_license_of_model)
        setup.use_asked.connect(self._use_model)
        self.drop.dropped.connect(self.imports.offer_files)
        self.model_list.listed.connect(self._models_listed)
        self.access.model_asked.connect(self.model_list.show_listed)
        self.access.failed.connect(self.model_list.show_problem)
        self.downloads.model_asked.connect(self.model_list.show_listed)
        self.downloads.items_changed.connect(self.model_list.show_downloads)
        self.downloads.progress_changed.connect(window.show_download_progress)

    def _connect_licenses(self) -> None:
        window, licenses = self._window, self.licenses
        window.display.license_asked.connect(self._open_license)
        window.chat_page.empty.license_asked.connect(self._open_license)
        window.chat_page.empty.accept_asked.connect(licenses.one_click.accept)
        window.activated.connect(self.ledger_watcher.check)
        self.ledger_watcher.changed.connect(self.recheck_licenses)

    def _connect_network(self) -> None:
        network, settings = self.network, self.settings
        network.settings_changed.connect(self._window.show_settings)
        network.offline_reason_changed.connect(self._window.sidebar.offline.show_offline_reason)
        network.offline_reason_changed.connect(settings.show_held)
        network.settings_asked.connect(settings.open_network)
        settings.token_asked.connect(self._ask_token)

    def start(self) -> None:
        """Read what is on the disk: models, licenses, downloads of former runs, settings, conversations."""
        self.selection.refresh()
        self.ledger_watcher.start()
        self.downloads.start()
        self.network.start()
        self.prompts.refresh()
        self.open_database()
        self._background.pool(_import_markdown)
        # What stands now stays: the collector need not look at it again while an answer streams.
        gc.freeze()

    def _page_shown(self, page: str) -> None:
        if page == "models":
            self.news.clear()

    def _open_license_of_model(self, model_id: str) -> None:
        self.licenses.open_step(model_id, back="models")

    def _open_license(self, model_id: str, license_id: str = "") -> None:
        self.licenses.open_step(model_id, license_id)

    def _ask_token(self, _host: str) -> None:
        """A person wants to give an access token, from the settings; there they come back to."""
        self.access.open_token(then=lambda: self._window.show_page("settings"))

    # --- conversations -------------------------------------------------------------------------------------------

    def _offer_undo(self, text: str) -> None:
        """Say that a message was deleted, with those under it; "": there is nothing to be undone any more."""
        self.news.withdraw(self._undo_text)
        self._undo_text = text
        if text:
            self.news.notify(text, (tr("Undo"), self._window.chat_page.branches.undo_delete))

    def open_database(self) -> None:
        """Open the conversations; where that fails, the window says so, and this may be tried again."""
        self._background.database(self.database.open, lambda _: self._database_opened(), self._database_failed)

    def _database_opened(self) -> None:
        if self.closed:
            return
        self._window.clear_failure()
        if self._window.chat is None:
            self.chat.start()
            self._window.set_chat(self.chat)

    def _database_failed(self, error: "UserError") -> None:
        if not self.closed:
            self._window.show_failure(error)

    # --- models --------------------------------------------------------------------------------------------------

    def _probe(self, _page: object) -> None:
        # Which GPUs there are counts where it is said what fits, and nowhere sooner.
        self.engine.probe(lambda probed: self._main_thread.call_on_main_thread(lambda: self._probed(probed)))

    def _probed(self, probed: "ProbeResult") -> None:
        if self.services.lookup.set_devices(probed.devices) and not self.closed:
            self.licenses.refresh()

    def _models_listed(self, cards: "Sequence[LibraryCard]") -> None:
        self.access.poll_pending(cards)
        self.setup.select_pending()

    def _use_model(self, model_id: str) -> None:
        self.selection.choose(model_id)
        self._window.show_page("")

    def _loaded_files(self) -> list[Path]:
        """The files of models that are loaded: they are not taken away from under the engine."""
        model = self.selection.model
        chosen = [model.path] if model is not None and self.selection.refusal is None else []
        return [*chosen, *(Path(params.model_path) for params in self.engine.loaded)]

    def _is_engine_busy(self) -> bool:
        return self.engine.state in ("loading", "answering")

    def _load_again(self) -> None:
        """The engine test found what has to be turned off, in the models that are loaded too."""
        if not self.closed:
            self.engine.release()
            self.chat.reload_model()

    # --- licenses and settings -----------------------------------------------------------------------------------

    def recheck_licenses(self) -> None:
        """Check licenses again, as one was accepted or revoked: the loaded model may have to be unloaded."""
        if not self.closed:
            self.engine.recheck()
            self.licenses.refresh()
            self._background.pool(self.services.recheck_downloads)

    def take_settings(self, changes: dict[str, Any]) -> None:
        """Apply settings that were changed in this process; `changes` by name."""
        self.network.refresh()
        self.panel.refresh()
        if _RELOAD_NEEDED_BY & changes.keys() and not self.closed:
            self.selection.reload_model()
        if _ENGINES_KEPT_BY & changes.keys() and not self.closed:
            self.engine.recheck()

    def _change_model(self, model_id: str, changes: "OptionChanges") -> None:
        """Change what is set for one model, in the panel."""
        try:
            self._settings.change_model(model_id, lambda own: changed_options(own, changes))
        except UserError as error:
            self._window.show_settings_error(error)
        self._window.show_settings(self._settings.current)
        self.take_settings({"model_settings": self._settings.current.model_settings})

    def close(self) -> None:
        """Store conversations and stop everything."""
        self.closed = True
        flows = (self.search, self.access, self.downloads, self.imports, self.setup, self.suggestion, self.model_list)
        for part in (
            self.network,
            self.settings,
            self.selection,
            self.licenses,
            self.ledger_watcher,
            *flows,
        ):
            part.close()
        self.tray.close()
        self.chat.close()
        self.kernels.close()
        self.engine.close()
        self.services.close()  # the process would stay until a file of many gigabytes is read
        self._background.close()
        self.database.close()


def _engine_pool(
    services: "LibraryServices",
    paths: Paths,
    kernels: KernelCheck,
    settings: SettingsFile,
    prompt_cache: PromptCacheFolder,
) -> EnginePool:
    fallbacks = FallbackStore(paths.load_fallbacks)

    def make() -> EngineClient:
        return EngineClient(
            license_check=services.license_check,
            logs=paths.engine_logs,
            cache=paths.cache,
            fallbacks=fallbacks,
            refuses_unusable=True,
            kernel_choice=kernels.choice,
            prompt_cache=prompt_cache,
        )

    return EnginePool(
        make, memory=lambda: settings.current.model_memory, unload_after=lambda: settings.current.unload_after
    )


def _import_markdown() -> None:
    """What the first answer is drawn with, before it comes."""
    from desktop.chat.markdown.answer_segments import segments

    segments("-")
