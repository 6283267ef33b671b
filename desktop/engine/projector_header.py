"""What a projector (mmproj) says of itself, checked before llama.cpp may see it, and whether it fits a model.

A projector is a GGUF file of its own, beside its model's: the part that makes embeddings of pictures. What llama.cpp
asks of it stands in its tools/mtmd/clip.cpp (`clip_model_loader`); values of another kind than it expects end its
process.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from desktop.engine.bounded_file import damaged_file_error
from desktop.engine.gguf_header import GgufHeader
from desktop.engine.gguf_reader import (
    BOOL,
    FILE_TYPES,
    FLOAT32,
    STRING,
    UINT32,
    GgufArray,
    GgufFile,
    Scalar,
    read_gguf,
)
from desktop.errors import EngineError, UserError
from desktop.translation import tr

_ENCODERS = {"vision": "clip.has_vision_encoder", "audio": "clip.has_audio_encoder"}
_TYPES = ("clip.projector_type", "clip.vision.projector_type", "clip.audio.projector_type")
# Below "clip.vision.": the least and the most of each, and whether it has to be there.
_NUMBERS = {
    "image_size": (0, 8192, True),
    "patch_size": (1, 1024, True),
    "embedding_length": (1, 1 << 16, True),
    "feed_forward_length": (0, 1 << 20, True),
    "block_count": (0, 512, True),
    "projection_dim": (0, 1 << 20, True),
    "attention.head_count": (1, 4096, True),
    "attention.head_count_kv": (1, 4096, False),
    "spatial_merge_size": (1, 64, False),
    "projector.scale_factor": (1, 64, False),
}
_FRACTIONS = ("image_mean", "image_std")
_COLORS = 3
_FLOAT, _TILE = 4, 2048
_USUAL_SIDE = 1024  # pixels, where a projector takes pictures of any size
_OUTPUTS = ("mm.", "resampler.", "adapter.", "v.deepstack.", "model.")


@dataclass(frozen=True)
class ProjectorHeader:
    """A sound projector file. `file_size` in bytes; `kind` is llama.cpp's name for how it works.

    `sees` and `hears` say of what it makes embeddings; `widths` are the lengths that those may have. `compute_bytes` is
    about what looking at one picture takes beside the weights.
    """

    path: Path
    name: str
    license: str
    kind: str
    quantization: str
    file_size: int
    sees: bool
    hears: bool
    widths: frozenset[int]
    compute_bytes: int

    @property
    def memory(self) -> int:
        """Bytes that it takes beside its model."""
        return self.file_size + self.compute_bytes

    def fits(self, model: GgufHeader) -> bool:
        """Whether its embeddings are as long as those of `model`; whether it was made for it only that file says."""
        return model.shape.width in self.widths


def is_projector(gguf: GgufFile) -> bool:
    """Whether the file says that it is one."""
    return gguf.metadata.get("general.type") == "mmproj" or gguf.metadata.get("general.architecture") == "clip"


def read_projector(path: Path) -> ProjectorHeader:
    """The header of the projector at `path`.

    Raises NotFoundError, or EngineError with one sentence where it is no sound projector.
    """
    gguf = read_gguf(path)
    if not is_projector(gguf):
        raise EngineError(
            tr("{file} is no projector (mmproj).").format(file=path.name),
            remedy=tr("Choose the projector's file that was published with the model."),
        )
    sees, hears = (_flag(gguf, key) for key in _ENCODERS.values())
    kind = _kind(gguf)
    if sees:
        _check_numbers(gguf)
    return ProjectorHeader(
        path,
        _text(gguf, "general.name"),
        _text(gguf, "general.license"),
        kind,
        _quantization(gguf),
        gguf.file_size,
        sees,
        hears,
        _widths(gguf),
        _compute_bytes(gguf) if sees else 0,
    )


def find_projector(path: Path) -> ProjectorHeader | None:
    """The header of the projector at `path`; None where there is none, or none that can be used."""
    try:
        found = read_projector(path)
    except UserError:
        return None
    return found if found.sees else None


def check_projector(projector: ProjectorHeader, model: GgufHeader) -> None:
    """Raise EngineError where `projector` lets no model see, or was not made for one of this width."""
    if not projector.sees:
        raise EngineError(
            tr("{file} lets a model hear, not see.").format(file=projector.path.name),
            tr("This version of Latchkey gives a model text and pictures only."),
            tr("Load the model without it."),
        )
    if not projector.fits(model):
        raise EngineError(
            tr("The projector {projector} does not fit the model {model}.").format(
                projector=projector.path.name, model=model.path.name
            ),
            tr("Its embeddings are of another length."),
            tr("Fetch the one that belongs to this model."),
        )


def _check_numbers(gguf: GgufFile) -> None:
    for name, (least, most, needed) in _NUMBERS.items():
        key = f"clip.vision.{name}"
        value = gguf.metadata.get(key)
        if value is None and not needed:
            continue
        if value is None:
            raise damaged_file_error(gguf.path, tr("It does not say its {name}.").format(name=key))
        if gguf.kinds[key] != UINT32 or not isinstance(value, int):
            raise damaged_file_error(gguf.path, tr("{key} should be a whole number.").format(key=key))
        if not least <= value <= most:
            raise _impossible(gguf, key, value)
    width, heads = _number(gguf, "embedding_length"), _number(gguf, "attention.head_count")
    if width % heads and "clip.vision.attention.head_dim" not in gguf.metadata:
        raise _impossible(gguf, "clip.vision.attention.head_count", heads)
    key = "clip.vision.attention.layer_norm_epsilon"
    value = gguf.metadata.get(key)
    if gguf.kinds.get(key) != FLOAT32 or not isinstance(value, float) or not 0 < value < 1:
        raise _impossible(gguf, key, str(value)[:40])
    for name in _FRACTIONS:
        key = f"clip.vision.{name}"
        found = gguf.metadata.get(key)
        if not isinstance(found, GgufArray) or found.kind != FLOAT32 or not _COLORS <= found.length == len(found.items):
            raise damaged_file_error(gguf.path, tr("{key} should be three numbers.").format(key=key))
        if not all(isinstance(each, float) and math.isfinite(each) for each in found.items):
            raise damaged_file_error(gguf.path, tr("{key} should be three numbers.").format(key=key))


def _flag(gguf: GgufFile, key: str) -> bool:
    value = gguf.metadata.get(key)
    if value is not None and gguf.kinds[key] != BOOL:
        raise damaged_file_error(gguf.path, tr("{key} should be yes or no.").format(key=key))
    return value is True


def _kind(gguf: GgufFile) -> str:
    for key in _TYPES:
        if key in gguf.metadata and gguf.kinds[key] != STRING:
            raise damaged_file_error(gguf.path, tr("{key} should be a text.").format(key=key))
    return next((text for key in _TYPES if (text := _text(gguf, key))), "")


def _number(gguf: GgufFile, name: str) -> int:
    value: Scalar | GgufArray | None = gguf.metadata.get(f"clip.vision.{name}")
    return value if isinstance(value, int) else 0


def _text(gguf: GgufFile, key: str) -> str:
    value = gguf.metadata.get(key, "")
    return value[:300] if isinstance(value, str) else ""


def _quantization(gguf: GgufFile) -> str:
    kind = gguf.metadata.get("general.file_type")
    if isinstance(kind, int) and kind in FILE_TYPES:
        return FILE_TYPES[kind]
    sizes: dict[str, int] = {}
    for tensor in gguf.tensors:
        sizes[tensor.type] = sizes.get(tensor.type, 0) + tensor.size
    return max(sizes, key=sizes.__getitem__, default="")


def _widths(gguf: GgufFile) -> frozenset[int]:
    """Every length that a matrix behind the encoder gives: which of them is the last, each kind knows for itself."""
    behind = (tensor for tensor in gguf.tensors if tensor.name.startswith(_OUTPUTS))
    found = {size for tensor in behind for size in tensor.dimensions}
    return frozenset(found | {_number(gguf, "projection_dim")})


def _compute_bytes(gguf: GgufFile) -> int:
    """Of a picture's patches: what goes through one layer of the encoder. Attention takes no scores of all with all."""
    patch = max(_number(gguf, "patch_size"), 1)
    side = max(_number(gguf, "image_size") or _USUAL_SIDE, _USUAL_SIDE if "merger" in _kind(gguf) else 0)
    patches = (side // patch) ** 2
    floats = 6 * _number(gguf, "embedding_length") + 2 * _number(gguf, "feed_forward_length")
    return _FLOAT * (patches * floats + 3 * side * side) + _TILE * _TILE * _COLORS * _FLOAT


def _impossible(gguf: GgufFile, key: str, value: object) -> EngineError:
    return damaged_file_error(gguf.path, tr("Its {name} is {value}.").format(name=key, value=value))
