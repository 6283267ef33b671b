"""The conversation and the pages beside it, one of them shown; each is built when it is first shown."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from desktop.errors import UserError
from desktop.paths import Paths
from desktop.settings import Settings
from desktop.ui.chat.page import ChatPage
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.models import LibraryModel
    from desktop.ui.failure import FailurePage
    from desktop.ui.models.page import ModelsPage
    from desktop.ui.parts.page_bar import PageBar
    from desktop.ui.settings.page import SettingsPage


class Pages(QStackedWidget):
    """Passes on what is asked for on a page: another model, other settings, another try, the sidebar."""

    model_chosen = Signal(str)
    settings_changed = Signal(dict)
    retry_asked = Signal()
    sidebar_asked = Signal()

    def __init__(self, theme: Theme, paths: Paths, settings: Settings, chat: ChatPage) -> None:
        super().__init__()
        self._theme, self._paths, self._settings = theme, paths, settings
        self._models: list[LibraryModel] = []
        self._model_id: str | None = None
        self._models_page: ModelsPage | None = None
        self._settings_page: SettingsPage | None = None
        self._failure: FailurePage | None = None
        self.chat = chat
        chat.top_bar.sidebar_button.clicked.connect(self.sidebar_asked)
        chat.top_bar.model_chosen.connect(self.model_chosen)
        self.addWidget(chat)

    def show_page(self, page: str) -> str:
        """Show "models", "settings", or "" for the conversation (or for why there is none); what is shown."""
        shown: QWidget = self.chat
        if page == "models":
            shown = self.models
        elif page == "settings":
            shown = self.settings
        elif self._failure is not None:
            shown = self._failure
        self.setCurrentWidget(shown)
        if shown is self.chat:
            self.chat.focus_composer()
        else:
            # The page itself, not its first control: Tab leads into it.
            shown.setFocus(Qt.FocusReason.OtherFocusReason)
        return page if page in ("models", "settings") else ""

    @property
    def models(self) -> "ModelsPage":
        """The page of models."""
        if self._models_page is None:
            from desktop.ui.models.page import ModelsPage

            self._models_page = ModelsPage(self._theme)
            self._models_page.use_asked.connect(self.model_chosen)
            self._models_page.bar.sidebar_button.clicked.connect(self.sidebar_asked)
            self.addWidget(self._models_page)
            self._models_page.show_models(self._models, self._model_id)
        return self._models_page

    @property
    def settings(self) -> "SettingsPage":
        """The page of settings."""
        if self._settings_page is None:
            from desktop.ui.settings.page import SettingsPage

            self._settings_page = SettingsPage(self._theme, self._paths, self._settings)
            self._settings_page.changed.connect(self.settings_changed)
            self._settings_page.bar.sidebar_button.clicked.connect(self.sidebar_asked)
            self.addWidget(self._settings_page)
        return self._settings_page

    def show_models(self, models: "list[LibraryModel]", in_use: str | None) -> None:
        """Offer `models`; the one with the id `in_use` answers."""
        self._models, self._model_id = models, in_use
        if self._models_page is not None:
            self._models_page.show_models(models, in_use)

    def show_settings(self, settings: Settings) -> None:
        """Take on the settings in force."""
        self._settings = settings
        if self._settings_page is not None:
            self._settings_page.show_settings(settings)

    def show_settings_error(self, error: UserError) -> None:
        """A setting holds and could not be written: say so where the person is."""
        if self._settings_page is not None and self.currentWidget() is self._settings_page:
            self._settings_page.show_error(error)
        else:
            self.chat.show_problem(error)

    def show_failure(self, error: UserError) -> None:
        """The conversations cannot be opened: say so in place of them."""
        from desktop.ui.failure import FailurePage

        self.clear_failure()
        self._failure = FailurePage(self._theme, error, self._paths, self.retry_asked.emit)
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

    def bars(self) -> "list[PageBar]":
        """The strips at the top of the pages built so far."""
        others = (self._models_page, self._settings_page)
        return [self.chat.top_bar, *(page.bar for page in others if page is not None)]

    def panes(self) -> list[QWidget]:
        """Where F6 goes on the page shown."""
        page = self.currentWidget()
        if page is self.chat:
            transcript = self.chat.shown_transcript
            middle = [transcript] if transcript is not None else []
            return [self.chat.top_bar.model_button, *middle, self.chat.composer.edit]
        children = page.findChildren(QWidget) if page is not None else []
        inside = [child for child in children if child.focusPolicy() & Qt.FocusPolicy.TabFocus]
        return [child for child in inside if child.isVisible()][:1]
