"""What of a model decides how much memory it takes, read from its header as llama.cpp's loaders read it.

Which layers keep keys and values, which see only a window and which keep a state instead follows each architecture's
`load_arch_hparams` and `llama_model::create_memory` (llama.cpp 0.5.0-dev, 0c1e57098). How many intermediate results a
batch has follows from the shapes of the tensors.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from desktop.engine.gguf_checks import metadata_number, metadata_numbers
from desktop.engine.gguf_reader import GgufArray, GgufFile, GgufTensor

_Sizes = Mapping[str, tuple[int, ...]]
# Of how many layers one attends to the whole context where the others see a window; negative: the first of each group,
# else the last; 0: none.
_FULL_EVERY = {
    "afmoe": 4, "cohere2": 4, "cohere2moe": -4, "exaone-moe": 4, "exaone4": 4, "gemma2": 2, "gemma3": 6, "gemma3n": 5,
    "gpt-oss": 2, "laguna": -4, "llama4": 4, "mellum": 4, "muse-glimmer": 4, "olmo2": 4, "plamo3": 8,
    "smallthinker": -4, "lfm2": 0, "deepseek4": 0,
}  # fmt: skip
_PATTERN_GIVEN = frozenset(("gemma4", "mimo2", "step35", "granite_swa", "spark2_5", "maple", "dots3note"))
_USUAL_WINDOW = {"gemma2": 4096, "exaone4": 4096, "exaone-moe": 128}
_FIXED_WINDOW = {"llama4": 8192, "smallthinker": 4096}
_KEYS_ONLY = frozenset(("deepseek4",))  # its values are its keys
_CHOOSING = frozenset(("deepseek4", "glm5-next"))  # an indexer scores all that is kept, for each token of a batch
_STATE_ONLY = frozenset(("mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"))
_STATE_WHERE_NO_KEYS = frozenset(
    ("jamba", "plamo2", "granitehybrid", "lfm2", "lfm2moe", "kimi-linear", "kimi-k3", "bailingmoe3", "glm5-next")
)
_STATE_WHERE_NOTHING = frozenset(("nemotron_h", "nemotron_h_moe"))
_STATE_BETWEEN = {"qwen3next": 4, "qwen35": 4, "qwen35moe": 4, "qwen4exp": 4, "minimax-01": 8}
_STATE_BESIDE_KEYS = frozenset(("falcon-h1",))
# Room for operations (llama_context::graph_max_nodes): for each token of a batch and each tensor.
_LONG_GRAPHS = {
    "kimi-k3": (160, 64), "glm5-next": (160, 64), "hrm_text": (80, 64),
    **dict.fromkeys(
        ("qwen3next", "kimi-linear", "bailingmoe3", "qwen35", "qwen35moe", "qwen4exp", "deepseek4", "nanbeige",
         "minimax-01", "minimax-m3", "hy_v4"), (40, 32)),
}  # fmt: skip
_BATCH = 512


def batch_floats(tensors: Sequence[GgufTensor], width: int, experts_used: int) -> int:
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


def stream_floats(tensors: Sequence[GgufTensor]) -> int:
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


@dataclass(frozen=True)
class ModelShape:
    """What the memory estimate needs of a model; sizes in bytes.

    `active` is what of the weights is read for one token, `outside` what belongs to no layer. `full_values` and
    `window_values` count what is kept of each token, keys and values together, by the layers that see everything and by
    those that see `window` tokens; `full_keys` and `window_keys` of them are keys. `compressed_values` says what is
    kept of every so many tokens together, all of it keys. `state` is what recurrent layers keep, however long the
    context. `batch_floats` counts the intermediate results of one token of a batch, `indexer_floats` those beside the
    scores of an indexer (0: there is none), `graph_nodes` the operations that llama.cpp makes room for.
    """

    architecture: str
    layers: int
    width: int
    weights: int
    active: int
    outside: int
    full_values: int
    window_values: int
    window: int
    state: int
    batch_floats: int
    heads: int
    vocabulary: int
    merges: int
    graph_nodes: int
    compressed_values: tuple[tuple[int, int], ...] = ()
    indexer_floats: int = 0
    full_keys: int = 0
    window_keys: int = 0


def shape_of(gguf: GgufFile, architecture: str, tensors: Sequence[GgufTensor]) -> ModelShape:
    """The shape of a checked model. Raises EngineError where a number of its metadata is something else."""
    keys = _Hyperparameters(gguf, architecture)
    layers = _Layers(keys)
    vocabulary = gguf.metadata.get("tokenizer.ggml.tokens")
    merges = gguf.metadata.get("tokenizer.ggml.merges")
    width = keys.number("embedding_length", 1)
    return ModelShape(
        architecture=architecture,
        layers=keys.layers,
        width=width,
        weights=sum(tensor.size for tensor in tensors),
        active=_active(keys, tensors),
        outside=sum(tensor.size for tensor in tensors if not tensor.name.startswith("blk.")),
        full_values=sum(layers.values(layer) for layer in layers.full) * layers.loops,
        window_values=sum(layers.values(layer) for layer in layers.windowed) * layers.loops,
        window=layers.window,
        state=4 * keys.state_values() * len(layers.recurrent),
        batch_floats=batch_floats(tensors, width, keys.most("expert_used_count")),
        heads=max(keys.heads, default=0),
        vocabulary=vocabulary.length if isinstance(vocabulary, GgufArray) else 0,
        merges=merges.length if isinstance(merges, GgufArray) else 0,
        graph_nodes=_graph_nodes(architecture, len(tensors)),
        compressed_values=_compressed(keys),
        indexer_floats=4 * width + stream_floats(tensors) if architecture in _CHOOSING else 0,
        full_keys=sum(layers.keys(layer) for layer in layers.full) * layers.loops,
        window_keys=sum(layers.keys(layer) for layer in layers.windowed) * layers.loops,
    )


class _Hyperparameters:
    """The numbers below the architecture's name."""

    def __init__(self, gguf: GgufFile, architecture: str) -> None:
        self.gguf = gguf
        self.architecture = architecture
        blocks = self.number("block_count", 1)
        # Layers for predicting several tokens at once lie behind the others and are not run.
        self.layers = max(blocks - self.number("nextn_predict_layers"), 1)
        self.heads = self.per_layer("attention.head_count", [0] * self.layers)
        self.key_heads = self.per_layer("attention.head_count_kv", self.heads)

    def number(self, key: str, missing: int = 0) -> int:
        found = metadata_number(self.gguf, f"{self.architecture}.{key}")
        return missing if found is None else found

    def most(self, key: str) -> int:
        return max(metadata_numbers(self.gguf, f"{self.architecture}.{key}"), default=0)

    def per_layer(self, key: str, missing: list[int]) -> list[int]:
        values = metadata_numbers(self.gguf, f"{self.architecture}.{key}")
        if not values:
            return missing
        return [values[layer] if layer < len(values) else values[0] for layer in range(self.layers)]

    def flags(self, key: str) -> list[bool] | None:
        """One flag for each layer, where the file gives them so."""
        value = self.gguf.metadata.get(f"{self.architecture}.{key}")
        if not isinstance(value, GgufArray) or len(value.items) < self.layers:
            return None
        return [bool(item) for item in value.items[: self.layers]]

    def head_length(self, kind: str) -> int:
        """Values of one head's key or value ("key" or "value")."""
        heads = self.heads[0] if self.heads else 0
        width = self.number("embedding_length") // heads if heads else 0
        return self.number(f"attention.{kind}_length", width)

    def state_values(self) -> int:
        """How many values one recurrent layer keeps (llama_hparams::n_embd_r and n_embd_s)."""
        width = self.number("embedding_length")
        if head := self.number("wkv.head_size"):
            return width * (self.number("token_shift_count", 2) + head)
        if length := self.number("shortconv.l_cache"):
            return width * (length - 1)
        kernel, heads = self.number("ssm.conv_kernel"), max(self.heads, default=0)
        if head := self.number("kda.head_dim"):
            return (3 * (kernel - 1 if kernel else 3) + head) * heads * head
        if self.architecture == "minimax-01":
            return self.head_length("key") ** 2 * heads
        inner, state = self.number("ssm.inner_size"), self.number("ssm.state_size")
        return max(kernel - 1, 0) * (inner + 2 * self.number("ssm.group_count") * state) + inner * state


