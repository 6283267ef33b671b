"""What `latchkey doctor` says of how the chosen model would be loaded now: each choice, why, and what overrides it."""

from dataclasses import replace

import msgspec

from desktop.byte_size import size_text
from desktop.chat.engine_requests import LoadableModel, load_params
from desktop.cli.command_context import CommandContext
from desktop.cli.terminal_answer import BUILT_IN
from desktop.engine.fallback_store import FallbackStore, LoadLimits, identity_of, machine_key
from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.engine.hardware import available_memory, usable_cores
from desktop.engine.kernel_report import KernelChoice
from desktop.engine.load_params import LoadParams
from desktop.engine.load_plan import LoadPlan, plan_load
from desktop.engine.memory_estimate import BufferOptions, cache_bytes
from desktop.engine.worker_messages import ProbeResult
from desktop.errors import UserError
from desktop.translation import tr


class LoadChoice(msgspec.Struct, frozen=True):
    """One choice: what it is called, what was chosen, why in a sentence, and what overrides it ("" where nothing)."""

    name: str
    value: str
    reason: str
    override: str


class LoadReport(msgspec.Struct, frozen=True):
    """How a model would be loaded now. `problem` says why it would not, else ""; `notices` what would be told."""

    model: str
    choices: tuple[LoadChoice, ...] = ()
    notices: tuple[str, ...] = ()
    problem: str = ""


def report_load(tools: CommandContext, probed: ProbeResult) -> LoadReport:
    """Of the model that the settings name, else the built-in one. Nothing is loaded."""
    name = tools.settings.model or BUILT_IN
    try:
        model = tools.library.find(name)
        return _report(model, tools, probed)
    except UserError as error:
        return LoadReport(name, problem=str(error))


def _report(model: LoadableModel, tools: CommandContext, probed: ProbeResult) -> LoadReport:
    header, asked = (
        read_header(model.path),
        load_params(model, tools.settings, parallel=tools.settings.parallel_answers),
    )
    tested, known = tools.kernel_check.choice(), _known(model, tools, probed)
    cautious = known.applied(_as_tested(asked, tested, probed), probed.cpu_variants)
    plan = plan_load(cautious, header, probed.devices, available_memory())
    explained = _Explanation(asked, plan, header, tested, known)
    return LoadReport(model.id, explained.choices(f"latchkey models settings {model.id}", probed), plan.notices)


def _known(model: LoadableModel, tools: CommandContext, probed: ProbeResult) -> LoadLimits:
    found = FallbackStore(tools.paths.load_fallbacks).find(identity_of(model.path), machine_key(probed))
    return found.caution if found is not None else LoadLimits()


def _as_tested(asked: LoadParams, tested: KernelChoice | None, probed: ProbeResult) -> LoadParams:
    if tested is None:
        return asked
    limits = LoadLimits(tested.extra_buffers, tested.flash_attention, tested.variant)
    return limits.applied(asked, probed.cpu_variants)


