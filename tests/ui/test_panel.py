"""The panel at the right: what it shows, whom its changes are for, and that it is remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from desktop.chat.preset_file import Preset, PresetFile
from desktop.conversation import ChatOptions, Conversation, Folder
from desktop.engine.generation_options import SamplingParams
from desktop.engine.worker_messages import ModelInfo
from desktop.paths import find_paths
from desktop.settings import ModelSettings, SamplingSettings, Settings, SettingsFile
from desktop.ui.panel.chat_panel import ChatPanel
from desktop.ui.panel.panel_values import PanelSources, panel_values
from desktop.ui.theme.theme import Theme
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.ui.driving import Driver

Open = Callable[..., Driver]
RESOURCES = Path(__file__).resolve().parents[2] / "resources"
INFO = ModelInfo(*("",) * 4, 1, 1, 4096, 8192, True, 1, 0, (), "", "", thinks=True, thinking_controls=("off", "budget"))


@pytest.fixture
def panel(qtbot: QtBot) -> ChatPanel:
    made = ChatPanel(Theme(RESOURCES, "light"))
    qtbot.addWidget(made)
    made.resize(320, 1400)
    made.show_sources(PanelSources(conversation=Conversation("c"), model_id="m", model_name="M"))
    made.show()
    return made


def write(panel: ChatPanel, field: str, text: str) -> None:
    """Type into a row's field and leave it by Enter."""
    control = panel.rows[field].control
    assert isinstance(control, QLineEdit)
    control.setFocus()
    control.selectAll()
    QTest.keyClicks(control, text) if text else QTest.keyClick(control, Qt.Key.Key_Delete)
    QTest.keyClick(control, Qt.Key.Key_Return)


def told(panel: ChatPanel) -> list[tuple[str, dict[str, object]]]:
    changes: list[tuple[str, dict[str, object]]] = []
    panel.changed.connect(lambda scope, values: changes.append((scope, values)))
    return changes


def test_each_place_shows_its_own_values_and_what_counts_without_them() -> None:
    sources = PanelSources(
        settings=Settings(
            sampling=SamplingSettings(temperature=0.7, top_p=0.9),
            model_settings={"m": ModelSettings(sampling={"top_k": 7})},
            threads=3,
        ),
        conversation=Conversation("c", options=ChatOptions(preset="calm", sampling={"temperature": 0.1})),
        folder=Folder("f", "F", system_prompt="Of the folder."),
        model_id="m",
        presets={"calm": Preset(sampling=SamplingParams(min_p=0.5))},
    )
    names = ("temperature", "top_p", "top_k", "min_p", "seed", "threads", "context_length")
    chat = panel_values(sources, "chat", names)
    assert chat.own == {"temperature": 0.1, "preset": "calm"}
    assert chat.inherited == {
        "temperature": "0.7 (settings)",
        "top_p": "0.9 (settings)",
        "top_k": "7 (model)",
        "min_p": "0.5 (calm)",
        "seed": "",
        "threads": "3 (settings)",
        "context_length": "Automatic",
    }
    assert chat.inherited_prompt == "Of the folder."
    assert chat.scopes == ("chat", "folder", "model")
    model = panel_values(sources, "model", names)
    assert model.own == {"top_k": 7}
    assert (model.inherited["top_k"], model.inherited_prompt) == ("", "")
    assert panel_values(PanelSources(), "folder", names).scope == "chat", "no folder, no model: the chat alone"


def test_a_change_is_for_the_place_that_is_shown(panel: ChatPanel) -> None:
    changes = told(panel)
    write(panel, "temperature", "0,5")
    panel.switch.buttons["model"].click()
    write(panel, "threads", "2")
    panel.prompt.edit.setFocus()
    QTest.keyClicks(panel.prompt.edit, "Hi")
    panel.switch.buttons["chat"].click()
    assert changes == [
        ("chat", {"temperature": 0.5}),
        ("model", {"threads": 2}),
        ("model", {"system_prompt": "Hi"}),
    ]


