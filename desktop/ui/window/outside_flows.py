"""What a window has to do with programs outside it: tool servers, those that ask the server, engines elsewhere."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from desktop.background import Background
from desktop.paths import Paths
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.server.elsewhere_flow import ElsewhereFlow
from desktop.ui.server.server_flow import ServerFlow
from desktop.ui.server.shared_server import SharedServer
from desktop.ui.tools.shared_tools import SharedTools
from desktop.ui.tools.tools_flow import ToolsFlow
from desktop.ui.tools.trial_flow import PictureReader

if TYPE_CHECKING:
    from desktop.engine.engine_protocol import MultiModelEngine
    from desktop.library.library_services import LibraryServices
    from desktop.ui.window.main_window import MainWindow


class OutsideFlows(QObject):
    """The flows of the pages "tools" and "server". `keep_tool_token` and `keep_endpoint_token` keep an access token for
    an address, off the main thread."""

    def __init__(
        self,
        window: "MainWindow",
        background: Background,
        tools: SharedTools,
        server: SharedServer,
        services: "LibraryServices",
        engine: "MultiModelEngine",
        news: NotificationBar,
        paths: Paths,
        *,
        pictures: PictureReader,
        is_offline: Callable[[], bool],
        keep_tool_token: Callable[[str, str], None],
        keep_endpoint_token: Callable[[str, str], Callable[[], None]],
        change_settings: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__()
        self.tools = ToolsFlow(
            window,
            background,
            tools,
            paths,
            news,
            pictures=pictures,
            is_offline=is_offline,
            keep_token=keep_tool_token,
        )
        window.commands.add_places(self.tools.places)
        self.server = ServerFlow(window, background, server, services.library, engine, news, change_settings)
        self.elsewhere = ElsewhereFlow(
            window, background, services.endpoints, news, is_offline=is_offline, keep_token=keep_endpoint_token
        )

    def refresh(self) -> None:
        """The offline switch or another setting was turned."""
        for flow in (self.tools, self.server, self.elsewhere):
            flow.refresh()

    def close(self) -> None:
        """Show nothing any more. What runs goes on, for other windows."""
        for flow in (self.tools, self.server, self.elsewhere):
            flow.close()
