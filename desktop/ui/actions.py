"""Every action of the window, declared once: menus, shortcuts and "Go to anything" all read it from here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from desktop.translation import tr


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


def declared() -> tuple[ActionSpec, ...]:
    """All actions, in the order "Go to anything" shows them."""
    return (
        ActionSpec("new-chat", tr("New chat"), ("Ctrl+N",)),
        ActionSpec("go-to", tr("Go to anything…"), ("Ctrl+K",), in_palette=False),
        ActionSpec("search", tr("Search chats"), ("Ctrl+Shift+F",)),
        ActionSpec("find", tr("Find in this chat"), ("Ctrl+F",)),
        ActionSpec("composer", tr("Write a message"), ("Ctrl+L",)),
        ActionSpec("stop", tr("Stop the answer"), ("Esc",), in_palette=False),
        ActionSpec("regenerate", tr("Regenerate the last answer"), ("Ctrl+R",)),
        ActionSpec("edit-last", tr("Edit the last message"), key_hint="Up"),
        ActionSpec("copy-answer", tr("Copy the last answer"), ("Ctrl+Shift+C",)),
        ActionSpec("read-answer", tr("Read the last answer"), ("Ctrl+J",)),
        ActionSpec("latest", tr("Jump to latest"), ("Ctrl+End",)),
        ActionSpec("rename", tr("Rename this chat"), key_hint="F2"),
        ActionSpec("pin", tr("Pin or unpin this chat")),
        ActionSpec("delete", tr("Delete this chat"), key_hint="Del"),
        ActionSpec("chat", tr("Back to the chat"), ("Ctrl+1",)),
        ActionSpec("models", tr("Models"), ("Ctrl+2",)),
        ActionSpec("licenses", tr("Licenses"), ("Ctrl+3",)),
        ActionSpec("network", tr("Network"), ("Ctrl+4",)),
        ActionSpec("settings", tr("Settings"), ("Ctrl+,",)),
        ActionSpec("offline", tr("Go offline or online")),
        ActionSpec("sidebar", tr("Show or hide the sidebar"), ("Ctrl+B",)),
        ActionSpec("theme", tr("Switch between light and dark")),
        ActionSpec("larger", tr("Larger text"), ("Ctrl++", "Ctrl+=")),
        ActionSpec("smaller", tr("Smaller text"), ("Ctrl+-",)),
        ActionSpec("next-pane", tr("Next pane"), ("F6",), in_palette=False),
        ActionSpec("previous-pane", tr("Previous pane"), ("Shift+F6",), in_palette=False),
        ActionSpec("quit", tr("Quit Latchkey"), ("Ctrl+Q",)),
    )


def key_text(action_id: str) -> str:
    """The first shortcut of an action, as the person's system writes it."""
    spec = next(spec for spec in declared() if spec.id == action_id)
    return QKeySequence(spec.shortcuts[0]).toString(QKeySequence.SequenceFormat.NativeText)


class Actions(QObject):
    """The declared actions as QActions of one window. Each needs a handler, and each handler a declared action."""

    def __init__(self, window: QWidget, handlers: dict[str, Callable[[], None]]) -> None:
        super().__init__(window)
        self._specs = {spec.id: spec for spec in declared()}
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

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

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
