"""`decide`: whether a model may be fetched or loaded, and if not, why; from the model, the ledger's state, the policy
and the file's present hash. Pure functions: `license_check` reads the files and records the result.
"""

import operator
import shlex
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from desktop.catalog.license_terms import Purpose
from desktop.errors import ForbiddenError, IntegrityError, LicenseError, UserError
from desktop.licenses.built_in_model import is_built_in
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.license_subject import UNKNOWN_LICENSE, LicenseSubject, NeededLicense
from desktop.licenses.license_text_origin import edition_sentence
from desktop.licenses.policy import CombinedPolicy, Policy, forbids, forbids_purpose
from desktop.settings import AcceptanceSettings
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.licenses.ledger_state import LedgerState

LicenseStatusKind = Literal["missing", "in-force", "revoked", "text-changed", "suspended", "not-needed"]
Refusal = Literal["", "policy", "purpose", "license", "ledger", "file", "not-runnable"]


@dataclass(frozen=True)
class LicenseStatus:
    """The state of one license of a model. `record` is the acknowledgement that counts, or counted.

    "not-needed" is the status of the built-in model's: it is a part of Latchkey.
    """

    needed: NeededLicense
    status: LicenseStatusKind
    record: LedgerRecord | None = None

    @property
    def white_space_differs(self) -> bool:
        """Whether the text that counts was accepted in another white space."""
        accepted = self.record.text_sha256 if self.status == "in-force" and self.record is not None else ""
        return bool(accepted) and accepted != self.needed.text_sha256

    @property
    def needs_acknowledgement(self) -> bool:
        """Whether it has to be acknowledged before the model may be used."""
        return self.status not in ("in-force", "not-needed")


@dataclass(frozen=True)
class LicenseVerdict:
    """What the license check says. `error` is None where the model may be loaded; otherwise it names what is missing.

    `refusal` is of what kind that is, `license` the first license that waits for the person, `purpose` the one declared
    ("" where none is yet).
    """

    licenses: tuple[LicenseStatus, ...]
    refusal: Refusal = ""
    error: UserError | None = None
    license: str = ""
    purpose: Purpose | Literal[""] = ""

    @property
    def allowed(self) -> bool:
        return self.error is None


def decide(
    subject: LicenseSubject,
    ledger: "LedgerState | None",
    policy: Policy | CombinedPolicy | ForbiddenError,
    license_names: Callable[[str], Iterable[str]],
    file_sha256: str | None = None,
    same_words: Callable[[str, str], bool] = operator.eq,
) -> LicenseVerdict:
    """Whether `subject` may be fetched (`file_sha256` None) or loaded from a file of that hash, and if not, why.

    `ledger` None says that it was not asked, as it is not for the built-in model. `license_names` gives all names a
    license is known by, `same_words` says of the hashes of two texts whether white space alone differs: who accepted
    one accepted the other. Without the hash of a file, only what Latchkey's own catalog ships is the built-in
    model, and no other that names its hash. First what nobody here can change, then what a person can.
    """
    part = is_built_in_file(subject, file_sha256)
    statuses = tuple(_license_status(subject, needed, ledger, same_words, part=part) for needed in subject.needed)
    purpose = _purpose(statuses)

    def refused(kind: Refusal, error: UserError, license_id: str = "") -> LicenseVerdict:
        return LicenseVerdict(statuses, kind, error, license_id, purpose)

    if isinstance(policy, ForbiddenError):
        return refused("policy", policy)
    if against := forbids(policy, subject, license_names):
        return refused("policy", against)
    if subject.not_runnable:
        return refused("not-runnable", _cannot_run(subject))
    if file_sha256 is not None and subject.file_sha256 and file_sha256 != subject.file_sha256:
        return refused("file", file_changed_error(subject))
    if part:
        return LicenseVerdict(statuses)
    if ledger is None:
        raise ValueError("the ledger counts for every model but the built-in one")
    if not ledger.check.ok:
        return refused("ledger", ledger_broken_error(ledger.check.reason))
    waiting = next((each for each in statuses if each.needs_acknowledgement), None)
    if waiting is not None:
        return refused("license", _not_acknowledged(subject, waiting), waiting.needed.id)
    if purpose and (against := forbids_purpose(policy, purpose)):
        return refused("policy", against)
    if purpose and (against := forbidden_by_terms(subject, purpose)):
        return refused("purpose", against)
    return LicenseVerdict(statuses, purpose=purpose)


def unreadable_ledger_verdict(subject: LicenseSubject, error: UserError) -> LicenseVerdict:
    """What is said of a model where the ledger cannot be read, for the reason in `error`: nothing is known to count."""
    return LicenseVerdict(tuple(LicenseStatus(needed, "missing") for needed in subject.needed), "ledger", error)


def forbidden_by_terms(subject: LicenseSubject, purpose: Purpose) -> ForbiddenError | None:
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


def ledger_broken_error(reason: str) -> IntegrityError:
    """The ledger does not hold, so nothing in it counts."""
    return IntegrityError(
        tr("The license ledger does not hold, so no model but the built-in one may be loaded."),
        reason,
        tr("Accept the license afresh: the old records are kept, and marked. “latchkey licenses verify” says more."),
    )


