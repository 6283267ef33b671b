"""The one client: whatever Latchkey asks of any server goes through here, past the switch and into the log."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from desktop.errors import StoppedError
from desktop.network.address import Address, parse_address
from desktop.network.answers import Headers, Response, Streamed
from desktop.network.exchange import Exchange
from desktop.network.failures import RequestError, bad_address, bad_redirect
from desktop.network.pools import Pools
from desktop.network.retrying import back_off, wait_before_retry
from desktop.network.sending import Call, Sender, Timeouts
from desktop.network.switch import OfflineSwitch
from desktop.network.token import AccessToken
from desktop.network.waiting import Patience
from desktop.network.wire import Wire
from desktop.translation import tr

__all__ = ["Client", "Headers", "RequestError", "Response", "StoppedError", "Streamed", "Timeouts"]

MOST_BYTES = 8 << 20
_MOST_REDIRECTS = 10
_REDIRECTS = {301, 302, 303, 307, 308}
_REPEATABLE = {"GET", "HEAD"}
_T = TypeVar("_T")


class Client:
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
        log: Callable[[Exchange], None],
        begun: Callable[[Exchange], None] | None = None,
        proxy: str | None = None,
        ca_file: Path | None = None,
        timeouts: Timeouts | None = None,
        retries: int = 3,
    ) -> None:
        self._switch = switch
        self._timeouts = timeouts or Timeouts()
        self._retries = retries
        wire = Wire()
        self._pools = Pools(wire, ca_file)
        self._sender = Sender(wire, self._pools, log=log, begun=begun, proxy=proxy or "", timeouts=self._timeouts)

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
        """A small answer as a whole, whatever its status. Redirects are followed unless `follow` is False.

        The token goes to its own origin only, and over http only to this machine itself. Raises RequestError (see its
        kinds; more than `most_bytes` is "too-large"), ForbiddenError while offline, StoppedError where `stop` was set.
        """
        headers = headers or {}
        packed = not any(name.lower() == "range" for name in headers)

        def read(streamed: Streamed) -> Response:
            try:
                return Response(streamed.status, streamed.headers, streamed.body(most_bytes), streamed.url)
            finally:
                streamed.finish()

        call = Call(purpose, method, headers, token, packed)
        return self._in_tries(call, url, follow, Patience(self._switch, stop), read)

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
    ) -> Iterator[Streamed]:
        """The same for a large answer, as a context: it ends, and is logged, when that is left. Its body may take any
        time, as long as it does not fall silent. It is asked for as it is (`identity`); see `Streamed.encoding`."""
        patience = Patience(self._switch, stop)
        streamed = self._in_tries(
            Call(purpose, method, headers or {}, token, packed=False), url, follow, patience, lambda each: each
        )
        patience.allow(float("inf"))
        try:
            yield streamed
        finally:
            streamed.finish()

    def close(self) -> None:
        """Close the connections that are kept for the next request: at the end, and when the switch goes offline."""
        self._pools.close()

    def _in_tries(self, call: Call, url: str, follow: bool, patience: Patience, use: Callable[[Streamed], _T]) -> _T:
        """What `use` makes of the answer, in as many tries as it takes and there are."""
        tries = self._retries if call.method in _REPEATABLE else 0
        for attempt in range(tries + 1):
            patience.allow(self._timeouts.whole)
            try:
                streamed = self._follow(call, url, follow, patience)
                wait = wait_before_retry(streamed.status, streamed.headers, attempt) if attempt < tries else None
                if wait is None:
                    return use(streamed)
                _leave(streamed)
            except RequestError as error:
                if not error.passing or attempt == tries:
                    raise
                wait = back_off(attempt)
            patience.allow(float("inf"))
            patience.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _follow(self, call: Call, url: str, follow: bool, patience: Patience) -> Streamed:
        try:
            address = parse_address(url)
        except ValueError as error:
            raise bad_address(url, error) from error
        seen: set[str] = set()
        while True:
            streamed = self._sender.send(call, address, patience)
            location = streamed.headers.get("Location")
            if not follow or streamed.status not in _REDIRECTS or location is None:
                return streamed
            seen.add(address.url)
            _leave(streamed)
            address = _next_address(address, location, call, seen)
            if streamed.status == 303 and call.method != "HEAD":
                call = replace(call, method="GET")


def check_redirect(address: Address, found: Address) -> None:
    """Raise RequestError where `address`, a server elsewhere, sends a request to this machine: what listens here trusts
    whoever is here, and nobody outside may speak to it through us."""
    if found.leads_here and not address.loopback:
        raise bad_redirect(address.place, tr("It leads to this machine itself."))


def _next_address(address: Address, location: str, call: Call, seen: set[str]) -> Address:
    """Where a redirect leads. Raises RequestError where it is not to be followed."""
    try:
        found = address.join(location)
    except ValueError as error:
        raise bad_redirect(address.place, tr("The address it names cannot be read.")) from error
    if found.url in seen:
        raise bad_redirect(address.place, tr("The requests go round in a circle."))
    if len(seen) > _MOST_REDIRECTS:
        raise bad_redirect(address.place, tr("There are too many of them in a row."))
    check_redirect(address, found)
    if call.token is not None and address.scheme == "https" and found.scheme != "https":
        raise bad_redirect(address.place, tr("It leads from an encrypted connection to an open one."))
    return found


def _leave(streamed: Streamed) -> None:
    """Be done with an answer that nobody reads."""
    try:
        streamed.drain()
    except RequestError:
        pass  # its head was all that counts
    finally:
        streamed.finish()
