"""A run of the engine test: processes that compute the kernels, started again behind a kernel that ended one."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from desktop.engine.kernel_process import KernelProcess, KernelProcessEndedError
from desktop.engine.kernel_report import (
    CpuVariants,
    Kernel,
    KernelChoice,
    KernelComputed,
    KernelPlan,
    KernelResult,
    KernelStarted,
    choose_kernels,
    next_variant,
)
from desktop.errors import EngineError
from desktop.translation import tr

_POLL_S = 0.5
_MOST_ENDED_FROM_OUTSIDE = 3


class KernelRunStoppedError(Exception):
    """The run was stopped before its end."""


@dataclass(frozen=True)
class KernelTimeouts:
    """When a process is taken to hang, in seconds, and how often it may die.

    A kernel takes milliseconds. One that computes for `computing_s` does not end; one that says nothing for `silent_s`
    is taken to wait for ever, as may be a process that gets no time because the machine is busy: hence so long. After
    `deaths`, or one hang, among kernels that stand or fall together, the others of these are not computed.
    """

    computing_s: float = 20.0
    silent_s: float = 120.0
    deaths: int = 24


class KernelRun:
    """Tests one CPU variant after another until it is known what can be used. For one thread; `stop` from any.

    `on_result` hears each result and how many kernels its variant has. While `hold()` is true nothing is computed.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        nice: int = 0,
        hold: Callable[[], bool] = lambda: False,
        on_result: Callable[[KernelResult, int], None] = lambda *_: None,
        timeouts: KernelTimeouts | None = None,
    ) -> None:
        self._command = command
        self._nice = nice
        self._hold = hold
        self._on_result = on_result
        self._timeouts = timeouts or KernelTimeouts()
        self._stopped = threading.Event()
        self._process: KernelProcess | None = None
        self._variants: tuple[str, ...] = ()
        self._crashed = False
        self.problem = ""
        self.results: dict[str, list[KernelResult]] = {}

    def stop(self) -> None:
        """Let `run` end soon, with KernelRunStoppedError."""
        self._stopped.set()
        process = self._process
        if process is not None:
            process.kill()

    def run(self) -> KernelChoice | None:
        """What can be used, None where nothing works.

        Raises KernelRunStoppedError, OSError where no process starts, and EngineError where the test cannot be made, so
        that nothing is known.
        """
        variant: str | None = ""
        while variant is not None:
            variant = self._test(variant)
            variant = next_variant(self._variants, self.results)
        chosen = choose_kernels(self.results)
        if chosen is None and not self._crashed and not any(self.results.values()):
            raise _not_made(self.problem)
        return chosen

    def _test(self, asked: str) -> str:
        """Test a variant whole ("": the best, which is known only then); gives its name."""
        one = _VariantRun(asked, self._timeouts)
        while not one.over:
            self._wait_while_held()
            process = self._process = KernelProcess(self._command, asked, one.index, self._nice)
            try:
                self._follow(process, one)
            finally:
                self._process = None
                process.end()
        self._variants = self._variants or one.variants
        name = one.variant or next(iter(self._variants), "")
        self.results[name] = one.results
        self.problem = one.problem or self.problem
        self._crashed |= one.crashed
        return name

    def _follow(self, process: KernelProcess, one: "_VariantRun") -> None:
        """Read the process's events until it has ended, hangs, or has to pause."""
        silent = computed = 0.0
        while True:
            if self._stopped.is_set():
                raise KernelRunStoppedError
            if self._hold():
                one.begun = False  # it is begun anew, once there is room
                return
            try:
                event = process.next_event(_POLL_S)
            except KernelProcessEndedError as end:
                if self._stopped.is_set():
                    raise KernelRunStoppedError from end
                if not end.from_outside:
                    self._tell(one, one.end(str(end), crashed=end.crashed))
                elif not one.may_go_on():
                    raise _not_made(str(end)) from end
                return
            if event is not None:
                self._tell(one, one.handle_event(event))
                silent = 0.0
                continue
            computed = process.cpu_seconds() if silent == 0 else computed
            silent += _POLL_S
            computing = process.cpu_seconds() - computed if one.begun else 0.0
            if silent >= self._timeouts.silent_s or computing >= self._timeouts.computing_s:
                self._tell(one, one.end(tr("it hung"), hung=True))
                return

    def _tell(self, one: "_VariantRun", results: Sequence[KernelResult]) -> None:
        for result in results:
            self._on_result(result, len(one.plan))

    def _wait_while_held(self) -> None:
        while self._hold():
            if self._stopped.wait(_POLL_S):
                raise KernelRunStoppedError
        if self._stopped.is_set():
            raise KernelRunStoppedError


