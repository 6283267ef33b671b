"""`latchkey ask` with a schema, a grammar, a preset or probabilities, and what it says of files that are none."""

import json
from pathlib import Path

import jsonschema
import pytest

from tests.journeys.command import latchkey

pytestmark = pytest.mark.usefixtures("accepted")
SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": ["app", "model"]}, "stars": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["kind", "stars"],
    "additionalProperties": False,
}


def test_what_is_printed_is_json_that_conforms_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA))
    ran = latchkey("ask", "What is Latchkey?", "--json-schema", str(file), "--seed", "1")
    assert (ran.code, ran.err) == (0, ""), ran
    jsonschema.validate(json.loads(ran.out), SCHEMA)
    cut = latchkey("ask", "What is Latchkey?", "--json-schema", str(file), "--seed", "1", "--max-tokens", "3", "--json")
    assert cut.json["stop_reason"] == "length"
    assert "was cut" in cut.err


def test_a_grammar_from_standard_input_and_probabilities() -> None:
    ran = latchkey("ask", "Is it?", "--grammar", "-", "--json", "--logprobs", "2", stdin='root ::= "yes" | "no"')
    assert ran.code == 0, ran
    assert ran.json["text"] in ("yes", "no")
    told = ran.json["logprobs"]
    assert "".join(each["token"] for each in told) == ran.json["text"]
    assert all(len(each["top_logprobs"]) == 2 and each["logprob"] <= 0 for each in told)


def test_a_preset_is_kept_shown_used_and_removed() -> None:
    assert latchkey("presets", "set", "mine", "--temperature", "0", "--stop", " is").code == 0
    assert latchkey("presets", "show", "mine", "--json").json == {
        "name": "mine",
        "built_in": False,
        "sampling": {"temperature": 0.0},
        "stop": [" is"],
    }
    assert latchkey("ask", "What is Latchkey?", "--preset", "mine").out == "Latchkey\n"
    assert latchkey("presets", "remove", "mine").code == 0
    assert [each["name"] for each in latchkey("presets", "list", "--json").json] == ["precise", "balanced", "creative"]
    assert "no preset mine" in latchkey("ask", "Hello", "--preset", "mine").failed_with(3)


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (None, 3, "There is no file"),
        (b"", 2, "is empty"),
        (b"\x7fELF\x00\x00", 2, "is no text"),
        (b" " * ((4 << 20) + 1), 2, "is too large"),
        (b"{", 6, "It is no JSON"),
        (b'{"uniqueItems": true}', 6, "uniqueItems"),
    ],
)
def test_a_file_that_is_no_schema_is_told_in_one_sentence(
    tmp_path: Path, content: bytes | None, code: int, says: str
) -> None:
    file = tmp_path / "schema.json"
    if content is not None:
        file.write_bytes(content)
    assert says in latchkey("ask", "Hello", "--json-schema", str(file)).failed_with(code)


@pytest.mark.parametrize(
    "line",
    [
        ["--logprobs", "2"],
        ["--logprobs", "21", "--json"],
        ["--logit-bias", "{"],
        ["--logit-bias", '{"a": "b"}'],
        ["--logit-bias", "7"],
        ["--sampling", '{"heat": 1}'],
        ["--sampling", '{"mirostat": 3}'],
        ["--top-p", "2"],
        ["--json-schema", "a", "--grammar", "b"],
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(line: list[str]) -> None:
    assert latchkey("ask", "Hello", *line).code == 2
