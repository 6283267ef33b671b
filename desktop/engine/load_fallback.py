"""How a model is loaded, and loaded again one step more cautious after the engine crashed with it.

Narrowest first: weights repacked for the processor, flash attention, the CPU variant; where a GPU computes, fewer
layers on it, then none. Steps keep what was turned off before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from desktop.engine import hardware
from desktop.engine.header import Header, read_header
from desktop.engine.interface import Door, Stop
from desktop.engine.memory import fitting_context
from desktop.engine.messages import PLAINEST_VARIANT, Load, LoadParams, Probed
from desktop.engine.model_file import ModelFile
from desktop.errors import EngineError, IntegrityError, NotFoundError
from desktop.file_stamp import stamp_of
from desktop.translation import tr


class Caution(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is left off: extra buffers, flash attention, CPU variants better than one, GPU layers beyond a number."""

    extra_buffers: bool = True
    flash_attention: bool = True
    cpu_variant: Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.+-]{0,39})?$")] = ""
    gpu_layers: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None

    def joined(self, other: "Caution", variants: Sequence[str]) -> "Caution":
        """What either of them leaves off."""
        limits = [limit for limit in (self.gpu_layers, other.gpu_layers) if limit is not None]
        return Caution(
            self.extra_buffers and other.extra_buffers,
            self.flash_attention and other.flash_attention,
            _plainer(self.cpu_variant, other.cpu_variant, variants),
            min(limits, default=None),
        )

    def applied(self, params: LoadParams, variants: Sequence[str]) -> LoadParams:
        """`params` where they are as cautious or more, else this. `variants` are the CPU's, best first."""
        layers = params.gpu_layers
        if self.gpu_layers is not None:
            layers = self.gpu_layers if layers is None or layers < 0 else min(layers, self.gpu_layers)
        return msgspec.structs.replace(
            params,
            extra_buffers=params.extra_buffers and self.extra_buffers,
            flash_attention=params.flash_attention if self.flash_attention else "off",
            cpu_variant=_plainer(params.cpu_variant, self.cpu_variant, variants),
            gpu_layers=layers,
        )


_NOTHING = Caution()


@dataclass(frozen=True)
class FallbackStep:
    """Parameters to load with, and one sentence that tells the person of the step; "" on the first.

    `caution` is the part of it that crashes of this file taught.
    """

    params: LoadParams
    notice: str = ""
    caution: Caution = _NOTHING


class FileIdentity(msgspec.Struct, frozen=True):
    """A model file as it was: size in bytes, time of its last change in nanoseconds since 1970."""

    path: Annotated[str, msgspec.Meta(max_length=4096)]
    size: int
    modified_ns: int


@dataclass
class LoadAttempt:
    """How a model is being loaded, or was. `weights_read` says that its weights were all read.

    `admitted` are the files as the door admitted them. `kept` says that what it taught is remembered.
    """

    step: FallbackStep
    header: Header
    file: FileIdentity
    admitted: tuple[ModelFile, ...]
    gpu: bool = False
    weights_read: bool = False
    kept: bool = False
    probed: Probed | None = None

    @classmethod
    def begin(cls, step: FallbackStep, door: Door, stop: Stop | None = None) -> "LoadAttempt":
        """Check the file, then ask the license door; `stop` gives up reading it. Raises UserError."""
        path = _readable_path(step.params.model_path)
        header = read_header(path)
        admitted = door.admit(path, stop)
        return cls(step, header, identity_of(path), admitted or _as_they_are(header.files))

    @property
    def path(self) -> Path:
        """The model's file."""
        return Path(self.step.params.model_path)

    def begin_with(self, probed: Probed, caution: Caution, known: Caution) -> None:
        """The devices are known now. Load as cautiously as `caution` says, and as is `known` of this file."""
        variants = probed.cpu_variants
        self.probed, self.gpu = probed, any(device.kind in ("gpu", "integrated-gpu") for device in probed.devices)
        step = self.step
        if step.params.cpu_variant == PLAINEST_VARIANT:  # the best crashed before it could say which others there are
            next_best = lower_variant("", variants) or ""
            taught = msgspec.structs.replace(step.caution, cpu_variant=next_best)
            step = FallbackStep(msgspec.structs.replace(step.params, cpu_variant=next_best), step.notice, taught)
        params = known.applied(caution.applied(step.params, variants), variants)
        self.step = FallbackStep(params, step.notice, step.caution.joined(known, variants))

    def other_variant(self, started_with: str) -> str | None:
        """The CPU variant to start another worker with, where this one computes with a wrong one; None where not."""
        assert self.probed is not None
        wanted = self.step.params.cpu_variant or next(iter(self.probed.cpu_variants), "")
        return wanted if wanted not in (self.probed.cpu_variant, started_with) else None

    def request(self) -> Load:
        """What to send the worker, once its devices are known. Raises ResourceError where the model cannot fit."""
        params = self.step.params
        on_cpu = not self.gpu or params.gpu_layers == 0
        free = hardware.available_memory() if on_cpu else None
        flash = params.flash_attention != "off"
        length = fitting_context(
            self.header.shape, self.header.context_length, params.context_length, free, flash=flash
        )
        fitted = msgspec.structs.replace(params, context_length=length)
        return Load(fitted, self.admitted)

    def file_changed(self, number: int) -> IntegrityError:
        """File `number` was not loaded, as it is not what was admitted."""
        paths = [Path(file.path) for file in self.admitted]
        return IntegrityError(
            tr("{file} changed before it was loaded.").format(file=(paths[number:] or [self.path])[0].name),
            tr("Another program wrote to it, or put another file in its place."),
            tr("Try again: it is then read to its end once more."),
        )

    def next_step(self) -> FallbackStep | None:
        """The next more cautious way after this one crashed; None where there is none."""
        variants = self.probed.cpu_variants if self.probed else ()
        layers, read = self.header.block_count, self.weights_read
        step = next_step(self.step.params, layers, self.gpu, variants, weights_read=read)
        if step is None:
            return None
        return FallbackStep(step.params, step.notice, _learned(self.step, step.params))

    def step_with_less_on_gpu(self) -> FallbackStep | None:
        """The next step after the GPU lacked memory; None where nothing is on one."""
        step = next_step(self.step.params, self.header.block_count, self.gpu, lacked_memory=True)
        return FallbackStep(step.params, step.notice, self.step.caution) if step else None


