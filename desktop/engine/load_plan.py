"""What a model is loaded with on this machine: context, GPU layers and batch, fitted to memory before loading.

It is arithmetic on the header (`memory_estimate`). Layers are put on GPUs as llama.cpp puts them there: the last ones,
with what belongs to no layer at the very end (`llama_model_base::load_tensors`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from desktop.byte_size import size_text
from desktop.engine.gguf_header import GgufHeader
from desktop.engine.load_params import LoadParams
from desktop.engine.load_params_check import check_load_params, chosen_gpus
from desktop.engine.memory_estimate import (
    BufferOptions,
    automatic_contexts,
    cache_bytes,
    compute_bytes,
    process_bytes,
)
from desktop.engine.model_shape import ModelShape
from desktop.engine.worker_messages import ComputeDevice
from desktop.errors import ResourceError
from desktop.translation import tr

# What is left free of a GPU: its driver, its screen, and what other programs are about to take.
_SPARED, _SPARED_SHARE = 600_000_000, 0.10
_STEP = 256  # llama.cpp rounds contexts up to this
_SHORTEST = 2048
_LEAST_ON_GPU = 4096  # no shorter one is taken to have all layers on the GPU
_SMALLEST_BATCH = 128
ContextReason = Literal["asked", "trained", "usual", "memory"]
LayersReason = Literal["no-gpu", "asked", "fits", "memory", "unknown"]


@dataclass(frozen=True)
class LoadPlan:
    """`params` with everything fitted, and one sentence for each thing that is not as it was asked for.

    `gpus` are the devices used, `needed` the bytes of memory taken beside them, of `available` (None: not known).
    `context_reason` says where the length comes from, `layers_reason` the number of layers on GPUs.
    """

    params: LoadParams
    gpus: tuple[ComputeDevice, ...]
    needed: int
    available: int | None
    context_reason: ContextReason
    layers_reason: LayersReason
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Placement:
    """How many layers go to the GPUs, and how many to each; `beside` is what the processor's memory takes, in bytes."""

    layers: int
    counts: tuple[int, ...]
    beside: int


def plan_load(
    params: LoadParams, header: GgufHeader, devices: Sequence[ComputeDevice], available: int | None
) -> LoadPlan:
    """How to load the model of `header`. `available` is free memory in bytes, None where it cannot be found out.

    Raises EngineError where `params` contradict themselves, ResourceError where the model fits in no way.
    """
    check_load_params(params)
    gpus, gone = chosen_gpus(params, devices)
    notices = [_gone(gone, gpus)] if gone else []
    if gone:
        params = msgspec.structs.replace(params, split_mode="layer", tensor_split=(), main_gpu=0)
    fit = _Fit(header.shape, params, gpus, available)
    length, reason = _context(fit, params.context_length, header.context_length)
    batch = params.batch_tokens
    while not fit.fits(length) and batch > _SMALLEST_BATCH:
        batch //= 2
        fit = _Fit(header.shape, msgspec.structs.replace(params, batch_tokens=batch), gpus, available)
    if not fit.fits(length):
        raise _too_large(fit, length)
    placed = fit.placement(length)
    fitted = msgspec.structs.replace(
        params,
        context_length=length,
        batch_tokens=batch,
        gpu_layers=placed.layers if gpus else 0 if gone else params.gpu_layers,
        devices=tuple(gpu.name for gpu in gpus),
        main_gpu=0 if gpus and params.split_mode == "none" else params.main_gpu,
        tensor_split=params.tensor_split or (tuple(map(float, placed.counts)) if len(placed.counts) > 1 else ()),
    )
    notices += _context_notices(params.context_length, length, header.context_length, reason, available)
    if batch != params.batch_tokens:
        notices.append(tr("Little memory is free, so the prompt is read {count} tokens at a time.").format(count=batch))
    if fit.layers_reason(placed) == "memory":
        notices.append(_partly(placed.layers, header.shape.layers))
    return LoadPlan(fitted, gpus, placed.beside, available, reason, fit.layers_reason(placed), tuple(notices))


