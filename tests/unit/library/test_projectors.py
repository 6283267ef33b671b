"""The projector of a model: found beside it, taken in, fetched, admitted and removed with it, listed as no model."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from desktop.chat.engine_requests import load_params
from desktop.engine.pooled_engine import needed_memory
from desktop.errors import EngineError, IntegrityError
from desktop.hub.repository_files import FilePart
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.library.model_projector import best_projector_name
from desktop.library.other_apps import discover_in
from desktop.paths import find_paths
from desktop.settings import Settings
from tests.accepting import accept
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model
from tests.fakes.tiny_projector import tiny_projector


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def folder(home: Path) -> Path:
    """With a model in it, and its projector beside it."""
    made = home / "vision"
    made.mkdir()
    random_model(made / "tiny-Q8_0.gguf")
    tiny_projector(made / "mmproj-tiny-F16.gguf")
    return made


def test_a_model_is_imported_with_the_projector_beside_it(assembly: LibraryServices, folder: Path) -> None:
    projector = folder / "mmproj-tiny-F16.gguf"
    model = assembly.importer.add(folder / "tiny-Q8_0.gguf")
    assert model.projector is not None
    assert (model.projector.path, model.projector.sha256) == (str(projector), sha256_of(projector))
    assert model.projector_path == projector
    library = assembly.library
    assert str(projector) not in [str(each.path) for each in library.models()]
    params = load_params(model, Settings())
    assert params.projector == str(projector)
    plain = load_params(library.find("latchkey-guide"), Settings())
    assert plain.projector == ""
    # It is admitted, recorded and watched under what was accepted for its model.
    accept(assembly, model.id)
    (file,) = assembly.license_check.admit(projector)
    assembly.license_check.record_load(projector, (file,))
    record = list(assembly.ledger.records())[-1]
    assert (record.event, record.model, record.file_sha256) == ("loaded", model.id, sha256_of(projector))
    tiny_projector(projector, seed=5)
    with pytest.raises(IntegrityError):
        assembly.license_check.admit(projector)
    projector.unlink()
    assert library.find(model.id).projector_path is None, "it answers without"
    assert assembly.importer.remove(model.id) == 0
    assert (folder / "tiny-Q8_0.gguf").exists()


def test_memory_is_counted_with_the_projector(assembly: LibraryServices, folder: Path) -> None:
    params = load_params(assembly.importer.add(folder / "tiny-Q8_0.gguf"), Settings())
    shutil.move(params.projector, folder / "away.gguf")
    without = needed_memory(params)
    shutil.move(folder / "away.gguf", params.projector)
    assert needed_memory(params) >= without + Path(params.projector).stat().st_size


def test_a_copy_takes_the_projector_along_and_is_removed_with_it(assembly: LibraryServices, folder: Path) -> None:
    model = assembly.importer.add(folder, copy=True)
    assert model.projector is not None
    copied = Path(model.projector.path)
    assert copied.parent == model.path.parent != folder
    assert sha256_of(copied) == sha256_of(folder / "mmproj-tiny-F16.gguf") == model.projector.sha256
    accept(assembly, model.id)
    assert assembly.license_check.admit(copied)
    assert assembly.importer.remove(model.id) >= copied.parent.parent.stat().st_size
    assert not copied.exists()
    assert (folder / "mmproj-tiny-F16.gguf").exists()


def test_a_projector_that_comes_later_is_found_when_the_model_is_imported_again(
    assembly: LibraryServices, folder: Path
) -> None:
    projector = folder / "mmproj-tiny-F16.gguf"
    projector.rename(folder.parent / "later.gguf")
    assert assembly.importer.add(folder / "tiny-Q8_0.gguf").projector is None
    (folder.parent / "later.gguf").rename(projector)
    again = assembly.importer.import_file(folder / "tiny-Q8_0.gguf")
    assert again.model.projector_path == projector
    assert assembly.importer.import_file(folder / "tiny-Q8_0.gguf").existed


def test_of_several_projectors_the_one_that_belongs_to_the_model_is_taken(
    assembly: LibraryServices, folder: Path
) -> None:
    random_model(folder / "other-Q8_0.gguf", seed=8)
    random_model(folder / "wide-Q8_0.gguf", width=256)
    tiny_projector(folder / "mmproj-other-F16.gguf", seed=3)
    tiny_projector(folder / "mmproj-tiny-BF16.gguf", seed=4)
    tiny_projector(folder / "mmproj-hearing.gguf", metadata={"clip.has_vision_encoder": False})
    (folder / "mmproj-broken.gguf").write_bytes(b"GGUF" + bytes(64))
    found = {name: assembly.importer.add(folder / f"{name}-Q8_0.gguf").projector for name in ("tiny", "other", "wide")}
    names = {name: Path(each.path).name if each is not None else "" for name, each in found.items()}
    assert names == {"tiny": "mmproj-tiny-F16.gguf", "other": "mmproj-other-F16.gguf", "wide": ""}


def test_a_projector_alone_is_told_what_it_is(assembly: LibraryServices, folder: Path) -> None:
    with pytest.raises(EngineError, match="is a projector") as caught:
        assembly.importer.add(folder / "mmproj-tiny-F16.gguf")
    assert "import that" in caught.value.remedy
    found = discover_in(folder)
    assert [each.path.name for each in found.models] == ["tiny-Q8_0.gguf"]
    assert found.skipped == ()


def test_ollamas_projector_is_named_by_its_manifest(assembly: LibraryServices, folder: Path) -> None:
    store = folder.parent / "store"
    (store / "blobs").mkdir(parents=True)
    layers = []
    for kind, path in (("model", folder / "tiny-Q8_0.gguf"), ("projector", folder / "mmproj-tiny-F16.gguf")):
        digest, data = sha256_of(path), path.read_bytes()
        (store / "blobs" / f"sha256-{digest}").write_bytes(data)
        kind = f"application/vnd.ollama.image.{kind}"
        layers.append({"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)})
    manifest = store / "manifests" / "registry.ollama.ai" / "library" / "tiny" / "latest"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"layers": layers}))
    (found,) = discover_in(store).models
    model = assembly.importer.add(found)
    assert model.projector is not None
    assert model.projector.sha256 == layers[1]["digest"].removeprefix("sha256:")  # type: ignore[attr-defined]


def test_the_projector_to_fetch_is_the_most_usual_one_beside_the_model() -> None:
    names = ["mmproj-BF16.gguf", "mmproj-F32.gguf", "mmproj-F16.gguf", "sub/mmproj-F16.gguf", "a-Q4_K_M.gguf"]
    assert best_projector_name(names, "a-Q4_K_M.gguf") == "mmproj-F16.gguf"
    assert best_projector_name(names, "sub/a-Q4_K_M.gguf") == "sub/mmproj-F16.gguf"
    assert best_projector_name(["a-mmproj-f16.gguf", "b-mmproj-f16.gguf"], "b-Q8_0.gguf") == "b-mmproj-f16.gguf"
    assert best_projector_name(["a-Q4_K_M.gguf"], "a-Q4_K_M.gguf") == ""


@pytest.fixture
def at_hub(home: Path, folder: Path) -> Iterator[tuple[LibraryServices, FakeHub, FakeRepository]]:
    with FakeHub() as hub:
        repository = hub.add(FakeRepository("acme/tiny-GGUF", card={"license": "apache-2.0"}))
        settings = Settings(hub_endpoint=hub.endpoint)
        environ = {"LATCHKEY_HOME": str(home)}
        with closing(build_library_services(find_paths(), environ, settings=lambda: settings)) as made:
            yield made, hub, repository


@pytest.mark.loopback
@pytest.mark.parametrize("sound", [True, False])
def test_a_download_brings_the_projector_of_its_repository(
    at_hub: tuple[LibraryServices, FakeHub, FakeRepository], folder: Path, sound: bool
) -> None:
    assembly, _, repository = at_hub
    projector = folder / "mmproj-tiny-F16.gguf"
    if not sound:
        tiny_projector(projector, metadata={"clip.vision.patch_size": 0})
    repository.add_file("tiny-Q8_0.gguf", folder / "tiny-Q8_0.gguf")
    repository.add_file("mmproj-tiny-F16.gguf", projector)
    known = assembly.lookup.look_up("acme/tiny-GGUF")
    record = assembly.library.hub_records.find(known.model_id)
    assert record is not None
    assert [each.name for each in record.files] == ["tiny-Q8_0.gguf"]
    assert record.projectors == (FilePart("mmproj-tiny-F16.gguf", projector.stat().st_size, sha256_of(projector)),)
    accept(assembly, known.model_id)
    item = assembly.downloads.wait(assembly.downloads.start(known.model_id), 60)
    assert item.error is None, item.error
    assert item.progress.total == sum(each.stat().st_size for each in (projector, folder / "tiny-Q8_0.gguf"))
    model = assembly.library.find(known.model_id)
    assert model.size == (folder / "tiny-Q8_0.gguf").stat().st_size
    if not sound:
        assert model.projector is None, "the model is there all the same"
        return
    assert model.projector is not None
    assert (model.projector.sha256, model.projector.copied) == (sha256_of(projector), True)
    assert assembly.license_check.admit(Path(model.projector.path))
    assembly.importer.remove(model.id)
    assert not Path(model.projector.path).exists()
