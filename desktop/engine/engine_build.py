"""Which build of llama.cpp is installed, found without loading it, and since when it runs on this computer."""

import contextlib
import hashlib
import importlib.util
import os
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


def start_mark() -> str:
    """Another text where a driver of a GPU that failed may work now: after an update of the engine or of a plug-in, and
    after the computer was started again."""
    named = os.environ.get("GGML_BACKEND_PATH", "")
    stamp = ""
    with contextlib.suppress(OSError):
        stamp = str(Path(named).stat().st_mtime_ns)
    parts = (engine_build(), named, stamp, _boot())
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def _boot() -> str:
    """Which start of the computer this is."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        import psutil  # only where something failed

        return str(int(psutil.boot_time()) // 60)  # the clock is set now and then


def _libraries() -> list[Path]:
    # On the path first: the worker enters the package by hand, after which its spec in sys.modules names no folder.
    spec = PathFinder.find_spec(_PACKAGE) or importlib.util.find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    found = [path for folder in folders or () for path in (Path(folder) / "lib").glob("*")]
    return sorted(path for path in found if any(suffix in path.suffixes for suffix in _LIBRARIES))
