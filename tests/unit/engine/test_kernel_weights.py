"""The reference of the engine test: what quantized weights mean, held against the gguf package's own NumPy code."""

import gguf
import numpy as np
import pytest

from desktop.engine.worker import llama_api
from desktop.engine.worker.ggml import CpuBackend
from desktop.engine.worker.kernel_computation import columns_of, compare_results, make_weights, weight_types

UNKNOWN_TO_GGUF = {"Q1_0", "Q2_0"}


@pytest.fixture(scope="module")
def backend() -> CpuBackend:
    llama_api.start_backends()
    return CpuBackend(1)


@pytest.mark.parametrize(("name", "number"), weight_types().items(), ids=str)
def test_weights_mean_what_an_independent_reader_takes_them_for(backend: CpuBackend, name: str, number: int) -> None:
    weights = make_weights(backend, number, 12, columns_of(number))
    rows = weights.stored.reshape(12, -1)
    try:
        known = gguf.quants.dequantize(rows, gguf.GGMLQuantizationType(number))
    except (NotImplementedError, ValueError):
        assert name in UNKNOWN_TO_GGUF
        return
    assert name not in UNKNOWN_TO_GGUF
    assert weights.values.std() > 0.01
    assert np.allclose(weights.values, known.reshape(weights.values.shape), rtol=1e-5, atol=1e-6)


def test_quantized_weights_stay_near_what_was_quantized(backend: CpuBackend) -> None:
    random = np.random.default_rng(weight_types()["Q8_0"])
    columns = columns_of(weight_types()["Q8_0"])
    original = random.standard_normal((12, columns), dtype=np.float32)
    assert np.abs(make_weights(backend, weight_types()["Q8_0"], 12, columns).values - original).max() < 0.05


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda values: values, ""),
        (lambda values: values * (1 + 1e-3), ""),
        (lambda values: values * 1.05, "wrong result"),
        (lambda values: np.where(np.arange(values.size).reshape(values.shape) == 7, 3, values), "wrong result"),
        (lambda values: np.where(np.arange(values.size).reshape(values.shape) == 7, np.nan, values), "not finite"),
        (lambda values: np.where(np.arange(values.size).reshape(values.shape) == 7, np.inf, values), "not finite"),
        (lambda values: values[::-1], "wrong result"),
        (lambda values: values * 0, "wrong result"),
    ],
)
def test_a_wrong_number_among_thousands_is_seen(spoil, found: str) -> None:
    expected = np.random.default_rng(1).standard_normal((512, 96))
    verdict = compare_results(spoil(expected).astype(np.float32), expected, 5e-4)
    assert found in verdict
    assert bool(verdict) == bool(found)
