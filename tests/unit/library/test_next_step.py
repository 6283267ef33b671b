"""The whole way from a name to an answer, as one table."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desktop.errors import ForbiddenError, IntegrityError, LicenseError, UserError
from desktop.hub.access import AccessState, in_state
from desktop.library.next_step import Facts, error_of, next_step
from desktop.licenses.subject import NeededLicense
from desktop.licenses.verdict import LicenseStanding, Verdict

NEEDED = NeededLicense("Acme-1", "Acme License", "0" * 64, "acme/tiny", "tiny")
ALLOWED = Verdict((LicenseStanding(NEEDED, "in-force"),))
WAITS = Verdict((LicenseStanding(NEEDED, "missing"),), "license", LicenseError("accept"), "Acme-1")
POLICY = Verdict((), "policy", ForbiddenError("no"))
PURPOSE = Verdict((LicenseStanding(NEEDED, "in-force"),), "purpose", ForbiddenError("no"))
CANNOT_RUN = Verdict((), "not-runnable", ForbiddenError("no"))
LEDGER = Verdict((LicenseStanding(NEEDED, "in-force"),), "ledger", IntegrityError("broken"))
CHANGED = Verdict((LicenseStanding(NEEDED, "in-force"),), "file", IntegrityError("changed"))

LOOKED = Facts("acme/tiny", ALLOWED, looked=True, file="tiny.gguf", size=1000, free=10_000, no_file="none")
HERE = Facts("acme/tiny", ALLOWED, here="here", path=Path("tiny.gguf"))
OFFLINE = ForbiddenError("offline")


def said(state: AccessState) -> Any:
    return in_state(state, "", repository="acme/tiny", endpoint="https://hub.test")


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (HERE, "Ready"),
        (replace(HERE, verdict=WAITS), "AcceptLicense"),
        (replace(HERE, verdict=LEDGER), "AcceptLicense"),
        (replace(HERE, verdict=POLICY), "Refused"),
        (replace(HERE, verdict=PURPOSE), "Refused"),
        (replace(HERE, verdict=CANNOT_RUN), "Refused"),
        (replace(HERE, verdict=CHANGED), "Verify"),
        (replace(HERE, here="changed"), "Verify"),
        (replace(HERE, offline=OFFLINE), "Ready"),
        (replace(LOOKED, looked=False), "LookUp"),
        (replace(LOOKED, looked=False, offline=OFFLINE), "Refused"),
        (replace(LOOKED, at_hub=False), "Import"),
        (replace(LOOKED, at_hub=False, offline=OFFLINE), "Import"),
        (replace(LOOKED, file=""), "Import"),
        (LOOKED, "Download"),
        (replace(LOOKED, offline=OFFLINE), "Refused"),
        (replace(LOOKED, verdict=WAITS), "AcceptLicense"),
        (replace(LOOKED, verdict=LEDGER), "AcceptLicense"),
        (replace(LOOKED, verdict=POLICY), "Refused"),
        (replace(LOOKED, free=999), "FreeSpace"),
        (replace(LOOKED, free=999, done=500), "Download"),
        (replace(LOOKED, free=1100, margin=200), "FreeSpace"),
        (replace(LOOKED, free=None), "Download"),
        (replace(LOOKED, free=10, size=0), "Download"),
        (replace(LOOKED, free=999, verdict=WAITS), "AcceptLicense"),
        (replace(LOOKED, gated=True), "LookUp"),
        (replace(LOOKED, gated=True, access=said("granted")), "Download"),
        (replace(LOOKED, gated=True, access=said("granted"), verdict=WAITS), "AcceptLicense"),
        (replace(LOOKED, gated=True, access=said("no-token"), verdict=WAITS), "EnterToken"),
        (replace(LOOKED, gated=True, access=said("no-token")), "EnterToken"),
        (replace(LOOKED, gated=True, access=said("no-token"), has_token=True), "LookUp"),
        (replace(LOOKED, gated=True, access=said("bad-token"), has_token=True), "EnterToken"),
        (replace(LOOKED, gated=True, access=said("token-lacks-scope"), has_token=True), "EnterToken"),
        (replace(LOOKED, access=said("missing-or-private")), "EnterToken"),
        (replace(LOOKED, gated=True, access=said("not-requested"), has_token=True), "RequestAccess"),
        (replace(LOOKED, gated=True, access=said("reset"), has_token=True), "RequestAccess"),
        (replace(LOOKED, gated=True, access=said("pending"), has_token=True), "WaitForApproval"),
        (replace(LOOKED, gated=True, access=said("rejected"), has_token=True), "Refused"),
        (replace(LOOKED, gated=True, access=said("disabled")), "Refused"),
        (replace(LOOKED, gated=True, access=said("missing")), "Refused"),
        (replace(LOOKED, gated=True, access=said("unknown")), "Refused"),
    ],
)
def test_there_is_exactly_one_next_step(facts: Facts, step: str) -> None:
    assert type(next_step(facts)).__name__ == step


def test_nothing_is_downloaded_before_its_license_is_accepted() -> None:
    """Whatever else holds: the rule that all others stand behind."""
    for access in (None, said("granted"), said("no-token"), said("pending")):
        for done in (0, 999, 1000):
            facts = replace(LOOKED, verdict=WAITS, access=access, done=done)
            assert type(next_step(facts)).__name__ != "Download"


def test_a_partly_fetched_file_goes_on_where_it_stopped() -> None:
    found = next_step(replace(LOOKED, done=400))
    assert (found.file, found.size, found.done) == ("tiny.gguf", 1000, 400)  # type: ignore[union-attr]


@pytest.mark.parametrize("facts", [replace(LOOKED, verdict=WAITS), replace(LOOKED, free=1), replace(LOOKED, file="")])
def test_what_stands_in_the_way_can_be_told(facts: Facts) -> None:
    error = error_of(next_step(facts), "tiny")
    assert isinstance(error, UserError)
    assert error.title


def test_nothing_stands_in_the_way_of_a_download() -> None:
    assert error_of(next_step(LOOKED), "tiny") is None
