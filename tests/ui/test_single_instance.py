"""One window for a data folder: whatever lies in place of the lock, the first start has it, the second raises it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.errors import ResourceError
from desktop.ui.system import single_instance
from desktop.ui.system.single_instance import SingleInstance

HOLD = """
import os, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from desktop.ui.system.single_instance import SingleInstance
application = QCoreApplication([])
instance = SingleInstance(Path(sys.argv[1]))
first = instance.claim([Path(name) for name in sys.argv[2:]])
print("first" if first else "raised", flush=True)
if first:
    leave = "XDG_ACTIVATION_TOKEN"
    instance.raise_requested.connect(lambda: print("asked", os.environ.get(leave, ""), flush=True))
    instance.files_asked.connect(lambda files: print(*files, flush=True))
    instance.listen()
    print("listening", flush=True)
    sys.exit(application.exec())
"""


class Start:
    """A start of Latchkey as far as its lock goes, in a process of its own."""

    def __init__(self, data: Path, *files: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(data), *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> str:
        self.process.kill()
        out, err = self.process.communicate()
        return out + err


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Start]]:
    started: list[Start] = []

    def begin(*files: str) -> Start:
        started.append(Start(home / "data", *files))
        return started[-1]

    yield begin
    for each in started:
        each.end()


def foreign(data: Path) -> None:
    lines = "4242\npython3.11\nanother-host\n0123456789abcdef0123456789abcdef\n00000000-0000-4000-8000-000000000000\n"
    (data / "window.lock").write_text(lines)


def living(data: Path) -> None:
    """As a process of this machine and boot would have left it whose number another program has now."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    program = Path(sys.executable).resolve().name
    lines = [str(os.getppid()), program, socket.gethostname(), "", boot.read_text().strip() if boot.exists() else ""]
    (data / "window.lock").write_text("\n".join(lines) + "\n")


def named(data: Path) -> None:
    """As this Latchkey leaves it when it is killed."""
    (data / "window.lock").write_text(json.dumps({"pid": 1, "host": socket.gethostname(), "socket": "/nowhere"}))


def huge(data: Path) -> None:
    (data / "window.lock").write_bytes(b"[" * 1_000_000)


def folder(data: Path) -> None:
    (data / "window.lock").mkdir()
    (data / "window.lock" / "kept").write_text("something of somebody's")


def link(data: Path) -> None:
    (data / "window.lock").symlink_to(data / "elsewhere")


def pipe(data: Path) -> None:
    os.mkfifo(data / "window.lock")


def read_only(data: Path) -> None:
    (data / "window.lock").touch(mode=0o400)


LEFT = [
    foreign, living, named, huge, folder, link, pipe, read_only,
    lambda data: (data / "window.lock").touch(), lambda data: (data / "window.lock").write_bytes(b"\xff\x00 garbage"),
]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="links and pipes are made otherwise there")
@pytest.mark.parametrize("leave", LEFT)
def test_whatever_lies_in_its_place_the_first_start_has_the_lock_and_the_second_raises_it(
    home: Path, start: Callable[..., Start], leave: Callable[[Path], None]
) -> None:
    (home / "data").mkdir()
    leave(home / "data")
    first = start()
    assert [first.says(), first.says()] == ["first", "listening"]
    assert start().says() == "raised"
    assert first.says() == "asked"


def test_what_lay_in_the_place_of_the_lock_is_kept(home: Path, start: Callable[..., Start]) -> None:
    (home / "data").mkdir()
    folder(home / "data")
    assert start().says() == "first"
    assert [file.read_text() for file in home.rglob("kept")] == ["something of somebody's"]


def test_the_second_start_hands_its_files_over(home: Path, start: Callable[..., Start]) -> None:
    first = start()
    assert [first.says(), first.says()] == ["first", "listening"]
    assert start("/models/a b.gguf").says() == "raised"
    assert [first.says(), first.says()] == ["asked", "/models/a b.gguf"]


def test_the_second_start_hands_over_its_desktops_leave_to_come_to_the_front(
    start: Callable[..., Start], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    assert [first.says(), first.says()] == ["first", "listening"]
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "given-once")
    assert start().says() == "raised"
    assert first.says() == "asked given-once"
    monkeypatch.delenv("XDG_ACTIVATION_TOKEN")
    assert start().says() == "raised"
    assert first.says() == "asked"


def test_a_killed_window_leaves_nothing_that_counts(home: Path, start: Callable[..., Start]) -> None:
    first = start()
    assert [first.says(), first.says()] == ["first", "listening"]
    first.end()
    second = start()
    assert [second.says(), second.says()] == ["first", "listening"]
    assert start().says() == "raised"


