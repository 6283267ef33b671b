"""The page of models: what a card says, how cards are found and walked, and that nothing moves or widens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QFontMetrics
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.catalog.catalog import EntryBase, License
from desktop.catalog.catalog_file import CatalogProblem
from desktop.errors import UserError
from desktop.library.hardware_fit import HardwareLimits, fit_of_size
from desktop.library.library_model import LibraryCard
from desktop.library.recommendations import Task, TaskRecommendation
from desktop.licenses.ledger_state import AcknowledgementStatus
from desktop.licenses.policy import Policy, PolicyRules
from desktop.ui.models.model_text import blocked_labels, card_text, status_label
from desktop.ui.models.models_page import ModelsPage
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import badge_size, parts_that_fit
from desktop.ui.theme.theme import Theme
from tests.ui.cards import (
    COPY,
    GPT_4,
    GPT_J,
    GUIDE,
    LLAMA_32,
    MODELS,
    STABLE_VICUNA,
    all_cards,
    card_of,
    catalog_of,
)

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
BOTH: dict[str, AcknowledgementStatus] = {"LicenseRef-LLaMA": "in-force", "CC-BY-NC-SA-4.0": "in-force"}


@pytest.fixture
def theme(qtbot: QtBot) -> Iterator[Theme]:
    font = QApplication.font()
    yield Theme(RESOURCES, "light")
    QApplication.setFont(font)


@pytest.fixture
def page(qtbot: QtBot, theme: Theme) -> ModelsPage:
    page = ModelsPage(theme)
    qtbot.addWidget(page)
    page.resize(1028, 748)
    page.show_cards(all_cards(), GUIDE.id)
    page.show()
    qtbot.waitExposed(page)
    return page


def _text(page: QWidget) -> str:
    """Everything that the page's labels say."""
    labels = [label.text() for label in page.findChildren(QLabel) if label.isVisible()]
    return "\n".join(labels).replace("\u200b", "")


def _buttons(page: ModelsPage) -> list[Button]:
    return [button for button in page.detail.findChildren(Button) if button.isVisible()]


def _button(page: ModelsPage, name: str) -> Button:
    found = [button for button in _buttons(page) if name in (button.accessibleName(), button.text())]
    assert found, f"no button {name!r} among {[button.accessibleName() for button in _buttons(page)]}"
    return found[0]


# --- cards -----------------------------------------------------------------------------------------------------------


def test_sections_are_what_is_here_the_catalog_and_what_nobody_can_have(page: ModelsPage) -> None:
    assert page.list.rows.headings == ["On this computer · 2.0 GB", "Catalog · 6", "Closed: no weights to be had · 1"]
    assert page.list.rows.ids[0] == GUIDE.id
    assert page.list.rows.ids[-1] == GPT_4.id


@pytest.mark.parametrize(
    ("card", "state"),
    [
        (card_of(GUIDE, here=True, accepted={"Apache-2.0": "in-force"}), "Ready"),
        (card_of(GUIDE, here=True), "Accept license"),
        (card_of(GUIDE, here=True, accepted={"Apache-2.0": "revoked"}), "Revoked"),
        (card_of(GUIDE, here=True, accepted={"Apache-2.0": "in-force"}, old_text=True), "Suspended"),
        (card_of(GUIDE, here=True, accepted={"Apache-2.0": "suspended"}), "Suspended"),
        (card_of(GUIDE, here=True, policy=Policy(deny=PolicyRules(license=("Apache-2.0",)))), "Not allowed here"),
        (card_of(STABLE_VICUNA, here=True, accepted=BOTH, purpose="commercial"), "Not for your purpose"),
        (card_of(STABLE_VICUNA), "Not on this computer"),
        (card_of(STABLE_VICUNA, policy=Policy(deny=PolicyRules(publisher=("Meta AI",)))), "Not allowed here"),
        (card_of(GPT_4), "Closed"),
        (card_of(GPT_J), "Cannot run"),
        (card_of(GPT_J, here=True), "Cannot run"),
    ],
)
def test_a_card_says_how_the_person_stands_with_the_model(card: LibraryCard, state: str) -> None:
    assert status_label(card).text == state
    assert state[1:] in card_text(card).spoken


