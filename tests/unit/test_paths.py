"""Everything lies where the person expects it, and what travels with the program is found."""

import os
import sys
from pathlib import Path

import pytest

import desktop.paths
from desktop.errors import NotFoundError, ResourceError
from desktop.paths import absolute, correct_environment, expanded, find_paths, home_folder, system_policy

posix = pytest.mark.skipif(os.name == "nt", reason="Windows keeps homes otherwise")


def test_latchkey_home_holds_everything_that_is_written(tmp_path: Path) -> None:
    paths = find_paths({"LATCHKEY_HOME": str(tmp_path / "stick")})

    written = [paths.config, paths.data, paths.models, paths.cache, paths.logs]
    assert all(folder.is_relative_to(tmp_path / "stick") for folder in written)
    assert len(set(written)) == len(written)


def test_a_relative_home_stays_where_it_was_named() -> None:
    paths = find_paths({"LATCHKEY_HOME": "stick"})

    assert paths.data == Path.cwd() / "stick" / "data"


def test_without_it_the_system_says_where() -> None:
    paths = find_paths({})

    assert paths.config.is_absolute()
    assert "atchkey" in str(paths.config)
    assert paths.data != paths.cache


def test_what_travels_with_the_program_is_there() -> None:
    paths = find_paths({})

    assert paths.catalog.is_file()
    assert paths.builtin_model.is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="Flatpak is there alone")
def test_a_flatpak_takes_the_policy_of_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert system_policy() == Path("/etc/xdg/Latchkey/policy.toml")
    monkeypatch.setattr(desktop.paths, "_IN_FLATPAK", tmp_path)
    assert system_policy() == Path("/run/host/etc/xdg/Latchkey/policy.toml")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id that this system does not know, and no HOME."""
    import pwd

    def unknown(_: object) -> None:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "LATCHKEY_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)


@posix
@pytest.mark.usefixtures("nobody")
def test_a_home_that_nobody_knows_is_said_with_what_to_set(tmp_path: Path) -> None:
    assert home_folder() is None
    with pytest.raises(ResourceError, match="LATCHKEY_HOME"):
        find_paths({})
    assert find_paths({"LATCHKEY_HOME": str(tmp_path)}).data == tmp_path / "data"


@posix
@pytest.mark.parametrize("named", ["~nosuchuser/latchkey", "~nosuchuser"])
def test_a_latchkey_home_of_nobody_is_said_and_no_folder_of_that_name_is_made(named: str) -> None:
    with pytest.raises(ResourceError, match="~nosuchuser"):
        find_paths({"LATCHKEY_HOME": named})


def test_a_file_of_a_person_that_nobody_knows_is_called_as_it_is_written() -> None:
    assert expanded("~nosuchuser/x.gguf") == Path("~nosuchuser/x.gguf")
    assert expanded("~/x.gguf") == Path.home() / "x.gguf"


@posix
@pytest.mark.parametrize("home", ["", "here", "./here", "~"])
def test_a_home_that_names_another_place_in_every_folder_does_not_count(home: str) -> None:
    environ = {
        "HOME": home,
        "XDG_DATA_HOME": "data",
        "XDG_CACHE_HOME": "",
        "XDG_CONFIG_HOME": "/c",
        "XDG_DATA_DIRS": "x",
    }
    correct_environment(environ)
    assert "XDG_DATA_HOME" not in environ
    assert "XDG_CACHE_HOME" not in environ
    assert environ["XDG_CONFIG_HOME"] == "/c"
    assert Path(environ.get("HOME", "/")).is_absolute()


@posix
def test_a_folder_that_was_removed_under_us_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(NotFoundError):
        absolute(Path("x.gguf"))
    with pytest.raises(NotFoundError):
        find_paths({"LATCHKEY_HOME": "stick"})
    assert absolute(Path("/x.gguf")) == Path("/x.gguf")
