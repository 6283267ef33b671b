"""One window per person and data folder: a second start raises the first window and ends.

A lock says who is first; the way to the first one is a socket of this machine, in a folder that is this person's alone.
Both ends make sure that the other one is this person's too.
"""

import contextlib
import json
import logging
import os
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QCryptographicHash, QObject, QThread, QTimer, Signal

from desktop.errors import ResourceError
from desktop.translation import tr
from desktop.ui.system.window_lock import LockOwner, WindowLock

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

_log = logging.getLogger(__name__)
_CONNECT_MS = 300
_STARTING_S = 20.0
"""How long a process that holds the lock may take until its window hears: a slow disk, the first start of a day."""
_GONE_S = 3.0
_WORD = b"raise "
_LONGEST = 1 << 20
_MOST_FILES = 1000
_ACTIVATION = "XDG_ACTIVATION_TOKEN"
"""Where a Wayland desktop puts its leave to come to the front, for a program that it starts: Qt looks for it there.
https://wayland.app/protocols/xdg-activation-v1"""
_LONGEST_ACTIVATION = 1000
_SILENT_MS = 5000
_ANSWER_MS = 10_000
"""A window that is busy takes a while to hear; one that is stopped or hangs never does."""
_LONGEST_SOCKET = 100  # sockaddr_un holds 108 bytes, on some systems 104


class SingleInstance(QObject):
    """Claims the data folder for this process. `raise_requested` when a second start asked for the window,
    `files_asked` with the paths of the files that it was to open."""

    raise_requested = Signal()
    files_asked = Signal(list)

    def __init__(self, data: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = data
        self._lock = WindowLock(data)
        self._held = False
        self._server: QLocalServer | None = None
        self._made: Path | None = None

    def claim(self, files: Sequence[Path] = ()) -> bool:
        """Whether this process is the first; else the first one was asked for its window, and to open `files`.

        Where the folder cannot be written nobody can be first, and all may go on. Raises ResourceError where another
        process has the folder and cannot be reached, or does not answer: on another machine, or hanging.
        """
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        began = time.monotonic()
        while (answer := self._lock.claim()) == "taken":
            holder = self._lock.read()
            if self._is_raised((holder.socket, *self._usual_names()), files):
                return False
            waited = time.monotonic() - began
            if (holder.host and holder.host != _host()) or waited > (_GONE_S if holder.pid else _STARTING_S):
                raise _unreachable(holder)
            QThread.msleep(_CONNECT_MS)
        # A lock that somebody removed, or that could not be taken, says nothing: the socket does, where there is one.
        there = [name for name in self._usual_names() if Path(name).exists()]
        try:
            raised = os.name != "nt" and self._is_raised(there, files)
        except ResourceError:
            self._lock.release()
            raise
        if raised:
            self._lock.release()
            return False
        self._held = answer == "held"
        if self._held:
            _remove_left(self._lock.read())
            # Nobody can be reached yet: a second start waits for it.
            self._lock.write(LockOwner())
        return True

    def listen(self) -> None:
        """Accept connections of second starts from now on."""
        from PySide6.QtNetwork import QLocalServer

        if not self._held or self._server is not None:
            return
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._connected)
        for name in self._socket_names():
            QLocalServer.removeServer(name)
            if self._server.listen(name):
                break
            _log.warning("cannot listen for a second start at %s: %s", name, self._server.errorString())
        else:
            name = ""
        self._lock.write(LockOwner(os.getpid(), _host(), name))

    def close(self) -> None:
        """Let the next start be the first."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._made is not None:
            with contextlib.suppress(OSError):
                self._made.rmdir()
            self._made = None
        self._lock.release()
        self._held = False

    def _is_raised(self, names: Iterable[str], files: Sequence[Path]) -> bool:
        """Whether a window listens at one of `names`, and was asked. Raises ResourceError where it does not answer."""
        answer = next((answer for name in names if (answer := _raise(name, files)) != "nobody"), "nobody")
        if answer == "silent":
            raise _unreachable(self._lock.read())
        return answer == "heard"

    def _usual_names(self) -> list[str]:
        """Where a window of this data folder listens: in the system's folder for this session, or among the data."""
        person = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
        seed = f"{person}:{self._folder.absolute()}".encode(errors="surrogateescape")
        digest = QCryptographicHash.hash(seed, QCryptographicHash.Algorithm.Sha256).toHex().data()
        name = f"latchkey-{bytes(digest).decode('ascii')[:20]}"
        if os.name == "nt":
            return [name]
        places = [folder / name for folder in _private_folders(self._folder)]
        return [str(place) for place in places if len(os.fsencode(place)) <= _LONGEST_SOCKET]

    def _socket_names(self) -> Iterator[str]:
        """Where to listen: the usual places, else a folder made for it."""
        yield from self._usual_names()
        if os.name == "nt":
            return
        try:
            self._made = Path(tempfile.mkdtemp(prefix="latchkey-"))
        except OSError as error:
            _log.warning("no folder to listen in for a second start: %s", error)
            return
        yield str(self._made / "window")

    def _connected(self) -> None:
        assert self._server is not None
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            if not _is_this_persons(socket):
                _log.warning("another user's process asked for the window")
                socket.abort()
                continue
            socket.readyRead.connect(lambda held=socket: self._read(held))
            QTimer.singleShot(_SILENT_MS, socket, socket.abort)
            if socket.bytesAvailable():
                self._read(socket)

    def _read(self, socket: "QLocalSocket") -> None:
        if not socket.canReadLine():
            if socket.bytesAvailable() > _LONGEST:
                socket.abort()
            return  # the rest comes
        word = bytes(socket.readLine(_LONGEST).data())
        socket.disconnectFromServer()
        if not word.startswith(_WORD):
            return
        _log.info("a second start asked for the window")
        files, activation = _asked(word[len(_WORD) :])
        if activation:
            os.environ[_ACTIVATION] = activation
        self.raise_requested.emit()
        os.environ.pop(_ACTIVATION, None)
        if files:
            self.files_asked.emit(files)


