"""A name in a policy that nothing answers to would forbid nothing: it is a mistake, and is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from desktop.errors import ForbiddenError
from desktop.licenses.policy import forbids
from desktop.licenses.policy_file import PolicyFile
from tests.unit.catalog.families import CATALOG
from tests.unit.licenses.test_policy import names, subject


def file(tmp_path: Path, text: str) -> PolicyFile:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return PolicyFile(path, catalog=lambda: CATALOG)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[deny]\nlicense = ["Apache-20"]', "is Apache-2.0 meant?"),
        ('[deny]\nlicense = ["apache 2.0"]', "apache 2.0"),
        ('[allow]\nlicense = ["MIT", "NoSuchLicense"]', "NoSuchLicense"),
        ('[deny]\nlicense = ["\u041cIT"]', "deny.license"),
        ('[deny]\nlicense = ["LicenseRef-with blank"]', "with blank"),
        ('[deny]\nlicense = ["MIT", "mit"]', "twice"),
        ('[deny]\nlicense = [""]', "no name"),
        ('[deny]\nlicense = [" MIT"]', "no name"),
        ('[allow]\npublisher = ["Meta", "meta"]', "twice"),
        ('[allow]\npublisher = ["Meta\\u200b"]', "no name"),
        ('[deny]\npublisher = ["meta", "https://hf.co/Meta/"]', "twice"),
        ('[deny]\npublisher = ["meta/llama"]', "names no publisher"),
        ('[deny]\npublisher = ["https://elsewhere.example/meta"]', "names no publisher"),
        ('[deny]\npublisher = ["https://huggingface.co/meta/llama/tree/main"]', "names no publisher"),
        ('[deny]\npublisher = ["@meta"]', "names no publisher"),
        ('[deny]\nrepository = ["dolli"]', "is dolly meant?"),
        ('[deny]\nrepository = ["meta"]', "names no repository"),
        ('[deny]\nrepository = ["meta/llama/"]\n[allow]\nrepository = ["a b/c"]', "allow.repository"),
        ('[deny]\nrepository = ["https://elsewhere.example/meta/llama"]', "names no repository"),
        ('[deny]\nrepository = ["meta/llama", "https://hf.co/Meta/Llama"]', "twice"),
        ('[deny]\ngate = ["open", "open"]', "twice"),
        ('[deny]\ngate = ["Open"]', "deny.gate"),
        ('[deny]\nrestriction = ["Non-Commercial"]', "deny.restriction"),
        ('[deny]\nrestrictions = ["non-commercial"]', "restrictions"),
        ('[Deny]\nlicense = ["MIT"]', "Deny"),
        ('purpose = ["research", "research"]', "twice"),
        ('purpose = ["Research"]', "purpose"),
        ('imports = "false"', "imports"),
        ("offline = 1", "offline"),
        ("contact = 5", "contact"),
        ('endpoint = ["hub.example"]', "no address of a Hub"),
        ('endpoint = "https://hub.example"', "endpoint"),
        ('[deny]\nlicense = "MIT"', "deny.license"),
        ('[deny]\nlicense = [["MIT"]]', "deny.license"),
        ('[[deny]]\nlicense = ["MIT"]', "deny"),
    ],
)
def test_a_value_that_cannot_be_right_forbids_everything_and_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ForbiddenError) as caught:
        file(tmp_path, text + "\n").current()
    assert named in caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        '[deny]\nlicense = ["mit", "APACHE-2.0", "CreativeML-OpenRAIL-M", "LicenseRef-of-somebody"]',
        '[deny]\nlicense = ["gpl-3.0", "llama4", "openmdw-1.1"]\npublisher = ["Meta AI", "Zoë & Co."]',
        '[deny]\nrepository = ["dolly", "meta/llama", "https://huggingface.co/a/b/tree/main", "hf.co/c/d"]',
        'purpose = []\nendpoint = ["https://hub.example/", "http://127.0.0.1:8770"]\n[allow]\nlicense = []',
    ],
)
def test_names_that_are_known_or_can_be_right_are_taken(tmp_path: Path, text: str) -> None:
    file(tmp_path, text + "\n").current()


@pytest.mark.parametrize(
    "name",
    ["META/Llama", "https://huggingface.co/meta/llama", "hf.co/meta/llama.git", "meta/llama:Q4_K_M", "llama"],
)
def test_a_model_is_denied_by_its_id_and_its_repository_in_any_spelling(tmp_path: Path, name: str) -> None:
    policy = file(tmp_path, f'[deny]\nrepository = ["{name}"]\n').current()
    for model_id in ("llama", "vicuna"):  # itself, and what was made from it
        assert forbids(policy, subject(model_id), names) is not None
    assert forbids(policy, subject("dolly"), names) is None


def test_a_repository_is_denied_by_whatever_name_it_ever_had(tmp_path: Path) -> None:
    renamed = replace(subject("dolly"), names=("before/dolly",))
    for rule in ('repository = ["Before/Dolly"]', 'publisher = ["BEFORE"]'):
        found = forbids(file(tmp_path, f"[deny]\n{rule}\n").current(), renamed, names)
        assert found is not None
        assert "before" in found.title


def test_an_unlisted_license_is_denied_by_its_bare_name_and_allowed_only_by_its_own(tmp_path: Path) -> None:
    def under(license_id: str) -> object:
        model = subject("pythia")
        return replace(model, needed=tuple(replace(each, id=license_id) for each in model.needed))

    deny = file(tmp_path, '[deny]\nlicense = ["LicenseRef-Acme"]\n').current()
    assert forbids(deny, under("acme"), names) is not None  # type: ignore[arg-type]
    allow = file(tmp_path, '[allow]\nlicense = ["MIT"]\n').current()
    assert forbids(allow, under("LicenseRef-MIT"), names) is not None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["meta", "META", "meta/", "hf.co/meta", "https://huggingface.co/meta/", "//hf.co/meta"]
)
def test_a_publisher_is_named_by_the_address_of_its_page_as_well(tmp_path: Path, text: str) -> None:
    policy = file(tmp_path, f'[deny]\npublisher = ["{text}"]\n').current()
    assert forbids(policy, replace(subject("dolly"), publisher="Meta"), names) is not None
    assert forbids(policy, replace(subject("dolly"), publisher="Another"), names) is None


def test_a_publisher_s_words_stay_as_they_are(tmp_path: Path) -> None:
    policy = file(tmp_path, '[deny]\npublisher = ["Institute of Science", "AI2"]\n').current()
    assert policy.deny.publisher == ("Institute of Science", "AI2")
