"""The page of the server: what it says, what is asked for on it, and hostile names in every place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.endpoints.endpoint import Endpoint, EndpointModel
from desktop.errors import NetworkError
from desktop.server.server_activity import ServedRequest
from desktop.settings import ServerSettings
from desktop.ui.server.elsewhere_column import endpoint_facts_words
from desktop.ui.server.server_page import ServerPage
from desktop.ui.server.server_page_reading import client_url
from desktop.ui.server.server_page_values import (
    ClientFacts,
    EndpointFacts,
    LoadedFacts,
    NewEndpoint,
    ServerOverview,
    ServerPhase,
)
from desktop.ui.server.serving_words import client_cells, curl_example, loaded_cells, request_cells, state_words
from desktop.ui.theme.theme import Theme

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
HOSTILE = "&Save <b>x</b>\n a\u202etxt.exe\u2069\x1b[2J"
OVERVIEW = ServerOverview(
    "on",
    url="http://127.0.0.1:8321/v1",
    key_end="9f2c",
    models=(("qwen", "Qwen3 4B"), ("mini", "MiniLM")),
    loaded=(LoadedFacts("Qwen3 4B", purpose="research", answering=3, tokens_per_s=71.2, memory=3_400_000_000),),
    clients=(ClientFacts(HOSTILE, ("/v1/chat/completions",), requests=1_290, last_used=880.0),),
    requests=(ServedRequest(900.0, HOSTILE, "/v1/x" + HOSTILE, 500, error=HOSTILE),),
    now=1_000.0,
)


@pytest.fixture
def page(qtbot: QtBot) -> ServerPage:
    made = ServerPage(Theme(RESOURCES, "light"))
    qtbot.addWidget(made)
    made.resize(1000, 800)
    made.show()
    made.show_server(OVERVIEW)
    return made


def test_words_of_rows_and_states() -> None:
    loaded = OVERVIEW.loaded[0]
    for facts, cells in (
        (loaded, ("Qwen3 4B", "accepted, research", "3 at once", "71 in all", "3.4 GB")),
        (LoadedFacts("m", ends_in=240.0), ("m", "accepted", "idle, unloads in 4 min", "–", "–")),
        (LoadedFacts("m", "missing", window=True), ("m", "not accepted", "answers in a window", "–", "–")),
        (LoadedFacts("m", "built-in"), ("m", "comes with Latchkey", "idle, stays", "–", "–")),
    ):
        assert loaded_cells(facts) == cells
    assert client_cells(OVERVIEW.clients[0], 1_000.0)[1:] == ("chat", "1,290 requests", "2 min ago")
    assert client_cells(ClientFacts("x", (), answering=1, requests=1), 9.0)[1:] == ("–", "1 request", "now")
    asked = ServedRequest(0.0, "x", "/v1/embeddings", 200, "mini", 1_200, 0, None, 0.25)
    assert request_cells(asked)[1:] == ("x", "embeddings", "mini", "1,200 → 0", "–", "0.2 s", "200")
    network = ServerSettings("0.0.0.0")
    states: tuple[tuple[ServerPhase, ServerSettings, str], ...] = (
        ("on", ServerSettings(), "on, this computer only"),
        ("on", network, "on, open to this network"),
        ("off", network, "off"),
    )
    assert [state_words(phase, settings)[0] for phase, settings, _ in states] == [said for *_, said in states]
    # The address is one that others can use, and the example never holds the key.
    assert client_url("http://127.0.0.1:9/v1", network, lambda: "10.0.0.5") == "http://10.0.0.5:9/v1"
    assert client_url("", ServerSettings(port=77), lambda: "10.0.0.5") == "http://127.0.0.1:77/v1"
    assert client_url("", ServerSettings("::1"), str) == "http://[::1]:11535/v1"
    example = curl_example(OVERVIEW)
    assert OVERVIEW.url in example
    assert '"qwen"' in example
    assert "lk-" not in example
    assert "\n" not in example


def test_the_page_shows_the_server_and_hides_the_key(page: ServerPage) -> None:
    access = page.view.access
    assert page.state.text == "on, this computer only"
    assert page.turn.isHidden()
    assert access.key.text().endswith("•9f2c")
    assert "ends in 9f2c" in access.key.accessibleName()
    hostile = page.view.clients.rows.cells[0][0]
    assert "\n" not in hostile
    assert "\u202e" not in hostile
    assert "\x1b" not in hostile
    page.view.clients.selectRow(0)
    page.show_server(replace(OVERVIEW, now=1_060.0))
    assert page.view.clients.rows.cells[0][3] == "3 min ago"
    assert page.view.clients.currentIndex().row() == 0  # what was chosen stays
    page.turn_off.setFocus()
    page.show_server(replace(OVERVIEW, phase="off", error=NetworkError("Taken.", "", "Choose another port.")))
    assert page.turn.hasFocus()
    assert page.view.error is not None
    page.show_server(replace(OVERVIEW, phase="off", clients=(), loaded=(), requests=()))
    assert page.view.error is None
    assert page.view.clients.isHidden()


def test_what_widens_it_or_ends_a_key_is_asked_about(page: ServerPage) -> None:
    access, changes, keys = page.view.access, list[dict[str, Any]](), list[bool]()
    access.changed.connect(changes.append)
    access.key_asked.connect(lambda: keys.append(True))
    access.open_to.chosen.emit("0.0.0.0")
    page.show_server(replace(OVERVIEW, now=2_000.0))  # what comes meanwhile leaves the question
    assert not changes
    assert access.sure_open.isVisible()
    assert access.sure_open.no.hasFocus()
    QTest.keyClick(access.sure_open.no, Qt.Key.Key_Escape)
    assert not changes
    assert access.sure_open.isHidden()
    assert access.open_to.text() == "this computer"
    access.open_to.chosen.emit("0.0.0.0")
    access.sure_open.yes.click()
    assert changes == [{"address": "0.0.0.0"}]
    page.show_server(replace(OVERVIEW, settings=ServerSettings("0.0.0.0")))
    access.open_to.chosen.emit("127.0.0.1")  # nobody is asked about less
    assert changes[1:] == [{"address": "127.0.0.1"}]
    assert access.sure_open.isHidden()
    access.new_key.click()
    assert not keys
    access.sure_key.yes.click()
    assert keys == [True]


def test_an_endpoint_is_typed_and_its_card_says_where_words_go(page: ServerPage, qtbot: QtBot) -> None:
    given = list[object]()
    form, column = page.form, page.view.elsewhere
    form.submitted.connect(given.append)
    column.add.click()
    assert page.back.isVisible()
    assert page.form.name.hasFocus()
    for name, address, context in (("", "x", ""), ("lab", "", ""), ("lab", "x", "many")):
        form.name.setText(name)
        form.address.setText(address)
        form.context.setText(context)
        form.submit.click()
    assert not given
    form.context.setText("32,768")
    form.submit.click()
    form.submit.click()  # once is enough
    assert given == [NewEndpoint("lab", "x", "", 32_768, "")]
    form.show_error(NetworkError("No answer.", "", "Ask again."))
    assert form.submit.isEnabled()
    assert "No answer." in form.submit.accessibleDescription()
    QTest.keyClick(page, Qt.Key.Key_Escape)
    assert column.add.hasFocus()
    assert form.name.text() == "lab"

    lab = Endpoint("lab", "http://10.0.0.9/v1", (EndpointModel("a", 8), EndpointModel("b")), kind="vLLM")
    assert endpoint_facts_words(EndpointFacts(lab)) == "http://10.0.0.9/v1 · vLLM · 2 models · up to 8 tokens"
    asked = list[tuple[str, str]]()
    column.action_asked.connect(lambda action, name: asked.append((action, name)))
    column.show_endpoints((EndpointFacts(lab),), offline=True)
    (card,) = column.cards
    assert "goes to 10.0.0.9, unencrypted. Off now" in card.goes.text().replace("\u200b", "")
    card.buttons["check"].setFocus()
    card.buttons["check"].click()
    column.show_endpoints((EndpointFacts(lab, problem="It is gone."),), offline=True)
    assert asked == [("check", "lab")]
    assert column.cards[0].buttons["check"].hasFocus()
    assert column.cards[0].said.text() == "It is gone."
    column.show_endpoints((), offline=False)
    assert column.add.hasFocus()
