"""Writes a tool server as a script of its own: with the tools that it is to have, for tests and pictures."""

import json
from pathlib import Path
from typing import Any

_SOURCE = """#!/usr/bin/env python3
import json, sys, time
GIVEN = json.loads(%r)
print(GIVEN["says"], file=sys.stderr, flush=True)
time.sleep(GIVEN["waits"])
for line in sys.stdin:
    message = json.loads(line)
    method, number = message.get("method"), message.get("id")
    if number is None:
        continue
    if method == "server/discover":
        result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "written", "version": "1"}, "ttlMs": 0, "cacheScope": "private"}
    elif method == "tools/list":
        result = {"tools": GIVEN["tools"], "ttlMs": 0, "cacheScope": "private"}
    elif method == "tools/call":
        text = GIVEN["gives"] or json.dumps(message["params"].get("arguments") or {})
        result = {"content": [{"type": "text", "text": text}]}
    else:
        result = {}
    print(json.dumps({"jsonrpc": "2.0", "id": number, "result": {"resultType": "complete", **result}}), flush=True)
"""


def written_tool(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    """A tool as a server lists it; all of its arguments are needed."""
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": description, "inputSchema": schema}


def write_tool_server(
    file: Path, *tools: dict[str, Any], says: str = "Ready.", waits: float = 0, gives: str = ""
) -> Path:
    """A server with these tools at `file`, which may be run: it `says` something on its standard error, `waits` so many
    seconds, and then answers each call with what it `gives`, or else with the arguments."""
    given = {"tools": tools, "says": says, "waits": waits, "gives": gives}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_SOURCE % json.dumps(given), encoding="utf-8")
    file.chmod(0o700)
    return file
