"""Puts `resources/` and `models.toml` inside the wheel, as `desktop/_data/`.

They stand at the top level of a checkout, outside the package, so the wheel has to be told. An editable install is left
alone: there the checkout itself is read, and a copy in site-packages would only grow stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LEFT_OUT = {"__pycache__", ".DS_Store"}


class DataHook(BuildHookInterface[Any]):
    """Adds every file under `resources/`, and the catalog, to a standard wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        root = Path(self.root)
        included: dict[str, str] = build_data["force_include"]
        included[str(root / "models.toml")] = "desktop/_data/models.toml"
        for source in sorted((root / "resources").rglob("*")):
            inside = source.relative_to(root)
            if source.is_file() and LEFT_OUT.isdisjoint(inside.parts):
                included[str(source)] = f"desktop/_data/{inside.as_posix()}"
