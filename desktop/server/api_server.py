"""The server: started and stopped from any thread, with a thread and an event loop of its own.

server = ApiServer(engine, models, license_check …)
address = server.start("127.0.0.1", 0, keys)
server.state()
server.stop()
"""

import asyncio
import ipaddress
import logging
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future

import uvicorn

from desktop.chat.message_pictures import PictureDecoder
from desktop.engine.engine_protocol import MultiModelEngine
from desktop.errors import NetworkError
from desktop.server.api_application import api_application
from desktop.server.api_key import ApiKeys
from desktop.server.api_operations import ApiOperations
from desktop.server.bounded_connection import BoundedConnection
from desktop.server.host_check import HostCheck
from desktop.server.offered_models import OfferedModels
from desktop.server.request_gate import RequestGate
from desktop.server.served_answers import ServedAnswers
from desktop.server.server_activity import ServerActivity, ServerState
from desktop.translation import tr

FINISH_S = 4.0
"""How long answers may take to end once the server is to stop."""
_TOLD_S = 1.0
_STOP_S = 9.0
_KEEP_OPEN_S = 60
_BACKLOG = 512
_log = logging.getLogger(__name__)


class ApiServer:
    """Serves `models`, which run in `engine`. `pictures` decodes pictures, None where none can be shown. `changed` is
    called when `state` would say otherwise, on any thread.

    One that was stopped can be started again.
    """

    def __init__(
        self,
        engine: MultiModelEngine,
        models: OfferedModels,
        pictures: PictureDecoder | None = None,
        *,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._models = models
        self._pictures = pictures
        self._activity = ServerActivity(changed)
        self._changed = changed
        self._running: _RunningServer | None = None

    @property
    def url(self) -> str:
        """The base address for clients, "" while it does not run."""
        return self._running.url if self._running is not None else ""

    def state(self) -> ServerState:
        """What goes on in it."""
        running = self._running
        return self._activity.state(self.url, running.connections if running is not None else 0)

    def start(self, host: str, port: int, keys: ApiKeys) -> str:
        """Listen at `host`, an address or a name of this machine, and at `port`, 0 for a free one; the base address for
        clients. Raises NetworkError where that cannot be, and ForbiddenError where a policy forbids it."""
        self._models.refuse_forbidden()
        listening = _listening_socket(host, port)
        answers = ServedAnswers(self._engine, self._models, self._activity, self._pictures)
        application = api_application(ApiOperations(answers, self._models, self._activity))
        hosts = HostCheck(host, (socket.gethostname(),))
        gate = RequestGate(application, hosts, keys, self._activity, self._models.refuse_forbidden)
        self._running = _RunningServer(listening, gate, answers, _base_address(listening))
        self._running.start()
        self._changed()
        return self.url

    def stop(self) -> None:
        """Take no more requests, let answers end for a few seconds, tell those that have not, and end. Returns within
        ten seconds."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()
            self._changed()


class _RunningServer:
    """From its start to its end."""

    def __init__(self, listening: socket.socket, gate: RequestGate, answers: ServedAnswers, url: str) -> None:
        self.url = url
        self._listening = listening
        self._gate = gate
        self._answers = answers
        self._server = uvicorn.Server(
            uvicorn.Config(
                gate,
                http=BoundedConnection,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_OPEN_S,
                timeout_graceful_shutdown=round(FINISH_S + _TOLD_S),
            )
        )
        self._loop: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._server.server_state.connections)

    def start(self) -> None:
        """Begin to listen. Requests are taken once this has returned."""
        self._listening.listen(_BACKLOG)  # who connects before the loop runs waits for it
        self._thread.start()
        self._loop.result()

    def stop(self) -> None:
        """As `ApiServer.stop`."""
        self._loop.result().call_soon_threadsafe(self._begin_stop)
        self._thread.join(_STOP_S)
        if self._thread.is_alive():
            _log.error("the server did not end in time")

    def _begin_stop(self) -> None:
        self._gate.stop()
        self._server.should_exit = True
        asyncio.get_running_loop().call_later(FINISH_S, self._answers.stop)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception:  # noqa: BLE001 - nobody else would hear of it
            _log.exception("the server failed")
        finally:
            self._listening.close()

    async def _serve(self) -> None:
        self._loop.set_result(asyncio.get_running_loop())
        await self._server.serve([self._listening])


def _listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound to this address. Raises NetworkError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise _cannot_listen(host, port, getattr(error, "strerror", None) or str(error)) from None
    found = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # on Windows it would let another program take the same port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except (OSError, OverflowError) as error:
        found.close()
        raise _cannot_listen(host, port, getattr(error, "strerror", None) or str(error)) from None
    return found


def _cannot_listen(host: str, port: int, reason: str) -> NetworkError:
    return NetworkError(
        tr("The server cannot listen at {host}, port {port}.").format(host=host, port=port),
        tr("The system says: {reason}.").format(reason=reason.rstrip(".")),
        tr("Choose another port with --port (0 takes a free one), or another address."),
    )


def _base_address(listening: socket.socket) -> str:
    """What clients are given. Where it listens at every address, that of the loopback."""
    host, port = listening.getsockname()[:2]
    address = ipaddress.ip_address(host.partition("%")[0])
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
