"""Folders that somebody made to be in the way, by accident or not, neither stop a look nor keep it for ever."""

import itertools
import os
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from desktop.errors import NotFoundError
from desktop.library.import_source import read_source_header
from desktop.library.other_apps import discover_in, discover_models
from desktop.library.other_apps.folder_scan import ScanBudget, walk
from tests.fakes.other_apps import OllamaStore, hub_cache
from tests.fakes.tiny_gguf import random_model
from tests.fakes.users import nobody

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and names that Windows does not have")


@pytest.fixture
def folder(home: Path) -> Path:
    """LM Studio's folder, with one sound model in it."""
    folder = home / ".lmstudio/models/a/b"
    folder.mkdir(parents=True)
    random_model(folder / "m.gguf")
    return folder


def names(home: Path) -> list[str]:
    return [each.path.name for each in discover_models({}, home, "Linux", top=home / "disk").models]


def test_links_that_lead_in_circles(home: Path, folder: Path) -> None:
    (folder / "round").symlink_to(folder.parent, target_is_directory=True)
    (folder / "self.gguf").symlink_to(folder / "self.gguf")
    (folder / "gone.gguf").symlink_to(folder / "nothing")
    store = OllamaStore(home / ".ollama/models")
    (store.folder / "manifests").symlink_to(store.folder, target_is_directory=True)
    cache = home / ".cache/huggingface/hub"
    hub_cache(cache, "a/b", {"README.md": b""})
    (cache / "models--a--b/snapshots/x").symlink_to(cache, target_is_directory=True)
    assert names(home) == ["m.gguf"]


def test_a_pipe_and_a_device_that_are_called_models(home: Path, folder: Path) -> None:
    os.mkfifo(folder / "pipe.gguf")
    (folder / "zero.gguf").symlink_to("/dev/zero")
    os.mkfifo(home / ".lmstudio/settings.json")
    (folder / "LICENSE").symlink_to("/dev/zero")
    assert names(home) == ["m.gguf"]


def test_folders_and_files_that_may_not_be_read(home: Path, folder: Path) -> None:
    closed = folder.parent / "closed"
    closed.mkdir()
    closed.chmod(0)
    random_model(folder / "secret.gguf", seed=3).chmod(0)
    service = home / "disk/usr/share/ollama"
    service.mkdir(parents=True)
    service.chmod(0)
    try:
        with nobody(home):
            findings = discover_models({}, home, "Linux", top=home / "disk")
    finally:
        closed.chmod(0o700)
        service.chmod(0o700)
    assert [each.path.name for each in findings.models] == ["m.gguf"]
    left_out = {each.path.name: each.reason for each in findings.skipped}
    assert left_out.keys() == {"closed", "secret.gguf", "models"}
    assert all("Permission denied" in reason for reason in left_out.values())


def test_a_name_that_is_no_text_is_left_out_and_can_be_shown(home: Path, folder: Path) -> None:
    (folder / "m.gguf").rename(folder / os.fsdecode(b"\xff\xfe.gguf"))
    findings = discover_models({}, home, "Linux", top=home / "disk")
    assert findings.models == ()
    assert "UTF-8" in findings.skipped[0].reason
    findings.skipped[0].name.encode()


def test_a_name_with_line_breaks_is_found_and_shown_on_one_line(home: Path, folder: Path) -> None:
    random_model(folder / "two\nlines\x1b[31m.gguf", seed=3, metadata={"general.name": None})
    found = {each.path.name: each.name for each in discover_models({}, home, "Linux", top=home / "disk").models}
    assert found["two\nlines\x1b[31m.gguf"] == "two lines�[31m"


def test_a_folder_deeper_than_anything_sensible(home: Path, folder: Path) -> None:
    deep = folder
    for _ in range(60):
        deep = deep / "d"
    deep.mkdir(parents=True)
    random_model(deep / "deep.gguf")
    assert names(home) == ["m.gguf"]


def test_a_folder_of_too_many_files_ends_at_the_bound_and_says_so(home: Path) -> None:
    many = home / "many"
    many.mkdir()
    for number in range(300):
        (many / f"{number}.gguf").write_bytes(b"")
    budget = ScanBudget(threading.Event(), entries=100)
    assert len(list(walk("", many, budget, lambda name: True))) == 100
    assert not budget.complete


def test_a_look_ends_when_its_time_is_over(home: Path) -> None:
    for number in range(50):
        (home / f"{number}.gguf").write_bytes(b"")
    ticks = itertools.count()
    budget = ScanBudget(threading.Event(), seconds=10, clock=lambda: float(next(ticks)))
    assert len(list(walk("", home, budget, lambda name: True))) < 50
    assert not budget.complete


def test_one_apps_hundred_thousand_files_do_not_keep_the_others_from_being_found(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.library.other_apps.model_discovery.ScanBudget", partial(ScanBudget, entries=50))
    gpt4all = home / ".local/share/nomic.ai/GPT4All"
    gpt4all.mkdir(parents=True)
    random_model(gpt4all / "other.gguf", seed=4)
    for number in range(200):
        (folder.parent / f"{number}.txt").write_bytes(b"")
    findings = discover_models({}, home, "Linux", top=home / "disk")
    assert "other.gguf" in [each.path.name for each in findings.models]
    assert not findings.complete


def test_files_that_are_nothing_by_the_thousand_leave_a_list_that_can_be_read(home: Path) -> None:
    for number in range(1000):
        (home / f"{number}.gguf").write_bytes(b"no model")
    findings = discover_in(home)
    assert findings.models == ()
    assert 0 < len(findings.skipped) <= 200


def test_finding_out_how_a_folder_is_laid_out_takes_nothing_from_the_look_into_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.library.other_apps.model_discovery._MOST_ENTRIES_OF_ONE", 600)
    many = home / "many"
    many.mkdir()
    for number in range(500):
        (many / f"file-{number}").write_bytes(b"")
    random_model(many / "m.gguf")
    findings = discover_in(many)
    assert ([each.path.name for each in findings.models], findings.complete) == (["m.gguf"], True)


def test_a_folder_with_more_than_can_be_looked_at_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.library.other_apps.model_discovery._MOST_ENTRIES_OF_ONE", 50)
    many = home / "many"
    many.mkdir()
    for number in range(100):
        (many / f"file-{number}").write_bytes(b"")
    with pytest.raises(NotFoundError, match="more than could be looked at"):
        read_source_header(many, copy=False)
