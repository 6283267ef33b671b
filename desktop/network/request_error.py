"""What can go wrong between here and a server, as one error that names its kind and what a person can do."""

import socket
import ssl
from typing import Literal

from desktop.errors import NetworkError
from desktop.log import redact
from desktop.translation import tr

RequestErrorKind = Literal[
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
    """A request that got no usable answer. `kind` is for whoever decides what to do next, `host` whom it concerns;
    `transient`: it may be gone in a moment, so the same request is worth another try."""

    def __init__(
        self,
        kind: RequestErrorKind,
        host: str,
        words: tuple[str, str, str],
        technical: str = "",
        *,
        transient: bool = False,
    ) -> None:
        super().__init__(*map(redact, words), technical=redact(technical))
        self.kind: RequestErrorKind = kind
        self.host = host
        self.transient = transient


def timed_out(host: str, technical: str = "") -> RequestError:
    """Silence, or an answer that does not end."""
    title = tr("{host} does not answer.").format(host=host)
    detail = tr("It was waited for, and nothing more came.")
    return RequestError("timeout", host, (title, detail, _try_again()), technical)


def connection_lost(host: str, technical: str = "") -> RequestError:
    """The connection ended before the answer did."""
    title = tr("The connection to {host} broke off.").format(host=host)
    return RequestError("cut", host, (title, "", _try_again()), technical, transient=True)


def name_not_resolved(host: str, error: OSError) -> RequestError:
    """The name's address was not found."""
    again = getattr(socket, "EAI_AGAIN", None)
    return RequestError(
        "name",
        host,
        (
            tr("{host} was not found.").format(host=host),
            tr("The name service of this network knows no such host, or does not answer."),
            tr("Check the address and this machine's connection."),
        ),
        str(error),
        transient=error.errno == again,
    )


def unreachable(host: str, error: OSError) -> RequestError:
    """No connection came about."""
    title = tr("{host} cannot be reached.").format(host=host)
    detail = error.strerror or str(error)
    return RequestError("refused", host, (title, f"{detail}.", _try_again()), str(error), transient=True)


def proxy_unreachable(proxy: str, error: Exception) -> RequestError:
    """The proxy itself cannot be reached, or does not do what a proxy does."""
    return RequestError(
        "proxy",
        proxy,
        (
            tr("The proxy {proxy} does not lead on.").format(proxy=proxy),
            tr("Every request goes through it, as the settings or the system say."),
            tr("Check the proxy in the settings of the network, or ask whoever looks after it."),
        ),
        f"{type(error).__name__}: {error}",
    )


def invalid_proxy(detail: str) -> RequestError:
    """What is set as a proxy cannot be one for us. It is not quoted: any part of it may be one of a password."""
    title = tr("The proxy that is set cannot be used.")
    remedy = tr("Set one as http://host:port or socks5://host:port in the settings, or in the system.")
    return RequestError("proxy", "", (title, detail, remedy))


def proxy_authentication_required(proxy: str) -> RequestError:
    """The proxy wants a name and password, or others."""
    return RequestError(
        "proxy-password",
        proxy,
        (
            tr("The proxy {proxy} wants a name and password.").format(proxy=proxy),
            tr("It refused the request with the status 407."),
            tr("Write them into the proxy's address, as in http://name:password@host:port."),
        ),
    )


def tls_failed(host: str, error: Exception) -> RequestError:
    """No connection that can be trusted came about."""
    detail, remedy = _tls_words(host, error)
    title = tr("The connection to {host} is not secure, so nothing was sent.").format(host=host)
    return RequestError("tls", host, (title, detail, remedy), f"{type(error).__name__}: {error}")


def ca_file_unreadable(file: str, error: Exception) -> RequestError:
    """The file of further certificates cannot be read."""
    title = tr("The certificates of this machine's network cannot be read.")
    detail = tr("{file}: {reason}.").format(file=file, reason=getattr(error, "strerror", None) or error)
    return RequestError("tls", "", (title, detail, tr("Name a file in PEM format, or none.")), str(error))


def protocol_error(host: str, technical: str) -> RequestError:
    """What came is not HTTP, or not within bounds."""
    title = tr("{host} sent something that is not an answer.").format(host=host)
    remedy = tr("Check the address; if it is right, try again later.")
    return RequestError("protocol", host, (title, "", remedy), technical)


def bad_redirect(host: str, detail: str) -> RequestError:
    """A redirect that is not followed."""
    title = tr("{host} sends requests to where they cannot go.").format(host=host)
    return RequestError("redirect", host, (title, detail, tr("Try again later, or report it to the server's owner.")))


def response_too_large(host: str, most_bytes: int) -> RequestError:
    """More than was asked for."""
    title = tr("{host} sent more than was asked for.").format(host=host)
    detail = tr("At most {count} bytes were expected.").format(count=most_bytes)
    return RequestError("too-large", host, (title, detail, tr("Check the address.")))


def token_over_plain_http(host: str) -> RequestError:
    """A token would travel where anybody on the way can read it."""
    return RequestError(
        "unencrypted",
        host,
        (
            tr("The access token was not sent to {host}.").format(host=host),
            tr("The address begins with http://, so anybody on the way could read it."),
            tr("Use the address that begins with https://."),
        ),
    )


def invalid_url(url: str, error: ValueError) -> RequestError:
    """No address that can be asked."""
    title = tr("This is not an address that can be asked.")
    return RequestError("address", "", (title, redact(url)[:200], tr("Check the address.")), str(error))


def _tls_words(host: str, error: Exception) -> tuple[str, str]:
    if not isinstance(error, ssl.SSLCertVerificationError):
        detail = tr("The two sides found no secure way to talk.")
        return detail, tr("Check the address and the proxy; something on the way may answer in the server's place.")
    reason = error.verify_message if hasattr(error, "verify_message") else str(error)
    if "expired" in reason or "not yet valid" in reason:
        detail = tr("Its certificate does not hold today ({reason}).").format(reason=reason)
        return detail, tr("Check the date and time of this machine.")
    if "match" in reason or "valid for" in reason:
        detail = tr("Its certificate was made for another name ({reason}).").format(reason=reason)
        return detail, tr("Check the address; something on the way may answer in the place of {host}.").format(
            host=host
        )
    detail = tr("Its certificate was not made by anybody this machine trusts ({reason}).").format(reason=reason)
    return detail, tr(
        "In a company's network, have its certificate added to the system's store, or name its file in SSL_CERT_FILE."
    )


def _try_again() -> str:
    return tr("Check this machine's connection and try again.")
