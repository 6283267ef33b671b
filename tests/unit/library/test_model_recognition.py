"""A file that is taken in is known as the catalog's model, with its terms, its prompt and its name; and never more than
that: what a file is called opens no door."""

import shutil
from pathlib import Path

import pytest

from desktop.engine.gguf_header import read_header
from desktop.errors import LicenseError
from desktop.library.file_hashes import FileHashes
from desktop.library.library_model import LibraryModel
from desktop.library.library_services import LibraryServices
from desktop.library.other_apps import discover_in
from desktop.licenses.license_verdict import unrestricted_licenses
from desktop.paths import find_paths
from tests.accepting import accept
from tests.fakes.other_apps import hub_cache
from tests.fakes.tiny_gguf import random_model

OWN = """
version = 1
[[model]]
id = "poet-1b-chat"
name = "Poet 1B Chat"
family = "Poet"
publisher = "Acme"
license = "{license}"
gate = "open"
summary = "It rhymes."
architecture = "llama"
origin = "derived"
base = [{{ id = "smollm2-135m", relation = "fine-tune" }}]
repository = "acme/Poet-1B-Chat"
gguf = "acme/Poet-1B-Chat-GGUF"
prompt = "alpaca"
parameters = {parameters}
[[model.file]]
name = "poet-1b-chat.Q8_0.gguf"
quantization = "Q8_0"
sha256 = "{sha256}"
"""


def poet(home: Path, name: str, license_id: str = "apache-2.0", **metadata: object) -> Path:
    """A file of the shape of the catalog's poet, without a template."""
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"general.name": None, "general.license": license_id or None, **metadata}
    random_model(path, template=None, metadata={key.replace("__", "."): value for key, value in told.items()})
    know(path)
    return path


def know(path: Path, license_id: str = "Apache-2.0", sha256: str = "") -> None:
    """Write a catalog of one's own that has the model, of the shape of this file."""
    paths = find_paths()
    paths.config.mkdir(parents=True, exist_ok=True)
    text = OWN.format(license=license_id, parameters=read_header(path).parameters, sha256=sha256)
    paths.own_catalog.write_text(text, encoding="utf-8")


def needed(assembly: LibraryServices, model: LibraryModel) -> list[str]:
    return [each.id for each in assembly.library.find_listed(model.id).subject.needed]


def ancestors(assembly: LibraryServices, model: LibraryModel) -> list[str]:
    return [each.node.id for each in assembly.library.find_listed(model.id).subject.lineage.ancestors if each.inherits]


def test_renaming_a_file_does_not_make_one_click_of_its_license(assembly: LibraryServices, home: Path) -> None:
    """Neither where nobody knows what it is, nor where it is called as a model that nothing restricts."""
    (home / "renamed").mkdir()
    for name in ("foo.gguf", "renamed/Poet-1B-Chat.gguf"):
        model = assembly.importer.add(poet(home, name, general__description=name))
        subject = assembly.library.find_listed(model.id).subject
        verdict = assembly.acknowledgements.verdict(subject)
        assert (model.identified_by, verdict.refusal) == ("file-name" if "Poet" in name else "", "license")
        assert unrestricted_licenses(subject, verdict) == ()


def test_a_file_is_known_by_its_name_where_its_header_agrees(assembly: LibraryServices, home: Path) -> None:
    model = assembly.importer.add(poet(home, "Poet-1B-Chat-Q4_0.gguf", general__name="poet 1b ep3 mix2"))
    assert (model.name, model.identified_by) == ("Poet 1B Chat", "file-name")
    assert model.id.startswith("poet-1b-chat-")
    assert "Instruction" in model.chat_template  # the entry's prompt
    assert ancestors(assembly, model) == ["smollm2-135m", "poet-1b-chat"]
    assert needed(assembly, model) == ["Apache-2.0"]
    listed = assembly.library.list_models()
    assert [each.subject.name for each in listed].count("Poet 1B Chat") == 1
    assert assembly.library.find("poet-1b-chat").path == model.path


def test_a_known_hash_makes_it_that_very_model(assembly: LibraryServices, home: Path) -> None:
    path = poet(home, "whatever.gguf")
    know(path, sha256=FileHashes(home / "cache").sha256(path))
    model = assembly.importer.add(path)
    assert (model.id, model.name, model.identified_by) == ("poet-1b-chat", "Poet 1B Chat", "sha256")
    assert assembly.library.find_listed(model.id).subject.hash_vouched


def test_what_its_header_names_still_applies_to_a_file_of_a_known_hash(assembly: LibraryServices, home: Path) -> None:
    path = poet(home, "whatever.gguf", "llama3.2")
    know(path, sha256=FileHashes(home / "cache").sha256(path))
    assert set(needed(assembly, assembly.importer.add(path))) == {"Apache-2.0", "LicenseRef-Llama-3.2"}


def test_another_apps_folder_names_the_repository(assembly: LibraryServices, home: Path) -> None:
    path = poet(home, "odd.gguf")
    hub_cache(home / "cache", "acme/Poet-1B-Chat-GGUF", {"odd.gguf": path.read_bytes()})
    (found,) = discover_in(home / "cache").models
    model = assembly.importer.add(found)
    assert (model.name, model.identified_by) == ("Poet 1B Chat", "repository")
    assert ancestors(assembly, model) == ["smollm2-135m", "poet-1b-chat"]


