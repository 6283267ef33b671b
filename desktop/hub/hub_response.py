"""The errors for answers of the Hub that are not what was asked for, and checked reading of their JSON."""

from typing import Any

import msgspec

from desktop.errors import NetworkError, NotFoundError, UserError
from desktop.hub.repository import Repository
from desktop.hub.repository_access import RepositoryAccess, access_of
from desktop.log import redact
from desktop.network.http_response import HttpHeaders
from desktop.safe_text import without_unseen
from desktop.translation import tr


def parse_json(body: bytes, host: str) -> Any:
    """The JSON of `body`. Raises NetworkError where it is none, also where it is nested beyond reason."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        # Redacted before it is cut: half a token is not found any more.
        raise unexpected_response(host, technical=redact(f"{error}: {body[:5000]!r}")[:300]) from error


def unexpected_response(host: str, technical: str = "") -> NetworkError:
    """The answer is not what the API of a Hub gives."""
    return NetworkError(
        tr("{host} gave an answer that makes no sense.").format(host=host),
        tr("It is not what a Hub says when it is asked this."),
        tr("Try again later. If the Hub's address was changed in the settings, check it."),
        technical=technical,
    )


def as_object(value: Any) -> dict[str, Any]:
    """`value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any, most: int) -> list[Any]:
    """The first `most` items of `value` where it is a list, else none."""
    return value[:most] if isinstance(value, list) else []


def as_line(value: Any, most: int = 200) -> str:
    """`value` as one line of at most `most` characters; "" where it is no text.

    Characters that cannot be seen are left out: some of them would turn a line's letters round.
    """
    if not isinstance(value, str):
        return ""
    return " ".join(without_unseen(value[: 4 * most]).split())[:most]


def as_text(value: Any, most: int) -> str:
    """The same for a text of several lines, which stay."""
    if not isinstance(value, str):
        return ""
    return without_unseen(value[:most]).strip()


def as_lines(value: Any, most: int, longest: int = 200) -> tuple[str, ...]:
    """`value` as texts: one, or a list of them. Empty ones are left out."""
    listed = value[:most] if isinstance(value, list) else [value]
    return tuple(found for each in listed if (found := as_line(each, longest)))


def as_count(value: Any) -> int:
    """`value` where it is a whole number of at least 0, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else 0


_LONGEST_MESSAGE = 500
_NO_ANSWER = (429, 408, 425)


def is_web_page(headers: HttpHeaders, body: bytes = b"") -> bool:
    """Whether this is a page for a browser: a network that wants a log-in answers so in anybody's name."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind:
        return kind in ("text/html", "application/xhtml+xml")
    return body[:64].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def check_server_response(status: int, headers: HttpHeaders, body: bytes, host: str) -> None:
    """Raise NetworkError where the answer is about the server or the way to it, and not about what was asked for."""
    if status < 400 and is_web_page(headers, body):
        raise NetworkError(
            tr("A web page came instead of the Hub's answer."),
            tr("The network you are in may want you to log in first, or something on the way keeps {host} out.").format(
                host=host
            ),
            tr("Open any page in a browser, log in to the network if it asks for that, and try again."),
        )
    if status in _NO_ANSWER:
        raise NetworkError(
            tr("{host} asks for patience.").format(host=host),
            tr("More was asked of it in a short time than it allows."),
            tr("Wait some minutes and try again."),
            technical=f"{status} {headers.get('ratelimit', '')}",
        )
    if status >= 500:
        raise NetworkError(
            tr("{host} has a fault at the moment.").format(host=host),
            tr("It answered with status {status}.").format(status=status),
            tr("Try again later."),
        )


def access_from_response(
    status: int, headers: HttpHeaders, body: bytes, repository: Repository, *, had_token: bool
) -> RepositoryAccess:
    """What an answer means for access to `repository`."""
    code = as_line(headers.get("x-error-code", ""), 60)
    return access_of(
        status,
        code,
        message_from_response(status, headers, body),
        had_token=had_token,
        repository=repository.id,
        endpoint=repository.endpoint,
    )


def message_from_response(status: int, headers: HttpHeaders, body: bytes) -> str:
    """The Hub's own sentence: from its header, else from the answer's JSON, else the answer itself where it is short
    plain text. "" for an answer that is no refusal. It is kept and shown, so a token that it repeats is left out."""
    return redact(_said(headers, body)) if status >= 400 else ""


def _said(headers: HttpHeaders, body: bytes) -> str:
    if said := as_line(headers.get("x-error-message", ""), _LONGEST_MESSAGE):
        return said
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            return as_line(as_object(parse_json(body, "")).get("error"), _LONGEST_MESSAGE)
        except NetworkError:
            return ""
    if kind == "text/plain" and len(body) <= _LONGEST_MESSAGE:
        return as_line(body.decode("utf-8", "replace"), _LONGEST_MESSAGE)
    return ""


def refusal_error(
    status: int, headers: HttpHeaders, body: bytes, repository: Repository, what: str, *, had_token: bool
) -> UserError:
    """The error for an answer that gives nothing. `what` is the file that was asked for, "" for the repository."""
    code = headers.get("x-error-code", "")
    if code == "RevisionNotFound":
        return NotFoundError(
            tr("{model} has no version {revision}.").format(model=repository.id, revision=repository.revision),
            tr("It may have been removed or renamed."),
            tr("Leave the version out to take the newest."),
        )
    if what and (code == "EntryNotFound" or status in (404, 410)) and code != "RepoNotFound":
        return NotFoundError(
            tr("{model} holds no file {file} any more.").format(model=repository.id, file=what),
            tr("It was there when the repository was looked at, and has been removed or renamed since."),
            tr("Look at the repository again and choose another file."),
        )
    return access_from_response(status, headers, body, repository, had_token=had_token).error()
