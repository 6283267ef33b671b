"""What the names of quantizations mean: their order, their bits, what they cost, and that of a catalog's file each is
known."""

from __future__ import annotations

import pytest

from desktop.catalog.catalog import Catalog
from desktop.catalog.catalog_file import read_catalog
from desktop.catalog.quantization import (
    LAST_RANK,
    bits_of,
    canonical_name,
    is_quantization_aware,
    quality_of,
    rank_of,
)
from desktop.paths import find_paths


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    paths = find_paths({"LATCHKEY_HOME": "unused"})
    return read_catalog(paths.catalog, None, text_folders=(paths.resources,)).catalog


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("Q4_K_M", "Q4_K_M"),
        ("q4_k_m", "Q4_K_M"),
        ("UD-Q4_K_XL", "Q4_K_XL"),
        ("UD-IQ2_XXS", "IQ2_XXS"),
        ("UD-IQ4_NL_XL", "IQ4_NL"),
        ("UD-MXFP4_MOE", "MXFP4_MOE"),
        ("Q4_K", "Q4_K_M"),
        ("Q4_K_P", "Q4_K_M"),
        ("Q2_K_XXL", "Q2_K"),
        ("FP16", "F16"),
        ("Q4_0_4_8", "Q4_0_4_8"),
        ("Q8_0_R8", "Q8_0_R8"),
        ("IQ4_KSS", "IQ4_KSS"),
    ],
)
def test_spellings_of_one_quantization_are_one(name: str, means: str) -> None:
    assert canonical_name(name) == means


def test_more_bits_come_before_fewer() -> None:
    names = ["UD-Q8_K_XL", "Q8_0", "Q6_K", "Q5_K_M", "UD-Q4_K_XL", "Q4_K_M", "Q4_0", "IQ3_M", "Q2_K", "UD-IQ1_S"]
    assert [rank_of(name) for name in names] == sorted(rank_of(name) for name in names)


@pytest.mark.parametrize("name", ["F16", "BF16", "", "IQ4_KSS", "Q4_0_4_8", "Q8_0_R8"])
def test_what_is_unquantized_or_unreadable_is_taken_last(name: str) -> None:
    assert rank_of(name) == LAST_RANK


def test_every_file_of_the_catalog_says_its_bits(catalog: Catalog) -> None:
    unknown = {file.quantization for entry in catalog.model for file in entry.file if not bits_of(file.quantization)}
    assert unknown == set()


def test_bits_and_weights_give_a_files_size(catalog: Catalog) -> None:
    off = [
        (entry.id, file.quantization)
        for entry in catalog.model
        for file in entry.offered
        if file.size and entry.parameters >= 4e9 and entry.architecture in ("llama", "qwen2", "qwen3", "qwen3moe")
        and not 0.9 < entry.parameters * bits_of(file.quantization) / 8 / file.size < 1.1
    ]  # fmt: skip
    assert off == []


@pytest.mark.parametrize(
    ("name", "loss", "says"),
    [
        ("BF16", "none", "nothing is lost"),
        ("Q8_0", "hardly any", "less than 0.1 %"),
        ("Q6_K", "hardly any", "0.3 %"),
        ("Q5_K_M", "very little", "0.9 %"),
        ("Q4_K_M", "little", "2.8 %"),
        ("Q4_0", "some", "7.5 %"),
        ("Q3_K_S", "much", "26 %"),
        ("Q2_K", "most", "56 %"),
        ("IQ1_M", "most", "4.1 times"),
    ],
)
def test_what_a_quantization_costs_is_said_with_the_published_figure(name: str, loss: str, says: str) -> None:
    found = quality_of(name)
    assert found is not None
    assert found.loss == loss
    assert says in found.sentence


def test_a_mix_that_was_not_measured_names_the_one_that_was() -> None:
    for name, measured in (("UD-Q4_K_XL", "Q4_K_M"), ("Q6_K_L", "Q6_K"), ("UD-IQ2_M", "IQ2_M"), ("Q4_K_P", "Q4_K_M")):
        found = quality_of(name)
        assert found is not None
        assert found.sentence.endswith(f"The figure is that of {measured}.")
    plain = quality_of("Q4_K_M")
    assert plain is not None
    assert "The figure is that of" not in plain.sentence


def test_where_nothing_is_published_no_figure_is_given() -> None:
    for name in ("MXFP4", "MXFP4_MOE", "NVFP4", "TQ1_0", "Q1_0"):
        found = quality_of(name)
        assert found is not None
        assert (found.loss, found.perplexity, found.short) == ("unknown", None, "")
    assert quality_of("") is None
    assert quality_of("IQ4_KSS") is None


def test_a_model_trained_for_four_bits_is_not_judged_as_one_that_was_not() -> None:
    assert is_quantization_aware("gemma-4-12b-it-qat-q4_0.gguf")
    assert is_quantization_aware("gemma-4-E2B_q4_0-it.gguf", "google/gemma-4-E2B-it-qat-q4_0-gguf")
    assert not is_quantization_aware("qatar-7b-Q4_0.gguf", "somebody/aquatic-GGUF")
    found = quality_of("Q4_0", trained_for_it=True)
    assert found is not None
    assert "QAT" in found.sentence
    assert found.perplexity is None
    assert quality_of("Q8_0", trained_for_it=True) == quality_of("Q8_0")
