"""Where the bytes of a repository's file are at this moment: the Hub is asked, and redirects within it are followed."""

import re
from dataclasses import dataclass
from threading import Event
from urllib.parse import urljoin

from desktop.errors import NetworkError
from desktop.hub.address import Repository, is_commit, resolve_url
from desktop.hub.answering import check_served, refused
from desktop.hub.transfer.values import Located, Wanted
from desktop.log import redact
from desktop.network.address import parse_address
from desktop.network.answers import Response
from desktop.network.client import Client, check_redirect
from desktop.network.token import AccessToken
from desktop.translation import tr

_MOST_HOPS = 5
_ETAG = re.compile(r'(?:W/)?"?([^"]*)"?\Z')
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Locator:
    """Finds files at one Hub. `token` is sent only there, and only after the answer without it was not enough."""

    client: Client
    endpoint: str
    token: AccessToken | None = None

    def locate(self, wanted: Wanted, stop: Event) -> Located:
        """Where `wanted` is right now: an address that holds for a while, its size and hash. Raises AccessError,
        NotFoundError, NetworkError, ForbiddenError (offline) and StoppedError."""
        repository = Repository(self.endpoint, wanted.repository, wanted.commit)
        url = resolve_url(repository, wanted.commit, wanted.file)
        response, token = self._head(url, None, stop), None
        if response.status == 401 and self.token is not None:
            token = self.token
            response = self._head(url, token, stop)
        first = response
        for _ in range(_MOST_HOPS):
            if not 300 <= response.status < 400:
                break
            url, elsewhere = self._redirected(url, response.headers.get("location", ""))
            if elsewhere:
                # The address is signed for this one file; its host learns no token.
                return _located(url, first, wanted, None)
            response = self._head(url, token, stop)
        else:
            raise _unclear(wanted, tr("It was sent in circles."))
        if response.status != 200:
            raise refused(
                response.status,
                response.headers,
                response.body,
                repository,
                wanted.file,
                had_token=token is not None,
            )
        return _located(url, response, wanted, token)

    def _redirected(self, url: str, location: str) -> tuple[str, bool]:
        """Where a redirect leads, and whether that is another host's."""
        try:
            led_to = urljoin(url, location)
            found, home = parse_address(led_to), parse_address(self.endpoint)
        except ValueError as error:
            raise NetworkError(
                tr("The Hub sent the request to an address that is none."),
                remedy=tr("Try again later."),
                technical=redact(location)[:500],
            ) from error
        check_redirect(home, found)
        return led_to, found.origin != home.origin

    def _head(self, url: str, token: AccessToken | None, stop: Event) -> Response:
        response = self.client.request("file", "HEAD", url, token=token, follow=False, stop=stop)
        check_served(response.status, response.headers, response.body, self.endpoint.partition("://")[2])
        return response


def _located(url: str, said: Response, wanted: Wanted, token: AccessToken | None) -> Located:
    """What the Hub's own answer tells of the file, whoever gives its bytes out."""
    commit = said.headers.get("x-repo-commit", "")
    if is_commit(commit) and is_commit(wanted.commit) and commit != wanted.commit:
        raise _unclear(wanted, tr("The Hub answered for another version of it."))
    linked, etag = said.headers.get("x-linked-size", ""), _plain(said.headers.get("x-linked-etag", ""))
    length = linked or (said.headers.get("content-length", "") if said.status == 200 else "")
    size = int(length) if length.isascii() and length.isdigit() else wanted.size
    if size is None:
        raise _unclear(wanted, tr("The Hub does not say how large it is."))
    sha256 = etag if _SHA256.match(etag) else wanted.sha256
    return Located(url, size, sha256, etag or _plain(said.headers.get("etag", "")), token)


def _plain(etag: str) -> str:
    match = _ETAG.match(etag.strip())
    return match[1] if match else ""


def _unclear(wanted: Wanted, detail: str) -> NetworkError:
    return NetworkError(
        tr("{file} could not be found at the Hub.").format(file=wanted.file),
        detail,
        tr("Look at the repository again, and try once more."),
    )