@pytest.mark.parametrize("status", ["revoked", "suspended"])
def test_a_model_that_is_not_here_is_said_not_to_be_whatever_its_licenses(status: AcknowledgementStatus) -> None:
    assert status_label(card_of(STABLE_VICUNA, accepted={"LicenseRef-LLaMA": status})).text == "Not on this computer"


def test_badges_name_license_restrictions_gate_and_origin() -> None:
    badges = card_text(card_of(STABLE_VICUNA)).badges
    assert badges == (
        ("CC-BY-NC-SA-4.0", "quiet"),
        ("LLaMA", "quiet"),
        ("Research only", "bad"),
        ("Non-commercial", "bad"),
        ("No training on outputs", "warn"),
        ("Open", "quiet"),
        ("built on LLaMA 13B", "quiet"),
    )
    assert ("Gated: Meta approves", "chosen") in card_text(card_of(LLAMA_32)).badges
    assert ("Attribution · acceptable use", "warn") in card_text(card_of(LLAMA_32)).badges


def test_a_copy_that_claims_more_than_its_base_is_flagged(page: ModelsPage) -> None:
    card = card_of(COPY)
    assert ("Claims more than its base", "warn") in card_text(card).badges
    page.choose(COPY.id)
    text = _text(page.detail)
    assert "It says Apache-2.0; its base Llama 3.2 3B adds: attribution, acceptable use." in text


# --- those to begin with ---------------------------------------------------------------------------------------------


def _choice(model_id: str, *tasks: Task, here: bool = False, exact: bool = True) -> TaskRecommendation:
    fit = fit_of_size(2 * 10**9, HardwareLimits(16 * 10**9, 16 * 10**9, (), 4))
    return TaskRecommendation(model_id, model_id, tasks, "m.gguf", 2 * 10**9, fit, "It fits well.", exact, here)


CHOICES = {
    STABLE_VICUNA.id: _choice(STABLE_VICUNA.id, "chat", "multilingual"),
    LLAMA_32.id: _choice(LLAMA_32.id, "coding", exact=False),
}


def test_the_page_begins_with_the_models_for_this_computer_each_once(page: ModelsPage) -> None:
    page.show_cards(all_cards(), GUIDE.id, choices=CHOICES)
    rows = page.list.rows
    assert rows.headings == [
        "For this computer",
        "On this computer · 2.0 GB",
        "Catalog · 6",
        "Closed: no weights to be had · 1",
    ]
    assert rows.ids[:3] == [STABLE_VICUNA.id, LLAMA_32.id, GUIDE.id]
    assert rows.rowCount() == len(rows.headings) + len(all_cards())
    page.show_cards(all_cards(), GUIDE.id)
    assert rows.headings[0].startswith("On this computer")


@pytest.mark.parametrize("search", ["words", "pill", "licenses", "gates"])
def test_whoever_searches_is_shown_no_models_to_begin_with(page: ModelsPage, search: str) -> None:
    page.show_cards(all_cards(), GUIDE.id, choices=CHOICES)
    match search:
        case "words":
            page.field.setText("a")
        case "pill":
            page.runs_here.setChecked(True)
        case "licenses":
            page.licenses.choose("commercial")
        case "gates":
            page.gates.choose("open")
    page._filter()
    assert "For this computer" not in page.list.rows.headings
    page.clear_filters()
    assert page.list.rows.headings[0] == "For this computer"


def test_a_card_says_what_the_model_was_chosen_for_why_and_how_large_it_is(page: ModelsPage) -> None:
    face = card_text(card_of(STABLE_VICUNA), None, CHOICES[STABLE_VICUNA.id])
    assert (face.tasks, face.reason) == ("Chat · many languages", "It fits well.")
    assert face.origin == "2.0 GB · CarperAI"
    assert face.spoken.startswith("StableVicuna 13B, for chat and many languages, CarperAI, Research only")
    assert face.described.startswith("It fits well. 2.0 GB · CarperAI")
    assert ("Research only", "bad") in face.badges
    guessed = card_text(card_of(LLAMA_32), None, CHOICES[LLAMA_32.id])
    assert guessed.origin.startswith("about 2.0 GB")
    assert ("Gated: Meta approves", "chosen") in guessed.badges
    page.show_cards(all_cards(), GUIDE.id, choices=CHOICES)
    heights = [page.list.sizeHintForRow(page.list.rows.row_of(each) or 0) for each in (STABLE_VICUNA.id, GPT_J.id)]
    assert heights[0] > heights[1] + 2 * QFontMetrics(page.theme.font("small")).height()


