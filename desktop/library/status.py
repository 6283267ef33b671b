"""The one next step between a person and a model that answers: a pure function, so that one table tests the whole way.

Access comes before the license, since its publisher decides about it and that can take days; the license comes before
the download, since a model is fetched only where the text in force is accepted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from desktop.byte_size import size_text
from desktop.errors import IntegrityError, NotFoundError, ResourceError, UserError
from desktop.hub.repository_access import RepositoryAccess
from desktop.licenses.license_verdict import LicenseVerdict
from desktop.split_files import is_piece
from desktop.translation import tr

TOKEN_STATES = ("no-token", "bad-token", "token-lacks-scope", "missing-or-private")
"""What another access token can change."""
_ASK = ("not-requested", "reset")


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

    access: RepositoryAccess


@dataclass(frozen=True)
class RequestAccessStep:
    """The publisher has to be asked, in a browser."""

    access: RepositoryAccess


@dataclass(frozen=True)
class WaitForApprovalStep:
    """The publisher was asked, and has not answered."""

    access: RepositoryAccess


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
    | ReadyStep
)


@dataclass(frozen=True)
class StatusFacts:
    """All that the next step depends on.

    `verdict` is the license check's. `here` is the state of the file on this disk ("changed": not the bytes that were
    hashed), `path` where it lies. `at_hub` says whether there is a repository to ask, `looked` whether it was asked,
    `gated` whether it wants access, `access` what was last said about that, `has_token` whether a token is kept. `file`
    is the one chosen ("" none is offered), `size` its bytes, `done` how many of them are here, `free` those on the disk
    (None unknown). `offline` is why nothing may leave this machine, None where it may.
    """

    model_id: str
    verdict: LicenseVerdict
    here: Literal["absent", "here", "changed"] = "absent"
    path: Path = Path()
    at_hub: bool = True
    looked: bool = False
    gated: bool = False
    access: RepositoryAccess | None = None
    has_token: bool = False
    file: str = ""
    size: int = 0
    done: int = 0
    free: int | None = None
    offline: UserError | None = None
    no_file: str = ""
    margin: int = 0


def next_step(facts: StatusFacts) -> NextStep:
    """What comes next. The license check's refusals that nobody here can change come first."""
    verdict = facts.verdict
    if verdict.error is not None and verdict.refusal in ("policy", "not-runnable", "purpose"):
        return RefusedStep(verdict.error)
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
    if not facts.looked:
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


def _license(verdict: LicenseVerdict) -> AcceptLicenseStep | None:
    if verdict.error is None:
        return None
    waiting = next((each for each in verdict.standings if each.needs_acknowledgement), None)
    if waiting is None and verdict.standings:
        waiting = verdict.standings[0]  # the ledger does not hold: everything is accepted afresh
    if waiting is None:
        return None
    return AcceptLicenseStep(waiting.needed.id, waiting.needed.name, verdict.error)


def no_file_reason(repository: str, left_out: Sequence[str] = ()) -> str:
    """Why a repository offers nothing to fetch. `left_out` are names of its files that cannot be offered."""
    if any(is_piece(name.rpartition("/")[2]) for name in left_out):
        return tr(
            "{repository} holds files that were cut into pieces, such as {file}: fetch all pieces of one in a browser,"
            " and import the first as a copy, which joins them."
        ).format(repository=repository, file=left_out[0].rpartition("/")[2])
    return tr("{repository} holds no GGUF file that could be used.").format(repository=repository)


def step_error(step: NextStep, model_name: str) -> UserError | None:
    """What stands in the way, as an error for whoever wanted the file now; None for a step that can just be taken."""
    match step:
        case RefusedStep(error) | AcceptLicenseStep(error=error):
            return error
        case EnterTokenStep(access) | RequestAccessStep(access) | WaitForApprovalStep(access):
            return access.error()
        case FreeSpaceStep(needed, free):
            return no_space_error(model_name, needed, free)
        case ImportStep(reason):
            return NotFoundError(
                tr("There is nothing to fetch of {model}.").format(model=model_name),
                reason,
                tr("Import a GGUF file of it with “latchkey models import FILE”."),
            )
        case VerifyStep(_, error):
            return error or IntegrityError(
                tr("The file of {model} is not what it was.").format(model=model_name),
                "",
                tr("“latchkey models verify” reads it again."),
            )
    return None


def no_space_error(model_name: str, needed: int, free: int) -> UserError:
    """The disk is too full for a download."""
    return ResourceError(
        tr("There is not enough space for {model}.").format(model=model_name),
        tr("It takes {needed} more; {free} are free.").format(
            needed=size_text(needed, "gigabytes"), free=size_text(free, "gigabytes")
        ),
        tr("Free some space, or choose a smaller quantization."),
    )
