"""A base brings its license and its bans along, however a file spells it; one that cannot be read is not known."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from desktop.catalog.catalog import EntryBase
from desktop.engine.gguf_header import read_header
from desktop.errors import ForbiddenError
from desktop.library.installed_models import installed_from_header
from desktop.library.subject_builder import subject_of_installed
from desktop.licenses.license_subject import UNKNOWN_LICENSE, LicenseSubject
from desktop.licenses.policy import Policy, PolicyRules, forbids
from tests.fakes.tiny_gguf import random_model
from tests.unit.catalog.families import CATALOG

LLAMA = "LicenseRef-LLaMA"  # of meta/llama, in this catalog
WHERE = "huggingface.co/meta/llama"
KEY = "general.base_model"


def subject(tmp_path: Path, metadata: dict[str, Any]) -> LicenseSubject:
    """A file that says it is under the MIT license, with these entries in its header."""
    path = random_model(tmp_path / "m.gguf", metadata={"general.license": "mit", **metadata})
    return subject_of_installed(
        installed_from_header(read_header(path), CATALOG), CATALOG, lambda license_id: f"of {license_id}"
    )


def needed(subject: LicenseSubject) -> set[str]:
    return {each.id for each in subject.needed}


def names(license_id: str) -> Iterable[str]:
    return (license_id,)


def refused(subject: LicenseSubject, **denied: tuple[str, ...]) -> ForbiddenError | None:
    return forbids(Policy(deny=PolicyRules(**denied)), subject, names)  # type: ignore[arg-type]


SPELLED = [
    f"https://{WHERE}",
    "https://hf.co/meta/llama",
    f"http://www.{WHERE}/",
    f"https://{WHERE}/tree/main",
    f"https://{WHERE}/blob/main/model.gguf",
    f"https://{WHERE}/resolve/main/a%20b.gguf?download=true",
    f"https://{WHERE}.git",
    f"https://{WHERE}/discussions/1#top",
    f"https://{WHERE}?library=true",
    "HTTPS://HuggingFace.CO/META/LLaMA",
    "https://huggingface.co:443/meta/llama",
    "https://huggingface.co./meta/llama",
    "https://ada@huggingface.co/meta/llama",
    "https://huggingface.co/%6deta/ll%61ma",
    "https://huggingface.co//meta///llama",
    "https://huggingface.co/models/meta/llama",
    "https://huggingface.co/api/models/meta/llama",
    "//huggingface.co/meta/llama",
    "hf://meta/llama",
    "hf://models/meta/llama@main/model.gguf",
    "hf.co/meta/llama",
    "huggingface.co:443/meta/llama:Q4_K_M",
    "meta/llama",
    "  meta/llama \n",
    "ｍｅｔａ／ｌｌａｍａ",
    "https://hugging\u200bface.co/meta/lla\u00adma",
    "git@hf.co:meta/llama.git",
    "ssh://git@hf.co/meta/llama.git",
    "git+https://huggingface.co/meta/llama.git",
    "<https://huggingface.co/meta/llama>.",
    "https://mirror.example.org/meta/llama",
    "https://mirror.example.org/models/meta/llama/summary",
]


@pytest.mark.parametrize("address", SPELLED)
def test_a_base_in_any_spelling_brings_its_license_and_is_denied(tmp_path: Path, address: str) -> None:
    found = subject(tmp_path, {f"{KEY}.count": 1, f"{KEY}.0.repo_url": address})
    assert needed(found) == {LLAMA, "MIT"}
    assert refused(found, repository=("Meta/Llama",)) is not None
    assert refused(found, license=(LLAMA,)) is not None
    assert refused(found, publisher=("meta",)) is not None


UNREADABLE = [
    "https://example.org/x",
    "https://huggingface.co/datasets/meta/llama",
    "https://huggingface.co/meta/../evil/llama",
    "https://huggingface.co/met\u0430/llama",  # a Cyrillic a
    "meta\\llama",
    "ftp://huggingface.co/meta/llama",
    "javascript:meta/llama\x00",
    "\u200b",
    "?",
    " " * 5000 + "meta/llama" + "x" * 5000,
    "https://[::1/meta/llama",
    "https://huggingface.co/%ff%fe/%00",
]


@pytest.mark.parametrize("address", UNREADABLE)
def test_a_base_that_cannot_be_read_is_unknown_and_never_none(tmp_path: Path, address: str) -> None:
    found = subject(tmp_path, {f"{KEY}.count": 1, f"{KEY}.0.repo_url": address})
    assert [flag.kind for flag in found.lineage.unknown] == ["unknown-base"]
    assert needed(found) == {UNKNOWN_LICENSE, "MIT"}
    for denied in (
        {"repository": ("a/b",)},
        {"publisher": ("A",)},
        {"license": (LLAMA,)},
        {"restriction": ("region",)},
    ):
        error = refused(found, **denied)
        assert error is not None
        assert "base" in error.title
    assert refused(found, gate=("closed",)) is None
    allowed = Policy(allow=PolicyRules(license=("MIT", UNKNOWN_LICENSE)), deny=PolicyRules(license=(LLAMA,)))
    assert forbids(allowed, found, names) is None  # where the policy itself names what is unknown


@pytest.mark.parametrize(
    "metadata",
    [
        {f"{KEY}.count": 1},
        {f"{KEY}.0.repo_url": " "},
        {f"{KEY}.0.description": "a model"},
        {f"{KEY}.count": 0, f"{KEY}.7.repo_url": 5},
        {f"{KEY}.count": 2, f"{KEY}.0.repo_url": ["https://huggingface.co/meta/llama"]},
        {f"{KEY}.count": 1, f"{KEY}.0.organization": "Meta"},
        {f"{KEY}.x.author": "Meta"},
    ],
)
def test_a_base_that_is_spoken_of_but_not_named_is_unknown(tmp_path: Path, metadata: dict[str, Any]) -> None:
    found = subject(tmp_path, metadata)
    assert [flag.kind for flag in found.lineage.unknown] == ["unknown-base"]
    assert "does not name" in found.lineage.unknown[0].sentence
    assert UNKNOWN_LICENSE in needed(found)


@pytest.mark.parametrize(
    "metadata",
    [
        {f"{KEY}.0.repo_url": f"https://{WHERE}"},
        {f"{KEY}.count": 0, f"{KEY}.0.repo_url": f"https://{WHERE}"},
        {f"{KEY}.count": 1, f"{KEY}.3.url": f"https://{WHERE}"},
        {f"{KEY}.count": 1, f"{KEY}.0.name": "Llama", f"{KEY}.0.organization": "Meta"},
        {f"{KEY}.count": 1, f"{KEY}.0.name": "Llama"},
        {f"{KEY}.count": 1, f"{KEY}.0.name": "meta/llama", f"{KEY}.0.organization": "Someone"},
        {f"{KEY}.count": 1, f"{KEY}.0.repo_url": "https://x.example/", f"{KEY}.0.name": "LLAMA"},
    ],
)
def test_a_base_is_found_by_its_words_and_whatever_the_file_counts(tmp_path: Path, metadata: dict[str, Any]) -> None:
    assert LLAMA in needed(subject(tmp_path, metadata))


def test_words_and_version_make_the_name_of_a_repository(tmp_path: Path) -> None:
    words = {"organization": "Meta Llama", "name": "Llama 3.2 1B It", "version": "v2"}
    found = subject(tmp_path, {f"{KEY}.count": 1, **{f"{KEY}.0.{key}": word for key, word in words.items()}})
    assert found.lineage.node.bases == (EntryBase("Meta-Llama/Llama-3.2-1B-It-v2", "fine-tune"),)
    assert refused(found, repository=("meta-llama/llama-3.2-1b-it-v2",)) is not None
    assert refused(found, publisher=("meta-llama",)) is not None
    assert refused(found, publisher=("google",)) is None


def test_more_bases_than_are_read_are_not_taken_for_none(tmp_path: Path) -> None:
    many = {f"{KEY}.{index}.repo_url": f"https://huggingface.co/a/m{index}" for index in range(64)}
    found = subject(tmp_path, {f"{KEY}.count": 65, **many, f"{KEY}.64.repo_url": f"https://{WHERE}"})
    assert "(not named)" in {flag.node for flag in found.lineage.unknown}


def test_one_base_in_two_spellings_is_one(tmp_path: Path) -> None:
    found = subject(
        tmp_path,
        {f"{KEY}.0.repo_url": "https://hf.co/META/llama.git", f"{KEY}.1.repo_url": f"http://{WHERE}/tree/main"},
    )
    assert [each.node.id for each in found.lineage.ancestors] == ["llama"]


@pytest.mark.parametrize(
    "key", ["general.source.repo_url", "general.source.huggingface.repository", "general.repo_url"]
)
def test_where_a_model_came_from_counts_where_no_base_is_named(tmp_path: Path, key: str) -> None:
    found = subject(tmp_path, {key: "https://HF.co/meta/llama/tree/main", "general.name": "Something else entirely"})
    assert needed(found) == {LLAMA, "MIT"}
    assert refused(found, repository=("meta/llama",)) is not None
