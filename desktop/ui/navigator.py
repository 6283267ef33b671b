"""`Navigator`: the interface of the window for flows: pages, errors, settings, and the page shown."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from desktop.errors import UserError
from desktop.settings import Settings

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance
    from PySide6.QtWidgets import QWidget


class Navigator(Protocol):
    """Pages go by name: "models", "licenses", "network", "settings", "search", "prompts", "compare", "chat-import",
    "documents", "tools", "server", the steps "license", "difference", "token" and "gate", and "" for the conversation.
    A page is built when first asked for.
    """

    @property
    def page_shown(self) -> "SignalInstance":
        """Emitted with the name of a page, each time one is shown."""

    @property
    def activated(self) -> "SignalInstance":
        """Emitted when the window comes to the front."""

    @property
    def settings_changed(self) -> "SignalInstance":
        """Emitted with the settings that are to change, by name."""

    @property
    def shown(self) -> str:
        """The name of the page that is shown."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""

    @property
    def dialog_parent(self) -> "QWidget":
        """The widget that dialogs and announcements belong to."""

    def page(self, name: str) -> Any:
        """A page, built where it was not yet. Only the feature that it belongs to knows more of it."""

    def is_built(self, name: str) -> bool:
        """Whether a page was built already."""

    def when_built(self, name: str, use: Callable[[Any], None]) -> None:
        """Call `use` with a page: at once where it is built, else right after it is."""

    def show_page(self, name: str, *, entry: str | None = None) -> None:
        """Show a page. `entry` is the page whose entry in the sidebar is marked, where it is another one."""

    def show_error(self, error: UserError | None, action: tuple[str, Callable[[], None]] | None = None) -> None:
        """Show an error above the composer, with one button; None removes it."""

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Change settings, by name."""

    def confirm_open(self, address: str) -> None:
        """Open an address in the person's browser, once they said so."""
