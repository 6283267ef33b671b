"""What a window that is measured answers with: the engine and the model, made in the window's process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop.cli.bench.bench_model import SHAPES, BenchLicenseCheck, bench_model
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_protocol import Engine, LoadCheck
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.kernel_check import KernelCheck
from desktop.library.library import LibraryModel
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.paths import find_paths

RANDOM_WEIGHTS = "random weights"
"""In place of a model's path: those of the shape that is named next."""


@dataclass(frozen=True)
class WindowBenchSetup:
    """`apart` is the folder for settings and conversations. Call `close` at the end."""

    home: Path
    model: LibraryModel
    engine: Engine
    close: Callable[[], None]


def window_bench_setup() -> WindowBenchSetup:
    """What the command line says: a folder, and a model's path, or WEIGHTS and a shape. Raises UserError.

    A model that somebody named is asked of the person's license check.
    """
    apart, path, *shape = sys.argv[1:]
    paths = find_paths()
    assembly = build_library_services(paths)
    license_check: LoadCheck = assembly.license_check
    if path == RANDOM_WEIGHTS:
        written = bench_model(SHAPES[shape[0]], paths.cache / "bench")
        path, license_check = str(written.path), BenchLicenseCheck(written)
    engine = EngineClient(
        license_check=license_check,
        logs=paths.engine_logs,
        cache=paths.cache,
        fallbacks=FallbackStore(paths.load_fallbacks),
        kernel_choice=KernelCheck(paths.engine_test_file).choice,
    )
    return WindowBenchSetup(Path(apart), assembly.library.find(path), engine, lambda: _close(engine, assembly))


def _close(engine: EngineClient, assembly: LibraryServices) -> None:
    engine.close()
    assembly.close()
