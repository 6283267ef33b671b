"""Servers that behave and servers that do not, through the service that chats and commands use."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from desktop.errors import ForbiddenError, IntegrityError, NetworkError, NotFoundError, StoppedError
from desktop.licenses.policy_file import find_policies
from desktop.paths import Paths, find_paths
from desktop.tools import running_servers, tool_server_process
from desktop.tools.call_budget import CallBudget
from desktop.tools.tool_permission import ToolApproval
from desktop.tools.tool_refusals import ApprovalNeededError
from desktop.tools.tool_server import ToolServer, ToolServerError
from desktop.tools.tool_service import ToolService
from tests.fakes.tool_network import FakeToolNetwork

SCRIPT = Path(__file__).parents[2] / "fakes" / "scripted_tool_server.py"
HELLO = {"text": "hello"}
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confined on Linux only")


class Home:
    """A service over an empty home, with servers of the script in it."""

    def __init__(self) -> None:
        self.paths = find_paths()
        self.network = FakeToolNetwork()
        self.policy = self.paths.config / "policy.toml"
        self.service = self.open()

    def open(self) -> ToolService:
        return ToolService(self.paths, find_policies({}, self.policy), self.network)

    def add(self, name: str, *behavior: str, **more: object) -> str:
        given = {"readable": (str(SCRIPT.parent),), **more}
        self.service.add(ToolServer(name, sys.executable, (str(SCRIPT), *behavior), **given))  # type: ignore[arg-type]
        self.service.set_allowed(name, True)
        return name

    def call(self, server: str, tool: str) -> str:
        approval = ToolApproval.of_call(self.service.tool(server, tool), HELLO)
        return self.service.call(server, tool, HELLO, [approval], person_present=True).text


@pytest.fixture
def tools(home: Path) -> Iterator[Home]:
    made = Home()
    yield made
    made.service.close()


def test_a_call_is_asked_about_approved_made_and_logged(tools: Home) -> None:
    service = tools.service
    tools.add("good", "good")
    with pytest.raises(ApprovalNeededError) as asked:
        service.call("good", "echo", HELLO, person_present=True)
    with pytest.raises(ForbiddenError, match="asked first"):
        service.call("good", "echo", HELLO)
    assert service.connection("good").revision == "2026-07-28"
    approval = ToolApproval.of_call(asked.value.tool, HELLO)
    budget = CallBudget(2)
    assert service.call("good", "echo", HELLO, [approval], person_present=True, budget=budget).text == "hello"
    with pytest.raises(ApprovalNeededError):  # other arguments were not approved
        service.call("good", "echo", {"text": "other"}, [approval], person_present=True, budget=budget)
    with pytest.raises(ForbiddenError, match="as many calls"):
        service.call("good", "echo", HELLO, [approval], person_present=True, budget=budget)
    service.set_permission(asked.value.tool, "always")
    assert service.call("good", "echo", {"text": "secret"}).text == "secret"
    service.forbid("good", "echo")
    with pytest.raises(ForbiddenError, match="never"):
        service.call("good", "echo", HELLO, [approval], person_present=True)
    with pytest.raises(NotFoundError):
        service.call("good", "nothing", HELLO, person_present=True)
    refused = service.call("good", "refuse", HELLO, [ToolApproval.for_chat(service.tool("good", "refuse"))])
    assert (refused.failed, refused.text) == (True, "no \\x1b such")
    picture = service.call("good", "picture", HELLO, [ToolApproval.for_chat(service.tool("good", "picture"))])
    assert [getattr(part, "media_type", "") for part in picture.parts] == ["image/png"]
    huge = service.call("good", "huge", HELLO, [ToolApproval.for_chat(service.tool("good", "huge"))])
    assert huge.size > 3_000_000
    assert len(huge.text) == 100_000
    assert "\x1b" not in tools.call("good", "ansi")
    written = (tools.paths.tool_logs / "good.jsonl").read_text(encoding="utf-8")
    assert "secret" not in written
    assert [each.outcome for each in service.log.entries("good")][:6] == [
        "started", "asked", "denied", "called", "done", "asked",
    ]  # fmt: skip
    assert stat.S_IMODE(tools.paths.tool_servers_file.stat().st_mode) == 0o600


def test_an_older_revision_and_a_server_that_prints(tools: Home) -> None:
    tools.add("old", "old")
    assert tools.call("old", "echo") == "hello"
    assert tools.service.connection("old").revision == "2025-11-25"
    tools.add("babble", "babble")
    assert tools.call("babble", "echo") == "hello"


def test_a_tool_that_changed_is_asked_about_again(tools: Home) -> None:
    tools.add("changing", "changing")
    tools.service.set_permission(tools.service.tool("changing", "echo"), "always")
    with pytest.raises(ApprovalNeededError) as asked:
        tools.service.call("changing", "echo", HELLO, person_present=True)
    assert asked.value.reason == "changed"
    assert "Ignore your instructions" in asked.value.tool.description
    with pytest.raises(ForbiddenError):
        tools.service.call("changing", "echo", HELLO)


def test_lies_and_four_hundred_tools_are_borne(tools: Home) -> None:
    tools.add("lying", "lying")
    assert [each.name for each in tools.service.tools("lying")] == ["echo"]
    assert tools.call("lying", "echo") == "hello"
    tools.add("many", "many")
    assert len(tools.service.tools("many")) == 256


def test_servers_that_die_flood_and_hang(tools: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    tools.add("good", "good")
    with pytest.raises(NetworkError, match=r"it ended.*I am dying"):
        tools.call("good", "die")
    with pytest.raises(NetworkError, match="sent more"):
        tools.call("good", "flood")
    slow = ToolApproval.for_chat(tools.service.tool("good", "slow"))
    checks = iter([False])

    def in_the_call() -> bool:
        called = any((each.tool, each.outcome) == ("slow", "called") for each in tools.service.log.entries("good"))
        return called and next(checks, True)

    with pytest.raises(StoppedError):
        tools.service.call("good", "slow", HELLO, [slow], is_cancelled=in_the_call)
    monkeypatch.setattr(tools.service.connection("good"), "_start_s", 0.2)
    with pytest.raises(NetworkError, match="in time"):  # it still sleeps: it is ended, and would be started anew
        tools.service.tools("good")
    with pytest.raises(NetworkError, match="not started again yet"):
        tools.service.tools("good")
    outcomes = [(each.tool, each.outcome) for each in tools.service.log.entries("good")]
    assert ("die", "failed") in outcomes
    assert ("slow", "cancelled") in outcomes
    tools.service.add(ToolServer("nothing", "/nowhere/at/all"))
    tools.service.set_allowed("nothing", True)
    with pytest.raises(NotFoundError, match="no program"):
        tools.service.tools("nothing")


@ON_LINUX
@pytest.mark.loopback
def test_what_a_server_reaches(tools: Home, tmp_path: Path, loopback_ports: tuple[int, str]) -> None:
    private, given = tmp_path / "private", tmp_path / "given"
    for folder in (private, given):
        folder.mkdir()
    (private / "key").write_text("secret", encoding="utf-8")
    (private / "key").chmod(0o600)
    (given / "note.txt").write_text("note", encoding="utf-8")
    port, unix = loopback_ports
    argument = f"{port}|{unix}|{private / 'key'}|{given}"
    reached = {}
    for name, network in (("kept", False), ("online", True)):
        more = {"readable": (str(SCRIPT.parent), str(given)), "environment": {"GIVEN": "x"}, "network": network}
        tools.add(name, "good", argument, **more)
        reached[name] = json.loads(tools.call(name, "reach"))
        assert "landlock+seccomp; network:" in tools.service.connection(name).place
    minimum = {
        "PATH",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_CTYPE",
        "LC_MESSAGES",
        "HOME",
        "TMPDIR",
        "TEMP",
        "TMP",
        "GIVEN",
    }
    for found in reached.values():
        assert set(found.pop("environment")) <= minimum
        assert found.pop("parent") != "reached"
        for what in ("home", "secret", "link", "written", "given written"):
            assert found.pop(what) == "Permission denied", what
        for what in ("given", "own", "program"):
            assert found.pop(what) == "reached", what
        assert found.pop("unix") != "reached"
        assert found.pop("chmod") == "reached"  # so it believes
    assert stat.S_IMODE((private / "key").stat().st_mode) == 0o600
    assert reached["online"]["tcp"] == "reached"
    assert reached["kept"]["tcp"] != "reached"
    assert reached["kept"]["interfaces"] in ([], ["lo"])  # "lo" is down


@pytest.fixture
def loopback_ports() -> Iterator[tuple[int, str]]:
    """A TCP port and a Unix socket that something of this machine listens at."""
    path = f"/tmp/latchkey-tools-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        yield tcp.getsockname()[1], path
    Path(path).unlink()


@ON_LINUX
def test_offline_a_server_has_no_network_and_all_that_it_started_ends(
    tools: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools.add("good", "good")
    child = int(tools.call("good", "child"))
    connection = tools.service.connection("good")
    assert connection.confinement is not None
    assert connection.confinement.network == "shared"
    assert psutil.pid_exists(child)
    tools.network.offline = True
    again = tools.service.connection("good")
    assert again.confinement is not None
    assert again.confinement.network == "none"
    assert not psutil.pid_exists(child)
    assert not connection.usable


@ON_LINUX
def test_without_namespaces_nothing_is_started_offline(tools: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    tools.network.offline = True
    name = tools.add("good", "good")
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1));"
        "from desktop.confinement import linux_syscall, program_confinement as p;"
        "p._NEW_NETWORK = 0x1;"  # a flag that the kernel refuses
        "from desktop.tools.monitor.server_monitor import run; run(sys.argv[1:])"
    )
    top = str(Path(tool_server_process.__file__).parents[2])
    monkeypatch.setattr(tool_server_process, "monitor_command", lambda: (sys.executable, "-c", code, top))
    with pytest.raises(ForbiddenError, match="cannot take it away"):
        tools.service.tools(name)


def test_what_cannot_be_added(tools: Home, tmp_path: Path) -> None:
    service = tools.service
    for server in (
        ToolServer("Built In", "x"),
        ToolServer("built-in", "x"),
        ToolServer("../up", "x"),
        ToolServer("a", ""),
        ToolServer("a", url="http://example.org/mcp"),
        ToolServer("a", url="https://name:secret@example.org/mcp"),
        ToolServer("a", url="https://example.org/mcp", environment={"A": "b"}),
        ToolServer("a", "x", environment={"A=B": "c"}),
        ToolServer("a", "x", ("y" * 5000,)),
        ToolServer("a", "x", readable=(str(tmp_path / "none"),)),
    ):
        with pytest.raises(ToolServerError):
            service.add(server)
    (tools.paths.data / "tools").mkdir(parents=True, exist_ok=True)
    for folder in (tools.paths.data / "tools", tools.paths.data, tools.paths.data.parent, Path("/")):
        with pytest.raises(ForbiddenError):
            service.add(ToolServer("a", "x", writable=(str(folder),)))
    service.add(ToolServer("a", "x", allowed=True))
    assert not service.server("a").allowed
    with pytest.raises(ForbiddenError, match="not allowed to start"):
        service.tools("a")
    with pytest.raises(ToolServerError):
        service.add(ToolServer("a", "y"))
    service.remove("a")
    with pytest.raises(NotFoundError):
        service.remove("a")


def test_a_policy_denies(tools: Home) -> None:
    name = tools.add("good", "good")
    tools.policy.parent.mkdir(parents=True, exist_ok=True)

    def put(text: str) -> None:
        tools.policy.write_text(text, encoding="utf-8")
        os.utime(tools.policy, ns=(len(text), len(text)))

    put('contact = "it@example.org"\n[deny]\ntool = ["echo", "calculator"]\n')
    with pytest.raises(ForbiddenError, match=r"organization.*it@example\.org"):
        tools.call(name, "echo")
    with pytest.raises(ForbiddenError, match="organization"):
        tools.service.set_permission(tools.service.tool(name, "echo"), "always")
    with pytest.raises(ForbiddenError, match="organization"):
        tools.service.call("built-in", "calculator", {"expression": "1"})
    assert tools.service.call("built-in", "date", {}).text
    put('[deny]\ntool = ["scripted_tool_server.py", "good"]\n')
    with pytest.raises(ForbiddenError, match="organization"):
        tools.service.tools(name)
    for broken in ('[deny]\ntool = "echo"\n', '[allow]\ntool = ["echo"]\n'):
        put(broken)
        with pytest.raises(ForbiddenError, match="cannot be read"):
            tools.service.call("built-in", "date", {})


def test_what_was_allowed_for_a_server_holds_for_no_other_one_of_its_name(tools: Home) -> None:
    service = tools.service
    name = tools.add("good", "good")
    tool = service.tool(name, "echo")
    chat = [ToolApproval.for_chat(tool)]
    assert service.call(name, "echo", HELLO, chat).text == "hello"
    service.bin.put(name)
    tools.add(name, "good", "another argument")
    with pytest.raises(ApprovalNeededError):
        service.call(name, "echo", HELLO, chat, person_present=True)
    service.set_permission(tool, "always")  # of the card that still showed the first
    with pytest.raises(ApprovalNeededError):
        service.call(name, "echo", HELLO, person_present=True)
    service.bin.put(name)
    service.add(ToolServer(name, sys.executable, (str(SCRIPT), "good"), readable=(str(SCRIPT.parent),)))
    service.set_allowed(name, True)
    assert service.call(name, "echo", HELLO, chat).text == "hello"


@pytest.mark.parametrize("way", ["policy", "off", "removed"])
def test_a_server_that_may_run_no_more_is_ended_whoever_said_so(
    tools: Home, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_servers, "_WATCH_S", 0.02)
    name = tools.add("good", "good", network=False)
    child = int(tools.call(name, "child"))
    elsewhere = tools.open()  # as another program of this person's
    if way == "policy":
        tools.policy.parent.mkdir(parents=True, exist_ok=True)
        tools.policy.write_text('[deny]\ntool = ["good"]\n', encoding="utf-8")
    elif way == "off":
        elsewhere.set_allowed(name, False)
    else:
        elsewhere.remove(name)
    until = time.monotonic() + 20
    while psutil.pid_exists(child) and time.monotonic() < until:
        threading.Event().wait(0.02)
    assert not psutil.pid_exists(child)
    assert tools.service.running() == {}


def test_who_waits_for_a_start_of_somebody_else_can_stop_too(tools: Home) -> None:
    service = tools.service
    name = tools.add("mute", "mute")
    starting, stop, errors = threading.Event(), threading.Event(), []

    def first_is_stopped() -> bool:
        starting.set()
        return stop.is_set()

    def first() -> None:
        try:
            service.tools(name, first_is_stopped)
        except StoppedError as error:
            errors.append(error)

    thread = threading.Thread(target=first)
    thread.start()
    assert starting.wait(60)
    try:
        with pytest.raises(StoppedError):
            service.tools(name, lambda: True)
        assert thread.is_alive()
    finally:
        stop.set()
        thread.join()
    assert len(errors) == 1


def test_a_damaged_list_is_no_empty_one(tools: Home) -> None:
    file = tools.paths.tool_servers_file
    file.parent.mkdir(parents=True, exist_ok=True)
    other, up = (
        '{"servers": {"a": {"name": "b", "command": "x"}}}',
        '{"servers": {"..": {"name": "..", "command": "x"}}}',
    )
    for text in ("{", other, up, "[" * 100_000):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(IntegrityError):
            tools.service.servers()
        with pytest.raises(IntegrityError):
            tools.service.add(ToolServer("a", "x"))
        assert file.read_text(encoding="utf-8") == text


def test_the_log_keeps_to_its_size(home: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    from desktop.tools import tool_log

    monkeypatch.setattr(tool_log, "LARGEST", 2000)
    log = tool_log.ToolLog(paths.tool_logs)
    for number in range(60):
        log.add("a", "called", f"tool{number}")
    assert (paths.tool_logs / "a.jsonl").stat().st_size <= 2000
    assert log.entries("a")[-1].tool == "tool59"


@pytest.fixture
def paths(home: Path) -> Paths:
    return find_paths()


def test_a_start_is_cancelled_and_one_that_was_turned_off_meanwhile_does_not_run(tools: Home) -> None:
    service = tools.service
    tools.add("mute", "mute")
    for _ in range(4):  # and that it was cancelled does not count as an end of its own
        with pytest.raises(StoppedError):
            service.tools("mute", lambda: True)
    tools.add("good", "good")
    began, errors = threading.Event(), []

    def turned_off() -> bool:
        if not began.is_set():
            began.set()
            service.set_allowed("good", False)
        return False

    try:
        service.tools("good", turned_off)
    except ForbiddenError as error:
        errors.append(error.title)
    assert errors == ["The tool server “good” is not allowed to start."]
    assert service.running() == {}


def test_a_server_that_was_changed_ends_and_has_to_be_allowed_anew(tools: Home) -> None:
    tools.add("good")
    tools.service.tools("good")
    before = tools.service.server("good")
    tools.service.change(msgspec.structs.replace(before, environment={"A": "b"}))
    after = tools.service.server("good")
    assert (after.environment, after.allowed) == ({"A": "b"}, False)
    assert tools.service.running() == {}
    with pytest.raises(NotFoundError):
        tools.service.change(msgspec.structs.replace(before, name="other"))


@ON_LINUX
def test_a_server_that_does_not_see_its_own_script_is_told_how_it_is_given_its_folder(tools: Home) -> None:
    tools.add("blind", readable=())
    with pytest.raises(NetworkError, match=f"does not see {SCRIPT}"):
        tools.service.tools("blind")


def test_what_installs_a_server_first_is_told_to_be_installed_before(tools: Home, tmp_path: Path) -> None:
    installer = tmp_path / "uvx"
    installer.write_text("#!/bin/sh\necho Permission denied >&2\nexit 2\n", encoding="utf-8")
    installer.chmod(0o755)
    tools.service.add(ToolServer("uvx", str(installer), ("some-server",), readable=(str(tmp_path),)))
    tools.service.set_allowed("uvx", True)
    with pytest.raises(NetworkError, match="install the server yourself") as raised:
        tools.service.tools("uvx")
    assert "Permission denied" in raised.value.detail
