"""A model's status: its state in one word, the steps to a first answer, and which of them comes next.

Pure functions, the same for window and command; each words what they give. The order:
what nobody here can change; the file, where one was added; access, since its publisher decides about it and that can
take days; a file to bring, where the Hub has none, since it may be listed under an id of its own; the licenses; and
the download last, since a model is fetched only where the texts in force are accepted.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from desktop.errors import UserError

if TYPE_CHECKING:
    from desktop.credentials.token_store import TokenPlace
    from desktop.hub.repository_access import RepositoryAccess
    from desktop.library.hub_offer import HubOffer
    from desktop.library.installed_models import FileState
    from desktop.library.library_model import LibraryCard, ListedModel
    from desktop.licenses.license_verdict import LicenseStatus, LicenseVerdict

TOKEN_STATES = ("no-token", "bad-token", "token-lacks-scope", "missing-or-private")
"""What another access token can change."""
_ASK = ("not-requested", "reset")
_HUB_GATES = ("hub-auto", "hub-manual")
_NO_STEP_HELPS = ("policy", "not-runnable", "purpose")


@dataclass(frozen=True)
class RefusedStep:
    """Nothing a person does here leads on: `error` says why."""

    error: UserError


@dataclass(frozen=True)
class LookUpStep:
    """The Hub has to be asked first: what it offers, or (`again`) whether there is access by now."""

    again: bool = False


@dataclass(frozen=True)
class EnterTokenStep:
    """An access token is missing, or another one is needed; `access` says which."""

    access: "RepositoryAccess"


@dataclass(frozen=True)
class RequestAccessStep:
    """The publisher has to be asked, in a browser."""

    access: "RepositoryAccess"


@dataclass(frozen=True)
class WaitForApprovalStep:
    """The publisher was asked, and has not answered."""

    access: "RepositoryAccess"


@dataclass(frozen=True)
class AcceptLicenseStep:
    """A license waits to be read and accepted."""

    license_id: str
    license_name: str
    error: UserError


@dataclass(frozen=True)
class FreeSpaceStep:
    """The disk is too full: `needed` and `free` in bytes."""

    needed: int
    free: int


@dataclass(frozen=True)
class DownloadStep:
    """The file can be fetched: its name in the repository, its size in bytes (0 unknown), and how much is here."""

    file: str
    size: int
    done: int = 0


@dataclass(frozen=True)
class ImportStep:
    """The Hub has no file of it for llama.cpp: one has to be brought. `reason` says so."""

    reason: str


@dataclass(frozen=True)
class VerifyStep:
    """The file is not what it was, or nobody has read it yet: it has to be read to its end."""

    path: Path
    error: UserError | None = None


@dataclass(frozen=True)
class RestoreFileStep:
    """The file is gone from `path`: it has to be put back there."""

    path: Path


@dataclass(frozen=True)
class ReadyStep:
    """It can answer."""

    model_id: str


NextStep = (
    RefusedStep
    | LookUpStep
    | EnterTokenStep
    | RequestAccessStep
    | WaitForApprovalStep
    | AcceptLicenseStep
    | FreeSpaceStep
    | DownloadStep
    | ImportStep
    | VerifyStep
    | RestoreFileStep
    | ReadyStep
)


@dataclass(frozen=True)
class StatusFacts:
    """All that the next step depends on.

    `verdict` is the license check's. `here` is the state of the file on this disk ("absent" where none was added),
    `path` where it lies. `at_hub` says whether there is a repository to ask, `looked` whether it was asked, `gated`
    whether it wants access, `access` what was last said about that, `has_token` whether a token is kept. `file` is the
    one chosen ("" none is offered), `size` its bytes, `done` how many of them are here, `free` those on the disk (None
    unknown). `offline` is why nothing may leave this machine, None where it may.
    """

    model_id: str
    verdict: "LicenseVerdict"
    here: "FileState | Literal['absent']" = "absent"
    path: Path = Path()
    at_hub: bool = True
    looked_up: bool = False
    gated: bool = False
    access: "RepositoryAccess | None" = None
    has_token: bool = False
    file: str = ""
    size: int = 0
    done: int = 0
    free: int | None = None
    offline: UserError | None = None
    no_file: str = ""
    margin: int = 0


def next_step(facts: StatusFacts) -> NextStep:
    """What comes next. Refusals of the license check that nobody here can change come first."""
    verdict = facts.verdict
    if verdict.error is not None and verdict.refusal in _NO_STEP_HELPS:
        return RefusedStep(verdict.error)
    if facts.here == "missing":
        return RestoreFileStep(facts.path)
    if facts.here == "changed" or verdict.refusal == "file":
        return VerifyStep(facts.path, verdict.error if verdict.refusal == "file" else None)
    if facts.here == "here":
        return _license(verdict) or ReadyStep(facts.model_id)
    return _to_fetch(facts)


def _to_fetch(facts: StatusFacts) -> NextStep:
    if not facts.at_hub:
        return ImportStep(facts.no_file)
    if facts.offline is not None:
        return RefusedStep(facts.offline)
    if not facts.looked_up:
        return LookUpStep()
    gate = _gate(facts)
    if gate is not None:
        return gate
    if not facts.file:
        return ImportStep(facts.no_file)
    waiting = _license(facts.verdict)
    if waiting is not None:
        return waiting
    missing = facts.size - facts.done + facts.margin
    if facts.free is not None and facts.size and missing > facts.free:
        return FreeSpaceStep(missing, facts.free)
    return DownloadStep(facts.file, facts.size, facts.done)


def _gate(facts: StatusFacts) -> NextStep | None:
    access = facts.access
    if access is None:
        return LookUpStep(again=True) if facts.gated else None
    if access.state == "granted":
        return None
    if access.state == "no-token" and facts.has_token:
        return LookUpStep(again=True)
    if access.state in TOKEN_STATES:
        return EnterTokenStep(access)
    if access.state in _ASK:
        return RequestAccessStep(access)
    if access.state == "pending":
        return WaitForApprovalStep(access)
    return RefusedStep(access.error())


def _license(verdict: "LicenseVerdict") -> AcceptLicenseStep | RefusedStep | None:
    if verdict.error is None:
        return None
    waiting = next((each for each in verdict.licenses if license_waits(each, verdict)), None)
    if waiting is None:
        return RefusedStep(verdict.error)
    return AcceptLicenseStep(waiting.needed.id, waiting.needed.name, verdict.error)


def license_waits(license_: "LicenseStatus", verdict: "LicenseVerdict") -> bool:
    """Whether a license has to be accepted before the model answers: all of them where the ledger does not hold."""
    return license_.needs_acknowledgement or (verdict.refusal == "ledger" and license_.status != "not-needed")


# --- one model: its state, its steps ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class ModelStatus:
    """The next step, and what the steps around it say.

    `offer` is what the Hub offers, None where nobody looked. `file` is the one that is chosen among its files, "" for
    none; `file_chosen_by_person` that the person chose it. `free_bytes` on the disk (None unknown), `token` where a
    token for `host` is kept. `removable` says that the model is the library's to remove, `freed_bytes` what that frees.
    """

    step: NextStep
    offer: "HubOffer | None" = None
    file: str = ""
    file_chosen_by_person: bool = False
    free_bytes: int | None = None
    token: "TokenPlace | None" = None
    host: str = ""
    removable: bool = False
    freed_bytes: int = 0

    @property
    def needs_look_up(self) -> bool:
        """Whether the Hub has to be asked before anything else is known."""
        return isinstance(self.step, LookUpStep)

    @property
    def needs_download(self) -> bool:
        """Whether the steps lead over the Hub: to a model that is not here, or to another file of one that is."""
        return self.file_chosen_by_person and not isinstance(self.step, ReadyStep | VerifyStep | RestoreFileStep)

    @property
    def access(self) -> "RepositoryAccess | None":
        """What was last said about access; None where it was not asked."""
        if self.offer is not None:
            return self.offer.access
        if isinstance(self.step, EnterTokenStep | RequestAccessStep | WaitForApprovalStep):
            return self.step.access
        return None


ModelState = Literal[
    "ready",
    "to-accept",
    "revoked",
    "license-changed",
    "ledger-broken",
    "forbidden",
    "file-changed",
    "file-missing",
    "not-here",
    "needs-token",
    "needs-access",
    "waiting-for-approval",
    "no-access",
    "cannot-run",
    "closed",
]
"""One word for what comes next, from what is known without asking anybody: a part of the command's contract."""
_LICENSE_STATES: dict[str, ModelState] = {
    "revoked": "revoked",
    "text-changed": "license-changed",
    "suspended": "license-changed",
}
_ACCESS_STATES: dict[str, ModelState] = {
    "no-token": "needs-token",
    "bad-token": "needs-token",
    "token-lacks-scope": "needs-token",
    "missing-or-private": "needs-token",
    "not-requested": "needs-access",
    "reset": "needs-access",
    "pending": "waiting-for-approval",
    "granted": "not-here",
}


