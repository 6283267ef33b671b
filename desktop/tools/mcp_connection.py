"""One server spoken to by the Model Context Protocol, with the official package; the only module that imports it, and
itself imported where a server is started: it takes half a second.

The package's own ways to reach a server are not used: neither its HTTP client, nor its start of a process. It is given
the messages of a `ServerChannel` (a process that is confined, or a server behind an address), within bounds. The newest
revision is tried first, then the handshake of older ones. What a server asks of us (a model's answer, folders, a
question to the person) is refused by the package, as nothing for it is declared, and noted here. Output schemas are
taken out before the package sees them: it would run their regular expressions on its own thread.
"""

import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio.from_thread import start_blocking_portal
from mcp import Client, MCPError
from mcp.shared.message import ClientMessageMetadata, SessionMessage
from mcp_types import (
    CONNECTION_CLOSED,
    REQUEST_TIMEOUT,
    Implementation,
    JSONRPCRequest,
    JSONRPCResponse,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

from desktop import __version__
from desktop.errors import NetworkError, StoppedError
from desktop.safe_text import one_line, repair_surrogates
from desktop.tools.server_channel import ServerChannel, ServerConfinement, ServerFloodError
from desktop.tools.server_tool import MOST_TOOLS, ServerTool, define_tool
from desktop.tools.tool_call import ToolResult, ToolText, harmless_result
from desktop.translation import tr

logging.getLogger("mcp").setLevel(logging.CRITICAL)  # it logs what servers send, as it came
START_S = 60.0
CALL_S = 300.0
MOST_MESSAGES = 10_000
MOST_BYTES = 64 << 20
_MOST_PAGES = 50
_POLL_S = 0.05
_LONGEST_REASON = 300
_LONGEST_METHOD, _MOST_NOTED = 60, 10
T = TypeVar("T")


class McpConnection:
    """A server that is running and greeted. Methods may be called from any thread; they wait."""

    def __init__(
        self,
        name: str,
        channel: ServerChannel,
        *,
        start_s: float = START_S,
        call_s: float = CALL_S,
        is_cancelled: Callable[[], bool] = lambda: False,
        refused: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Greet it. `refused` is told what the server asked for and is not given. Raises NetworkError where it does not
        answer as a server, AccessError, ForbiddenError, StoppedError where that was cancelled; it is ended then."""
        self._name, self._channel, self._start_s, self._call_s = name, channel, start_s, call_s
        self._refused, self._noted = refused, set[str]()
        self._messages = self._bytes = self._received = 0
        self._broken = ""
        self._leave = anyio.Event()
        self._ready: Future[None] = Future()
        self._portals = start_blocking_portal(name=f"tools-{name}")
        self._portal = self._portals.__enter__()
        self._serving = self._portal.start_task_soon(self._serve)
        try:
            self._await(self._ready, start_s, is_cancelled)
        except BaseException:
            self.close(at_once=True)
            raise

    @property
    def revision(self) -> str:
        """The revision of the protocol that is spoken."""
        return str(self._client.protocol_version)

    @property
    def usable(self) -> bool:
        """Whether it can be called: it runs, and kept to the protocol."""
        return not self._broken and self._channel.running

    @property
    def place(self) -> str:
        """Where the server runs, and how confined, as its log has it."""
        return self._channel.place

    @property
    def confinement(self) -> ServerConfinement | None:
        """What its process was left; None where it does not run as one of ours."""
        return self._channel.confinement

    def tools(self, is_cancelled: Callable[[], bool] = lambda: False) -> tuple[ServerTool, ...]:
        """The tools that it has now, MOST_TOOLS at most. Raises NetworkError, AccessError, StoppedError, and
        ForbiddenError where Latchkey went offline."""
        try:
            given = self._run(self._list, self._start_s, is_cancelled)
        except _RefusedError as refused:
            raise NetworkError(
                tr("The tool server “{name}” does not name its tools.").format(name=self._name),
                tr("It says: {text}").format(text=_told(refused)),
                tr("Ask whoever made it."),
            ) from refused
        found: dict[str, ServerTool] = {}
        for each in given:
            tool = define_tool(self._name, each)
            if tool is not None:
                found.setdefault(tool.name, tool)
        return tuple(found.values())[:MOST_TOOLS]

    def call(
        self, tool: str, arguments: dict[str, Any], is_cancelled: Callable[[], bool] = lambda: False
    ) -> ToolResult:
        """What `tool` gives. Raises NetworkError where the server fails or takes longer than it may, StoppedError
        where it was cancelled, which the server is told, and as `tools`."""
        began, before = time.monotonic(), self._received
        try:
            result = self._run(lambda: self._client.call_tool(tool, arguments, self._call_s), None, is_cancelled)
        except _RefusedError as refused:
            return ToolResult((ToolText(_told(refused)),), True, self._received - before, time.monotonic() - began)
        content = [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in result.content]
        return harmless_result(
            content,
            result.structured_content,
            failed=bool(result.is_error),
            size=self._received - before,
            seconds=time.monotonic() - began,
        )

    def close(self, *, at_once: bool = False) -> None:
        """End the server and let go of all that it held."""
        self._channel.end(at_once=at_once)
        with suppress(RuntimeError):
            self._portal.call(self._leave.set)
        with suppress(Exception):  # how it ended was told to whoever waited for it
            self._serving.result(self._start_s)
        self._portals.__exit__(None, None, None)
        self._channel.close_output()

    # --- on the portal's thread --------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Greet the server, and keep the client open until `close`."""
        try:
            async with self._new_client():
                self._ready.set_result(None)
                await self._leave.wait()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error if isinstance(error, Exception) else EOFError())
            if not isinstance(error, Exception):
                raise

    def _new_client(self) -> Client:
        self._client = Client(
            self._transport(),
            read_timeout_seconds=self._start_s,
            client_info=Implementation(name="latchkey", version=__version__),
            cache=None,
        )
        return self._client

    async def _list(self) -> list[dict[str, Any]]:
        tools: list[dict[str, Any]] = []
        cursor = None
        for _ in range(_MOST_PAGES):
            page = await self._client.list_tools(cursor=cursor)
            tools += [each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in page.tools]
            cursor = page.next_cursor
            if cursor is None or len(tools) >= MOST_TOOLS:
                break
        return tools

    @asynccontextmanager
    async def _transport(self) -> AsyncGenerator[Any, None]:
        """The channel as the package wants it: two streams of messages."""
        received, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, sent = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._read, received)
            tasks.start_soon(self._write, sent)
            try:
                yield incoming, outgoing
            finally:
                incoming.close()
                outgoing.close()
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(self._channel.end)
                tasks.cancel_scope.cancel()

    async def _read(self, received: Any) -> None:
        async with received:
            while True:
                try:
                    line = await anyio.to_thread.run_sync(self._channel.read_line, abandon_on_cancel=True)
                except ServerFloodError:
                    line = b""
                    self._broken = tr("it sent more at once than is taken")
                self._messages += 1
                self._bytes += len(line)
                self._received += len(line)
                if line and (self._messages > MOST_MESSAGES or self._bytes > MOST_BYTES):
                    self._broken = tr("it sent more at once than is taken")
                    line = b""
                if not line:
                    return
                message = _message(line)
                if message is not None:
                    for method in _asked(message) - self._noted:
                        self._noted.add(method)
                        await anyio.to_thread.run_sync(self._refused, method)
                    try:
                        await received.send(SessionMessage(message))
                    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                        return

    async def _write(self, sent: Any) -> None:
        async with sent:
            async for each in sent:
                data = each.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
                more = each.metadata.headers if isinstance(each.metadata, ClientMessageMetadata) else None
                try:
                    await anyio.to_thread.run_sync(self._channel.write, data, more or {})
                except OSError:
                    return

    # --- on the thread of whoever asks -------------------------------------------------------------------------------

    def _run(
        self, start: Callable[[], Coroutine[Any, Any, T]], seconds: float | None, is_cancelled: Callable[[], bool]
    ) -> T:
        self._messages = self._bytes = 0
        self._noted.clear()
        if not self.usable:
            raise self._gone()
        began: Future[T] = self._portal.start_task_soon(start)
        return self._await(began, seconds, is_cancelled)

    def _await(self, future: "Future[T]", seconds: float | None, is_cancelled: Callable[[], bool]) -> T:
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            if is_cancelled():
                future.cancel()
                raise StoppedError
            try:
                return future.result(_POLL_S)
            except FutureTimeoutError as error:
                if future.done():
                    raise self._failed(error) from error
                if until is not None and time.monotonic() > until:
                    future.cancel()
                    raise self._too_slow() from None
            except CancelledError:
                raise self._gone() from None
            except Exception as error:  # of the package or a callback of it: whatever a server's answer leads to
                raise self._failed(error) from error

    def _failed(self, error: Exception) -> Exception:
        while isinstance(error, ExceptionGroup) and error.exceptions:
            error = error.exceptions[0]
        if isinstance(error, MCPError) and (told := self._channel.failure(error.error.data)) is not None:
            return told
        if isinstance(error, MCPError) and error.error.code == REQUEST_TIMEOUT:
            return self._too_slow()
        if self._broken or not self._channel.running:
            return self._gone()
        if isinstance(error, MCPError):
            return self._gone() if error.error.code == CONNECTION_CLOSED else _RefusedError(error.error.message)
        self._broken = tr("what it sent is not of the protocol")
        if isinstance(error, ValidationError | RuntimeError | ValueError | LookupError | EOFError | OSError):
            return self._gone(technical=repr(error)[:2000])
        return error

    def _too_slow(self) -> NetworkError:
        self._broken = tr("it did not answer in time")
        return self._gone()

    def _gone(self, technical: str = "") -> NetworkError:
        reason = self._broken or tr("it ended")
        self._channel.end(at_once=True)
        words = one_line(self._channel.last_words()[-_LONGEST_REASON:])
        detail = tr("Its last words: “{text}”.").format(text=words) if words else ""
        return NetworkError(
            tr("The tool server “{name}” failed: {reason}.").format(name=self._name, reason=reason),
            detail,
            tr("Try again; “latchkey tools log {name}” shows what it did.").format(name=self._name),
            technical=technical,
        )


