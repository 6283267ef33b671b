"""The vocabulary: a sentencepiece BPE with byte fallback that llama.cpp reads as it is.

llama.cpp's SPM tokenizer gives the same ids as sentencepiece only if nothing is normalized and no
space is put in front of the text (`tokenizer.ggml.add_space_prefix` false). So that a word has one
form wherever it stands, the chat template itself puts a space before a person's text.
`check.py` compares both on many strings.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sentencepiece

from builtin_model.augment import vary
from builtin_model.guide import SLOT, Guide

UNKNOWN, BOS, END, SYSTEM, USER, ASSISTANT = range(6)
CONTROL_PIECES = ("<s>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
VOCABULARY = 2048

CHAT_TEMPLATE = (
    "{{- bos_token -}}"
    "{%- for message in messages -%}"
    "{%- if message.role in ('system', 'user') -%}"
    "{{- '<|' + message.role + '|> ' + message.content | trim + '<|end|>' -}}"
    "{%- elif message.role == 'assistant' -%}"
    "{{- '<|assistant|>' + message.content | trim + '<|end|>' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


@dataclass(frozen=True)
class Turn:
    """One question and its answer, as text."""

    question: str
    answer: str


class Tokenizer:
    """Text to ids and back, with the chat pieces placed as the template places them."""

    def __init__(self, path: Path) -> None:
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    @property
    def size(self) -> int:
        """Number of pieces."""
        return int(self.processor.vocab_size())

    def text(self, text: str, dropout: float = 0.0) -> list[int]:
        """Ids of plain text; with `dropout`, that share of the merges is skipped (BPE-dropout)."""
        if dropout > 0:
            ids = self.processor.encode(text, enable_sampling=True, alpha=dropout, nbest_size=-1)
        else:
            ids = self.processor.encode(text)
        return list(ids)

    def asked(self, role: int, text: str, dropout: float = 0.0) -> list[int]:
        """Ids of a system or user message as the template renders it."""
        return [role, *self.text(" " + text.strip(), dropout), END]

    def prompt(self, turns: Sequence[Turn], question: str, system: str | None = None) -> list[int]:
        """Ids of a whole prompt up to where the answer begins."""
        ids = [BOS]
        if system is not None:
            ids += self.asked(SYSTEM, system)
        for turn in turns:
            ids += self.asked(USER, turn.question)
            ids += [ASSISTANT, *self.text(turn.answer), END]
        return [*ids, *self.asked(USER, question), ASSISTANT]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; chat pieces give nothing."""
        return str(self.processor.decode([i for i in ids if i > ASSISTANT]))


def corpus(guide: Guide, seed: int = 7) -> list[str]:
    """Lines to learn pieces from: answers, and questions as people may really write them."""
    rng = random.Random(seed)
    lines: list[str] = []
    for intent in guide.intents:
        lines += [" " + part for part in (intent.answer, *intent.hints)]
        for phrasing in intent.phrasings:
            lines += [" " + phrasing, " " + phrasing.lower(), " " + vary(phrasing, rng)]
    off = guide.off_topic
    lines += [" " + off.answer]
    lines += [" " + q for q in off.plain]
    for template in off.templates:
        filled = SLOT.sub(lambda m: rng.choice(off.slots[m[1]]), template)
        lines += [" " + filled, " " + filled.lower()]
    return [line.replace("\n", " ") for line in lines]


def train(guide: Guide, path: Path, size: int = VOCABULARY) -> Tokenizer:
    """Learns a vocabulary of `size` pieces and writes it to `path` (a `.model` file)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    bos, end, *chat = CONTROL_PIECES
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus(guide)),
        model_prefix=str(path.with_suffix("")),
        model_type="bpe",
        vocab_size=size,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=False,
        split_digits=True,
        max_sentence_length=65536,
        unk_id=UNKNOWN,
        bos_id=BOS,
        eos_id=END,
        pad_id=-1,
        bos_piece=bos,
        eos_piece=end,
        control_symbols=chat,
        minloglevel=2,
    )
    return Tokenizer(path)
