"""The server for other programs, shared by all windows.

It is built when it is first turned on, off the main thread; its modules are imported then, so that neither a start nor
the page waits for them.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.background import Background
from desktop.errors import NetworkError, StoppedError, UserError
from desktop.server.server_activity import ServerState
from desktop.settings import ServerSettings, Settings
from desktop.translation import tr
from desktop.ui.server.server_page_values import ServerPhase

if TYPE_CHECKING:
    from desktop.server.api_key import ApiKeys
    from desktop.server.api_server import ApiServer
    from desktop.server.offered_models import OfferedModels

    MakeServer = Callable[[Callable[[], None]], tuple[ApiServer, OfferedModels]]

_TELL_MS = 400
_END_S = 10.0


class SharedServer(QObject):
    """`make` builds the server and the models that it offers, on any thread, and is given what the server calls on any
    thread when something changed in it. `key_file` is where the key lies. `post` runs a function on the main thread.

    `changed` whenever something is to be shown anew; not more often than a person can see.
    """

    changed = Signal()

    def __init__(
        self, background: Background, make: "MakeServer", settings: Callable[[], Settings], key_file: Path
    ) -> None:
        super().__init__()
        self._background, self._make, self._settings, self._key_file = background, make, settings, key_file
        self._lock = threading.Lock()
        self._built: tuple[ApiServer, OfferedModels] | None = None
        self._keys: ApiKeys | None = None
        self._used: ServerSettings | None = None
        self._closed = False
        self._ending: threading.Thread | None = None
        self.phase: ServerPhase = "off"
        self.error: UserError | None = None
        self._timer = QTimer(self, singleShot=True, interval=_TELL_MS)
        self._timer.timeout.connect(self.changed)

    def state(self) -> ServerState:
        """What goes on in it. Any thread."""
        built = self._built
        return built[0].state() if built is not None else ServerState()

    def words(self) -> str:
        """What goes on without a window, "" where it is off."""
        return tr("The server stays on.") if self.phase in ("on", "starting") else ""

    # --- on and off ----------------------------------------------------------------------------------------------

    def turn_on(self) -> None:
        """Begin to serve, as the settings say; `error` says why where that cannot be."""
        if self.phase == "off" and not self._closed:
            wanted = self._settings().server
            self._set("starting")
            self._background.pool(lambda: self._start(wanted), lambda _: self._started(wanted), self._failed)

    def turn_off(self) -> None:
        """Take no more requests; answers have some seconds to end."""
        if self.phase == "on" and not self._closed:
            self._set("stopping")
            self._background.pool(self._stop, lambda _: self._set("off"), self._failed)

    def take_settings(self) -> None:
        """The settings were changed: offer what they say, and listen where they say."""
        wanted = self._settings().server
        built = self._built
        if built is not None:
            built[1].offer(wanted.models, wanted.parallel)
        if self.phase == "on" and self._used is not None and _place(wanted) != _place(self._used):
            self._set("starting")

            def again() -> None:
                self._stop()
                self._start(wanted)

            self._background.pool(again, lambda _: self._started(wanted), self._failed)
        elif self._closed is False:
            self.changed.emit()

    def clear_error(self) -> None:
        """The error was read."""
        self.error = None
        self.changed.emit()

    def _set(self, phase: ServerPhase, error: UserError | None = None) -> None:
        if not self._closed:
            self.phase, self.error = phase, error
            self.changed.emit()

    def _started(self, used: ServerSettings) -> None:
        self._used = used
        self._set("on")
        self.take_settings()  # they may be others by now

    def _failed(self, error: UserError) -> None:
        self._set("off", error)

    def _start(self, wanted: ServerSettings) -> None:
        """Not for the main thread."""
        from desktop.server.api_key import ApiKeys, kept_api_key, keys_from_text

        with self._lock:
            if self._closed:
                raise StoppedError
            if self._built is None:
                self._built = self._make(self._tell)
            server, models = self._built
            models.offer(wanted.models, wanted.parallel)
            keys = self._keys = self._keys or ApiKeys(())
            keys.replace(keys_from_text(kept_api_key(self._key_file)).all)
            try:
                server.start(wanted.address, wanted.port, keys)
            except NetworkError as error:
                remedy = tr("Choose another port or address, or end the program that uses this one.")
                raise NetworkError(error.title, error.detail, remedy) from error

    def _stop(self) -> None:
        """Not for the main thread."""
        with self._lock:
            if self._built is not None:
                self._built[0].stop()

    def _tell(self) -> None:
        """Something changed in the server. Any thread, often."""
        self._background.call_on_main_thread(self._tell_soon)

    def _tell_soon(self) -> None:
        if not self._closed and not self._timer.isActive():
            self._timer.start()

    # --- the key -------------------------------------------------------------------------------------------------

    def key(self) -> str:
        """The key, made where there is none. Raises ResourceError. Not for the main thread."""
        from desktop.server.api_key import kept_api_key

        return kept_api_key(self._key_file)

    def key_end(self) -> str:
        """The last characters of the key, by which a person knows it again; "" where there is none yet. Raises
        ResourceError. Not for the main thread."""
        return self.key()[-4:] if self._key_file.exists() else ""

    def make_key(self) -> None:
        """Have a new key count, and the old one no longer. Raises ResourceError. Not for the main thread."""
        from desktop.server.api_key import keys_from_text, new_api_key

        with self._lock:
            key = new_api_key(self._key_file)
            if self._keys is not None:
                self._keys.replace(keys_from_text(key).all)

    # --- the end -------------------------------------------------------------------------------------------------

    def begin_close(self) -> None:
        """Begin to end it; `close` waits."""
        self._closed = True
        self._timer.stop()
        if self._built is not None or self.phase == "starting":
            self._ending = threading.Thread(target=self._stop, name="server-end", daemon=True)
            self._ending.start()

    def close(self) -> None:
        """Wait until it has ended. Answers that it gives have been told so."""
        if self._ending is not None:
            self._ending.join(_END_S)


def _place(settings: ServerSettings) -> tuple[str, int]:
    return settings.address, settings.port
