"""Adapters (LoRA) put on top of a loaded model."""

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from desktop.engine.load_params import LoraAdapter
from desktop.engine.worker.llama_api import LlamaLog, llama
from desktop.errors import EngineError
from desktop.translation import tr


def put_on_adapters(
    model: Any, context: Any, adapters: Sequence[LoraAdapter], names: Sequence[str], log: LlamaLog
) -> None:
    """Load each adapter, `names` being what to open them by, and have `context` compute with all of them.

    They belong to `model`, and are freed with it. Raises EngineError where llama.cpp refuses one.
    """
    if not adapters:
        return
    handles = [_load(model, adapter, name, log) for adapter, name in zip(adapters, names, strict=True)]
    count = len(handles)
    scales = (ctypes.c_float * count)(*(adapter.scale for adapter in adapters))
    # llama-cpp-python declares a handle as a pointer to a pointer; it is passed on as the address that it is.
    pointers = (llama.llama_adapter_lora_p_ctypes * count)(
        *(ctypes.cast(handle, llama.llama_adapter_lora_p_ctypes) for handle in handles)
    )
    if llama.llama_set_adapters_lora(context, pointers, count, scales) != 0:
        raise _refused(adapters[0], log)


def _load(model: Any, adapter: LoraAdapter, name: str, log: LlamaLog) -> Any:
    handle = llama.llama_adapter_lora_init(model, name.encode("utf-8", "surrogateescape"))
    if not handle:
        raise _refused(adapter, log)
    return handle


def _refused(adapter: LoraAdapter, log: LlamaLog) -> EngineError:
    reason = log.last_error("failed to apply lora adapter: ", "lora") or tr("no reason given")
    reason = reason.removeprefix("failed to apply lora adapter: ")
    return EngineError(
        tr("The adapter {file} could not be put on the model.").format(file=Path(adapter.path).name),
        tr("The engine says: {reason}.").format(reason=reason.rstrip(".")[:300]),
        tr("Load it with the model that it was made for, or ask without it."),
        technical="\n".join(log.complaints),
    )
