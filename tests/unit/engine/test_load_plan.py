"""Context, layers and batch fitted to memory and GPUs before anything is loaded; contradictions refused."""

from pathlib import Path
from typing import Any, get_args

import pytest

from desktop.engine.fallback_step import FallbackStep
from desktop.engine.fallback_store import LoadLimits, identity_of
from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.engine.load_fallback import LoadAttempt
from desktop.engine.load_params import KvType, LoadParams
from desktop.engine.load_params_check import check_load_params, chosen_gpus
from desktop.engine.load_plan import LoadPlan, plan_load
from desktop.engine.memory_estimate import BufferOptions, cache_bytes, compute_bytes, estimate_memory
from desktop.engine.worker_messages import ComputeDevice, ProbeResult
from desktop.errors import EngineError, ResourceError
from tests.fakes.architectures import SHAPES, architecture_model
from tests.fakes.hyper_blocks import HyperBlocks
from tests.fakes.loading import llama_reports
from tests.fakes.tiny_gguf import random_model
from tests.fakes.vocabularies import family_vocabulary

GIB = 1 << 30


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> GgufHeader:
    """Eight layers, trained for 32,768 tokens."""
    folder = tmp_path_factory.mktemp("plan")
    return read_header(random_model(folder / "m.gguf", width=256, layers=8, context_length=32768))


def gpu(name: str, free: int, kind: str = "gpu") -> ComputeDevice:
    return ComputeDevice(name, name, kind, free, free)


def plan(header: GgufHeader, *gpus: ComputeDevice, memory: int | None = 64 * GIB, **params: Any) -> LoadPlan:
    return plan_load(LoadParams(str(header.path), **params), header, gpus, memory)


def test_with_room_enough_nothing_is_told(header: GgufHeader) -> None:
    usual = plan(header)
    assert (usual.params.context_length, usual.context_reason, usual.notices) == (8192, "usual", ())
    asked = plan(header, context_length=16384)
    assert (asked.params.context_length, asked.context_reason, asked.notices) == (16384, "asked", ())
    assert plan(header, memory=None).params.context_length == 8192, "nothing is known of memory"


def test_two_million_tokens_become_what_the_model_was_made_for_and_that_is_told(header: GgufHeader) -> None:
    made = plan(header, context_length=2_000_000)
    assert (made.params.context_length, made.context_reason) == (32768, "trained")
    assert made.notices == (
        "The context has 32,768 tokens, not the 2,000,000 asked for: the model was made for no more.",
    )


def test_a_context_is_lowered_to_the_longest_that_fits_and_that_is_told(header: GgufHeader) -> None:
    free = estimate_memory(header.shape, 10_000)
    made = plan(header, memory=free, context_length=30_000)
    length = made.params.context_length
    assert length is not None
    assert 9_000 < length <= 10_240
    assert length % 256 == 0
    assert estimate_memory(header.shape, length) <= free < estimate_memory(header.shape, length + 512)
    assert len(made.notices) == 1
    assert made.notices[0].startswith(f"The context has {length:,} tokens, not 30,000: more does not fit into the ")
    usual = plan(header, memory=estimate_memory(header.shape, 4096))
    assert usual.params.context_length == 4096
    assert "4,096 tokens, not 8,192" in usual.notices[0]


def test_quantized_keys_and_values_make_room_for_a_longer_context(header: GgufHeader) -> None:
    free = estimate_memory(header.shape, 10_000)
    made = plan(header, memory=free, context_length=30_000, key_type="q8_0", value_type="q4_0")
    assert made.params.context_length is not None
    assert made.params.context_length > 13_000