class _Explanation:
    """Why a model is loaded as `plan` says, where `asked` was asked for."""

    def __init__(
        self, asked: LoadParams, plan: LoadPlan, header: GgufHeader, tested: KernelChoice | None, known: LoadLimits
    ) -> None:
        self._asked, self._plan, self._params, self._header = asked, plan, plan.params, header
        self._tested, self._known = tested, known

    def choices(self, command: str, probed: ProbeResult) -> tuple[LoadChoice, ...]:
        """All of them; `command` is what sets one for this model."""
        params = self._params
        mapped = tr("mapped") if params.use_mmap else tr("read")
        said = (
            (tr("context"), f"{params.context_length or 0:,}", self._context(), f"{command} --context N"),
            (tr("layers on the GPU"), self._layer_count(), self._layers(), f"{command} --layers N"),
            (tr("KV cache"), f"{params.key_type}, {params.value_type}", self._cache(), f"{command} --kv-type TYPE"),
            (tr("threads"), str(params.threads or usable_cores()), self._threads(), f"{command} --threads N"),
            (tr("batch"), str(params.batch_tokens), self._batch(), ""),
            (tr("answers at once"), str(params.parallel), self._parallel(), f"{command} --parallel N"),
            (tr("file"), mapped, self._mapping(), f"{command} --mmap on|off"),
            (
                tr("locked in memory"),
                tr("yes") if params.use_mlock else tr("no"),
                self._lock(),
                f"{command} --mlock on|off",
            ),
            (tr("weights repacked"), tr("yes") if params.extra_buffers else tr("no"), self._repacking(), ""),
            (tr("flash attention"), params.flash_attention, self._flash(), ""),
            (tr("CPU variant"), params.cpu_variant or next(iter(probed.cpu_variants), "–"), self._variant(), ""),
        )
        return tuple(LoadChoice(*each) for each in said)

    def _context(self) -> str:
        trained = f"{self._header.context_length:,}"
        match self._plan.context_reason:
            case "asked":
                return tr("It was asked for.")
            case "trained":
                return tr("The model was made for {trained}, fewer than were asked for.").format(trained=trained)
            case "memory":
                return tr("Memory does not suffice for more: {free} are free.").format(free=_size(self._plan.available))
            case _:
                return tr("What is usual, of the {trained} that the model was made for.").format(trained=trained)

    def _layer_count(self) -> str:
        return str(self._params.gpu_layers if self._plan.gpus else 0)

    def _layers(self) -> str:
        match self._plan.layers_reason:
            case "no-gpu":
                return tr("No GPU is used.") if self._asked.gpu_layers == 0 else tr("There is no GPU that can be used.")
            case "asked":
                return tr("It was asked for.")
            case "fits":
                return tr("All fit into the free memory of {gpus}.").format(gpus=self._gpu_names())
            case "memory":
                return tr("More do not fit into the free memory of {gpus}.").format(gpus=self._gpu_names())
            case _:
                return tr("All are tried: {gpus} does not say how much memory is free.").format(gpus=self._gpu_names())

    def _gpu_names(self) -> str:
        return ", ".join(gpu.name for gpu in self._plan.gpus)

    def _cache(self) -> str:
        params = self._params
        size = _size(self._cache_size(params.parallel))
        if params.value_type != self._asked.value_type:
            return tr("It takes {size}. Quantized values need flash attention, which is off here.").format(size=size)
        return tr("It takes {size}; quantized types take less, and are a little less exact.").format(size=size)

    def _threads(self) -> str:
        if self._params.threads is not None:
            return tr("It was asked for.")
        return tr("One for each core that this program may use; fewer while they are not quicker, by measurement.")

    def _batch(self) -> str:
        if self._params.batch_tokens != self._asked.batch_tokens:
            return tr("Smaller than usual, as little memory is free.")
        return tr("So many tokens of a prompt are read at once.")

    def _parallel(self) -> str:
        said = tr("So many in the window, which share the context. The command and a chat in the terminal give one.")
        more = self._cache_size(self._params.parallel) - self._cache_size(1)
        if more <= 0:
            return said
        return said + " " + tr("Windows and states of their own take {size} more.").format(size=_size(more))

    def _cache_size(self, answers: int) -> int:
        """Bytes of the KV cache with so many answers at once."""
        options = replace(BufferOptions.of(self._params), parallel=answers)
        return cache_bytes(self._header.shape, self._params.context_length or 0, options)

    def _mapping(self) -> str:
        if not self._params.use_mmap:
            return tr("It was asked for: the model is read into memory of its own.")
        return tr(
            "Loading is quicker, and the system may take pages of the file back; llama.cpp reads it for some GPUs."
        )

    def _lock(self) -> str:
        if self._params.use_mlock:
            return tr("It was asked for; where the system forbids it, the model is loaded without.")
        return tr("The system may swap out what is not used.")

    def _repacking(self) -> str:
        if not self._known.extra_buffers:
            return tr("The engine stopped with repacked weights of this file before.")
        if self._tested is None:
            return tr("Products are quicker with weights in an order of this processor; not tested yet.")
        if not self._tested.extra_buffers:
            return tr("The engine test found kernels for repacked weights that compute wrongly here.")
        return tr("Products are quicker with weights in an order of this processor; the engine test found them right.")

    def _flash(self) -> str:
        if not self._known.flash_attention:
            return tr("The engine stopped with flash attention on this file before.")
        if self._tested is not None and not self._tested.flash_attention:
            return tr("The engine test found that it computes wrongly here.")
        return tr("llama.cpp uses it where the device and the model can.")

    def _variant(self) -> str:
        if self._known.cpu_variant:
            return tr("The engine stopped with better ones on this file before.")
        return tr("The best of this build that this processor can run and that the engine test did not find wrong.")


def _size(size: int | None) -> str:
    return tr("unknown") if size is None else size_text(size, "gigabytes")
