"""Where policies come from: the one at the fixed place holds whatever the environment says, and others only add."""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.errors import ForbiddenError
from desktop.library.library_services import build_library_services
from desktop.licenses.policy import CombinedPolicy, forbids, forbids_imports, forbids_purpose
from desktop.licenses.policy_file import PolicyFile, PolicyFiles, find_policies
from desktop.paths import find_paths, system_policy
from tests.unit.licenses.test_policy import names, subject

NOTHING_OF_ONES_OWN = 'contact = "it@example.org"\nimports = false\n'


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """An administrator's policy at the fixed place."""
    path = tmp_path / "system" / "policy.toml"
    path.parent.mkdir()
    path.write_text(NOTHING_OF_ONES_OWN, encoding="utf-8")
    return path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def may_import(policies: PolicyFiles) -> bool:
    try:
        return forbids_imports(policies.current()) is None
    except ForbiddenError:
        return False


@pytest.mark.parametrize(
    "variables",
    [
        {"LATCHKEY_POLICY": "/dev/null"},
        {"LATCHKEY_POLICY": ""},
        {"LATCHKEY_POLICY": "{folder}/lax.toml"},
        {"LATCHKEY_POLICY": "{folder}/missing.toml"},
        {"XDG_CONFIG_DIRS": "/nonexistent"},
        {"XDG_CONFIG_DIRS": ""},
        {"XDG_CONFIG_DIRS": "relative:{folder}"},
        {"HOME": "/nonexistent", "LATCHKEY_HOME": "{folder}/elsewhere"},
        {"ProgramData": "/nonexistent", "ALLUSERSPROFILE": "/nonexistent", "WIN_PD_OVERRIDE_COMMON_APPDATA": "/none"},
    ],
    ids=str,
)
def test_no_variable_takes_the_policy_of_the_system_off(
    variables: dict[str, str], system: Path, tmp_path: Path, home: Path
) -> None:
    written(tmp_path / "lax.toml", "imports = true\n")
    environ = {"LATCHKEY_HOME": str(home)} | {key: each.format(folder=tmp_path) for key, each in variables.items()}
    paths = replace(find_paths(environ), system_policy=system)

    with closing(build_library_services(paths, environ)) as made:
        assert not may_import(made.policy)


