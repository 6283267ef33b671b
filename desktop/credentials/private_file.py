"""Small files that are nobody else's business: read within bounds, written whole or not at all."""

import os
import threading
from pathlib import Path


def read_bounded(path: Path, most_bytes: int) -> bytes | None:
    """The first `most_bytes` of the file; None where there is none. Raises OSError."""
    try:
        with path.open("rb") as file:
            return file.read(most_bytes)
    except FileNotFoundError:
        return None


def write_private(path: Path, data: bytes) -> None:
    """Put `data` in the file's place, for this person alone, on the disk when this returns. Raises OSError; the file is
    then as it was."""
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with open(part, "wb", opener=_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """Have a new name on the disk as well, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
