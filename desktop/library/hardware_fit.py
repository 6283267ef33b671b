"""Whether a model suits this machine, before it is fetched: on the GPU, in memory, slowly, or not at all.

What it needs is arithmetic on its header (`desktop.engine.memory_estimate`, within a tenth of what loading takes) or,
where only a file's size is known, a rule on that. Judged is the whole memory less what a system keeps for itself, not
what happens to be free: a download outlives the programs that are open now. Where it is too tight at the moment, the
sentence says so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from desktop.byte_size import size_text
from desktop.catalog.catalog import CatalogEntry
from desktop.catalog.quantization import bits_of, rank_of
from desktop.engine import hardware
from desktop.engine.fallback_step import next_step
from desktop.engine.gguf_header import GgufHeader
from desktop.engine.load_params import LoadParams
from desktop.engine.memory_estimate import (
    BufferOptions,
    automatic_contexts,
    cache_bytes,
    compute_bytes,
    process_bytes,
)
from desktop.engine.model_shape import ModelShape
from desktop.engine.worker_messages import ComputeDevice as EngineDevice
from desktop.translation import tr

FitLabel = Literal["fits-gpu", "fits-memory", "slow", "too-large", "unknown"]

# What a system with a desktop keeps of its memory, at least and of the whole; what a GPU's driver and screen keep.
_SYSTEM_LEAST, _SYSTEM_SHARE = 1_000_000_000, 0.08
_DRIVER = 600_000_000
# Slower than reading aloud.
_SLOW = 3.0
# Weights read for tokens, in bytes a second: 8 GB on each core (a core of 2020 with K-quants; with Q4_0 it was 20 on
# the cores this was written on), together no more than 60 % of two channels of DDR4-3200, as most machines have. A
# GPU's memory: that of a small one (GTX 1650: 128 GB/s).
_PER_CORE, _PER_MACHINE, _PER_GPU = 8e9, 30e9, 100e9
# Where only the size is known: a cache of 8,192 tokens grows with the square root of a model, about (0.35 GB for 1
# billion weights, 1 for 8, 2.7 for 70), and buffers, vocabulary and process take this.
_BILLION_WEIGHTS, _CACHE_OF_A_BILLION, _CACHE_GROWS = 0.6e9, 0.35e9, 0.48
_AROUND = 150_000_000
_LAYERS_OF_MOST = 32
_ACTIVE = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)B-A(\d+(?:\.\d+)?)B", re.IGNORECASE)
_MIXTURE = re.compile(r"(?<![\d.])(\d+)x\d+(?:\.\d+)?B", re.IGNORECASE)
_USUAL, _LOWEST_USUAL = rank_of("Q4_K_M"), rank_of("Q4_0")
_ROOMY = 0.6  # of the memory that may be used
_QUICK = 8.0  # tokens a second, faster than most people read
_WORTH_SAYING = 0.02  # of what is needed


@dataclass(frozen=True)
class GpuMemory:
    """A GPU with memory of its own, in bytes."""

    name: str
    memory_total: int
    memory_free: int


@dataclass(frozen=True)
class HardwareLimits:
    """What a model may use here: bytes, 0 where they cannot be found out, and physical cores. `answers` is how many it
    is to give at once, each with a window or a state of its own where the model has them."""

    memory_total: int
    memory_free: int
    devices: tuple[GpuMemory, ...] = ()
    cores: int = 1
    answers: int = 1


@dataclass(frozen=True)
class HardwareFit:
    """Whether a model suits a machine. `needed` and `available` in bytes, `context_length` in tokens (0 unknown).

    `available` is the GPUs' memory where the label is "fits-gpu", else the machine's; where some layers go to the GPU,
    `needed` is still the whole. `gpu_layers` is how many go there, -1 all, None where there is no GPU. `speed` is a
    cautious guess in tokens a second, 0 where the model does not fit. `sentence` says it to a person.
    """

    label: FitLabel
    needed: int
    available: int
    context_length: int
    gpu_layers: int | None
    sentence: str
    speed: float = 0.0

    @property
    def fits(self) -> bool:
        """Whether it can be run at all."""
        return self.label in ("fits-gpu", "fits-memory", "slow")


@dataclass(frozen=True)
class ModelDimensions:
    """What a fit needs of a model file's header: its shape, its size in bytes, the context it was trained for."""

    shape: ModelShape
    file_size: int
    context_length: int


