"""Reads the header of a GGUF file in pure Python: bounded in memory and time, whatever the file says of itself.

Every count and length is checked against what the file can hold before anything is read or stored for it. The tokens
of a vocabulary are walked over (to find duplicates), never kept. What the values mean is checked in `gguf_checks`. The
numbers of value kinds, tensor types and file types are GGUF's.
"""

import os
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from desktop.atomic_file import open_regular
from desktop.engine.bounded_file import BoundedFile, MoreBytesNeededError, TruncatedFileError, damaged_file_error
from desktop.engine.unsupported_file import describe_file, unsupported_model_error, unsupported_tensor_error
from desktop.errors import EngineError, NotFoundError
from desktop.translation import tr

# Metadata value kinds: name of the struct format of the fixed-size ones.
UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 = range(13)
FORMATS = {
    UINT8: "<B", INT8: "<b", UINT16: "<H", INT16: "<h", UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?",
    UINT64: "<Q", INT64: "<q", FLOAT64: "<d",
}  # fmt: skip

# Tensor type: (name, values per block, bytes per block).
TENSOR_TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18),
}  # fmt: skip
REMOVED_TENSOR_TYPES = {
    4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 36: "IQ4_NL_4_4", 37: "IQ4_NL_4_8",
    38: "IQ4_NL_8_8",
}  # fmt: skip

# general.file_type: what the file is called after.
FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS",
    20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M",
    28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
    39: "NVFP4", 40: "Q1_0", 41: "Q2_0",
}  # fmt: skip


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
class GgufArray:
    """An array's element kind and length; `items` where it is short and no vocabulary; tokens' repetition."""

    kind: int
    length: int
    items: tuple[Scalar, ...] = ()
    repeated: str | None = None


@dataclass(frozen=True)
class GgufTensor:
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
    metadata: dict[str, Scalar | GgufArray] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    tensors: list[GgufTensor] = field(default_factory=list)
    alignment: int = 32
    data_start: int = 0


def read_gguf(path: Path, whole_size: int | None = None) -> GgufFile:
    """The header of `path`. Raises NotFoundError, and EngineError with one sentence on what is wrong with it.

    `whole_size` is the size in bytes of a file of which only the beginning lies at `path`; where that beginning does
    not hold the whole header, MoreBytesNeededError is raised.
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
            return _GgufParser(path, file, size if whole_size is None else whole_size).parse()
    except FileNotFoundError as error:
        raise NotFoundError(tr("There is no file {path}.").format(path=path), "", tr("Check the path.")) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise EngineError(
            tr("{file} cannot be read.").format(file=path.name),
            tr("The system says: {reason}.").format(reason=reason),
            tr("Check the file's permissions and the disk."),
        ) from error


class _GgufParser:
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
        except MoreBytesNeededError:
            raise
        except EngineError as error:
            # What only another program reads looks damaged here, and is not.
            raise (
                unsupported_model_error(self._path, gguf.metadata, [each.name for each in gguf.tensors]) or error
            ) from error
        return gguf

    def _parse_magic(self) -> int:
        head = self._head
        if head[:4] == b"FUGG":
            raise self._big_endian()
        if head[:4] != b"GGUF":
            raise EngineError(
                tr("{file} is not a model file (GGUF).").format(file=self._path.name),
                describe_file(head, self._size),
                tr("Choose a GGUF file of a model."),
            )
        self._file.read(4)
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
        value: int | float = struct.unpack(layout, self._file.read(struct.calcsize(layout)))[0]
        return value

    def _array(self, key: str) -> GgufArray:
        kind, length = self._file.number("<I"), self._file.number("<Q")
        if kind == STRING:
            if length > (_MOST_TOKENS if key == _TOKENS else _MOST_STRINGS) or length * 8 > self._size:
                raise self._damaged(tr("{key} claims {count} entries.").format(key=key[:80], count=f"{length:,}"))
            if length <= _SHORT_ARRAY and not key.startswith(_WALKED):
                return GgufArray(kind, length, tuple(self._file.string() for _ in range(length)))
            return GgufArray(kind, length, repeated=self._file.walk_strings(length, distinct=key == _TOKENS))
        if kind not in FORMATS:
            raise self._damaged(tr("{key} is a list of the unknown kind {kind}.").format(key=key[:80], kind=kind))
        width = struct.calcsize(FORMATS[kind])
        if length * width > self._size:
            raise self._damaged(tr("{key} claims {count} entries.").format(key=key[:80], count=f"{length:,}"))
        if length > _SHORT_ARRAY:
            self._file.skip(length * width)
            return GgufArray(kind, length)
        self._file.count_kept(32 * length)
        return GgufArray(kind, length, struct.unpack(f"<{length}{FORMATS[kind][1]}", self._file.read(length * width)))

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
                raise TruncatedFileError(
                    tr("{file} is incomplete.").format(file=self._path.name),
                    tr("The file is {count} bytes short.").format(count=f"{missing:,}"),
                    tr("Download it again."),
                )

    def _tensor(self, gguf: GgufFile) -> GgufTensor:
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
            raise unsupported_tensor_error(self._path, gguf.metadata, kind, REMOVED_TENSOR_TYPES.get(kind, ""))
        type_name, block, width = TENSOR_TYPES[kind]
        if sizes[0] % block:
            raise self._damaged(tr("The tensor {name} does not fill its blocks.").format(name=name))
        return GgufTensor(name, sizes, type_name, offset, values // block * width)

    def _damaged(self, detail: str) -> EngineError:
        return damaged_file_error(self._path, detail)


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
