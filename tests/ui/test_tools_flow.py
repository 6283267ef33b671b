"""Between the page of tools and real servers: added, allowed, started, called, removed and brought back; one that
hangs, a damaged list, and what the command changes meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.background import Background
from desktop.errors import UnreadableFileError
from desktop.licenses.policy_file import find_policies
from desktop.paths import find_paths
from desktop.tools.tool_server import ToolServer
from desktop.tools.tool_service import ToolService
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.notification_bar import NotificationBar
from desktop.ui.system.process_events import MainThreadCalls
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.server_form import NewServer
from desktop.ui.tools.shared_tools import SharedTools
from desktop.ui.tools.tools_flow import ToolsFlow
from desktop.ui.tools.tools_page import ToolsPage
from tests.fakes.tool_network import FakeToolNetwork
from tests.fakes.written_tool_server import write_tool_server, written_tool

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


class _Window(QObject):
    """As much of a window as the flow needs."""

    page_shown = Signal(str)
    activated = Signal()

    def __init__(self, page: ToolsPage) -> None:
        super().__init__()
        self.tools, self.shown = page, ""

    def when_built(self, name: str, use: Callable[[Any], None]) -> None:
        use(self.tools)

    def page(self, name: str) -> ToolsPage:
        return self.tools

    def show_page(self, name: str) -> None:
        self.shown = name
        self.page_shown.emit(name)


class _NoPictures:
    def read_image(self, data: bytes, **options: object) -> Any:
        raise UnreadableFileError("It is damaged.")


class Desk:
    """A page, its flow, and the real service of a home."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.folder, self.paths = qtbot, folder, find_paths()
        self.network, self.tokens = FakeToolNetwork(), list[tuple[str, str]]()
        theme = Theme(RESOURCES, "light")
        self.holder = QWidget()
        qtbot.addWidget(self.holder)
        self.page = ToolsPage(theme, RESOURCES / "guide" / "tools.md", self.holder)
        self.holder.resize(1000, 700)
        self.page.resize(1000, 700)
        self.holder.show()
        self.main_thread = MainThreadCalls()
        self.background = Background(self.main_thread.call_on_main_thread)
        self.shared = SharedTools(self.background, self.service, self.paths.tool_logs)
        self.news = NotificationBar(theme, self.holder)
        self.window = _Window(self.page)
        self.flow = ToolsFlow(
            self.window,  # type: ignore[arg-type]
            self.background,
            self.shared,
            self.paths,
            self.news,
            pictures=_NoPictures(),
            is_offline=lambda: self.network.offline,
            keep_token=lambda token, address: self.tokens.append((token, address)),
        )

    def service(self) -> ToolService:
        assert threading.current_thread() is not threading.main_thread()
        return self.other()

    def other(self) -> ToolService:
        """As another process has it."""
        policies = find_policies({}, self.paths.config / "policy.toml")
        return ToolService(self.paths, policies, self.network)

    def until(self, holds: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(holds, timeout=20_000)

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.page.servers.table.rows.servers]

    def condition(self) -> str:
        return self.page.servers.details.facts.condition

    def add(self, name: str, script: Path) -> None:
        """Add a server by the form, and show it."""
        self.page.form.submitted.emit(NewServer(name, (str(script),), "", (), (), (), network=True))
        self.until(lambda: self.page.servers.details.facts.name == name)
        assert self.condition() == "off"

    def allow(self) -> None:
        self.page.servers.details.access.question.yes.click()

    def logged(self) -> list[tuple[str, str, str]]:
        return [(each.outcome, each.tool, each.by) for each in self.page.servers.details.log.rows.entries]


