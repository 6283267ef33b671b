"""A small adapter (LoRA) for the models of `tiny_gguf.random_model`, made on the spot."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.fakes.tiny_gguf import finish, put

_RANK = 4


def lora_adapter(
    path: Path,
    *,
    architecture: str = "llama",
    width: int = 64,
    tensors: Sequence[str] = ("blk.0.attn_q.weight", "blk.1.attn_output.weight"),
    strength: float = 1.0,
    license_: str = "apache-2.0",
    metadata: Mapping[str, Any] | None = None,
    change: Callable[[gguf.GGUFWriter], None] | None = None,
) -> Path:
    """Write an adapter of rank 4 to square matrices of `width`. `metadata` adds or replaces keys, or removes them where
    its value is None."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", 2.0 * _RANK)
    writer.add_name("Tiny adapter")
    if license_:
        writer.add_license(license_)
    for key, value in (metadata or {}).items():
        put(writer, key, value)
    random = np.random.default_rng(5)
    for name in tensors:
        writer.add_tensor(f"{name}.lora_a", _matrix(random, (_RANK, width), strength))
        writer.add_tensor(f"{name}.lora_b", _matrix(random, (width, _RANK), strength))
    if change is not None:
        change(writer)
    finish(writer)
    return path


def _matrix(random: np.random.Generator, shape: tuple[int, int], strength: float) -> Any:
    return (random.standard_normal(shape) * strength).astype(np.float32)
