"""What each action does. The actions themselves are declared in `actions`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from desktop.ui.actions import Actions
from desktop.ui.sidebar.rows import title_of
from desktop.ui.theme.tokens import TEXT_SCALES

if TYPE_CHECKING:
    from desktop.ui.go_to import Destination, GoTo
    from desktop.ui.window import MainWindow


class Commands:
    """The handlers of one window's actions."""

    def __init__(self, window: "MainWindow") -> None:
        self._window = window
        self._go_to: GoTo | None = None

    def handlers(self) -> dict[str, Callable[[], None]]:
        """By the id of the action."""
        window, page = self._window, self._window.chat_page
        return {
            "new-chat": window.new_chat,
            "go-to": self.open_go_to,
            "search": self._search,
            "find": self._find,
            "composer": lambda: self._to_chat(page.focus_composer),
            "stop": page.stop,
            "regenerate": page.regenerate_last,
            "edit-last": lambda: self._to_chat(page.edit_last),
            "copy-answer": page.copy_last,
            "read-answer": lambda: self._to_chat(page.read_last),
            "latest": page.jump_to_latest,
            "rename": lambda: self._with_open(self.rename),
            "pin": self._pin,
            "delete": lambda: self._with_open(lambda key: window.chat.delete(key) if window.chat else None),
            "chat": lambda: window.show_page(""),
            "models": lambda: window.show_page("models"),
            "licenses": lambda: window.show_page("licenses"),
            "network": lambda: window.show_page("network"),
            "settings": lambda: window.show_page("settings"),
            "offline": self.turn_offline_switch,
            "sidebar": window.toggle_sidebar,
            "theme": self._switch_theme,
            "larger": lambda: self._scale(1),
            "smaller": lambda: self._scale(-1),
            "next-pane": lambda: self._cycle(1),
            "previous-pane": lambda: self._cycle(-1),
            "quit": self._quit,
        }

    def _quit(self) -> None:
        self._window.close()

    def open_go_to(self) -> None:
        """Offer every action and every conversation in the list."""
        from desktop.ui.go_to import GoTo

        if self._go_to is None:
            self._go_to = GoTo(self._window.theme, self._window)
            self._go_to.closed.connect(self._window.chat_page.focus_composer)
        self._go_to.open_over(self._destinations(self._window.actions_table))

    @property
    def go_to(self) -> "GoTo | None":
        """The open "Go to anything", None where it was never opened."""
        return self._go_to

    def place(self) -> None:
        """The window changed its size."""
        if self._go_to is not None:
            self._go_to.place()

    def _destinations(self, actions: Actions) -> "list[Destination]":
        from desktop.translation import tr
        from desktop.ui.go_to import Destination

        found = [
            Destination(spec.text, actions.keys_of(spec.id), action.trigger) for spec, action in actions.in_palette()
        ]
        for conversation in self._window.sidebar.rows.conversations:
            key = conversation.id
            open_it = lambda key=key: self._window.open_conversation(key)  # noqa: E731 - bound to this one
            found.append(Destination(title_of(conversation), tr("Chat"), open_it))
        return found

    def turn_offline_switch(self) -> None:
        """Go offline or online; where that is not the person's to say, show why."""
        if self._window.sidebar.offline.held:
            self._window.show_page("network")
        else:
            self._window.settings_changed.emit({"offline": not self._window.settings.offline})

    def _to_chat(self, then: Callable[[], None]) -> None:
        self._window.show_page("")
        then()

    def rename(self, conversation_id: str) -> None:
        """Let the person type over a title in the list."""
        self._show_sidebar()
        self._window.sidebar.list.rename(conversation_id)

    def _show_sidebar(self) -> None:
        if not self._window.sidebar_shown:
            self._window.toggle_sidebar()

    def _search(self) -> None:
        sidebar = self._window.sidebar
        self._show_sidebar()
        sidebar.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        sidebar.search.selectAll()

    def _find(self) -> None:
        own = getattr(self._window.pages.currentWidget(), "open_find", None)
        if own is not None:
            own()
            return
        self._window.show_page("")
        self._window.chat_page.open_find()

    def _with_open(self, then: Callable[[str], object]) -> None:
        # What the keyboard is on in the list comes before what is open.
        chosen = self._window.sidebar.list.current_id() if self._window.sidebar.list.hasFocus() else None
        conversation = self._window.conversation
        key = chosen or (conversation.id if conversation is not None else None)
        if key is not None:
            then(key)

    def _pin(self) -> None:
        window = self._window
        conversation = window.conversation
        if conversation is not None and window.chat is not None:
            window.chat.pin(conversation.id, not conversation.pinned)

    def _switch_theme(self) -> None:
        wanted = "light" if self._window.theme.tokens.dark else "dark"
        self._window.settings_changed.emit({"theme": wanted})

    def _scale(self, step: int) -> None:
        here = self._window.settings.text_scale
        nearest = min(range(len(TEXT_SCALES)), key=lambda at: abs(TEXT_SCALES[at] - here))
        scale = TEXT_SCALES[max(0, min(nearest + step, len(TEXT_SCALES) - 1))]
        self._window.settings_changed.emit({"text_scale": scale})

    def _cycle(self, step: int) -> None:
        panes = self._window.panes()
        focus = QApplication.focusWidget()
        here = next((at for at, pane in enumerate(panes) if focus is not None and _holds(pane, focus)), -1)
        for distance in range(1, len(panes) + 1):
            target = panes[(here + distance * step) % len(panes)]
            if target.isVisible() and target.isEnabled():
                target.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return


def _holds(pane: QWidget, widget: QWidget) -> bool:
    return pane is widget or pane.isAncestorOf(widget)
