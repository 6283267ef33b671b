"""The workflow for a public host: it can be read, and every command in it is one that exists here."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.packaging.scripts import PACKAGING, TOP, load_script

WORKFLOW = TOP / ".github" / "workflows" / "ci.yml"
FROM_ELSEWHERE = {"sudo", "apt-get", "cp", "mkdir", "sh", "iscc"}
MODULES = {"build", "mypy", "pip", "pip_audit", "pytest", "ruff", "venv"}


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    return dict(read["jobs"])


def steps(jobs: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in jobs.values() for step in job["steps"]]


def commands(jobs: dict[str, Any]) -> list[list[str]]:
    """Each command as its words, without what is set in front of it."""
    lines = [part for step in steps(jobs) if "run" in step for part in step["run"].split("&&")]
    return [[word for word in line.split() if not re.match(r"[A-Z_]+=", word)] for line in lines]


def test_systems_and_pythons_are_those_that_latchkey_is_for(jobs: dict[str, Any]) -> None:
    matrices = [job.get("strategy", {}).get("matrix", {}) for job in jobs.values()]
    runners = {each for matrix in matrices for each in matrix.get("runner", ())} | {
        job["runs-on"] for job in jobs.values()
    }
    assert {"ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "windows-2025"} <= runners
    assert {each for matrix in matrices for each in matrix.get("python", ())} == {"3.11", "3.13"}
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
    assert all("timeout-minutes" in job for job in jobs.values())


def test_every_command_exists(jobs: dict[str, Any]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for first, *others in commands(jobs):
        if first == "make":
            wanted = [word for word in others if re.fullmatch(r"[a-z][a-z-]*", word)]
            assert wanted
            assert set(wanted) <= targets, wanted
        elif first.endswith("python") and others[0] == "-m":
            assert others[1] in MODULES, others
        elif not first.endswith("python") and not first.startswith("."):
            assert first in FROM_ELSEWHERE, first
        for word in (first, *others):
            if re.match(r"(packaging|\.ci)/", word):
                assert (TOP / word).is_file(), word


def test_actions_are_of_a_named_version_and_nothing_names_a_host_or_a_secret(jobs: dict[str, Any]) -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    used = re.findall(r"uses: (.+)", text)
    assert len(used) == len([step for step in steps(jobs) if "uses" in step])
    # By commit: a tag can be moved to another one.
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used)
    for step in steps(jobs):
        if "/checkout@" in step.get("uses", ""):
            assert step["with"] == {"persist-credentials": False}
    assert "://" not in text
    assert "secrets." not in text
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_checksums_are_in_the_form_that_coreutils_read(tmp_path: Any) -> None:
    checksums = load_script("checksums.py")
    with pytest.raises(ValueError, match="no file"):
        checksums.write_checksums(tmp_path)
    (tmp_path / "b.deb").write_bytes(b"")
    (tmp_path / "a.whl").write_bytes(b"abc")
    (tmp_path / "a.whl.minisig").write_bytes(b"signature")
    checksums.write_checksums(tmp_path)
    checksums.write_checksums(tmp_path)  # its own files are not among those hashed
    assert (tmp_path / "SHA256SUMS").read_text().splitlines() == [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.whl",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b.deb",
    ]
    assert [len(line.split()[0]) for line in (tmp_path / "SHA512SUMS").read_text().splitlines()] == [128, 128]


@pytest.mark.parametrize(
    ("what", "after"),
    [
        ("chats", []),
        ("models downloads", [{"id": "d", "done": 0}]),
        ("files", {"models/x.part": "another"}),
        ("ledger", ["second", "first"]),
        ("licenses verify", {"ok": False}),
    ],
)
def test_a_step_between_versions_that_loses_something_is_noticed(what: str, after: Any) -> None:
    two_versions = load_script("two_versions.py")
    before = {
        "chats": ["a chat"],
        "models downloads": [{"id": "d", "done": 16384}],
        "files": {"models/x.part": "hash"},
        "ledger": ["first"],
        "licenses verify": {"ok": True},
        "version": "1",
    }
    two_versions.compare("up", before, before | {"version": "2", "ledger": ["first", "second"]})
    with pytest.raises(SystemExit, match="up: "):
        two_versions.compare("up", before, before | {what: after})


def test_the_page_for_distributors_names_files_that_are_there() -> None:
    page = (PACKAGING / "DISTRIBUTORS.md").read_text(encoding="utf-8")
    places = re.findall(r"`((?:packaging|desktop|resources|tests)/[\w./-]+|[\w.]+\.toml|\.ci/run|Makefile)`", page)
    made_elsewhere = {"resources/updates.json", "policy.toml", "desktop/_data"}
    assert len(places) > 10
    assert [each for each in places if not (TOP / each).exists() and each not in made_elsewhere] == []
