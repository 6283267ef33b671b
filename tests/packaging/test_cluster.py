"""A team's server: what is decided without Ray, and its whole trial where Ray is installed."""

import importlib.util
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.scripts import PACKAGING, load_script

ROUTING: Any = load_script("cluster/team_routing.py")
HOMES: Any = load_script("cluster/team_homes.py")
REPLICAS = [f"replica{n}" for n in range(4)]
SYSTEM, ASKED = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why is the sea salt?"}
TURNS = [{"role": "assistant", "content": "Rivers."}, {"role": "user", "content": "And lakes?"}]
OTHER = {"role": "user", "content": "Why is the sky blue?"}


def beginning(path: str, **body: Any) -> bytes:
    return bytes(ROUTING.prompt_beginning(path, json.dumps({"model": "m", **body}).encode()))


def idle(names: list[str] = REPLICAS) -> dict[str, int]:
    return dict.fromkeys(names, 0)


@pytest.mark.parametrize(
    ("path", "first", "later", "other"),
    [
        (
            "/v1/chat/completions",
            {"messages": [SYSTEM, ASKED]},
            {"messages": [SYSTEM, ASKED, *TURNS], "temperature": 1},
            {"messages": [SYSTEM, OTHER]},
        ),
        (
            "/v1/messages",
            {"system": "Be brief.", "messages": [ASKED]},
            {"system": "Be brief.", "messages": [ASKED, *TURNS]},
            {"system": "Be long.", "messages": [ASKED]},
        ),
        (
            "/v1/responses",
            {"instructions": "Be brief.", "input": [ASKED]},
            {"instructions": "Be brief.", "input": [ASKED, *TURNS]},
            {"instructions": "Be brief.", "input": "Why is the sky blue?"},
        ),
        ("/v1/completions", {"prompt": "x" * 1024}, {"prompt": "x" * 1024 + " and on"}, {"prompt": "y" * 1024}),
        ("/v1/chat/completions", {"messages": [ASKED]}, {"messages": [ASKED]}, {"model": "n", "messages": [ASKED]}),
    ],
)
def test_turns_of_a_conversation_begin_alike(
    path: str, first: dict[str, Any], later: dict[str, Any], other: dict[str, Any]
) -> None:
    assert beginning(path, **first) == beginning(path, **later) != beginning(path, **other)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models", b""),
        ("/v1/embeddings", b'{"input": "text"}'),
        ("/v1/chat/completions", b"{"),
        ("/v1/chat/completions", b"\xff\xfe"),
        ("/v1/chat/completions", b"[" * 100_000),
        ("/v1/chat/completions", b'{"messages": 7}'),
        ("/v1/completions", b'{"prompt": [[1, 2]]}'),
    ],
)
def test_what_has_no_beginning_goes_anywhere(path: str, body: bytes) -> None:
    assert ROUTING.prompt_beginning(path, body) == b""


def test_messages_of_any_form_are_routed() -> None:
    assert beginning("/v1/chat/completions", messages=[None, 3, "x"])
    assert beginning("/v1/chat/completions", messages=[])


def test_conversations_are_spread_and_stay_where_they_were() -> None:
    begins = [bytes([n]) for n in range(200)]
    at = {each: ROUTING.replica_order(each, idle(), 4, ())[0] for each in begins}
    shares = Counter(at.values())
    assert len(shares) == len(REPLICAS)
    assert min(shares.values()) > 25
    without = {each: ROUTING.replica_order(each, idle(REPLICAS[1:]), 4, ())[0] for each in begins}
    assert all(without[each] == name for each, name in at.items() if name != REPLICAS[0])


def test_a_full_replica_is_passed_over_for_the_least_busy_one() -> None:
    home, second, *_ = ROUTING.replica_order(b"b", idle(), 2, ())
    assert ROUTING.replica_order(b"b", {**idle(), home: 1}, 2, ())[0] == home
    busy = {**dict.fromkeys(REPLICAS, 2), second: 1}
    assert ROUTING.replica_order(b"b", busy, 2, ())[0] == second
    assert ROUTING.replica_order(b"b", dict.fromkeys(REPLICAS, 2), 2, ())[0] == home  # nobody is less busy


def test_what_needs_no_cache_goes_to_the_least_busy_one() -> None:
    assert ROUTING.replica_order(b"", {"a": 1, "b": 0, "c": 3}, 9, ()) == ["b", "a", "c"]


def test_a_replica_that_failed_is_asked_last() -> None:
    home, second, *_ = ROUTING.replica_order(b"b", idle(), 4, ())
    order = ROUTING.replica_order(b"b", idle(), 4, (home, "gone"))
    assert order[0] == second
    assert order[-1] == home
    assert ROUTING.replica_order(b"b", {home: 0}, 4, (home,)) == [home]


def test_each_replica_has_a_home_for_as_long_as_it_or_its_server_runs(tmp_path: Path) -> None:
    made = HOMES.prepare_homes(tmp_path / "state", 2)
    assert [each.name for each in made] == ["replica-0", "replica-1"]
    assert HOMES.prepare_homes(tmp_path / "state", 1) == made
    first, second = HOMES.take_home(tmp_path / "state", 0), HOMES.take_home(tmp_path / "state", 0)
    assert [first.folder, second.folder] == made
    with pytest.raises(OSError, match="prepare"):
        HOMES.take_home(tmp_path / "state", 0)  # and makes none, in which nobody accepted a license
    held_by_server = os.dup(first.lock)
    os.close(first.lock)
    with pytest.raises(OSError, match="prepare"):
        HOMES.take_home(tmp_path / "state", 0)
    os.close(held_by_server)
    again = HOMES.take_home(tmp_path / "state", 0)
    assert again.folder == made[0]
    os.close(again.lock)
    os.close(second.lock)


def test_a_replicas_server_is_reached_from_this_machine_alone_and_takes_the_teams_keys(tmp_path: Path) -> None:
    team = HOMES.TeamConfig(tmp_path, tmp_path / "keys", ("latchkey",), ("a", "b"), parallel=3)
    words = team.serve_command()
    assert words[:3] == ["latchkey", "serve", "--json"]
    named = {"--host": "127.0.0.1", "--port": "0", "--parallel": "3", "--api-key-file": str(tmp_path / "keys")}
    assert {words[at]: words[at + 1] for at, word in enumerate(words) if word in named} == named
    assert words[-4:] == ["--model", "a", "--model", "b"]


@pytest.mark.soak
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra “cluster”: Ray Serve")
def test_two_replicas_on_ray_stand_a_kill_in_mid_answer() -> None:
    script = PACKAGING / "cluster" / "try_cluster.py"
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=900, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
