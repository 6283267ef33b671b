"""`Acknowledgements`: reading, accepting and revoking licenses, for window and command; on license check, ledger and
texts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from desktop.catalog.catalog import Catalog, License
from desktop.catalog.license_terms import PURPOSES, Purpose
from desktop.errors import ForbiddenError, IntegrityError, LicenseError, NotFoundError
from desktop.licenses.ledger import Ledger, LedgerCheck
from desktop.licenses.ledger_record import LedgerEvent, LedgerRecord
from desktop.licenses.license_check import LicenseCheck
from desktop.licenses.license_diff import AcceptedTextDiff, StandardTextDiff, diff_paragraphs, unchanged_lines
from desktop.licenses.license_subject import LicenseSubject, NeededLicense
from desktop.licenses.license_text_origin import incorporated_note
from desktop.licenses.license_texts import LicenseText, LicenseTexts, decode_text, same_words, sha256_of
from desktop.licenses.license_verdict import LicenseVerdict, forbidden_by_terms, show_argument
from desktop.licenses.policy import forbids_purpose
from desktop.licenses.policy_file import PolicySource
from desktop.translation import tr


@dataclass(frozen=True)
class Acceptance:
    """What a person filled in: the name they typed, their purpose, and their organization, if any."""

    person: str
    purpose: Purpose
    organization: str = ""


class Acknowledgements:
    """`catalog` is asked for each time, as it may change. `publishers_text` gives, for a model and a
    license of it, that license and the sha256 of the publisher's own text, where that is the one in force.

    `on_change` is called after an acknowledgement or a revocation, on its thread: the engine then asks the
    license check again.
    """

    def __init__(
        self,
        *,
        catalog: Callable[[], Catalog],
        texts: LicenseTexts,
        ledger: Ledger,
        policy: PolicySource,
        license_check: LicenseCheck,
        publishers_text: Callable[[str, str], tuple[License, str] | None] = lambda model, license_: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._catalog = catalog
        self._texts = texts
        self._ledger = ledger
        self._policy = policy
        self._license_check = license_check
        self._publishers_text = publishers_text
        self._on_change = on_change

    # --- looking -------------------------------------------------------------------------------------------------

    def verdict(self, subject: LicenseSubject) -> LicenseVerdict:
        """Whether `subject` may be used now, and how each of its licenses stands. Touches no file of the model.

        A text that changed since it was accepted is recorded as a suspension, once.
        """
        verdict = self._license_check.verdict(subject)
        for license_status in verdict.licenses:
            if license_status.status == "text-changed" and license_status.record is not None:
                self._record_suspension(subject, license_status.needed, license_status.record)
        return verdict

    def license(self, license_id: str, model_id: str = "") -> License:
        """The license with this id or Hub name; with `model_id`, as it is in force for that model. Raises
        NotFoundError."""
        own = self._publishers_text(model_id, license_id) if model_id else None
        known = own[0] if own is not None else self._catalog().find_license(license_id)
        if known is None:
            raise NotFoundError(
                tr("There is no license called {license}.").format(license=license_id),
                "",
                tr("“latchkey licenses list” names them."),
            )
        return known

    def text(self, license_id: str, model_id: str = "") -> LicenseText:
        """The text in force, for a model where one is named. Raises NotFoundError or IntegrityError."""
        own = self._publishers_text(model_id, license_id) if model_id else None
        return self._texts.publisher_text(*own) if own is not None else self._texts.text_of(self.license(license_id))

    def acceptable_use(self, license_id: str) -> str:
        """The use policy that the license incorporates, "" where there is none."""
        known = self._catalog().find_license(license_id)
        return self._texts.acceptable_use(known) if known is not None else ""

    def policy_sha256(self, license_id: str) -> str:
        """The hash of the use policy that the license incorporates, "" where there is none to be read."""
        try:
            return sha256_of(data) if (data := self._policy_data(license_id)) else ""
        except IntegrityError:
            return ""  # reported to whoever opens the text

    def _policy_data(self, license_id: str) -> bytes:
        known = self._catalog().find_license(license_id)
        return self._texts.acceptable_use_data(known) if known is not None else b""

    def acknowledged_text(self, sha256: str) -> bytes | None:
        """A text that was accepted once, byte for byte; None where none with this hash was."""
        return self._ledger.text(sha256)

    def policy_refusal(self, subject: LicenseSubject) -> ForbiddenError | None:
        """Why the policy in force forbids the model; None where it does not. Asks no ledger."""
        return self._license_check.policy_refusal(subject)

    def repositories_in_policies(self) -> tuple[str, ...]:
        """The repositories that policies name, () where one cannot be read: that forbids everything anyway."""
        try:
            return self._policy.current().repositories
        except ForbiddenError:
            return ()

    def purpose_refusal(self, subject: LicenseSubject, purpose: Purpose) -> ForbiddenError | None:
        """Why this purpose cannot be declared for the model; None where it can."""
        return self.purpose_refusals(subject, (purpose,)).get(purpose)

    def purpose_refusals(
        self, subject: LicenseSubject, purposes: Iterable[Purpose] = PURPOSES
    ) -> dict[Purpose, ForbiddenError]:
        """Those of these purposes that cannot be declared for the model, and why. Looks at the policy once."""
        try:
            policy = self._policy.current()
        except ForbiddenError as error:
            return dict.fromkeys(purposes, error)
        refusals = ((each, forbidden_by_terms(subject, each) or forbids_purpose(policy, each)) for each in purposes)
        return {purpose: refusal for purpose, refusal in refusals if refusal is not None}

    def difference(self, subject: LicenseSubject, license_id: str) -> AcceptedTextDiff | None:
        """What changed since the person accepted this license; None where nothing was accepted or nothing changed."""
        needed = self._needed(subject, license_id)
        last_accepted = self._ledger.state().acknowledgement(subject.ledger_id, needed.id, needed.tagged)
        if last_accepted is None or last_accepted.record.text_sha256 == needed.text_sha256:
            return None
        old = self._ledger.text(last_accepted.record.text_sha256) or b""
        new = self.text(needed.id, subject.id)
        if same_words(old, new.data):
            return AcceptedTextDiff(last_accepted.record, needed, unchanged_lines(new.text))
        return AcceptedTextDiff(last_accepted.record, needed, tuple(diff_paragraphs(decode_text(old), new.text)))

    def standard_text(self, needed: NeededLicense) -> LicenseText | None:
        """The text that ships for the license that a publisher's own text is tagged as, or goes by; None where the text
        in force is no publisher's own, has the same words, or where none ships."""
        known = self._catalog().find_license(needed.tagged or needed.id) if needed.own else None
        if known is None or not known.text:
            return None
        try:
            standard = self._texts.text_of(known)
            own = self._texts.publisher_text(known, needed.text_sha256)
        except IntegrityError:
            return None  # reported to whoever opens the text
        return None if same_words(standard.data, own.data) else standard

    def standard_difference(self, subject: LicenseSubject, license_id: str) -> StandardTextDiff | None:
        """In what a publisher's own text differs from the one that ships for the license that its card names; None
        where there is nothing to compare, or nothing differs. Raises NotFoundError."""
        needed = self._needed(subject, license_id)
        standard = self.standard_text(needed)
        if standard is None:
            return None
        new = self.text(needed.id, subject.id)
        return StandardTextDiff(standard, needed, tuple(diff_paragraphs(standard.text, new.text)))

    def records(self) -> list[LedgerRecord]:
        """The whole ledger, in its order."""
        return self._ledger.records()

    def check(self) -> LedgerCheck:
        """Whether the ledger holds."""
        return self._ledger.check()

    # --- a keyring that does not open ---------------------------------------------------------------------------

    def begin_segment(self) -> LedgerRecord:
        """Go on with a new key in a file, as the ledger's key cannot be had: what was accepted before does not count
        until that key is there again. Raises IntegrityError where it can be had."""
        record = self._ledger.begin_segment()
        self._on_change()
        return record

    def retry_key(self) -> None:
        """Ask the keyring at the next call, even if it was locked or timed out before. Does not block."""
        self._ledger.retry_key()

    # --- doing ---------------------------------------------------------------------------------------------------

    def accept(
        self, subject: LicenseSubject, license_id: str, text_sha256: str, acceptance: Acceptance
    ) -> LedgerRecord:
        """Record that a person accepts the text with this hash, which has to be the one now in force.

        Where the ledger did not hold, this begins it afresh. Raises LicenseError, ForbiddenError where the purpose is
        ruled out, ResourceError where it cannot be stored.
        """
        needed = self._needed(subject, license_id)
        text = self.text(needed.id, subject.id)
        if text_sha256.strip().lower() != text.sha256:
            raise LicenseError(
                tr("This is not the text of {license} that is in force.").format(license=text.license.name),
                tr("The text in force has the sha256 {sha256}.").format(sha256=text.sha256),
                tr("Read it with “latchkey licenses show {id}”, then accept that one.").format(
                    id=show_argument(subject, needed)
                ),
            )
        if acceptance.purpose not in PURPOSES:
            raise LicenseError(tr("The purpose is missing."), "", tr("Choose personal, research or commercial."))
        refusal = self.purpose_refusal(subject, acceptance.purpose)
        if refusal is not None:
            raise refusal
        self._ledger.store_text(text.data)
        policy = self._policy_data(needed.id)
        if policy:
            self._ledger.store_text(policy)
        fact = subject.ledger_event(
            "acknowledged",
            license=needed.id,
            text_sha256=text.sha256,
            person=acceptance.person,
            organization=acceptance.organization,
            purpose=acceptance.purpose,
            note=incorporated_note(sha256_of(policy) if policy else ""),
        )
        record = self._ledger.append(fact, afresh=True)
        self._on_change()
        return record

    def revoke(self, subject_id: str, name: str = "") -> list[LedgerRecord]:
        """Take back every acknowledgement of a model; the records. Raises NotFoundError where none is in force."""
        state = self._ledger.state()
        held = [each.record for each in state.acknowledgements() if each.record.model == subject_id]
        if not held:
            raise NotFoundError(
                tr("No license of {model} is accepted.").format(model=name or subject_id),
                "",
                tr("“latchkey licenses log” shows what was."),
            )
        facts = [
            LedgerEvent(
                event="revoked",
                model=record.model,
                model_name=record.model_name,
                repository=record.repository,
                commit=record.commit,
                file_sha256=record.file_sha256,
                license=record.license,
                text_sha256=record.text_sha256,
            )
            for record in held
        ]
        records = self._ledger.append_all(facts)
        self._on_change()
        return records

    def _needed(self, subject: LicenseSubject, license_id: str) -> NeededLicense:
        wanted = self.license(license_id, subject.id).id
        needed = next((each for each in subject.needed if each.id == wanted), None)
        if needed is None:
            raise NotFoundError(
                tr("{model} is not under {license}.").format(model=subject.name, license=license_id),
                "",
                tr("“latchkey models show {id}” names its licenses.").format(id=subject.id),
            )
        return needed

    def _record_suspension(self, subject: LicenseSubject, needed: NeededLicense, accepted: LedgerRecord) -> None:
        """Record, once for each new text, that the model waits for a person."""
        state = self._ledger.state()
        if not state.check.ok:
            return
        known = state.acknowledgement(subject.ledger_id, needed.id, needed.tagged)
        if known is None or known.latest.text_sha256 == needed.text_sha256:
            return
        note = tr("The text changed from {old} to {new}.").format(
            old=accepted.text_sha256[:16], new=needed.text_sha256[:16]
        )
        license_id = known.record.license  # it may have been accepted under the name that its card gives it
        self._ledger.append(
            subject.ledger_event("suspended", license=license_id, text_sha256=needed.text_sha256, note=note)
        )
