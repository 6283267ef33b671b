"""Vocabularies as the families have them: which kind, which begin and end, which control tokens."""

from collections.abc import Sequence

from tests.fakes.tiny_gguf import WORDS, Vocabulary, bpe_vocabulary, spm_vocabulary

_NORMAL = 1


def family_vocabulary(
    kind: str,
    *,
    bos: str,
    eos: str,
    controls: Sequence[str] = (),
    pieces: Sequence[str] = (),
    add_bos: bool = True,
    space_prefix: bool = True,
) -> Vocabulary:
    """A small vocabulary of `kind`: "spm", "gemma4", or a BPE by the name of its pre-tokenizer.

    `pieces` are tokens of plain text besides, given as they read.
    """
    spelled = [spelling(piece, kind) for piece in pieces]
    special = list(dict.fromkeys([bos, eos, *controls]))
    if kind in ("spm", "gemma4"):
        made = spm_vocabulary(spelled, [token for token in special if token not in ("<unk>", "<s>", "</s>")])
    else:
        made = bpe_vocabulary(kind, [token for token in special if token != "<|endoftext|>"])
        fresh = [piece for piece in dict.fromkeys(spelled) if piece not in made.tokens]
        made.tokens += fresh
        made.types += [_NORMAL] * len(fresh)
    if kind == "gemma4":
        made.kind, made.merges = "gemma4", list(_merges())
    made.bos, made.eos = made.id(bos), made.id(eos)
    made.add_bos, made.space_prefix = add_bos, space_prefix
    return made


def spelling(text: str, kind: str) -> str:
    """How a vocabulary of `kind` writes a token that reads `text`."""
    if kind in ("spm", "gemma4"):
        return "<0x0A>" if text == "\n" else text.replace(" ", "▁")
    return text.replace(" ", "Ġ").replace("\n", "Ċ").replace("\r", "č")


def _merges() -> list[str]:
    """Merges for some words, letter by letter, with the space that SPM writes before them."""
    found = []
    for word in WORDS:
        grown = "▁"
        for letter in word:
            found.append(f"{grown} {letter}")
            grown += letter
    return list(dict.fromkeys(found))
