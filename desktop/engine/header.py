"""What a model file says of itself, checked, without loading it: for the library, the license door and admission."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from desktop.engine.bounded_file import damaged
from desktop.engine.gguf_checks import check_model, number, split_files
from desktop.engine.gguf_reader import Array, GgufFile, Tensor, read_gguf
from desktop.engine.gguf_types import FILE_TYPES
from desktop.engine.memory import estimate
from desktop.engine.shape import Shape, shape_of
from desktop.translation import tr

_LONGEST_TEXT = 4096


@dataclass(frozen=True)
class Header:
    """A sound model file. Sizes in bytes (of all files, where the model is split), lengths in tokens.

    `license`, `name` and the like are "" where the file does not say. `parameters` counts the values of all tensors.
    `metadata` holds the `general.*` entries that are plain values, and the lengths of the others' lists.
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
    tensors: tuple[Tensor, ...]
    shape: Shape

    def estimate_memory(self, context_length: int) -> int:
        """Bytes the model takes with a context of that length: weights, keys and values, compute buffers."""
        return estimate(self.shape, context_length)


def read_header(path: Path, whole_sizes: Mapping[str, int] | None = None) -> Header:
    """The header of the model at `path`, quick also with a large vocabulary.

    Raises NotFoundError, or EngineError with one sentence where it is no sound GGUF chat model. `whole_sizes` gives
    the sizes in bytes of files, by name, of which only the beginnings are there (see `read_gguf`).
    """
    sizes = whole_sizes or {}
    gguf = read_gguf(path, sizes.get(path.name))
    files = split_files(gguf)
    architecture = check_model(gguf)
    tensors = list(gguf.tensors)
    size = gguf.file_size
    for other in files[1:]:
        part = read_gguf(other, sizes.get(other.name))
        tensors += part.tensors
        size += part.file_size
    if not any(tensor.name == "token_embd.weight" for tensor in tensors):
        raise damaged(path, tr("It holds no weights of a language model."))
    tokens = gguf.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, Array)
    return Header(
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
        context_length=number(gguf, f"{architecture}.context_length") or 0,
        block_count=number(gguf, f"{architecture}.block_count") or 0,
        vocab_size=tokens.length,
        has_template=bool(_text(gguf, "tokenizer.chat_template")),
        metadata=_selected(gguf),
        tensors=tuple(tensors),
        shape=shape_of(gguf, architecture, tensors),
    )


def _text(gguf: GgufFile, key: str) -> str:
    value = gguf.metadata.get(key, "")
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _values(tensor: Tensor) -> int:
    count = 1
    for size in tensor.dimensions:
        count *= size
    return count


def _base_models(gguf: GgufFile) -> tuple[str, ...]:
    """What the file says it was made from: "organization/name" from the repository's address, else the name."""
    count = min(number(gguf, "general.base_model.count") or 0, 64)
    found = []
    for index in range(count):
        address = _text(gguf, f"general.base_model.{index}.repo_url")
        organization = _text(gguf, f"general.base_model.{index}.organization")
        name = _text(gguf, f"general.base_model.{index}.name")
        if "huggingface.co/" in address:
            found.append(address.split("huggingface.co/", 1)[1].strip("/"))
        elif name:
            found.append(f"{organization}/{name}" if organization else name)
    return tuple(found)


def _quantization(gguf: GgufFile, tensors: list[Tensor]) -> str:
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
        if isinstance(value, Array):
            chosen[key] = tuple(str(item)[:_LONGEST_TEXT] for item in value.items)
        else:
            chosen[key] = value[:_LONGEST_TEXT] if isinstance(value, str) else value
    return chosen
