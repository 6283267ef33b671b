"""The tensors of layers that carry several streams side by side (hyper-connections), and what their files say.

Read in llama.cpp's loaders (src/models), as those in `blocks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.blocks import Tensors
from tests.fakes.more_blocks import MoreBlocks

_STREAMS, _GROUPS = 4, 2
_CONVOLUTION = 4


@dataclass(frozen=True)
class HyperBlocks(MoreBlocks):
    """Layers of DeepSeek V4 and of GLM 5.3 Flash."""

    @property
    def hyper(self) -> Mapping[str, Any]:
        """What a file says of its streams and of its indexer, which chooses what is attended to."""
        return {
            "attention.layer_norm_rms_epsilon": 1e-5,
            "attention.q_lora_rank": self.rank,
            "attention.indexer.head_count": self.heads,
            "attention.indexer.key_length": self.head,
            "attention.indexer.top_k": 512,
            "hyper_connection.count": _STREAMS,
            "hyper_connection.sinkhorn_iterations": 2,
            "hyper_connection.epsilon": 1e-6,
            "expert_count": self.expert_count,
            "expert_used_count": self.experts_used,
            "expert_feed_forward_length": self.feed,
            "expert_shared_count": 1,
            "expert_weights_scale": 1.0,
            "expert_weights_norm": True,
        }

    @property
    def turned(self) -> int:
        """How many values a head of DeepSeek V4 has: its cache turns them 64 by 64."""
        return max(self.head, 64)

    @property
    def deepseek4_keys(self) -> Mapping[str, Any]:
        return {
            **self.hyper,
            "attention.indexer.key_length": self.turned,
            "attention.head_count_kv": 1,
            "attention.key_length": self.turned,
            "attention.value_length": self.turned,
            "rope.dimension_count": self.rope,
            "attention.sliding_window": self.window,
            "attention.output_group_count": _GROUPS,
            "attention.output_lora_rank": self.rank,
            "attention.compress_rope_freq_base": 160_000.0,
            "hash_layer_count": 0,
            "swiglu_clamp_exp": 10.0,
            "expert_gating_func": 4,
        }

    @property
    def glm5_next_keys(self) -> Mapping[str, Any]:
        return {
            **self.hyper,
            "attention.kv_lora_rank": self.rank,
            "attention.key_length": self.rank,
            "attention.value_length": self.rank,
            "attention.key_length_mla": self.head,
            "attention.value_length_mla": self.head,
            "attention.indexer.kpool": 4,
            "rope.dimension_count": 0,
            "ssm.conv_kernel": _CONVOLUTION,
            "kda.head_dim": self.head,
            "leading_dense_block_count": 1,
            "expert_gating_func": 2,
        }

    @property
    def streams(self) -> Tensors:
        """What ends the streams of a whole model."""
        return {
            **self.linear("output_hc_fn", _STREAMS, _STREAMS * self.width),
            **self.norm("output_hc_base", _STREAMS),
            **self.norm("output_hc_scale", 1),
        }

    def connections(self) -> Tensors:
        tensors: Tensors = {}
        for part in ("hc_attn", "hc_ffn"):
            mixed = (2 + _STREAMS) * _STREAMS
            tensors |= self.linear(f"{part}_fn", mixed, _STREAMS * self.width)
            tensors |= {**self.norm(f"{part}_base", mixed), **self.norm(f"{part}_scale", 3)}
        return tensors

    def compressor(self, name: str, ratio: int, size: int) -> Tensors:
        """Puts `ratio` keys into one."""
        wide = size * (2 if ratio == 4 else 1)
        return {
            **self.linear(f"{name}_kv", wide, self.width),
            **self.linear(f"{name}_gate", wide, self.width),
            **self.linear(f"{name}_ape", ratio, wide),
            **self.norm(f"{name}_norm", size),
        }

    def deepseek4(self, layer: int) -> Tensors:
        ratio, inner = (0, 0, 4, 128)[layer % 4], self.heads * self.turned
        attention = {
            **self.norm("attn_norm"),
            **self.norm("attn_sinks", self.heads),
            **self.linear("attn_q_a", self.rank, self.width),
            **self.norm("attn_q_a_norm", self.rank),
            **self.linear("attn_q_b", inner, self.rank),
            **self.linear("attn_kv", self.turned, self.width),
            **self.norm("attn_kv_a_norm", self.turned),
            **self.linear("attn_output_a", self.rank * _GROUPS, inner // _GROUPS),
            **self.linear("attn_output_b", self.width, _GROUPS * self.rank),
        }
        if ratio:
            attention |= self.compressor("attn_compressor", ratio, self.turned)
        if ratio == 4:
            attention |= {
                **self.linear("indexer.proj", self.heads, self.width),
                **self.linear("indexer.attn_q_b", self.heads * self.turned, self.rank),
                **self.compressor("indexer_compressor", ratio, self.turned),
            }
        return {**attention, **self.connections(), **self.norm("ffn_norm"), **self.routed(), **self.gated("_shexp")}

    def glm5_next(self, layer: int) -> Tensors:
        feed = {**self.routed(), **self.gated("_shexp")} if layer else self.gated()
        mixer = self.delta_attention() if layer % 2 else self.chosen_attention()
        norms = {**self.norm("attn_norm"), **self.norm("ffn_norm")}
        return {**norms, **mixer, **self.connections(), **feed}

    def delta_attention(self) -> Tensors:
        """A linear mixer that keeps a state (KDA)."""
        inner = self.heads * self.head
        return {
            **{f"ssm_conv1d_{name}.weight": (inner, 1, _CONVOLUTION) for name in "qkv"},
            **{f"attn_{name}.weight": (inner, self.width) for name in "qkv"},
            **self.linear("ssm_f_a", self.head, self.width),
            **self.linear("ssm_f_b", inner, self.head),
            **self.linear("ssm_beta", self.heads, self.width),
            "ssm_a": (self.heads,),
            "ssm_dt.bias": (inner,),
            **self.linear("ssm_g_a", self.head, self.width),
            **self.linear("ssm_g_b", inner, self.head),
            **self.norm("ssm_norm", self.head),
            **self.linear("attn_output", self.width, inner),
        }

    def chosen_attention(self) -> Tensors:
        """Latent attention without positions, to what an indexer chooses."""
        return {
            **self.norm("attn_q_a_norm", self.rank),
            **self.norm("attn_kv_a_norm", self.rank),
            **self.linear("attn_q_a", self.rank, self.width),
            **self.linear("attn_q_b", self.heads * self.head, self.rank),
            **self.linear("attn_kv_a_mqa", self.rank, self.width),
            "attn_k_b.weight": (self.heads, self.rank, self.head),
            "attn_v_b.weight": (self.heads, self.head, self.rank),
            **self.linear("attn_output", self.width, self.heads * self.head),
            **self.norm("indexer.k_norm", self.head, bias=True),
            **self.linear("indexer.proj", self.heads, self.width),
            **self.linear("indexer.attn_k", self.head, self.width),
            **self.linear("indexer.attn_q_b", self.heads * self.head, self.rank),
            **self.linear("indexer_compressor_gate", self.head, self.width),
            **self.linear("indexer_compressor_ape", 4, self.head),
        }
