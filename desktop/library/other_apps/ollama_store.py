"""Ollama's store: a manifest for each name, which lists blobs by their sha256; one blob is the model (a GGUF file).

What a manifest says is taken as a claim: it can name nothing but a blob of its own store.
"""

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from desktop.file_stamp import SHA256_PATTERN
from desktop.hub.repository import is_repository_id
from desktop.library.other_apps.discovered_model import ModelCandidate
from desktop.library.other_apps.folder_scan import ScanBudget, entries_of, is_folder, printable_line, read_small
from desktop.translation import tr

APP = "Ollama"

_MODEL = "application/vnd.ollama.image.model"
_LICENSE = "application/vnd.ollama.image.license"
_ADAPTER = "application/vnd.ollama.image.adapter"
_TENSOR = "application/vnd.ollama.image.tensor"
_PROJECTOR = "application/vnd.ollama.image.projector"
_DIGEST = re.compile(rf"sha256[:-]((?i:{SHA256_PATTERN}))\Z")
_LARGEST_MANIFEST = 1 << 20
_MOST_LAYERS = 1000
_MOST_LICENSES = 16
_HUB_HOSTS = frozenset({"hf.co", "huggingface.co"})
# The second is where newer versions keep them; the first one that has a name counts, as for Ollama itself.
_FOLDERS = ("manifests-v2", "manifests")


class _Layer(msgspec.Struct):
    kind: str = msgspec.field(default="", name="mediaType")
    digest: str = ""
    size: int = -1


class _Manifest(msgspec.Struct):
    """`manifests` are alternatives for different machines: whole, or each named by the digest of a blob."""

    layers: list[_Layer] | None = None
    manifests: list["_Manifest"] | None = None
    digest: str = ""


def is_store(folder: Path) -> bool:
    """Whether `folder` is laid out as Ollama's."""
    return is_folder(folder / "blobs") and any(is_folder(folder / name) for name in _FOLDERS)


def ollama_candidates(store: Path, budget: ScanBudget, app: str = APP) -> Iterator[ModelCandidate]:
    """The models of the store at `store`, one for each name that has one here. `app` is the program that keeps it."""
    seen: set[tuple[str, ...]] = set()
    here = {entry.name for entry in entries_of(app, store, budget)}
    named = [each for folder in _FOLDERS if folder in here for each in _manifests(app, store / folder, budget)]
    # Of several names of one model, "latest" says least.
    for parts, file in sorted(named, key=lambda each: each[0][-1] == "latest"):
        if parts in seen or not budget.spend():
            continue
        seen.add(parts)
        yield from _models(app, store, parts, file, budget)


def _manifests(app: str, top: Path, budget: ScanBudget) -> Iterator[tuple[tuple[str, ...], Path]]:
    """Host, namespace, model and tag of every manifest, and its file."""
    levels: list[tuple[str, ...]] = [()]
    for _ in range(4):
        levels = [
            (*parts, entry.name)
            for parts in levels
            for entry in entries_of(app, top.joinpath(*parts), budget)
            if not entry.name.startswith(".")
        ]
    yield from ((parts, top.joinpath(*parts)) for parts in levels)


def _models(app: str, store: Path, parts: tuple[str, ...], file: Path, budget: ScanBudget) -> Iterator[ModelCandidate]:
    name = _name(parts)
    layers = _layers(store, file)
    if layers is None:
        if not is_folder(file):
            budget.skip(app, file, tr("Its description (manifest) cannot be read."), name)
        return
    licenses = [blob for layer in layers if layer.kind == _LICENSE and (blob := _blob(store, layer.digest)) is not None]
    models = [layer for layer in layers if layer.kind == _MODEL]
    kinds = {layer.kind for layer in layers}
    projectors = [_blob(store, layer.digest) for layer in layers if layer.kind == _PROJECTOR]
    if models and _ADAPTER in kinds:
        reason = tr(
            "It is a model with an adapter (LoRA) on top, which only Ollama puts together: use the model alone."
        )
        budget.skip(app, file, reason, name)
        return
    if not models and _TENSOR in kinds:
        reason = tr("It is kept in a form that only Ollama reads: get a GGUF file of it elsewhere.")
        budget.skip(app, file, reason, name)
        return
    if len(models) > 1:
        budget.skip(app, file, tr("It is made of several files, which only Ollama can put together."), name)
        return
    for layer in models:  # none where the weights are on Ollama's servers
        blob = _blob(store, layer.digest)
        if blob is None:
            budget.skip(app, file, tr("Its file is not in Ollama's folder."), name)
            continue
        match = _DIGEST.match(layer.digest)
        yield ModelCandidate(
            app,
            blob,
            name=name,
            repository=_repository(parts),
            claims=(match[1].lower(),) if match else (),
            license_files=tuple(dict.fromkeys(licenses))[:_MOST_LICENSES],
            size=layer.size if layer.size >= 0 else None,
            projector=next((each for each in projectors if each is not None), None),
        )


def _layers(store: Path, file: Path) -> list[_Layer] | None:
    """The layers of a manifest; of one with alternatives, those of the first that has a model. None: unreadable."""
    manifest = _read(store, file)
    if manifest is None:
        return None
    choices = [manifest]
    for each in (manifest.manifests or [])[:16]:
        blob = _blob(store, each.digest) if each.digest and not each.layers else None
        choices.append((_read(store, blob) if blob is not None else each) or each)
    layers = [(choice.layers or [])[:_MOST_LAYERS] for choice in choices]
    return next((each for each in layers if any(layer.kind == _MODEL for layer in each)), layers[0])


def _read(store: Path, file: Path) -> _Manifest | None:
    """A manifest that lies in the store itself: a link that leads out of it is not followed."""
    try:
        if not file.resolve().is_relative_to(store.resolve()):
            return None
    except (OSError, RuntimeError):
        return None
    data = read_small(file, _LARGEST_MANIFEST)
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=_Manifest)
    except (ValueError, RecursionError):
        return None


def _blob(store: Path, digest: str) -> Path | None:
    """The blob of that digest, where it is here. Before 2024 its name had a colon in it."""
    match = _DIGEST.match(digest)
    if match is None:
        return None
    names = [f"sha256{sign}{text}" for sign in "-:" for text in (match[1].lower(), match[1])]
    return next((path for name in names if _is_here(path := store / "blobs" / name)), None)


def _is_here(path: Path) -> bool:
    """Whether a file is there, or may be: one that cannot be seen for want of rights is told of when it is opened."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


def _name(parts: tuple[str, ...]) -> str:
    """The name as Ollama prints it: "llama3.2:3b"."""
    host, namespace, model, tag = parts
    if host != "registry.ollama.ai":
        return printable_line(f"{host}/{namespace}/{model}:{tag}")
    return printable_line(f"{model}:{tag}" if namespace == "library" else f"{namespace}/{model}:{tag}")


def _repository(parts: tuple[str, ...]) -> str:
    host, namespace, model, _ = parts
    repository = f"{namespace}/{model}"
    return repository if host in _HUB_HOSTS and is_repository_id(repository) else ""
