"""What a model is called: always something that a person can read, on one line, and no two alike."""

import pytest

from desktop.library.model_title import LONGEST, model_title, visible_line

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.mark.parametrize(
    "name",
    [
        "", " ", ".", "..", "/", "-", "LLaMA v2", "llama", "models", "Models", "model", "hub", "snapshot", "snapshots",
        "ggml-model", "ggml-model-q4_0", "Model Q4_0", "checkpoint-1500", "/workspace/output", "C:\\models\\", "12345",
        "3b5f1c9a7d2e4f60", "a" * 10 + "1" * 30, "sha256-" + "0f" * 32, "9f1b7c1e-6a1d-4f0b-9d55-0a8a6c6c7d11",
        "Smollm2 135M 8k Lc100K Mix1 Ep2", "sft_run7_lr2e-5", "\u200b\u200b", "\u202e\u202d", "\u3164\u2800",
        "\x00\x1b", "0ba7b4ee97ab5ef0d6ef5cf4a0ea53a2b5ae0d2f",
    ],
)  # fmt: skip
def test_a_name_that_is_no_models_never_becomes_a_title(name: str) -> None:
    assert model_title(name, FILE) == "SmolLM2 135M Instruct"
    assert model_title(name, name, others=("Poet 7B",)) == "Poet 7B"


@pytest.mark.parametrize(
    ("name", "file_name", "title"),
    [
        ("Qwen2.5 7B Instruct", "x.gguf", "Qwen2.5 7B Instruct"),
        ("unsloth/Qwen3-4B", "x.gguf", "Qwen3-4B"),
        ("千問七十億", "x.gguf", "千問七十億"),
        ("Модель", "x.gguf", "Модель"),
        ("", "Qwen_Qwen3-4B-Instruct-2507-Q4_K_M.gguf", "Qwen3 4B Instruct 2507"),
        ("", "mistral-7b-instruct-v0.3.Q4_K_M.gguf", "mistral 7b instruct v0.3"),
        ("", "тест-модель-Q8_0.gguf", "тест модель"),
        ("two\nlines", "x.gguf", "two lines"),
        ("\u202eevil\u202c name\u200b", "x.gguf", "evil name"),
        ("<b>bold</b> & <img src=x>", "x.gguf", "<b>bold</b> & <img src=x>"),
        ("Poe" + "\u0301" * 50 + "t 7B", "x.gguf", "Poé" + "\u0301" * 3 + "t 7B"),
    ],
)
def test_a_title_is_what_a_person_can_read(name: str, file_name: str, title: str) -> None:
    assert model_title(name, file_name) == title


@pytest.mark.parametrize(
    ("name", "file_name", "repository", "title"),
    [
        # The header agrees, and is written more nicely.
        ("Qwen2.5 7B Instruct", "qwen2.5-7b-instruct-q4_k_m.gguf", "", "Qwen2.5 7B Instruct"),
        ("Qwen 2.5 7B Instruct", "Qwen2.5-7B-Instruct-Q4_K_M.gguf", "", "Qwen 2.5 7B Instruct"),
        ("Meta Llama 3.1 8B Instruct", "Llama-3.1-8B-Instruct-Q8_0.gguf", "", "Meta Llama 3.1 8B Instruct"),
        ("Poet 7B", "poet.gguf", "", "Poet 7B"),
        # It says something else, or less.
        ("Qwen3 4B", "SmolLM2-135M-Instruct.Q4_1.gguf", "", "SmolLM2 135M Instruct"),
        ("GPT-4", "poet-7b.gguf", "", "poet 7b"),
        ("Qwen3", "Qwen3-4B-Instruct-2507-Q4_K_M.gguf", "", "Qwen3 4B Instruct 2507"),
        ("Merge of my models", "poet-7b-v2.Q5_K_M.gguf", "", "poet 7b v2"),
        ("Модель", "тест-модель-Q8_0.gguf", "", "тест модель"),
        ("https://example.org/x", "poet-7b.gguf", "", "poet 7b"),
        # The repository is the better witness, unless its files are of many models.
        ("Poet 7B", "poet-q4_k_m.gguf", "acme/Poet-7B-Instruct-GGUF", "Poet 7B Instruct"),
        ("Smollm2 135M 8k Lc100K Mix1 Ep2", "model.gguf", "HuggingFaceTB/SmolLM2-135M-Instruct-GGUF",
         "SmolLM2 135M Instruct"),
        ("", "poet-7b.gguf", "acme/all-my-things", "poet 7b"),
        ("LLaMA v2", "poet-7b.gguf", "ggml-org/models", "poet 7b"),
        ("Poet 7B Instruct", "ggml-model-q4_0.gguf", "acme/poet-7b-instruct-gguf", "Poet 7B Instruct"),
        # Nothing but the header is a name.
        ("Poet 7B", "ggml-model-q4_0.gguf", "", "Poet 7B"),
        ("Poet 7B", "mine.gguf", "", "Poet 7B"),
        ("models", "mine.gguf", "", "mine"),
        ("Poet 7B", "sha256-" + "0f" * 32, "acme/gguf", "Poet 7B"),
    ],
)  # fmt: skip
def test_repository_and_file_name_are_better_witnesses_than_the_header(
    name: str, file_name: str, repository: str, title: str
) -> None:
    assert model_title(name, file_name, repository=repository) == title


def test_there_is_always_one() -> None:
    assert model_title("", "model.gguf", architecture="llama", sha256="ab12cd34ef") == "Unnamed llama model ab12cd34"
    assert model_title("", "") == "Unnamed GGUF model"


def test_a_title_is_bounded() -> None:
    long = model_title("Poet " * 1000, "x.gguf")
    assert len(long) <= LONGEST
    assert long.startswith("Poet Poet")
    assert len(model_title("x", "poet-" * 5000 + ".gguf", others=())) <= LONGEST


@pytest.mark.parametrize("text", ["a\u2028b", "a\r\nb", "a\tb", "a\u0085b", "a\u00a0b"])
def test_every_break_is_a_space(text: str) -> None:
    assert visible_line(text) == "a b"
