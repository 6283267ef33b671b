"""What a look at other apps' folders finds, as values: models to be used in place, and what was left out and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from desktop.translation import tr

_SAME_REASON = 3


@dataclass(frozen=True)
class DiscoveredModel:
    """A model that lies on this disk and could be used where it lies. Nothing of it was hashed.

    `app` is the name of the program that fetched it, "" for a folder that a person named. `path` is its first file,
    `files` all of them; `size` in bytes of all. `name` is what that program calls it, else what its header says, else
    the file's name. `license` is what its header says, "" for nothing.

    `repository` ("owner/name") and `commit` are where its folder says it came from, "" where it says nothing: hints, as
    `claims` are, the sha256 that each file's name claims ("" for none, () where no name claims any). `license_texts`
    are texts that lie beside it. `imported` is the id of the model in the library that is this very file, "" for none.
    `projector` is the file that lets it see pictures where the program names it; one beside it is found anyway.
    """

    app: str
    path: Path
    files: tuple[Path, ...]
    name: str
    size: int
    quantization: str
    architecture: str
    license: str = ""
    repository: str = ""
    commit: str = ""
    claims: tuple[str, ...] = ()
    license_texts: tuple[str, ...] = ()
    imported: str = ""
    projector: Path | None = None


@dataclass(frozen=True)
class SkippedFile:
    """Something that looks like a model, or a folder of models, and cannot be offered: `reason` is one sentence."""

    app: str
    path: Path
    name: str
    reason: str


def skip_reasons(left_out: Iterable[SkippedFile]) -> list[str]:
    """A line for each that was left out, and one for all those of an app that share a reason."""
    groups: dict[tuple[str, str], list[SkippedFile]] = {}
    for each in left_out:
        groups.setdefault((each.app, each.reason), []).append(each)
    lines = []
    for (app, reason), group in groups.items():
        if len(group) < _SAME_REASON:
            lines += [reason if reason.startswith(each.name) else f"{each.name}: {reason}" for each in group]
        else:
            names = ", ".join(each.name for each in group[:_SAME_REASON]) + ", …"
            many = tr("{count} models of {app} ({names})") if app else tr("{count} files ({names})")
            lines.append(f"{many.format(count=len(group), app=app, names=names)}: {reason}")
    return lines


@dataclass(frozen=True)
class DiscoveryResult:
    """What a look found. `complete` is False where it was stopped, or gave up at its bounds."""

    models: tuple[DiscoveredModel, ...]
    skipped: tuple[SkippedFile, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class ModelCandidate:
    """A file that an app's folder names as a model, before anybody opened it. `license_files` are small texts."""

    app: str
    path: Path
    name: str = ""
    repository: str = ""
    commit: str = ""
    claims: tuple[str, ...] = ()
    license_files: tuple[Path, ...] = ()
    size: int | None = None
    projector: Path | None = None
