"""The ledger's values: events that are to be recorded, and records, which are events with a number, time and hash; and
the name of this account.
"""

import os
from typing import Literal, get_args

import msgspec

from desktop.errors import LicenseError
from desktop.safe_text import is_blank, repair_surrogates
from desktop.translation import tr

EventKind = Literal[
    "acknowledged",
    "revoked",
    "suspended",
    "downloaded",
    "imported",
    "loaded",
    "served",
    "refused",
    "removed",
    "restarted",
    "segment-begun",
    "restored",
]
EVENTS: tuple[EventKind, ...] = get_args(EventKind)
CHAIN_EVENTS: frozenset[str] = frozenset({"restarted", "segment-begun"})
"""Events that the ledger itself records: it begins anew, or goes on under another key."""
MOST_CHARACTERS = 10_000
MOST_RESTORED_CHARACTERS = 1_000_000
"""The longest `note` of a record `restored`, which holds a whole record of another ledger."""


def account_name() -> str:
    """The name of the account this process runs under; its number where it has no name."""
    if os.name == "nt":
        return os.environ.get("USERNAME", "")
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


class LedgerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a model. Everything is text, "" where it does not apply.

    `repository` and `commit` are where its file came from, `license` and `text_sha256` the license and the exact text
    that was accepted (or refused for). `person` is the name that was typed, `organization` what was typed with it.
    `note` says in one sentence why (a refusal, a suspension, a restart); of a record `served` it is the name of the
    program that the server gives answers of the model; of a record `restored` it holds the record of
    another ledger: see `desktop.licenses.restored_records`. No chat content is ever in it.
    """

    event: EventKind
    model: str = ""
    model_name: str = ""
    repository: str = ""
    commit: str = ""
    file_sha256: str = ""
    license: str = ""
    text_sha256: str = ""
    person: str = ""
    organization: str = ""
    purpose: str = ""
    note: str = ""


class LedgerRecord(LedgerEvent, frozen=True, kw_only=True):
    """A fact in the ledger: its number (from 1), time (UTC, RFC 3339), who was signed in, and its place in the chain.

    `hash` is the SHA-256 (hexadecimal) over the canonical JSON of all other fields; `previous` is the hash of the
    record before it, 64 zeros for the first.
    """

    seq: int
    time: str
    os_user: str
    app_version: str
    previous: str
    hash: str


_FIELDS = tuple(field.name for field in msgspec.structs.fields(LedgerEvent))


def validated_event(fact: LedgerEvent) -> LedgerEvent:
    """`fact` as it is stored: half characters replaced, all else kept to the letter.

    Raises LicenseError where a text is longer than 10,000 characters, or an acknowledgement carries no name that can
    be read. ValueError where no fact of this kind can be told.
    """
    if fact.event not in EVENTS or fact.event in CHAIN_EVENTS:
        raise ValueError(f"no fact: {fact.event}")
    values = {name: getattr(fact, name) for name in _FIELDS}
    judged = values if fact.event != "restored" else {**values, "note": fact.note[MOST_RESTORED_CHARACTERS:]}
    longest = max(judged, key=lambda name: len(judged[name]))
    if len(judged[longest]) > MOST_CHARACTERS:
        raise LicenseError(
            tr("This is too long to be recorded."),
            tr("“{field}” has {length} characters; {most} are the most.").format(
                field=longest.replace("_", " "), length=len(judged[longest]), most=MOST_CHARACTERS
            ),
            tr("Shorten it and try again."),
        )
    if fact.event == "acknowledged":
        if is_blank(fact.person):
            raise LicenseError(tr("The name is missing."), "", tr("Type the name of the person who accepts."))
        if not fact.text_sha256:
            raise ValueError("an acknowledgement without its text")
    return msgspec.structs.replace(fact, **{name: repair_surrogates(value) for name, value in values.items()})
