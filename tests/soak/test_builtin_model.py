"""The built-in model on the questions it was never trained on, asked as a person would: with `latchkey ask`."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    written = tmp_path_factory.mktemp("evaluation") / "figures.json"
    subprocess.run(
        [sys.executable, "-m", "builtin_model.evaluate", "--through", "command", "--json", str(written)],
        cwd=TOP / "packaging",
        env={**os.environ, "PYTHONPATH": str(TOP)},
        check=False,
    )
    found: dict[str, Any] = json.loads(written.read_text())
    return found


def test_it_answers_questions_it_never_saw(figures: dict[str, Any]) -> None:
    assert figures["questions"] >= 150
    assert figures["off-topic"]["questions"] >= 30
    assert figures["second-turn"]["questions"] >= 20
    assert figures["overall"] >= 85


def test_it_declines_what_it_does_not_know(figures: dict[str, Any]) -> None:
    assert figures["off-topic"]["right"] >= 90


def test_the_model_card_says_what_was_measured(figures: dict[str, Any]) -> None:
    card = (TOP / "resources" / "builtin" / "README.md").read_text()

    said = {float(percent) for percent in re.findall(r"(\d+(?:\.\d+)?) ?%", card)}
    measured = {figures["overall"], *(figures[kind]["right"] for kind in ("guide", "off-topic", "second-turn"))}
    assert measured <= said
