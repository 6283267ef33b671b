"""From what a person typed to a model file: by id, by path, or a sentence that says why not."""

import dataclasses
from pathlib import Path

import pytest

from desktop.errors import EngineError, NotFoundError
from desktop.library.models import Library
from desktop.paths import Paths, find_paths
from tests.fakes.tiny_gguf import random_model

CATALOG = """
version = 1
[[license]]
id = "LicenseRef-Careful"
name = "Careful License"
restrictions = ["non-commercial", "attribution"]
[[model]]
id = "shipped"
name = "Shipped"
family = "Ships"
publisher = "The yard"
license = "LicenseRef-Careful"
gate = "open"
architecture = "llama"
[[model.file]]
name = "ship.gguf"
quantization = "F32"
shipped = "builtin/ship.gguf"
"""


@pytest.fixture
def paths(home: Path) -> Paths:
    """Folders with a catalog of one model, whose file is not there yet."""
    (home / "models.toml").write_text(CATALOG, encoding="utf-8")
    (home / "resources" / "builtin").mkdir(parents=True)
    return dataclasses.replace(find_paths(), resources=home / "resources", catalog=home / "models.toml")


def test_the_built_in_model_is_in_the_library() -> None:
    first = Library(find_paths()).models()[0]
    assert first.id == "latchkey-guide"
    assert first.built_in
    assert first.path == find_paths().builtin_model
    assert first.size == first.path.stat().st_size
    assert (first.license, first.restrictions) == ("Apache-2.0", ())
    assert Library(find_paths()).find("latchkey-guide") == first


def test_a_model_of_the_catalog_is_in_the_library_once_its_file_is_there(paths: Paths, home: Path) -> None:
    assert Library(paths).models() == []
    with pytest.raises(NotFoundError, match="shipped"):
        Library(paths).find("shipped")
    random_model(home / "resources" / "builtin" / "ship.gguf")
    (model,) = Library(paths).models()
    assert (model.name, model.publisher, model.quantization) == ("Shipped", "The yard", "F32")
    assert model.restrictions == ("non-commercial", "attribution")


def test_any_sound_file_is_found_by_its_path_and_says_what_its_header_says(paths: Paths, home: Path) -> None:
    path = random_model(home / "some.gguf", metadata={"general.license": "licenseref-careful"})
    model = Library(paths).find(str(path))
    assert (model.id, model.name, model.built_in) == (str(path), "Tiny random", False)
    assert model.size == path.stat().st_size
    assert model.license == "LicenseRef-Careful"
    assert model.restrictions == ("non-commercial", "attribution")


def test_a_license_that_the_catalog_does_not_know_is_told_as_the_file_tells_it(paths: Paths, home: Path) -> None:
    model = Library(paths).find(str(random_model(home / "some.gguf", metadata={"general.license": "weird-1.0"})))
    assert (model.license, model.restrictions) == ("weird-1.0", ())


def test_a_file_without_a_name_goes_by_its_file_name(paths: Paths, home: Path) -> None:
    path = random_model(home / "nameless-7b.gguf", metadata={"general.name": None})
    assert Library(paths).find(str(path)).name == "nameless-7b"


def test_a_relative_path_and_one_in_the_home_folder_work(
    paths: Paths, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random_model(home / "some.gguf")
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    assert Library(paths).find("some.gguf").path == home / "some.gguf"
    assert Library(paths).find("~/some.gguf").path == home / "some.gguf"


def test_an_id_wins_over_a_file_of_the_same_name(paths: Paths, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random_model(home / "resources" / "builtin" / "ship.gguf")
    monkeypatch.chdir(home)
    (home / "shipped").write_text("not a model")
    assert Library(paths).find("shipped").id == "shipped"


def test_what_is_not_there_is_told_apart(paths: Paths, home: Path) -> None:
    library = Library(paths)
    with pytest.raises(NotFoundError, match="no model called"):
        library.find("llama-99")
    with pytest.raises(NotFoundError, match="no file"):
        library.find("some.gguf")
    with pytest.raises(NotFoundError, match="no file"):
        library.find("models/some")
    with pytest.raises(NotFoundError, match="folder"):
        library.find(str(home))


def test_a_file_that_is_no_model_is_refused(paths: Paths, home: Path) -> None:
    (home / "letter.gguf").write_text("Dear reader")
    with pytest.raises(EngineError):
        Library(paths).find(str(home / "letter.gguf"))
