"""One kernel of llama.cpp computed on the CPU backend, and the same in plain NumPy: how far they are apart."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.engine.gguf_reader import TENSOR_TYPES
from desktop.engine.kernel_report import Kernel
from desktop.engine.worker.ggml import BufferType, Bytes, CpuBackend, Floats, GgmlTensors

_NOT_WEIGHTS = frozenset(("I8", "I16", "I32", "I64", "F64", "Q8_1", "Q8_K"))
# A large-grid quantizer of ggml first makes tables, for up to 20 s (measured); these types are filled with random codes
# instead, of which every one is valid. In all but IQ1_M the block begins with its scale, a half-precision number.
_LARGE_GRIDS = frozenset(("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"))
Doubles = npt.NDArray[np.float64]
BATCHES = (1, 8, 32, 512)
ROWS = (64, 67, 96)  # AMX takes 32 rows at a time, repacked kernels 8 or 4: 67 fits none
KV_TYPES = ("F16", "Q8_0", "Q4_0")
KV_LENGTH = 512  # from here on llama.cpp splits the cache among threads for a single query
EXPERTS, EXPERTS_USED = 4, 2
_EXPERT_ROWS = ROWS[-1] // EXPERTS
_HEAD, _HEADS, _KV_HEADS = 128, 2, 1
# The bound on the normalized mean squared error that llama.cpp's own test-backend-ops.cpp has for MUL_MAT, MUL_MAT_ID
# and FLASH_ATTN_EXT: kernels round the other factor to 8 bits. F32 rounds nothing.
_ERROR, _F32_ERROR = 5e-4, 1e-6
# The same for each token's part of the result alone, so that one wrong number among many right ones is seen.
_PART = 4.0
_I32 = 26  # enum ggml_type


def weight_types() -> dict[str, int]:
    """The tensor types that weights can have, with ggml's number of each."""
    return {name: number for number, (name, _, _) in TENSOR_TYPES.items() if name not in _NOT_WEIGHTS}


def columns_of(tensor_type: int) -> int:
    """A row's length for this type: an odd number of blocks, so that kernels which take several at once have a rest."""
    return {1: 544, 32: 544, 64: 576, 128: 640, 256: 768}[TENSOR_TYPES[tensor_type][1]]


