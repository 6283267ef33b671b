"""The settings of documents: which models search in them."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from desktop.settings import Settings
from desktop.ui.parts.setting_controls import ChoiceButton
from desktop.ui.settings.documents_section import DocumentsSection, SearchModelChoices
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


def offered(button: ChoiceButton) -> list[tuple[object, str]]:
    return button._options


def test_models_that_search_are_chosen_and_one_that_is_gone_is_still_named(qtbot: QtBot) -> None:
    section = DocumentsSection(Theme(RESOURCES, "light"), Settings(embedding_model="old/model"))
    qtbot.addWidget(section)
    changed: list[dict[str, object]] = []
    section.changed.connect(changed.append)
    with qtbot.waitSignal(section.appeared):
        section.show()
    section.show_choices(SearchModelChoices((("mini", "all-MiniLM-L6-v2"),), (), "It is not here.", "None is here."))
    assert offered(section.embedding) == [
        (None, "Automatic"),
        ("", "None"),
        ("mini", "all-MiniLM-L6-v2"),
        ("old/model", "old/model (not here)"),
    ]
    assert section.embedding.text() == "old/model (not here)"
    assert section._embedding_says.text() == "It is not here."
    section.embedding._choose("mini")
    section.reranker._choose("")
    assert changed == [{"embedding_model": "mini"}, {"reranker_model": ""}]
    section.show_settings(Settings(embedding_model="mini"))
    assert section.embedding.text() == "all-MiniLM-L6-v2"
    assert "old/model" not in dict(offered(section.embedding))
