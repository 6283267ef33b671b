"""Models that other apps fetched are found where those apps put them, on each system, with what they say of them."""

import json
import sys
import threading
from pathlib import Path

import pytest

from desktop.errors import NotFoundError
from desktop.library.library_services import LibraryServices
from desktop.library.other_apps import (
    DiscoveredModel,
    DiscoveryResult,
    discover_in,
    discover_models,
    discover_usable_models,
)
from tests.fakes.other_apps import COMMIT, OllamaStore, hub_cache, split_model
from tests.fakes.tiny_gguf import random_model


def put(path: Path, seed: int = 7, **metadata: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return random_model(path, seed=seed, metadata=metadata)


def found(home: Path, system: str = "Linux", **environ: str) -> DiscoveryResult:
    return discover_models(environ, home, system, top=home / "disk")


def only(findings: DiscoveryResult) -> DiscoveredModel:
    assert [each.reason for each in findings.skipped] == []
    assert len(findings.models) == 1
    return findings.models[0]


def test_a_person_who_has_no_other_app_has_nothing_found(home: Path) -> None:
    assert discover_usable_models({}, home, "Linux") == ()
    assert found(home) == DiscoveryResult(())
    assert list(home.iterdir()) == []


# --- LM Studio -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", ["Linux", "Darwin", "Windows"])
@pytest.mark.parametrize("folder", [".lmstudio/models", ".cache/lm-studio/models"])
def test_lm_studio_names_publisher_and_repository_by_its_folders(home: Path, system: str, folder: str) -> None:
    path = put(home / folder / "lmstudio-community/Tiny-GGUF/Tiny-Q4_K_M.gguf")
    model = only(found(home, system))
    assert (model.app, model.path, model.repository) == ("LM Studio", path, "lmstudio-community/Tiny-GGUF")
    assert (model.name, model.size, model.architecture) == ("Tiny random", path.stat().st_size, "llama")
    assert (model.license, model.commit, model.claims, model.imported) == ("apache-2.0", "", (), "")


@pytest.mark.parametrize(
    ("system", "settings"),
    [
        ("Linux", ".lmstudio/settings.json"),
        ("Linux", ".config/LM Studio/settings.json"),
        ("Darwin", "Library/Application Support/LM Studio/settings.json"),
        ("Windows", "AppData/Roaming/LM Studio/settings.json"),
    ],
)
def test_a_folder_that_lm_studios_settings_name_is_looked_into(home: Path, system: str, settings: str) -> None:
    path = put(home / "big disk" / "a" / "b" / "c.gguf")
    (home / settings).parent.mkdir(parents=True)
    (home / settings).write_text(json.dumps({"downloadsFolder": str(home / "big disk"), "other": [1]}))
    assert only(found(home, system)).path == path


def test_lm_studios_home_is_where_its_pointer_says(home: Path) -> None:
    path = put(home / "moved" / "models" / "a" / "b" / "c.gguf")
    (home / ".lmstudio-home-pointer").write_text(f"{home / 'moved'}\n")
    assert only(found(home)).path == path


def test_files_that_are_no_whole_models_are_not_offered(home: Path) -> None:
    folder = home / ".lmstudio/models/a/b"
    path = put(folder / "m.gguf")
    for name in ("mmproj-m-f16.gguf", "m.imatrix.gguf"):
        (folder / name).write_bytes(path.read_bytes())
    (folder / "notes.txt").write_text("GGUF")
    assert only(found(home)).path == path


def test_what_is_unsound_is_left_out_with_its_reason(home: Path) -> None:
    folder = home / ".lmstudio/models/a/b"
    whole = put(folder / "whole.gguf").read_bytes()
    (folder / "cut.gguf").write_bytes(whole[: len(whole) // 2])
    (folder / "page.gguf").write_text("<!doctype html>")
    put(folder / "embedding.gguf", seed=8, **{"general.architecture": "bert"})
    findings = found(home)
    assert [each.path.name for each in findings.models] == ["whole.gguf"]
    reasons = {each.path.name: each.reason for each in findings.skipped}
    assert "incomplete" in reasons["cut.gguf"]
    assert "web page" in reasons["page.gguf"]
    assert "embedding" in reasons["embedding.gguf"]
    assert findings.complete


def test_a_model_in_several_files_is_one_and_a_missing_part_is_named(home: Path) -> None:
    files = split_model(home / ".lmstudio/models/a/b")
    model = only(found(home))
    assert (model.path, model.files) == (files[0], tuple(files))
    assert model.size == sum(file.stat().st_size for file in files)
    files[1].unlink()
    assert files[1].name in found(home).skipped[0].reason
    split_model(files[0].parent)
    files[0].unlink()
    assert files[0].name in found(home).skipped[0].reason


# --- Ollama ----------------------------------------------------------------------------------------------------------


def test_an_ollama_blob_goes_by_the_name_and_the_license_of_its_manifest(home: Path) -> None:
    store = OllamaStore(home / ".ollama/models")
    layer = store.model(home)
    store.name("registry.ollama.ai/library/llama3.2/latest", [layer, store.license("Be kind.")])
    store.name("registry.ollama.ai/library/llama3.2/3b", [layer, store.license("Be kind.")])
    model = only(found(home))
    assert (model.app, model.name, model.path) == ("Ollama", "llama3.2:3b", store.path(layer))
    assert model.license_texts == ("Be kind.",)
    assert model.claims == (layer["digest"][7:],)


@pytest.mark.parametrize(
    ("manifest", "name", "repository"),
    [
        ("registry.ollama.ai/somebody/tiny/q4", "somebody/tiny:q4", ""),
        ("hf.co/bartowski/Tiny-GGUF/Q4_K_M", "hf.co/bartowski/Tiny-GGUF:Q4_K_M", "bartowski/Tiny-GGUF"),
    ],
)
def test_names_of_other_registries_say_where_the_model_came_from(
    home: Path, manifest: str, name: str, repository: str
) -> None:
    store = OllamaStore(home / "elsewhere")
    store.name(manifest, [store.model(home)])
    model = only(found(home, OLLAMA_MODELS=f'"{home / "elsewhere"}"'))
    assert (model.name, model.repository) == (name, repository)


@pytest.mark.parametrize(
    "folder",
    [
        "usr/share/ollama/.ollama/models",
        "var/snap/ollama/common/models",
        "var/lib/ollama",
        "var/lib/ollama/models",
        "var/lib/ollama/.ollama/models",
    ],
)
def test_the_stores_of_linux_services_are_found(home: Path, folder: str) -> None:
    store = OllamaStore(home / "disk" / folder)
    store.name("registry.ollama.ai/library/a/b", [store.model(home)])
    assert only(found(home)).name == "a:b"
    assert found(home, "Darwin").models == ()


def test_newer_manifests_are_links_to_blobs_and_lists_of_alternatives(home: Path) -> None:
    store = OllamaStore(home / ".ollama/models")
    layer = store.model(home)
    inner = store.blob(json.dumps({"layers": [layer]}).encode())
    outer = store.blob(json.dumps({"manifests": [{"digest": inner["digest"], "runner": "llamacpp"}]}).encode())
    named = home / ".ollama/models/manifests-v2/registry.ollama.ai/library/new/1b"
    named.parent.mkdir(parents=True)
    named.symlink_to(store.path(outer))
    assert only(found(home)).name == "new:1b"


def test_blobs_of_before_2024_have_a_colon_in_their_names(home: Path) -> None:
    store = OllamaStore(home / ".ollama/models")
    layer = store.model(home)
    old = store.folder / "blobs" / layer["digest"]
    store.path(layer).rename(old)
    store.name("registry.ollama.ai/library/old/1b", [layer])
    assert only(found(home)).path == old


def test_a_manifest_can_name_nothing_but_a_blob_of_its_own_store(home: Path) -> None:
    store = OllamaStore(home / ".ollama/models")
    outside = put(home / "outside.gguf")
    kind = "application/vnd.ollama.image.model"
    for number, digest in enumerate(
        ["../../outside.gguf", str(outside), "sha256-../../../outside.gguf", "sha256:" + "0" * 64]
    ):
        store.name(f"registry.ollama.ai/library/bad/{number}", [{"mediaType": kind, "digest": digest}])
    layer = store.model(home)
    manifest = home / "manifest"
    manifest.write_text(json.dumps({"layers": [layer]}))
    (store.folder / "manifests/registry.ollama.ai/library/bad/link").symlink_to(manifest)
    findings = found(home)
    assert findings.models == ()
    assert {each.name for each in findings.skipped} == {"bad:0", "bad:1", "bad:2", "bad:3", "bad:link"}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"layers": 3}',
        b'{"layers": [[[]]]}',
        b'{"layers": [{"digest": 7}]}',
        b'{"layers": null}',
        b"[" * 100_000,
        b'{"manifests":[' * 50_000,
        b" " * (2 << 20),
    ],
    ids=["empty", "cut", "list", "no text", "number", "lists", "no digest", "cloud", "deep", "deep lists", "huge"],
)
def test_a_manifest_that_is_none_is_left_out(home: Path, text: bytes) -> None:
    store = OllamaStore(home / ".ollama/models")
    store.name("registry.ollama.ai/library/good/1b", [store.model(home)])
    store.name("registry.ollama.ai/library/bad/1b", []).write_bytes(text)
    assert [each.name for each in found(home).models] == ["good:1b"]


