"""Quantizations of GGUF files by name: how good each is beside the others, its bits, and what it costs in quality.

The figures are llama.cpp's own: the scoreboard of Llama 3 8B in tools/perplexity/README.md (revision f364eb6f), whose
F16 file has a perplexity of 6.233. Names are llama.cpp's; "UD-" before one is Unsloth's mark for a choice of bits layer
by layer, L and XL behind one mean that some tensors keep more bits.
"""

import re
from dataclasses import dataclass
from typing import Literal

from desktop.translation import tr

Loss = Literal["none", "hardly any", "very little", "little", "some", "much", "most", "unknown"]

# What may follow the first number of a name: "_K_M", "_0_4_8", "_XXS", "_NL", "_KS"; not "_v2" or "_it".
QUANTIZATION_SUFFIX = r"(?:\d{1,2}|K[A-Z]{0,2}|X{0,3}[SML]|NL|P|R\d)"
QUANTIZATION_PATTERN = (
    rf"(?:UD-)?(?:I?Q[1-8](?:_{QUANTIZATION_SUFFIX}){{0,3}}|TQ[12]_0|BF16|FP?16|FP?32|MXFP4(?:_MOE)?|NVFP4)"
)
"""A pattern of names as files and repositories spell them, in either case."""

# From the best. Above Q8_0 nobody tells the difference; below Q4_K_M the answers suffer.
QUANTIZATIONS = (
    "Q8_K_XL", "Q8_0", "Q6_K_XL", "Q6_K_L", "Q6_K", "Q5_K_XL", "Q5_K_L", "Q5_K_M", "Q5_K_S", "Q5_1", "Q5_0",
    "MXFP4_MOE", "MXFP4", "Q4_K_XL", "Q4_K_L", "Q4_K_M", "IQ4_NL", "Q4_K_S", "IQ4_XS", "NVFP4", "Q4_1", "Q4_0",
    "Q3_K_XL", "Q3_K_L", "IQ3_M", "Q3_K_M", "IQ3_S", "IQ3_XS", "Q3_K_S", "IQ3_XXS", "Q2_K_XL", "Q2_K_L", "Q2_K",
    "Q2_K_S", "IQ2_M", "IQ2_S", "IQ2_XS", "IQ2_XXS", "Q2_0", "IQ1_M", "IQ1_S", "TQ2_0", "TQ1_0", "Q1_0",
)  # fmt: skip
RANK = {name: rank for rank, name in enumerate(QUANTIZATIONS)}
LAST_RANK = len(QUANTIZATIONS)
"""The rank of unquantized files, and of names that say nothing."""

_ALIASES = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M", "FP16": "F16", "FP32": "F32"}
# Name: GiB of the scoreboard's file, and how much its perplexity lies above that of F16. IQ files, Q2_K_S and no
# others were made with an importance matrix.
_SCOREBOARD = {
    "Q8_0": (7.96, 0.0027), "Q6_K": (6.14, 0.0217), "Q5_K_M": (5.33, 0.0570), "Q5_K_S": (5.21, 0.1050),
    "Q5_1": (5.65, 0.1062), "Q5_0": (5.21, 0.1316), "Q4_K_M": (4.58, 0.1755), "Q4_K_S": (4.37, 0.2689),
    "IQ4_NL": (4.35, 0.2240), "IQ4_XS": (4.14, 0.2281), "Q4_1": (4.78, 0.4511), "Q4_0": (4.34, 0.4685),
    "Q3_K_L": (4.03, 0.5562), "Q3_K_M": (3.74, 0.6569), "IQ3_M": (3.53, 0.6667), "IQ3_S": (3.42, 0.7339),
    "IQ3_XS": (3.28, 0.9314), "IQ3_XXS": (3.05, 1.2268), "Q3_K_S": (3.41, 1.6322), "IQ2_M": (2.74, 2.3692),
    "Q2_K": (2.96, 3.5199), "Q2_K_S": (2.96, 3.0921), "IQ2_S": (2.56, 3.4191), "IQ2_XS": (2.43, 4.5298),
    "IQ2_XXS": (2.24, 7.8601), "IQ1_M": (2.01, 19.2621), "IQ1_S": (1.88, 54.4630),
}  # fmt: skip
_OF_F16, _WEIGHTS = 6.2332, 8.03e9
# Bits of a weight where the scoreboard has no file, from the block sizes of the types; a share is kept at more bits.
_OTHER_BITS = {
    "F32": 32.0, "F16": 16.0, "BF16": 16.0, "MXFP4": 4.6, "MXFP4_MOE": 4.6, "NVFP4": 4.9, "Q2_0": 2.5, "TQ2_0": 2.4,
    "TQ1_0": 2.0, "Q1_0": 1.4,
}  # fmt: skip
_UNQUANTIZED = frozenset({"F32", "F16", "BF16"})
# The plain mix that an L or XL improves on.
_PLAIN = {
    "Q8_K_XL": "Q8_0", "Q6_K_XL": "Q6_K", "Q6_K_L": "Q6_K", "Q5_K_XL": "Q5_K_M", "Q5_K_L": "Q5_K_M",
    "Q4_K_XL": "Q4_K_M", "Q4_K_L": "Q4_K_M", "Q3_K_XL": "Q3_K_L", "Q2_K_XL": "Q2_K", "Q2_K_L": "Q2_K",
}  # fmt: skip
_LAYOUT = re.compile(r"R?\d+")
_QAT = re.compile(r"(?:^|[-._/ ])qat(?=$|[-._/ ])", re.IGNORECASE)
# Up to which share of the original's perplexity a loss is called so.
_LEVELS: tuple[tuple[float, Loss], ...] = (
    (0.005, "hardly any"), (0.025, "very little"), (0.05, "little"), (0.13, "some"), (0.5, "much"),
)  # fmt: skip


