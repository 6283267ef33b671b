"""What pages and terminals give to copy leads to the model that it names."""

import random

import pytest

from desktop.errors import NotFoundError
from desktop.hub.pasted_line import ollama_name, search_words
from desktop.hub.repository import parse_repository

REPOSITORY = "acme/tiny-GGUF"
FILE = "tiny-Q8_0.gguf"


@pytest.mark.parametrize(
    ("line", "file", "quantization"),
    [
        ("ollama run hf.co/acme/tiny-GGUF:Q4_K_M", "", "Q4_K_M"),
        ("$ ollama pull huggingface.co/acme/tiny-GGUF:latest", "", ""),
        ("docker exec -it ollama ollama run hf.co/acme/tiny-GGUF", "", ""),
        ('ollama run hf.co/acme/tiny-GGUF "Why is the sky blue/black?"', "", ""),
        ("huggingface-cli download acme/tiny-GGUF tiny-Q8_0.gguf --local-dir ./x/y", FILE, ""),
        ("huggingface-cli download --local-dir a/b acme/tiny-GGUF tiny-Q8_0.gguf", FILE, ""),
        ('hf download acme/tiny-GGUF --include "*Q4_K_M*"', "Q4_K_M", ""),
        ("hf download acme/tiny-GGUF --include=tiny-Q8_0.gguf", FILE, ""),
        ("HF_TOKEN=hf_abcdefgh1234 hf download acme/tiny-GGUF", "", ""),
        ("pip install -U huggingface_hub\nhuggingface-cli download acme/tiny-GGUF \\\n  tiny-Q8_0.gguf", FILE, ""),
        ("PS C:\\> huggingface-cli.exe download acme/tiny-GGUF `\r\n tiny-Q8_0.gguf", FILE, ""),
        ("llama-cli -hf acme/tiny-GGUF:Q8_0 -p 'either/or'", "", "Q8_0"),
        ("./bin/llama-server -m x/y.gguf -hfd other/draft --hf-repo acme/tiny-GGUF -hff tiny-Q8_0.gguf", FILE, ""),
        ("llama-cli –hf acme/tiny-GGUF", "", ""),
        ("docker run ghcr.io/ggml-org/llama.cpp:server -hf acme/tiny-GGUF", "", ""),
        ("wget 'https://huggingface.co/acme/tiny-GGUF/resolve/main/tiny-Q8_0.gguf?download=true'", FILE, ""),
        ('curl -L -H "Authorization: x/y" -o a/b https://hf.co/acme/tiny-GGUF/resolve/main/tiny-Q8_0.gguf', FILE, ""),
        ("git clone git@hf.co:acme/tiny-GGUF.git", "", ""),
        ("GIT_LFS_SKIP_SMUDGE=1 git clone https://huggingface.co/acme/tiny-GGUF", "", ""),
        ("lms get acme/tiny-GGUF@q4_k_m", "", "q4_k_m"),
        ("lms get https://huggingface.co/acme/tiny-GGUF", "", ""),
        ("docker model run hf.co/acme/tiny-GGUF:Q4_K_M", "", "Q4_K_M"),
        ("ramalama run hf://acme/tiny-GGUF/tiny-Q8_0.gguf", FILE, ""),
        ('vllm serve "acme/tiny-GGUF"', "", ""),
        ("mlx_lm.generate --model acme/tiny-GGUF --prompt 'a/b'", "", ""),
        ("latchkey models get acme/tiny-GGUF --file tiny-Q8_0.gguf", FILE, ""),
        ('model = AutoModel.from_pretrained("acme/tiny-GGUF")', "", ""),
        ('Llama.from_pretrained(repo_id="acme/tiny-GGUF", filename="*q4_k_m.gguf")', "Q4_K_M", ""),
        (">>> hf_hub_download(repo_id='acme/tiny-GGUF', filename='tiny-Q8_0.gguf')", FILE, ""),
        ('{"model": "acme/tiny-GGUF"}', "", ""),
        ("base_model: acme/tiny-GGUF", "", ""),
        ("[Tiny](https://huggingface.co/acme/tiny-GGUF)", "", ""),
        ("[![the badge](badge.svg)](https://huggingface.co/acme/tiny-GGUF)", "", ""),
        ('<a href="https://huggingface.co/acme/tiny-GGUF">Tiny</a>', "", ""),
        ("`ollama run hf.co/acme/tiny-GGUF`", "", ""),
        ("“acme/tiny-GGUF”,", "", ""),
        ("**acme/tiny-GGUF**", "", ""),
        ("<https://huggingface.co/acme/tiny-GGUF>.", "", ""),
        ("(see https://huggingface.co/acme/tiny-GGUF).", "", ""),
        ("\ufeffacme/tiny\u200b-GGUF\u00a0", "", ""),
        ("acme／tiny‑GGUF：Q8_0", "", "Q8_0"),
    ],
)  # fmt: skip
def test_a_pasted_line_leads_to_its_model(line: str, file: str, quantization: str) -> None:
    found = parse_repository(line)
    assert (found.id, found.file, found.quantization) == (REPOSITORY, file, quantization)


