"""How a model is loaded, and loaded again one step more cautious after the engine crashed with it.

Narrowest first: weights repacked for the processor, flash attention, the CPU variant; where a GPU computes, fewer
layers on it, then none. Steps keep what was turned off before. `LoadFallback` decides after each death of a worker, and
remembers what worked and what did not.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from desktop.engine import engine_errors, hardware
from desktop.engine.admitted_adapter import (
    AdmittedAdapter,
    AdmittedProjector,
    files_as_they_are,
    readable_path,
)
from desktop.engine.engine_build import start_mark
from desktop.engine.engine_errors import driver_stopped
from desktop.engine.engine_protocol import LoadCheck, StopSignal
from desktop.engine.fallback_step import FallbackStep, layers_on_gpu, next_step, with_less_on_gpu
from desktop.engine.fallback_store import (
    DriverFailure,
    FallbackRecord,
    FallbackStore,
    LoadLimits,
    ModelFileIdentity,
    identity_of,
    lower_variant,
    machine_key,
)
from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.engine.kernel_report import KernelChoice
from desktop.engine.license_monitor import LoadedFiles
from desktop.engine.load_params import PLAINEST_VARIANT, LoadParams
from desktop.engine.load_params_check import GPU_KINDS, check_load_params
from desktop.engine.load_plan import LoadPlan, plan_load
from desktop.engine.memory_estimate import BufferOptions, automatic_contexts, estimate_memory
from desktop.engine.requests_in_flight import CrashedWork
from desktop.engine.state_key import state_key
from desktop.engine.worker_messages import AnswerDone, LoadRequest, ProbeResult
from desktop.engine.worker_process import WorkerExit
from desktop.errors import IntegrityError, UserError
from desktop.file_stamp import ModelFile
from desktop.translation import tr

_NOTHING = LoadLimits()
WorkerStage = Literal["idle", "probing", "loading", "answering"]
_log = logging.getLogger(__name__)


@dataclass
class LoadAttempt:
    """How a model is being loaded, or was. `weights_read` says that its weights were all read.

    `admitted` are the files as the license check admitted them, `from_check` is () where it let in whatever lay there.
    `projector_begun` says that the model is loaded and its projector is being.
    `remembered` says that its result is in the store. `plan` is what was fitted to memory, once the devices are known.
    """

    step: FallbackStep
    header: GgufHeader
    file: ModelFileIdentity
    admitted: tuple[ModelFile, ...]
    from_check: tuple[ModelFile, ...] = ()
    gpu: bool = False
    weights_read: bool = False
    remembered: bool = False
    probed: ProbeResult | None = None
    draft_header: GgufHeader | None = None
    draft_admitted: tuple[ModelFile, ...] = ()
    draft_from_check: tuple[ModelFile, ...] = ()
    adapters: tuple[AdmittedAdapter, ...] = ()
    projector: AdmittedProjector | None = None
    projector_begun: bool = False
    plan: LoadPlan | None = None

    @classmethod
    def begin(cls, step: FallbackStep, license_check: LoadCheck, stop: StopSignal | None = None) -> "LoadAttempt":
        """Check the file, then ask the license check; `stop` gives up reading it. Raises UserError."""
        check_load_params(step.params)
        path = readable_path(step.params.model_path)
        header = read_header(path, embedding=step.params.embedding)
        admitted = license_check.admit(path, stop)
        attempt = cls(step, header, identity_of(path), admitted or files_as_they_are(header.files), admitted)
        if attempt.draft_path is not None:
            attempt.draft_header = read_header(readable_path(step.params.draft_model_path))
            found = license_check.admit(attempt.draft_path, stop)
            attempt.draft_from_check = found
            attempt.draft_admitted = found or files_as_they_are(attempt.draft_header.files)
        paths = [readable_path(adapter.path) for adapter in step.params.adapters]
        attempt.adapters = tuple(AdmittedAdapter.of(each, header, license_check, stop) for each in paths)
        if step.params.projector:
            projector = readable_path(step.params.projector)
            attempt.projector = AdmittedProjector.of(projector, header, license_check, stop)
        return attempt

    @property
    def draft_path(self) -> Path | None:
        """The draft model's file, None where there is none."""
        draft = self.step.params.draft_model_path
        return Path(draft) if draft else None

    @property
    def loaded(self) -> tuple[LoadedFiles, ...]:
        """The path of each model that is loaded, with its files as the license check admitted them."""
        draft = ((self.draft_path, self.draft_from_check),) if self.draft_path is not None else ()
        adapters = [(each.path, each.from_check) for each in self.adapters]
        projectors = [(each.path, each.from_check) for each in self._projectors]
        return ((self.path, self.from_check), *draft, *adapters, *projectors)

    @property
    def _projectors(self) -> tuple[AdmittedProjector, ...]:
        return (self.projector,) if self.projector is not None else ()

    @property
    def path(self) -> Path:
        """The model's file."""
        return Path(self.step.params.model_path)

    def begin_with(self, probed: ProbeResult, caution: LoadLimits, known: LoadLimits) -> None:
        """The devices are known now. Load as cautiously as `caution` says, and as is `known` of this file."""
        variants = probed.cpu_variants
        self.probed, self.gpu = probed, any(device.kind in GPU_KINDS for device in probed.devices)
        step = self.step
        if step.params.cpu_variant == PLAINEST_VARIANT:  # the best crashed before it could say which others there are
            next_best = lower_variant("", variants) or ""
            taught = msgspec.structs.replace(step.caution, cpu_variant=next_best)
            step = FallbackStep(msgspec.structs.replace(step.params, cpu_variant=next_best), step.notice, taught)
        params, notice = known.applied(caution.applied(step.params, variants), variants), step.notice
        if params.value_type != step.params.value_type:
            told = tr("Flash attention is off here, so the values of the KV cache are kept as {type}.")
            notice = f"{notice} {told.format(type=params.value_type)}".strip()
        self.step = FallbackStep(params, notice, step.caution.joined(known, variants))

    def other_variant(self, started_with: str) -> str | None:
        """The CPU variant to start another worker with, where this one computes with a wrong one; None where not."""
        assert self.probed is not None
        wanted = self.step.params.cpu_variant or next(iter(self.probed.cpu_variants), "")
        return wanted if wanted not in (self.probed.cpu_variant, started_with) else None

    def request(self) -> LoadRequest:
        """What to send the worker, once its devices are known. Raises ResourceError where the model cannot fit."""
        assert self.probed is not None
        params, free = self.step.params, hardware.available_memory()
        if self.draft_header is not None and free is not None:
            longest = params.context_length or automatic_contexts(self.header.context_length)[0]
            free = max(0, free - estimate_memory(self.draft_header.shape, longest, BufferOptions.of(params)))
        if free is not None:
            taken = sum(each.file.stamp.size for each in self.adapters)
            free = max(0, free - taken - sum(each.memory for each in self._projectors))
        self.plan = plan_load(params, self.header, self.probed.devices, free)
        adapters = tuple(each.file for each in self.adapters)
        projectors = tuple(each.file for each in self._projectors)
        key = self.state_key()
        return LoadRequest(self.plan.params, self.admitted, self.draft_admitted, adapters, key, projectors)

    def add_notice(self, text: str) -> None:
        """One more sentence to tell the person."""
        self.step = replace(self.step, notice=f"{self.step.notice} {text}".strip())

    @property
    def notice(self) -> str:
        """What to tell the person of how the model was loaded, "" where it is all as asked."""
        return " ".join(filter(None, (self.step.notice, *(self.plan.notices if self.plan else ()))))

    def state_key(self) -> str:
        """What the states of conversations belong to, once the devices are known and `request` has fitted them."""
        assert self.probed is not None
        params = self.plan.params if self.plan is not None else self.step.params
        adapters = [each.file for each in self.adapters]
        return state_key(params, self.admitted, self.probed, adapters, [each.file for each in self._projectors])

    def file_changed(self, number: int) -> IntegrityError:
        """File `number` was not loaded, as it is not what was admitted."""
        others = [*(each.file for each in self.adapters), *(each.file for each in self._projectors)]
        paths = [Path(file.path) for file in (*self.admitted, *self.draft_admitted, *others)]
        return IntegrityError(
            tr("{file} changed before it was loaded.").format(file=(paths[number:] or [self.path])[0].name),
            tr("Another program wrote to it, or put another file in its place."),
            tr("Try again: it is then read to its end once more."),
        )

    def next_step(self, reason: str = "") -> FallbackStep | None:
        """The next more cautious way after this one crashed; None where there is none. Where the `reason` names a GPU,
        the next is fewer layers on it."""
        named = self.plan is not None and any(gpu.name in reason for gpu in self.plan.gpus)
        step = (self._next_step(blamed_gpu=True) if named else None) or self._next_step()
        return step and FallbackStep(step.params, step.notice, _learned(self.step, step.params))

    def step_without_projector(self) -> FallbackStep | None:
        """Without what lets the model see; None where there is nothing such."""
        if self.projector is None:
            return None
        told = tr("The engine stopped with the projector {file}, so the model runs without it and sees no pictures.")
        params = msgspec.structs.replace(self.step.params, projector="")
        return FallbackStep(params, told.format(file=self.projector.path.name), self.step.caution)

    def step_with_less_on_gpu(self) -> FallbackStep | None:
        """The next step after the GPU lacked memory; None where nothing is on one."""
        step = self._next_step(lacked_memory=True)
        return step and FallbackStep(step.params, step.notice, self.step.caution)

    def _next_step(self, *, lacked_memory: bool = False, blamed_gpu: bool = False) -> FallbackStep | None:
        """From what was loaded, with the layers that the plan put on the GPU where their number was left to it."""
        asked, planned = self.step.params, self.plan.params if self.plan else self.step.params
        loaded = msgspec.structs.replace(asked, gpu_layers=planned.gpu_layers)
        variants = self.probed.cpu_variants if self.probed else ()
        layers, read = self.header.block_count, self.weights_read
        if blamed_gpu:
            on_gpu = layers_on_gpu(loaded, layers)
            step = with_less_on_gpu(loaded, on_gpu, on_gpu // 2) if on_gpu else None
        else:
            step = next_step(loaded, layers, self.gpu, variants, lacked_memory=lacked_memory, weights_read=read)
        if step is None or step.params.gpu_layers != loaded.gpu_layers:
            return step
        return FallbackStep(msgspec.structs.replace(step.params, gpu_layers=asked.gpu_layers), step.notice)


def _learned(before: FallbackStep, after: LoadParams) -> LoadLimits:
    """The caution of `before` and what a step from it to `after` turned off."""
    old, known = before.params, before.caution
    return LoadLimits(
        known.extra_buffers and after.extra_buffers == old.extra_buffers,
        known.flash_attention and after.flash_attention == old.flash_attention,
        known.cpu_variant if after.cpu_variant == old.cpu_variant else after.cpu_variant,
        known.gpu_layers if after.gpu_layers == old.gpu_layers else after.gpu_layers,
    )


class LoadFallback:
    """Decides for one engine. `choice` gives what the engine test found, None while it is not known.

    With `refuses_unusable` a file that is remembered as unusable is refused the first time it is to be loaded, as when
    a window opens with the model of the last time; asked for again, it is tried.
    """

    def __init__(
        self, store: FallbackStore, choice: Callable[[], KernelChoice | None], *, refuses_unusable: bool = False
    ) -> None:
        self._store = store
        self._choice = choice
        self._refuses_unusable = refuses_unusable
        self._variants: tuple[str, ...] = ()

    # --- before a load ---

    def first_variant(self, params: LoadParams | None = None) -> str:
        """The CPU variant to start a worker with, before it said which there are; "" for the best."""
        return (params.cpu_variant if params is not None else "") or self._tested().cpu_variant

    def prepare(self, attempt: LoadAttempt, probed: ProbeResult) -> None:
        """Have `attempt` leave off what is known to crash here. Raises EngineError where all of it is."""
        self._variants = probed.cpu_variants
        known = self._store.find(attempt.file, machine_key(probed))
        first = self._store.note_asked(attempt.file)
        if known is not None and known.unusable and first and self._refuses_unusable:
            raise engine_errors.model_known_to_crash(attempt.path.name, known.unusable, known.technical)
        attempt.begin_with(probed, self._tested(), known.caution if known is not None else LoadLimits())
        attempt.add_notice(self._untold())

    def _untold(self) -> str:
        """What is to be told, once, of a driver that stopped the engine; "" where nothing is."""
        failure = self._store.driver_failure()
        if failure is None or failure.told:
            return ""
        self._store.save_driver_failure(msgspec.structs.replace(failure, told=True))
        return driver_stopped(failure.plugin)

    def _tested(self) -> LoadLimits:
        try:
            choice = self._choice()
        except Exception:  # noqa: BLE001 - the engine works without what the test found
            _log.exception("what the engine test found could not be looked up")
            choice = None
        return LoadLimits(choice.extra_buffers, choice.flash_attention, choice.variant) if choice else LoadLimits()

    # --- after a death ---

    def after_exit(
        self, death: WorkerExit, attempt: LoadAttempt, stage: WorkerStage, work: CrashedWork = "computing"
    ) -> FallbackStep | UserError:
        """How to go on after a worker died at `stage`, or what to tell; once, however many answers were in flight.

        `work` is what it was at while it answered (`RequestsInFlight.blame`).
        """
        if stage == "probing":
            variant = self.after_probing(death)
            if death.plugin and variant is not None:
                return attempt.step  # `prepare` tells of it
            return engine_errors.died_starting(death) if variant is None else _with_variant(attempt.step, variant)
        if stage == "loading":
            return self._after_loading(death, attempt)
        return self._after_answering(death, attempt, work)

    def after_probing(self, death: WorkerExit) -> str | None:
        """The CPU variant to start another worker with, where the first one ended before it said a word; None where
        that is no use. After one that ended as it started a GPU's driver comes one that starts none.
        """
        if death.plugin and death.kind != "killed":
            self._store.save_driver_failure(DriverFailure(start_mark(), death.plugin, death.reason))
            return death.cpu_variant
        if death.kind != "crash" or death.library_error:
            return None
        if self._variants:
            return lower_variant(death.cpu_variant, self._variants)
        return PLAINEST_VARIANT if death.cpu_variant != PLAINEST_VARIANT else None

    def _after_loading(self, death: WorkerExit, attempt: LoadAttempt) -> FallbackStep | UserError:
        """How to go on after a death while the model was read or warmed up."""
        if death.kind != "crash":
            return engine_errors.died_loading(attempt.path.name, death)
        blind = attempt.step_without_projector()
        if blind is not None and attempt.projector_begun:
            return blind
        return attempt.next_step(death.reason) or blind or self._given_up(attempt, death)

    def _after_answering(self, death: WorkerExit, attempt: LoadAttempt, work: CrashedWork) -> FallbackStep | UserError:
        """How to go on after a death in the middle of answers."""
        if death.kind != "crash":
            return engine_errors.died_answering(death)
        if identity_of(attempt.path) != attempt.file:  # it is mapped: one that became shorter ends whoever reads it
            return engine_errors.file_changed(death)
        if work == "rendering":  # nothing need be at fault in how the model was loaded
            told = tr("The engine stopped, and was started again.")
            return FallbackStep(attempt.step.params, told, attempt.step.caution)
        step = attempt.next_step(death.reason) or attempt.step_without_projector()
        return step or self._given_up(attempt, death)

    def _given_up(self, attempt: LoadAttempt, death: WorkerExit) -> UserError:
        assert attempt.probed is not None
        machine = machine_key(attempt.probed)
        self._store.save(FallbackRecord(attempt.file, machine, unusable=death.reason or "?", technical=death.technical))
        return engine_errors.model_crashes(attempt.path.name, death.reason, death.technical)

    # --- after an answer ---

    def remember_success(self, attempt: LoadAttempt, done: AnswerDone) -> None:
        """A whole answer was given: what it was loaded with works, and is remembered."""
        if attempt.remembered or attempt.probed is None or done.stop_reason == "cancelled" or not done.generated_tokens:
            return
        attempt.remembered = True
        works = FallbackRecord(attempt.file, machine_key(attempt.probed), attempt.step.caution)
        known = self._store.find(works.file, works.machine)
        if known != works and (known is not None or works.caution != LoadLimits()):
            self._store.save(works)


def _with_variant(step: FallbackStep, cpu_variant: str) -> FallbackStep:
    """`step` with another CPU variant, after a worker crashed as it started."""
    told = tr("The engine stopped as it started, so it was started again more cautiously.")
    params = msgspec.structs.replace(step.params, cpu_variant=cpu_variant)
    return FallbackStep(params, told, msgspec.structs.replace(step.caution, cpu_variant=cpu_variant))
