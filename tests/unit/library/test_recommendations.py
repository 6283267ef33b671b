"""Which models a person is told to begin with: on small and large machines, with the catalog that ships and odd
ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from desktop.catalog.catalog import Catalog, CatalogEntry, EntryFile
from desktop.catalog.catalog_file import read_catalog
from desktop.catalog.lineage import node_of_entry, trace_in
from desktop.library.hardware_fit import GpuMemory, HardwareLimits
from desktop.library.library_model import LibraryCard
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.library.recommendations import TASKS, Task, TaskRecommendation, recommend_by_task, tasks_text
from desktop.paths import find_paths

GIB = 1 << 30
STRENGTHS = {"chat": "general", "coding": "coding", "reasoning": "reasoning", "multilingual": "multilingual",
             "fully-open": "fully-open"}  # fmt: skip


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    paths = find_paths({"LATCHKEY_HOME": "unused"})
    return read_catalog(paths.catalog, None, text_folders=(paths.resources,)).catalog


def machine(gib: float, gpu: float = 0, cores: int = 4) -> HardwareLimits:
    memory = int(gib * GIB)
    devices = (GpuMemory("A GPU", int(gpu * GIB), int(gpu * GIB)),) if gpu else ()
    return HardwareLimits(memory, memory, devices, cores)


def by_task(found: tuple[TaskRecommendation, ...]) -> dict[Task, TaskRecommendation]:
    return {task: each for each in found for task in each.tasks}


MACHINES = [machine(4), machine(8), machine(24), machine(64), machine(8, 12), machine(24, 12), machine(64, 24)]


@pytest.mark.parametrize("here", MACHINES, ids=lambda each: f"{each.memory_total // GIB}-{len(each.devices)}")
def test_what_is_chosen_runs_here_and_is_good_at_its_tasks(catalog: Catalog, here: HardwareLimits) -> None:
    found = recommend_by_task(catalog, here)
    assert 2 <= len(found) <= len(TASKS)
    assert len({each.model_id for each in found}) == len(found)
    chosen = by_task(found)
    assert sum(len(each.tasks) for each in found) == len(chosen)
    assert {"chat", "reasoning", "multilingual", "fully-open"} <= set(chosen)
    for task, each in chosen.items():
        entry = catalog.find_model(each.model_id)
        assert entry is not None
        assert STRENGTHS[task] in entry.strengths
        assert (entry.chat, entry.runnable, bool(entry.gguf)) == (True, True, True)
        assert entry.gate != "closed"
        assert not trace_in(catalog, node_of_entry(entry)).flags
        assert each.fit.label in ("fits-gpu", "fits-memory")
        assert each.file in [file.name for file in entry.offered]
        assert not each.here


@pytest.mark.parametrize("here", [machine(8), machine(24), machine(64), machine(24, 12)])
def test_there_is_something_for_every_task_from_8_gb_on(catalog: Catalog, here: HardwareLimits) -> None:
    assert set(by_task(recommend_by_task(catalog, here))) == set(TASKS)


def test_the_same_is_chosen_every_time(catalog: Catalog) -> None:
    assert recommend_by_task(catalog, machine(24)) == recommend_by_task(catalog, machine(24))


def test_a_larger_machine_gets_no_smaller_model_to_chat_with(catalog: Catalog) -> None:
    sizes = [by_task(recommend_by_task(catalog, machine(gib)))["chat"].size for gib in (4, 8, 24, 64)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.parametrize("here", [machine(0), machine(0.5, cores=1), HardwareLimits(0, 0)])
def test_where_nothing_fits_or_memory_is_not_known_nothing_is_chosen(catalog: Catalog, here: HardwareLimits) -> None:
    assert recommend_by_task(catalog, here) == ()


# --- odd catalogs ----------------------------------------------------------------------------------------------------


def entry(model_id: str, billions: float = 3, **more: Any) -> CatalogEntry:
    fields: dict[str, Any] = {
        "file": (EntryFile(f"{model_id}-Q4_K_M.gguf", "Q4_K_M"),),
        "gguf": f"somebody/{model_id}",
        "parameters": int(billions * 1e9),
        "published": "2026-03-01",
        "strengths": ("general",),
        **more,
    }
    return CatalogEntry(
        model_id, model_id.upper(), "Some", "Somebody", "MIT", fields.pop("gate", "open"), "A model.", "llama", **fields
    )


def chosen(
    catalog: Catalog, *entries: CatalogEntry, here: HardwareLimits | None = None, **more: Any
) -> list[tuple[str, str]]:
    small = msgspec.structs.replace(catalog, model=entries)
    return [(each.model_id, tasks_text(each.tasks)) for each in recommend_by_task(small, here or machine(16), **more)]


def test_a_model_for_two_tasks_stands_once_with_both(catalog: Catalog) -> None:
    both = entry("both", strengths=("general", "multilingual"))
    assert chosen(catalog, both, entry("data", strengths=("fully-open",))) == [
        ("both", "Chat · many languages"),
        ("data", "Fully open, training data too"),
    ]


def test_the_newest_year_comes_before_the_weights_and_those_before_the_day(catalog: Catalog) -> None:
    old, new = entry("old", 4, published="2025-12-31"), entry("new", 2, published="2026-01-01")
    assert chosen(catalog, old, new) == [("new", "Chat")]
    large = entry("large", 3, published="2026-01-02")
    assert chosen(catalog, new, large) == [("large", "Chat")]
    younger = entry("younger", 3.001, published="2026-02-02")
    alike = entry("alike", 3.002, published="2026-01-02")
    assert chosen(catalog, alike, younger) == [("younger", "Chat")]
    assert chosen(catalog, entry("first"), entry("second")) == [("first", "Chat")]


def test_a_model_made_for_code_alone_comes_before_a_larger_general_one(catalog: Catalog) -> None:
    general, coder = entry("general", 4, strengths=("general", "coding")), entry("coder", 3, strengths=("coding",))
    assert chosen(catalog, general, coder) == [("general", "Chat"), ("coder", "Code")]
    (_, code) = recommend_by_task(msgspec.structs.replace(catalog, model=(general, coder)), machine(16))
    assert code.reason == (
        "The largest of 2026 made for this alone that fits 16 GB of memory and answers faster than you read."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"gate": "closed"},
        {"gate": "click-through"},
        {"gguf": ""},
        {"chat": False},
        {"not_runnable": "Nothing computes it."},
        {"published": ""},
        {"parameters": 400_000_000},
        {"file": ()},
        {"license": "LicenseRef-Nobody-Knows"},
        {"origin": "unknown"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_cannot_be_had_or_is_not_clear_is_not_chosen(catalog: Catalog, change: dict[str, Any]) -> None:
    good, other = entry("good"), entry("other", 1)
    assert chosen(catalog, good, other) == [("good", "Chat")]
    assert chosen(catalog, msgspec.structs.replace(good, **change), other) == [("other", "Chat")]


@pytest.mark.parametrize("change", [{"gate": "hub-auto"}, {"gate": "hub-manual"}, {"license": "LicenseRef-Gemma"}])
def test_gates_and_restrictions_rule_nothing_out(catalog: Catalog, change: dict[str, Any]) -> None:
    assert chosen(catalog, msgspec.structs.replace(entry("good"), **change)) == [("good", "Chat")]


def test_a_persons_own_entries_and_what_the_policy_forbids_are_not_chosen(catalog: Catalog) -> None:
    good, other = entry("good"), entry("other", 1)
    assert chosen(catalog, good, other, allowed=lambda each: each.id != "good") == [("other", "Chat")]
    own = msgspec.structs.replace(catalog, model=(good, other), own_models=frozenset({"good"}))
    assert [each.model_id for each in recommend_by_task(own, machine(16))] == ["other"]


def test_a_full_disk_leaves_smaller_models(catalog: Catalog) -> None:
    large, small = entry("large", 3), entry("small", 1)
    assert chosen(catalog, large, small, free=2 * GIB) == [("small", "Chat")]
    assert chosen(catalog, large, small, free=0) == []


def test_where_nothing_is_quick_a_slower_one_is_chosen_and_that_is_said(catalog: Catalog) -> None:
    (found,) = recommend_by_task(msgspec.structs.replace(catalog, model=(entry("large", 8),)), machine(16))
    assert found.reason == "The largest of 2026 that fits 16 GB of memory and answers a little slower than you read."
    assert chosen(catalog, entry("large", 8), entry("quick", 1)) == [("quick", "Chat")]
    old = entry("old", 1, published="2025-06-01")
    assert chosen(catalog, entry("large", 8), old) == [("large", "Chat")]
    assert chosen(catalog, entry("huge", 24), here=machine(24)) == []


def test_one_that_needs_nearly_all_memory_is_chosen_where_no_other_is(catalog: Catalog) -> None:
    tight = entry("tight", 22, active_parameters=3_000_000_000)
    (found,) = recommend_by_task(msgspec.structs.replace(catalog, model=(tight,)), machine(16))
    assert found.reason == "The largest of 2026 that fits 16 GB of memory while little else is open."
    assert chosen(catalog, tight, entry("old", 2, published="2024-06-01")) == [("old", "Chat")]


def test_the_reason_names_the_gpu_where_it_fits_one(catalog: Catalog) -> None:
    (found,) = recommend_by_task(msgspec.structs.replace(catalog, model=(entry("m", 8),)), machine(24, 12))
    assert (found.fit.label, found.reason) == ("fits-gpu", "The largest of 2026 that fits a GPU with 12 GB.")


def test_what_is_here_already_is_the_choice_and_says_so(catalog: Catalog) -> None:
    mine = entry("mine", 1, published="2024-01-01", strengths=("general", "multilingual"))
    better = entry("better", 3, strengths=("general", "reasoning", "multilingual"))
    small = msgspec.structs.replace(catalog, model=(better, mine))
    first, second = recommend_by_task(small, machine(16), here={"mine"})
    assert (first.model_id, first.tasks, first.here) == ("mine", ("chat", "multilingual"), True)
    assert first.reason == "Already on this computer."
    assert (second.model_id, second.tasks, second.here) == ("better", ("reasoning",), False)


def test_a_size_that_nobody_checked_is_marked_as_worked_out(catalog: Catalog) -> None:
    known = entry("known", 1, file=(EntryFile("known-Q4_K_M.gguf", "Q4_K_M", 700_000_000),))
    for each, exact in ((entry("m"), False), (known, True)):
        (found,) = recommend_by_task(msgspec.structs.replace(catalog, model=(each,)), machine(16))
        assert found.exact is exact
        assert found.size > 0


# --- in a home -------------------------------------------------------------------------------------------------------


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.library.model_lookup.hardware_limits", lambda *_: machine(24))
    monkeypatch.setattr("desktop.library.model_lookup.free_space", lambda _: 100 * GIB)


def _choices(assembly: LibraryServices) -> dict[str, TaskRecommendation]:
    cards = [
        LibraryCard(each, assembly.acknowledgements.verdict(each.subject)) for each in assembly.library.list_models()
    ]
    return assembly.lookup.task_recommendations(cards)


@pytest.mark.usefixtures("roomy")
def test_an_empty_home_gets_the_choices_of_its_machine(home: Path, catalog: Catalog) -> None:
    found = _choices(build_library_services(find_paths()))
    assert tuple(found.values()) == recommend_by_task(catalog, machine(24))
    assert "latchkey-guide" not in found


@pytest.mark.usefixtures("roomy")
def test_a_policy_is_heeded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "policy.toml").write_text('[deny]\npublisher = ["Google"]\n')
    monkeypatch.setenv("LATCHKEY_POLICY", str(home / "policy.toml"))
    assembly = build_library_services(find_paths())
    found = _choices(assembly)
    assert found
    publishers = {assembly.library.find_listed(each).subject.publisher for each in found}
    assert "Google" not in publishers
