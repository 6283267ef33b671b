"""Whether `latchkey` opens a window or speaks on the terminal."""

from pathlib import Path

import pytest

from desktop.__main__ import has_display, model_files


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_macos_and_windows_always_have_a_display(platform: str) -> None:
    assert has_display({}, platform)


def test_linux_without_any_sign_of_a_display_has_none() -> None:
    assert not has_display({"HOME": "/root", "DISPLAY": "", "WAYLAND_DISPLAY": ""}, "linux")


def test_a_qt_platform_asked_for_by_name_counts_as_a_display() -> None:
    assert has_display({"QT_QPA_PLATFORM": "offscreen"}, "linux")


def test_a_wayland_display_counts_while_its_socket_is_there(home: Path) -> None:
    environ = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": str(home)}
    assert not has_display(environ, "linux")
    (home / "wayland-0").touch()
    assert has_display(environ, "linux")


def test_a_display_whose_server_is_gone_does_not_count() -> None:
    assert not has_display({"DISPLAY": ":54321"}, "linux")
    assert not has_display({"DISPLAY": "unix"}, "linux")


def test_a_display_on_another_machine_is_taken_as_named() -> None:
    assert has_display({"DISPLAY": "localhost:10.0"}, "linux")


def test_model_files_that_a_file_manager_opens_are_told_from_a_command(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    assert model_files(["a model.gguf", "/tmp/B.GGUF"]) == (home / "a model.gguf", Path("/tmp/B.GGUF"))
    assert model_files([]) == ()
    assert model_files(["models", "import", "a.gguf"]) == ()
    assert model_files(["-h.gguf"]) == ()
