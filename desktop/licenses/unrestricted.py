"""Which licenses of a model restrict nothing, so that one click acknowledges them."""

from desktop.licenses.subject import UNKNOWN, NeededLicense, Subject
from desktop.licenses.verdict import Verdict


def unrestricted(subject: Subject, verdict: Verdict) -> tuple[NeededLicense, ...]:
    """The licenses of `subject` that wait, where none of its terms restricts anything; () where one needs care.

    Care is needed, for all of them, where any license or ancestor brings a restriction, where a license, a base or the
    lineage is not known, where a text is the publisher's own (nobody has read what it restricts), where a text changed
    since it was accepted, and where the ledger does not hold or something else than a license stands in the way. Care
    is needed, too, for a file of one's own whose hash nobody vouches for: which model it is, and so what it comes
    under, rests on words that whoever renames the file can write.
    """
    if subject.imported and not subject.vouched:
        return ()
    if verdict.refusal != "license" or subject.lineage.terms or subject.lineage.flags:
        return ()
    waiting = [standing for standing in verdict.standings if standing.waits]
    plain = all(
        standing.status in ("missing", "revoked") and not standing.needed.own and standing.needed.id != UNKNOWN
        for standing in waiting
    )
    return tuple(standing.needed for standing in waiting) if plain else ()
