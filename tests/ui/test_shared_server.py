"""The server that all windows share: turned on and off, set otherwise while it runs, its key, and its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.background import Background
from desktop.errors import NetworkError, UserError
from desktop.server.api_key import ApiKeys
from desktop.server.server_activity import ServerState
from desktop.settings import ServerSettings, Settings
from desktop.ui.server.shared_server import SharedServer
from desktop.ui.system.process_events import MainThreadCalls


class _Models:
    def __init__(self) -> None:
        self.offered: list[tuple[tuple[str, ...], int | None]] = []

    def offer(self, only: tuple[str, ...], parallel: int | None) -> None:
        self.offered.append((only, parallel))


class _Server:
    """As much of a server as is turned on and off."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.keys: ApiKeys | None = None
        self.fails: UserError | None = None

    def start(self, host: str, port: int, keys: ApiKeys) -> str:
        assert threading.current_thread() is not threading.main_thread()
        if self.fails is not None:
            raise self.fails
        self.keys = keys
        self.done.append(f"start {host}:{port}")
        return "http://x/v1"

    def stop(self) -> None:
        assert threading.current_thread() is not threading.main_thread()
        self.done.append("stop")

    def state(self) -> ServerState:
        return ServerState("http://x/v1")


class Rig:
    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.settings = qtbot, ServerSettings()
        self.main_thread = MainThreadCalls()
        self.background = Background(self.main_thread.call_on_main_thread)
        self.server, self.models, self.made = _Server(), _Models(), 0
        self.key_file = folder / "key"
        self.shared = SharedServer(
            self.background,
            self.make,  # type: ignore[arg-type]
            lambda: Settings(server=self.settings),
            self.key_file,
        )

    def make(self, changed: Callable[[], None]) -> tuple[_Server, _Models]:
        self.made += 1
        return self.server, self.models

    def until(self, phase: str) -> None:
        self.qtbot.waitUntil(lambda: self.shared.phase == phase, timeout=10_000)

    def change(self, **changes: object) -> None:
        fields = {name: getattr(self.settings, name) for name in self.settings.__struct_fields__}
        self.settings = ServerSettings(**{**fields, **changes})
        self.shared.take_settings()


@pytest.fixture
def rig(qtbot: QtBot, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(qtbot, tmp_path)
    yield made
    made.shared.begin_close()
    made.shared.close()
    made.background.close()
    made.main_thread.close()


def test_it_is_off_until_it_is_turned_on_and_follows_its_settings(rig: Rig) -> None:
    shared = rig.shared
    assert (shared.phase, rig.made, shared.state().url, shared.words()) == ("off", 0, "", "")
    rig.change(port=9)
    assert rig.made == 0  # a setting turns nothing on
    shared.turn_on()
    shared.turn_on()
    rig.until("on")
    assert rig.server.done == ["start 127.0.0.1:9"]
    assert shared.words()
    rig.change(models=("a",), parallel=2)  # holds from the next request on, and ends no answer
    assert rig.models.offered[-1] == (("a",), 2)
    assert rig.server.done == ["start 127.0.0.1:9"]
    rig.change(address="0.0.0.0")
    assert shared.phase == "starting"
    rig.change(port=10)  # while it is being turned on
    rig.qtbot.waitUntil(lambda: rig.server.done[-1] == "start 0.0.0.0:10", timeout=10_000)
    rig.until("on")
    assert rig.server.done[1:] == ["stop", "start 0.0.0.0:9", "stop", "start 0.0.0.0:10"]
    shared.turn_off()
    rig.until("off")
    assert rig.server.done[-1] == "stop"
    assert rig.made == 1


def test_an_error_stays_until_it_was_read_and_names_what_the_window_has(rig: Rig) -> None:
    rig.server.fails = NetworkError("Taken.", "In use.", "Choose another port with --port.")
    rig.shared.turn_on()
    rig.qtbot.waitUntil(lambda: rig.shared.error is not None, timeout=10_000)
    error = rig.shared.error
    assert error is not None
    assert rig.shared.phase == "off"
    assert (error.title, error.detail) == ("Taken.", "In use.")
    assert "--" not in error.remedy
    rig.shared.clear_error()
    assert rig.shared.error is None


def test_a_new_key_ends_the_old_one_at_once(rig: Rig) -> None:
    shared = rig.shared
    assert shared.key_end() == ""
    assert not rig.key_file.exists()
    old = shared.key()
    shared.turn_on()
    rig.until("on")
    assert rig.server.keys is not None
    assert rig.server.keys.find(old) is not None
    shared.make_key()
    new = shared.key()
    assert rig.server.keys.find(old) is None
    assert rig.server.keys.find(new) is not None
    assert shared.key_end() == new[-4:]
    assert rig.key_file.read_text("ascii").strip() == new


def test_the_end_of_the_program_is_the_end_of_the_server(rig: Rig) -> None:
    rig.shared.turn_on()
    rig.until("on")
    rig.shared.begin_close()
    rig.shared.close()
    assert rig.server.done[-1] == "stop"
    rig.shared.turn_on()
    assert rig.server.done[-1] == "stop"
