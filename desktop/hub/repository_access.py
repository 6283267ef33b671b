"""Which of twelve things stands between a person and a repository's files, and the words for it.

The Hub says so by a status, a code in a header and a sentence. What each of them means was recorded by many people;
nothing here guesses: words that are not known are shown as they came.
"""

from dataclasses import dataclass, replace
from typing import Literal

from desktop.errors import AccessError, NotFoundError, UserError
from desktop.translation import tr

AccessState = Literal[
    "granted",
    "no-token",
    "not-requested",
    "reset",
    "pending",
    "rejected",
    "token-lacks-scope",
    "bad-token",
    "disabled",
    "missing-or-private",
    "missing",
    "unknown",
]

TOKEN_PAGE = "/settings/tokens/new?canReadGatedRepos=true&tokenType=fineGrained"
"""The page of a Hub where a token that may read gated repositories is made; nothing is left to choose there."""
TOKENS_PAGE = "/settings/tokens"

_GATED = "GatedRepo"
_MISSING = "RepoNotFound"
_FIRST_WAIT_S = 30.0
_LONGEST_WAIT_S = 900.0


@dataclass(frozen=True)
class RepositoryAccess:
    """Whether a person may have a repository's files: the state, and what to say.

    `message` is the Hub's own sentence, "" where it gave none. `title` says what is so, `detail` why, `remedy` what to
    do, "" where nothing can be done. `url` is the page where that is done, "" where none is.
    """

    state: AccessState
    message: str
    title: str
    detail: str
    remedy: str
    url: str

    @property
    def granted(self) -> bool:
        """Whether the files may be fetched."""
        return self.state == "granted"

    @property
    def lacks_token(self) -> bool:
        """Whether the answer is one for somebody unknown, so that a token may give another."""
        return self.state in ("no-token", "missing-or-private")

    def error(self) -> UserError:
        """The same as an error, for who needs the files now."""
        kind = NotFoundError if self.state in ("missing", "missing-or-private") else AccessError
        return kind(self.title, self.detail, self.remedy, technical=self.message)


def access_of(
    status: int, code: str, message: str, *, had_token: bool, repository: str, endpoint: str
) -> RepositoryAccess:
    """What an answer to "may I have the files of `repository`?" means.

    `code` and `message` are its X-Error-Code and X-Error-Message, `had_token` whether a token was sent along. For
    answers that speak of access: 429 and 5xx are about the server, and have to be sorted out before.
    """
    state = access_state_of(status, code, message, had_token=had_token)
    return access_in_state(state, message, repository=repository, endpoint=endpoint)


def access_in_state(state: AccessState, message: str, *, repository: str, endpoint: str) -> RepositoryAccess:
    """The words for a state that was told earlier, with the Hub's own sentence of then."""
    title, detail, remedy, page = _words(state, repository, message)
    return RepositoryAccess(state, message, title, detail, remedy, _page(page, repository, endpoint))


def access_unclear(message: str, *, repository: str, endpoint: str) -> RepositoryAccess:
    """Access that is refused for a reason not known here: the Hub's own words, as they came."""
    return access_in_state("unknown", message, repository=repository, endpoint=endpoint)


def access_state_of(status: int, code: str, message: str, *, had_token: bool) -> AccessState:
    """The state alone."""
    lowered = message.casefold()
    if 200 <= status < 400:
        return "granted"
    if status == 403 and "access to this resource is disabled" in lowered:
        return "disabled"
    if status == 403 and "fine-grained token" in lowered and "gated repositories" in lowered:
        return "token-lacks-scope"
    if status in (401, 403) and code in (_GATED, "") and (gate := _before_the_gate(status, lowered)):
        return "bad-token" if gate == "no-token" and had_token else gate
    if status == 401 and not code:
        return "bad-token" if had_token else "missing-or-private"
    if status in (401, 404) and (code == _MISSING or "repository not found" in lowered):
        # The Hub itself says 401 to somebody unknown without a code; copies of it say it with one.
        return "missing" if had_token or status == 404 else "missing-or-private"
    return "unknown"


