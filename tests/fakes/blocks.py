"""The tensors of one layer of each architecture, with their shapes as numpy has them (out, in).

Read in llama.cpp's loaders (src/models). The sizes are as small as each of them allows.
"""

Tensors = dict[str, tuple[int, ...]]
WIDTH, FEED, HEADS, KEYS, HEAD, EXPERTS = 64, 96, 4, 2, 16, 2

# --- parts of blocks ---


def norm(name: str, size: int = WIDTH, *, bias: bool = False) -> Tensors:
    return {f"{name}.weight": (size,), **({f"{name}.bias": (size,)} if bias else {})}


def linear(name: str, out: int, into: int, *, bias: bool = False) -> Tensors:
    return {f"{name}.weight": (out, into), **({f"{name}.bias": (out,)} if bias else {})}


def attention(*, keys: int = KEYS, bias: bool = False, out_bias: bool = False, wide: int = 1) -> Tensors:
    """Query (`wide` times as wide), key, value and output apart."""
    return {
        **linear("attn_q", wide * HEADS * HEAD, WIDTH, bias=bias),
        **linear("attn_k", keys * HEAD, WIDTH, bias=bias),
        **linear("attn_v", keys * HEAD, WIDTH, bias=bias),
        **linear("attn_output", WIDTH, HEADS * HEAD, bias=out_bias),
    }


def fused(*, keys: int = HEADS, bias: bool = False) -> Tensors:
    """Query, key and value in one."""
    return {
        **linear("attn_qkv", (HEADS + 2 * keys) * HEAD, WIDTH, bias=bias),
        **linear("attn_output", WIDTH, WIDTH, bias=bias),
    }


def gated(suffix: str = "", feed: int = FEED) -> Tensors:
    return {**linear(f"ffn_gate{suffix}", feed, WIDTH), **plain(suffix, feed)}


def plain(suffix: str = "", feed: int = FEED, *, bias: bool = False) -> Tensors:
    up, down = linear(f"ffn_up{suffix}", feed, WIDTH, bias=bias), linear(f"ffn_down{suffix}", WIDTH, feed, bias=bias)
    return {**up, **down}


def experts(*, bias: bool = False) -> Tensors:
    tensors = {
        **linear("ffn_gate_inp", EXPERTS, WIDTH, bias=bias),
        "ffn_gate_exps.weight": (EXPERTS, FEED, WIDTH),
        "ffn_up_exps.weight": (EXPERTS, FEED, WIDTH),
        "ffn_down_exps.weight": (EXPERTS, WIDTH, FEED),
    }
    if bias:
        tensors |= {"ffn_gate_exps.bias": (EXPERTS, FEED), "ffn_up_exps.bias": (EXPERTS, FEED)}
        tensors |= {"ffn_down_exps.bias": (EXPERTS, WIDTH)}
    return tensors


def head_norms(size: int = HEAD, keys: int | None = None) -> Tensors:
    return {**norm("attn_q_norm", size), **norm("attn_k_norm", size if keys is None else keys)}


def mamba() -> Tensors:
    """A second-generation Mamba mixer, one group."""
    inner, state = 2 * WIDTH, 16
    return {
        **linear("ssm_in", 2 * inner + 2 * state + HEADS, WIDTH),
        **linear("ssm_conv1d", inner + 2 * state, 4, bias=True),
        "ssm_dt.bias": (HEADS,),
        "ssm_a": (HEADS, 1),
        "ssm_d": (HEADS, 1),
        "ssm_norm.weight": (1, inner),
        **linear("ssm_out", WIDTH, inner),
    }


def delta_net() -> Tensors:
    """Qwen's gated delta net: two key heads and two value heads of 32."""
    size, heads = 32, 2
    inner = size * heads
    return {
        **linear("attn_qkv", 3 * inner, WIDTH),
        **linear("attn_gate", inner, WIDTH),
        **linear("ssm_conv1d", 3 * inner, 4),
        "ssm_dt.bias": (heads,),
        "ssm_a": (heads,),
        **linear("ssm_beta", heads, WIDTH),
        **linear("ssm_alpha", heads, WIDTH),
        **norm("ssm_norm", size),
        **linear("ssm_out", WIDTH, inner),
    }


# --- blocks ---


def llama(_: int = 0) -> Tensors:
    return {**norm("attn_norm"), **attention(), **norm("ffn_norm"), **gated()}


def gpt(_: int = 0) -> Tensors:
    norms = {**norm("attn_norm", bias=True), **norm("ffn_norm", bias=True)}
    return {**norms, **fused(bias=True), **plain(bias=True)}


def falcon(_: int) -> Tensors:
    return {**norm("attn_norm", bias=True), **fused(keys=1), **plain()}


def mpt(_: int) -> Tensors:
    return {**norm("attn_norm"), **fused(), **norm("ffn_norm"), **plain()}


def stablelm(_: int) -> Tensors:
    norms = {**norm("attn_norm", bias=True), **norm("ffn_norm", bias=True)}
    return {**norms, **attention(bias=True), **gated()}


def starcoder2(_: int) -> Tensors:
    norms = {**norm("attn_norm", bias=True), **norm("ffn_norm", bias=True)}
    return {**norms, **attention(bias=True, out_bias=True), **plain(bias=True)}


def qwen2(_: int) -> Tensors:
    return {**norm("attn_norm"), **attention(bias=True), **norm("ffn_norm"), **gated()}


