"""Which model is proposed first: on small and large machines, with the catalog that ships and with odd ones."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from desktop.catalog.catalog import Catalog, CatalogEntry
from desktop.catalog.catalog_file import read_catalog
from desktop.catalog.lineage import node_of_entry, trace_in
from desktop.library.hardware_fit import GpuMemory, HardwareLimits, usable_memory
from desktop.library.library_services import build_library_services
from desktop.library.recommendations import LARGEST, suggest_first_model
from desktop.paths import find_paths
from tests.accepting import import_and_accept
from tests.fakes.tiny_gguf import random_model

GIB = 1 << 30


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    paths = find_paths({"LATCHKEY_HOME": "unused"})
    return read_catalog(paths.catalog, None, text_folders=(paths.resources,)).catalog


def machine(gib: float, cores: int = 4, gpu: float = 0) -> HardwareLimits:
    memory = int(gib * GIB)
    devices = (GpuMemory("A GPU", int(gpu * GIB), int(gpu * GIB)),) if gpu else ()
    return HardwareLimits(memory, memory, devices, cores)


@pytest.mark.parametrize("gib", [4, 8, 24, 64])
@pytest.mark.parametrize("cores", [2, 4, 16])
def test_what_is_proposed_can_be_had_fits_and_restricts_nothing(catalog: Catalog, gib: int, cores: int) -> None:
    here = machine(gib, cores)
    found = suggest_first_model(catalog, here)
    assert found is not None
    entry = catalog.find_model(found.model_id)
    assert entry is not None
    assert (entry.gate, entry.chat, entry.runnable) == ("open", True, True)
    assert entry.gguf
    lineage = trace_in(catalog, node_of_entry(entry))
    assert (lineage.terms, lineage.flags) == ((), ())
    (file,) = [each for each in entry.file if each.name == found.file]
    assert 0 < file.size == found.size <= LARGEST
    assert found.fit.label == "fits-memory"
    assert found.fit.needed <= 0.75 * usable_memory(here)
    assert found.fit.speed >= 8
    newest = max(each.published[:4] for each in catalog.model)
    assert entry.published[:4] == newest


def test_a_larger_machine_is_proposed_no_smaller_model(catalog: Catalog) -> None:
    found = [suggest_first_model(catalog, machine(gib)) for gib in (4, 8, 24, 64)]
    sizes = [each.size for each in found if each is not None]
    assert len(sizes) == 4
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[1]


def test_a_gpu_carries_a_larger_one(catalog: Catalog) -> None:
    without, with_gpu = suggest_first_model(catalog, machine(32)), suggest_first_model(catalog, machine(32, gpu=24))
    assert without is not None
    assert with_gpu is not None
    assert with_gpu.fit.label == "fits-gpu"
    assert without.size < with_gpu.size <= LARGEST


@pytest.mark.parametrize("gib", [0, 0.5, 1])
def test_tiny_or_unknown_memory_is_proposed_nothing(catalog: Catalog, gib: float) -> None:
    assert suggest_first_model(catalog, machine(gib, cores=1)) is None


def test_a_full_disk_is_proposed_nothing_and_a_small_one_a_small_model(catalog: Catalog) -> None:
    assert suggest_first_model(catalog, machine(24), free=0) is None
    small = suggest_first_model(catalog, machine(24), free=2 * GIB)
    assert small is not None
    assert small.size <= GIB


def test_what_the_policy_forbids_is_not_proposed(catalog: Catalog) -> None:
    first = suggest_first_model(catalog, machine(24))
    assert first is not None
    other = suggest_first_model(catalog, machine(24), allowed=lambda entry: entry.id != first.model_id)
    assert other is not None
    assert other.model_id != first.model_id
    assert suggest_first_model(catalog, machine(24), allowed=lambda entry: False) is None


@pytest.mark.parametrize(
    "change",
    [
        {"gate": "hub-auto"},
        {"chat": False},
        {"not_runnable": "Nothing computes it."},
        {"gguf": ""},
        {"published": ""},
        {"parameters": 400_000_000},
        {"file": ()},
        {"license": "LicenseRef-Gemma"},
        {"license": "LicenseRef-Nobody-Knows"},
        {"origin": "unknown", "base": ()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_cannot_just_be_used_is_not_proposed(catalog: Catalog, change: dict[str, object]) -> None:
    first = suggest_first_model(catalog, machine(24))
    assert first is not None
    entry = catalog.find_model(first.model_id)
    assert entry is not None
    assert suggest_first_model(_only(catalog, entry), machine(24)) is not None
    assert suggest_first_model(_only(catalog, msgspec.structs.replace(entry, **change)), machine(24)) is None


def _only(catalog: Catalog, entry: CatalogEntry) -> Catalog:
    """The catalog with `entry` as the only model that can be had."""
    others = tuple(msgspec.structs.replace(each, gguf="") for each in catalog.model if each.id != entry.id)
    return msgspec.structs.replace(catalog, model=(*others, entry))


# --- in a home --------------------------------------------------------------------------------------------------------


def _proposed(home: Path) -> bool:
    return build_library_services(find_paths()).lookup.suggestion() is not None


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine and a disk that something fits."""
    monkeypatch.setattr("desktop.library.model_lookup.hardware_limits", lambda *_: machine(24))
    monkeypatch.setattr("desktop.library.model_lookup.free_space", lambda _: 100 * GIB)


@pytest.mark.usefixtures("roomy")
def test_nothing_is_proposed_once_a_real_model_is_here(home: Path) -> None:
    assert _proposed(home)
    import_and_accept(home, random_model(home / "mine.gguf"))
    assert not _proposed(home)


@pytest.mark.usefixtures("roomy")
@pytest.mark.parametrize(
    "hinder",
    [
        lambda home, patch: patch.setenv("LATCHKEY_OFFLINE", "1"),
        lambda home, patch: _policy(home, patch, "offline = true\n"),
        lambda home, patch: _policy(home, patch, '[deny]\ngate = ["open"]\n'),
        lambda home, patch: _policy(home, patch, "no policy"),
    ],
    ids=["offline", "offline by policy", "denied", "broken policy"],
)
def test_nothing_is_proposed_that_could_not_be_fetched(
    home: Path, monkeypatch: pytest.MonkeyPatch, hinder: Callable[[Path, pytest.MonkeyPatch], None]
) -> None:
    hinder(home, monkeypatch)
    assert not _proposed(home)


def _policy(home: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (home / "policy.toml").write_text(text)
    monkeypatch.setenv("LATCHKEY_POLICY", str(home / "policy.toml"))
