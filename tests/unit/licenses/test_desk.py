"""The license desk in a real home: reading, accepting, suspending, comparing, revoking."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from desktop.catalog.terms import Purpose
from desktop.errors import ForbiddenError, LicenseError, NotFoundError
from desktop.library.assembly import Assembly, assemble
from desktop.licenses.desk import Acceptance, compare, paragraphs
from desktop.licenses.record import Event
from desktop.licenses.subject import Subject
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
        self.assembly: Assembly = assemble(paths)
        file = random_model(home / "mine.gguf", metadata={"general.license": "licenseref-mine"}, **options)
        self.model_id = self.assembly.importer.add(file).id

    @property
    def subject(self) -> Subject:
        return self.assembly.library.listed_one(self.model_id).subject

    def accept(self, acceptance: Acceptance = ADA) -> None:
        needed = self.subject.needed[0]
        self.assembly.desk.accept(self.subject, needed.id, needed.text_sha256, acceptance)

    def events(self) -> list[Event]:
        return [record.event for record in self.assembly.ledger.records()][1:]  # behind "imported"


@pytest.fixture
def mine(home: Path) -> Mine:
    return Mine(home)


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
    desk = mine.assembly.desk
    shown = desk.text("LicenseRef-Mine")
    assert (shown.data, shown.sha256) == (data, hashlib.sha256(data).hexdigest())
    mine.accept()
    record = desk.records()[-1]
    assert record.text_sha256 == shown.sha256
    assert (record.person, record.purpose, record.license) == ("Ada Lovelace", "research", "LicenseRef-Mine")
    mine.text_file.unlink()
    assert desk.kept_text(record.text_sha256) == data


def test_texts_of_any_encoding_can_be_read(mine: Mine) -> None:
    for data, text in (
        ("Clé".encode("latin-1"), "Clé"),
        ("\ufeffKey".encode(), "Key"),
        ("Schlüssel".encode("utf-16"), "Schlüssel"),
    ):
        mine.text_file.write_bytes(data)
        assert mine.assembly.desk.text("LicenseRef-Mine").text == text


def test_only_the_text_in_force_can_be_accepted(mine: Mine) -> None:
    old = mine.subject.needed[0].text_sha256
    mine.text_file.write_bytes(b"2. It may not be sold, nor lent.")
    for wrong in (old, "", "0" * 64, "not a hash"):
        with pytest.raises(LicenseError, match="not the text"):
            mine.assembly.desk.accept(mine.subject, "LicenseRef-Mine", wrong, ADA)
    assert mine.events() == []
    mine.assembly.desk.accept(mine.subject, "LicenseRef-Mine", mine.subject.needed[0].text_sha256.upper(), ADA)
    assert mine.events() == ["acknowledged"]


def test_a_license_the_model_is_not_under_cannot_be_accepted_for_it(mine: Mine) -> None:
    desk = mine.assembly.desk
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
    assert mine.assembly.desk.records()[-1].person == name
    assert mine.assembly.desk.check().ok


def test_a_name_beyond_bounds_is_refused(mine: Mine) -> None:
    with pytest.raises(LicenseError, match="too long"):
        mine.accept(Acceptance("A" * 10_001, "personal"))


def test_a_purpose_that_the_license_rules_out_is_refused_with_its_clause(mine: Mine) -> None:
    with pytest.raises(ForbiddenError) as caught:
        mine.accept(Acceptance("Ada", "commercial"))
    assert "clause 2" in caught.value.detail
    assert mine.events() == []
    refusal = mine.assembly.desk.purpose_refusal(mine.subject, "commercial")
    assert refusal is not None
    assert mine.assembly.desk.purpose_refusal(mine.subject, "personal") is None


def test_changing_ones_purpose_is_a_new_record(mine: Mine) -> None:
    purposes: tuple[Purpose, ...] = ("personal", "research")
    for purpose in purposes:
        mine.accept(Acceptance("Ada", purpose))
    assert [record.purpose for record in mine.assembly.desk.records()[1:]] == ["personal", "research"]
    assert mine.assembly.desk.verdict(mine.subject).purpose == "research"


def test_a_new_text_suspends_the_model_once_and_the_difference_is_shown(mine: Mine) -> None:
    mine.accept()
    desk = mine.assembly.desk
    assert desk.difference(mine.subject, "LicenseRef-Mine") is None
    changed = TEXT.replace("Be kind.", "Be kind and quick.") + "\r\n4. Name us.\r\n"
    mine.text_file.write_bytes(changed.encode())
    for _ in range(3):
        verdict = desk.verdict(mine.subject)
        assert [each.status for each in verdict.standings] == ["text-changed"]
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
    mine.assembly.desk.verdict(mine.subject)
    mine.text_file.write_bytes(TEXT.encode())
    verdict = mine.assembly.desk.verdict(mine.subject)
    assert [each.status for each in verdict.standings] == ["suspended"]
    assert not verdict.allowed


def test_revoking_takes_every_license_back_and_is_told(mine: Mine) -> None:
    mine.accept()
    told: list[str] = []
    mine.assembly.desk.on_change = lambda: told.append("changed")
    records = mine.assembly.desk.revoke(mine.model_id)
    assert [record.license for record in records] == ["LicenseRef-Mine"]
    assert told == ["changed"]
    assert [each.status for each in mine.assembly.desk.verdict(mine.subject).standings] == ["revoked"]
    with pytest.raises(NotFoundError):
        mine.assembly.desk.revoke(mine.model_id)


def test_looking_makes_no_ledger(home: Path) -> None:
    paths = find_paths()
    assembly = assemble(paths)
    for listed in assembly.library.listed():
        assembly.desk.verdict(listed.subject)
    assert assembly.desk.records() == []
    assert assembly.desk.check().ok
    assert not paths.ledger_file.exists()


def test_only_words_make_a_difference() -> None:
    assert {line.kind for line in compare("One\ntwo.\n\nThree.", "One  two.\r\n\r\n\r\nThree.\r\n")} == {"same"}
    assert paragraphs("") == []
    assert [line.kind for line in compare("", "New.")] == ["added"]
