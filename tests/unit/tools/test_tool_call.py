"""What is sent and what comes back: checked, bounded, harmless. And the tools that are built in."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest

from desktop.tools.argument_schema import check_arguments
from desktop.tools.built_in_tools import built_in_tools, calculate, call_built_in
from desktop.tools.server_tool import define_tool
from desktop.tools.tool_call import LONGEST_TEXT, ToolArgumentsError, ToolImage, harmless_result, parse_arguments

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        "3",
        '{"a": NaN}',
        '{"a": -1e999}',
        '{"b": [{"a": 1, "a": 2}]}',
        '{"a":' * 40 + "1" + "}" * 40,
        "[" * 100_000,
    ],
)
def test_what_is_no_object_is_not_sent(text: str) -> None:
    with pytest.raises(ToolArgumentsError):
        parse_arguments(text)


def test_arguments_are_read() -> None:
    assert parse_arguments('{"a": [1, "\\ud800"]}') == {"a": [1, "\ufffd"]}
    assert parse_arguments("") == {}


def bomb() -> dict[str, Any]:
    """A schema that takes 2 ** 40 steps."""
    levels = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(40)}
    return {"$ref": "#/$defs/l0", "$defs": {**levels, "l40": {}}}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "object", "required": ["b"]}, "'b' is a required property"),
        ({"properties": {"a": {"type": "integer"}}}, "a: "),
        (bomb(), "too intricate"),
        ({"$ref": "#"}, "too intricate"),
        ({"$ref": "https://example.org/schema.json"}, "refers to another"),
        ({"properties": 3}, "no JSON schema"),
        ({"type": "nonsense"}, "no JSON schema"),
    ],
)
def test_arguments_that_do_not_fit_and_schemas_that_cannot_be_followed(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(ToolArgumentsError, match=reason):
        check_arguments(schema, {"a": "text"})


def test_items_that_are_to_differ_are_compared_in_steps_that_do_not_grow_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def compare(*_: object) -> bool:
        pytest.fail("each is compared with each")

    monkeypatch.setattr("jsonschema._utils.equal", compare)
    schema = {"properties": {"a": {"uniqueItems": True}}}
    check_arguments(schema, {"a": [{"b": number} for number in range(50)] + [True, 1, "1", None]})
    check_arguments({"properties": {"a": {"uniqueItems": False}}}, {"a": [1, 1]})
    with pytest.raises(ToolArgumentsError, match="alike"):
        check_arguments(schema, {"a": [{"b": 1, "c": [2]}, {"c": [2], "b": 1}]})


def test_a_servers_regular_expressions_are_not_run() -> None:
    check_arguments({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 60 + "!"})
    check_arguments({"patternProperties": {"^(a+)+$": {"type": "integer"}}}, {"a" * 60 + "!": 1})
    broken: dict[str, Any] = {"patternProperties": {"(": {}}}  # looking at it at all would fail
    for name in ("additionalProperties", "unevaluatedProperties"):
        check_arguments({**broken, name: False}, {"a": 1})
        check_arguments({"allOf": [broken], "unevaluatedProperties": False, "unevaluatedItems": False}, {"a": [1]})
    with pytest.raises(ToolArgumentsError, match="not allowed"):
        check_arguments({"properties": {"b": {}}, "additionalProperties": False}, {"a": 1})


def test_a_result_is_bounded_and_harmless() -> None:
    blocks = [
        {"type": "text", "text": "\x1b[2J \u202egnp.exe\ud800\nnext"},
        {"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "text/html"},
        {"type": "image", "data": base64.b64encode(b"<svg onload=x>").decode(), "mimeType": "image/png"},
        {"type": "resource_link", "uri": "file:///etc/passwd"},
        {"type": "audio", "data": "", "mimeType": "audio/x\x1b"},
        {"type": "text", "text": "x" * (LONGEST_TEXT * 2)},
        {"type": "text", "text": "never"},
    ]
    result = harmless_result(blocks, None, failed=False, size=1, seconds=0)
    first, image, fake, link, audio, long, rest = result.parts
    assert getattr(first, "text") == "\\x1b[2J \\u202egnp.exe\ufffd\nnext"  # noqa: B009 - of either kind
    assert image == ToolImage("image/png", PNG)
    assert not isinstance(fake, ToolImage)
    assert "passwd" in getattr(link, "text")  # noqa: B009
    assert "\x1b" not in getattr(audio, "text")  # noqa: B009
    assert getattr(long, "cut")  # noqa: B009
    assert "never" not in result.text
    assert getattr(rest, "cut")  # noqa: B009
    assert len(result.text) < LONGEST_TEXT + 500


def test_structured_content_counts_where_there_is_nothing_else() -> None:
    assert '"a"' in harmless_result([], {"a": 1}, failed=False, size=1, seconds=0).text


@pytest.mark.parametrize("name", ["", "x" * 200, "\x1b[2J", " a", None, 3])
def test_a_tool_without_a_usable_name_is_none(name: Any) -> None:
    assert define_tool("s", {"name": name, "inputSchema": {}}) is None


def test_a_tool_that_changes_has_another_definition() -> None:
    given = {"name": "read", "description": "Reads.", "inputSchema": {"type": "object"}}
    tool = define_tool("s", given)
    assert tool is not None
    assert not tool.problem
    same = define_tool("s", dict(reversed(given.items())))
    assert same is not None
    assert same.definition == tool.definition
    changes: list[dict[str, Any]] = [
        {"description": "Reads all."},
        {"inputSchema": {}},
        {"annotations": {"readOnlyHint": True}},
    ]
    for change in changes:
        other = define_tool("s", given | change)
        assert other is not None
        assert other.definition != tool.definition
    large = define_tool("s", given | {"inputSchema": {"enum": ["x" * 100_000]}})
    assert large is not None
    assert large.problem


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", "14"),
        ("2^10", "1024"),
        ("-(7 // 2) ** 2", "-9"),
        ("1/4", "0.25"),
        ("round(sqrt(2), 3)", "1.414"),
        ("max(1, 2, pi) > 1", None),
        ("9**9**9**9", None),
        ("10**-99999999999", None),
        ("2.0**100000", None),
        ("(10**1000)*(10**1000)", None),
        ("(-8)**0.5", None),
        ("1/0", None),
        ("True + 1", None),
        ("'a'*9999", None),
        ("__import__('os')", None),
        ("(1).__class__", None),
        ("[x for x in (1,)]", None),
        ("(" * 400 + "1" + ")" * 400, None),
        ("", None),
    ],
)
def test_the_calculator_computes_and_nothing_else(expression: str, value: str | None) -> None:
    result = call_built_in("calculator", {"expression": expression}, datetime.datetime.now(datetime.UTC))
    assert result.failed is (value is None)
    assert value is None or result.text == calculate(expression) == value


def test_the_date_is_told() -> None:
    now = datetime.datetime(2026, 12, 1, 14, 5, tzinfo=datetime.UTC)
    assert call_built_in("date", {}, now).text == "Tuesday, 2026-12-01 14:05:00 +0000"
    assert [each.name for each in built_in_tools(documents=False)] == ["calculator", "date"]
