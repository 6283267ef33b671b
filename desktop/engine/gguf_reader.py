"""Reads the header of a GGUF file in pure Python: bounded in memory and time, whatever the file says of itself.

Every count and length is checked against what the file can hold before anything is read or stored for it. The tokens
of a vocabulary are walked over (to find duplicates), never kept. What the values mean is checked in `gguf_checks`.
"""

import os
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from desktop.engine.bounded_file import BoundedFile, EndsEarlyError, IncompleteError, damaged
from desktop.engine.dialects import foreign, unreadable_type
from desktop.engine.gguf_types import ARRAY, BOOL, FORMATS, REMOVED_TENSOR_TYPES, STRING, TENSOR_TYPES
from desktop.engine.not_gguf import what_it_seems_to_be
from desktop.errors import EngineError, NotFoundError
from desktop.translation import tr
from desktop.whole_file import open_regular

Scalar = int | float | bool | str
_MOST_METADATA = 20_000
_MOST_TENSORS = 100_000
_MOST_STRINGS = 4_000_000  # in one array
_MOST_TOKENS = 1_000_000  # the largest vocabularies have 300,000
_LONGEST_KEY = 65_535
_LONGEST_NAME = 63  # GGML_MAX_NAME less its end
_SHORT_ARRAY = 1024
_LARGEST_INT = (1 << 63) - 1
_TOKENS = "tokenizer.ggml.tokens"
_WALKED = "tokenizer."


@dataclass(frozen=True)
class Array:
    """An array's element kind and length; `items` where it is short and no vocabulary; tokens' repetition."""

    kind: int
    length: int
    items: tuple[Scalar, ...] = ()
    repeated: str | None = None


@dataclass(frozen=True)
class Tensor:
    """One tensor: its name, dimensions (fastest first), type's name, offset from the start of the data, bytes."""

    name: str
    dimensions: tuple[int, ...]
    type: str
    offset: int
    size: int


@dataclass
class GgufFile:
    """What one file's header says. `data_start` and `file_size` in bytes."""

    path: Path
    version: int
    file_size: int
    metadata: dict[str, Scalar | Array] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    tensors: list[Tensor] = field(default_factory=list)
    alignment: int = 32
    data_start: int = 0


