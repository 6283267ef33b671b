"""Terms that were learned once are not lost by another spelling, a second look, a newer commit or a lost file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop.errors import ForbiddenError, LicenseError, UserError
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.library.status import AcceptLicenseStep, DownloadStep, EnterTokenStep
from desktop.licenses.acknowledgements import Acceptance
from desktop.paths import find_paths
from desktop.settings import Settings
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model

pytestmark = pytest.mark.loopback

MODEL = "acme/tiny-GGUF"
PATIENCE_S = 60.0
ENTRY = """version = 1
[[model]]
id = "acme-tiny"
name = "Acme Tiny"
family = "Acme"
publisher = "Acme"
license = "LicenseRef-Llama-3.2"
gate = "{gate}"
summary = "For a test."
architecture = "llama"
repository = "acme/tiny"
gguf = "copies/tiny-GGUF"
"""


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


def model_file(folder: Path, name: str = "tiny-Q8_0.gguf", **metadata: object) -> Path:
    return random_model(folder / name, metadata={key.replace("__", "."): value for key, value in metadata.items()})


def published(hub: FakeHub, name: str, file: Path, **card: object) -> FakeRepository:
    repository = hub.add(FakeRepository(name, card=card))
    repository.add_file("tiny-Q8_0.gguf", file)
    return repository


def catalog_with(home: Path, gate: str = "open") -> None:
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "models.toml").write_text(ENTRY.format(gate=gate))


def needed(assembly: LibraryServices, model_id: str = MODEL) -> set[str]:
    return {each.id for each in assembly.library.find_listed(model_id).subject.needed}


def accept(assembly: LibraryServices, model_id: str = MODEL) -> None:
    subject = assembly.library.find_listed(model_id).subject
    for each in subject.needed:
        sha256 = assembly.acknowledgements.text(each.id, model_id).sha256
        assembly.acknowledgements.accept(subject, each.id, sha256, Acceptance("Ada", "personal"))


def fetched(assembly: LibraryServices, model_id: str = MODEL) -> Path:
    item = assembly.downloads.wait(assembly.downloads.start(model_id), PATIENCE_S)
    assert item.error is None, item.error
    return assembly.library.find(item.installed).path


def test_a_catalogs_model_in_other_letters_has_the_catalogs_terms(
    assembly: LibraryServices, hub: FakeHub, home: Path, tmp_path: Path
) -> None:
    catalog_with(home)
    published(hub, "copies/tiny-GGUF", model_file(tmp_path, general__license="mit"), license="mit")
    assembly.lookup.look_up("acme-tiny")

    assert needed(assembly, "ACME-Tiny") == needed(assembly, "acme-tiny")
    assert "LicenseRef-Llama-3.2" in needed(assembly, "ACME-Tiny")


def test_a_model_that_is_here_is_found_in_other_letters(
    assembly: LibraryServices, hub: FakeHub, tmp_path: Path
) -> None:
    published(hub, MODEL, model_file(tmp_path), license="apache-2.0")
    assembly.lookup.look_up(MODEL)
    accept(assembly)
    path = fetched(assembly)

    assert assembly.library.find(MODEL.upper()).path == path
    assert assembly.library.find_listed(MODEL.upper()).model is not None
    assembly.lookup.forget(MODEL.upper())
    assert assembly.library.hub_records.find(MODEL) is not None


def test_looking_again_loses_no_base_that_only_the_file_names(
    assembly: LibraryServices, hub: FakeHub, tmp_path: Path
) -> None:
    published(hub, "base/derived", model_file(tmp_path, "base.gguf"), license="llama3.2")
    base: dict[str, Any] = {
        "general__base_model__count": 1,
        "general__base_model__0__repo_url": "https://huggingface.co/base/derived",
    }
    published(hub, MODEL, model_file(tmp_path, general__license="mit", **base), license="mit")
    assembly.lookup.look_up(MODEL)
    first = needed(assembly)

    assembly.lookup.look_up(MODEL)

    assert "LicenseRef-Llama-3.2" in first
    assert needed(assembly) == first


def test_a_newer_commit_with_fewer_terms_takes_none_from_the_file_that_is_here(
    assembly: LibraryServices, hub: FakeHub, tmp_path: Path
) -> None:
    repository = published(hub, MODEL, model_file(tmp_path, general__license="llama3.2"), license="cc-by-nc-4.0")
    assembly.lookup.look_up(MODEL)
    accept(assembly)
    fetched(assembly)
    before = needed(assembly)

    repository.card = {"license": "mit"}
    repository.add_file("tiny-Q8_0.gguf", model_file(tmp_path, "other.gguf", general__license="mit"))
    assembly.lookup.look_up(MODEL)

    assert before == {"CC-BY-NC-4.0", "LicenseRef-Llama-3.2"}
    assert needed(assembly) >= before


@pytest.mark.parametrize("damage", ["gone", "empty"])
def test_a_file_whose_terms_at_the_hub_were_lost_keeps_them_and_waits(
    assembly: LibraryServices, hub: FakeHub, tmp_path: Path, damage: str
) -> None:
    published(
        hub, MODEL, model_file(tmp_path, general__license="mit"), license="cc-by-nc-4.0", base_model="somebody/else"
    )
    assembly.lookup.look_up(MODEL)
    accept(assembly)
    path = fetched(assembly)
    assembly.license_check.admit(path)

    for kept in find_paths().known_models.iterdir():
        kept.unlink() if damage == "gone" else kept.write_bytes(b"")

    subject = assembly.library.subject_at(path)
    assert {each.id for each in subject.needed} >= {"CC-BY-NC-4.0", "MIT", "LicenseRef-Unknown"}
    with pytest.raises(LicenseError):
        assembly.license_check.admit(path)


def test_a_text_that_somebody_changed_is_put_right_by_looking_again(
    assembly: LibraryServices, hub: FakeHub, tmp_path: Path
) -> None:
    published(hub, MODEL, model_file(tmp_path), license="other", license_name="acme-1").add_file("LICENSE", b"Mine.\n")
    assembly.lookup.look_up(MODEL)
    kept = next(find_paths().publishers_texts.iterdir())
    kept.write_bytes(b"Do whatever you want.\n")
    with pytest.raises(UserError, match="Look the model up again"):
        assembly.acknowledgements.text("acme-1", MODEL)

    assembly.lookup.look_up(MODEL)

    assert assembly.acknowledgements.text("acme-1", MODEL).data == b"Mine.\n"


def test_the_text_of_whoever_copied_a_model_is_not_its_publishers(
    assembly: LibraryServices, hub: FakeHub, home: Path, tmp_path: Path
) -> None:
    catalog_with(home)  # there is no acme/tiny at this Hub
    copy = published(hub, "copies/tiny-GGUF", model_file(tmp_path), license="llama3.2")
    copy.add_file("LICENSE", b"All yours.\n")

    assembly.lookup.look_up("acme-tiny")

    ours = assembly.acknowledgements.text("LicenseRef-Llama-3.2")
    assert assembly.acknowledgements.text("LicenseRef-Llama-3.2", "acme-tiny").sha256 == ours.sha256


def test_a_former_name_of_a_copy_is_no_way_round_its_publishers_gate(
    assembly: LibraryServices, hub: FakeHub, home: Path, tmp_path: Path
) -> None:
    catalog_with(home, "hub-manual")
    hub.add(FakeRepository("acme/tiny", gated="manual", card={"license": "llama3.2"})).add_file("README.md", b"# it")
    copy = published(hub, "copies/tiny-GGUF", model_file(tmp_path), license="llama3.2")
    siblings = [
        {"rfilename": name, "size": each.size, "lfs": {"sha256": each.sha256, "size": each.size}}
        for name, each in copy.files.items()
    ]
    # As the Hub answers for a repository that was renamed: under its new name.
    renamed = {"id": copy.id, "sha": copy.head, "gated": False, "cardData": copy.card, "siblings": siblings}
    hub.add(FakeRepository("copies/former", raw_info=json.dumps(renamed).encode()))

    offer = assembly.lookup.look_up("copies/former")
    accept(assembly, offer.model_id)

    assert offer.model_id == "acme-tiny"
    assert isinstance(assembly.lookup.next_step(offer.model_id), EnterTokenStep)


def test_what_is_accepted_names_the_repository_that_its_commit_is_of(
    assembly: LibraryServices, hub: FakeHub, home: Path, tmp_path: Path
) -> None:
    catalog_with(home)
    copy = published(hub, "copies/tiny-GGUF", model_file(tmp_path), license="llama3.2")
    assembly.lookup.look_up("acme-tiny")
    accept(assembly, "acme-tiny")

    record = assembly.acknowledgements.records()[-1]
    assert (record.repository, record.commit) in {("acme/tiny", ""), ("copies/tiny-GGUF", copy.head)}


def test_a_new_text_between_acceptance_and_download_stands_in_the_way(
    assembly: LibraryServices, hub: FakeHub, tmp_path: Path
) -> None:
    repository = published(hub, MODEL, model_file(tmp_path), license="other", license_name="acme-1")
    repository.add_file("LICENSE", b"Mine.\n")
    assembly.lookup.look_up(MODEL)
    accept(assembly)
    assert isinstance(assembly.lookup.next_step(MODEL), DownloadStep)

    repository.add_file("LICENSE", b"Mine, and nobody else's.\n")
    assembly.lookup.look_up(MODEL)

    assert isinstance(assembly.lookup.next_step(MODEL), AcceptLicenseStep)
    with pytest.raises(LicenseError, match="new text"):
        assembly.downloads.start(MODEL)


def test_a_rule_about_the_publishers_repository_holds_for_a_copy_that_was_fetched(
    assembly: LibraryServices, hub: FakeHub, home: Path, tmp_path: Path
) -> None:
    catalog_with(home)
    published(hub, "copies/tiny-GGUF", model_file(tmp_path), license="llama3.2")
    assembly.lookup.look_up("acme-tiny")
    accept(assembly, "acme-tiny")
    path = fetched(assembly, "acme-tiny")
    policy = tmp_path / "policy.toml"
    policy.write_text('[deny]\nrepository = ["acme/tiny"]\n')
    strict = build_library_services(find_paths(), {"LATCHKEY_HOME": str(home), "LATCHKEY_POLICY": str(policy)})

    assembly.license_check.admit(path)
    with pytest.raises(ForbiddenError):
        strict.license_check.admit(path)
    strict.close()
