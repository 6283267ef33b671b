"""Listing models takes one look at each: a library of thousands is no reason to wait."""

import hashlib
from collections import Counter
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from desktop.errors import StoppedError
from desktop.library import installed_models
from desktop.library.installed_models import InstalledModel, installed_id
from desktop.library.library_services import build_library_services
from desktop.paths import find_paths
from tests.accepting import accept
from tests.fakes.tiny_gguf import random_model

MANY = 2000


def fill(folder: Path, models: Path) -> None:
    """A library of many imports, without the time that importing them takes."""
    folder.mkdir(parents=True)
    models.mkdir(parents=True)
    for number in range(MANY):
        file = models / f"{number}.gguf"
        file.write_bytes(b"x")
        sha256 = hashlib.sha256(b"%d" % number).hexdigest()
        name = f"Model {number}"
        model = InstalledModel(
            id=installed_id(name, sha256),
            name=name,
            path=str(file),
            size=1,
            sha256=sha256,
            quantization="Q8_0",
            architecture="llama",
            licenses=("Apache-2.0",),
        )
        (folder / f"{model.id}.json").write_bytes(msgspec.json.encode(model))


def test_what_waits_of_every_model_here_is_told_by_one_look_at_each(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = find_paths()
    fill(paths.imports, paths.models)
    looks: Counter[str] = Counter()
    read = installed_models._read

    def counted(file: Path) -> InstalledModel | None:
        looks[file.name] += 1
        return read(file)

    monkeypatch.setattr(installed_models, "_read", counted)
    with closing(build_library_services(paths)) as assembly:
        cards = assembly.library.cards_here()
    assert len(cards) == MANY + 1  # and the built-in one
    assert len(looks) == MANY
    assert set(looks.values()) == {1}


def test_an_id_names_so_much_of_the_hash_that_nobody_finds_another_file_for_it() -> None:
    sha256 = hashlib.sha256(b"model").hexdigest()
    twin = sha256[:8] + hashlib.sha256(b"another").hexdigest()[8:]
    assert installed_id("Tiny", sha256) != installed_id("Tiny", twin)
    bits = 5 * len(installed_id("Tiny", sha256).removeprefix("tiny-"))
    assert bits >= 128


def test_an_import_under_a_shorter_id_keeps_it_and_what_was_accepted_for_it(home: Path) -> None:
    file = random_model(home / "tiny.gguf")
    with closing(build_library_services(find_paths())) as assembly:
        kept = assembly.library.installed_models
        new = assembly.importer.add(file)
        (model,) = kept.all()
        old = msgspec.structs.replace(model, id=f"tiny-random-{model.sha256[:8]}")
        kept.save(old)
        kept.delete(new.id)
        accept(assembly, old.id)
        assembly.license_check.admit(file)
        assembly.license_check.record_load(file)
        assert assembly.importer.import_file(file).existed
        assert [each.id for each in kept.all()] == [old.id]
        assert assembly.importer.verify(old.id).id == old.id


def test_a_listing_ends_where_its_services_are_closed(home: Path) -> None:
    assembly = build_library_services(find_paths())
    listed = assembly.library.list_models()
    assembly.library.card_of(listed[0])
    assembly.close()
    with pytest.raises(StoppedError):
        assembly.library.card_of(listed[0])
