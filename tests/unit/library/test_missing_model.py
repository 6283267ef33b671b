"""Somebody who names a model as another program does, or with a slip, is told which ones may be meant."""

import pytest

from desktop.library.missing_model import alike_ids, missing_model_error

IDS = ["here-1b", "qwen3-8b-base", "qwen3-8b", "llama-3.2-1b-instruct", "llama-3-8b", "phi-4"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("qwen3:8b", ["qwen3-8b", "qwen3-8b-base"]),
        ("Llama3", ["llama-3.2-1b-instruct", "llama-3-8b"]),
        ("lama-3.2-1b-instruct", ["llama-3.2-1b-instruct"]),
        ("phi", ["phi-4"]),
        ("zz", []),
        (":", []),
    ],
)
def test_the_models_that_may_be_meant(name: str, meant: list[str]) -> None:
    assert alike_ids(name, IDS) == meant


def test_the_error_names_them_and_the_list() -> None:
    said = str(missing_model_error("qwen3:8b", known=False, fetchable=False, ids=IDS))
    assert "qwen3-8b" in said
    assert "latchkey models list" in said
