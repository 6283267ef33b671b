"""One model for each task on a machine, for the person who does not know models yet. Pure: a catalog and a machine in,
at most one model for a task out, with the reason in a sentence."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from desktop.catalog.catalog import Catalog, CatalogEntry
from desktop.catalog.license_terms import Strength
from desktop.catalog.lineage import node_of_entry, trace_in
from desktop.library.hardware_fit import (
    HardwareFit,
    HardwareLimits,
    active_weight_share,
    fit_of_size,
    recommended_file,
    sized_files,
    usable_memory,
)
from desktop.translation import tr

LARGEST = 10_000_000_000
"""Bytes of the largest file that is proposed: a quarter of an hour at 100 Mbit/s. Who wants more finds it."""

FEWEST = 500_000_000
"""Weights of the smallest model that is proposed: smaller ones hold no conversation."""

FASTER_THAN_READING = 8.0
"""Tokens a second."""

_SHARE_OF_MEMORY = 0.75  # of what a model may take: other programs are open as well
Task = Literal["chat", "coding", "reasoning", "multilingual", "fully-open"]
TASKS: tuple[Task, ...] = get_args(Task)
_STRENGTHS: dict[Task, Strength] = {
    "chat": "general",
    "coding": "coding",
    "reasoning": "reasoning",
    "multilingual": "multilingual",
    "fully-open": "fully-open",
}
_GIB = 1 << 30


@dataclass(frozen=True)
class FirstModelSuggestion:
    """A model, and the file of it that suits the machine. `size` in bytes, `license` an id."""

    model_id: str
    name: str
    file: str
    size: int
    license: str
    fit: HardwareFit


def suggest_first_model(
    catalog: Catalog,
    machine: HardwareLimits,
    *,
    free: int | None = None,
    allowed: Callable[[CatalogEntry], bool] = lambda entry: True,
) -> FirstModelSuggestion | None:
    """The model of `catalog` to propose on `machine`; None where none suits it, or its memory is not known.

    Proposed is only what a person can have and use without asking anybody: a chat model that runs, of half a billion
    weights or more, behind no gate, from a repository of GGUF files, whose lineage is known and restricts nothing. Of
    its files it is the recommended one, whose size has to be known and at most `LARGEST` (and half of the `free` bytes
    of the disk, where those are known). It has to fit the GPU, or to take at most three quarters of the memory that a
    model may take and answer faster than people read (8 tokens a second).

    Of those it is one from the newest year, as models of one size improve from year to year; of the same year the one
    with the most weights, as that answers best; then the first in the catalog's order. `allowed` says whether the
    policy lets an entry through.
    """
    most = LARGEST if free is None else min(LARGEST, free // 2)
    found = [
        (entry.published[:4], entry.parameters, -place, entry, made)
        for place, entry in enumerate(catalog.model)
        if _free_to_use(entry, catalog) and (made := _for(entry, machine, most)) is not None
    ]
    in_order = sorted(found, key=lambda each: each[:3], reverse=True)
    return next((made for *_, entry, made in in_order if allowed(entry)), None)


def _free_to_use(entry: CatalogEntry, catalog: Catalog) -> bool:
    if entry.id in catalog.own_models or entry.gate != "open" or entry.parameters < FEWEST:
        return False
    if not (entry.chat and entry.runnable and entry.gguf and entry.published):
        return False
    lineage = trace_in(catalog, node_of_entry(entry))
    return not lineage.terms and not lineage.flags


def _for(entry: CatalogEntry, machine: HardwareLimits, most: int) -> FirstModelSuggestion | None:
    files = [(each.name, each.quantization, each.size) for each in entry.file if 0 < each.size <= most]
    active = active_weight_share(entry)
    chosen = recommended_file(files, machine, active=active)
    size = next((size for name, _, size in files if name == chosen), 0)
    fit = fit_of_size(size, machine, active=active)
    if not suits(fit, machine):
        return None
    return FirstModelSuggestion(entry.id, entry.name, chosen, size, entry.license, fit)


def suits(fit: HardwareFit, machine: HardwareLimits) -> bool:
    """Whether a model that fits like this is one to propose: on the GPU, or in three quarters of the memory that a
    model may take, answering faster than people read (8 tokens a second)."""
    return fit.label == "fits-gpu" or (is_roomy(fit, machine) and fit.speed >= FASTER_THAN_READING)


def is_roomy(fit: HardwareFit, machine: HardwareLimits) -> bool:
    """Whether it fits the memory and leaves a quarter of what a model may take to other programs."""
    return fit.label == "fits-memory" and fit.needed <= _SHARE_OF_MEMORY * usable_memory(machine)


@dataclass(frozen=True)
class TaskRecommendation:
    """A model chosen for one task or several. `file` is the one to take, `size` its bytes (`exact` where the catalog
    knows them), `here` says that it is on this computer already, `reason` why it was chosen, in a sentence."""

    model_id: str
    name: str
    tasks: tuple[Task, ...]
    file: str
    size: int
    fit: HardwareFit
    reason: str
    exact: bool = True
    here: bool = False


@dataclass(frozen=True)
class _TaskCandidate:
    entry: CatalogEntry
    place: int
    file: str
    size: int
    fit: HardwareFit
    quick: bool

    def order(self, task: Task) -> tuple[str, bool, bool, float, str, int]:
        """The sort key, the largest first: the year, whether it is quick here, whether it was made for the task,
        weights, the day, the catalog's order."""
        entry = self.entry
        weights = float(f"{entry.parameters:.1e}")  # 32.23 billion are no more than 32.21
        return entry.published[:4], self.quick, _is_made_for(entry, task), weights, entry.published, -self.place


