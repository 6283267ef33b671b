"""The conversation and the pages beside it, one of them shown; each is built when it is first shown.

Where the conversations cannot be opened, a page says so in their place.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop.errors import UserError
from desktop.paths import Paths
from desktop.settings import Settings
from desktop.translation import tr
from desktop.ui.chat.chat_page import ChatPage
from desktop.ui.theme.theme import Theme
from desktop.ui.window.database_error_page import DatabaseErrorPage

if TYPE_CHECKING:
    from desktop.ui.access.gate_step import GateStep
    from desktop.ui.access.token_step import TokenStep
    from desktop.ui.compare.compare_page import ComparePage
    from desktop.ui.documents.documents_page import DocumentsPage
    from desktop.ui.imports.chat_import_page import ChatImportPage
    from desktop.ui.licenses.difference_page import DifferencePage
    from desktop.ui.licenses.license_step import LicenseStep
    from desktop.ui.licenses.licenses_page import LicensesPage
    from desktop.ui.models.models_page import ModelsPage
    from desktop.ui.network.network_page import NetworkPage
    from desktop.ui.parts.page import PageBar
    from desktop.ui.prompts.prompts_page import PromptsPage
    from desktop.ui.search.search_page import SearchPage
    from desktop.ui.server.server_page import ServerPage
    from desktop.ui.settings.settings_page import SettingsPage
    from desktop.ui.tools.tools_page import ToolsPage

    AnyPage = (
        ModelsPage
        | NetworkPage
        | SettingsPage
        | SearchPage
        | PromptsPage
        | LicensesPage
        | LicenseStep
        | DifferencePage
        | TokenStep
        | GateStep
        | ComparePage
        | ChatImportPage
        | DocumentsPage
        | ToolsPage
        | ServerPage
    )


_STEPS = ("license", "difference", "token", "gate")
PAGES = (
    "models",
    "network",
    "settings",
    "search",
    "prompts",
    "licenses",
    "compare",
    "chat-import",
    "documents",
    "tools",
    "server",
    *_STEPS,
)
"""The names of all pages but the conversation's, which is ""."""


