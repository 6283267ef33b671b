"""A client with the shape of the app's one, made of the standard library alone: to test what stands on that shape.

It sends a token only to its origin, follows redirects by hand, refuses answers that are too large, and logs each hop.
It neither retries nor knows of proxies.
"""

import http.client
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from desktop.network.answers import Headers, Response
from desktop.network.client import MOST_BYTES, Client
from desktop.network.exchange import Exchange, path_for_log
from desktop.network.failures import Kind, RequestError, StoppedError
from desktop.network.switch import OfflineSwitch
from desktop.network.token import AccessToken, origin_of

_REDIRECTS = (301, 302, 303, 307, 308)


class _Streamed:
    def __init__(self, answer: http.client.HTTPResponse, url: str, stop: threading.Event | None) -> None:
        self._answer, self._stop = answer, stop
        self.status, self.url = answer.status, url
        self.headers = Headers(answer.getheaders())

    @property
    def encoding(self) -> str:
        return self.headers.get("content-encoding", "")

    def chunks(self, size: int = 1 << 20) -> Iterator[bytes]:
        while True:
            if self._stop is not None and self._stop.is_set():
                raise StoppedError
            try:
                piece = self._answer.read(size)
            except TimeoutError as error:
                raise failure("timeout", self.url) from error
            except (http.client.HTTPException, OSError) as error:
                raise failure("cut", self.url) from error
            if not piece:
                if self._answer.length:
                    raise failure("cut", self.url)
                return
            yield piece

    def read_into(self, buffer: memoryview) -> int:
        return self._answer.readinto(buffer)

    def close(self) -> None:
        self._answer.close()


class PlainClient(Client):
    """See the module. `exchanges` is its log; `timeout` in seconds."""

    def __init__(self, ca_file: Path | None = None, timeout: float = 5, switch: OfflineSwitch | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self._timeout = timeout
        self._switch = switch or OfflineSwitch(lambda: None)
        self._tls = ssl.create_default_context(cafile=ca_file) if ca_file else None

    def request(
        self,
        purpose: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: AccessToken | None = None,
        follow: bool = True,
        most_bytes: int = MOST_BYTES,
        stop: threading.Event | None = None,
    ) -> Response:
        with self.stream(purpose, method, url, headers=headers, token=token, follow=follow, stop=stop) as answer:
            body = b""
            for piece in answer.chunks():
                body += piece
                if len(body) > most_bytes:
                    raise failure("too-large", url)
            return Response(answer.status, answer.headers, body, answer.url)

    @contextmanager
    def stream(
        self,
        purpose: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: AccessToken | None = None,
        follow: bool = True,
        stop: threading.Event | None = None,
    ) -> Iterator[_Streamed]:
        for _ in range(11):
            self._switch.check()
            connection = self._connect(url)
            try:
                answer = self._hop(connection, purpose, method, url, dict(headers or {}), token)
                if not follow or answer.status not in _REDIRECTS:
                    yield _Streamed(answer, url, stop)
                    return
                url = urljoin(url, answer.getheader("Location", ""))
            finally:
                connection.close()
        raise failure("redirect", url)

    def _connect(self, url: str) -> http.client.HTTPConnection:
        host = urlsplit(url).netloc
        if url.startswith("https:"):
            return http.client.HTTPSConnection(host, timeout=self._timeout, context=self._tls)
        return http.client.HTTPConnection(host, timeout=self._timeout)

    def _hop(
        self,
        connection: http.client.HTTPConnection,
        purpose: str,
        method: str,
        url: str,
        headers: dict[str, str],
        token: AccessToken | None,
    ) -> http.client.HTTPResponse:
        if token is not None and token.origin == origin_of(url):
            headers["Authorization"] = f"Bearer {token.value}"
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        status = 0
        try:
            connection.request(method, target, headers={**headers, "Accept-Encoding": "identity"})
            answer = connection.getresponse()
            status = answer.status
        except TimeoutError as error:
            raise failure("timeout", url) from error
        except (http.client.HTTPException, OSError) as error:
            raise failure("tls" if isinstance(error, ssl.SSLError) else "cut", url) from error
        finally:
            path = path_for_log(url)
            self.exchanges.append(Exchange(time.time(), purpose, method, parts.netloc, path, status, 0, 0, 0.0))
        return answer


def failure(kind: Kind, url: str) -> RequestError:
    """The error of the app's client for this kind."""
    return RequestError(kind, urlsplit(url).netloc, ("The request failed.", kind, "Try again."))