def _before_the_gate(status: int, lowered: str) -> AccessState | None:
    """The access state behind a gate, from the Hub's sentence in lower case; None where the sentence is not known."""
    if status == 401:
        return "no-token" if "please log in" in lowered or "be authenticated to access it" in lowered else None
    known: tuple[tuple[str, AccessState], ...] = (
        ("awaiting a review", "pending"),
        ("has been rejected", "rejected"),
        ("has been reset", "reset"),
        ("not in the authorized list", "not-requested"),
    )
    return next((state for words, state in known if words in lowered), None)


def was_revoked(before: AccessState, now: RepositoryAccess) -> bool:
    """Whether somebody who had access has lost it to the publisher's decision."""
    return before == "granted" and now.state in ("not-requested", "reset", "rejected", "pending")


def access_revoked(now: RepositoryAccess, repository: str) -> RepositoryAccess:
    """`now`, saying first that there was access before."""
    title = tr("Your access to {model} was taken back.").format(model=repository)
    return replace(now, title=title, detail=now.title)


def next_check_delay(times: int) -> float:
    """How long to wait before asking again about a gate, in seconds, after having asked `times` times.

    A publisher answers after minutes or days: half a minute at first, a quarter of an hour in the end.
    """
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(max(times - 1, 0), 20))


_Page = Literal["", "model", "new token", "tokens"]


def _page(page: _Page, repository: str, endpoint: str) -> str:
    places = {"model": f"/{repository}", "new token": TOKEN_PAGE, "tokens": TOKENS_PAGE}
    return endpoint + places[page] if page else ""


def _words(state: AccessState, repository: str, message: str) -> tuple[str, str, str, _Page]:
    """Title, detail, remedy and page for a state."""
    if state == "unknown":
        quoted = tr("It says: {message}").format(message=message) if message else tr("It does not say why.")
        return (
            tr("The Hub does not give out {model}.").format(model=repository),
            quoted,
            tr("Open its page in a browser to see what is missing."),
            "model",
        )
    title, detail, remedy, page = _sentences()[state]
    return title.format(model=repository), detail, remedy, page


def _sentences() -> dict[AccessState, tuple[str, str, str, _Page]]:
    return {
        "granted": (tr("You may have {model}."), "", "", ""),
        "no-token": (
            tr("{model} is gated, and no access token was given."),
            tr("Its publisher gives it out only to people who have an account and asked for access."),
            tr("Make an access token that may read gated repositories, and give it to Latchkey."),
            "new token",
        ),
        "not-requested": (
            tr("You have not asked for access to {model}."),
            tr("Your access token is good, but its publisher does not know you yet."),
            tr("Open its page, read what its publisher asks, and request access there; then check again."),
            "model",
        ),
        "reset": (
            tr("Your request for {model} was reset."),
            tr("Its publisher wants to be asked again."),
            tr("Open its page and request access once more; then check again."),
            "model",
        ),
        "pending": (
            tr("Your request for {model} is waiting for its publisher."),
            tr("A person there decides about it, which can take minutes or days."),
            tr("Wait, and check again later. Nothing more needs to be done."),
            "model",
        ),
        "rejected": (
            tr("Your request for {model} was rejected."),
            tr("Its publisher has decided so, and the Hub takes no second request."),
            tr("Choose another model, or write to its publisher through its page."),
            "model",
        ),
        "token-lacks-scope": (
            tr("Your access token may not read gated repositories such as {model}."),
            tr("It is a fine-grained token without that permission. You may well have access with another one."),
            tr("Allow it to read public gated repositories in your token's settings, or make a new one."),
            "tokens",
        ),
        "bad-token": (
            tr("The Hub does not accept your access token, so {model} stays closed."),
            tr("It was mistyped, has expired or was deleted."),
            tr("Make a new access token and give it to Latchkey."),
            "new token",
        ),
        "disabled": (
            tr("{model} is disabled on the Hub."),
            tr("Nobody can fetch it at present, with whatever token."),
            tr("Choose another model; its page may say why."),
            "model",
        ),
        "missing-or-private": (
            tr("There is no public model {model} on the Hub."),
            tr("Either its name is not right, or it is private: the Hub does not tell which without an access token."),
            tr("Check the name. If it is private and yours to read, give Latchkey an access token."),
            "new token",
        ),
        "missing": (
            tr("There is no model {model} on the Hub."),
            tr("Either its name is not right, or it is private and your access token may not see it."),
            tr("Check the name, or search for it."),
            "",
        ),
    }
