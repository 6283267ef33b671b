"""The tensors of layers of this year's architectures, and of those that no entry of the catalog has yet.

Read in llama.cpp's loaders (src/models), as those in `blocks`.
"""

from dataclasses import dataclass

from tests.fakes.blocks import Blocks, Tensors


@dataclass(frozen=True)
class MoreBlocks(Blocks):
    """Layers that keep a state in place of keys, or beside them, and some with other attention."""

    def first_mamba(self, *, norms: bool = False) -> Tensors:
        """A first-generation Mamba mixer; Jamba's has `norms`."""
        inner, state, rank = 2 * self.width, self.state, self.heads
        tensors = {
            **self.linear("ssm_in", 2 * inner, self.width),
            **self.linear("ssm_conv1d", inner, 4, bias=True),
            **self.linear("ssm_x", rank + 2 * state, inner),
            **self.linear("ssm_dt", inner, rank, bias=True),
            "ssm_a": (inner, state),
            "ssm_d": (inner,),
            **self.linear("ssm_out", self.width, inner),
        }
        if norms:
            tensors |= {
                **self.norm("ssm_dt_norm", rank),
                **self.norm("ssm_b_norm", state),
                **self.norm("ssm_c_norm", state),
            }
        return tensors

    def mamba1(self, _: int) -> Tensors:
        return {**self.norm("attn_norm"), **self.first_mamba()}

    def mamba2(self, _: int) -> Tensors:
        return {**self.norm("attn_norm"), **self.mamba()}

    def jamba(self, layer: int) -> Tensors:
        mixer = self.attention() if layer % 2 else self.first_mamba(norms=True)
        return {**self.norm("attn_norm"), **mixer, **self.norm("ffn_norm"), **self.gated()}

    def falcon_h1(self, _: int) -> Tensors:
        tensors = {**self.llama(), **self.mamba()}
        tensors["ffn_norm"] = tensors.pop("ffn_norm.weight")  # named so
        return tensors

    def lfm2(self, layer: int) -> Tensors:
        convolution = {
            **self.linear("shortconv.conv", self.width, 3),
            **self.linear("shortconv.in_proj", 3 * self.width, self.width),
            **self.linear("shortconv.out_proj", self.width, self.width),
        }
        mixer = {**self.attention(), **self.head_norms()} if layer % 2 else convolution
        return {**self.norm("attn_norm"), **mixer, **self.norm("ffn_norm"), **self.gated()}

    def qwen3next(self, layer: int) -> Tensors:
        tensors = self.qwen35moe(layer)
        if layer % 2:
            return tensors
        heads = tensors.pop("ssm_beta.weight")[0]
        del tensors["ssm_alpha.weight"]
        return {**tensors, **self.linear("ssm_ba", 2 * heads, self.width)}

    def rwkv7(self, _: int) -> Tensors:
        width, rank = self.width, self.rank
        tensors: Tensors = {"time_mix_lerp_fused.weight": (6, 1, 1, width), "channel_mix_lerp_k.weight": (1, 1, width)}
        for name in ("attn_norm", "attn_norm_2", "time_mix_ln"):
            tensors |= self.norm(name, bias=True)
        for name in ("w0", "a0", "v0", "k_k", "k_a", "r_k"):
            tensors |= self.norm(f"time_mix_{name}")
        for name in ("w", "a", "v", "g"):
            tensors |= self.linear(f"time_mix_{name}1", rank, width)
            tensors |= self.linear(f"time_mix_{name}2", width, rank)
        for name in ("key", "value", "receptance", "output"):
            tensors |= self.linear(f"time_mix_{name}", width, width)
        tensors |= self.linear("channel_mix_key", self.feed, width)
        return {**tensors, **self.linear("channel_mix_value", width, self.feed)}

    def minicpm3(self, _: int) -> Tensors:
        rank, rope, nope = self.rank, self.rope, self.head
        return {
            **self.norm("attn_norm"),
            **self.norm("attn_q_a_norm", rank),
            **self.norm("attn_kv_a_norm", rank),
            **self.linear("attn_q_a", rank, self.width),
            **self.linear("attn_q_b", self.heads * (rope + nope), rank),
            **self.linear("attn_kv_a_mqa", rank + rope, self.width),
            **self.linear("attn_kv_b", self.heads * (nope + self.head), rank),
            **self.linear("attn_output", self.width, self.heads * self.head),
            **self.norm("ffn_norm"),
            **self.gated(),
        }

    def glm4(self, _: int) -> Tensors:
        norms = {**self.norm("attn_norm"), **self.norm("post_attention_norm"), **self.norm("ffn_norm")}
        up, down = self.linear("ffn_up", 2 * self.feed, self.width), self.linear("ffn_down", self.width, self.feed)
        return {**norms, **self.norm("post_ffw_norm"), **self.attention(), **up, **down}

    def smallthinker(self, _: int) -> Tensors:
        return self.granitemoe(0)

    def exaone4(self, _: int) -> Tensors:
        norms = {**self.norm("post_attention_norm"), **self.norm("post_ffw_norm"), **self.head_norms()}
        return {**self.attention(), **norms, **self.gated()}

    def seed_oss(self, _: int) -> Tensors:
        return {**self.norm("attn_norm"), **self.attention(), **self.norm("post_attention_norm"), **self.gated()}

    def muse_glimmer(self, _: int) -> Tensors:
        norms = {**self.norm("post_attention_norm"), **self.norm("post_ffw_norm"), **self.head_norms()}
        return {**self.llama(), **norms, **self.linear("attn_gate", self.heads * self.head, self.width)}

    def routed(self) -> Tensors:
        """Experts whose router has a bias."""
        return {**self.experts(), "exp_probs_b.bias": (self.expert_count,)}

    def glm4moe(self, layer: int) -> Tensors:
        feed = {**self.routed(), **self.gated("_shexp")} if layer else self.gated()
        return {**self.norm("attn_norm"), **self.attention(), **self.norm("post_attention_norm"), **feed}

    def minimax_m2(self, _: int) -> Tensors:
        norms = {**self.norm("attn_norm"), **self.norm("ffn_norm")}
        heads = self.head_norms(self.heads * self.head, self.keys * self.head)
        return {**norms, **heads, **self.attention(), **self.routed()}

    def nemotron_h_moe(self, layer: int) -> Tensors:
        routed = self.routed()
        del routed["ffn_gate_exps.weight"]
        feed = {**routed, **self.plain("_shexp")}
        return {**self.norm("attn_norm"), **(self.mamba(), self.attention(), feed)[layer % 3]}
