"""How much memory a model will take, by arithmetic on its header, and whether this machine can give it.

Linux hands out more memory than it has: too large a model is not refused but killed. So it is refused here, before.

What loading takes is what its worker holds once the context is full: the weights, mapped from the file or copied, each
once; the buffers that llama.cpp reports for the cache, recurrent states, one batch and the logits; the vocabulary's
tables; Python and the libraries. Where llama.cpp copies weights into another order, the pages they were read from stay
mapped for a while. They are not counted: the system takes them back as soon as it wants them. Nor are the prompt
cache's sequence states and checkpoints (`prompt_cache`), which the worker can do without.
"""

from dataclasses import dataclass

from desktop.engine.load_params import MOST_OUTPUTS, SPARE_SEQUENCES, KvType, LoadParams
from desktop.engine.model_shape import ModelShape

_UBATCH = 512  # what the worker computes at once, at most
_CELLS = 256  # llama.cpp rounds contexts up to this
_HALF, _FLOAT = 2, 4
# Bytes of 32 values of the KV cache, by ggml's type.
_BLOCK = 32
_BLOCK_BYTES: dict[KvType, int] = {
    "f16": 64, "bf16": 64, "q8_0": 34, "q5_1": 24, "q5_0": 22, "q4_1": 20, "q4_0": 18, "iq4_nl": 18,
}  # fmt: skip
# Measured on Linux: a worker without a model and what its first answer adds; the tables of vocabularies of 30,000 to
# 256,000 tokens, sampling and logits included; those of 150,000 merges; the graphs of computations, which have
# a size set by the architecture.
_PROCESS = 43_000_000
_TOKEN = 180
_MERGE = 120
_NODE = 1_000
_AUTOMATIC_CONTEXT = 8192
_SMALLEST_CONTEXT = 2048


@dataclass(frozen=True)
class BufferOptions:
    """What of a load decides the size of its buffers.

    `batch` tokens are computed at once, for `parallel` answers: each has a window and a state of its own, and shares
    the cells of layers that see the whole context. `flash` says whether attention is computed without holding all its
    scores, as it is unless that is switched off.
    """

    flash: bool = True
    key_type: KvType = "f16"
    value_type: KvType = "f16"
    batch: int = _UBATCH
    parallel: int = 1

    @classmethod
    def of(cls, params: LoadParams) -> "BufferOptions":
        """Those of `params`."""
        batch = min(max(params.batch_tokens, 32), _UBATCH)
        flash = params.flash_attention != "off"
        return cls(flash, params.key_type, params.value_type, batch, max(1, params.parallel))


_USUAL = BufferOptions()


def estimate_memory(shape: ModelShape, context_length: int, options: BufferOptions = _USUAL) -> int:
    """Bytes for weights, keys and values, recurrent state, compute buffers and the process around them."""
    buffers = cache_bytes(shape, context_length, options) + compute_bytes(shape, context_length, options)
    return shape.weights + buffers + process_bytes(shape)


def cache_bytes(shape: ModelShape, context_length: int, options: BufferOptions = _USUAL) -> int:
    """Keys and values of all layers in their types (those with a window hold hardly more than it), and states."""
    full, windowed = _cells(context_length), _window_cells(shape, context_length, options)
    keys = shape.full_keys * full + shape.window_keys * windowed
    values = (shape.full_values - shape.full_keys) * full + (shape.window_values - shape.window_keys) * windowed
    keys += sum(kept * _compressed_cells(context_length, ratio) for ratio, kept in shape.compressed_values)
    return (
        _typed_bytes(options.key_type, keys) + _typed_bytes(options.value_type, values) + shape.state * options.parallel
    )


def _typed_bytes(kind: KvType, values: int) -> int:
    return _BLOCK_BYTES[kind] * values // _BLOCK


def compute_bytes(shape: ModelShape, context_length: int, options: BufferOptions = _USUAL) -> int:
    """Activations of one batch, who may see whom in it, and one row of logits."""
    full, windowed = _cells(context_length), _window_cells(shape, context_length, options)
    seen = (full if shape.full_values else 0) + (windowed if shape.window_values else 0)
    compressed = [_compressed_cells(context_length, ratio) for ratio, _ in shape.compressed_values]
    seen += 2 * sum(compressed)
    floats = shape.batch_floats
    if shape.indexer_floats:
        floats = max(floats, shape.indexer_floats + (2 * max(compressed) if compressed else full))
    if not options.flash:
        floats = max(floats, shape.heads * (full if shape.full_values else windowed) + 6 * shape.width)
    scores = (_HALF if options.flash else _FLOAT) * seen
    rows = _FLOAT * max(MOST_OUTPUTS, options.parallel + SPARE_SEQUENCES) * shape.vocabulary
    return options.batch * (_FLOAT * floats + scores) + rows


def process_bytes(shape: ModelShape) -> int:
    """The worker itself, the tables of the model's vocabulary and its graphs."""
    return _PROCESS + _TOKEN * shape.vocabulary + _MERGE * shape.merges + _NODE * shape.graph_nodes


def automatic_contexts(trained: int) -> tuple[int, ...]:
    """The contexts tried where none is asked for, longest first: up to 8,192 tokens of the `trained`."""
    longest = min(trained, _AUTOMATIC_CONTEXT) if trained > 0 else _AUTOMATIC_CONTEXT
    return (longest, *(length for length in (4096, _SMALLEST_CONTEXT) if length < longest))


def _cells(length: int) -> int:
    return -(-length // _CELLS) * _CELLS


def _compressed_cells(context_length: int, ratio: int) -> int:
    """Room for a whole context of which every `ratio` tokens are kept as one."""
    return _cells(-(-context_length // ratio))


def _window_cells(shape: ModelShape, context_length: int, options: BufferOptions) -> int:
    """As llama_kv_cache_iswa: a window for each sequence and one batch, no more than the whole context."""
    return _cells(min(_cells(context_length), shape.window * options.parallel + options.batch))
