"""The license desk in a real home: reading, accepting, suspending, comparing, revoking."""

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from desktop.catalog.license_terms import Purpose
from desktop.errors import ForbiddenError, LicenseError, NotFoundError
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.licenses.acknowledgements import Acceptance
from desktop.licenses.ledger_record import EventKind
from desktop.licenses.license_diff import diff_paragraphs, paragraphs
from desktop.licenses.license_subject import LicenseSubject
from desktop.licenses.license_text_origin import policy_sentence
from desktop.paths import find_paths
from tests.fakes.tiny_gguf import random_model

OWN = """
version = 1
[[license]]
id = "LicenseRef-Mine"
name = "My License"
text = "licenses/mine.txt"
[[license.restriction]]
restriction = "non-commercial"
clause = "2"
says = "Not for money."
quote = "not be sold"
"""
TEXT = "1. Use it.\r\n\r\n2. It may not be sold.\r\n\r\n3. Be kind.\r\n"
ADA = Acceptance("Ada Lovelace", "research")


class Mine:
    """A home with a license of one's own, and a random model file under it (`options` as `random_model` has them)."""

    def __init__(self, home: Path, **options: Any) -> None:
        paths = find_paths()
        (paths.config / "licenses").mkdir(parents=True)
        paths.own_catalog.write_text(OWN, encoding="utf-8")
        self.text_file = paths.config / "licenses" / "mine.txt"
        self.text_file.write_bytes(TEXT.encode())
        self.changes: list[str] = []
        self.assembly: LibraryServices = build_library_services(
            paths, on_acknowledgement=lambda: self.changes.append("changed")
        )
        file = random_model(home / "mine.gguf", metadata={"general.license": "licenseref-mine"}, **options)
        self.model_id = self.assembly.importer.add(file).id

    def close(self) -> None:
        self.assembly.close()

    @property
    def subject(self) -> LicenseSubject:
        return self.assembly.library.find_listed(self.model_id).subject

    def accept(self, acceptance: Acceptance = ADA) -> None:
        needed = self.subject.needed[0]
        self.assembly.acknowledgements.accept(self.subject, needed.id, needed.text_sha256, acceptance)

    def events(self) -> list[EventKind]:
        return [record.event for record in self.assembly.ledger.records()][1:]  # behind "imported"


@pytest.fixture
def mine(home: Path) -> Iterator[Mine]:
    with closing(Mine(home)) as mine:
        yield mine


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.replace("\r\n", "\r").encode(),
        "Clé: à ne pas vendre.".encode("latin-1"),
        TEXT.encode("utf-16"),
        b"no end of line",
        b"x" * 1_000_000,
    ],
    ids=["CRLF", "BOM", "CR", "latin-1", "UTF-16", "no last line end", "1 MB"],
)
def test_the_very_bytes_shown_are_recorded_and_kept(mine: Mine, data: bytes) -> None:
    mine.text_file.write_bytes(data)
    desk = mine.assembly.acknowledgements
    shown = desk.text("LicenseRef-Mine")
    assert (shown.data, shown.sha256) == (data, hashlib.sha256(data).hexdigest())
    mine.accept()
    record = desk.records()[-1]
    assert record.text_sha256 == shown.sha256
    assert (record.person, record.purpose, record.license) == ("Ada Lovelace", "research", "LicenseRef-Mine")
    mine.text_file.unlink()
    assert desk.acknowledged_text(record.text_sha256) == data


def test_texts_of_any_encoding_can_be_read(mine: Mine) -> None:
    for data, text in (
        ("Clé".encode("latin-1"), "Clé"),
        ("\ufeffKey".encode(), "Key"),
        ("Schlüssel".encode("utf-16"), "Schlüssel"),
    ):
        mine.text_file.write_bytes(data)
        assert mine.assembly.acknowledgements.text("LicenseRef-Mine").text == text


def test_only_the_text_in_force_can_be_accepted(mine: Mine) -> None:
    old = mine.subject.needed[0].text_sha256
    mine.text_file.write_bytes(b"2. It may not be sold, nor lent.")
    for wrong in (old, "", "0" * 64, "not a hash"):
        with pytest.raises(LicenseError, match="not the text"):
            mine.assembly.acknowledgements.accept(mine.subject, "LicenseRef-Mine", wrong, ADA)
    assert mine.events() == []
    mine.assembly.acknowledgements.accept(
        mine.subject, "LicenseRef-Mine", mine.subject.needed[0].text_sha256.upper(), ADA
    )
    assert mine.events() == ["acknowledged"]


