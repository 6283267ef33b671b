"""Reads small private files, with a limit on their size."""

import errno
from pathlib import Path

from desktop.atomic_file import read_bounded


def read_private(path: Path, most_bytes: int) -> bytes | None:
    """The contents of the file, b"" where they are more than `most_bytes`; None where there is none. Raises OSError,
    also where it is no regular file."""
    try:
        return read_bounded(path, most_bytes, follow_link=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.EFBIG:
            return b""  # whatever it is, it was not written here
        raise
