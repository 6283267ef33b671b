"""Small projectors (mmproj) made on the spot, with random weights: what they make of a picture means nothing, but
depends on every pixel of it. With `random_model` of the same width they make a model that sees."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.fakes.tiny_gguf import fill, finish, put

PATCH, SIDE = 8, 32
"""Pixels: of a patch's side, and of the side to which the projector "mlp" brings every picture."""
MROPE: Mapping[str, Any] = {"qwen2vl.rope.dimension_sections": [2, 3, 3, 0]}
"""What a text model of 64 values and 4 heads says besides, for M-RoPE."""
_ATTENTION = ("attn_q", "attn_k", "attn_v", "attn_out")


def tiny_projector(
    path: Path,
    *,
    kind: str = "mlp",
    width: int = 64,
    side: int = SIDE,
    patch: int = PATCH,
    seen: int = 32,
    layers: int = 2,
    heads: int = 2,
    seed: int = 11,
    metadata: Mapping[str, Any] | None = None,
    change: Callable[[gguf.GGUFWriter], None] | None = None,
) -> Path:
    """Write a projector to a text model whose embeddings have `width` values: `kind` "mlp" (LLaVA: one size) or
    "gemma3" (each part of a picture sees all others) or "qwen2vl_merger" (any size, positions in two dimensions). It
    sees patches as `seen` values."""
    writer = gguf.GGUFWriter(path, "clip")
    plain: dict[str, Any] = {
        "general.type": "mmproj",
        "general.name": "Tiny projector",
        "clip.has_vision_encoder": True,
        "clip.projector_type": kind,
        "clip.use_gelu": True,
        **({"clip.vision.projector.scale_factor": 2} if kind == "gemma3" else {}),
        "clip.vision.image_size": side,
        "clip.vision.patch_size": patch,
        "clip.vision.embedding_length": seen,
        "clip.vision.feed_forward_length": 2 * seen,
        "clip.vision.block_count": layers,
        "clip.vision.projection_dim": width,
        "clip.vision.attention.head_count": heads,
        "clip.vision.attention.layer_norm_epsilon": 1e-5,
        "clip.vision.image_mean": [0.5, 0.5, 0.5],
        "clip.vision.image_std": [0.25, 0.25, 0.25],
    }
    for key, value in {**plain, **(metadata or {})}.items():
        put(writer, key, value)
    random = np.random.default_rng(seed)
    for name, shape in _tensors(kind, width, side, patch, seen, layers).items():
        if name.endswith(".bias"):
            writer.add_tensor(name, (random.standard_normal(shape) * 0.1).astype(np.float32))
        elif name.startswith(("v.blk", "mm")) and ".ln" not in name:
            writer.add_tensor(name, fill(name, shape, random))
        elif ".ln" in name or "_ln" in name:
            writer.add_tensor(name, np.ones(shape, np.float32))
        else:
            writer.add_tensor(name, (random.standard_normal(shape) * 0.3).astype(np.float32))
    if change is not None:
        change(writer)
    finish(writer)
    return path


def _tensors(kind: str, width: int, side: int, patch: int, seen: int, layers: int) -> dict[str, tuple[int, ...]]:
    merged, pooled = kind == "qwen2vl_merger", kind == "gemma3"
    made: dict[str, tuple[int, ...]] = {"v.patch_embd.weight": (seen, 3, patch, patch)}
    if merged:
        made["v.patch_embd.weight.1"] = (seen, 3, patch, patch)
    else:
        made["v.position_embd.weight"] = ((side // patch) ** 2, seen)
    if merged or pooled:
        made |= {"v.post_ln.weight": (seen,), "v.post_ln.bias": (seen,)}
    for layer in range(layers):
        block: dict[str, tuple[int, ...]] = {f"{name}.weight": (seen, seen) for name in _ATTENTION}
        block |= {f"{name}.bias": (seen,) for name in (*_ATTENTION, "ln1", "ln2")}
        block |= {"ln1.weight": (seen,), "ln2.weight": (seen,)}
        block |= {"ffn_up.weight": (2 * seen, seen), "ffn_up.bias": (2 * seen,)}
        block |= {"ffn_down.weight": (seen, 2 * seen), "ffn_down.bias": (seen,)}
        made |= {f"v.blk.{layer}.{name}": shape for name, shape in block.items()}
    if pooled:
        return made | {"mm.input_projection.weight": (seen, width), "mm.soft_emb_norm.weight": (seen,)}
    taken = 4 * seen if merged else seen
    middle = taken if merged else width
    made |= {"mm.0.weight": (middle, taken), "mm.0.bias": (middle,)}
    made |= {"mm.2.weight": (width, middle), "mm.2.bias": (width,)}
    return made
