"""The Hub, asked through the app's one client: what is in a repository, who may have it, what is there to be found.

A token goes along only where the answer without one was not enough: public files are requested anonymously.
"""

import threading
from collections.abc import Callable
from urllib.parse import quote, urlencode, urlsplit

from desktop.engine.gguf_header import GgufHeader
from desktop.errors import AccessError, IntegrityError, NetworkError
from desktop.hub.file_locator import FileLocator
from desktop.hub.hub_response import (
    access_from_response,
    as_list,
    check_server_response,
    parse_json,
    refusal_error,
    unexpected_response,
)
from desktop.hub.remote_header import HeaderSource, fetch_header
from desktop.hub.repository import MAIN, Repository, is_commit, resolve_url
from desktop.hub.repository_access import TOKEN_PAGE, RepositoryAccess, access_unclear
from desktop.hub.repository_files import FilePart, RepositoryFile, file_of_parts
from desktop.hub.repository_info import RepositoryInfo, SearchResult, parse_repository_info, parse_search_result
from desktop.hub.transfer.transfer_types import FileLocation, FileRequest
from desktop.hub.whoami import WhoAmI, parse_whoami
from desktop.network.access_token import AccessToken, origin_of
from desktop.network.http_client import MAX_BODY_BYTES, HttpClient
from desktop.network.http_response import HttpResponse
from desktop.translation import tr

TokenFor = Callable[[str], AccessToken | None]
"""The token kept for a host (with its port where that is not the usual one); None where there is none."""

LICENSE_FILES = ("LICENSE", "LICENSE.md", "LICENSE.txt")
README = "README.md"

_MOST_TEXT = 2 << 20
_MOST_FOUND = 100
_LONGEST_SEARCH = 200
_EXPANDED = ("gated", "private", "downloads", "likes", "tags", "lastModified", "cardData")


