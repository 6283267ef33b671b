"""Which tools a chat may call: the composer's button with its menu, and the panel's part."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from desktop.conversation import ChatOptions, Conversation, Folder
from desktop.engine.worker_messages import ModelInfo
from desktop.ui.chat.chat_tools_menu import ChatToolsButton
from desktop.ui.panel import panel_tools
from desktop.ui.panel.panel_tools import Offered, PanelTools
from desktop.ui.panel.tool_section import ToolSection
from desktop.ui.parts.offered_tool_server import ChatToolChoice, OfferedToolServer
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
SERVERS = (OfferedToolServer("built-in", "on this computer"), OfferedToolServer("files"))


ENGINE_INFO = ModelInfo("m", "llama", "", "", 1, 1, 1, 1, True, 1, 0, (), "", "")


class Servers:
    """Tool servers as all windows share them, read at once; with `broken` they cannot be read."""

    def __init__(self, *, broken: bool = False) -> None:
        self._broken = broken

    def run(self, work: object, success: Callable[[Offered], None], failure: Callable[[Exception], None]) -> None:
        if self._broken:
            failure(OSError())
        else:
            success(SERVERS)


@pytest.fixture(scope="module")
def theme(qapp: QApplication) -> Theme:
    return Theme(RESOURCES, "light")


def entries(button: ChatToolsButton) -> list[tuple[str, bool, bool]]:
    assert button.menu is not None
    return [
        (each.text(), each.isChecked(), each.isEnabled()) for each in button.menu.actions() if not each.isSeparator()
    ]


@pytest.mark.parametrize(
    ("choice", "detail", "listed"),
    [
        (ChatToolChoice(SERVERS), "", [("Built-in tools (on this computer)", False, True), ("files", False, True)]),
        (
            ChatToolChoice(SERVERS, own=("files", "gone")),
            "2 servers",
            [
                ("Built-in tools (on this computer)", False, True),
                ("files", True, True),
                ("gone (not here)", True, True),
            ],
        ),
        (
            ChatToolChoice(SERVERS, inherited=("files",)),
            "files",
            [
                ("Built-in tools (on this computer)", False, True),
                ("files", True, True),
                ("As the folder says, until you choose here", False, False),
            ],
        ),
        (
            ChatToolChoice(SERVERS[:1], can_call=False),
            "",
            [
                ("This model calls no tools: it answers without them.", False, False),
                ("Built-in tools (on this computer)", False, True),
            ],
        ),
    ],
)
def test_the_menu_offers_the_servers_with_marks(
    theme: Theme,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    choice: ChatToolChoice,
    detail: str,
    listed: list[tuple[str, bool, bool]],
) -> None:
    monkeypatch.setattr(QMenu, "popup", lambda *_: None)
    button = ChatToolsButton(theme)
    qtbot.addWidget(button)
    button.open_menu(choice)
    assert (button.text(), button.detail) == ("Tools", detail)
    assert button.accessibleName().startswith("Tools of this chat")
    assert entries(button) == [*listed, ("Tool servers…", False, True)]
    assert button.menu is not None
    turned: list[tuple[str, bool]] = []
    asked: list[bool] = []
    button.turned.connect(lambda name, on: turned.append((name, on)))
    button.page_asked.connect(lambda: asked.append(True))
    button.menu.actions()[-1].trigger()
    next(each for each in button.menu.actions() if each.text().startswith("Built-in")).trigger()
    assert (turned, asked) == ([("built-in", True)], [True])
    button.menu.close()


def test_the_panel_tells_what_was_chosen_for_its_place(theme: Theme, qtbot: QtBot) -> None:
    section = ToolSection(theme)
    qtbot.addWidget(section)
    chosen: list[tuple[str, ...]] = []
    section.chosen.connect(chosen.append)
    section.show_choice(ChatToolChoice(SERVERS, own=("files",)))
    assert {box.text(): box.isChecked() for box in section.boxes} == {"Built-in tools": False, "files": True}
    assert section.boxes[1].accessibleName() == "Tools of files"
    section.boxes[0].click()
    section.boxes[1].click()
    assert chosen == [("files", "built-in"), ()]


def test_the_choice_of_a_chat_is_its_own_else_its_folders(qapp: QApplication) -> None:
    tools = PanelTools(Servers(), lambda: None)
    changed: list[ChatToolChoice] = []
    listed: list[ChatToolChoice] = []
    chosen: list[tuple[str, ...]] = []
    tools.changed.connect(changed.append)
    tools.listed.connect(listed.append)
    tools.chosen.connect(chosen.append)
    folder = Folder("f", "Thesis", options=ChatOptions(tools=("files",)))
    tools.show_place(Conversation("c"), folder)
    assert changed[-1].chosen == ("files",)
    tools.list_servers()
    assert listed[-1].offered == SERVERS
    tools.turn("built-in", True)
    assert chosen == [("files", "built-in")]
    tools.show_place(Conversation("c", options=ChatOptions(tools=("built-in",))), folder)
    assert changed[-1].chosen == ("built-in",)
    assert changed[-1].can_call is None


def test_where_no_server_can_be_read_the_built_in_tools_are_offered(qapp: QApplication) -> None:
    tools = PanelTools(Servers(broken=True), lambda: None)
    listed: list[ChatToolChoice] = []
    tools.listed.connect(listed.append)
    tools.list_servers()
    assert [each.title for each in listed[-1].offered] == ["Built-in tools"]


def test_a_model_calls_no_tools_only_once_its_template_was_tried(
    qapp: QApplication, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_tools, "_LOOK_AGAIN_MS", (0, 0))
    infos = [replace(ENGINE_INFO, tool_support="none")]
    tools = PanelTools(None, lambda: infos[0])
    tools.model_loaded()
    assert tools.choice.can_call is None
    qtbot.waitUntil(lambda: tools.choice.can_call is False)
    infos[0] = replace(ENGINE_INFO, tool_support="native")
    tools.model_loaded()
    assert tools.choice.can_call is True
