"""How much memory a model with its context takes on each device, as llama.cpp itself says, to the byte.

`llama_get_memory_breakdown` (llama-ext.h) is C++ and gives a `std::map` by value. That is read as libstdc++ lays it
out, on the systems where the library is built with that; elsewhere there is no answer, and the estimate has to do.
"""

import ctypes
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from desktop.byte_size import size_text
from desktop.engine import hardware
from desktop.engine.worker import llama_api
from desktop.engine.worker.llama_api import llama
from desktop.errors import ResourceError
from desktop.translation import tr

_SYMBOL = "_Z26llama_get_memory_breakdownPK13llama_context"
_MOST_NODES = 256
_HOST = "memory"


class _Node(ctypes.Structure):
    """A node of libstdc++'s red-black tree, with its key (a buffer type) and the three sizes."""

    _fields_ = (
        ("color", ctypes.c_size_t),
        ("parent", ctypes.c_void_p),
        ("left", ctypes.c_void_p),
        ("right", ctypes.c_void_p),
        ("buffer_type", ctypes.c_void_p),
        ("model", ctypes.c_size_t),
        ("context", ctypes.c_size_t),
        ("compute", ctypes.c_size_t),
    )


class _Map(ctypes.Structure):
    """libstdc++'s `std::map`: a comparison, the head of the tree, and how many nodes it has."""

    _fields_ = (
        ("compare", ctypes.c_size_t),
        ("color", ctypes.c_size_t),
        ("root", ctypes.c_void_p),
        ("leftmost", ctypes.c_void_p),
        ("rightmost", ctypes.c_void_p),
        ("count", ctypes.c_size_t),
    )


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes on one device, "memory" for the machine's own: weights, KV cache and states, and compute buffers."""

    device: str
    weights: int
    cache: int
    compute: int

    @property
    def whole(self) -> int:
        return self.weights + self.cache + self.compute


def memory_breakdown(context: Any) -> tuple[DeviceMemory, ...]:
    """What the model of `context` and that itself take, by device; () where llama.cpp cannot be asked."""
    function = getattr(llama._lib, _SYMBOL, None)
    if function is None or sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        return ()
    function.restype, function.argtypes = _Map, [ctypes.c_void_p]
    found = function(context)
    if not 0 < found.count <= _MOST_NODES:
        return ()
    sizes: dict[str, list[int]] = {}
    for node in _nodes(found.root):
        device = sizes.setdefault(_device_of(node.buffer_type), [0, 0, 0])
        for index, size in enumerate((node.model, node.context, node.compute)):
            device[index] += size
    return tuple(DeviceMemory(name, *three) for name, three in sizes.items())


def check_free_memory(needs: tuple[DeviceMemory, ...]) -> None:
    """Raises ResourceError where one of `needs` is more than is free on its device."""
    free = {device.name: device.memory_free for device in llama_api.devices() if device.memory_total}
    available = hardware.available_memory()
    for need in needs:
        room = available if need.device == _HOST else free.get(need.device)
        if room is not None and need.whole > room:
            raise ResourceError(
                tr("There is not enough memory for this model."),
                tr("It needs {needed} on {device}; {available} are free.").format(
                    needed=size_text(need.whole, "gigabytes"),
                    device=tr("this computer") if need.device == _HOST else need.device,
                    available=size_text(room, "gigabytes"),
                ),
                tr("Choose a smaller model or quantization, or close other programs."),
            )


def _nodes(address: int | None) -> Iterator[_Node]:
    waiting, seen = [address], 0
    while waiting and seen < _MOST_NODES:
        at = waiting.pop()
        if at:
            seen += 1
            node = _Node.from_address(at)
            waiting += [node.left, node.right]
            yield node


def _device_of(buffer_type: int) -> str:
    base = llama_api._library("ggml-base")
    is_host = llama_api._function(base, "ggml_backend_buft_is_host", ctypes.c_bool, ctypes.c_void_p)
    device_of = llama_api._function(base, "ggml_backend_buft_get_device", ctypes.c_void_p, ctypes.c_void_p)
    name_of = llama_api._function(base, "ggml_backend_dev_name", ctypes.c_char_p, ctypes.c_void_p)
    kind_of = llama_api._function(base, "ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)
    device = device_of(buffer_type)
    if is_host(buffer_type) or not device or kind_of(device) == 0:  # repacked weights lie in the machine's memory too
        return _HOST
    return str(name_of(device).decode("utf-8", "replace"))
