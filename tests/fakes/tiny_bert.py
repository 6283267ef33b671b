"""A small BERT of random weights as a GGUF, and its vectors computed with NumPy: what llama.cpp has to give too."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.fakes.tiny_gguf import finish

WORDS = ("the", "sea", "is", "deep", "a", "cat", "sleeps", "s", "ea")
TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"▁{word}" for word in WORDS), "s")
_CLS, _SEP, _UNKNOWN = 2, 3, 1
_WIDTH, _HEADS, _INNER, _LAYERS, _EPSILON = 32, 4, 64, 2, 1e-6
_NORMAL, _CONTROL = 1, 3
_RANK = 4


class TinyBert:
    """The weights, and the file at `path` that holds them. `pooling` 1 is the mean of all tokens, 2 the first one, 4 a
    reranker's: a head makes a number of the first one."""

    def __init__(self, path: Path, *, context_length: int = 64, pooling: int = 1, seed: int = 5) -> None:
        random = np.random.default_rng(seed)
        self.path, self.pooling, self.context_length = path, pooling, context_length
        self.weights: dict[str, Any] = {}

        def put(name: str, *shape: int, scale: float = 0.3) -> None:
            self.weights[name] = (random.standard_normal(shape) * scale).astype(np.float32)

        def norm(name: str) -> None:
            self.weights[f"{name}.weight"] = np.ones(_WIDTH, np.float32)
            self.weights[f"{name}.bias"] = np.zeros(_WIDTH, np.float32)

        put("token_embd.weight", len(TOKENS), _WIDTH, scale=1)
        put("token_types.weight", 2, _WIDTH)
        put("position_embd.weight", context_length, _WIDTH)
        norm("token_embd_norm")
        for layer in range(_LAYERS):
            for name, out, of in (
                ("attn_q", _WIDTH, _WIDTH),
                ("attn_k", _WIDTH, _WIDTH),
                ("attn_v", _WIDTH, _WIDTH),
                ("attn_output", _WIDTH, _WIDTH),
                ("ffn_up", _INNER, _WIDTH),
                ("ffn_down", _WIDTH, _INNER),
            ):
                put(f"blk.{layer}.{name}.weight", out, of)
                put(f"blk.{layer}.{name}.bias", out)
            norm(f"blk.{layer}.attn_output_norm")
            norm(f"blk.{layer}.layer_output_norm")
        if pooling == _RANK:
            put("cls.weight", _WIDTH, _WIDTH)
            put("cls.bias", _WIDTH)
            put("cls.output.weight", 1, _WIDTH, scale=1)
            put("cls.output.bias", 1)
        self._write()

    def _write(self) -> None:
        writer = gguf.GGUFWriter(self.path, "bert")
        writer.add_name("Tiny BERT")
        writer.add_license("apache-2.0")
        writer.add_context_length(self.context_length)
        writer.add_embedding_length(_WIDTH)
        writer.add_block_count(_LAYERS)
        writer.add_feed_forward_length(_INNER)
        writer.add_head_count(_HEADS)
        writer.add_layer_norm_eps(_EPSILON)
        writer.add_causal_attention(False)
        writer.add_pooling_type(gguf.PoolingType(self.pooling))
        writer.add_tokenizer_model("bert")
        writer.add_tokenizer_pre("default")
        writer.add_token_type_count(2)
        writer.add_token_list(list(TOKENS))
        writer.add_token_types([_CONTROL if token.startswith("[") else _NORMAL for token in TOKENS])
        writer.add_unk_token_id(_UNKNOWN)
        writer.add_uint32("tokenizer.ggml.cls_token_id", _CLS)
        writer.add_bos_token_id(_CLS)
        writer.add_sep_token_id(_SEP)
        writer.add_eos_token_id(_SEP)
        writer.add_pad_token_id(0)
        writer.add_mask_token_id(4)
        for name, values in self.weights.items():
            writer.add_tensor(name, values)
        finish(writer)

    def tokens(self, text: str) -> list[int]:
        """The tokens of words that the vocabulary knows, separated by spaces."""
        return [_CLS, *(TOKENS.index(f"▁{word}") for word in text.split()), _SEP]

    def vector(self, text: str) -> Any:
        """The vector of a text, of length 1."""
        tokens = self.tokens(text)
        tokens = tokens if len(tokens) <= self.context_length else [*tokens[: self.context_length - 1], _SEP]
        x = self._computed(tokens)
        pooled = x.mean(axis=0) if self.pooling == 1 else x[0]
        return pooled / np.linalg.norm(pooled)

    def score(self, query: str, text: str) -> float:
        """How well a reranker finds that a text answers a query."""
        first = self._computed([*self.tokens(query), *self.tokens(text)[1:-1]])[0]
        return float(self._linear("cls.output", np.tanh(self._linear("cls", first)))[0])

    def _computed(self, tokens: list[int]) -> Any:
        """What the last layer gives for each token."""
        w = self.weights
        x = w["token_embd.weight"][tokens] + w["token_types.weight"][0] + w["position_embd.weight"][: len(tokens)]
        x = _normed(x)
        for layer in range(_LAYERS):
            query, key, value = (self._linear(f"blk.{layer}.attn_{kind}", x) for kind in "qkv")
            x = _normed(x + self._linear(f"blk.{layer}.attn_output", _attend(query, key, value)))
            inner = self._linear(f"blk.{layer}.ffn_up", x)
            inner = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
            x = _normed(x + self._linear(f"blk.{layer}.ffn_down", inner))
        return x

    def _linear(self, name: str, x: Any) -> Any:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]


def _normed(x: Any) -> Any:
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + _EPSILON)


def _attend(query: Any, key: Any, value: Any) -> Any:
    """Each token sees all of them."""
    length, size = len(query), _WIDTH // _HEADS
    heads = [each.reshape(length, _HEADS, size).transpose(1, 0, 2) for each in (query, key, value)]
    scores = heads[0] @ heads[1].transpose(0, 2, 1) / np.sqrt(size)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return (shares @ heads[2]).transpose(1, 0, 2).reshape(length, _WIDTH)