def hardware_limits(devices: Sequence[EngineDevice] = ()) -> HardwareLimits:
    """The machine this process runs on, with the `devices` that a worker found (`ProbeResult.devices`).

    A GPU that shares the machine's memory counts as none: it adds no room.
    """
    gpus = tuple(
        GpuMemory(device.description or device.name, device.memory_total, device.memory_free)
        for device in devices
        if device.kind == "gpu"
    )
    return HardwareLimits(hardware.total_memory() or 0, hardware.available_memory() or 0, gpus, hardware.usable_cores())


def fit_of_header(
    header: GgufHeader,
    machine: HardwareLimits,
    context_length: int | None = None,
    *,
    size: int | None = None,
    beside: int = 0,
) -> HardwareFit:
    """How a model with this header suits `machine`, with that context, else with the one it would be loaded with.

    `size` is that of another file of the same model, quantized otherwise: all but the weights is the same. `beside` are
    bytes of memory that its projector takes.
    """
    return fit_of(dimensions_of(header), machine, context_length, size=size, beside=beside)


def dimensions_of(header: GgufHeader) -> ModelDimensions:
    """What a fit needs of a header."""
    return ModelDimensions(header.shape, header.file_size, header.context_length)


def fit_of(
    measure: ModelDimensions,
    machine: HardwareLimits,
    context_length: int | None = None,
    *,
    size: int | None = None,
    beside: int = 0,
) -> HardwareFit:
    """As `fit_of_header`, from what was kept of a header."""
    shape, options = measure.shape, BufferOptions(parallel=machine.answers)
    share = size / measure.file_size if size and measure.file_size else 1.0
    lengths = (context_length,) if context_length else automatic_contexts(measure.context_length)
    needs = [
        _MemoryNeed(
            length,
            int((shape.weights - shape.outside) * share),
            int(shape.outside * share) + beside,
            cache_bytes(shape, length, options),
            compute_bytes(shape, length, options) + process_bytes(shape),
            int(shape.active * share),
            shape.layers,
        )
        for length in lengths
    ]
    fit = _judge(needs, machine, exact=True)
    one_answer = cache_bytes(shape, lengths[-1]), cache_bytes(shape, lengths[-1], options)
    if one_answer[1] - one_answer[0] <= _WORTH_SAYING * fit.needed:
        return fit
    said = tr("That is for {count} answers at once.").format(count=machine.answers)
    return replace(fit, sentence=f"{fit.sentence} {said}")


def fit_of_size(size: int, machine: HardwareLimits, name: str = "", *, active: float | None = None) -> HardwareFit:
    """How a model of which only the file's size in bytes is known suits `machine`; "unknown" where that is 0.

    Rough: for families with few key heads (Llama 3, Qwen, Gemma, Mistral, gpt-oss) `needed` came within a sixth of the
    exact estimate from 2 GB on, and above it for smaller files; models with as many keys as queries (Llama 2, Phi 3
    mini) take up to two thirds more at 8,192 tokens. `active` is the part of the weights that one token passes through
    (`active_weight_share`); where that is not given the `name` may tell it ("30B-A3B").
    """
    if size <= 0:
        return HardwareFit("unknown", 0, machine.memory_total, 0, None, tr("How large the file is, is not known."))
    cache = int(_CACHE_OF_A_BILLION * (size / _BILLION_WEIGHTS) ** _CACHE_GROWS)
    active = _named_share(name) if active is None else active
    needs = [
        _MemoryNeed(0, size, 0, int(cache * share), _AROUND, int(size * active), _LAYERS_OF_MOST)
        for share in (1, 0.5, 0.25)
    ]
    fit = _judge(needs, machine, exact=False)
    return replace(fit, gpu_layers=None) if fit.gpu_layers and fit.gpu_layers > 0 else fit


