"""A display that is named and dead ends in the terminal, with one sentence that says why: never in a core dump."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.command import Ran, environment

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no such displays")
NUMBER = 7300 + os.getpid() % 700
X_SOCKET = Path(f"/tmp/.X11-unix/X{NUMBER}")


def started(question: bytes = b"", /, **environ: str) -> Ran:
    """A start without arguments that answers the question that is piped in, where no window opens."""
    ran = subprocess.run(
        [sys.executable, "-m", "desktop"],
        input=question,
        capture_output=True,
        env=environment() | environ,
        timeout=120,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


def without_a_window(ran: Ran) -> str:
    """The sentence that says why there is none. Nothing was piped in, which is said after it."""
    assert ran.code == 2, ran
    why, question = ran.err.splitlines()
    assert "No window can be opened" in why
    assert "question" in question
    return why


@pytest.fixture
def x_socket() -> Iterator[Path]:
    """Where an X server of this machine would listen."""
    X_SOCKET.parent.mkdir(mode=0o1777, exist_ok=True)
    X_SOCKET.unlink(missing_ok=True)
    yield X_SOCKET
    X_SOCKET.unlink(missing_ok=True)


def test_what_an_x_server_left_that_was_killed_is_no_display(x_socket: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(x_socket))
    ran = started(b"hello", DISPLAY=f":{NUMBER}")
    assert ran.code == 0, ran
    assert ran.out.strip(), ran
    assert ran.err.count("\n") == 1, ran
    assert f":{NUMBER}" in ran.err


def test_an_x_server_that_hangs_up_is_no_display(x_socket: Path) -> None:
    """As one does that wants a cookie which nobody has."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(x_socket))
        server.listen()
        refusing = subprocess.Popen(
            [sys.executable, "-c", _REFUSE, str(server.fileno())], pass_fds=[server.fileno()], stdin=subprocess.DEVNULL
        )
        try:
            without_a_window(started(DISPLAY=f":{NUMBER}"))
        finally:
            refusing.kill()
            refusing.wait()


# The answer "failed" of an X server (X11 protocol, section 8), in whose reason stands what it wants.
_REFUSE = """
import socket, sys
server = socket.socket(fileno=int(sys.argv[1]))
while True:
    client, _ = server.accept()
    client.recv(65536)
    reason = b"No protocol specified\\n\\0\\0"
    client.sendall(bytes([0, 22, 11, 0, 0, 0, len(reason) // 4, 0]) + reason)
    client.close()
"""


def test_an_x_server_that_never_answers_is_given_up(x_socket: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(x_socket))
        silent.listen(8)
        assert "does not answer" in without_a_window(started(DISPLAY=f":{NUMBER}"))


@pytest.mark.parametrize("name", ["nohost.invalid:0", ":99999", "localhost:99.0", ":nonsense:0"])
def test_a_display_that_cannot_be_reached_is_no_display(name: str) -> None:
    ran = started(DISPLAY=name)
    assert ran.code == 2, ran
    assert "Traceback" not in ran.err


def test_a_compositor_that_is_gone_or_hangs_is_no_display(home: Path) -> None:
    runtime = home / "run"
    runtime.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(runtime / "wayland-0"))
        environ = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(runtime)}
        assert "wayland-0" in without_a_window(started(**environ))
        compositor.listen(8)
        assert "does not answer" in without_a_window(started(**environ))


@pytest.mark.parametrize("name", ["nonsense", "xcb", "wayland", "linuxfb", "eglfs", "nonsense;linuxfb", "xcb:tablet=1"])
def test_a_qt_platform_that_cannot_start_is_said(name: str) -> None:
    without_a_window(started(QT_QPA_PLATFORM=name))


def test_a_library_of_qts_that_is_damaged_or_missing_is_named(home: Path) -> None:
    """One that Qt's plugin for X11 needs, and one that every part of Qt needs."""
    for library in ("libxcb-cursor.so.0", "libGL.so.1"):
        folder = home / library
        folder.mkdir()
        (folder / library).write_text("no library")
        environ = {"QT_QPA_PLATFORM": "xcb" if "xcb" in library else "offscreen", "LD_LIBRARY_PATH": str(folder)}
        assert library in without_a_window(started(**environ))
