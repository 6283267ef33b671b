"""What an adapter (LoRA) says of itself, checked before llama.cpp may see it, and whether it fits a model.

An adapter is a GGUF file of its own: pairs of small matrices that are added to matrices of one model. What llama.cpp
asks of it stands in its llama-adapter.cpp (`llama_adapter_lora_init_impl`); values of another kind than it expects end
its process.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from desktop.engine.bounded_file import damaged_file_error
from desktop.engine.gguf_header import GgufHeader, header_of_adapter, read_header
from desktop.engine.gguf_reader import FLOAT32, STRING, GgufFile, GgufTensor, read_gguf
from desktop.engine.unsupported_file import KNOWN_ARCHITECTURES
from desktop.errors import EngineError
from desktop.translation import tr

_A, _B = ".lora_a", ".lora_b"
_ALPHA = "adapter.lora.alpha"
_IGNORED = "_norm.weight"  # llama.cpp passes over them too
_MATRIX = 2  # dimensions
_EMBEDDING = "token_embd.weight"
_NO_FLOATS = ("I8", "I16", "I32", "I64", "F64")


def read_adapter(path: Path) -> GgufHeader:
    """The header of the adapter at `path`; its `shape` says but how large it is.

    Raises NotFoundError, or EngineError with one sentence where it is no sound LoRA adapter.
    """
    try:
        gguf = read_gguf(path)
    except EngineError as error:  # of a damaged one it says at first that it is no model
        raise error.__cause__ if isinstance(error.__cause__, EngineError) else error from error.__cause__
    if not _is_adapter(gguf):
        raise EngineError(
            tr("{file} is not an adapter (LoRA).").format(file=path.name),
            remedy=tr("Choose the GGUF file of an adapter."),
        )
    _check_metadata(gguf)
    _pairs(gguf.tensors, path)
    return header_of_adapter(gguf)


def read_model_or_adapter(path: Path) -> GgufHeader:
    """The header of whichever of the two is at `path`, of a model whatever it is for. Raises as `read_header` does."""
    try:
        return read_header(path, embedding=None)
    except EngineError as error:
        try:
            adapter = _is_adapter(read_gguf(path))
        except EngineError:
            adapter = False
        if not adapter:
            raise error from error.__cause__
    return read_adapter(path)


def check_adapter_fits(adapter: GgufHeader, model: GgufHeader) -> None:
    """Raise EngineError where `adapter` was not made for a model of this shape."""
    if adapter.architecture != model.architecture:
        raise _misfit(
            adapter,
            model,
            tr("It is for models of the architecture {one}; this one is {other}.").format(
                one=adapter.architecture, other=model.architecture
            ),
        )
    matrices = {tensor.name: tensor for tensor in model.tensors}
    for name, (down, up) in _pairs(adapter.tensors, adapter.path).items():
        matrix = matrices.get(name)
        if matrix is None:
            raise _misfit(adapter, model, tr("The model has no {tensor}.").format(tensor=name))
        if not _fits(matrix, down, up, embedding=name.endswith(_EMBEDDING)):
            raise _misfit(adapter, model, tr("The model's {tensor} is of another size.").format(tensor=name))


def _is_adapter(gguf: GgufFile) -> bool:
    return gguf.metadata.get("general.type") == "adapter"


def _check_metadata(gguf: GgufFile) -> None:
    path, metadata, kinds = gguf.path, gguf.metadata, gguf.kinds
    for key in ("general.type", "general.architecture", "adapter.type"):
        if kinds.get(key) != STRING:
            raise damaged_file_error(path, tr("{key} should be a text.").format(key=key))
    if metadata["adapter.type"] != "lora":
        raise EngineError(
            tr("{file} is an adapter of a kind that the engine does not know.").format(file=path.name),
            remedy=tr("Choose a LoRA adapter."),
        )
    if "adapter.alora.invocation_tokens" in metadata:
        raise EngineError(
            tr("{file} is an activated LoRA (aLoRA), which Latchkey cannot use.").format(file=path.name),
            tr("It counts only after certain tokens."),
            tr("Choose a plain LoRA adapter."),
        )
    if metadata["general.architecture"] not in KNOWN_ARCHITECTURES:
        raise EngineError(
            tr("This adapter is for an architecture that is not known to this version of the engine."),
            remedy=tr("Update Latchkey, or choose another adapter."),
        )
    alpha = metadata.get(_ALPHA, 0.0)
    if kinds.get(_ALPHA, FLOAT32) != FLOAT32 or not isinstance(alpha, float) or not math.isfinite(alpha):
        raise damaged_file_error(path, tr("{key} should be a number.").format(key=_ALPHA))


def _pairs(tensors: Sequence[GgufTensor], path: Path) -> dict[str, tuple[GgufTensor, GgufTensor]]:
    """The two matrices for each matrix of a model, by its name. Raises EngineError where they are not in pairs."""
    found: dict[str, dict[str, GgufTensor]] = {}
    for tensor in tensors:
        ending = next((each for each in (_A, _B) if tensor.name.endswith(each)), "")
        if not ending:
            if tensor.name.endswith(_IGNORED):
                continue
            raise damaged_file_error(path, tr("{tensor} belongs to no adapter.").format(tensor=tensor.name))
        if tensor.type in _NO_FLOATS or len(tensor.dimensions) < _MATRIX:
            raise damaged_file_error(path, tr("{tensor} is no matrix of numbers.").format(tensor=tensor.name))
        found.setdefault(tensor.name.removesuffix(ending), {})[ending] = tensor
    if not found:
        raise damaged_file_error(path, tr("It holds no weights."))
    for name, pair in found.items():
        if len(pair) != len((_A, _B)):
            raise damaged_file_error(path, tr("A matrix for {tensor} is missing.").format(tensor=name))
    return {name: (pair[_A], pair[_B]) for name, pair in found.items()}


def _fits(matrix: GgufTensor, down: GgufTensor, up: GgufTensor, *, embedding: bool) -> bool:
    """Whether the product of the two has the shape of `matrix`. Those of embeddings are the other way round."""
    (columns, rows), further = matrix.dimensions[:2], matrix.dimensions[2:]
    if embedding:
        return (columns, rows) == (up.dimensions[1], down.dimensions[1])
    outer = (columns, rows) == (down.dimensions[0], up.dimensions[1])
    return outer and down.dimensions[1] == up.dimensions[0] and further == down.dimensions[2:] == up.dimensions[2:]


def _misfit(adapter: GgufHeader, model: GgufHeader, detail: str) -> EngineError:
    return EngineError(
        tr("The adapter {adapter} does not fit the model {model}.").format(
            adapter=adapter.path.name, model=model.path.name
        ),
        detail,
        tr("Load it with the model that it was made for."),
    )
