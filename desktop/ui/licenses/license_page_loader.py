"""What the license pages show, read from library, ledger and acknowledgements; reads files, so off the main thread."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from desktop.catalog.catalog import License
from desktop.catalog.license_terms import PURPOSES, Purpose
from desktop.errors import NotFoundError, UserError
from desktop.library.library_model import LibraryCard
from desktop.licenses.ledger import Acknowledgement
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.license_subject import LicenseSubject, NeededLicense
from desktop.licenses.license_text_origin import (
    edition_sentence,
    editions_sentence,
    origin_sentence,
    policy_sentence,
    white_space_sentence,
)
from desktop.licenses.license_texts import LicenseText, decode_text
from desktop.licenses.license_verdict import unrestricted_licenses
from desktop.translation import tr, trn
from desktop.ui.licenses.ledger_item_model import ledger_search_text
from desktop.ui.licenses.license_page_values import (
    AcceptedLicense,
    DifferenceContent,
    LedgerContent,
    LicenseStepContent,
    RestrictionClause,
    WaitingLicense,
)
from desktop.ui.licenses.text_changes import difference_paragraphs
from desktop.ui.parts.terms_text import day_of, joined, license_label, purpose_phrase
from desktop.ui.parts.text_passages import find_quote, shown_text

if TYPE_CHECKING:
    from desktop.library.library_services import LibraryServices
    from desktop.licenses.license_verdict import LicenseStatus, LicenseVerdict

_SHORT = 28
"""Characters that a license's name may have on a button; a longer one goes by its id."""