def _raise(name: str, files: Sequence[Path]) -> Literal["heard", "silent", "nobody"]:
    """Ask the process that listens at the socket `name` for its window, and to open `files`. Whether it heard."""
    from PySide6.QtNetwork import QLocalSocket

    if not name or (os.name != "nt" and not Path(name).is_absolute()):
        return "nobody"
    names = [os.fsencode(path).decode("utf-8", "surrogateescape") for path in files]
    asked = {"files": names, "activation": os.environ.get(_ACTIVATION, "")[:_LONGEST_ACTIVATION]}
    word = _WORD + json.dumps(asked).encode("ascii") + b"\n"
    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(_CONNECT_MS) or not _is_this_persons(socket):
        socket.abort()
        return "nobody"
    socket.write(word)
    if not socket.waitForBytesWritten(_CONNECT_MS):
        return "nobody"
    # The first one closes the connection when it has read the word.
    closed = QLocalSocket.LocalSocketState.UnconnectedState
    return "heard" if socket.waitForDisconnected(_ANSWER_MS) or socket.state() == closed else "silent"


def _is_this_persons(socket: "QLocalSocket") -> bool:
    from desktop.network.peer_credentials import peer_user_id

    user = peer_user_id(int(socket.socketDescriptor()))
    return user is None or user == os.getuid()


def _unreachable(holder: LockOwner) -> ResourceError:
    if holder.host and holder.host != _host():
        return ResourceError(
            tr("Latchkey is open on another machine with the same folder: {host}.").format(host=holder.host),
            tr("Two windows at once could spoil what is kept there."),
            tr("Close it there, or set LATCHKEY_HOME to another folder."),
        )
    return ResourceError(
        tr("Latchkey is open already, and its window does not answer."),
        tr("Its process is {number}.").format(number=holder.pid) if holder.pid else "",
        tr("Close that window, or end the process, and start again."),
    )


def _private_folders(data: Path) -> list[Path]:
    """The system's folders for this person's session, and the folder of data, where they are this person's alone."""
    named = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    return [folder for folder in (named, Path(f"/run/user/{os.getuid()}"), data) if _is_private(folder)]


def _is_private(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except (OSError, ValueError):
        return False
    private = found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077
    return folder.is_absolute() and stat.S_ISDIR(found.st_mode) and private


def _remove_left(holder: LockOwner) -> None:
    """Remove the socket, and the folder made for it, of a process that was killed."""
    socket = Path(holder.socket)
    if not socket.is_absolute() or not socket.parent.name.startswith("latchkey-"):
        return
    with contextlib.suppress(OSError, ValueError):
        if stat.S_ISSOCK(socket.lstat().st_mode):
            socket.unlink()
        socket.parent.rmdir()


def _asked(text: bytes) -> tuple[list[Path], str]:
    """The files named by a second start, and the leave of its desktop to come to the front; nothing where it is not
    understood."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return [], ""
    if isinstance(asked, list):
        asked = {"files": asked}  # as an older copy, installed beside this one, says it
    if not isinstance(asked, dict):
        return [], ""
    names, activation = asked.get("files"), asked.get("activation")
    if not isinstance(names, list) or len(names) > _MOST_FILES:
        names = []
    paths = [Path(name) for name in names if isinstance(name, str) and "\0" not in name]
    if not isinstance(activation, str) or len(activation) > _LONGEST_ACTIVATION or not activation.isprintable():
        activation = ""
    return [path for path in paths if path.is_absolute()], activation


def _host() -> str:
    import platform

    return platform.node()