def test_the_batch_becomes_smaller_before_a_model_is_refused(header: GgufHeader) -> None:
    least = estimate_memory(header.shape, 2048, BufferOptions(batch=128))
    made = plan(header, memory=least + 100_000)
    assert (made.params.context_length, made.params.batch_tokens) == (2048, 128)
    assert any("128 tokens at a time" in told for told in made.notices)
    with pytest.raises(ResourceError, match="not enough memory for this model"):
        plan(header, memory=least // 2)


def test_all_layers_go_to_a_gpu_that_has_room(header: GgufHeader) -> None:
    made = plan(header, gpu("CUDA0", 8 * GIB))
    assert (made.params.gpu_layers, made.params.tensor_split, made.layers_reason) == (9, (), "fits")
    assert made.params.devices == ("CUDA0",)
    assert made.notices == ()
    assert plan(header, gpu("CUDA0", 8 * GIB), gpu_layers=0).params.gpu_layers == 0
    assert plan(header, gpu("CUDA0", 8 * GIB), gpu_layers=3).layers_reason == "asked"
    assert plan(header, gpu("CUDA0", 0)).layers_reason == "unknown", "some drivers do not say what they have"


def test_as_many_layers_go_to_a_small_gpu_as_fit_and_that_is_told(header: GgufHeader) -> None:
    buffers = compute_bytes(header.shape, 8192)
    each = (header.shape.weights - header.shape.outside + cache_bytes(header.shape, 8192)) // 8
    made = plan(header, gpu("CUDA0", int((buffers + 5.5 * each) / 0.9)), context_length=8192)
    assert (made.params.gpu_layers, made.layers_reason) == (5, "memory")
    assert made.notices == ("5 of 8 layers fit into the GPU's free memory; the processor computes the others.",)
    none = plan(header, gpu("CUDA0", buffers), context_length=8192)
    assert none.params.gpu_layers == 0
    assert none.notices == ("The GPU has too little free memory for this model, so it runs on the processor.",)


def test_layers_are_spread_over_gpus_by_what_is_free_of_them(header: GgufHeader) -> None:
    made = plan(header, gpu("CUDA0", 6 * GIB), gpu("CUDA1", 2 * GIB))
    assert sum(made.params.tensor_split) == made.params.gpu_layers == 9
    buffers = compute_bytes(header.shape, 8192)
    each = (header.shape.weights - header.shape.outside + cache_bytes(header.shape, 8192)) // 8
    tight = plan(
        header,
        gpu("CUDA0", int((buffers + 6.2 * each) / 0.9)),
        gpu("CUDA1", int((buffers + 3.2 * each + header.shape.outside) / 0.9)),
        context_length=8192,
    )
    assert tight.params.gpu_layers == 9
    assert tight.params.tensor_split in ((6.0, 3.0), (5.0, 4.0))
    own = plan(header, gpu("CUDA0", 6 * GIB), gpu("CUDA1", 2 * GIB), tensor_split=(1.0, 3.0))
    assert own.params.tensor_split == (1.0, 3.0)


def test_a_gpu_that_shares_the_memory_takes_of_it(header: GgufHeader) -> None:
    free = estimate_memory(header.shape, 4096)
    shared = plan(header, gpu("Vulkan0", 8 * GIB, "integrated-gpu"), memory=free)
    assert shared.params.context_length == 4096
    assert shared.needed <= free


def test_a_gpu_that_is_gone_is_told_and_the_others_are_used(header: GgufHeader) -> None:
    made = plan(header, gpu("CUDA0", 8 * GIB), devices=("CUDA1", "CUDA0"), tensor_split=(1, 1))
    assert made.params.devices == ("CUDA0",)
    assert made.notices == ("The GPU CUDA1 is not here now, so the model runs on CUDA0.",)
    alone = plan(header, devices=("CUDA1",))
    assert (alone.params.devices, alone.params.gpu_layers) == ((), 0)
    assert alone.notices == ("The GPU CUDA1 is not here now, so the model runs on the processor.",)


def test_one_gpu_can_be_chosen(header: GgufHeader) -> None:
    two = (gpu("CUDA0", 8 * GIB), gpu("CUDA1", 8 * GIB))
    made = plan(header, *two, split_mode="none", main_gpu=1)
    assert (made.params.devices, made.params.main_gpu) == (("CUDA1",), 0), "of those given to llama.cpp it is the first"
    shared = gpu("Vulkan0", 8 * GIB, "integrated-gpu")
    assert chosen_gpus(LoadParams("m"), (*two, shared))[0] == two, "as llama.cpp chooses"
    assert chosen_gpus(LoadParams("m"), (shared,))[0] == (shared,)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"value_type": "q8_0", "flash_attention": "off"}, "while flash attention is off"),
        ({"context_length": 0}, "A context of 0 tokens"),
        ({"threads": 0}, "0 threads"),
        ({"gpu_layers": -2}, "-2 layers"),
        ({"parallel": 0}, "0 answers at once"),
        ({"tensor_split": (0.0, 0.0)}, "make no sense"),
        ({"tensor_split": (1.0, -1.0)}, "make no sense"),
        ({"tensor_split": (float("nan"),)}, "make no sense"),
        ({"tensor_split": (1.0, 1.0), "split_mode": "none"}, "a single GPU as well"),
        ({"tensor_split": (1.0, 1.0), "devices": ("CUDA0",)}, "2 portions for 1 GPUs"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(EngineError) as caught:
        check_load_params(LoadParams("m", **wrong))
    assert told in caught.value.title
    assert caught.value.remedy


def test_a_gpu_that_there_is_not_is_refused() -> None:
    with pytest.raises(EngineError, match="no GPU number 1"):
        chosen_gpus(LoadParams("m", split_mode="none", main_gpu=1), (gpu("CUDA0", GIB),))
    with pytest.raises(EngineError, match="3 portions for 1 GPUs"):
        chosen_gpus(LoadParams("m", tensor_split=(1, 1, 1)), (gpu("CUDA0", GIB),))


@pytest.mark.parametrize("architecture", ["llama", "gemma2"])
def test_each_type_of_the_cache_takes_what_llama_cpp_makes_it_take(tmp_path: Path, architecture: str) -> None:
    blocks = HyperBlocks(width=256, feed=768, heads=4, keys=2, head=64, window=300, positions=4096)
    vocabulary = family_vocabulary(SHAPES[architecture].vocabulary, bos="<s>", eos="</s>", controls=("<|endoftext|>",))
    path = architecture_model(tmp_path / "m.gguf", architecture, vocabulary, blocks=blocks, quantization="F16")
    shape = read_header(path).shape
    pairs: list[tuple[KvType, KvType]] = [(kind, "q8_0") for kind in get_args(KvType)]
    pairs.append(("f16", "q4_0"))
    for keys, values in pairs:
        like = LoadParams(str(path), key_type=keys, value_type=values)
        (reported,) = llama_reports(path, [4096], like=like)
        assert cache_bytes(shape, 4096, BufferOptions.of(like)) == pytest.approx(reported.cache, rel=0.002, abs=11_000)


def test_a_crash_that_names_the_gpu_takes_layers_off_it_and_nothing_else(header: GgufHeader) -> None:
    params = LoadParams(str(header.path), gpu_layers=6)
    attempt = LoadAttempt(FallbackStep(params), header, identity_of(header.path), ())
    attempt.begin_with(ProbeResult("0", "", (gpu("Vulkan0", 8 * GIB),), (), "none"), LoadLimits(), LoadLimits())
    attempt.request()
    step = attempt.next_step("it gave up with: pre-allocated tensor in a buffer (Vulkan0) that cannot run")
    assert step is not None
    assert (step.params.gpu_layers, step.params.extra_buffers, step.params.flash_attention) == (3, True, "auto")
    assert step.caution == LoadLimits(gpu_layers=3)
    other = attempt.next_step("it was ended by the signal SIGSEGV")
    assert other is not None
    assert (other.params.gpu_layers, other.params.extra_buffers) == (6, False)


def test_what_was_fitted_is_not_remembered_as_a_fault(header: GgufHeader) -> None:
    attempt = LoadAttempt(FallbackStep(LoadParams(str(header.path))), header, identity_of(header.path), ())
    small = gpu("Vulkan0", 12 << 20)
    attempt.begin_with(ProbeResult("0", "", (small,), (), "none"), LoadLimits(), LoadLimits())
    attempt.request()
    assert attempt.plan is not None
    assert attempt.plan.layers_reason == "memory"
    step = attempt.next_step("it was ended by the signal SIGSEGV")
    assert step is not None
    assert step.params.gpu_layers is None, "it is fitted again"
    assert step.caution == LoadLimits(extra_buffers=False)