def test_a_value_goes_back_by_its_button_or_by_an_empty_field(panel: ChatPanel) -> None:
    options = ChatOptions(sampling={"temperature": 0.5, "top_k": 3})
    panel.show_sources(PanelSources(conversation=Conversation("c", options=options), model_id="m"))
    changes = told(panel)
    assert panel.rows["temperature"].reset.isVisible()
    assert not panel.rows["top_p"].reset.isVisible()
    QTest.keyClick(panel.rows["temperature"].reset, Qt.Key.Key_Return)
    write(panel, "top_k", "")
    assert changes == [("chat", {"temperature": None}), ("chat", {"top_k": None})]


def test_a_number_that_cannot_be_is_refused_with_the_range(panel: ChatPanel) -> None:
    changes = told(panel)
    write(panel, "temperature", "99")
    assert not changes
    assert "from 0 to 5" in panel.rows["temperature"].sentence.text()


def test_thinking_is_offered_as_far_as_the_loaded_model_can(panel: ChatPanel) -> None:
    assert not panel.rows["thinking"].isVisible()
    panel.show_sources(PanelSources(conversation=Conversation("c"), model_id="m", info=INFO))
    shown = [field for field in ("thinking", "effort", "thinking_budget") if panel.rows[field].isVisible()]
    assert shown == ["thinking", "thinking_budget"]


def test_loading_again_is_said_before_it_happens(panel: ChatPanel) -> None:
    wanting = Conversation("c", options=ChatOptions(context_length=8192))
    panel.show_sources(PanelSources(conversation=wanting, model_id="m", info=INFO))
    assert "loaded with 4,096 tokens" in panel._context_note.text()
    assert "next message in this chat loads it again with 8,192" in panel._context_note.text()
    panel.show_sources(PanelSources(conversation=Conversation("c"), model_id="m", info=INFO))
    assert not panel._context_note.isVisible()


def test_what_is_being_typed_stays_while_values_change(panel: ChatPanel) -> None:
    panel.prompt.edit.setFocus()
    QTest.keyClicks(panel.prompt.edit, "Half a sen")
    control = panel.rows["top_k"].control
    panel.show_sources(PanelSources(conversation=Conversation("c", system_prompt="Other"), model_id="m"))
    assert panel.prompt.edit.text == "Half a sen"
    control.setFocus()
    QTest.keyClicks(control, "12")
    panel.show_sources(PanelSources(conversation=Conversation("c", system_prompt="Other"), model_id="m"))
    assert isinstance(control, QLineEdit)
    assert control.text() == "12"


def test_every_row_is_explained_in_a_sentence(panel: ChatPanel) -> None:
    for row in panel.rows.values():
        assert row.sentence.text().endswith("."), row.option.field
        assert row.control.accessibleName() == row.option.name


