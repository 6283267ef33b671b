"""The connections that are kept for the next request, one pool for each proxy, and closed when nobody asks any more."""

import os
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpcore
import truststore

from desktop.network.proxy import Proxy
from desktop.network.request_error import ca_file_unreadable
from desktop.network.socket_backend import SocketBackend

IDLE_S = 15.0


def ssl_context(ca_file: Path | None, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """A context that believes the system's store, `ca_file` and, on every system, the file in SSL_CERT_FILE.

    Raises RequestError of kind "tls" where one of the files cannot be read.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for file in (ca_file, environ.get("SSL_CERT_FILE")):
        if file:
            try:
                context.load_verify_locations(cafile=file)
            except (OSError, ValueError) as error:  # ssl's own errors are OSErrors
                raise ca_file_unreadable(str(file), error) from error
    return context


class _SharedPool:
    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self.pool = pool
        self.users = 0
        self.leaving = False


class ConnectionPools:
    """Hands out httpcore's pools. Open connections of a pool nobody uses are closed after a quarter of a minute, or by
    `close`; those in use, as soon as they are not."""

    def __init__(self, wire: SocketBackend, ca_file: Path | None) -> None:
        self._wire = wire
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._pools: dict[Proxy | None, _SharedPool] = {}
        self._timer: threading.Timer | None = None

    @contextmanager
    def pool_for(self, proxy: Proxy | None) -> Iterator[httpcore.ConnectionPool]:
        """The pool for `proxy`, None for the direct way. Raises RequestError where a file of certificates is bad."""
        counted = self._take(proxy)
        try:
            yield counted.pool
        finally:
            self._give_back(counted)

    def close(self) -> None:
        """Close what is not in use now, and the rest when it no longer is."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            for each in pools:
                each.leaving = True
            unused = [each for each in pools if not each.users]
        for each in unused:
            each.pool.close()

    def _take(self, proxy: Proxy | None) -> _SharedPool:
        with self._lock:
            counted = self._pools.get(proxy)
            if counted is None:
                counted = self._pools[proxy] = _SharedPool(self._make(proxy))
            counted.users += 1
            return counted

    def _give_back(self, counted: _SharedPool) -> None:
        with self._lock:
            counted.users -= 1
            closing = counted.leaving and not counted.users
            if not closing and self._timer is None:
                self._timer = threading.Timer(IDLE_S + 1, self._close_idle)
                self._timer.daemon = True
                self._timer.start()
        if closing:
            counted.pool.close()

    def _close_idle(self) -> None:
        with self._lock:
            self._timer = None
            unused = {proxy: each for proxy, each in self._pools.items() if not each.users}
            for proxy in unused:
                del self._pools[proxy]
        for each in unused.values():
            each.pool.close()

    def _make(self, proxy: Proxy | None) -> httpcore.ConnectionPool:
        context = ssl_context(self._ca_file)
        auth = (proxy.user.encode(), proxy.password.encode()) if proxy and (proxy.user or proxy.password) else None
        kind: Callable[..., httpcore.ConnectionPool] = httpcore.ConnectionPool
        more: dict[str, object] = {}
        if proxy is not None:
            kind = httpcore.HTTPProxy if proxy.scheme == "http" else httpcore.SOCKSProxy
            more = {"proxy_url": f"{proxy.scheme}://{proxy.host}:{proxy.port}", "proxy_auth": auth}
        return kind(
            ssl_context=context,
            max_connections=None,  # a limit would be a wait that nothing interrupts
            keepalive_expiry=IDLE_S,
            network_backend=self._wire,
            **more,
        )