class _Fit:
    """What fits of one model, with everything but the context's length decided."""

    def __init__(
        self, shape: ModelShape, params: LoadParams, gpus: Sequence[ComputeDevice], available: int | None
    ) -> None:
        self._shape = shape
        self._params = params
        self._options = BufferOptions.of(params)
        self._gpus = tuple(gpus)
        self.available = available
        self._known = bool(gpus) and all(gpu.memory_total for gpu in gpus)

    def placement(self, length: int) -> _Placement:
        """Where the layers go with a context of `length` tokens."""
        every = self._shape.layers + 1
        asked = self._params.gpu_layers
        if not self._gpus:
            return _Placement(0, (), self._beside(length, 0))
        if asked is not None or self._params.tensor_split or not self._known:
            layers = every if asked is None or asked < 0 else min(asked, every)
            return _Placement(layers, (), self._beside(length, layers))
        for layers in range(every, 0, -1):
            counts = self._spread(length, layers)
            if counts is not None:
                return _Placement(layers, counts, self._beside(length, layers))
        return _Placement(0, (), self._beside(length, 0))

    def fits(self, length: int) -> bool:
        """Whether memory suffices beside what the GPUs take."""
        return self.available is None or self.needed(length) <= self.available

    def all_on_gpu(self, length: int) -> bool:
        return self.placement(length).layers > self._shape.layers

    def needed(self, length: int) -> int:
        """Bytes of memory beside the GPUs."""
        return self.placement(length).beside

    def layers_reason(self, placed: _Placement) -> LayersReason:
        if not self._gpus:
            return "no-gpu"
        if self._params.gpu_layers is not None or self._params.tensor_split:
            return "asked"
        if not self._known:
            return "unknown"
        return "fits" if placed.layers > self._shape.layers else "memory"

    def _per_layer(self, length: int) -> int:
        weights = self._shape.weights - self._shape.outside
        return (weights + cache_bytes(self._shape, length, self._options)) // max(self._shape.layers, 1)

    def _beside(self, length: int, layers: int) -> int:
        """Bytes beside `layers` on GPUs; those of a GPU that shares the machine's memory are in it all the same."""
        buffers = compute_bytes(self._shape, length, self._options) + process_bytes(self._shape)
        if not layers or any(gpu.kind != "gpu" for gpu in self._gpus):
            return self._shape.weights + cache_bytes(self._shape, length, self._options) + buffers
        left = max(self._shape.layers - layers, 0)
        return self._shape.outside + self._per_layer(length) * left + buffers

    def _spread(self, length: int, layers: int) -> tuple[int, ...] | None:
        """How many layers go to each GPU, evenly by what is free of it; None where there is no room for all."""
        buffers = compute_bytes(self._shape, length, self._options)
        left = [_room(gpu) - buffers for gpu in self._gpus]
        counts = [0] * len(left)
        each, whole = self._per_layer(length), layers > self._shape.layers
        if whole:
            left[-1] -= self._shape.outside
        for _ in range(min(layers, self._shape.layers)):
            roomiest = max(range(len(left)), key=left.__getitem__)
            left[roomiest] -= each
            counts[roomiest] += 1
        counts[-1] += whole
        return None if any(room < 0 for room, count in zip(left, counts, strict=True) if count) else tuple(counts)


def _room(gpu: ComputeDevice) -> int:
    return gpu.memory_free - int(min(_SPARED, gpu.memory_total * _SPARED_SHARE))


def _context(fit: _Fit, asked: int | None, trained: int) -> tuple[int, ContextReason]:
    """How long the context is, and why: the one asked for, no longer than the model was trained for and than fits."""
    if asked is None:
        lengths = automatic_contexts(trained)
        on_gpu = next(
            (each for each in lengths if each >= _LEAST_ON_GPU and fit.all_on_gpu(each) and fit.fits(each)), None
        )
        fitting = on_gpu or next((length for length in lengths if fit.fits(length)), lengths[-1])
        return fitting, "usual" if fitting == lengths[0] else "memory"
    wanted = min(asked, trained) if trained > 0 else asked
    if fit.fits(wanted):
        return wanted, "asked" if wanted == asked else "trained"
    return _longest(fit.fits, wanted), "memory"


def _longest(fits: Callable[[int], bool], wanted: int) -> int:
    """The longest context below `wanted` that fits, in steps of 256; the shortest that makes sense where none does."""
    low, high = min(wanted, _SHORTEST), wanted
    while high - low > _STEP:
        middle = low + (high - low) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low // _STEP * _STEP if low > _STEP else low


def _context_notices(
    asked: int | None, length: int, trained: int, reason: ContextReason, available: int | None
) -> list[str]:
    usual = automatic_contexts(trained)[0]
    told = {"length": f"{length:,}", "asked": f"{asked or usual:,}", "trained": f"{trained:,}"}
    if reason == "trained":
        text = tr("The context has {length} tokens, not the {asked} asked for: the model was made for no more.")
    elif reason == "memory":
        told["free"] = size_text(available or 0, "gigabytes")
        text = tr("The context has {length} tokens, not {asked}: more does not fit into the {free} that are free.")
    else:
        return []
    return [text.format(**told)]


def _gone(names: Sequence[str], left: Sequence[ComputeDevice]) -> str:
    if left:
        text = tr("The GPU {names} is not here now, so the model runs on {left}.")
        return text.format(names=", ".join(names), left=", ".join(gpu.name for gpu in left))
    return tr("The GPU {names} is not here now, so the model runs on the processor.").format(names=", ".join(names))


def _partly(layers: int, every: int) -> str:
    if not layers:
        return tr("The GPU has too little free memory for this model, so it runs on the processor.")
    return tr("{layers} of {every} layers fit into the GPU's free memory; the processor computes the others.").format(
        layers=min(layers, every), every=every
    )


def _too_large(fit: _Fit, length: int) -> ResourceError:
    return ResourceError(
        tr("There is not enough memory for this model."),
        tr("It needs about {needed} with a context of {length} tokens; {available} are free.").format(
            needed=size_text(fit.needed(length), "gigabytes"),
            length=f"{length:,}",
            available=size_text(fit.available or 0, "gigabytes"),
        ),
        tr("Choose a smaller model or quantization, or close other programs."),
    )