def test_nothing_in_the_environment_moves_the_fixed_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = system_policy()
    for name in ("XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "HOME", "LATCHKEY_HOME", "LATCHKEY_POLICY", "ProgramData"):
        monkeypatch.setenv(name, str(tmp_path))

    assert system_policy() == before
    assert find_paths().system_policy == before
    assert before.is_absolute()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such folders")
def test_folders_of_the_system_add_policies(system: Path, tmp_path: Path) -> None:
    written(tmp_path / "site" / "Latchkey" / "policy.toml", 'purpose = ["research"]\n')

    both = find_policies({"XDG_CONFIG_DIRS": f"{tmp_path}/none:{tmp_path}/site"}, system).current()

    assert forbids_imports(both) is not None
    assert forbids_purpose(both, "commercial") is not None


@pytest.mark.parametrize(
    ("one", "other", "model_id", "names_it"),
    [
        ('[deny]\nlicense = ["MIT"]', "imports = true", "dolly", "MIT"),
        ("", '[deny]\nlicense = ["MIT"]', "dolly", "MIT"),
        ('[allow]\nlicense = ["MIT"]', '[allow]\nlicense = ["Apache-2.0"]', "dolly", "under the license"),
        ('[allow]\nlicense = ["Apache-2.0"]', '[allow]\nlicense = ["MIT"]', "dolly", "under the license"),
        ('[allow]\nlicense = []', '[allow]\nlicense = ["MIT"]', "dolly", "under the license"),
        ('[deny]\nlicense = ["MIT"]', '[deny]\nlicense = []\n[allow]\nlicense = ["MIT"]', "dolly", "MIT"),
        ("require_checksum = true", "require_checksum = false", "dolly", "checksum"),
    ],
)  # fmt: skip
def test_what_one_policy_forbids_no_other_allows(
    one: str, other: str, model_id: str, names_it: str, tmp_path: Path
) -> None:
    system = written(tmp_path / "one.toml", one)
    further = written(tmp_path / "other.toml", other)

    found = forbids(find_policies({"LATCHKEY_POLICY": str(further)}, system).current(), subject(model_id), names)

    assert found is not None
    assert names_it in found.title


def test_of_two_policies_the_one_that_forbids_says_whom_to_ask(system: Path, tmp_path: Path) -> None:
    further = written(tmp_path / "mine.toml", 'contact = "me@example.org"\npurpose = ["research"]\noffline = true\n')
    both = find_policies({"LATCHKEY_POLICY": str(further)}, system).current()

    imports, purpose = forbids_imports(both), forbids_purpose(both, "personal")

    assert imports is not None
    assert "it@example.org" in imports.remedy
    assert purpose is not None
    assert "me@example.org" in purpose.remedy
    assert both.offline
    assert both.contact == "me@example.org"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link_to_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to(path.with_name("pipe"))


def folder_of_a_dead_link(path: Path) -> None:
    path.parent.rmdir()
    path.parent.symlink_to(path.parent.with_name("gone"))


def file_for_a_folder(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("", encoding="utf-8")


def circle(path: Path) -> None:
    path.symlink_to(path)


BROKEN: dict[str, Callable[[Path], object]] = {
    "pipe": fifo,
    "link to a pipe": link_to_fifo,
    "device": lambda path: path.symlink_to("/dev/null"),
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "dead link": lambda path: path.symlink_to("gone"),
    "dead link on the way": folder_of_a_dead_link,
    "file in the place of its folder": file_for_a_folder,
    "link in a circle": circle,
    "folder": Path.mkdir,
    "another encoding": lambda path: path.write_bytes('contact = "Zoë"\n'.encode("latin-1")),
    "two-byte text": lambda path: path.write_text("imports = false\n", encoding="utf-16"),
    "zero bytes": lambda path: path.write_bytes(b"\0" * 4096),
    "deep array": lambda path: path.write_text("purpose = " + "[" * 100_000, encoding="utf-8"),
    "deep table": lambda path: path.write_text("[" + "a." * 100_000 + "a]\n", encoding="utf-8"),
    "deep key": lambda path: path.write_text('"a".' * 200_000 + "a = 1\n", encoding="utf-8"),
    "a table twice": lambda path: path.write_text("[deny]\n[deny]\n", encoding="utf-8"),
    "too large": lambda path: path.write_bytes(b"#" * (2 << 20)),
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither pipes nor devices among its files")
@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("required", [False, True], ids=["of the system", "named besides"])
def test_what_cannot_be_read_as_a_policy_forbids_everything(
    make: Callable[[Path], object], required: bool, tmp_path: Path
) -> None:
    path = tmp_path / "etc" / "policy.toml"
    path.parent.mkdir()
    make(path)
    policies = PolicyFiles([PolicyFile(path, required=required)])

    assert policies.exists
    for _ in range(2):
        with pytest.raises(ForbiddenError) as caught:
            policies.current()
        assert str(path) in caught.value.detail


def test_one_policy_that_does_not_hold_forbids_everything(system: Path, tmp_path: Path) -> None:
    broken = written(tmp_path / "broken.toml", "[deny\n")
    for one, other in ((system, broken), (broken, system)):
        with pytest.raises(ForbiddenError):
            find_policies({"LATCHKEY_POLICY": str(other)}, one).current()


def test_a_policy_that_is_written_over_is_read_again_though_size_and_time_stay(tmp_path: Path) -> None:
    path = written(tmp_path / "policy.toml", "imports = true \n")
    file = PolicyFile(path)
    assert file.current().imports
    times = path.stat()

    with path.open("r+b") as opened:
        opened.write(b"imports = false\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert not file.current().imports


def test_a_policy_that_comes_and_goes_while_latchkey_runs_counts_at_once(tmp_path: Path) -> None:
    policies = find_policies({}, tmp_path / "etc" / "policy.toml")
    assert policies.current() == CombinedPolicy()
    path = written(tmp_path / "etc" / "policy.toml", "offline = true\n")
    assert policies.current().offline
    path.rename(tmp_path / "aside.toml")
    os.mkfifo(path)
    with pytest.raises(ForbiddenError):
        policies.current()
    path.unlink()
    assert policies.current() == CombinedPolicy()
