"""Files that a person brings along: taken in with their terms, refused where those are not accepted, noticed where they
change."""

from contextlib import closing
from pathlib import Path

import pytest

from desktop.errors import EngineError, ForbiddenError, IntegrityError, LicenseError, NotFoundError
from desktop.library.library_model import LibraryModel
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.paths import find_paths
from tests.accepting import accept
from tests.fakes.tiny_gguf import random_model
from tests.unit.library.test_library import made_from


def needed(assembly: LibraryServices, model: LibraryModel) -> list[str]:
    return [each.id for each in assembly.library.find_listed(model.id).subject.needed]


def test_a_file_that_was_never_imported_is_refused_with_the_way_on(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    with pytest.raises(LicenseError) as caught:
        assembly.license_check.admit(path)
    assert f"latchkey models import {path}" in caught.value.remedy
    assert "latchkey licenses accept" in caught.value.remedy


def test_an_imported_file_waits_for_its_license_and_is_then_let_through(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = assembly.importer.add(path)
    assert (model.id.rsplit("-", 1)[0], model.path, model.license) == ("tiny-random", path, "Apache-2.0")
    assert needed(assembly, model) == ["Apache-2.0"]
    with pytest.raises(LicenseError, match="waits for you"):
        assembly.license_check.admit(path)
    accept(assembly, model.id)
    assembly.license_check.admit(path)
    assert [record.event for record in assembly.ledger.records()] == ["imported", "refused", "acknowledged"]
    with closing(build_library_services(find_paths())) as again:
        assert [each.id for each in again.library.models()] == ["latchkey-guide", model.id]


def test_a_file_that_changed_since_is_refused(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    accept(assembly, assembly.importer.add(path).id)
    assembly.license_check.admit(path)
    random_model(path, seed=8)
    with pytest.raises(IntegrityError, match="not the one that was accepted"):
        assembly.license_check.admit(path)


@pytest.mark.parametrize(
    ("metadata", "stated", "licenses"),
    [
        ({"general.license": "apache-2.0"}, "", ["Apache-2.0"]),
        ({"general.license": "llama3.2"}, "", ["LicenseRef-Llama-3.2"]),
        ({"general.license": "other", "general.license.name": "gemma"}, "", ["LicenseRef-Gemma"]),
        ({"general.license": None}, "", ["LicenseRef-Unknown"]),
        ({"general.license": "weird-1.0"}, "", ["LicenseRef-Unknown"]),
        ({"general.license": None}, "mit", ["MIT"]),
        ({"general.license": "llama3.2"}, "MIT", ["LicenseRef-Llama-3.2", "MIT"]),
        (
            {"general.license": "apache-2.0", **made_from("meta-llama/Llama-3.2-3B-Instruct")},
            "",
            ["LicenseRef-Llama-3.2", "Apache-2.0"],
        ),
        (
            {"general.license": "apache-2.0", **made_from("somebody/something")},
            "",
            ["Apache-2.0", "LicenseRef-Unknown"],
        ),
    ],
    ids=["spdx", "hub id", "name", "none", "not known", "stated", "stated besides", "known base", "unknown base"],
)
def test_the_licenses_of_a_file_come_from_its_header_its_lineage_and_the_person(
    assembly: LibraryServices, home: Path, metadata: dict[str, object], stated: str, licenses: list[str]
) -> None:
    model = assembly.importer.add(random_model(home / "some.gguf", metadata=metadata), stated)
    assert needed(assembly, model) == licenses


def test_an_apache_copy_of_a_llama_is_flagged_and_carries_its_attribution(
    assembly: LibraryServices, home: Path
) -> None:
    metadata = {"general.license": "apache-2.0", **made_from("meta-llama/Llama-3.2-3B-Instruct")}
    model = assembly.importer.add(random_model(home / "some.gguf", metadata=metadata))
    lineage = assembly.library.find_listed(model.id).subject.lineage
    assert {flag.kind for flag in lineage.flags} == {"claims-more"}
    assert "acceptable-use" in model.restrictions
    assert model.attribution == ("Built with Llama",)


def test_the_very_file_of_the_built_in_model_is_known_by_its_hash_wherever_it_lies(
    assembly: LibraryServices, home: Path
) -> None:
    copy = home / "copy.gguf"
    copy.write_bytes(find_paths().builtin_model.read_bytes())
    assert assembly.importer.add(copy).id == "latchkey-guide"
    assert [each.path for each in assembly.library.models()] == [find_paths().builtin_model]
    accept(assembly, "latchkey-guide")
    assembly.license_check.admit(copy)


def test_a_copy_lives_among_our_models_and_goes_when_it_is_removed(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = assembly.importer.add(path, copy=True)
    assert model.path.is_relative_to(find_paths().models)
    path.unlink()
    accept(assembly, model.id)
    assembly.license_check.admit(model.path)
    assert assembly.importer.remove(model.id) == model.size
    assert not model.path.exists()
    with pytest.raises(NotFoundError):
        assembly.library.find(model.id)
    assert assembly.ledger.records()[-1].event == "removed"


def test_removing_a_file_that_was_added_in_place_leaves_it_there(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = assembly.importer.add(path)
    assert assembly.importer.remove(model.id) == 0
    assert path.exists()
    with pytest.raises(LicenseError, match="never imported"):
        assembly.license_check.admit(path)


def test_a_file_that_vanished_is_no_longer_listed(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = assembly.importer.add(path)
    path.unlink()
    assert model.id not in [each.id for each in assembly.library.models()]


def test_what_cannot_be_imported_is_told_apart_and_leaves_no_trace(assembly: LibraryServices, home: Path) -> None:
    (home / "letter.gguf").write_text("Dear reader")
    with pytest.raises(EngineError):
        assembly.importer.add(home / "letter.gguf")
    with pytest.raises(NotFoundError):
        assembly.importer.add(home / "none.gguf")
    with pytest.raises(NotFoundError, match="no license called"):
        assembly.importer.add(random_model(home / "some.gguf"), "my-own")
    with pytest.raises(ForbiddenError, match="built-in"):
        assembly.importer.remove("latchkey-guide")
    assert assembly.ledger.records() == []


def test_a_policy_can_forbid_imports(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = home / "policy.toml"
    policy.write_text('imports = false\ncontact = "it@example.org"\n', encoding="utf-8")
    monkeypatch.setenv("LATCHKEY_POLICY", str(policy))
    with closing(build_library_services(find_paths())) as strict, pytest.raises(ForbiddenError) as caught:
        strict.importer.add(random_model(home / "some.gguf"))
    assert "it@example.org" in caught.value.remedy
