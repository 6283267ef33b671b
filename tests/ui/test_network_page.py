"""The Network page in the real window: every request there was, as it happens, and nothing that was not."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from desktop.errors import ResourceError
from desktop.hub.repository import Repository
from desktop.network.request_log import UNFINISHED
from desktop.paths import find_paths
from desktop.storage.request_store import RequestStore
from desktop.ui.network.request_log_feed import merge_newest, read_requests
from desktop.ui.network.request_log_item_model import ANSWER, OUTCOME_ROLE, TIME
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.hub import FakeHub, FakeRepository
from tests.ui.driving import Driver
from tests.ui.online import DAY_S, assembly_of, exchange, keep, rows, show_log

Open = Callable[..., Driver]
CONTROL = Qt.KeyboardModifier.ControlModifier


def test_where_nothing_was_asked_the_page_says_so_and_leaves_no_file(open_window: Open) -> None:
    driver = open_window(FakeEngine([]))
    page = show_log(driver)
    driver.until(lambda: page.log._nothing.isVisible())
    assert page.log._nothing.text() == "Latchkey has asked nobody for anything."
    assert "Models page" in page.log._lesson.text()
    assert not page.log.table.isVisible()
    assert not page.export_button.isEnabled()
    assert not find_paths().network_file.exists()


def test_requests_stand_under_their_days_and_what_failed_says_so_in_words(open_window: Open, home: Path) -> None:
    noon = datetime.combine(date.today(), datetime.min.time()).timestamp() + 60  # noqa: DTZ011
    ago = time.time() - noon
    keep(
        home,
        exchange(ago + 2 * DAY_S, purpose="card", status=0, error="timeout", seconds=10.0),
        exchange(ago + DAY_S, purpose="access", status=403),
        exchange(ago + 2, purpose="license", path="/acme/tiny/resolve/main/LICENSE"),
        exchange(ago + 1, purpose="file", status=206, error="cut", received=3_000_000_000, seconds=4000.0),
        exchange(ago, purpose="file", status=0, error=UNFINISHED, received=0, seconds=0.0),
    )
    driver = open_window(FakeEngine([]))
    page = show_log(driver, 5)
    shown = rows(page)
    third = f"{date.fromtimestamp(noon - 2 * DAY_S):%A, %-d %B %Y}"  # noqa: DTZ012
    assert [row[0] for row in shown if len(row) == 1] == ["Today", "Yesterday", third]
    answers = [row[4] for row in shown if len(row) > 1]
    assert answers == ["unfinished", "206 failed: broke off", "200", "403 not allowed", "failed: timed out"]
    assert shown[2][1:] == [
        "Model file", "huggingface.co", "GET /api/models/acme/tiny", "206 failed: broke off",
        "500 B", "3.0 GB", "1 h 7 min",
    ]  # fmt: skip
    assert shown[1][5:] == ["500 B", "–", "–"]
    standings = [page.log.rows.index(row, ANSWER).data(OUTCOME_ROLE) for row in range(5)]
    assert standings == [None, "open", "failed", "fine", None]


def test_a_screen_reader_hears_column_and_day(open_window: Open, home: Path) -> None:
    keep(home, exchange(0, error=UNFINISHED, status=0, received=0))
    driver = open_window(FakeEngine([]))
    page = show_log(driver, 1)
    spoken = Qt.ItemDataRole.AccessibleTextRole
    model = page.log.rows
    assert str(model.index(1, TIME).data(spoken)).startswith("Time: Today, ")
    assert model.index(1, ANSWER).data(spoken) == "Answer: unfinished"
    assert model.index(1, 6).data(spoken) == "Received: not known yet"
    assert page.log.table.accessibleName() == "Requests"


@pytest.mark.loopback
def test_a_request_appears_while_the_page_is_looked_at(open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeHub() as fake:
        fake.add(FakeRepository("acme/tiny-GGUF")).add_file("tiny-Q4_K_M.gguf", b"GGUF")
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        driver = open_window(FakeEngine([]))
        page = show_log(driver)
        online = assembly_of(driver).network
        driver.until(lambda: fake.endpoint.partition("://")[2] in page._hub.text())
        pool = driver.backend._background.pool
        pool(lambda: online.hub.info(Repository(fake.endpoint, "acme/tiny-GGUF")))
        driver.until(lambda: [row[4] for row in rows(page) if len(row) > 1] == ["200"])
        assert rows(page)[1][1:4] == ["Facts of a model", fake.endpoint[7:], "GET /api/models/acme/tiny-GGUF?blobs=…"]
        pool(lambda: online.hub.access(Repository(fake.endpoint, "acme/none")))
        driver.until(lambda: any("none" in str(row) for row in rows(page)))
        online.close()


def test_a_page_that_is_not_seen_reads_nothing(open_window: Open, home: Path) -> None:
    keep(home, exchange(5))
    driver = open_window(FakeEngine([]))
    page = show_log(driver, 1)
    feed = driver.backend.network._feed
    assert feed is not None
    driver.click("Models")
    assert feed._watch is None
    assert not feed._timer.isActive()
    keep(home, exchange(0))
    show_log(driver, 2)
    assert page.log.count.text() == "2 kept"


def test_what_is_unfinished_ends_in_its_row(open_window: Open, home: Path) -> None:
    begun = exchange(3, key="k", error=UNFINISHED, status=0)
    keep(home, exchange(9), begun, exchange(1))
    driver = open_window(FakeEngine([]))
    page = show_log(driver, 3)
    page.log.table.selectRow(page.log.rows.row_of("k"))
    assert "Answer: unfinished" in page.log.details.text().replace("\u200b", "")
    keep(home, exchange(3, key="k", received=77_000))
    driver.until(lambda: rows(page)[2][4] == "200")
    assert rows(page)[2][6] == "77 kB"
    assert "77,000 bytes" in page.log.details.text()
    assert page.log.table.chosen is not None
    assert page.log.table.chosen.key == "k"


def test_words_find_what_is_shown_and_what_is_not_loaded(open_window: Open, home: Path) -> None:
    many = [exchange(10 + at, path=f"/api/models/acme/m{at}") for at in range(900)]
    keep(home, exchange(2000, purpose="license", host="hub.example.org"), *reversed(many), exchange(1, error="timeout"))
    driver = open_window(FakeEngine([]))
    page = show_log(driver)
    driver.until(lambda: driver.has("Filter the requests"))
    field = driver.named("Filter the requests", QLineEdit)
    field.setFocus()
    QTest.keyClicks(field, "LICENSE text example")
    driver.until(lambda: [row[2] for row in rows(page) if len(row) > 1] == ["hub.example.org"])
    assert page.log.count.text() == "1 of 902 requests"
    field.setText("timed out")
    driver.until(lambda: len(page.log.rows.exchanges) == 1 and page.log.rows.exchanges[0].error == "timeout")
    field.setText("nowhere")
    driver.until(lambda: page.log._nothing.isVisible())
    assert page.log._nothing.text() == "No request holds these words."
    driver.key(Qt.Key.Key_Escape)
    driver.until(lambda: len(page.log.rows.exchanges) >= 300)


def test_ten_thousand_requests_are_reached_by_scrolling(open_window: Open, home: Path) -> None:
    keep(home, *[exchange(60 * (10_000 - at), path=f"/r/{at}") for at in range(10_000)])
    driver = open_window(FakeEngine([]))
    page = show_log(driver)
    model, table = page.log.rows, page.log.table
    driver.until(lambda: len(model.exchanges) >= 300)
    assert len(model.exchanges) < 1000, "the first look reads no more than it shows"
    driver.until(lambda: page.log.count.text() == "10,000 kept")

    def at_the_end() -> bool:
        table.verticalScrollBar().setValue(table.verticalScrollBar().maximum())
        return len(model.exchanges) == 10_000

    driver.until(at_the_end)
    assert [each.path for each in model.exchanges] == [f"/r/{at}" for at in reversed(range(10_000))]


def test_what_is_read_stays_in_place_when_more_comes(open_window: Open, home: Path) -> None:
    keep(home, *[exchange(5 + at, path=f"/r/{at}") for at in range(200)])
    driver = open_window(FakeEngine([]))
    page = show_log(driver, 200)
    table, model = page.log.table, page.log.rows
    table.scrollTo(model.index(150, 0))
    top = model.exchange_at(table.rowAt(0))
    keep(home, *[exchange(1 - at / 100, path=f"/new/{at}") for at in range(7)])
    driver.until(lambda: len(model.exchanges) == 207)
    assert model.exchange_at(table.rowAt(0)) == top


def test_a_request_is_chosen_and_copied_by_keyboard(open_window: Open, home: Path) -> None:
    keep(home, exchange(DAY_S * 3, path="/old"), exchange(2, path="/new?name=…"))
    driver = open_window(FakeEngine([]))
    page = show_log(driver, 2)
    table = page.log.table
    table.setFocus()
    driver.key(Qt.Key.Key_Home)
    assert table.chosen is not None
    assert table.chosen.path == "/new?name=…"
    driver.key(Qt.Key.Key_Down)  # a day lies between: it is passed over
    assert table.chosen is not None
    assert table.chosen.path == "/old"
    driver.key(Qt.Key.Key_Up)
    assert page.log.details.isVisible()
    QApplication.clipboard().clear()
    driver.key(Qt.Key.Key_C, CONTROL)
    copied = QApplication.clipboard().text()
    assert "Asked: GET /new?name=…" in copied
    assert "Received: 12,345 bytes" in copied
    driver.key(Qt.Key.Key_Escape)
    assert not page.log.details.isVisible()


def test_the_log_is_exported_as_a_table_that_computes_nothing(open_window: Open, home: Path, tmp_path: Path) -> None:
    keep(home, exchange(9, host="=evil()"), exchange(1, purpose="file", error="cut", status=206))
    driver = open_window(FakeEngine([]))
    page = show_log(driver, 2)
    file = tmp_path / "requests.csv"
    driver.backend.network.export(file)
    driver.until(lambda: "2 requests were exported" in page.notices.text)
    found = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert [row["host"] for row in found] == ["huggingface.co", "'=evil()"]
    assert found[0] | {"time": ""} == {
        "time": "", "purpose": "file", "method": "GET", "host": "huggingface.co", "path": "/api/models/acme/tiny",
        "status": "206", "sent": "500", "received": "12345", "seconds": "0.25", "error": "cut",
    }  # fmt: skip
    assert found[0]["time"].endswith("Z")


def test_an_export_that_cannot_be_written_is_told(open_window: Open, home: Path, tmp_path: Path) -> None:
    keep(home, exchange(9))
    driver = open_window(FakeEngine([]))
    page = show_log(driver, 1)
    driver.backend.network.export(tmp_path / "none" / "x.csv")
    driver.until(lambda: "could not be exported" in page.notices.text)


def test_a_log_that_cannot_be_read_is_told(open_window: Open, home: Path) -> None:
    (home / "data").mkdir(parents=True)
    (home / "data" / "network.db").write_bytes(b"SQLite format 3\0" + b"\0damaged" * 600)
    driver = open_window(FakeEngine([]))
    page = show_log(driver)
    driver.until(lambda: page.log._nothing.isVisible())
    assert page.log._nothing.text() != "Latchkey has asked nobody for anything."


def test_requests_of_one_moment_are_all_read(home: Path) -> None:
    moment = exchange(5).time
    keep(home, *[exchange(0, key=f"k{at}", path=f"/{at}") for at in range(3)])
    store = RequestStore(find_paths().network_file)
    for at in range(2500):
        store.append(exchange(0, key=f"m{at}"))
    store.flush()
    same = [exchange(0, key=f"s{at}", path=f"/same/{at}") for at in range(2500)]
    for each in same:
        store.append(type(each)(moment, *[getattr(each, name) for name in each.__struct_fields__[1:]]))
    store.flush()
    first = read_requests(store, 300, "same")
    assert len(first.found) == 300
    assert not first.whole
    everything = read_requests(store, 100_000)
    assert everything.whole
    assert len({each.key for each in everything.found}) == 5003 == everything.total
    store.close()


def test_what_may_have_a_gap_is_not_put_together() -> None:
    held = [exchange(at, key=str(at)) for at in range(100, 110)]
    fresh = [exchange(at, key=str(at)) for at in range(10)]
    assert merge_newest(held, fresh, whole=False) == fresh
    overlapping = [*fresh, *held[:2]]
    assert [each.key for each in merge_newest(held, overlapping, whole=False)] == [
        *map(str, range(10)),
        *map(str, range(100, 110)),
    ]


def test_that_requests_cannot_be_written_down_is_told(open_window: Open, home: Path) -> None:
    keep(home, exchange(5))
    driver = open_window(FakeEngine([]))
    assembly_of(driver).network.requests.problem = ResourceError("The disk is full.", "", "Free some space.")
    page = show_log(driver, 1)
    assert page.log._unkept.isVisible()
    assert page.log._unkept.text() == "The disk is full. Free some space."
    assembly_of(driver).network.requests.problem = None
    keep(home, exchange(0))
    driver.until(lambda: not page.log._unkept.isVisible())
