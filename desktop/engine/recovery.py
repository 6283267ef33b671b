"""What is done after a worker died, and what such deaths taught: which step is taken next, and what is told."""

import logging
from collections.abc import Callable
from typing import Literal

import msgspec

from desktop.engine import endings
from desktop.engine.answer_progress import AnswerProgress
from desktop.engine.fallback_store import FallbackStore, Remembered, machine_key
from desktop.engine.kernel_report import KernelChoice
from desktop.engine.load_fallback import Caution, FallbackStep, FileIdentity, LoadAttempt, identity_of, lower_variant
from desktop.engine.messages import PLAINEST_VARIANT, Done, LoadParams, Probed
from desktop.engine.process import Death
from desktop.errors import UserError
from desktop.translation import tr

Stage = Literal["idle", "probing", "loading", "answering"]
_log = logging.getLogger(__name__)


class Recovery:
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
        self._asked_for: set[FileIdentity] = set()
        self._variants: tuple[str, ...] = ()

    # --- before a load ---

    def first_variant(self, params: LoadParams | None = None) -> str:
        """The CPU variant to start a worker with, before it said which there are; "" for the best."""
        return (params.cpu_variant if params is not None else "") or self._tested().cpu_variant

    def prepare(self, attempt: LoadAttempt, probed: Probed) -> None:
        """Have `attempt` leave off what is known to crash here. Raises EngineError where all of it is."""
        self._variants = probed.cpu_variants
        known = self._store.find(attempt.file, machine_key(probed))
        first = attempt.file not in self._asked_for
        self._asked_for.add(attempt.file)
        if known is not None and known.unusable and first and self._refuses_unusable:
            raise endings.known_unusable(attempt.path.name, known.unusable, known.technical)
        attempt.begin_with(probed, self._tested(), known.caution if known is not None else Caution())

    def _tested(self) -> Caution:
        try:
            choice = self._choice()
        except Exception:  # noqa: BLE001 - the engine works without what the test found
            _log.exception("what the engine test found could not be looked up")
            choice = None
        return Caution(choice.extra_buffers, choice.flash_attention, choice.variant) if choice else Caution()

    # --- after a death ---

    def after(
        self, death: Death, attempt: LoadAttempt, answer: AnswerProgress | None, stage: Stage
    ) -> FallbackStep | UserError:
        """How to go on after a worker died at `stage`, or what to tell."""
        if stage == "probing":
            variant = self.after_probing(death)
            return endings.died_starting(death) if variant is None else _plainer(attempt.step, variant)
        if stage == "loading" or answer is None:
            return self._after_loading(death, attempt)
        return self._after_answering(death, attempt, answer)

    def after_probing(self, death: Death) -> str | None:
        """The CPU variant to start another worker with, where the first one crashed before it said a word."""
        if death.kind != "crash" or death.library_error:
            return None
        if self._variants:
            return lower_variant(death.cpu_variant, self._variants)
        return PLAINEST_VARIANT if death.cpu_variant != PLAINEST_VARIANT else None

    def _after_loading(self, death: Death, attempt: LoadAttempt) -> FallbackStep | UserError:
        """How to go on after a death while the model was read or warmed up."""
        if death.kind != "crash":
            return endings.died_loading(attempt.path.name, death)
        return attempt.next_step() or self._given_up(attempt, death)

    def _after_answering(self, death: Death, attempt: LoadAttempt, answer: AnswerProgress) -> FallbackStep | UserError:
        """How to go on after a death in the middle of an answer."""
        if death.kind != "crash":
            return endings.died(death)
        if identity_of(attempt.path) != attempt.file:  # it is mapped: one that became shorter ends whoever reads it
            return endings.file_changed(death)
        if not answer.prompted:  # nothing was computed yet
            if answer.died_rendering:
                return endings.died_rendering(death)
            answer.died_rendering = True
            told = tr("The engine stopped, and was started again.")
            return FallbackStep(attempt.step.params, told, attempt.step.caution)
        return attempt.next_step() or self._given_up(attempt, death)

    def _given_up(self, attempt: LoadAttempt, death: Death) -> UserError:
        assert attempt.probed is not None
        machine = machine_key(attempt.probed)
        self._store.keep(Remembered(attempt.file, machine, unusable=death.reason or "?", technical=death.technical))
        return endings.unusable(attempt.path.name, death.reason, death.technical)

    # --- after an answer ---

    def answered(self, attempt: LoadAttempt, done: Done) -> None:
        """A whole answer was given: what it was loaded with works, and is remembered."""
        if attempt.kept or attempt.probed is None or done.stop_reason == "cancelled" or not done.generated_tokens:
            return
        attempt.kept = True
        works = Remembered(attempt.file, machine_key(attempt.probed), attempt.step.caution)
        known = self._store.find(works.file, works.machine)
        if known != works and (known is not None or works.caution != Caution()):
            self._store.keep(works)


def _plainer(step: FallbackStep, cpu_variant: str) -> FallbackStep:
    """`step` with another CPU variant, after a worker crashed as it started."""
    told = tr("The engine stopped as it started, so it was started again more cautiously.")
    params = msgspec.structs.replace(step.params, cpu_variant=cpu_variant)
    return FallbackStep(params, told, msgspec.structs.replace(step.caution, cpu_variant=cpu_variant))