def sized_files(entry: CatalogEntry) -> list[tuple[str, str, int]]:
    """The files that the repository of `entry` offers, as (name, quantization, bytes). A size that nobody checked is
    worked out from the number of weights, within about a tenth; 0 where that is not known either."""
    return [
        (each.name, each.quantization, each.size or int(entry.parameters * bits_of(each.quantization) / 8))
        for each in entry.offered
    ]


def active_weight_share(entry: CatalogEntry) -> float:
    """The part of the weights of `entry` that one token passes through: 0.1 for a "30B-A3B", 1 for most."""
    if entry.active_parameters and entry.parameters:
        return min(entry.active_parameters / entry.parameters, 1.0)
    return _named_share(entry.id)


def recommended_file(
    files: Sequence[tuple[str, str, int]],
    machine: HardwareLimits,
    measure: ModelDimensions | None = None,
    *,
    active: float | None = None,
) -> str:
    """The name among `files` (name, quantization, size in bytes) to take on `machine`; "" where none fits. `measure` is
    that of any of them, where its header is known, `active` as in `fit_of_size`.

    From Q8_0 down to Q4_K_M the first that fits the GPU or, where none does, that takes at most 60 % of the memory and
    gives 8 tokens a second. Else the best of four bits that fits, else the least above, else the best below; slow ones
    last.
    """
    judged = [
        (
            rank_of(kind),
            size,
            name,
            fit_of(measure, machine, size=size)
            if measure and size
            else fit_of_size(size, machine, name, active=active),
        )
        for name, kind, size in files
    ]
    fitting = sorted((each for each in judged if each[3].fits), key=lambda each: each[:3])
    on_gpu = [each for each in fitting if each[3].label == "fits-gpu"]
    roomy = [each for each in on_gpu or fitting if each[0] <= _USUAL and (on_gpu or _comfortable(each[3], machine))]
    if roomy:
        return roomy[0][2]
    for labels in (("fits-gpu",), ("fits-memory",), ("slow",)):
        group = [each for each in fitting if each[3].label in labels]
        usual = [each for each in group if _USUAL <= each[0] <= _LOWEST_USUAL]
        above = [each for each in group if each[0] < _USUAL]
        if group:
            return (usual[:1] or above[-1:] or group[:1])[0][2]
    return ""


@dataclass(frozen=True)
class _MemoryNeed:
    """What a model takes with one context: bytes, tokens, and its number of layers."""

    length: int
    layer_weights: int
    outside: int
    cache: int
    around: int
    active: int
    layers: int

    @property
    def whole(self) -> int:
        return self.layer_weights + self.outside + self.cache + self.around

    def on_gpu(self, layers: int) -> int:
        """Bytes on the GPU with so many layers there; one more than there are takes what belongs to none along."""
        if layers > self.layers:
            return self.whole
        return (self.layer_weights + self.cache) * layers // self.layers + self.around if layers else 0


def _judge(needs: Sequence[_MemoryNeed], machine: HardwareLimits, *, exact: bool) -> HardwareFit:
    """The fit of the first of `needs` (longest context first) that there is room for, else of the last."""
    room = sum(max(device.memory_total - _DRIVER, 0) for device in machine.devices)
    if machine.devices and needs[0].whole <= room:
        return _on_gpu(needs[0], machine, exact=exact)
    usable = usable_memory(machine)
    for need in needs:
        layers = _gpu_layers(need, room) if machine.devices else None
        if usable and need.whole - need.on_gpu(layers or 0) <= usable:
            return _in_memory(need, machine, layers, shortened=need.length < needs[0].length, exact=exact)
    need = needs[-1]
    layers = 0 if machine.devices else None
    if not usable:
        sentence = tr("Needs {needed}; how much memory this machine has is not known.")
        return _fit("unknown", need, 0, layers, 0.0, sentence.format(needed=_about(need.whole, exact=exact)))
    sentence = tr("Too large: needs {needed}; of this machine's {available} memory {usable} can be used.").format(
        needed=_about(need.whole, exact=exact),
        available=size_text(machine.memory_total, "gigabytes"),
        usable=size_text(usable, "gigabytes"),
    )
    return _fit("too-large", need, machine.memory_total, layers, 0.0, sentence)


