"""Which model to propose to a person who has none yet but the built-in one. Pure: a catalog and a machine in, one entry
or None out."""

from collections.abc import Callable
from dataclasses import dataclass

from desktop.catalog.entries import Catalog, Entry
from desktop.catalog.lineage import node_of_entry, trace_in
from desktop.library.fitting import Fit, Machine, active_share, fit_of_size, recommended, usable_memory

LARGEST = 10_000_000_000
"""Bytes of the largest file that is proposed: a quarter of an hour at 100 Mbit/s. Who wants more finds it."""

FEWEST = 500_000_000
"""Weights of the smallest model that is proposed: smaller ones hold no conversation."""

FASTER_THAN_READING = 8.0
"""Tokens a second."""

_SHARE_OF_MEMORY = 0.75  # of what a model may take: other programs are open as well


@dataclass(frozen=True)
class Suggestion:
    """A model, and the file of it that suits the machine. `size` in bytes, `license` an id."""

    model_id: str
    name: str
    file: str
    size: int
    license: str
    fit: Fit


def suggest(
    catalog: Catalog,
    machine: Machine,
    *,
    free: int | None = None,
    allowed: Callable[[Entry], bool] = lambda entry: True,
) -> Suggestion | None:
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
        (entry.published[:4], entry.parameters, -place, made)
        for place, entry in enumerate(catalog.model)
        if _free_to_use(entry, catalog) and (made := _for(entry, machine, most)) is not None and allowed(entry)
    ]
    return max(found, key=lambda each: each[:3])[3] if found else None


def _free_to_use(entry: Entry, catalog: Catalog) -> bool:
    if entry.id in catalog.own_models or entry.gate != "open" or entry.parameters < FEWEST:
        return False
    if not (entry.chat and entry.runnable and entry.gguf and entry.published):
        return False
    lineage = trace_in(catalog, node_of_entry(entry))
    return not lineage.terms and not lineage.flags


def _for(entry: Entry, machine: Machine, most: int) -> Suggestion | None:
    files = [(each.name, each.quantization, each.size) for each in entry.file if 0 < each.size <= most]
    active = active_share(entry)
    chosen = recommended(files, machine, active=active)
    size = next((size for name, _, size in files if name == chosen), 0)
    fit = fit_of_size(size, machine, active=active)
    if not suits(fit, machine):
        return None
    return Suggestion(entry.id, entry.name, chosen, size, entry.license, fit)


def suits(fit: Fit, machine: Machine) -> bool:
    """Whether a model that fits like this is one to propose: on the GPU, or in three quarters of the memory that a
    model may take, answering faster than people read (8 tokens a second)."""
    return fit.label == "fits-gpu" or (is_roomy(fit, machine) and fit.speed >= FASTER_THAN_READING)


def is_roomy(fit: Fit, machine: Machine) -> bool:
    """Whether it fits the memory and leaves a quarter of what a model may take to other programs."""
    return fit.label == "fits-memory" and fit.needed <= _SHARE_OF_MEMORY * usable_memory(machine)
