"""A small file put in place as a whole: who reads it finds the former one or the new one, after a power cut as well."""

import os
import threading
from pathlib import Path


def write_whole(target: Path, data: bytes) -> None:
    """Have `data` under `target`, in a folder for this person alone. Raises OSError, and leaves what was there.

    Processes and threads that write the same file do not meet: the last one's is kept.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise
