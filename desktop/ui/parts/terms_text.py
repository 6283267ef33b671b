"""How terms are called wherever the window shows them: restrictions, licenses, gates, purposes, days."""

from collections.abc import Iterable
from datetime import datetime

from PySide6.QtCore import QDate, QLocale

from desktop.settings import AcceptanceSettings
from desktop.translation import tr
from desktop.ui.parts.label import Tone
from desktop.ui.parts.untrusted_text import isolated

SEVERE = frozenset({"research-only", "non-commercial"})
"""Restrictions that rule a purpose out."""


def restriction_phrase(restriction: str) -> str:
    """A restriction within a sentence."""
    # Only now: the window's first paint should not wait for the catalog where nothing is restricted.
    from desktop.catalog.license_terms import RESTRICTIONS
    from desktop.catalog.lineage import restriction_phrase as phrase

    return next((phrase(known) for known in RESTRICTIONS if known == restriction), restriction)


def restriction_name(restriction: str) -> str:
    """A restriction as it stands on a badge."""
    return upper_first(restriction_phrase(restriction))


def restrictions_badge(restrictions: tuple[str, ...]) -> tuple[str, Tone]:
    """The text and tone of the badge that sums up restrictions; the text is "" where there are none."""
    text = " · ".join(restriction_phrase(restriction) for restriction in restrictions)
    return upper_first(text), "bad" if SEVERE.intersection(restrictions) else "warn"


def restriction_badges(restrictions: Iterable[str]) -> list[tuple[str, Tone]]:
    """One badge for each restriction that rules a purpose out, and one for all the others together."""
    named = tuple(restrictions)
    badges: list[tuple[str, Tone]] = [(restriction_name(each), "bad") for each in named if each in SEVERE]
    others = tuple(each for each in named if each not in SEVERE)
    return [*badges, restrictions_badge(others)] if others else badges


def license_label(license_id: str) -> str:
    """A license's id as short words: "Llama 3.2" for "LicenseRef-Llama-3.2"; an SPDX id stays as it is."""
    own = license_id.removeprefix("LicenseRef-")
    return own if own == license_id else own.replace("-", " ")


def purpose_name(purpose: str) -> str:
    """A purpose as people read it."""
    names = {"personal": tr("Personal"), "research": tr("Research"), "commercial": tr("Commercial")}
    return names.get(purpose, purpose)


def purpose_phrase(purpose: str) -> str:
    """A purpose within a sentence."""
    phrases = {"personal": tr("personal use"), "research": tr("research"), "commercial": tr("commercial use")}
    return phrases.get(purpose, purpose)


def declared_by(remembered: AcceptanceSettings) -> str:
    """Who accepts, within a sentence: the person, and the organization where one is given."""
    person, organization = isolated(remembered.name.strip()), remembered.organization.strip()
    if not organization:
        return person
    return tr("{person}, for {organization}").format(person=person, organization=isolated(organization))


def day_of(time: str) -> str:
    """The day of an RFC 3339 time in the person's own time zone and language; `time` itself where it is none."""
    try:
        day = datetime.fromisoformat(time).astimezone().date()
    except ValueError:
        return time
    return QLocale().toString(QDate(day.year, day.month, day.day), "d MMMM yyyy")


def upper_first(text: str) -> str:
    """`text` with its first letter large."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """`text` with its first letter small, to stand within a sentence; left alone where it begins with an acronym."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def joined(words: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    listed = list(words)
    if len(listed) < 2:
        return "".join(listed)
    return tr("{first} and {last}").format(first=", ".join(listed[:-1]), last=listed[-1])