@pytest.mark.parametrize(
    ("license_id", "wanted"),
    [
        ("", {"Apache-2.0", "LicenseRef-Unknown"}),
        ("weird-1.0", {"Apache-2.0", "LicenseRef-Unknown"}),
        ("llama3.2", {"Apache-2.0", "LicenseRef-Llama-3.2"}),
    ],
)
def test_a_name_takes_no_term_of_the_file_away(
    assembly: LibraryServices, home: Path, license_id: str, wanted: set[str]
) -> None:
    model = assembly.importer.add(poet(home, "Poet-1B-Chat.gguf", license_id))
    assert model.identified_by == "file-name"
    assert set(needed(assembly, model)) == wanted


def test_a_renamed_file_does_not_answer_under_what_was_accepted_for_the_model(
    assembly: LibraryServices, home: Path
) -> None:
    true = poet(home, "true.gguf")
    know(true, sha256=FileHashes(home / "cache").sha256(true))
    accept(assembly, assembly.importer.add(true).id)
    assembly.license_check.admit(true)
    false = home / "Poet-1B-Chat.gguf"
    random_model(false, seed=9, template=None, metadata={"general.name": None})
    model = assembly.importer.add(false)
    assert model.identified_by == "file-name"
    with pytest.raises(LicenseError, match="waits for you"):
        assembly.license_check.admit(false)
    assert assembly.library.find("poet-1b-chat").path == true


@pytest.mark.parametrize("name", ["Poet-1B-Chat-uncensored.gguf", "Poet-7B-Chat.gguf", "Poet-1B.gguf", "mine.gguf"])
def test_a_name_that_says_more_or_less_is_another_model(assembly: LibraryServices, home: Path, name: str) -> None:
    model = assembly.importer.add(poet(home, name))
    assert model.identified_by == ""
    assert ancestors(assembly, model) == []


def test_a_file_of_another_shape_is_another_model(assembly: LibraryServices, home: Path) -> None:
    poet(home, "small.gguf")
    model = assembly.importer.add(random_model(home / "Poet-1B-Chat.gguf", layers=9, metadata={"general.name": None}))
    assert model.identified_by == ""
    # It says so itself; the catalog's model of that name is another one, and stands in the list as well.
    names = {each.subject.id: each.subject.name for each in assembly.library.list_models()}
    assert names["poet-1b-chat"] == "Poet 1B Chat"
    (kept,) = (each for each in assembly.library.installed_models.all() if each.id == model.id)
    assert names[model.id] == model.name == f"Poet 1B Chat ({kept.sha256[:8]})"
    assert ancestors(assembly, model) == []


def test_the_same_bytes_under_another_name_are_what_they_were(assembly: LibraryServices, home: Path) -> None:
    path = poet(home, "Poet-1B-Chat.gguf")
    know(path, "LicenseRef-Llama-3.2")
    model = assembly.importer.add(path)
    before = set(needed(assembly, model))
    shutil.copyfile(path, home / "mine.gguf")
    again = assembly.importer.add(home / "mine.gguf", "MIT")
    assert (again.id, again.identified_by) == (model.id, "file-name")
    assert set(needed(assembly, again)) == before | {"MIT"}


def test_a_model_that_was_unknown_when_it_was_added_is_recognized_when_it_is_added_again(
    assembly: LibraryServices, home: Path
) -> None:
    path = poet(home, "Poet-1B-Chat.gguf")
    find_paths().own_catalog.unlink()
    first = assembly.importer.add(path)
    assert first.identified_by == ""
    know(path)
    again = assembly.importer.import_file(path)
    assert not again.existed
    assert (again.model.id, again.model.identified_by) == (first.id, "file-name")
    assert assembly.importer.import_file(path).existed


def test_two_files_of_one_name_are_told_apart(assembly: LibraryServices, home: Path) -> None:
    for folder, seed in (("a", 1), ("b", 2)):
        (home / folder).mkdir()
        path = random_model(home / folder / "rhyme.gguf", seed=seed, metadata={"general.name": "models"})
        assembly.importer.add(path)
    here = [each for each in assembly.library.list_models() if each.model is not None and each.model.imported]
    names = [each.subject.name for each in here]
    assert len(set(names)) == 2
    assert all(name.startswith("rhyme (") for name in names)
    assert [each.model.name for each in here if each.model is not None] == names


@pytest.mark.parametrize("name", ["LLaMA v2", "models", "hub", ".", "snapshot"])
def test_the_name_of_a_folder_is_no_title(assembly: LibraryServices, home: Path, name: str) -> None:
    path = random_model(home / "some-poet.Q8_0.gguf", metadata={"general.name": name})
    model = assembly.importer.add(path)
    assert (model.name, model.id.rsplit("-", 1)[0]) == ("some poet", "some-poet")


def test_a_name_that_was_kept_before_is_shown_as_a_person_can_read_it(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some-poet.gguf")
    model = assembly.importer.add(path)
    file = find_paths().imports / f"{model.id}.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"Tiny random"', '"models"'), encoding="utf-8")
    assert assembly.library.find(model.id).name == "some poet"
