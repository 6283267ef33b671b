"""Which build of llama.cpp is installed, found without loading it."""

import hashlib
import importlib.util
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

_PACKAGE = "llama_cpp"
_DISTRIBUTION = "llama-cpp-python"
_LIBRARIES = (".so", ".dylib", ".dll")


def engine_build() -> str:
    """The version of llama-cpp-python, and a mark of its compiled libraries, which changes where they are replaced.

    The mark is of the libraries' names, sizes and times: to read them would take longer than a start may.
    """
    try:
        version = metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        version = "?"
    mark = hashlib.sha256()
    for path in _libraries():
        try:
            found = path.stat()
        except OSError:
            continue
        mark.update(f"{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return f"{_DISTRIBUTION} {version} ({mark.hexdigest()[:12]})"


def _libraries() -> list[Path]:
    # On the path first: the worker enters the package by hand, after which its spec in sys.modules names no folder.
    spec = PathFinder.find_spec(_PACKAGE) or importlib.util.find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    found = [path for folder in folders or () for path in (Path(folder) / "lib").glob("*")]
    return sorted(path for path in found if any(suffix in path.suffixes for suffix in _LIBRARIES))
