"""The engine of the benchmark, and the license check it has for the file of random weights that the benchmark wrote.

Nothing but the benchmark builds either: whoever asks a model, in the window or by the command, has the engine whose
license check is `LicenseCheck`.
"""

from pathlib import Path

from desktop.cli.bench.bench_model import BenchModelShape, weights_sha256
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_protocol import LoadCheck, StopSignal
from desktop.engine.fallback_store import FallbackStore
from desktop.engine.kernel_check import KernelCheck
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.errors import ForbiddenError
from desktop.file_stamp import ModelFile
from desktop.library.file_hashes import FileHashes, HashedModel
from desktop.paths import Paths
from desktop.translation import tr


class BenchLicenseCheck:
    """Admits the file of random weights of `shape` and nothing else. A `LoadCheck`.

    Which file that is nobody can say from outside: the sha256 is that of the bytes as they are made here once more.
    """

    def __init__(self, shape: BenchModelShape) -> None:
        self._sha256 = weights_sha256(shape)
        self._admitted: HashedModel | None = None

    def admit(self, path: Path, stop: StopSignal | None = None) -> tuple[ModelFile, ...]:
        """Raises ForbiddenError for any other file. What was admitted before stays so while this one is read: the
        engine asks about it meanwhile (`check_loaded`)."""
        hashed = FileHashes(path.parent).hashed_model(path, anew=True, stop=stop)
        if hashed.sha256 != self._sha256:
            raise _another(path)
        self._admitted = hashed
        return hashed.files

    def record_load(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        self.check_loaded(path)

    def check_loaded(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        """Raises ForbiddenError where the file was touched since it was admitted."""
        if self._admitted is None or not self._admitted.is_unchanged():
            raise _another(path)


def bench_engine(paths: Paths, license_check: LoadCheck) -> EngineClient:
    """An engine in a process of its own, as the program's, with this license check. Close it."""
    return EngineClient(
        license_check=license_check,
        logs=paths.engine_logs,
        cache=paths.cache,
        fallbacks=FallbackStore(paths.load_fallbacks),
        kernel_choice=KernelCheck(paths.engine_test_file).choice,
        prompt_cache=PromptCacheFolder(paths.cache / "bench" / "prompt-cache", lambda: None),
    )


def _another(path: Path) -> ForbiddenError:
    return ForbiddenError(
        tr("{file} is not what the benchmark wrote.").format(file=path.name), "", tr("Run the benchmark again.")
    )