def test_a_license_the_model_is_not_under_cannot_be_accepted_for_it(mine: Mine) -> None:
    desk = mine.assembly.acknowledgements
    with pytest.raises(NotFoundError, match="not under"):
        desk.accept(mine.subject, "MIT", desk.text("MIT").sha256, ADA)
    with pytest.raises(NotFoundError, match="no license called"):
        desk.accept(mine.subject, "nothing", "", ADA)


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u2066", "\n\t"])
def test_nobody_accepts_without_a_name(mine: Mine, name: str) -> None:
    with pytest.raises(LicenseError, match="name"):
        mine.accept(Acceptance(name, "research"))
    assert mine.events() == []


@pytest.mark.parametrize("name", ["Ada 🗝 Lovelace", "עדה", "艾达", "A" * 10_000, "Ada\nLovelace", "ｆｕｌｌ"])
def test_names_are_kept_to_the_letter(mine: Mine, name: str) -> None:
    mine.accept(Acceptance(name, "personal", f"{name} Ltd"[:10_000]))
    assert mine.assembly.acknowledgements.records()[-1].person == name
    assert mine.assembly.acknowledgements.check().ok


def test_a_name_beyond_bounds_is_refused(mine: Mine) -> None:
    with pytest.raises(LicenseError, match="too long"):
        mine.accept(Acceptance("A" * 10_001, "personal"))


def test_a_purpose_that_the_license_rules_out_is_refused_with_its_clause(mine: Mine) -> None:
    with pytest.raises(ForbiddenError) as caught:
        mine.accept(Acceptance("Ada", "commercial"))
    assert "clause 2" in caught.value.detail
    assert mine.events() == []
    refusal = mine.assembly.acknowledgements.purpose_refusal(mine.subject, "commercial")
    assert refusal is not None
    assert mine.assembly.acknowledgements.purpose_refusal(mine.subject, "personal") is None


def test_changing_ones_purpose_is_a_new_record(mine: Mine) -> None:
    purposes: tuple[Purpose, ...] = ("personal", "research")
    for purpose in purposes:
        mine.accept(Acceptance("Ada", purpose))
    assert [record.purpose for record in mine.assembly.acknowledgements.records()[1:]] == ["personal", "research"]
    assert mine.assembly.acknowledgements.verdict(mine.subject).purpose == "research"


def test_a_new_text_suspends_the_model_once_and_the_difference_is_shown(mine: Mine) -> None:
    mine.accept()
    desk = mine.assembly.acknowledgements
    assert desk.difference(mine.subject, "LicenseRef-Mine") is None
    changed = TEXT.replace("Be kind.", "Be kind and quick.") + "\r\n4. Name us.\r\n"
    mine.text_file.write_bytes(changed.encode())
    for _ in range(3):
        verdict = desk.verdict(mine.subject)
        assert [each.status for each in verdict.licenses] == ["text-changed"]
    assert mine.events() == ["acknowledged", "suspended"]
    difference = desk.difference(mine.subject, "LicenseRef-Mine")
    assert difference is not None
    assert [(line.kind, line.text) for line in difference.lines] == [
        ("same", "1. Use it."),
        ("same", "2. It may not be sold."),
        ("removed", "3. Be kind."),
        ("added", "3. Be kind and quick."),
        ("added", "4. Name us."),
    ]
    assert difference.changed == 3
    mine.accept()
    assert desk.verdict(mine.subject).allowed
    assert mine.events() == ["acknowledged", "suspended", "acknowledged"]


def test_a_text_that_comes_back_still_waits_for_a_person(mine: Mine) -> None:
    mine.accept()
    mine.text_file.write_bytes(b"2. It may not be sold, ever.")
    mine.assembly.acknowledgements.verdict(mine.subject)
    mine.text_file.write_bytes(TEXT.encode())
    verdict = mine.assembly.acknowledgements.verdict(mine.subject)
    assert [each.status for each in verdict.licenses] == ["suspended"]
    assert not verdict.allowed


def test_revoking_takes_every_license_back_and_is_told(mine: Mine) -> None:
    mine.accept()
    told = mine.changes
    told.clear()
    records = mine.assembly.acknowledgements.revoke(mine.model_id)
    assert [record.license for record in records] == ["LicenseRef-Mine"]
    assert told == ["changed"]
    assert [each.status for each in mine.assembly.acknowledgements.verdict(mine.subject).licenses] == ["revoked"]
    with pytest.raises(NotFoundError):
        mine.assembly.acknowledgements.revoke(mine.model_id)


def test_looking_makes_no_ledger(home: Path) -> None:
    paths = find_paths()
    assembly = build_library_services(paths)
    for listed in assembly.library.list_models():
        assembly.acknowledgements.verdict(listed.subject)
    assert assembly.acknowledgements.records() == []
    assert assembly.acknowledgements.check().ok
    assert not paths.ledger_file.exists()