def test_what_was_chosen_and_is_here_stands_with_what_is_here(page: ModelsPage) -> None:
    card = card_of(STABLE_VICUNA, here=True)
    choices = CHOICES | {STABLE_VICUNA.id: _choice(STABLE_VICUNA.id, "chat", here=True)}
    page.show_cards(all_cards(card), GUIDE.id, choices=choices)
    rows = page.list.rows
    assert rows.ids[:3] == [LLAMA_32.id, STABLE_VICUNA.id, GUIDE.id]
    assert card_text(card, None, choices[STABLE_VICUNA.id]).tasks == "Chat"


def test_whoever_has_only_the_built_in_model_is_shown_the_first_for_this_computer(qtbot: QtBot, theme: Theme) -> None:
    page = ModelsPage(theme)
    qtbot.addWidget(page)
    page.resize(1028, 748)
    page.show_cards([card_of(GUIDE, here=True), card_of(STABLE_VICUNA)], GUIDE.id, choices=CHOICES)
    assert page.list.chosen_id == STABLE_VICUNA.id
    used = ModelsPage(theme)
    qtbot.addWidget(used)
    used.show_cards(all_cards(card_of(GPT_J, here=True)), GPT_J.id, choices=CHOICES)
    assert used.list.chosen_id == GPT_J.id


def test_screen_readers_hear_each_card(page: ModelsPage) -> None:
    rows = page.list.rows
    place = rows.row_of(STABLE_VICUNA.id)
    assert place is not None
    spoken = "StableVicuna 13B, CarperAI, Research only, Non-commercial, No training on outputs, not on this computer"
    interface = QAccessible.queryAccessibleInterface(page.list)
    cell = interface.child(place)
    assert cell.text(QAccessible.Text.Name) == spoken
    assert "CC-BY-NC-SA-4.0" in cell.text(QAccessible.Text.Description)


def test_everything_that_takes_focus_has_a_name(page: ModelsPage) -> None:
    for entry in MODELS:
        page.choose(entry.id)
        for widget in page.findChildren(QWidget):
            if widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                assert widget.accessibleName(), f"{widget} on the page of {entry.name}"


# --- searching and filtering -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("stable", [STABLE_VICUNA.id]),
        ("carper vicuna", [STABLE_VICUNA.id]),
        ("research only", ["llama-13b", "vicuna-13b", STABLE_VICUNA.id]),
        ("CC-BY-NC", [STABLE_VICUNA.id]),
        ("Community License", [LLAMA_32.id, COPY.id]),
        ("german", [STABLE_VICUNA.id]),
        ("openai", [GPT_4.id]),
        ("nothing like that", []),
    ],
)
def test_words_find_models_by_all_they_are_known_for(page: ModelsPage, words: str, found: list[str]) -> None:
    page.field.setText(words)
    assert page.list.rows.ids == found


def test_nothing_found_is_said_and_undone_by_one_button(page: ModelsPage) -> None:
    page.field.setText("zzz")
    assert "No model is found by “zzz” under these filters." in _text(page)
    shown = [button for button in page.findChildren(QAbstractButton) if button.text() == "Show all models"]
    QTest.mouseClick(shown[0], Qt.MouseButton.LeftButton)
    assert len(page.list.rows.ids) == len(MODELS)
    assert page.field.text() == ""