def accept_command(subject: LicenseSubject, needed: NeededLicense) -> str:
    """The command that accepts one license of a model, with the parts that only a person can give left open."""
    model = shlex.quote(subject.id)
    return f"latchkey licenses accept {model} --text-sha256 {needed.text_sha256} --as NAME --purpose PURPOSE"


def show_argument(subject: LicenseSubject, needed: NeededLicense) -> str:
    """By what “latchkey licenses show” finds the text: the license's id, or the model where the text is its own."""
    return shlex.quote(subject.id if needed.own else needed.id)


def is_built_in_file(subject: LicenseSubject, file_sha256: str | None) -> bool:
    """Whether it is the built-in model, which is a part of Latchkey."""
    return subject.built_in if file_sha256 is None else is_built_in(file_sha256)


def _license_status(
    subject: LicenseSubject,
    needed: NeededLicense,
    ledger: "LedgerState | None",
    same_words: Callable[[str, str], bool],
    *,
    part: bool,
) -> LicenseStatus:
    if part:
        return LicenseStatus(needed, "not-needed")
    known = ledger.acknowledgement(subject.ledger_id, needed.id, needed.tagged) if ledger is not None else None
    if known is None:
        return LicenseStatus(needed, "missing")
    if known.status == "revoked":
        return LicenseStatus(needed, "revoked", known.record)
    if not same_words(known.record.text_sha256, needed.text_sha256):
        return LicenseStatus(needed, "text-changed", known.record)
    return LicenseStatus(needed, "suspended" if known.status == "suspended" else "in-force", known.record)


def _purpose(statuses: tuple[LicenseStatus, ...]) -> Purpose | Literal[""]:
    """The purpose declared last."""
    records = [each.record for each in statuses if each.status == "in-force" and each.record is not None]
    if not records:
        return ""
    latest = max(records, key=lambda record: record.seq).purpose
    return latest if latest in ("personal", "research", "commercial") else ""  # type: ignore[return-value]


def _cannot_run(subject: LicenseSubject) -> ForbiddenError:
    return ForbiddenError(
        tr("{model} cannot run in Latchkey.").format(model=subject.name),
        subject.not_runnable,
        tr("Choose another model."),
    )


def file_changed_error(subject: LicenseSubject) -> IntegrityError:
    """The error for a file that no longer hashes to what it has to."""
    return IntegrityError(
        tr("The file of {model} is not the one that was accepted.").format(model=subject.name),
        tr("Its contents changed: their sha256 is no longer {sha256}.").format(sha256=subject.file_sha256[:16] + "…"),
        tr("Put the original file back, or import it again.")
        if subject.imported
        else tr("Install Latchkey again, or fetch the file anew."),
    )


def _not_acknowledged(subject: LicenseSubject, license_status: LicenseStatus) -> LicenseError:
    needed = license_status.needed
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
    record = license_status.record if license_status.status in ("text-changed", "suspended") else None
    edition = edition_sentence(needed, record) if record is not None else ""
    return LicenseError(
        sentences[license_status.status].format(model=subject.name, license=needed.name),
        " ".join(part for part in (inherited, edition) if part),
        tr("Read it with “latchkey licenses show {id}”, then accept it with “{command}”.").format(
            id=show_argument(subject, needed), command=accept_command(subject, needed)
        ),
    )


def unrestricted_licenses(subject: LicenseSubject, verdict: LicenseVerdict) -> tuple[NeededLicense, ...]:
    """The licenses of `subject` that wait, where none of its terms restricts anything; () where one needs care.

    Care is needed, for all of them, where any license or ancestor brings a restriction, where a license, a base or the
    lineage is not known, where a text is the publisher's own (nobody has read what it restricts), where a text changed
    since it was accepted, and where the ledger does not hold or something else than a license stands in the way. Care
    is needed, too, for a file of one's own whose hash nobody vouches for, and for what an endpoint runs: which model it
    is, and so what it comes under, rests on words that whoever renames it can write.
    """
    if (subject.imported or subject.served_at) and not subject.hash_vouched:
        return ()
    if verdict.refusal != "license" or subject.lineage.terms or subject.lineage.flags:
        return ()
    waiting = [license_status for license_status in verdict.licenses if license_status.needs_acknowledgement]
    plain = all(
        license_status.status in ("missing", "revoked")
        and not license_status.needed.own
        and license_status.needed.id != UNKNOWN_LICENSE
        for license_status in waiting
    )
    return tuple(license_status.needed for license_status in waiting) if plain else ()


def one_click_licenses(
    subject: LicenseSubject,
    verdict: LicenseVerdict,
    refused_purposes: Collection[Purpose],
    remembered: AcceptanceSettings,
) -> tuple[NeededLicense, ...]:
    """The licenses of `subject` that one click accepts as `remembered`: those that restrict nothing, where nothing
    rules the remembered purpose out (`refused_purposes`)."""
    if not remembered.complete or remembered.purpose in refused_purposes:
        return ()
    return unrestricted_licenses(subject, verdict)
