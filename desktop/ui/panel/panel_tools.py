"""Between the tools that a chat may call and what keeps tool servers: which there are, and which were chosen."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.conversation import Conversation, Folder
from desktop.translation import tr
from desktop.ui.panel.tool_section import ToolSection
from desktop.ui.parts.offered_tool_server import BUILT_IN_SERVER, ChatToolChoice, OfferedToolServer

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from desktop.engine.worker_messages import ModelInfo
    from desktop.tools.tool_service import ToolService

_LOOK_AGAIN_MS = (250, 1000, 4000, 8000)
"""When it is looked whether more is known of a model that was just loaded."""
Offered = tuple[OfferedToolServer, ...]


class ToolServersSource(Protocol):
    """What all windows share of tool servers (see `SharedTools`)."""

    def run(
        self,
        work: "Callable[[ToolService], Offered]",
        success: Callable[[Offered], None],
        failure: Callable[[Exception], None],
    ) -> None: ...


class ToolsChooser(Protocol):
    """What offers the servers beside the message that is written (see `ChatToolsButton`)."""

    @property
    def list_asked(self) -> "SignalInstance": ...
    @property
    def turned(self) -> "SignalInstance": ...
    @property
    def page_asked(self) -> "SignalInstance": ...
    def show_choice(self, choice: ChatToolChoice) -> None: ...
    def open_menu(self, choice: ChatToolChoice) -> None: ...


class PanelTools(QObject):
    """`changed` carries a `ChatToolChoice` for this chat, `listed` the same where it was read anew as somebody wanted
    to choose. `chosen` carries names that a person chose for this chat; `page_asked` where servers are to be added.

    `model` gives what is known of the model in use.
    """

    changed = Signal(object)
    listed = Signal(object)
    chosen = Signal(tuple)
    page_asked = Signal()

    def __init__(self, servers: ToolServersSource | None, model: "Callable[[], ModelInfo | None]") -> None:
        super().__init__()
        self._servers, self._model = servers, model
        self._section: ToolSection | None = None
        self._choice = ChatToolChoice((_built_in(),))
        self._looks = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look_again)

    @property
    def choice(self) -> ChatToolChoice:
        """What answers of this chat may call."""
        return self._choice

    def use(self, section: ToolSection) -> None:
        """The panel was built: show the servers here."""
        self._section = section
        section.page_asked.connect(self.page_asked)
        self.refresh()

    def offer(self, button: ToolsChooser) -> None:
        """Have `button` offer the servers for this chat."""
        self.changed.connect(button.show_choice)
        self.listed.connect(button.open_menu)
        button.list_asked.connect(self.list_servers)
        button.turned.connect(self.turn)
        button.page_asked.connect(self.page_asked)

    def show_place(self, head: Conversation, folder: Folder | None) -> None:
        """Answers are asked for in this conversation, which is in that folder."""
        inherited = folder.options.tools if folder is not None else ()
        self._take(replace(self._choice, own=head.options.tools, inherited=inherited, can_call=self._can_call()))

    def model_loaded(self) -> None:
        """A model was loaded: whether it calls tools is known once its template was tried, some time from now."""
        self._looks = 0
        self._look_again()

    def close(self) -> None:
        """Look at nothing any more."""
        self._timer.stop()

    def _look_again(self) -> None:
        if self._looks < len(_LOOK_AGAIN_MS) and not self._can_call():
            self._timer.start(_LOOK_AGAIN_MS[self._looks])
            self._looks += 1
        else:
            self._looks = len(_LOOK_AGAIN_MS)
        self._take(replace(self._choice, can_call=self._can_call()))

    def _can_call(self) -> bool | None:
        info = self._model()
        if info is None:
            return None
        if info.tool_support != "none":
            return True
        return False if self._looks >= len(_LOOK_AGAIN_MS) and not self._timer.isActive() else None

    def refresh(self) -> None:
        """Read which servers there are."""
        self._read(lambda: None)

    def list_servers(self) -> None:
        """Somebody wants to choose: read which servers there are, then `listed`."""
        self._read(lambda: self.listed.emit(self._choice))

    def turn(self, name: str, on: bool) -> None:
        """A person turns a server on or off for this chat."""
        self.chosen.emit(self._choice.turned(name, on))

    def _read(self, then: Callable[[], None]) -> None:
        if self._servers is None:
            then()
            return

        def read(offered: Offered) -> None:
            self._take(replace(self._choice, offered=offered, can_call=self._can_call()))
            then()

        self._servers.run(_offered, read, lambda _: read((_built_in(),)))

    def _take(self, choice: ChatToolChoice) -> None:
        if choice != self._choice:
            self._choice = choice
            self.changed.emit(choice)


def _built_in() -> OfferedToolServer:
    return OfferedToolServer(BUILT_IN_SERVER, tr("on this computer"))


def _offered(service: "ToolService") -> Offered:
    allowed = [server for server in service.servers() if server.allowed]
    return (_built_in(), *(OfferedToolServer(server.name) for server in allowed))
