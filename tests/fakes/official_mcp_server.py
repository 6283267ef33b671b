"""A tool server made with the official package, behind an address of this machine: somebody else's code."""

import threading
import time
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer


class OfficialServer:
    """A server of the official package, with its own HTTP server. Without `modern` it does not know the newest
    revision, as servers of before."""

    def __init__(self, *, modern: bool) -> None:
        made = MCPServer("official")

        @made.tool()
        async def add(a: int, b: int, context: Context) -> int:
            """Adds two numbers."""
            await context.report_progress(1, 2)
            return a + b

        app = made.streamable_http_app()

        async def as_before(scope: Any, receive: Any, send: Any) -> None:
            if (b"mcp-protocol-version", b"2026-07-28") in scope.get("headers", ()):
                await send({"type": "http.response.start", "status": 400, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            if scope["type"] == "http":
                self.requests.append((scope.get("method"), dict(scope.get("headers", ())).get(b"mcp-session-id")))
            await app(scope, receive, send)

        self.requests: list[tuple[str, bytes | None]] = []
        self.server = uvicorn.Server(uvicorn.Config(app if modern else as_before, port=0, log_config=None))
        self.thread = threading.Thread(target=self.server.run)

    def __enter__(self) -> str:
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/mcp"

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join()
