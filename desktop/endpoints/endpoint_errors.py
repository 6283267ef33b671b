"""What an endpoint refused or did wrong, as errors that a person can act on; its words are quoted, but harmless."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from desktop.errors import AccessError, ContextFullError, EngineError, NetworkError, NotFoundError, UserError
from desktop.log import redact
from desktop.network.http_client import retry_after
from desktop.safe_text import safe_line
from desktop.translation import tr

_QUOTED = 300
_CONTEXT_CODES = {"context_length_exceeded", "exceed_context_size_error", "context_window_exceeded"}
_CONTEXT_WORDS = re.compile(
    r"context (?:length|size|window)|maximum context|max_model_len|longer than the model", re.IGNORECASE
)
# vLLM and OpenAI; SGLang; llama-server; llama-cpp-python; LM Studio. The first that fits counts.
_LENGTH = (r"context (?:length|size|window)(?:\s+[a-z]+){0,3}\s*[(:]?\s*(\d+)",)
_NEEDED = (
    r"requested (?:a total of )?(\d+) tokens",
    r"request(?:ed tokens)? \((\d+)",
    r"input \((\d+) tokens",
    r"(\d+) input tokens",
    r"the first (\d+) tokens",
    r"(?:resulted in|has|contains) (\d+) tokens",
)


class ContextNumbers(msgspec.Struct, frozen=True):
    """What an endpoint says of a prompt that is too long: the tokens of its context and those that it would take, 0
    where it does not say."""

    length: int
    needed: int


def refused_by_status(
    host: str, model: str, status: int, body: bytes, headers: Mapping[str, str], *, has_token: bool
) -> UserError:
    """The error for an answer of `status`, which is none of success, to a request for `model` ("": for its models)."""
    said = server_words(body)
    if 300 <= status < 400:
        return redirected(host, headers.get("Location", ""))
    if status in (401, 403):
        return _no_access(host, said, has_token=has_token)
    if status == 404:
        return NotFoundError(
            tr("{host} has no model called {model} any more.").format(host=host, model=model)
            if model
            else tr("{host} does not list its models where it was asked.").format(host=host),
            said,
            tr("“latchkey endpoints check” looks what it has now.")
            if model
            else tr("Check the address: it ends in /v1."),
        )
    if status == 429:
        return _too_many(host, said, retry_after(headers))
    if status >= 500:
        return NetworkError(
            tr("{host} failed: it answered with the status {status}.").format(host=host, status=status),
            said,
            tr("Try again later, or tell whoever looks after that server."),
        )
    return EngineError(
        tr("{host} refused the request: it answered with the status {status}.").format(host=host, status=status),
        said,
        tr("Change what was asked for, such as tools, pictures or a form, or choose another model."),
    )


def redirected(host: str, location: str) -> NetworkError:
    """The endpoint sends requests on to another address: nothing is sent there."""
    return NetworkError(
        tr("{host} wants to send what you write on to another address. It was not sent there.").format(host=host),
        tr("It names {address}.").format(address=safe_line(redact(location), _QUOTED)) if location else "",
        tr("If you trust that address, add it as an endpoint of its own."),
    )


def context_numbers(status: int, body: bytes) -> ContextNumbers | None:
    """What is said where a prompt does not fit the context; None where another thing is wrong."""
    if status not in (400, 413, 422, 500):
        return None
    error = _error_object(body)
    words = server_words(body)
    coded = {str(error.get(key, "")) for key in ("code", "type")} & _CONTEXT_CODES
    if not coded and not _CONTEXT_WORDS.search(words):
        return None
    length, needed = _count(error.get("n_ctx")), _count(error.get("n_prompt_tokens"))
    length = length or _first(_LENGTH, words)
    if not coded and not length:
        return None
    return ContextNumbers(length, needed or _first(_NEEDED, words))


def context_full(host: str, numbers: ContextNumbers, believed: int | None) -> ContextFullError:
    """A conversation that the endpoint has no room for. `believed` is the context that it was thought to have."""
    detail = ""
    if numbers.needed and numbers.length:
        detail = tr("It would take {needed} tokens, and there is room for {length}.").format(
            needed=numbers.needed, length=numbers.length
        )
    elif numbers.length:
        detail = tr("There is room for {length} tokens.").format(length=numbers.length)
    if believed and numbers.length and numbers.length < believed:
        detail += " " + tr("It was said to have {count}.").format(count=believed)
    return ContextFullError(
        tr("The conversation does not fit what the model at {host} can read.").format(host=host),
        detail.strip(),
        tr("Start a new conversation, or shorten this one."),
        needed_tokens=numbers.needed,
    )


def unusable_answer(host: str, technical: str) -> NetworkError:
    """What came is no answer of a model."""
    return NetworkError(
        tr("{host} sent something that is not an answer of a model.").format(host=host),
        "",
        tr("Check the address, and that a program which speaks OpenAI's interface answers there."),
        technical=technical,
    )


def broke_off(host: str) -> NetworkError:
    """The answer ended before the model did."""
    return NetworkError(
        tr("{host} ended its answer in the middle.").format(host=host),
        tr("What came of it stays."),
        tr("Ask again, or ask to go on."),
    )


def fell_silent(host: str) -> NetworkError:
    """Nothing more of an answer came."""
    return NetworkError(
        tr("{host} said nothing more of its answer, so it was ended.").format(host=host),
        tr("What came of it stays."),
        tr("Ask again, or tell whoever looks after that server."),
    )


def failed_inside(host: str, body: bytes) -> NetworkError:
    """The endpoint reports, within its answer, that it failed."""
    return NetworkError(
        tr("{host} failed in the middle of its answer.").format(host=host), server_words(body), tr("Ask again.")
    )


def not_supported(what: str) -> EngineError:
    """Something was asked for that endpoints have no common way of doing."""
    return EngineError(
        tr("A model that is not on this machine cannot do this: {what}.").format(what=what),
        tr("OpenAI's interface has no way to ask for it."),
        tr("Choose a model on this machine, or ask without it."),
    )


def server_words(body: bytes) -> str:
    """What a server says of an error, as one harmless line: the message of its JSON, else nothing."""
    error = _error_object(body)
    text = next((each for key in ("message", "detail", "error") if isinstance(each := error.get(key), str)), "")
    return tr("It says: “{words}”").format(words=safe_line(redact(text.strip()), _QUOTED)) if text.strip() else ""


def _error_object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    inner = found.get("error") if isinstance(found, dict) else None
    if isinstance(inner, dict):
        return inner
    return found if isinstance(found, dict) else {}


def _no_access(host: str, said: str, *, has_token: bool) -> AccessError:
    if has_token:
        return AccessError(
            tr("{host} does not accept the access token that is kept for it.").format(host=host),
            said,
            tr("Give another one with “latchkey token set --host {host}”.").format(host=host),
        )
    return AccessError(
        tr("{host} wants an access token, and none is kept for it.").format(host=host),
        said,
        tr("Give it with “latchkey token set --host {host}”.").format(host=host),
    )


def _too_many(host: str, said: str, seconds: float | None) -> NetworkError:
    remedy = (
        tr("Try again in {seconds} seconds.").format(seconds=round(seconds)) if seconds else tr("Try again in a while.")
    )
    return NetworkError(tr("{host} takes no more requests just now.").format(host=host), said, remedy)


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 1 << 31 else 0


def _first(patterns: tuple[str, ...], text: str) -> int:
    for pattern in patterns:
        if (found := re.search(pattern, text, re.IGNORECASE)) is not None:
            return _count(int(found[1][:12]))
    return 0