def test_filters_leave_out_what_cannot_run_is_restricted_or_gated(page: ModelsPage) -> None:
    page.runs_here.click()
    assert not {GPT_4.id, GPT_J.id} & set(page.list.rows.ids)
    page.clear_filters()
    page.licenses._take("open")
    assert page.list.rows.ids == [GUIDE.id, GPT_J.id]
    page.licenses._take("commercial")
    assert page.list.rows.ids == [GUIDE.id, LLAMA_32.id, COPY.id, GPT_J.id]
    page.clear_filters()
    page.gates._take("open")
    assert not {"llama-13b", LLAMA_32.id, GPT_4.id} & set(page.list.rows.ids)
    assert page.gates.accessibleName() == "Gates shown: Open only"


def test_a_model_of_unknown_terms_is_not_among_the_open_ones(page: ModelsPage) -> None:
    lost = msgspec.structs.replace(GUIDE, id="lost", origin="derived", base=(EntryBase("gone", "fine-tune"),))
    page.show_cards([card_of(lost, catalog_of(lost))], None)
    page.licenses._take("open")
    assert page.list.rows.ids == []


def test_the_page_is_walked_by_keyboard_from_the_words_to_the_license(page: ModelsPage, qtbot: QtBot) -> None:
    page.field.setFocus()
    QTest.keyClicks(page.field, "vicuna")
    assert page.detail.card is not None
    assert page.detail.card.listed.subject.id == "vicuna-13b"
    QTest.keyClick(page.field, Qt.Key.Key_Down)
    assert page.detail.card.listed.subject.id == STABLE_VICUNA.id
    QTest.keyClick(page.field, Qt.Key.Key_Return)
    focus = page.focusWidget()
    assert focus is not None
    assert focus.accessibleName() == "Read LLaMA License Agreement (2023)"
    with qtbot.waitSignal(page.license_asked) as asked:
        QTest.keyClick(focus, Qt.Key.Key_Space)
    assert asked.args == [STABLE_VICUNA.id, "LicenseRef-LLaMA"]


def test_arrows_in_the_list_pass_over_headings(page: ModelsPage) -> None:
    page.list.setFocus()
    QTest.keyClick(page.list, Qt.Key.Key_Down)
    assert page.list.chosen_id == "llama-13b"
    QTest.keyClick(page.list, Qt.Key.Key_Up)
    QTest.keyClick(page.list, Qt.Key.Key_Up)
    assert page.list.chosen_id == GUIDE.id


# --- staying where one is --------------------------------------------------------------------------------------------


def test_refreshed_cards_keep_choice_place_and_focus(page: ModelsPage, qtbot: QtBot) -> None:
    page.resize(1028, 420)
    QApplication.processEvents()
    page.choose(STABLE_VICUNA.id)
    button = _button(page, "Read CC BY-NC-SA 4.0")
    button.setFocus()
    seen = page.list.verticalScrollBar().value()
    accepted = card_of(STABLE_VICUNA, accepted={"LicenseRef-LLaMA": "in-force"})
    cards = [accepted if card.listed.subject.id == STABLE_VICUNA.id else card for card in all_cards()]
    page.show_cards(cards, GUIDE.id)
    QApplication.processEvents()
    assert page.list.chosen_id == STABLE_VICUNA.id
    assert page.list.verticalScrollBar().value() == seen
    assert [row.step.progress for row in page.detail.steps] == ["done", "now", "later"]
    focus = page.focusWidget()
    assert focus is not None
    assert focus.accessibleName() == "Read CC BY-NC-SA 4.0"


def test_a_model_that_comes_above_moves_nothing_that_is_seen(page: ModelsPage) -> None:
    page.resize(1028, 420)
    QApplication.processEvents()
    page.choose(GPT_J.id)
    rows = page.list
    before = rows.visualRect(rows.rows.index(rows.rows.row_of(GPT_J.id) or 0)).y()
    page.show_cards(all_cards(card_of(STABLE_VICUNA, here=True)), GUIDE.id)
    QApplication.processEvents()
    assert rows.visualRect(rows.rows.index(rows.rows.row_of(GPT_J.id) or 0)).y() == before
    assert rows.chosen_id == GPT_J.id


def test_the_model_in_use_is_shown_first(page: ModelsPage) -> None:
    assert page.list.chosen_id == GUIDE.id
    assert any(widget.accessibleName() == "Answers now" for widget in page.detail.findChildren(QWidget))


