"""The apps that keep models as GGUF files by name: LM Studio, Jan, GPT4All, the Hub's cache, and any folder at all."""

import re
from collections.abc import Iterator
from pathlib import Path

from desktop.file_stamp import is_sha256
from desktop.hub.repository import is_commit, is_repository_id
from desktop.hub.repository_files import is_model_file_name
from desktop.library.other_apps.discovered_model import ModelCandidate
from desktop.library.other_apps.folder_scan import (
    ScanBudget,
    device_and_inode,
    entries_of,
    is_folder,
    printable_line,
    read_small,
    walk,
)
from desktop.library.other_apps.unusable_files import is_unfinished, skip_unusable, unfinished_reason

LM_STUDIO, JAN, GPT4ALL, HUGGING_FACE, LLAMA_CPP = "LM Studio", "Jan", "GPT4All", "Hugging Face", "llama.cpp"

_YAML_LINE = re.compile(r"(model_path|name):[ \t]*(.+?)[ \t]*\Z")
_LICENSE_NAMES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "USE_POLICY.md")
_LARGEST_YAML = 1 << 16


def is_wanted(name: str) -> bool:
    """Whether a file of this name may be a whole model: no projector, no importance matrix, no unfinished download."""
    return is_model_file_name(name) and not name.startswith(".") and not is_unfinished(name)


def lm_studio_candidates(folder: Path, budget: ScanBudget) -> Iterator[ModelCandidate]:
    """Files at publisher/repository/file.gguf, as LM Studio downloads and imports them."""
    for path in walk(LM_STUDIO, folder, budget, is_wanted, note=skip_unusable):
        parts = path.relative_to(folder).parts
        repository = "/".join(parts[:2]) if len(parts) == 3 else ""
        yield ModelCandidate(
            LM_STUDIO,
            path,
            repository=repository if is_repository_id(repository) else "",
            license_files=_licenses(path.parent),
        )


def jan_candidates(data: Path, budget: ScanBudget) -> Iterator[ModelCandidate]:
    """What a model.yml in llamacpp/models names, wherever that lies; then every other GGUF file in Jan's folders.

    Jan's names look like repositories and often are none, so they are no hint of one.
    """
    models = data / "llamacpp" / "models"
    for file in walk(JAN, models, budget, lambda name: name == "model.yml"):
        fields = _yaml(file)
        model_path = fields.get("model_path", "")
        if model_path and "\0" not in model_path:
            yield ModelCandidate(
                JAN, data / model_path, name=fields.get("name", "") or printable_line(file.parent.name)
            )
    for folder in (models, data / "models"):
        for path in walk(JAN, folder, budget, is_wanted, note=skip_unusable):
            yield ModelCandidate(JAN, path, name=printable_line(path.parent.name) if path.name == "model.gguf" else "")


def gpt4all_candidates(folder: Path, budget: ScanBudget) -> Iterator[ModelCandidate]:
    """The files in GPT4All's folder; it makes no folders in it."""
    for path in walk(GPT4ALL, folder, budget, is_wanted, depth=1, note=skip_unusable):
        yield ModelCandidate(GPT4ALL, path)


def hub_cache_candidates(cache: Path, budget: ScanBudget) -> Iterator[ModelCandidate]:
    """The files of every commit at models--owner--name/snapshots/commit, the one that is "main" first."""
    for entry in entries_of(HUGGING_FACE, cache, budget):
        kind, _, name = entry.name.partition("--")
        repository = name.replace("--", "/")
        if kind != "models" or not is_repository_id(repository):
            continue
        folder = cache / entry.name
        if "gguf" in name.casefold() and any(
            each.name.endswith(".incomplete") for each in entries_of(HUGGING_FACE, folder / "blobs", budget)
        ):
            budget.skip(HUGGING_FACE, folder, unfinished_reason(), repository)
        main = (read_small(folder / "refs" / "main", 100) or b"").decode("ascii", "replace").strip()
        commits = [each.name for each in entries_of(HUGGING_FACE, folder / "snapshots", budget)]
        for commit in sorted(commits, key=lambda each: each != main):
            snapshot = folder / "snapshots" / commit
            for path in walk(HUGGING_FACE, snapshot, budget, is_wanted):
                yield ModelCandidate(
                    HUGGING_FACE,
                    path,
                    repository=repository,
                    commit=commit if is_commit(commit) else "",
                    license_files=_licenses(snapshot),
                )


def is_hub_cache(folder: Path, budget: ScanBudget) -> bool:
    """Whether `folder` is laid out as the Hub's cache."""
    return any(
        entry.name.startswith("models--") and is_folder(folder / entry.name / "snapshots")
        for entry in entries_of("", folder, budget)
    )


def any_folder_candidates(folder: Path, budget: ScanBudget, app: str = "") -> Iterator[ModelCandidate]:
    """Every GGUF file in `folder` and below."""
    for path in walk(app, folder, budget, is_wanted, note=skip_unusable):
        yield ModelCandidate(app, path, license_files=_licenses(path.parent))


def claimed_sha256(path: Path) -> str:
    """The sha256 that the Hub's cache gives a large file as its name, where `path` is a link to one; else ""."""
    try:
        target = path.resolve()
    except (OSError, RuntimeError):
        return ""
    return target.name if target.parent.name == "blobs" and is_sha256(target.name) else ""


def _licenses(folder: Path) -> tuple[Path, ...]:
    return tuple(path for name in _LICENSE_NAMES if device_and_inode(path := folder / name) is not None)


def _yaml(file: Path) -> dict[str, str]:
    """`model_path` and `name` of a model.yml, which Jan writes as plain lines."""
    data = read_small(file, _LARGEST_YAML) or b""
    found: dict[str, str] = {}
    for line in data.decode("utf-8", "replace").splitlines():
        match = _YAML_LINE.match(line)
        if match is not None and match[1] not in found:
            text = match[2]
            quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
            found[match[1]] = text[1:-1] if quoted else text
    return {"model_path": found.get("model_path", ""), "name": printable_line(found.get("name", ""))}
