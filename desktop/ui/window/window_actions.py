"""Every action of the window, declared once for menus, shortcuts and "Go to anything", and what each of them does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QWidget

from desktop.translation import tr
from desktop.ui.navigator import Navigator
from desktop.ui.sidebar.conversation_item_model import title_of
from desktop.ui.sidebar.order_request import OrderRequest
from desktop.ui.theme.design_tokens import TEXT_SCALES
from desktop.ui.window.wheel_zoom import WheelZoom

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from desktop.chat.chat_session import ChatSession
    from desktop.conversation import Conversation
    from desktop.ui.chat.chat_page import ChatPage
    from desktop.ui.sidebar.order_request import RequestKind
    from desktop.ui.sidebar.sidebar import Sidebar
    from desktop.ui.theme.theme import Theme
    from desktop.ui.window.command_palette import CommandPalette, PaletteEntry
    from desktop.ui.window.page_stack import PageStack
    from desktop.ui.window.temporary_chat_flow import TemporaryChatFlow


MorePlaces = Callable[[], "list[tuple[str, str, Callable[[], None]]]"]


@dataclass(frozen=True)
class ActionSpec:
    """An action: its id, its text, its shortcuts, and whether "Go to anything" offers it.

    `key_hint` is the key of an action that the focused widget itself answers to, shown and not bound.
    """

    id: str
    text: str
    shortcuts: tuple[str, ...] = ()
    in_palette: bool = True
    key_hint: str = ""


def action_specs() -> tuple[ActionSpec, ...]:
    """All actions, in the order "Go to anything" shows them."""
    return (
        ActionSpec("new-chat", tr("New chat"), ("Ctrl+N",)),
        ActionSpec("temporary-chat", tr("Temporary chat"), ("Ctrl+Shift+T",)),
        ActionSpec("new-window", tr("New window"), ("Ctrl+Shift+N",)),
        ActionSpec("go-to", tr("Go to anything…"), ("Ctrl+K",), in_palette=False),
        ActionSpec("search", tr("Search chats"), ("Ctrl+Shift+F",)),
        ActionSpec("find", tr("Find in this chat"), ("Ctrl+F",)),
        ActionSpec("composer", tr("Write a message"), ("Ctrl+L",)),
        ActionSpec("attach", tr("Attach files…"), ("Ctrl+Shift+A",)),
        ActionSpec("stop", tr("Stop the answer"), ("Esc",), in_palette=False),
        ActionSpec("compare", tr("Compare two answers"), ("Ctrl+E",)),
        ActionSpec("regenerate", tr("Regenerate the last answer"), ("Ctrl+R",)),
        ActionSpec("edit-last", tr("Edit the last message"), key_hint="Up"),
        ActionSpec("copy-answer", tr("Copy the last answer"), ("Ctrl+Shift+C",)),
        ActionSpec("read-answer", tr("Read the last answer"), ("Ctrl+J",)),
        ActionSpec("latest", tr("Jump to latest"), ("Ctrl+End",)),
        ActionSpec("undo-delete", tr("Bring back the message deleted last")),
        ActionSpec("rename", tr("Rename this chat"), key_hint="F2"),
        ActionSpec("pin", tr("Pin or unpin this chat")),
        ActionSpec("archive", tr("Archive this chat or bring it back")),
        ActionSpec("move", tr("Move this chat to a folder…")),
        ActionSpec("delete", tr("Delete this chat"), key_hint="Del"),
        ActionSpec("export", tr("Export this chat…")),
        ActionSpec("export-all", tr("Export all chats…")),
        ActionSpec("print", tr("Print this chat…"), ("Ctrl+P",)),
        ActionSpec("new-folder", tr("New folder")),
        ActionSpec("context-full", tr("When the context of this chat is full…")),
        ActionSpec("chat", tr("Back to the chat"), ("Ctrl+1",)),
        ActionSpec("models", tr("Models"), ("Ctrl+2",)),
        ActionSpec("documents", tr("Documents"), ("Ctrl+5",)),
        ActionSpec("tools", tr("Tools"), ("Ctrl+6",)),
        ActionSpec("server", tr("Server"), ("Ctrl+7",)),
        ActionSpec("licenses", tr("Licenses"), ("Ctrl+3",)),
        ActionSpec("network", tr("Network"), ("Ctrl+4",)),
        ActionSpec("settings", tr("Settings"), ("Ctrl+,",)),
        ActionSpec("prompts", tr("Prompts")),
        ActionSpec("import-chats", tr("Import chats…")),
        ActionSpec("offline", tr("Go offline or online")),
        ActionSpec("sidebar", tr("Show or hide the sidebar"), ("Ctrl+B",)),
        ActionSpec("panel", tr("Show or hide the settings of this chat"), ("Ctrl+Shift+B",)),
        ActionSpec("theme", tr("Switch theme: light or dark")),
        ActionSpec("larger", tr("Larger text"), ("Ctrl++", "Ctrl+=")),
        ActionSpec("smaller", tr("Smaller text"), ("Ctrl+-",)),
        ActionSpec("usual-size", tr("Usual size of text"), ("Ctrl+0",)),
        ActionSpec("next-pane", tr("Next pane"), ("F6",), in_palette=False),
        ActionSpec("previous-pane", tr("Previous pane"), ("Shift+F6",), in_palette=False),
        ActionSpec("quit", tr("Quit Latchkey"), ("Ctrl+Q",)),
    )


class WindowActions(QObject):
    """The declared actions as QActions of one window. Each needs a handler, and each handler a declared action."""

    def __init__(self, window: QWidget, handlers: dict[str, Callable[[], None]]) -> None:
        super().__init__(window)
        self._specs = {spec.id: spec for spec in action_specs()}
        if handlers.keys() != self._specs.keys():
            raise ValueError(f"actions and handlers differ: {sorted(handlers.keys() ^ self._specs.keys())}")
        self._actions: dict[str, QAction] = {}
        for spec in self._specs.values():
            action = QAction(spec.text, window)
            action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.triggered.connect(lambda _=False, run=handlers[spec.id]: run())
            window.addAction(action)
            self._actions[spec.id] = action
        self._zoom = WheelZoom(window, self._actions["larger"].trigger, self._actions["smaller"].trigger)

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def answer_in(self, widget: QWidget, action_id: str) -> None:
        """Have `widget`, too, answer to the key of an action that others answer to themselves."""
        keys = QKeySequence(self._specs[action_id].key_hint)
        shortcut = QShortcut(keys, widget, context=Qt.ShortcutContext.WidgetShortcut)
        shortcut.activated.connect(self._actions[action_id].trigger)

    def __iter__(self) -> Iterator[QAction]:
        return iter(self._actions.values())

    def in_palette(self) -> list[tuple[ActionSpec, QAction]]:
        """What "Go to anything" offers now."""
        return [
            (spec, self._actions[spec.id])
            for spec in self._specs.values()
            if spec.in_palette and self._actions[spec.id].isEnabled()
        ]

    def keys_of(self, action_id: str) -> str:
        """The key of an action as text, "" where it has none."""
        action, spec = self._actions[action_id], self._specs[action_id]
        return action.shortcut().toString(QKeySequence.SequenceFormat.NativeText) or spec.key_hint


class ActionWindow(Navigator, Protocol):
    """What the actions do something with: the window (see `MainWindow`)."""

    sidebar: "Sidebar"
    chat_page: "ChatPage"
    actions_table: WindowActions
    temporary: "TemporaryChatFlow"

    @property
    def theme(self) -> "Theme": ...
    @property
    def pages(self) -> "PageStack": ...
    @property
    def chat(self) -> "ChatSession | None": ...
    @property
    def conversation(self) -> "Conversation | None": ...
    @property
    def sidebar_shown(self) -> bool: ...
    @property
    def panel_asked(self) -> "SignalInstance": ...
    def new_chat(self) -> None: ...
    def open_window(self) -> None: ...
    def open_conversation(self, conversation_id: str) -> None: ...
    def open_search(self) -> None: ...
    def toggle_sidebar(self) -> None: ...
    def focus_areas(self) -> list[QWidget]: ...
    def quit(self) -> None: ...


class ActionHandlers:
    """The handlers of one window's actions."""

    def __init__(self, window: ActionWindow) -> None:
        self._window = window
        self._go_to: CommandPalette | None = None
        self._more_places: list[MorePlaces] = []

    def handlers(self) -> dict[str, Callable[[], None]]:
        """By the id of the action."""
        window, page = self._window, self._window.chat_page
        return {
            "new-chat": window.new_chat,
            "temporary-chat": window.temporary.begin,
            "new-window": window.open_window,
            "go-to": self.open_go_to,
            "search": self._search,
            "find": self._find,
            "composer": lambda: self._to_chat(page.focus_composer),
            "attach": lambda: self._to_chat(page.composer.attach_asked.emit),
            "stop": page.stop,
            "compare": page.top_bar.compare_asked.emit,
            "regenerate": page.regenerate_last,
            "edit-last": lambda: self._to_chat(page.edit_last),
            "copy-answer": page.newest.copy,
            "read-answer": lambda: self._to_chat(page.newest.read),
            "latest": page.newest.show,
            "undo-delete": page.branches.undo_delete,
            "rename": lambda: self._with_open(self.rename),
            "pin": self._pin,
            "archive": self._archive,
            "move": self._move,
            "delete": lambda: self._with_open(lambda key: window.chat.order.delete([key]) if window.chat else None),
            "export": lambda: self._ask_for_chat("export"),
            "export-all": lambda: window.sidebar.asked.emit(OrderRequest("export")),
            "print": lambda: self._ask_for_chat("print"),
            "new-folder": self._new_folder,
            "context-full": lambda: self._to_chat(page.choose_context),
            "chat": lambda: window.show_page(""),
            "models": lambda: window.show_page("models"),
            "documents": lambda: window.show_page("documents"),
            "tools": lambda: window.show_page("tools"),
            "server": lambda: window.show_page("server"),
            "licenses": lambda: window.show_page("licenses"),
            "network": lambda: window.show_page("network"),
            "settings": lambda: window.show_page("settings"),
            "prompts": lambda: window.show_page("prompts"),
            "import-chats": lambda: window.show_page("chat-import"),
            "offline": self.turn_offline_switch,
            "sidebar": window.toggle_sidebar,
            "panel": window.panel_asked.emit,
            "theme": self._switch_theme,
            "larger": lambda: self._scale(1),
            "smaller": lambda: self._scale(-1),
            "usual-size": lambda: window.change_settings({"text_scale": 1.0}),
            "next-pane": lambda: self._cycle(1),
            "previous-pane": lambda: self._cycle(-1),
            "quit": window.quit,
        }

    def open_go_to(self) -> None:
        """Offer every action and every conversation in the list."""
        from desktop.ui.window.command_palette import CommandPalette

        if self._go_to is None:
            self._go_to = CommandPalette(self._window.theme, self._window.dialog_parent)
            self._go_to.closed.connect(self._window.chat_page.focus_composer)
        self._go_to.open_over(self._destinations(self._window.actions_table))

    def add_places(self, places: "MorePlaces") -> None:
        """Have "Go to anything" offer what `places` gives, too: each with its name, its kind and what opens it."""
        self._more_places.append(places)

    @property
    def go_to(self) -> "CommandPalette | None":
        """The open "Go to anything", None where it was never opened."""
        return self._go_to

    def resize_palette(self) -> None:
        """The window changed its size."""
        if self._go_to is not None:
            self._go_to.fit_to_window()

    def _destinations(self, actions: WindowActions) -> "list[PaletteEntry]":
        from desktop.translation import tr
        from desktop.ui.window.command_palette import PaletteEntry

        found = [
            PaletteEntry(spec.text, actions.keys_of(spec.id), action.trigger) for spec, action in actions.in_palette()
        ]
        for conversation in self._window.sidebar.rows.conversations:
            key = conversation.id
            open_it = lambda key=key: self._window.open_conversation(key)  # noqa: E731 - bound to this one
            found.append(PaletteEntry(title_of(conversation), tr("Chat"), open_it))
        found += [PaletteEntry(*place) for places in self._more_places for place in places()]
        return found

    def turn_offline_switch(self) -> None:
        """Go offline or online; where that is not the person's to say, show why."""
        if self._window.sidebar.offline.offline_reason:
            self._window.show_page("network")
        else:
            self._window.change_settings({"offline": not self._window.settings.offline})

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
        self._window.open_search()

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
            window.chat.order.pin([conversation.id], not conversation.pinned)

    def _archive(self) -> None:
        window = self._window
        conversation = window.conversation
        if conversation is not None and window.chat is not None and window.chat.is_stored(conversation.id):
            window.chat.order.archive([conversation.id], conversation.archived_at is None)

    def _move(self) -> None:
        window = self._window
        conversation = window.conversation
        if conversation is not None and window.chat is not None and window.chat.is_stored(conversation.id):
            self._show_sidebar()
            window.sidebar.open_folder_menu(conversation)

    def _ask_for_chat(self, kind: "RequestKind") -> None:
        """Ask for something to be done with the chat that is shown, be it a temporary one; not with one that is new."""
        window = self._window
        temporary = window.temporary.chat
        if temporary is not None:
            key = temporary.session.current_id if temporary.begun else None
        else:
            conversation = window.conversation
            stored = conversation is not None and window.chat is not None and window.chat.is_stored(conversation.id)
            key = conversation.id if conversation is not None and stored else None
        if key is not None:
            window.sidebar.asked.emit(OrderRequest(kind, (key,)))

    def _new_folder(self) -> None:
        self._show_sidebar()
        self._window.sidebar.asked.emit(OrderRequest("new-folder"))

    def _switch_theme(self) -> None:
        wanted = "light" if self._window.theme.tokens.dark else "dark"
        self._window.change_settings({"theme": wanted})

    def _scale(self, step: int) -> None:
        here = self._window.settings.text_scale
        nearest = min(range(len(TEXT_SCALES)), key=lambda at: abs(TEXT_SCALES[at] - here))
        scale = TEXT_SCALES[max(0, min(nearest + step, len(TEXT_SCALES) - 1))]
        self._window.change_settings({"text_scale": scale})

    def _cycle(self, step: int) -> None:
        panes = self._window.focus_areas()
        focus = QApplication.focusWidget()
        here = next((at for at, pane in enumerate(panes) if focus is not None and _holds(pane, focus)), -1)
        for distance in range(1, len(panes) + 1):
            target = panes[(here + distance * step) % len(panes)]
            if target.isVisible() and target.isEnabled():
                target.setFocus(Qt.FocusReason.ShortcutFocusReason)
                return


def _holds(pane: QWidget, widget: QWidget) -> bool:
    return pane is widget or pane.isAncestorOf(widget)
