"""Writes resources/models.schema.json, by which an editor marks mistakes in a catalog while it is typed.

    python packaging/catalog_schema.py

It is made from the structs in desktop/catalog/entries.py; a test fails where the two differ.
"""

import json
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP))

import msgspec  # noqa: E402 - the path comes first

from desktop.catalog.entries import Catalog  # noqa: E402

FILE = TOP / "resources" / "models.schema.json"


def schema() -> str:
    """The JSON Schema of models.toml, as the file holds it."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Latchkey's catalog"}
    return json.dumps({**described, **msgspec.json.schema(Catalog)}, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(schema(), encoding="utf-8")
