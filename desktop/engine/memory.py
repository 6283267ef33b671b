"""How much memory a model will take, by arithmetic on its header, and whether this machine can give it.

Linux hands out more memory than it has: too large a model is not refused but killed. So it is refused here, before.
"""

from dataclasses import dataclass

from desktop.errors import ResourceError
from desktop.translation import tr

_UBATCH = 512
_PROCESS = 64 << 20  # Python, the libraries and small buffers of a worker, as measured
_AUTOMATIC_CONTEXT = 8192
_SMALLEST_CONTEXT = 2048
# Of how many layers one attends to the whole context where the others see a window: llama.cpp's set_swa_pattern calls.
_FULL_EVERY = {
    "gemma2": 2,
    "gemma3": 6,
    "gemma3n": 5,
    "cohere2": 4,
    "gpt-oss": 2,
    "exaone4": 4,
    "llama4": 4,
    "gemma4": 6,
}


@dataclass(frozen=True)
class Shape:
    """What the estimate needs of a model. `head_bytes` is one head's key and value in half precision."""

    architecture: str
    weights: int
    layers: int
    width: int
    inner_width: int
    shared_heads: tuple[int, ...]
    head_bytes: int
    window: int
    state_bytes: int
    vocabulary: int


def estimate(shape: Shape, context_length: int) -> int:
    """Bytes for weights, keys and values, recurrent state, compute buffers and the process around them."""
    return shape.weights + cache_bytes(shape, context_length) + compute_bytes(shape) + _PROCESS


def cache_bytes(shape: Shape, context_length: int) -> int:
    """Keys and values of all layers (those with a sliding window hold no more than it), and recurrent state."""
    full_every = _FULL_EVERY.get(shape.architecture, 1) if shape.window else 1
    windowed = min(context_length, shape.window + _UBATCH)
    total = 0
    for layer, heads in enumerate(shape.shared_heads):
        length = context_length if layer % full_every == full_every - 1 else windowed
        total += heads * shape.head_bytes * length
    return total + shape.layers * shape.state_bytes


def compute_bytes(shape: Shape) -> int:
    """Activations of one batch of 512 tokens, and one row of logits."""
    return _UBATCH * 4 * (8 * shape.width + 2 * shape.inner_width) + 4 * shape.vocabulary


def fitting_context(shape: Shape, trained: int, asked: int | None, available: int | None) -> int:
    """The context to load with: `asked`, else up to 8,192 tokens of the `trained`, shorter where memory wants it.

    Raises ResourceError, with both figures, where the model does not fit into `available` bytes.
    """
    if asked is not None:
        lengths = [asked]
    else:
        longest = min(trained, _AUTOMATIC_CONTEXT)
        lengths = [length for length in (longest, 4096, _SMALLEST_CONTEXT) if length <= longest]
    for length in lengths:
        if available is None or estimate(shape, length) <= available:
            return length
    raise ResourceError(
        tr("There is not enough memory for this model."),
        tr("It needs about {needed} with a context of {length} tokens; {available} are free.").format(
            needed=_readable(estimate(shape, lengths[-1])),
            length=f"{lengths[-1]:,}",
            available=_readable(available or 0),
        ),
        tr("Choose a smaller model or quantization, or close other programs."),
    )


def _readable(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
