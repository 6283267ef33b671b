"""A model to measure speed with: a llama's shape and size, no meaning, no download.

It counts: each word leads to the one that follows it in the vocabulary, as the row of `output.weight` for a token is
what `token_embd.weight` has for the one before it. The blocks compute as any other and add nothing. So a text of words
in their order is one that the model copies, and an answer that goes on with words nobody wrote is one that repeats
nothing: what guessing ahead gains is what it would with a model that copies, and no accident of random weights.

Speed depends on the shape and the quantization, not on what the weights say. `BenchLicenseCheck` lets the engine load
it.
"""

import contextlib
import hashlib
import itertools
import os
import shutil
import string
import struct
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from desktop.atomic_file import open_regular
from desktop.cli.bench.gguf_writer import F32, Q4_0, Value, WrittenTensor, gguf_pieces, write_gguf
from desktop.errors import ResourceError
from desktop.translation import tr

_BLOCK = 32  # weights in one Q4_0 block: a float16 scale, then 16 bytes of two 4-bit weights each
_BLOCK_BYTES = 18
_PIECE_BLOCKS, _PIECE_ROWS = 1 << 18, 4096
_SPARE_BYTES = 256 * 1024 * 1024
_NORMAL, _UNKNOWN, _CONTROL, _BYTE = 1, 2, 3, 6  # token types of tokenizer.ggml.token_type
_ROLES = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)
_PARAGRAPH = 150
WORDS = ["".join(letters) for letters in itertools.product(string.ascii_lowercase, repeat=3)]
"""Words that are one token each when a space stands before them, in the order in which the model counts. The first
one follows whatever is no word. Behind every 150th comes the end of a paragraph."""


@dataclass(frozen=True)
class BenchModelShape:
    """What decides the size of a llama: widths, layers and heads. `name` is the file's stem."""

    name: str
    width: int
    layers: int
    feed_forward: int
    heads: int
    key_value_heads: int
    vocabulary: int = 32_000


ONE_BILLION = BenchModelShape(
    "latchkey-bench-1b-v2", width=2048, layers=22, feed_forward=5632, heads=32, key_value_heads=4
)
"""1.1 billion parameters, 620 MB: the size that the project's targets are given for."""

QUICK = BenchModelShape("latchkey-bench-quick-v2", width=768, layers=8, feed_forward=2048, heads=12, key_value_heads=4)
"""100 million parameters, 57 MB: shows that the benchmark works."""

SHAPES = {shape.name: shape for shape in (ONE_BILLION, QUICK)}


@dataclass(frozen=True)
class RandomWeightsModel:
    """A file of weights that this program made up: where it lies, and the sha256 of exactly those bytes."""

    path: Path
    sha256: str


def bench_model(shape: BenchModelShape, folder: Path) -> RandomWeightsModel:
    """The file of random weights of this shape, written at the first call. Raises ResourceError where it cannot be.

    Its weights are nobody's, so no license is asked for them. That holds for just these bytes: a file of the same name
    that holds anything else is written over.
    """
    path = folder / f"{shape.name}.gguf"
    sha256 = weights_sha256(shape)
    if not _is_there(path, sha256):
        _remove_older(shape, folder)
        _write(shape, path)
    return RandomWeightsModel(path, sha256)


def _remove_older(shape: BenchModelShape, folder: Path) -> None:
    """Remove what earlier versions of the program wrote for this shape."""
    stem, _, version = shape.name.rpartition("-v")
    for number in range(1, int(version) if stem and version.isdecimal() else 1):
        with contextlib.suppress(OSError):
            (folder / f"{stem}-v{number}.gguf").unlink(missing_ok=True)


def _is_there(path: Path, sha256: str) -> bool:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


@cache
def weights_sha256(shape: BenchModelShape) -> str:
    """The sha256 of the file of this shape, by making its bytes once more: nothing on the disk is taken at its word."""
    digest = hashlib.sha256()
    for piece in gguf_pieces(_metadata(shape), _tensors(shape)):
        digest.update(piece)
    return digest.hexdigest()


