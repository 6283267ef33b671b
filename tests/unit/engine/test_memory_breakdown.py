"""What llama.cpp says a model takes on each device, before and after it is loaded."""

from pathlib import Path
from typing import Any

import pytest

from desktop.engine.gguf_header import read_header
from desktop.engine.memory_estimate import cache_bytes, compute_bytes
from desktop.engine.worker import llama_api
from desktop.engine.worker.llama_api import llama
from desktop.engine.worker.memory_breakdown import DeviceMemory, check_free_memory, memory_breakdown
from desktop.errors import ResourceError
from tests.fakes.tiny_gguf import random_model


def breakdown(path: Path, length: int, *, no_alloc: bool) -> DeviceMemory:
    llama_api.start_backends()
    model_params: Any = llama.llama_model_default_params()
    model_params.no_alloc = no_alloc
    model_params.load_mode = 0
    model_params.use_extra_bufts = False
    model = llama.llama_model_load_from_file(str(path).encode(), model_params)
    params = llama.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch, params.n_outputs_max = length, 512, 512, 1
    context = llama.llama_init_from_model(model, params)
    (found,) = memory_breakdown(context)
    llama.llama_free(context)
    llama.llama_model_free(model)
    return found


def test_a_trial_without_memory_gives_what_loading_takes(tmp_path: Path) -> None:
    path = random_model(tmp_path / "m.gguf", width=256, layers=4)
    shape = read_header(path).shape
    trial, real = (breakdown(path, 2048, no_alloc=no_alloc) for no_alloc in (True, False))
    assert trial.device == real.device == "memory"
    assert trial.weights == pytest.approx(real.weights, rel=0.01)
    assert trial.weights == pytest.approx(shape.weights, rel=0.05)
    assert trial.cache == pytest.approx(cache_bytes(shape, 2048), abs=1024)
    assert trial.cache == pytest.approx(real.cache, abs=1024)
    assert trial.compute == pytest.approx(compute_bytes(shape, 2048), rel=0.4)


def test_more_than_is_free_is_refused_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.engine.hardware.available_memory", lambda: 1_000_000_000)
    check_free_memory((DeviceMemory("memory", 900_000_000, 0, 0),))
    with pytest.raises(ResourceError, match="not enough memory") as caught:
        check_free_memory((DeviceMemory("memory", 900_000_000, 100_000_000, 1),))
    assert caught.value.detail == "It needs 1.0 GB on this computer; 1.0 GB are free."
