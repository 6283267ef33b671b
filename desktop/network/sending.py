"""One request to one address: past the switch, through the proxy, with the token only where it belongs, and logged."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpcore
from socksio import SOCKSError

from desktop import __version__
from desktop.errors import ForbiddenError, StoppedError
from desktop.network.address import Address
from desktop.network.answers import Streamed
from desktop.network.exchange import UNFINISHED, Exchange, path_for_log
from desktop.network.failures import (
    RequestError,
    cut,
    no_http,
    proxy_password,
    proxy_unreachable,
    unencrypted,
)
from desktop.network.pools import Pools
from desktop.network.proxies import proxy_for
from desktop.network.token import AccessToken
from desktop.network.waiting import Patience
from desktop.network.wire import Wire

_STALE = 4
_SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "host", "accept-encoding"}


@dataclass(frozen=True)
class Timeouts:
    """Seconds: for a connection, for silence while reading and writing, and for all there is of a small request, or of
    a large one until its body begins. Each try has them anew."""

    connect: float = 10
    read: float = 30
    write: float = 30
    whole: float = 60


@dataclass(frozen=True)
class Call:
    """What is asked for, wherever redirects lead. `packed`: the body may come as gzip."""

    purpose: str
    method: str
    headers: Mapping[str, str]
    token: AccessToken | None
    packed: bool

    def __post_init__(self) -> None:
        if bad := _SECRET_HEADERS & {name.lower() for name in self.headers}:
            raise ValueError(f"set by the client itself: {sorted(bad)}")


class Sender:
    """Sends one request and hands over its answer. For any number of threads."""

    def __init__(
        self,
        wire: Wire,
        pools: Pools,
        *,
        log: Callable[[Exchange], None],
        begun: Callable[[Exchange], None] | None,
        proxy: str,
        timeouts: Timeouts,
    ) -> None:
        self._wire = wire
        self._pools = pools
        self._log = log
        self._begun = begun
        self._proxy = proxy
        self._silence = timeouts.read
        self._extensions = {
            "timeout": {"connect": timeouts.connect, "read": timeouts.read, "write": timeouts.write, "pool": None}
        }

    def send(self, call: Call, address: Address, patience: Patience) -> Streamed:
        """The answer of `address`; whoever gets it calls `finish`. Raises what `Client.request` does."""
        patience.begin_hop(address.place, "")
        patience.look(fresh=True)
        headers = _headers(call, address)
        proxy = proxy_for(address, self._proxy)
        patience.begin_hop(address.place, proxy.place if proxy else "")
        request = httpcore.Request(
            call.method,
            httpcore.URL(
                scheme=address.scheme.encode(),
                host=address.host.encode(),
                port=address.port,
                target=address.target.encode(),
            ),
            headers=headers,
            extensions=self._extensions,
        )
        over = self._record(call, address, patience)
        stack = ExitStack()
        try:
            pool = stack.enter_context(self._pools.using(proxy))
            answer = self._answer(pool, request, patience)
            if answer.status == 407 and proxy is not None:
                stack.callback(answer.close)
                raise proxy_password(proxy.place)
        except BaseException as error:
            patience.abandon()  # httpcore leaves one open where a SOCKS proxy refuses
            with self._meet(patience):
                stack.close()
            over(0, _word(error))
            raise

        def end(status: int, error: str) -> None:
            stack.close()
            over(status, error)

        return Streamed(answer, address.url, patience, lambda: self._meet(patience), end, self._silence)

    def _answer(
        self, pool: httpcore.ConnectionPool, request: httpcore.Request, patience: Patience
    ) -> httpcore.Response:
        """The answer's head. A kept connection that the server has closed meanwhile costs nothing but another try."""
        for _ in range(_STALE):
            try:
                with self._meet(patience):
                    return pool.handle_request(request)
            except RequestError as error:
                if error.kind != "cut" or patience.connected or patience.received:
                    raise
        with self._meet(patience):
            return pool.handle_request(request)

    @contextmanager
    def _meet(self, patience: Patience) -> Iterator[None]:
        """In it httpcore waits as `patience` says, and its errors become ours."""
        try:
            with self._wire.waiting_with(patience):
                yield
        except httpcore.ProxyError as error:
            if str(error).startswith("407") or "password" in str(error):
                raise proxy_password(patience.proxy) from error
            raise proxy_unreachable(patience.proxy, error) from error
        except SOCKSError as error:
            raise proxy_unreachable(patience.proxy, error) from error
        except httpcore.RemoteProtocolError as error:
            if patience.ended:
                raise cut(patience.host, str(error)) from error
            raise no_http(patience.host, str(error)[:300]) from error

    def _record(self, call: Call, address: Address, patience: Patience) -> Callable[[int, str], None]:
        """Tell that a request has begun; what is to be called when it is over."""
        started, began, key = time.time(), time.monotonic(), uuid.uuid4().hex
        path = path_for_log(address.target)

        def exchange(status: int, error: str) -> Exchange:
            return Exchange(
                started,
                call.purpose,
                call.method,
                address.place,
                path,
                status,
                patience.sent,
                patience.received,
                time.monotonic() - began,
                error,
                key,
            )

        if self._begun is not None:
            self._begun(exchange(0, UNFINISHED))
        return lambda status, error: self._log(exchange(status, error))


def _headers(call: Call, address: Address) -> list[tuple[str, str]]:
    headers = [
        ("Host", address.place),
        ("User-Agent", f"latchkey/{__version__}"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip" if call.packed else "identity"),
    ]
    own = {name.lower() for name in call.headers}
    headers = [each for each in headers if each[0].lower() not in own] + list(call.headers.items())
    if call.token is not None and call.token.origin == address.origin:
        if address.scheme != "https" and not address.loopback:
            raise unencrypted(address.place)
        headers.append(("Authorization", f"Bearer {call.token.value}"))
    return headers


def _word(error: BaseException) -> str:
    if isinstance(error, RequestError):
        return error.kind
    if isinstance(error, StoppedError):
        return "stopped"
    return "offline" if isinstance(error, ForbiddenError) else type(error).__name__
