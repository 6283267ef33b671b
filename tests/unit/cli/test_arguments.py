"""The command understands what its contract names, and refuses the rest as wrong usage."""

import math

import pytest

from desktop.cli.arguments import parser


def test_ask_takes_every_option_of_the_contract() -> None:
    line = "ask hello --model m --system s --max-tokens 5 --temperature 0.5 --seed 7 --conversation c"
    line += " --speculation off --draft-model d --thinking 500 --file a.pdf --file - --image a.png --collection Club"
    line += " --tools files built-in"
    line += " --top-p 0.9 --top-k 3 --min-p 0.1 --min-tokens 2 --logprobs 4 --preset p --json-schema f"
    further = ["--stop", "a", "--stop", "b c", "--logit-bias", '{"5": false, " x": 2}', "--sampling", '{"mirostat": 2}']
    options = parser().parse_args([*line.split(), *further, "--raw-prompt", "--ignore-eos", "--no-cache", "--json"])
    assert vars(options) == {
        "command": "ask",
        "text": "hello",
        "model": "m",
        "system": "s",
        "max_tokens": 5,
        "temperature": 0.5,
        "seed": 7,
        "top_p": 0.9,
        "top_k": 3,
        "min_p": 0.1,
        "stop": ["a", "b c"],
        "sampling": {"mirostat": 2},
        "json_schema": "f",
        "grammar": None,
        "preset": "p",
        "min_tokens": 2,
        "logprobs": 4,
        "logit_bias": ((5, -math.inf), (" x", 2.0)),
        "conversation": "c",
        "thinking": 500,
        "raw_prompt": True,
        "ignore_eos": True,
        "speculation": "off",
        "draft_model": "d",
        "lora": [],
        "no_cache": True,
        "file": ["a.pdf", "-"],
        "image": ["a.png"],
        "collection": ["Club"],
        "tools": ["files", "built-in"],
        "json": True,
    }


@pytest.mark.parametrize(
    "line",
    [
        "presets list --json",
        "presets show p",
        "presets set p --system s --model m --thinking off --temperature 0.5 --stop x",
        "presets remove p",
        "models list",
        "models list --json",
        "models list llama 8b --installed --json",
        "models show m --json",
        "models check f.toml",
        "models get m",
        "models get m --file Q4_K_M --json",
        "models get publisher/name:Q4_K_M --passphrase-stdin",
        "models get m --token-stdin",
        "models search tiny llama --limit 5 --json",
        "models downloads --json",
        "models downloads --cancel d",
        "models found --json",
        "models import p.gguf --license MIT --copy --json",
        "models import name --found",
        "models remove m",
        "models verify --json",
        "models verify m",
        "token set",
        "token set --host huggingface.co --place vault",
        "token check --host huggingface.co --json",
        "token check --passphrase-stdin",
        "token forget --host huggingface.co",
        "token forget --vault",
        "offline on",
        "offline off --json",
        "offline status --json",
        "network log --json",
        "network log model 404 --limit 10",
        "licenses list --json",
        "licenses show MIT --json",
        "licenses accept m --text-sha256 h --as N --purpose personal",
        "licenses accept m --text-sha256 h --as N --purpose research --organization O",
        "licenses revoke m",
        "licenses log --json",
        "licenses export f.cdx.json",
        "licenses verify --json",
        "licenses verify f.json",
    ],
)
def test_every_line_of_the_contract_is_understood(line: str) -> None:
    words = line.split()
    options = parser().parse_args(words)
    assert (options.command, options.action) == (words[0], words[1])
    assert getattr(options, "json", False) == ("--json" in words)


@pytest.mark.parametrize(
    "line",
    [
        "models get",
        "models get m --passphrase-stdin --token-stdin",
        "models import",
        "models search",
        "models search x --limit 0",
        "licenses accept m --text-sha256 h --as N",
        "licenses accept m --text-sha256 h --purpose personal",
        "licenses accept m --as N --purpose personal",
        "licenses accept m --text-sha256 h --as N --purpose profit",
        "licenses show",
        "licenses show m --changes --acceptable-use",
        "licenses export",
        "ask",
        "ask hi --max-tokens 0",
        "ask hi --max-tokens many",
        "ask hi --temperature -1",
        "ask hi --temperature nan",
        "ask hi --temperature inf",
        "ask hi --seed -1",
        "ask hi --seed 4294967296",
        "ask hi --mod x",
        "conversations",
        "models",
        "models show",
        "access",
        "token",
        "token set hf_secret",
        "token set --token hf_secret",
        "token set --place drawer",
        "offline",
        "offline maybe",
        "network",
        "network log --limit none",
        "dance",
    ],
)
def test_wrong_usage_ends_with_exit_code_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parser().parse_args(line.split())
    assert left.value.code == 2
    complaint = capsys.readouterr().err
    assert "latchkey" in complaint
    assert "invalid _" not in complaint  # argparse's own sentence names the function that refused


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ask hi --temperature x", "--temperature: must be a number, 0 or more"),
        ("ask hi --seed x", "--seed: must be a whole number between 0 and 4294967295"),
        ("serve --port x", "--port: must be a whole number between 0 and 65535"),
        ("models settings m --threads many", "--threads: must be a whole number between 1 and 4096"),
        ("models settings m --mmap maybe", "--mmap: must be on, off or auto"),
    ],
)
def test_what_is_no_number_is_told_what_would_be_one(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(line.split())
    assert said in capsys.readouterr().err


def test_the_longest_seed_is_taken() -> None:
    assert parser().parse_args(["ask", "hi", "--seed", "4294967295"]).seed == 4294967295


def test_a_complaint_about_arguments_sends_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["offline", "on", "\x1b]0;owned\x07\n\u202ex"])
    said = capsys.readouterr().err
    assert "\\x1b]0;owned" in said
    assert not set("\x1b\x07\u202e") & set(said)


@pytest.mark.parametrize("command", ["models get", "models show", "access"])
def test_the_words_of_a_pasted_line_are_put_together(command: str) -> None:
    options = parser().parse_args([*command.split(), "ollama", "run", "hf.co/acme/tiny:Q4_K_M", "--json"])
    assert "ollama run hf.co/acme/tiny:Q4_K_M" in vars(options).values()
    assert options.json
