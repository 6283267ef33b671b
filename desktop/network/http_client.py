"""The one client: every request of Latchkey goes through here: checked by the offline switch, and logged."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

from desktop.errors import StoppedError
from desktop.network.access_token import AccessToken
from desktop.network.cancel_scope import CancelScope
from desktop.network.connection_pools import ConnectionPools
from desktop.network.http_response import HttpHeaders, HttpResponse, StreamedResponse
from desktop.network.offline_switch import OfflineSwitch
from desktop.network.request_error import RequestError, bad_redirect, invalid_url
from desktop.network.request_log import RequestLogEntry
from desktop.network.request_sender import HttpTimeouts, RequestSender, RequestSpec
from desktop.network.socket_backend import SocketBackend
from desktop.network.url import Url, parse_url
from desktop.translation import tr

MAX_RETRY_DELAY_S = 60.0
"""A server that wants us to wait longer is not waited for: whoever asked gets its answer and may say so."""

_PASSING = {429, 502, 503, 504}
_FIRST_S = 0.4
_RESETS_IN = re.compile(r"[;,\s]t\s*=\s*(\d{1,9})\b")
_REMAINING = re.compile(r"[;,\s]r\s*=\s*(\d{1,9})\b")
__all__ = [
    "HttpClient",
    "HttpHeaders",
    "HttpResponse",
    "HttpTimeouts",
    "RequestError",
    "StoppedError",
    "StreamedResponse",
]
MAX_BODY_BYTES = 8 << 20
_MOST_REDIRECTS = 10
_REDIRECTS = {301, 302, 303, 307, 308}
_REPEATABLE = {"GET", "HEAD"}
_T = TypeVar("_T")


def backoff_delay(attempt: int) -> float:
    """Seconds before try `attempt` + 1: twice as long each time, and not for all at once."""
    return min(8.0, _FIRST_S * 2.0**attempt) * random.uniform(0.6, 1.0)


def retry_delay(status: int, headers: Mapping[str, str], attempt: int) -> float | None:
    """Seconds to wait where an answer of this status may pass by itself; None where another try is no use now."""
    if status not in _PASSING:
        return None
    wanted = retry_after(headers)
    if wanted is None:
        return backoff_delay(attempt)
    return wanted + random.uniform(0, 0.25) if wanted <= MAX_RETRY_DELAY_S else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the server wants us to wait: Retry-After (a number or a date), else the time at which its RateLimit
    resets where nothing remains of it. None where it says nothing that can be read."""
    after = headers.get("Retry-After", "").strip()
    if after.isascii() and after.isdigit():
        return float(after[:9])
    if after:
        try:
            return max(0.0, parsedate_to_datetime(after).timestamp() - _now(headers))
        except (ValueError, OverflowError, TypeError):
            pass
    limit = headers.get("RateLimit", "")
    remaining, resets = _REMAINING.search(limit), _RESETS_IN.search(limit)
    if resets and (remaining is None or int(remaining[1]) == 0):
        return float(resets[1])
    return None