def test_a_blob_that_is_still_coming_is_left_out(home: Path) -> None:
    store = OllamaStore(home / ".ollama/models")
    layer = store.model(home)
    store.name("registry.ollama.ai/library/a/b", [layer])
    path = store.path(layer)
    partial = path.with_name(path.name + "-partial")
    path.rename(partial)
    assert "not in Ollama's folder" in found(home).skipped[0].reason
    path.write_bytes(partial.read_bytes() + b"more")
    assert "damaged" in found(home).skipped[0].reason


# --- Jan, GPT4All ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "folder"),
    [
        ("Linux", ".local/share/Jan/data"),
        ("Darwin", "Library/Application Support/Jan/data"),
        ("Windows", "AppData/Roaming/Jan/data"),
    ],
)
def test_jan_names_its_models_in_a_file_beside_them(home: Path, system: str, folder: str) -> None:
    path = put(home / folder / "llamacpp/models/janhq/Tiny_Q4/model.gguf")
    (path.parent / "mmproj.gguf").write_bytes(path.read_bytes())
    (path.parent / "model.yml").write_text(
        "embedding: false\nmodel_path: llamacpp/models/janhq/Tiny_Q4/model.gguf\nname: 'janhq/Tiny_Q4'\nsize_bytes: 1\n"
    )
    model = only(found(home, system))
    assert (model.app, model.name, model.path, model.repository) == ("Jan", "janhq/Tiny_Q4", path, "")


