"""llama.cpp's parameters of a model and of its context, from how it is to be loaded."""

import ctypes
from typing import Any

from desktop.engine.load_params import KvType, LoadParams, SplitMode
from desktop.engine.worker import llama_api
from desktop.engine.worker.llama_api import LlamaLog, llama
from desktop.errors import EngineError, ResourceError
from desktop.translation import tr

FLASH_ATTENTION = {"auto": -1, "off": 0, "on": 1}
"""enum llama_flash_attn_type."""
_KV_TYPES: dict[KvType, int] = {
    "f16": 1, "bf16": 30, "q8_0": 8, "q5_1": 7, "q5_0": 6, "q4_1": 3, "q4_0": 2, "iq4_nl": 20,
}  # fmt: skip
_SPLIT: dict[SplitMode, int] = {"none": 0, "layer": 1, "row": 2}
_LOAD_AUTOMATICALLY, READ, _LOCK, _MAP_AND_LOCK = -1, 0, 2, 3


class ModelParams:
    """`llama_model_params` and the arrays that it points to: they live as long as this.

    `gpu_layers` is -1 for all. With 0 no GPU is used at all: llama.cpp would still have it multiply large batches. A
    device that is not there is left out; the app has chosen among those that are.
    """

    def __init__(self, asked: LoadParams, gpu_layers: int) -> None:
        self.params = params = llama.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        params.use_extra_bufts = asked.extra_buffers
        params.load_mode = load_mode(asked)
        params.split_mode = _SPLIT[asked.split_mode]
        params.main_gpu = asked.main_gpu
        handles = llama_api.device_handles()
        wanted = [handles[name] for name in asked.devices if name in handles and gpu_layers]
        self._devices = (ctypes.c_void_p * (len(wanted) + 1))(*wanted)
        if asked.devices or not gpu_layers:
            params.devices = ctypes.addressof(self._devices)
        self._portions = (ctypes.c_float * max(llama.llama_max_devices(), 1))(*asked.tensor_split)
        if any(asked.tensor_split):
            params.tensor_split = self._portions


def load_mode(asked: LoadParams) -> int:
    """enum llama_load_mode: where nothing else is asked for, llama.cpp maps the file unless a device wants it read."""
    if asked.use_mlock:
        return _MAP_AND_LOCK if asked.use_mmap else _LOCK
    return _LOAD_AUTOMATICALLY if asked.use_mmap else READ


def set_cache_types(params: Any, asked: LoadParams) -> None:
    """Put the types of the KV cache into `llama_context_params`. Quantized values switch flash attention on, where it
    is left to llama.cpp (llama_init_from_model)."""
    params.type_k, params.type_v = _KV_TYPES[asked.key_type], _KV_TYPES[asked.value_type]


def context_refused(asked: LoadParams, length: int, log: LlamaLog) -> EngineError | ResourceError:
    """Why llama.cpp made no context of `length` tokens, from its log."""
    technical = "\n".join(log.complaints)
    if log.last_error("does not divide n_embd_head"):
        return EngineError(
            tr("This model's KV cache cannot be kept as {keys} and {values}: its heads are too small for that.").format(
                keys=asked.key_type, values=asked.value_type
            ),
            remedy=tr("Choose f16 or bf16 for the KV cache of this model."),
            technical=technical,
        )
    if log.last_error("requires flash_attn", "requires Flash Attention"):
        return EngineError(
            tr("This model cannot use flash attention, so the values of its KV cache cannot be quantized."),
            remedy=tr("Choose f16 or bf16 for the values of the KV cache."),
            technical=technical,
        )
    return ResourceError(
        tr("There is not enough memory for a context of {count} tokens.").format(count=length),
        tr("The engine says: {reason}.").format(reason=log.last_error("") or tr("no reason given")),
        tr("Choose a shorter context in Settings, or a smaller model."),
        technical=technical,
    )
