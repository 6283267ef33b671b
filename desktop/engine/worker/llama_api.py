"""llama.cpp's C functions as this worker uses them, its log, and its devices.

Only `llama_cpp.llama_cpp` is wanted. Importing it the usual way runs `llama_cpp/__init__.py`, which brings the
high-level class, numpy and 200 more modules along: 100 ms and 20 MB for nothing. So the package is entered without
running it.
"""

import ctypes
import functools
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desktop.child_process_command import is_packaged
from desktop.engine.load_params import PLAINEST_VARIANT
from desktop.engine.worker.gpu_plugins import gpu_plugins, start_plugins
from desktop.engine.worker_log import ASSERT_MARK
from desktop.engine.worker_messages import ComputeDevice

_MOST_MEMORY = 2**53  # some drivers give the largest number there is
_DEBUG, _WARN, _CONTINUED = 1, 3, 5
_KINDS = {0: "cpu", 1: "gpu", 2: "integrated-gpu", 3: "accelerator"}


def _enter_package() -> Any:
    if "llama_cpp" not in sys.modules:
        spec = importlib.util.find_spec("llama_cpp")
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError("llama_cpp is not installed")
        package = types.ModuleType("llama_cpp")
        package.__path__ = list(spec.submodule_search_locations)
        package.__spec__ = importlib.machinery.ModuleSpec("llama_cpp", None, is_package=True)
        sys.modules["llama_cpp"] = package
    if is_packaged():  # it has its own, whatever folder the environment names
        os.environ.pop("LLAMA_CPP_LIB_PATH", None)
    try:
        return importlib.import_module("llama_cpp.llama_cpp")
    except (AttributeError, OSError, RuntimeError) as error:  # a function or a library that is not there
        raise ImportError(f"{type(error).__name__}: {error}") from error


llama = _enter_package()
LIBRARIES = Path(llama._lib._name).parent


_started: list["LlamaLog"] = []
"""Logs that llama.cpp has pointers into: they live as long as the process."""


class LlamaLog:
    """llama.cpp's own log lines on standard error, without its debug lines, and the last warnings and errors kept."""

    def __init__(self) -> None:
        self.complaints: deque[str] = deque(maxlen=40)
        self._level = 0
        self.callback = llama.llama_log_callback(self.write)
        self._on_abort = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(_log_abort)

    def start(self) -> None:
        _started.append(self)
        llama.llama_log_set(self.callback, None)
        base = _library("ggml-base")
        base.ggml_set_abort_callback.argtypes = [ctypes.c_void_p]
        base.ggml_set_abort_callback(self._on_abort)

    def write(self, level: int, text: bytes, _: object) -> None:
        """Take a piece of a line, as llama.cpp and its libraries give it."""
        if level != _CONTINUED:
            self._level = level
        if self._level == _DEBUG:
            return
        os.write(2, text)
        if self._level >= _WARN:
            self.complaints.append(text.decode("utf-8", "replace").strip())

    def last_error(self, *marks: str) -> str:
        """The newest complaint that holds one of `marks`, without the function's name before it; "" where none."""
        for line in reversed(self.complaints):
            if any(mark in line for mark in marks):
                return line.partition(": ")[2] or line
        return ""


def _log_abort(message: bytes) -> None:
    os.write(2, b"\n" + ASSERT_MARK.encode() + message.strip() + b"\n")


def _library(name: str) -> ctypes.CDLL:
    """A library of ggml that llama.cpp has loaded already: the same file by the same name, so no second copy."""
    for file in (f"lib{name}.so.0", f"lib{name}.so", f"lib{name}.0.dylib", f"lib{name}.dylib", f"{name}.dll"):
        path = LIBRARIES / file
        if path.exists():
            return ctypes.CDLL(str(path))
    raise FileNotFoundError(f"{name} is missing beside llama.cpp")


@functools.cache
def cpu_variants() -> tuple[str, ...]:
    """The CPU variants of this build of llama.cpp that this processor can run, best first; empty where it has one only.

    Each variant is a plug-in `libggml-cpu-NAME.so` that gives itself a score for this processor, 0 where it cannot run
    (`ggml_backend_score` in ggml-backend-impl.h).
    """
    scores = {}
    for name, path in _cpu_plugins().items():
        try:
            score = ctypes.CDLL(str(path)).ggml_backend_score
        except (OSError, AttributeError):
            continue
        score.restype, score.argtypes = ctypes.c_int, []
        scores[name] = score()
    return tuple(sorted((name for name in scores if scores[name] > 0), key=lambda name: -scores[name]))