class HubClient:
    """One endpoint. For any number of threads. Every method that asks raises NetworkError, ForbiddenError (offline)
    and StoppedError (where `stop` was set), besides what it says itself."""

    def __init__(self, client: HttpClient, endpoint: str, token_for: TokenFor) -> None:
        self.endpoint = endpoint
        self.host = urlsplit(origin_of(endpoint)).netloc
        self._client = client
        self._token_for = token_for

    @property
    def token_page(self) -> str:
        """Where a person makes a token that may read gated repositories."""
        return self.endpoint + TOKEN_PAGE

    def token(self) -> AccessToken | None:
        """The token kept for this Hub, if it is for exactly this origin."""
        token = self._token_for(self.host)
        return token if token is not None and token.origin == origin_of(self.endpoint) else None

    def info(
        self, repository: Repository, *, anonymous: bool = False, stop: threading.Event | None = None
    ) -> RepositoryInfo:
        """What is in a repository at its revision. Public also where the files are gated; the hashes are hidden then
        until there is access. With `anonymous` no token is used. Raises NotFoundError and AccessError."""
        path = self._info_path(repository)
        response, had_token = self._request_with_token_if_needed("model", path, stop, anonymous=anonymous)
        if response.status == 401 and response.headers.get("x-error-code") and "/revision/" not in path:
            # Copies of the Hub that work offline know revisions only; the Hub itself gives no code here.
            path = self._info_path(repository, always=True)
            response, had_token = self._request_with_token_if_needed("model", path, stop, anonymous=anonymous)
        if response.status != 200:
            raise refusal_error(response.status, response.headers, response.body, repository, "", had_token=had_token)
        info = parse_repository_info(parse_json(response.body, self.host), self.host)
        if info.gated is False or anonymous or had_token or not info.hashes_hidden:
            return info
        token = self.token()
        if token is None:
            return info
        # With access, the same question tells the hashes too.
        again = self._request("model", path, token, stop)
        return parse_repository_info(parse_json(again.body, self.host), self.host) if again.status == 200 else info

    def access(
        self, repository: Repository, file: str = "", *, stop: threading.Event | None = None
    ) -> RepositoryAccess:
        """Whether the person may have the files. `file`, one of them, is asked for where this Hub does not answer the
        question itself."""
        path = f"/api/models/{repository.id}/auth-check"
        response, had_token = self._request_with_token_if_needed("access", path, stop)
        if response.status == 404 and file:
            url = resolve_url(repository, repository.revision, file)
            response, had_token = self._request_with_token_if_needed(
                "access", url.removeprefix(self.endpoint), stop, method="HEAD"
            )
        if origin_of(response.url) != origin_of(self.endpoint):
            # Only the Hub itself can say who may have what.
            raise unexpected_response(self.host, technical=f"auth-check was answered by {origin_of(response.url)}")
        access = access_from_response(response.status, response.headers, response.body, repository, had_token=had_token)
        if access.state == "bad-token" and (token := self.token()) is not None and self._is_valid(token, stop):
            # The token is good, so the refusal is about something that was not foreseen: say what the Hub says.
            return access_unclear(access.message, repository=repository.id, endpoint=self.endpoint)
        return access

    def whoami(self, token: AccessToken, *, stop: threading.Event | None = None) -> WhoAmI:
        """Whose `token` is. Raises AccessError where the Hub does not accept it."""
        response = self._request("token", "/api/whoami-v2", token, stop)
        if response.status in (401, 403):
            raise AccessError(
                tr("{host} does not accept this access token.").format(host=self.host),
                tr("It was mistyped, has expired or was deleted."),
                tr("Make a new access token and give it to Latchkey."),
            )
        if response.status != 200:
            raise unexpected_response(self.host, technical=f"whoami: {response.status}")
        return parse_whoami(parse_json(response.body, self.host), self.host)

    def search(self, text: str, limit: int = 30, *, stop: threading.Event | None = None) -> tuple[SearchResult, ...]:
        """Repositories with GGUF files whose name holds the words of `text`, most downloaded first."""
        wanted = " ".join(text.split())[:_LONGEST_SEARCH]
        query = [("search", wanted), ("filter", "gguf"), ("sort", "downloads")]
        query += [("limit", str(max(1, min(limit, _MOST_FOUND))))] + [("expand[]", name) for name in _EXPANDED]
        response = self._request("search", f"/api/models?{urlencode(query)}", None, stop)
        if response.status != 200:
            raise NetworkError(
                tr("{host} cannot be searched.").format(host=self.host),
                tr("It answered with status {status}.").format(status=response.status),
                tr("Give the model's name or paste its address instead."),
            )
        found = [parse_search_result(each) for each in as_list(parse_json(response.body, self.host), _MOST_FOUND)]
        usable = [each for each in found if each is not None]
        return tuple(sorted(usable, key=lambda each: -each.downloads)[:limit])

    def license_text(self, info: RepositoryInfo, *, stop: threading.Event | None = None) -> tuple[str, bytes] | None:
        """The name and the exact bytes of the publisher's license at the commit of `info`; None where the repository
        has none. It may be read before access."""
        for name in LICENSE_FILES:
            if name in info.names:
                return name, self._text("license", info, name, stop)
        return None

    def header(self, info: RepositoryInfo, file: RepositoryFile, *, stop: threading.Event | None = None) -> GgufHeader:
        """What a model file of `info` says of itself: a few megabytes of it are fetched. Raises what `fetch_header`
        does."""
        token = self.token() if info.gated is not False or info.private else None
        source = HeaderSource(self._client, Repository(self.endpoint, info.id, info.sha), token, stop)
        return fetch_header(source, self.with_part_sizes(info, file, stop=stop))

    def with_part_sizes(
        self, info: RepositoryInfo, file: RepositoryFile, *, stop: threading.Event | None = None
    ) -> RepositoryFile:
        """`file` with the size of each part. Where the repository's listing does not tell it, each is asked for."""
        if all(part.size for part in file.parts):
            return file
        found = []
        for part in file.parts:
            if not part.size:
                wanted = FileRequest(repository=info.id, commit=info.sha, file=part.name, sha256=part.sha256)
                located = self.locate(wanted, stop or threading.Event())
                part = FilePart(part.name, located.size, located.sha256)
            found.append(part)
        return file_of_parts(tuple(found))

    def locate(self, wanted: FileRequest, stop: threading.Event) -> FileLocation:
        """Where the bytes of a file are right now, for a transfer. Raises what `FileLocator.locate` does."""
        return FileLocator(self._client, self.endpoint, self.token()).locate(wanted, stop)

    def readme(self, info: RepositoryInfo, *, stop: threading.Event | None = None) -> bytes:
        """The repository's README at the commit of `info`; empty where it has none."""
        return self._text("card", info, README, stop) if README in info.names else b""

    def _text(self, purpose: str, info: RepositoryInfo, name: str, stop: threading.Event | None) -> bytes:
        at = Repository(self.endpoint, info.id, info.sha)
        path = resolve_url(at, info.sha, name).removeprefix(self.endpoint)
        response, had_token = self._request_with_token_if_needed(purpose, path, stop, most_bytes=_MOST_TEXT)
        if response.status != 200:
            raise refusal_error(response.status, response.headers, response.body, at, name, had_token=had_token)
        commit = response.headers.get("x-repo-commit", info.sha)
        if is_commit(commit) and commit != info.sha:
            raise IntegrityError(
                tr("{host} gave out another version of {file} than was asked for.").format(host=self.host, file=name),
                tr("It was asked for commit {wanted} and answered with {given}.").format(wanted=info.sha, given=commit),
                tr("Try again later."),
            )
        return response.body

    def _is_valid(self, token: AccessToken, stop: threading.Event | None) -> bool:
        try:
            self.whoami(token, stop=stop)
        except AccessError:
            return False
        return True

    def _info_path(self, repository: Repository, *, always: bool = False) -> str:
        named = always or repository.revision != MAIN
        revision = f"/revision/{quote(repository.revision, safe='')}" if named else ""
        return f"/api/models/{repository.id}{revision}?blobs=true"

    def _request_with_token_if_needed(
        self,
        purpose: str,
        path: str,
        stop: threading.Event | None,
        *,
        method: str = "GET",
        most_bytes: int = MAX_BODY_BYTES,
        anonymous: bool = False,
    ) -> tuple[HttpResponse, bool]:
        """The answer without a token; where that is "not to somebody unknown", with one. And whether one was sent."""
        response = self._request(purpose, path, None, stop, method=method, most_bytes=most_bytes)
        if response.status != 401 or anonymous or (token := self.token()) is None:
            return response, False
        return self._request(purpose, path, token, stop, method=method, most_bytes=most_bytes), True

    def _request(
        self,
        purpose: str,
        path: str,
        token: AccessToken | None,
        stop: threading.Event | None,
        *,
        method: str = "GET",
        most_bytes: int = MAX_BODY_BYTES,
    ) -> HttpResponse:
        # A file's HEAD is the question; following it would ask another host for nothing.
        follow = method != "HEAD"
        response = self._client.request(
            purpose, method, self.endpoint + path, token=token, stop=stop, follow=follow, most_bytes=most_bytes
        )
        check_server_response(response.status, response.headers, response.body, self.host)
        return response
