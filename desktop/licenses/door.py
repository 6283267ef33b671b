"""The one place that decides whether a model may be fetched or loaded. Every load, by any path, asks here first.

`decide` is pure: a model, what the ledger says, the policy, and the hash of the file as it is now. `LicenseDoor` stands
between it and the engine: it finds out what a path holds, asks, and records what was loaded and what was refused.
"""

import shlex
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from desktop.catalog.terms import Purpose
from desktop.errors import ForbiddenError, IntegrityError, LicenseError, UserError
from desktop.licenses.ledger import Ledger, LedgerState
from desktop.licenses.policy import Policy, PolicyFile, forbids, forbids_purpose
from desktop.licenses.record import Record
from desktop.licenses.subject import NeededLicense, Subject
from desktop.translation import tr

Status = Literal["missing", "in-force", "revoked", "text-changed", "suspended"]
Refusal = Literal["", "policy", "purpose", "license", "ledger", "file", "not-runnable"]


@dataclass(frozen=True)
class LicenseStanding:
    """Where a person stands with one license of a model. `record` is the acknowledgement that counts, or counted."""

    needed: NeededLicense
    status: Status
    record: Record | None = None


@dataclass(frozen=True)
class Verdict:
    """What the door says. `error` is None where the model may be loaded; otherwise it names what is missing.

    `refusal` is of what kind that is, `license` the first license that waits for the person, `purpose` the one declared
    ("" where none is yet).
    """

    standings: tuple[LicenseStanding, ...]
    refusal: Refusal = ""
    error: UserError | None = None
    license: str = ""
    purpose: Purpose | Literal[""] = ""

    @property
    def allowed(self) -> bool:
        return self.error is None


def decide(
    subject: Subject,
    ledger: LedgerState,
    policy: Policy | ForbiddenError,
    license_names: Callable[[str], Iterable[str]],
    file_sha256: str | None = None,
) -> Verdict:
    """Whether `subject` may be fetched (`file_sha256` None) or loaded from a file of that hash, and if not, why.

    `license_names` gives all names a license is known by. First what nobody here can change, then what a person can.
    """
    standings = tuple(_standing(subject, needed, ledger) for needed in subject.needed)
    purpose = _purpose(standings)

    def refused(kind: Refusal, error: UserError, license_id: str = "") -> Verdict:
        return Verdict(standings, kind, error, license_id, purpose)

    if isinstance(policy, ForbiddenError):
        return refused("policy", policy)
    if against := forbids(policy, subject, license_names):
        return refused("policy", against)
    if subject.not_runnable:
        return refused("not-runnable", _cannot_run(subject))
    if file_sha256 is not None and subject.file_sha256 and file_sha256 != subject.file_sha256:
        return refused("file", _file_changed(subject))
    if not ledger.check.ok:
        return refused("ledger", ledger_broken(ledger.check.reason))
    waiting = next((each for each in standings if each.status != "in-force"), None)
    if waiting is not None:
        return refused("license", _not_acknowledged(subject, waiting), waiting.needed.id)
    if purpose and (against := forbids_purpose(policy, purpose)):
        return refused("policy", against)
    if purpose and (against := forbidden_by_terms(subject, purpose)):
        return refused("purpose", against)
    return Verdict(standings, purpose=purpose)


def forbidden_by_terms(subject: Subject, purpose: Purpose) -> ForbiddenError | None:
    """The error that names the clause which rules `purpose` out for this model; None where none does."""
    term = subject.lineage.forbidding(purpose)
    if term is None:
        return None
    return ForbiddenError(
        tr("{model} may not be used for the purpose “{purpose}”.").format(model=subject.name, purpose=purpose),
        tr("{license}, clause {clause}, from {ancestor}: {says}").format(
            license=term.license, clause=term.clause, ancestor=term.from_name, says=term.says
        ),
        tr("Declare another purpose, if it is true, or choose another model."),
    )


def ledger_broken(reason: str) -> IntegrityError:
    """The ledger does not hold, so nothing in it counts."""
    return IntegrityError(
        tr("The license ledger does not hold, so no model may be loaded."),
        reason,
        tr("Accept the license afresh: the old records are kept, and marked. “latchkey licenses verify” says more."),
    )


def accept_command(subject: Subject, needed: NeededLicense) -> str:
    """The command that accepts one license of a model, with the parts that only a person can give left open."""
    model = shlex.quote(subject.id)
    return f"latchkey licenses accept {model} --text-sha256 {needed.text_sha256} --as NAME --purpose PURPOSE"


def shown_by(subject: Subject, needed: NeededLicense) -> str:
    """By what “latchkey licenses show” finds the text: the license's id, or the model where the text is its own."""
    return shlex.quote(subject.id if needed.own else needed.id)


def _standing(subject: Subject, needed: NeededLicense, ledger: LedgerState) -> LicenseStanding:
    known = ledger.standing(subject.id, needed.id)
    if known is None:
        return LicenseStanding(needed, "missing")
    if known.status == "revoked":
        return LicenseStanding(needed, "revoked", known.record)
    if known.record.text_sha256 != needed.text_sha256:
        return LicenseStanding(needed, "text-changed", known.record)
    return LicenseStanding(needed, "suspended" if known.status == "suspended" else "in-force", known.record)


def _purpose(standings: tuple[LicenseStanding, ...]) -> Purpose | Literal[""]:
    """The purpose declared last."""
    records = [each.record for each in standings if each.status == "in-force" and each.record is not None]
    if not records:
        return ""
    latest = max(records, key=lambda record: record.seq).purpose
    return latest if latest in ("personal", "research", "commercial") else ""  # type: ignore[return-value]


