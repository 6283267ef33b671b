"""The refusals of the Hub, word for word, and who gets which: every row of the table of access states."""

import json
from dataclasses import dataclass

from tests.fakes.hub.repositories import FakeRepository, FakeToken
from tests.fakes.hub.responses import FakeResponse

BAD_CREDENTIALS = "Invalid username or password."
_GATE = {
    "not-requested": "Access to model {id} is restricted and you are not in the authorized list. "
    "Visit https://huggingface.co/{id} to ask for access.",
    "pending": "Your request to access model {id} is awaiting a review from the repo authors.",
    "rejected": "Your request to access model {id} has been rejected by the repo's authors.",
    "reset": "Your request to access model {id} has been reset by the repo's authors. "
    "Visit https://huggingface.co/{id} to submit a new request.",
}
_ANONYMOUS = (
    "Access to model {id} is restricted. You must have access to it and be authenticated to access it. Please log in."
)
_SCOPE = (
    "Please enable access to public gated repositories in your fine-grained token settings to view this repository."
)
_CHALLENGE = ("WWW-Authenticate", 'Bearer realm="Authentication required", charset="UTF-8"')


@dataclass(frozen=True)
class Refusal:
    """A status, the Hub's code for it ("" where it gives none), and its words."""

    status: int
    code: str
    message: str


@dataclass(frozen=True)
class Caller:
    """Who asks: nobody, somebody with a token, or somebody with a token that does not hold."""

    token: FakeToken | None = None
    bad: bool = False

    @property
    def user(self) -> str:
        return self.token.user if self.token else ""


def refuse_to_show(repository: FakeRepository | None, caller: Caller) -> Refusal | None:
    """Why `caller` may not even see that there is such a repository; None where they may."""
    if caller.bad:
        return Refusal(401, "", BAD_CREDENTIALS)
    if repository is not None and (not repository.private or caller.user in repository.members):
        return None
    if caller.token is None:
        return Refusal(401, "", BAD_CREDENTIALS)
    return Refusal(404, "RepoNotFound", "Repository not found")


def refuse_files(repository: FakeRepository, caller: Caller) -> Refusal | None:
    """Why `caller` may not have its files, although they may see the repository; None where they may."""
    if repository.disabled:
        return Refusal(403, "", "Access to this resource is disabled.")
    if repository.gated is False or (caller.user and caller.user in repository.members):
        return None
    if caller.token is None:
        return Refusal(401, "GatedRepo", _ANONYMOUS.format(id=repository.id))
    if not caller.token.may_read_gated:
        return Refusal(403, "", _SCOPE)
    standing = repository.gate_states.get(caller.user, "not-requested")
    return None if standing == "granted" else Refusal(403, "GatedRepo", _GATE[standing].format(id=repository.id))


def refusal(why: Refusal, *, api: bool) -> FakeResponse:
    """The answer that says so: JSON from the API, plain text elsewhere, and the same words in a header."""
    headers = [("X-Error-Message", why.message)]
    if why.code:
        headers.insert(0, ("X-Error-Code", why.code))
    if why.status == 401:
        headers.append(_CHALLENGE)
    if api:
        return as_json({"error": why.message}, why.status, headers)
    return FakeResponse(why.status, (*headers, ("Content-Type", "text/plain; charset=utf-8")), why.message.encode())


def as_json(value: object, status: int = 200, headers: list[tuple[str, str]] | None = None) -> FakeResponse:
    """An answer of the API."""
    kind = ("Content-Type", "application/json; charset=utf-8")
    return FakeResponse(status, (*(headers or []), kind), json.dumps(value, separators=(",", ":")).encode())


def whoami(token: FakeToken) -> dict[str, object]:
    """What the Hub says of a token's owner."""
    access: dict[str, object] = {"displayName": "latchkey", "role": token.role, "createdAt": "2026-01-01T00:00:00.000Z"}
    if token.role == "fineGrained":
        access["fineGrained"] = {"canReadGatedRepos": token.may_read_gated, "global": [], "scoped": []}
    return {
        "type": "user",
        "id": "65a000000000000000000001",
        "name": token.user,
        "fullname": token.user.title(),
        "isPro": False,
        "orgs": [],
        "auth": {"type": "access_token", "accessToken": access},
    }
