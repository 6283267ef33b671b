"""What names tell of models: the names of files, repositories and headers, without what packers add to them.

A name is compared by its letters and digits alone, since "SmolLM2-135M-Instruct", "smollm2_135m_instruct" and "SmolLM2
135M Instruct" are one name to everybody who writes them.
"""

import re
import unicodedata
from functools import lru_cache

from desktop.catalog.quantization import NAME, SUFFIX
from desktop.split_files import without_part

_GGUF = re.compile(r"\.gguf$", re.IGNORECASE)
_COPY = re.compile(r"(?:\s*\(\d+\)|[\s-]+copy)$", re.IGNORECASE)
# What follows a model's name in the name of its file or repository: quantization, and how it was quantized.
_PACKING = re.compile(
    rf"(?:^|[-._ ]+)(?:UD|I?Q[1-8](?:[-_]{SUFFIX}){{0,3}}|{NAME}|FP8"
    r"|i1|imat|imatrix|qat|gguf|ggml|quant(?:ized)?|\d+(?:\.\d+)?bpw|hf)$",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[a-z0-9]+(?:\.[0-9][a-z0-9]*)*")
_HASH = re.compile(r"(?:sha256[-_:]?)?(?:[0-9a-f]{7,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_RUN = re.compile(
    r"(?:ep|epochs?|steps?|ckpt|checkpoint|iter|mix|lr|bs|seed|run|lc)\d+[kmb]?|ckpt|checkpoint|epochs?|\d+e-?\d+"
)
# Names of folders and programs: what converters write where they are given no name.
_GENERIC = frozenset((
    "llama", "llamav1", "llamav2", "llamahf", "model", "models", "hub", "snapshot", "snapshots", "modelsnapshot",
    "ggmlmodel", "ggml", "gguf", "ggufmodel", "main", "master", "blob", "blobs", "cache", "huggingface", "hfmodel",
    "hfmodels", "modelhf", "checkpoint", "checkpoints", "output", "outputs", "out", "merged", "mergedmodel",
    "modelmerged", "finalmodel", "final", "result", "results", "tmp", "temp", "weights", "file", "files",
    "download", "downloads", "workspace", "content", "data", "mnt", "root", "home", "src", "converted", "quantized",
    "quantizedmodel", "unknown", "untitled", "noname", "none", "null", "default", "unnamed", "unsloth", "adapter",
    "lora", "pytorchmodel", "safetensors", "consolidated", "savedmodel", "basemodel", "finetuned", "finetunedmodel",
    "yourmodel", "mymodel", "newmodel", "latest",
))  # fmt: skip


def packed_name(text: str) -> str:
    """The model's name in the name of a file or repository: without folders, ending, part number and quantization.

    "models/SmolLM2-135M-Instruct.Q4_1.gguf" gives "SmolLM2-135M-Instruct"; "" where nothing else stands in it.
    """
    name = re.split(r"[/\\]", text.rstrip("/\\"))[-1].strip()[:400]
    while True:
        shorter = without_part(_GGUF.sub("", name))
        for pattern in (_COPY, _PACKING):
            shorter = pattern.sub("", shorter)
        shorter = shorter.strip(" -_.")
        if shorter == name:
            return name
        name = shorter


@lru_cache(maxsize=8192)
def key_of(text: str) -> str:
    """The letters and digits of a name, by which names are compared; "" where it has none in plain letters."""
    return "".join(tokens_of(text)).replace(".", "")


@lru_cache(maxsize=8192)
def tokens_of(text: str) -> tuple[str, ...]:
    """Its words and numbers in small plain letters: "Qwen2.5-7B" gives ("qwen2.5", "7b")."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return tuple(_TOKEN.findall(plain))


def is_generic(text: str) -> bool:
    """Whether a name is no model's: that of a folder or a program, a hash, a number, or nothing that can be read."""
    name = packed_name(text)
    if not any(sign.isalpha() for sign in name):
        return True
    key = key_of(name)
    if any(sign.isalpha() and not sign.isascii() for sign in name) and not key:
        return False  # a name in another script
    bare = _HASH.fullmatch(name) is not None and any(sign.isdigit() for sign in name)
    return bare or len(key) <= 2 or key in _GENERIC or all(token in _GENERIC for token in tokens_of(name))


def is_run_token(token: str) -> bool:
    """Whether it is a word of a training run, as "ep2", "step1000" and "lc100k"."""
    return _RUN.fullmatch(token) is not None


def is_training_run(text: str) -> bool:
    """Whether a name is that of a training run, which nobody knows the model by: "Smollm2 135M 8k Lc100K Mix1 Ep2"."""
    return any(is_run_token(token) for token in tokens_of(text))
