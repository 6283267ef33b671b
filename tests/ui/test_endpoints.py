"""Models that are not on this machine, in the window: told where one types, checked, removed, and back again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from desktop.endpoints.endpoint import Endpoint, EndpointModel
from desktop.endpoints.endpoint_file import Endpoints
from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from desktop.ui.chat.chat_top_bar import TermsBadges
from desktop.ui.compare.compare_page import ComparePage
from desktop.ui.models.models_page import ModelsPage
from desktop.ui.parts.label import Badge
from desktop.ui.parts.place_text import goes_to_text, leaves_text
from desktop.ui.theme.theme import Theme
from tests.accepting import accept
from tests.fakes.fake_engine import FakeAnswer, FakeEngine
from tests.fakes.scripted_endpoint import ScriptedEndpoint
from tests.ui.driving import Driver

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
LAB = Endpoint("lab", "https://llm.lab.example/v1", (EndpointModel("tiny", 4096),), "vLLM", "Apache-2.0")


@pytest.fixture
def theme(qtbot: QtBot) -> Iterator[Theme]:
    font = QApplication.font()
    yield Theme(RESOURCES, "light")
    QApplication.setFont(font)


def add(home: Path, endpoint: Endpoint) -> None:
    """Put `endpoint` into the home, with the licenses of its models accepted."""
    paths = find_paths()
    assert paths.config.is_relative_to(home)
    paths.config.mkdir(parents=True, exist_ok=True)
    paths.endpoints_file.write_bytes(msgspec.json.encode(Endpoints(endpoints=(endpoint,))))
    services = build_library_services(paths)
    for each in services.endpoints.models():
        accept(services, each.id)
    services.close()


def texts(widget: object) -> str:
    labels = widget.findChildren(QLabel)  # type: ignore[attr-defined]
    return " ".join(each.text() for each in labels if not each.isHidden())


def test_what_leaves_this_machine_is_said_in_words() -> None:
    assert "llm.lab.example" in goes_to_text(LAB)
    assert "leaves this machine" in leaves_text(LAB)
    private = Endpoint("lab", "http://192.168.1.7:8000/v1")
    assert "unencrypted" in goes_to_text(private)
    assert "everybody in that network can read it" in leaves_text(private)
    assert "passes it on" in leaves_text(Endpoint("lab", "http://127.0.0.1:8000/v1"))
    assert all("Nothing is sent while Offline is on." in leaves_text(each) for each in (LAB, private))


def test_the_badge_stays_however_narrow_it_gets(theme: Theme, qtbot: QtBot) -> None:
    badges = TermsBadges(theme)
    qtbot.addWidget(badges)
    badges.show_terms("Apache-2.0", (), away=True)
    badges.show_purpose("Research")
    for width in (600, 150, 60):
        badges.resize(width, 30)
        badges.show()
        shown = [each for each in badges.findChildren(Badge) if not each.isHidden()]
        assert "Not on this machine" in [each.text for each in shown]
    badges.show_terms("Apache-2.0", ())
    assert "Not on this machine" not in [each.text for each in badges.findChildren(Badge) if not each.isHidden()]


def test_a_model_elsewhere_is_marked_where_it_is_chosen_and_where_one_types(
    open_window: Callable[..., Driver], home: Path
) -> None:
    add(home, LAB)
    driver = open_window(FakeEngine((FakeAnswer("Yes."),)))
    composer = driver.page.composer
    assert composer.goes_to.isHidden()
    assert composer.edit.accessibleDescription() == ""
    driver.click("Compare")  # the second side is never a model elsewhere by itself
    compare = driver.window.page("compare")
    assert isinstance(compare, ComparePage)
    assert compare.composer.goes_to.isHidden()
    driver.window.show_page("")
    driver.window.model_chosen.emit("lab/tiny")
    driver.until(lambda: not composer.goes_to.isHidden())
    assert "llm.lab.example" in composer.goes_to.text()
    assert composer.edit.accessibleDescription() == composer.goes_to.text()
    assert "Not on this machine" in [each.text for each in driver.page.top_bar.findChildren(Badge)]
    driver.window.model_chosen.emit("latchkey-guide")
    driver.until(lambda: composer.goes_to.isHidden())


@pytest.mark.loopback
def test_an_endpoint_is_checked_removed_and_brought_back_on_the_page_of_its_model(
    open_window: Callable[..., Driver], home: Path
) -> None:
    script = ScriptedEndpoint([{"id": "tiny", "max_model_len": 4096}, {"id": "new"}])
    with script.server.running():
        host = script.server.url.removeprefix("http://")
        add(home, Endpoint("lab", script.url, (EndpointModel("tiny", 4096),), license="Apache-2.0"))
        driver = open_window(FakeEngine())
        driver.window.show_page("models")
        page = driver.window.page("models")
        assert isinstance(page, ModelsPage)
        driver.until(lambda: page.choose("lab/tiny") or "lab/tiny" in texts(page.detail))
        assert "passes it on" in texts(page.detail)
        assert page.detail.loading is None
        assert not list(script.asked)
        driver.click("Check the endpoint lab")
        driver.until(lambda: "lab answers" in texts(page))
        assert next(each.target for each in script.asked) == "/v1/models"
        services = driver.backend.services.endpoints
        assert [each.id for each in services.models()] == ["lab/tiny", "lab/new"]
        driver.click("Remove the endpoint lab")
        driver.until(lambda: "lab is removed" in texts(page))
        assert services.models() == ()
        driver.click(f"Undo: lab is removed. Nothing is sent to {host} any more.")
        driver.until(lambda: "lab is back" in texts(page))
        assert [each.id for each in services.models()] == ["lab/tiny", "lab/new"]
