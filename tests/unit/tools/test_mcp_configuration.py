"""Commands and configurations as people paste them."""

from __future__ import annotations

import json

import pytest

from desktop.tools.mcp_configuration import (
    LONGEST,
    ConfigurationError,
    ConfiguredServer,
    command_line,
    is_address,
    is_configuration,
    parse_command,
    parse_configuration,
    usable_name,
)

TIME = {"command": "uvx", "args": ["mcp-server-time", "--local-timezone=Europe/Berlin"], "env": {"A": "b"}}
READ = ConfiguredServer("time", ("uvx", "mcp-server-time", "--local-timezone=Europe/Berlin"), "", (("A", "b"),))


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"mcpServers": {"Time": TIME}}),
        json.dumps({"mcp": {"servers": {"time": TIME}}}),
        json.dumps({"servers": {"time": {"type": "stdio", **TIME}}}),
        json.dumps({"time": TIME}),
        f'"time": {json.dumps(TIME)},',
        json.dumps({"time": {"command": ["uvx", *TIME["args"]], "env": {"A": "b"}}}),
    ],
)
def test_a_configuration_is_read_in_the_shapes_that_other_programs_have(text: str) -> None:
    assert is_configuration(text)
    assert parse_configuration(text) == (READ,)


def test_addresses_several_servers_and_what_is_left_out() -> None:
    one = {"url": "https://example.org/mcp", "headers": {"Authorization": "x"}}
    found = parse_configuration(json.dumps({"mcpServers": {"My Notes!": one, "time": TIME}}))
    assert found[0] == ConfiguredServer("my-notes", address="https://example.org/mcp", left_out=("headers",))
    assert found[1] == READ
    assert parse_configuration(json.dumps(TIME))[0].name == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no JSON object"),
        ("{}", "no “mcpServers”"),
        ('{"mcpServers": {}}', "No tool server"),
        ('{"mcpServers": {"a": 3}}', "no JSON object"),
        ('{"mcpServers": {"a": {"args": []}}}', "neither"),
        ('{"mcpServers": {"a": {"url": "file:///etc/passwd"}}}', "neither"),
        ('{"mcpServers": {"a": {"command": "x", "args": "y"}}}', "args"),
        ('{"mcpServers": {"a": {"command": "x", "args": [["y"]]}}}', "args"),
        ('{"mcpServers": {"a": {"command": "x", "env": {"A": {}}}}}', "env"),
        ('{"mcpServers": {"a\\u202e": {}}}', "u202e"),
        (" " * LONGEST + "{}", "too long"),
    ],
)
def test_what_is_no_configuration_is_told(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said.replace("\\", "\\\\")):
        parse_configuration(text)


def test_a_command_is_split_as_a_shell_does_and_never_expanded() -> None:
    words = parse_command("""npx -y "@a/b c" '$HOME' *.txt; `rm x`""")
    assert words == ("npx", "-y", "@a/b c", "$HOME", "*.txt;", "`rm", "x`")
    assert parse_command(command_line(words)) == words
    assert parse_command("") == ()
    with pytest.raises(ConfigurationError, match="not closed"):
        parse_command('npx "a')
    assert [is_address(each) for each in ("HTTPS://x", " http://x", "x http://y", "ftp://x")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_name_stays_as_near_as_it_may_be() -> None:
    assert [usable_name(each) for each in ("Brave Search", "-._x", "日本", "a" * 60, "../x")] == [
        "brave-search", "x", "", "a" * 40, "x",
    ]  # fmt: skip