def model_state(card: "LibraryCard") -> ModelState:
    """The state of a model, in the order of its steps."""
    listed, verdict = card.listed, card.verdict
    if is_closed(listed):
        return "closed"
    if listed.subject.not_runnable or verdict.refusal == "not-runnable":
        return "cannot-run"
    if verdict.refusal in _NO_STEP_HELPS:
        return "forbidden"
    if listed.model is None:
        access = listed.hub_record.access if listed.hub_record is not None else None
        return "not-here" if access is None else _ACCESS_STATES.get(access.state, "no-access")
    if listed.model.state != "here":
        return "file-changed" if listed.model.state == "changed" else "file-missing"
    if verdict.refusal in ("file", "ledger"):
        return "file-changed" if verdict.refusal == "file" else "ledger-broken"
    waiting = next((each for each in verdict.licenses if license_waits(each, verdict)), None)
    if waiting is None:
        return "ready" if verdict.error is None else "forbidden"
    return _LICENSE_STATES.get(waiting.status, "to-accept")


def is_closed(listed: "ListedModel") -> bool:
    """Whether nobody can have its weights."""
    return listed.subject.gate == "closed" and listed.model is None


def is_at_hub(listed: "ListedModel") -> bool:
    """Whether a repository at the Hub is known that can be asked for its files."""
    entry = listed.entry
    return listed.hub_record is not None or (entry is not None and bool(entry.gguf or entry.repository))


