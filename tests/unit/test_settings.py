"""Settings survive, and a damaged file is never overwritten."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.errors import ResourceError
from desktop.settings import AcceptanceSettings, ModelSettings, SamplingSettings, Settings, SettingsFile


def test_what_was_set_is_there_after_a_restart(home: Path) -> None:
    file = home / "config" / "settings.json"
    SettingsFile(file).change(theme="dark", text_scale=1.25, sampling=SamplingSettings(temperature=0.2))

    again = SettingsFile(file).current

    assert (again.theme, again.text_scale, again.sampling.temperature) == ("dark", 1.25, 0.2)
    assert [path.name for path in file.parent.iterdir()] == ["settings.json"]


def test_without_a_file_the_defaults_hold(home: Path) -> None:
    file = SettingsFile(home / "nowhere" / "settings.json")

    assert file.current == Settings()
    assert file.problem == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b"[" * 200_000,
    ],
)
def test_a_damaged_file_is_set_aside_and_said(home: Path, content: bytes) -> None:
    file = home / "settings.json"
    file.write_bytes(content)

    settings = SettingsFile(file)
    settings.change(theme="dark")

    assert settings.problem
    aside = [path for path in home.iterdir() if path.name.startswith("settings.damaged-")]
    assert [path.read_bytes() for path in aside] == [content]
    assert json.loads(file.read_text())["theme"] == "dark"


def test_a_setting_of_a_newer_version_is_kept(home: Path) -> None:
    file = home / "settings.json"
    file.write_text('{"theme": "light", "from_the_future": [1, 2]}')

    SettingsFile(file).change(theme="dark")

    assert json.loads(file.read_text())["from_the_future"] == [1, 2]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('{"theme": "pink", "threads": 3}', "theme"),
        ('{"text_scale": "big", "threads": 3}', "text_scale"),
        ('{"text_scale": NaN, "threads": 3}', "text_scale"),
        ('{"text_scale": 1e9, "threads": 3}', "text_scale"),
        ('{"sampling": {"seed": {"of": "each"}, "top_k": 9}, "threads": 3}', "sampling.seed"),
        ('{"sampling": "hot", "threads": 3}', "sampling"),
        ('{"model_settings": [1], "threads": 3}', "model_settings"),
        ('{"model_settings": {"m": {"parallel": "all", "threads": 2}}, "threads": 3}', "model_settings.m.parallel"),
        ('{"model_settings": {"m": 1, "n": {"threads": 2}}, "threads": 3}', "model_settings.m"),
        ('{"acceptance": {"purpose": "art", "name": "Ada"}, "threads": 3}', "acceptance.purpose"),
    ],
)
def test_a_value_that_this_version_cannot_use_costs_that_value_alone_and_is_kept(
    home: Path, content: str, name: str
) -> None:
    file = home / "settings.json"
    file.write_text(content)

    settings = SettingsFile(file)
    assert f" {name}." in settings.problem
    assert settings.current.threads == 3
    settings.change(send_with_enter=False)
    settings.change_model("other", ModelSettings(threads=1))

    said, before = json.loads(file.read_text()), json.loads(content)
    if name == "model_settings":  # which no longer says what it said: another model was set
        before.pop("model_settings")
    for key, value in before.items():
        found = said[key]
        if key == "model_settings":
            assert found.pop("other") == {"threads": 1}
        assert json.dumps(found) == json.dumps(value)
    assert not said["send_with_enter"]
    assert SettingsFile(file).current.model_settings["other"].threads == 1
    assert [each.name for each in home.iterdir()] == ["settings.json"]


def test_what_this_version_sets_takes_the_place_of_what_it_could_not_use(home: Path) -> None:
    file = home / "settings.json"
    file.write_text(
        '{"theme": "pink", "sampling": {"seed": "lucky", "mirostat": 2, "top_k": 9},'
        ' "model_settings": {"m": {"adapters": [{"path": "a", "scale": 1, "layers": [1]}], "future": 1}}}'
    )
    settings = SettingsFile(file)
    assert settings.current.sampling == SamplingSettings(top_k=9)
    settings.change(theme="dark", sampling=SamplingSettings(seed=7))
    settings.change_model("m", lambda own: msgspec.structs.replace(own, threads=2))

    said = json.loads(file.read_text())
    assert said["theme"] == "dark"
    assert said["sampling"] == {"seed": 7, "mirostat": 2}
    adapters = [{"path": "a", "scale": 1, "layers": [1]}]
    assert said["model_settings"] == {"m": {"adapters": adapters, "future": 1, "threads": 2}}
    assert SettingsFile(file).problem == ""


def test_a_switch_that_is_not_understood_keeps_this_machine_offline(home: Path) -> None:
    file = home / "settings.json"
    file.write_text('{"offline": "at night"}')
    settings = SettingsFile(file)
    assert settings.current.offline
    settings.change(threads=2)
    assert json.loads(file.read_text())["offline"] == "at night"
    settings.change(offline=False)
    assert json.loads(file.read_text())["offline"] is False


def test_a_folder_that_cannot_be_written_is_said_and_the_change_still_holds(home: Path) -> None:
    (home / "config").write_text("a file where the folder should be")
    settings = SettingsFile(home / "config" / "settings.json")

    with pytest.raises(ResourceError) as caught:
        settings.change(theme="dark")

    assert "settings.json" in caught.value.detail
    assert settings.current.theme == "dark"


def test_two_processes_do_not_undo_each_others_changes(home: Path) -> None:
    file = home / "settings.json"
    one, other = SettingsFile(file), SettingsFile(file)
    one.change(theme="dark")
    other.change(model="guide")
    one.change(text_scale=1.5)

    again = SettingsFile(file).current

    assert (again.theme, again.model, again.text_scale) == ("dark", "guide", 1.5)


def test_a_change_that_could_not_be_written_is_written_with_the_next(home: Path) -> None:
    (home / "config").write_text("a file where the folder should be")
    settings = SettingsFile(home / "config" / "settings.json")
    with pytest.raises(ResourceError):
        settings.change(theme="dark")
    (home / "config").unlink()
    settings.change(model="guide")

    again = SettingsFile(home / "config" / "settings.json").current

    assert (again.theme, again.model) == ("dark", "guide")


def test_a_file_that_could_not_be_read_is_not_overwritten(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / "settings.json"
    SettingsFile(file).change(system_prompt="written with care")
    before = file.read_bytes()

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    settings = SettingsFile(file)
    settings.change(theme="dark")
    monkeypatch.undo()
    settings.change(text_scale=1.5)

    assert "Permission denied" in settings.problem
    assert before in [path.read_bytes() for path in home.iterdir() if path.name.startswith("settings.damaged-")]
    assert (SettingsFile(file).current.theme, SettingsFile(file).current.text_scale) == ("dark", 1.5)


def test_half_a_character_in_a_setting_is_kept(home: Path) -> None:
    file = home / "settings.json"
    SettingsFile(file).change(system_prompt="a\ud800b \u00e9")

    assert SettingsFile(file).current.system_prompt == "a\ud800b \u00e9"


@pytest.mark.skipif(os.name == "nt", reason="rights are kept otherwise there")
def test_nobody_else_can_read_the_settings(home: Path) -> None:
    file = home / "config" / "settings.json"
    SettingsFile(file).change(system_prompt="mine")

    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_what_another_process_writes_is_seen(tmp_path: Path) -> None:
    """The offline switch of the command has to reach a window that is open."""
    here, there = SettingsFile(tmp_path / "settings.json"), SettingsFile(tmp_path / "settings.json")
    there.change(offline=True)

    assert here.latest().offline
    assert here.current.offline


def test_a_switch_turned_to_where_it_stood_before_another_process_turned_it_is_turned(tmp_path: Path) -> None:
    here, there = SettingsFile(tmp_path / "settings.json"), SettingsFile(tmp_path / "settings.json")
    here.change(offline=True)
    there.latest()
    there.change(offline=False)

    assert here.change(offline=True).offline

    assert SettingsFile(tmp_path / "settings.json").current.offline
    assert here.latest().offline


def test_what_could_not_be_written_outlives_what_another_process_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = SettingsFile(tmp_path / "settings.json"), SettingsFile(tmp_path / "settings.json")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", _fail)
        with pytest.raises(ResourceError):
            here.change(threads=3)
    there.change(offline=True)

    assert (here.latest().threads, here.latest().offline) == (3, True)


def test_a_file_damaged_meanwhile_changes_nothing(tmp_path: Path) -> None:
    here = SettingsFile(tmp_path / "settings.json")
    here.change(offline=True)
    (tmp_path / "settings.json").write_text("{")

    assert here.latest().offline


def _fail(_: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("acceptance", "complete"),
    [
        ({"name": "Ada"}, False),
        ({"name": "  ", "purpose": "personal"}, False),
        ({"purpose": "personal"}, False),
        ({"name": "Ada", "purpose": "personal"}, True),
    ],
)
def test_what_a_license_was_last_accepted_as_is_kept_and_nothing_is_made_up(
    tmp_path: Path, acceptance: dict[str, Any], complete: bool
) -> None:
    path = tmp_path / "settings.json"
    SettingsFile(path).change(acceptance=AcceptanceSettings(**acceptance))
    assert json.loads(path.read_text())["acceptance"] == acceptance
    assert SettingsFile(path).current.acceptance.complete is complete


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_settings_that_are_kept_elsewhere_and_linked_to_stay_linked(home: Path) -> None:
    """As people do who keep their settings in a repository."""
    kept, file = home / "dotfiles" / "latchkey.json", home / "config" / "settings.json"
    kept.parent.mkdir()
    file.parent.mkdir()
    kept.write_text('{"theme": "light", "from_the_future": 1}')
    kept.chmod(0o444)
    file.symlink_to(Path("..") / "dotfiles" / "latchkey.json")

    SettingsFile(file).change(theme="dark")

    assert file.is_symlink()
    assert json.loads(kept.read_text())["theme"] == "dark"
    assert json.loads(kept.read_text())["from_the_future"] == 1
    assert [each.name for each in kept.parent.iterdir()] == ["latchkey.json"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_that_leads_nowhere_yet_stays_and_its_file_is_made(home: Path) -> None:
    file = home / "settings.json"
    file.symlink_to(home / "kept.json")

    settings = SettingsFile(file)
    settings.change(theme="dark")

    assert settings.problem == ""
    assert file.is_symlink()
    assert json.loads((home / "kept.json").read_text())["theme"] == "dark"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_damaged_file_behind_a_link_is_set_aside_and_the_link_stays(home: Path) -> None:
    (home / "dotfiles").mkdir()
    (home / "dotfiles" / "kept.json").write_text("{ by hand")
    file = home / "settings.json"
    file.symlink_to(home / "dotfiles" / "kept.json")

    SettingsFile(file).change(theme="dark")

    assert file.is_symlink()
    assert SettingsFile(file).current.theme == "dark"
    assert "{ by hand" in [each.read_text() for each in (home / "dotfiles").iterdir()]


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
def test_what_is_no_file_is_said_and_never_waited_for(home: Path) -> None:
    file = home / "settings.json"
    os.mkfifo(file)

    settings = SettingsFile(file)

    assert settings.problem
    assert settings.current == Settings()
    settings.change(theme="dark")
    assert SettingsFile(file).current.theme == "dark"


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
def test_what_a_link_leads_to_and_is_no_file_is_left_alone(home: Path) -> None:
    os.mkfifo(home / "device")
    file = home / "settings.json"
    file.symlink_to(home / "device")

    SettingsFile(file).change(theme="dark")

    assert (home / "device").is_fifo()
    assert SettingsFile(file).current.theme == "dark"


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX systems")
def test_a_disk_that_takes_no_more_loses_nothing(home: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    import resource

    file = home / "settings.json"
    SettingsFile(file).change(system_prompt="written with care")
    before = file.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        settings = SettingsFile(file)
        with pytest.raises(ResourceError) as caught:
            settings.change(theme="dark")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert settings.current.theme == "dark"
    assert file.read_bytes() == before
    assert [each.name for each in home.iterdir()] == ["settings.json"]
    assert "closed" not in str(caught.value)


def test_what_could_not_be_read_again_is_not_written_and_the_old_one_stays(home: Path) -> None:
    path = home / "config" / "settings.json"
    file = SettingsFile(path)
    file.change(theme="dark")
    before = path.read_bytes()
    for refused in ({"parallel_answers": 99}, {"system_prompt": "x" * (9 << 20)}):
        with pytest.raises(ResourceError, match="could not be read again"):
            file.change(**refused)
    with pytest.raises(ResourceError, match="could not be read again"):
        file.change_model("m", ModelSettings(parallel=100))
    assert path.read_bytes() == before
    assert file.change(language="de") == Settings(theme="dark", language="de")


def test_two_processes_set_different_models_and_keep_what_a_newer_version_says_of_them(home: Path) -> None:
    path = home / "config" / "settings.json"
    one, two = SettingsFile(path), SettingsFile(path)
    one.change_model("a", ModelSettings(threads=1))
    raw = json.loads(path.read_bytes())
    raw["model_settings"]["a"]["future"] = True
    path.write_text(json.dumps(raw))
    two.change_model("b", ModelSettings(threads=2))
    one.change_model("a", ModelSettings(threads=3))
    kept = json.loads(path.read_bytes())["model_settings"]
    assert kept == {"a": {"threads": 3, "future": True}, "b": {"threads": 2}}
    one.change_model("a", ModelSettings())
    assert set(json.loads(path.read_bytes())["model_settings"]) == {"b"}


_CHANGER = """
import sys
from pathlib import Path
from desktop.chat.preset_file import Preset, PresetFile
from desktop.settings import ModelSettings, SettingsFile
settings, presets = SettingsFile(Path(sys.argv[1])), PresetFile(Path(sys.argv[1]).with_name("presets.json"))
print(flush=True)
sys.stdin.readline()
for number in range(25):
    settings.change(**{sys.argv[2]: number + 1})
    settings.change_model(f"{sys.argv[2]}-{number}", ModelSettings(threads=1))
    presets.set(f"{sys.argv[2]}-{number}", Preset(max_tokens=number))
"""


def test_processes_that_change_settings_at_the_same_time_lose_none(home: Path) -> None:
    """Each read the file, changed it and wrote it; what another one wrote in between was gone."""
    file = home / "config" / "settings.json"
    names = ("threads", "context_length", "sidebar_width")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _CHANGER, str(file), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in names
    ]
    for each in running:
        assert each.stdout is not None
        each.stdout.readline()
    for each in running:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    for each in running:
        each.communicate(timeout=60)
        assert each.returncode == 0
    found = SettingsFile(file).current
    assert (found.threads, found.context_length, found.sidebar_width) == (25, 25, 25)
    wanted = {f"{name}-{number}" for name in names for number in range(25)}
    assert found.model_settings.keys() == wanted
    assert json.loads(file.with_name("presets.json").read_text())["presets"].keys() == wanted