class _Layers:
    """Which layers keep what of the context: `full`, `windowed` and `recurrent` list them by number."""

    def __init__(self, keys: _Hyperparameters) -> None:
        self._keys = keys
        every = range(keys.layers)
        self.window = _window(keys)
        self.recurrent = [layer for layer in every if _keeps_state(keys, layer)]
        attending = [layer for layer in every if _keeps_keys(keys, layer)]
        self.loops = max(keys.number("num_loops", 1), 1)  # Nanbeige runs through its layers more than once
        flags = _windowed(keys) if self.window else [False] * keys.layers
        self.full = [layer for layer in attending if not flags[layer]]
        self.windowed = [layer for layer in attending if flags[layer]]
        self._seen = frozenset(self.windowed)

    def values(self, layer: int) -> int:
        """How many values this layer keeps of one token, keys included."""
        keys = self._keys
        latent = keys.number("attention.key_length_mla") and keys.number("attention.value_length_mla")
        if latent or keys.architecture in _KEYS_ONLY:  # the values are part of the keys
            return self.keys(layer)
        length = keys.head_length("value")
        if layer in self._seen:
            length = keys.number("attention.value_length_swa", length)
        return self.keys(layer) + keys.key_heads[layer] * length

    def keys(self, layer: int) -> int:
        """How many of them are keys."""
        keys, heads = self._keys, self._keys.key_heads[layer]
        length = keys.head_length("key")
        if keys.architecture in _KEYS_ONLY:
            return heads * length
        if layer in self._seen:
            length = keys.number("attention.key_length_swa", length)
        pooled = 3 if keys.number("attention.indexer.kpool") else 1  # a key, its gate, and what they are pooled to
        return heads * length + pooled * keys.number("attention.indexer.key_length")


