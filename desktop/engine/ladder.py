"""What to try next when a model crashed the engine: no flash attention, fewer layers on the GPU, the CPU."""

from dataclasses import dataclass

import msgspec

from desktop.engine.messages import LoadParams
from desktop.translation import tr


@dataclass(frozen=True)
class Rung:
    """Parameters to load with, and one sentence that tells the person; "" on the first."""

    params: LoadParams
    notice: str = ""


def next_rung(params: LoadParams, layers: int, gpu: bool, *, lacked_memory: bool = False) -> Rung | None:
    """The next more cautious way to load, or None where there is none. `layers` counts the model's.

    Where the GPU `lacked_memory`, giving up flash attention would not help.
    """
    if params.flash_attention == "auto" and not lacked_memory:
        return Rung(
            msgspec.structs.replace(params, flash_attention="off"),
            tr("The engine stopped while it used flash attention, so it now runs without it."),
        )
    if not gpu or params.gpu_layers == 0:
        return None
    on_gpu = layers + 1 if params.gpu_layers is None or params.gpu_layers < 0 else min(params.gpu_layers, layers + 1)
    fewer = on_gpu // 2
    if fewer > 1:
        return Rung(
            msgspec.structs.replace(params, gpu_layers=fewer),
            tr("The engine stopped with {more} layers on the GPU, so it now runs with {fewer}.").format(
                more=on_gpu, fewer=fewer
            ),
        )
    return Rung(
        msgspec.structs.replace(params, gpu_layers=0),
        tr("The engine stopped on the GPU, so the model now runs on the processor."),
    )
