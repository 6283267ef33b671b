"""The schema that editors read is the one the catalog is held to."""

import json
import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

from desktop.paths import find_paths

TOP = Path(__file__).resolve().parents[3]


def shipped_schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((find_paths().resources / "models.schema.json").read_text(encoding="utf-8"))
    return found


def test_the_schema_is_up_to_date() -> None:
    script = runpy.run_path(str(TOP / "packaging" / "catalog_schema.py"))
    shipped = (find_paths().resources / "models.schema.json").read_text(encoding="utf-8")
    assert shipped == script["schema"](), "run packaging/catalog_schema.py"


def test_the_schema_describes_the_catalog_that_ships() -> None:
    """Every field of every model is one that the schema names, with a value of its pattern."""
    entry = shipped_schema()["$defs"]["CatalogEntry"]
    assert entry["additionalProperties"] is False
    pattern = re.compile(entry["properties"]["id"]["pattern"])
    for model in tomllib.loads(find_paths().catalog.read_text(encoding="utf-8"))["model"]:
        assert model.keys() <= entry["properties"].keys()
        assert pattern.search(model["id"])