def usable_memory(machine: HardwareLimits) -> int:
    """Bytes of memory that a model may take; 0 where that is not known."""
    return max(machine.memory_total - max(_SYSTEM_LEAST, int(machine.memory_total * _SYSTEM_SHARE)), 0)


def _gpu_layers(need: _MemoryNeed, room: int) -> int:
    """How many layers the worker would keep on the GPU: it tries all, then fewer and fewer until they fit."""
    params = LoadParams("")
    layers = need.layers + 1
    while layers and need.on_gpu(layers) > room:
        step = next_step(params, need.layers, True, lacked_memory=True)
        if step is None or step.params.gpu_layers is None:
            return 0
        params, layers = step.params, step.params.gpu_layers
    return layers


def _on_gpu(need: _MemoryNeed, machine: HardwareLimits, *, exact: bool) -> HardwareFit:
    available = sum(device.memory_total for device in machine.devices)
    sentence = tr("Fits the GPU: needs {needed} of {available} on {device}.").format(
        needed=_about(need.whole, exact=exact),
        available=size_text(available, "gigabytes"),
        device=", ".join(device.name for device in machine.devices),
    )
    if need.whole > (free := sum(device.memory_free for device in machine.devices)):
        sentence += " " + tr("Only {free} are free now.").format(free=size_text(free, "gigabytes"))
    return _fit("fits-gpu", need, available, -1, _PER_GPU / max(need.active, 1), sentence)


def _in_memory(
    need: _MemoryNeed, machine: HardwareLimits, layers: int | None, *, shortened: bool, exact: bool
) -> HardwareFit:
    share = need.active * (layers or 0) // need.layers
    per_second = min(machine.cores * _PER_CORE, _PER_MACHINE)
    speed = 1 / max((need.active - share) / per_second + share / _PER_GPU, 1e-9)
    figures = {"needed": _about(need.whole, exact=exact), "available": size_text(machine.memory_total, "gigabytes")}
    label: FitLabel = "fits-memory"
    said = [tr("Fits: needs {needed} of {available} memory.").format(**figures)]
    if speed < _SLOW:
        label = "slow"
        said = [tr("Fits, but slowly: needs {needed} of {available} memory.").format(**figures), _pace(speed)]
    if layers:
        said.append(tr("Part of it runs on the GPU."))
    if shortened and need.length:
        said.append(tr("Its context is {length} tokens then.").format(length=f"{need.length:,}"))
    if need.whole - need.on_gpu(layers or 0) > machine.memory_free > 0:
        said.append(tr("Only {free} are free now.").format(free=size_text(machine.memory_free, "gigabytes")))
    return _fit(label, need, machine.memory_total, layers, speed, " ".join(said))


def _pace(speed: float) -> str:
    if speed < 1:
        return tr("An answer comes at less than one token a second.")
    return tr("An answer comes at about {speed} tokens a second.").format(speed=f"{speed:.0f}")


def _fit(
    label: FitLabel, need: _MemoryNeed, available: int, layers: int | None, speed: float, sentence: str
) -> HardwareFit:
    return HardwareFit(label, need.whole, available, need.length, layers, sentence, speed)


def _about(size: int, *, exact: bool) -> str:
    return size_text(size, "gigabytes") if exact else tr("about {size}").format(size=size_text(size, "gigabytes"))


def _named_share(name: str) -> float:
    """The part of a model's weights that one token passes through, by its name."""
    if (named := _ACTIVE.search(name)) and float(named[1]) > 0:
        return min(float(named[2]) / float(named[1]), 1.0)
    if (named := _MIXTURE.search(name)) and int(named[1]) > 2:
        return 2.2 / int(named[1])  # two experts of them, and what all tokens share
    return 1.0


def _comfortable(fit: HardwareFit, machine: HardwareLimits) -> bool:
    return fit.label != "slow" and fit.speed >= _QUICK and fit.needed <= _ROOMY * usable_memory(machine)
