"""The flow of the panel: between it and the chat session, the settings of models and the presets."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, QTimer

from desktop.background import Background
from desktop.chat.chat_events import (
    AnswerPlaceChanged,
    ChatEvent,
    ConversationOpened,
    ConversationsChanged,
    EngineChanged,
)
from desktop.chat.conversation_options import changed_options, own_values
from desktop.conversation import Conversation, Folder
from desktop.errors import UserError
from desktop.translation import tr
from desktop.ui.navigator import Navigator
from desktop.ui.panel.panel_documents import CollectionsSource, PanelDocuments
from desktop.ui.panel.panel_tools import PanelTools, ToolServersSource
from desktop.ui.panel.panel_values import PanelSources, as_preset

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from desktop.chat.chat_session import ChatSession
    from desktop.chat.conversation_options import OptionChanges
    from desktop.chat.preset_file import Preset, PresetFile
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.ui.panel.chat_panel import ChatPanel
    from desktop.ui.parts.notification_bar import NotificationBar
    from desktop.ui.parts.side_splitter import SideSplitter
    from desktop.ui.theme.theme import Theme

_LOOK_AGAIN_MS = (250, 500, 1000, 2000, 4000, 8000)
"""When it is looked whether more is known of a model that was just loaded: its template is tried then."""


class PanelWindow(Navigator, Protocol):
    """The window, as the panel needs it: where it stands, and what the chat session tells."""

    @property
    def theme(self) -> "Theme": ...
    @property
    def side(self) -> "SideSplitter": ...
    @property
    def chat_told(self) -> "SignalInstance": ...
    @property
    def conversation(self) -> Conversation | None: ...
    def focus_composer(self) -> None: ...
    def show_panel_open(self, shown: bool) -> None: ...


class PanelFlow(QObject):
    """Builds the panel when it is first opened. `chat` gives the session of the conversation that is open,
    `change_model` changes the settings of a model, `switch_model` answers with another one, where its license is
    accepted."""

    def __init__(
        self,
        window: PanelWindow,
        background: Background,
        chat: "Callable[[], ChatSession]",
        engine: "MultiModelEngine",
        presets: "PresetFile",
        news: "NotificationBar",
        *,
        change_model: Callable[[str, "OptionChanges"], None],
        switch_model: Callable[[str], None],
        collections: CollectionsSource | None = None,
        tools: ToolServersSource | None = None,
    ) -> None:
        super().__init__()
        self._window, self._background, self._chat, self._engine = window, background, chat, engine
        self._file, self._news = presets, news
        self._change_model, self._switch_model = change_model, switch_model
        self._asked = chat()
        self._panel: ChatPanel | None = None
        self.documents = PanelDocuments(collections, lambda: self.is_open and not self._closed)
        self.tools = PanelTools(tools, lambda: self._engine.model)
        self.tools.chosen.connect(self._choose_tools)
        self.tools.changed.connect(self._show_tools)
        self._head = window.conversation or Conversation("")
        self._folder: Folder | None = None
        self._model = ("", "")
        self._presets: tuple[dict[str, Preset], frozenset[str], dict[str, str]] = ({}, frozenset(), {})
        self._looks = 0
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look_again)
        window.chat_told.connect(self._take_event)
        window.chat_told.connect(self.documents.take_event)
        window.page_shown.connect(self._page_shown)
        window.side.width_changed.connect(lambda width: window.change_settings({"panel_width": width}))
        if window.settings.panel_open:
            self._open(focus=False)

    @property
    def panel(self) -> "ChatPanel | None":
        """The panel, None where it was never opened."""
        return self._panel

    @property
    def is_open(self) -> bool:
        """Whether it is shown beside the chat."""
        return self._panel is not None and not self._panel.isHidden()

    def turn(self) -> None:
        """Show the panel, or hide it; remembered."""
        if self._window.shown:
            self._window.show_page("")
            shown = True
        else:
            shown = not self.is_open
        self._window.change_settings({"panel_open": shown})
        if shown:
            self._open(focus=True)
        else:
            self._hide()
            self._window.focus_composer()

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True
        self._timer.stop()
        self.tools.close()

    # --- showing -------------------------------------------------------------------------------------------------

    def _open(self, *, focus: bool) -> None:
        panel = self._built()
        self._window.side.show_side(True, self._window.settings.panel_width)
        self._window.show_panel_open(True)
        self._refresh()
        self.documents.refresh()
        self.tools.refresh()
        self._with_presets(lambda: None)
        self._looks = 0
        self._look_again()
        if focus:
            panel.begin()

    def _hide(self) -> None:
        if self._panel is not None:
            self._panel.commit()
        self._window.side.show_side(False)
        self._window.show_panel_open(False)

    def _built(self) -> "ChatPanel":
        if self._panel is not None:
            return self._panel
        from desktop.ui.panel.chat_panel import ChatPanel

        panel = self._panel = ChatPanel(self._window.theme)
        panel.changed.connect(self._change)
        panel.closed.connect(self.turn)
        panel.presets.save_asked.connect(self._save_preset)
        panel.presets.rename_asked.connect(self._rename_preset)
        panel.presets.delete_asked.connect(self._delete_preset)
        panel.presets.switch_asked.connect(self._switch_model)
        self._window.side.set_side(panel)
        self.documents.use(panel.documents)
        panel.show_tools(self.tools.choice)
        self.tools.use(panel.tools)
        return panel

    def _page_shown(self, page: str) -> None:
        """It is there beside the chat alone."""
        if self._panel is None or self._closed:
            return
        if page:
            self._panel.commit()
            self._window.side.show_side(False)
        elif self._window.settings.panel_open:
            self._open(focus=False)

    def refresh(self) -> None:
        """Settings were changed elsewhere."""
        self._refresh()

    def show_documents(self) -> None:
        """Show the panel, with the keyboard on the collections."""
        if not self.is_open:
            self.turn()
        self.documents.begin()

    def look_in(self, collection: str) -> None:
        """Have answers of the chat that is open look in this collection alone."""
        self._change("chat", {"collections": (collection,)})

    def _refresh(self) -> None:
        self.documents.show_place(self._head, self._folder)
        self.tools.show_place(self._head, self._folder)
        if self._panel is not None and self.is_open and not self._closed:
            self._panel.show_sources(self._sources())

    def _sources(self) -> PanelSources:
        settings, info = self._window.settings, self._engine.model
        presets, own, renamed = self._presets
        return PanelSources(settings, self._head, self._folder, *self._model, info, presets, own, renamed)

    def _look_again(self) -> None:
        """Some of a model is known only after its template was tried; nothing tells when."""
        info = self._engine.model
        if self._closed or not self.is_open or info is None or info.thinking_controls:
            self._refresh()
            return
        if self._looks < len(_LOOK_AGAIN_MS):
            self._timer.start(_LOOK_AGAIN_MS[self._looks])
            self._looks += 1

    # --- what the chat session tells -----------------------------------------------------------------------------

    def _take_event(self, event: ChatEvent) -> None:
        match event:
            case ConversationOpened():
                self._take_head(event.conversation)
            case AnswerPlaceChanged():
                if event.conversation is not None and event.conversation.id == self._head.id:
                    self._head = event.conversation
                if event.folder is not None and self._folder is not None and event.folder.id == self._folder.id:
                    self._folder = event.folder
                self._refresh()
            case EngineChanged():
                self._model = (event.model_id or "", event.model_name)
                self._looks = 0
                self._refresh()
                if event.state == "ready":
                    self.tools.model_loaded()
                    self._look_again()
            case ConversationsChanged():
                head = self._window.conversation
                if head is not None and head.id == self._head.id and head.folder_id != self._head.folder_id:
                    self._take_head(head)

    def _take_head(self, head: Conversation) -> None:
        """This conversation is the one that is open."""
        if self._panel is not None and head.id != self._head.id:
            self._panel.commit()  # what was typed is for the one that was
        self._head, self._asked = head, self._chat()
        self._folder = None if self._folder is None or self._folder.id != head.folder_id else self._folder
        self._refresh()
        if head.folder_id is not None:
            self._asked.options.read_folder(head.folder_id, self._take_folder)

    def _take_folder(self, folder: Folder | None) -> None:
        if folder is not None and folder.id == self._head.folder_id:
            self._folder = folder
            self._refresh()

    # --- what the person does ------------------------------------------------------------------------------------

    def _change(self, scope: str, changes: dict[str, Any]) -> None:
        # Shown at once: whatever is shown before the disk has it must not say the old values.
        if scope == "chat":
            self._head = changed_options(self._head, changes)
            self._asked.options.change(self._head.id, changes)
        elif scope == "folder" and self._folder is not None:
            self._folder = changed_options(self._folder, changes)
            self._asked.options.change_folder(self._folder.id, changes)
        elif scope == "model" and self._model[0]:
            self._change_model(self._model[0], changes)
        self._refresh()

    def _choose_tools(self, names: tuple[str, ...]) -> None:
        """The composer's menu turned a tool server on or off for this chat."""
        self._change("chat", {"tools": names})

    def _show_tools(self) -> None:
        if self._panel is not None:
            self._panel.show_tools(self.tools.choice)

    def _with_presets(self, work: Callable[[], Any], then: Callable[[Any], None] | None = None) -> None:
        """Do `work` with the file of presets, in the thread of the database, then show the presets anew."""

        def done() -> "tuple[Any, dict[str, Preset], frozenset[str], dict[str, str]]":
            result = work()
            presets = self._file.presets()
            own = frozenset(name for name in presets if self._file.is_own(name))
            return result, presets, own, self._file.renamed()

        def show(found: "tuple[Any, dict[str, Preset], frozenset[str], dict[str, str]]") -> None:
            if self._closed or self._panel is None:
                return
            result, self._presets = found[0], found[1:]
            self._panel.show_error(None)
            if then is not None:
                then(result)
            self._refresh()
            if self._file.problem:
                self._panel.show_error(UserError(tr("Some presets were not used."), self._file.problem))

        self._background.database(done, show, self._failed)

    def _failed(self, error: UserError) -> None:
        if self._panel is not None and not self._closed:
            self._panel.show_error(error)

    def _save_preset(self, name: str) -> None:
        """What counts in this chat now is kept under `name`; the chat then names it in place of its own values."""
        sources, head = self._sources(), self._head
        preset = as_preset(sources)

        def save() -> None:
            if name in sources.own_presets:
                raise _taken(name)
            self._file.set(name, preset)

        def saved(_: object) -> None:
            assert self._panel is not None
            self._panel.presets.finish_naming()
            kept = own_values(head).keys() - {"context_length"}
            self._asked.options.change(head.id, {**dict.fromkeys(kept), "preset": name})

        self._with_presets(save, saved)

    def _rename_preset(self, name: str, other: str) -> None:
        if other == name:
            if self._panel is not None:
                self._panel.presets.finish_naming()
            return

        def renamed(_: object) -> None:
            assert self._panel is not None
            self._panel.presets.finish_naming()  # chats, folders and models find it by both names

        self._with_presets(lambda: self._file.rename(name, other), renamed)

    def _delete_preset(self, name: str) -> None:
        def deleted(stored: object) -> None:
            undo = (tr("Undo"), lambda: self._with_presets(lambda: self._file.restore(name, stored)))
            self._news.notify(tr("The preset “{name}” was deleted.").format(name=name), undo)

        self._with_presets(lambda: self._file.remove(name), deleted)


def _taken(name: str) -> UserError:
    return UserError(
        tr("You have a preset {name} already.").format(name=name),
        tr("It was not changed."),
        tr("Choose another name, or delete the old one first."),
    )
