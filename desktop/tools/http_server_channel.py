"""A tool server behind an address: messages by MCP's streamable HTTP, over Latchkey's own client, so that the offline
switch, the policy, proxies, certificates and the request log hold for each.

Every message is a POST. The revision 2026-07-28 has no session, and a request is cancelled by closing its answer; those
before it may name a session in the answer to the greeting, which is ended by a DELETE, and read a stream that broke off
on from its last event. In a session the server's own stream is read, too, by a GET: what it wants of us there is
refused, so that it need not wait for it.
"""

import json
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from desktop.errors import StoppedError, UserError
from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient, HttpTimeouts, StreamedResponse
from desktop.network.request_log import redacted_target
from desktop.network.url import Url, parse_url
from desktop.tools.http_exchange import ResumePoint, read_answer
from desktop.tools.http_failures import SessionOverError, no_answer, redirected
from desktop.tools.server_channel import ServerConfinement
from desktop.tools.tool_server import ToolServer
from desktop.translation import tr

PURPOSE = "tools"
SESSION, VERSION, LAST_EVENT = "Mcp-Session-Id", "MCP-Protocol-Version", "Last-Event-ID"
WITHOUT_SESSIONS = "2026-07-28"
_METHOD_NOT_FOUND, _FAILED = -32601, -32000
_MOST_REDIRECTS, _MOST_RESUMED = 3, 20
_LONGEST_WAIT_S = 30.0
_MOST_HELD = 64 << 20
_LONGEST_SESSION = 1024
_MOST_FAILURES = 50
_ASKED = HttpTimeouts(read=310, total=310)
"""Longer than a call may take (`mcp_connection`), which is ended there."""
_TOLD = HttpTimeouts(connect=2, read=2, write=2, total=3)
_JOIN_S = 2.0