def read_gguf(path: Path, whole_size: int | None = None) -> GgufFile:
    """The header of `path`. Raises NotFoundError, and EngineError with one sentence on what is wrong with it.

    `whole_size` is the size in bytes of a file of which only the beginning lies at `path`; where that beginning does
    not hold the whole header, EndsEarlyError is raised.
    """
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise EngineError(tr("{path} is a folder, not a model file.").format(path=path))
        if not stat.S_ISREG(kind):
            raise EngineError(tr("{path} is not a regular file.").format(path=path))
        with os.fdopen(open_regular(path, follow_link=True), "rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            return _Parser(path, file, size if whole_size is None else whole_size).parse()
    except FileNotFoundError as error:
        raise NotFoundError(tr("There is no file {path}.").format(path=path)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise EngineError(
            tr("{file} cannot be read.").format(file=path.name),
            tr("The system says: {reason}.").format(reason=reason),
            tr("Check the file's permissions and the disk."),
        ) from error


class _Parser:
    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._path, self._size = path, size
        self._head = file.read(4096)
        file.seek(0)
        self._file = BoundedFile(path, file, size)

    def parse(self) -> GgufFile:
        version = self._parse_magic()
        gguf = GgufFile(self._path, version, self._size)
        tensors, entries = self._file.number("<Q"), self._file.number("<Q")
        if tensors > _MOST_TENSORS or tensors * 24 > self._size:
            raise self._damaged(tr("It claims to hold {count} tensors.").format(count=f"{tensors:,}"))
        if entries > _MOST_METADATA or entries * 13 > self._size:
            raise self._damaged(tr("It claims to hold {count} metadata entries.").format(count=f"{entries:,}"))
        for _ in range(entries):
            self._parse_entry(gguf)
        gguf.alignment = self._alignment(gguf)
        try:
            self._parse_tensors(gguf, tensors)
        except EndsEarlyError:
            raise
        except EngineError as error:
            # What only another program reads looks damaged here, and is not.
            raise foreign(self._path, gguf.metadata, [each.name for each in gguf.tensors]) or error from error
        return gguf

    def _parse_magic(self) -> int:
        head = self._head
        if head[:4] == b"FUGG":
            raise self._big_endian()
        if head[:4] != b"GGUF":
            raise EngineError(
                tr("{file} is not a model file (GGUF).").format(file=self._path.name),
                what_it_seems_to_be(head, self._size),
                tr("Choose a GGUF file of a model."),
            )
        self._file.take(4)
        version = self._file.number("<I")
        if version in (2, 3):
            return version
        if version & 0xFFFF == 0 and version:
            raise self._big_endian()
        if version == 1:
            detail = tr("It is of GGUF version 1, from 2023, which nothing reads any more.")
        else:
            detail = tr("It says it is of GGUF version {version}; this engine reads 2 and 3.").format(version=version)
        raise EngineError(
            tr("{file} is of an unsupported version.").format(file=self._path.name), detail, tr("Choose another file.")
        )

    def _big_endian(self) -> EngineError:
        return EngineError(
            tr("{file} was made for big-endian computers.").format(file=self._path.name),
            remedy=tr("Choose a file made for ordinary ones."),
        )

    def _parse_entry(self, gguf: GgufFile) -> None:
        key = self._file.string(_LONGEST_KEY)
        kind = self._file.number("<I")
        if key in gguf.metadata:
            raise self._damaged(tr("It gives {key} twice.").format(key=key[:80]))
        gguf.kinds[key] = kind
        if kind == ARRAY:
            gguf.metadata[key] = self._array(key)
        else:
            gguf.metadata[key] = self._scalar(key, kind)

    def _scalar(self, key: str, kind: int) -> Scalar:
        if kind == STRING:
            return self._file.string()
        if kind == BOOL:
            return self._file.number("<B") != 0
        if kind not in FORMATS:
            raise self._damaged(tr("{key} is of the unknown kind {kind}.").format(key=key[:80], kind=kind))
        layout = FORMATS[kind]
        value: int | float = struct.unpack(layout, self._file.take(struct.calcsize(layout)))[0]
        return value

    def _array(self, key: str) -> Array:
        kind, length = self._file.number("<I"), self._file.number("<Q")
        if kind == STRING:
            if length > (_MOST_TOKENS if key == _TOKENS else _MOST_STRINGS) or length * 8 > self._size:
                raise self._damaged(tr("{key} claims {count} entries.").format(key=key[:80], count=f"{length:,}"))
            if length <= _SHORT_ARRAY and not key.startswith(_WALKED):
                return Array(kind, length, tuple(self._file.string() for _ in range(length)))
            return Array(kind, length, repeated=self._file.walk_strings(length, distinct=key == _TOKENS))
        if kind not in FORMATS:
            raise self._damaged(tr("{key} is a list of the unknown kind {kind}.").format(key=key[:80], kind=kind))
        width = struct.calcsize(FORMATS[kind])
        if length * width > self._size:
            raise self._damaged(tr("{key} claims {count} entries.").format(key=key[:80], count=f"{length:,}"))
        if length > _SHORT_ARRAY:
            self._file.skip(length * width)
            return Array(kind, length)
        self._file.keep(32 * length)
        return Array(kind, length, struct.unpack(f"<{length}{FORMATS[kind][1]}", self._file.take(length * width)))

    def _alignment(self, gguf: GgufFile) -> int:
        value = gguf.metadata.get("general.alignment", 32)
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or value < 32
            or value & (value - 1)
            or value > 1 << 20
        ):
            raise self._damaged(tr("Its alignment is {value}.").format(value=str(value)[:40]))
        return value

    def _parse_tensors(self, gguf: GgufFile, count: int) -> None:
        names: set[str] = set()
        expected = 0
        for _ in range(count):
            tensor = self._tensor(gguf)
            if tensor.name in names:
                raise self._damaged(tr("It holds two tensors named {name}.").format(name=tensor.name))
            if tensor.offset % gguf.alignment:
                raise self._damaged(tr("The tensor {name} is not aligned.").format(name=tensor.name))
            if tensor.offset != expected:
                raise self._damaged(tr("The tensor {name} overlaps another or leaves a gap.").format(name=tensor.name))
            names.add(tensor.name)
            gguf.tensors.append(tensor)
            expected = _padded(tensor.offset + tensor.size, gguf.alignment)
            if expected > _LARGEST_INT:
                raise self._damaged(tr("The tensor {name} is impossibly large.").format(name=tensor.name))
        gguf.data_start = _padded(self._file.position, gguf.alignment)
        if gguf.tensors:
            last = gguf.tensors[-1]
            missing = gguf.data_start + last.offset + last.size - self._size
            if missing > 0:
                raise IncompleteError(
                    tr("{file} is incomplete.").format(file=self._path.name),
                    tr("The file is {count} bytes short.").format(count=f"{missing:,}"),
                    tr("Download it again."),
                )

    def _tensor(self, gguf: GgufFile) -> Tensor:
        name = self._file.string(_LONGEST_KEY)
        if not name or len(name.encode()) > _LONGEST_NAME:
            raise self._damaged(tr("It holds a tensor with an impossible name."))
        dimensions = self._file.number("<I")
        if not 1 <= dimensions <= 4:
            raise self._damaged(tr("The tensor {name} has {count} dimensions.").format(name=name, count=dimensions))
        sizes = tuple(self._file.number("<q") for _ in range(dimensions))
        kind, offset = self._file.number("<I"), self._file.number("<Q")
        values = 1
        for size in sizes:
            values *= size
            if size <= 0 or values > _LARGEST_INT:
                raise self._damaged(tr("The tensor {name} has impossible dimensions.").format(name=name))
        if kind not in TENSOR_TYPES:
            raise unreadable_type(self._path, gguf.metadata, kind, REMOVED_TENSOR_TYPES.get(kind, ""))
        type_name, block, width = TENSOR_TYPES[kind]
        if sizes[0] % block:
            raise self._damaged(tr("The tensor {name} does not fill its blocks.").format(name=name))
        return Tensor(name, sizes, type_name, offset, values // block * width)

    def _damaged(self, detail: str) -> EngineError:
        return damaged(self._path, detail)


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