def recommend_by_task(
    catalog: Catalog,
    machine: HardwareLimits,
    *,
    here: Collection[str] = frozenset(),
    free: int | None = None,
    allowed: Callable[[CatalogEntry], bool] = lambda entry: True,
) -> tuple[TaskRecommendation, ...]:
    """The models of `catalog` to begin with on `machine`, in the order of `TASKS`; none where its memory is not known.

    A model has to chat, to run, to have half a billion weights, files at the Hub and a lineage without open questions.
    Gates and restrictions rule none out: they are told with it. Nor does a size that nobody checked: it is worked out.
    The file is the recommended one of those that half of the `free` bytes of the disk hold. It has to fit the GPU, or
    three quarters of the memory without being slow (3 tokens a second); where no model for a task does, all of it.

    For each task it is one of the newest year among those the catalog says are good at it; of these one that answers
    faster than people read; one that was made for code or reasoning alone, where it is about that; then the one with
    the most weights, the youngest, the first in the catalog. But where a model that is good at a task is `here` (ids of
    entries) and fits at all, the choice is made. `allowed` says whether policy and purpose let an entry through.
    """
    most = None if free is None else free // 2
    on_disk: list[_TaskCandidate] = []
    roomy: list[_TaskCandidate] = []
    tight: list[_TaskCandidate] = []
    for place, entry in enumerate(catalog.model):
        is_here = entry.id in here
        if not _may_be_chosen(entry, catalog) or not (is_here or (_may_be_had(entry) and allowed(entry))):
            continue
        made = _candidate(place, entry, machine, None if is_here else most)
        if made is None or not made.fit.fits:
            continue
        if is_here:
            on_disk.append(made)
        elif made.fit.label == "fits-gpu" or is_roomy(made.fit, machine):
            roomy.append(made)
        elif made.fit.label == "fits-memory":
            tight.append(made)
    chosen: dict[str, tuple[_TaskCandidate, list[Task]]] = {}
    for task in TASKS:
        found = (_best(group, task, catalog) for group in (on_disk, roomy, tight))
        best = next((each for each in found if each is not None), None)
        if best is not None:
            chosen.setdefault(best.entry.id, (best, []))[1].append(task)
    return tuple(_made(best, tasks, machine, here=best.entry.id in here) for best, tasks in chosen.values())


def task_name(task: Task) -> str:
    """A task in a word or two."""
    return {
        "chat": tr("chat"),
        "coding": tr("code"),
        "reasoning": tr("reasoning"),
        "multilingual": tr("many languages"),
        "fully-open": tr("fully open, training data too"),
    }[task]


def tasks_text(tasks: Sequence[Task]) -> str:
    """The tasks of one model: "Chat · many languages"."""
    text = " · ".join(task_name(task) for task in tasks)
    return text[:1].upper() + text[1:]


def _may_be_chosen(entry: CatalogEntry, catalog: Catalog) -> bool:
    if entry.id in catalog.own_models or entry.gate == "closed" or entry.parameters < FEWEST:
        return False
    return entry.chat and entry.runnable and bool(entry.published)


def _may_be_had(entry: CatalogEntry) -> bool:
    return bool(entry.gguf) and entry.gate != "click-through"


def _is_made_for(entry: CatalogEntry, task: Task) -> bool:
    return task in ("coding", "reasoning") and "general" not in entry.strengths


def _candidate(
    place: int, entry: CatalogEntry, machine: HardwareLimits, most: int | None = None
) -> _TaskCandidate | None:
    files = [each for each in sized_files(entry) if each[2] > 0 and (most is None or each[2] <= most)]
    if not files:
        return None
    active = active_weight_share(entry)
    chosen = recommended_file(files, machine, active=active)
    size = next((size for name, _, size in files if name == chosen), 0)
    if not size:
        return None
    fit = fit_of_size(size, machine, active=active)
    return _TaskCandidate(entry, place, chosen, size, fit, suits(fit, machine))


def _best(candidates: Iterable[_TaskCandidate], task: Task, catalog: Catalog) -> _TaskCandidate | None:
    good = [each for each in candidates if _STRENGTHS[task] in each.entry.strengths]
    in_order = sorted(good, key=lambda each: each.order(task), reverse=True)
    return next((each for each in in_order if not trace_in(catalog, node_of_entry(each.entry)).flags), None)


def _made(best: _TaskCandidate, tasks: Sequence[Task], machine: HardwareLimits, *, here: bool) -> TaskRecommendation:
    entry = best.entry
    reason = tr("Already on this computer.") if here else _reason(best, tasks, machine)
    exact = any(each.name == best.file and each.size for each in entry.offered)
    return TaskRecommendation(entry.id, entry.name, tuple(tasks), best.file, best.size, best.fit, reason, exact, here)


def _reason(best: _TaskCandidate, tasks: Sequence[Task], machine: HardwareLimits) -> str:
    """One sentence: of what it is the largest, and how it fits."""
    entry, fit = best.entry, best.fit
    memory = machine.memory_total
    if fit.label == "fits-gpu":
        memory = sum(device.memory_total for device in machine.devices)
        how = tr("that fits a GPU with {memory} GB")
    elif suits(fit, machine):
        how = tr("that fits {memory} GB of memory and answers faster than you read")
    elif is_roomy(fit, machine):
        how = tr("that fits {memory} GB of memory and answers a little slower than you read")
    elif fit.speed >= FASTER_THAN_READING:
        how = tr("that fits {memory} GB of memory while little else is open")
    else:
        how = tr("that fits {memory} GB of memory while little else is open, a little slower than you read")
    how = how.format(memory=max(round(memory / _GIB), 1))
    if all(_is_made_for(entry, task) for task in tasks):
        return tr("The largest of {year} made for this alone {how}.").format(year=entry.published[:4], how=how)
    return tr("The largest of {year} {how}.").format(year=entry.published[:4], how=how)