def test_the_revision_of_a_line_counts() -> None:
    assert parse_repository("hf download acme/tiny --revision v2 x.gguf").revision == "v2"


@pytest.mark.parametrize("option", ["--revision ../x", "--file ../../x.gguf", "--include /etc/x", "--file 'a\\b'"])
def test_a_line_names_no_path(option: str) -> None:
    with pytest.raises(NotFoundError):
        parse_repository(f"hf download acme/tiny {option}")


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("llama3.2:1b", "llama3.2:1b", "llama3.2 1b"),
        ("ollama run gemma3", "gemma3", "gemma3"),
        ("$ ollama pull qwen3:latest", "qwen3:latest", "qwen3"),
        ("ollama run ada/poet", "ada/poet", "poet"),
        ("docker exec -it ollama ollama run llama3", "llama3", "llama3"),
        ("https://ollama.com/library/llama3.2:1b", "llama3.2:1b", "llama3.2 1b"),
        ("registry.ollama.ai/library/phi4", "phi4", "phi4"),
    ],
)
def test_a_name_of_ollamas_library_is_said_to_be_one(text: str, name: str, words: str) -> None:
    assert ollama_name(text) == name
    assert search_words(name) == words
    with pytest.raises(NotFoundError) as refused:
        parse_repository(text)
    assert f"“{name}” is a name in Ollama's own library" in refused.value.title
    assert f"“{words}”" in refused.value.remedy


def test_a_name_of_another_registry_is_not_taken_for_one_of_the_hub() -> None:
    with pytest.raises(NotFoundError, match="Docker's own library"):
        parse_repository("docker model pull ai/smollm2")


@pytest.mark.parametrize(
    "text",
    [
        "mistral and/or llama",
        "acme / tiny",
        "acme/tiny:Q4 K",
        "ollama",
        "ollama list",
        "docker run -v ollama:/root/.ollama --name ollama ollama/ollama",
        "hf download acme/tiny --repo-type dataset",
        "wget https://example.org/acme/tiny/resolve/main/tiny.gguf",
        "git clone https://github.com/ggml-org/llama.cpp",
        "llama-cli -m /home/ada/tiny.gguf",
        "hf download",
        "ollama run '",
    ],
)
def test_other_lines_lead_nowhere(text: str) -> None:
    assert ollama_name(text) == ""
    with pytest.raises(NotFoundError):
        parse_repository(text)


def test_a_token_in_a_line_is_not_repeated() -> None:
    with pytest.raises(NotFoundError) as refused:
        parse_repository("curl -H 'Authorization: Bearer hf_abcdefgh1234' https://example.org/a/b/c hf_abcdefgh1234")
    assert "abcdefgh1234" not in str(refused.value)


def test_any_words_give_a_repository_or_the_one_error() -> None:
    source = random.Random(1)
    words = [
        "ollama",
        "run",
        "hf",
        "download",
        "-hf",
        "--file",
        "a/b",
        "../c",
        "'",
        '"',
        "\\",
        "\n",
        "https://hf.co/a/b",
        "[x](",
        ")",
    ]
    words += [
        "from_pretrained(",
        "repo_id=",
        "*?[",
        "=",
        "--",
        "–hf",
        "|",
        "\ud800",
        "\u202e",
        "hf.co/a/b:Q4",
        "C:\\a/b",
        "~/a/b",
    ]
    for _ in range(5000):
        text = " ".join(source.choice(words) for _ in range(source.randint(1, 8)))
        try:
            found = parse_repository(text)
        except NotFoundError:
            continue
        assert found.id == "a/b", text
        assert ".." not in found.file
