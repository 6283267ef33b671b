"""What an answer of the Hub comes to where it is not what was asked for: one error that says why."""

from desktop.errors import NetworkError, NotFoundError, UserError
from desktop.hub.access import Access, access_of
from desktop.hub.address import Repository
from desktop.hub.picking import decoded, fields, text
from desktop.log import redact
from desktop.network.answers import Headers
from desktop.translation import tr

_LONGEST_MESSAGE = 500
_NO_ANSWER = (429, 408, 425)


def is_web_page(headers: Headers, body: bytes = b"") -> bool:
    """Whether this is a page for a browser: a network that wants a log-in answers so in anybody's name."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind:
        return kind in ("text/html", "application/xhtml+xml")
    return body[:64].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def check_served(status: int, headers: Headers, body: bytes, host: str) -> None:
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


def access_in(status: int, headers: Headers, body: bytes, repository: Repository, *, had_token: bool) -> Access:
    """What an answer means for access to `repository`."""
    code = text(headers.get("x-error-code", ""), 60)
    return access_of(
        status,
        code,
        message_in(status, headers, body),
        had_token=had_token,
        repository=repository.id,
        endpoint=repository.endpoint,
    )


def message_in(status: int, headers: Headers, body: bytes) -> str:
    """The Hub's own sentence: from its header, else from the answer's JSON, else the answer itself where it is short
    plain text. "" for an answer that is no refusal. It is kept and shown, so a token that it repeats is left out."""
    return redact(_said(headers, body)) if status >= 400 else ""


def _said(headers: Headers, body: bytes) -> str:
    if said := text(headers.get("x-error-message", ""), _LONGEST_MESSAGE):
        return said
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            return text(fields(decoded(body, "")).get("error"), _LONGEST_MESSAGE)
        except NetworkError:
            return ""
    if kind == "text/plain" and len(body) <= _LONGEST_MESSAGE:
        return text(body.decode("utf-8", "replace"), _LONGEST_MESSAGE)
    return ""


def refused(
    status: int, headers: Headers, body: bytes, repository: Repository, what: str, *, had_token: bool
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
    return access_in(status, headers, body, repository, had_token=had_token).error()
