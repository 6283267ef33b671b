"""Sentences about where a license text is from and which edition it is, for window and command."""

import re

from desktop.catalog.catalog import License
from desktop.file_stamp import SHA256_PATTERN
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.license_subject import NeededLicense
from desktop.translation import tr, trn


def origin_sentence(license_: License) -> str:
    """Where the text that is shown was taken from, and when."""
    if not license_.source:
        return tr("The text that comes with Latchkey.")
    said = tr("Text from {source}, retrieved on {day}.") if license_.retrieved else tr("Text from {source}.")
    said = said.format(source=license_.source, day=license_.retrieved)
    return f"{said} {tr('Its sha256 is that of its publisher’s own file.')}" if license_.publishers_file else said


def editions_sentence(license_: License, sha256: str) -> str:
    """Which other editions than the text shown, whose hash this is, are known; "" where none is."""
    others = [each for each in license_.edition if each.sha256 != sha256]
    if not others:
        return ""
    if len(others) == 1 and others[0].differs == "white space":
        return tr("Another edition is known that differs in white space alone ({source}).").format(
            source=others[0].source
        )
    if len(others) == 1:
        return tr("Another edition is known that differs in words ({source}).").format(source=others[0].source)
    space = sum(each.differs == "white space" for each in others)
    whole = trn("{count} other edition is known", "{count} other editions are known", len(others))
    sentence = tr("{whole}: {space} of them differ in white space alone, {words} in words.")
    return sentence.format(whole=whole.format(count=len(others)), space=space, words=len(others) - space)


def edition_sentence(needed: NeededLicense, accepted: LedgerRecord) -> str:
    """Which edition was accepted, where that one is known by its hash and is not the text in force; "" otherwise."""
    edition = needed.edition(accepted.text_sha256)
    if edition is None or accepted.text_sha256 == needed.text_sha256:
        return ""
    return tr("What was accepted is another edition: {source}.").format(source=edition.source.rstrip("."))


def white_space_sentence(needed: NeededLicense, accepted: LedgerRecord) -> str:
    """That a text was accepted which differs from the one in force in white space alone."""
    edition = needed.edition(accepted.text_sha256)
    said = (
        tr("Accepted as the text {old}…, which differs from the one in force, {new}…, in white space alone.")
        if edition is None
        else tr(
            "Accepted in another edition, {old}… ({source}), which differs from the text in force, {new}…, in white"
            " space alone."
        )
    )
    source = edition.source if edition is not None else ""
    return said.format(old=accepted.text_sha256[:12], new=needed.text_sha256[:12], source=source)


def incorporated_note(sha256: str) -> str:
    """What the record of an acceptance notes of the use policy that the license incorporates, "" where it has none."""
    return tr("It incorporates the use policy with the sha256 {sha256}.").format(sha256=sha256) if sha256 else ""


def policy_sentence(accepted: LedgerRecord, sha256: str) -> str:
    """That the use policy which a license incorporates, now of this hash, was another when the license was accepted; ""
    where it was not, or where nobody noted it."""
    noted = re.search(rf"\b{SHA256_PATTERN}\b", accepted.note) if accepted.event == "acknowledged" else None
    if not sha256 or noted is None or noted[0] == sha256:
        return ""
    return tr("The use policy that it incorporates has another text now than when it was accepted.")
