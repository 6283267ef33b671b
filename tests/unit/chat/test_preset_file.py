"""Presets survive, built-in ones stay, and a damaged file is never overwritten."""

import json
from pathlib import Path
from typing import Any

import pytest

from desktop.chat.preset_file import BUILT_IN_PRESETS, Preset, PresetFile
from desktop.engine.generation_options import GenerationOptions, SamplingParams, ThinkingOptions
from desktop.errors import NotFoundError, ResourceError, UserError


@pytest.fixture
def path(home: Path) -> Path:
    return home / "config" / "presets.json"


def test_what_was_set_is_there_after_a_restart(path: Path) -> None:
    preset = Preset("Be brief.", "m", SamplingParams(temperature=0.1, samplers=("top_k",)), 9, ThinkingOptions(False))
    PresetFile(path).set("mine", preset)
    assert PresetFile(path).find("mine") == preset
    assert [*PresetFile(path).presets()] == [*BUILT_IN_PRESETS, "mine"]


def test_built_in_presets_can_be_replaced_and_come_back(path: Path) -> None:
    file = PresetFile(path)
    with pytest.raises(NotFoundError, match="built in"):
        file.remove("precise")
    file.set("precise", Preset(max_tokens=5))
    assert file.find("precise").max_tokens == 5
    file.remove("precise")
    assert file.find("precise") == BUILT_IN_PRESETS["precise"]
    with pytest.raises(NotFoundError, match="no preset other"):
        file.remove("other")


def test_a_preset_changes_what_it_says_and_nothing_else() -> None:
    before = GenerationOptions(SamplingParams(temperature=0.9, top_k=7), max_tokens=50, stop=("x",))
    after = Preset(sampling=SamplingParams(temperature=0.1), stop=("y",)).applied(before)
    assert after == GenerationOptions(SamplingParams(temperature=0.1, top_k=7), max_tokens=50, stop=("y",))
    assert Preset().applied(before) == before


def test_what_a_newer_version_wrote_is_kept(path: Path) -> None:
    path.parent.mkdir(parents=True)
    newer = {"version": 9, "colors": [1], "presets": {"a": {"mood": "calm", "max_tokens": 3}, "b": {"mood": "x"}}}
    path.write_text(json.dumps(newer))
    PresetFile(path).set("a", Preset(max_tokens=4))
    kept = json.loads(path.read_text())
    assert kept == {**newer, "presets": {"a": {"mood": "calm", "max_tokens": 4}, "b": {"mood": "x"}}}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"presets": 1}', b"\xff", b"[" * 90_000])
def test_a_damaged_file_is_set_aside_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    file = PresetFile(path)
    assert file.presets() == BUILT_IN_PRESETS
    assert "damaged" in file.problem
    file.set("mine", Preset(max_tokens=1))
    assert "damaged" in file.problem, "what was set aside is told whatever was done"
    (aside,) = path.parent.glob("presets.damaged-*.json")
    assert aside.read_bytes() == content
    assert PresetFile(path).find("mine").max_tokens == 1


def test_a_preset_that_cannot_be_used_here_costs_no_other_and_is_kept(path: Path) -> None:
    path.parent.mkdir(parents=True)
    newer: dict[str, Any] = {
        "mine": {"sampling": {"temperature": 0.1, "new": 3}, "thinking": {"style": "brief"}, "mood": "calm"},
        "new": {"sampling": {"samplers": ["top_k", "brand_new"]}},
        "odd": 3,
    }
    path.write_text(json.dumps({"presets": newer}))
    file = PresetFile(path)
    assert [*file.presets()] == [*BUILT_IN_PRESETS, "mine"]
    assert "cannot be used here" in file.problem
    for name in ("new", "odd"):
        with pytest.raises(UserError, match="cannot be changed"):
            file.set(name, Preset(max_tokens=1))
    file.set("mine", Preset(max_tokens=4))
    changed = {"max_tokens": 4, "mood": "calm", "sampling": {"new": 3}, "thinking": {"style": "brief"}}
    assert json.loads(path.read_text())["presets"] == {**newer, "mine": changed}
    file.remove("new")
    assert set(json.loads(path.read_text())["presets"]) == {"mine", "odd"}


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 61])
def test_what_is_no_name_is_refused(path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be called that"):
        PresetFile(path).set(name, Preset())
    assert not path.exists()


def test_presets_that_cannot_be_written_or_read_are_told(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.mkdir()
    with pytest.raises(ResourceError, match="could not be read"):
        PresetFile(path).set("a", Preset())
    blocked = path.parent / "file"
    blocked.write_text("")
    with pytest.raises(ResourceError, match="could not be saved"):
        PresetFile(blocked / "presets.json").set("a", Preset())


def test_a_preset_that_is_renamed_is_found_by_both_names_and_takes_no_other_ones_place(path: Path) -> None:
    file = PresetFile(path)
    file.set("mine", Preset(max_tokens=5))
    file.set("other", Preset(max_tokens=6))
    file.rename("mine", "yours")
    assert [*file.presets()] == [*BUILT_IN_PRESETS, "yours", "other"], "it stays in its place"
    assert file.followed("mine") == file.find("yours") == Preset(max_tokens=5)
    for taken in ("other", "precise", "a\nb"):
        with pytest.raises(UserError):
            file.rename("yours", taken)
    with pytest.raises(NotFoundError):
        file.rename("precise", "mine")
    assert file.followed("nothing") is None


def test_names_that_lead_round_in_a_circle_end(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"presets": {}, "renamed": {"a": "b", "b": "a", "c": 3}}))
    assert PresetFile(path).followed("a") is None
    assert PresetFile(path).followed("c") is None


def test_a_preset_that_was_removed_comes_back_whole(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"presets": {"a": {"mood": "calm", "max_tokens": 3}}}))
    file = PresetFile(path)
    file.restore("a", file.remove("a"))
    assert json.loads(path.read_text())["presets"] == {"a": {"mood": "calm", "max_tokens": 3}}
