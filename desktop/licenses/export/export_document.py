"""What an export says, as values: the ledger as it is, and what is known of its models from elsewhere."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from desktop.licenses.ledger_chain import check_chain
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.ledger_seal import LedgerCheck, effective_records
from desktop.licenses.ledger_state import Acknowledgement, LedgerState
from desktop.licenses.license_texts import words_sha256

Differs = Literal["white space", "words"]
"""In what the text that was accepted differs from the one in force: in white space alone, or in words."""
_DIRECTION_CONTROLS = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


class ExportedLicense(NamedTuple):
    """A license of a model. `spdx` is its SPDX identifier, "" where it has none; `text_sha256` the text in force,
    `words_sha256` the SHA-256 of its words with one space between two, the same where white space alone differs."""

    id: str
    name: str
    spdx: str = ""
    text_sha256: str = ""
    words_sha256: str = ""


class ExportedRestriction(NamedTuple):
    """A restriction of a model, the name of the model or ancestor it comes from, and the clause."""

    restriction: str
    from_name: str
    clause: str = ""


class ExportedAncestor(NamedTuple):
    """A model or data set that a model was built on."""

    id: str
    name: str


@dataclass(frozen=True)
class ExportedModel:
    """What the catalog or the library knows of a model that the ledger names."""

    id: str
    name: str
    publisher: str = ""
    repository: str = ""
    licenses: tuple[ExportedLicense, ...] = ()
    restrictions: tuple[ExportedRestriction, ...] = ()
    ancestors: tuple[ExportedAncestor, ...] = ()


@dataclass(frozen=True)
class ExportDocument:
    """An export before it takes a form. `time` is when it is made (UTC, RFC 3339)."""

    records: Sequence[LedgerRecord]
    texts: Mapping[str, bytes]
    check: LedgerCheck
    models: Sequence[ExportedModel]
    app_version: str
    machine: str
    os_user: str
    time: str

    @cached_property
    def trusted(self) -> Sequence[LedgerRecord]:
        """The records that count: those that are not marked, without acknowledgements in segments that do not count;
        none where the ledger does not hold."""
        if not self.check.ok:
            return ()
        return effective_records(self.records[check_chain(self.records).trusted :], self.check.segments)

    @cached_property
    def by_model(self) -> Mapping[str, Sequence[LedgerRecord]]:
        """All records of each model, by its id."""
        found: dict[str, list[LedgerRecord]] = {}
        for record in self.records:
            found.setdefault(record.model, []).append(record)
        return found

    @cached_property
    def acknowledgements(self) -> Mapping[int, Acknowledgement]:
        """What became of the last acceptance of each license for each model, by the number of its record."""
        state = LedgerState(self.check).after(self.check, self.trusted)
        pairs = {(record.model, record.license) for record in self.trusted if record.event == "acknowledged"}
        found = (state.acknowledgement(*pair) for pair in sorted(pairs))
        return {each.record.seq: each for each in found if each is not None}

    @cached_property
    def differing(self) -> Mapping[int, Differs]:
        """By the number of its record, in what a text that was accepted differs from the one that is in force for the
        model when the export is made. Acceptances of that one are left out, and those of which it cannot be told."""
        in_force = {(model.id, each.id): each for model in self.models for each in model.licenses}
        found: dict[int, Differs] = {}
        for record in self.records:
            now = in_force.get((record.model, record.license)) if record.event == "acknowledged" else None
            data = self.texts.get(record.text_sha256)
            if now is None or data is None or not now.words_sha256 or now.text_sha256 == record.text_sha256:
                continue
            found[record.seq] = "white space" if words_sha256(data) == now.words_sha256 else "words"
        return found

    def known(self) -> list[ExportedModel]:
        """Every model that the records name, by name; what is known of it, or else what the records say."""
        given = {model.id: model for model in self.models}
        found = [
            given.get(model_id)
            or ExportedModel(model_id, records[-1].model_name or model_id, repository=records[-1].repository)
            for model_id, records in self.by_model.items()
            if model_id
        ]
        return sorted(found, key=lambda model: (model.name.casefold(), model.id))

    def license_names(self) -> dict[str, str]:
        """The names of licenses by their ids, as far as the models tell."""
        return {each.id: each.name for model in self.models for each in model.licenses}


def printable(text: str, keep: str = "\n\t") -> str:
    """`text` so that it cannot do anything where it is shown: control characters as pictures of themselves, and signs
    that turn the direction of others by their number. Those in `keep` stay."""
    if text.isprintable():
        return text
    return "".join(sign if sign in keep else _picture(sign) for sign in text)


def _picture(sign: str) -> str:
    code = ord(sign)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if code in _DIRECTION_CONTROLS or unicodedata.category(sign) in ("Cc", "Cs"):
        return f"[U+{code:04X}]"
    return sign
