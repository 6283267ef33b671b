"""From what a person typed to a model file: by id, by path, or a sentence that says why not."""

import dataclasses
from pathlib import Path

import pytest

from desktop.errors import EngineError, NotFoundError
from desktop.library.library import Library
from desktop.licenses.acknowledgements import Acknowledgements
from desktop.licenses.license_texts import LicenseTexts
from desktop.paths import Paths, find_paths
from tests.fakes.tiny_gguf import random_model

CATALOG = """
version = 1
[[license]]
id = "LicenseRef-Careful"
name = "Careful License"
text = "licenses/careful.txt"
[[license.restriction]]
restriction = "non-commercial"
clause = "1"
says = "Not for money."
quote = "not for money"
[[license.restriction]]
restriction = "attribution"
clause = "2"
says = "Name us."
quote = "name us"
[[prompt]]
id = "shout"
template = "{{ messages[-1].content | upper }}"
stops = ["!"]
[[model]]
id = "shipped"
name = "Shipped"
family = "Ships"
publisher = "The yard"
license = "LicenseRef-Careful"
gate = "open"
summary = "A ship."
architecture = "llama"
repository = "yard/ship"
prompt = "shout"
[[model.file]]
name = "ship.gguf"
quantization = "F32"
shipped = "builtin/ship.gguf"
[[model]]
id = "elsewhere"
name = "Elsewhere"
family = "Ships"
publisher = "The yard"
license = "LicenseRef-Careful"
gate = "open"
summary = "Not here."
architecture = "llama"
"""


@pytest.fixture
def paths(home: Path) -> Paths:
    """Folders with a catalog of two models; the file of the one that ships is not there yet."""
    (home / "models.toml").write_text(CATALOG, encoding="utf-8")
    (home / "resources" / "builtin").mkdir(parents=True)
    (home / "resources" / "licenses").mkdir()
    (home / "resources" / "licenses" / "careful.txt").write_text("1. not for money 2. name us", encoding="utf-8")
    return dataclasses.replace(find_paths(), resources=home / "resources", catalog=home / "models.toml")


def library(paths: Paths) -> Library:
    def no_acknowledgements() -> Acknowledgements:
        raise AssertionError("no verdict is asked for")

    return Library(paths, LicenseTexts((paths.resources, paths.config)), no_acknowledgements)


def test_the_built_in_model_is_in_the_library() -> None:
    first = library(find_paths()).models()[0]
    assert first.id == "latchkey-guide"
    assert first.built_in
    assert first.path == find_paths().builtin_model
    assert first.size == first.path.stat().st_size
    assert (first.license, first.restrictions) == ("Apache-2.0", ())
    assert library(find_paths()).find("latchkey-guide") == first


def test_a_model_of_the_catalog_is_in_the_library_once_its_file_is_there(paths: Paths, home: Path) -> None:
    assert library(paths).models() == []
    with pytest.raises(NotFoundError, match="shipped"):
        library(paths).find("shipped")
    random_model(home / "resources" / "builtin" / "ship.gguf")
    (model,) = library(paths).models()
    assert (model.name, model.publisher, model.quantization) == ("Shipped", "The yard", "F32")
    assert model.restrictions == ("non-commercial", "attribution")


def test_any_sound_file_is_found_by_its_path_and_says_what_its_header_says(paths: Paths, home: Path) -> None:
    path = random_model(home / "some.gguf", metadata={"general.license": "licenseref-careful"})
    model = library(paths).find(str(path))
    assert (model.id, model.name, model.built_in) == (str(path), "Tiny random", False)
    assert model.size == path.stat().st_size
    assert model.license == "LicenseRef-Careful"
    assert model.restrictions == ("non-commercial", "attribution")


def test_a_license_that_the_catalog_does_not_know_is_told_as_the_file_tells_it(paths: Paths, home: Path) -> None:
    model = library(paths).find(str(random_model(home / "some.gguf", metadata={"general.license": "weird-1.0"})))
    assert (model.license, model.restrictions) == ("weird-1.0", ())


