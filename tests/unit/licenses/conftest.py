"""Ledgers that are closed when their test ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from desktop.licenses.ledger import Ledger
from tests.fakes.ledgers import OpenLedger, ledger_in


@pytest.fixture
def open_ledger() -> Iterator[OpenLedger]:
    """Makes ledgers as `ledger_in` does, for this test."""
    with ExitStack() as closing:

        def opened(*given: Any) -> Ledger:
            ledger = ledger_in(*given)
            closing.callback(ledger.close)
            return ledger

        yield opened
