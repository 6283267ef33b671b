"""What a model file says of itself, checked, without loading it: for the library, the license check and admission."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from desktop.catalog.base_model_name import NOT_NAMED, base_from_header_fields, base_model_name
from desktop.catalog.repository_name import repository_id
from desktop.engine.bounded_file import MoreBytesNeededError, TruncatedFileError, damaged_file_error
from desktop.engine.gguf_checks import check_model, check_part, checked_parts, metadata_number
from desktop.engine.gguf_reader import FILE_TYPES, GgufArray, GgufFile, GgufTensor, read_gguf
from desktop.engine.memory_estimate import estimate_memory
from desktop.engine.model_shape import ModelShape, shape_of
from desktop.engine.unsupported_file import (
    ModelKind,
    cut_file_error,
    joining_command,
    model_kind,
    piece_error,
    unsupported_model_error,
)
from desktop.errors import EngineError
from desktop.split_files import FilePieces
from desktop.translation import tr

_LONGEST_TEXT = 4096
_MOST_BASES = 64
_BASE_KEY = re.compile(r"general\.base_model\.([^.]+)\.", re.IGNORECASE)
_BASE_WORDS = ("repo_url", "url", "organization", "name", "version")


@dataclass(frozen=True)
class GgufHeader:
    """A sound model file. Sizes in bytes (of all files, where the model is split), lengths in tokens.

    `license`, `name` and the like are "" where the file does not say. `parameters` counts the values of all tensors.
    `metadata` holds the `general.*` entries that are plain values, and the lengths of the others' lists. `adapter` says
    that the file is no model but an adapter (LoRA) to one (`adapter_header`). `kind` says what a model is for.
    """

    path: Path
    files: tuple[Path, ...]
    version: int
    architecture: str
    name: str
    license: str
    license_name: str
    license_link: str
    base_models: tuple[str, ...]
    quantization: str
    file_size: int
    parameters: int
    context_length: int
    block_count: int
    vocab_size: int
    has_template: bool
    metadata: dict[str, int | float | bool | str | tuple[str, ...]]
    tensors: tuple[GgufTensor, ...]
    shape: ModelShape
    adapter: bool = False
    kind: ModelKind = "chat"

    def estimate_memory(self, context_length: int) -> int:
        """Bytes the model takes with a context of that length: weights, keys and values, compute buffers."""
        return estimate_memory(self.shape, context_length)


def read_header(
    path: Path, whole_sizes: Mapping[str, int] | None = None, *, embedding: bool | None = False
) -> GgufHeader:
    """The header of the model at `path`, quick also with a large vocabulary.

    Raises NotFoundError, or EngineError with one sentence where it is no sound GGUF chat model (with `embedding`: no
    embedding model or reranker; with None: none of these). `whole_sizes` gives the sizes in bytes of files, by name, of
    which only the beginnings are there (see `read_gguf`).
    """
    if whole_sizes:
        return _read(path, whole_sizes, embedding)
    try:
        return _read(path, {}, embedding)
    except EngineError as error:
        # A piece of a file looks damaged, and is not.
        raise cut_file_error(path) or error from error


def header_of_adapter(gguf: GgufFile) -> GgufHeader:
    """The header of an adapter that was checked: of what makes a model of a file, it has nothing."""
    tensors, architecture = list(gguf.tensors), _text(gguf, "general.architecture")
    size = sum(tensor.size for tensor in tensors)
    return GgufHeader(
        path=gguf.path,
        files=(gguf.path,),
        version=gguf.version,
        architecture=architecture,
        name=_text(gguf, "general.name"),
        license=_text(gguf, "general.license"),
        license_name=_text(gguf, "general.license.name"),
        license_link=_text(gguf, "general.license.link"),
        base_models=_base_models(gguf),
        quantization=_quantization(gguf, tensors),
        file_size=gguf.file_size,
        parameters=sum(_values(tensor) for tensor in tensors),
        context_length=0,
        block_count=0,
        vocab_size=0,
        has_template=False,
        metadata=_selected(gguf),
        tensors=tuple(tensors),
        shape=ModelShape(architecture, 0, 0, size, size, size, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        adapter=True,
    )


def header_of_pieces(pieces: FilePieces) -> GgufHeader:
    """The header of a file that was cut, before anybody joined its pieces; `files` are the pieces.

    Raises as `read_header` does; EngineError where one is missing.
    """
    first = pieces.files[0]
    if pieces.missing or pieces.count < 2:
        raise piece_error(first, pieces)
    try:
        header = _read(first, {first.name: sum(file.stat().st_size for file in pieces.files)}, None)
    except TruncatedFileError as error:
        raise EngineError(
            tr("The pieces of {whole} that are here do not make a whole file: a later one is missing.").format(
                whole=pieces.name
            ),
            error.detail,
            tr("Fetch all of them into the same folder, then import it again."),
        ) from error
    except MoreBytesNeededError as error:
        raise EngineError(
            tr("The first piece of {whole} is too short to tell what it is.").format(whole=pieces.name),
            remedy=tr("Join the pieces yourself: {command}").format(command=joining_command(pieces)),
        ) from error
    return replace(header, files=pieces.files)


def _read(path: Path, sizes: Mapping[str, int], wanted: bool | None = False) -> GgufHeader:
    gguf = read_gguf(path, sizes.get(path.name))
    files = checked_parts(gguf)
    kind = model_kind(gguf.metadata)
    embedding = kind != "chat" if wanted is None else wanted
    architecture = check_model(gguf, embedding=embedding)
    tensors = list(gguf.tensors)
    size = gguf.file_size
    for index, other in enumerate(files[1:], start=1):
        part = read_gguf(other, sizes.get(other.name))
        check_part(part, index, len(files))
        tensors += part.tensors
        size += part.file_size
    names = [each.name for each in tensors]
    if len(files) > 1:
        problem = unsupported_model_error(path, gguf.metadata, names, embedding=embedding)
        if problem is not None:
            raise problem
    if not any(tensor.name == "token_embd.weight" for tensor in tensors):
        raise damaged_file_error(path, tr("It holds no weights of a language model."))
    tokens = gguf.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, GgufArray)
    return GgufHeader(
        path=path,
        files=tuple(files),
        version=gguf.version,
        architecture=architecture,
        name=_text(gguf, "general.name"),
        license=_text(gguf, "general.license"),
        license_name=_text(gguf, "general.license.name"),
        license_link=_text(gguf, "general.license.link"),
        base_models=_base_models(gguf),
        quantization=_quantization(gguf, tensors),
        file_size=size,
        parameters=sum(_values(tensor) for tensor in tensors),
        context_length=metadata_number(gguf, f"{architecture}.context_length") or 0,
        block_count=metadata_number(gguf, f"{architecture}.block_count") or 0,
        vocab_size=tokens.length,
        has_template=bool(_text(gguf, "tokenizer.chat_template")),
        metadata=_selected(gguf),
        tensors=tuple(tensors),
        shape=shape_of(gguf, architecture, tensors),
        kind=kind,
    )


def _text(gguf: GgufFile, key: str) -> str:
    value = gguf.metadata.get(key, "")
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _values(tensor: GgufTensor) -> int:
    count = 1
    for size in tensor.dimensions:
        count *= size
    return count


def _base_models(gguf: GgufFile) -> tuple[str, ...]:
    """What the file says it was made from, as `base_model_name` gives it. Whatever the file counts, each base that it
    speaks of is one; of one that it does not name, it is not known which."""
    named = {match[1] for key in gguf.metadata if (match := _BASE_KEY.match(key))}
    count = max(metadata_number(gguf, "general.base_model.count") or 0, 0)
    indices = sorted(named, key=lambda each: (len(each), each)) + [
        str(index) for index in range(min(count, _MOST_BASES)) if str(index) not in named
    ]
    found = [name for index in indices[:_MOST_BASES] for name in _base_model(gguf, index)]
    if max(count, len(indices)) > _MOST_BASES:
        found.append(NOT_NAMED)
    return tuple(dict.fromkeys(found))


def _base_model(gguf: GgufFile, index: str) -> list[str]:
    """One base: the repository that its address leads to; where it leads to none, the address, and what the words
    beside it name."""
    fields = {key: _text(gguf, f"general.base_model.{index}.{key}").strip() for key in _BASE_WORDS}
    for key in ("repo_url", "url"):
        if id_ := repository_id(fields[key]):
            return [id_]
    found = [base_model_name(fields["repo_url"])] if fields["repo_url"] else []
    if fields["name"]:
        found.append(base_from_header_fields(fields["organization"], fields["name"], fields["version"]))
    return found or [base_model_name(fields["url"])]


def _quantization(gguf: GgufFile, tensors: list[GgufTensor]) -> str:
    """By the file's own word, else the type that most bytes are of."""
    kind = gguf.metadata.get("general.file_type")
    if isinstance(kind, int) and kind in FILE_TYPES:
        return FILE_TYPES[kind]
    bytes_of: Counter[str] = Counter()
    for tensor in tensors:
        bytes_of[tensor.type] += tensor.size
    return bytes_of.most_common(1)[0][0] if bytes_of else ""


def _selected(gguf: GgufFile) -> dict[str, int | float | bool | str | tuple[str, ...]]:
    chosen: dict[str, int | float | bool | str | tuple[str, ...]] = {}
    for key, value in gguf.metadata.items():
        if not key.startswith("general."):
            continue
        if isinstance(value, GgufArray):
            chosen[key] = tuple(str(item)[:_LONGEST_TEXT] for item in value.items)
        else:
            chosen[key] = value[:_LONGEST_TEXT] if isinstance(value, str) else value
    return chosen
