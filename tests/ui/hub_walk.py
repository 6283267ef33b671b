"""A fake Hub with one gated model, and a person who walks the real window to it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QWidget

from desktop.ui.models.models_page import ModelsPage
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model
from tests.ui.driving import Driver

MODEL = "acme/tiny-chat-GGUF"
PERSON = "ann"
PROMPT = "Say what you want it for.\n\nBy asking you accept our terms."


@dataclasses.dataclass
class Walk:
    """The Hub, what lies there, and the window."""

    hub: FakeHub
    repository: FakeRepository
    driver: Driver

    @property
    def page(self) -> ModelsPage:
        return self.driver.window.models_page

    def open_models(self) -> None:
        self.driver.window.show_page("models")
        self.driver.until(lambda: bool(self.page.list.rows.ids))

    def look_up(self, name: str = MODEL) -> None:
        """Type a name into the search field, press Enter, and wait until its steps are known."""
        self.open_models()
        field = self.driver.named("Search models", QLineEdit)
        field.setFocus()
        QTest.keyClicks(field, name)
        QTest.keyClick(field, Qt.Key.Key_Return)
        self.driver.until(lambda: self.shown == MODEL and self.page.detail.chooser is not None)

    @property
    def shown(self) -> str:
        card = self.page.detail.card
        return card.listed.subject.id if card is not None else ""

    @property
    def step(self) -> str:
        """The name of the step that comes next, "" for none."""
        names = [row.accessibleName() for row in self.page.detail.steps if row.step.progress == "now"]
        return names[0].partition(": ")[2] if names else ""

    def until_step(self, title: str) -> None:
        self.driver.until(lambda: self.driver.window.pages.shown == "models" and self.step == title)

    def press(self, name: str) -> None:
        """Give a button the focus and press it by keyboard."""
        self.driver.until(lambda: self.driver.has(name))
        button = self.driver.named(name, QAbstractButton)
        self.driver.until(button.isEnabled)
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Space)

    def stand(self, standing: str) -> None:
        """The publisher decides."""
        self.hub.set_gate_state(MODEL, PERSON, standing)  # type: ignore[arg-type]


def stock(hub: FakeHub, folder: Path) -> FakeRepository:
    """Put a gated model with a license on the shelf."""
    card = {
        "license": "apache-2.0",
        "extra_gated_prompt": PROMPT,
        "extra_gated_fields": {"Name": "text", "Affiliation": "text"},
    }
    repository = hub.add(FakeRepository(MODEL, gated="manual", card=card, tags=["gguf"], downloads=1234))
    metadata = {"general.name": "Tiny Chat", "general.license": "apache-2.0"}
    repository.add_file("tiny-chat-Q8_0.gguf", random_model(folder / "tiny.gguf", metadata=metadata))
    return repository


def text_of(widget: QWidget) -> str:
    """Everything that the labels in `widget` say."""
    labels = [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]
    return "\n".join(labels).replace("\u200b", "")


def button_names(driver: Driver) -> list[str]:
    return [each.accessibleName() for each in driver.window.findChildren(QAbstractButton) if each.isVisible()]