def test_only_words_make_a_difference() -> None:
    assert {line.kind for line in diff_paragraphs("One\ntwo.\n\nThree.", "One  two.\r\n\r\n\r\nThree.\r\n")} == {"same"}
    assert paragraphs("") == []
    assert [line.kind for line in diff_paragraphs("", "New.")] == ["added"]


@pytest.mark.parametrize(
    "other",
    [
        TEXT.replace("\r\n", "\n"),
        TEXT.replace("\r\n", "\r\n\r\n"),
        TEXT.replace(" ", "  ") + "\n\n",
        "\ufeff" + TEXT,
        TEXT.replace(" ", "\n"),
    ],
    ids=["line ends", "blank lines", "more space", "BOM", "one word a line"],
)
def test_a_change_of_white_space_alone_asks_nobody_and_is_recorded_as_one(mine: Mine, other: str) -> None:
    mine.accept()
    old = mine.subject.needed[0].text_sha256
    mine.text_file.write_bytes(other.encode())
    desk, new = mine.assembly.acknowledgements, mine.subject.needed[0].text_sha256
    assert new != old
    verdict = desk.verdict(mine.subject)
    assert verdict.allowed
    assert [(each.status, each.white_space_differs) for each in verdict.licenses] == [("in-force", True)]
    difference = desk.difference(mine.subject, "LicenseRef-Mine")
    assert difference is not None
    assert difference.changed == 0
    assert mine.events() == ["acknowledged"], "nobody accepted anything"
    model = mine.assembly.library.find_listed(mine.model_id).model
    assert model is not None
    mine.assembly.license_check.admit(model.path)
    mine.assembly.license_check.record_load(model.path)
    record = desk.records()[-1]
    assert record.event == "loaded"
    assert f"accepted as {old[:16]}; the text in force, {new[:16]}, differs in white space alone" in record.note
    assert desk.acknowledged_text(old) == TEXT.encode()


@pytest.mark.parametrize(
    "other",
    [
        TEXT.replace("may", "must", 1),
        TEXT.replace("may", "ma y", 1),
        TEXT.replace("may", "m\u200bay", 1),
        TEXT + "3. A new clause.",
        TEXT.casefold().upper(),
    ],
    ids=["a word", "a word in two", "an unseen letter", "a clause", "capitals"],
)
def test_a_change_of_words_suspends(mine: Mine, other: str) -> None:
    mine.accept()
    mine.text_file.write_bytes(other.encode())
    assert [each.status for each in mine.assembly.acknowledgements.verdict(mine.subject).licenses] == ["text-changed"]
    assert mine.events() == ["acknowledged", "suspended"]
    mine.text_file.write_bytes(TEXT.replace("\r\n", "\n").encode())
    assert not mine.assembly.acknowledgements.verdict(mine.subject).allowed, "what was suspended waits for a person"


def test_the_use_policy_that_was_shown_is_noted_and_kept_and_another_one_is_told(mine: Mine) -> None:
    policy_file = mine.text_file.with_name("policy.txt")
    policy_file.write_bytes(b"Do no harm.\n")
    find_paths().own_catalog.write_text(
        OWN.replace("[[license.restriction]]", 'acceptable_use = "licenses/policy.txt"\n[[license.restriction]]'),
        "utf-8",
    )
    mine.accept()
    desk, old = mine.assembly.acknowledgements, hashlib.sha256(b"Do no harm.\n").hexdigest()
    record = desk.records()[-1]
    assert old in record.note
    assert desk.acknowledged_text(old) == b"Do no harm.\n"
    assert desk.policy_sha256("LicenseRef-Mine") == old
    assert policy_sentence(record, old) == ""
    assert desk.check().ok

    policy_file.write_bytes(b"Do no harm on Sundays.\n")
    assert "has another text now" in policy_sentence(record, desk.policy_sha256("LicenseRef-Mine"))
    (standing,) = desk.verdict(mine.subject).licenses
    assert standing.status == "in-force", "the license itself is the one that was accepted"


def test_an_acceptance_that_notes_no_policy_says_nothing_of_one(mine: Mine) -> None:
    mine.accept()
    record = mine.assembly.acknowledgements.records()[-1]
    assert record.note == ""
    assert policy_sentence(record, "ab" * 32) == ""


def test_paragraphs_set_otherwise_are_no_difference(mine: Mine) -> None:
    mine.accept()
    mine.text_file.write_bytes(TEXT.replace("\r\n\r\n", "\n").encode())
    difference = mine.assembly.acknowledgements.difference(mine.subject, "LicenseRef-Mine")
    assert difference is not None
    assert difference.changed == 0