def test_a_file_without_a_name_goes_by_its_file_name(paths: Paths, home: Path) -> None:
    path = random_model(home / "nameless-7b.gguf", metadata={"general.name": None})
    assert library(paths).find(str(path)).name == "nameless 7b"


def test_a_relative_path_and_one_in_the_home_folder_work(
    paths: Paths, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random_model(home / "some.gguf")
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    assert library(paths).find("some.gguf").path == home / "some.gguf"
    assert library(paths).find("~/some.gguf").path == home / "some.gguf"


def test_an_id_wins_over_a_file_of_the_same_name(paths: Paths, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random_model(home / "resources" / "builtin" / "ship.gguf")
    monkeypatch.chdir(home)
    (home / "shipped").write_text("not a model")
    assert library(paths).find("shipped").id == "shipped"


def test_what_is_not_there_is_told_apart(paths: Paths, home: Path) -> None:
    shelf = library(paths)
    with pytest.raises(NotFoundError, match="no model called"):
        shelf.find("llama-99")
    with pytest.raises(NotFoundError, match="no file"):
        shelf.find("some.gguf")
    with pytest.raises(NotFoundError, match="no file"):
        shelf.find("models/some")
    with pytest.raises(NotFoundError, match="folder"):
        shelf.find(str(home))


def test_a_file_that_is_no_model_is_refused(paths: Paths, home: Path) -> None:
    (home / "letter.gguf").write_text("Dear reader")
    with pytest.raises(EngineError):
        library(paths).find(str(home / "letter.gguf"))


def test_the_catalog_is_listed_behind_what_is_here_and_each_model_can_be_looked_at(paths: Paths, home: Path) -> None:
    random_model(home / "resources" / "builtin" / "ship.gguf")
    assert [(each.subject.id, each.model is not None) for each in library(paths).list_models()] == [
        ("shipped", True),
        ("elsewhere", False),
    ]
    assert library(paths).find_listed("elsewhere").model is None
    with pytest.raises(NotFoundError, match="not on this computer"):
        library(paths).find("elsewhere")


def test_a_model_is_loaded_with_the_prompt_that_the_catalog_knows_for_it(paths: Paths, home: Path) -> None:
    random_model(home / "resources" / "builtin" / "ship.gguf")
    shipped = library(paths).find("shipped")
    assert (shipped.chat_template, shipped.stops) == ("{{ messages[-1].content | upper }}", ("!",))
    tuned = random_model(home / "tuned.gguf", metadata=made_from("yard/ship"))
    assert library(paths).find(str(tuned)).stops == ("!",)


def test_a_persons_own_catalog_is_read_when_it_appears_and_again_when_it_changes(paths: Paths) -> None:
    shelf = library(paths)
    assert [entry.id for entry in shelf.catalog.model] == ["shipped", "elsewhere"]
    paths.config.mkdir(parents=True)
    own = CATALOG[CATALOG.index("[[model]]") :].replace('"shipped"', '"own"')
    own = own.replace('shipped = "builtin/ship.gguf"', "")
    paths.own_catalog.write_text("version = 1\n" + own.replace('gate = "open"', 'gate = "open"\ngguf = "own/own"', 1))
    assert [entry.id for entry in shelf.catalog.model] == ["shipped", "elsewhere", "own"]
    assert len(shelf.problems) == 1  # "elsewhere" is taken
    paths.own_catalog.write_text("broken")
    assert [entry.id for entry in shelf.catalog.model] == ["shipped", "elsewhere"]


def made_from(repository: str) -> dict[str, object]:
    """Header entries that say what a file was made from."""
    return {
        "general.base_model.count": 1,
        "general.base_model.0.name": repository.split("/")[1],
        "general.base_model.0.repo_url": f"https://huggingface.co/{repository}",
    }
