"""ggml's C functions for computing one operation on the CPU backend, as llama.cpp does it."""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.engine.worker import llama_api

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_CPU_DEVICE = 0  # enum ggml_backend_dev_type
_GRAPH_NODES = 16


class _InitParams(ctypes.Structure):
    _fields_ = (("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool))


class _TypeTraits(ctypes.Structure):
    """`struct ggml_type_traits` of ggml.h."""

    _fields_ = (
        ("type_name", ctypes.c_char_p),
        ("blck_size", ctypes.c_int64),
        ("blck_size_interleave", ctypes.c_int64),
        ("type_size", ctypes.c_size_t),
        ("is_quantized", ctypes.c_bool),
        ("to_float", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)),
        ("from_float_ref", ctypes.c_void_p),
    )


class _GgmlFunctions:
    """The functions, bound when they are first used."""

    def __init__(self) -> None:
        base, registry = llama_api._library("ggml-base"), llama_api._library("ggml")
        pointer, size, int_, int64, real = (
            ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int64, ctypes.c_float,
        )  # fmt: skip

        def bind(name: str, result: Any, *arguments: Any) -> Any:
            library = base if hasattr(base, name) else registry
            return llama_api._function(library, name, result, *arguments)

        self.init = bind("ggml_init", pointer, _InitParams)
        self.free = bind("ggml_free", None, pointer)
        self.tensor_overhead = bind("ggml_tensor_overhead", size)
        self.graph_overhead = bind("ggml_graph_overhead_custom", size, size, ctypes.c_bool)
        self.new_tensor = bind("ggml_new_tensor", pointer, pointer, int_, int_, ctypes.POINTER(int64))
        self.mul_mat = bind("ggml_mul_mat", pointer, pointer, pointer, pointer)
        self.mul_mat_id = bind("ggml_mul_mat_id", pointer, pointer, pointer, pointer, pointer)
        self.flash_attn = bind("ggml_flash_attn_ext", pointer, *[pointer] * 5, real, real, real)
        self.new_graph = bind("ggml_new_graph_custom", pointer, pointer, size, ctypes.c_bool)
        self.expand = bind("ggml_build_forward_expand", None, pointer, pointer)
        self.nbytes = bind("ggml_nbytes", size, pointer)
        self.row_size = bind("ggml_row_size", size, int_, int64)
        self.traits = bind("ggml_get_type_traits", ctypes.POINTER(_TypeTraits), int_)
        self.requires_imatrix = bind("ggml_quantize_requires_imatrix", ctypes.c_bool, int_)
        self.quantize = bind("ggml_quantize_chunk", size, int_, pointer, pointer, int64, int64, int64, pointer)
        self.alloc = bind("ggml_backend_alloc_ctx_tensors_from_buft", pointer, pointer, pointer)
        self.buffer_free = bind("ggml_backend_buffer_free", None, pointer)
        self.buft_name = bind("ggml_backend_buft_name", ctypes.c_char_p, pointer)
        self.set = bind("ggml_backend_tensor_set", None, pointer, pointer, size, size)
        self.get = bind("ggml_backend_tensor_get", None, pointer, pointer, size, size)
        self.compute = bind("ggml_backend_graph_compute", int_, pointer, pointer)
        self.device_by_type = bind("ggml_backend_dev_by_type", pointer, int_)
        self.device_init = bind("ggml_backend_dev_init", pointer, pointer, ctypes.c_char_p)
        self.device_buft = bind("ggml_backend_dev_buffer_type", pointer, pointer)
        self.device_reg = bind("ggml_backend_dev_backend_reg", pointer, pointer)
        self.supports_op = bind("ggml_backend_dev_supports_op", ctypes.c_bool, pointer, pointer)
        self.proc_address = bind("ggml_backend_reg_get_proc_address", pointer, pointer, ctypes.c_char_p)


class BufferType:
    """One of ggml's buffer types, by its name."""

    def __init__(self, handle: int, name: str) -> None:
        self.handle, self.name = handle, name


class CpuBackend:
    """llama.cpp's CPU backend, and the buffer types it holds weights in. Raises RuntimeError where there is none.

    A process that has started its backends (`llama_api.start_backends`) makes one, and keeps it.
    """

    def __init__(self, threads: int) -> None:
        self.functions = functions = _GgmlFunctions()
        self.device = functions.device_by_type(_CPU_DEVICE)
        if not self.device:
            raise RuntimeError("llama.cpp has no CPU backend here")
        self._backend = functions.device_init(self.device, None)
        registry = functions.device_reg(self.device)
        address = functions.proc_address(registry, b"ggml_backend_set_n_threads")
        ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)(address)(self._backend, threads)
        self.plain = self._buffer_type(functions.device_buft(self.device))
        self.extra = tuple(self._buffer_type(handle) for handle in self._extra_handles(registry))

    def _buffer_type(self, handle: int) -> BufferType:
        return BufferType(handle, self.functions.buft_name(handle).decode("utf-8", "replace"))

    def _extra_handles(self, registry: int) -> list[int]:
        address = self.functions.proc_address(registry, b"ggml_backend_dev_get_extra_bufts")
        if not address:
            return []
        array = ctypes.CFUNCTYPE(ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)(address)(self.device)
        found: list[int] = []
        while array and (handle := array[len(found)]):
            found.append(handle)
        return found

    def quantize(self, tensor_type: int, values: Floats) -> Bytes:
        """`values` (rows, columns) as ggml stores them in `tensor_type`, each value of the same importance."""
        functions = self.functions
        rows, columns = values.shape
        stored = np.zeros(rows * functions.row_size(tensor_type, columns), np.uint8)
        importance = np.ones(columns, np.float32)
        matrix = importance.ctypes.data if functions.requires_imatrix(tensor_type) else None
        functions.quantize(tensor_type, values.ctypes.data, stored.ctypes.data, 0, rows, columns, matrix)
        return stored

    def dequantize(self, tensor_type: int, stored: Bytes, rows: int, columns: int) -> Floats:
        """What the bytes mean, by `to_float` of ggml's base library, which is plain C on every processor."""
        values = np.zeros((rows, columns), np.float32)
        to_float = self.functions.traits(tensor_type).contents.to_float
        if to_float:
            to_float(stored.ctypes.data, values.ctypes.data, values.size)
        else:  # F32 itself
            values[:] = stored.view(np.float32).reshape(rows, columns)
        return values

    def run(self, graph: int) -> bool:
        """Compute; False where the backend refuses."""
        return bool(self.functions.compute(self._backend, graph) == 0)


