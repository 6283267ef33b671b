"""How much memory a model will take, by arithmetic on its header, and whether this machine can give it.

Linux hands out more memory than it has: too large a model is not refused but killed. So it is refused here, before.

What loading takes is what its worker holds once the context is full: the weights, mapped from the file or copied, each
once; the buffers that llama.cpp reports for the cache, recurrent states, one batch and the logits; the vocabulary's
tables; Python and the libraries. Where llama.cpp copies weights into another order, the pages they were read from stay
mapped for a while. They are not counted: the system takes them back as soon as it wants them. Nor are the prompt
cache's sequence states and checkpoints (`prompt_cache`), which the worker can do without.
"""

from desktop.byte_size import size_text
from desktop.engine.load_params import MOST_OUTPUTS
from desktop.engine.model_shape import ModelShape
from desktop.errors import ResourceError
from desktop.translation import tr

_UBATCH = 512  # what the worker computes at once, at most
_CELLS = 256  # llama.cpp rounds contexts up to this
_HALF, _FLOAT = 2, 4
# Measured on Linux: a worker without a model and what its first answer adds; the tables of vocabularies of 30,000 to
# 256,000 tokens, sampling and logits included; those of 150,000 merges; the graphs of computations, which have
# a size set by the architecture.
_PROCESS = 36_000_000
_TOKEN = 180
_MERGE = 120
_NODE = 1_000
_AUTOMATIC_CONTEXT = 8192
_SMALLEST_CONTEXT = 2048


def estimate_memory(shape: ModelShape, context_length: int, *, flash: bool = True, parallel: int = 1) -> int:
    """Bytes for weights, keys and values, recurrent state, compute buffers and the process around them.

    `flash` says whether attention is computed without holding all its scores, as it is unless that is switched off.
    `parallel` answers share the context (`kv_unified`).
    """
    cache = cache_bytes(shape, context_length, parallel=parallel)
    buffers = cache + compute_bytes(shape, context_length, flash=flash, parallel=parallel)
    return shape.weights + buffers + process_bytes(shape)


def cache_bytes(shape: ModelShape, context_length: int, *, parallel: int = 1) -> int:
    """Keys and values of all layers in half precision (those with a window hold hardly more than it), and states.

    Each of `parallel` answers has a window and a state of its own; layers that see the whole context share its cells.
    """
    windowed = _window_cells(shape, context_length, parallel)
    values = shape.full_values * _cells(context_length) + shape.window_values * windowed
    values += sum(kept * _compressed_cells(context_length, ratio) for ratio, kept in shape.compressed_values)
    return _HALF * values + shape.state * parallel


def compute_bytes(shape: ModelShape, context_length: int, *, flash: bool = True, parallel: int = 1) -> int:
    """Activations of one batch of 512 tokens, who may see whom in it, and the rows of logits."""
    full, windowed = _cells(context_length), _window_cells(shape, context_length, parallel)
    seen = (full if shape.full_values else 0) + (windowed if shape.window_values else 0)
    compressed = [_compressed_cells(context_length, ratio) for ratio, _ in shape.compressed_values]
    seen += 2 * sum(compressed)
    floats = shape.batch_floats
    if shape.indexer_floats:
        floats = max(floats, shape.indexer_floats + (2 * max(compressed) if compressed else full))
    if not flash:
        floats = max(floats, shape.heads * (full if shape.full_values else windowed) + 6 * shape.width)
    rows = _FLOAT * max(MOST_OUTPUTS, parallel) * shape.vocabulary
    return _UBATCH * (_FLOAT * floats + (_HALF if flash else _FLOAT) * seen) + rows


def process_bytes(shape: ModelShape) -> int:
    """The worker itself, the tables of the model's vocabulary and its graphs."""
    return _PROCESS + _TOKEN * shape.vocabulary + _MERGE * shape.merges + _NODE * shape.graph_nodes


def automatic_contexts(trained: int) -> tuple[int, ...]:
    """The contexts tried where none is asked for, longest first: up to 8,192 tokens of the `trained`."""
    longest = min(trained, _AUTOMATIC_CONTEXT) if trained > 0 else _AUTOMATIC_CONTEXT
    return (longest, *(length for length in (4096, _SMALLEST_CONTEXT) if length < longest))


def fitting_context(
    shape: ModelShape,
    trained: int,
    asked: int | None,
    available: int | None,
    *,
    flash: bool = True,
    parallel: int = 1,
) -> int:
    """The context to load with: `asked`, else up to 8,192 tokens of the `trained`, shorter where memory wants it.

    Raises ResourceError, with both figures, where the model does not fit into `available` bytes.
    """
    lengths = automatic_contexts(trained) if asked is None else (asked,)
    for length in lengths:
        if available is None or estimate_memory(shape, length, flash=flash, parallel=parallel) <= available:
            return length
    raise ResourceError(
        tr("There is not enough memory for this model."),
        tr("It needs about {needed} with a context of {length} tokens; {available} are free.").format(
            needed=size_text(estimate_memory(shape, lengths[-1], flash=flash, parallel=parallel), "gigabytes"),
            length=f"{lengths[-1]:,}",
            available=size_text(available or 0, "gigabytes"),
        ),
        tr("Choose a smaller model or quantization, or close other programs."),
    )


def _cells(length: int) -> int:
    return -(-length // _CELLS) * _CELLS


def _compressed_cells(context_length: int, ratio: int) -> int:
    """Room for a whole context of which every `ratio` tokens are kept as one."""
    return _cells(-(-context_length // ratio))


def _window_cells(shape: ModelShape, context_length: int, parallel: int) -> int:
    """As llama_kv_cache_iswa: a window for each sequence and one batch, no more than the whole context."""
    return _cells(min(_cells(context_length), shape.window * parallel + _UBATCH))
