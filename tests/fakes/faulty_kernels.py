"""The process of the engine test on a processor with faults: kernels that kill it, compute wrongly, or hang.

`faulty_kernels.py SPEC --variant …`: SPEC is JSON, `{"types": […], "variants": […], "faults": [{"how": …, …}]}`.
Only kernels of `types` are in the plan. `variants` are what the processor is said to run, all on the one backend there
is. A fault strikes where every field it names (those of `Kernel`, and `variant`) is so; `how` is a signal, "assert",
"memory" (it runs out), "hang", "spin" or "wrong" (one number of the result is); with "start" it strikes before the
first kernel.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desktop.engine.kernel_report import Kernel
from desktop.engine.worker import ggml, kernel_computation, kernel_test, llama_api
from desktop.engine.worker.kernel_computation import weight_types

QUICK_TYPES = ("F32", "F16", "Q4_0", "Q8_0")


class Faults:
    """Strikes where the specification says."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self.variant = ""
        self.spoil = False

    def install(self) -> None:
        types = {name: weight_types()[name] for name in self._spec.get("types", QUICK_TYPES)}
        start, compute = llama_api.start_backends, kernel_computation.KernelComputation.compute
        read = ggml.GgmlTensors.read
        variants = tuple(self._spec.get("variants", ()))
        pretended = patch.object(llama_api, "cpu_variants", lambda: variants)

        def start_backends(variant: str = "") -> str:
            self.variant = variant or next(iter(variants), "")
            self._strike(None)
            pretended.stop()  # from here on it is the real processor, with its best variant
            start()
            return self.variant

        def faulty_compute(computation: kernel_computation.KernelComputation, kernel: Kernel) -> tuple[float, str]:
            self._strike(kernel)
            return compute(computation, kernel)

        def faulty_read(tensors: ggml.GgmlTensors, tensor: int, shape: Any) -> ggml.Floats:
            values = read(tensors, tensor, shape)
            if self.spoil:
                values.reshape(-1)[-1] += 2 * abs(values).mean()
            return values

        patch.object(kernel_computation, "weight_types", lambda: types).start()
        pretended.start()
        patch.object(llama_api, "start_backends", start_backends).start()
        patch.object(kernel_computation.KernelComputation, "compute", faulty_compute).start()
        patch.object(ggml.GgmlTensors, "read", faulty_read).start()

    def _strike(self, kernel: Kernel | None) -> None:
        self.spoil = False
        for fault in self._spec.get("faults", ()):
            if self._meant(fault, kernel):
                self._do(fault)

    def _meant(self, fault: dict[str, Any], kernel: Kernel | None) -> bool:
        if fault.get("start", False) != (kernel is None) or fault.get("variant", self.variant) != self.variant:
            return False
        named = fault.keys() - {"how", "variant", "start"}
        return all(getattr(kernel, name) == fault[name] for name in named)

    def _do(self, fault: dict[str, Any]) -> None:
        how = fault["how"]
        if how == "wrong":
            self.spoil = True
        elif how == "memory":
            raise MemoryError
        elif how == "hang":
            time.sleep(3600)
        elif how == "spin":
            while True:
                pass
        elif how == "assert":
            llama_api._library("ggml-base").ggml_abort(b"/build/machine/faulty.c", 1, b"hello from the assert")
        else:
            os.kill(os.getpid(), signal.Signals[how])


if __name__ == "__main__":
    Faults(json.loads(sys.argv[1])).install()
    kernel_test.run(sys.argv[2:])
