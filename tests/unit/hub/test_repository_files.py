"""What the names of files tell: models among other files, their quantization, and the parts of one."""

from __future__ import annotations

import pytest

from desktop.hub.repository_files import FilePart, group_parts, is_model_file_name, quantization_of


@pytest.mark.parametrize(
    ("name", "quantization"),
    [
        ("Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-7b-instruct-q4_k_m-00001-of-00002.gguf", "Q4_K_M"),
        ("mistral-7b-instruct-v0.2.Q5_K_S.gguf", "Q5_K_S"),
        ("gemma-3-4b-it-q4_0.gguf", "Q4_0"),
        ("Phi-4-mini-IQ2_XXS.gguf", "IQ2_XXS"),
        ("model.IQ4_NL.gguf", "IQ4_NL"),
        ("Qwen3-8B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("tiny-Q4_0_4_8.gguf", "Q4_0_4_8"),
        ("tiny-f16-Q8_0.gguf", "Q8_0"),
        ("tiny-fp16.gguf", "F16"),
        ("tiny.BF16.gguf", "BF16"),
        ("tiny-F32.gguf", "F32"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("TriLM-TQ1_0.gguf", "TQ1_0"),
        ("Qwen3.5-9B-UD-IQ2_XXS.gguf", "UD-IQ2_XXS"),
        ("Qwen3.5-9B-UD-TQ1_0.gguf", "UD-TQ1_0"),
        ("Qwen3.5-35B-A3B-UD-IQ4_NL_XL.gguf", "UD-IQ4_NL_XL"),
        ("Qwen3.5-35B-A3B-MXFP4_MOE.gguf", "MXFP4_MOE"),
        ("UD-Q8_K_XL/Qwen3.5-122B-A10B-UD-Q8_K_XL-00001-of-00004.gguf", "UD-Q8_K_XL"),
        ("UD-MXFP4_MOE/Qwen3.5-122B-A10B-UD-MXFP4_MOE-00001-of-00003.gguf", "UD-MXFP4_MOE"),
        ("gemma-4-E2B_q4_0-it.gguf", "Q4_0"),
        ("gemma-4-12b-it-qat-q4_0.gguf", "Q4_0"),
        ("gemma-4-12B-it-qat-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
        ("Qwen3.8-27B-NVFP4.gguf", "NVFP4"),
        ("Qwen3-8B.i1-IQ3_XXS.gguf", "IQ3_XXS"),
        ("Qwen3-8B-Q4_K_M_v2.gguf", "Q4_K_M"),
        ("model_q4_0_it.gguf", "Q4_0"),
        ("Qwen3-30B-IQ4_KSS.gguf", "IQ4_KSS"),
        ("Bonsai-8B-Q1_0.gguf", "Q1_0"),
        ("BF16/tiny-00001-of-00003.gguf", "BF16"),
        ("Q8_0/tiny-Q6_K.gguf", "Q6_K"),
        ("Qwen2-VL.gguf", ""),
        ("tiny.gguf", ""),
    ],
)
def test_a_quantization_is_read_from_the_name(name: str, quantization: str) -> None:
    assert quantization_of(name) == quantization


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("tiny-Q8_0.gguf", True),
        ("TINY.GGUF", True),
        ("tiny-imatrix-Q4_K_M.gguf", True),
        ("mmproj-tiny-f16.gguf", False),
        ("tiny-mmproj-Q8_0.gguf", False),
        ("mmproj/mmproj-F16.gguf", False),
        ("tiny-imatrix.gguf", False),
        ("imatrix.gguf", False),
        ("tiny.imatrix", False),
        ("tiny.safetensors", False),
        ("README.md", False),
        ("tiny.gguf.part", False),
    ],
)
def test_models_are_told_from_what_lies_beside_them(name: str, model: bool) -> None:
    assert is_model_file_name(name) is model


def part(name: str, size: int = 10, sha256: str = "") -> FilePart:
    return FilePart(name, size, sha256)


def test_parts_of_one_model_are_one_item_in_their_order() -> None:
    names = [f"Q8_0/tiny-Q8_0-{number:05d}-of-00003.gguf" for number in (2, 3, 1)]
    files, left = group_parts(
        [part(names[0], 5), part("tiny-Q4_0.gguf", 7, "a" * 64), part(names[1], 6), part(names[2], 4)]
    )
    assert left == ()
    assert [(each.name, each.size, each.sha256, each.quantization) for each in files] == [
        ("tiny-Q4_0.gguf", 7, "a" * 64, "Q4_0"),
        (names[2], 15, "", "Q8_0"),
    ]
    assert [each.name for each in files[1].parts] == [names[2], names[0], names[1]]


def test_parts_without_the_others_are_left_out_and_named() -> None:
    files, left = group_parts(
        [part("a-00001-of-00002.gguf"), part("b-00002-of-00002.gguf"), part("c-00000-of-00000.gguf")]
    )
    assert files == ()
    assert set(left) == {"a-00001-of-00002.gguf", "b-00002-of-00002.gguf", "c-00000-of-00000.gguf"}


def test_the_same_parts_in_two_folders_are_two_models() -> None:
    files, _ = group_parts([part("Q4_0/t-00001-of-00001.gguf", 1, "a" * 64), part("Q8_0/t-00001-of-00001.gguf", 2)])
    assert [(each.quantization, each.sha256) for each in files] == [("Q4_0", "a" * 64), ("Q8_0", "")]


def test_a_count_without_end_costs_nothing() -> None:
    files, left = group_parts([part("tiny-00001-of-99999.gguf")])
    assert (files, left) == ((), ("tiny-00001-of-99999.gguf",))
