"""What the ledger holds: facts as they are told, and records, which are facts in their place in the chain."""

from typing import Literal, get_args

import msgspec

Event = Literal[
    "acknowledged",
    "revoked",
    "suspended",
    "downloaded",
    "imported",
    "loaded",
    "refused",
    "removed",
    "restarted",
    "segment-begun",
]
EVENTS: tuple[Event, ...] = get_args(Event)
BEGINNINGS: frozenset[str] = frozenset({"restarted", "segment-begun"})
"""Events of records that nobody tells as facts: with them the ledger begins anew, or goes on under another key."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a model. Everything is text, "" where it does not apply.

    `repository` and `commit` are where its file came from, `license` and `text_sha256` the license and the exact text
    that was accepted (or refused for). `person` is the name that was typed, `organization` what was typed with it.
    `note` says in one sentence why (a refusal, a suspension, a restart). No chat content is ever in it.
    """

    event: Event
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


class Record(Fact, frozen=True, kw_only=True):
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
