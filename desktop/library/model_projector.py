"""The projector (mmproj) of a model on this disk: found beside its file, kept with its record, never a model itself.

It has no license of its own: what is accepted for the model counts for it, and its hash is kept with the model's.
"""

import itertools
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec

from desktop.engine.gguf_header import GgufHeader
from desktop.engine.projector_header import ProjectorHeader, find_projector
from desktop.file_stamp import FileStamp, stamp_at
from desktop.hub.repository_files import is_model_file_name, is_projector_name, quantization_of
from desktop.licenses.license_subject import LicenseSubject

_MOST_LOOKED_AT = 32
_MARK = re.compile(r"[-._]?mmproj(?:[-._]model)?[-._]?")
_PREFERRED = ("F16", "BF16", "Q8_0", "F32")


class InstalledProjector(msgspec.Struct, frozen=True):
    """The projector of an installed model: `size` in bytes; `copied` says that the file is ours to delete. `stamp` is
    its size, modification time (ns) and inode when it was hashed."""

    path: str
    size: int
    sha256: str
    quantization: str = ""
    copied: bool = False
    stamp: tuple[int, int, int] = (0, 0, 0)

    @property
    def is_here(self) -> bool:
        """Whether there is a file in its place."""
        return Path(self.path).is_file()


def installed_projector(
    header: ProjectorHeader, sha256: str, stamp: FileStamp, *, copied: bool = False
) -> InstalledProjector:
    """What is kept of a projector that was read to its end."""
    noted = (stamp.size, stamp.modified_ns, stamp.inode)
    return InstalledProjector(
        str(header.path.absolute()), stamp.size, sha256, header.quantization, copied=copied, stamp=noted
    )


def projector_beside(model: GgufHeader, named: Path | None = None) -> ProjectorHeader | None:
    """The projector that belongs to `model`: the one that another program `named`, else the one in the same folder
    that fits it; of several the one called most like it, then the most usual precision. None where there is none."""
    if model.adapter:
        return None
    if named is not None:
        found = find_projector(named)
        return found if found is not None and found.fits(model) else None
    names = _names_in(model.path.parent)
    models = [name for name in names if is_model_file_name(name) and name != model.path.name]
    fitting = [
        found
        for name in sorted(name for name in names if is_projector_name(name))[:_MOST_LOOKED_AT]
        if (found := find_projector(model.path.parent / name)) is not None and found.fits(model)
    ]
    fitting = [each for each in fitting if _is_nearest(each.path.name, model.path.name, models)]

    def rank(each: ProjectorHeader) -> tuple[int, int, str]:
        return _rank(each.path.name, quantization_of(each.path.name) or each.quantization, model.path.name)

    return min(fitting, key=rank, default=None)


def best_projector_name(names: Iterable[str], model: str) -> str:
    """Of files of a repository the projector to fetch with the file `model`; "" where there is none."""
    folder = model.rpartition("/")[0]
    projectors = [name for name in names if is_projector_name(name)]
    near = [name for name in projectors if name.rpartition("/")[0] == folder] or projectors
    return min(near, key=lambda name: _rank(name, quantization_of(name), model), default="")


def subject_of_projector(subject: LicenseSubject, projector: InstalledProjector) -> LicenseSubject:
    """What the license check looks at for a model's projector: the model, as this file."""
    return replace(subject, file_sha256=projector.sha256, shipped=False)


def is_changed(projector: InstalledProjector) -> bool:
    """Whether the file does not look as it did when it was hashed."""
    stamp = stamp_at(Path(projector.path))
    return stamp is None or (stamp.size, stamp.modified_ns, stamp.inode) != projector.stamp


def _names_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.name.lower().endswith(".gguf")][:1024]
    except OSError:
        return []


def _is_nearest(projector: str, model: str, others: Iterable[str]) -> bool:
    """Whether no other model in the folder is called more like the projector: it is that one's then."""
    own = _common(projector, model)
    return all(_common(projector, other) <= own for other in others)


def _rank(name: str, quantization: str, model: str) -> tuple[int, int, str]:
    usual = _PREFERRED.index(quantization) if quantization in _PREFERRED else len(_PREFERRED)
    return -_common(name, model), usual, name


def _common(projector: str, model: str) -> int:
    """How many letters the names begin with alike, without what makes a projector's name one."""
    one, other = (_MARK.sub("", each.rpartition("/")[2].casefold()) for each in (projector, model))
    pairs = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in pairs)
