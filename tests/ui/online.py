"""What tests of the network in the window share: a log to begin with, and the parts behind the window."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from desktop.library.library_services import LibraryServices
from desktop.network.request_log import RequestLogEntry
from desktop.storage.request_store import RequestStore
from desktop.ui.network.network_page import NetworkPage
from tests.ui.driving import Driver

DAY_S = 86400.0


def exchange(ago: float = 0.0, **facts: Any) -> RequestLogEntry:
    """A request that began `ago` seconds ago."""
    usual: dict[str, Any] = {
        "purpose": "model",
        "method": "GET",
        "host": "huggingface.co",
        "path": "/api/models/acme/tiny",
        "status": 200,
        "sent": 500,
        "received": 12_345,
        "seconds": 0.25,
    }
    return RequestLogEntry(time=time.time() - ago, **usual | facts)


def keep(home: Path, *exchanges: RequestLogEntry) -> None:
    """Write requests into the log of `home`, as another process does."""
    store = RequestStore(home / "data" / "network.db")
    for each in exchanges:
        store.append(each)
    assert store.flush()
    store.close()


def assembly_of(driver: Driver) -> LibraryServices:
    return driver.backend.services


def show_log(driver: Driver, count: int | None = None) -> NetworkPage:
    """The Network page, as its entry in the sidebar shows it; with `count` requests where that is given."""
    driver.click("Network")
    page = driver.window.pages.network
    if count is not None:
        driver.until(lambda: len(page.log.rows.exchanges) == count)
    return page


def rows(page: NetworkPage) -> list[list[str]]:
    """What the table shows, row by row, without what is empty."""
    model = page.log.rows
    cells = ([str(model.index(row, column).data()) for column in range(8)] for row in range(model.rowCount()))
    return [[text for text in row if text] for row in cells]
