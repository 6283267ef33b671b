"""What a window that is measured answers with: the engine and the model, made in the window's process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop.cli.bench.bench_engine import BenchLicenseCheck, bench_engine
from desktop.cli.bench.bench_model import SHAPES, bench_model
from desktop.engine.engine_pool import EnginePool
from desktop.engine.engine_protocol import LoadCheck, MultiModelEngine
from desktop.library.library_model import LibraryModel
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.paths import find_paths

RANDOM_WEIGHTS = "random weights"
"""In place of a model's path: those of the shape that is named next."""


@dataclass(frozen=True)
class WindowBenchSetup:
    """`home` is the folder for settings and conversations. Call `close` at the end."""

    home: Path
    model: LibraryModel
    engine: MultiModelEngine
    close: Callable[[], None]


def window_bench_setup() -> WindowBenchSetup:
    """The engine and the model that the command line names: a folder, and a model's path, or `RANDOM_WEIGHTS` and the
    name of a shape. Raises UserError.

    A model that somebody named passes the license check of the program.
    """
    home, path, *shape = sys.argv[1:]
    paths = find_paths()
    services = build_library_services(paths)
    license_check: LoadCheck = services.license_check
    if path == RANDOM_WEIGHTS:
        written = SHAPES[shape[0]]
        path = str(bench_model(written, paths.cache / "bench").path)
        license_check = BenchLicenseCheck(written)
    engine = EnginePool(lambda: bench_engine(paths, license_check))
    return WindowBenchSetup(Path(home), services.library.find(path), engine, lambda: _close(engine, services))


def _close(engine: EnginePool, services: LibraryServices) -> None:
    engine.close()
    services.close()
