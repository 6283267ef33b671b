"""The process of the engine test: computes llama.cpp's kernels one by one and says each before and after.

`worker/__main__.py --kernel-test [--variant V] [--start N] [--nice N]` writes a `KernelEvent` a line on its standard
output. It may die at any kernel: whoever reads then starts another one behind it. It needs no model and no network, and
gives up files and system calls as a worker does, so that it meets what a worker meets.
"""

import argparse
import os
import sys
from typing import BinaryIO

import msgspec

from desktop.confinement.process_confinement import confine_calls, confine_files, forbid_core_dump
from desktop.engine.hardware import usable_cores
from desktop.engine.kernel_report import CpuVariants, KernelComputed, KernelEvent, KernelPlan, KernelStarted
from desktop.engine.worker import llama_api

_MOST_THREADS = 4
_MOST_CPU_S = 600  # it takes 3, and a hundred times that where a processor is emulated


def run(arguments: list[str]) -> None:
    """Test the kernels from number `--start` of the plan on."""
    parser = argparse.ArgumentParser(prog="latchkey-kernel-test")
    parser.add_argument("--variant", default="")
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--nice", type=int, default=0)
    options = parser.parse_args(arguments)
    if hasattr(os, "nice"):  # at least so nice: one that is nicer already would get no time at all
        os.nice(max(0, options.nice - os.nice(0)))
    _bound()
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what native code prints is not part of the report
    log = llama_api.LlamaLog()
    log.start()
    _print_event(output, CpuVariants(llama_api.cpu_variants()))
    variant = llama_api.start_backends(options.variant)
    from desktop.engine.worker.ggml import CpuBackend
    from desktop.engine.worker.kernel_computation import KernelComputation

    confine_calls()
    confine_files()
    computation = KernelComputation(CpuBackend(min(_MOST_THREADS, usable_cores())))
    plan = computation.plan()
    _print_event(output, KernelPlan(variant, plan))
    for index in range(options.start, len(plan)):
        _print_event(output, KernelStarted(index))
        seconds, error = computation.compute(plan[index])
        _print_event(output, KernelComputed(index, seconds, error))


def _bound() -> None:
    """No core dump where it dies, and no process left computing where whoever started it has died."""
    forbid_core_dump()
    if sys.platform != "win32":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        limit = _MOST_CPU_S if hard == resource.RLIM_INFINITY else min(hard, _MOST_CPU_S)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def _print_event(output: BinaryIO, event: KernelEvent) -> None:
    output.write(msgspec.json.encode(event) + b"\n")
    output.flush()