def test_mistakes_in_the_catalog_are_told_and_gone_when_mended(page: ModelsPage) -> None:
    mistakes = [CatalogProblem(Path("own.toml"), line, "model x", "has no license") for line in range(1, 6)]
    page.show_cards(all_cards(), GUIDE.id, mistakes)
    boxes = [box for box in page.findChildren(ErrorBox) if box.isVisible()]
    assert "5 mistakes in the catalog" in boxes[0].accessibleDescription()
    assert "own.toml:1: model x: has no license" in boxes[0].accessibleDescription()
    page.show_cards(all_cards(), GUIDE.id)
    assert not [box for box in page.findChildren(ErrorBox) if box.isVisible()]


def test_what_failed_is_said_until_it_is_closed(page: ModelsPage) -> None:
    page.working.show_task("Reading file.gguf")
    assert "Reading file.gguf" in _text(page)
    page.working.show_task("")
    assert "Reading file.gguf" not in _text(page)
    page.show_problem(UserError("It is no model.", "", "Choose another file."))
    box = next(box for box in page.findChildren(ErrorBox) if box.isVisible())
    box.buttons[0].click()
    assert not [box for box in page.findChildren(ErrorBox) if box.isVisible()]


# --- widths ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_nothing_widens_a_narrow_page(qtbot: QtBot, theme: Theme, scale: float) -> None:
    """Names without a space, from right to left, twenty generations, and a license of 300 letters."""
    wide = License("LicenseRef-" + "x" * 80, "License" * 42, "x.txt")
    models = [msgspec.structs.replace(GUIDE, id="g0", file=())]
    for number in range(1, 21):
        base = (EntryBase(f"g{number - 1}", "fine-tune"),)
        names = {"id": f"g{number}", "name": "Generation" * 12, "publisher": "ناشر" * 30}
        models.append(msgspec.structs.replace(GUIDE, origin="derived", base=base, license=wide.id, file=(), **names))
    catalog = msgspec.structs.replace(catalog_of(*models), license=(*catalog_of().license, wide))
    theme.choose("light", scale)
    page = ModelsPage(theme)
    qtbot.addWidget(page)
    page.show_cards([card_of(each, catalog, here=True) for each in models], None)
    page.resize(548, 560)
    page.show()
    qtbot.waitExposed(page)
    page.choose("g20")
    QApplication.processEvents()
    assert page.width() == 548
    assert page.minimumSizeHint().width() <= 548
    inside = page.detail.widget()
    assert inside is not None
    assert inside.width() <= page.detail.viewport().width()
    for label in inside.findChildren(QLabel):
        assert label.geometry().right() <= inside.width()


def test_no_restriction_is_cut_off_where_all_have_no_room(qtbot: QtBot) -> None:
    metrics = QFontMetrics(QApplication.font())
    text = "Attribution · acceptable use · user cap · no training on outputs"
    width = badge_size(metrics, "no training on outputs").width()
    parts = parts_that_fit(metrics, text, width)
    assert " · ".join(parts) == text
    assert all(badge_size(metrics, part).width() <= width for part in parts)
    assert parts_that_fit(metrics, text, 10_000) == [text]


def test_another_theme_and_text_size_are_taken_on_at_once(page: ModelsPage, theme: Theme) -> None:
    page.choose(STABLE_VICUNA.id)
    step = page.detail.steps[0]
    tree = page.detail.tree
    assert tree is not None
    height, tall = step.height(), tree.height()
    card = page.list.visualRect(page.list.rows.index(1)).height()
    theme.choose("dark", 1.5)
    QApplication.processEvents()
    QApplication.processEvents()
    assert step.height() > height
    assert tree.height() > tall
    assert page.list.visualRect(page.list.rows.index(1)).height() > card
    theme.choose("light", 1.0)


def test_the_picker_marks_what_waits() -> None:
    waiting = blocked_labels([card_of(GUIDE, here=True), card_of(STABLE_VICUNA)])
    assert waiting == {GUIDE.id: "accept license"}
