"""`latchkey endpoints`, and their models in the other commands: as the contract says it, behind the license check."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.cli.command_line import run as run_command
from desktop.credentials import access_tokens
from desktop.credentials.access_tokens import AccessTokens, SessionTokenStore
from tests.fakes.scripted_endpoint import ScriptedEndpoint, refuse, said, stream

pytestmark = pytest.mark.loopback


class Stdin:
    """Standard input that is no terminal and holds these bytes."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    """The exit code, and what was written."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.setattr("sys.stdin", Stdin(stdin))
        code = run_command(["latchkey", *arguments])
    return code, out.getvalue(), err.getvalue()


def told(*arguments: str, stdin: bytes = b"") -> Any:
    code, out, err = run(*arguments, "--json", stdin=stdin)
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def script(home: Path) -> Iterator[ScriptedEndpoint]:
    assert home.is_dir()
    made = ScriptedEndpoint([{"id": "tiny", "max_model_len": 4096, "owned_by": "vllm"}])
    with made.server.running():
        yield made


def accept(model: str = "lab/tiny") -> None:
    (needed,) = told("models", "show", model)["licenses"]
    sha256 = ["--text-sha256", needed["text_sha256"], "--as", "Ann", "--purpose", "research"]
    code, _, err = run("licenses", "accept", model, *sha256)
    assert code == 0, err


def test_a_model_at_an_endpoint_from_its_addition_to_its_removal(script: ScriptedEndpoint) -> None:
    assert told("endpoints", "list") == []
    added = told("endpoints", "add", "lab", script.url, "--license", "apache-2.0")
    model = {"id": "lab/tiny", "model": "tiny", "context_length": 4096, "sees_images": None}
    expected = {
        "name": "lab",
        "address": script.url,
        "host": script.server.url.removeprefix("http://"),
        "encrypted": True,
        "engine": "vLLM",
        "license": "Apache-2.0",
        "context_length": None,
        "token": None,
        "checked": added["checked"],
        "models": [model],
    }
    assert added == expected | {"gone": [], "left_out": 0}
    assert told("endpoints", "list") == [expected]
    (listed,) = [each for each in told("models", "list") if each["location"] == "remote"]
    assert (listed["id"], listed["installed"], listed["files"], listed["path"]) == ("lab/tiny", False, [], None)
    assert listed["endpoint"]["host"] == expected["host"]
    assert {each["location"] for each in told("models", "list")} == {"local", "remote"}
    shown = told("models", "show", "lab/tiny")
    assert (shown["state"], shown["context_length"], shown["imported"]) == ("to-accept", 4096, False)

    code, _, err = run("ask", "Hello?", "--model", "lab/tiny")
    assert (code, script.sent) == (4, []), err
    accept()
    asked = told("ask", "Hello?", "--model", "lab/tiny")
    assert (asked["text"], asked["model"], asked["file_sha256"]) == ("Hellofromafar.", "lab/tiny", "")
    assert (asked["prompt_tokens"], asked["generated_tokens"], asked["engine"]) == (7, 3, "vLLM")
    kept = told("ask", "And now?", "--model", "lab/tiny", "--conversation", "new")
    assert kept["text"] == "Hellofromafar."

    events = [(each["event"], each["model"], each["file_sha256"]) for each in told("licenses", "log")]
    identity = f"{script.url}#tiny"
    assert events == [(event, identity, "") for event in ("refused", "acknowledged", "loaded", "loaded")]
    assert told("licenses", "verify")["ok"]
    purposes = {each["purpose"] for each in told("network", "log")}
    assert purposes == {"endpoint-models", "endpoint-chat"}

    assert run("licenses", "revoke", "lab/tiny")[0] == 0
    assert run("ask", "Hello?", "--model", "lab/tiny")[0] == 4
    assert told("endpoints", "remove", "lab") == {"name": "lab", "address": script.url}
    assert run("ask", "Hello?", "--model", "lab/tiny")[0] == 3
    assert run("endpoints", "remove", "lab")[0] == 3


def test_what_was_accepted_for_one_address_counts_for_no_other(script: ScriptedEndpoint) -> None:
    told("endpoints", "add", "lab", script.url, "--license", "MIT")
    accept()
    told("endpoints", "remove", "lab")
    with ScriptedEndpoint().server.running() as other:
        told("endpoints", "add", "lab", f"{other.url}/v1", "--license", "MIT")
        assert run("ask", "Hello?", "--model", "lab/tiny")[0] == 4
    told("endpoints", "remove", "lab")
    told("endpoints", "add", "again", script.url, "--license", "MIT")
    assert told("ask", "Hello?", "--model", "again/tiny")["text"] == "Hellofromafar."


def test_terms_of_a_model_that_the_catalog_knows_are_added(script: ScriptedEndpoint) -> None:
    script.models = [{"id": "meta-llama/Llama-3.2-1B-Instruct"}, {"id": "unheard-of"}]
    told("endpoints", "add", "lab", script.url, "--license", "mit")
    shown = told("models", "show", "lab/meta-llama/Llama-3.2-1B-Instruct")
    assert {each["id"] for each in shown["licenses"]} == {"MIT", "LicenseRef-Llama-3.2"}
    assert "user-cap" in shown["restrictions"]
    assert shown["context_length"] is None
    told("endpoints", "remove", "lab")
    told("endpoints", "add", "lab", script.url)
    (needed,) = told("models", "show", "lab/unheard-of")["licenses"]
    assert needed["id"] == "LicenseRef-Unknown"


