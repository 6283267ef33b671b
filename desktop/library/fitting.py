"""Whether a model suits this machine, before it is fetched: on the GPU, in memory, slowly, or not at all.

What it needs is arithmetic on its header (`desktop.engine.memory`) or, where only a file's size is known, a rough rule
on that. Judged is the whole memory, not what happens to be free: a download outlives the programs that are open now.
Where it is too tight at the moment, the sentence says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from desktop.engine import hardware
from desktop.engine.header import Header
from desktop.engine.memory import estimate
from desktop.engine.messages import Device as EngineDevice
from desktop.translation import tr

Label = Literal["fits-gpu", "fits-memory", "slow", "too-large", "unknown"]

_AUTOMATIC_CONTEXT = 8192
_CONTEXTS = (_AUTOMATIC_CONTEXT, 4096, 2048)
_SYSTEM = 1 << 30  # what a system with a desktop keeps for itself
_ROUGH = 1.15
_ROUGH_MORE = 300 << 20
_COMFORTABLE = 0.75
_SLOW_TOKENS_PER_S = 3.0
_BYTES_PER_CORE = 8e9
_BYTES_PER_MACHINE = 30e9
_PREFERRED = ("Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M")


@dataclass(frozen=True)
class Device:
    """A GPU; memory in bytes."""

    name: str
    memory_total: int
    memory_free: int


@dataclass(frozen=True)
class Machine:
    """What a model may use here; bytes, 0 where they cannot be found out. `cores` are physical ones."""

    memory_total: int
    memory_free: int
    devices: tuple[Device, ...] = ()
    cores: int = 1


@dataclass(frozen=True)
class Fit:
    """Whether a model suits a machine. `needed` and `available` in bytes, `context_length` in tokens (0 unknown).

    `available` is the GPU's memory where the label is "fits-gpu", else the machine's. `gpu_layers` is how many go to
    the GPU, None where there is none. `sentence` says it to a person, with both figures.
    """

    label: Label
    needed: int
    available: int
    context_length: int
    gpu_layers: int | None
    sentence: str


def this_machine(devices: Sequence[EngineDevice] = ()) -> Machine:
    """The machine this process runs on, with the `devices` that a worker found (`Probed.devices`)."""
    gpus = tuple(
        Device(device.description or device.name, device.memory_total, device.memory_free)
        for device in devices
        if device.kind == "gpu"
    )
    return Machine(hardware.total_memory() or 0, hardware.available_memory() or 0, gpus, hardware.usable_cores())


def fit_of_header(header: Header, machine: Machine, context_length: int | None = None) -> Fit:
    """How a model with this header suits `machine`, with that context, else with the one it would be loaded with."""
    shape = header.shape
    length = context_length or min(header.context_length or _AUTOMATIC_CONTEXT, _AUTOMATIC_CONTEXT)
    return _judge(estimate(shape, length), shape.weights, machine, length, shape.layers)


def fit_of_size(size: int, machine: Machine) -> Fit:
    """How a model of which only the file's size is known suits `machine`. Rough."""
    if size <= 0:
        return Fit("unknown", 0, machine.memory_total, 0, None, tr("Its size is not known."))
    return _judge(int(size * _ROUGH) + _ROUGH_MORE, size, machine, 0, 0)


def recommended(files: Sequence[tuple[str, str, int]], machine: Machine) -> str:
    """The name among `files` (name, quantization, size in bytes) to take on `machine`; "" where none fits."""
    fitting = [
        (name, quantization, size)
        for name, quantization, size in files
        if fit_of_size(size, machine).label in ("fits-gpu", "fits-memory", "slow")
    ]
    for wanted in reversed(_PREFERRED):
        for name, quantization, _ in fitting:
            if quantization.removeprefix("UD-") == wanted:
                return name
    return max(fitting, key=lambda file: file[2])[0] if fitting else ""


def _judge(needed: int, weights: int, machine: Machine, length: int, layers: int) -> Fit:
    on_gpu = 0 if machine.devices else None
    for device in machine.devices:
        if needed <= device.memory_total:
            sentence = tr("Fits the GPU: needs {needed} of {available}.").format(
                needed=_readable(needed), available=_readable(device.memory_total)
            )
            return Fit("fits-gpu", needed, device.memory_total, length, layers + 1, sentence)
    available = machine.memory_total
    if not available:
        return Fit("unknown", needed, 0, length, on_gpu, tr("How much memory this machine has is not known."))
    figures = {"needed": _readable(needed), "available": _readable(available)}
    if needed > available - _SYSTEM:
        sentence = tr("Too large: needs {needed} of {available} memory.").format(**figures)
        return Fit("too-large", needed, available, length, on_gpu, sentence)
    speed = min(machine.cores * _BYTES_PER_CORE, _BYTES_PER_MACHINE) / max(weights, 1)
    if speed < _SLOW_TOKENS_PER_S:
        sentence = tr("Slow: needs {needed} of {available} memory.").format(**figures)
        return Fit("slow", needed, available, length, on_gpu, sentence)
    sentence = tr("Fits memory: needs {needed} of {available}.").format(**figures)
    return Fit("fits-memory", needed, available, length, on_gpu, sentence)


def _readable(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
