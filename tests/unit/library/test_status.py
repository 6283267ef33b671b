"""The whole flow from a model nobody looked up to one that answers, as tables: its state, its steps, the next one."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from desktop.catalog.catalog import CatalogEntry
from desktop.catalog.license_terms import Gate
from desktop.catalog.lineage import Lineage, LineageNode
from desktop.errors import ForbiddenError, IntegrityError, LicenseError, NotFoundError, UserError
from desktop.hub.repository_access import AccessState, access_in_state
from desktop.hub.repository_files import FilePart
from desktop.library.hardware_fit import HardwareLimits
from desktop.library.hub_offer import last_access, offer_of
from desktop.library.hub_records import HubAccessRecord, HubFileRecord, HubRecord
from desktop.library.installed_models import FileState
from desktop.library.library_model import LibraryCard, LibraryModel, ListedModel
from desktop.library.status import (
    AcceptLicenseStep,
    DownloadStep,
    EnterTokenStep,
    FreeSpaceStep,
    ImportStep,
    LookUpStep,
    ModelState,
    ModelStatus,
    NextStep,
    ReadyStep,
    RefusedStep,
    RequestAccessStep,
    RestoreFileStep,
    StatusFacts,
    StatusStage,
    VerifyStep,
    WaitForApprovalStep,
    is_at_hub,
    is_refused,
    model_state,
    next_step,
    status_steps,
)
from desktop.library.step_error import step_error
from desktop.licenses.license_subject import LicenseSubject, NeededLicense
from desktop.licenses.license_verdict import LicenseStatus, LicenseStatusKind, LicenseVerdict

NEEDED = NeededLicense("Acme-1", "Acme License", "0" * 64, "acme/tiny", "tiny")
ALLOWED = LicenseVerdict((LicenseStatus(NEEDED, "in-force"),))
WAITS = LicenseVerdict((LicenseStatus(NEEDED, "missing"),), "license", LicenseError("accept"), "Acme-1")
POLICY = LicenseVerdict((), "policy", ForbiddenError("no"))
PURPOSE = LicenseVerdict((LicenseStatus(NEEDED, "in-force"),), "purpose", ForbiddenError("no"))
CANNOT_RUN = LicenseVerdict((), "not-runnable", ForbiddenError("no"))
LEDGER = LicenseVerdict((LicenseStatus(NEEDED, "in-force"),), "ledger", IntegrityError("broken"))
CHANGED = LicenseVerdict((LicenseStatus(NEEDED, "in-force"),), "file", IntegrityError("changed"))

LOOKED = StatusFacts("acme/tiny", ALLOWED, looked_up=True, file="tiny.gguf", size=1000, free=10_000, no_file="none")
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
        (replace(LOOKED, looked_up=False), "LookUpStep"),
        (replace(LOOKED, looked_up=False, offline=OFFLINE), "RefusedStep"),
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


# --- state and steps agree with the next step ------------------------------------------------------------------------

NODE = LineageNode("acme/tiny", "tiny")


def license_(status: LicenseStatusKind) -> LicenseVerdict:
    return LicenseVerdict((LicenseStatus(NEEDED, status),), "license", LicenseError("accept"), "Acme-1")


def ledger_broken(*statuses: LicenseStatusKind) -> LicenseVerdict:
    return LicenseVerdict(tuple(LicenseStatus(NEEDED, each) for each in statuses), "ledger", IntegrityError("broken"))


@dataclass(frozen=True)
class Situation:
    """Of one model: what the license check says, its file here, what the Hub said, what it offers, the token kept."""

    verdict: LicenseVerdict = ALLOWED
    file: FileState | None = None
    gate: Gate | None = None
    asked: bool = True
    access: AccessState | None = None
    offered: bool = True
    at_hub: bool = True
    token: bool = True
    free: int = 10_000
    offline: bool = False
    not_runnable: str = ""

    @property
    def known(self) -> HubRecord | None:
        if not (self.asked and self.at_hub):
            return None
        part = FilePart("tiny.gguf", 1000, "a" * 64)
        files = (HubFileRecord("tiny.gguf", "Q8_0", 1000, (part,)),) if self.offered else ()
        said = HubAccessRecord(self.access, "", "acme/tiny", 1.0) if self.access is not None else None
        gated: Any = {"hub-auto": "auto", "hub-manual": "manual"}.get(self.gate or "", False)
        return HubRecord("acme/tiny", "acme/tiny", "c" * 40, gated, NODE, files=files, access=said,
                         endpoint="https://hub.test")  # fmt: skip

    @property
    def card(self) -> LibraryCard:
        subject = LicenseSubject("acme/tiny", "tiny", "Acme", self.gate, (NEEDED,), Lineage(NODE),
                                 not_runnable=self.not_runnable)  # fmt: skip
        model = LibraryModel("acme/tiny", "tiny", "Acme", "Q8_0", Path("tiny.gguf"), 1000, "Acme-1")
        here = replace(model, state=self.file) if self.file is not None else None
        repository = "acme/tiny" if self.at_hub else ""
        entry = CatalogEntry("acme/tiny", "tiny", "", "Acme", "Acme-1", self.gate or "open", "", gguf=repository)
        return LibraryCard(ListedModel(subject, entry, here, self.known), self.verdict)

    @property
    def facts(self) -> StatusFacts:
        known = self.known
        return StatusFacts(
            "acme/tiny",
            self.verdict,
            here=self.file or "absent",
            path=Path("tiny.gguf"),
            at_hub=is_at_hub(self.card.listed),
            looked_up=known is not None,
            gated=known is not None and known.wants_access,
            access=last_access(known) if known is not None else None,
            has_token=self.token,
            file="tiny.gguf" if known is not None and known.files else "",
            size=1000,
            free=self.free,
            offline=OFFLINE if self.offline else None,
            no_file="none",
        )

    @property
    def status(self) -> ModelStatus:
        offer = offer_of(self.known, HardwareLimits(10**10, 10**10, (), 4)) if self.known is not None else None
        place: Any = "keyring" if self.token else None
        return ModelStatus(
            next_step(self.facts), offer, file_chosen_by_person=self.file is None, token=place, host="hub.test"
        )


GATED = Situation(gate="hub-manual", verdict=WAITS)
ADDED = Situation(file="here", verdict=WAITS)
FLOW: list[tuple[Situation, type[Any], ModelState, StatusStage | None]] = [
    # nobody asked the Hub yet
    (Situation(asked=False), LookUpStep, "not-here", "look-up"),
    (replace(GATED, asked=False), LookUpStep, "not-here", "look-up"),
    (Situation(asked=False, offline=True), RefusedStep, "not-here", None),
    # access
    (GATED, LookUpStep, "not-here", "access"),
    (replace(GATED, access="no-token", token=False), EnterTokenStep, "needs-token", "token"),
    (replace(GATED, access="no-token"), LookUpStep, "needs-token", "access"),
    (replace(GATED, access="bad-token"), EnterTokenStep, "needs-token", "token"),
    (replace(GATED, access="token-lacks-scope"), EnterTokenStep, "needs-token", "token"),
    (Situation(access="missing-or-private"), EnterTokenStep, "needs-token", "token"),
    (replace(GATED, access="not-requested"), RequestAccessStep, "needs-access", "access"),
    (replace(GATED, access="reset"), RequestAccessStep, "needs-access", "access"),
    (replace(GATED, access="pending"), WaitForApprovalStep, "waiting-for-approval", "access"),
    (replace(GATED, access="rejected"), RefusedStep, "no-access", None),
    (replace(GATED, access="disabled"), RefusedStep, "no-access", None),
    # a file to bring, before the licenses that may be accepted for an id of its own
    (Situation(at_hub=False, verdict=WAITS), ImportStep, "not-here", "import"),
    (replace(GATED, access="granted", offered=False), ImportStep, "not-here", "import"),
    # licenses, then the download
    (replace(GATED, access="granted"), AcceptLicenseStep, "not-here", "license"),
    (Situation(verdict=license_("revoked")), AcceptLicenseStep, "not-here", "license"),
    (Situation(verdict=ledger_broken("in-force")), AcceptLicenseStep, "not-here", "license"),
    (Situation(free=10), FreeSpaceStep, "not-here", "download"),
    (Situation(), DownloadStep, "not-here", "download"),
    (replace(GATED, access="granted", verdict=ALLOWED), DownloadStep, "not-here", "download"),
    # a file is here
    (replace(ADDED, file="missing"), RestoreFileStep, "file-missing", "file"),
    (replace(ADDED, file="changed"), VerifyStep, "file-changed", "file"),
    (replace(ADDED, verdict=CHANGED), VerifyStep, "file-changed", "file"),
    (replace(ADDED, file="missing", verdict=ledger_broken("missing")), RestoreFileStep, "file-missing", "file"),
    (ADDED, AcceptLicenseStep, "to-accept", "license"),
    (replace(ADDED, verdict=license_("revoked")), AcceptLicenseStep, "revoked", "license"),
    (replace(ADDED, verdict=license_("text-changed")), AcceptLicenseStep, "license-changed", "license"),
    (replace(ADDED, verdict=license_("suspended")), AcceptLicenseStep, "license-changed", "license"),
    (replace(ADDED, verdict=ledger_broken("in-force")), AcceptLicenseStep, "ledger-broken", "license"),
    (replace(ADDED, verdict=ALLOWED), ReadyStep, "ready", None),
    (replace(ADDED, verdict=ALLOWED, offline=True), ReadyStep, "ready", None),
    # what nobody here can change
    (Situation(verdict=POLICY), RefusedStep, "forbidden", None),
    (replace(ADDED, verdict=POLICY), RefusedStep, "forbidden", None),
    (replace(ADDED, file="missing", verdict=PURPOSE), RefusedStep, "forbidden", None),
    (Situation(verdict=PURPOSE), RefusedStep, "forbidden", None),
    (replace(ADDED, verdict=CANNOT_RUN, not_runnable="no graph"), RefusedStep, "cannot-run", None),
    (Situation(verdict=CANNOT_RUN, not_runnable="closed", gate="closed", at_hub=False), RefusedStep, "closed", None),
    (replace(ADDED, verdict=CANNOT_RUN, not_runnable="closed", gate="closed"), RefusedStep, "cannot-run", None),
]


@pytest.mark.parametrize(("at", "step", "state", "stage"), FLOW)
def test_state_steps_and_the_next_step_are_one_answer(
    at: Situation, step: type[Any], state: ModelState, stage: StatusStage | None
) -> None:
    assert type(next_step(at.facts)) is step
    assert model_state(at.card) == state
    undone = [each.stage for each in status_steps(at.card, at.status) if not each.done]
    assert (undone[0] if undone and not is_refused(at.card, at.status) else None) == stage


def test_every_state_and_every_step_is_in_the_table() -> None:
    assert {state for _, _, state, _ in FLOW} == set(get_args(ModelState))
    assert {step for _, step, _, _ in FLOW} == set(get_args(NextStep))
    assert {stage for _, _, _, stage in FLOW} == {None, *get_args(StatusStage)}


def test_the_first_license_that_waits_decides_and_all_wait_where_the_ledger_does_not_hold() -> None:
    standings = tuple(LicenseStatus(NEEDED, each) for each in ("in-force", "missing", "revoked"))
    mixed = replace(ADDED, verdict=LicenseVerdict(standings, "license", LicenseError("accept"), "Acme-1"))
    assert model_state(mixed.card) == "to-accept"
    assert [each.done for each in status_steps(mixed.card)] == [True, False, False]
    broken = replace(ADDED, verdict=ledger_broken("in-force", "missing"))
    assert [each.done for each in status_steps(broken.card)] == [False, False]


def test_without_a_status_the_catalog_says_what_is_to_be_done() -> None:
    stages = [each.stage for each in status_steps(replace(GATED, asked=False).card)]
    assert stages == ["access", "license", "download"]
    stages = [each.stage for each in status_steps(Situation(gate="click-through", at_hub=False).card)]
    assert stages == ["access", "import", "license"]


def test_another_file_of_a_model_that_is_here_is_fetched_like_the_first() -> None:
    at = replace(ADDED, verdict=ALLOWED)
    other = replace(at.status, step=DownloadStep("other.gguf", 1000), file="other.gguf", file_chosen_by_person=True)
    assert [each.stage for each in status_steps(at.card, other)] == ["license", "download"]
    assert [each.stage for each in status_steps(at.card, at.status)] == ["license"]


def test_a_file_that_is_gone_is_told_as_an_error() -> None:
    error = step_error(next_step(replace(ADDED, file="missing").facts), "tiny")
    assert isinstance(error, NotFoundError)
    assert "tiny.gguf" in error.detail
