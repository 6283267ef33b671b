"""Why a server behind an address gave no result, as sentences."""

from collections.abc import Mapping

from desktop.errors import AccessError, NetworkError, UserError
from desktop.network.http_client import retry_after
from desktop.safe_text import one_line
from desktop.translation import tr


def refused_status(status: int, headers: Mapping[str, str], host: str) -> UserError:
    """The error for an answer of this status, 300 or more."""
    told = tr("It answered with the status {status}.").format(status=status)
    if status in (401, 403, 407):
        return _unknown_person(status, headers, host, told)
    if status == 429:
        wait = retry_after(headers)
        again = tr("Try again in {count} seconds.").format(count=round(wait)) if wait else tr("Try again later.")
        return NetworkError(tr("{host} is asked too often just now.").format(host=host), told, again)
    if status == 410:
        return NetworkError(
            tr("The tool server at {host} is gone for good.").format(host=host),
            told,
            tr("Ask whoever ran it for another address."),
        )
    if status in (400, 404, 405, 406, 415, 501):
        return NetworkError(
            tr("No tool server answers at this address of {host}.").format(host=host),
            told,
            tr("Check the address; it often ends in /mcp. Servers of the older kind, in /sse, are not spoken to."),
        )
    if status >= 500:
        return NetworkError(tr("The tool server at {host} failed.").format(host=host), told, tr("Try again later."))
    return NetworkError(tr("{host} did not take the message.").format(host=host), told, tr("Check the address."))


def _unknown_person(status: int, headers: Mapping[str, str], host: str, told: str) -> AccessError:
    offers_signing_in = "bearer" in headers.get("WWW-Authenticate", "").lower()
    detail = told
    if status == 401 and offers_signing_in:
        detail += " " + tr("Signing in by a web page (OAuth) is not supported.")
    return AccessError(
        tr("{host} wants to know who asks.").format(host=host)
        if status == 401
        else tr("{host} does not let you use this tool server.").format(host=host),
        detail,
        tr("Make an access token there, and give it with “latchkey tools add NAME ADDRESS --token”."),
    )


def redirected(host: str, target: str) -> NetworkError:
    """The error for a server that sends messages on to another one."""
    return NetworkError(
        tr("{host} sends messages on to {target}, so they were not sent.").format(host=host, target=one_line(target)),
        tr("What goes to a server you added goes to no other one."),
        tr("If that one is right, add the server again with its address."),
    )


def wrong_content(host: str, kind: str) -> NetworkError:
    """The error for an answer that is neither JSON nor a stream of events."""
    return NetworkError(
        tr("{host} did not answer as a tool server.").format(host=host),
        tr("It sent {kind}.").format(kind=one_line(kind)[:60] or tr("something without a type")),
        tr("Check the address; it often ends in /mcp."),
    )


def not_of_the_protocol(host: str) -> NetworkError:
    """The error for an answer that is no message of MCP."""
    return NetworkError(
        tr("What {host} sent is not of the protocol of tool servers.").format(host=host),
        "",
        tr("Check the address, or ask whoever runs the server."),
    )


def packed(host: str) -> NetworkError:
    """The error for an answer that is compressed, which was not asked for."""
    return NetworkError(
        tr("{host} sent a compressed answer, which was not asked for, so it was not read.").format(host=host),
        "",
        tr("Ask whoever runs the server."),
    )


def flooded(host: str) -> NetworkError:
    """The error for an answer that is too long."""
    return NetworkError(
        tr("{host} sent more at once than is taken.").format(host=host), "", tr("Ask the tool for less at once.")
    )


def no_answer(host: str) -> NetworkError:
    """The error for an answer without the response to what was asked."""
    return NetworkError(
        tr("{host} took the message and gave no answer to it.").format(host=host),
        tr("Whether the tool did something is not known."),
        tr("Try again later."),
    )


class SessionOverError(NetworkError):
    """The server no longer knows the session."""

    def __init__(self, host: str) -> None:
        super().__init__(tr("{host} ended the session.").format(host=host), "", tr("Try again: a new one is begun."))
