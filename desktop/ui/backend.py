"""`Backend`: what stands behind one window, all flows of it; what each tells the others is connected here.

Importing this takes some tenths of a second. `desktop.ui.program` does it after the first paint, in a thread.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop import __version__
from desktop.chat.chat_session import ChatSession
from desktop.chat.export.chat_exporter import ChatExporter
from desktop.chat.temporary_chat import TemporaryChat
from desktop.library.model_terms import ModelTerms
from desktop.storage.message_search import MessageSearch
from desktop.translation import tr
from desktop.ui.access.access_flow import AccessFlow
from desktop.ui.chat.code_file_flow import CodeFileFlow
from desktop.ui.compare.compare_flow import CompareFlow
from desktop.ui.documents.documents_flow import DocumentsFlow
from desktop.ui.downloads.download_flow import DownloadFlow
from desktop.ui.export.chat_pdf import draw_pdf
from desktop.ui.export.export_flow import ExportFlow
from desktop.ui.imports.chat_import_flow import ChatImportFlow
from desktop.ui.licenses.license_flow import LicenseFlow
from desktop.ui.licenses.license_page_loader import LicensePageLoader
from desktop.ui.models.import_flow import ImportFlow
from desktop.ui.models.load_settings_flow import LoadSettingsFlow
from desktop.ui.models.model_list_flow import ModelListFlow
from desktop.ui.models.model_selection import ModelSuggestionFlow
from desktop.ui.models.model_setup_flow import ModelSetupFlow
from desktop.ui.network.network_flow import NetworkFlow
from desktop.ui.panel.panel_flow import PanelFlow
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.prompts.prompt_flow import PromptFlow
from desktop.ui.search.search_flow import SearchFlow
from desktop.ui.settings.backup_flow import BackupFlow
from desktop.ui.settings.settings_flow import SettingsFlow
from desktop.ui.shared_services import SharedServices
from desktop.ui.sidebar.order_request import OrderRequest
from desktop.ui.window.chat_files import ChatFiles
from desktop.ui.window.chat_place import ChatPlace
from desktop.ui.window.file_drop import FileDropTarget
from desktop.ui.window.main_window import MainWindow

if TYPE_CHECKING:
    from collections.abc import Callable

    from desktop.chat.chat_events import ChatEvent
    from desktop.engine.worker_messages import ProbeResult
    from desktop.errors import UserError
    from desktop.library.library_model import LibraryCard
    from desktop.storage.database import Database


class Backend(QObject):
    """A window's chat session, and the flows between it and what all windows share. `start` begins, `close` ends it
    all; what is shared goes on."""

    def __init__(self, window: MainWindow, shared: SharedServices) -> None:
        super().__init__()
        self._window, self._shared = window, shared
        self._background, self._main_thread = shared.background, shared.main_thread
        self.closed = False
        self._undo_text = ""
        services = self.services = shared.library
        self.kernels, self.engine, self.database = shared.kernels, shared.engine, shared.database
        self.selection = shared.selection
        background, paths, settings = shared.background, shared.paths, shared.settings
        window.when_built("models", self._probe)
        store = shared.answers.store
        self.search = SearchFlow(window, background, MessageSearch(self.database), store)
        self.chat = ChatSession(
            store=store,
            engine=self.engine,
            background=background,
            settings=lambda: settings.current,
            listener=window.show_event,
            answers=shared.answers,
        )
        self.licenses = LicenseFlow(window, background, services, LicensePageLoader(services), self.selection)
        self.news = NotificationBar(window.theme, window)
        self.panel = PanelFlow(
            window,
            background,
            self._open_session,
            self.engine,
            shared.presets,
            self.news,
            change_model=shared.change_model,
            switch_model=self.selection.choose,
            collections=shared.collections,
            tools=shared.tools,
        )
        window.panel_asked.connect(self.panel.turn)
        page = window.chat_page
        self.prompts = PromptFlow(
            window,
            window.theme,
            background,
            shared.prompts,
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
        self.loading = LoadSettingsFlow(window, background, shared.change_model, services.library)
        self.setup = ModelSetupFlow(window, background, services, self.access, self.downloads, self.imports)
        self.suggestion = ModelSuggestionFlow(window, window.display, background, services, self.selection)
        self.tray = shared.tray
        self.tray.add(window)
        self.drop = FileDropTarget(window.theme, window, page.composer.edit.viewport(), chat=page)
        self.settings = SettingsFlow(window, background, services, self.engine, shared.prompt_cache, paths)
        self.backups = BackupFlow(window, background, shared.data, shared.answers.queue)
        self.backups.restored.connect(shared.show_restored)
        shared.restored.connect(self._restored)
        shared.backup_timer.failed.connect(self._backup_failed)
        self.chat_imports = ChatImportFlow(
            window,
            background,
            self.database,
            shared.attachments,
            self.news,
            shared.answers.tell,
            self.chat.order.delete,
        )
        self.documents = DocumentsFlow(window, shared.collections, self.news, shared.reading_facts)
        self.documents.settings_asked.connect(self.settings.open_documents)
        self.documents.ask_asked.connect(self._ask_about)
        window.commands.add_places(self.documents.places)
        self.outside = shared.outside_flows(window, self.news)
        self.tools = self.outside.tools
        self.outside.elsewhere.model_asked.connect(self.setup.show_model)
        self.code_files = CodeFileFlow(window, background)
        window.chat_page.code.save_asked.connect(self.code_files.choose_file)
        self.files = ChatFiles(window, background, self._open_session, self.engine, shared.answers, shared.collections)
        self.network = NetworkFlow(window, background, services, paths, settings, shared.change_settings)
        self.compare = CompareFlow(window, background, ChatPlace(window, shared.answers), self.engine, shared.presets)
        exporter = ChatExporter(
            shared.attachments,
            ModelTerms(services.library).complete,
            paths=paths,
            generator=f"Latchkey {__version__}",
            draw_pdf=draw_pdf,
        )
        self.exports = ExportFlow(window, background, exporter, self.news, self._database_of)
        window.conversations.paper_asked.connect(self._put_on_paper)
        self._connect_models()
        self._connect_licenses()
        self._connect_network()
        shared.displays.shown += [window.display, self.compare]
        shared.database_opened.connect(self._database_opened)
        shared.database_failed.connect(self._database_failed)
        window.retry_requested.connect(shared.open_database)

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
        self.drop.chats_dropped.connect(self.chat_imports.offer_files)
        self.drop.attached.connect(self.files.attachments.add_data)
        self.files.attachments.drops.models_found.connect(self.imports.offer_files)
        self.files.attachments.drops.chats_found.connect(self.chat_imports.offer_files)
        self.files.attachments.drops.collection_asked.connect(self._make_collection)
        self.panel.documents.file_asked.connect(self.files.sources.show_file)
        self.panel.documents.chosen_changed.connect(window.chat_page.composer.show_collections)
        window.chat_page.composer.collections_asked.connect(self.panel.show_documents)
        # By methods: a signal would hold a lambda, with the window, beyond the window's end.
        self.files.attachments.model_asked.connect(self._show_models)
        self.files.attachments.removed.connect(self._offer_files_back)
        self.panel.documents.page_asked.connect(self._show_documents)
        self.panel.tools.page_asked.connect(self._show_tools)
        self.panel.tools.offer(window.chat_page.composer.tools_button)
        window.chat_page.composer.allow_tools()
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
        window.activated.connect(self._shared.check_ledger)
        window.chat_page.top_bar.compare_asked.connect(self.compare.open)
        self.compare.license_asked.connect(self._open_license_of_compared)

    def _connect_network(self) -> None:
        network, settings = self.network, self.settings
        network.settings_changed.connect(self._window.show_settings)
        network.offline_reason_changed.connect(self._window.sidebar.offline.show_offline_reason)
        network.offline_reason_changed.connect(settings.show_held)
        network.offline_reason_changed.connect(self.outside.refresh)
        network.settings_asked.connect(settings.open_network)
        settings.token_asked.connect(self._ask_token)

    def start(self) -> None:
        """Show what is on the disk: models, downloads of former runs, settings, conversations."""
        self.selection.show()
        self.downloads.start()
        self.network.start()
        self.prompts.refresh()
        self._shared.open_database()
        self._background.pool(_import_markdown)

    def _page_shown(self, page: str) -> None:
        if page == "models":
            self.news.clear()

    def _open_license_of_model(self, model_id: str) -> None:
        self.licenses.open_step(model_id, back="models")

    def _open_license(self, model_id: str, license_id: str = "") -> None:
        self.licenses.open_step(model_id, license_id)

    def _open_license_of_compared(self, model_id: str) -> None:
        self.licenses.open_step(model_id, back="compare")

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

    def _offer_files_back(self, text: str, undo: Callable[[], None]) -> None:
        """Files were taken away from the message that is being written."""
        self.news.notify(text, (tr("Undo"), undo))

    def _database_opened(self) -> None:
        if self.closed:
            return
        self._window.clear_failure()
        if self._window.chat is None:
            self.chat.start()
            self._window.set_chat(self.chat, self._make_temporary)

    def _make_temporary(self, listener: "Callable[[ChatEvent], None]") -> TemporaryChat:
        shared = self._shared
        return TemporaryChat(
            leader=shared.answers,
            engine=self.engine,
            background=self._background,
            settings=lambda: shared.settings.current,
            hash_file=self.services.license_check.loaded_sha256,
            listener=listener,
            presets=shared.presets,
        )

    def _database_of(self, conversation_id: str) -> "tuple[Database, bool]":
        """What holds a conversation, and whether it is a temporary one's."""
        temporary = self._window.temporary.chat
        if temporary is not None and temporary.holds(conversation_id):
            return temporary.database, True
        return self.database, False

    def _put_on_paper(self, request: OrderRequest) -> None:
        if request.kind == "print":
            self.exports.choose_printer(request.ids)
        else:
            self.exports.choose_file(request.ids)

    def _open_session(self) -> ChatSession:
        """The session of the conversation that the window shows."""
        temporary = self._window.temporary.chat
        return temporary.session if temporary is not None else self.chat

    def _show_models(self) -> None:
        self._window.show_page("models")

    def _show_tools(self) -> None:
        self._window.show_page("tools")

    def _show_documents(self) -> None:
        self._window.show_page("documents")

    def _ask_about(self, collection: str) -> None:
        self._window.new_chat()
        if not self._window.temporary.active:  # or it asks first whether that may go
            self.panel.look_in(collection)

    def _make_collection(self, paths: list[Path]) -> None:
        """A person wants a collection of what they dropped on the chat."""
        self._show_documents()
        self.documents.add("", paths)

    def _backup_failed(self, error: "UserError") -> None:
        if not self.closed:
            self.news.notify(tr("The weekly backup was not made. {reason}").format(reason=error))

    def _restored(self) -> None:
        """Chats were restored: show anew the one that is open."""
        if self.closed:
            return
        self.prompts.refresh()
        open_id = self.chat.current_id
        if open_id is not None and self.chat.is_stored(open_id):
            self._shared.answers.show_stored(open_id)

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

    def refresh(self) -> None:
        """Show settings that were changed."""
        self.network.refresh()
        self.panel.refresh()
        self.loading.refresh()
        self.settings.refresh()
        self.documents.refresh()
        self.outside.refresh()

    def close(self) -> None:
        """Show nothing any more. What is answered goes on, for other windows."""
        self.closed = True
        for display in (self._window.display, self.compare):
            self._shared.displays.shown.remove(display)
        flows = (self.search, self.access, self.downloads, self.imports, self.setup, self.suggestion, self.model_list)
        for part in (
            self.network,
            self.settings,
            self.backups,
            self.licenses,
            self.compare,
            self.chat_imports,
            self.documents,
            self.outside,
            self.loading,
            self.files,
            *flows,
        ):
            part.close()
        self.tray.remove(self._window)
        self.panel.close()
        self.exports.close()
        self.prompts.close()
        self._window.temporary.close()
        self.chat.close()


def _import_markdown() -> None:
    """What the first answer is drawn with, before it comes."""
    from desktop.chat.markdown.answer_segments import segments

    segments("-")
