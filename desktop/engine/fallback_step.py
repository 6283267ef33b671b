"""One step more cautious: how a model is loaded after the engine crashed with it, or lacked memory.

Narrowest first: weights repacked for the processor, flash attention, the CPU variant; where a GPU computes, fewer
layers on it, then none. Steps keep what was turned off before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from desktop.engine.fallback_store import LoadLimits, lower_variant
from desktop.engine.load_params import LoadParams
from desktop.engine.load_params_check import without_flash_attention
from desktop.translation import tr

_NOTHING = LoadLimits()


@dataclass(frozen=True)
class FallbackStep:
    """Parameters to load with, and one sentence that tells the person of the step; "" on the first.

    `caution` is the part of it that follows from crashes with this file.
    """

    params: LoadParams
    notice: str = ""
    caution: LoadLimits = _NOTHING


def next_step(
    params: LoadParams,
    layers: int,
    gpu: bool,
    variants: Sequence[str] = (),
    *,
    lacked_memory: bool = False,
    weights_read: bool = True,
) -> FallbackStep | None:
    """The next more cautious way to load, or None where there is none.

    `layers` counts the model's, `variants` are the CPU's, best first. Where the GPU `lacked_memory` only fewer layers
    on it help; before the weights were read nothing was computed, so flash attention is not at fault.
    """
    on_gpu = layers_on_gpu(params, layers) if gpu else 0
    on_cpu = on_gpu <= layers
    if lacked_memory:
        return with_less_on_gpu(params, on_gpu, on_gpu // 2, lacked_memory=True) if on_gpu else None
    if on_cpu and params.extra_buffers:
        return FallbackStep(
            msgspec.structs.replace(params, extra_buffers=False),
            tr("The engine stopped with weights repacked for this processor, so it now runs without repacking them."),
        )
    if weights_read and params.flash_attention != "off":
        return FallbackStep(
            without_flash_attention(params),
            tr("The engine stopped while it used flash attention, so it now runs without it."),
        )
    if on_gpu:
        return with_less_on_gpu(params, on_gpu, 0 if on_cpu else on_gpu // 2)
    return _with_lower_variant(params, variants)


def layers_on_gpu(params: LoadParams, layers: int) -> int:
    """One more than there are where what belongs to none of them is there too."""
    asked = params.gpu_layers
    return layers + 1 if asked is None or asked < 0 else min(asked, layers + 1)


def with_less_on_gpu(params: LoadParams, on_gpu: int, fewer: int, *, lacked_memory: bool = False) -> FallbackStep:
    if fewer > 1:
        text = (
            tr("The GPU has too little memory for {more} layers, so it now runs with {fewer}.")
            if lacked_memory
            else tr("The engine stopped with {more} layers on the GPU, so it now runs with {fewer}.")
        )
        less = msgspec.structs.replace(params, gpu_layers=fewer)
        return FallbackStep(less, text.format(more=on_gpu, fewer=fewer))
    return FallbackStep(
        msgspec.structs.replace(params, gpu_layers=0),
        tr("The GPU has too little memory for this model, so it now runs on the processor.")
        if lacked_memory
        else tr("The engine stopped on the GPU, so the model now runs on the processor."),
    )


def _with_lower_variant(params: LoadParams, variants: Sequence[str]) -> FallbackStep | None:
    taken = lower_variant(params.cpu_variant, variants)
    if taken is None:
        return None
    told = tr("The engine stopped with the processor instructions “{better}”, so it now uses “{plainer}”.").format(
        better=params.cpu_variant or variants[0], plainer=taken
    )
    return FallbackStep(msgspec.structs.replace(params, cpu_variant=taken), told)
