"""The one name by which a model is shown, in the window and by the command: readable, on one line, of bounded length.

What a file says of itself is written by anybody, so nothing in it is taken as it is.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from desktop.catalog.quantization import QUANTIZATION_PATTERN, QUANTIZATION_SUFFIX
from desktop.split_files import without_part
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.library.library_model import ListedModel


_GGUF = re.compile(r"\.gguf$", re.IGNORECASE)
_COPY = re.compile(r"(?:\s*\(\d+\)|[\s-]+copy)$", re.IGNORECASE)
# What follows a model's name in the name of its file or repository: quantization, and how it was quantized.
_PACKING = re.compile(
    rf"(?:^|[-._ ]+)(?:UD|I?Q[1-8](?:[-_]{QUANTIZATION_SUFFIX}){{0,3}}|{QUANTIZATION_PATTERN}|FP8"
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
LONGEST = 80
_MOST_MARKS = 3  # upon one letter: more would be drawn over the lines around it
# Letters and signs, by their category, that are drawn as nothing.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")


def name_without_packing(text: str) -> str:
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
def name_key(text: str) -> str:
    """The letters and digits of a name, by which names are compared; "" where it has none in plain letters."""
    return "".join(name_tokens(text)).replace(".", "")


@lru_cache(maxsize=8192)
def name_tokens(text: str) -> tuple[str, ...]:
    """Its words and numbers in small plain letters: "Qwen2.5-7B" gives ("qwen2.5", "7b")."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return tuple(_TOKEN.findall(plain))


def is_generic(text: str) -> bool:
    """Whether a name is no model's: that of a folder or a program, a hash, a number, or nothing that can be read."""
    name = name_without_packing(text)
    if not any(sign.isalpha() for sign in name):
        return True
    key = name_key(name)
    if any(sign.isalpha() and not sign.isascii() for sign in name) and not key:
        return False  # a name in another script
    bare = _HASH.fullmatch(name) is not None and any(sign.isdigit() for sign in name)
    return bare or len(key) <= 2 or key in _GENERIC or all(token in _GENERIC for token in name_tokens(name))


def is_run_token(token: str) -> bool:
    """Whether it is a word of a training run, as "ep2", "step1000" and "lc100k"."""
    return _RUN.fullmatch(token) is not None


def is_training_run(text: str) -> bool:
    """Whether a name is that of a training run, which nobody knows the model by: "Smollm2 135M 8k Lc100K Mix1 Ep2"."""
    return any(is_run_token(token) for token in name_tokens(text))


def model_title(
    name: str,
    file_name: str,
    *,
    repository: str = "",
    others: Sequence[str] = (),
    architecture: str = "",
    sha256: str = "",
) -> str:
    """What a model is called, by the better witness: the `repository` at the Hub that its file came from, where the
    file's name does not speak of something else; else `file_name`. `name`, its header's, is written by whoever made the
    file: it counts where it says no less than they do, or where they tell nothing. Then the first of `others` that is a
    model's name; where none is, its architecture and the beginning of its hash."""
    own = visible_line(_last_part(name))
    own = own if _is_models(own) else ""
    file, place = (visible_line(name_without_packing(text)) for text in (file_name, repository))
    file, place = (each if _is_models(each) else "" for each in (file, place))
    witness = place if place and (not file or set(name_tokens(place)) & set(name_tokens(file))) else file
    if own and (not _tells(witness) or _says_as_much(own, witness)):
        return _bounded(own)
    for text in (witness, *others):
        packed = visible_line(name_without_packing(text))
        if _is_models(packed):
            return _bounded(" ".join(_without_twice(packed).replace("_", " ").replace("-", " ").split()))
    what = visible_line(architecture)[:20] or "GGUF"
    return tr("Unnamed {architecture} model {hash}").format(architecture=what, hash=sha256[:8]).strip()


def _is_models(name: str) -> bool:
    return not is_generic(name) and not is_training_run(name)


def _tells(witness: str) -> bool:
    """Whether a name distinguishes a model from others: of several words, or with a number in it."""
    return len(witness.replace("-", " ").replace("_", " ").split()) > 1 or any(sign.isdigit() for sign in witness)


def _says_as_much(name: str, witness: str) -> bool:
    """Whether `name` contains all words of `witness`, in whatever spelling, and maybe more."""
    witness = _without_twice(witness)
    if name.casefold() == witness.casefold():
        return True
    key = name_key(witness)
    return bool(key) and (key in name_key(name) or set(name_tokens(witness)) <= set(name_tokens(name)))


def visible_line(text: str) -> str:
    """`text` on one line, without what cannot be seen, turns the direction of writing, or piles up over the line."""
    kept: list[str] = []
    marks = 0
    for sign in unicodedata.normalize("NFC", text[: 8 * LONGEST]):
        marks = marks + 1 if unicodedata.category(sign).startswith("M") else 0
        if sign.isspace():
            kept.append(" ")
        elif sign.isprintable():
            kept.append(sign if sign not in _BLANK and marks <= _MOST_MARKS else "")
        elif unicodedata.category(sign) != "Cf":  # those turn and join others; what cannot be written is seen to be so
            kept.append("\ufffd")
    return " ".join("".join(kept).split())


def disambiguated(here: "list[ListedModel]", catalog: Iterable[str] = ()) -> "list[ListedModel]":
    """The models on this disk, where no two files look alike: of several with one title, each says its quantization or,
    where that is the same as well, the beginning of its hash. So does a file that nobody recognized and that calls
    itself like a model of the `catalog` (their names). Files of one model are one title in the list of models, and told
    apart where files are chosen."""
    known = {_look(name) for name in catalog}
    groups: dict[str, list[ListedModel]] = {}
    for each in here:
        groups.setdefault(_look(each.subject.name), []).append(each)
    return [_marked(each, groups[_look(each.subject.name)], known) for each in here]


def _look(name: str) -> str:
    """The part of a name that is visible at a glance: names with an equal one look alike."""
    return name_key(name) if name.isascii() else name.casefold()


def _marked(listed: "ListedModel", group: "list[ListedModel]", known: set[str]) -> "ListedModel":
    subject, model = listed.subject, listed.model
    others = [each for each in group if each.subject.file_sha256 != subject.file_sha256]
    claims = listed.entry is None and _look(subject.name) in known
    if model is None or not (others or claims):
        return listed
    kinds = {each.model.quantization for each in others if each.model is not None}
    alike = claims or model.quantization in kinds
    mark = subject.file_sha256[:8] if alike else model.quantization
    name = f"{subject.name} ({mark})" if mark else subject.name
    if claims or any(each.subject.id != subject.id for each in others):
        subject = replace(subject, name=name)
    return replace(listed, subject=subject, model=replace(model, name=name))


def _last_part(name: str) -> str:
    """Of a path or a repository, which some converters write there, the last part."""
    if any(sign.isspace() for sign in name.strip()) and not name.startswith(("/", "\\")):
        return name
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _without_twice(name: str) -> str:
    """ "Qwen_Qwen3-4B" without the publisher that says nothing more."""
    publisher, line, rest = name.partition("_")
    return rest if line and publisher and rest.casefold().startswith(publisher.casefold()) else name


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
