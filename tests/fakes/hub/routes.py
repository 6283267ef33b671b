"""What the fake Hub and its CDN answer to which path."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.fakes.hub.access_rules import (
    BAD_CREDENTIALS,
    Caller,
    Refusal,
    as_json,
    refusal,
    refuse_files,
    refuse_to_show,
    whoami,
)
from tests.fakes.hub.repositories import READABLE_BEFORE_ACCESS, Content, FakeRepository, is_large
from tests.fakes.hub.responses import FakeResponse

_API = re.compile(r"^/api/models/(?P<id>[^/]+/[^/]+)(?:/(?P<what>auth-check|revision/(?P<revision>.+)))?$")
_RESOLVE = re.compile(r"^/(?P<id>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)$")
_CACHE = re.compile(r"^/api/resolve-cache/models/(?P<id>[^/]+/[^/]+)/(?P<commit>[0-9a-f]{40})/(?P<name>.+)$")
_STORED = re.compile(r"^/stored/(?P<id>[^/]+/[^/]+)/(?P<commit>[0-9a-f]{40})/(?P<name>.+)$")
_MASK = "*" * 64


@dataclass(frozen=True)
class FakeRequest:
    """One request: its path without the query, the query's first values, headers by lower-case name, who asks."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    caller: Caller


class HubContents(Protocol):
    """What the routes look at."""

    endpoint: str
    cdn: str
    epoch: int

    def find(self, repository: str) -> FakeRepository | None: ...
    def all(self) -> list[FakeRepository]: ...


def split_target(target: str) -> tuple[str, dict[str, str]]:
    """A request's path, decoded, and its query."""
    parts = urlsplit(target)
    return unquote(parts.path), {key: values[0] for key, values in parse_qs(parts.query).items()}


def answer_as_hub(shelf: HubContents, request: FakeRequest) -> FakeResponse:
    """What huggingface.co itself would answer."""
    if request.caller.bad:
        return refusal(Refusal(401, "", BAD_CREDENTIALS), api=request.path.startswith("/api/"))
    if request.path == "/api/whoami-v2":
        token = request.caller.token
        return as_json(whoami(token)) if token else refusal(Refusal(401, "", BAD_CREDENTIALS), api=True)
    if request.path == "/api/models":
        return _search(shelf, request)
    if match := _CACHE.match(request.path):
        return _cached(shelf, match)
    if match := _API.match(request.path):
        return _model(shelf, request, match)
    if match := _RESOLVE.match(request.path):
        return _resolve(shelf, request, match)
    return refusal(
        Refusal(404, "", "Sorry, we can't find the page you are looking for."), api=request.path.startswith("/api/")
    )


def answer_as_cdn(shelf: HubContents, request: FakeRequest) -> FakeResponse:
    """What the store of large files would answer: it knows signed addresses only, and no tokens."""
    if "authorization" in request.headers:
        # As S3 does. Whoever sends a token here has given it away already; this makes sure that it is noticed.
        return _xml(400, "InvalidArgument", "Only one auth mechanism allowed")
    match = _STORED.match(request.path)
    repository = shelf.find(match["id"]) if match else None
    if match is None or repository is None:
        return _xml(404, "NoSuchKey", "The specified key does not exist.")
    if request.query.get("Signature") != _signature(request.path, shelf.epoch):
        return _xml(403, "AccessDenied", "Request has expired")
    content = repository.commits.get(match["commit"], {}).get(match["name"])
    if content is None:
        return _xml(404, "NoSuchKey", "The specified key does not exist.")
    return FakeResponse(200, (("Content-Type", "application/octet-stream"),), content=content, ranges=True)


def stored_at(shelf: HubContents, repository: str, commit: str, name: str) -> str:
    """The signed address of a file in the store. `shelf.epoch` makes older ones expire."""
    path = f"/stored/{repository}/{commit}/{name}"
    return f"{shelf.cdn}{quote(path)}?Expires=3600&Signature={_signature(path, shelf.epoch)}"


def _signature(path: str, epoch: int) -> str:
    return hashlib.sha256(f"{path} {epoch}".encode()).hexdigest()[:32]


def _xml(status: int, code: str, message: str) -> FakeResponse:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return FakeResponse(status, (("Content-Type", "application/xml"),), body.encode())


def _model(shelf: HubContents, request: FakeRequest, match: re.Match[str]) -> FakeResponse:
    repository = shelf.find(match["id"])
    why = refuse_to_show(repository, request.caller)
    if why is not None or repository is None:
        return refusal(why or Refusal(404, "RepoNotFound", "Repository not found"), api=True)
    if match["what"] == "auth-check":
        why = refuse_files(repository, request.caller)
        return (
            refusal(why, api=True)
            if why
            else FakeResponse(200, (("Content-Type", "text/plain; charset=utf-8"),), b"OK")
        )
    if repository.raw_info is not None:
        return FakeResponse(200, (("Content-Type", "application/json; charset=utf-8"),), repository.raw_info)
    found = repository.at(match["revision"] or "main")
    if found is None:
        return refusal(Refusal(404, "RevisionNotFound", "Revision not found"), api=True)
    return as_json(_info(repository, request, *found))