def _write(shape: BenchModelShape, path: Path) -> None:
    folder = path.parent
    tensors = _tensors(shape)
    needed = sum(tensor.size for tensor in tensors) + _SPARE_BYTES
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise ResourceError(
                tr("The benchmark needs {needed} MB of disk, {free} MB are free.").format(
                    needed=needed // 1_000_000, free=free // 1_000_000
                ),
                "",
                tr("Free some space in {folder}, or name a file with --model.").format(folder=folder),
            )
        with tempfile.TemporaryDirectory(prefix=f".{shape.name}.", dir=folder) as alone:
            write_gguf(Path(alone) / path.name, _metadata(shape), tensors)
            (Path(alone) / path.name).replace(path)
    except OSError as error:
        raise ResourceError(
            tr("The benchmark's model could not be written to {folder}: {reason}.").format(
                folder=folder, reason=error.strerror
            )
        ) from error


def _metadata(shape: BenchModelShape) -> dict[str, Value]:
    pieces, scores, types = _vocabulary(shape.vocabulary)
    controls = [pieces.index(role) for role in _ROLES]
    return {
        "general.architecture": "llama",
        "general.name": "Latchkey bench (random weights)",
        "general.license": "apache-2.0",
        "general.file_type": 2,  # mostly Q4_0
        "llama.context_length": 8192,
        "llama.embedding_length": shape.width,
        "llama.block_count": shape.layers,
        "llama.feed_forward_length": shape.feed_forward,
        "llama.attention.head_count": shape.heads,
        "llama.attention.head_count_kv": shape.key_value_heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": shape.width // shape.heads,
        "llama.rope.freq_base": 10_000.0,
        "llama.vocab_size": shape.vocabulary,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": pieces,
        "tokenizer.ggml.scores": scores,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.eot_token_id": controls[-1],
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_space_prefix": True,
        "tokenizer.chat_template": _TEMPLATE,
    }


def _vocabulary(size: int) -> tuple[list[str], list[float], list[int]]:
    """Pieces, scores and types as sentencepiece lays them out. Every prefix of a word is a piece, so that merging
    reaches the word; every sixtieth of the longer ones ends a paragraph, so that a window has some to draw."""
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *_ROLES]
    types = [_UNKNOWN, _CONTROL, _CONTROL, *[_BYTE] * 256, *[_CONTROL] * len(_ROLES)]
    letters = string.ascii_lowercase
    words = ["▁", *letters, *(f"▁{a}" for a in letters), *(f"▁{a}{b}" for a in letters for b in letters)]
    words += [f"▁{word}" for word in WORDS]
    longer = enumerate(itertools.product(WORDS, "aeiou"))
    words += [f"▁{word}.\n\n" if number % 60 == 0 else f"▁{word}{letter}" for number, (word, letter) in longer]
    words = words[: size - len(pieces)]
    scores = [0.0] * len(pieces) + [-float(rank) for rank in range(len(words))]
    return pieces + words, scores, types + [_NORMAL] * len(words)


def _counted(size: int) -> list[int]:
    """The tokens that the model says, in their order."""
    pieces, _, _ = _vocabulary(size)
    numbers = {piece: number for number, piece in enumerate(pieces)}
    words = [number for word in WORDS if (number := numbers.get(f"▁{word}")) is not None]
    ends = iter([number for number, piece in enumerate(pieces) if piece.endswith(".\n\n")])
    found: list[int] = []
    for place, word in enumerate(words, 1):
        found.append(word)
        end = next(ends, None) if place % _PARAGRAPH == 0 else None
        found += [end] if end is not None else []
    return found


def _tensors(shape: BenchModelShape) -> list[WrittenTensor]:
    width, key_value = shape.width, shape.width // shape.heads * shape.key_value_heads
    embedding, output = _counting_weights(shape)
    tensors = [embedding]
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        tensors += [
            _ones(f"{block}attn_norm.weight", width),
            _weights(f"{block}attn_q.weight", width, width),
            _weights(f"{block}attn_k.weight", width, key_value),
            _weights(f"{block}attn_v.weight", width, key_value),
            _zeros(f"{block}attn_output.weight", width, width),
            _ones(f"{block}ffn_norm.weight", width),
            _weights(f"{block}ffn_gate.weight", width, shape.feed_forward),
            _weights(f"{block}ffn_up.weight", width, shape.feed_forward),
            _zeros(f"{block}ffn_down.weight", shape.feed_forward, width),
        ]
    return [*tensors, _ones("output_norm.weight", width), output]