def _compressed(keys: _Hyperparameters) -> tuple[tuple[int, int], ...]:
    """How many values DeepSeek V4 keeps of every so many tokens; of every four, keys of its indexer besides."""
    if keys.architecture not in _KEYS_ONLY:
        return ()
    ratios, key = keys.per_layer("attention.compress_ratios", []), keys.head_length("key")
    indexer = keys.number("attention.indexer.key_length")
    kept = {4: key + indexer, 128: key}
    return tuple((ratio, ratios.count(ratio) * values) for ratio, values in kept.items() if ratio in ratios)


def _window(keys: _Hyperparameters) -> int:
    """How many tokens layers with a window see; 0 where llama.cpp runs none of them with one."""
    name = keys.architecture
    if name not in _FULL_EVERY and name not in _PATTERN_GIVEN:
        return 0
    if name == "exaone4" and keys.layers != 64:
        return 0
    given = metadata_number(keys.gguf, f"{name}.attention.sliding_window")
    if name == "llama4":
        return 0 if given == 0 else _FIXED_WINDOW[name]
    window = _USUAL_WINDOW.get(name, 0) if given is None else given
    return _FIXED_WINDOW.get(name, window) if window else 0


def _windowed(keys: _Hyperparameters) -> list[bool]:
    """For each layer whether it sees only the window."""
    flags = keys.flags("attention.sliding_window_pattern")
    if flags is not None:
        return flags
    every = _FULL_EVERY.get(keys.architecture, 1)
    given = keys.gguf.metadata.get(f"{keys.architecture}.attention.sliding_window_pattern")
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        every = -given if every < 0 else given
    if every == 0:
        return [True] * keys.layers
    full = 0 if every < 0 else every - 1
    return [layer % abs(every) != full for layer in range(keys.layers)]


def _keeps_state(keys: _Hyperparameters, layer: int) -> bool:
    name = keys.architecture
    if name in _STATE_ONLY or name in _STATE_BESIDE_KEYS:
        return True
    if name in _STATE_WHERE_NO_KEYS:
        return keys.key_heads[layer] == 0
    if name in _STATE_WHERE_NOTHING:
        return keys.key_heads[layer] == 0 and not _feeds(keys, layer)
    if name in _STATE_BETWEEN:
        flags = keys.flags("attention.recurrent_layers")
        if flags is not None:
            return flags[layer]
        every = keys.number("full_attention_interval", _STATE_BETWEEN[name])
        return every > 0 and (layer + 1) % every != 0
    return False


def _keeps_keys(keys: _Hyperparameters, layer: int) -> bool:
    name = keys.architecture
    if name in _STATE_ONLY:
        return False
    if name == "gemma3n":  # its last layers use the keys of earlier ones
        return layer < 20
    if name == "gemma4":
        return layer < keys.layers - keys.number("attention.shared_kv_layers")
    if name in _STATE_WHERE_NOTHING:
        return keys.key_heads[layer] > 0 and not _feeds(keys, layer)
    return name in _STATE_BESIDE_KEYS or not _keeps_state(keys, layer)


def _feeds(keys: _Hyperparameters, layer: int) -> bool:
    return keys.per_layer("feed_forward_length", [0] * keys.layers)[layer] > 0


def _graph_nodes(architecture: str, tensors: int) -> int:
    if architecture in _LONG_GRAPHS:
        for_token, for_tensor = _LONG_GRAPHS[architecture]
        return max(_BATCH * for_token, for_tensor * tensors)
    return max(1024, 8 * tensors)


def _active(keys: _Hyperparameters, tensors: Sequence[GgufTensor]) -> int:
    """Bytes of weights that one token passes through: of the experts the few that are used, of the vocabulary a row."""
    experts, used = keys.number("expert_count"), keys.most("expert_used_count")
    tied = not any(tensor.name == "output.weight" for tensor in tensors)
    total = 0
    for tensor in tensors:
        if tensor.name == "per_layer_token_embd.weight" or (tensor.name == "token_embd.weight" and not tied):
            continue
        share = min(used / experts, 1) if experts and "_exps." in tensor.name else 1
        total += int(tensor.size * share)
    return total
