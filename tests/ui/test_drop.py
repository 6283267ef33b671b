"""Model files dropped, opened, brought by a second start or found with other apps, and what becomes of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from desktop.ui.theme.theme import Theme
from desktop.ui.window.file_drop import FileDropTarget, models_in
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.other_apps import OllamaStore
from tests.fakes.split_models import cut
from tests.fakes.tiny_gguf import random_model
from tests.ui.driving import Driver
from tests.ui.hub_walk import button_names, text_of

Open = Callable[..., Driver]
TOP = Path(__file__).resolve().parents[2]


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return random_model(tmp_path / "found me.gguf", metadata={"general.name": "Found Me"})


def urls(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drag(widget: QWidget, data: QMimeData) -> QDragEnterEvent:
    event = QDragEnterEvent(
        QPoint(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    return event


def drop(widget: QWidget, data: QMimeData) -> QDropEvent:
    drag(widget, data)
    event = QDropEvent(
        QPointF(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    return event


def press(driver: Driver, name: str) -> None:
    driver.until(lambda: driver.has(name))
    button = driver.named(name, QAbstractButton)
    button.setFocus()
    QTest.keyClick(button, Qt.Key.Key_Space)


def imported(home: Path) -> list[Path]:
    paths = find_paths()
    assert paths.data.is_relative_to(home)
    return [Path(each.path) for each in build_library_services(paths).library.installed_models.all()]


@pytest.mark.parametrize("inside", [False, True], ids=["on the window", "on the composer"])
def test_a_model_dropped_anywhere_is_offered_and_goes_on_to_its_license(
    open_window: Open, home: Path, model_file: Path, inside: bool
) -> None:
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops())
    target = driver.page.composer.edit.viewport() if inside else driver.window
    assert drag(target, urls(model_file)).isAccepted()
    assert driver.has("Drop to add the model")
    assert drop(target, urls(model_file)).isAccepted()
    assert not driver.has("Drop to add the model")
    assert driver.page.composer.edit.toPlainText() == ""
    assert driver.focused == "Use it where it is"
    assert imported(home) == [], "it was added before anybody said so"
    press(driver, "Use it where it is")
    driver.until(lambda: driver.has("I accept"))
    assert imported(home) == [model_file]


def test_a_copy_is_made_where_that_is_wanted(open_window: Open, home: Path, model_file: Path) -> None:
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops())
    drop(driver.window, urls(model_file))
    press(driver, "Copy it to Latchkey's models")
    driver.until(lambda: driver.has("I accept"))
    (path,) = imported(home)
    assert path.is_relative_to(find_paths().models)
    assert model_file.exists()


def test_a_folder_of_models_is_taken_in_whole(open_window: Open, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for number in (1, 2):
        random_model(folder / f"{number}.gguf", seed=number, metadata={"general.name": f"Number {number}"})
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops())
    drop(driver.window, urls(folder))
    press(driver, "Use it where it is")
    driver.until(lambda: len(imported(home)) == 2)


def test_only_models_are_taken_and_other_drops_go_their_way(open_window: Open, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no model")
    assert models_in(urls(text)) == []
    assert models_in(urls(tmp_path, text)) == []
    far = QMimeData()
    far.setUrls([QUrl("https://example.org/model.gguf")])
    assert models_in(far) == []
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops())
    drag(driver.window, urls(text))
    assert not driver.has("Drop to add the model")


def test_nothing_covers_the_window_once_a_drag_ended_without_its_data(qtbot: QtBot, tmp_path: Path) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    target = FileDropTarget(Theme(TOP / "resources", "light"), window)
    drag(window, urls(tmp_path / "found.gguf"))
    assert not target.overlay.isHidden()
    nothing = QMimeData()
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, nothing, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(window, event)
    assert target.overlay.isHidden(), "the other program ended before it gave its files"


def test_what_is_no_model_is_told_where_it_was_dropped(open_window: Open, home: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF nothing that could be one")
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops())
    drop(driver.window, urls(broken))
    press(driver, "Use it where it is")
    driver.until(lambda: bool(driver.errors()))
    assert "broken.gguf" in driver.errors()[0].accessibleDescription()
    assert imported(home) == []


def test_escape_takes_nothing(open_window: Open, home: Path, model_file: Path) -> None:
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops())
    drop(driver.window, urls(model_file))
    driver.key(Qt.Key.Key_Escape)
    assert not driver.has("Use it where it is")
    assert imported(home) == []


# --- opened files ----------------------------------------------------------------------------------------------------

ONCE_STARTED = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from desktop import app
from desktop.ui.system.process_events import qt_application
from desktop.ui.window.main_window import MainWindow

def look():
    for window in QApplication.topLevelWidgets():
        if isinstance(window, MainWindow) and window.pages.shown == "models":
            taking = window.pages.models.taking
            if taking.isVisible():
                print(taking.accessibleName(), flush=True)
                window.close()

application = qt_application(["latchkey"])
timer = QTimer()
timer.timeout.connect(look)
timer.start(50)
sys.exit(app.run(["latchkey"], [Path(each) for each in sys.argv[1:]]))
"""
"""The real program, which says what it asks about a file, and closes."""


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(TOP), "QT_QPA_PLATFORM": "offscreen"}


