"""What must hold of a model's metadata before llama.cpp may see the file: faults here would end its process.

Each fault was tried on llama.cpp: most are asserts, some exhaust the memory.
"""

import math
from pathlib import Path

from desktop.engine.bounded_file import damaged_file_error
from desktop.engine.gguf_reader import FLOAT32, FLOAT64, STRING, GgufArray, GgufFile
from desktop.engine.unsupported_file import KNOWN_ARCHITECTURES, unsupported_model_error
from desktop.errors import EngineError
from desktop.split_files import first_part, is_numbered, part_of, parts_of
from desktop.translation import tr

_MOST_LAYERS = 512
_MOST_EXPERTS = 512
_LONGEST_CONTEXT = 100_000_000
_LARGEST_EMBEDDING = 1 << 20
_ROPE_SCALINGS = ("none", "linear", "yarn", "longrope")
_EPSILONS = ("attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon", "attention.group_norm_epsilon")


def check_model(gguf: GgufFile, *, embedding: bool = False) -> str:
    """Raise EngineError where the file's metadata is unsound or no chat model's (with `embedding`: neither an embedding
    model's nor a reranker's); otherwise its architecture."""
    architecture = _check_kind(gguf, embedding)
    checks = _Checks(gguf, architecture)
    checks.layers()
    checks.lengths()
    checks.parts()
    checks.heads()
    checks.floats()
    checks.vocabulary()
    return architecture


def metadata_number(gguf: GgufFile, key: str) -> int | None:
    """A whole number of the metadata, or None where there is none. Raises EngineError where it is something else."""
    value = gguf.metadata.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise damaged_file_error(gguf.path, tr("{key} should be a whole number.").format(key=key))


def metadata_numbers(gguf: GgufFile, key: str) -> tuple[int, ...]:
    """A whole number or one for each layer; () where there is none. Raises EngineError where it is something else."""
    value = gguf.metadata.get(key)
    if isinstance(value, GgufArray):
        found = tuple(item for item in value.items if isinstance(item, int) and not isinstance(item, bool))
        if len(found) != value.length:
            raise damaged_file_error(gguf.path, tr("{key} should be whole numbers.").format(key=key))
        return found
    single = metadata_number(gguf, key)
    return () if single is None else (single,)


def checked_parts(gguf: GgufFile) -> list[Path]:
    """All files of a model in several, the first one included. Raises EngineError where one is missing."""
    count = metadata_number(gguf, "split.count") or 1
    part = part_of(gguf.path.name)
    if count == 1 and part is not None and part.count > 1 and is_numbered(gguf.path.name):
        # Whoever looks for its parts by name would miss them for ever.
        raise EngineError(
            tr("{file} is a whole model, but its name says that it is a part of one.").format(file=gguf.path.name),
            remedy=tr("Rename it, to {name} for instance.").format(name=f"{part.stem}.gguf"),
        )
    if count == 1:
        return [gguf.path]
    if part is None or part.count != count:
        raise EngineError(
            tr("{file} is one part of a model in {count} files.").format(file=gguf.path.name, count=count),
            tr("Its name no longer says which one."),
            tr("Give the files the names they were published with."),
        )
    if part.number != 1:
        raise EngineError(
            tr("{file} is a later part of a model in {count} files.").format(file=gguf.path.name, count=count),
            remedy=tr("Open {file} instead.").format(file=first_part(gguf.path).name),
        )
    files = parts_of(gguf.path)
    if len(files) == 1:  # the others have other names, or are elsewhere
        files = [gguf.path.with_name(part.name(metadata_number)) for metadata_number in range(1, count + 1)]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise EngineError(
            tr("This model is made of {count} files, and {missing} of them are missing.").format(
                count=count, missing=len(missing)
            ),
            tr("The first missing one is {file}.").format(file=missing[0]),
            tr("Put all of them into one folder."),
        )
    return files


def check_part(part: GgufFile, index: int, count: int) -> None:
    """Raise EngineError where `part` does not say that it is number `index`, from 0, of a model in `count` files.

    So what merely lies there under a part's name, as a link to another file may, is none.
    """
    if (metadata_number(part, "split.no"), metadata_number(part, "split.count")) != (index, count):
        raise damaged_file_error(
            part.path, tr("It is not part {number} of a model in {count} files.").format(number=index + 1, count=count)
        )


def _check_kind(gguf: GgufFile, embedding: bool) -> str:
    """That the file is a chat model's, or an embedding model's, of an architecture that the engine knows."""
    names = [each.name for each in gguf.tensors]
    problem = unsupported_model_error(gguf.path, gguf.metadata, names, embedding=embedding)
    if problem is not None:
        raise problem
    architecture = gguf.metadata.get("general.architecture")
    if architecture is None:
        raise damaged_file_error(gguf.path, tr("It does not say its architecture."))
    if not isinstance(architecture, str) or not architecture:
        raise damaged_file_error(gguf.path, tr("{key} should be a text.").format(key="general.architecture"))
    if architecture not in KNOWN_ARCHITECTURES:
        shown = architecture[:60]
        raise EngineError(
            tr("This model's architecture, {name}, is not known to this version of the engine.").format(name=shown),
            remedy=tr("Update Latchkey, or choose another model."),
            technical=f"unknown model architecture: '{shown}'",
        )
    return architecture