@dataclass(frozen=True)
class QuantizationQuality:
    """What a quantization costs: `loss` in a word, `perplexity` the share by which that of Llama 3 8B grows (0.028: by
    2.8 %; None where no figure is published), `sentence` for a person, `short` the same in a few words ("" for none).
    """

    loss: Loss
    perplexity: float | None
    sentence: str
    short: str = ""


def canonical_name(name: str) -> str:
    """The name as the tables here have it, without Unsloth's mark; with more behind it ("Q4_K_P") as the one before.

    A number behind one ("Q4_0_4_8", "Q8_0_R8") is a layout that llama.cpp does not read: such a name stays as it is.
    """
    plain = name.upper().removeprefix("UD-")
    plain = _ALIASES.get(plain, plain)
    shorter = plain
    while shorter not in RANK and shorter not in _OTHER_BITS:
        shorter, mark, behind = shorter.rpartition("_")
        if not mark or _LAYOUT.fullmatch(behind):
            return plain
        shorter = _ALIASES.get(shorter, shorter)
    return shorter


def rank_of(name: str) -> int:
    """The place of a quantization among all, 0 for the best; `LAST_RANK` where its name is none that llama.cpp
    writes."""
    return RANK.get(canonical_name(name), LAST_RANK)


def bits_of(name: str) -> float:
    """About how many bits a weight takes in files of a quantization; 0 where that is not known."""
    plain = canonical_name(name)
    plain = plain if plain in _SCOREBOARD or plain in _OTHER_BITS else _PLAIN.get(plain, plain)
    if plain in _SCOREBOARD:
        return _SCOREBOARD[plain][0] * (1 << 30) * 8 / _WEIGHTS
    return _OTHER_BITS.get(plain, 0.0)


def is_quantization_aware(*names: str) -> bool:
    """Whether the name of a file or its repository says that the model was trained to be quantized (QAT)."""
    return any(_QAT.search(name) for name in names)


def quality_of(name: str, *, trained_for_it: bool = False) -> QuantizationQuality | None:
    """What a quantization costs in quality, as far as it is published; None for a name that says nothing."""
    plain = canonical_name(name)
    if plain in _UNQUANTIZED:
        return QuantizationQuality("none", 0.0, tr("Not quantized: nothing is lost."), tr("not quantized"))
    if trained_for_it and plain.startswith(("Q4", "IQ4")):
        return QuantizationQuality("little", None, tr(
            "The model was trained to be quantized to four bits (QAT): less is lost than where a finished one is, for "
            "Gemma 3 about half as much, as Google says."
        ), tr("trained for four bits"))  # fmt: skip
    if plain.startswith("MXFP4"):
        return QuantizationQuality("unknown", None, tr(
            "Nothing is lost of a model that was published like this, as gpt-oss was; what others lose is not known."
        ))  # fmt: skip
    measured = _SCOREBOARD.get(_PLAIN.get(plain, plain))
    if measured is None:
        return (
            QuantizationQuality("unknown", None, tr("What it costs in quality is not published."))
            if plain in RANK
            else None
        )
    share = measured[1] / _OF_F16
    loss: Loss = next((word for most, word in _LEVELS if share <= most), "most")
    sentence = _sentence(loss, share)
    if name.upper() not in _SCOREBOARD and name.upper() not in _ALIASES:
        sentence += " " + tr("The figure is that of {plain}.").format(plain=_PLAIN.get(plain, plain))
    return QuantizationQuality(loss, share, sentence, _short(loss, share))


def _short(loss: Loss, share: float) -> str:
    said = {
        "hardly any": tr("hardly anything lost"),
        "very little": tr("very little lost"),
        "little": tr("little lost"),
        "some": tr("somewhat worse"),
        "much": tr("much worse"),
        "most": tr("suffers badly"),
    }[loss]
    return tr("{loss}, perplexity +{share} %").format(loss=said, share=_percent(share))


def _percent(share: float) -> str:
    return f"{share * 100:.1f}" if share < 0.1 else f"{share * 100:.0f}"


def _sentence(loss: Loss, share: float) -> str:
    said = {
        "hardly any": tr("Hardly anything is lost: {figure}."),
        "very little": tr("Very little is lost: {figure}."),
        "little": tr("Little is lost: {figure}."),
        "some": tr("Answers get somewhat worse: {figure}."),
        "much": tr("Answers get much worse: {figure}."),
        "most": tr("Answers suffer badly: {figure}."),
    }[loss]
    if share >= 1:
        figure = tr("perplexity is {times} times the original's").format(times=f"{share + 1:.1f}")
    elif share < 0.001:
        figure = tr("perplexity grows by less than 0.1 %")
    else:
        figure = tr("perplexity grows by {share} %").format(share=_percent(share))
    return said.format(figure=figure) + " " + tr("llama.cpp measured it with Llama 3 8B; large models lose less.")