def test_a_file_given_at_the_start_is_offered(home: Path, model_file: Path) -> None:
    command = [sys.executable, "-c", ONCE_STARTED, str(model_file)]
    ended = subprocess.run(command, env=_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.strip() == "Add found me.gguf?", ended.stderr


def test_a_second_start_hands_its_file_to_the_first_window(home: Path, tmp_path: Path) -> None:
    odd = random_model(tmp_path / "ö 模型.gguf")
    first = subprocess.Popen([sys.executable, "-c", ONCE_STARTED], env=_environment(), stdout=subprocess.PIPE)
    try:
        import time

        end = time.monotonic() + 60
        while not (home / "data" / "latchkey.db").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        command = [sys.executable, "-m", "desktop", odd.name]
        second = subprocess.run(command, env=_environment(), cwd=tmp_path, timeout=60, check=False)
        assert second.returncode == 0
        out, _ = first.communicate(timeout=60)
        assert out.decode().strip() == "Add ö 模型.gguf?"
    finally:
        if first.poll() is None:
            first.kill()
        first.wait()


# --- what is here ----------------------------------------------------------------------------------------------------


def _added(driver: Driver, model_file: Path) -> str:
    """Add a file in place and go back to its page; its id."""
    driver.until(lambda: driver.window.acceptDrops())
    drop(driver.window, urls(model_file))
    press(driver, "Use it where it is")
    driver.until(lambda: driver.has("I accept"))
    model_id = driver.window.pages.license.content.subject.id  # type: ignore[union-attr]
    driver.key(Qt.Key.Key_Escape)
    driver.until(lambda: driver.window.pages.shown == "models")
    driver.until(lambda: driver.has("Remove Found Me"))  # the model that was added is shown
    return str(model_id)


def test_a_model_is_removed_after_a_second_word_and_brought_back(
    open_window: Open, home: Path, model_file: Path
) -> None:
    driver = open_window(FakeEngine())
    _added(driver, model_file)
    press(driver, "Remove Found Me")
    assert driver.focused == "Keep Found Me"
    assert imported(home) == [model_file]
    press(driver, "Remove Found Me now")
    driver.until(lambda: imported(home) == [])
    assert model_file.exists()
    driver.until(lambda: any(name.startswith("Undo") for name in button_names(driver)))
    press(driver, next(name for name in button_names(driver) if name.startswith("Undo")))
    driver.until(lambda: imported(home) == [model_file])


def test_a_file_that_changed_or_vanished_is_told_on_its_model(open_window: Open, home: Path, model_file: Path) -> None:
    driver = open_window(FakeEngine())
    _added(driver, model_file)
    page = driver.window.models_page
    data = model_file.read_bytes()
    random_model(model_file, seed=9, metadata={"general.name": "Found Me"})
    driver.window.show_page("")
    driver.window.show_page("models")
    driver.until(lambda: "has changed since it was added" in text_of(page.detail))
    press(driver, "Read the file of Found Me again")
    driver.until(lambda: "is not the one that was added" in text_of(page))
    model_file.unlink()
    driver.window.show_page("")
    driver.window.show_page("models")
    driver.until(lambda: "is no longer there" in text_of(page.detail))
    model_file.write_bytes(data)
    driver.window.show_page("")
    driver.window.show_page("models")
    driver.until(lambda: driver.has("Read the file of Found Me again"))
    press(driver, "Read the file of Found Me again")
    driver.until(lambda: "its sha256 holds" in text_of(page))


def test_models_of_other_apps_are_looked_for_on_demand_and_used_in_place(
    open_window: Open, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = tmp_path / "person"
    folder = person / ".lmstudio" / "models" / "acme" / "tiny-GGUF"
    folder.mkdir(parents=True)
    file = random_model(folder / "tiny-Q8_0.gguf", metadata={"general.name": "Tiny"})
    monkeypatch.setattr(Path, "home", lambda: person)
    driver = open_window(FakeEngine())
    driver.window.show_page("models")
    page = driver.window.models_page
    driver.until(lambda: bool(page.list.rows.ids))
    assert not any("Found on this computer" in each for each in page.list.rows.headings)
    press(driver, "Look for models of other apps")
    driver.until(lambda: page.list.rows.headings[0] == "Found on this computer · 1")
    assert "LM Studio" in text_of(page.detail)
    name = next(name for name in button_names(driver) if name.startswith("Use "))
    press(driver, name)
    driver.until(lambda: driver.has("I accept"))
    assert imported(home) == [file]


def test_the_foot_says_what_models_take(open_window: Open, home: Path, model_file: Path) -> None:
    driver = open_window(FakeEngine())
    _added(driver, model_file)
    driver.window.show_page("")
    driver.window.show_page("models")
    driver.until(lambda: "1 model added, " in text_of(driver.window.models_page.foot))
    assert " free" in text_of(driver.window.models_page.foot)


def test_the_window_is_one_window(open_window: Open) -> None:
    """A widget that is shown before it has its place would flash up as a window of its own, and take the keyboard."""
    driver = open_window(FakeEngine())
    shown: list[QWidget] = []

    class Watch(QWidget):
        def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802 - Qt's name
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
                shown.append(watched)
            return False

    watch = Watch()
    driver.application.installEventFilter(watch)
    driver.window.show_page("models")
    driver.until(lambda: bool(driver.window.models_page.list.rows.ids))
    driver.backend.access.open_token("")
    driver.until(lambda: driver.has("Access token"))
    driver.window.show_page("models")
    QApplication.processEvents()
    driver.application.removeEventFilter(watch)
    watch.deleteLater()
    assert shown == []


# --- files in pieces, and what is no model ---


def test_a_piece_of_a_cut_file_is_offered_as_a_copy_that_joins_them(
    open_window: Open, home: Path, tmp_path: Path
) -> None:
    whole = random_model(tmp_path / "whole", metadata={"general.name": "In Pieces"})
    files = cut(whole, ("tiny.gguf.part1of2", "tiny.gguf.part2of2"))
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops())
    assert drag(driver.window, urls(*files)).isAccepted()
    drop(driver.window, urls(*files))
    assert driver.window.models_page.taking.accessibleName() == "Add tiny.gguf?"
    assert not driver.has("Use it where it is")
    assert driver.focused == "Copy it to Latchkey's models"
    press(driver, "Copy it to Latchkey's models")
    driver.until(lambda: driver.has("I accept"))
    (path,) = imported(home)
    assert path.is_relative_to(find_paths().models)
    assert all(file.exists() for file in files)
    driver.key(Qt.Key.Key_Escape)
    plain = random_model(tmp_path / "plain.gguf")
    drop(driver.window, urls(plain))
    assert driver.has("Use it where it is")


def test_a_folder_of_pieces_is_joined_where_it_is_copied(open_window: Open, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    cut(random_model(folder / "whole"), ("tiny.gguf-split-a", "tiny.gguf-split-b"))
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops())
    drop(driver.window, urls(folder))
    press(driver, "Copy it to Latchkey's models")
    driver.until(lambda: driver.has("I accept"))
    assert [path.name for path in imported(home)] == ["tiny.gguf"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("m.safetensors", b"\x28\0\0\0\0\0\0\0" + b'{"__metadata__":{"format":"pt"}}', "safetensors"),
        ("m.llamafile", b"MZqFpD='", "llamafile"),
        ("m.7z.001", b"7z\xbc\xaf\x27\x1c", "one volume of an archive"),
        ("old.ggmlv3.q4_0.bin", b"tjgg" + bytes(40), "older format"),
    ],
)
def test_what_people_take_for_a_model_is_told_by_its_kind(
    open_window: Open, home: Path, tmp_path: Path, name: str, data: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    driver = open_window(FakeEngine())
    driver.until(lambda: driver.window.acceptDrops())
    drop(driver.window, urls(file))
    press(driver, "Use it where it is")
    driver.until(lambda: bool(driver.errors()))
    assert said in driver.errors()[0].accessibleDescription()
    assert imported(home) == []


def test_what_other_apps_keep_and_nobody_can_use_is_listed_with_its_reason(
    open_window: Open, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = tmp_path / "person"
    store = OllamaStore(person / ".ollama" / "models")
    store.name(
        "registry.ollama.ai/library/vision/11b", [store.model(tmp_path, metadata={"general.architecture": "mllama"})]
    )
    monkeypatch.setattr(Path, "home", lambda: person)
    driver = open_window(FakeEngine())
    driver.window.show_page("models")
    page = driver.window.models_page
    driver.until(lambda: bool(page.list.rows.ids))
    press(driver, "Look for models of other apps")
    driver.until(lambda: "could not be used" in page.list.rows.headings[0])
    driver.until(lambda: "made for Ollama's own engine" in text_of(page.detail))
    assert "vision:11b" in text_of(page.detail)
    assert not any(name.startswith(("Use ", "Copy ")) for name in button_names(driver))