def _counting_weights(shape: BenchModelShape) -> tuple[WrittenTensor, WrittenTensor]:
    """Embedding and output. Each word has a code of its own, all other tokens share one; a token's row of the output is
    the code of the one before it. They are made when they are read."""
    size = shape.vocabulary * shape.width // _BLOCK * _BLOCK_BYTES

    def rows(*, output: bool) -> Iterator[bytes]:
        import numpy as np

        counted = _counted(shape.vocabulary)
        said = np.array(counted)
        code_of = np.zeros(shape.vocabulary, np.int64)  # 0 is that of whatever is no word, and of the last one
        code_of[said[:-1]] = np.arange(1, len(counted))
        if output:
            code_of[:] = len(counted)  # nothing leads to what is no word
            code_of[said] = np.arange(len(counted))
        random = np.random.default_rng(list(b"codes"))
        signs = random.integers(0, 2, (len(counted) + 1, shape.width // _BLOCK, 2, _BLOCK // 2), np.uint8)
        nibbles = 1 + 14 * signs  # of -7 or 7
        codes = np.empty((len(counted) + 1, shape.width // _BLOCK, _BLOCK_BYTES), np.uint8)
        codes[:, :, :2] = np.frombuffer(np.float16(_scale(shape.width)).tobytes(), np.uint8)
        codes[:, :, 2:] = nibbles[:, :, 0] | nibbles[:, :, 1] << 4
        for begin in range(0, shape.vocabulary, _PIECE_ROWS):
            yield codes[code_of[begin : begin + _PIECE_ROWS]].tobytes()

    made = (
        WrittenTensor(name, (shape.width, shape.vocabulary), Q4_0, size, _Remade(partial(rows, output=is_output)))
        for name, is_output in (("token_embd.weight", False), ("output.weight", True))
    )
    return next(made), next(made)


class _Remade:
    """What can be gone through more than once."""

    def __init__(self, make: Callable[[], Iterator[bytes]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[bytes]:
        return self._make()


def _zeros(name: str, columns: int, rows: int) -> WrittenTensor:
    blocks = columns * rows // _BLOCK
    block = b"\0\0" + b"\x88" * (_BLOCK_BYTES - 2)
    return WrittenTensor(name, (columns, rows), Q4_0, blocks * _BLOCK_BYTES, [block * blocks])


def _scale(columns: int) -> float:
    """Of weights between -8 and 7, with which a row's product with normed activations has a spread near one."""
    return float(1.0 / (4.6 * columns**0.5))


def _ones(name: str, width: int) -> WrittenTensor:
    return WrittenTensor(name, (width,), F32, 4 * width, [struct.pack("<f", 1.0) * width])


def _weights(name: str, columns: int, rows: int) -> WrittenTensor:
    blocks = columns * rows // _BLOCK
    return WrittenTensor(name, (columns, rows), Q4_0, blocks * _BLOCK_BYTES, _blocks(name, blocks, _scale(columns)))


def _blocks(name: str, count: int, scale: float) -> Iterator[bytes]:
    """Random Q4_0 blocks, the same at every run: weights of `scale` times -8 to 7."""
    import numpy as np

    random = np.random.default_rng(list(name.encode()))
    for start in range(0, count, _PIECE_BLOCKS):
        blocks = np.empty((min(_PIECE_BLOCKS, count - start), _BLOCK_BYTES), np.uint8)
        blocks[:, :2] = np.frombuffer(np.float16(scale).tobytes(), np.uint8)
        blocks[:, 2:] = random.integers(0, 256, (len(blocks), _BLOCK_BYTES - 2), np.uint8)
        yield blocks.tobytes()
