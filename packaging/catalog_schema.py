"""Writes resources/models.schema.json, by which an editor marks mistakes in a catalog while it is typed.

    python packaging/catalog_schema.py

It is made from the structs in desktop/catalog/catalog.py; a test fails where the two differ.
"""

import inspect
import json
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP))

import msgspec  # noqa: E402 - the path comes first

from desktop.catalog.catalog import Catalog  # noqa: E402

FILE = TOP / "resources" / "models.schema.json"


def schema() -> str:
    """The JSON Schema of models.toml, as the file holds it."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Latchkey's catalog"}
    made = _without_indentation({**described, **msgspec.json.schema(Catalog)})
    for name in ("own_licenses", "own_models"):  # in which file a table stands, no file can say
        del made["$defs"]["Catalog"]["properties"][name]
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _without_indentation(value: Any) -> Any:
    """The same with docstrings as Python 3.13 keeps them; older ones leave the indentation of their lines in."""
    if isinstance(value, list):
        return [_without_indentation(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: inspect.cleandoc(each) if key == "description" and isinstance(each, str) else _without_indentation(each)
        for key, each in value.items()
    }


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