class PageStack(QStackedWidget):
    """Passes on what is asked for on a page: another model, other settings, another try, the sidebar.

    `page_shown` carries the name of the page that is shown now (one of `PAGES`, or "" for the conversation),
    `page_built` that of a page that was just made.
    """

    model_chosen = Signal(str)
    settings_changed = Signal(dict)
    retry_requested = Signal()
    sidebar_asked = Signal()
    page_shown = Signal(str)
    page_built = Signal(str)

    def __init__(self, theme: Theme, paths: Paths, settings: Settings, chat: ChatPage) -> None:
        super().__init__()
        self._theme, self._paths, self._settings = theme, paths, settings
        self._built: dict[str, AnyPage] = {}
        self._models_page: ModelsPage | None = None
        self._settings_page: SettingsPage | None = None
        self._network_page: NetworkPage | None = None
        self._search_page: SearchPage | None = None
        self._prompts_page: PromptsPage | None = None
        self._licenses_page: LicensesPage | None = None
        self._license_step: LicenseStep | None = None
        self._difference_page: DifferencePage | None = None
        self._token_step: TokenStep | None = None
        self._gate_step: GateStep | None = None
        self._compare_page: ComparePage | None = None
        self._chat_import_page: ChatImportPage | None = None
        self._documents_page: DocumentsPage | None = None
        self._tools_page: ToolsPage | None = None
        self._server_page: ServerPage | None = None
        self._waiting: dict[str, list[Callable[[Any], None]]] = {}
        self._failure: DatabaseErrorPage | None = None
        self.chat = chat
        chat.top_bar.sidebar_button.clicked.connect(self.sidebar_asked)
        chat.top_bar.model_chosen.connect(self.model_chosen)
        self.addWidget(chat)

    @property
    def shown(self) -> str:
        """The name of the page that is shown, "" for the conversation."""
        page = self.currentWidget()
        return next((name for name, built in self._built.items() if built is page), "")

    @property
    def built_pages(self) -> tuple[str, ...]:
        """The names of the pages built so far."""
        return tuple(self._built)

    def show_page(self, page: str) -> str:
        """Show a page by its name, or "" for the conversation (or for why there is none); what is shown."""
        shown: QWidget = self.chat
        if page in PAGES:
            shown = self.page(page)
        elif self._failure is not None:
            shown = self._failure
        self.setCurrentWidget(shown)
        if shown is self.chat:
            self.chat.focus_composer()
        elif shown in self._beginning():
            shown.begin()
        else:
            # The page itself, not its first control: Tab leads into it.
            shown.setFocus(Qt.FocusReason.OtherFocusReason)
        self.page_shown.emit(self.shown)
        return self.shown

    def _beginning(
        self,
    ) -> "tuple[SearchPage | LicenseStep | DifferencePage | TokenStep | GateStep | ComparePage | None, ...]":
        """The pages that say themselves where the keyboard begins."""
        steps = (self._license_step, self._difference_page, self._token_step, self._gate_step)
        return (self._search_page, self._compare_page, *steps)

    def _add(self, name: str, page: "AnyPage") -> None:
        self._built[name] = page
        page.bar.sidebar_button.clicked.connect(self.sidebar_asked)
        self.addWidget(page)
        for use in self._waiting.pop(name, []):
            use(page)
        self.page_built.emit(name)

    def when_built(self, name: str, use: Callable[[Any], None]) -> None:
        """Call `use` with a page: at once where it is built, else right after it is."""
        if name in self._built:
            use(self._built[name])
        else:
            self._waiting.setdefault(name, []).append(use)

    def page(self, name: str) -> "AnyPage":
        """A page by its name, built where it was not yet."""
        if name not in PAGES:
            raise KeyError(name)
        page: AnyPage = getattr(self, name.replace("-", "_"))
        return page

    @property
    def models(self) -> "ModelsPage":
        """The page of models."""
        if self._models_page is None:
            from desktop.ui.models.models_page import ModelsPage

            self._models_page = ModelsPage(self._theme)
            self._models_page.use_asked.connect(self.model_chosen)
            self._add("models", self._models_page)
        return self._models_page

    @property
    def settings(self) -> "SettingsPage":
        """The page of settings."""
        if self._settings_page is None:
            from desktop.ui.settings.settings_page import SettingsPage

            self._settings_page = SettingsPage(self._theme, self._paths, self._settings)
            self._settings_page.changed.connect(self.settings_changed)
            self._add("settings", self._settings_page)
        return self._settings_page

    @property
    def network(self) -> "NetworkPage":
        """The Network page: the offline switch and the request log."""
        if self._network_page is None:
            from desktop.ui.network.network_page import NetworkPage

            self._network_page = NetworkPage(self._theme, str(self._paths.log_file))
            self._add("network", self._network_page)
        return self._network_page

    @property
    def search(self) -> "SearchPage":
        """The page that searches all conversations."""
        if self._search_page is None:
            from desktop.ui.search.search_page import SearchPage

            self._search_page = SearchPage(self._theme)
            self._add("search", self._search_page)
        return self._search_page

    @property
    def prompts(self) -> "PromptsPage":
        """The page of prompts."""
        if self._prompts_page is None:
            from desktop.ui.prompts.prompts_page import PromptsPage

            self._prompts_page = PromptsPage(self._theme)
            self._add("prompts", self._prompts_page)
        return self._prompts_page

    @property
    def licenses(self) -> "LicensesPage":
        """The Licenses page: acknowledgements in force and the ledger."""
        if self._licenses_page is None:
            from desktop.ui.licenses.licenses_page import LicensesPage

            self._licenses_page = LicensesPage(self._theme, str(self._paths.log_file))
            self._add("licenses", self._licenses_page)
        return self._licenses_page

    @property
    def license(self) -> "LicenseStep":
        """The step in which a license is read and accepted."""
        if self._license_step is None:
            from desktop.ui.licenses.license_step import LicenseStep

            self._license_step = LicenseStep(self._theme, str(self._paths.log_file))
            self._add("license", self._license_step)
        return self._license_step

    @property
    def difference(self) -> "DifferencePage":
        """The step that shows what changed in a license."""
        if self._difference_page is None:
            from desktop.ui.licenses.difference_page import DifferencePage

            self._difference_page = DifferencePage(self._theme)
            self._add("difference", self._difference_page)
        return self._difference_page

    @property
    def token(self) -> "TokenStep":
        """The step in which an access token is entered."""
        if self._token_step is None:
            from desktop.ui.access.token_step import TokenStep

            self._token_step = TokenStep(self._theme)
            self._add("token", self._token_step)
        return self._token_step

    @property
    def gate(self) -> "GateStep":
        """The step before a publisher's gate."""
        if self._gate_step is None:
            from desktop.ui.access.gate_step import GateStep

            self._gate_step = GateStep(self._theme)
            self._add("gate", self._gate_step)
        return self._gate_step

    @property
    def compare(self) -> "ComparePage":
        """The page that compares two answers."""
        if self._compare_page is None:
            from desktop.ui.compare.compare_page import ComparePage

            self._compare_page = ComparePage(self._theme, str(self._paths.log_file))
            self._add("compare", self._compare_page)
        return self._compare_page

    @property
    def chat_import(self) -> "ChatImportPage":
        """The page that takes in chats which other programs exported."""
        if self._chat_import_page is None:
            from desktop.ui.imports.chat_import_page import ChatImportPage

            self._chat_import_page = ChatImportPage(self._theme)
            self._add("chat-import", self._chat_import_page)
        return self._chat_import_page

    @property
    def documents(self) -> "DocumentsPage":
        """The page of documents: collections and what was read of their files."""
        if self._documents_page is None:
            from desktop.ui.documents.documents_page import DocumentsPage

            self._documents_page = DocumentsPage(self._theme, self._paths.resources / "guide" / "documents.md")
            self._add("documents", self._documents_page)
        return self._documents_page

    @property
    def tools(self) -> "ToolsPage":
        """The page of tool servers, with what they may and what they did."""
        if self._tools_page is None:
            from desktop.ui.tools.tools_page import ToolsPage

            self._tools_page = ToolsPage(self._theme, self._paths.resources / "guide" / "tools.md")
            self._add("tools", self._tools_page)
        return self._tools_page

    @property
    def server(self) -> "ServerPage":
        """The page of the server for other programs, and of the engines elsewhere."""
        if self._server_page is None:
            from desktop.ui.server.server_page import ServerPage

            self._server_page = ServerPage(self._theme)
            self._add("server", self._server_page)
        return self._server_page

    def show_settings(self, settings: Settings) -> None:
        """Take on the settings in force."""
        self._settings = settings
        if self._settings_page is not None:
            self._settings_page.show_settings(settings)

    def show_settings_error(self, error: UserError) -> None:
        """A setting holds and could not be written: say so where the person is."""
        remedy = tr("{what} The change holds until Latchkey is closed.").format(what=error.remedy)
        error = type(error)(error.title, error.detail, remedy, technical=error.technical)
        if self._settings_page is not None and self.currentWidget() is self._settings_page:
            self._settings_page.show_error(error)
        elif self._models_page is not None and self.currentWidget() is self._models_page:
            self._models_page.show_problem(error)
        else:
            self.chat.show_error(error)

    def show_failure(self, error: UserError) -> None:
        """The conversations cannot be opened: say so in place of them."""
        self.clear_failure()
        self._failure = DatabaseErrorPage(self._theme, error, self._paths, self.retry_requested.emit)
        self.addWidget(self._failure)
        self.setCurrentWidget(self._failure)

    def clear_failure(self) -> bool:
        """They can be opened again. Whether a failure was shown."""
        if self._failure is None:
            return False
        self.removeWidget(self._failure)
        self._failure.deleteLater()
        self._failure = None
        return True

    def page_bars(self) -> "list[PageBar]":
        """The strips at the top of the pages built so far."""
        return [self.chat.top_bar, *(page.bar for page in self._built.values())]

    def panes(self) -> list[QWidget]:
        """Where F6 goes on the page shown."""
        page = self.currentWidget()
        if page is self.chat:
            transcript = self.chat.shown_transcript
            middle = [transcript] if transcript is not None else []
            return [self.chat.top_bar.model_button, *middle, self.chat.composer.edit]
        own = getattr(page, "panes", None)
        if own is not None:
            return own()
        children = page.findChildren(QWidget) if page is not None else []
        inside = [child for child in children if child.focusPolicy() & Qt.FocusPolicy.TabFocus]
        return [child for child in inside if child.isVisible()][:1]
