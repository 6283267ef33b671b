"""How many intermediate results llama.cpp holds for each token of a batch: the size of its compute buffer.

The buffer is as large as the fullest moment of one layer: an attention's queries, keys, values and results, or a
feed-forward's gate and branches, beside the residual. Which parts are there at once was fitted to the buffers that
llama.cpp reported for seven sizes of every architecture in tests/fakes; tests/soak/memory_table.py shows what remains.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from desktop.engine.gguf_reader import Tensor

_Sizes = Mapping[str, tuple[int, ...]]


def batch_floats(tensors: Sequence[Tensor], width: int, experts_used: int) -> int:
    """Floats for each token of a batch. `width` is the model's, `experts_used` how many experts a token passes."""
    whole: dict[str, tuple[int, ...]] = {}
    layers: dict[str, dict[str, tuple[int, ...]]] = defaultdict(dict)
    for tensor in tensors:
        _, _, rest = tensor.name.partition(".")
        number, _, part = rest.partition(".")
        if tensor.name.startswith("blk."):
            layers[number][part.removesuffix(".weight")] = tensor.dimensions
        else:
            whole[tensor.name.removesuffix(".weight")] = tensor.dimensions
    kinds = {tuple(sorted(layer.items())) for layer in layers.values()}
    most = max(
        (max(_mixer(dict(kind), width), _feed(dict(kind), width, experts_used)) for kind in kinds), default=width
    )
    most += stream_floats(tensors)
    if "altup_proj" in whole:
        most = max(most + 8 * width, 18 * width)
    return most + 2 * _out(whole, "per_layer_model_proj")


def stream_floats(tensors: Sequence[Tensor]) -> int:
    """Floats for each token of the streams that hyper-connections carry beside the residual, twice; 0 without them."""
    return max(
        (2 * tensor.dimensions[0] for tensor in tensors if tensor.name.endswith(".hc_attn_fn.weight")), default=0
    )


def _feed(layer: _Sizes, width: int, experts_used: int) -> int:
    """A feed-forward: the branches and their product, beside the residual, its norm and what came before."""
    if "ffn_down_exps" in layer:
        inner = experts_used * layer["ffn_down_exps"][0]
        return max(3 * inner + 4 * width, 2 * experts_used * width + 2 * width)
    if "ffn_down" not in layer:
        return 0
    inner = layer["ffn_down"][0]
    gated = "ffn_gate" in layer or _out(layer, "ffn_up") == 2 * inner
    return (3 if gated else 1) * inner + 4 * width


def _mixer(layer: _Sizes, width: int) -> int:
    """What mixes tokens: attention of any kind, a state space, a delta net."""
    if "ssm_out" in layer:
        inner = layer["ssm_out"][0]
        if "ssm_beta" in layer or "ssm_ba" in layer or "ssm_alpha" in layer:
            return 10 * inner + 2 * width
        beside = width if "attn_q" in layer else 0
        return beside + 6 * inner + width + 5 * max(_out(layer, "ssm_in") - 2 * inner, 0)
    if "time_mix_key" in layer:
        return max(37 * width // 2, 2 * _out(layer, "channel_mix_key") + 4 * width)
    if "shortconv.in_proj" in layer:
        return 7 * width
    if "attn_k_b" in layer:  # multi-head latent attention: queries are mapped into the space of the compressed keys
        nope, rank, heads = (*layer["attn_k_b"], 1, 1)[:3]
        return 4 * width + heads * (2 * rank + nope) * 2
    queries = _out(layer, "attn_q") or _out(layer, "attn_qkv") or _out(layer, "attn_q_b")
    if "attn_kv_b" in layer:  # the same, with keys and values unpacked
        return 2 * width + 5 * queries // 2 + 2 * _out(layer, "attn_kv_b")
    if "attn_qkv" in layer:
        return width + 2 * queries
    return 2 * width + 3 * queries + _out(layer, "attn_k")


def _out(layer: _Sizes, name: str) -> int:
    sizes = layer.get(name, ())
    return sizes[1] if len(sizes) > 1 else 0