StatusStage = Literal["file", "look-up", "token", "access", "import", "license", "download"]


@dataclass(frozen=True)
class StatusStep:
    """One thing between a person and a first answer: `license` is the one of a "license" step."""

    stage: StatusStage
    done: bool = False
    license: "LicenseStatus | None" = None


def status_steps(card: "LibraryCard", status: ModelStatus | None = None) -> tuple[StatusStep, ...]:
    """The steps to a first answer, those done as well, in their order; () for a model that can never run here.

    The first that is not done is the next, unless `is_refused`. `status` is what is known of one model beside its card:
    without it the steps of a model that is not here say only what the catalog does.
    """
    listed, verdict = card.listed, card.verdict
    if is_closed(listed) or listed.subject.not_runnable or verdict.refusal == "not-runnable":
        return ()
    licenses = tuple(StatusStep("license", not license_waits(each, verdict), each) for each in verdict.licenses)
    if listed.model is not None and (status is None or not status.needs_download):
        unsound = listed.model.state != "here" or verdict.refusal == "file"
        unsound = unsound or (status is not None and isinstance(status.step, VerifyStep | RestoreFileStep))
        return (StatusStep("file"), *licenses) if unsound else licenses
    look_up = status is not None and status.needs_look_up and status.offer is None
    first = (*([StatusStep("look-up")] if look_up else []), *_access_steps(listed, status))
    nothing_to_fetch = isinstance(status.step, ImportStep) if status is not None else not is_at_hub(listed)
    if nothing_to_fetch:
        return (*first, StatusStep("import"), *licenses)
    return (*first, *licenses, StatusStep("download"))


def _access_steps(listed: "ListedModel", status: ModelStatus | None) -> tuple[StatusStep, ...]:
    """The access token and the publisher's gate, where there is one."""
    gate, known = listed.subject.gate, listed.hub_record
    offer, access = (status.offer, status.access) if status is not None else (None, None)
    gated = gate in _HUB_GATES
    if offer is not None:
        gated = bool(offer.gated) or (known is not None and known.wants_access)
    if access is None and (status is None or (offer is None and gate == "click-through")):
        return (StatusStep("access"),) if gated or gate == "click-through" else ()
    if not gated and (access.granted if access is not None else gate != "click-through"):
        return ()
    has_token = status is not None and status.token is not None and offer is not None
    wrong = access is not None and access.state in TOKEN_STATES and access.state != "no-token"
    return StatusStep("token", has_token and not wrong), StatusStep("access", access is not None and access.granted)


def refusal_of_step(card: "LibraryCard", status: ModelStatus | None) -> UserError | None:
    """Why the next step leads nowhere, where the model still has to be fetched; None where it does lead on."""
    if status is None or not isinstance(status.step, RefusedStep):
        return None
    return status.step.error if card.listed.model is None or status.needs_download else None


def is_refused(card: "LibraryCard", status: ModelStatus | None = None) -> bool:
    """Whether no step leads on: the license check, the Hub or the offline switch forbids the model."""
    return card.verdict.refusal in _NO_STEP_HELPS or refusal_of_step(card, status) is not None
