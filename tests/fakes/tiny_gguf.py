"""Small GGUF files made on the spot: random weights for what depends on shapes, scripted ones for what depends on text.

`random_model` writes a model of a real architecture with random weights: it speaks nonsense, but its answers depend
on every token before them, so a wrong cache shows. `scripted_model` writes a llama whose next token depends on the
last one alone: it says exactly the pieces it was given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import numpy as np

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_NORMAL, _UNKNOWN, _CONTROL, _USER, _BYTE = 1, 2, 3, 4, 6
CONTROLS = ("<|im_start|>", "<|im_end|>", "<think>", "</think>")
# What llama.cpp's own quantizer leaves alone.
_WHOLE = (
    "norm",
    "indexer_compressor_ape",  # as llama-quant.cpp of llama.cpp keeps it
    "ssm_conv1d",
    "ssm_a",
    "ssm_d",
    "shortconv",
    "ffn_gate_inp",
    "altup",
    "laurel",
    "lerp",
    "position_embd",
    "_b.weight",
)
WORDS = (
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "is",
    "it",
    "you",
    "that",
    "he",
    "was",
    "for",
    "on",
    "are",
    "with",
    "have",
)


@dataclass
class Vocabulary:
    """Tokens with their scores and kinds.

    `kind` is "llama" (SPM with byte tokens), "gpt2" (byte-level BPE) or "gemma4" (BPE over text with byte tokens).
    """

    kind: str
    tokens: list[str]
    scores: list[float]
    types: list[int]
    merges: list[str] = field(default_factory=list)
    bos: int = 1
    eos: int = 2
    pre: str = "default"
    add_bos: bool = True
    space_prefix: bool = True

    def id(self, token: str) -> int:
        return self.tokens.index(token)

    def write(self, writer: gguf.GGUFWriter) -> None:
        writer.add_tokenizer_model(self.kind)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        if self.kind == "llama":
            writer.add_token_scores(self.scores)
            writer.add_add_space_prefix(self.space_prefix)
        else:
            writer.add_tokenizer_pre(self.pre)
            writer.add_token_merges(self.merges)
        writer.add_bos_token_id(self.bos)
        writer.add_eos_token_id(self.eos)
        writer.add_add_bos_token(self.add_bos)


def spm_vocabulary(extra: Sequence[str] = (), controls: Sequence[str] = CONTROLS) -> Vocabulary:
    """Unknown, begin, end, `controls`, 256 byte tokens, printable characters, common words with a space, `extra`."""
    tokens, types = ["<unk>", "<s>", "</s>", *controls], [_UNKNOWN, _CONTROL, _CONTROL, *[_CONTROL] * len(controls)]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    types += [_BYTE] * 256
    letters = [chr(code) for code in range(33, 127)]
    pieces = ["▁", *letters]
    grown = [f"▁{letter}" for letter in letters if letter.isalnum()]
    for word in WORDS:
        grown += [f"▁{word[:length]}" for length in range(2, len(word) + 1)]
    for piece in dict.fromkeys([*pieces, *grown, *extra]):
        if piece not in tokens:
            tokens.append(piece)
            types.append(_NORMAL)
    scores = [0.0 if kind != _NORMAL else -float(index) for index, kind in enumerate(types)]
    return Vocabulary("llama", tokens, scores, types)


def bpe_vocabulary(pre: str = "gpt-2", controls: Sequence[str] = CONTROLS, filler: int = 0) -> Vocabulary:
    """The 256 bytes in GPT-2's spelling, merges for some words, `filler` tokens more, then `controls` and an end."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelling = {byte: chr(byte) for byte in printable}
    spelling.update({byte: chr(256 + index) for index, byte in enumerate(b for b in range(256) if b not in printable)})
    tokens = [spelling[byte] for byte in range(256)]
    merges = []
    for word in WORDS:
        grown = "Ġ"
        for letter in word:
            pair = f"{grown} {letter}"
            grown += letter
            if pair not in merges:
                merges.append(pair)
            if grown not in tokens:
                tokens.append(grown)
    tokens += [f"filler{index}" for index in range(filler)]
    types = [_NORMAL] * len(tokens)
    tokens += ["<|endoftext|>", *controls]
    types += [_CONTROL] * (1 + len(controls))
    end = tokens.index("<|im_end|>") if "<|im_end|>" in controls else tokens.index("<|endoftext|>")
    return Vocabulary("gpt2", tokens, [], types, merges, tokens.index("<|endoftext|>"), end, pre)