def _info(
    repository: FakeRepository, request: FakeRequest, commit: str, files: Mapping[str, Content]
) -> dict[str, object]:
    masked = refuse_files(repository, request.caller) is not None
    blobs = "blobs" in request.query
    return {
        **_summary(repository),
        "author": repository.id.split("/")[0],
        "sha": commit,
        "lastModified": "2026-01-01T00:00:00.000Z",
        "gated": repository.gated,
        "disabled": repository.disabled,
        "cardData": repository.card,
        "siblings": [_sibling(name, content, masked=masked, blobs=blobs) for name, content in sorted(files.items())],
    }


def _summary(repository: FakeRepository) -> dict[str, object]:
    own = [f"license:{repository.card['license']}"] if isinstance(repository.card.get("license"), str) else []
    return {
        "_id": hashlib.sha1(repository.id.encode(), usedforsecurity=False).hexdigest()[:24],
        "id": repository.id,
        "modelId": repository.id,
        "private": repository.private,
        "downloads": repository.downloads,
        "likes": repository.likes,
        "tags": [*repository.tags, *own],
        "pipeline_tag": "text-generation",
        "createdAt": "2026-01-01T00:00:00.000Z",
    }


def _sibling(name: str, content: Content, *, masked: bool, blobs: bool) -> dict[str, object]:
    if not blobs:
        return {"rfilename": name}
    entry: dict[str, object] = {"rfilename": name, "size": content.size, "blobId": content.git_sha1}
    if is_large(name):
        entry["lfs"] = {"sha256": _MASK if masked else content.sha256, "size": content.size, "pointerSize": 135}
    return entry


def _search(shelf: HubContents, request: FakeRequest) -> FakeResponse:
    words = request.query.get("search", "").casefold().split()
    wanted = request.query.get("filter", "")
    found = [
        {**_summary(each), "gated": each.gated, "lastModified": "2026-01-01T00:00:00.000Z"}
        for each in shelf.all()
        if all(word in each.id.casefold() for word in words)
        and (not wanted or wanted in each.tags)
        and (not each.private or request.caller.user in each.members)
    ]
    found.sort(key=lambda each: -int(str(each["downloads"])))
    return as_json(found[: int(request.query.get("limit", "1000"))])


def _resolve(shelf: HubContents, request: FakeRequest, match: re.Match[str]) -> FakeResponse:
    repository = shelf.find(match["id"])
    why = refuse_to_show(repository, request.caller)
    if why is not None or repository is None:
        return refusal(why or Refusal(404, "RepoNotFound", "Repository not found"), api=False)
    if match["name"] not in READABLE_BEFORE_ACCESS or repository.disabled:
        why = refuse_files(repository, request.caller)
        if why is not None:
            return refusal(why, api=False)
    found = repository.at(match["revision"])
    if found is None:
        return refusal(Refusal(404, "RevisionNotFound", "Revision not found"), api=False)
    commit, files = found
    content = files.get(match["name"])
    if content is None:
        return refusal(Refusal(404, "EntryNotFound", "Entry not found"), api=False)
    return _file(shelf, repository, commit, match["name"], content)


def _file(shelf: HubContents, repository: FakeRepository, commit: str, name: str, content: Content) -> FakeResponse:
    pinned = ("X-Repo-Commit", commit)
    if is_large(name):
        linked = (("X-Linked-Size", str(content.size)), ("X-Linked-Etag", f'"{content.sha256}"'))
        place = ("Location", stored_at(shelf, repository.id, commit, name))
        text = ("Content-Type", "text/plain; charset=utf-8")
        return FakeResponse(302, (pinned, *linked, place, text), b"Found. Redirecting to the file's address.")
    if repository.gated is False and not repository.private:
        path = quote(f"/api/resolve-cache/models/{repository.id}/{commit}/{name}")
        return FakeResponse(
            307, (pinned, ("Location", f"{path}?etag=%22{content.git_sha1}%22")), b"Temporary Redirect."
        )
    return _small(pinned, content)


def _cached(shelf: HubContents, match: re.Match[str]) -> FakeResponse:
    repository = shelf.find(match["id"])
    content = repository.commits.get(match["commit"], {}).get(match["name"]) if repository else None
    if content is None:
        return refusal(Refusal(404, "EntryNotFound", "Entry not found"), api=False)
    return _small(("X-Repo-Commit", match["commit"]), content)


def _small(pinned: tuple[str, str], content: Content) -> FakeResponse:
    kind = ("Content-Type", "text/plain; charset=utf-8")
    return FakeResponse(200, (pinned, kind), content=content, ranges=True, etag=f'"{content.git_sha1}"')
