"""The twelve states of access: told apart by the Hub's answer alone, each with words that say what to do."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from desktop.errors import AccessError, NetworkError, NotFoundError
from desktop.hub.repository import Repository
from desktop.hub.repository_access import (
    AccessState,
    RepositoryAccess,
    access_of,
    access_revoked,
    access_state_of,
    next_check_delay,
    was_revoked,
)
from tests.fakes.hub import FakeHub, FakeRepository, Fault
from tests.unit.hub.conftest import REPOSITORY, AskHub

HUB = "https://huggingface.co"
ID = REPOSITORY


@dataclass(frozen=True)
class Row:
    """One row: the Hub's answer, the state, words that title and remedy have to hold, and the page that is offered."""

    name: str
    status: int
    code: str
    message: str
    had_token: bool
    state: AccessState
    title: str
    remedy: str
    page: str


NEW_TOKEN = "/settings/tokens/new?canReadGatedRepos=true&tokenType=fineGrained"
PAGE = f"/{ID}"
TABLE = [
    Row(
        "no token",
        401,
        "GatedRepo",
        f"Access to model {ID} is restricted. You must have access to it and be authenticated to access it. "
        "Please log in.",
        False,
        "no-token",
        "no access token was given",
        "Make an access token that may read gated repositories",
        NEW_TOKEN,
    ),
    Row(
        "not requested",
        403,
        "GatedRepo",
        f"Access to model {ID} is restricted and you are not in the authorized list. "
        f"Visit https://huggingface.co/{ID} to ask for access.",
        True,
        "not-requested",
        "You have not asked for access",
        "request access there",
        PAGE,
    ),
    Row(
        "pending",
        403,
        "GatedRepo",
        f"Your request to access model {ID} is awaiting a review from the repo authors.",
        True,
        "pending",
        "is waiting for its publisher",
        "Wait, and check again later",
        PAGE,
    ),
    Row(
        "rejected",
        403,
        "GatedRepo",
        f"Your request to access model {ID} has been rejected by the repo's authors.",
        True,
        "rejected",
        "was rejected",
        "Choose another model",
        PAGE,
    ),
    Row(
        "reset",
        403,
        "GatedRepo",
        f"Your request to access model {ID} has been reset by the repo's authors. "
        f"Visit https://huggingface.co/{ID} to submit a new request.",
        True,
        "reset",
        "was reset",
        "request access once more",
        PAGE,
    ),
    Row("granted", 200, "", "", True, "granted", "You may have", "", ""),
    Row(
        "token lacks scope",
        403,
        "",
        "Please enable access to public gated repositories in your fine-grained token settings to view this "
        "repository.",
        True,
        "token-lacks-scope",
        "may not read gated repositories",
        "Allow it to read public gated repositories",
        "/settings/tokens",
    ),
    Row(
        "disabled",
        403,
        "",
        "Access to this resource is disabled.",
        True,
        "disabled",
        "is disabled",
        "Choose another model",
        PAGE,
    ),
    Row(
        "missing or private",
        401,
        "",
        "Invalid username or password.",
        False,
        "missing-or-private",
        "There is no public model",
        "Check the name",
        NEW_TOKEN,
    ),
    Row(
        "missing",
        404,
        "RepoNotFound",
        "Repository not found",
        True,
        "missing",
        "There is no model",
        "Check the name",
        "",
    ),
    Row(
        "bad token",
        401,
        "",
        "Invalid username or password.",
        True,
        "bad-token",
        "does not accept your access token",
        "Make a new access token",
        NEW_TOKEN,
    ),
    Row(
        "unknown",
        403,
        "",
        "The moon is in the wrong quarter.",
        True,
        "unknown",
        "does not give out",
        "Open its page",
        PAGE,
    ),
]


