"""Folders of other apps as those apps lay them out, with real small models in them."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from tests.fakes.tiny_gguf import random_model

COMMIT = "a" * 39 + "b"


def split_model(folder: Path, stem: str = "big") -> list[Path]:
    """A model in two files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{stem}-0000{number}-of-00002.gguf" for number in (1, 2)]
    for number, file in enumerate(files):
        random_model(file, seed=20 + number, metadata={"split.count": 2, "split.no": number, "split.tensors.count": 42})
    return files


class OllamaStore:
    """A store such as `ollama pull` leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs").mkdir(parents=True)

    def blob(self, data: bytes, sign: str = "-") -> dict[str, Any]:
        """Keep a blob; its digest and size as a layer names them."""
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / f"sha256{sign}{digest}").write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def model(self, scratch: Path, seed: int = 7, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
        """Keep a model as a blob; its layer."""
        made = random_model(scratch / "made", seed=seed, metadata=metadata)
        layer = self.blob(made.read_bytes())
        made.unlink()
        return {"mediaType": "application/vnd.ollama.image.model", **layer}

    def license(self, text: str) -> dict[str, Any]:
        return {"mediaType": "application/vnd.ollama.image.license", **self.blob(text.encode())}

    def name(self, name: str, layers: Any, folder: str = "manifests") -> Path:
        """Give layers a name such as "registry.ollama.ai/library/llama3.2/3b"."""
        file = self.folder / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"schemaVersion": 2, "config": {}, "layers": layers}))
        return file

    def path(self, layer: dict[str, Any]) -> Path:
        return self.folder / "blobs" / str(layer["digest"]).replace(":", "-")


def hub_cache(cache: Path, repository: str, files: dict[str, bytes], commit: str = COMMIT, main: bool = True) -> Path:
    """A repository as huggingface_hub caches it: blobs, and a link to one for each file of the commit."""
    folder = cache / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / commit
    for name, data in files.items():
        blob = folder / "blobs" / hashlib.sha256(data).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(data)
        link = snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    if main:
        (folder / "refs").mkdir(exist_ok=True)
        (folder / "refs" / "main").write_text(commit)
    return snapshot
