"""A small GGUF whose model says one given text, word for word, whatever it is asked, through the real worker.

The model is a Llama whose blocks add nothing, so that the next token depends on the last one alone. Each piece of the
answer is a token of its own that leads to the next; every other token leads to the first piece. The prompt may thus be
any chat template's, as long as its last token is none of the answer's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.fakes.tiny_gguf import CHATML, finish, put

_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _BYTE = 1, 2, 3, 4, 6
_WIDTH, _HIDDEN = 128, 32


@dataclass(frozen=True)
class Token:
    """One token of the answer, as it is: an ordinary one, a `control` token, or one that the file's maker `defined`."""

    text: str
    control: bool = False
    defined: bool = False

    @property
    def kind(self) -> int:
        return _CONTROL if self.control else _USER_DEFINED if self.defined else _NORMAL


def parrot(
    path: Path,
    *answer: str | bytes | Token,
    size: int = 12,
    template: str | None = CHATML,
    controls: Sequence[str] = (),
    eos: str = "</s>",
    name: str = "Parrot",
    license_: str = "apache-2.0",
    context_length: int = 8192,
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write the model that says `answer` and then its end token `eos`.

    Texts are cut into tokens of about `size` characters, no two of which may be alike; bytes are byte tokens, each at
    most once. `controls` are further control tokens, which are in the vocabulary and are never said. `metadata` adds or
    replaces keys, or removes them where its value is None. Raises ValueError where the answer holds a token twice.
    """
    special = list(dict.fromkeys(["<s>", "</s>", eos, *controls]))
    texts = ["<unk>", *special, *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [_UNKNOWN, *[_CONTROL] * len(special), *[_BYTE] * 256]
    said: list[int] = []
    given = {part.text for part in answer if isinstance(part, Token)}
    for part in answer:
        for token in _tokens(part, size, {*texts, *given}):
            text = token.text.replace(" ", "▁") if token.kind == _NORMAL else token.text
            if text not in texts:
                texts.append(text)
                kinds.append(token.kind)
            said.append(texts.index(text))
    if len(set(said)) != len(said):
        raise ValueError("a token may be said once only")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    if license_:
        writer.add_license(license_)
    writer.add_context_length(context_length)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_HIDDEN)
    writer.add_head_count(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_scores([-float(index) if kind == _NORMAL else 0.0 for index, kind in enumerate(kinds)])
    writer.add_bos_token_id(texts.index("<s>"))
    writer.add_eos_token_id(texts.index(eos))
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    if template is not None:
        writer.add_chat_template(template)
    for key, value in (metadata or {}).items():
        put(writer, key, value)
    for tensor, values in _weights(len(texts), [*said, texts.index(eos)]).items():
        writer.add_tensor(tensor, values)
    finish(writer)
    return path


def _tokens(part: str | bytes | Token, size: int, taken: set[str]) -> list[Token]:
    """`part` in tokens, none of them spelled as one of `taken`, where it is a text."""
    match part:
        case Token():
            return [part]
        case bytes():
            return [Token(f"<0x{byte:02X}>") for byte in part]
        case str():
            return [Token(piece) for piece in _pieces(part, size, taken)]


def _pieces(text: str, size: int, taken: set[str]) -> list[str]:
    """`text` in pieces of `size` characters, longer where one would be another's equal.

    None is a single character, which a prompt may well end with.
    """
    found: list[str] = []
    used = {word.replace("▁", " ") for word in taken}
    at = 0
    while at < len(text):
        end = at + size
        while text[at:end] in used and end < len(text):
            end += 1
        piece, at = text[at:end], end
        while found and (piece in used or len(piece) == 1):  # the end of the text: it goes to what stands before it
            before = found.pop()
            used.discard(before)
            piece = before + piece
        found.append(piece)
        used.add(piece)
    taken |= {piece.replace(" ", "▁") for piece in found}
    return found


def _weights(count: int, said: Sequence[int]) -> dict[str, Any]:
    """Tensors of a model in which each of `said` leads to the next, and every other token to the first."""
    random = np.random.default_rng(11)
    embedding = np.zeros((count, _WIDTH), np.float32)
    embedding[:, 0] = np.sqrt(np.float32(_WIDTH))
    for token in said[:-1]:
        embedding[token] = random.choice(np.array([-1, 1], np.float32), _WIDTH)
        embedding[token, 0] = 0
    output = np.zeros((count, _WIDTH), np.float32)
    output[said[0], 0] = np.sqrt(np.float32(_WIDTH))
    for token, following in pairwise(said):
        output[following] += embedding[token]
    ones = np.ones(_WIDTH, np.float32)
    made: dict[str, Any] = {"token_embd.weight": embedding, "output_norm.weight": ones, "output.weight": output}
    for name in ("attn_norm", "ffn_norm"):
        made[f"blk.0.{name}.weight"] = ones
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        made[f"blk.0.{name}.weight"] = np.zeros((_WIDTH, _WIDTH), np.float32)
    for name, shape in {"gate": (_HIDDEN, _WIDTH), "up": (_HIDDEN, _WIDTH), "down": (_WIDTH, _HIDDEN)}.items():
        made[f"blk.0.ffn_{name}.weight"] = np.zeros(shape, np.float32)
    return made
