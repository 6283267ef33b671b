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
from desktop.network.access_token import AccessToken
from desktop.network.cancel_scope import CancelScope
from desktop.network.connection_pools import ConnectionPools
from desktop.network.http_response import StreamedResponse
from desktop.network.proxy import proxy_for
from desktop.network.request_error import (
    RequestError,
    connection_lost,
    protocol_error,
    proxy_authentication_required,
    proxy_unreachable,
    token_over_plain_http,
)
from desktop.network.request_log import UNFINISHED, RequestLogEntry, redacted_target
from desktop.network.socket_backend import SocketBackend
from desktop.network.url import Url

_STALE = 4
_SAFE = {b"GET", b"HEAD"}
_SECRET_HEADERS = {"authorization", "proxy-authorization", "cookie", "host", "accept-encoding", "content-length"}


@dataclass(frozen=True)
class HttpTimeouts:
    """Seconds: for a connection, for silence while reading and writing, and for all there is of a small request, or of
    a large one until its body begins. Each try has them anew."""

    connect: float = 10
    read: float = 30
    write: float = 30
    total: float = 60


@dataclass(frozen=True)
class RequestSpec:
    """What is asked for, wherever redirects lead. `accepts_gzip`: the answer may come as gzip. `body` is what is sent;
    `timeouts` are the client's where it is None."""

    purpose: str
    method: str
    headers: Mapping[str, str]
    token: AccessToken | None
    accepts_gzip: bool
    body: bytes = b""
    timeouts: HttpTimeouts | None = None

    def __post_init__(self) -> None:
        if bad := _SECRET_HEADERS & {name.lower() for name in self.headers}:
            raise ValueError(f"set by the client itself: {sorted(bad)}")


class RequestSender:
    """Sends one request and hands over its answer. For any number of threads."""

    def __init__(
        self,
        wire: SocketBackend,
        pools: ConnectionPools,
        *,
        log: Callable[[RequestLogEntry], None],
        begun: Callable[[RequestLogEntry], None] | None,
        proxy: str,
        timeouts: HttpTimeouts,
    ) -> None:
        self._wire = wire
        self._pools = pools
        self._log = log
        self._begun = begun
        self._proxy = proxy
        self._timeouts = timeouts

    def send(self, call: RequestSpec, address: Url, scope: CancelScope) -> StreamedResponse:
        """The answer of `address`; the caller releases or closes it. Raises what `HttpClient.request` does."""
        scope.begin_request(address.authority, "")
        scope.check(fresh=True)
        headers = _headers(call, address)
        proxy, wait = proxy_for(address, self._proxy), call.timeouts or self._timeouts
        scope.begin_request(address.authority, proxy.authority if proxy else "")
        request = httpcore.Request(
            call.method,
            httpcore.URL(
                scheme=address.scheme.encode(),
                host=address.host.encode(),
                port=address.port,
                target=address.target.encode(),
            ),
            headers=headers,
            content=call.body or None,
            extensions={"timeout": {"connect": wait.connect, "read": wait.read, "write": wait.write, "pool": None}},
        )
        over = self._record(call, address, scope)
        stack = ExitStack()
        try:
            pool = stack.enter_context(self._pools.pool_for(proxy))
            answer = self._answer(pool, request, scope)
            if answer.status == 407 and proxy is not None:
                stack.callback(answer.close)
                raise proxy_authentication_required(proxy.authority)
        except BaseException as error:
            scope.close_connection()  # httpcore leaves one open where a SOCKS proxy refuses
            with self._http_context(scope):
                stack.close()
            over(0, _word(error))
            raise

        def end(status: int, error: str) -> None:
            stack.close()
            over(status, error)

        return StreamedResponse(answer, address.url, scope, lambda: self._http_context(scope), end, wait.read)

    def _answer(
        self, pool: httpcore.ConnectionPool, request: httpcore.Request, scope: CancelScope
    ) -> httpcore.Response:
        """The answer's head. A kept connection that the server has closed meanwhile costs nothing but another try."""
        for _ in range(_STALE):
            try:
                with self._http_context(scope):
                    return pool.handle_request(request)
            except RequestError as error:
                repeatable = request.method in _SAFE or not scope.sent  # else the server may have done it
                if error.kind != "cut" or scope.connected or scope.received or not repeatable:
                    raise
        with self._http_context(scope):
            return pool.handle_request(request)

    @contextmanager
    def _http_context(self, scope: CancelScope) -> Iterator[None]:
        """In it httpcore waits as `scope` says, and its errors become ours."""
        try:
            with self._wire.using_scope(scope):
                yield
        except httpcore.ProxyError as error:
            if str(error).startswith("407") or "password" in str(error):
                raise proxy_authentication_required(scope.proxy) from error
            raise proxy_unreachable(scope.proxy, error) from error
        except SOCKSError as error:
            raise proxy_unreachable(scope.proxy, error) from error
        except httpcore.RemoteProtocolError as error:
            if scope.ended:
                raise connection_lost(scope.host, str(error)) from error
            raise protocol_error(scope.host, str(error)[:300]) from error

    def _record(self, call: RequestSpec, address: Url, scope: CancelScope) -> Callable[[int, str], None]:
        """Log that a request has begun; the function to call, with status and error, when it is over."""
        started, began, key = time.time(), time.monotonic(), uuid.uuid4().hex
        path = redacted_target(address.target)

        def exchange(status: int, error: str) -> RequestLogEntry:
            return RequestLogEntry(
                started,
                call.purpose,
                call.method,
                address.authority,
                path,
                status,
                scope.sent,
                scope.received,
                time.monotonic() - began,
                error,
                key,
            )

        if self._begun is not None:
            self._begun(exchange(0, UNFINISHED))
        return lambda status, error: self._log(exchange(status, error))


def _headers(call: RequestSpec, address: Url) -> list[tuple[str, str]]:
    headers = [
        ("Host", address.authority),
        ("User-Agent", f"latchkey/{__version__}"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip" if call.accepts_gzip else "identity"),
    ]
    if call.body or call.method == "POST":
        headers.append(("Content-Length", str(len(call.body))))
    own = {name.lower() for name in call.headers}
    headers = [each for each in headers if each[0].lower() not in own] + list(call.headers.items())
    if call.token is not None and call.token.origin == address.origin:
        if address.scheme != "https" and not address.loopback:
            raise token_over_plain_http(address.authority)
        headers.append(("Authorization", f"Bearer {call.token.value}"))
    return headers


def _word(error: BaseException) -> str:
    if isinstance(error, RequestError):
        return error.kind
    if isinstance(error, StoppedError):
        return "stopped"
    return "offline" if isinstance(error, ForbiddenError) else type(error).__name__