def test_jan_may_use_files_from_anywhere_and_keep_its_data_elsewhere(home: Path) -> None:
    path = put(home / "my files" / "mine.gguf")
    yaml = home / "jan data/llamacpp/models/mine/model.yml"
    yaml.parent.mkdir(parents=True)
    yaml.write_text(f'model_path: "{path}"\n')
    settings = home / ".local/share/Jan/settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"data_folder": str(home / "jan data")}))
    model = only(found(home))
    assert (model.name, model.path) == ("mine", path)
    settings.unlink()
    assert only(found(home, JAN_DATA_FOLDER=str(home / "jan data"))).path == path


def test_jans_folder_of_before_2025_is_found(home: Path) -> None:
    path = put(home / "jan/models/tiny/tiny.gguf")
    assert only(found(home)).path == path


@pytest.mark.parametrize(
    ("system", "folder"),
    [
        ("Linux", ".local/share/nomic.ai/GPT4All"),
        ("Darwin", "Library/Application Support/nomic.ai/GPT4All"),
        ("Windows", "AppData/Local/nomic.ai/GPT4All"),
    ],
)
def test_gpt4all_keeps_its_files_in_one_folder(home: Path, system: str, folder: str) -> None:
    path = put(home / folder / "Tiny.Q4_0.gguf")
    (path.parent / "incomplete-Other.gguf").write_bytes(path.read_bytes())
    findings = found(home, system)
    assert [(model.app, model.path) for model in findings.models] == [("GPT4All", path)]
    assert [each.name for each in findings.skipped] == ["incomplete-Other.gguf"]


# --- the Hub's cache -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "environ"),
    [
        (".cache/huggingface/hub", {}),
        ("here", {"HF_HUB_CACHE": "here"}),
        ("here", {"HUGGINGFACE_HUB_CACHE": "here"}),
        ("here/hub", {"HF_HOME": "here"}),
        ("here/huggingface/hub", {"XDG_CACHE_HOME": "here"}),
    ],
)
def test_the_hubs_cache_tells_repository_and_commit(home: Path, folder: str, environ: dict[str, str]) -> None:
    data = put(home / "made").read_bytes()
    (home / "made").unlink()
    snapshot = hub_cache(home / folder, "bartowski/Tiny-GGUF", {"Tiny-Q4_K_M.gguf": data, "LICENSE": b"Be kind."})
    model = only(found(home, **{name: str(home / value) for name, value in environ.items()}))
    assert (model.app, model.path) == ("Hugging Face", snapshot / "Tiny-Q4_K_M.gguf")
    assert (model.repository, model.commit) == ("bartowski/Tiny-GGUF", COMMIT)
    assert model.claims == (model.path.resolve().name,)
    assert model.license_texts == ("Be kind.",)


