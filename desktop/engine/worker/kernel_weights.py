"""Weights for the engine test: numbers in each of ggml's tensor types, and what they mean."""

from dataclasses import dataclass

import numpy as np

from desktop.engine.gguf_types import TENSOR_TYPES
from desktop.engine.worker.ggml import Bytes, CpuBackend, Floats

_NOT_WEIGHTS = frozenset(("I8", "I16", "I32", "I64", "F64", "Q8_1", "Q8_K"))
# A large-grid quantizer of ggml first makes tables, for up to 20 s (measured); these types are filled with random codes
# instead, of which every one is valid. In all but IQ1_M the block begins with its scale, a half-precision number.
_LARGE_GRIDS = frozenset(("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"))


def weight_types() -> dict[str, int]:
    """The tensor types that weights can have, with ggml's number of each."""
    return {name: number for number, (name, _, _) in TENSOR_TYPES.items() if name not in _NOT_WEIGHTS}


def columns_of(tensor_type: int) -> int:
    """A row's length for this type: an odd number of blocks, so that kernels which take several at once have a rest."""
    return {1: 544, 32: 544, 64: 576, 128: 640, 256: 768}[TENSOR_TYPES[tensor_type][1]]


@dataclass(frozen=True)
class Weights:
    """A matrix of `rows` rows and `columns` columns: as stored, and the values that the stored bytes mean."""

    tensor_type: int
    rows: int
    columns: int
    stored: Bytes
    values: Floats

    def first_rows(self, rows: int) -> Bytes:
        return self.stored[: len(self.stored) // self.rows * rows]


def make_weights(backend: CpuBackend, tensor_type: int, rows: int, columns: int) -> Weights:
    """The same weights at each call. Their values are those of ggml's own `to_float`, which is plain C everywhere."""
    random = np.random.default_rng(tensor_type)
    name, block_values, block_bytes = TENSOR_TYPES[tensor_type]
    if name in _LARGE_GRIDS:
        stored = _random_codes(random, name, rows * columns // block_values, block_bytes)
    else:
        stored = backend.quantize(tensor_type, random.standard_normal((rows, columns), dtype=np.float32))
    return Weights(tensor_type, rows, columns, stored, backend.dequantize(tensor_type, stored, rows, columns))


def _random_codes(random: np.random.Generator, name: str, blocks: int, block_bytes: int) -> Bytes:
    codes = random.integers(0, 256, (blocks, block_bytes), dtype=np.uint8)
    scales = random.uniform(0.01, 0.02, blocks).astype(np.float16).view(np.uint16)
    if name == "IQ1_M":  # the scale's four digits are the highest four bits of the last four 16-bit words
        words = codes[:, -8:].view(np.uint16)
        for digit in range(4):
            words[:, digit] = (words[:, digit] & 0x0FFF) | (((scales >> (4 * digit)) & 0xF) << 12)
    else:
        codes[:, :2] = scales.reshape(-1, 1).view(np.uint8)
    return codes.reshape(-1)
