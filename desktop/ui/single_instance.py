"""One window per person and data folder: a second start raises the first window and ends.

A lock file says who is first; it holds the process's id, so that a lock left by a killed process does not count. The
way to the first one is a socket of this machine, named after the data folder. A socket left behind is removed by
whoever holds the lock.
"""

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCryptographicHash, QLockFile, QObject, Signal

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer

_log = logging.getLogger(__name__)
_CONNECT_MS = 300
_TRIES = 8
_WORD = b"raise "
_LONGEST = 1 << 20


class SingleInstance(QObject):
    """Claims the data folder for this process. `asked` when a second start asked for the window, `files_asked` with the
    paths of the files that it was to open."""

    asked = Signal()
    files_asked = Signal(list)

    def __init__(self, data: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = data
        person = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
        seed = f"{person}:{data.absolute()}".encode(errors="surrogateescape")
        digest = QCryptographicHash.hash(seed, QCryptographicHash.Algorithm.Sha256).toHex().data()
        self._name = f"latchkey-{bytes(digest).decode('ascii')[:20]}"
        self._lock: QLockFile | None = None
        self._server: QLocalServer | None = None

    def claim(self) -> bool:
        """Whether this process is the first. Where the folder cannot be written nobody can be, and all may go on."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            return True
        lock = QLockFile(str(self._folder / "window.lock"))
        lock.setStaleLockTime(0)
        if lock.tryLock(0):
            self._lock = lock
            return True
        return lock.error() != QLockFile.LockError.LockFailedError

    def raise_first(self, files: Sequence[Path] = ()) -> bool:
        """Ask the first process for its window, and to open `files`. Whether it heard: it may be starting, so this is
        tried for a while."""
        names = [os.fsencode(path.absolute()).decode("utf-8", "surrogateescape") for path in files]
        word = _WORD + json.dumps(names).encode("ascii") + b"\n"
        from PySide6.QtNetwork import QLocalSocket

        for _ in range(_TRIES):
            socket = QLocalSocket()
            socket.connectToServer(self._name)
            if socket.waitForConnected(_CONNECT_MS):
                socket.write(word)
                heard = socket.waitForBytesWritten(_CONNECT_MS)
                # The first one closes the connection when it has read the word.
                socket.waitForDisconnected(_CONNECT_MS * 4)
                return heard
            socket.abort()
            _pause(_CONNECT_MS)
        _log.warning("another Latchkey holds %s and does not answer", self._folder)
        return False

    def listen(self) -> None:
        """Hear second starts from now on."""
        from PySide6.QtNetwork import QLocalServer

        if self._lock is None or self._server is not None:
            return
        QLocalServer.removeServer(self._name)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._connected)
        if not self._server.listen(self._name):
            _log.warning("cannot listen for a second start: %s", self._server.errorString())

    def close(self) -> None:
        """Let the next start be the first."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def _connected(self) -> None:
        assert self._server is not None
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(lambda held=socket: self._read(held))
            if socket.bytesAvailable():
                self._read(socket)

    def _read(self, socket: object) -> None:
        from PySide6.QtNetwork import QLocalSocket

        assert isinstance(socket, QLocalSocket)
        if not socket.canReadLine():
            if socket.bytesAvailable() > _LONGEST:
                socket.abort()
            return  # the rest comes
        word = bytes(socket.readLine(_LONGEST).data())
        socket.disconnectFromServer()
        if not word.startswith(_WORD):
            return
        _log.info("a second start asked for the window")
        self.asked.emit()
        if files := _paths(word[len(_WORD) :]):
            self.files_asked.emit(files)


def _paths(text: bytes) -> list[Path]:
    """The files named by a second start, none where it is not understood."""
    try:
        names = json.loads(text)
    except ValueError:
        return []
    return [Path(name) for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _pause(milliseconds: int) -> None:
    from PySide6.QtCore import QThread

    QThread.msleep(milliseconds)
