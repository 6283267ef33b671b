"""The permission table: what may be called, by whom it was allowed, and what a policy denies."""

from __future__ import annotations

from typing import Any

import pytest

from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_permission import (
    CallAllowed,
    CallAsked,
    CallDenied,
    ToolApproval,
    ToolDecision,
    decide_call,
    is_denied,
)
from desktop.tools.tool_server import BUILT_IN, ToolRule

TOOL = ServerTool("files", "read", definition="now")
CHANGED = ServerTool("files", "read", definition="other")
OTHER_TOOL = ServerTool("files", "write", definition="now")
OTHER_SERVER = ServerTool("mail", "read", definition="now")
CALCULATOR = ServerTool(BUILT_IN, "calculator", definition="now")
BROKEN = ServerTool("files", "read", definition="now", problem="its schema is too large")
GIVEN = {"path": "a", "lines": 3}
ONCE, CHAT = ToolApproval.of_call(TOOL, GIVEN), ToolApproval.for_chat(TOOL)
ALWAYS, NEVER, ASK = ToolRule("always", "now"), ToolRule("never", "now"), ToolRule("ask", "now")
ALWAYS_BEFORE = ToolRule("always", "before")

NEW, TOLD_CHANGED, NOBODY = CallAsked("new"), CallAsked("changed"), CallDenied("nobody-to-ask")
BY_APPROVAL, BY_RULE = CallAllowed("approval"), CallAllowed("always")


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        # what was decided for the tool in general
        ({}, NEW),
        ({"rule": ASK}, NEW),
        ({"rule": ALWAYS}, BY_RULE),
        ({"rule": ALWAYS_BEFORE}, TOLD_CHANGED),
        ({"rule": ToolRule("ask", "before")}, TOLD_CHANGED),
        ({"rule": ToolRule("always")}, NEW),
        ({"rule": NEVER}, CallDenied("never")),
        # what a person agreed to
        ({"approvals": [ONCE]}, BY_APPROVAL),
        ({"approvals": [ONCE], "arguments": {"lines": 3, "path": "a"}}, BY_APPROVAL),
        ({"approvals": [ONCE], "arguments": {"path": "b", "lines": 3}}, NEW),
        ({"approvals": [CHAT], "arguments": {"path": "b"}}, BY_APPROVAL),
        ({"approvals": [ONCE, CHAT], "tool": OTHER_TOOL}, NEW),
        ({"approvals": [ONCE, CHAT], "tool": OTHER_SERVER}, NEW),
        ({"approvals": [ONCE, CHAT], "tool": CHANGED}, NEW),
        ({"approvals": [ONCE], "rule": ALWAYS_BEFORE}, BY_APPROVAL),
        ({"approvals": [ONCE, CHAT], "rule": NEVER}, CallDenied("never")),
        # a pipe: nothing but what was allowed for always, or approved by whoever started it
        ({"person_present": False}, NOBODY),
        ({"person_present": False, "rule": ALWAYS}, BY_RULE),
        ({"person_present": False, "rule": ALWAYS_BEFORE}, NOBODY),
        # what nobody is asked about
        ({"server_allowed": False, "rule": ALWAYS, "approvals": [ONCE]}, CallDenied("server-not-allowed")),
        ({"denied_by_policy": True, "rule": ALWAYS, "approvals": [ONCE]}, CallDenied("policy")),
        ({"tool": BROKEN, "rule": ALWAYS, "approvals": [ONCE]}, CallDenied("unusable")),
        # built in
        ({"tool": CALCULATOR, "person_present": False}, CallAllowed("built-in")),
        ({"tool": CALCULATOR, "rule": NEVER}, CallDenied("never")),
        ({"tool": CALCULATOR, "rule": ASK}, NEW),
        ({"tool": CALCULATOR, "denied_by_policy": True}, CallDenied("policy")),
    ],
)
def test_what_may_be_called(case: dict[str, Any], expected: ToolDecision) -> None:
    facts: dict[str, Any] = {
        "tool": TOOL,
        "arguments": GIVEN,
        "server_allowed": True,
        "denied_by_policy": False,
        "rule": None,
        "person_present": True,
    }
    assert decide_call(**(facts | case)) == expected


@pytest.mark.parametrize(
    ("denied", "tool", "expected"),
    [
        ([], "read", False),
        (["*"], "read", True),
        (["files"], "read", True),
        (["FILES"], "", True),
        (["mcp-server-files"], "read", True),
        (["read"], "read", True),
        (["read"], "write", False),
        (["files/read"], "read", True),
        (["files/read"], "write", False),
        (["mcp-server-files/read"], "read", True),
        (["mail/read"], "read", False),
        (["read"], "", False),
    ],
)
def test_what_a_policy_denies(denied: list[str], tool: str, expected: bool) -> None:
    assert is_denied(denied, ("files", "python", "/usr/bin/python", "-m", "mcp-server-files"), tool) is expected
