"""The estimate of a model's memory, held against what llama.cpp reports and what a worker then holds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.engine.gguf_reader import GgufTensor
from desktop.engine.memory_estimate import (
    BufferOptions,
    automatic_contexts,
    cache_bytes,
    compute_bytes,
    estimate_memory,
    process_bytes,
)
from desktop.engine.model_shape import batch_floats
from tests.fakes.architectures import SHAPES, architecture_model
from tests.fakes.hyper_blocks import HyperBlocks
from tests.fakes.loading import llama_reports, take
from tests.fakes.tiny_gguf import bpe_vocabulary, random_model
from tests.fakes.vocabularies import family_vocabulary

HALF = 2
SMALL = HyperBlocks(width=256, feed=768, heads=4, keys=2, head=64, window=300, positions=4096)


def written(folder: Path, architecture: str, blocks: HyperBlocks = SMALL, **options: Any) -> Path:
    vocabulary = family_vocabulary(SHAPES[architecture].vocabulary, bos="<s>", eos="</s>", controls=("<|endoftext|>",))
    return architecture_model(folder / f"{architecture}.gguf", architecture, vocabulary, blocks=blocks, **options)


def header_with(path: Path, architecture: str = "llama", **metadata: Any) -> GgufHeader:
    return read_header(random_model(path, architecture=architecture, layers=8, metadata=metadata))


@pytest.mark.parametrize("architecture", SHAPES)
def test_the_cache_is_as_large_as_llama_cpp_makes_it_and_the_buffers_about(tmp_path: Path, architecture: str) -> None:
    path = written(tmp_path, architecture, quantization="F16", repeat=2)
    shape = read_header(path).shape
    lengths = (600, 4096)
    for length, reported in zip(lengths, llama_reports(path, lengths), strict=True):
        assert cache_bytes(shape, length) == pytest.approx(reported.cache, rel=0.002, abs=11_000)
        assert compute_bytes(shape, length) == pytest.approx(reported.compute, rel=0.35)
        # 12 thousandths: the layers' norms and the like, which the file aligns.
        assert shape.weights == pytest.approx(reported.weights, rel=0.012)


@pytest.mark.parametrize("architecture", ["llama", "gemma2", "qwen3next", "deepseek2"])
def test_a_worker_holds_what_was_estimated(tmp_path: Path, architecture: str) -> None:
    path = written(tmp_path, architecture, replace(SMALL, width=512, heads=8), quantization="F16", repeat=2)
    taken = take(path, 2048)
    assert taken.tokens > 1900, "the context is used up"
    assert read_header(path).estimate_memory(2048) == pytest.approx(taken.held, rel=0.10)


@pytest.mark.parametrize("architecture", ["llama", "gemma2", "qwen3next"])
def test_answers_at_once_cost_windows_and_states_and_nothing_else(tmp_path: Path, architecture: str) -> None:
    """Layers that see the whole context share its cells (`kv_unified`)."""
    path = written(tmp_path, architecture, quantization="F16", repeat=2)
    shape = read_header(path).shape
    (reported,) = llama_reports(path, [4096], parallel=4)
    at_once = BufferOptions(parallel=4)
    four = cache_bytes(shape, 4096, at_once)
    assert four == pytest.approx(reported.cache, rel=0.002, abs=11_000)
    assert compute_bytes(shape, 4096, at_once) == pytest.approx(reported.compute, rel=0.35)
    assert (four > cache_bytes(shape, 4096)) == (architecture != "llama")
    assert estimate_memory(shape, 4096, at_once) - estimate_memory(shape, 4096) >= four - cache_bytes(shape, 4096)


def test_weights_that_llama_cpp_reorders_count_once(tmp_path: Path) -> None:
    path = written(tmp_path, "llama", quantization="Q4_0", repeat=4)
    taken = take(path, 2048)
    assert taken.reported.reordered > 0
    assert read_header(path).estimate_memory(2048) == pytest.approx(taken.held, rel=0.10)


def test_a_large_vocabulary_has_tables_of_its_own(tmp_path: Path) -> None:
    vocabulary = bpe_vocabulary("qwen2", filler=80_000)
    vocabulary.merges += [f"filler{index} x" for index in range(80_000)]
    path = random_model(tmp_path / "large.gguf", architecture="qwen2", vocabulary=vocabulary)
    shape = read_header(path).shape
    assert process_bytes(shape) - process_bytes(replace(shape, vocabulary=0, merges=0)) > 20_000_000
    assert estimate_memory(shape, 1024) == pytest.approx(take(path, 1024).held, rel=0.10)


def test_memory_grows_with_the_context_by_its_keys_and_values(tmp_path: Path) -> None:
    shape = header_with(tmp_path / "m.gguf").shape
    eight_layers_of_two_heads_of_16_twice = 8 * 2 * 16 * 2
    assert cache_bytes(shape, 8192) - cache_bytes(shape, 4096) == 4096 * HALF * eight_layers_of_two_heads_of_16_twice
    assert cache_bytes(shape, 4000) == cache_bytes(shape, 4096), "llama.cpp rounds up to 256"


@pytest.mark.parametrize(
    ("architecture", "metadata", "full", "windowed"),
    [
        ("gemma3", {}, 1, 7),
        ("gemma3", {"attention.sliding_window_pattern": 4}, 2, 6),
        ("gemma3", {"attention.sliding_window_pattern": [True] * 5 + [False] * 3}, 3, 5),
        ("gemma3", {"attention.sliding_window": 0}, 8, 0),
        ("gemma3", {"attention.key_length_swa": 8, "attention.value_length_swa": 8}, 1, 3.5),
        ("llama", {"attention.sliding_window": 64}, 8, 0),  # llama.cpp knows no window there
        ("llama", {"attention.head_count_kv": [2, 2, 2, 2, 1, 1, 1, 1]}, 6, 0),
        ("llama", {"nextn_predict_layers": 2}, 6, 0),
    ],
)
def test_which_layers_keep_everything_and_which_a_window(
    tmp_path: Path, architecture: str, metadata: dict[str, Any], full: float, windowed: float
) -> None:
    named = {f"{architecture}.{key}": value for key, value in metadata.items()}
    shape = header_with(tmp_path / "m.gguf", architecture, **named).shape
    one_layer = 2 * 16 * 2
    assert (shape.full_values / one_layer, shape.window_values / one_layer) == (full, windowed)


def test_a_recurrent_model_keeps_the_same_whatever_the_context(model_file: Callable[[str], Path]) -> None:
    shape = read_header(model_file("mamba")).shape
    layers, width, state, kernel = 2, 64, 16, 4
    assert cache_bytes(shape, 2048) == cache_bytes(shape, 32768) == layers * 2 * width * (kernel - 1 + state) * 4


def test_scores_count_where_attention_is_computed_without_flash(tmp_path: Path) -> None:
    path = written(tmp_path, "llama", quantization="F16", repeat=2)
    shape = read_header(path).shape
    (reported,) = llama_reports(path, [4096], flash=False)
    assert compute_bytes(shape, 4096, BufferOptions(flash=False)) == pytest.approx(reported.compute, rel=0.1)
    assert compute_bytes(shape, 4096, BufferOptions(flash=False)) > 2 * compute_bytes(shape, 4096)


def test_senseless_numbers_give_an_estimate_all_the_same(tmp_path: Path) -> None:
    senseless: dict[str, Any] = {"llama.num_loops": 1 << 31}
    assert header_with(tmp_path / "m.gguf", **senseless).estimate_memory(8192) > 1 << 40
    flat = GgufTensor("blk.0.attn_k_b.weight", (16, 32), "F16", 0, 1024)
    assert batch_floats([flat], 64, 0) > 0
    assert batch_floats([], 64, 0) == 64


def test_of_experts_only_those_used_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "qwen3moe", replace(SMALL, expert_count=8, experts_used=2), quantization="F16")
    header = read_header(path)
    experts = sum(tensor.size for tensor in header.tensors if "_exps." in tensor.name)
    vocabulary = next(tensor.size for tensor in header.tensors if tensor.name == "token_embd.weight")
    assert header.shape.active == pytest.approx(header.shape.weights - experts * 6 / 8 - vocabulary, abs=100)


def test_the_contexts_tried_are_no_longer_than_trained() -> None:
    assert automatic_contexts(131_072) == (8192, 4096, 2048)
    assert automatic_contexts(4096) == (4096, 2048)
    assert automatic_contexts(1000) == (1000,)
    assert automatic_contexts(0) == (8192, 4096, 2048)
