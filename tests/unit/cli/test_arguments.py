"""The command understands what its contract names, and refuses the rest as wrong usage."""

import pytest

from desktop.cli.arguments import parser


def test_ask_takes_every_option_of_the_contract() -> None:
    line = "ask hello --model m --system s --max-tokens 5 --temperature 0.5 --seed 7 --conversation c"
    options = parser().parse_args([*line.split(), "--raw-prompt", "--ignore-eos", "--json"])
    assert vars(options) == {
        "command": "ask",
        "text": "hello",
        "model": "m",
        "system": "s",
        "max_tokens": 5,
        "temperature": 0.5,
        "seed": 7,
        "conversation": "c",
        "raw_prompt": True,
        "ignore_eos": True,
        "json": True,
    }


@pytest.mark.parametrize(
    "line",
    [
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
        "dance",
    ],
)
def test_wrong_usage_ends_with_exit_code_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parser().parse_args(line.split())
    assert left.value.code == 2
    assert "latchkey" in capsys.readouterr().err


def test_the_longest_seed_is_taken() -> None:
    assert parser().parse_args(["ask", "hi", "--seed", "4294967295"]).seed == 4294967295
