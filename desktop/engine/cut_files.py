"""What is said of a file that is a piece of a model's file, or a volume of an archive: what it is, what leads on."""

import os
import shlex
from pathlib import Path

from desktop.errors import EngineError
from desktop.split_files import Pieces, is_archive_volume, pieces_of
from desktop.translation import tr

_MOST_NAMED = 5


def cut_file_error(path: Path) -> EngineError | None:
    """Why the file at `path` is no model by itself; None where its name says nothing of others that belong to it."""
    if is_archive_volume(path.name):
        return EngineError(
            tr("{file} is one volume of an archive that lies in several files.").format(file=path.name),
            remedy=tr("Unpack it, from its first volume, with 7-Zip or a program like it; then import what it holds."),
        )
    pieces = pieces_of(path)
    return piece_error(path, pieces) if pieces is not None else None


def piece_error(path: Path, pieces: Pieces) -> EngineError:
    """Why the piece at `path` is no model: which are missing, or how all of them become one."""
    if pieces.count > 1:
        title = tr("{file} is one of {count} pieces of a file that was cut, {whole}.")
    else:
        title = tr("{file} is a piece of a file that was cut, {whole}, and the other pieces are not here.")
    title = title.format(file=path.name, count=pieces.count, whole=pieces.name)
    if pieces.missing:
        named = ", ".join(pieces.missing[:_MOST_NAMED]) + ("…" if len(pieces.missing) > _MOST_NAMED else "")
        detail = tr("{count} of them are missing: {files}.").format(count=len(pieces.missing), files=named)
        return EngineError(title, detail, tr("Fetch them into the same folder, then import it again."))
    if pieces.count == 1:
        return EngineError(title, remedy=tr("Fetch them into the same folder, then import it again."))
    remedy = tr("Import it as a copy (--copy), and Latchkey joins them. Or join them yourself: {command}")
    return EngineError(title, remedy=remedy.format(command=joining_command(pieces)))


def joining_command(pieces: Pieces) -> str:
    """What a person types in the pieces' folder to have the whole file."""
    names = [file.name for file in pieces.files]
    if os.name == "nt":
        return f"copy /b {'+'.join(_quoted(name) for name in names)} {_quoted(pieces.name)}"
    return f"cat {' '.join(map(shlex.quote, names))} > {shlex.quote(pieces.name)}"


def _quoted(name: str) -> str:
    return f'"{name}"'