def test_a_blob_of_two_commits_is_found_once_at_the_one_that_is_main(home: Path) -> None:
    data = put(home / "made").read_bytes()
    for commit, main in (("0" * 40, False), ("5" * 40, True), ("9" * 40, False)):
        hub_cache(home / ".cache/huggingface/hub", "a/b", {"m.gguf": data}, commit, main)
    assert only(found(home)).commit == "5" * 40


class Opened:
    """The files that Python opens, while it is asked to note them."""

    def __init__(self) -> None:
        self.paths: list[str] | None = None
        sys.addaudithook(self._note)

    def _note(self, event: str, args: tuple[object, ...]) -> None:
        if event == "open" and self.paths is not None:
            self.paths.append(str(args[0]))


_opened = Opened()


def test_files_with_tokens_in_them_are_not_opened(home: Path) -> None:
    hub_cache(home / ".cache/huggingface/hub", "a/b", {"m.gguf": put(home / "made").read_bytes()})
    for name in ("token", "stored_tokens"):
        (home / ".cache/huggingface" / name).write_text("hf_secret")
    for path in (".config/nomic.ai/GPT4All.ini", ".local/share/nomic.ai/GPT4All/gpt4all-gpt-4.rmodel"):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text("[localdocs]\nnomicAPIKey=nk-secret\n")
    (home / ".ollama").mkdir()
    (home / ".ollama/id_ed25519").write_text("secret")
    _opened.paths = []
    try:
        assert len(found(home).models) == 1
        paths, _opened.paths = _opened.paths, None
    finally:
        _opened.paths = None
    assert any(path.endswith("m.gguf") for path in paths)
    assert [path for path in paths if "token" in path or path.endswith((".ini", ".rmodel", "id_ed25519"))] == []


# --- all of them -----------------------------------------------------------------------------------------------------


def test_one_file_that_several_apps_use_is_found_once(home: Path) -> None:
    path = put(home / ".lmstudio/models/a/b/m.gguf")
    other = home / ".local/share/nomic.ai/GPT4All/m.gguf"
    other.parent.mkdir(parents=True)
    other.hardlink_to(path)
    link = home / "jan/models/m/m.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(path)
    assert only(found(home)).path == path


def test_what_the_library_has_is_marked(assembly: LibraryServices, home: Path) -> None:
    path = put(home / ".lmstudio/models/a/b/m.gguf")
    put(home / ".lmstudio/models/a/b/n.gguf", seed=8)
    model = assembly.importer.add(path)
    again = discover_usable_models({}, home, "Linux", imports=assembly.library.installed_models.all())
    assert {each.path.name: each.imported for each in again} == {"m.gguf": model.id, "n.gguf": ""}


def test_a_folder_or_file_that_a_person_names_is_understood(home: Path) -> None:
    loose = put(home / "loose" / "deep" / "m.gguf", seed=3)
    assert [each.path for each in discover_in(home / "loose").models] == [loose]
    assert [each.path for each in discover_in(loose).models] == [loose]
    store = OllamaStore(home / "store")
    store.name("registry.ollama.ai/library/a/b", [store.model(home)])
    assert [each.name for each in discover_in(home / "store").models] == ["a:b"]
    hub_cache(home / "cache", "a/b", {"m.gguf": loose.read_bytes()})
    assert [each.commit for each in discover_in(home / "cache").models] == [COMMIT]
    with pytest.raises(NotFoundError):
        discover_in(home / "nothing")


def test_a_look_writes_nothing(home: Path) -> None:
    put(home / ".lmstudio/models/a/b/m.gguf")
    store = OllamaStore(home / ".ollama/models")
    store.name("registry.ollama.ai/library/a/b", [store.model(home)])
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    assert len(found(home).models) == 2
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


def test_a_look_can_be_stopped(home: Path) -> None:
    put(home / ".lmstudio/models/a/b/m.gguf")
    stop = threading.Event()
    stop.set()
    findings = discover_models({}, home, "Linux", stop=stop)
    assert (findings.models, findings.complete) == ((), False)