def _now(headers: Mapping[str, str]) -> float:
    """The server's own clock where it tells: ours may be off by a year."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, OverflowError, TypeError):
        return time.time()


class HttpClient:
    """Asks servers. For any number of threads; `log` is called from them, once for each request when it is over, also
    for one that failed, and `begun`, where it is given, before anything is sent.

    `proxy` is an address, "" or None for what the system says, "direct" for none. `ca_file` is trusted besides the
    system's own certificates. A request that is repeatable and fails in a way that may pass is tried again, `retries`
    times at most, with the server's own wish how long to wait obeyed up to a minute. Every wait ends.
    """

    def __init__(
        self,
        *,
        switch: OfflineSwitch,
        log: Callable[[RequestLogEntry], None],
        begun: Callable[[RequestLogEntry], None] | None = None,
        proxy: str | None = None,
        ca_file: Path | None = None,
        timeouts: HttpTimeouts | None = None,
        retries: int = 3,
    ) -> None:
        self._switch = switch
        self._timeouts = timeouts or HttpTimeouts()
        self._retries = retries
        wire = SocketBackend()
        self._pools = ConnectionPools(wire, ca_file)
        self._sender = RequestSender(
            wire, self._pools, log=log, begun=begun, proxy=proxy or "", timeouts=self._timeouts
        )

    def request(
        self,
        purpose: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: AccessToken | None = None,
        follow: bool = True,
        most_bytes: int = MAX_BODY_BYTES,
        stop: threading.Event | None = None,
        body: bytes = b"",
        timeouts: HttpTimeouts | None = None,
    ) -> HttpResponse:
        """A small answer as a whole, whatever its status. Redirects are followed unless `follow` is False or there is
        a `body`: that goes where it was sent and nowhere else. `timeouts` hold in place of the client's.

        The token goes to its own origin only, and over http only to this machine itself. Raises RequestError (see its
        kinds; more than `most_bytes` is "too-large"), ForbiddenError while offline, StoppedError where `stop` was set.
        """
        headers = headers or {}
        packed = not any(name.lower() == "range" for name in headers)

        def read(streamed: StreamedResponse) -> HttpResponse:
            try:
                return HttpResponse(streamed.status, streamed.headers, streamed.body(most_bytes), streamed.url)
            finally:
                streamed.release()

        call = RequestSpec(purpose, method, headers, token, packed, body, timeouts)
        return self._with_retries(call, url, follow, CancelScope(self._switch, stop), read)

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
        body: bytes = b"",
        timeouts: HttpTimeouts | None = None,
    ) -> Iterator[StreamedResponse]:
        """The same for a large answer, as a context: it ends, and is logged, when that is left. Its body may take any
        time, as long as it does not fall silent. It is asked for as it is (`identity`); see
        `StreamedResponse.encoding`."""
        scope = CancelScope(self._switch, stop)
        streamed = self._with_retries(
            RequestSpec(purpose, method, headers or {}, token, accepts_gzip=False, body=body, timeouts=timeouts),
            url,
            follow,
            scope,
            lambda each: each,
        )
        scope.set_timeout(float("inf"))
        try:
            yield streamed
        finally:
            streamed.release()

    def close(self) -> None:
        """Close the connections that are kept for the next request: at the end, and when the switch goes offline."""
        self._pools.close()

    def _with_retries(
        self, call: RequestSpec, url: str, follow: bool, scope: CancelScope, use: Callable[[StreamedResponse], _T]
    ) -> _T:
        """What `use` makes of the answer, in as many tries as it takes and there are."""
        tries = self._retries if call.method in _REPEATABLE else 0
        for attempt in range(tries + 1):
            scope.set_timeout((call.timeouts or self._timeouts).total)
            try:
                streamed = self._follow_redirects(call, url, follow, scope)
                wait = retry_delay(streamed.status, streamed.headers, attempt) if attempt < tries else None
                if wait is None:
                    return use(streamed)
                _discard(streamed)
            except RequestError as error:
                if not error.transient or attempt == tries:
                    raise
                wait = backoff_delay(attempt)
            scope.set_timeout(float("inf"))
            scope.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _follow_redirects(self, call: RequestSpec, url: str, follow: bool, scope: CancelScope) -> StreamedResponse:
        try:
            address = parse_url(url)
        except ValueError as error:
            raise invalid_url(url, error) from error
        seen: set[str] = set()
        while True:
            streamed = self._sender.send(call, address, scope)
            location = streamed.headers.get("Location")
            if not follow or call.body or streamed.status not in _REDIRECTS or location is None:
                return streamed
            seen.add(address.url)
            _discard(streamed)
            address = _next_address(address, location, call, seen)
            if streamed.status == 303 and call.method != "HEAD":
                call = replace(call, method="GET")


def check_redirect(address: Url, found: Url) -> None:
    """Raise RequestError where `address`, a server elsewhere, sends a request to this machine: what listens here trusts
    whoever is here, and nobody outside may speak to it through us."""
    if found.reaches_this_machine and not address.loopback:
        raise bad_redirect(address.authority, tr("It leads to this machine itself."))


def _next_address(address: Url, location: str, call: RequestSpec, seen: set[str]) -> Url:
    """Where a redirect leads. Raises RequestError where it is not to be followed."""
    try:
        found = address.join(location)
    except ValueError as error:
        raise bad_redirect(address.authority, tr("The address it names cannot be read.")) from error
    if found.url in seen:
        raise bad_redirect(address.authority, tr("The requests go round in a circle."))
    if len(seen) > _MOST_REDIRECTS:
        raise bad_redirect(address.authority, tr("There are too many of them in a row."))
    check_redirect(address, found)
    if call.token is not None and address.scheme == "https" and found.scheme != "https":
        raise bad_redirect(address.authority, tr("It leads from an encrypted connection to an open one."))
    return found


def _discard(streamed: StreamedResponse) -> None:
    """Release an answer whose body is not wanted."""
    try:
        streamed.drain()
    except RequestError:
        pass  # its head was all that counts
    finally:
        streamed.release()
