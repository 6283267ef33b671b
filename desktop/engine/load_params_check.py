"""Load parameters that cannot be, told in one sentence before anything is loaded; and the GPUs that they choose."""

import math
from collections.abc import Sequence

import msgspec

from desktop.engine.load_params import KvType, LoadParams
from desktop.engine.worker_messages import ComputeDevice
from desktop.errors import EngineError
from desktop.translation import tr

PLAIN_KV_TYPES: frozenset[KvType] = frozenset(("f16", "bf16"))
"""Those that attention reads as they are; the others are quantized."""
GPU_KINDS = ("gpu", "integrated-gpu")


def check_load_params(params: LoadParams) -> None:
    """Raises EngineError where `params` contradict themselves."""
    if params.value_type not in PLAIN_KV_TYPES and params.flash_attention == "off":
        raise _refused(
            tr("The values of the KV cache cannot be quantized ({type}) while flash attention is off.").format(
                type=params.value_type
            ),
            tr("Switch flash attention on, or choose f16 for the values."),
        )
    for value, least, title in (
        (params.context_length, 1, tr("A context of {value} tokens cannot be.")),
        (params.threads, 1, tr("The engine cannot compute with {value} threads.")),
        (params.gpu_layers, -1, tr("{value} layers cannot be put on a GPU.")),
        (params.parallel, 1, tr("{value} answers at once cannot be.")),
    ):
        if value is not None and value < least:
            raise _refused(title.format(value=value), tr("Choose another number, or leave it to Latchkey."))
    for adapter in params.adapters:
        if not math.isfinite(adapter.scale):
            raise _refused(
                tr("The scale of an adapter cannot be {value}.").format(value=adapter.scale), tr("Choose a number.")
            )
    if len({adapter.path for adapter in params.adapters}) < len(params.adapters):
        raise _refused(tr("An adapter was given twice."), tr("Give each adapter once, with its scale."))
    _check_split(params)


def _check_split(params: LoadParams) -> None:
    portions = params.tensor_split
    if portions and (not all(map(math.isfinite, portions)) or min(portions) < 0 or not sum(portions)):
        raise _refused(
            tr("These portions of the GPUs make no sense: {portions}.").format(portions=", ".join(map(str, portions))),
            tr("Give each GPU a number from 0 up, at least one of them more than 0."),
        )
    if portions and params.split_mode == "none":
        raise _refused(
            tr("Portions of several GPUs were asked for, and a single GPU as well."),
            tr("Choose one of the two."),
        )
    if portions and params.devices and len(portions) > len(params.devices):
        raise _too_many_portions(params, len(params.devices))


def _too_many_portions(params: LoadParams, devices: int) -> EngineError:
    return _refused(
        tr("There are {portions} portions for {devices} GPUs.").format(
            portions=len(params.tensor_split), devices=devices
        ),
        tr("Give at most one portion for each GPU."),
    )


def without_flash_attention(params: LoadParams) -> LoadParams:
    """`params` with it off: quantized values of the KV cache need it, so they become plain."""
    plain = params.value_type if params.value_type in PLAIN_KV_TYPES else "f16"
    return msgspec.structs.replace(params, flash_attention="off", value_type=plain)


def chosen_gpus(
    params: LoadParams, devices: Sequence[ComputeDevice]
) -> tuple[tuple[ComputeDevice, ...], tuple[str, ...]]:
    """Those of the `devices` found that `params` want used, in the order wanted, and the names of those that are gone.

    Raises EngineError where a number or a portion is for a GPU that is not there.
    """
    gpus = {device.name: device for device in devices if device.kind in GPU_KINDS}
    missing = tuple(name for name in params.devices if name not in gpus)
    if params.gpu_layers == 0:
        return (), ()
    named = tuple(gpus[name] for name in params.devices if name in gpus)
    chosen = named if params.devices else _usual_gpus(tuple(gpus.values()))
    if chosen and params.split_mode == "none" and not missing:
        if not 0 <= params.main_gpu < len(chosen):
            raise _refused(
                tr("There is no GPU number {number} here: they are counted from 0 to {last}.").format(
                    number=params.main_gpu, last=len(chosen) - 1
                ),
                tr("Choose one of those."),
            )
        chosen = (chosen[params.main_gpu],)
    if len(params.tensor_split) > len(chosen) > 0 and not missing:
        raise _too_many_portions(params, len(chosen))
    return chosen, missing


def _usual_gpus(gpus: tuple[ComputeDevice, ...]) -> tuple[ComputeDevice, ...]:
    """What llama.cpp uses by itself (llama_prepare_model_devices): GPUs with memory of their own, else the first that
    shares the machine's."""
    own = tuple(device for device in gpus if device.kind == "gpu")
    return own or gpus[:1]


def _refused(title: str, remedy: str) -> EngineError:
    return EngineError(title, "", remedy)
