"""What the real model is called, and by what it is known: its hash, and without that its file name and its header."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.command import latchkey

pytestmark = pytest.mark.real_model


def test_it_is_the_catalogs_model_by_its_hash(real_model_file: Path) -> None:
    model = latchkey("models", "import", str(real_model_file), "--json").json
    assert (model["id"], model["name"]) == ("smollm2-135m-instruct", "SmolLM2 135M Instruct")
    assert model["recognized_by"] == "sha256"
    assert "smollm2-135m" in [each["id"] for each in model["lineage"]]


def test_without_a_known_hash_its_name_and_header_tell(real_model_file: Path, tmp_path: Path) -> None:
    data = bytearray(real_model_file.read_bytes())
    data[-100] ^= 1
    other = tmp_path / real_model_file.name
    other.write_bytes(data)
    model = latchkey("models", "import", str(other), "--json").json
    assert (model["name"], model["recognized_by"]) == ("SmolLM2 135M Instruct", "file-name")
    assert {"smollm2-135m", "smollm2-135m-instruct"} <= {each["id"] for each in model["lineage"]}
    assert [each["id"] for each in model["licenses"]] == ["Apache-2.0"]
