"""Architectures, the catalog's and some more, as random models of some hundred kilobytes that llama.cpp loads and runs.

What each needs was read in llama.cpp's loaders (src/models).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.fakes.blocks import Blocks, Tensors
from tests.fakes.hyper_blocks import HyperBlocks
from tests.fakes.tiny_gguf import Vocabulary, add, fill, finish, put

_RMS: Mapping[str, Any] = {"attention.layer_norm_rms_epsilon": 1e-5}
_LAYER: Mapping[str, Any] = {"attention.layer_norm_epsilon": 1e-5}
_COHERE: Mapping[str, Any] = {**_LAYER, "logit_scale": 0.0625}
_GRANITE: Mapping[str, Any] = {
    **_RMS,
    "logit_scale": 8.0,
    "residual_scale": 0.22,
    "embedding_scale": 12.0,
    "attention.scale": 0.0156,
}


_SMALLEST = HyperBlocks()


@dataclass(frozen=True)
class Shape:
    """What a file of one architecture says and holds.

    `vocabulary` is the kind that its models have ("spm", "gemma4", or a BPE by the name of its pre-tokenizer), `keys`
    stand below the architecture's name, `bare` for themselves. `tied` models have no output of their own; -1 in `whole`
    stands for the size of the vocabulary; a `last_norm` of "" is none.
    """

    vocabulary: str
    keys: Mapping[str, Any]
    block: Callable[[int], Tensors]
    layers: int = 2
    whole: Tensors = field(default_factory=dict)
    tied: bool = False
    output_bias: bool = False
    norm_bias: bool = False
    last_norm: str = "output_norm"
    context_length: int = 0
    bare: Mapping[str, Any] = field(default_factory=dict)


def architecture_model(
    path: Path,
    architecture: str,
    vocabulary: Vocabulary,
    *,
    template: str | None = None,
    seed: int = 7,
    blocks: HyperBlocks = _SMALLEST,
    repeat: int = 1,
    quantization: str = "F32",
) -> Path:
    """Write a random model of `architecture` with `vocabulary`: the smallest, else with larger layers and more of them.

    Its name says nothing: llama.cpp reads control tokens otherwise in models that are called Phi-3.
    """
    shape, count = shapes(blocks, repeat)[architecture], len(vocabulary.tokens)
    layers = shape.layers * repeat
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Tiny random")
    said: dict[str, Any] = {
        "context_length": shape.context_length or blocks.context_length,
        "embedding_length": blocks.width,
        "block_count": layers,
        "feed_forward_length": blocks.feed,
        "attention.head_count": blocks.heads,
        "attention.head_count_kv": blocks.keys,
        "vocab_size": count,
        **shape.keys,
    }
    for key, value in said.items():
        put(writer, f"{architecture}.{key}", value)
    for key, value in shape.bare.items():
        put(writer, key, value)
    vocabulary.write(writer)
    if template is not None:
        writer.add_chat_template(template)
    random = np.random.default_rng(seed)
    for name, size in _tensors(shape, blocks, layers, count).items():
        scale = np.float32(0.05 if shape.tied and name.startswith("token_embd.") else 1)
        add(writer, name, fill(name, size, random) * scale, quantization)
    finish(writer)
    return path


def _tensors(shape: Shape, b: Blocks, layers: int, vocabulary: int) -> Tensors:
    tensors: Tensors = {"token_embd.weight": (vocabulary, b.width)}
    if shape.last_norm:
        tensors |= b.norm(shape.last_norm, bias=shape.norm_bias)
    if not shape.tied:
        tensors |= b.linear("output", vocabulary, b.width, bias=shape.output_bias)
    tensors |= {
        name: tuple(vocabulary if size == -1 else size for size in sizes) for name, sizes in shape.whole.items()
    }
    for layer in range(layers):
        tensors |= {f"blk.{layer}.{name}": size for name, size in shape.block(layer).items()}
    return tensors


def shapes(b: HyperBlocks, repeat: int = 1) -> dict[str, Shape]:
    """Every architecture with layers of that size; `repeat` times as many of them as it needs at least."""
    headed = {"attention.key_length": b.head, "attention.value_length": b.head}
    roped = {"rope.dimension_count": b.head}
    all_keys = {"attention.head_count_kv": b.heads}
    window = {"attention.sliding_window": b.window}
    experts = {"expert_count": b.expert_count, "expert_used_count": b.experts_used}
    mamba = {
        "ssm.conv_kernel": 4,
        "ssm.inner_size": 2 * b.width,
        "ssm.state_size": b.state,
        "ssm.time_step_rank": b.heads,
        "ssm.group_count": 1,
    }
    qwen35 = {
        **_RMS,
        **headed,
        "rope.dimension_sections": [2, 2, 2, 0],
        "rope.dimension_count": 12,
        "full_attention_interval": 2,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": b.width,
        "ssm.state_size": 2 * b.state,
        "ssm.time_step_rank": b.width // (2 * b.state),
        "ssm.group_count": b.width // (2 * b.state),
    }
    latent = {
        **_RMS,
        **experts,
        "attention.head_count_kv": 1,
        "attention.q_lora_rank": b.rank,
        "attention.kv_lora_rank": b.rank,
        "attention.key_length": b.rank + b.rope,
        "attention.value_length": b.rank,
        "attention.key_length_mla": b.head + b.rope,
        "attention.value_length_mla": b.head,
        "rope.dimension_count": b.rope,
        "leading_dense_block_count": 1,
        "expert_feed_forward_length": b.feed,
        "expert_shared_count": 1,
    }
    no_attention = {"attention.head_count": 0, "attention.head_count_kv": 0, "feed_forward_length": 0}
    altup = {"altup_proj.weight": (3, b.width, b.width), "altup_unembd_proj.weight": (3, b.width, b.width)}
    return {
        "llama": Shape("spm", {**_RMS, **roped}, b.llama),
        "llama4": Shape(
            "llama4",
            {**_RMS, **roped, **experts, "expert_feed_forward_length": b.feed, "interleave_moe_layer_step": 1},
            b.llama4,
            layers=4,
        ),
        "gptneox": Shape(
            "olmo",
            {**_LAYER, **all_keys, "use_parallel_residual": True, "rope.dimension_count": 4},
            b.gpt,
            norm_bias=True,
        ),
        "gpt2": Shape(
            "gpt-2",
            {**_LAYER, **all_keys},
            b.gpt,
            whole={"position_embd.weight": (b.positions, b.width)},
            tied=True,
            norm_bias=True,
            context_length=b.positions,
        ),
        "stablelm": Shape(
            "stablelm2",
            {**_LAYER, "rope.dimension_count": 4, "use_parallel_residual": False},
            b.stablelm,
            norm_bias=True,
        ),
        "falcon": Shape("falcon", {**_LAYER, "attention.head_count_kv": 1}, b.falcon, norm_bias=True),
        "mpt": Shape("mpt", {**_LAYER, **all_keys, "attention.max_alibi_bias": 8.0}, b.mpt, tied=True),
        "bloom": Shape(
            "bloom",
            {**_LAYER, **all_keys},
            b.gpt,
            whole=b.norm("token_embd_norm", bias=True),
            tied=True,
            norm_bias=True,
        ),
        "starcoder2": Shape("starcoder", {**_LAYER, **roped}, b.starcoder2, tied=True, norm_bias=True),
        "qwen2": Shape("qwen2", {**_RMS}, b.qwen2),
        "qwen3": Shape("qwen2", {**_RMS, **headed}, b.qwen3, tied=True),
        "qwen3moe": Shape("qwen2", {**_RMS, **headed, **experts, "expert_feed_forward_length": b.feed}, b.qwen3moe),
        "qwen35": Shape("qwen35", qwen35, b.qwen35),
        "qwen35moe": Shape(
            "qwen35",
            {**qwen35, **experts, "expert_feed_forward_length": b.feed, "expert_shared_feed_forward_length": b.feed},
            b.qwen35moe,
        ),
        "gemma": Shape("spm", {**_RMS, **headed}, b.llama, tied=True),
        "gemma2": Shape(
            "spm",
            {**_RMS, **headed, **window, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
            b.gemma2,
            tied=True,
        ),
        "gemma3": Shape("spm", {**_RMS, **headed, **window}, b.gemma3, layers=6, tied=True),
        "gemma3n": Shape(
            "spm",
            {**_RMS, **headed, **window},
            b.gemma3n,
            whole={**altup, **b.per_layer(256, 2 * repeat)},
            tied=True,
        ),
        "gemma4": Shape(
            "gemma4",
            {
                **_RMS,
                **headed,
                **window,
                "attention.key_length_swa": b.head,
                "attention.value_length_swa": b.head,
                "attention.sliding_window_pattern": [True, False] * repeat,
                "attention.shared_kv_layers": 0,
                "embedding_length_per_layer_input": 32,
                "rope.dimension_count": b.head,
                "rope.dimension_count_swa": b.head,
            },
            b.gemma4,
            whole={"rope_freqs.weight": (b.head // 2,), **b.per_layer(32, 2 * repeat)},
            tied=True,
        ),
        "phi2": Shape(
            "phi-2", {**_LAYER, **all_keys, "rope.dimension_count": 8}, b.phi2, norm_bias=True, output_bias=True
        ),
        "phi3": Shape("spm", {**_RMS, **roped, "rope.scaling.original_context_length": 4096}, b.phi3),
        "mistral3": Shape("tekken", {**_RMS, **headed, **roped}, b.llama),
        "olmo2": Shape("dbrx", {**_RMS}, b.olmo2),
        "olmo": Shape("olmo", {**_LAYER, **all_keys}, b.olmo, last_norm=""),
        "olmoe": Shape("olmo", {**_RMS, **all_keys, **experts}, b.olmoe),
        "granite": Shape("refact", {**_GRANITE, **roped}, b.llama, tied=True),
        "granitemoe": Shape("refact", {**_GRANITE, **roped, **experts}, b.granitemoe, tied=True),
        "granitehybrid": Shape(
            "dbrx", {**_GRANITE, **mamba, "attention.head_count_kv": [0, b.keys] * repeat}, b.granitehybrid, tied=True
        ),
        "smollm3": Shape("llama-bpe", {**_RMS, **roped}, b.llama, layers=4, tied=True),
        "gpt-oss": Shape(
            "gpt-4o",
            {**_RMS, **headed, **window, **roped, **experts, "expert_feed_forward_length": b.feed},
            b.gpt_oss,
        ),
        "command-r": Shape("command-r", {**_COHERE, **roped}, b.cohere, tied=True),
        "cohere2": Shape("command-r", {**_COHERE, **roped, **window}, b.cohere, layers=4, tied=True),
        "apertus": Shape(
            "tekken",
            {**_RMS, **roped},
            b.apertus,
            bare={"xielu.alpha_n": 0.8, "xielu.alpha_p": 0.8, "xielu.beta": 0.5, "xielu.eps": -1e-6},
        ),
        "nemotron": Shape("spm", {**_LAYER, "rope.dimension_count": 8}, b.nemotron, norm_bias=True),
        "nemotron_h": Shape(
            "pixtral",
            {
                **_LAYER,
                **_RMS,
                **headed,
                **mamba,
                "attention.head_count_kv": [0, b.keys, 0] * repeat,
                "feed_forward_length": [0, 0, b.feed] * repeat,
            },
            b.nemotron_h,
            layers=3,
        ),
        "nemotron_h_moe": Shape(
            "pixtral",
            {
                **_LAYER,
                **_RMS,
                **headed,
                **mamba,
                **experts,
                "attention.head_count_kv": [0, b.keys, 0] * repeat,
                "feed_forward_length": [0, 0, b.feed] * repeat,
                "expert_feed_forward_length": b.feed,
                "expert_shared_feed_forward_length": b.feed,
                "expert_shared_count": 1,
            },
            b.nemotron_h_moe,
            layers=3,
        ),
        "deepseek2": Shape("deepseek-llm", latent, b.deepseek2),
        "mistral4": Shape("tekken", latent, b.deepseek2),
        "glm4moe": Shape(
            "glm4",
            {
                **_RMS,
                **roped,
                **experts,
                "leading_dense_block_count": 1,
                "expert_feed_forward_length": b.feed,
                "expert_shared_count": 1,
            },
            b.glm4moe,
        ),
        "minimax-m2": Shape(
            "minimax-m2",
            {**_RMS, **headed, **roped, **experts, "expert_feed_forward_length": b.feed, "expert_gating_func": 2},
            b.minimax_m2,
        ),
        "muse-glimmer": Shape(
            "llama4", {**_RMS, **headed, **roped, **window, "logit_scale": 0.25}, b.muse_glimmer, layers=4
        ),
        "deepseek4": Shape(
            "joyai-llm",
            {**b.deepseek4_keys, "attention.compress_ratios": [0, 0, 4, 128] * repeat},
            b.deepseek4,
            layers=4,
            whole=b.streams,
        ),
        "glm5-next": Shape(
            "glm4",
            {**b.glm5_next_keys, "attention.head_count_kv": [1, 0] * repeat},
            b.glm5_next,
        ),
        "mamba": Shape("olmo", {**_RMS, **mamba, **no_attention}, b.mamba1),
        "mamba2": Shape("olmo", {**_RMS, **mamba, **no_attention}, b.mamba2),
        "jamba": Shape("spm", {**_RMS, **mamba, "attention.head_count_kv": [0, b.keys] * repeat}, b.jamba),
        "falcon-h1": Shape("falcon", {**_RMS, **mamba, **roped}, b.falcon_h1),
        "lfm2": Shape(
            "lfm2",
            {**_RMS, **roped, "shortconv.l_cache": 3, "attention.head_count_kv": [0, b.keys] * repeat},
            b.lfm2,
            last_norm="token_embd_norm",
            tied=True,
        ),
        "qwen3next": Shape(
            "qwen2",
            {**qwen35, **experts, "expert_feed_forward_length": b.feed, "expert_shared_feed_forward_length": b.feed},
            b.qwen3next,
        ),
        "rwkv7": Shape(
            "olmo",
            {
                **_LAYER,
                "attention.head_count": 0,
                "wkv.head_size": b.head,
                **{f"attention.{name}_lora_rank": b.rank for name in ("decay", "iclr", "value_residual_mix", "gate")},
            },
            b.rwkv7,
            whole=b.norm("token_embd_norm", bias=True),
            norm_bias=True,
        ),
        "minicpm3": Shape(
            "spm",
            {
                **_RMS,
                "attention.head_count_kv": b.heads,
                "attention.q_lora_rank": b.rank,
                "attention.kv_lora_rank": b.rank,
                "attention.key_length": b.head + b.rope,
                "attention.value_length": b.head,
                "rope.dimension_count": b.rope,
            },
            b.minicpm3,
        ),
        "glm4": Shape("glm4", {**_RMS, **roped}, b.glm4),
        "smallthinker": Shape(
            "qwen2",
            {**_RMS, **roped, **window, **experts, "expert_feed_forward_length": b.feed, "expert_gating_func": 2},
            b.smallthinker,
            layers=4,
        ),
        "exaone4": Shape("exaone4", {**_RMS, **roped}, b.exaone4),
        "seed_oss": Shape("qwen2", {**_RMS, **headed}, b.seed_oss),
    }


SHAPES = shapes(_SMALLEST)