class LicensePageLoader:
    """Asks the parts of `assembly`. Every method may raise UserError."""

    def __init__(self, assembly: "LibraryServices") -> None:
        self._library, self._acknowledgements, self._ledger = (
            assembly.library,
            assembly.acknowledgements,
            assembly.ledger,
        )

    # --- the license step ----------------------------------------------------------------------------------------

    def step(self, model_id: str, license_id: str = "", *, again: bool = False) -> LicenseStepContent:
        """The step for a license of a model ("" for the first that waits): to be accepted where it is not yet.

        `again` asks for a fresh acceptance of one that is in force.
        """
        card = self._library.card(model_id)
        subject, verdict = card.listed.subject, card.verdict
        license_status = _license_status(subject, verdict, license_id)
        needed, text = license_status.needed, self._acknowledgements.text(license_status.needed.id, subject.id)
        at = subject.needed.index(needed)
        in_force = license_status.status == "in-force" and verdict.refusal not in ("purpose", "ledger") and not again
        return LicenseStepContent(
            subject=subject,
            needed=replace(needed, text_sha256=text.sha256),
            text=shown_text(text.text),
            sha256=text.sha256,
            origin=" ".join((origin_sentence(text.license), editions_sentence(text.license, text.sha256))).strip(),
            restrictions=_asks(text.license, text.text),
            acceptable_use=shown_text(self._acknowledgements.acceptable_use(needed.id)),
            number=at + 1,
            count=len(subject.needed),
            why=_why(subject, needed, license_status, verdict),
            refused=self._refused(subject),
            forbidden=verdict.error if verdict.refusal in ("policy", "not-runnable") and not verdict.purpose else None,
            record=license_status.record if in_force else None,
            remark=self._remark(license_status) if in_force else "",
            built_in=license_status.status == "not-needed",
            unrestricted=not again and needed in unrestricted_licenses(subject, verdict),
            last_person=self._last_person(),
            standard=_standard_name(needed, self._acknowledgements.standard_text(needed)),
        )

    def _remark(self, license_status: "LicenseStatus | None") -> str:
        """In what the texts that were accepted differ from those in force, where the acceptance counts all the same."""
        if license_status is None or license_status.status != "in-force" or license_status.record is None:
            return ""
        policy = policy_sentence(license_status.record, self._acknowledgements.policy_sha256(license_status.needed.id))
        return " ".join(part for part in (_white_space(license_status), policy) if part)

    def accepted_text(self, record: LedgerRecord) -> LicenseStepContent:
        """The text that a record says was accepted, to be read."""
        license_ = self._license(record.license)
        name = license_.name if license_ is not None else record.license
        data = self._acknowledgements.acknowledged_text(record.text_sha256)
        if data is None:
            raise NotFoundError(tr("The text that was accepted is no longer kept."), record.text_sha256)
        text = decode_text(data)
        model_name = record.model_name or record.model
        try:
            card: LibraryCard | None = self._library.card(record.model)
        except UserError:
            card = None
        from desktop.catalog.lineage import Lineage, LineageNode

        fallback = LicenseSubject(
            record.model, model_name, "", None, (), Lineage(LineageNode(record.model, model_name))
        )
        return LicenseStepContent(
            subject=card.listed.subject if card is not None else fallback,
            needed=NeededLicense(record.license, name, record.text_sha256, record.model, model_name),
            text=shown_text(text),
            sha256=record.text_sha256,
            origin=tr("The text as it was accepted, kept in your ledger."),
            restrictions=_asks(license_, text) if license_ is not None else (),
            record=record,
            remark=self._remark(_of_record(card, record)),
        )

    def difference(self, model_id: str, license_id: str) -> DifferenceContent | None:
        """What changed in a license since it was accepted; None where nothing did."""
        subject = self._library.find_listed(model_id).subject
        found = self._acknowledgements.difference(subject, license_id)
        return (
            DifferenceContent(subject, found, tuple(difference_paragraphs(found.lines))) if found is not None else None
        )

    def standard_difference(self, model_id: str, license_id: str) -> DifferenceContent | None:
        """In what a publisher's own text differs from the standard one; None where it does not."""
        subject = self._library.find_listed(model_id).subject
        found = self._acknowledgements.standard_difference(subject, license_id)
        return (
            DifferenceContent(subject, found, tuple(difference_paragraphs(found.lines))) if found is not None else None
        )

    def _refused(self, subject: LicenseSubject) -> dict[Purpose, str]:
        """The purposes that cannot be declared, each with the sentence that says why."""
        refused: dict[Purpose, str] = {}
        by_clause: dict[tuple[str, str, str], list[Purpose]] = {}
        for purpose in PURPOSES:
            error = self._acknowledgements.purpose_refusal(subject, purpose)
            if error is None:
                continue
            term = subject.lineage.forbidding(purpose)
            if term is None:
                refused[purpose] = " ".join(part for part in (error.title, error.remedy) if part)
            else:
                by_clause.setdefault((term.license, term.clause, term.from_name), []).append(purpose)
        for (license_id, clause, source), purposes in by_clause.items():
            known = self._license(license_id)
            sentence = trn(
                "{purposes} is not allowed by {license}, clause {clause}.",
                "{purposes} are not allowed by {license}, clause {clause}.",
                len(purposes),
            ).format(
                purposes=joined(purpose_phrase(each) for each in purposes),
                license=known.name if known is not None else license_id,
                clause=clause,
            )
            if source != subject.name:
                sentence += " " + tr("It comes with {model}.").format(model=source)
            refused |= dict.fromkeys(purposes, sentence[:1].upper() + sentence[1:])
        return {purpose: refused[purpose] for purpose in PURPOSES if purpose in refused}

    def _license(self, license_id: str) -> License | None:
        try:
            return self._acknowledgements.license(license_id)
        except NotFoundError:
            return None

    def _last_person(self) -> str:
        accepted = self._ledger.state().acknowledgements()
        return accepted[-1].record.person if accepted else ""

    # --- the Licenses page ---------------------------------------------------------------------------------------

    def ledger_view(self, cards: Sequence[LibraryCard], *, anew: bool) -> LedgerContent:
        """Everything the Licenses page shows; `anew` looks through the ledger even where nothing changed."""
        check = self._acknowledgements.check() if anew else self._ledger.state().check
        try:
            records = tuple(self._acknowledgements.records())
        except UserError:
            if check.ok:
                raise
            records = ()  # the file cannot be read: the check says so
        acknowledgements = self._ledger.state().acknowledgements()
        names = {license_.id: license_.name for license_ in self._library.catalog.license}
        current = {
            (card.listed.subject.ledger_id, each.needed.id): each.status
            for card in cards
            for each in card.verdict.licenses
        }
        remarks = {
            (each.record.model, each.record.license): self._remark(each)
            for card in cards
            for each in card.verdict.licenses
            if each.record is not None
        }
        in_force = [
            each
            for each in acknowledgements
            if each.status == "in-force" and current.get(_key(each), "in-force") in ("in-force", "not-needed")
        ]
        return LedgerContent(
            check,
            records,
            tuple(self._in_force(each.record, names, remarks.get(_key(each), "")) for each in reversed(in_force)),
            self._waiting(cards, {_key(each): each for each in acknowledgements}),
            names,
            tuple(ledger_search_text(record, names) for record in records),
        )

    def _in_force(self, record: LedgerRecord, names: dict[str, str], remark: str) -> AcceptedLicense:
        known = self._license(record.license)
        restrictions = known.restrictions if known is not None else ()
        return AcceptedLicense(record, names.get(record.license, record.license), restrictions, remark)

    def _waiting(
        self, cards: Sequence[LibraryCard], acknowledged: dict[tuple[str, str], Acknowledgement]
    ) -> tuple[WaitingLicense, ...]:
        rows = []
        for card in cards:
            if card.verdict.refusal not in ("license", "ledger"):
                continue
            for license_status in card.verdict.licenses:
                changed = license_status.status in ("suspended", "text-changed")
                if license_status.needs_acknowledgement and (changed or card.listed.model is not None):
                    held = acknowledged.get((card.listed.subject.ledger_id, license_status.needed.id))
                    rows.append(self._wait(card, license_status, held))
                    break  # the step leads on to the next license
        return tuple(rows)

    def _wait(self, card: LibraryCard, license_status: "LicenseStatus", held: Acknowledgement | None) -> WaitingLicense:
        subject, needed = card.listed.subject, license_status.needed
        changed = license_status.status in ("suspended", "text-changed")
        if changed:
            badge, sentence = tr("Suspended"), self._changed_sentence(subject, needed, held)
        elif card.verdict.refusal == "ledger":
            badge = tr("Not counted")
            sentence = tr("What was accepted before does not count, as the ledger does not hold.")
        elif license_status.status == "revoked":
            badge, sentence = tr("Revoked"), tr("You revoked {license}.").format(license=needed.name)
        else:
            badge, sentence = tr("Not accepted"), tr("{license} is not accepted yet.").format(license=needed.name)
        return WaitingLicense(subject.id, subject.name, needed.id, badge, sentence, changed)

    def _changed_sentence(self, subject: LicenseSubject, needed: NeededLicense, held: Acknowledgement | None) -> str:
        found = self._acknowledgements.difference(subject, needed.id)
        count = max((each.change for each in difference_paragraphs(found.lines)), default=0) if found is not None else 0
        paragraphs = trn("{count} paragraph", "{count} paragraphs", count).format(count=count)
        edition = " " + edition_sentence(needed, found.old) if found is not None else ""
        if held is not None and held.status == "suspended":
            noticed = tr("The terms of {license} changed: noticed on {day} ({paragraphs}).").format(
                license=needed.name, day=day_of(held.latest.time), paragraphs=paragraphs
            )
            return (noticed + edition).strip()
        changed = tr("The terms of {license} changed ({paragraphs}).")
        return (changed.format(license=needed.name, paragraphs=paragraphs) + edition).strip()


