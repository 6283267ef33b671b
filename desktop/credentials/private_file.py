"""Small files that are nobody else's business: read within bounds, written whole or not at all."""

import errno
from pathlib import Path

from desktop.whole_file import read_whole, write_whole


def read_bounded(path: Path, most_bytes: int) -> bytes | None:
    """The contents of the file, b"" where they are more than `most_bytes`; None where there is none. Raises OSError,
    also where it is no regular file."""
    try:
        return read_whole(path, most_bytes, follow_link=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.EFBIG:
            return b""  # whatever it is, it was not written here
        raise


def write_private(path: Path, data: bytes) -> None:
    """Put `data` in the file's place, for this person alone, on the disk when this returns. Raises OSError; the file is
    then as it was."""
    write_whole(path, data)
