"""What lies among models and is none that can be used: pieces of files that were cut, downloads that are under way,
models in formats of other programs. Each is reported once, with what to do about it; only small settings files are
opened."""

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from desktop.engine.unsupported_file import piece_error
from desktop.hub.repository_files import is_model_file_name
from desktop.library.other_apps.folder_scan import ScanBudget, printable_line, read_small
from desktop.split_files import is_archive_volume, is_piece, pieces_in
from desktop.translation import tr

_UNFINISHED_ENDING = re.compile(
    r"[._-](?:part|partial|incomplete|crdownload|download|downloading|opdownload|downloadinprogress|filepart|tmp|temp|"
    r"aria2|st|!qb|!ut|bc!)\Z"
)
# What download programs keep beside a file that has its whole length already and is full of holes.
_CONTROLS = (".aria2", ".st")
_OLD = re.compile(r".*(?:ggml|ggjt|ggmf).*\.bin|.+\.(?:ggml|ggjt)", re.IGNORECASE | re.DOTALL)
_PYTORCH = re.compile(r"pytorch_model.*\.bin|consolidated.*\.pth|.+\.ckpt", re.IGNORECASE | re.DOTALL)
_LARGEST_CONFIG = 1 << 20


def download_control_file(path: Path) -> Path | None:
    """The file by which a download program says that it still writes the one at `path`; None where there is none."""
    controls = (path.with_name(path.name + control) for control in _CONTROLS)
    return next((control for control in controls if os.path.lexists(control)), None)


def is_unfinished(name: str) -> bool:
    """Whether a file of this name is what a download program writes before it is whole."""
    name = name.lower()
    if name.startswith(("incomplete-", "downloading_")):
        return True
    known = ".gguf" in name or name.startswith("unconfirmed ")
    return known and _UNFINISHED_ENDING.search(name) is not None


def unfinished_reason() -> str:
    """What is said of a download that is under way."""
    return tr("It is still being downloaded by another program, or was given up: let that program finish.")


def skip_unusable(app: str, folder: Path, names: Collection[str], budget: ScanBudget) -> None:
    """Leave out what of the files called `names` in `folder` is a model that cannot be used, each with its reason."""
    if any(is_piece(name) for name in names):
        for pieces in pieces_in(folder):
            error = piece_error(pieces.files[0], pieces)
            budget.skip(app, pieces.files[0], _sentences(error.title, error.detail, error.remedy))
    for name in sorted(names):
        if not budget.spend(0):
            return
        if is_unfinished(name) and not any(name == whole + control for whole in names for control in _CONTROLS):
            budget.skip(app, folder / name, unfinished_reason())
        elif is_archive_volume(name) and name.lower().endswith((".001", ".part1.rar", ".part01.rar")):
            budget.skip(app, folder / name, tr("It is an archive in several files: unpack it first."))
        elif name.lower().endswith(".llamafile"):
            budget.skip(app, folder / name, llamafile_reason())
        elif _OLD.fullmatch(name):
            budget.skip(app, folder / name, tr("It is a model in the format GGML, from before GGUF."))
    _note_parts_alone(app, folder, names, budget)
    if "adapter_config.json" in names:
        budget.skip(app, folder, tr("It is an adapter (LoRA), not a whole model: get a GGUF file of the model."))
    elif kind := _format_of(folder, names):
        sentence = tr("It is a model in the format {format}, which another program reads: get a GGUF file of it.")
        budget.skip(app, folder, sentence.format(format=kind))


def _note_parts_alone(app: str, folder: Path, names: Collection[str], budget: ScanBudget) -> None:
    """Projectors and the like in a folder where no model lies beside them."""
    files = sorted(name for name in names if name.lower().endswith(".gguf"))
    if files and not any(is_model_file_name(name) for name in files):
        sentence = tr("It is a part that belongs to a model, such as a projector: get the model's own file as well.")
        budget.skip(app, folder / files[0], sentence)


def llamafile_reason() -> str:
    """What is said of a program and its model in one file."""
    return tr("It is a llamafile, a program with a model in it: take the GGUF file out with “unzip”, or get it alone.")


def _format_of(folder: Path, names: Collection[str]) -> str:
    """The format of a model that takes a folder; "" for none."""
    endings = {name.rpartition(".")[2].lower() for name in names}
    if "safetensors" in endings:
        return _safetensors_kind(folder)
    if "onnx" in endings:
        return "ONNX"
    return "PyTorch" if any(_PYTORCH.fullmatch(name) for name in names) else ""


def _safetensors_kind(folder: Path) -> str:
    """Which programs read the safetensors in `folder`, as far as its settings tell."""
    if any((each / "model_index.json").exists() for each in (folder, folder.parent)):
        return "safetensors (Diffusers)"
    config = _config(folder / "config.json")
    method = config.get("quantization_config")
    method = str(method.get("quant_method", "")) if isinstance(method, dict) else ""
    if (folder / "quantize_config.json").exists():
        method = method or "gptq"
    if method:
        return f"safetensors ({printable_line(method.upper(), 20)})"
    if isinstance(config.get("quantization"), dict) or "mlx" in str(folder).lower():
        return "safetensors (MLX)"
    return "safetensors (Transformers)"


def _config(file: Path) -> dict[str, Any]:
    data = read_small(file, _LARGEST_CONFIG)
    if data is None:
        return {}
    try:
        found = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _sentences(*texts: str) -> str:
    return " ".join(text for text in texts if text)
