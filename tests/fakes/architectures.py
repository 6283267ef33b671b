"""Every architecture that the catalog names, as a random model of some hundred kilobytes that llama.cpp loads and runs.

What each needs was read in llama.cpp's loaders (src/models).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.fakes import blocks
from tests.fakes.blocks import EXPERTS, FEED, HEAD, HEADS, KEYS, WIDTH, Tensors, linear, norm, per_layer
from tests.fakes.tiny_gguf import Vocabulary, fill, finish, put

_RMS: Mapping[str, Any] = {"attention.layer_norm_rms_epsilon": 1e-5}
_LAYER: Mapping[str, Any] = {"attention.layer_norm_epsilon": 1e-5}
_EXPERTS: Mapping[str, Any] = {"expert_count": EXPERTS, "expert_used_count": 1}
_MAMBA: Mapping[str, Any] = {
    "ssm.conv_kernel": 4,
    "ssm.inner_size": 2 * WIDTH,
    "ssm.state_size": 16,
    "ssm.time_step_rank": HEADS,
    "ssm.group_count": 1,
}


@dataclass(frozen=True)
class Shape:
    """What a file of one architecture says and holds.

    `vocabulary` is the kind that its models have ("spm", "gemma4", or a BPE by the name of its pre-tokenizer), `keys`
    stand below the architecture's name, `bare` for themselves. `tied` models have no output of their own; -1 in `whole`
    stands for the size of the vocabulary.
    """

    vocabulary: str
    keys: Mapping[str, Any]
    block: Callable[[int], Tensors]
    layers: int = 2
    whole: Tensors = field(default_factory=dict)
    tied: bool = False
    output_bias: bool = False
    norm_bias: bool = False
    context_length: int = 4096
    bare: Mapping[str, Any] = field(default_factory=dict)


def architecture_model(
    path: Path, architecture: str, vocabulary: Vocabulary, *, template: str | None = None, seed: int = 7
) -> Path:
    """Write a random model of `architecture` with `vocabulary`.

    Its name says nothing: llama.cpp reads control tokens otherwise in models that are called Phi-3.
    """
    shape, count = SHAPES[architecture], len(vocabulary.tokens)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Tiny random")
    said: dict[str, Any] = {
        "context_length": shape.context_length,
        "embedding_length": WIDTH,
        "block_count": shape.layers,
        "feed_forward_length": FEED,
        "attention.head_count": HEADS,
        "attention.head_count_kv": KEYS,
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
    for name, size in _tensors(shape, count).items():
        scale = np.float32(0.05 if shape.tied and name.startswith("token_embd.") else 1)
        writer.add_tensor(name, fill(name, size, random) * scale)
    finish(writer)
    return path


def _tensors(shape: Shape, vocabulary: int) -> Tensors:
    tensors: Tensors = {"token_embd.weight": (vocabulary, WIDTH), **norm("output_norm", bias=shape.norm_bias)}
    if not shape.tied:
        tensors |= linear("output", vocabulary, WIDTH, bias=shape.output_bias)
    tensors |= {
        name: tuple(vocabulary if size == -1 else size for size in sizes) for name, sizes in shape.whole.items()
    }
    for layer in range(shape.layers):
        tensors |= {f"blk.{layer}.{name}": size for name, size in shape.block(layer).items()}
    return tensors


_HEADED: Mapping[str, Any] = {"attention.key_length": HEAD, "attention.value_length": HEAD}
_ROPED: Mapping[str, Any] = {"rope.dimension_count": HEAD}
_ALL_KEYS: Mapping[str, Any] = {"attention.head_count_kv": HEADS}
_WINDOW: Mapping[str, Any] = {"attention.sliding_window": 64}
_COHERE: Mapping[str, Any] = {**_LAYER, "logit_scale": 0.0625, **_ROPED}
_GRANITE: Mapping[str, Any] = {
    **_RMS,
    "logit_scale": 8.0,
    "residual_scale": 0.22,
    "embedding_scale": 12.0,
    "attention.scale": 0.0156,
}
_QWEN35: Mapping[str, Any] = {
    **_RMS,
    **_HEADED,
    "rope.dimension_sections": [2, 2, 2, 0],
    "rope.dimension_count": 12,
    "full_attention_interval": 2,
    "ssm.conv_kernel": 4,
    "ssm.inner_size": 64,
    "ssm.state_size": 32,
    "ssm.time_step_rank": 2,
    "ssm.group_count": 2,
}
_GEMMA_3N_WHOLE: Tensors = {
    "altup_proj.weight": (3, WIDTH, WIDTH),
    "altup_unembd_proj.weight": (3, WIDTH, WIDTH),
}

SHAPES: dict[str, Shape] = {
    "llama": Shape("spm", {**_RMS, **_ROPED}, blocks.llama),
    "llama4": Shape(
        "llama4",
        {**_RMS, **_ROPED, **_EXPERTS, "expert_feed_forward_length": FEED, "interleave_moe_layer_step": 1},
        blocks.llama4,
        layers=4,
    ),
    "gptneox": Shape(
        "olmo",
        {**_LAYER, **_ALL_KEYS, "use_parallel_residual": True, "rope.dimension_count": 4},
        blocks.gpt,
        norm_bias=True,
    ),
    "gpt2": Shape(
        "gpt-2",
        {**_LAYER, **_ALL_KEYS},
        blocks.gpt,
        whole={"position_embd.weight": (512, WIDTH)},
        tied=True,
        norm_bias=True,
        context_length=512,
    ),
    "stablelm": Shape(
        "stablelm2",
        {**_LAYER, "rope.dimension_count": 4, "use_parallel_residual": False},
        blocks.stablelm,
        norm_bias=True,
    ),
    "falcon": Shape("falcon", {**_LAYER, "attention.head_count_kv": 1}, blocks.falcon, norm_bias=True),
    "mpt": Shape("mpt", {**_LAYER, **_ALL_KEYS, "attention.max_alibi_bias": 8.0}, blocks.mpt, tied=True),
    "bloom": Shape(
        "bloom",
        {**_LAYER, **_ALL_KEYS},
        blocks.gpt,
        whole=norm("token_embd_norm", bias=True),
        tied=True,
        norm_bias=True,
    ),
    "starcoder2": Shape("starcoder", {**_LAYER, **_ROPED}, blocks.starcoder2, tied=True, norm_bias=True),
    "qwen2": Shape("qwen2", {**_RMS}, blocks.qwen2),
    "qwen3": Shape("qwen2", {**_RMS, **_HEADED}, blocks.qwen3, tied=True),
    "qwen3moe": Shape("qwen2", {**_RMS, **_HEADED, **_EXPERTS, "expert_feed_forward_length": FEED}, blocks.qwen3moe),
    "qwen35": Shape("qwen35", _QWEN35, blocks.qwen35),
    "qwen35moe": Shape(
        "qwen35",
        {**_QWEN35, **_EXPERTS, "expert_feed_forward_length": FEED, "expert_shared_feed_forward_length": FEED},
        blocks.qwen35moe,
    ),
    "gemma": Shape("spm", {**_RMS, **_HEADED}, blocks.llama, tied=True),
    "gemma2": Shape(
        "spm",
        {**_RMS, **_HEADED, **_WINDOW, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
        blocks.gemma2,
        tied=True,
    ),
    "gemma3": Shape("spm", {**_RMS, **_HEADED, **_WINDOW}, blocks.gemma3, layers=6, tied=True),
    "gemma3n": Shape(
        "spm",
        {**_RMS, **_HEADED, **_WINDOW},
        blocks.gemma3n,
        whole={**_GEMMA_3N_WHOLE, **per_layer(256)},
        tied=True,
    ),
    "gemma4": Shape(
        "gemma4",
        {
            **_RMS,
            **_HEADED,
            **_WINDOW,
            "attention.key_length_swa": HEAD,
            "attention.value_length_swa": HEAD,
            "attention.sliding_window_pattern": [True, False],
            "attention.shared_kv_layers": 0,
            "embedding_length_per_layer_input": 32,
            "rope.dimension_count": HEAD,
            "rope.dimension_count_swa": HEAD,
        },
        blocks.gemma4,
        whole={"rope_freqs.weight": (HEAD // 2,), **per_layer(32)},
        tied=True,
    ),
    "phi2": Shape(
        "phi-2", {**_LAYER, **_ALL_KEYS, "rope.dimension_count": 8}, blocks.phi2, norm_bias=True, output_bias=True
    ),
    "phi3": Shape("spm", {**_RMS, **_ROPED, "rope.scaling.original_context_length": 4096}, blocks.phi3),
    "mistral3": Shape("tekken", {**_RMS, **_HEADED, **_ROPED}, blocks.llama),
    "olmo2": Shape("dbrx", {**_RMS}, blocks.olmo2),
    "olmoe": Shape("olmo", {**_RMS, **_ALL_KEYS, **_EXPERTS}, blocks.olmoe),
    "granite": Shape("refact", {**_GRANITE, **_ROPED}, blocks.llama, tied=True),
    "granitemoe": Shape("refact", {**_GRANITE, **_ROPED, **_EXPERTS}, blocks.granitemoe, tied=True),
    "granitehybrid": Shape(
        "dbrx", {**_GRANITE, **_MAMBA, "attention.head_count_kv": [0, KEYS]}, blocks.granitehybrid, tied=True
    ),
    "smollm3": Shape("llama-bpe", {**_RMS, **_ROPED}, blocks.llama, layers=4, tied=True),
    "gpt-oss": Shape(
        "gpt-4o",
        {**_RMS, **_HEADED, **_WINDOW, **_ROPED, **_EXPERTS, "expert_feed_forward_length": FEED},
        blocks.gpt_oss,
    ),
    "command-r": Shape("command-r", _COHERE, blocks.cohere, tied=True),
    "cohere2": Shape("command-r", {**_COHERE, **_WINDOW}, blocks.cohere, layers=4, tied=True),
    "apertus": Shape(
        "tekken",
        {**_RMS, **_ROPED},
        blocks.apertus,
        bare={"xielu.alpha_n": 0.8, "xielu.alpha_p": 0.8, "xielu.beta": 0.5, "xielu.eps": -1e-6},
    ),
    "nemotron": Shape("spm", {**_LAYER, "rope.dimension_count": 8}, blocks.nemotron, norm_bias=True),
    "nemotron_h": Shape(
        "pixtral",
        {
            **_LAYER,
            **_RMS,
            **_HEADED,
            **_MAMBA,
            "attention.head_count_kv": [0, KEYS, 0],
            "feed_forward_length": [0, 0, FEED],
        },
        blocks.nemotron_h,
        layers=3,
    ),
    "deepseek2": Shape(
        "deepseek-llm",
        {
            **_RMS,
            **_EXPERTS,
            "attention.head_count_kv": 1,
            "attention.q_lora_rank": 32,
            "attention.kv_lora_rank": 32,
            "attention.key_length": 40,
            "attention.value_length": 32,
            "attention.key_length_mla": 24,
            "attention.value_length_mla": HEAD,
            "rope.dimension_count": 8,
            "leading_dense_block_count": 1,
            "expert_feed_forward_length": FEED,
            "expert_shared_count": 1,
        },
        blocks.deepseek2,
    ),
}
