"""How one model is loaded, on its page: what is set, what automatic means, and that it is used and kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from desktop.paths import find_paths
from desktop.settings import AdapterSettings, ModelSettings, SettingsFile
from desktop.ui.models.adapter_section import AdapterRow
from desktop.ui.models.load_options import load_options, read_stops, stops_text
from desktop.ui.models.load_settings_section import LoadSettingsSection
from desktop.ui.models.models_page import ModelsPage
from desktop.ui.parts.line_edit import Field
from tests.accepting import accept
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.tiny_adapter import lora_adapter
from tests.ui.driving import Driver, found

Open = Callable[..., Driver]
GUIDE = "latchkey-guide"


Section = Callable[[], LoadSettingsSection]


def opened(driver: Driver) -> Section:
    """Gives the section of the built-in model, unfolded. The page builds it anew when the model's status changes."""
    driver.click("Models")
    page = found(driver.window, ModelsPage)

    def now() -> LoadSettingsSection:
        assert page.detail.loading is not None
        return page.detail.loading

    driver.until(lambda: page.choose(GUIDE) and page.detail.loading is not None)
    QTest.mouseClick(now().turn, Qt.MouseButton.LeftButton)
    assert now().opened
    return now


def write(section: LoadSettingsSection, field: str, text: str) -> None:
    control = section.rows[field].control
    assert isinstance(control, Field)
    control.setFocus()
    control.selectAll()
    QTest.keyClicks(control, text)
    QTest.keyClick(control, Qt.Key.Key_Return)


def kept() -> ModelSettings:
    return SettingsFile(find_paths().settings_file).current.model_settings.get(GUIDE, ModelSettings())


def test_what_is_set_is_used_shown_kept_and_reset(open_window: Open) -> None:
    engine = FakeEngine()
    driver = open_window(engine)
    section = opened(driver)
    assert section().summary.text() == "Everything is left to Latchkey."
    write(section(), "context_length", "1024")
    write(section(), "threads", "3")
    driver.until(lambda: engine.loads and engine.loads[-1].threads == 3)
    assert engine.loads[-1].context_length == 1024
    assert kept() == ModelSettings(context_length=1024, threads=3)
    assert "Context length: 1,024" in section().summary.text()
    section().template.edit.setFocus()
    QTest.keyClicks(section().template.edit, "{{ x }}")
    section().stops.edit.setFocus()
    QTest.keyClicks(section().stops.edit, "END")
    section().turn.setFocus()
    assert (kept().chat_template, kept().stops) == ("{{ x }}", ("END",))
    driver.until(lambda: engine.loads[-1].own_template == "{{ x }}")
    QTest.mouseClick(section().rows["threads"].reset, Qt.MouseButton.LeftButton)
    assert kept().threads is None
    QTest.mouseClick(section().reset, Qt.MouseButton.LeftButton)
    assert kept() == ModelSettings()
    assert section().template.edit.text == section().stops.edit.text == ""


def test_what_cannot_be_kept_is_said_and_changes_nothing(open_window: Open, tmp_path: Path) -> None:
    driver = open_window(FakeEngine())
    section = opened(driver)
    write(section(), "threads", "5000")
    assert "from 1 to 4,096" in section().rows["threads"].sentence.text()
    section().changed.emit({"stops": tuple(map(str, range(65)))})
    driver.until(lambda: any("cannot be kept like that" in box.accessibleDescription() for box in driver.errors()))
    file = tmp_path / "own.jinja"
    file.write_bytes(b"\xff\xfe")
    driver.backend.loading.take_template(GUIDE, file)
    driver.until(lambda: any("no chat template" in box.accessibleDescription() for box in driver.errors()))
    assert kept() == ModelSettings()
    file.write_text("{{ messages }}")
    driver.backend.loading.take_template(GUIDE, file)
    driver.until(lambda: section().template.edit.text == "{{ messages }}")
    assert kept().chat_template == "{{ messages }}"
    assert not any("no chat template" in box.accessibleDescription() for box in driver.errors())


def test_what_is_being_typed_is_for_the_model_that_was_shown(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    section = opened(driver)
    section().template.edit.setFocus()
    QTest.keyClicks(section().template.edit, "T")
    page = found(driver.window, ModelsPage)
    assert page.choose(next(id_ for id_ in page.list.rows.ids if id_ != GUIDE))
    assert kept().chat_template == "T"
    assert set(SettingsFile(find_paths().settings_file).current.model_settings) == {GUIDE}


def test_every_setting_is_explained_and_named_and_reached_by_keyboard(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    section = opened(driver)
    for option in load_options():
        assert option.sentence.endswith(".")
        assert "Automatic:" in option.sentence
    inside = section().inside
    assert inside is not None
    names = [
        each.accessibleName() for each in inside.findChildren(QWidget) if each.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert {option.name for option in load_options()} <= set(names)
    assert {"Chat template", "Stops", "Chat template from a file"} <= set(names)
    assert all(names)


def test_a_template_of_a_megabyte_is_told_of_and_not_drawn(open_window: Open) -> None:
    driver = open_window(FakeEngine())
    section = opened(driver)
    section().changed.emit({"chat_template": "x" * 1_000_000})
    driver.until(lambda: section().kept.isVisible())
    assert "1,000,000" in section().kept.text()
    section().commit()
    assert len(kept().chat_template) == 1_000_000


@pytest.mark.parametrize("stops", [(), ("END", "\n\n"), ("\\n", "a\tb", "\\"), ("é 中",), (" a ",)])
def test_stops_are_read_as_they_were_written(stops: tuple[str, ...]) -> None:
    assert read_stops(stops_text(stops)) == stops


def test_an_adapter_that_fits_is_put_on_the_model_once_its_license_is_accepted(open_window: Open, home: Path) -> None:
    driver = open_window(FakeEngine())
    services = driver.backend.services
    poet = services.importer.add(lora_adapter(home / "poet.gguf", width=256, license_="mit"), adapters=True)
    services.importer.add(lora_adapter(home / "other.gguf", width=64), adapters=True)
    section = opened(driver)

    def row() -> AdapterRow:
        (only,) = section().adapters.rows.values()
        return only

    driver.until(lambda: bool(section().adapters.rows))
    assert "Accept license" in row().state.text()
    assert row().add.isHidden()
    QTest.mouseClick(row().license, Qt.MouseButton.LeftButton)
    driver.until(lambda: driver.window.shown == "license")
    accept(services, poet.id)
    driver.window.show_page("models")
    driver.until(lambda: not row().add.isHidden())
    row().add.setFocus()
    QTest.keyClick(row().add, Qt.Key.Key_Space)
    assert kept().adapters == (AdapterSettings(str(poet.path), 1.0),)
    assert "1 adapter" in section().summary.text()
    driver.until(lambda: bool(section().adapters.rows) and not row().scale.isHidden())
    row().scale.setFocus()
    row().scale.selectAll()
    QTest.keyClicks(row().scale, "0.5")
    QTest.keyClick(row().scale, Qt.Key.Key_Return)
    assert kept().adapters == (AdapterSettings(str(poet.path), 0.5),)
    driver.until(lambda: bool(section().adapters.rows) and not row().remove.isHidden())
    QTest.mouseClick(row().remove, Qt.MouseButton.LeftButton)
    assert kept() == ModelSettings()
