"""Writing a GGUF file, as far as the benchmark needs it. Values and layout as in the GGUF specification, version 3."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

F32, Q4_0 = 0, 2
_ALIGNMENT = 32
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9

Value = int | float | bool | str | Sequence[int] | Sequence[float] | Sequence[str]


@dataclass(frozen=True)
class WrittenTensor:
    """A tensor to be written: `shape` with the fastest axis first, and `size` bytes of data in pieces."""

    name: str
    shape: tuple[int, ...]
    kind: int
    size: int
    data: Iterable[bytes]


def write_gguf(path: Path, metadata: Mapping[str, Value], tensors: Sequence[WrittenTensor]) -> None:
    """Write a GGUF file. Raises OSError."""
    with path.open("wb") as file:
        for piece in gguf_pieces(metadata, tensors):
            file.write(piece)


def gguf_pieces(metadata: Mapping[str, Value], tensors: Sequence[WrittenTensor]) -> Iterator[bytes]:
    """The bytes of a GGUF file, in order. Integers become uint32 (int32 in arrays), floats float32."""
    head = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
    for key, value in metadata.items():
        head += _string(key) + _value(value)
    offset = 0
    for tensor in tensors:
        head += _string(tensor.name) + struct.pack("<I", len(tensor.shape))
        head += struct.pack(f"<{len(tensor.shape)}Q", *tensor.shape) + struct.pack("<IQ", tensor.kind, offset)
        offset += _padded(tensor.size)
    yield bytes(head.ljust(_padded(len(head)), b"\0"))
    for tensor in tensors:
        made = 0
        for piece in tensor.data:
            made += len(piece)
            yield piece
        if made != tensor.size:
            raise ValueError(f"{tensor.name}: {made} bytes where {tensor.size} were announced")
        yield b"\0" * (_padded(made) - made)


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _string(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _value(value: Value) -> bytes:
    match value:
        case bool():
            return struct.pack("<I?", _BOOL, value)
        case int():
            return struct.pack("<II", _UINT32, value)
        case float():
            return struct.pack("<If", _FLOAT32, value)
        case str():
            return struct.pack("<I", _STRING) + _string(value)
    return struct.pack("<I", _ARRAY) + _array(value)


def _array(values: Sequence[int] | Sequence[float] | Sequence[str]) -> bytes:
    if all(isinstance(value, str) for value in values):
        return struct.pack("<IQ", _STRING, len(values)) + b"".join(_string(str(value)) for value in values)
    kind, code = (_INT32, "i") if all(isinstance(value, int) for value in values) else (_FLOAT32, "f")
    return struct.pack("<IQ", kind, len(values)) + struct.pack(f"<{len(values)}{code}", *values)