def random_model(
    path: Path,
    *,
    architecture: str = "llama",
    vocabulary: Vocabulary | None = None,
    template: str | None = CHATML,
    context_length: int = 4096,
    width: int = 64,
    layers: int = 2,
    seed: int = 7,
    metadata: Mapping[str, Any] | None = None,
    change: Callable[[gguf.GGUFWriter], None] | None = None,
) -> Path:
    """Write a random model of `architecture` ("llama", "qwen2", "gemma3", "mamba").

    `metadata` adds or replaces keys, or removes them where its value is None.
    """
    vocabulary = vocabulary or spm_vocabulary()
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name("Tiny random")
    writer.add_license("apache-2.0")
    writer.add_context_length(context_length)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    _shape(writer, architecture, width)
    vocabulary.write(writer)
    if template is not None:
        writer.add_chat_template(template)
    for key, value in (metadata or {}).items():
        put(writer, key, value)
    random = np.random.default_rng(seed)
    for name, shape in _tensors(architecture, len(vocabulary.tokens), width, layers).items():
        tied = architecture == "gemma3" and name.startswith("token_embd")
        writer.add_tensor(name, fill(name, shape, random) * np.float32(0.05 if tied else 1))
    if change is not None:
        change(writer)
    finish(writer)
    return path


def scripted_model(
    path: Path,
    pieces: Sequence[str],
    *,
    vocabulary: Vocabulary | None = None,
    template: str | None = CHATML,
    context_length: int = 4096,
    metadata: Mapping[str, Any] | None = None,
    loops: bool = False,
) -> Path:
    """Write a model that says `pieces` (tokens of the vocabulary, each at most once) and then ends, greedily.

    After any token that is not among them comes the first one. With `loops` it does not end but begins again.
    """
    vocabulary = vocabulary or spm_vocabulary()
    script = [vocabulary.id(piece) for piece in pieces]
    if len(set(script)) != len(script):
        raise ValueError("each piece may be said once only")
    count = len(vocabulary.tokens)
    width = -(-count // 64) * 64
    following = dict(zip(script, [*script[1:], script[0] if loops else vocabulary.eos], strict=True))
    embedding = np.zeros((count, width), np.float32)
    embedding[np.arange(count), np.arange(count)] = 1
    output = np.zeros((count, width), np.float32)
    for token in range(count):
        output[following.get(token, script[0]), token] = 1
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Tiny scripted")
    writer.add_context_length(context_length)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    _shape(writer, "llama", width)
    vocabulary.write(writer)
    if template is not None:
        writer.add_chat_template(template)
    for key, value in (metadata or {}).items():
        put(writer, key, value)
    given = {"token_embd.weight": embedding, "output.weight": output}
    for name, shape in _tensors("llama", count, width, 1).items():
        blank = np.ones(shape, np.float32) if "norm" in name else np.zeros(shape, np.float32)
        writer.add_tensor(name, given.get(name, blank))
    finish(writer)
    return path


def put(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    for shard in writer.kv_data:
        shard.pop(key, None)
    match value:
        case None:
            return
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value) if value < 1 << 32 else writer.add_uint64(key, value)
        case float():
            writer.add_float32(key, value)
        case str():
            writer.add_string(key, value)
        case _:
            writer.add_array(key, value)


def _shape(writer: gguf.GGUFWriter, architecture: str, width: int) -> None:
    if architecture == "mamba":
        writer.add_feed_forward_length(0)
        writer.add_head_count(0)
        writer.add_ssm_conv_kernel(4)
        writer.add_ssm_inner_size(2 * width)
        writer.add_ssm_state_size(16)
        writer.add_ssm_time_step_rank(4)
        writer.add_layer_norm_rms_eps(1e-5)
        return
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    if architecture == "gemma3":
        writer.add_key_length(width // 4)
        writer.add_value_length(width // 4)
        writer.add_sliding_window(64)


def _tensors(architecture: str, vocabulary: int, width: int, layers: int) -> dict[str, tuple[int, ...]]:
    tensors: dict[str, tuple[int, ...]] = {"token_embd.weight": (vocabulary, width), "output_norm.weight": (width,)}
    if architecture != "gemma3":
        tensors["output.weight"] = (vocabulary, width)
    for layer in range(layers):
        block = _mamba_block(width) if architecture == "mamba" else _attention_block(architecture, width)
        tensors.update({f"blk.{layer}.{name}": shape for name, shape in block.items()})
    return tensors


def _attention_block(architecture: str, width: int) -> dict[str, tuple[int, ...]]:
    half = width // 2
    block: dict[str, tuple[int, ...]] = {
        "attn_norm.weight": (width,),
        "attn_q.weight": (width, width),
        "attn_k.weight": (half, width),
        "attn_v.weight": (half, width),
        "attn_output.weight": (width, width),
        "ffn_norm.weight": (width,),
        "ffn_gate.weight": (2 * width, width),
        "ffn_up.weight": (2 * width, width),
        "ffn_down.weight": (width, 2 * width),
    }
    if architecture == "qwen2":
        block |= {"attn_q.bias": (width,), "attn_k.bias": (half,), "attn_v.bias": (half,)}
    if architecture == "gemma3":
        head = width // 4
        block |= {"attn_q_norm.weight": (head,), "attn_k_norm.weight": (head,)}
        block |= {"post_attention_norm.weight": (width,), "post_ffw_norm.weight": (width,)}
    return block


def _mamba_block(width: int) -> dict[str, tuple[int, ...]]:
    inner = 2 * width
    return {
        "attn_norm.weight": (width,),
        "ssm_in.weight": (2 * inner, width),
        "ssm_conv1d.weight": (inner, 4),
        "ssm_conv1d.bias": (inner,),
        "ssm_x.weight": (4 + 2 * 16, inner),
        "ssm_dt.weight": (inner, 4),
        "ssm_dt.bias": (inner,),
        "ssm_a": (inner, 16),
        "ssm_d": (inner,),
        "ssm_out.weight": (width, inner),
    }


def fill(name: str, shape: tuple[int, ...], random: np.random.Generator) -> Any:
    if "norm" in name:
        return np.ones(shape, np.float32)
    if name.endswith("ssm_a"):
        return -np.exp(random.standard_normal(shape)).astype(np.float32)
    scale = 1.0 if name.startswith(("token_embd", "output")) else 2.0 / np.sqrt(shape[-1])
    return (random.standard_normal(shape) * scale).astype(np.float32)


def add(writer: gguf.GGUFWriter, name: str, values: Any, quantization: str = "F32") -> None:
    """Add a tensor: the large matrices in the type `quantization`, as published files have them, the rest in F32."""
    kind = gguf.GGMLQuantizationType[quantization]
    block = gguf.GGML_QUANT_SIZES[kind][0]
    if quantization == "F32" or values.shape[-1] % block or _kept_whole(name, values.ndim):
        writer.add_tensor(name, values)
    else:
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)


def _kept_whole(name: str, dimensions: int) -> bool:
    return dimensions < 2 or not name.endswith(".weight") or any(part in name for part in _WHOLE)


def finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