def _key(each: Acknowledgement) -> tuple[str, str]:
    return each.record.model, each.record.license


def _license_status(subject: LicenseSubject, verdict: "LicenseVerdict", license_id: str) -> "LicenseStatus":
    wanted = license_id or verdict.license
    found = next((each for each in verdict.licenses if each.needed.id == wanted), None)
    if found is None and not wanted and verdict.licenses:
        waiting = (each for each in verdict.licenses if each.needs_acknowledgement)
        found = next(waiting, verdict.licenses[0])
    if found is None:
        raise NotFoundError(
            tr("{model} is not under {license}.").format(model=subject.name, license=license_id or tr("any license"))
        )
    return found


def _of_record(card: LibraryCard | None, record: LedgerRecord) -> "LicenseStatus | None":
    """The license that `record` accepted, where that is the acceptance that counts."""
    statuses = card.verdict.licenses if card is not None else ()
    return next((each for each in statuses if each.record == record), None)


def _white_space(license_status: "LicenseStatus") -> str:
    if license_status.record is None or not license_status.white_space_differs:
        return ""
    return white_space_sentence(license_status.needed, license_status.record)


def _standard_name(needed: NeededLicense, standard: LicenseText | None) -> str:
    """How the standard text is called that a publisher's own is compared with, "" where there is none."""
    if standard is None:
        return ""
    if not needed.tagged:
        return tr("the standard text")
    name = standard.license.name
    return name if len(name) <= _SHORT else license_label(standard.license.id)


def _asks(license_: License, text: str) -> tuple[RestrictionClause, ...]:
    """Each restriction with its clause; one that stands twice in the same clause is named once."""
    shown = shown_text(text)
    first = {(clause.restriction, clause.clause): clause for clause in reversed(license_.restriction)}
    return tuple(
        RestrictionClause(clause, find_quote(shown, clause.quote))
        for clause in license_.restriction
        if clause in first.values()
    )


def _why(
    subject: LicenseSubject, needed: NeededLicense, license_status: "LicenseStatus", verdict: "LicenseVerdict"
) -> str:
    """Why this license is asked for, where the model's name alone does not say it."""
    said = []
    if verdict.refusal == "ledger":
        said.append(tr("The ledger does not hold: what was accepted before does not count. Accepting begins it anew."))
    elif license_status.status in ("suspended", "text-changed"):
        said.append(tr("Its text changed since it was accepted."))
        if license_status.record is not None:
            said.append(edition_sentence(needed, license_status.record))
    elif license_status.status == "revoked":
        said.append(tr("It was revoked; accepting it again undoes that."))
    if needed.tagged:
        said.append(
            tr("Its card says {license}, but the text in its repository is another one: that text counts.").format(
                license=license_label(needed.tagged)
            )
        )
    if needed.comes_from != subject.id:
        said.append(
            tr("{model} is built on {base}, whose license applies as well.").format(
                model=subject.name, base=needed.from_name
            )
        )
    elif len(subject.needed) > 1:
        said.append(tr("{model} stands under {count} licenses; each is accepted for itself.").format(
            model=subject.name, count=len(subject.needed)
        ))  # fmt: skip
    return " ".join(part for part in said if part)
