"""One model on its page: what it takes to chat with it, what it was built on, its files and facts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.catalog.catalog import CatalogEntry, EntryBase
from desktop.library.model_identity import IdentifiedBy
from desktop.licenses.ledger_state import AcknowledgementStatus
from desktop.licenses.policy import Policy, PolicyRules
from desktop.ui.models.lineage_view import LineageRow
from desktop.ui.models.model_text import card_text
from desktop.ui.models.models_page import ModelsPage
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.theme.theme import Theme
from tests.ui.cards import (
    GPT_4,
    GPT_J,
    GUIDE,
    LLAMA_32,
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


def _tree(page: ModelsPage) -> list[LineageRow]:
    assert page.detail.tree is not None
    return page.detail.tree.rows


# --- what stands before chatting -------------------------------------------------------------------------------------


def test_steps_are_each_license_then_access_then_the_file(page: ModelsPage, qtbot: QtBot) -> None:
    page.choose(STABLE_VICUNA.id)
    names = [row.accessibleName() for row in page.detail.steps]
    assert names == [
        "Step 1, next: Read and accept LLaMA License Agreement (2023)",
        "Step 2, still to come: Read and accept CC BY-NC-SA 4.0",
        "Step 3, still to come: Its file on this computer",
    ]
    text = _text(page.detail)
    assert "It comes with LLaMA 13B, which this is built on." in text
    assert "A GGUF file of it can be imported." in text
    with qtbot.waitSignal(page.import_asked):
        _button(page, "Import a GGUF file of this model").click()
    page.choose(LLAMA_32.id)
    with qtbot.waitSignal(page.link_asked) as asked:
        _button(page, "Open the page of Meta").click()
    assert asked.args == ["https://huggingface.co/meta-llama/Llama-3.2-3B"]


def test_an_accepted_license_says_by_whom_when_and_for_what(page: ModelsPage, qtbot: QtBot) -> None:
    page.show_cards(all_cards(card_of(STABLE_VICUNA, here=True, accepted=BOTH)), GUIDE.id)
    page.choose(STABLE_VICUNA.id)
    text = _text(page.detail)
    assert "Accepted licenses" in text
    assert "Accepted by Ada Lovelace on 14 March 2026, for research." in text
    assert [row.step.progress for row in page.detail.steps] == ["done", "done"]
    with qtbot.waitSignal(page.use_asked) as used:
        _button(page, "Chat with it").click()
    assert used.args == [STABLE_VICUNA.id]
    with qtbot.waitSignal(page.revoke_asked) as revoked:
        _button(page, "Revoke acceptance").click()
    assert revoked.args == [STABLE_VICUNA.id]
    with qtbot.waitSignal(page.license_asked) as read:
        _button(page, "Read CC BY-NC-SA 4.0").click()
    assert read.args == [STABLE_VICUNA.id, "CC-BY-NC-SA-4.0"]


def test_what_waits_for_a_license_offers_no_chat(page: ModelsPage) -> None:
    page.show_cards(all_cards(card_of(STABLE_VICUNA, here=True)), GUIDE.id)
    page.choose(STABLE_VICUNA.id)
    assert "Chat with it" not in [button.text() for button in _buttons(page)]
    assert "Revoke…" not in [button.text() for button in _buttons(page)]


def test_a_text_that_changed_leads_to_the_difference(page: ModelsPage, qtbot: QtBot) -> None:
    changed = card_of(GUIDE, here=True, accepted={"Apache-2.0": "in-force"}, old_text=True)
    page.show_cards([changed], GUIDE.id)
    assert ("License text changed: see the difference", "bad") in card_text(changed).badges
    assert "Its text changed since it was accepted on 14 March 2026." in _text(page.detail)
    with qtbot.waitSignal(page.difference_asked) as asked:
        _button(page, "See the difference in Apache License 2.0").click()
    assert asked.args == [GUIDE.id, "Apache-2.0"]


def test_a_policy_names_whom_to_ask_and_urges_no_step(page: ModelsPage) -> None:
    policy = Policy(contact="it@example.org", deny=PolicyRules(restriction=("research-only",)))
    page.show_cards([card_of(STABLE_VICUNA, policy=policy)], None)
    boxes = [box for box in page.detail.findChildren(ErrorBox) if box.isVisible()]
    assert "Ask it@example.org." in boxes[0].accessibleDescription()
    assert "now" not in [row.step.progress for row in page.detail.steps]


def test_a_closed_model_says_that_nobody_can_have_it(page: ModelsPage) -> None:
    page.choose(GPT_4.id)
    assert "nobody can download it" in _text(page.detail)
    assert not page.detail.steps
    assert not _buttons(page)


def test_what_cannot_run_says_why(page: ModelsPage) -> None:
    page.choose(GPT_J.id)
    assert "llama.cpp has no graph." in _text(page.detail)
    assert not [box for box in page.detail.findChildren(ErrorBox) if box.isVisible()]
    assert not page.detail.steps


# --- lineage ---------------------------------------------------------------------------------------------------------


def test_the_tree_goes_from_the_oldest_ancestor_to_the_model(page: ModelsPage) -> None:
    page.choose(STABLE_VICUNA.id)
    rows = [row.row for row in _tree(page)]
    assert [(row.names[0], row.indent) for row in rows] == [
        ("LLaMA 13B", 0),
        ("GPT-4", 1),
        ("ShareGPT", 1),
        ("Vicuna 13B v0", 1),
        ("StableVicuna 13B", 2),
    ]
    assert [row.joins for row in rows] == [None, 0, 0, 0, 1]
    assert [row.quiet for row in rows] == [False, True, True, False, False]
    spoken = [row.accessibleName() for row in _tree(page)]
    assert spoken[0] == "LLaMA 13B, Meta AI, research only"
    assert spoken[1].endswith("closed, no training on outputs; Vicuna 13B v0: trained on its outputs")
    assert "Vicuna 13B v0 was trained on the data ShareGPT" in spoken[2]
    assert spoken[3].endswith("weights as a difference on LLaMA 13B")
    assert spoken[4] == "StableVicuna 13B, CarperAI, research only, non-commercial; fine-tuned from Vicuna 13B v0"


def test_terms_name_the_ancestor_and_the_clause(page: ModelsPage) -> None:
    page.choose(STABLE_VICUNA.id)
    assert (
        "3 terms apply to you: research only from LLaMA 13B (LLaMA §1.a), non-commercial from its own license "
        "(CC-BY-NC-SA-4.0 §1(k)) and no training on outputs from outputs of GPT-4 (OpenAI Terms §2(c))."
    ) in _text(page.detail)


def test_lines_of_two_parents_with_ancestors_do_not_cross(page: ModelsPage) -> None:
    def model(name: str, *bases: EntryBase) -> CatalogEntry:
        origin = "derived" if bases else "pretrained"
        return msgspec.structs.replace(GUIDE, id=name, name=name.upper(), origin=origin, base=bases, file=())

    models = (
        model("a0"),
        model("a1", EntryBase("a0", "fine-tune")),
        model("a2", EntryBase("a1", "fine-tune")),
        model("b0"),
        model("b1", EntryBase("b0", "fine-tune")),
        model("m", EntryBase("a2", "merge"), EntryBase("b1", "merge"), EntryBase("sharegpt", "dataset")),
    )
    page.show_cards([card_of(each, catalog_of(*models)) for each in models], None)
    page.choose("m")
    tree = page.detail.tree
    assert tree is not None
    rows = [row.row for row in tree.rows]
    assert [(row.names[0], row.indent, row.joins) for row in rows] == [
        ("A0", 0, None),
        ("A1", 1, 0),
        ("A2", 2, 1),
        ("B0", 3, None),
        ("B1", 4, 2),
        ("ShareGPT", 3, 2),
        ("M", 3, 2),
    ]
    for rail in tree._tree.rails:
        assert all(row.indent > rail.indent for row in rows[rail.first + 1 : rail.last + 1])


def test_what_is_not_known_is_shown_as_unknown(page: ModelsPage) -> None:
    lost = msgspec.structs.replace(GUIDE, id="lost", origin="derived", base=(EntryBase("gone", "fine-tune"),), file=())
    found = msgspec.structs.replace(GUIDE, id="found", name="Found", origin="unknown", file=())
    catalog = catalog_of(lost, found)
    page.show_cards([card_of(lost, catalog), card_of(found, catalog)], None)
    page.choose("lost")
    assert _tree(page)[0].row.note == "unknown"
    assert "Its base, gone, is not known to Latchkey" in _text(page.detail)
    page.choose("found")
    assert _tree(page)[0].row.names == ("Unknown",)
    assert _tree(page)[0].accessibleName() == "What Found was built on is not known."


# --- files and facts -------------------------------------------------------------------------------------------------


def test_files_and_facts_say_what_is_known_and_what_is_not(page: ModelsPage, qtbot: QtBot) -> None:
    page.choose(STABLE_VICUNA.id)
    text = _text(page.detail)
    for words in ("Q4_K_M", "7.4 GB", "not known", "13B", "2,048 tokens", "German", "28 April 2023"):
        assert words in text
    assert "which data its reward model was trained on" in text
    with qtbot.waitSignal(page.link_asked) as asked:
        link = next(each for each in page.detail.findChildren(QAbstractButton) if "delta" in each.text())
        link.click()
    assert asked.args == ["https://huggingface.co/CarperAI/stable-vicuna-13b-delta"]


@pytest.mark.parametrize(
    ("witness", "imported", "sentence"),
    [
        ("sha256", True, "Recognized by its sha256."),
        ("file-name", True, "Recognized by its file name and its header."),
        ("repository", False, "Recognized by the Hub repository that it was fetched from."),
        ("", True, ""),
    ],
)
def test_the_page_says_by_what_a_file_was_recognized(
    page: ModelsPage, witness: IdentifiedBy, imported: bool, sentence: str
) -> None:
    card = card_of(LLAMA_32, here=True)
    assert card.listed.model is not None
    model = replace(card.listed.model, identified_by=witness, imported=imported)
    page.show_cards(all_cards(replace(card, listed=replace(card.listed, model=model))), GUIDE.id)
    page.choose(LLAMA_32.id)
    assert ("Recognized" in _text(page.detail)) == bool(sentence)
    assert sentence in _text(page.detail)
    assert "Q4_K_M" in card_text(card).origin
