"""What is dropped on the window or pasted into it, told apart: files, a picture, or text. Opens nothing."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData

from desktop.split_files import is_archive_volume, is_piece

MOST_GIVEN = 5_000
"""Files of one drop that are looked at."""

_MODEL_ENDINGS = (
    ".gguf", ".safetensors", ".llamafile", ".ggml", ".bin", ".pth", ".ckpt", ".onnx", ".part", ".crdownload", ".aria2",
)  # fmt: skip
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/bmp")


@dataclass(frozen=True)
class GivenPicture:
    """A picture as it came: its bytes, and a name to show."""

    data: bytes
    media_type: str


def is_folder(path: Path) -> bool:
    """Whether there is a folder, and no link to one; False where that cannot be seen."""
    try:
        return path.is_dir() and not path.is_symlink()
    except OSError:
        return False


def is_model_name(name: str) -> bool:
    """Whether it is the name of a model, or of something that people take for one: they are told what it is then."""
    name = name.lower()
    return name.endswith(_MODEL_ENDINGS) or is_piece(name) or is_archive_volume(name)


def local_paths(data: QMimeData) -> list[Path]:
    """The files and folders on this machine that are given; none where anything else is given too."""
    urls = data.urls() if data.hasUrls() else []
    if not urls or not all(url.isLocalFile() for url in urls[:MOST_GIVEN]):
        return []
    return [Path(url.toLocalFile()) for url in urls[:MOST_GIVEN]]


def holds_picture(data: QMimeData) -> bool:
    """Whether a picture is given and no text: a spreadsheet gives both, and means its text."""
    return data.hasImage() and not data.hasText() and not data.hasUrls()


def is_attachable(data: QMimeData) -> bool:
    """Whether files or a picture are given, and no text."""
    return bool(local_paths(data)) or holds_picture(data)


def encoded_picture(data: QMimeData) -> GivenPicture | None:
    """The bytes of the picture as the other program gave them, where it gave them in a known form; not decoded."""
    for media_type in _PICTURES:
        if data.hasFormat(media_type) and (raw := bytes(data.data(media_type).data())):
            return GivenPicture(raw, media_type)
    return None
