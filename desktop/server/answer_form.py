"""What an interface makes of an answer: the events of a stream, or one JSON value."""

import json
import secrets
import time
from typing import Any, Protocol

from desktop.engine.token_logprobs import TokenCandidate, TokenLogprob
from desktop.safe_text import repair_surrogates
from desktop.server.answer_pieces import AnswerEnd, CollectedAnswer, Piece
from desktop.server.api_errors import ApiError


class AnswerForm(Protocol):
    """One answer in the words of one interface. Methods of a stream give the bytes to send, b"" for none."""

    def begin(self, prompt_tokens: int, cached_tokens: int) -> bytes:
        """The stream begins: the prompt is prepared."""

    def piece(self, piece: Piece) -> bytes:
        """More of the answer."""

    def keep_alive(self) -> bytes:
        """Nothing happened for a while, and the connection is to stay."""

    def end(self, end: AnswerEnd) -> bytes:
        """The stream ends as it should."""

    def fail(self, error: ApiError) -> bytes:
        """The stream ends otherwise: the last thing that is sent."""

    def whole(self, answer: CollectedAnswer, end: AnswerEnd) -> dict[str, Any]:
        """The answer as one value."""


def new_id(prefix: str) -> str:
    """An id that nothing else has."""
    return prefix + secrets.token_hex(12)


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())


def data_event(value: Any, name: str = "") -> bytes:
    """An event of a stream (server-sent events), with its name where it has one."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json_line(value)}\n\n".encode()


def json_line(value: Any) -> str:
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


COMMENT = b": still here\n\n"
"""What keeps a connection open and says nothing."""


def token_text(token: TokenLogprob | TokenCandidate) -> str:
    """A token's text; half characters of it as U+FFFD."""
    return repair_surrogates(token.text.decode("utf-8", "replace"))


def chat_logprob(token: TokenLogprob, top: int) -> dict[str, Any]:
    """A token's log probability, with the `top` best, in OpenAI's form for chats."""
    return {**_logprob(token), "top_logprobs": [_logprob(each) for each in token.top[:top]]}


def _logprob(token: TokenLogprob | TokenCandidate) -> dict[str, Any]:
    return {"token": token_text(token), "logprob": token.logprob, "bytes": list(token.text)}
