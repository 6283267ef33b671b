"""Facts as they may enter the ledger: text that can be stored, within bounds, told by somebody with a name."""

import unicodedata

import msgspec

from desktop.errors import LicenseError
from desktop.licenses.record import BEGINNINGS, EVENTS, Fact
from desktop.storage.text import storable
from desktop.translation import tr

MOST_CHARACTERS = 10_000
_FIELDS = tuple(field.name for field in msgspec.structs.fields(Fact))


def told(fact: Fact) -> Fact:
    """`fact` as it is stored: half characters replaced, all else kept to the letter.

    Raises LicenseError where a text is longer than 10,000 characters, or an acknowledgement carries no name that can
    be read. ValueError where no fact of this kind can be told.
    """
    if fact.event not in EVENTS or fact.event in BEGINNINGS:
        raise ValueError(f"no fact: {fact.event}")
    values = {name: getattr(fact, name) for name in _FIELDS}
    longest = max(values, key=lambda name: len(values[name]))
    if len(values[longest]) > MOST_CHARACTERS:
        raise LicenseError(
            tr("This is too long to be recorded."),
            tr("“{field}” has {length} characters; {most} are the most.").format(
                field=longest.replace("_", " "), length=len(values[longest]), most=MOST_CHARACTERS
            ),
            tr("Shorten it and try again."),
        )
    if fact.event == "acknowledged":
        if not has_visible(fact.person):
            raise LicenseError(tr("The name is missing."), "", tr("Type the name of the person who accepts."))
        if not fact.text_sha256:
            raise ValueError("an acknowledgement without its text")
    return msgspec.structs.replace(fact, **{name: storable(value) for name, value in values.items()})


def has_visible(text: str) -> bool:
    """Whether anything of `text` can be seen: neither spaces alone nor signs that only steer others."""
    return any(unicodedata.category(sign)[0] not in "ZC" for sign in text)
