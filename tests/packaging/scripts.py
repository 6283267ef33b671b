"""Scripts of packaging/ as modules: no package holds them."""

import importlib.util
from pathlib import Path
from types import ModuleType

TOP = Path(__file__).resolve().parents[2]
PACKAGING = TOP / "packaging"


def load_script(place: str) -> ModuleType:
    """The script at `place` below packaging/, as a module of its own."""
    path = PACKAGING / place
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
