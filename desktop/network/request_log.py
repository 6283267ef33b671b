"""One request as the log keeps it: who was asked for what, without credentials or signed addresses."""

import msgspec

from desktop.log import redact

UNFINISHED = "unfinished"
_LONGEST = 1000


class RequestLogEntry(msgspec.Struct, frozen=True):
    """A request and what became of it. One that has just begun says UNFINISHED in `error`.

    `time` is in seconds since 1970, `purpose` a short word of ours, `host` with its port where it is not the usual one,
    `status` 0 where no answer came, `sent` and `received` bytes with their headers, `seconds` until the last byte,
    `error` a short word or "". `key` is the same for a request that has begun and for the same one when it is over.
    """

    time: float
    purpose: str
    method: str
    host: str
    path: str
    status: int
    sent: int
    received: int
    seconds: float
    error: str = ""
    key: str = ""


def redacted_target(target: str) -> str:
    """`target`, path and query as they are sent, without the values in the query: signed addresses carry keys there."""
    path, _, query = target.partition("?")
    path = redact(path or "/")
    names = [redact(field.partition("=")[0]) for field in query.split("&") if field]
    if names:
        path += "?" + "&".join(f"{name}=…" for name in names)
    return path if len(path) <= _LONGEST else path[:_LONGEST] + "…"
