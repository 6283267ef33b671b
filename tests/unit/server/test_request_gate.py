"""What every request passes, by itself: bodies that are still coming count, and who has no key sends none."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from desktop.server import request_gate
from desktop.server.api_key import keys_from_text
from desktop.server.host_check import HostCheck
from desktop.server.request_gate import RequestGate
from desktop.server.server_activity import ServerActivity

KEY = "lk-0123456789abcdef"


class GateClient:
    """One request at a gate; its body comes in pieces, and "end" ends it."""

    def __init__(self, path: str = "/v1/responses", key: str = KEY, length: str = "") -> None:
        headers = [(b"host", b"localhost"), (b"x-api-key", key.encode())]
        if length:
            headers.append((b"content-length", length.encode()))
        self.scope: Scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "state": {}}
        self.pieces: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[Message] = []

    def give(self, piece: bytes, *, more: bool = True) -> None:
        self.pieces.put_nowait({"type": "http.request", "body": piece, "more_body": more})

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"]) if self.sent else 0

    def ask(self, gate: RequestGate) -> "asyncio.Task[None]":
        return asyncio.create_task(gate(self.scope, self.pieces.get, self.send))


async def taken(client: GateClient) -> None:
    """Return once the gate has read all that was given."""
    while not client.pieces.empty():
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def application(_: Scope, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": bytes(body)})


def gate(activity: ServerActivity | None = None) -> RequestGate:
    return RequestGate(application, HostCheck("127.0.0.1"), keys_from_text(KEY), activity or ServerActivity())


def test_bodies_that_are_still_coming_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_gate, "MOST_HELD", 100)
    monkeypatch.setattr(request_gate, "_DRAIN_S", 0.0)

    async def run() -> list[Any]:
        entry, slow, second, third = gate(), GateClient(), GateClient(), GateClient()
        waiting = slow.ask(entry)
        slow.give(b"a" * 60)
        await taken(slow)
        second.give(b"b" * 60, more=False)
        await second.ask(entry)
        slow.give(b"", more=False)
        await waiting
        third.give(b"c" * 60, more=False)
        await third.ask(entry)
        return [slow.status, slow.sent[1]["body"], second.status, third.status]

    assert asyncio.run(run()) == [200, b"a" * 60, 429, 200]


def test_a_body_that_comes_in_drops_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_gate, "WHOLE_S", 0.0)
    monkeypatch.setattr(request_gate, "_DRAIN_S", 0.0)

    async def run() -> int:
        client = GateClient()
        client.give(b"{")
        await client.ask(gate())
        return client.status

    assert asyncio.run(run()) == 408


def test_who_has_no_key_sends_no_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_gate, "_DRAIN_S", 0.0)

    async def run(length: str) -> int:
        client = GateClient("/health", key="", length=length)
        client.give(b"a", more=False)
        await client.ask(gate())
        return client.status

    assert [asyncio.run(run(length)) for length in ("1", "30000000", "")] == [413, 413, 413]


def test_what_is_noted_of_a_stranger_has_nothing_that_is_not_seen() -> None:
    activity = ServerActivity()

    async def run() -> None:
        client = GateClient("/v1/%0a\u202e\n", key="")
        client.give(b"", more=False)
        await client.ask(gate(activity))

    asyncio.run(run())
    (noted,) = activity.state("", 0).requests
    assert (noted.status, noted.path[:7], noted.path.isprintable()) == (401, "/v1/%0a", True)
