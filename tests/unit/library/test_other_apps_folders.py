"""Packages of distributions, Flatpaks, further programs: where they keep models, and what is said of closed folders."""

import json
import os
import sys
import threading
from pathlib import Path

import pytest

from desktop.library.other_apps import DiscoveryResult, SkippedFile, discover_in, discover_models, skip_reasons
from tests.fakes.other_apps import OllamaStore, hub_cache
from tests.fakes.split_models import cut
from tests.fakes.tiny_gguf import random_model
from tests.fakes.users import nobody


def put(path: Path, seed: int = 7, **metadata: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return random_model(path, seed=seed, metadata=metadata)


def found(home: Path, system: str = "Linux", **environ: str) -> DiscoveryResult:
    return discover_models(environ, home, system, top=home / "disk")


def names(findings: DiscoveryResult) -> list[tuple[str, str]]:
    assert [each.reason for each in findings.skipped] == []
    return [(each.app, each.path.name) for each in findings.models]


# --- places ---


@pytest.mark.parametrize(
    ("app", "system", "folder"),
    [
        ("Jan", "Linux", ".var/app/ai.jan.Jan/data/Jan/data/llamacpp/models/tiny"),
        ("GPT4All", "Linux", ".var/app/io.gpt4all.gpt4all/data/nomic.ai/GPT4All"),
        ("GPT4All", "Linux", ".cache/gpt4all"),
        ("GPT4All", "Windows", ".cache/gpt4all"),
        ("llama.cpp", "Linux", ".cache/llama.cpp"),
        ("llama.cpp", "Darwin", "Library/Caches/llama.cpp"),
        ("llama.cpp", "Windows", "AppData/Local/llama.cpp"),
        ("Msty", "Linux", ".config/Msty/models"),
        ("Msty", "Darwin", "Library/Application Support/Msty/models"),
        ("AnythingLLM", "Windows", "AppData/Roaming/anythingllm-desktop/storage/models/ollama"),
        ("RamaLama", "Linux", ".local/share/ramalama/store/huggingface/a/b/c.gguf/snapshots/sha256-1"),
        ("text-generation-webui", "Linux", "text-generation-webui/user_data/models"),
        ("text-generation-webui", "Linux", "text-generation-webui/models"),
    ],
)
def test_further_programs_and_their_packages(home: Path, app: str, system: str, folder: str) -> None:
    put(home / folder / "tiny-Q8_0.gguf")
    assert names(found(home, system)) == [(app, "tiny-Q8_0.gguf")]


def test_llama_cpps_cache_may_be_elsewhere(home: Path) -> None:
    put(home / "here" / "tiny.gguf")
    assert names(found(home, LLAMA_CACHE=str(home / "here"))) == [("llama.cpp", "tiny.gguf")]


@pytest.mark.parametrize(
    ("app", "folder"),
    [
        ("Ollama", ".var/app/com.jeffser.Alpaca/data/.ollama/models"),
        ("Msty", ".config/Msty/models"),
        ("AnythingLLM", ".config/anythingllm-desktop/storage/models/ollama"),
    ],
)
def test_programs_that_bring_an_ollama_of_their_own(home: Path, app: str, folder: str) -> None:
    store = OllamaStore(home / folder)
    store.name("registry.ollama.ai/library/tiny/1b", [store.model(home)])
    (model,) = found(home).models
    assert (model.app, model.name) == (app, "tiny:1b")


@pytest.mark.parametrize(
    ("unit", "line"),
    [
        ("etc/systemd/system/ollama.service.d/override.conf", 'Environment="OLLAMA_MODELS={folder}"'),
        ("etc/systemd/system/ollama.service", "Environment=OLLAMA_HOST=0.0.0.0 OLLAMA_MODELS={folder}"),
        ("usr/lib/systemd/system/ollama.service", 'Environment="HOME=/x" "OLLAMA_MODELS={folder}"'),
    ],
)
def test_the_folder_that_the_services_unit_names(home: Path, unit: str, line: str) -> None:
    store = OllamaStore(home / "big")
    store.name("registry.ollama.ai/library/tiny/1b", [store.model(home)])
    file = home / "disk" / unit
    file.parent.mkdir(parents=True)
    file.write_text(f"[Service]\nUser=ollama\n# Environment=OLLAMA_MODELS=/none\n{line.format(folder=home / 'big')}\n")
    assert [each.name for each in found(home).models] == ["tiny:1b"]


# --- what Ollama keeps that nobody else can use ---


@pytest.mark.parametrize(
    ("kind", "said"),
    [("application/vnd.ollama.image.adapter", "adapter"), ("application/vnd.ollama.image.tensor", "only Ollama reads")],
)
def test_models_that_ollama_puts_together_are_left_out(home: Path, kind: str, said: str) -> None:
    store = OllamaStore(home / ".ollama/models")
    layers = [store.model(home)] if said == "adapter" else []
    store.name("registry.ollama.ai/library/mine/1b", [*layers, {"mediaType": kind, **store.blob(b"x")}])
    findings = found(home)
    assert findings.models == ()
    assert [each.name for each in findings.skipped] == ["mine:1b"]
    assert said in findings.skipped[0].reason


def test_a_model_for_ollamas_own_engine_is_said_with_the_way_on(home: Path) -> None:
    store = OllamaStore(home / ".ollama/models")
    layer = store.model(home, metadata={"general.architecture": "mllama"})
    store.name("registry.ollama.ai/library/vision/11b", [layer])
    (left,) = found(home).skipped
    assert left.name == "vision:11b"
    assert "made for Ollama's own engine" in left.reason
    assert "elsewhere" in left.reason


# --- what lies about in folders of models ---


def test_downloads_of_other_programs_are_said_and_not_offered(home: Path) -> None:
    folder = home / ".lmstudio/models/a/b"
    data = put(folder / "whole.gguf").read_bytes()
    unfinished = (
        *("a.gguf.part", "b.gguf.crdownload", "c.gguf.incomplete", "d.gguf.downloadInProgress", "e.gguf.!qB"),
        *("downloading_f.gguf", "g.gguf-partial", "h.gguf.aria2__temp.tmp", "Unconfirmed 1234.crdownload"),
    )
    for name in (*unfinished, "full.gguf"):
        (folder / name).write_bytes(data)
    (folder / "full.gguf.aria2").write_bytes(b"\0")
    findings = found(home)
    assert [each.path.name for each in findings.models] == ["whole.gguf"]
    assert {each.path.name for each in findings.skipped} == {*unfinished, "full.gguf"}
    assert all("still being downloaded" in each.reason for each in findings.skipped)


def test_a_download_of_the_hubs_cache_is_said(home: Path) -> None:
    cache = home / ".cache/huggingface/hub"
    hub_cache(cache, "a/b-GGUF", {"README.md": b"x"})
    (cache / "models--a--b-GGUF/blobs/abc.incomplete").write_bytes(b"GGUF")
    (left,) = found(home).skipped
    assert (left.app, left.name) == ("Hugging Face", "a/b-GGUF")


FORMATS = {
    "MLX": ({"model.safetensors": b"x", "config.json": b'{"quantization": {"bits": 4}}'}, "safetensors (MLX)"),
    "GPTQ": ({"model.safetensors": b"x", "quantize_config.json": b"{}"}, "safetensors (GPTQ)"),
    "AWQ": (
        {"model.safetensors": b"x", "config.json": b'{"quantization_config": {"quant_method": "awq"}}'},
        "safetensors (AWQ)",
    ),
    "EXL2": (
        {"output.safetensors": b"x", "config.json": b'{"quantization_config": {"quant_method": "exl2"}}'},
        "safetensors (EXL2)",
    ),
    "plain": ({"a-00001-of-00002.safetensors": b"x", "a-00002-of-00002.safetensors": b"x"}, "safetensors"),
    "hostile config": ({"m.safetensors": b"x", "config.json": b"[" * 100_000}, "safetensors"),
    "LoRA": ({"adapter_model.safetensors": b"x", "adapter_config.json": b"{}"}, "adapter"),
    "pictures": ({"m.safetensors": b"x", "model_index.json": b"{}"}, "safetensors (Diffusers)"),
    "a projector alone": ({"mmproj-model-f16.gguf": b"GGUF"}, "projector"),
    "an importance matrix alone": ({"model.imatrix.gguf": b"GGUF"}, "belongs to a model"),
    "ONNX": ({"model.onnx": b"x", "model.onnx_data": b"x"}, "ONNX"),
    "PyTorch": ({"pytorch_model-00001-of-00002.bin": b"x"}, "PyTorch"),
    "old": ({"llama-7b.ggmlv3.q4_0.bin": b"tjgg"}, "GGML"),
    "llamafile": ({"m.llamafile": b"MZqFpD"}, "llamafile"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_models_in_formats_of_other_programs_are_said_once(home: Path, name: str) -> None:
    files, said = FORMATS[name]
    folder = home / "models" / "some"
    folder.mkdir(parents=True)
    for file, data in files.items():
        (folder / file).write_bytes(data)
    (left,) = discover_in(home / "models").skipped
    assert said in left.reason


def test_cut_files_are_said_among_an_apps_models(home: Path) -> None:
    folder = home / ".lmstudio/models/a/b"
    folder.mkdir(parents=True)
    cut(random_model(folder / "x"), ("m.gguf.part1of2", "m.gguf.part2of2"))
    (left,) = found(home).skipped
    assert left.name == "m.gguf.part1of2"
    assert "cat m.gguf.part1of2 m.gguf.part2of2 > m.gguf" in left.reason


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes that Windows does not have")
def test_links_that_lead_nowhere_and_pipes_are_said(home: Path) -> None:
    folder = home / ".lmstudio/models/a/b"
    folder.mkdir(parents=True)
    (folder / "gone.gguf").symlink_to(home / "unplugged" / "m.gguf")
    (folder / "round.gguf").symlink_to(folder / "round.gguf")
    os.mkfifo(folder / "pipe.gguf")
    said = {each.name: each.reason for each in found(home).skipped}
    assert said.keys() == {"gone.gguf", "round.gguf", "pipe.gguf"}
    assert "not there" in said["gone.gguf"]
    assert "regular file" in said["pipe.gguf"]


# --- what cannot be read, or does not answer ---


@pytest.mark.skipif(sys.platform == "win32", reason="rights that Windows does not have")
@pytest.mark.parametrize("closed", ["blobs", "manifests", "blobs/*", ""])
def test_a_store_that_another_user_keeps_to_itself_is_said(home: Path, closed: str) -> None:
    store = OllamaStore(home / "disk/usr/share/ollama/.ollama/models")
    for number in range(5):
        layer = store.model(home, seed=number)
        store.name(f"registry.ollama.ai/library/m{number}/1b", [layer])
    kept = sorted(store.folder.glob(closed)) if "*" in closed else [store.folder / closed]
    before = [(each, each.stat().st_mode) for each in kept]
    for each in kept:
        each.chmod(0)
    try:
        with nobody(home):
            findings = found(home)
    finally:
        for each, mode in before:
            each.chmod(mode)
    assert findings.models == ()
    lines = skip_reasons(findings.skipped)
    assert len(lines) == 1
    assert "Permission denied" in lines[0]
    if "blobs" in closed:
        assert "5 models of Ollama" in lines[0]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can give a folder to another group")
def test_whom_a_closed_folder_belongs_to_is_said_where_its_group_may_read(home: Path) -> None:
    pytest.importorskip("pwd")  # while it may still be read
    group = pytest.importorskip("grp").getgrgid(1).gr_name
    service = home / "disk/usr/share/ollama"
    (service / ".ollama/models").mkdir(parents=True)
    os.chown(service, -1, 1)
    service.chmod(0o750)
    with nobody(home):
        (left,) = found(home).skipped
    assert "belongs to root" in left.reason
    assert f"group {group}" in left.reason


def test_a_disk_that_does_not_answer_does_not_hold_up_the_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / ".local/share/nomic.ai/GPT4All/other.gguf")
    away = threading.Event()
    monkeypatch.setattr("desktop.library.other_apps.model_discovery._MOST_SECONDS", 0.2)
    monkeypatch.setattr("desktop.library.other_apps.app_folders.AppFolders.lm_studio", lambda self: away.wait() and [])
    try:
        findings = found(home)
    finally:
        away.set()
    assert [each.path.name for each in findings.models] == ["other.gguf"]
    assert not findings.complete
    (left,) = findings.skipped
    assert left.app == "LM Studio"
    assert "do not answer" in left.reason


def test_a_reason_that_many_share_is_one_line() -> None:
    left_out = [SkippedFile("Ollama", Path(f"/{number}"), f"m{number}", "No.") for number in range(12)]
    assert skip_reasons(left_out) == ["12 models of Ollama (m0, m1, m2, …): No."]
    assert skip_reasons([SkippedFile("", Path("/y"), "y", "y is no model.")]) == ["y is no model."]
    assert skip_reasons([*left_out[:2], SkippedFile("", Path("/x"), "x", "Why.")]) == ["m0: No.", "m1: No.", "x: Why."]


def test_a_hostile_settings_file_names_no_folder(home: Path) -> None:
    put(home / ".lmstudio/models/a/b/m.gguf")
    (home / ".lmstudio/settings.json").write_text(json.dumps({"downloadsFolder": "relative/../.."}))
    unit = home / "disk/etc/systemd/system/ollama.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("Environment=OLLAMA_MODELS=models\nEnvironment=OLLAMA_MODELS=\n")
    assert names(found(home)) == [("LM Studio", "m.gguf")]
