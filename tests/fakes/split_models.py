"""Models that lie in several files, as llama.cpp's gguf-split writes them, and files that were cut by hand."""

import struct
from pathlib import Path

import gguf

from tests.fakes.tiny_gguf import random_model

_ALIGNMENT = 32


def two_parts(folder: Path, names: tuple[str, str], seed: int = 7) -> list[Path]:
    """A model whose blocks lie in the second of two files; `names` are theirs. llama.cpp loads it."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = random_model(folder / "whole.scratch", seed=seed)
    data = whole.read_bytes()
    reader = gguf.GGUFReader(whole)
    entries, count = data[24 : reader.tensors[0].field.offset], struct.unpack_from("<Q", data, 16)[0]
    tensors = list(reader.tensors)
    files = []
    for number, name in enumerate(names):
        held = [each for each in tensors if each.name.startswith("blk.") == bool(number)]
        places = b"".join(
            _text(key) + struct.pack("<I", kind) + struct.pack(layout, value)
            for key, kind, layout, value in (
                ("split.no", 2, "<H", number),
                ("split.count", 2, "<H", 2),
                ("split.tensors.count", 5, "<i", len(tensors)),
            )
        )
        kept = (entries, count) if number == 0 else (b"", 0)
        files.append(folder / name)
        files[-1].write_bytes(_file(kept[0] + places, kept[1] + 3, held))
    del reader, tensors
    whole.unlink()
    return files


def cut(whole: Path, names: tuple[str, ...]) -> list[Path]:
    """Cut a file into pieces of about one size under `names`, and delete it."""
    data = whole.read_bytes()
    step = -(-len(data) // len(names))
    files = [whole.with_name(name) for name in names]
    for number, file in enumerate(files):
        file.write_bytes(data[number * step : (number + 1) * step])
    whole.unlink()
    return files


def _file(entries: bytes, count: int, tensors: list[gguf.ReaderTensor]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), count) + entries
    body = b""
    for tensor in tensors:
        head += _text(tensor.name) + struct.pack("<I", len(tensor.shape))
        head += b"".join(struct.pack("<Q", int(size)) for size in tensor.shape)
        head += struct.pack("<IQ", int(tensor.tensor_type), len(body))
        data = tensor.data.tobytes()
        body += data + b"\0" * (-len(data) % _ALIGNMENT)
    return head + b"\0" * (-len(head) % _ALIGNMENT) + body


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()
