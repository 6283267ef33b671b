"""What every request passes before anything reads it: whom it is for, where it comes from, its key, and its size.

A body is read here, whole and within bounds: each, all of them together, and how long one may take to come. What is
refused is answered before its body is read; some of that is taken in and dropped, so that the client reads the answer
instead of a broken connection.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desktop.errors import UserError
from desktop.safe_text import mark_unseen
from desktop.server.api_errors import ApiError, ApiStyle, api_error, stopping_error
from desktop.server.api_key import MOST_SLOWED, SLOWED_S, ApiKeys, WrongKeyLimit
from desktop.server.host_check import HostCheck
from desktop.server.server_activity import ServedRequest, ServerActivity, client_name
from desktop.translation import tr

LARGEST_BODY = 32 << 20
MOST_HELD = 256 << 20
"""Bytes of all bodies together, those that are still coming among them."""
PAUSE_S, WHOLE_S = 30.0, 600.0
"""How long a body may take for its next piece, and for all of them."""
_DRAINED, _DRAIN_S = 16 << 20, 2.0
_OPEN_PATHS = ("/health",)


def api_style(path: str) -> ApiStyle:
    """In whose form a request to `path` is answered."""
    return "anthropic" if path.startswith("/v1/messages") else "openai"


class RequestGate:
    """Stands before `app`. `refusal` raises UserError where nobody may be served."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: HostCheck,
        keys: ApiKeys,
        activity: ServerActivity,
        refusal: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._keys = keys
        self._activity = activity
        self._refusal = refusal
        self._wrong = WrongKeyLimit(clock)
        self._slowed = 0
        self._held = 0
        self._stopping = False

    def stop(self) -> None:
        """Refuse every request from now on."""
        self._stopping = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = _NotedAnswer(send)
        client, begun = "", time.monotonic()
        body = bytearray()
        try:
            client = await self._admitted(scope)
            if client:
                scope["state"]["client"] = client
            await self._read(body, scope, receive, LARGEST_BODY if client else 0)
            await self._app(scope, _replayed(body, receive), answer.send)
        except ApiError as error:
            await _refuse(error, api_style(scope["path"]), scope, receive, answer.send)
            answer.note(error.message)
        finally:
            self._held -= len(body)
            if answer.status and scope["path"] not in _OPEN_PATHS and not answer.told(scope):
                path = mark_unseen(scope["path"], 200)
                self._activity.note(
                    ServedRequest(
                        time.time(),
                        client or tr("refused"),
                        path,
                        answer.status,
                        seconds=time.monotonic() - begun,
                        error=answer.error,
                    )
                )

    async def _admitted(self, scope: Scope) -> str:
        """Who asks, "" for what everybody may. Raises ApiError."""
        headers = _headers(scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._hosts.allows_host(host):
            raise ApiError(403, tr("This server does not go by that name (Host)."), "foreign_host")
        if origin is not None and not self._hosts.allows_origin(origin, host):
            raise ApiError(403, tr("Pages of another origin may not ask this server (Origin)."), "foreign_origin")
        if scope["path"] in _OPEN_PATHS:
            return ""
        key = self._keys.find(_presented_key(headers))
        if key is None:
            await self._slow_down()
            raise ApiError(
                401,
                tr("The key is missing or wrong: send it as “Authorization: Bearer KEY” or “x-api-key: KEY”."),
                "invalid_api_key",
            )
        if self._stopping:
            raise stopping_error()
        try:
            await asyncio.to_thread(self._refusal)
        except UserError as error:
            raise api_error(error) from None
        return client_name(key.name, headers.get("user-agent", ""))

    async def _slow_down(self) -> None:
        if not self._wrong.note():
            return
        if self._slowed >= MOST_SLOWED:
            raise ApiError(429, tr("Too many wrong keys."), "too_many_wrong_keys")
        self._slowed += 1
        try:
            await asyncio.sleep(SLOWED_S)
        finally:
            self._slowed -= 1

    async def _read(self, body: bytearray, scope: Scope, receive: Receive, largest: int) -> None:
        """Read the whole body of up to `largest` bytes into `body`; each counts from when it comes. Raises ApiError."""
        length = _headers(scope).get("content-length", "0")
        if int(length) > largest if length.isdecimal() else True:
            raise _too_large(largest)
        ends = asyncio.get_running_loop().time() + WHOLE_S
        while True:
            try:
                async with asyncio.timeout(PAUSE_S), asyncio.timeout_at(ends):
                    message = await receive()
            except TimeoutError:
                raise ApiError(408, tr("The request did not come to its end."), "timeout") from None
            if message["type"] == "http.disconnect":
                raise ApiError(400, tr("The request did not come to its end."), "disconnected")
            piece = message.get("body", b"")
            if len(body) + len(piece) > largest:
                raise _too_large(largest)
            if self._held + len(piece) > MOST_HELD:
                raise ApiError(429, tr("The server has too much to do: try again later."), "busy")
            body += piece
            self._held += len(piece)
            if not message.get("more_body", False):
                return


class _NotedAnswer:
    """Passes on what is sent, and notes the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.error = ""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    def note(self, error: str) -> None:
        """It is a refusal."""
        self.error = error

    def told(self, scope: Scope) -> bool:
        """Whether whoever answered has noted the request already."""
        return bool(scope["state"].get("noted"))


def _headers(scope: Scope) -> dict[str, str]:
    """Those that are looked at here. One that is given twice with two values names nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        found[key] = text if found.get(key, text) == text else f"{found[key]}, {text}"
    return found


def _presented_key(headers: dict[str, str]) -> str:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.casefold() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key", "").strip()


def _too_large(largest: int) -> ApiError:
    said = (
        tr("The request is larger than {most} MB.").format(most=largest >> 20)
        if largest
        else tr("This request has no body.")
    )
    return ApiError(413, said, "request_too_large")


def _replayed(body: bytearray, receive: Receive) -> Receive:
    """Gives the body that was read, and then whatever comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _refuse(error: ApiError, style: ApiStyle, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with `error`, and close the connection where more of the request may be on its way."""
    data = json.dumps(error.body(style)).encode()
    unread = error.status in (408, 413, 429) or scope["method"] not in ("GET", "HEAD")
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(data)).encode()),
        *([(b"www-authenticate", b"Bearer")] if error.status == 401 else []),
        *([(b"retry-after", b"1")] if error.status in (429, 503) else []),
        *([(b"connection", b"close")] if unread else []),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": data, "more_body": unread})
    if not unread:
        return
    if error.code != "disconnected":
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await _drain(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drain(receive: Receive) -> None:
    """Take in what still comes of a request and drop it, up to a bound."""
    left = _DRAINED
    while left > 0:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))