def next_step(
    params: LoadParams,
    layers: int,
    gpu: bool,
    variants: Sequence[str] = (),
    *,
    lacked_memory: bool = False,
    weights_read: bool = True,
) -> FallbackStep | None:
    """The next more cautious way to load, or None where there is none.

    `layers` counts the model's, `variants` are the CPU's, best first. Where the GPU `lacked_memory` only fewer layers
    on it help; before the weights were read nothing was computed, so flash attention is not at fault.
    """
    on_gpu = _layers_on_gpu(params, layers) if gpu else 0
    on_cpu = on_gpu <= layers
    if lacked_memory:
        return _with_less_on_gpu(params, on_gpu, on_gpu // 2) if on_gpu else None
    if on_cpu and params.extra_buffers:
        return FallbackStep(
            msgspec.structs.replace(params, extra_buffers=False),
            tr("The engine stopped with weights repacked for this processor, so it now runs without repacking them."),
        )
    if weights_read and params.flash_attention != "off":
        return FallbackStep(
            msgspec.structs.replace(params, flash_attention="off"),
            tr("The engine stopped while it used flash attention, so it now runs without it."),
        )
    if on_gpu:
        return _with_less_on_gpu(params, on_gpu, 0 if on_cpu else on_gpu // 2)
    return _with_lower_variant(params, variants)


def lower_variant(now: str, variants: Sequence[str]) -> str | None:
    """A CPU variant that is more cautious than `now` ("": the best), None where there is none.

    The next of `variants` below the best, then the middle one of those left: few steps to the plainest.
    """
    at = variants.index(now) if now in variants else 0
    lower = variants[at + 1 :]
    if not lower:
        return None
    return lower[0] if at == 0 else lower[len(lower) // 2]


def identity_of(path: Path) -> FileIdentity:
    """The file as it is now; size 0 where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return FileIdentity(str(path.absolute()), 0, 0)
    return FileIdentity(str(path.absolute()), found.st_size, found.st_mtime_ns)


def _layers_on_gpu(params: LoadParams, layers: int) -> int:
    """One more than there are where what belongs to none of them is there too."""
    asked = params.gpu_layers
    return layers + 1 if asked is None or asked < 0 else min(asked, layers + 1)


def _with_less_on_gpu(params: LoadParams, on_gpu: int, fewer: int) -> FallbackStep:
    if fewer > 1:
        return FallbackStep(
            msgspec.structs.replace(params, gpu_layers=fewer),
            tr("The engine stopped with {more} layers on the GPU, so it now runs with {fewer}.").format(
                more=on_gpu, fewer=fewer
            ),
        )
    return FallbackStep(
        msgspec.structs.replace(params, gpu_layers=0),
        tr("The engine stopped on the GPU, so the model now runs on the processor."),
    )


def _with_lower_variant(params: LoadParams, variants: Sequence[str]) -> FallbackStep | None:
    taken = lower_variant(params.cpu_variant, variants)
    if taken is None:
        return None
    told = tr("The engine stopped with the processor instructions “{better}”, so it now uses “{plainer}”.").format(
        better=params.cpu_variant or variants[0], plainer=taken
    )
    return FallbackStep(msgspec.structs.replace(params, cpu_variant=taken), told)


def _learned(before: FallbackStep, after: LoadParams) -> Caution:
    """The caution of `before` and what a step from it to `after` turned off."""
    old, known = before.params, before.caution
    return Caution(
        known.extra_buffers and after.extra_buffers == old.extra_buffers,
        known.flash_attention and after.flash_attention == old.flash_attention,
        known.cpu_variant if after.cpu_variant == old.cpu_variant else after.cpu_variant,
        known.gpu_layers if after.gpu_layers == old.gpu_layers else after.gpu_layers,
    )


def _plainer(one: str, other: str, variants: Sequence[str]) -> str:
    """The more cautious of two CPU variants; one that this processor has not counts as none."""
    return max((name for name in (one, other) if name in variants), key=variants.index, default="")


def _as_they_are(files: Sequence[Path]) -> tuple[ModelFile, ...]:
    """The files as they are now, for a door that lets in whatever lies there."""
    try:
        return tuple(ModelFile(str(file.absolute()), stamp_of(file.stat())) for file in files)
    except OSError as error:
        raise NotFoundError(tr("A file of this model is gone."), str(error)) from error


def _readable_path(path: str) -> Path:
    """`path`, unless its name is in no encoding that can be passed on."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise EngineError(
            tr("The name of this file or of a folder above it is not readable."), remedy=tr("Rename it.")
        ) from error
    return Path(path)