def test_offline_and_policy_forbid_it(
    script: ScriptedEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told("endpoints", "add", "lab", script.url, "--license", "mit")
    accept()
    before = len(list(script.asked))
    monkeypatch.setenv("LATCHKEY_OFFLINE", "1")
    for arguments in (
        ("ask", "Hello?", "--model", "lab/tiny"),
        ("endpoints", "check", "lab"),
        ("endpoints", "add", "other", script.url),
    ):
        code, _, err = run(*arguments)
        assert code == 8, err
    monkeypatch.delenv("LATCHKEY_OFFLINE")
    policy = tmp_path / "policy.toml"
    monkeypatch.setenv("LATCHKEY_POLICY", str(policy))
    for text in (
        '[deny]\nhost = ["127.0.0.1"]',
        "require_checksum = true",
        '[allow]\nlicense = ["MIT"]',
        "imports = false",
    ):
        policy.write_text(text)
        code, _, err = run("ask", "Hello?", "--model", "lab/tiny")
        assert code == 8, (text, err)
    assert len(list(script.asked)) == before
    policy.write_text('imports = false\n[allow]\nhost = ["127.0.0.1"]')
    assert run("ask", "Hello?", "--model", "lab/tiny")[0] == 0
    policy.write_text('[deny]\nhost = ["a/b"]')
    assert "is no host" in run("ask", "Hello?", "--model", "lab/tiny")[2]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("add", "a b", "URL"), 2, "cannot be called"),
        (("add", "meta-llama", "URL"), 2, "models by that publisher are known"),
        (("add", "lab", "http://example.org/v1"), 2, "could be read by anybody on the way"),
        (("add", "lab", "URL", "--license", "nothing-known"), 3, "no license called"),
        (("add", "lab", "URL", "--context", "0"), 2, "1 or more"),
        (("check", "lab"), 3, "no endpoint called"),
    ],
)
def test_what_cannot_be_is_told(script: ScriptedEndpoint, arguments: tuple[str, ...], code: int, words: str) -> None:
    found, _, err = run("endpoints", *(script.url if each == "URL" else each for each in arguments))
    assert (found, words in err) == (code, True), err
    assert not list(script.asked)


def test_a_token_is_kept_for_the_host_and_forgotten_where_it_is_refused(
    script: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = SessionTokenStore()  # one that outlives a command, as a keyring does
    monkeypatch.setattr(access_tokens, "SessionTokenStore", lambda: kept)
    monkeypatch.setattr(AccessTokens, "best_place", lambda self: "session")
    script.server.handler = refuse(401)
    code, _, err = run("endpoints", "add", "lab", script.url, "--token", stdin=b"sk-wrong-one\n")
    assert code == 5, err
    assert "sk-wrong-one" not in err
    assert kept.hosts() == ()
    made = ScriptedEndpoint()
    made.chats = [stream(*said("Yes."))]
    script.server.handler = made.server.handler
    added = told("endpoints", "add", "lab", script.url, "--token", "--license", "mit", stdin=b"sk-right-one\n")
    assert added["token"] == "session"
    host = added["host"]
    assert run("token", "set", "--host", host, stdin=b"sk-other-one\n")[0] == 0
    accept()
    assert told("ask", "Hello?", "--model", "lab/tiny")["text"] == "Yes."
    sent = [each.headers.get("authorization") for each in script.asked]
    assert sent[0] == "Bearer sk-wrong-one"
    assert sent[-1] == "Bearer sk-other-one"
    assert run("token", "forget", "--host", host)[0] == 0
    told("endpoints", "check", "lab")
    assert list(script.asked)[-1].headers.get("authorization") is None


def test_a_check_goes_on_past_an_endpoint_that_is_gone(script: ScriptedEndpoint) -> None:
    told("endpoints", "add", "lab", script.url)
    with ScriptedEndpoint().server.running() as other:
        told("endpoints", "add", "gone", f"{other.url}/v1")
    code, out, err = run("endpoints", "check", "--json")
    assert (code, [each["name"] for each in json.loads(out)]) == (9, ["lab"])
    assert "gone: " in err
    code, out, err = run("endpoints", "list")
    assert code == 0
    assert "vLLM" in out
    code, out, err = run("models", "show", "lab/tiny")
    assert (code, "NOT ON THIS MACHINE" in out) == (0, True), err
    assert run("models", "remove", "lab/tiny")[0] == 3
    assert run("models", "verify")[0] == 0


def test_the_hub_is_not_asked_for_what_an_endpoint_has_or_had(script: ScriptedEndpoint) -> None:
    told("endpoints", "add", "lab", script.url)
    assert run("offline", "on")[0] == 0  # whatever is not refused for its name is refused for that
    of_lab = [("show", "lab/secret-project"), ("get", "LAB/secret-project"), ("show", "lab/a:Q4_K_M")]
    for removed in (False, True):
        for action, name in of_lab:
            code, _, err = run("models", action, name)
            assert (code, "the Hub is not asked" in err, "https://huggingface.co/" in err) == (3, True, True), err
        if not removed:
            told("endpoints", "remove", "lab")
    for name in ("https://huggingface.co/lab/secret-project", "laboratory/model"):
        code, _, err = run("models", "show", name)
        assert (code, "the Hub is not asked" in err) == (8, False), err