@pytest.fixture
def desk(qtbot: QtBot, home: Path, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(qtbot, tmp_path)
    yield made
    made.flow.close()
    made.shared.close()
    made.background.close()
    made.main_thread.close()
    made.network.close()


def test_a_server_is_added_allowed_called_removed_and_brought_back(desk: Desk) -> None:
    page, details = desk.page, desk.page.servers.details
    assert desk.flow.places() == []
    desk.window.show_page("tools")
    desk.until(lambda: {"calculator", "date"} <= {each.tool.name for each in details.tools.rows.tools})
    assert page.servers.lesson.isVisible()
    script = write_tool_server(
        desk.folder / "echo-server", written_tool("echo", "Says it again.", text={}), says="Hello"
    )
    desk.add("echo", script)
    assert not page.servers.lesson.isVisible()
    desk.allow()
    desk.until(lambda: desk.condition() == "running" and len(details.tools.rows.tools) == 1)
    assert details.facts.revision == "2026-07-28"
    assert [place[0] for place in desk.flow.places()] == ["echo"]

    page.show_tool("echo")
    trial = page.tool.trial
    trial.arguments.show_text("[1]")
    trial.call.click()
    desk.until(lambda: "no JSON object" in trial._problem.text().replace("\u200b", ""))
    trial.arguments.show_text('{"text": "zwölf"}')
    trial.call.click()
    desk.until(trial.result.isVisible)
    assert trial.result.text == '{"text": "zw\\u00f6lf"}'
    page.tool.choices["always"].click()
    desk.until(lambda: page.tool.facts is not None and page.tool.facts.standing == "always")
    page.go_back()
    desk.until(lambda: len(desk.logged()) == 3)
    assert desk.logged() == [("done", "echo", "approval"), ("called", "echo", "approval"), ("started", "", "")]
    desk.until(lambda: details.record.output == "Hello\n")

    details.action_asked.emit("off")
    desk.until(lambda: desk.condition() == "off" and not details.tools.rows.tools[0].listed)
    assert [(each.tool.name, each.standing, each.listed) for each in details.tools.rows.tools] == [
        ("echo", "always", False)
    ]
    write_tool_server(script, written_tool("echo", "Sends it away.", text={}))
    desk.allow()
    desk.until(lambda: desk.condition() == "running" and details.tools.rows.all_tools[0].listed)
    assert details.tools.rows.all_tools[0].standing == "changed"

    details.action_asked.emit("remove")
    desk.until(lambda: desk.names == ["built-in"])
    assert page.servers.removed.isVisible()
    desk.news.lines[-1].buttons[0].click()
    desk.until(lambda: desk.names == ["built-in", "echo"])
    desk.until(lambda: details.facts.name == "echo")
    assert details.facts.server is not None
    assert details.facts.server.tools["echo"].permission == "always"


def test_a_server_that_hangs_is_cancelled_and_one_that_dies_is_told(desk: Desk) -> None:
    desk.window.show_page("tools")
    details = desk.page.servers.details
    desk.add("mute", write_tool_server(desk.folder / "mute-server", waits=600))
    desk.allow()
    desk.until(lambda: desk.condition() == "starting")
    details.action_asked.emit("cancel")
    desk.until(lambda: desk.condition() == "allowed")
    script = desk.folder / "dying-server"
    script.write_text("#!/bin/sh\necho 'no such key' >&2\nexit 3\n")
    script.chmod(0o700)
    desk.add("dying", script)
    desk.allow()
    desk.until(lambda: desk.condition() == "failed")
    assert "no such key" in details.facts.problem
    desk.until(lambda: details.record.output == "no such key\n")
    desk.until(lambda: [each[0] for each in desk.logged()] == ["not-started"])


def test_what_the_command_changes_is_shown_and_a_damaged_list_is_told_and_kept(desk: Desk) -> None:
    desk.window.show_page("tools")
    desk.until(lambda: desk.names == ["built-in"])
    desk.other().add(ToolServer("notes", "notes-server"))
    desk.until(lambda: desk.names == ["built-in", "notes"])
    desk.paths.config.mkdir(parents=True, exist_ok=True)
    (desk.paths.config / "policy.toml").write_text('[deny]\ntool = ["notes", "date"]\n')
    desk.window.activated.emit()
    desk.until(lambda: [each.condition for each in desk.page.servers.table.rows.servers] == ["built-in", "denied"])
    denied = desk.page.servers.details.tools.rows.facts_of("date")
    assert denied is not None
    assert denied.denied
    whole = desk.paths.tool_servers_file.read_bytes()
    desk.paths.tool_servers_file.write_bytes(whole[:-9])
    desk.until(lambda: not desk.page.servers.table.isVisible())
    box = desk.page.findChild(ErrorBox)
    assert box is not None
    assert "damaged" in box.accessibleDescription()
    desk.page.form.submitted.emit(NewServer("other", ("x",), "", (), (), (), network=True))
    desk.until(lambda: "damaged" in desk.page.form._problems["all"].text())
    assert desk.paths.tool_servers_file.read_bytes() == whole[:-9]
    desk.paths.tool_servers_file.write_bytes(whole)
    desk.until(lambda: desk.page.servers.table.isVisible() and desk.names == ["built-in", "notes"])


def test_a_server_behind_an_address_is_added_with_its_token(desk: Desk) -> None:
    desk.window.show_page("tools")
    form = desk.page.form
    desk.page.begin_server()
    form.name.setText("far")
    form.command.setText("http://example.org/mcp")
    form.token.setText(" secret\n")
    assert not form.variables.isVisible()
    form.submit.click()
    desk.until(lambda: "could be read on the way" in form._problems["all"].text())
    assert desk.tokens == []
    form.command.setText("https://EXAMPLE.org/mcp?key=abc")
    form.submit.click()
    desk.until(lambda: desk.page.servers.details.facts.name == "far")
    assert desk.tokens == [("secret", "https://example.org/mcp?key=abc")]
    shown = [each.text().replace("\u200b", "") for each in desk.page.servers.details.access.findChildren(QLabel)]
    said = " ".join(shown)
    assert "abc" not in said
    assert "the access token that is kept for example.org" in said
    assert "the arguments leave this computer" in said


def test_two_servers_are_waited_for_at_once_and_others_wait_for_them(desk: Desk) -> None:
    begun: list[str] = []
    go = threading.Event()

    def work(name: str) -> Callable[[Any, Callable[[], bool]], str]:
        def run(service: Any, is_cancelled: Callable[[], bool]) -> str:
            begun.append(name)
            while not is_cancelled() and not go.wait(0.01):
                pass
            return name

        return run

    done: list[str] = []
    failed: list[str] = []
    tasks = [desk.shared.run_task(work(name), done.append, lambda error: failed.append(error.title)) for name in "abcd"]
    desk.until(lambda: sorted(begun) == ["a", "b"])
    tasks[2].cancel()
    tasks[0].cancel()
    desk.until(lambda: failed == ["It was stopped."])
    desk.until(lambda: sorted(begun) == ["a", "b", "d"])
    go.set()
    desk.until(lambda: sorted(done) == ["a", "b", "d"])
