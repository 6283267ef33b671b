"""Settings survive, and a damaged file is never overwritten."""

import json
from pathlib import Path

import pytest

from desktop.errors import ResourceError
from desktop.settings import SamplingSettings, Settings, SettingsFile


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


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"theme": "pink"}', b'{"text_scale": "big"}', b"\xff\xfe\x00"])
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


def test_a_folder_that_cannot_be_written_is_said_and_the_change_still_holds(home: Path) -> None:
    (home / "config").write_text("a file where the folder should be")
    settings = SettingsFile(home / "config" / "settings.json")

    with pytest.raises(ResourceError) as caught:
        settings.change(theme="dark")

    assert "settings.json" in caught.value.detail
    assert settings.current.theme == "dark"