class _Checks:
    def __init__(self, gguf: GgufFile, architecture: str) -> None:
        self._gguf = gguf
        self._architecture = architecture

    def layers(self) -> None:
        count = self._number("block_count")
        if count is None or not 1 <= count <= _MOST_LAYERS:
            raise self._impossible("block_count", count)

    def lengths(self) -> None:
        context = self._number("context_length")
        if context is None or not 1 <= context <= _LONGEST_CONTEXT:
            raise self._impossible("context_length", context)
        embedding = self._number("embedding_length")
        if embedding is None or not 1 <= embedding <= _LARGEST_EMBEDDING:
            raise self._impossible("embedding_length", embedding)
        for key in ("attention.key_length", "attention.value_length"):
            value = self._number(key)
            if value is not None and not 0 < value <= 1 << 16:
                raise self._impossible(key, value)

    def parts(self) -> None:
        """Experts, extra layers and the stretching of positions are of kinds that llama.cpp knows."""
        experts, used = self._number("expert_count") or 0, self._number("expert_used_count") or 0
        if not 0 <= experts <= _MOST_EXPERTS:
            raise self._impossible("expert_count", experts)
        if not (used == 0 if experts == 0 else 1 <= used <= experts):
            raise self._impossible("expert_used_count", used)
        extra = self._number("nextn_predict_layers") or 0
        if not 0 <= extra < (self._number("block_count") or 0):
            raise self._impossible("nextn_predict_layers", extra)
        scaling = self._gguf.metadata.get(f"{self._architecture}.rope.scaling.type", "none")
        if scaling not in _ROPE_SCALINGS:
            raise self._impossible("rope.scaling.type", scaling)

    def heads(self) -> None:
        """Attention heads divide what they share; layers without attention (recurrent ones) have none."""
        embedding = self._number("embedding_length") or 1
        heads = metadata_numbers(self._gguf, f"{self._architecture}.attention.head_count")
        shared = metadata_numbers(self._gguf, f"{self._architecture}.attention.head_count_kv")
        recurrent = f"{self._architecture}.ssm.state_size" in self._gguf.metadata or "rwkv" in self._architecture
        if any(not 0 <= count <= 4096 for count in (*heads, *shared)):
            raise self._impossible("attention.head_count", str(heads))
        if any(count == 0 for count in heads) and not recurrent and len(heads) == 1:
            raise self._impossible("attention.head_count", 0)
        if self._number("attention.key_length") is None and any(count and embedding % count for count in heads):
            raise self._impossible("attention.head_count", str(heads))
        pairs = zip(heads, shared if len(shared) == len(heads) else shared * len(heads), strict=False)
        if any(few and (many % few or few > many) for many, few in pairs if many):
            raise self._impossible("attention.head_count_kv", str(shared))
        if shared == (0,) and heads != (0,) and not recurrent:
            raise self._impossible("attention.head_count_kv", 0)

    def floats(self) -> None:
        for name in _EPSILONS:
            key = f"{self._architecture}.{name}"
            value = self._gguf.metadata.get(key)
            if value is None:
                continue
            if self._gguf.kinds[key] not in (FLOAT32, FLOAT64) or not isinstance(value, float):
                raise damaged_file_error(self._gguf.path, tr("{key} should be a number.").format(key=key))
            if not math.isfinite(value) or value <= 0 or value >= 1:
                raise self._impossible(name, value)
        for name in ("rope.freq_base", "rope.scaling.factor", "attention.scale"):
            value = self._gguf.metadata.get(f"{self._architecture}.{name}")
            if isinstance(value, float) and not math.isfinite(value):
                raise self._impossible(name, value)

    def vocabulary(self) -> None:
        kind = self._gguf.metadata.get("tokenizer.ggml.model")
        tokens = self._gguf.metadata.get("tokenizer.ggml.tokens")
        if kind in (None, "none", "no_vocab") or tokens is None:
            raise EngineError(
                tr("{file} carries no vocabulary.").format(file=self._gguf.path.name),
                tr("Without one it cannot read or write text."),
                tr("Choose another file of this model."),
            )
        if not isinstance(kind, str):
            raise damaged_file_error(self._gguf.path, tr("{key} should be a text.").format(key="tokenizer.ggml.model"))
        if not isinstance(tokens, GgufArray) or tokens.kind != STRING or tokens.length == 0:
            raise damaged_file_error(self._gguf.path, tr("{key} should be texts.").format(key="tokenizer.ggml.tokens"))
        if tokens.repeated is not None:
            raise damaged_file_error(
                self._gguf.path, tr("Its vocabulary holds a token twice: {t}.").format(t=tokens.repeated[:40])
            )
        for name in ("tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
            values = self._gguf.metadata.get(name)
            if values is not None and (not isinstance(values, GgufArray) or values.length != tokens.length):
                raise damaged_file_error(self._gguf.path, tr("{key} does not fit the vocabulary.").format(key=name))
        template = self._gguf.metadata.get("tokenizer.chat_template")
        if template is not None and not isinstance(template, str):
            raise damaged_file_error(
                self._gguf.path, tr("{key} should be a text.").format(key="tokenizer.chat_template")
            )

    def _number(self, name: str) -> int | None:
        return metadata_number(self._gguf, f"{self._architecture}.{name}")

    def _impossible(self, name: str, value: object) -> EngineError:
        if value is None:
            return damaged_file_error(self._gguf.path, tr("It does not say its {name}.").format(name=name))
        return damaged_file_error(
            self._gguf.path, tr("Its {name} is {value}.").format(name=name, value=str(value)[:40])
        )
