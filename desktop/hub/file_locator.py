"""Where the bytes of a repository's file are at this moment: the Hub is asked, and redirects within it are followed."""

import re
from dataclasses import dataclass
from threading import Event
from urllib.parse import urljoin

from desktop.errors import NetworkError
from desktop.file_stamp import is_sha256
from desktop.hub.hub_response import check_server_response, refusal_error
from desktop.hub.repository import Repository, is_commit, resolve_url
from desktop.hub.transfer.transfer_types import FileLocation, FileRequest
from desktop.log import redact
from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient, check_redirect
from desktop.network.http_response import HttpResponse
from desktop.network.url import parse_url
from desktop.translation import tr

_MOST_HOPS = 5
_ETAG = re.compile(r'(?:W/)?"?([^"]*)"?\Z')


@dataclass(frozen=True)
class FileLocator:
    """Finds files at one Hub. `token` is sent only there, and only after the answer without it was not enough."""

    client: HttpClient
    endpoint: str
    token: AccessToken | None = None

    def locate(self, wanted: FileRequest, stop: Event) -> FileLocation:
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
            raise refusal_error(
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
            found, home = parse_url(led_to), parse_url(self.endpoint)
        except ValueError as error:
            raise NetworkError(
                tr("The Hub sent the request to an address that is none."),
                remedy=tr("Try again later."),
                technical=redact(location)[:500],
            ) from error
        check_redirect(home, found)
        return led_to, found.origin != home.origin

    def _head(self, url: str, token: AccessToken | None, stop: Event) -> HttpResponse:
        response = self.client.request("file", "HEAD", url, token=token, follow=False, stop=stop)
        check_server_response(response.status, response.headers, response.body, self.endpoint.partition("://")[2])
        return response


def _located(url: str, answer: HttpResponse, wanted: FileRequest, token: AccessToken | None) -> FileLocation:
    """What the Hub's own answer tells of the file, whoever gives its bytes out."""
    commit = answer.headers.get("x-repo-commit", "")
    if is_commit(commit) and is_commit(wanted.commit) and commit != wanted.commit:
        raise _unclear(wanted, tr("The Hub answered for another version of it."))
    linked, etag = answer.headers.get("x-linked-size", ""), _plain(answer.headers.get("x-linked-etag", ""))
    length = linked or (answer.headers.get("content-length", "") if answer.status == 200 else "")
    size = int(length) if length.isascii() and length.isdigit() else wanted.size
    if size is None:
        raise _unclear(wanted, tr("The Hub does not say how large it is."))
    sha256 = etag if is_sha256(etag) else wanted.sha256
    return FileLocation(url, size, sha256, etag or _plain(answer.headers.get("etag", "")), token)


def _plain(etag: str) -> str:
    match = _ETAG.match(etag.strip())
    return match[1] if match else ""


def _unclear(wanted: FileRequest, detail: str) -> NetworkError:
    return NetworkError(
        tr("{file} could not be found at the Hub.").format(file=wanted.file),
        detail,
        tr("Look at the repository again, and try once more."),
    )