def test_the_panel_is_opened_by_keyboard_and_remembered(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Hello.")]))
    assert driver.backend.panel.panel is None, "closed at first"
    driver.key(Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert driver.has("Close the panel")
    assert driver.focused == "This chat"
    assert SettingsFile(find_paths().settings_file).current.panel_open
    driver.window.show_page("settings")
    assert not driver.has("Close the panel"), "it belongs to the chat"
    driver.window.show_page("")
    assert driver.has("Close the panel")
    driver.named("Temperature").setFocus()
    driver.key(Qt.Key.Key_Escape)
    assert not driver.has("Close the panel")
    assert driver.focused == "Message"
    assert not SettingsFile(find_paths().settings_file).current.panel_open
    driver.click("Panel")
    assert driver.has("Close the panel")


def test_what_is_set_in_the_panel_reaches_the_model_and_the_disk(open_window: Open) -> None:
    engine = FakeEngine([FakeAnswer("Hello.")])
    driver = open_window(engine, panel_open=True)
    panel = driver.backend.panel.panel
    assert panel is not None
    write(panel, "temperature", "0.5")
    panel.prompt.edit.setFocus()
    QTest.keyClicks(panel.prompt.edit, "Be brief.")
    driver.page.focus_composer()
    driver.ask("One")
    assert engine.requests[-1].options.sampling.temperature == 0.5
    assert engine.requests[-1].messages[0].text == "Be brief."
    first = driver.page.conversation_id
    panel.prompt.edit.setFocus()
    QTest.keyClicks(panel.prompt.edit, " And kind.")
    driver.window.new_chat()  # while it is being typed, as by Ctrl+N
    assert panel.prompt.edit.text == ""
    driver.until(lambda: driver.chat._store.conversation(first or "").system_prompt == "Be brief. And kind.")
    driver.ask("Two")
    assert engine.requests[-1].options.sampling.temperature is None
    panel.switch.buttons["model"].click()
    write(panel, "top_k", "5")
    driver.ask("Three")
    assert engine.requests[-1].options.sampling.top_k == 5
    assert len(engine.loads) == 1, "nothing of this asks for another load"
    write(panel, "context_length", "2048")
    driver.until(lambda: [params.context_length for params in engine.loads] == [None, 2048])
    model = driver.backend.selection.model
    assert model is not None
    own = SettingsFile(find_paths().settings_file).current.model_settings[model.id]
    assert own == ModelSettings(context_length=2048, sampling={"top_k": 5})


def test_presets_are_kept_renamed_deleted_and_brought_back(open_window: Open) -> None:
    driver = open_window(FakeEngine([FakeAnswer("Hello.")]), panel_open=True)
    panel, file = driver.backend.panel.panel, PresetFile(find_paths().presets_file)
    assert panel is not None
    write(panel, "temperature", "0.25")
    driver.until(lambda: panel.rows["temperature"].reset.isVisible())
    panel.presets._begin("", "")
    QTest.keyClicks(panel.presets.field, "calm")
    QTest.keyClick(panel.presets.field, Qt.Key.Key_Return)
    driver.until(lambda: panel.presets.choice.text() == "calm")
    assert file.find("calm") == Preset(sampling=SamplingParams(temperature=0.25))
    panel.presets._begin("calm", "calm")
    QTest.keyClicks(panel.presets.field, "precise")
    QTest.keyClick(panel.presets.field, Qt.Key.Key_Return)
    driver.until(lambda: bool(driver.errors()))
    assert "already" in driver.errors()[0].accessibleDescription()
    panel.presets.field.setText("quiet")
    QTest.keyClick(panel.presets.field, Qt.Key.Key_Return)
    driver.until(lambda: panel.presets.choice.text() == "quiet")
    assert not driver.errors()
    driver.backend.panel._delete_preset("quiet")
    driver.until(lambda: panel.presets.choice.text().startswith("calm (missing"))
    assert "calm" not in file.presets()
    assert "quiet" not in file.presets()
    driver.click("Undo: The preset “quiet” was deleted.")
    driver.until(lambda: panel.presets.choice.text() == "quiet")
    assert file.find("quiet").sampling.temperature == 0.25


def test_a_preset_for_another_model_offers_it_and_switches_nothing_by_itself(panel: ChatPanel) -> None:
    asked: list[str] = []
    panel.presets.switch_asked.connect(asked.append)
    chat = Conversation("c", options=ChatOptions(preset="p"))
    presets = {"p": Preset(model="other/model")}
    panel.show_sources(PanelSources(conversation=chat, model_id="m", presets=presets))
    assert asked == []
    assert "the model other/" in panel.presets.sentence.text()
    panel.presets.switch.click()
    assert asked == ["other/model"]
    panel.show_sources(PanelSources(conversation=chat, model_id="other/model", presets=presets))
    assert not panel.presets.switch.isVisible()


def test_hostile_names_are_shown_as_they_are(panel: ChatPanel) -> None:
    name = "<b>&amp;\u202e" + "x" * 40
    chat = Conversation("c", options=ChatOptions(preset=name))
    folder = Folder("f", "F\n" * 50)
    panel.show_sources(PanelSources(conversation=chat, folder=folder, model_id="m", presets={name: Preset()}))
    assert panel.width() <= 560
    assert "<b>&amp;" in panel.presets.choice.text()
    assert "\u202e" not in panel.presets.choice.text()
    assert msgspec.structs.asdict(folder)["name"] == folder.name