class _RefusedError(Exception):
    """The server answered with an error of the protocol; the text is its own."""


def _told(refused: _RefusedError) -> str:
    """The server's own words, safe to show."""
    return one_line(repair_surrogates(str(refused))[:_LONGEST_REASON])


def _asked(message: Any) -> set[str]:
    """What a server wants of us with a message: by a request of its own, or, since 2026-07-28, in a result."""
    if isinstance(message, JSONRPCRequest):
        return {message.method[:_LONGEST_METHOD]}
    result = message.result if isinstance(message, JSONRPCResponse) else {}
    wanted = result.get("inputRequests") if result.get("resultType") == "input_required" else None
    if not isinstance(wanted, dict):
        return set()
    named = [each.get("method") for each in list(wanted.values())[:_MOST_NOTED] if isinstance(each, dict)]
    return {each[:_LONGEST_METHOD] for each in named if isinstance(each, str)}


def _message(line: bytes) -> Any:
    """The message in a line; None where it is none: some servers print on their output."""
    try:
        if b'"outputSchema"' not in line:
            return jsonrpc_message_adapter.validate_json(line, by_name=False)
        value = json.loads(line)
        result = value.get("result") if isinstance(value, dict) else None
        for tool in (result.get("tools") if isinstance(result, dict) else None) or ():
            if isinstance(tool, dict):
                tool.pop("outputSchema", None)
        return jsonrpc_message_adapter.validate_python(value, by_name=False)
    except (ValueError, RecursionError, TypeError):
        return None
