"""Writes the trained model as a GGUF file that any llama.cpp reads: weights Q8_0, norms F32.

    cd packaging && python -m builtin_model.convert --folder FOLDER --out FILE

The file carries all that Latchkey reads from any model: name, license, chat template, tokenizer
and sampling hints. Nothing in the application knows that this one is its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import gguf
from gguf.quants import quantize
from torch import Tensor

from builtin_model.guide import HERE
from builtin_model.model import Block, GuideModel
from builtin_model.tokenizer import (
    ASSISTANT,
    BOS,
    CHAT_TEMPLATE,
    END,
    SYSTEM,
    UNKNOWN,
    USER,
    Tokenizer,
)
from builtin_model.train import load_averaged

MODEL = HERE.parents[1] / "resources" / "builtin" / "latchkey-guide.gguf"
LIMIT_BYTES = 12 * 1000 * 1000
DESCRIPTION = (
    "The built-in model of Latchkey: a very small language model, trained from nothing by the "
    "Latchkey project on its own guide. It answers questions about Latchkey and declines others."
)
TEMPERATURE = 0.2


def write(model: GuideModel, tok: Tokenizer, out: Path) -> int:
    """Writes `model` with the vocabulary of `tok` to `out`; gives the size in bytes.

    Raises ValueError when the file is larger than 12 MB.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    writer = gguf.GGUFWriter(str(part), "llama")
    _facts(writer, model)
    _vocabulary(writer, tok)
    for name, tensor in _tensors(model):
        values = tensor.detach().float().numpy()
        if values.ndim == 1:
            writer.add_tensor(name, values)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    size = part.stat().st_size
    if size > LIMIT_BYTES:
        raise ValueError(f"{size} bytes are more than {LIMIT_BYTES}")
    part.replace(out)
    return size


def _facts(writer: gguf.GGUFWriter, model: GuideModel) -> None:
    shape = model.shape
    weights = sum(p.numel() for p in model.parameters())
    writer.add_type("model")
    writer.add_name("Latchkey Guide")
    writer.add_basename("latchkey-guide")
    writer.add_author("Latchkey")
    writer.add_organization("Latchkey")
    writer.add_description(DESCRIPTION)
    writer.add_license("apache-2.0")
    writer.add_license_name("Apache License 2.0")
    writer.add_size_label(f"{weights / 1e6:.1f}M")
    writer.add_languages(["en"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_float32("general.sampling.temp", TEMPERATURE)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)


def _vocabulary(writer: gguf.GGUFWriter, tok: Tokenizer) -> None:
    pieces, scores, kinds = [], [], []
    control = {BOS, END, SYSTEM, USER, ASSISTANT}
    for index in range(tok.size):
        pieces.append(tok.processor.id_to_piece(index).encode())
        scores.append(tok.processor.get_score(index))
        if index == UNKNOWN:
            kinds.append(gguf.TokenType.UNKNOWN)
        elif index in control:
            kinds.append(gguf.TokenType.CONTROL)
        elif tok.processor.is_byte(index):
            kinds.append(gguf.TokenType.BYTE)
        else:
            kinds.append(gguf.TokenType.NORMAL)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(END)
    writer.add_eot_token_id(END)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _tensors(model: GuideModel) -> list[tuple[str, Tensor]]:
    found = [("token_embd.weight", model.embedding.weight), ("output_norm.weight", model.norm.weight)]
    for index, block in enumerate(model.blocks):
        assert isinstance(block, Block)
        query, key, value = block.qkv.weight.chunk(3)
        gate, up = block.gate_up.weight.chunk(2)
        parts = {
            "attn_norm": block.attention_norm.weight,
            "attn_q": query,
            "attn_k": key,
            "attn_v": value,
            "attn_output": block.attention_out.weight,
            "ffn_norm": block.hidden_norm.weight,
            "ffn_gate": gate,
            "ffn_up": up,
            "ffn_down": block.down.weight,
        }
        found += [(f"blk.{index}.{name}.weight", part) for name, part in parts.items()]
    return [(name, tensor.contiguous()) for name, tensor in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """Reads the command line and converts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE / "work")
    parser.add_argument("--out", type=Path, default=MODEL)
    chosen = parser.parse_args(arguments)
    tok = Tokenizer(chosen.folder / "vocabulary.model")
    size = write(load_averaged(chosen.folder), tok, chosen.out)
    print(f"{chosen.out}: {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