class HttpServerChannel:
    """The server that was added as `server`. `client` gives the client that requests are made with now; `token` is
    sent to its own origin alone."""

    def __init__(self, server: ToolServer, client: Callable[[], HttpClient], token: AccessToken | None) -> None:
        self._client, self._token = client, token
        self._url = parse_url(server.url)
        self._session = self._version = ""
        self._received: deque[bytes] = deque()
        self._held = 0
        self._changed = threading.Condition()
        self._asked: dict[Any, threading.Event] = {}
        self._threads: set[threading.Thread] = set()
        self._failures: dict[str, UserError] = {}
        self._ended = self._over = False

    @property
    def running(self) -> bool:
        """Whether it was not let go of, and has not ended the session."""
        return not (self._ended or self._over)

    @property
    def confinement(self) -> ServerConfinement | None:
        """None: it does not run here."""
        return None

    @property
    def place(self) -> str:
        """Where it is."""
        return tr("at {host}").format(host=self._url.authority)

    def read_line(self) -> bytes:
        """The next message, b"" once the server was let go of; waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._received or self._ended)
            if not self._received:
                return b""
            message = self._received.popleft()
            self._held -= len(message)
            self._changed.notify_all()
            return message

    def write(self, data: bytes, headers: Mapping[str, str]) -> None:
        """Send a message. What is no request is waited for; a request is answered later."""
        if self._ended:
            raise BrokenPipeError
        message = json.loads(data)
        method, number = message.get("method"), message.get("id")
        if method == "initialize":
            self._version = ""
        else:
            self._version = next((value for name, value in headers.items() if name.lower() == VERSION.lower()), "") or (
                self._version
            )
        if method is None:
            if self._version != WITHOUT_SESSIONS:  # which has no answers to a server
                self._tell(data, headers)
        elif method == "notifications/cancelled":
            self._cancel(message, data, headers)
        elif number is None:
            self._tell(data, headers)
            if method == "notifications/initialized" and self._session:
                self._begin(secrets.token_hex(8), self._listen)
        else:
            self._begin(number, lambda stop: self._ask(number, str(method), data, headers, stop))

    def end(self, *, at_once: bool = False) -> None:
        """Let go of it: what was asked is given up, and a session is ended where there is time for it."""
        with self._changed:
            before, self._ended = self._ended, True
            for stop in self._asked.values():
                stop.set()
            threads = list(self._threads)
            self._changed.notify_all()
        for each in threads:
            if each is not threading.current_thread():
                each.join(_JOIN_S)
        if self._session and not at_once and not before:
            with suppress(UserError, StoppedError):
                self._client().request(
                    PURPOSE,
                    "DELETE",
                    self._url.url,
                    headers=self._headers({}),
                    token=self._token,
                    follow=False,
                    timeouts=_TOLD,
                )

    def close_output(self) -> None:
        """There is nothing to give up."""

    def last_words(self) -> str:
        """There are none."""
        return ""

    def failure(self, reference: object) -> UserError | None:
        """The error that stands behind an answer made here. Nobody else knows the reference."""
        return self._failures.pop(reference, None) if isinstance(reference, str) else None

    # --- one message -------------------------------------------------------------------------------------------------

    def _begin(self, number: Any, work: Callable[[threading.Event], None]) -> None:
        stop = threading.Event()

        def run() -> None:
            try:
                work(stop)
            finally:
                with self._changed:
                    self._threads.discard(thread)
                    if self._asked.get(number) is stop:
                        del self._asked[number]

        thread = threading.Thread(target=run, name=f"tools-{self._url.host}", daemon=True)
        with self._changed:
            if self._ended:
                raise BrokenPipeError
            self._asked[number] = stop
            self._threads.add(thread)
        thread.start()

    def _ask(self, number: Any, method: str, data: bytes, headers: Mapping[str, str], stop: threading.Event) -> None:
        """Send a request, and deliver its answer, or an error in its place."""

        def deliver(message: dict[str, Any]) -> None:
            self._deliver(message, stop)

        def read(answer: StreamedResponse) -> ResumePoint | None:
            if answer.status == 404 and self._session and method != "initialize":
                raise SessionOverError(self._url.authority)
            if method == "initialize" and answer.status < 300:
                self._session = _session(answer.headers.get(SESSION, ""))
            return read_answer(answer, self._url.authority, number, deliver)

        try:
            broken_at = self._post(data, headers, stop, read)
            for _ in range(_MOST_RESUMED):
                if broken_at is None:
                    return
                broken_at = self._resume(broken_at, stop, read)
            raise no_answer(self._url.authority)
        except StoppedError:
            return
        except UserError as error:
            code = _METHOD_NOT_FOUND if method == "server/discover" else _FAILED
            reference = secrets.token_hex(16)
            self._failures = {**dict(list(self._failures.items())[-_MOST_FAILURES:]), reference: error}
            failed = {"code": code, "message": error.title, "data": reference}
            with suppress(StoppedError):
                self._deliver({"jsonrpc": "2.0", "id": number, "error": failed}, stop)
            self._over = self._over or isinstance(error, SessionOverError)

    def _tell(self, data: bytes, headers: Mapping[str, str]) -> None:
        """Send what has no answer. Whether it was taken shows with the next request."""
        with suppress(UserError, StoppedError):
            self._post(data, headers, threading.Event(), lambda _: None, _TOLD)

    def _cancel(self, message: dict[str, Any], data: bytes, headers: Mapping[str, str]) -> None:
        number = (message.get("params") or {}).get("requestId")
        with self._changed:
            stop = self._asked.get(number) if isinstance(number, str | int) else None
            if stop is not None:
                stop.set()
                self._changed.notify_all()
        if self._version != WITHOUT_SESSIONS:
            self._tell(data, headers)

    def _post(
        self,
        data: bytes,
        headers: Mapping[str, str],
        stop: threading.Event,
        read: Callable[[StreamedResponse], ResumePoint | None],
        timeouts: HttpTimeouts | None = None,
    ) -> ResumePoint | None:
        """What `read` makes of the answer. A redirect is followed where it stays with the server."""
        sent = {**self._headers(headers), "Content-Type": "application/json"}
        for _ in range(_MOST_REDIRECTS):
            url = self._url
            with self._client().stream(
                PURPOSE,
                "POST",
                url.url,
                headers=sent,
                token=self._token,
                follow=False,
                stop=stop,
                body=data.rstrip(b"\n"),
                timeouts=timeouts or _ASKED,
            ) as answer:
                if answer.status not in (301, 302, 303, 307, 308):
                    return read(answer)
                self._url = _followed(url, answer)
        raise redirected(self._url.authority, self._url.origin + redacted_target(self._url.target))

    def _resume(
        self, point: ResumePoint, stop: threading.Event, read: Callable[[StreamedResponse], ResumePoint | None]
    ) -> ResumePoint | None:
        """Read a stream that broke off on; the revision without sessions has no such thing."""
        if self._version == WITHOUT_SESSIONS:
            raise no_answer(self._url.authority)
        if stop.wait(min(point.wait_ms / 1000, _LONGEST_WAIT_S)):
            raise StoppedError
        sent = {**self._headers({}), "Accept": "text/event-stream"}
        if point.last_id:
            sent[LAST_EVENT] = point.last_id
        with self._client().stream(
            PURPOSE,
            "GET",
            self._url.url,
            headers=sent,
            token=self._token,
            follow=False,
            stop=stop,
            timeouts=_ASKED,
        ) as answer:
            return read(answer)

    def _listen(self, stop: threading.Event) -> None:
        """Read what the server sends by itself, as long as it does. One that has no such stream says so."""

        def deliver(message: dict[str, Any]) -> None:
            if "method" in message:
                self._deliver(message, stop)

        def read(answer: StreamedResponse) -> ResumePoint | None:
            return read_answer(answer, self._url.authority, None, deliver)

        point: ResumePoint | None = ResumePoint(wait_ms=0)
        with suppress(UserError, StoppedError):
            for _ in range(_MOST_RESUMED):
                if point is None:
                    return
                point = self._resume(point, stop, read)

    def _headers(self, given: Mapping[str, str]) -> dict[str, str]:
        sent = {"Accept": "application/json, text/event-stream"}
        if self._session:
            sent[SESSION] = self._session
        if self._version:
            sent[VERSION] = self._version
        own = {name.lower() for name in given}
        return {name: value for name, value in sent.items() if name.lower() not in own} | dict(given)

    def _deliver(self, message: dict[str, Any], stop: threading.Event) -> None:
        line = json.dumps(message, separators=(",", ":")).encode()
        with self._changed:
            self._changed.wait_for(lambda: self._held < _MOST_HELD or self._ended or stop.is_set(), timeout=None)
            if self._ended or stop.is_set():
                raise StoppedError
            self._received.append(line)
            self._held += len(line)
            self._changed.notify_all()


def _followed(url: Url, answer: StreamedResponse) -> Url:
    """Where a redirect leads that stays with the server and its method. Raises NetworkError for any other."""
    location = answer.headers.get("Location", "")
    try:
        found = url.join(location)
    except ValueError:
        raise redirected(url.authority, tr("something that is no address")) from None
    if found.origin != url.origin or answer.status not in (307, 308) or found.url == url.url:
        raise redirected(url.authority, found.origin)
    return found


def _session(given: str) -> str:
    """The session's id, "" where none was given, or one that is not sent: visible ASCII, as the protocol says."""
    return given if len(given) <= _LONGEST_SESSION and all("!" <= each <= "~" for each in given) else ""
