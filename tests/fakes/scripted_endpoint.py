"""An endpoint on this machine that says what a test has it say: well-behaved by default, and in each way otherwise."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.web import Asked, Server, Talk

Reply = Callable[[Asked, Talk], bool | None]


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One event of a streamed chat completion."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return event(json.dumps({"id": "c", "object": "chat.completion.chunk", "choices": [choice], **more}))


def event(data: str) -> bytes:
    """One server-sent event."""
    return f"data: {data}\n\n".encode()


def usage(prompt: int, completion: int, cached: int = 0) -> bytes:
    """The event that counts tokens, behind the last choice."""
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "prompt_tokens_details": {"cached_tokens": cached},
    }
    return event(json.dumps({"choices": [], "usage": counts}))


DONE = event("[DONE]")


def said(text: str, finish: str = "stop") -> list[bytes]:
    """The events of an answer that says `text`, a word in each."""
    words = [chunk({"content": word}) for word in text.split(" ") if word]
    return [chunk({"role": "assistant"}), *words, chunk(finish=finish), usage(7, len(words)), DONE]


def stream(*pieces: bytes, ends: bool = True) -> Reply:
    """A reply that sends an event stream; without `ends` the connection stays open and silent."""

    def reply(asked: Asked, talk: Talk) -> bool:
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n")
        for piece in pieces:
            talk.send(piece)
        if not ends:
            talk.silence()
        return False

    return reply


def refuse(status: int, error: Any = None, **headers: str) -> Reply:
    """A reply of that status."""
    body = json.dumps({"error": error}).encode() if error is not None else b""
    return lambda asked, talk: talk.answer(status, body, Content_Type="application/json", **headers)


@dataclass
class ScriptedEndpoint:
    """Give `server` the context of a test. `chats` are the replies to chat completions, one after another, the last one
    again and again; `pages` what other paths hold. `sent` are the bodies of the chat completions."""

    models: list[dict[str, Any]] = field(default_factory=lambda: [{"id": "tiny", "max_model_len": 4096}])
    chats: list[Reply] = field(default_factory=lambda: [stream(*said("Hello from afar."))])
    pages: dict[str, Any] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        self.server = Server(self._reply)

    @property
    def url(self) -> str:
        return f"{self.server.url}/v1"

    @property
    def asked(self) -> Iterable[Asked]:
        return self.server.asked

    def _reply(self, asked: Asked, talk: Talk) -> bool | None:
        if asked.target == "/v1/chat/completions":
            self.sent.append(json.loads(asked.body))
            reply = self.chats.pop(0) if len(self.chats) > 1 else self.chats[0]
            return reply(asked, talk)
        page = {"data": self.models} if asked.target == "/v1/models" else self.pages.get(asked.target)
        if callable(page):
            found: bool | None = page(asked, talk)
            return found
        talk.answer(404 if page is None else 200, json.dumps(page).encode(), Content_Type="application/json")
        return None
