"""One request as the log keeps it: enough to see who was asked for what, and nothing that opens a door."""

from urllib.parse import urlsplit

import msgspec

from desktop.log import redact

_LONGEST = 1000


class Exchange(msgspec.Struct, frozen=True):
    """A request and what became of it.

    `time` is in seconds since 1970, `purpose` a short word of ours, `host` with its port where it is not the usual one,
    `status` 0 where no answer came, `sent` and `received` bytes with their headers, `seconds` until the last byte,
    `error` a short word or "".
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


def path_for_log(url: str) -> str:
    """The path of `url` with the names of its query's fields but none of their values: signed addresses carry keys."""
    parts = urlsplit(url)
    names = [field.partition("=")[0] for field in parts.query.split("&") if field]
    path = parts.path or "/"
    if names:
        path += "?" + "&".join(f"{name}=…" for name in names)
    path = redact(path)
    return path if len(path) <= _LONGEST else path[:_LONGEST] + "…"