def qwen3(_: int) -> Tensors:
    return {**llama(), **head_norms()}


def qwen3moe(_: int) -> Tensors:
    return {**norm("attn_norm"), **attention(), **head_norms(), **norm("ffn_norm"), **experts()}


def qwen35_mixer(layer: int) -> Tensors:
    mixer = {**attention(wide=2), **head_norms()} if layer % 2 else delta_net()
    return {**norm("attn_norm"), **norm("post_attention_norm"), **mixer}


def qwen35(layer: int) -> Tensors:
    return {**qwen35_mixer(layer), **gated()}


def qwen35moe(layer: int) -> Tensors:
    return {**qwen35_mixer(layer), **experts(), "ffn_gate_inp_shexp.weight": (WIDTH,), **gated("_shexp")}


def gemma2(_: int = 0) -> Tensors:
    return {**llama(), **norm("post_attention_norm"), **norm("post_ffw_norm")}


def gemma3(_: int = 0) -> Tensors:
    return {**gemma2(), **head_norms()}


def gemma3n(_: int) -> Tensors:
    altup, laurel, each = 4, 64, 256
    return {
        **gemma3(),
        **linear("inp_gate", each, WIDTH),
        **linear("proj", WIDTH, each),
        **norm("post_norm"),
        **linear("altup_correct_coef", altup, altup),
        **norm("altup_correct_scale"),
        **linear("altup_predict_coef", altup * altup, altup),
        **linear("altup_router", altup, WIDTH),
        **norm("altup_router_norm"),
        **linear("laurel_l", laurel, WIDTH),
        **linear("laurel_r", WIDTH, laurel),
        **norm("laurel_post_norm"),
    }


def per_layer(each: int, layers: int = 2) -> Tensors:
    """What Gemma embeds a token with for every layer anew."""
    tokens: Tensors = {"per_layer_token_embd.weight": (-1, layers * each)}
    return {**tokens, **linear("per_layer_model_proj", layers * each, WIDTH), **norm("per_layer_proj_norm", each)}


def gemma4(_: int) -> Tensors:
    each = 32
    return {**gemma3(), **linear("inp_gate", each, WIDTH), **linear("proj", WIDTH, each), **norm("post_norm")}


def phi2(_: int) -> Tensors:
    return {**norm("attn_norm", bias=True), **attention(keys=HEADS, bias=True, out_bias=True), **plain(bias=True)}


def phi3(_: int) -> Tensors:
    qkv = linear("attn_qkv", (HEADS + 2 * KEYS) * HEAD, WIDTH)
    out, up, down = (
        linear("attn_output", WIDTH, WIDTH),
        linear("ffn_up", 2 * FEED, WIDTH),
        linear("ffn_down", WIDTH, FEED),
    )
    return {**norm("attn_norm"), **qkv, **out, **norm("ffn_norm"), **up, **down}


def llama4(_: int) -> Tensors:
    return {**norm("attn_norm"), **attention(), **norm("ffn_norm"), **experts(), **gated("_shexp")}


def olmo2(_: int) -> Tensors:
    norms = {**head_norms(WIDTH, KEYS * HEAD), **norm("post_attention_norm"), **norm("post_ffw_norm")}
    return {**attention(), **norms, **gated()}


def olmoe(_: int) -> Tensors:
    return {**norm("attn_norm"), **attention(keys=HEADS), **head_norms(WIDTH), **norm("ffn_norm"), **experts()}


def granitehybrid(layer: int) -> Tensors:
    return {**norm("attn_norm"), **(attention() if layer % 2 else mamba()), **norm("ffn_norm"), **gated()}


def granitemoe(_: int) -> Tensors:
    return {**norm("attn_norm"), **attention(), **norm("ffn_norm"), **experts()}


def gpt_oss(_: int) -> Tensors:
    norms = {**norm("attn_norm"), **norm("post_attention_norm")}
    return {**norms, **attention(bias=True, out_bias=True), "attn_sinks.weight": (HEADS,), **experts(bias=True)}


def cohere(_: int) -> Tensors:
    return {**norm("attn_norm"), **attention(), **gated()}


def apertus(_: int) -> Tensors:
    return {**norm("attn_norm"), **attention(), **head_norms(), **norm("ffn_norm"), **plain()}


def nemotron(_: int) -> Tensors:
    norms = {**norm("attn_norm", bias=True), **norm("ffn_norm", bias=True)}
    return {**norms, **attention(), **plain()}


def nemotron_h(layer: int) -> Tensors:
    return {**norm("attn_norm"), **(mamba(), attention(), plain())[layer]}


def deepseek2(layer: int) -> Tensors:
    rank, rope, nope = 32, 8, 16
    attention = {
        **norm("attn_kv_a_norm", rank),
        **linear("attn_q_a", rank, WIDTH),
        **norm("attn_q_a_norm", rank),
        **linear("attn_q_b", HEADS * (rope + nope), rank),
        **linear("attn_kv_a_mqa", rank + rope, WIDTH),
        "attn_k_b.weight": (HEADS, rank, nope),
        "attn_v_b.weight": (HEADS, HEAD, rank),
        **linear("attn_output", WIDTH, HEADS * HEAD),
    }
    feed = {**experts(), **gated("_shexp")} if layer else gated()
    return {**norm("attn_norm"), **attention, **norm("ffn_norm"), **feed}
