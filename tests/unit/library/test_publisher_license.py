"""A license goes by the name of its text, and not by that of a tag: what is shown is what is accepted and recorded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.library.library_services import LibraryServices, build_library_services
from desktop.licenses.acknowledgements import Acceptance
from desktop.licenses.license_texts import same_license, sha256_of
from desktop.licenses.license_verdict import unrestricted_licenses
from desktop.licenses.policy import Policy, PolicyRules, forbids
from desktop.paths import find_paths
from desktop.settings import Settings
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model

MODEL = "acme/tiny-GGUF"
OWN = "LicenseRef-acme-tiny-GGUF"
TEXT = b"Do with this what you like, but not on Sundays.\n"
LICENSES = find_paths().resources / "licenses"
APACHE, MIT = (LICENSES / "apache-2.0.txt").read_bytes(), (LICENSES / "mit.txt").read_bytes()


EDITION = b"I. Use it.\n\nII. Be kind.\n"
EDITIONS = """
version = 1
[[license]]
id = "LicenseRef-Mine"
name = "My License"
text = "licenses/mine.txt"
source = "My own shelf"
[[license.edition]]
sha256 = "{sha256}"
differs = "words"
source = "The web page"
"""


def filled(text: bytes) -> bytes:
    return text.replace(b"<year> <copyright holders>", b"2026 Acme").replace(
        b"[yyyy] [name of copyright owner]", b"2026 Acme"
    )


@pytest.mark.parametrize(
    ("standard", "other", "name", "same"),
    [
        (APACHE, APACHE, "Apache License 2.0", True),
        (APACHE, filled(APACHE), "Apache License 2.0", True),
        (APACHE, APACHE.partition(b"APPENDIX")[0], "Apache License 2.0", True),
        (APACHE, APACHE.partition(b"END OF TERMS")[0], "Apache License 2.0", True),
        (APACHE, APACHE.replace(b"http:", b"https:").replace(b"\n", b"\r\n"), "Apache License 2.0", True),
        (APACHE, b"Copyright 2026 Acme. All rights reserved.\n\n" + APACHE, "Apache License 2.0", True),
        (APACHE, APACHE + b"\nAnd no use on Sundays.\n", "Apache License 2.0", False),
        (APACHE, APACHE.partition(b"APPENDIX")[0] + b"\nAnd no use on Sundays.\n", "Apache License 2.0", False),
        (APACHE, APACHE.replace(b"perpetual,", b""), "Apache License 2.0", False),
        (APACHE, APACHE[: len(APACHE) // 2], "Apache License 2.0", False),
        (APACHE, MIT, "Apache License 2.0", False),
        (APACHE, TEXT, "Apache License 2.0", False),
        (APACHE, b"", "Apache License 2.0", False),
        (APACHE, b"Apache License 2.0\n", "Apache License 2.0", False),
        (MIT, filled(MIT), "MIT License", True),
        (MIT, b"The MIT License (MIT)\n\n(c) 2026 Acme\n" + MIT.partition(b"holders>\n")[2], "MIT License", True),
        (MIT, MIT.partition(b"holders>\n")[2], "MIT License", True),
        (MIT, MIT.replace(b"without restriction", b"with restriction"), "MIT License", False),
        (MIT, filled(MIT) + b"Except on Sundays.", "MIT License", False),
    ],
)  # fmt: skip
def test_a_text_is_a_licenses_where_only_its_notice_differs(
    standard: bytes, other: bytes, name: str, same: bool
) -> None:
    assert same_license(standard, other, name) is same


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def assembly(hub: FakeHub, home: Path) -> Iterator[LibraryServices]:
    made = build_library_services(
        find_paths(), {"LATCHKEY_HOME": str(home)}, settings=lambda: Settings(hub_endpoint=hub.endpoint)
    )
    yield made
    made.close()


@pytest.fixture
def repository(hub: FakeHub, tmp_path: Path) -> FakeRepository:
    file = random_model(tmp_path / "tiny-Q8_0.gguf", metadata={"general.license": "apache-2.0"})
    made = hub.add(FakeRepository(MODEL, card={"license": "apache-2.0"}))
    made.add_file("tiny-Q8_0.gguf", file)
    return made


@pytest.mark.loopback
def test_a_text_of_its_own_is_titled_shown_and_recorded_as_such(
    assembly: LibraryServices, repository: FakeRepository
) -> None:
    repository.add_file("LICENSE", TEXT)
    assembly.lookup.look_up(MODEL)
    subject = assembly.library.find_listed(MODEL).subject

    (needed,) = subject.needed
    assert (needed.id, needed.name) == (OWN, "License of acme/tiny-GGUF (tagged apache-2.0)")
    text = assembly.acknowledgements.text(OWN, MODEL)
    assert (text.data, text.license.name) == (TEXT, needed.name)
    assert unrestricted_licenses(subject, assembly.acknowledgements.verdict(subject)) == ()
    assert [flag.kind for flag in subject.lineage.flags if flag.node == MODEL and "tagged" in flag.sentence]
    record = assembly.acknowledgements.accept(subject, OWN, text.sha256, Acceptance("Ada", "personal"))
    assert (record.license, record.text_sha256) == (OWN, text.sha256)
    assert assembly.acknowledgements.verdict(subject).allowed


@pytest.mark.loopback
def test_its_tag_neither_allows_it_nor_hides_it_from_a_policy(
    assembly: LibraryServices, repository: FakeRepository
) -> None:
    repository.add_file("LICENSE", TEXT)
    assembly.lookup.look_up(MODEL)
    subject = assembly.library.find_listed(MODEL).subject
    here = (assembly.network.endpoint,)
    for policy in (
        Policy(endpoint=here, allow=PolicyRules(license=("Apache-2.0",))),
        Policy(deny=PolicyRules(license=("Apache-2.0",))),
        Policy(deny=PolicyRules(license=(OWN,))),
    ):
        assert forbids(policy, subject, lambda name: (name,)) is not None
    assert forbids(Policy(endpoint=here, allow=PolicyRules(license=(OWN,))), subject, lambda name: (name,)) is None


@pytest.mark.loopback
def test_the_text_with_the_publishers_notice_keeps_the_licenses_name(
    assembly: LibraryServices, repository: FakeRepository
) -> None:
    repository.add_file("LICENSE", filled(APACHE))
    assembly.lookup.look_up(MODEL)
    (needed,) = assembly.library.find_listed(MODEL).subject.needed

    assert (needed.id, needed.name, needed.own) == ("Apache-2.0", "Apache License 2.0", True)
    assert assembly.acknowledgements.text("Apache-2.0", MODEL).data == filled(APACHE)


@pytest.mark.loopback
def test_a_license_that_turns_into_another_suspends_with_the_difference(
    assembly: LibraryServices, repository: FakeRepository
) -> None:
    repository.add_file("LICENSE", APACHE)
    assembly.lookup.look_up(MODEL)
    subject = assembly.library.find_listed(MODEL).subject
    assembly.acknowledgements.accept(
        subject, "Apache-2.0", assembly.acknowledgements.text("Apache-2.0").sha256, Acceptance("Ada", "personal")
    )
    assert assembly.acknowledgements.verdict(subject).allowed

    repository.add_file("LICENSE", APACHE + TEXT)
    assembly.lookup.look_up(MODEL)
    changed = assembly.library.find_listed(MODEL).subject
    verdict = assembly.acknowledgements.verdict(changed)

    assert [standing.status for standing in verdict.licenses] == ["text-changed"]
    assert [record.event for record in assembly.acknowledgements.records()][-1] == "suspended"
    difference = assembly.acknowledgements.difference(changed, OWN)
    assert difference is not None
    assert difference.changed
    assembly.acknowledgements.accept(
        changed, OWN, assembly.acknowledgements.text(OWN, MODEL).sha256, Acceptance("Ada", "personal")
    )
    assert assembly.acknowledgements.verdict(changed).allowed
    assembly.acknowledgements.revoke(MODEL)
    assert not assembly.acknowledgements.verdict(changed).allowed


@pytest.mark.loopback
def test_a_text_of_its_own_is_needed_beside_the_bases_license_of_the_same_tag(
    assembly: LibraryServices, repository: FakeRepository, hub: FakeHub, tmp_path: Path
) -> None:
    hub.add(FakeRepository("acme/base", card={"license": "apache-2.0"})).add_file("README.md", b"# base")
    repository.card = {"license": "apache-2.0", "base_model": "acme/base"}
    repository.add_file("LICENSE", TEXT)
    assembly.lookup.look_up(MODEL)

    assert {each.id for each in assembly.library.find_listed(MODEL).subject.needed} == {"Apache-2.0", OWN}


@pytest.mark.loopback
def test_another_hub_takes_no_text_of_a_listed_model_off(
    assembly: LibraryServices, hub: FakeHub, tmp_path: Path
) -> None:
    models = assembly.library.catalog.model
    entry = next(
        each for each in models if each.repository and each.gguf not in ("", each.repository) and not each.base
    )
    file = random_model(tmp_path / "tiny-Q8_0.gguf", metadata={"general.license": None})
    hub.add(FakeRepository(entry.gguf)).add_file("tiny-Q8_0.gguf", file)
    hub.add(FakeRepository(entry.repository)).add_file("LICENSE", TEXT)

    assembly.lookup.look_up(entry.id)

    needed = {each.id: each for each in assembly.library.find_listed(entry.id).subject.needed}
    assert needed[entry.license].text_sha256 == assembly.acknowledgements.text(entry.license).sha256


@pytest.mark.loopback
def test_what_its_text_differs_in_from_the_tagged_licenses_is_shown(
    assembly: LibraryServices, repository: FakeRepository
) -> None:
    own = APACHE.replace(b"perpetual,", b"revocable,", 1) + b"\n\nNot on Sundays.\n"
    repository.add_file("LICENSE", own)
    assembly.lookup.look_up(MODEL)
    subject = assembly.library.find_listed(MODEL).subject

    difference = assembly.acknowledgements.standard_difference(subject, OWN)
    assert difference is not None
    assert (difference.standard.license.id, difference.standard.data) == ("Apache-2.0", APACHE)
    assert (difference.new.id, difference.new.text_sha256) == (OWN, sha256_of(own))
    changed = [(line.kind, line.text) for line in difference.lines if line.kind != "same"]
    assert [kind for kind, _ in changed] == ["removed", "added", "added"]
    assert "perpetual," in changed[0][1]
    assert "revocable," in changed[1][1]
    assert changed[2][1] == "Not on Sundays."
    assert difference.changed == 3


@pytest.mark.loopback
@pytest.mark.parametrize("text", [APACHE, APACHE.replace(b"\n", b"\r\n"), b""], ids=["same", "white space", "none"])
def test_a_text_with_the_same_words_differs_in_nothing(
    assembly: LibraryServices, repository: FakeRepository, text: bytes
) -> None:
    repository.add_file("LICENSE", text)
    assembly.lookup.look_up(MODEL)
    subject = assembly.library.find_listed(MODEL).subject
    (needed,) = subject.needed
    assert assembly.acknowledgements.standard_text(needed) is None
    assert assembly.acknowledgements.standard_difference(subject, needed.id) is None


@pytest.mark.loopback
def test_a_license_that_nobody_knows_is_compared_with_nothing(
    assembly: LibraryServices, repository: FakeRepository
) -> None:
    repository.card = {"license": "other", "license_name": "acme-terms"}
    repository.add_file("LICENSE", TEXT)
    assembly.lookup.look_up(MODEL)
    subject = assembly.library.find_listed(MODEL).subject
    assert {assembly.acknowledgements.standard_difference(subject, each.id) for each in subject.needed} == {None}


@pytest.mark.loopback
def test_a_known_edition_with_other_words_keeps_the_licenses_name(
    assembly: LibraryServices, repository: FakeRepository
) -> None:
    paths = find_paths()
    (paths.config / "licenses").mkdir(parents=True)
    (paths.config / "licenses" / "mine.txt").write_bytes(b"1. Use it.\n\n2. Be kind.\n")
    paths.own_catalog.write_text(EDITIONS.format(sha256=sha256_of(EDITION)), encoding="utf-8")
    repository.card = {"license": "licenseref-mine"}
    repository.add_file("LICENSE", EDITION)
    assembly.lookup.look_up(MODEL)
    subject = assembly.library.find_listed(MODEL).subject

    needed = next(each for each in subject.needed if each.own)
    assert (needed.id, needed.name, needed.tagged) == ("LicenseRef-Mine", "My License", "")
    assert assembly.acknowledgements.text("LicenseRef-Mine", MODEL).data == EDITION
    difference = assembly.acknowledgements.standard_difference(subject, "LicenseRef-Mine")
    assert difference is not None
    assert difference.changed == 4

    repository.add_file("LICENSE", EDITION.replace(b"kind", b"unkind"))
    assembly.lookup.look_up(MODEL)
    (changed,) = (each for each in assembly.library.find_listed(MODEL).subject.needed if each.own)
    assert (changed.id, changed.tagged) == (OWN, "LicenseRef-Mine")


@pytest.mark.loopback
def test_what_was_accepted_is_named_where_its_edition_is_known(
    assembly: LibraryServices, repository: FakeRepository
) -> None:
    """First the text that ships is in force, then the publisher's own edition, whose words are others."""
    paths = find_paths()
    (paths.config / "licenses").mkdir(parents=True)
    (paths.config / "licenses" / "mine.txt").write_bytes(b"1. Use it.\n\n2. Be kind.\n")
    paths.own_catalog.write_text(EDITIONS.format(sha256=sha256_of(EDITION)), encoding="utf-8")
    repository.card = {"license": "licenseref-mine"}
    assembly.lookup.look_up(MODEL)
    ada = Acceptance("Ada", "personal")
    for needed in assembly.library.find_listed(MODEL).subject.needed:
        assembly.acknowledgements.accept(
            assembly.library.find_listed(MODEL).subject, needed.id, needed.text_sha256, ada
        )
    repository.add_file("LICENSE", EDITION)
    assembly.lookup.look_up(MODEL)
    subject = assembly.library.find_listed(MODEL).subject
    verdict = assembly.acknowledgements.verdict(subject)
    assert verdict.error is not None
    assert "What was accepted is another edition: My own shelf." in verdict.error.detail

    mine = next(each for each in subject.needed if each.id == "LicenseRef-Mine")
    assembly.acknowledgements.accept(subject, mine.id, mine.text_sha256, ada)
    (paths.config / "licenses" / "mine.txt").write_bytes(b"1. Use it well.\n\n2. Be kind.\n")
    repository.remove_file("LICENSE")
    assembly.lookup.look_up(MODEL)
    verdict = assembly.acknowledgements.verdict(assembly.library.find_listed(MODEL).subject)
    assert verdict.error is not None
    assert "What was accepted is another edition: The web page." in verdict.error.detail
