"""One model for each task on a machine, for the person who does not know models yet. Pure: a catalog and a machine in,
at most one model for a task out, with the reason in a sentence."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from desktop.catalog.entries import Catalog, Entry
from desktop.catalog.lineage import node_of_entry, trace_in
from desktop.catalog.terms import Strength
from desktop.library.fitting import Fit, Machine, active_share, fit_of_size, recommended, sized_files
from desktop.library.suggestion import FASTER_THAN_READING, FEWEST, is_roomy, suits
from desktop.translation import tr

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
class TaskChoice:
    """A model chosen for one task or several. `file` is the one to take, `size` its bytes (`exact` where the catalog
    knows them), `here` says that it is on this computer already, `reason` why it was chosen, in a sentence."""

    model_id: str
    name: str
    tasks: tuple[Task, ...]
    file: str
    size: int
    fit: Fit
    reason: str
    exact: bool = True
    here: bool = False


@dataclass(frozen=True)
class _Candidate:
    entry: Entry
    place: int
    file: str
    size: int
    fit: Fit
    quick: bool

    def order(self, task: Task) -> tuple[str, bool, bool, float, str, int]:
        """The larger the better: the year, whether it is quick here, whether it was made for the task, weights, the
        day, the catalog's order."""
        entry = self.entry
        weights = float(f"{entry.parameters:.1e}")  # 32.23 billion are no more than 32.21
        return entry.published[:4], self.quick, _is_made_for(entry, task), weights, entry.published, -self.place


def choose_by_task(
    catalog: Catalog,
    machine: Machine,
    *,
    here: Collection[str] = frozenset(),
    free: int | None = None,
    allowed: Callable[[Entry], bool] = lambda entry: True,
) -> tuple[TaskChoice, ...]:
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
    on_disk: list[_Candidate] = []
    roomy: list[_Candidate] = []
    tight: list[_Candidate] = []
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
    chosen: dict[str, tuple[_Candidate, list[Task]]] = {}
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


def _may_be_chosen(entry: Entry, catalog: Catalog) -> bool:
    if entry.id in catalog.own_models or entry.gate == "closed" or entry.parameters < FEWEST:
        return False
    return entry.chat and entry.runnable and bool(entry.published)


def _may_be_had(entry: Entry) -> bool:
    return bool(entry.gguf) and entry.gate != "click-through"


def _is_made_for(entry: Entry, task: Task) -> bool:
    return task in ("coding", "reasoning") and "general" not in entry.strengths


def _candidate(place: int, entry: Entry, machine: Machine, most: int | None = None) -> _Candidate | None:
    files = [each for each in sized_files(entry) if each[2] > 0 and (most is None or each[2] <= most)]
    if not files:
        return None
    active = active_share(entry)
    chosen = recommended(files, machine, active=active)
    size = next((size for name, _, size in files if name == chosen), 0)
    if not size:
        return None
    fit = fit_of_size(size, machine, active=active)
    return _Candidate(entry, place, chosen, size, fit, suits(fit, machine))


def _best(candidates: Iterable[_Candidate], task: Task, catalog: Catalog) -> _Candidate | None:
    good = [each for each in candidates if _STRENGTHS[task] in each.entry.strengths]
    in_order = sorted(good, key=lambda each: each.order(task), reverse=True)
    return next((each for each in in_order if not trace_in(catalog, node_of_entry(each.entry)).flags), None)


def _made(best: _Candidate, tasks: Sequence[Task], machine: Machine, *, here: bool) -> TaskChoice:
    entry = best.entry
    reason = tr("Already on this computer.") if here else _reason(best, tasks, machine)
    exact = any(each.name == best.file and each.size for each in entry.offered)
    return TaskChoice(entry.id, entry.name, tuple(tasks), best.file, best.size, best.fit, reason, exact, here)


def _reason(best: _Candidate, tasks: Sequence[Task], machine: Machine) -> str:
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
