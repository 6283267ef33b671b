"""The flow of the page of tools: between the page and the servers, which are asked off the main thread."""

from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog

from desktop.background import Background
from desktop.errors import UserError
from desktop.paths import Paths, absolute, expanded
from desktop.translation import tr
from desktop.ui.navigator import Navigator
from desktop.ui.parts.link import open_folder
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.system.file_watcher import FileWatcher
from desktop.ui.tools.shared_tools import ServerTask, SharedTools
from desktop.ui.tools.trial_flow import PictureReader, TrialFlow

if TYPE_CHECKING:
    from desktop.tools.server_tool import ServerTool
    from desktop.tools.tool_service import ToolService
    from desktop.ui.tools.server_form import NewServer
    from desktop.ui.tools.tools_page import ToolsPage
    from desktop.ui.tools.tools_page_values import ToolsOverview

_REFRESH_MS = 250
_LOOK_MS = 4_000
"""While a server runs and the page is shown it is looked at so often, as one may end by itself."""


class ToolsFlow(QObject):
    """`is_offline` is asked on any thread; `pictures` decodes those of results; `keep_token` keeps an access token for
    an address, off the main thread. `news` says what was done, with Undo."""

    def __init__(
        self,
        navigator: Navigator,
        background: Background,
        tools: SharedTools,
        paths: Paths,
        news: NotificationBar,
        *,
        pictures: PictureReader,
        is_offline: Callable[[], bool],
        keep_token: Callable[[str, str], None],
    ) -> None:
        super().__init__()
        self._navigator, self._paths, self._news = navigator, paths, news
        self.shared = self._tools = tools
        self._is_offline, self._pictures, self._keep_token = is_offline, pictures, keep_token
        self._page: ToolsPage | None = None
        self._trial: TrialFlow | None = None
        self._overview: ToolsOverview | None = None
        self._listed: dict[str, tuple[ServerTool, ...]] = {}
        self._starting: dict[str, ServerTask] = {}
        self._listing: set[str] = set()
        self._problems: dict[str, str] = {}
        self._changes: deque[Callable[[], None]] = deque()
        self._changing = self._reading = self._outdated = self._closed = self._watching = False
        self._timer = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._timer.timeout.connect(self._read)
        self._look = QTimer(self, interval=_LOOK_MS)
        self._look.timeout.connect(self._read)
        log = paths.tool_logs / "log"  # one is watched by its folder
        self._watchers = (
            FileWatcher(paths.tool_servers_file, partial(_stamp, paths.tool_servers_file), background, self),
            FileWatcher(log, partial(_stamp, log.parent), background, self),
        )
        for watcher in self._watchers:
            watcher.changed.connect(self._changed)
        navigator.when_built("tools", self._connect)
        navigator.page_shown.connect(self._page_shown)
        navigator.activated.connect(self._changed)  # a policy may be another one now

    def close(self) -> None:
        """Show nothing any more, and wait for no server. Those that run go on, for other windows."""
        self._closed = True
        for timer in (self._timer, self._look):
            timer.stop()
        for watcher in self._watchers:
            watcher.close()
        for task in self._starting.values():
            task.cancel()
        self._changes.clear()
        if self._trial is not None:
            self._trial.close()

    def _connect(self, page: "ToolsPage") -> None:
        self._page, servers = page, page.servers
        self._trial = TrialFlow(page, self._tools, self._pictures, self._read)
        servers.chosen.connect(lambda _: self._read())
        servers.action_asked.connect(self._act)
        servers.details.folder_asked.connect(lambda: open_folder(self._paths.tool_logs))
        servers.removed.restore_asked.connect(self._restore)
        servers.removed.erase_asked.connect(lambda name: self._change(lambda service: service.bin.erase(name)))
        page.standing_asked.connect(self._decide)
        page.form.submitted.connect(self._add)
        page.form.folder_asked.connect(self._ask_folder)

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_server(self, name: str) -> None:
        """Show the page, and this server on it."""
        self._navigator.show_page("tools")
        page: ToolsPage = self._navigator.page("tools")
        page.show_server(name)

    def show_guide(self) -> None:
        """Show the page of the guide on what tools can do."""
        self._navigator.show_page("tools")
        page: ToolsPage = self._navigator.page("tools")
        page.show_guide()

    def places(self) -> list[tuple[str, str, Callable[[], None]]]:
        """The servers, as "Go to anything" offers them: those that are known by now."""
        known = self._overview.servers if self._overview is not None else ()
        found = [each.name for each in known if each.server is not None]
        return [(name, tr("Tool server"), partial(self.show_server, name)) for name in found]

    def refresh(self) -> None:
        """The offline switch or another setting was turned."""
        self._changed()

    def _page_shown(self, name: str) -> None:
        if name == "tools":
            if not self._watching:
                self._watching = True
                for watcher in self._watchers:
                    watcher.start()
            self._read()
        else:
            self._timer.stop()
            self._look.stop()

    def _changed(self) -> None:
        if not self._closed and self._navigator.shown == "tools" and not self._timer.isActive():
            self._timer.start()

    def _read(self) -> None:
        """Read what the page shows. One reading at a time: what changes meanwhile is read after it."""
        page = self._page
        if page is None or self._closed:
            return
        if self._reading:
            self._outdated = True
            return
        self._reading, self._outdated = True, False
        name, logs, offline = page.servers.chosen_name, self._paths.tool_logs, self._is_offline
        listed = self._listed.get(name, ())

        def read(service: "ToolService") -> "ToolsOverview":
            from desktop.ui.tools.tools_reading import read_overview

            return read_overview(self._tools, service, name, listed, logs, offline=offline())

        self._tools.run(read, self._show, self._show_unread)

    def _show(self, overview: "ToolsOverview") -> None:
        self._reading = False
        if self._closed or self._page is None:
            return
        from desktop.ui.tools.tools_reading import with_waiting

        running = {each.name for each in overview.servers if each.condition == "running"}
        for name in set(self._listed) - running:
            del self._listed[name]
            self._outdated = self._outdated or name == overview.record.name
        for name in running:
            self._problems.pop(name, None)
        shown = with_waiting(overview, set(self._starting), self._problems)
        self._overview = shown
        self._page.show_overview(shown)
        chosen = self._page.servers.chosen_name
        if chosen in running and chosen not in self._listed and chosen not in self._listing:
            self._list_tools(chosen)
        if running and self._navigator.shown == "tools":
            self._look.start()
        else:
            self._look.stop()
        if self._outdated:
            self._timer.start()

    def _show_unread(self, error: UserError) -> None:
        self._reading = False
        if not self._closed and self._page is not None:
            self._page.servers.show_unreadable(error, self._read)

    def _fail(self, error: UserError) -> None:
        if not self._closed and self._page is not None:
            self._page.servers.show_error(error)

    # --- servers that run ----------------------------------------------------------------------------------------

    def _act(self, action: str, name: str) -> None:
        if action == "start":
            self._start(name)
        elif action == "cancel":
            self._cancel(name)
        elif action == "allowed":
            self._change(lambda service: service.set_allowed(name, True), lambda _: self._start(name))
        elif action == "off":
            self._cancel(name)
            self._change(lambda service: service.set_allowed(name, False))
        elif action == "remove":
            self._remove(name)

    def _start(self, name: str) -> None:
        """Start a server for its tools. What goes wrong is shown where the server stands."""
        if name in self._starting or self._closed:
            return
        self._problems.pop(name, None)

        def started(tools: "tuple[ServerTool, ...]") -> None:
            self._starting.pop(name, None)
            self._listed[name] = tools
            self._read()

        def failed(error: UserError) -> None:
            from desktop.ui.tools.tools_reading import is_reported

            task = self._starting.pop(name, None)
            if is_reported(error) and (task is None or not task.is_cancelled):
                self._problems[name] = str(error)
            self._read()

        self._starting[name] = self._tools.run_task(
            lambda service, is_cancelled: service.tools(name, is_cancelled), started, failed
        )
        self._read()

    def _cancel(self, name: str) -> None:
        task = self._starting.get(name)
        if task is not None:
            task.cancel()

    def _list_tools(self, name: str) -> None:
        """Ask a server that runs already for its tools."""
        self._listing.add(name)

        def listed(tools: "tuple[ServerTool, ...]") -> None:
            self._listing.discard(name)
            self._listed[name] = tools
            self._read()

        def failed(error: UserError) -> None:
            self._listing.discard(name)
            self._problems[name] = str(error)
            self._read()

        self._tools.run_task(lambda service, is_cancelled: service.tools(name, is_cancelled), listed, failed)

    # --- what is changed: one after another, in the order in which it was asked for -------------------------------

    def _change(
        self,
        work: "Callable[[ToolService], Any]",
        then: Callable[[Any], None] | None = None,
        failure: Callable[[UserError], None] | None = None,
    ) -> None:
        def go() -> None:
            def done(result: Any) -> None:
                self._next_change()
                if not self._closed:
                    if then is not None:
                        then(result)
                    self._read()

            def failed(error: UserError) -> None:
                self._next_change()
                if not self._closed:
                    (failure or self._fail)(error)
                    self._read()

            self._tools.run(work, done, failed)

        self._changes.append(go)
        if not self._changing:
            self._next_change()

    def _next_change(self) -> None:
        self._changing = bool(self._changes)
        if self._changes:
            self._changes.popleft()()

    def _remove(self, name: str) -> None:
        self._cancel(name)

        def removed(_: object) -> None:
            self._listed.pop(name, None)
            self._problems.pop(name, None)
            said = tr("The tool server “{name}” was removed.").format(name=isolated(name))
            self._news.notify(said, (tr("Undo"), lambda: self._restore(name)))

        self._change(lambda service: service.bin.put(name), removed)

    def _restore(self, name: str) -> None:
        def restored(_: object) -> None:
            if self._page is not None:
                self._page.servers.choose(name)

        self._change(lambda service: service.bin.restore(name), restored)

    def _decide(self, tool: str, standing: str) -> None:
        page = self._page
        facts = page.servers.details.tools.rows.facts_of(tool) if page is not None else None
        if facts is not None:
            wanted: Any = standing
            self._change(lambda service: service.set_permission(facts.tool, wanted))

    def _add(self, new: "NewServer") -> None:
        page, keep_token = self._page, self._keep_token
        assert page is not None

        def work(service: "ToolService") -> None:
            server = _server(new)
            if new.changes:
                service.change(server)
                return
            service.check(server)
            if new.token:
                keep_token(new.token, server.url)
            service.add(server)

        def added(_: object) -> None:
            self._listed.pop(new.name, None)
            self._problems.pop(new.name, None)
            page.form.clear()
            page.show_server(new.name)

        self._change(work, added, page.form.show_error)

    def _ask_folder(self) -> None:
        dialog = QFileDialog(self._navigator.dialog_parent, tr("A folder that the server may use"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda path: self._page.form.add_folder(Path(path)) if self._page else None)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _server(new: "NewServer") -> Any:
    """The server that was typed. A command with a path in it is kept as a whole path, as the command line does."""
    from desktop.network.url import parse_url
    from desktop.tools.tool_server import ToolServer

    if new.address:
        try:
            address = parse_url(new.address).url
        except ValueError:
            address = new.address  # which `check` says
        return ToolServer(new.name, url=address, uses_token=bool(new.token))
    command, *arguments = new.words
    if "/" in command:
        command = str(absolute(expanded(command)))
    return ToolServer(
        new.name,
        command,
        tuple(arguments),
        dict(new.environment),
        readable=new.readable,
        writable=new.writable,
        network=new.network,
    )


def _stamp(path: Path) -> object:
    """What differs once `path` was written: a file, or what lies in a folder."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
