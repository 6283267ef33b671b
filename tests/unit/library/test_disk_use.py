"""What removing frees is told truly, and nothing that is not ours is ever deleted."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from desktop.errors import ForbiddenError, NotFoundError, ResourceError, UserError
from desktop.hub.transfer.disk import free_space
from desktop.library.disk_use import delete_leftover, disk_use, leftovers
from desktop.library.library_services import LibraryServices
from tests.fakes.other_apps import split_model
from tests.fakes.tiny_gguf import random_model


def test_removing_a_copy_in_several_files_frees_all_of_them(assembly: LibraryServices, home: Path) -> None:
    files = split_model(home / "split")
    model = assembly.importer.add(files[0], copy=True)
    assert assembly.importer.remove(model.id) == sum(file.stat().st_size for file in files)
    assert list((home / "models").iterdir()) == []
    assert all(file.exists() for file in files)


def test_a_file_with_another_name_elsewhere_frees_nothing(assembly: LibraryServices, home: Path) -> None:
    model = assembly.importer.add(random_model(home / "some.gguf"), copy=True)
    (home / "second name.gguf").hardlink_to(model.path)
    assert assembly.importer.remove(model.id) == 0
    assert not model.path.exists()
    assert (home / "second name.gguf").exists()


def test_a_download_beside_others_takes_only_itself_along(assembly: LibraryServices, home: Path) -> None:
    """As a file is kept that was fetched straight into the folder of models."""
    models = home / "models"
    models.mkdir()
    path = random_model(models / "fetched.gguf")
    (models / "neighbor.gguf").write_bytes(b"a person's own")
    model = assembly.importer.add(path)
    kept = assembly.library.installed_models.all()[0]
    assembly.library.installed_models.save(replace(kept, copied=True))
    assert assembly.importer.remove(model.id) == model.size
    assert [each.name for each in models.iterdir()] == ["neighbor.gguf"]


@pytest.mark.parametrize("how", ["outside", "link to a folder", "link to a file"])
def test_a_record_that_is_wrong_about_being_ours_deletes_nothing(
    assembly: LibraryServices, home: Path, how: str
) -> None:
    outside = random_model(home / "outside.gguf")
    (home / "models").mkdir()
    path = outside
    if how == "link to a folder":
        (home / "models/there").symlink_to(home, target_is_directory=True)
        path = home / "models/there/outside.gguf"
    elif how == "link to a file":
        path = home / "models/link.gguf"
        path.symlink_to(outside)
    model = assembly.importer.add(path)
    assembly.library.installed_models.save(replace(assembly.library.installed_models.all()[0], copied=True))
    assert assembly.importer.remove(model.id) == 0
    assert outside.exists()


def test_a_file_that_resists_stays_in_the_library(assembly: LibraryServices, home: Path) -> None:
    model = assembly.importer.add(random_model(home / "some.gguf"), copy=True)
    # A folder in its place cannot be unlinked, whoever asks.
    data = model.path.read_bytes()
    model.path.unlink()
    (model.path / "inside").mkdir(parents=True)
    with pytest.raises(ResourceError) as caught:
        assembly.importer.remove(model.id)
    assert str(model.path) in caught.value.detail
    assert [each.id for each in assembly.library.installed_models.all()] == [model.id]
    assert [record.event for record in assembly.ledger.records()] == ["imported"]
    (model.path / "inside").rmdir()
    model.path.rmdir()
    model.path.write_bytes(data)
    assert assembly.importer.remove(model.id) == len(data)


def test_a_model_that_is_loaded_is_not_removed(assembly: LibraryServices, home: Path) -> None:
    model = assembly.importer.add(random_model(home / "some.gguf"), copy=True)
    link = home / "link"
    link.symlink_to(model.path)
    with pytest.raises(UserError, match="is loaded"):
        assembly.importer.remove(model.id, loaded=[link])
    assert model.path.exists()
    assert assembly.importer.remove(model.id, loaded=[home / "another.gguf"]) == model.size


def test_a_model_whose_file_vanished_can_be_removed(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")
    model = assembly.importer.add(path)
    path.unlink()
    assert assembly.importer.remove(model.id) == 0
    with pytest.raises(NotFoundError):
        assembly.importer.remove(model.id)
    with pytest.raises(ForbiddenError):
        assembly.importer.remove("latchkey-guide")


def test_disk_use_tells_ours_from_what_is_used_in_place(assembly: LibraryServices, home: Path) -> None:
    ours = assembly.importer.add(random_model(home / "some.gguf"), copy=True)
    theirs = assembly.importer.add(random_model(home / "wide.gguf", width=128, metadata={"general.name": "Wide"}))
    use = disk_use(assembly.library.installed_models.all(), home / "models")
    assert [(each.id, each.size, each.freed_bytes, each.owned) for each in use.models] == [
        (theirs.id, theirs.size, 0, False),
        (ours.id, ours.size, ours.size, True),
    ]
    assert (use.ours, use.elsewhere) == (ours.size, theirs.size)
    assert use.free is not None
    assert use.leftovers == ()


def test_unfinished_downloads_are_told_with_what_they_really_take(home: Path) -> None:
    models = home / "models"
    part = models / "owner--name" / "m.gguf.part"
    part.parent.mkdir(parents=True)
    with part.open("wb") as file:
        file.write(b"x" * 8192)
        file.truncate(1 << 30)
    part.with_name("m.gguf.part.state").write_bytes(b"{}")
    (models / "done.gguf").write_bytes(b"whole")
    (found,) = leftovers(models)
    assert (found.kind, found.path) == ("download", part)
    assert {file.name for file in found.files} == {"m.gguf.part", "m.gguf.part.state"}
    assert found.size < 1 << 20
    delete_leftover(found, models)
    assert sorted(each.name for each in models.rglob("*") if each.is_file()) == ["done.gguf"]


def test_a_copy_that_was_cut_off_is_told(home: Path) -> None:
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    folder = home / "models" / f".import-{process}-1.part"
    folder.mkdir(parents=True)
    (folder / "m.gguf").write_bytes(b"half")
    mine = home / "models" / f".import-{os.getpid()}-1.part"
    mine.mkdir()
    (found,) = leftovers(home / "models")
    assert (found.kind, found.path) == ("copy", folder)
    delete_leftover(found, home / "models")
    assert list((home / "models").iterdir()) == [mine]


def test_free_space_of_a_folder_that_is_not_there_yet_is_that_of_its_disk(home: Path) -> None:
    assert free_space(home / "not" / "yet") is not None
    assert disk_use([], home / "not" / "yet").leftovers == ()
