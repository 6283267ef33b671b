"""Which label a model gets on which machine, with which figures, and which of its files is recommended."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from desktop.catalog.catalog import CatalogEntry, EntryFile
from desktop.engine import hardware
from desktop.engine.fallback_step import next_step
from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.engine.load_params import LoadParams
from desktop.engine.memory_estimate import estimate_memory
from desktop.engine.worker_messages import ComputeDevice as EngineDevice
from desktop.library.hardware_fit import (
    GpuMemory,
    HardwareLimits,
    active_weight_share,
    fit_of_header,
    fit_of_size,
    hardware_limits,
    recommended_file,
    sized_files,
)
from tests.fakes.tiny_gguf import random_model

GB = 1_000_000_000
LAPTOP = HardwareLimits(16 * GB, 12 * GB, (), 4)
WITH_GPU = replace(LAPTOP, devices=(GpuMemory("Card", 8 * GB, 7 * GB),))


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> GgufHeader:
    return read_header(random_model(tmp_path_factory.mktemp("fit") / "m.gguf", layers=4, context_length=32_768))


def large(header: GgufHeader, weights: int, **changes: Any) -> GgufHeader:
    """The header with weights of that size, all of them in its layers."""
    shape = replace(header.shape, weights=weights, active=weights, outside=0, layers=40, **changes)
    return replace(header, shape=shape, file_size=weights)


def offered(largest: int) -> list[tuple[str, str, int]]:
    """Files of one model as they are usually published, the F16 one `largest` bytes large."""
    shares = {
        "F16": 1.0, "Q8_0": 0.53, "Q6_K": 0.41, "Q5_K_M": 0.355, "Q4_K_M": 0.305, "Q4_K_S": 0.29, "Q3_K_M": 0.25,
        "Q2_K": 0.2,
    }  # fmt: skip
    return [(f"model-{kind}.gguf", kind, int(largest * share)) for kind, share in shares.items()]


@pytest.mark.parametrize(
    ("weights", "label"),
    [
        (1 * GB, "fits-memory"),
        (9 * GB, "fits-memory"),
        (13 * GB, "slow"),
        (15 * GB, "too-large"),
        (60 * GB, "too-large"),
    ],
)
def test_the_label_follows_from_size_and_machine(header: GgufHeader, weights: int, label: str) -> None:
    fit = fit_of_header(large(header, weights), LAPTOP)
    assert (fit.label, fit.gpu_layers) == (label, None)
    assert fit.fits == (label != "too-large")
    assert fit.needed == estimate_memory(large(header, weights).shape, fit.context_length)


def test_both_figures_are_said(header: GgufHeader) -> None:
    fits = fit_of_header(large(header, 5 * GB), LAPTOP)
    assert fits.sentence == "Fits: needs 5.1 GB of 16.0 GB memory."
    slow = fit_of_header(large(header, 13 * GB), LAPTOP)
    assert slow.sentence.startswith("Fits, but slowly: needs 13.1 GB of 16.0 GB memory. An answer comes at about 2 ")
    over = fit_of_header(large(header, 20 * GB), LAPTOP)
    assert over.sentence == "Too large: needs 20.0 GB; of this machine's 16.0 GB memory 14.7 GB can be used."
    gpu = fit_of_header(large(header, 5 * GB), WITH_GPU)
    assert gpu.sentence == "Fits the GPU: needs 5.1 GB of 8.0 GB on Card."


def test_what_is_free_now_is_said_where_it_matters(header: GgufHeader) -> None:
    fit = fit_of_header(large(header, 5 * GB), replace(LAPTOP, memory_free=3 * GB))
    assert fit.label == "fits-memory", "a download outlives what is open now"
    assert fit.sentence.endswith("Only 3.0 GB are free now.")
    busy = replace(WITH_GPU, devices=(GpuMemory("Card", 8 * GB, 2 * GB),))
    assert fit_of_header(large(header, 5 * GB), busy).sentence.endswith("Only 2.0 GB are free now.")


def test_a_shorter_context_is_taken_where_the_usual_one_does_not_fit(header: GgufHeader) -> None:
    keys = {"full_values": 400_000}  # 0.8 MB for each token
    roomy, tight = (fit_of_header(large(header, weights * GB, **keys), LAPTOP) for weights in (5, 10))
    assert (roomy.context_length, tight.context_length) == (8192, 4096)
    assert tight.sentence.endswith("Its context is 4,096 tokens then. Only 12.0 GB are free now.")
    asked = fit_of_header(large(header, 10 * GB, **keys), LAPTOP, context_length=8192)
    assert asked.label == "too-large", "a context that was asked for is not shortened"


def test_the_gpu_is_judged_by_all_that_goes_there(header: GgufHeader) -> None:
    assert fit_of_header(large(header, 7 * GB), WITH_GPU).gpu_layers == -1
    assert fit_of_header(large(header, 7 * GB), WITH_GPU).available == 8 * GB
    two = replace(LAPTOP, devices=(GpuMemory("One", 8 * GB, 8 * GB), GpuMemory("Two", 8 * GB, 8 * GB)))
    assert fit_of_header(large(header, 14 * GB), two).label == "fits-gpu"
    assert fit_of_header(large(header, 7 * GB, full_values=400_000), WITH_GPU).label == "fits-memory"


def test_some_layers_go_to_the_gpu_as_loading_leaves_them(header: GgufHeader) -> None:
    model = large(header, 12 * GB)
    fit = fit_of_header(model, WITH_GPU)
    params, steps = LoadParams("", flash_attention="off"), []
    while step := next_step(params, model.shape.layers, True, lacked_memory=True):
        params = step.params
        steps.append(params.gpu_layers)
    assert steps == [20, 10, 5, 2, 0]
    assert (fit.label, fit.gpu_layers) == ("fits-memory", 20)
    assert "Part of it runs on the GPU." in fit.sentence
    assert fit.speed > fit_of_header(model, LAPTOP).speed
    tiny = replace(LAPTOP, devices=(GpuMemory("Old", GB, GB),))
    assert fit_of_header(model, tiny).gpu_layers in (0, 2)


def test_what_memory_alone_does_not_hold_may_fit_with_the_gpu(header: GgufHeader) -> None:
    assert fit_of_header(large(header, 17 * GB), LAPTOP).label == "too-large"
    with_large = replace(LAPTOP, devices=(GpuMemory("Card", 12 * GB, 12 * GB),))
    fit = fit_of_header(large(header, 17 * GB), with_large)
    assert (fit.fits, fit.gpu_layers) == (True, 20)


def test_few_weights_at_a_time_make_a_large_model_quick(header: GgufHeader) -> None:
    dense = large(header, 13 * GB)
    sparse = replace(dense, shape=replace(dense.shape, active=2 * GB))
    assert (fit_of_header(dense, LAPTOP).label, fit_of_header(sparse, LAPTOP).label) == ("slow", "fits-memory")
    assert fit_of_size(13 * GB, LAPTOP).label == "slow"
    assert fit_of_size(13 * GB, LAPTOP, "Some-30B-A3B-Q3_K_M.gguf").label == "fits-memory"
    assert fit_of_size(13 * GB, LAPTOP, "Some-8x3B-Q4_0.gguf").label == "fits-memory"


def test_fewer_cores_make_it_slow(header: GgufHeader) -> None:
    model = large(header, 4 * GB)
    assert fit_of_header(model, LAPTOP).label == "fits-memory"
    assert fit_of_header(model, replace(LAPTOP, cores=1)).label == "slow"


def test_another_quantization_is_judged_by_the_same_header(header: GgufHeader) -> None:
    model = large(header, 8 * GB, full_values=50_000)
    smaller = fit_of_header(model, LAPTOP, size=4 * GB)
    assert smaller.needed == fit_of_header(model, LAPTOP).needed - 4 * GB


@pytest.mark.parametrize("gigabytes", [2.0, 4.9, 9.0, 20.0])
def test_by_size_alone_cache_and_buffers_are_counted(gigabytes: float) -> None:
    size = int(gigabytes * GB)
    fit = fit_of_size(size, HardwareLimits(64 * GB, 60 * GB, (), 8))
    assert 1.08 * size < fit.needed < 1.5 * size
    assert "needs about" in fit.sentence
    assert (fit.context_length, fit.gpu_layers) == (0, None)


def test_what_is_not_known_is_said() -> None:
    assert fit_of_size(0, LAPTOP).label == "unknown"
    blind = fit_of_size(4 * GB, HardwareLimits(0, 0))
    assert (blind.label, blind.available) == ("unknown", 0)
    assert "is not known" in blind.sentence
    assert fit_of_size(4 * GB, HardwareLimits(0, 0, (GpuMemory("Card", 8 * GB, 8 * GB),))).label == "fits-gpu"


@pytest.mark.parametrize(
    ("largest", "machine", "expected"),
    [
        (2 * GB, LAPTOP, "Q8_0"),  # small: nothing is lost
        (6 * GB, LAPTOP, "Q8_0"),
        (8 * GB, LAPTOP, "Q6_K"),  # the better one would be slow to read along
        (16 * GB, LAPTOP, "Q4_K_M"),
        (40 * GB, LAPTOP, "Q3_K_M"),  # the usual one leaves no room
        (100 * GB, LAPTOP, ""),
        (16 * GB, WITH_GPU, "Q5_K_M"),  # the largest that the GPU holds
        (8 * GB, WITH_GPU, "Q8_0"),
        (16 * GB, replace(LAPTOP, memory_total=6 * GB), "Q3_K_M"),
    ],
)
def test_the_recommended_file_leaves_room_and_is_quick(largest: int, machine: HardwareLimits, expected: str) -> None:
    files = offered(largest)
    for order in (files, files[::-1]):
        assert recommended_file(order, machine) == (f"model-{expected}.gguf" if expected else "")


@pytest.mark.parametrize("total", range(1, 80, 3))
@pytest.mark.parametrize("largest", [1, 3, 8, 16, 30, 70, 140])
def test_nothing_is_recommended_that_does_not_fit(total: int, largest: int) -> None:
    machine = HardwareLimits(total * GB, total * GB, (), 4)
    files = offered(largest * GB)
    name = recommended_file(files, machine)
    fitting = [each for each, _, size in files if fit_of_size(size, machine).fits]
    assert (name in fitting) if fitting else name == ""


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], ""),
        ([("only.gguf", "", 2 * GB)], "only.gguf"),
        ([("m-F16.gguf", "F16", 2 * GB)], "m-F16.gguf"),
        ([("m-Q8_0.gguf", "Q8_0", 9 * GB)], "m-Q8_0.gguf"),
        ([("a.gguf", "UD-Q4_K_XL", 5 * GB), ("b.gguf", "Q2_K", 3 * GB)], "a.gguf"),
        ([("m-Q2_K.gguf", "Q2_K", 3 * GB), ("unknown.gguf", "Q8_0", 0)], "m-Q2_K.gguf"),
    ],
)
def test_unusual_offers(files: Sequence[tuple[str, str, int]], expected: str) -> None:
    assert recommended_file(files, LAPTOP) == expected


def test_this_machine_has_memory_cores_and_the_gpus_with_memory_of_their_own() -> None:
    found = (
        EngineDevice("CPU", "Some processor", "cpu", 16 * GB, 8 * GB),
        EngineDevice("CUDA0", "Some card", "gpu", 8 * GB, 7 * GB),
        EngineDevice("Vulkan1", "Graphics in the processor", "integrated-gpu", 16 * GB, 8 * GB),
    )
    machine = hardware_limits(found)
    assert machine.devices == (GpuMemory("Some card", 8 * GB, 7 * GB),)
    assert machine.memory_total == hardware.total_memory()
    assert 0 < machine.memory_free <= machine.memory_total
    assert machine.cores == hardware.usable_cores()


def test_a_real_header_of_a_small_model_fits_here(header: GgufHeader) -> None:
    assert fit_of_header(header, hardware_limits()).label == "fits-memory"


# --- by the catalog's entry -------------------------------------------------------------------------------------------


def entry(model_id: str = "m", **more: Any) -> CatalogEntry:
    return CatalogEntry(model_id, "M", "M", "Somebody", "MIT", "open", "A model.", "llama", **more)


def test_a_size_that_nobody_checked_is_worked_out_from_the_weights() -> None:
    files = (EntryFile("m-Q4_K_M.gguf", "Q4_K_M"), EntryFile("m-Q8_0.gguf", "Q8_0", 9 * GB), EntryFile("m.gguf", "odd"))
    found = {name: size for name, _, size in sized_files(entry(file=files, parameters=8_030_000_000))}
    assert 4.5 * GB < found["m-Q4_K_M.gguf"] < 5.3 * GB
    assert found["m-Q8_0.gguf"] == 9 * GB
    assert found["m.gguf"] == 0
    assert all(size == 0 for _, _, size in sized_files(entry(file=files[:1])))


def test_a_mixture_of_experts_is_judged_by_the_weights_that_a_token_passes_through() -> None:
    assert active_weight_share(entry(parameters=21 * GB, active_parameters=int(3.6 * GB))) == pytest.approx(
        0.171, abs=0.001
    )
    assert active_weight_share(entry("some-26b-a4b-it")) == pytest.approx(4 / 26)
    assert active_weight_share(entry("some-8b")) == 1.0
    assert fit_of_size(12 * GB, LAPTOP).label == "slow"
    assert fit_of_size(12 * GB, LAPTOP, active=0.17).label == "fits-memory"
    files = [("some-Q4_0.gguf", "Q4_0", 12 * GB), ("some-Q2_K.gguf", "Q2_K", 7 * GB)]
    assert recommended_file(files, LAPTOP) == "some-Q2_K.gguf"
    assert recommended_file(files, LAPTOP, active=0.17) == "some-Q4_0.gguf"


def test_several_answers_at_once_count_where_each_has_a_window_or_a_state(header: GgufHeader) -> None:
    """They share the cells of layers that see the whole context."""
    four = replace(LAPTOP, answers=4)
    shared = large(header, 1 * GB)
    assert fit_of_header(shared, four).needed == pytest.approx(fit_of_header(shared, LAPTOP).needed, rel=0.001)
    states = large(header, 1 * GB, state=200_000_000)
    alone, together = fit_of_header(states, LAPTOP), fit_of_header(states, four)
    assert together.needed - alone.needed == pytest.approx(600_000_000, rel=0.01)
    assert "4 answers at once" in together.sentence
    assert "at once" not in alone.sentence + fit_of_header(shared, four).sentence
    assert fit_of_header(large(header, 14 * GB, state=200_000_000), four).label == "too-large"