def check_words(row: Row, access: RepositoryAccess, endpoint: str) -> None:
    assert access.state == row.state
    assert access.message == row.message
    assert row.title in access.title
    assert row.remedy in access.remedy
    assert ID in access.title
    assert access.url == (endpoint + row.page if row.page else "")
    if row.state == "unknown":
        assert row.message in access.detail


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_an_answer_is_the_state_that_it_means(row: Row) -> None:
    access = access_of(row.status, row.code, row.message, had_token=row.had_token, repository=ID, endpoint=HUB)
    check_words(row, access, HUB)
    assert access.granted == (row.state == "granted")


def test_every_state_has_its_own_words() -> None:
    states = [row.state for row in TABLE]
    assert len(set(states)) == 12
    said = {access_of(r.status, r.code, r.message, had_token=r.had_token, repository=ID, endpoint=HUB) for r in TABLE}
    assert len({access.title for access in said}) == 12
    assert all(access.remedy and access.detail for access in said if not access.granted)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_an_error_says_the_same_and_is_of_the_right_kind(row: Row) -> None:
    access = access_of(row.status, row.code, row.message, had_token=row.had_token, repository=ID, endpoint=HUB)
    error = access.error()
    missing = row.state in ("missing", "missing-or-private")
    assert type(error) is (NotFoundError if missing else AccessError)
    assert (error.title, error.remedy) == (access.title, access.remedy)


@pytest.mark.parametrize(
    ("status", "code", "message", "had_token", "state"),
    [
        (401, "GatedRepo", "Please log in.", True, "bad-token"),
        (403, "", TABLE[2].message, True, "pending"),  # a proxy that drops headers it does not know
        (403, "GatedRepo", "Something new.", True, "unknown"),
        (403, "", "", False, "unknown"),
        (404, "", "", True, "unknown"),
        (404, "EntryNotFound", "Entry not found", True, "unknown"),
        (418, "", "", False, "unknown"),
        (401, "RepoNotFound", "Repository not found", False, "missing-or-private"),  # as copies of the Hub say it
        (401, "RepoNotFound", "Repository not found", True, "missing"),
        (302, "", "", False, "granted"),
    ],
)
def test_what_is_not_in_the_table_is_not_guessed(
    status: int, code: str, message: str, had_token: bool, state: AccessState
) -> None:
    assert access_state_of(status, code, message, had_token=had_token) == state


def set_the_scene(fake: FakeHub, row: Row) -> str | None:
    """Bring the fake Hub into the state of a row; gives the token to ask with."""
    made = FakeRepository(ID, gated="manual")
    made.add_file("tiny-Q8_0.gguf", b"GGUF")
    if row.state not in ("missing", "missing-or-private"):
        fake.add(made)
    match row.state:
        case "no-token" | "missing-or-private":
            return None
        case "bad-token":
            return "hf_" + "n" * 30
        case "token-lacks-scope":
            return fake.add_token("anna", "fineGrained", may_read_gated=False)
        case "disabled":
            made.disabled = True
        case "pending" | "rejected" | "reset" | "granted":
            fake.set_gate_state(ID, "anna", row.state)
        case "unknown":
            answer = (("X-Error-Message", row.message), ("Content-Type", "text/plain"))
            fake.inject(Fault("status", on="hub", path="auth-check", status=403, headers=answer, times=None))
    return fake.add_token("anna")


@pytest.mark.loopback
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_the_hub_is_understood_over_the_wire(either: FakeHub, ask: AskHub, row: Row) -> None:
    token = set_the_scene(either, row)
    access = ask(either, token).access(Repository(either.endpoint, ID))
    check_words(row, access, either.endpoint)


@pytest.mark.loopback
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_asking_for_the_file_itself_says_the_same(fake: FakeHub, ask: AskHub, row: Row) -> None:
    """A Hub's copy may not know the question; a file's answer has the same words."""
    token = set_the_scene(fake, row)
    if row.state == "unknown":
        fake.faults.clear()
        words = (("X-Error-Message", row.message),)
        fake.inject(Fault("status", on="hub", path="/resolve/", methods=("HEAD",), status=403, headers=words))
    fake.inject(Fault("status", on="hub", path="auth-check", status=404, times=None))
    access = ask(fake, token).access(Repository(fake.endpoint, ID), "tiny-Q8_0.gguf")
    check_words(row, access, fake.endpoint)
    assert not fake.requests("cdn"), "asking is not fetching"


