"""The page of tools: what it says of servers and tools, what is typed and pasted, and hostile words in every place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtGui import Qt as QtText
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from desktop.tools.server_channel import ServerConfinement
from desktop.tools.server_tool import ServerTool, define_tool
from desktop.tools.tool_call import ToolImage, ToolResult, ToolText
from desktop.tools.tool_log import ToolLogEntry
from desktop.tools.tool_server import ToolServer
from desktop.ui.theme.theme import Theme
from desktop.ui.tools import server_words, tool_words
from desktop.ui.tools.server_form import NewServer
from desktop.ui.tools.tool_trial import TrialPicture, TrialResult
from desktop.ui.tools.tools_page import ToolsPage
from desktop.ui.tools.tools_page_values import ServerCondition, ServerFacts, ServerRecord, ToolFacts, ToolsOverview

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
HOSTILE = "&Save <img src='file:///dev/zero'> a\u202etxt.exe\u2069\x1b[2J " + "x" * 3_900
FORCING = "\u202a\u202b\u202d\u202e"
SERVER = ToolServer("notes", "notes-server", ("--x", "a b"), {"KEY": "geheim"}, readable=("/r",), writable=("/w",))
NOW = datetime.now(UTC)


def facts(condition: ServerCondition, server: ToolServer = SERVER, **more: object) -> ServerFacts:
    return ServerFacts(replace_allowed(server, condition not in ("off", "denied")), condition, **more)  # type: ignore[arg-type]


def replace_allowed(server: ToolServer, allowed: bool) -> ToolServer:
    fields = {name: getattr(server, name) for name in server.__struct_fields__}
    return ToolServer(**{**fields, "allowed": allowed})


def tool(name: str, description: str = "", **more: object) -> ToolFacts:
    given = {"name": name, "description": description, "inputSchema": {"type": "object", **more}}
    found = define_tool("notes", given)
    assert found is not None
    return ToolFacts(found)


@pytest.fixture
def page(qtbot: QtBot) -> ToolsPage:
    made = ToolsPage(Theme(RESOURCES, "light"), RESOURCES / "guide" / "tools.md")
    qtbot.addWidget(made)
    made.resize(1000, 700)
    made.show()
    return made


Show = Callable[..., None]


@pytest.fixture
def show(page: ToolsPage) -> Show:
    def shown(*servers: ServerFacts, chosen: str = "notes", **record: object) -> None:
        overview = ToolsOverview((ServerFacts(), *servers), record=ServerRecord(chosen, **record))  # type: ignore[arg-type]
        page.servers.choose(chosen)
        page.show_overview(overview)
        page.servers.choose(chosen)
        page.show_overview(overview)

    return shown


def test_words_for_how_a_server_stands_and_what_it_may_reach() -> None:
    said = {each: server_words.condition_words(facts(each))[0] for each in ("off", "allowed", "failed", "starting")}
    assert said == {"off": "off", "allowed": "allowed", "failed": "failed", "starting": "starting…"}
    running = facts("running", revision="2026-07-28")
    assert server_words.condition_words(running)[0] == "running · MCP 2026-07-28"
    assert [server_words.action_words(facts(each)) for each in ("off", "failed", "denied", "running")] == [
        "Allow…", "Start", "", "",
    ]  # fmt: skip
    assert server_words.command_words(running) == "notes-server --x 'a b'"
    assert server_words.reach_words(running) == "2 folders · network"
    assert server_words.folder_words(SERVER) == "Reads /r\nReads and changes /w"
    assert server_words.environment_words(SERVER) == "KEY (values hidden)"
    whole, half = ServerConfinement("landlock+seccomp", "none"), ServerConfinement("no landlock: old; seccomp", "none")
    assert "nothing else of your files" in server_words.confinement_words(whole)
    assert "may read and change what you may (no landlock: old; seccomp)" in server_words.confinement_words(half)
    assert server_words.confinement_words("no namespaces") == "It would not be started: no namespaces"


def test_a_strangers_schema_is_read_whatever_stands_in_it() -> None:
    properties = {
        "b": {"type": ["string", "null"], "description": "two\nlines"},
        "a": {"enum": ["x", "y"]},
        "n": {"type": "integer"},
        "d": {"default": 3},
        "odd": 7,
    }
    found = tool("t", properties=properties, required=["a", "n", "d", "odd", 5])
    assert [(each.name, each.kind, each.required) for each in tool_words.tool_arguments(found.tool)] == [
        ("a", '"x" | "y"', True), ("n", "integer", True), ("d", "", True), ("odd", "", True),
        ("b", "string | null", False),
    ]  # fmt: skip
    assert tool_words.tool_arguments(found.tool)[4].said == "two lines"
    assert tool_words.first_arguments(found.tool) == '{\n  "a": "x",\n  "n": 0,\n  "d": 3,\n  "odd": ""\n}'
    for more in ({"properties": [1], "required": {"a": 1}}, {"properties": None}, {"required": [None]}):
        assert tool_words.first_arguments(tool("t", **more).tool) == "{}"
        assert tool_words.argument_names(tool("t", **more).tool) == ""


def test_a_log_is_told_in_words_and_one_that_was_written_to_by_others_too() -> None:
    entry = ToolLogEntry("2026-12-01T10:00:00.000+00:00", "denied", "read", arguments=("a", "b"), reason="never")
    assert tool_words.arguments_words(entry) == "read (a, b)"
    assert tool_words.reason_words(entry) == "you decided: never"
    assert tool_words.time_words("no time\u202e", NOW) == "no time\\u202e"
    assert tool_words.time_words("9" * 50, NOW) == "9" * 30


def test_a_server_that_is_off_shows_what_it_may_and_asks_before_it_is_allowed(page: ToolsPage, show: Show) -> None:
    asked: list[tuple[str, str]] = []
    page.servers.action_asked.connect(lambda action, name: asked.append((action, name)))
    show(facts("off"), program="/usr/bin/notes-server", here=ServerConfinement("landlock+seccomp", "none"))
    details = page.servers.details
    assert details.part == "access"
    shown = " ".join(each.text().replace("\u200b", "") for each in details.access.findChildren(QLabel))
    for said in ("notes-server --x 'a b'", "/usr/bin/notes-server", "KEY", "Reads /r", "Allow “notes” to start?"):
        assert said in shown
    assert "geheim" not in shown
    page.servers.table.setFocus()
    QTest.keyClick(page.servers.table, Qt.Key.Key_Return)
    assert page.focusWidget() is details.access.question.no
    QTest.keyClick(details.access.question.no, Qt.Key.Key_Return)
    assert asked == []
    QTest.keyClick(page.servers.table, Qt.Key.Key_Return)
    QTest.keyClick(details.access.question.yes, Qt.Key.Key_Return)
    QTest.keyClick(page.servers.table, Qt.Key.Key_Delete)
    assert asked == [("allowed", "notes"), ("remove", "notes")]


def test_why_there_are_no_tools_and_two_hundred_are_sieved(page: ToolsPage, show: Show) -> None:
    details = page.servers.details

    def said() -> str:
        return details._no_tools.text().replace("\u200b", "") if details._no_tools.isVisible() else ""

    show(facts("failed", problem="It ended."), output="oh no")
    assert said() == "It ended. What it wrote last stands under “Messages”."
    show(facts("running"))
    assert said() == "It has no tools."
    tools = tuple(tool(f"tool_{number}", "Finds whales." if number % 50 == 7 else "") for number in range(200))
    show(facts("running"), tools=tools)
    assert said() == ""
    assert details.tabs.buttons["tools"].text() == "200 tools"
    details.filter.setText("whales TOOL")
    assert [each.tool.name for each in details.tools.rows.tools] == ["tool_7", "tool_57", "tool_107", "tool_157"]
    details.filter.setText("sharks")
    assert said() == "No tool holds these words."


def test_a_server_that_was_just_added_is_chosen_whatever_was_read_before_it_was_there(
    page: ToolsPage, show: Show
) -> None:
    show(facts("off"))
    page.show_server("other")
    page.show_overview(ToolsOverview((ServerFacts(), facts("off"))))  # read before it was added
    asked: list[str] = []
    page.servers.chosen.connect(asked.append)
    other = facts("off", ToolServer("other", "x"))
    page.show_overview(ToolsOverview((ServerFacts(), facts("off"), other)))
    assert asked == ["other"]
    assert page.servers.table.server == other
    page.show_overview(ToolsOverview((ServerFacts(), facts("off"), other), record=ServerRecord("other")))
    assert page.servers.details.facts == other


def test_hostile_words_of_a_server_stay_words(page: ToolsPage, show: Show) -> None:
    properties = {"a\u202eb": {"type": HOSTILE, "description": HOSTILE, "enum": [HOSTILE]}}
    found = tool("t", HOSTILE, title=HOSTILE, properties=properties, required=["a\u202eb"])
    log = (ToolLogEntry("x", "started", "t\u202e", reason=HOSTILE, arguments=("a\u202e",)),)
    show(facts("running", revision="1"), tools=(found,), log=log, output=HOSTILE)
    page.show_tool("t")
    page.tool.trial.show_result(TrialResult(ToolResult((ToolText(HOSTILE),))))
    labels = page.findChildren(QLabel)
    met = sum("dev/zero" in each.text().replace("\u200b", "") for each in labels)
    assert met >= 2
    for label in labels:
        assert label.textFormat() == Qt.TextFormat.PlainText
        assert not set(FORCING) & set(label.text())
    details = page.servers.details
    for rows in (details.tools.rows, details.log.rows, page.servers.table.rows):
        for row in range(rows.rowCount()):
            for column in range(rows.columnCount()):
                index = rows.index(row, column)
                text, tip = str(index.data() or ""), str(index.data(Qt.ItemDataRole.ToolTipRole) or "")
                assert not set(FORCING) & set(text)
                assert "\n" not in text
                assert not QtText.mightBeRichText(tip)
    for box in (details.output, page.tool.trial.result, page.tool.trial.arguments):
        assert not set(FORCING) & set(box.text)
        assert "\x1b" not in box.text


def test_a_tool_that_changed_says_so_and_one_that_may_not_be_called_offers_no_call(page: ToolsPage, show: Show) -> None:
    decided: list[tuple[str, str]] = []
    page.standing_asked.connect(lambda name, standing: decided.append((name, standing)))
    changed = replace(tool("t"), standing="changed")
    show(facts("running"), tools=(changed,))
    page.show_tool("t")
    assert page.tool._badge.text == "changed since you agreed"
    assert page.tool.choices["ask"].isChecked()
    page.tool.choices["always"].click()
    assert decided == [("t", "always")]
    call = page.tool.trial.call
    assert call.isEnabled()
    page.tool.trial.arguments.show_text('{"typed": 1}')
    for other, why in (
        (replace(changed, denied=True), "policy"),
        (replace(changed, standing="never"), "You decided"),
        (replace(changed, listed=False), "does not run"),
        (ToolFacts(ServerTool("notes", "t", problem="its schema is too large")), "its schema is too large"),
    ):
        show(facts("running"), tools=(other,))
        assert not call.isEnabled()
        assert why in page.tool.trial.about.text()
    assert page.tool.trial.arguments.text == '{"typed": 1}'
    QTest.keyClick(page.tool.trial.arguments.edit, Qt.Key.Key_Escape)
    assert page.servers.isVisible()


def test_a_result_shows_text_pictures_time_and_size(page: ToolsPage, show: Show) -> None:
    show(facts("running"), tools=(tool("t"),))
    page.show_tool("t")
    trial = page.tool.trial
    result = ToolResult(
        (ToolText("hello", cut=True), ToolImage("image/png", b"")), size=2048, seconds=1.25, failed=True
    )
    trial.show_result(TrialResult(result, (TrialPicture(2, 1, b"\xff\0\0\0\0\xff"), TrialPicture(problem="damaged"))))
    said = " ".join(each.text() for each in trial.findChildren(QLabel))
    assert trial.result.text == "hello"
    assert "1.2 s · 2.0 kB · 2 parts" in said
    assert "the rest was left out" in said
    assert "damaged" in said
    assert any(each.accessibleName() == "Picture 1 of the result" for each in trial.findChildren(QLabel))
    trial.show_working(True)
    assert not trial.result.isVisible()
    assert not any(
        each.accessibleName() == "Picture 1 of the result" and each.isVisible() for each in trial.findChildren(QLabel)
    )


def test_a_pasted_configuration_fills_the_form_and_nothing_of_it_is_lost(page: ToolsPage) -> None:
    form, given = page.form, list[NewServer]()
    form.submitted.connect(given.append)
    page.begin_server()
    QGuiApplication.clipboard().setText(
        '{"mcpServers": {"My Notes": {"command": "npx", "args": ["-y", "a b", "--x=\\n"], '
        '"env": {"KEY": "line\\nline"}, "disabled": true}, "other": {"url": "https://example.org/mcp"}}}'
    )
    form.paste.click()
    assert form.name.text() == "my-notes"
    said = form._about_paste.text()
    assert "2 servers" in said
    assert "Not taken over: disabled" in said
    assert form.variables.rows[0].value.displayText() == "●" * 9
    form.network.click()
    form.folders.add_folder(Path("/w"))
    form.folders.add_folder(Path("/w"))
    form.folders.rows[0].choice.chosen.emit(True)
    form.submit.click()
    expected = NewServer(
        "my-notes", ("npx", "-y", "a b", "--x=\n"), "", (("KEY", "line\nline"),), (), ("/w",), network=False
    )
    assert given == [expected]
    form.which.chosen.emit(1)
    form.submit.click()
    assert given[1].address == "https://example.org/mcp"
    page.go_back()
    page.begin_server()
    assert form.name.text() == "other"  # Escape and Back lose nothing


def test_a_server_is_changed_in_the_form_it_was_added_with(page: ToolsPage, show: Show) -> None:
    form, given = page.form, list[NewServer]()
    form.submitted.connect(given.append)
    show(facts("running"))
    page.servers.details._buttons["change"].click()
    assert (form.isVisible(), form.name.isReadOnly()) == (True, True)
    form.network.click()
    form.folders.add_folder(Path("/new"))
    form.submit.click()
    kept = NewServer("notes", ("notes-server", "--x", "a b"), "", (("KEY", "geheim"),), ("/r", "/new"), ("/w",))
    assert given == [replace(kept, network=False, changes=True)]
    page.go_back()
    page.begin_server()
    assert (form.name.text(), form.name.isReadOnly(), form.folders.rows) == ("", False, [])


@pytest.mark.parametrize(
    ("name", "command", "variable", "said"),
    [
        ("My Server", "x", "", "“my-server” would do."),
        ("built-in", "x", "", "A name has up to 40"),
        ("a", "", "", "Give the command"),
        ("a", "npx 'a", "", "A quotation mark is not closed."),
        ("a", "x", "A-B", "“A-B” is no name of a variable."),
    ],
)
def test_bad_input_is_told_in_its_place(page: ToolsPage, name: str, command: str, variable: str, said: str) -> None:
    form, given = page.form, list[NewServer]()
    form.submitted.connect(given.append)
    page.begin_server()
    form.name.setText(name)
    form.command.setText(command)
    if variable:
        form.variables.show_pairs(((variable, "x"),))
    form.submit.click()
    assert given == []
    assert any(said in each.text().replace("\u200b", "") for each in form.findChildren(QLabel) if each.isVisible())


def test_what_is_no_configuration_is_told_and_a_command_alone_is_taken(page: ToolsPage) -> None:
    form = page.form
    page.begin_server()
    for text, said in (("", "no configuration"), ("{]", "no JSON"), ('{"a": 1}', "no “mcpServers”")):
        QGuiApplication.clipboard().setText(text)
        form.paste.click()
        assert said in form._problems["paste"].text()
    QTest.keyClicks(form.command, "uvx ")
    form.command.setText('{"mcpServers": {"t": {"command": "uvx"}}}')
    form.command.textEdited.emit(form.command.text())  # as pasted there
    assert (form.name.text(), form.command.text()) == ("t", "uvx")
    QGuiApplication.clipboard().setText("npx -y notes")
    form.paste.click()
    assert form._runs.text().replace("\u200b", "") == "Runs npx with [-y]  [notes]"


def test_the_guide_says_what_tools_do_not_solve(page: ToolsPage) -> None:
    page.servers.guide_link.click()
    shown = " ".join(each.text() for each in page.findChildren(QLabel) if each.isVisible())
    assert "What this does not solve" in shown
    QTest.keyClick(page.focusWidget(), Qt.Key.Key_Escape)
    assert page.servers.isVisible()
