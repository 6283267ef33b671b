"""Offline, nothing opens a socket, and online nothing does before somebody asks: seen from outside the program.

`packaging/proofs/silence.py` runs the app and its witnesses; here it is only said what they have to have seen.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOP = Path(__file__).resolve().parents[2]
SCRIPT = TOP / "packaging" / "proofs" / "silence.py"


def silence(*options: str, models: str = "") -> dict[str, Any]:
    """What the witnesses saw, row by row, by its name. `models` is the folder of the real models, "" for none."""
    if sys.platform != "linux":
        pytest.skip("its witnesses are Linux's")
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--json", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
        env={**os.environ, "LATCHKEY_TEST_MODELS": models},
    )
    assert ran.stdout, ran.stderr
    told = json.loads(ran.stdout)
    rows = {row.pop("row"): row for row in told["rows"]}
    assert [row["wrong"] for row in rows.values() if row["wrong"]] == []
    return {"rows": rows, "without": told["without"]}


def check(rows: dict[str, Any], witness: str) -> None:
    """What one witness saw: nothing at all where nothing may be sent, and something in the control."""
    for name, row in rows.items():
        assert bool(row[witness]) == row["loud"], (name, witness, row[witness])


def test_the_whole_app_is_silent_off_line_and_while_nobody_asks() -> None:
    told = silence("--quick")
    rows = told["rows"]
    assert [row["loud"] for row in rows.values()] == [False, False, False, False, True]
    check(rows, "trapped")
    if not any(each.startswith("packets") for each in told["without"]):
        check(rows, "packets")
    for name in ("offline by the setting", "online, nothing asked"):
        window = rows[name]["told"]["window"]
        assert window["answer"][0] == "complete"
        assert set(window["pages"]) >= {"models", "network", "settings", "licenses"}
        assert [each for each in rows[name]["processes"] if "worker" in each], "the engine's worker was not looked at"
    off_line = rows["offline by the setting"]
    assert "offline" in off_line["told"]["window"]["search"][0]
    attached, sources = off_line["told"]["window"]["attached"], off_line["told"]["window"]["sources"]
    assert attached == [["survey.pdf", "document", "ready"], ["picture.png", "image", "ready"]]
    assert sources, "no source of the PDF was opened"
    documents = ("collections create", "collections add", "ask of documents")
    assert [off_line["told"][each] for each in documents] == [0] * 3
    assert [each for each in off_line["processes"] if "reader" in each], "the reader of documents was not looked at"
    commands = ("models search", "models get", "access", "token check")
    assert [off_line["told"][each] for each in commands] == [8] * 4


@pytest.mark.soak
@pytest.mark.real_model
def test_no_packet_and_no_call_for_a_socket_is_seen(embedding_model_file: Path) -> None:
    told = silence(models=str(embedding_model_file.parent))
    rows = told["rows"]
    if told["without"]:
        pytest.skip(", ".join(told["without"]))
    for witness in ("packets", "trapped"):
        check(rows, witness)
    # A tool server may call for sockets as it likes: it has a network of its own, from which nothing leaves.
    of_latchkey = {name: row for name, row in rows.items() if "tool servers" not in name}
    assert len(of_latchkey) < len(rows)
    for witness in ("inet_sockets", "leaving"):
        check(of_latchkey, witness)
    assert "huggingface.co" in "".join(rows["online, asked by name"]["packets"]), "the name that was asked for"
