"""The whole way from a name to an answer, as one table."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desktop.errors import ForbiddenError, IntegrityError, LicenseError, UserError
from desktop.hub.repository_access import AccessState, access_in_state
from desktop.library.status import StatusFacts, next_step, step_error
from desktop.licenses.license_subject import NeededLicense
from desktop.licenses.license_verdict import LicenseStatus, LicenseVerdict

NEEDED = NeededLicense("Acme-1", "Acme License", "0" * 64, "acme/tiny", "tiny")
ALLOWED = LicenseVerdict((LicenseStatus(NEEDED, "in-force"),))
WAITS = LicenseVerdict((LicenseStatus(NEEDED, "missing"),), "license", LicenseError("accept"), "Acme-1")
POLICY = LicenseVerdict((), "policy", ForbiddenError("no"))
PURPOSE = LicenseVerdict((LicenseStatus(NEEDED, "in-force"),), "purpose", ForbiddenError("no"))
CANNOT_RUN = LicenseVerdict((), "not-runnable", ForbiddenError("no"))
LEDGER = LicenseVerdict((LicenseStatus(NEEDED, "in-force"),), "ledger", IntegrityError("broken"))
CHANGED = LicenseVerdict((LicenseStatus(NEEDED, "in-force"),), "file", IntegrityError("changed"))

LOOKED = StatusFacts("acme/tiny", ALLOWED, looked=True, file="tiny.gguf", size=1000, free=10_000, no_file="none")
HERE = StatusFacts("acme/tiny", ALLOWED, here="here", path=Path("tiny.gguf"))
OFFLINE = ForbiddenError("offline")


def said(state: AccessState) -> Any:
    return access_in_state(state, "", repository="acme/tiny", endpoint="https://hub.test")


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (HERE, "ReadyStep"),
        (replace(HERE, verdict=WAITS), "AcceptLicenseStep"),
        (replace(HERE, verdict=LEDGER), "AcceptLicenseStep"),
        (replace(HERE, verdict=POLICY), "RefusedStep"),
        (replace(HERE, verdict=PURPOSE), "RefusedStep"),
        (replace(HERE, verdict=CANNOT_RUN), "RefusedStep"),
        (replace(HERE, verdict=CHANGED), "VerifyStep"),
        (replace(HERE, here="changed"), "VerifyStep"),
        (replace(HERE, offline=OFFLINE), "ReadyStep"),
        (replace(LOOKED, looked=False), "LookUpStep"),
        (replace(LOOKED, looked=False, offline=OFFLINE), "RefusedStep"),
        (replace(LOOKED, at_hub=False), "ImportStep"),
        (replace(LOOKED, at_hub=False, offline=OFFLINE), "ImportStep"),
        (replace(LOOKED, file=""), "ImportStep"),
        (LOOKED, "DownloadStep"),
        (replace(LOOKED, offline=OFFLINE), "RefusedStep"),
        (replace(LOOKED, verdict=WAITS), "AcceptLicenseStep"),
        (replace(LOOKED, verdict=LEDGER), "AcceptLicenseStep"),
        (replace(LOOKED, verdict=POLICY), "RefusedStep"),
        (replace(LOOKED, free=999), "FreeSpaceStep"),
        (replace(LOOKED, free=999, done=500), "DownloadStep"),
        (replace(LOOKED, free=1100, margin=200), "FreeSpaceStep"),
        (replace(LOOKED, free=None), "DownloadStep"),
        (replace(LOOKED, free=10, size=0), "DownloadStep"),
        (replace(LOOKED, free=999, verdict=WAITS), "AcceptLicenseStep"),
        (replace(LOOKED, gated=True), "LookUpStep"),
        (replace(LOOKED, gated=True, access=said("granted")), "DownloadStep"),
        (replace(LOOKED, gated=True, access=said("granted"), verdict=WAITS), "AcceptLicenseStep"),
        (replace(LOOKED, gated=True, access=said("no-token"), verdict=WAITS), "EnterTokenStep"),
        (replace(LOOKED, gated=True, access=said("no-token")), "EnterTokenStep"),
        (replace(LOOKED, gated=True, access=said("no-token"), has_token=True), "LookUpStep"),
        (replace(LOOKED, gated=True, access=said("bad-token"), has_token=True), "EnterTokenStep"),
        (replace(LOOKED, gated=True, access=said("token-lacks-scope"), has_token=True), "EnterTokenStep"),
        (replace(LOOKED, access=said("missing-or-private")), "EnterTokenStep"),
        (replace(LOOKED, gated=True, access=said("not-requested"), has_token=True), "RequestAccessStep"),
        (replace(LOOKED, gated=True, access=said("reset"), has_token=True), "RequestAccessStep"),
        (replace(LOOKED, gated=True, access=said("pending"), has_token=True), "WaitForApprovalStep"),
        (replace(LOOKED, gated=True, access=said("rejected"), has_token=True), "RefusedStep"),
        (replace(LOOKED, gated=True, access=said("disabled")), "RefusedStep"),
        (replace(LOOKED, gated=True, access=said("missing")), "RefusedStep"),
        (replace(LOOKED, gated=True, access=said("unknown")), "RefusedStep"),
    ],
)
def test_there_is_exactly_one_next_step(facts: StatusFacts, step: str) -> None:
    assert type(next_step(facts)).__name__ == step


def test_nothing_is_downloaded_before_its_license_is_accepted() -> None:
    """Whatever else holds: the rule that all others stand behind."""
    for access in (None, said("granted"), said("no-token"), said("pending")):
        for done in (0, 999, 1000):
            facts = replace(LOOKED, verdict=WAITS, access=access, done=done)
            assert type(next_step(facts)).__name__ != "DownloadStep"


def test_a_partly_fetched_file_goes_on_where_it_stopped() -> None:
    found = next_step(replace(LOOKED, done=400))
    assert (found.file, found.size, found.done) == ("tiny.gguf", 1000, 400)  # type: ignore[union-attr]


@pytest.mark.parametrize("facts", [replace(LOOKED, verdict=WAITS), replace(LOOKED, free=1), replace(LOOKED, file="")])
def test_what_stands_in_the_way_can_be_told(facts: StatusFacts) -> None:
    error = step_error(next_step(facts), "tiny")
    assert isinstance(error, UserError)
    assert error.title


def test_nothing_stands_in_the_way_of_a_download() -> None:
    assert step_error(next_step(LOOKED), "tiny") is None
