"""The license texts that ship are their publishers' files, byte for byte, where those could be had."""

import hashlib
import re
from pathlib import Path

import pytest

from desktop.catalog.catalog import Catalog
from desktop.catalog.catalog_file import read_catalog
from desktop.licenses.license_texts import words_sha256
from desktop.paths import find_paths

LICENSES = find_paths().resources / "licenses"
PUBLISHED = {
    "cc-by-sa-3.0.txt": "3f941b3b89cf7b8370ceb83cc76d2120d471b58735d8ca60238a751a48d7f72f",
    "cc0-1.0.txt": "a2010f343487d3f7618affe54f789f5487602331c0a8d03f49e9a7c547cf0499",
    "deepseek.txt": "ccfee4895df0",
    "llama-2.txt": "f28d05612fee8ef09283d4e755c468080b13d1cd92c9ae1aa52c84b075799e23",
    "llama-2-use-policy.txt": "7c23fb36d80141c4ab8cdbb61ee4790102ebd2bf7aeff414453177d4f2110e5d",
    "llama-3.txt": "6afe79695ec2b066faaacea47584f8581d5d1f2d0d8078970e52be699a383af5",
    "llama-3.1.txt": "bf2eac60b81e5c5f779fc3b4849d3bfacfd63f97f3eb68b44e9c6868c5801712",
    "llama-3.1-use-policy.txt": "f456a3f5b15ab588c84d06cf095a245bfee0bbc1620b48ed00af2cca4a711735",
    "llama-3.2.txt": "8cc15535a8a34b41888f644b339a1a9eb428af793a4f5e24df58a3e5b1487d74",
    "llama-3.2-use-policy.txt": "40e2777d7faa6beaf98400654170f414d8ab29b921b5163ad4ea0a1d39894201",
    "llama-3.3.txt": "fb58d9a630ccc1dc0d08f8c00232de56bc73309020f59c8181d0c12ef28d9f8c",
    "llama-3.3-use-policy.txt": "fac148bfbd9f515b3a7a9885d5d324187cd2ef9e2dcc9cdde49ef248695f3e07",
    "llama-4.txt": "6b346865267ef58a4592287a99e9417178223c9300e9da361ce7801be6dea61f",
    "llama-4-use-policy.txt": "bbf009b29f1dc413c2b3c9abb12637b0cdffa350cd0a3bd6eba89b270fc9e83f",
    "mistral-research.txt": "c826591fa866",
    "nvidia-nemotron-open-model.txt": "ff43fc669f58899c4df41b48aa65da125378e13ea0972c0cdd68624834da5bbc",
    "nvidia-open-model.txt": "a0c4f6a35dd2",
    "qwen.txt": "8aff84e2629e",
    "openmdw-1.1.txt": "2ab44b68365473c112f5092211a38f231cb23e50de68b75a13369adbd76a74df",
    "qwen-research.txt": "5410c8985a7f",
    "stability-community.txt": "a0f992849ce25def8e531884edd7adf3c00cb8d2d4c59e49f0cb02597c29066e",
    "tongyi-qianwen.txt": "7c7b8e244f6a",
}
"""The sha256 of publishers' files, as they were compared; where only its beginning was noted, that."""


def catalog() -> Catalog:
    return read_catalog(find_paths().catalog, None, text_folders=(find_paths().resources,)).catalog


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_text_is_its_publishers_file_byte_for_byte(name: str) -> None:
    assert sha256(LICENSES / name).startswith(PUBLISHED[name])


def test_a_license_says_so_only_of_a_text_that_was_compared() -> None:
    said = {each.text.removeprefix("licenses/") for each in catalog().license if each.publishers_file}
    of_pages = {"nvidia-nemotron-open-model.txt"}  # the publisher has a page and no file
    assert said == {name for name in PUBLISHED if not name.endswith("-use-policy.txt")} - of_pages


def test_the_list_of_texts_names_every_file_with_its_hash() -> None:
    listed = dict(
        re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (LICENSES / "README.md").read_text("utf-8"), re.MULTILINE)
    )
    assert listed == {each.name: sha256(each) for each in LICENSES.glob("*.txt")}


def test_another_edition_is_not_the_text_that_ships() -> None:
    for license_ in catalog().license:
        shipped = sha256(LICENSES.parent / license_.text) if license_.text else ""
        editions = [each.sha256 for each in license_.edition]
        assert len({shipped, *editions}) == 1 + len(editions), license_.id


def test_white_space_is_no_word() -> None:
    assert words_sha256(b"Use it.\r\n\r\nBe kind.") == words_sha256(b"\xef\xbb\xbfUse  it. Be kind.\n")
    assert words_sha256(b"Use it.") != words_sha256(b"Use it")
    assert words_sha256(b"Use it.") != words_sha256(b"Us eit.")


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
