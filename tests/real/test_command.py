"""The command with the real model: added, refused, accepted, asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.command import latchkey
from tests.journeys.test_ask import FIELDS
from tests.real.conftest import Imported

pytestmark = pytest.mark.real_model

SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
POEM = "Write a short poem about the sea."


def test_nothing_is_asked_or_measured_before_its_license_is_accepted(real_model_file: Path) -> None:
    """A file that was never imported, by path; then imported, by id."""
    refusal = latchkey("ask", POEM, "--model", str(real_model_file)).failed_with(4)
    assert f"latchkey models import {real_model_file}" in refusal
    assert latchkey("bench", "--model", str(real_model_file), "--quick").failed_with(4)
    model = latchkey("models", "import", str(real_model_file), "--json").json
    assert latchkey("ask", POEM, "--model", model["id"]).failed_with(4)


def test_what_the_commands_say_of_it(imported: Imported) -> None:
    shown = latchkey("models", "show", imported.id, "--json")
    assert shown.code == 0, shown
    model = shown.json
    assert model["installed"]
    assert model["license"] == "Apache-2.0"
    assert model["path"] == str(imported.file)
    assert [file["size"] for file in model["files"] if file["sha256"] == SHA256] == [imported.file.stat().st_size]
    assert [needed["status"] for needed in model["licenses"]] == ["in-force"]
    licenses = latchkey("licenses", "show", imported.id, "--json").json
    texts = licenses if isinstance(licenses, list) else [licenses]
    assert any("Apache License" in each["text"] for each in texts)


def test_an_answer_with_every_field_of_the_contract(imported: Imported) -> None:
    line = ["ask", POEM, "--model", imported.id, "--temperature", "0", "--max-tokens", "24", "--json"]
    ran = latchkey(*line)
    assert ran.code == 0, ran
    assert ran.err == ""
    answer = ran.json
    assert {name: type(answer[name]) for name in FIELDS} == FIELDS
    assert answer["model"] == imported.id
    assert answer["file_sha256"] == SHA256
    assert answer["prompt_tokens"] == 38
    assert answer["cached_tokens"] == 0
    assert answer["generated_tokens"] == 24
    assert answer["stop_reason"] == "length"
    assert answer["thinking"] == ""
    assert len(answer["text"].split()) > 8