class _VariantRun:
    """How far one variant is tested, over as many processes as it takes."""

    def __init__(self, asked: str, timeouts: KernelTimeouts) -> None:
        self._timeouts = timeouts
        self._ended_from_outside = 0
        self._deaths: dict[tuple[str, str], int] = {}
        self.variants: tuple[str, ...] = ()
        self.variant = asked
        self.plan: tuple[Kernel, ...] = ()
        self.index = 0
        self.begun = False
        self.over = False
        self.crashed = False
        self.results: list[KernelResult] = []
        self.problem = ""

    def handle_event(self, event: CpuVariants | KernelPlan | KernelStarted | KernelComputed) -> Sequence[KernelResult]:
        """Note what the process said; the results that follow from it."""
        match event:
            case CpuVariants(names=names):
                self.variants = names
            case KernelPlan(variant=variant, kernels=kernels):
                self.variant, self.plan = self.variant or variant, kernels
            case KernelStarted(index=index):
                self.index, self.begun = index, True
            case KernelComputed(seconds=seconds, error=error):
                self.begun = False
                return self._note(error, seconds)
        return ()

    def may_go_on(self) -> bool:
        """Whether the same kernel is tried once more, after the process was ended from outside."""
        self.begun = False
        self._ended_from_outside += 1
        return self._ended_from_outside <= _MOST_ENDED_FROM_OUTSIDE

    def end(self, why: str, *, hung: bool = False, crashed: bool = False) -> Sequence[KernelResult]:
        """The process has ended, or has to be; the results that follow from it."""
        self.begun = False
        self.crashed |= crashed
        if self.index >= len(self.plan):  # all is computed, or it cannot even be begun
            self.over = True
            self.problem = "" if self.plan else why
            return ()
        group = _group(self.plan[self.index])
        self._deaths[group] = self._deaths.get(group, 0) + 1
        found = self._note(tr("the process died: {why}").format(why=why), 0.0)
        if hung or self._deaths[group] >= self._timeouts.deaths:
            found += self._skip(group)
        self.over = self.index >= len(self.plan)
        return found

    def _note(self, error: str, seconds: float) -> list[KernelResult]:
        result = self._result(self.plan[self.index], error, seconds)
        self.results.append(result)
        self.index += 1
        return [result]

    def _skip(self, group: tuple[str, str]) -> list[KernelResult]:
        """Compute no more of a group, of which too many died. It stands together in the plan."""
        skipped: list[KernelResult] = []
        while self.index < len(self.plan) and _group(self.plan[self.index]) == group:
            skipped += self._note(tr("not computed, after others like it ended the process"), 0.0)
        return skipped

    def _result(self, kernel: Kernel, error: str, seconds: float = 0.0) -> KernelResult:
        return KernelResult(
            type=kernel.type,
            batch=kernel.batch,
            rows=kernel.rows,
            ok=not error,
            seconds=seconds,
            operation=kernel.operation,
            buffer=kernel.buffer,
            variant=self.variant,
            error=error,
        )


def _not_made(why: str) -> EngineError:
    return EngineError(
        tr("The engine test could not be made."),
        tr("Its process is gone: {reason}.").format(reason=why),
        tr("Close other programs and try again; where that does not help, install Latchkey again."),
    )


def _group(kernel: Kernel) -> tuple[str, str]:
    """Kernels that are turned off together."""
    return (kernel.buffer, "attention" if kernel.operation == "FLASH_ATTN_EXT" else "product")
