"""What the state of a conversation belongs to: one prompt gives different states with different files, builds and
contexts."""

import hashlib
import json
from collections.abc import Sequence

import msgspec

from desktop.engine.engine_build import engine_build
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import ProbeResult
from desktop.file_stamp import ModelFile

PROMPT_FORMAT = 1
"""How prompts become tokens and states: counted up where old states must not be used any more."""

_CHANGING_STATES = (
    "gpu_layers",
    "flash_attention",
    "extra_buffers",
    "key_type",
    "value_type",
    "batch_tokens",
    "embedding",
    "devices",
    "split_mode",
    "tensor_split",
    "main_gpu",
)
"""Fields of LoadParams that change the layout of a state, or how its numbers are rounded. The context's length does
neither; where rope factors depend on it, the worker knows."""


def state_key(
    params: LoadParams,
    files: Sequence[ModelFile],
    probed: ProbeResult,
    adapters: Sequence[ModelFile] = (),
    projector: Sequence[ModelFile] = (),
) -> str:
    """64 hexadecimal digits that are the same where a state can be used again.

    Made of the model's files (by their sha256, by their stamps where it is not known), the build of llama.cpp and what
    it computes on, the parameters of the context, the adapters' files with their scales, and the projector's.
    """
    parts: dict[str, object] = {
        "format": PROMPT_FORMAT,
        "files": [_identity(file) for file in files],
        "engine": [engine_build(), probed.llama_cpp, probed.build, probed.cpu_variant],
        "devices": [[device.name, device.description, device.kind] for device in probed.devices],
        "context": {name: getattr(params, name) for name in _CHANGING_STATES},
    }
    if adapters:
        scales = [adapter.scale for adapter in params.adapters]
        parts["adapters"] = [[_identity(file), scale] for file, scale in zip(adapters, scales, strict=True)]
    if projector:
        parts["projector"] = [_identity(file) for file in projector]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _identity(file: ModelFile) -> object:
    return file.sha256 or msgspec.to_builtins(file.stamp)
