"""An answer under a JSON Schema is what the schema's own validator takes, and no schema is kept to half."""

import json
from typing import Any

import jsonschema
import pytest

from desktop.engine.generation_options import JsonSchemaFormat
from desktop.errors import EngineError
from tests.unit.engine.byte_vocabulary import takes

_TREE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"v": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["v"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}
_PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}
# A schema, answers that conform to it, answers that do not.
CASES: list[tuple[Any, list[str], list[str]]] = [
    ({"type": "null"}, ["null"], ["0", "nul", "null null", ""]),
    ({"type": "boolean"}, ["true", "false"], ["True", "1"]),
    ({"type": ["string", "null"]}, ['"a"', "null"], ["1"]),
    ({"type": "number"}, ["-1.5e3", "0"], ["01", '"1"', "1."]),
    ({"type": "integer", "minimum": -3, "maximum": 12}, ["-3", "0", "12"], ["-4", "13", "1.5"]),
    ({"type": "integer", "exclusiveMinimum": 5}, ["6", "100"], ["5", "-7"]),
    ({"type": "integer", "multipleOf": 7}, ["14", "0"], ["15"]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ['"ab"', '"äöü"', '"a\\n"'], ['"a"', '"abcd"', '"a\nb"']),
    ({"type": "string", "pattern": "^[A-Z]{2}[0-9]+$"}, ['"AB12"'], ['"AB"', '"ab1"', '"AB1 "']),
    ({"type": "string", "format": "date"}, ['"2026-11-30"'], ['"2026-13-01"', '"today"']),
    ({"type": "string", "format": "uuid"}, ['"123e4567-e89b-12d3-a456-426614174000"'], ['"123e4567"']),
    ({"type": "string", "format": "time"}, ['"12:30:00Z"'], ['"25:00:00Z"', '"noon"']),
    ({"enum": ["red", 7, None]}, ['"red"', "7", "null"], ['"re"', "8"]),
    ({"const": {"a": [1, "é"]}}, ['{"a": [1, "é"]}', '{"a":[1,"é"]}'], ['{"a": [1]}', "{}"]),
    (_PERSON, ['{"name": "A", "age": 3}', '{"name":"A"}'], ["{}", '{"name":"A","x":1}', '{"age":3}']),
    ({"type": "object", "additionalProperties": {"type": "integer"}}, ["{}", '{"a":1,"b":2}'], ['{"a":"b"}']),
    (
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
        ["[1]", "[1, 2]"],
        ["[]", "[1,2,3]"],
    ),
    (
        {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": False},
        ["[1,2]", "[1]"],
        ["[2]", "[1,2,3]"],
    ),
    ({"anyOf": [{"type": "integer"}, {"const": "x"}]}, ["1", '"x"'], ['"y"']),
    ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, ["1", '"x"'], ["null"]),
    ({"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 5}]}, ["4"], ["2", "6"]),
    (_TREE, ['{"v":1,"kids":[{"v":2},{"v":3,"kids":[]}]}'], ['{"v":1,"kids":[{}]}', '{"kids":[]}']),
    (True, ['{"any": [1, null]}', '"x"'], ["nope", "{"]),
    ({"not-a-keyword": 1, "type": "null"}, ["null"], ["1"]),
]


@pytest.mark.parametrize(("schema", "valid", "wrong"), CASES, ids=lambda value: json.dumps(value)[:40])
def test_exactly_what_conforms_is_taken(schema: Any, valid: list[str], wrong: list[str]) -> None:
    form = JsonSchemaFormat(json.dumps(schema))
    for text in valid:
        jsonschema.validate(json.loads(text), schema)
        assert takes(form, text), text
    for text in wrong:
        assert not takes(form, text), text


REFUSED: list[tuple[str, str]] = [
    ('{"type": "string", "not": {"const": "a"}}', "not"),
    ('{"if": {}, "then": {}}', "if"),
    ('{"type": "array", "uniqueItems": true}', "uniqueItems"),
    ('{"type": "array", "contains": {}}', "contains"),
    ('{"type": "object", "propertyNames": {"pattern": "a"}}', "propertyNames"),
    ('{"type": "object", "properties": {"a": {"dependentRequired": {"b": ["c"]}}}}', "dependentRequired"),
    ('{"type": "string", "not": {}, "x-guidance": {"lenient": true}}', "not"),
    ('{"not": {}, "x-guidance": {"lenient": true}}', "not"),
    ('{"type": "string", "format": "phone"}', "phone"),
    ('{"type": "string", "pattern": "(?=a)b"}', "look-around"),
    ('{"type": "strin"}', "strin"),
    ('{"$ref": "https://example.org/schema.json"}', "never fetched"),
    ('{"$ref": "#/$defs/missing"}', "missing"),
    ('{"type": "integer", "minimum": 5, "maximum": 3}', "minimum"),
    ('{"allOf": [{"type": "string"}, {"type": "integer"}]}', "incompatible"),
    ('{"enum": []}', "empty"),
    ("false", "No JSON can satisfy it"),
    ('{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}', "No JSON can satisfy it"),
    ('{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}', "No JSON can satisfy it"),
    ('{"type": "array", "items": {"$ref": "#"}, "minItems": 1}', "No JSON can satisfy it"),
    ("[]", "neither an object"),
    ("nope", "no JSON"),
    ('{"a": 1', "no JSON"),
    ("[" * 100_000, "nested"),
    ('{"items":' * 150 + "{}" + "}" * 150, "nested"),
    ('{"description": "' + "x" * 1_000_001 + '"}', "longer than"),
    (json.dumps({"$defs": {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(1_500)}}), "references"),
]


@pytest.mark.parametrize(("schema", "reason"), REFUSED, ids=lambda text: text[:40])
def test_what_cannot_be_kept_to_is_refused_with_its_reason(schema: str, reason: str) -> None:
    with pytest.raises(EngineError, match="JSON Schema cannot be used") as caught:
        takes(JsonSchemaFormat(schema), "1")
    assert reason in caught.value.detail
    assert caught.value.detail.endswith(".")
    assert caught.value.remedy


def test_white_space_between_tokens_comes_to_an_end() -> None:
    form = JsonSchemaFormat('{"type": "array", "items": {"type": "integer"}}')
    assert takes(form, "[\n" + " " * 39 + "1]")
    assert not takes(form, "[\n" + " " * 400 + "1]")


def test_a_pattern_that_explodes_gives_up_with_a_reason() -> None:
    form = JsonSchemaFormat(json.dumps({"type": "string", "pattern": "^(?:(?:a?){500})a{500}$"}))
    with pytest.raises(EngineError, match="could not be kept to its grammar"):
        takes(form, '"' + "a" * 600 + '"')