def _cannot_run(subject: Subject) -> ForbiddenError:
    return ForbiddenError(
        tr("{model} cannot run in Latchkey.").format(model=subject.name),
        subject.not_runnable,
        tr("Choose another model."),
    )


def _file_changed(subject: Subject) -> IntegrityError:
    return IntegrityError(
        tr("The file of {model} is not the one that was accepted.").format(model=subject.name),
        tr("Its contents changed: their sha256 is no longer {sha256}.").format(sha256=subject.file_sha256[:16] + "…"),
        tr("Put the original file back, or import it again.")
        if subject.imported
        else tr("Install Latchkey again, or fetch the file anew."),
    )


def _not_acknowledged(subject: Subject, standing: LicenseStanding) -> LicenseError:
    needed = standing.needed
    sentences = {
        "missing": tr("{model} waits for you to accept its license, {license}."),
        "revoked": tr("You revoked the license of {model}, {license}."),
        "text-changed": tr("The license of {model}, {license}, has a new text that you have not accepted yet."),
        "suspended": tr("{model} is suspended until its license, {license}, is accepted again."),
    }
    inherited = (
        tr("It comes from {ancestor}, which it is built on.").format(ancestor=needed.from_name)
        if needed.comes_from != subject.id
        else ""
    )
    return LicenseError(
        sentences[standing.status].format(model=subject.name, license=needed.name),
        inherited,
        tr("Read it with “latchkey licenses show {id}”, then accept it with “{command}”.").format(
            id=shown_by(subject, needed), command=accept_command(subject, needed)
        ),
    )


class LicenseDoor:
    """Admits model files for the engine, or raises what is missing.

    `subject_of` gives the model that a path holds, and raises LicenseError where the library does not know the file;
    `hash_file` the sha256 of a file as it is now. `own` are hashes of files of random weights that this process wrote
    to measure with: nobody's, so nothing is asked and nothing recorded.
    """

    def __init__(
        self,
        *,
        subject_of: Callable[[Path], Subject],
        hash_file: Callable[[Path], str],
        ledger: Ledger,
        policy: PolicyFile,
        license_names: Callable[[str], Iterable[str]],
        own: Set[str] = frozenset(),
    ) -> None:
        self._own = own
        self._subject_of = subject_of
        self._hash_file = hash_file
        self._ledger = ledger
        self._policy = policy
        self._license_names = license_names
        self._held: tuple[Path, object] | None = None

    def with_own(self, own: Set[str]) -> "LicenseDoor":
        """The same door, for a process that measures with files of these hashes."""
        return LicenseDoor(
            subject_of=self._subject_of,
            hash_file=self._hash_file,
            ledger=self._ledger,
            policy=self._policy,
            license_names=self._license_names,
            own=own,
        )

    def verdict(self, subject: Subject, file_sha256: str | None = None) -> Verdict:
        """What the door says of `subject` now: to fetch it, or to load it from a file of that hash."""
        policy: Policy | ForbiddenError
        try:
            policy = self._policy.current()
        except ForbiddenError as error:
            policy = error
        return decide(subject, self._ledger.state(), policy, self._license_names, file_sha256)

    def admit(self, path: Path) -> None:
        """Return where the file at `path` may be loaded now. Raises UserError; a refusal is recorded."""
        self._held = None
        if self._is_own(path):
            return
        stamp = self._ledger.stamp()
        subject = self._subject_of(path)
        sha256 = self._hash_file(path)
        verdict = self.verdict(subject, sha256)
        if verdict.error is not None:
            self._refused(subject, sha256, verdict)
            raise verdict.error
        self._held = (path, (stamp, self._policy_stamp()))

    def loaded(self, path: Path) -> None:
        """The file at `path` was loaded: record it.

        Raises IntegrityError where it is no longer the file that was admitted, and UserError where the record cannot be
        written.
        """
        if self._is_own(path):
            return
        subject, sha256 = self._subject_of(path), self._hash_file(path)
        if subject.file_sha256 and sha256 != subject.file_sha256:
            raise _file_changed(subject)
        self._ledger.append(subject.fact("loaded", file_sha256=sha256))

    def holds(self, path: Path) -> None:
        """Return where the loaded file may stay loaded; raise UserError where it no longer may (revoked, say).

        Cheap where nothing changed, so that it can be asked every second and before every answer.
        """
        stamp = (self._ledger.stamp(), self._policy_stamp())
        if self._held == (path, stamp) or self._is_own(path):
            return
        subject = self._subject_of(path)
        verdict = self.verdict(subject)
        if verdict.error is not None:
            raise verdict.error
        self._held = (path, stamp)

    def _is_own(self, path: Path) -> bool:
        return bool(self._own) and self._hash_file(path) in self._own

    def _policy_stamp(self) -> object:
        try:
            return self._policy.current()
        except ForbiddenError as error:
            return str(error)

    def _refused(self, subject: Subject, sha256: str, verdict: Verdict) -> None:
        if verdict.refusal == "ledger" or verdict.error is None:
            return  # a ledger that does not hold takes nothing but a fresh acknowledgement
        needed = next((each for each in subject.needed if each.id == verdict.license), None)
        text = needed.text_sha256 if needed is not None else ""
        note = verdict.error.title
        self._ledger.append(
            subject.fact("refused", file_sha256=sha256, license=verdict.license, text_sha256=text, note=note)
        )
