"""What the Hub tells of repositories, people and searches becomes values, whatever is in its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from desktop.catalog.base_model_name import NOT_NAMED
from desktop.errors import AccessError, ForbiddenError, IntegrityError, NetworkError, NotFoundError
from desktop.hub.repository import Repository
from desktop.hub.repository_info import CardBase
from desktop.network.offline_switch import SETTING, OfflineSwitch
from tests.fakes.hub import FakeHub, FakeRepository, Fault
from tests.fakes.plain_client import PlainClient
from tests.unit.hub.conftest import REPOSITORY, AskHub

pytestmark = pytest.mark.loopback


def test_a_repository_is_read_whole(either: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    either.add(repository)
    info = ask(either).info(Repository(either.endpoint, REPOSITORY))
    assert (info.id, info.sha, info.gated, info.license) == (REPOSITORY, repository.head, False, "apache-2.0")
    assert [(each.name, each.size, each.quantization) for each in info.files] == [
        ("tiny-Q4_K_M.gguf", 9, "Q4_K_M"),
        ("tiny-Q8_0.gguf", 15, "Q8_0"),
    ]
    assert [each.sha256 for each in info.files] == [
        repository.files["tiny-Q4_K_M.gguf"].sha256,
        repository.files["tiny-Q8_0.gguf"].sha256,
    ]
    assert info.find("q8_0") == info.files[1]
    assert not info.hashes_hidden


def test_an_older_commit_is_read_as_it_was(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    fake.add(repository)
    before = repository.head
    repository.remove_file("tiny-Q8_0.gguf")
    hub = ask(fake)
    assert [len(hub.info(Repository(fake.endpoint, REPOSITORY, each)).files) for each in (before, "main")] == [2, 1]
    with pytest.raises(NotFoundError, match="no version dev"):
        hub.info(Repository(fake.endpoint, REPOSITORY, "dev"))


def test_hashes_are_hidden_before_access_and_told_after(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    repository.gated = "manual"
    fake.add(repository)
    token = fake.add_token("anna")
    at = Repository(fake.endpoint, REPOSITORY)
    for hub in (ask(fake), ask(fake, token)):
        info = hub.info(at)
        assert (info.gated, info.hashes_hidden, info.files[0].sha256, info.files[0].size) == ("manual", True, "", 9)
    fake.set_gate_state(REPOSITORY, "anna", "granted")
    assert ask(fake, token).info(at).files[0].sha256 == repository.files["tiny-Q4_K_M.gguf"].sha256
    assert ask(fake, token).info(at, anonymous=True).hashes_hidden


@pytest.mark.parametrize(
    ("told", "gated"),
    [
        (False, False),
        (None, False),
        ("auto", "auto"),
        ("manual", "manual"),
        (True, "manual"),
        ("new", "manual"),
        (1, "manual"),
    ],
)
def test_a_gate_that_is_not_known_is_taken_for_the_stricter_one(
    fake: FakeHub, repository: FakeRepository, ask: AskHub, told: Any, gated: Any
) -> None:
    answer = {"id": REPOSITORY, "sha": "a" * 40, "gated": told}
    fake.add(repository).raw_info = json.dumps(answer).encode()
    assert ask(fake).info(Repository(fake.endpoint, REPOSITORY)).gated == gated


def card_of(fake: FakeHub, ask: AskHub, card: dict[str, Any], tags: list[str] | None = None) -> Any:
    fake.add(FakeRepository(REPOSITORY, card=card, tags=tags or []))
    return ask(fake).info(Repository(fake.endpoint, REPOSITORY))


def test_a_license_of_its_own_keeps_name_and_link(fake: FakeHub, ask: AskHub) -> None:
    card = {"license": "other", "license_name": "acme  research\n", "license_link": "https://acme.example/l"}
    info = card_of(fake, ask, card)
    assert (info.licenses, info.license_name, info.license_link) == (("other",), "acme research", card["license_link"])
    assert card_of(fake, ask, {"license": ["mit", "apache-2.0"]}).licenses == ("mit", "apache-2.0")
    assert card_of(fake, ask, {}).licenses == ()
    assert card_of(fake, ask, {}, ["license:gemma"]).licenses == ("gemma",)
    assert card_of(fake, ask, {"license_link": "LICENSE"}).license_link == "LICENSE"
    for link in ("javascript:alert(1)", "file:///etc/passwd", "../../x", "/etc", "data:text/html,x"):
        assert card_of(fake, ask, {"license_link": link}).license_link == ""


@pytest.mark.parametrize(
    ("card", "tags", "bases"),
    [
        ({"base_model": "acme/base"}, [], [("acme/base", "fine-tune")]),
        ({"base_model": ["acme/a", "acme/b"]}, ["merge"], [("acme/a", "merge"), ("acme/b", "merge")]),
        ({"base_model": "acme/base"}, ["gguf"], [("acme/base", "quantization")]),
        ({"base_model": "acme/base", "base_model_relation": "finetune"}, ["gguf"], [("acme/base", "fine-tune")]),
        ({}, ["base_model:acme/base", "base_model:quantized:acme/base"], [("acme/base", "quantization")]),
        ({"base_model": "Acme/Base"}, ["base_model:adapter:acme/base"], [("Acme/Base", "fine-tune")]),
        ({"base_model": "https://huggingface.co/acme/base/"}, [], [("acme/base", "fine-tune")]),
        ({"base_model": REPOSITORY.upper()}, [], []),
        ({"base_model": {"x": 1}}, ["base_model:"], [(NOT_NAMED, "fine-tune")]),
        ({"base_model": [None, 3, "", "acme/base"]}, [], [(NOT_NAMED, "fine-tune"), ("acme/base", "fine-tune")]),
        ({"base_model": "https://HF.co/acme/base/blob/main/x.gguf"}, ["gguf"], [("acme/base", "quantization")]),
        ({"base_model": "hf.co/acme/base.git"}, ["base_model:adapter:acme/base"], [("acme/base", "fine-tune")]),
        ({"base_model": "ａｃｍｅ/base\u200b"}, [], [("acme/base", "fine-tune")]),
        ({"base_model": " " * 5000 + "acme/base"}, [], [("acme/base", "fine-tune")]),
        ({"base_model": "\u200b \u202e"}, [], [(NOT_NAMED, "fine-tune")]),
        ({"base_model": "https://example.org/acme/base"}, [], [("https://example.org/acme/base", "fine-tune")]),
        ({"base_model": {}}, [], []),
    ],
)
def test_bases_are_found_in_card_and_tags(
    fake: FakeHub, ask: AskHub, card: dict[str, Any], tags: list[str], bases: list[tuple[str, Any]]
) -> None:
    assert card_of(fake, ask, card, tags).bases == tuple(CardBase(*each) for each in bases)


def test_what_a_publisher_asks_before_access_is_kept(fake: FakeHub, ask: AskHub) -> None:
    fields = {"Company": "text", "I agree": "checkbox", "Country": {"type": "country"}}
    card = {"extra_gated_prompt": "Read this.\n\nThen sign.\x07\u202e", "extra_gated_fields": fields}
    info = card_of(fake, ask, card)
    assert info.gate_prompt == "Read this.\n\nThen sign."
    assert info.gate_fields == ("Company", "I agree", "Country")


HOSTILE_NAMES = [
    "../../tiny-Q8_0.gguf",
    "/etc/tiny-Q8_0.gguf",
    "a/../../tiny.gguf",
    "..\\tiny.gguf",
    "C:\\tiny.gguf",
    "con.gguf",
    "a/aux/tiny.gguf",
    "tiny\x00.gguf",
    "ti\u202eny.gguf",
    "x" * 300 + ".gguf",
    "a//tiny.gguf",
    ".gguf /tiny.gguf",
]


def siblings(*names: Any) -> list[dict[str, Any]]:
    return [{"rfilename": name, "size": 4, "lfs": {"sha256": "b" * 64, "size": 4}} for name in names]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_leads_elsewhere_is_left_out_and_said(fake: FakeHub, ask: AskHub, name: str) -> None:
    answer = {"id": REPOSITORY, "sha": "a" * 40, "siblings": siblings(name, "sub/good-Q8_0.gguf")}
    fake.add(FakeRepository(REPOSITORY, raw_info=json.dumps(answer).encode()))
    info = ask(fake).info(Repository(fake.endpoint, REPOSITORY))
    assert [each.name for each in info.files] == ["sub/good-Q8_0.gguf"]
    assert len(info.skipped) == 1
    assert name not in info.names


@pytest.mark.parametrize(
    "answer",
    [
        {"id": 7, "modelId": ["x"], "sha": "a" * 40},
        {"id": REPOSITORY, "sha": "main"},
        {"id": "../x", "sha": "a" * 40},
        {"id": REPOSITORY},
        [],
        "x",
        None,
    ],
)
def test_an_answer_without_a_name_and_a_commit_is_refused(fake: FakeHub, ask: AskHub, answer: Any) -> None:
    fake.add(FakeRepository(REPOSITORY, raw_info=json.dumps(answer).encode()))
    with pytest.raises(NetworkError, match="makes no sense"):
        ask(fake).info(Repository(fake.endpoint, REPOSITORY))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"id": "' + b"x" * (10 << 20) + b'"}',
        b"[" + b"1," * (5 << 20) + b"1]",
    ],
    ids=["empty", "cut", "no text", "brackets", "nested", "10 MB", "10 MB of numbers"],
)
def test_a_body_that_is_no_answer_is_an_error_and_no_crash(fake: FakeHub, ask: AskHub, body: bytes) -> None:
    fake.add(FakeRepository(REPOSITORY, raw_info=body))
    with pytest.raises(NetworkError):
        ask(fake).info(Repository(fake.endpoint, REPOSITORY))


WRONG: list[Any] = [None, True, -1, 1e300, 1 << 70, "x", "\ud7ff" * 9, [], {}, [[[]]], {"sha256": 1}, ["a", {"b": [1]}]]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda each: repr(each)[:20])
def test_wrong_types_anywhere_leave_the_rest_readable(fake: FakeHub, ask: AskHub, wrong: Any) -> None:
    card = dict.fromkeys(
        (
            "license",
            "license_name",
            "license_link",
            "base_model",
            "base_model_relation",
            "datasets",
            "extra_gated_prompt",
            "extra_gated_fields",
        ),
        wrong,
    )
    files = [
        {"rfilename": "good-Q8_0.gguf", "size": 4},
        wrong,
        {"rfilename": wrong},
        {"rfilename": "odd.gguf", "size": wrong, "lfs": wrong},
        {"rfilename": "odder.gguf", "lfs": {"sha256": wrong, "size": wrong}},
    ]
    top = dict.fromkeys(("gated", "private", "disabled", "tags", "downloads", "likes", "lastModified"), wrong)
    for answer in (
        {"id": REPOSITORY, "sha": "a" * 40, **top, "cardData": card, "siblings": files},
        {"id": REPOSITORY, "sha": "a" * 40, **top, "cardData": wrong, "siblings": wrong},
    ):
        fake.add(FakeRepository(REPOSITORY, raw_info=json.dumps(answer).encode()))
        info = ask(fake).info(Repository(fake.endpoint, REPOSITORY))
        assert info.sha == "a" * 40
        if answer["siblings"] is files:
            assert info.find("Q8_0") is not None
            assert all(not each.sha256 and each.size >= 0 for each in info.files)


def test_whoami_names_role_and_whether_gates_open(either: FakeHub, ask: AskHub) -> None:
    found = []
    for role, gated in (("read", True), ("write", True), ("fineGrained", True), ("fineGrained", False)):
        hub = ask(either, either.add_token("anna", role, may_read_gated=gated))
        token = hub.token()
        assert token is not None
        who = hub.whoami(token)
        found.append((who.name, who.role, who.may_read_gated, who.scope_known))
    assert found == [
        ("anna", "read", True, True),
        ("anna", "write", True, True),
        ("anna", "fineGrained", True, True),
        ("anna", "fineGrained", False, True),
    ]


@pytest.mark.parametrize(
    ("auth", "may_read_gated", "can_be_told"),
    [
        ({"accessToken": {"role": "fineGrained", "fineGrained": {"scoped": [{"entity": {}}]}}}, False, False),
        ({"accessToken": {"role": "god"}}, False, False),
        ({"accessToken": 1}, False, False),
        ({}, False, False),
    ],
)
def test_whoami_does_not_say_more_than_it_was_told(
    fake: FakeHub, ask: AskHub, auth: Any, may_read_gated: bool, can_be_told: bool
) -> None:
    body = json.dumps({"name": "anna", "auth": auth}).encode()
    answer = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    fake.inject(Fault("status", on="hub", status=200, headers=answer[:1], body=body))
    hub = ask(fake, fake.add_token("anna"))
    token = hub.token()
    assert token is not None
    who = hub.whoami(token)
    assert (who.may_read_gated, who.scope_known) == (may_read_gated, can_be_told)


def test_a_token_that_does_not_hold_is_said_so(fake: FakeHub, ask: AskHub) -> None:
    value = fake.add_token("anna")
    fake.revoke_token(value)
    hub = ask(fake, value)
    token = hub.token()
    assert token is not None
    with pytest.raises(AccessError, match="does not accept this access token") as refused:
        hub.whoami(token)
    assert value not in str(refused.value) + refused.value.technical


def test_a_token_that_the_hub_repeats_is_not_kept_with_its_words(fake: FakeHub, ask: AskHub) -> None:
    value = fake.add_token("anna")
    said = f"Token {value} has expired."
    fake.inject(
        Fault("status", on="hub", status=403, headers=(("X-Error-Message", said),), times=4),
    )
    access = ask(fake, value).access(Repository(fake.endpoint, REPOSITORY))
    assert (access.state, value in access.message + access.detail) == ("unknown", False)
    assert "has expired" in access.message


def test_a_token_in_an_answer_that_makes_no_sense_is_not_told(fake: FakeHub, ask: AskHub) -> None:
    value = fake.add_token("anna")
    body = (b"{" + b" " * 190 + value.encode()).ljust(300)
    fake.inject(
        Fault("status", on="hub", status=200, headers=(("Content-Type", "application/json"),), body=body, times=4)
    )
    hub = ask(fake, value)
    token = hub.token()
    assert token is not None
    with pytest.raises(NetworkError, match="makes no sense") as refused:
        hub.whoami(token)
    assert value[:8] not in refused.value.technical


def test_a_token_of_another_origin_is_not_used(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    repository.gated = "auto"
    fake.add(repository)
    with FakeHub() as other:
        token = other.add_token("anna")
        hub = ask(other, token)
        stranger = ask(fake)
        stranger._token_for = hub._token_for
        assert stranger.token() is None
        assert stranger.access(Repository(fake.endpoint, REPOSITORY)).state == "no-token"
    assert not [seen for seen in fake.requests() if seen.token]


def test_search_gives_repositories_with_model_files_most_wanted_first(either: FakeHub, ask: AskHub) -> None:
    for number in range(5):
        card = {"license": "mit"}
        made = FakeRepository(f"acme/Tiny-{number}-GGUF", tags=["gguf"], downloads=number, card=card, gated="auto")
        either.add(made)
    either.add(FakeRepository("acme/tiny-transformers", downloads=99))
    either.add(FakeRepository("acme/secret-tiny-GGUF", tags=["gguf"], private=True))
    hub = ask(either, either.add_token("anna"))
    found = hub.search("  tiny \n acme ", limit=3)
    assert [each.id for each in found] == [f"acme/Tiny-{number}-GGUF" for number in (4, 3, 2)]
    assert (found[0].gated, found[0].licenses, found[0].downloads) == ("auto", ("mit",), 4)
    assert hub.search("nothing like it") == ()
    assert not [seen for seen in either.requests() if seen.token], "a search is nobody's"


@pytest.mark.parametrize("text", ["x" * 5000, "ä ß &limit=1000#", "'; --", "\x00"])
def test_any_text_can_be_searched_for(fake: FakeHub, ask: AskHub, text: str) -> None:
    assert ask(fake).search(text) == ()
    assert len(fake.requests()) == 1


def test_hostile_finds_are_left_out(fake: FakeHub, ask: AskHub) -> None:
    body = json.dumps([{"id": "../x"}, 3, None, {"id": "acme/good", "tags": 4}, {"id": "a" * 9999}]).encode()
    fake.inject(Fault("status", on="hub", status=200, headers=(("Content-Type", "application/json"),), body=body))
    assert [each.id for each in ask(fake).search("x")] == ["acme/good"]


def test_a_license_is_given_byte_for_byte_at_the_pinned_commit(
    either: FakeHub, repository: FakeRepository, ask: AskHub
) -> None:
    either.add(repository)
    hub = ask(either)
    info = hub.info(Repository(either.endpoint, REPOSITORY))
    repository.add_file("LICENSE", b"You may not.")
    assert hub.license_text(info) == ("LICENSE", b"You may.\r\n\xff")
    assert hub.readme(info) == b"# Tiny\n"


def test_a_gated_license_can_be_read_before_access_and_without_a_token(
    fake: FakeHub, repository: FakeRepository, ask: AskHub
) -> None:
    repository.gated = "manual"
    fake.add(repository)
    hub = ask(fake, fake.add_token("anna"))
    info = hub.info(Repository(fake.endpoint, REPOSITORY))
    fake.forget_requests()
    assert hub.license_text(info) == ("LICENSE", b"You may.\r\n\xff")
    assert not [seen for seen in fake.requests() if seen.token]


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (["LICENSE.txt", "LICENSE.md", "LICENSE"], "LICENSE"),
        (["LICENSE.txt", "LICENSE.md"], "LICENSE.md"),
        (["LICENSE.txt"], "LICENSE.txt"),
        (["USE_POLICY.md", "sub/LICENSE"], None),
    ],
)
def test_the_license_is_the_first_of_the_usual_names(
    fake: FakeHub, ask: AskHub, names: list[str], first: str | None
) -> None:
    made = fake.add(FakeRepository(REPOSITORY))
    for name in names:
        made.add_file(name, name.encode())
    hub = ask(fake)
    found = hub.license_text(hub.info(Repository(fake.endpoint, REPOSITORY)))
    assert found == (None if first is None else (first, first.encode()))


@pytest.mark.parametrize("kind", ["login-page", "too-large"])
def test_a_license_is_never_a_log_in_page_nor_without_end(
    fake: FakeHub, repository: FakeRepository, ask: AskHub, kind: str
) -> None:
    fake.add(repository)
    if kind == "too-large":
        repository.add_file("LICENSE", b"x" * (3 << 20))
    hub = ask(fake)
    info = hub.info(Repository(fake.endpoint, REPOSITORY))
    if kind == "login-page":
        fake.inject(Fault("login-page", on="hub", path="LICENSE"))
    with pytest.raises(NetworkError):
        hub.license_text(info)


def test_a_license_of_another_commit_is_refused(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    fake.add(repository)
    hub = ask(fake)
    info = hub.info(Repository(fake.endpoint, REPOSITORY))
    headers = (("X-Repo-Commit", "c" * 40), ("Content-Type", "text/plain"))
    fake.inject(Fault("status", on="hub", path="LICENSE", status=200, headers=headers, body=b"Another one."))
    with pytest.raises(IntegrityError, match="another version"):
        hub.license_text(info)


def test_a_license_that_was_removed_is_said_so(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    fake.add(repository)
    hub = ask(fake)
    info = hub.info(Repository(fake.endpoint, REPOSITORY))
    del repository.commits[info.sha]
    with pytest.raises(NotFoundError):
        hub.license_text(info)


def test_off_line_nothing_is_asked(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    fake.add(repository)
    hub = ask(fake, client=PlainClient(switch=OfflineSwitch(lambda: SETTING)))
    at = Repository(fake.endpoint, REPOSITORY)
    for question in (lambda: hub.info(at), lambda: hub.access(at), lambda: hub.search("tiny")):
        with pytest.raises(ForbiddenError):
            question()
    assert not fake.requests()


def test_a_stranger_cannot_say_who_has_access(fake: FakeHub, repository: FakeRepository, ask: AskHub) -> None:
    repository.gated = "manual"
    fake.add(repository)
    fake.inject(Fault("redirect-elsewhere", on="hub", path="auth-check", times=None))
    with pytest.raises(NetworkError):
        ask(fake, fake.add_token("anna")).access(Repository(fake.endpoint, REPOSITORY))
