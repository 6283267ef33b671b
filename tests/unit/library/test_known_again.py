"""An import knows what the library has: a file again, the same contents elsewhere, what vanished, what was replaced."""

import os
import shutil
from pathlib import Path

import pytest

from desktop.errors import IntegrityError, NotFoundError
from desktop.library.installed_models import InstalledModel, file_state, file_state_error
from desktop.library.library_services import LibraryServices
from desktop.library.other_apps import discover_models
from desktop.paths import find_paths
from tests.accepting import accept
from tests.fakes.other_apps import COMMIT, OllamaStore, hub_cache, split_model
from tests.fakes.tiny_gguf import random_model


def kept(assembly: LibraryServices) -> InstalledModel:
    models = assembly.library.installed_models.all()
    assert len(models) == 1
    return models[0]


def events(assembly: LibraryServices) -> list[str]:
    return [record.event for record in assembly.ledger.records()]


def needed(assembly: LibraryServices, model_id: str) -> list[str]:
    return [each.id for each in assembly.library.find_listed(model_id).subject.needed]


# --- a second time ---------------------------------------------------------------------------------------------------


def test_a_file_that_is_in_the_library_is_not_added_again(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    first = assembly.importer.import_file(path)
    assert not first.existed
    link = home / "link.gguf"
    link.symlink_to(path)
    for again in (path, link):
        added = assembly.importer.import_file(again)
        assert added.existed
        assert added.model == first.model
    assert events(assembly) == ["imported"]


def test_the_same_contents_elsewhere_are_the_same_model(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = assembly.importer.add(path)
    other = home / "other name.gguf"
    shutil.copyfile(path, other)
    added = assembly.importer.import_file(other)
    assert (added.existed, added.model.path) == (True, path)
    assert kept(assembly).id == model.id


def test_a_license_that_is_stated_later_is_noted(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf", metadata={"general.license": None})
    model = assembly.importer.add(path)
    added = assembly.importer.import_file(path, "MIT")
    assert not added.existed
    assert needed(assembly, model.id) == ["MIT"]
    assert events(assembly) == ["imported", "imported"]


def test_a_copy_of_what_was_used_in_place_is_ours_from_then_on(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = assembly.importer.add(path)
    accept(assembly, model.id)
    copy = assembly.importer.import_file(path, copy=True)
    assert not copy.existed
    assert copy.model.path.is_relative_to(home / "models")
    assert copy.model.id == model.id
    assembly.license_check.admit(copy.model.path)
    assert assembly.importer.import_file(path, copy=True).existed
    assert len(list((home / "models").iterdir())) == 1


def test_a_file_that_moved_is_found_again_by_its_contents_and_stays_accepted(
    assembly: LibraryServices, home: Path
) -> None:
    path = random_model(home / "some.gguf")
    model = assembly.importer.add(path)
    accept(assembly, model.id)
    moved = path.rename(home / "moved.gguf")
    assert file_state(kept(assembly)) == "missing"
    added = assembly.importer.import_file(moved)
    assert (added.existed, added.model.id, added.model.path) == (False, model.id, moved)
    assembly.license_check.admit(moved)
    assert file_state(kept(assembly)) == "here"


def test_another_file_in_the_place_of_one_takes_its_place(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    former = assembly.importer.add(path)
    random_model(path, seed=9, metadata={"general.name": "Another"})
    model = assembly.importer.add(path)
    assert model.id != former.id
    assert kept(assembly).id == model.id
    assert events(assembly) == ["imported", "removed", "imported"]
    accept(assembly, model.id)
    assembly.license_check.admit(path)


def test_a_damaged_copy_of_ours_goes_when_the_model_is_brought_again(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    copy = assembly.importer.add(path, copy=True).path
    copy.write_bytes(copy.read_bytes()[:-5])
    model = assembly.importer.add(path)
    assert model.path == path
    assert not copy.exists()


# --- its state -------------------------------------------------------------------------------------------------------


def test_a_file_that_vanished_or_changed_is_told_without_reading_it(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    assembly.importer.add(path)
    model = kept(assembly)
    assert file_state(model) == "here"
    assert file_state_error(model, "here") is None
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert file_state(model) == "changed"
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file_state(model) == "here"
    other = home / "other.gguf"
    other.write_bytes(path.read_bytes()[::-1])
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)
    assert file_state(model) == "changed"
    path.unlink()
    assert file_state(model) == "missing"
    path.mkdir()
    assert file_state(model) == "missing"
    error = file_state_error(model, "missing")
    assert isinstance(error, NotFoundError)
    assert str(path) in error.detail
    assert "Put it back" in error.remedy


def test_a_missing_part_is_missed_and_named(assembly: LibraryServices, home: Path) -> None:
    files = split_model(home)
    assembly.importer.add(files[0])
    model = kept(assembly)
    assert file_state(model) == "here"
    files[1].unlink()
    assert file_state(model) == "missing"
    error = file_state_error(model, "missing")
    assert error is not None
    assert files[1].name in error.detail


def test_a_model_kept_by_an_older_version_is_told_by_its_size(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    old = InstalledModel("some-1", "Some", str(path), path.stat().st_size, "0" * 64, "F32", "llama")
    assert file_state(old) == "here"
    with path.open("ab") as file:
        file.write(b"more")
    assert file_state(old) == "changed"


def test_verifying_settles_whether_a_file_is_still_the_same(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = assembly.importer.add(path)
    path.touch()
    os.utime(path, ns=(1, 1))
    assert file_state(kept(assembly)) == "changed"
    assert assembly.importer.verify(model.id) == model
    assert file_state(kept(assembly)) == "here"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(IntegrityError, match="not the one that was added"):
        assembly.importer.verify(model.id)
    assert file_state(kept(assembly)) == "changed"
    path.unlink()
    with pytest.raises(NotFoundError, match="no longer there"):
        assembly.importer.verify(model.id)
    with pytest.raises(NotFoundError, match="no imported model"):
        assembly.importer.verify("latchkey-guide")


# --- what other apps say of it ---------------------------------------------------------------------------------------


def test_an_ollama_model_is_used_in_place_under_its_own_name_and_waits_for_its_license(
    assembly: LibraryServices, home: Path
) -> None:
    store = OllamaStore(home / ".ollama/models")
    apache = assembly.library.catalog.find_license("Apache-2.0")
    assert apache is not None
    text = (find_paths().resources / apache.text).read_text()
    layer = store.model(home, metadata={"general.license": None})
    store.name("registry.ollama.ai/library/tiny/1b", [layer, store.license(text.replace("\n", "\r\n"))])
    (found,) = discover_models({}, home, "Linux").models
    model = assembly.importer.add(found)
    assert (model.name, model.path) == ("tiny:1b", store.path(layer))
    assert needed(assembly, model.id) == ["Apache-2.0"]
    accept(assembly, model.id)
    assembly.license_check.admit(model.path)
    (again,) = discover_models({}, home, "Linux", imports=assembly.library.installed_models.all()).models
    assert again.imported == model.id
    assert assembly.importer.remove(model.id) == 0
    assert store.path(layer).exists()


def test_a_blob_that_is_not_what_its_name_claims_is_refused(assembly: LibraryServices, home: Path) -> None:
    store = OllamaStore(home / ".ollama/models")
    layer = store.model(home)
    data = store.path(layer).read_bytes()
    store.path(layer).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    store.name("registry.ollama.ai/library/tiny/1b", [layer])
    (found,) = discover_models({}, home, "Linux").models
    for copy in (False, True):
        with pytest.raises(IntegrityError, match="damaged"):
            assembly.importer.add(found, copy=copy)
    assert assembly.library.installed_models.all() == []
    assert not list((home / "models").iterdir())


def test_a_copied_blob_gets_a_name_and_an_ending(assembly: LibraryServices, home: Path) -> None:
    store = OllamaStore(home / ".ollama/models")
    store.name("registry.ollama.ai/library/tiny/1b", [store.model(home)])
    (found,) = discover_models({}, home, "Linux").models
    assert assembly.importer.add(found, copy=True).path.name == "tiny-1b.gguf"


def test_the_repository_is_noted_and_what_the_catalog_knows_of_it_counts(assembly: LibraryServices, home: Path) -> None:
    catalog = assembly.library.catalog
    entry = next(each for each in catalog.model if each.license == "LicenseRef-Llama-3.2" and each.repository)
    data = random_model(home / "made").read_bytes()
    (home / "made").unlink()
    hub_cache(home / ".cache/huggingface/hub", entry.gguf or entry.repository, {"m.gguf": data})
    (found,) = discover_models({}, home, "Linux").models
    model = assembly.importer.add(found)
    assert (kept(assembly).repository, kept(assembly).commit) == (entry.gguf or entry.repository, COMMIT)
    assert "LicenseRef-Llama-3.2" in needed(assembly, model.id)
    assert "Apache-2.0" in needed(assembly, model.id)  # what its header says is not talked away


def test_a_repository_that_the_catalog_does_not_know_changes_nothing(assembly: LibraryServices, home: Path) -> None:
    path = home / ".lmstudio/models/somebody/something/m.gguf"
    path.parent.mkdir(parents=True)
    random_model(path)
    (found,) = discover_models({}, home, "Linux").models
    model = assembly.importer.add(found)
    assert kept(assembly).repository == "somebody/something"
    assert kept(assembly).bases == ()
    assert needed(assembly, model.id) == ["Apache-2.0"]


# --- what a person points at -----------------------------------------------------------------------------------------


def test_a_folder_with_one_model_in_it_stands_for_that(assembly: LibraryServices, home: Path) -> None:
    files = split_model(home / "folder")
    assert assembly.importer.add(home / "folder").path == files[0]


def test_a_folder_with_several_models_or_none_says_what_is_in_it(assembly: LibraryServices, home: Path) -> None:
    folder = home / "folder"
    (folder / "empty").mkdir(parents=True)
    random_model(folder / "one.gguf")
    random_model(folder / "two.gguf", seed=3)
    (folder / "empty/letter.gguf").write_text("Dear reader")
    with pytest.raises(NotFoundError) as caught:
        assembly.importer.add(folder)
    assert "one.gguf, two.gguf" in caught.value.detail
    with pytest.raises(NotFoundError) as caught:
        assembly.importer.add(folder / "empty")
    assert "letter.gguf" in caught.value.detail


def test_a_link_to_a_model_in_several_files_leads_to_all_of_them(assembly: LibraryServices, home: Path) -> None:
    files = split_model(home / "folder")
    link = home / "model.gguf"
    link.symlink_to(files[0])
    model = assembly.importer.add(link)
    assert (model.path, model.size) == (files[0], sum(file.stat().st_size for file in files))
