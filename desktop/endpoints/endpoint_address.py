"""The address of an endpoint: read from what a person typed, and refused where what is written could be read by others.

By convention it ends in `/v1`; what is asked there is `/models` and `/chat/completions`.
"""

import ipaddress

from desktop.endpoints.endpoint import EndpointError
from desktop.network.url import Url, ip_of, parse_url
from desktop.safe_text import mark_unseen
from desktop.translation import tr

_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"),
    )
)
"""Networks of a house or a company (RFC 1918, 3927, 4193, 4291)."""
_ENDINGS = ("/chat/completions", "/completions", "/responses", "/models")


def endpoint_address(typed: str) -> str:
    """The base address in its one spelling, without a slash at its end. Raises EndpointError.

    An address without a path gets `/v1`. Without a scheme it is https, and http for this machine and private networks.
    http is taken for those alone: elsewhere everybody on the way could read what is written.
    """
    text = typed.strip()
    try:
        url = parse_url(text if "://" in text else _with_scheme(text))
    except ValueError as error:
        raise EndpointError(
            tr("“{url}” is no address of an endpoint.").format(url=mark_unseen(text, 200)),
            "",
            tr("Write it like “https://llm.example.org/v1”."),
        ) from error
    if "?" in url.target or "#" in text:
        raise EndpointError(
            tr("The address of an endpoint has no “?” and no “#”."),
            "",
            tr("Give a key on standard input, with --token; it never stands in an address."),
        )
    if url.scheme == "http" and not (url.loopback or is_private(url)):
        raise EndpointError(
            tr(
                "What you write to {host} could be read by anybody on the way, as its address begins with http://."
            ).format(host=url.authority),
            tr("http is taken for this machine, and for private networks by the number of the address."),
            tr("Use an address that begins with https://."),
        )
    path = url.target.rstrip("/")
    for ending in _ENDINGS:
        path = path.removesuffix(ending)
    return f"{url.origin}{path or '/v1'}"


def is_private(url: Url) -> bool:
    """Whether `url` is the number of an address in a private network. A name is not: who answers to it can change."""
    ip = ip_of(url.host)
    return ip is not None and any(ip in each for each in _PRIVATE if each.version == ip.version)


def _with_scheme(text: str) -> str:
    plain = parse_url(f"http://{text}")
    return f"{'http' if plain.loopback or is_private(plain) else 'https'}://{text}"
