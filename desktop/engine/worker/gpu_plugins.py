"""The plug-ins of llama.cpp that compute on GPUs: which are there, which of them fit this llama.cpp, and their start.

A plug-in that is added is taken only where it was built for the same release (packaging/bundle/gpu_plugin.sh says so
inside it): ggml's own check, `GGML_BACKEND_API_VERSION`, stays the same while operations and structures change. Whoever
compiles llama.cpp with a GPU's backend has its plug-in beside the library, and that one need not say anything.
"""

import ctypes
import os
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from desktop.child_process_command import is_packaged
from desktop.engine.worker_log import PLUGIN_MARK
from desktop.translation import tr

RELEASE_SYMBOL = "latchkey_llama_cpp"
"""A text inside each plug-in: the version of llama-cpp-python whose llama.cpp it was built from."""
PACKED = ".xz"
"""What a plug-in's name ends with that a bundle holds packed: programs for GPUs are alike, and shrink to a ninth."""
_KINDS = ("cuda", "hip", "sycl", "musa", "cann", "opencl", "vulkan")
_LONGEST_RELEASE = 64
_LARGEST_PLUGIN = 1 << 30
_OF_DRIVERS = ("libvulkan.so", "libcuda.so")
_WINDOWS_MISSING = 126  # ERROR_MOD_NOT_FOUND: the file itself, or what it is linked to
# What the kernel shows where there is a GPU: Direct Rendering, AMD's and NVIDIA's compute, WSL's, Qualcomm's, Arm's.
_GPU_FILES = ("dri/renderD*", "kfd", "nvidia[0-9]*", "nvhost*", "nvgpu", "dxg", "kgsl-3d0", "mali*")


def gpu_plugins(libraries: Path) -> list[Path]:
    """Those in the folder `libraries`, beside llama.cpp, where this machine has a GPU; and the one that the environment
    variable GGML_BACKEND_PATH names, as llama.cpp itself reads it (`ggml_backend_load_all_from_path`). A packaged
    executable has its own only."""
    found = []
    if _has_gpu():
        names = [name for kind in _KINDS for name in (f"libggml-{kind}.so", f"ggml-{kind}.dll")]
        found = [libraries / f"{name}{packed}" for name in names for packed in ("", PACKED)]
    if not is_packaged():
        found.append(Path(os.environ.get("GGML_BACKEND_PATH", "")))
    return [path for path in found if path.is_file()]


def start_plugins(plugins: list[Path], libraries: Path, load: Callable[[bytes], object]) -> tuple[str, ...]:
    """Give each of `plugins` that fits llama.cpp, whose folder is `libraries`, to `load`; a sentence for each that was
    left out.

    One whose driver is not installed is left out without a word: most computers need none. So is Vulkan's where another
    one was taken, which somebody added: it would show the same cards once more. The log says which one is
    being started, so that the app knows what stopped the worker (`worker_log.PLUGIN_MARK`).
    """
    problems, started = [], False
    for plugin in plugins:
        if started and "vulkan" in plugin.name:
            continue
        _log(PLUGIN_MARK + plugin.name)
        file = str(plugin)
        try:
            file = _unpacked(plugin) if plugin.suffix == PACKED else file
            release = _release(file)
        except OSError as error:
            if not _lacks_driver(error):
                reason = str(error.__cause__ or error).removeprefix(f"{file}: ")
                problems.append(tr("{file} cannot be loaded: {reason}.").format(file=plugin.name, reason=reason))
            _log(f"latchkey: {plugin.name} is left out: {error.__cause__ or error}")
            continue
        compiled_with_it = not release and plugin.parent == libraries and not is_packaged()
        if compiled_with_it or release == metadata.version("llama-cpp-python"):
            started |= bool(load(os.fsencode(file)))
        else:
            problems.append(
                tr("{file} belongs to another version of Latchkey, so it is not used.").format(file=plugin.name)
            )
            _log(f"latchkey: {plugin.name} is left out: it is of {release or 'an unknown release'}")
    return tuple(problems)


def _has_gpu() -> bool:
    """Whether there may be a GPU: drivers are not started where there is none. A software driver is asked for by name
    (GGML_VK_VISIBLE_DEVICES)."""
    if sys.platform != "linux" or "GGML_VK_VISIBLE_DEVICES" in os.environ:
        return True
    if Path("/proc/driver/nvidia").exists():  # its devices are made when they are first used
        return True
    return any(next(Path("/dev").glob(name), None) is not None for name in _GPU_FILES)


def _unpacked(plugin: Path) -> str:
    """The name of a file in memory with what is packed in `plugin`. It stays open as long as the process lives.

    Raises OSError where it cannot be read, or where its driver is not there: then it is not unpacked.
    """
    import lzma

    if "vulkan" in plugin.name:
        ctypes.CDLL("libvulkan.so.1")
    try:
        unpacker = lzma.LZMADecompressor(memlimit=1 << 28)
        data = unpacker.decompress(plugin.read_bytes(), _LARGEST_PLUGIN)
    except (lzma.LZMAError, EOFError) as error:
        raise OSError(str(error)) from None
    if not unpacker.eof:
        raise OSError(tr("it is damaged"))
    descriptor = os.memfd_create(plugin.name, os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(data)
    return f"/proc/self/fd/{descriptor}"


def _release(file: str) -> str:
    """The release that a plug-in says it is of, "" where it says none. Raises OSError where it cannot be loaded."""
    library = ctypes.CDLL(file)
    try:
        text = (ctypes.c_char * _LONGEST_RELEASE).in_dll(library, RELEASE_SYMBOL)
    except ValueError:
        return ""
    return text.value.decode("ascii", "replace")


def _lacks_driver(error: OSError) -> bool:
    """Whether what a driver brings is missing; the loader's message begins with the name of the missing file."""
    told = error.__cause__ or error  # a packaged executable puts words of its own in the place of the loader's
    if sys.platform == "win32":
        return getattr(told, "winerror", 0) == _WINDOWS_MISSING
    return "cannot open shared object file" in str(told) and str(told).startswith(_OF_DRIVERS)


def _log(line: str) -> None:
    os.write(2, f"\n{line}\n".encode("utf-8", "replace"))
