"""The pages beside the conversation: models and settings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from desktop.byte_size import size_text
from desktop.ui.parts.setting_controls import NumberField
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]


def _saved(driver: Driver) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((driver.home / "config" / "settings.json").read_text())
    return values


def _texts(driver: Driver) -> str:
    page = driver.window.pages.currentWidget()
    assert page is not None
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisible()).replace("\u200b", "")


def test_models_page_tells_of_the_built_in_model(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.click("Models")
    page = driver.window.models_page
    driver.until(lambda: page.choose("latchkey-guide"))
    driver.until(lambda: driver.has("Answers now"))
    text = _texts(driver)
    assert "Latchkey Guide" in text
    assert "Apache License 2.0" in text
    assert "latchkey-guide.gguf" in text
    headings = [each for each in page.list.rows.headings if each != "For this computer"]
    assert headings[0].startswith("On this computer · ")


def test_model_picker_shows_what_answers_and_its_license(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    bar = driver.page.top_bar
    assert bar.model_button.text() == "Latchkey Guide"
    assert bar.model_button.detail == "Q8_0"
    assert driver.has("Apache-2.0")


def test_sampling_holds_from_the_next_answer_on(open_window: Open) -> None:
    engine = FakeEngine([FakeAnswer("An answer.")])
    driver = open_window(engine)
    driver.click("Settings")
    field = driver.named("Temperature", NumberField)
    field.setText("0.2")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert _saved(driver)["sampling"] == {"temperature": 0.2}
    driver.key(Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    driver.ask("Question")
    assert engine.requests[-1].options.sampling.temperature == 0.2
    field.setText("")
    QTest.keyClick(field, Qt.Key.Key_Return)
    driver.ask("Another")
    assert engine.requests[-1].options.sampling.temperature is None


def test_a_number_out_of_range_is_refused_with_the_range(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    driver.click("Settings")
    field = driver.named("Top-p", NumberField)
    for wrong in ("7", "abc", "-1", "nan"):
        field.setText(wrong)
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert field.text() == ""
    assert "A number from 0 to 1, or nothing for automatic." in _texts(driver)


def test_context_length_loads_the_model_again(open_window: Open) -> None:
    engine = FakeEngine()
    driver = open_window(engine)
    driver.click("Settings")
    field = driver.named("Context length", NumberField)
    field.setText("1024")
    QTest.keyClick(field, Qt.Key.Key_Return)
    driver.until(lambda: len(engine.loads) == 2)
    assert engine.loads[-1].context_length == 1024


@pytest.mark.parametrize(
    ("name", "setting", "typed", "kept", "cleared"),
    [
        ("Answers at once", "parallel_answers", "2", 2, 4),
        ("Calls of tools", "tool_calls", "3", 3, 20),
        ("Memory for models", "model_memory", "7.5", 7_500_000_000, None),
        ("Unload after", "unload_after", "0", 0, None),
    ],
)
def test_what_models_may_take_is_set_in_the_units_that_are_shown(
    open_window: Open, name: str, setting: str, typed: str, kept: int, cleared: int | None
) -> None:
    driver = open_window(FakeEngine())
    driver.click("Settings")
    field = driver.named(name, NumberField)
    field.setText(typed)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert _saved(driver)[setting] == kept
    field.setText("")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert _saved(driver)[setting] == cleared


def test_settings_that_cannot_be_written_hold_and_are_told(open_window: Open) -> None:
    driver = open_window(FakeEngine(), accepted=False)
    (driver.home / "config").write_text("in the way")
    driver.click("Settings")
    driver.window.settings_changed.emit({"theme": "dark"})
    assert driver.window.theme.tokens.dark
    driver.until(lambda: bool(driver.errors()))
    assert "could not be saved" in driver.errors()[0].accessibleDescription()


def test_damaged_settings_are_told_and_kept(open_window: Open) -> None:
    config = Path(os.environ["LATCHKEY_HOME"]) / "config"
    config.mkdir(parents=True)
    (config / "settings.json").write_text("{ damaged")
    driver = open_window(FakeEngine())
    assert "Defaults are in use" in driver.errors()[0].accessibleDescription()
    assert [file.read_text() for file in config.glob("settings.damaged-*.json")] == ["{ damaged"]


def test_sizes_are_told_as_people_read_them() -> None:
    assert [size_text(size, "two") for size in (512, 4_040_000, 45_600_000, 7_400_000_000)] == [
        "512 B",
        "4.0 MB",
        "46 MB",
        "7.4 GB",
    ]
