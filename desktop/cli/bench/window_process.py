"""What a window that is measured answers with: the engine and the model, made in the window's process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop.cli.bench.door import WrittenFileDoor
from desktop.cli.bench.model import SHAPES, bench_model
from desktop.engine.client import EngineClient
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.interface import Door, Engine
from desktop.engine.kernel_check import KernelCheck
from desktop.library.assembly import Assembly, assemble
from desktop.library.models import LibraryModel
from desktop.paths import find_paths

WEIGHTS = "random weights"
"""In place of a model's path: those of the shape that is named next."""


@dataclass(frozen=True)
class Measured:
    """`apart` is the folder for settings and conversations. Call `close` at the end."""

    apart: Path
    model: LibraryModel
    engine: Engine
    close: Callable[[], None]


def measured() -> Measured:
    """What the command line says: a folder, and a model's path, or WEIGHTS and a shape. Raises UserError.

    A model that somebody named passes the person's license door.
    """
    apart, path, *shape = sys.argv[1:]
    paths = find_paths()
    assembly = assemble(paths)
    door: Door = assembly.door
    if path == WEIGHTS:
        written = bench_model(SHAPES[shape[0]], paths.cache / "bench")
        path, door = str(written.path), WrittenFileDoor(written)
    engine = EngineClient(
        door=door,
        logs=paths.engine_logs,
        cache=paths.cache,
        fallbacks=FallbackStore(paths.load_fallbacks),
        kernel_choice=KernelCheck(paths.engine_test_file).choice,
    )
    return Measured(Path(apart), assembly.library.find(path), engine, lambda: _close(engine, assembly))


def _close(engine: EngineClient, assembly: Assembly) -> None:
    engine.close()
    assembly.close()
