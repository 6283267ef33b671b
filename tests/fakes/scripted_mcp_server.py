"""A tool server behind an address that misbehaves as told: MCP's streamable HTTP by hand, in both revisions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.fakes.web import Asked, Server, Talk

Call = Callable[[dict[str, Any], Asked, Talk], object]
"""What it gives is not looked at, but for False: the connection is closed then."""
TOOL = {
    "name": "echo",
    "description": "Says it again.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
    "annotations": {"readOnlyHint": True},
}
SESSION = "session-1"


def event(message: dict[str, Any] | str, **fields: str) -> bytes:
    """A server-sent event."""
    text = message if isinstance(message, str) else json.dumps(message)
    lines = [f"{name}: {value}" for name, value in fields.items()] + [f"data: {each}" for each in text.split("\n")]
    return ("\n".join(lines) + "\n\n").encode()


def response(asked: dict[str, Any], text: str = "hello") -> dict[str, Any]:
    """The response that a call is waited for with."""
    content = [{"type": "text", "text": text}]
    return {"jsonrpc": "2.0", "id": asked["id"], "result": {"resultType": "complete", "content": content}}


def say_hello(asked: dict[str, Any], _: Asked, talk: Talk) -> None:
    """Give the response that is waited for."""
    ScriptedMcpServer.say(talk, response(asked))


class ScriptedMcpServer(Server):
    """`call` answers `tools/call`; the rest is as it should be. Without `modern` it speaks 2025-11-25 with a session,
    which a request for `forgotten` no longer has."""

    def __init__(self, call: Call | None = None, *, modern: bool = True) -> None:
        super().__init__(self._answer)
        self.call: Call = call or say_hello
        self.modern = modern
        self.sessions: set[str] = set()

    @property
    def methods(self) -> list[str]:
        """What was asked for, in order."""
        return [json.loads(each.body)["method"] if each.body else each.method for each in self.asked]

    @staticmethod
    def say(talk: Talk, message: dict[str, Any], status: int = 200, **headers: str) -> None:
        talk.answer(status, json.dumps(message).encode(), Content_Type="application/json", **headers)

    @staticmethod
    def stream(talk: Talk, *parts: bytes) -> bool:
        """Answer with a stream that ends with the connection."""
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + b"".join(parts))
        return False

    def _answer(self, asked: Asked, talk: Talk) -> bool | None:
        if asked.method == "DELETE":
            self.sessions.discard(asked.headers.get("mcp-session-id", ""))
            talk.answer(200)
            return None
        if asked.method != "POST":
            talk.answer(405)
            return None
        message = json.loads(asked.body)
        method = message.get("method")
        greeting = self.modern or method in ("initialize", "server/discover")
        if not greeting and asked.headers.get("mcp-session-id") not in self.sessions:
            talk.answer(404)
            return None
        if "id" not in message or method is None:
            talk.answer(202)
            return None
        return self._request(message, asked, talk)

    def _request(self, message: dict[str, Any], asked: Asked, talk: Talk) -> bool | None:
        about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "scripted", "version": "1"}}
        more = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"} if self.modern else {}
        result: dict[str, Any]
        match message["method"]:
            case "server/discover" if self.modern:
                result = {"supportedVersions": ["2026-07-28"], **about}
            case "initialize" if not self.modern:
                self.sessions.add(SESSION)
                result = {"protocolVersion": "2025-11-25", **about}
                self.say(talk, {"jsonrpc": "2.0", "id": message["id"], "result": result}, Mcp_Session_Id=SESSION)
                return None
            case "tools/list":
                result = {"tools": [TOOL]}
            case "tools/call":
                return False if self.call(message, asked, talk) is False else None
            case _:
                talk.answer(400)
                return None
        self.say(talk, {"jsonrpc": "2.0", "id": message["id"], "result": {**result, **more}})
        return None
