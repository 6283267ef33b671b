"""An organization's policy: what it forbids is named, with whom to ask; a policy that cannot be read forbids all."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.errors import ForbiddenError
from desktop.library.subject_builder import subject_of_entry
from desktop.licenses.license_subject import LicenseSubject
from desktop.licenses.policy import CombinedPolicy, Policy, forbids, forbids_purpose
from desktop.licenses.policy_file import PolicyFile, find_policies
from tests.unit.catalog.families import CATALOG


def subject(model_id: str) -> LicenseSubject:
    entry = CATALOG.find_model(model_id)
    assert entry is not None
    return subject_of_entry(entry, CATALOG, lambda license_id: f"text of {license_id}")


def names(license_id: str) -> Iterable[str]:
    known = CATALOG.find_license(license_id)
    return (known.id, *known.hub_ids) if known else (license_id,)


def policy(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return PolicyFile(path).current()


@pytest.mark.parametrize(
    ("text", "model_id", "names_it"),
    [
        ('[deny]\nlicense = ["MIT"]', "dolly", "MIT"),
        ('[deny]\nlicense = ["LLAMA"]', "stablevicuna", "LicenseRef-LLaMA"),
        ('[deny]\nrestriction = ["research-only"]', "alpaca", "research-only"),
        ('[deny]\npublisher = ["someone"]', "dolly", "Someone"),
        ('[deny]\npublisher = ["Meta"]', "stablevicuna", "Meta"),
        ('[deny]\nrepository = ["meta/llama"]', "vicuna", "meta/llama"),
        ('[deny]\nrepository = ["https://hf.co/Meta/llama/tree/main"]', "vicuna", "meta/llama"),
        ('[deny]\ngate = ["hub-manual"]', "llama-3.2", "hub-manual"),
        ('[allow]\nlicense = ["Apache-2.0"]', "dolly", "MIT"),
        ('[allow]\nlicense = []', "pythia", "Apache-2.0"),
        ('[allow]\nrestriction = ["attribution"]', "llama-3.2", "acceptable-use"),
        ('[allow]\npublisher = ["Meta"]', "dolly", "Someone"),
        ('[allow]\nrepository = ["someone/pythia"]', "dolly", "someone/dolly"),
        ('[allow]\ngate = ["open"]', "llama-3.2", "hub-manual"),
        ('[allow]\nlicense = ["MIT", "Apache-2.0"]\n[deny]\nlicense = ["MIT"]', "dolly", "MIT"),
        ("require_checksum = true", "dolly", "checksum"),
    ],
)  # fmt: skip
def test_what_is_forbidden_is_named_with_whom_to_ask(tmp_path: Path, text: str, model_id: str, names_it: str) -> None:
    found = forbids(policy(tmp_path, 'contact = "legal@example.org"\n' + text), subject(model_id), names)
    assert found is not None
    assert found.title.startswith("Forbidden by your organization")
    assert names_it in found.title
    assert "legal@example.org" in found.remedy


@pytest.mark.parametrize(
    ("text", "model_id"),
    [
        ("", "alpaca"),
        ('[allow]\nlicense = ["mit", "apache-2.0"]', "dolly"),
        ('[allow]\npublisher = ["Someone"]', "stablevicuna"),
        ('[allow]\nrestriction = []', "dolly"),
        ('[deny]\nlicense = ["CC-BY-SA-3.0"]', "dolly"),
        ("imports = false", "dolly"),
    ],
)  # fmt: skip
def test_what_is_not_forbidden_is_allowed(tmp_path: Path, text: str, model_id: str) -> None:
    """Also: `allow` by publisher looks at the model, not at ancestors; terms of training data bind nobody here."""
    assert forbids(policy(tmp_path, text), subject(model_id), names) is None


def test_imports_can_be_forbidden_and_an_unknown_gate_is_on_no_list(tmp_path: Path) -> None:
    mine = replace(subject("dolly"), imported=True, gate=None)
    assert forbids(policy(tmp_path, "imports = false"), mine, names) is not None
    assert forbids(policy(tmp_path, '[allow]\ngate = ["open"]'), mine, names) is not None


def test_only_the_purposes_on_the_list_may_be_declared(tmp_path: Path) -> None:
    found = policy(tmp_path, 'purpose = ["research"]')
    assert forbids_purpose(found, "research") is None
    refusal = forbids_purpose(found, "commercial")
    assert refusal is not None
    assert "commercial" in refusal.title


@pytest.mark.parametrize(
    "content",
    [
        b"[deny\n",
        b'[deny]\nlicence = ["MIT"]\n',
        b'[deny]\ngate = ["ajar"]\n',
        b'purpose = "research"\n',
        b"require_checksum = 1\n",
        b"\xff\xfe\x00",
        b"nothing = true\n",
        b"a" * (2 << 20),
    ],
    ids=["syntax", "misspelt", "no such gate", "no list", "no truth", "no text", "unknown", "huge"],
)
def test_a_policy_that_does_not_hold_fails_closed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(content)
    file = PolicyFile(path)
    for _ in range(2):
        with pytest.raises(ForbiddenError) as caught:
            file.current()
        assert str(path) in caught.value.detail


def test_a_policy_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    file = PolicyFile(path)
    assert file.current() == Policy()
    path.write_text("imports = false\n", encoding="utf-8")
    assert not file.current().imports
    path.write_text("broken", encoding="utf-8")
    with pytest.raises(ForbiddenError):
        file.current()
    path.unlink()
    assert file.current() == Policy()


def test_a_policy_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    named = find_policies({"LATCHKEY_POLICY": str(tmp_path / "none.toml")}, tmp_path / "system.toml")
    assert named.exists
    with pytest.raises(ForbiddenError):
        named.current()
    assert find_policies({}, tmp_path / "system.toml").current() == CombinedPolicy()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser reads everything")
def test_a_policy_that_may_not_be_read_fails_closed(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("", encoding="utf-8")
    path.chmod(0)
    with pytest.raises(ForbiddenError):
        PolicyFile(path).current()


def test_a_policy_that_is_a_folder_or_a_dead_link_fails_closed(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "link.toml").symlink_to(tmp_path / "gone")
    for name in ("folder.toml", "link.toml"):
        with pytest.raises(ForbiddenError):
            PolicyFile(tmp_path / name).current()
