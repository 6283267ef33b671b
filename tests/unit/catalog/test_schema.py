"""The schema that editors read is the one the catalog is held to."""

import json
import re
import tomllib
from typing import Any

import msgspec

from desktop.catalog.entries import Catalog
from desktop.paths import find_paths


def shipped_schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((find_paths().resources / "models.schema.json").read_text(encoding="utf-8"))
    return found


def test_the_schema_is_up_to_date() -> None:
    found = shipped_schema()
    made = json.loads(json.dumps(msgspec.json.schema(Catalog)))
    assert {key: found[key] for key in made} == made, "run packaging/catalog_schema.py"


def test_the_schema_describes_the_catalog_that_ships() -> None:
    """Every field of every model is one that the schema names, with a value of its pattern."""
    entry = shipped_schema()["$defs"]["Entry"]
    assert entry["additionalProperties"] is False
    pattern = re.compile(entry["properties"]["id"]["pattern"])
    for model in tomllib.loads(find_paths().catalog.read_text(encoding="utf-8"))["model"]:
        assert model.keys() <= entry["properties"].keys()
        assert pattern.search(model["id"])