@pytest.mark.loopback
def test_an_open_repository_is_asked_for_by_nobody(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    fake.add(repository)
    hub = ask(fake, fake.add_token("anna"))
    assert hub.access(Repository(fake.endpoint, ID)).granted
    assert hub.info(Repository(fake.endpoint, ID)).files
    assert not [seen for seen in fake.requests() if seen.token]


@pytest.mark.loopback
def test_a_private_repository_is_seen_with_its_members_token_only(
    fake: FakeHub, repository: FakeRepository, ask: AskHub
) -> None:
    repository.private = True
    repository.members.add("anna")
    fake.add(repository)
    at = Repository(fake.endpoint, ID)
    assert ask(fake, fake.add_token("anna")).access(at).granted
    assert ask(fake, fake.add_token("ben")).access(at).state == "missing"
    assert ask(fake).access(at).state == "missing-or-private"
    assert ask(fake, fake.add_token("anna")).info(at).private


@pytest.mark.loopback
def test_a_good_token_is_not_called_bad(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    """The Hub answers 401 for reasons of its own: whoami decides."""
    fake.add(repository)
    words = (("X-Error-Message", "Invalid username or password."),)
    fake.inject(Fault("status", on="hub", path="auth-check", status=401, headers=words, times=None))
    access = ask(fake, fake.add_token("anna")).access(Repository(fake.endpoint, ID))
    assert access.state == "unknown"
    assert "Invalid username or password." in access.detail


@pytest.mark.loopback
@pytest.mark.parametrize(
    "fault",
    [
        Fault("login-page", on="hub", times=None),
        Fault("status", on="hub", status=429, times=None),
        Fault("status", on="hub", status=500, times=None),
        Fault("status", on="hub", status=503, times=None),
        Fault("close", on="hub", times=None),
        Fault("redirect-loop", on="hub", times=None),
        Fault("redirect-elsewhere", on="hub", times=None, path="whoami"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
def test_what_is_wrong_with_the_way_is_no_state_of_access(fake: FakeHub, ask: AskHub, fault: Fault) -> None:
    set_the_scene(fake, TABLE[2])
    fake.inject(fault)
    hub = ask(fake, fake.add_token("anna"))
    if fault.path:
        with pytest.raises(NetworkError):
            hub.whoami(hub.token())  # type: ignore[arg-type]
        assert not [seen for seen in fake.requests("elsewhere") if seen.token], "a token went to a stranger"
        assert fake.requests("elsewhere")
        return
    with pytest.raises(NetworkError) as failed:
        hub.access(Repository(fake.endpoint, ID))
    assert failed.value.remedy


def test_access_that_was_taken_back_is_noticed_and_said() -> None:
    row = TABLE[1]
    now = access_of(row.status, row.code, row.message, had_token=True, repository=ID, endpoint=HUB)
    assert was_revoked("granted", now)
    assert not was_revoked("pending", now)
    said = access_revoked(now, ID)
    assert "taken back" in said.title
    assert said.detail == now.title
    assert (said.state, said.remedy, said.url) == (now.state, now.remedy, now.url)


OTHER_REASONS = [row for row in TABLE if row.state in ("bad-token", "disabled", "no-token", "granted")]


@pytest.mark.parametrize("row", OTHER_REASONS, ids=lambda row: row.name)
def test_what_a_publisher_did_not_do_is_not_said_of_them(row: Row) -> None:
    now = access_of(row.status, row.code, row.message, had_token=row.had_token, repository=ID, endpoint=HUB)
    assert not was_revoked("granted", now)


def test_a_gate_is_asked_again_at_a_gentle_pace() -> None:
    waits = [next_check_delay(times) for times in range(1, 200)]
    assert waits[0] == 30
    assert waits == sorted(waits)
    assert waits[-1] == 900
    assert sum(wait for wait in waits[:10]) > 3600, "ten questions take more than an hour"