def _cpu_plugins() -> dict[str, Path]:
    """The plug-in of each CPU variant, by the variant's name. They are looked for beside llama.cpp and nowhere else."""
    found = {}
    for path in LIBRARIES.glob("*ggml-cpu-*"):
        if path.suffix in (".so", ".dll", ".dylib"):
            found[path.stem.removeprefix("lib").removeprefix("ggml-cpu-")] = path
    return found


def start_backends(cpu_variant: str = "") -> str:
    """Load a plug-in for the CPU and start llama.cpp, once per process. Gives the CPU variant that was loaded.

    `cpu_variant` is one of `cpu_variants()`, or `PLAINEST_VARIANT` for the last of them; where it is empty, unknown or
    one that this processor cannot run, the best is taken. "" is given where llama.cpp was built for one processor only.

    Raises ImportError where nothing computes on this processor: `llama_backend_init` would then look for plug-ins in
    the folder that this process was started in, and load them (`ggml_backend_load_all` in ggml-backend-reg.cpp).
    """
    plugins = _cpu_plugins()
    if plugins:
        if cpu_variant == PLAINEST_VARIANT:
            cpu_variant = next(reversed(cpu_variants()), "")
        runnable = cpu_variants()
        if cpu_variant not in runnable:
            cpu_variant = next(iter(runnable), "")
        if not cpu_variant:
            raise ImportError("no CPU variant of llama.cpp runs on this processor")
        if not _load_plugin(os.fsencode(plugins[cpu_variant])):
            raise ImportError(f"{plugins[cpu_variant].name} cannot be loaded")
    llama.llama_backend_init()
    return cpu_variant if plugins else ""


def start_gpus() -> tuple[str, ...]:
    """Load the plug-ins for GPUs, which start their drivers. Gives a sentence for each that cannot be used.

    A driver may end this process, or never return.
    """
    if not _cpu_plugins():  # this llama.cpp was built without plug-ins
        return ()
    return start_plugins(gpu_plugins(LIBRARIES), LIBRARIES, _load_plugin)


def _load_plugin(path: bytes) -> int | None:
    """ggml's handle of the backend in the plug-in `path`, or None."""
    load = _function(_library("ggml"), "ggml_backend_load", ctypes.c_void_p, ctypes.c_char_p)
    return load(path)  # type: ignore[no-any-return]


def device_handles() -> dict[str, int]:
    """ggml's handle of each device (`ggml_backend_dev_t`), by the device's name."""
    ggml, base = _library("ggml"), _library("ggml-base")
    count = _function(ggml, "ggml_backend_dev_count", ctypes.c_size_t)
    get = _function(ggml, "ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
    text = _function(base, "ggml_backend_dev_name", ctypes.c_char_p, ctypes.c_void_p)
    handles = (get(index) for index in range(count()))
    return {text(handle).decode("utf-8", "replace"): handle for handle in handles}


def devices() -> tuple[ComputeDevice, ...]:
    """Every device llama.cpp can compute on."""
    base = _library("ggml-base")
    description = _function(base, "ggml_backend_dev_description", ctypes.c_char_p, ctypes.c_void_p)
    kind = _function(base, "ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)
    size = ctypes.POINTER(ctypes.c_size_t)
    memory = _function(base, "ggml_backend_dev_memory", None, ctypes.c_void_p, size, size)
    found = []
    for name, device in device_handles().items():
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        memory(device, ctypes.byref(free), ctypes.byref(total))
        found.append(
            ComputeDevice(
                name=name,
                description=description(device).decode("utf-8", "replace"),
                kind=_KINDS.get(kind(device), "other"),
                memory_total=min(total.value, _MOST_MEMORY),
                memory_free=min(free.value, _MOST_MEMORY),
            )
        )
    return tuple(found)


def has_gpu() -> bool:
    return any(device.kind in ("gpu", "integrated-gpu") for device in devices())


def version() -> str:
    """The version of llama.cpp, as itself says."""
    return str(llama.llama_version().decode("utf-8", "replace"))


def build() -> str:
    """What this build of llama.cpp can use, in its own words."""
    return str(llama.llama_print_system_info().decode("utf-8", "replace")).strip().rstrip("|").strip()


def _function(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = getattr(library, name)
    function.restype, function.argtypes = result, list(arguments)
    return function  # type: ignore[no-any-return]


def metadata(model: Any, key: str) -> str | None:
    """The value of a key of the model's file as text, or None."""
    size = llama.llama_model_meta_val_str(model, key.encode(), None, 0)
    if size < 0:
        return None
    buffer = ctypes.create_string_buffer(size + 1)
    llama.llama_model_meta_val_str(model, key.encode(), buffer, size + 1)
    return buffer.value.decode("utf-8", "replace")
