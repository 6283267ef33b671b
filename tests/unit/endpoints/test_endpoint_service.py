"""Endpoints are added, looked at, renamed and removed; what they say of their models is believed within bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from desktop.endpoints.endpoint import Endpoint, EndpointError, EndpointModel, ServedModel
from desktop.endpoints.endpoint_address import endpoint_address
from desktop.endpoints.endpoint_file import EndpointFile
from desktop.endpoints.endpoint_service import EndpointService
from desktop.errors import AccessError, ForbiddenError, IntegrityError, NetworkError, NotFoundError, UserError
from desktop.licenses.policy import Policy, PolicyRules
from tests.fakes.scripted_endpoint import ScriptedEndpoint, refuse
from tests.unit.endpoints.conftest import Far

pytestmark = pytest.mark.loopback


class FixedPolicy:
    """A policy that a test sets."""

    def __init__(self) -> None:
        self.policy = Policy()

    def current(self) -> Policy:
        return self.policy


class Desk:
    """A service with its file, and an endpoint that it can add."""

    def __init__(self, far: Far, folder: Path) -> None:
        self.far, self.script, self.policy = far, far.script, FixedPolicy()
        self.changes = 0
        self.file = EndpointFile(folder / "endpoints.json")
        self.service = EndpointService(
            self.file,
            far.client,
            is_owner=lambda name: name.casefold() == "qwen",
            policy=self.policy,  # type: ignore[arg-type]
            on_change=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def lengths(self) -> dict[str, int | None]:
        """What the models read, by their ids, of an endpoint that is added for it."""
        added = self.service.add("lab", self.script.url).endpoint
        self.service.remove("lab")
        return {each.id: each.context_length for each in added.models}


@pytest.fixture
def desk(far: Far, tmp_path: Path) -> Desk:
    return Desk(far, tmp_path)


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("https://LLM.Example.org/v1/", "https://llm.example.org/v1"),
        ("https://llm.example.org", "https://llm.example.org/v1"),
        ("llm.example.org:8443/v1", "https://llm.example.org:8443/v1"),
        ("https://llm.example.org/api/openai/v1/chat/completions", "https://llm.example.org/api/openai/v1"),
        ("localhost:1234", "http://localhost:1234/v1"),
        ("http://127.1:8080/v1/models", "http://127.0.0.1:8080/v1"),
        ("192.168.1.7:11434", "http://192.168.1.7:11434/v1"),
        ("http://[fd00::7]:80/v1", "http://[fd00::7]/v1"),
        ("https://llm.example.org:443/v1", "https://llm.example.org/v1"),
    ],
)
def test_an_address_is_read_in_any_spelling(typed: str, address: str) -> None:
    assert endpoint_address(typed) == address
    assert endpoint_address(address) == address


@pytest.mark.parametrize(
    "typed",
    [
        "http://llm.example.org/v1",
        "http://nas.local:8080/v1",
        "http://8.8.8.8/v1",
        "http://192.168.1.7.example.org/v1",
        "http://0.0.0.0:8080/v1",
        "https://user:secret@llm.example.org/v1",
        "https://llm.example.org/v1?key=secret",
        "https://llm.example.org/v1#x",
        "ftp://llm.example.org/v1",
        "https://",
        "https://llm.example.org/\x00",
        "",
    ],
)
def test_an_address_that_would_not_keep_what_is_written_is_refused(typed: str) -> None:
    with pytest.raises(EndpointError) as raised:
        endpoint_address(typed)
    assert "secret" not in raised.value.title or "no address" in raised.value.title


def test_what_travels_unencrypted_is_known() -> None:
    def encrypted(address: str) -> bool:
        return Endpoint("lab", address).encrypted

    assert encrypted("https://llm.example.org/v1")
    assert encrypted("http://localhost:1234/v1")
    assert not encrypted("http://192.168.1.7:1234/v1")


# --- discovery -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("models", "pages", "kind", "lengths"),
    [
        ([{"id": "a", "max_model_len": 8192, "owned_by": "vllm"}], {}, "vLLM", {"a": 8192}),
        ([{"id": "a", "owned_by": "llamacpp", "meta": {"n_ctx": 4096}}], {}, "llama.cpp", {"a": 4096}),
        ([{"id": "a", "meta": {"n_ctx_train": 9}}], {}, "", {"a": None}),
        ([{"id": "a", "context_length": 131072}], {}, "", {"a": 131072}),
        (
            [{"id": "a"}],
            {"/props": {"default_generation_settings": {"n_ctx": 2048}, "modalities": {"vision": True}}},
            "llama.cpp",
            {"a": 2048},
        ),
        ([{"id": "a"}, {"id": "b"}], {"/props": {"n_ctx": 2048}}, "", {"a": None, "b": None}),
        (
            [{"id": "a"}, {"id": "b"}],
            {
                "/api/v1/models": {
                    "models": [
                        {"key": "a", "loaded_instances": [{"config": {"context_length": 512}}]},
                        {"key": "b", "loaded_instances": []},
                    ]
                }
            },
            "LM Studio",
            {"a": 512, "b": None},
        ),
        (
            [{"id": "a:1b", "owned_by": "library"}, {"id": "b", "owned_by": "library"}],
            {"/api/ps": {"models": [{"name": "a:1b", "context_length": 4096}]}},
            "Ollama",
            {"a:1b": 4096, "b": None},
        ),
        ([{"id": "a"}], {}, "", {"a": None}),
        ([{"id": "a", "max_model_len": 1 << 40}], {}, "", {"a": None}),
        ([{"id": "a", "max_model_len": -1}], {}, "", {"a": None}),
        ([{"id": "a", "max_model_len": True}], {}, "", {"a": None}),
        ([{"id": "a", "max_model_len": "many"}], {"/props": [1], "/api/ps": {"models": "none"}}, "", {"a": None}),
        ([{"id": "a"}], {"/props": refuse(500), "/api/v1/models": refuse(301, Location="/x")}, "", {"a": None}),
    ],
)  # fmt: skip
def test_how_much_a_model_reads_is_found_where_it_is_said_and_never_made_up(
    desk: Desk, models: list[dict[str, Any]], pages: dict[str, Any], kind: str, lengths: dict[str, int | None]
) -> None:
    desk.script.models, desk.script.pages = models, pages
    added = desk.service.add("lab", desk.script.url).endpoint
    assert {each.id: each.context_length for each in added.models} == lengths
    assert added.kind == kind
    assert {each.purpose for each in desk.far.log} == {"endpoint-models"}


def test_what_the_person_says_counts_where_the_endpoint_says_nothing(desk: Desk) -> None:
    desk.script.models = [{"id": "a"}, {"id": "b", "max_model_len": 100}]
    desk.service.add("lab", desk.script.url, context_length=2048)
    assert {each.id: each.context_length for each in desk.service.models()} == {"lab/a": 2048, "lab/b": 100}


@pytest.mark.parametrize(
    "hostile",
    ["", " a", "a\n", "\x1b[2Ja", "a\u202eb", "x" * 300, "\u200b", 7, None, {"id": "a"}],
)
def test_names_that_cannot_be_shown_are_left_out(desk: Desk, hostile: object) -> None:
    desk.script.models = [{"id": "good"}, {"id": hostile}, {"id": "good"}]
    added = desk.service.add("lab", desk.script.url)
    assert [each.id for each in added.endpoint.models] == ["good"]
    assert added.left_out == 2


def test_odd_names_name_nothing_else(desk: Desk) -> None:
    desk.script.models = [{"id": name} for name in ("../../etc/passwd", "/abs", "a/b", "C:\\x", "a#b", "模型")]
    desk.service.add("lab", desk.script.url)
    places = {each.place for each in desk.service.models()}
    assert len(places) == 6
    assert all(place.parts[0] == "not-on-this-machine" and len(place.parts) == 2 for place in places)
    assert desk.service.find("lab/../../etc/passwd") is not None


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (refuse(401), AccessError),
        (refuse(403), AccessError),
        (refuse(404), NotFoundError),
        (refuse(500), NetworkError),
        (refuse(302, Location="https://elsewhere.example/v1/models"), NetworkError),
        ({"data": []}, NotFoundError),
        ({"data": "none"}, NetworkError),
        ([], NetworkError),
        ("<html>", NetworkError),
    ],
)
def test_what_lists_no_models_is_not_added(desk: Desk, page: Any, error: type[UserError]) -> None:
    desk.script.server.handler = lambda asked, talk: (
        page(asked, talk)
        if callable(page)
        else talk.answer(200, json.dumps(page).encode(), Content_Type="application/json")
    )
    with pytest.raises(error):
        desk.service.add("lab", desk.script.url)
    assert desk.service.endpoints() == ()


# --- keeping ---------------------------------------------------------------------------------------------------------


def test_an_endpoint_from_its_addition_to_its_removal_and_back(desk: Desk) -> None:
    desk.service.add("lab", desk.script.url, "Apache-2.0")
    (served,) = desk.service.models()
    assert (served.id, served.identity) == ("lab/tiny", f"{desk.script.url}#tiny")
    assert desk.service.served(served.place) == served
    assert EndpointFile(desk.file.path).read().endpoints == desk.service.endpoints()
    gone = desk.service.remove("LAB")
    assert desk.service.models() == ()
    with pytest.raises(NotFoundError):
        desk.service.served(served.place)
    desk.service.restore(gone)
    assert desk.service.served(served.place) == served
    assert desk.changes == 3


def test_names_of_endpoints_are_known_for_good(desk: Desk) -> None:
    desk.service.add("lab", desk.script.url)
    desk.service.rename("lab", "cluster")
    assert [desk.service.knows_name(name) for name in ("LAB", "cluster", "other")] == [True, True, False]
    desk.service.remove("cluster")
    desk.service.add("lab", desk.script.url)
    desk.service.remove("lab")
    again = EndpointFile(desk.file.path).read()
    assert again.removed_names == ("lab", "cluster")
    assert [again.know(name) for name in ("lab", "Cluster", "other")] == [True, True, False]


def test_equal_names_are_refused_whatever_their_case(desk: Desk) -> None:
    desk.service.add("lab", desk.script.url)
    for name in ("lab", "LAB"):
        with pytest.raises(EndpointError, match="already"):
            desk.service.add(name, desk.script.url)
    gone = desk.service.remove("lab")
    desk.service.add("lab", desk.script.url)
    with pytest.raises(EndpointError, match="already"):
        desk.service.restore(gone)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../a", "-a", "x" * 41, "ä", "a\n", "Qwen", "qwen"])
def test_names_that_say_something_else_are_refused(desk: Desk, name: str) -> None:
    with pytest.raises(EndpointError):
        desk.service.add(name, desk.script.url)
    assert not desk.script.server.asked


def test_a_renamed_endpoint_is_found_by_both_names_and_no_other_takes_the_former(desk: Desk) -> None:
    desk.service.add("lab", desk.script.url)
    (before,) = desk.service.models()
    desk.service.rename("lab", "cluster")
    for name in ("cluster/tiny", "lab/tiny"):
        found = desk.service.find(name)
        assert found is not None
        assert (found.id, found.identity, found.place) == ("cluster/tiny", before.identity, before.place)
    with pytest.raises(EndpointError, match="former name"):
        desk.service.add("lab", desk.script.url)
    desk.service.rename("cluster", "lab")
    assert desk.service.endpoint("cluster").name == "lab"


def test_a_check_takes_what_is_there_now(desk: Desk) -> None:
    desk.service.add("lab", desk.script.url, "MIT")
    desk.script.models = [{"id": "other", "max_model_len": 10}]
    checked = desk.service.check("lab")
    assert (checked.gone, checked.endpoint.license) == (("tiny",), "MIT")
    assert desk.service.endpoint("lab").models == (EndpointModel("other", 10),)


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (Policy(), True),
        (Policy(deny=PolicyRules(host=("*",))), False),
        (Policy(deny=PolicyRules(host=("127.0.0.1",))), False),
        (Policy(deny=PolicyRules(host=("127.0.0.1:1",))), True),
        (Policy(allow=PolicyRules(host=("llm.example.org",))), False),
        (Policy(allow=PolicyRules(host=("127.0.0.1",))), True),
        (Policy(imports=False), False),
        (Policy(imports=False, allow=PolicyRules(host=("127.0.0.1",))), True),
    ],
)
def test_a_policy_decides_which_hosts_are_asked(desk: Desk, policy: Policy, allowed: bool) -> None:
    desk.policy.policy = policy
    if allowed:
        desk.service.add("lab", desk.script.url)
        return
    with pytest.raises(ForbiddenError, match="models at 127"):
        desk.service.add("lab", desk.script.url)
    assert not desk.script.server.asked


def test_offline_nothing_is_asked(desk: Desk) -> None:
    desk.far.offline = True
    with pytest.raises(ForbiddenError, match="offline"):
        desk.service.add("lab", desk.script.url)
    assert not desk.script.server.asked


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"endpoints": [{"name": "a", "address": "http://llm.example.org/v1"}]}',
        '{"endpoints": [{"name": "a/b", "address": "https://llm.example.org/v1"}]}',
        '{"endpoints": [{"name": "a", "address": "https://x/v1"}, {"name": "A", "address": "https://y/v1"}]}',
        '{"endpoints": [{"name": "a", "address": "https://x/v1", "models": [{"id": "\\u001b"}]}]}',
    ],
)
def test_a_damaged_file_is_told_and_not_written_over(desk: Desk, text: str) -> None:
    desk.file.path.write_text(text)
    for read in (desk.service.endpoints, lambda: desk.service.add("lab", desk.script.url)):
        with pytest.raises(IntegrityError):
            read()
    assert desk.file.path.read_text() == text


def test_what_is_served_has_no_hash_and_another_address_is_another_model() -> None:
    model = EndpointModel("m")
    one, other = (ServedModel(Endpoint("lab", f"https://{host}/v1"), model) for host in ("a.example", "b.example"))
    assert one.id == other.id
    assert one.identity != other.identity
    assert ScriptedEndpoint().models == [{"id": "tiny", "max_model_len": 4096}]