@dataclass(frozen=True)
class KernelWeights:
    """A matrix of `rows` rows and `columns` columns: as stored, and the values that the stored bytes mean."""

    tensor_type: int
    rows: int
    columns: int
    stored: Bytes
    values: Floats

    def first_rows(self, rows: int) -> Bytes:
        return self.stored[: len(self.stored) // self.rows * rows]


def make_weights(backend: CpuBackend, tensor_type: int, rows: int, columns: int) -> KernelWeights:
    """The same weights at each call. Their values are those of ggml's own `to_float`, which is plain C everywhere."""
    random = np.random.default_rng(tensor_type)
    name, block_values, block_bytes = TENSOR_TYPES[tensor_type]
    if name in _LARGE_GRIDS:
        stored = _random_codes(random, name, rows * columns // block_values, block_bytes)
    else:
        stored = backend.quantize(tensor_type, random.standard_normal((rows, columns), dtype=np.float32))
    return KernelWeights(tensor_type, rows, columns, stored, backend.dequantize(tensor_type, stored, rows, columns))


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


class KernelComputation:
    """Computes kernels on `backend`. What a kernel is computed from is the same in every process."""

    def __init__(self, backend: CpuBackend) -> None:
        self._backend = backend
        self._types = weight_types()
        self._weights: Callable[[int], KernelWeights] = cache(self._make_weights)
        self._products: Callable[[int], Doubles] = cache(self._make_products)
        self._tokens: Callable[[int], Floats] = cache(_make_tokens)

    def plan(self) -> tuple[Kernel, ...]:
        """What this backend computes: plain products, attention, then products in each extra buffer type."""
        backend = self._backend
        attention = [Kernel(name, batch, KV_LENGTH, "FLASH_ATTN_EXT") for name in KV_TYPES for batch in BATCHES]
        extra = [each for buffer in backend.extra for each in self._all_products(buffer) if self._is_supported(each)]
        return (*self._all_products(backend.plain), *attention, *extra)

    def _all_products(self, buffer: BufferType) -> list[Kernel]:
        kernels = []
        for name in self._types:
            kernels += [Kernel(name, batch, rows, "MUL_MAT", buffer.name) for rows in ROWS for batch in BATCHES]
            kernels += [Kernel(name, batch, _EXPERT_ROWS, "MUL_MAT_ID", buffer.name) for batch in BATCHES]
        return kernels

    def compute(self, kernel: Kernel) -> tuple[float, str]:
        """The seconds it took, and what is wrong with the result: "" where it is right."""
        if kernel.operation == "FLASH_ATTN_EXT":
            result, expected, seconds = self._attend(kernel)
        else:
            result, expected, seconds = self._multiply(kernel)
        return seconds, compare_results(result, expected, _F32_ERROR if kernel.type == "F32" else _ERROR)

    # --- matrix products ---

    def _make_weights(self, tensor_type: int) -> KernelWeights:
        return make_weights(self._backend, tensor_type, ROWS[-1], columns_of(tensor_type))

    def _make_products(self, tensor_type: int) -> Doubles:
        """The plain reference: every token times every row, in double precision."""
        weights = self._weights(tensor_type)
        return self._tokens(weights.columns).astype(np.float64) @ weights.values.T.astype(np.float64)

    def _buffer(self, name: str) -> BufferType:
        backend = self._backend
        return next(each for each in (backend.plain, *backend.extra) if each.name == name)

    def _is_supported(self, kernel: Kernel) -> bool:
        """Whether llama.cpp would put such weights there: it asks in the same way when it loads a model."""
        with _Product(self._backend, self._buffer(kernel.buffer), self._types[kernel.type], kernel) as product:
            return bool(self._backend.functions.supports_op(self._backend.device, product.result))

    def _multiply(self, kernel: Kernel) -> tuple[Floats, Doubles, float]:
        tensor_type = self._types[kernel.type]
        weights, batch = self._weights(tensor_type), kernel.batch
        expected = self._products(tensor_type)[:batch]
        chosen = np.random.default_rng(batch).permuted(np.tile(np.arange(EXPERTS, dtype=np.int32), (batch, 1)), axis=1)
        chosen = chosen[:, :EXPERTS_USED]
        with _Product(self._backend, self._buffer(kernel.buffer), tensor_type, kernel) as product:
            product.fill(weights, self._tokens(weights.columns)[:batch], chosen)
            seconds = product.run()
            if kernel.operation == "MUL_MAT":
                return product.read((batch, kernel.rows)), expected[:, : kernel.rows], seconds
            by_expert = expected.reshape(batch, EXPERTS, _EXPERT_ROWS)
            picked = np.take_along_axis(by_expert, chosen[:, :, None], axis=1)
            return product.read(picked.shape), picked, seconds

    # --- attention ---

    def _attend(self, kernel: Kernel) -> tuple[Floats, Doubles, float]:
        backend, functions, batch = self._backend, self._backend.functions, kernel.batch
        tensor_type = self._types[kernel.type]
        random = np.random.default_rng(batch)
        queries = random.standard_normal((_HEADS, batch, _HEAD), dtype=np.float32)
        keys, values = (
            _as_kv_cache(backend, tensor_type, random.standard_normal((_KV_HEADS * KV_LENGTH, _HEAD), dtype=np.float32))
            for _ in range(2)
        )
        mask = np.where(np.arange(KV_LENGTH) <= np.arange(KV_LENGTH - batch, KV_LENGTH)[:, None], 0, -np.inf)
        tensors = GgmlTensors(backend, backend.plain)
        try:
            q = tensors.new(weight_types()["F32"], _HEAD, batch, _HEADS)
            k, v = (tensors.new(tensor_type, _HEAD, KV_LENGTH, _KV_HEADS) for _ in range(2))
            m = tensors.new(weight_types()["F16"], KV_LENGTH, batch)
            result = functions.flash_attn(tensors.context, q, k, v, m, _HEAD**-0.5, 0.0, 0.0)
            tensors.allocate()
            for tensor, data in ((q, queries), (k, keys.stored), (v, values.stored), (m, mask.astype(np.float16))):
                tensors.fill(tensor, data)
            seconds = _timed(backend, tensors.graph(result))
            computed = tensors.read(result, (batch, _HEADS, _HEAD))
        finally:
            tensors.close()
        return computed, _softmax_attention(queries, keys.values, values.values, mask), seconds


class _Product:
    """The tensors of one product, allocated; freed at the end of the block."""

    def __init__(self, backend: CpuBackend, buffer: BufferType, tensor_type: int, kernel: Kernel) -> None:
        columns, batch, types = columns_of(tensor_type), kernel.batch, weight_types()
        self._backend, self._kernel = backend, kernel
        self._held = GgmlTensors(backend, buffer)
        self._other = other = GgmlTensors(backend, backend.plain)
        experts = () if kernel.operation == "MUL_MAT" else (EXPERTS,)
        self._weights = self._held.new(tensor_type, columns, kernel.rows, *experts)
        self._held.allocate()
        if experts:
            self._tokens = other.new(types["F32"], columns, 1, batch)
            self._chosen = other.new(_I32, EXPERTS_USED, batch)
            multiply = backend.functions.mul_mat_id
            self.result = multiply(other.context, self._weights, self._tokens, self._chosen)
        else:
            self._tokens = other.new(types["F32"], columns, batch)
            self.result = backend.functions.mul_mat(other.context, self._weights, self._tokens)
        other.allocate()

    def __enter__(self) -> "_Product":
        return self

    def __exit__(self, *_: object) -> None:
        self._other.close()
        self._held.close()

    def fill(self, weights: KernelWeights, tokens: Floats, chosen: npt.NDArray[np.int32]) -> None:
        """Take the weights' first rows, or all of them where they are those of the experts."""
        products = self._kernel.operation == "MUL_MAT"
        self._held.fill(self._weights, weights.first_rows(self._kernel.rows) if products else weights.stored)
        self._other.fill(self._tokens, tokens)
        if not products:
            self._other.fill(self._chosen, chosen)

    def run(self) -> float:
        return _timed(self._backend, self._other.graph(self.result))

    def read(self, shape: tuple[int, ...]) -> Floats:
        return self._other.read(self.result, shape)


def _make_tokens(columns: int) -> Floats:
    """What the weights are multiplied by: a row for each token of the largest batch."""
    return np.random.default_rng(columns).standard_normal((BATCHES[-1], columns), dtype=np.float32)


def _timed(backend: CpuBackend, graph: int) -> float:
    begun = time.perf_counter()
    if not backend.run(graph):
        raise RuntimeError("the backend refused to compute")
    return time.perf_counter() - begun


def _as_kv_cache(backend: CpuBackend, tensor_type: int, values: Floats) -> KernelWeights:
    """`values` as a KV cache of this type keeps them."""
    rows, columns = values.shape
    stored = backend.quantize(tensor_type, values)
    return KernelWeights(tensor_type, rows, columns, stored, backend.dequantize(tensor_type, stored, rows, columns))


def _softmax_attention(queries: Floats, keys: Floats, values: Floats, mask: Doubles) -> Doubles:
    """Attention as it is defined, in double precision; (batch, heads, head length), as ggml lays it out."""
    scores = queries.astype(np.float64) @ keys.T.astype(np.float64) * _HEAD**-0.5 + mask
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.ascontiguousarray((weights @ values.astype(np.float64)).transpose(1, 0, 2))


def compare_results(result: Floats, expected: npt.NDArray[Any], bound: float) -> str:
    """What is wrong with `result`, whose first axis is the tokens; "" where it is right."""
    if not np.isfinite(result).all():
        return "the result holds numbers that are not finite"
    size = len(expected)
    squares = ((result - expected) ** 2).reshape(size, -1).sum(axis=1)
    scale = (expected**2).reshape(size, -1).sum(axis=1)
    error, worst = float(squares.sum() / scale.sum()), float((squares / scale).max())
    if error > bound or worst > bound * _PART:
        return f"wrong result: normalized mean squared error {error:.1e}, of the worst token {worst:.1e}"
    return ""
