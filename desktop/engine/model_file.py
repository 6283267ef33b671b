"""The files of a model as they were when they were hashed, so that a worker opens those and no others."""

import msgspec

from desktop.file_stamp import FileStamp


class ModelFile(msgspec.Struct, frozen=True):
    """One file of a model: where it lies (absolute), and its stamp."""

    path: str
    stamp: FileStamp