class GgmlTensors:
    """Tensors that lie in one buffer of a buffer type; `close` frees them."""

    def __init__(self, backend: CpuBackend, buffer_type: BufferType) -> None:
        self._backend = backend
        self._functions = functions = backend.functions
        self._type = buffer_type
        memory = _GRAPH_NODES * functions.tensor_overhead() + functions.graph_overhead(_GRAPH_NODES, False)
        self.context = functions.init(_InitParams(memory, None, True))
        self._buffer: int | None = None

    def new(self, tensor_type: int, *shape: int) -> int:
        """A tensor whose rows have `shape[0]` values."""
        return int(
            self._functions.new_tensor(self.context, tensor_type, len(shape), (ctypes.c_int64 * len(shape))(*shape))
        )

    def allocate(self) -> None:
        """Give memory to all that was made. Raises MemoryError."""
        self._buffer = self._functions.alloc(self.context, self._type.handle)
        if not self._buffer:
            raise MemoryError("no memory for the tensors")

    def fill(self, tensor: int, data: npt.NDArray[Any]) -> None:
        data = np.ascontiguousarray(data)
        self._functions.set(tensor, data.ctypes.data, 0, data.nbytes)

    def read(self, tensor: int, shape: Sequence[int]) -> Floats:
        values = np.zeros(shape, np.float32)
        self._functions.get(tensor, values.ctypes.data, 0, values.nbytes)
        return values

    def graph(self, result: int) -> int:
        """The graph that computes `result`."""
        graph = int(self._functions.new_graph(self.context, _GRAPH_NODES, False))
        self._functions.expand(graph, result)
        return graph

    def close(self) -> None:
        if self._buffer:
            self._functions.buffer_free(self._buffer)
        self._functions.free(self.context)