def test_a_window_that_cannot_be_reached_is_said_and_no_second_one_opens(
    home: Path, start: Callable[..., Start], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start()
    assert [first.says(), first.says()] == ["first", "listening"]
    lock = home / "data" / "window.lock"
    held = json.loads(lock.read_text())
    lock.write_text(json.dumps({**held, "socket": str(home / "nowhere")}))
    Path(held["socket"]).unlink()
    monkeypatch.setattr(single_instance, "_GONE_S", 0)
    with pytest.raises(ResourceError) as caught:
        SingleInstance(home / "data").claim()
    assert str(held["pid"]) in str(caught.value)

    lock.write_text(json.dumps({**held, "socket": "", "host": "upstairs"}))
    with pytest.raises(ResourceError) as caught:
        SingleInstance(home / "data").claim()
    assert "upstairs" in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
@pytest.mark.parametrize("harm", ["overwritten", "removed", "replaced"])
def test_a_lock_that_is_harmed_while_the_window_is_open_opens_no_second_one(
    home: Path, start: Callable[..., Start], harm: str
) -> None:
    first = start()
    assert [first.says(), first.says()] == ["first", "listening"]
    lock = home / "data" / "window.lock"
    if harm != "overwritten":
        lock.unlink()
    if harm != "removed":
        foreign(home / "data")
    assert start().says() == "raised"
    assert first.says() == "asked"


@pytest.mark.skipif(os.name == "nt", reason="a named pipe has no folder")
def test_the_socket_lies_in_a_folder_of_this_person_alone(
    home: Path, start: Callable[..., Start], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runtime folder that others may write to is not used, nor a relative one."""
    shared = home / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    data = home / "data"
    data.mkdir()
    for runtime, mode in ((str(shared), 0o700), ("run", 0o755), ("", 0o777)):
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        data.chmod(mode)
        first = start()
        assert [first.says(), first.says()] == ["first", "listening"]
        place = Path(json.loads((data / "window.lock").read_text())["socket"]).parent
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert start().says() == "raised"
        first.end()
    first = start()
    assert [first.says(), first.says()] == ["first", "listening"]
    # The folder that was made for a window that was killed; a system may have one for sessions in any case.
    assert not place.exists() or not place.name.startswith("latchkey-")


@pytest.mark.skipif(os.name == "nt", reason="a named pipe is no file")
@pytest.mark.parametrize(
    "message",
    [
        b"raise [1, null, {}]\n",
        b'raise {"files": ["relative.gguf", "/nul\\u0000.gguf", 1, null, {}], "activation": "a\\u0000b"}\n',
        b'raise {"files": {}, "activation": 7}\n',
        b"raise " + b"[" * 200_000 + b"\n",
        b'raise {"a": 1}\n',
        b"run rm -rf\n",
        b"\xff\xfe\n",
        b"raise " + json.dumps({"files": [f"/{number}.gguf" for number in range(5000)]}).encode() + b"\n",
        b"x" * 2_000_000,
    ],
)
def test_a_hostile_message_names_no_files_and_ends_nothing(
    home: Path, start: Callable[..., Start], message: bytes
) -> None:
    first = start()
    assert [first.says(), first.says()] == ["first", "listening"]
    with socket.socket(socket.AF_UNIX) as hostile:
        hostile.settimeout(10)
        hostile.connect(json.loads((home / "data" / "window.lock").read_text())["socket"])
        try:
            hostile.sendall(message)
            assert hostile.recv(1) == b""
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert start("/mine.gguf").says() == "raised"
    said = [first.says()]
    while said[-1] != "/mine.gguf":
        said.append(first.says())
    assert set(said) == {"asked", "/mine.gguf"}


@pytest.mark.parametrize("lock_removed", [False, True])
def test_a_window_that_hangs_is_said_to_hang(
    home: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Start], lock_removed: bool
) -> None:
    monkeypatch.setattr(single_instance, "_ANSWER_MS", 300)
    first = start()
    assert [first.says(), first.says()] == ["first", "listening"]
    os.kill(first.process.pid, signal.SIGSTOP)
    if lock_removed:
        (home / "data" / "window.lock").unlink()
    with pytest.raises(ResourceError, match="does not answer"):
        SingleInstance(home / "data").claim()
    os.kill(first.process.pid, signal.SIGCONT)
    assert start().says() == "raised"


def test_another_users_process_is_not_heard(
    home: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Start]
) -> None:
    from desktop.network import peer_credentials

    monkeypatch.setattr(peer_credentials, "peer_user_id", lambda _: os.getuid() + 1)
    mine = SingleInstance(home / "data")
    assert mine.claim()
    mine.listen()
    heard: list[bool] = []
    mine.raise_requested.connect(lambda: heard.append(True))
    with socket.socket(socket.AF_UNIX) as theirs:
        theirs.settimeout(0.1)
        theirs.connect(json.loads((home / "data" / "window.lock").read_text())["socket"])
        theirs.sendall(b"raise []\n")

        def refused() -> bool:
            try:
                return theirs.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionResetError:
                return True

        qtbot.waitUntil(refused, timeout=10_000)
    mine.close()
    assert not heard
