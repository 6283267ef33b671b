"""The tensors of one layer of each architecture, with their shapes as numpy has them (out, in).

Read in llama.cpp's loaders (src/models). The usual sizes are as small as each of them allows.
"""

from dataclasses import dataclass

Tensors = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Blocks:
    """Layers of one size: `heads` of `head` values each fill the `width`; `keys` is how many keys and values have."""

    width: int = 64
    feed: int = 96
    heads: int = 4
    keys: int = 2
    head: int = 16
    expert_count: int = 2
    experts_used: int = 1
    window: int = 64
    positions: int = 512
    context_length: int = 4096
    state: int = 16
    rank: int = 32
    rope: int = 8

    # --- parts of blocks ---

    def norm(self, name: str, size: int | None = None, *, bias: bool = False) -> Tensors:
        size = self.width if size is None else size
        return {f"{name}.weight": (size,), **({f"{name}.bias": (size,)} if bias else {})}

    def linear(self, name: str, out: int, into: int, *, bias: bool = False) -> Tensors:
        return {f"{name}.weight": (out, into), **({f"{name}.bias": (out,)} if bias else {})}

    def attention(
        self, *, keys: int | None = None, bias: bool = False, out_bias: bool = False, wide: int = 1
    ) -> Tensors:
        """Query (`wide` times as wide), key, value and output apart."""
        keys = self.keys if keys is None else keys
        return {
            **self.linear("attn_q", wide * self.heads * self.head, self.width, bias=bias),
            **self.linear("attn_k", keys * self.head, self.width, bias=bias),
            **self.linear("attn_v", keys * self.head, self.width, bias=bias),
            **self.linear("attn_output", self.width, self.heads * self.head, bias=out_bias),
        }

    def fused(self, *, keys: int | None = None, bias: bool = False) -> Tensors:
        """Query, key and value in one."""
        keys = self.heads if keys is None else keys
        return {
            **self.linear("attn_qkv", (self.heads + 2 * keys) * self.head, self.width, bias=bias),
            **self.linear("attn_output", self.width, self.width, bias=bias),
        }

    def gated(self, suffix: str = "", feed: int | None = None) -> Tensors:
        return {**self.linear(f"ffn_gate{suffix}", feed or self.feed, self.width), **self.plain(suffix, feed)}

    def plain(self, suffix: str = "", feed: int | None = None, *, bias: bool = False) -> Tensors:
        feed = feed or self.feed
        up = self.linear(f"ffn_up{suffix}", feed, self.width, bias=bias)
        return {**up, **self.linear(f"ffn_down{suffix}", self.width, feed, bias=bias)}

    def experts(self, *, bias: bool = False) -> Tensors:
        tensors = {
            **self.linear("ffn_gate_inp", self.expert_count, self.width, bias=bias),
            "ffn_gate_exps.weight": (self.expert_count, self.feed, self.width),
            "ffn_up_exps.weight": (self.expert_count, self.feed, self.width),
            "ffn_down_exps.weight": (self.expert_count, self.width, self.feed),
        }
        if bias:
            tensors |= {
                "ffn_gate_exps.bias": (self.expert_count, self.feed),
                "ffn_up_exps.bias": (self.expert_count, self.feed),
            }
            tensors |= {"ffn_down_exps.bias": (self.expert_count, self.width)}
        return tensors

    def head_norms(self, size: int | None = None, keys: int | None = None) -> Tensors:
        size = self.head if size is None else size
        return {**self.norm("attn_q_norm", size), **self.norm("attn_k_norm", size if keys is None else keys)}

    def mamba(self) -> Tensors:
        """A second-generation Mamba mixer, one group."""
        inner, state = 2 * self.width, self.state
        return {
            **self.linear("ssm_in", 2 * inner + 2 * state + self.heads, self.width),
            **self.linear("ssm_conv1d", inner + 2 * state, 4, bias=True),
            "ssm_dt.bias": (self.heads,),
            "ssm_a": (self.heads, 1),
            "ssm_d": (self.heads, 1),
            "ssm_norm.weight": (1, inner),
            **self.linear("ssm_out", self.width, inner),
        }

    def delta_net(self) -> Tensors:
        """Qwen's gated delta net: key heads and value heads of twice the state, together as wide as the model."""
        size, heads = 2 * self.state, self.width // (2 * self.state)
        inner = size * heads
        return {
            **self.linear("attn_qkv", 3 * inner, self.width),
            **self.linear("attn_gate", inner, self.width),
            **self.linear("ssm_conv1d", 3 * inner, 4),
            "ssm_dt.bias": (heads,),
            "ssm_a": (heads,),
            **self.linear("ssm_beta", heads, self.width),
            **self.linear("ssm_alpha", heads, self.width),
            **self.norm("ssm_norm", size),
            **self.linear("ssm_out", self.width, inner),
        }

    # --- blocks ---

    def llama(self, _: int = 0) -> Tensors:
        return {**self.norm("attn_norm"), **self.attention(), **self.norm("ffn_norm"), **self.gated()}

    def gpt(self, _: int = 0) -> Tensors:
        norms = {**self.norm("attn_norm", bias=True), **self.norm("ffn_norm", bias=True)}
        return {**norms, **self.fused(bias=True), **self.plain(bias=True)}

    def falcon(self, _: int) -> Tensors:
        return {**self.norm("attn_norm", bias=True), **self.fused(keys=1), **self.plain()}

    def mpt(self, _: int) -> Tensors:
        return {**self.norm("attn_norm"), **self.fused(), **self.norm("ffn_norm"), **self.plain()}

    def stablelm(self, _: int) -> Tensors:
        norms = {**self.norm("attn_norm", bias=True), **self.norm("ffn_norm", bias=True)}
        return {**norms, **self.attention(bias=True), **self.gated()}

    def starcoder2(self, _: int) -> Tensors:
        norms = {**self.norm("attn_norm", bias=True), **self.norm("ffn_norm", bias=True)}
        return {**norms, **self.attention(bias=True, out_bias=True), **self.plain(bias=True)}

    def qwen2(self, _: int) -> Tensors:
        return {**self.norm("attn_norm"), **self.attention(bias=True), **self.norm("ffn_norm"), **self.gated()}

    def qwen3(self, _: int) -> Tensors:
        return {**self.llama(), **self.head_norms()}

    def qwen3moe(self, _: int) -> Tensors:
        return {
            **self.norm("attn_norm"),
            **self.attention(),
            **self.head_norms(),
            **self.norm("ffn_norm"),
            **self.experts(),
        }

    def qwen35_mixer(self, layer: int) -> Tensors:
        mixer = {**self.attention(wide=2), **self.head_norms()} if layer % 2 else self.delta_net()
        return {**self.norm("attn_norm"), **self.norm("post_attention_norm"), **mixer}

    def qwen35(self, layer: int) -> Tensors:
        return {**self.qwen35_mixer(layer), **self.gated()}

    def qwen35moe(self, layer: int) -> Tensors:
        return {
            **self.qwen35_mixer(layer),
            **self.experts(),
            "ffn_gate_inp_shexp.weight": (self.width,),
            **self.gated("_shexp"),
        }

    def gemma2(self, _: int = 0) -> Tensors:
        return {**self.llama(), **self.norm("post_attention_norm"), **self.norm("post_ffw_norm")}

    def gemma3(self, _: int = 0) -> Tensors:
        return {**self.gemma2(), **self.head_norms()}

    def gemma3n(self, _: int) -> Tensors:
        altup, laurel, each = 4, 64, 256
        return {
            **self.gemma3(),
            **self.linear("inp_gate", each, self.width),
            **self.linear("proj", self.width, each),
            **self.norm("post_norm"),
            **self.linear("altup_correct_coef", altup, altup),
            **self.norm("altup_correct_scale"),
            **self.linear("altup_predict_coef", altup * altup, altup),
            **self.linear("altup_router", altup, self.width),
            **self.norm("altup_router_norm"),
            **self.linear("laurel_l", laurel, self.width),
            **self.linear("laurel_r", self.width, laurel),
            **self.norm("laurel_post_norm"),
        }

    def per_layer(self, each: int, layers: int = 2) -> Tensors:
        """What Gemma embeds a token with for every layer anew."""
        tokens: Tensors = {"per_layer_token_embd.weight": (-1, layers * each)}
        return {
            **tokens,
            **self.linear("per_layer_model_proj", layers * each, self.width),
            **self.norm("per_layer_proj_norm", each),
        }

    def gemma4(self, _: int) -> Tensors:
        each = 32
        return {
            **self.gemma3(),
            **self.linear("inp_gate", each, self.width),
            **self.linear("proj", self.width, each),
            **self.norm("post_norm"),
        }

    def phi2(self, _: int) -> Tensors:
        return {
            **self.norm("attn_norm", bias=True),
            **self.attention(keys=self.heads, bias=True, out_bias=True),
            **self.plain(bias=True),
        }

    def phi3(self, _: int) -> Tensors:
        qkv = self.linear("attn_qkv", (self.heads + 2 * self.keys) * self.head, self.width)
        out, up, down = (
            self.linear("attn_output", self.width, self.width),
            self.linear("ffn_up", 2 * self.feed, self.width),
            self.linear("ffn_down", self.width, self.feed),
        )
        return {**self.norm("attn_norm"), **qkv, **out, **self.norm("ffn_norm"), **up, **down}

    def llama4(self, _: int) -> Tensors:
        return {
            **self.norm("attn_norm"),
            **self.attention(),
            **self.norm("ffn_norm"),
            **self.experts(),
            **self.gated("_shexp"),
        }

    def olmo2(self, _: int) -> Tensors:
        norms = {
            **self.head_norms(self.width, self.keys * self.head),
            **self.norm("post_attention_norm"),
            **self.norm("post_ffw_norm"),
        }
        return {**self.attention(), **norms, **self.gated()}

    def olmo(self, _: int) -> Tensors:
        return {**self.attention(keys=self.heads), **self.gated()}

    def olmoe(self, _: int) -> Tensors:
        return {
            **self.norm("attn_norm"),
            **self.attention(keys=self.heads),
            **self.head_norms(self.width),
            **self.norm("ffn_norm"),
            **self.experts(),
        }

    def granitehybrid(self, layer: int) -> Tensors:
        return {
            **self.norm("attn_norm"),
            **(self.attention() if layer % 2 else self.mamba()),
            **self.norm("ffn_norm"),
            **self.gated(),
        }

    def granitemoe(self, _: int) -> Tensors:
        return {**self.norm("attn_norm"), **self.attention(), **self.norm("ffn_norm"), **self.experts()}

    def gpt_oss(self, _: int) -> Tensors:
        norms = {**self.norm("attn_norm"), **self.norm("post_attention_norm")}
        return {
            **norms,
            **self.attention(bias=True, out_bias=True),
            "attn_sinks.weight": (self.heads,),
            **self.experts(bias=True),
        }

    def cohere(self, _: int) -> Tensors:
        return {**self.norm("attn_norm"), **self.attention(), **self.gated()}

    def apertus(self, _: int) -> Tensors:
        return {
            **self.norm("attn_norm"),
            **self.attention(),
            **self.head_norms(),
            **self.norm("ffn_norm"),
            **self.plain(),
        }

    def nemotron(self, _: int) -> Tensors:
        norms = {**self.norm("attn_norm", bias=True), **self.norm("ffn_norm", bias=True)}
        return {**norms, **self.attention(), **self.plain()}

    def nemotron_h(self, layer: int) -> Tensors:
        return {**self.norm("attn_norm"), **(self.mamba(), self.attention(), self.plain())[layer % 3]}

    def deepseek2(self, layer: int) -> Tensors:
        rank, rope, nope = self.rank, self.rope, self.head
        attention = {
            **self.norm("attn_kv_a_norm", rank),
            **self.linear("attn_q_a", rank, self.width),
            **self.norm("attn_q_a_norm", rank),
            **self.linear("attn_q_b", self.heads * (rope + nope), rank),
            **self.linear("attn_kv_a_mqa", rank + rope, self.width),
            "attn_k_b.weight": (self.heads, rank, nope),
            "attn_v_b.weight": (self.heads, self.head, rank),
            **self.linear("attn_output", self.width, self.heads * self.head),
        }
        feed = {**self.experts(), **self.gated("_shexp")} if layer else self.gated()
        return {**self.norm("attn_norm"), **attention, **self.norm("ffn_norm"), **feed}
