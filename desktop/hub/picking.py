"""Answers of the API, read with care: they come from a server, and what they quote comes from anybody."""

import re
import unicodedata
from typing import Any

import msgspec

from desktop.errors import NetworkError
from desktop.log import redact
from desktop.translation import tr

_BLANKS = re.compile(r"\s+")


def decoded(body: bytes, host: str) -> Any:
    """The JSON of `body`. Raises NetworkError where it is none, also where it is nested beyond reason."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        # Redacted before it is cut: half a token is not found any more.
        raise senseless(host, technical=redact(f"{error}: {body[:5000]!r}")[:300]) from error


def senseless(host: str, technical: str = "") -> NetworkError:
    """The answer is not what the API of a Hub gives."""
    return NetworkError(
        tr("{host} gave an answer that makes no sense.").format(host=host),
        tr("It is not what a Hub says when it is asked this."),
        tr("Try again later. If the Hub's address was changed in the settings, check it."),
        technical=technical,
    )


def fields(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any, most: int) -> list[Any]:
    """The first `most` items of `value` where it is a list, else none."""
    return value[:most] if isinstance(value, list) else []


def text(value: Any, most: int = 200) -> str:
    """`value` as one line of at most `most` characters; "" where it is no text.

    Characters that cannot be seen are left out: some of them would turn a line's letters round.
    """
    if not isinstance(value, str):
        return ""
    return _BLANKS.sub(" ", "".join(sign for sign in value[: 4 * most] if _visible(sign))).strip()[:most]


def paragraphs(value: Any, most: int) -> str:
    """The same for a text of several lines, which stay."""
    if not isinstance(value, str):
        return ""
    return "".join(sign for sign in value[:most] if sign in "\n\t" or _visible(sign)).strip()


def texts(value: Any, most: int, longest: int = 200) -> tuple[str, ...]:
    """`value` as texts: one, or a list of them. Empty ones are left out."""
    listed = value[:most] if isinstance(value, list) else [value]
    return tuple(found for each in listed if (found := text(each, longest)))


def count(value: Any) -> int:
    """`value` where it is a whole number of at least 0, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else 0


def _visible(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign)[0] != "C"
