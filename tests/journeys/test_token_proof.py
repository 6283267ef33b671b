"""An access token goes to its own host and to nobody else: seen in the packets, the files and the processes.

`packaging/proofs/secrecy.py` does what a person does and looks; here it is said what has to have been seen.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "proofs" / "secrecy.py"


def secrecy(*options: str) -> dict[str, Any]:
    """What was seen, by round."""
    if sys.platform != "linux":
        pytest.skip("packets are seen on Linux only")
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", *options], capture_output=True, text=True, check=False, timeout=600
    )
    assert ran.stdout, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    if "without" in told:
        pytest.skip(told["without"])
    assert [each["wrong"] for each in told.values() if each["wrong"]] == []
    return told


def check(told: dict[str, Any]) -> None:
    clear, tls = told["in clear"], told["TLS"]
    assert set(clear["with_token"]) == {"hub", "connections to hub"}
    assert tls["with_token"] == {}
    assert tls["packets"] > 0
    requests = [each for asked in clear["asked"].values() for each in asked]
    assert {who for who, _, _, token in requests if token} == {"hub"}
    assert {who for who, *_ in requests} == {"hub", "cdn", "elsewhere"}, "not everybody was asked"
    for name, asked in clear["asked"].items():
        if name.startswith(("open", "search")):
            assert not any(token for *_, token in asked), f"{name} needs no token"
    public = ("/LICENSE", "/README.md", "?search=")
    assert not [path for _, _, path, token in requests if token and any(each in path for each in public)]
    assert clear["ended"]["gated: download"] == clear["ended"]["astray: a download"] == 0


def test_the_token_is_in_no_packet_but_those_to_its_own_host() -> None:
    check(secrecy("--quick"))


@pytest.mark.soak
def test_the_token_is_seen_nowhere_else_with_the_window_too() -> None:
    told = secrecy()
    check(told)
    window = told["in clear"]["asked"]["window"]
    assert [who for who, _, path, token in window if token and "/resolve/" in path] != []
    assert told["TLS"]["ended"]["gated: download"] == 0
