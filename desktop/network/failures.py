"""What can go wrong between here and a server, as one error that names its kind and what a person can do."""

from typing import Literal

from desktop.errors import NetworkError
from desktop.log import redact

Kind = Literal[
    "name",  # the host's name was not found
    "refused",  # nothing listens there, or the way there is blocked
    "tls",  # the certificate does not hold, or no secure connection came about
    "proxy",  # the proxy did not lead on
    "proxy-password",  # the proxy wants to know who asks (407)
    "timeout",  # silence
    "cut",  # the connection ended in the middle
    "protocol",  # what came is no HTTP
    "redirect",  # a loop, too many, or to where it may not go
    "too-large",  # more than was asked for
    "unencrypted",  # a token would travel in plain text
    "address",  # no address that can be asked
]


class RequestError(NetworkError):
    """A request that got no usable answer. `kind` is for whoever decides what to do next, `host` whom it concerns."""

    def __init__(self, kind: Kind, host: str, words: tuple[str, str, str], technical: str = "") -> None:
        super().__init__(*map(redact, words), technical=redact(technical))
        self.kind: Kind = kind
        self.host = host


class StoppedError(Exception):
    """The caller's own `stop` was set, or its stream closed from another thread. Nothing is wrong."""
