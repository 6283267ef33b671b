"""An access token with the one origin it may be sent to; its `repr` and `str` do not show it."""

import string
from urllib.parse import urlsplit

from desktop.errors import AccessError
from desktop.log import hide
from desktop.network.url import parse_url
from desktop.translation import tr

LONGEST_TOKEN = 4096
AROUND_TOKEN = string.whitespace + "\u00a0\ufeff\u200b\u200c\u200d\u2060"
"""What pages and files put around a token unseen."""


class AccessToken:
    """A token of the Hub and its origin, `scheme://host[:port]`.

    Spaces and line breaks around it are dropped. Raises AccessError for what cannot be a token. Its value is hidden
    from every log of this process from here on; `repr` and `str` do not show it, and it cannot be pickled.
    """

    __slots__ = ("_value", "origin")

    def __init__(self, value: str, origin: str) -> None:
        stripped = value.strip(AROUND_TOKEN)
        if not stripped:
            raise _unusable(tr("It is empty."))
        if len(stripped) > LONGEST_TOKEN:
            raise _unusable(tr("It is longer than any token."))
        if any(not "!" <= character <= "~" for character in stripped):
            raise _unusable(tr("It holds spaces, line breaks or letters that no token has."))
        hide(stripped)
        self._value = stripped
        self.origin = origin_of(origin)

    @property
    def value(self) -> str:
        """The token itself: for the header of one request and for where it is kept, nothing else."""
        return self._value

    @property
    def host(self) -> str:
        """The host with its port where that is not the usual one: what tokens are kept under."""
        return self.origin.partition("://")[2]

    def __repr__(self) -> str:
        return f"AccessToken([redacted], {self.origin!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccessToken) and (self._value, self.origin) == (other._value, other.origin)

    def __hash__(self) -> int:
        return hash((self._value, self.origin))

    def __reduce__(self) -> str:
        raise TypeError("an access token is not written out")


def origin_of(url: str) -> str:
    """Scheme, host and port of `url` in their one spelling: lower case, no usual port. Raises ValueError for none.

    Whoever is named before an @ is no part of it: of `https://huggingface.co@example.org` it is example.org.
    """
    parts = urlsplit(url)
    return parse_url(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}").origin


def _unusable(detail: str) -> AccessError:
    return AccessError(
        tr("This is not an access token."), detail, tr("Copy the token again from the page where it was made.")
    )
