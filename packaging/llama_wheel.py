"""Compiles llama-cpp-python into a wheel, once for each compiler and set of flags, and installs it.

Run with the Python of a virtual environment. Quick where that holds what belongs here, as its file `.llama-cpp` says.

On x86-64 Linux the wheel holds one plug-in for each generation of processors (GGML_CPU_ALL_VARIANTS), so that it is
right on another machine too. Elsewhere, and with compilers that do not know all of them, llama.cpp is compiled for this
processor alone. pip's own cache is not used: it knows nothing of compilers, flags and processors. `CMAKE_ARGS` of the
environment is passed on.

With `--portable` it makes the wheel that travels in a bundle: never for this processor alone, and refused where it
would lack variants. On x86-64 Linux with a current compiler that is the same wheel.
"""

import argparse
import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(sys.prefix) / ".llama-cpp"
_KEPT_WHEELS = 3
_VARIABLES = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS", "CMAKE_ARGS")
_COMMON = (
    "-DLLAMA_OPENSSL=OFF",  # the worker has no business with the network
    # Libraries and plug-ins into the package's own folder, rather than beside all packages.
    "-DCMAKE_INSTALL_BINDIR=llama_cpp/lib",
    "-DCMAKE_INSTALL_LIBDIR=llama_cpp/lib",
    "-DCMAKE_INSTALL_INCLUDEDIR=llama_cpp/include",
)
_VARIANTS = ("-DGGML_NATIVE=OFF", "-DGGML_BACKEND_DL=ON", "-DGGML_CPU_ALL_VARIANTS=ON")
# The newest that some variant is compiled with: ggml/src/CMakeLists.txt of llama.cpp.
_NEWEST_FLAGS = ("-mavxvnni", "-mavx512bf16", "-mamx-tile", "-mamx-int8")
# Says all that `ldtilecfg` reads, for compilers whose own header does not.
_AMX_HEADER = ROOT / "packaging" / "amx_tile_config.h"
_WITHOUT_AMX = "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
# Each variant costs half a minute of compiling. Left out are one that needs less than Latchkey does (x64: see
# desktop/cpu_check.py), and those whose few processors run the next lower one well.
_UNWANTED_VARIANTS = ("x64", "ivybridge", "piledriver", "cannonlake", "cooperlake")


class Build:
    """What is to be compiled here: the requirement, CMake's and the compiler's flags, and a key of all that counts.

    `portable` is for other machines than this one. Raises SystemExit where the compiler does not know all variants
    then.
    """

    def __init__(self, *, portable: bool = False) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        self.requirement = next(line for line in project["dependencies"] if line.startswith("llama-cpp-python"))
        self.compiler = _compiler()
        x86 = sys.platform == "linux" and platform.machine() == "x86_64"
        self.amx = _amx(self.compiler) if x86 and self.compiler else "none"
        self.variants = x86 and bool(self.compiler) and _accepts(self.compiler, *_NEWEST_FLAGS)
        if portable and sys.platform == "win32":
            self.variants = platform.machine() == "AMD64"  # Visual C++ knows them all
        portably = ("-DGGML_NATIVE=OFF",) if portable else ()
        flags = [*_COMMON, *(_VARIANTS if self.variants else portably), *os.environ.get("CMAKE_ARGS", "").split()]
        self.cmake_args = " ".join(flags)
        if portable and x86 and not self.variants:
            raise SystemExit("A bundle needs a compiler that knows AVX-VNNI, AVX512-BF16 and AMX: GCC 11 or newer.")
        self.mended = self.amx == "wrong" and _amx(self.compiler, "-include", str(_AMX_HEADER)) == "right"
        if self.mended:
            self.amx = "right"
        # A variant that would have the fault is left out; for a native build the compiler is told to do without AMX.
        self.c_flags = _WITHOUT_AMX if self.amx == "wrong" and not self.variants else ""

    @property
    def key(self) -> str:
        """Hex, the same exactly where a wheel of one machine is right for another."""
        parts = [
            self.requirement,
            _UNWANTED_VARIANTS,
            self.cmake_args,
            self.c_flags,
            self.amx,
            *(os.environ.get(name, "") for name in _VARIABLES),
            _said(self.compiler, "--version") if self.compiler else "",
            sys.platform,
            platform.machine(),
            "".join(platform.libc_ver()),
            "" if self.variants else _processor(),
            _AMX_HEADER.read_text(encoding="utf-8") if self.mended else "",
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _compiler() -> str:
    """The command of the C compiler, as CMake chooses it; "" where there is none."""
    if sys.platform == "win32":
        return os.environ.get("CC", "cl")  # found by CMake, not by PATH
    return os.environ.get("CC") or next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), "")


def _said(*command: str) -> str:
    """What a command prints, "" where it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _accepts(compiler: str, *flags: str) -> bool:
    command = [*compiler.split(), *flags, "-x", "c", "-c", "-o", os.devnull, "-"]
    try:
        return subprocess.run(command, input=b"", capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _amx(compiler: str, *flags: str) -> str:
    return _said("sh", str(ROOT / "packaging" / "amx_probe.sh"), *compiler.split(), *flags)


def _processor() -> str:
    """The processor's name and features, as far as the system tells them."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]
    except OSError:
        return platform.processor()
    wanted = ("model name", "flags", "Features", "CPU part")
    return "\n".join(line for line in text.splitlines() if line.partition("\t")[0] in wanted)


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "latchkey-build"


def _surroundings() -> str:
    """Hex, the same as long as nothing changed that `Build` looks at: found out in no time, unlike the key."""
    compiler = Path(shutil.which(_compiler().split(" ")[0]) or "")
    stamp = compiler.stat() if compiler.is_file() else None
    parts = [
        str(ROOT),
        (ROOT / "pyproject.toml").read_text(encoding="utf-8"),
        Path(__file__).read_text(encoding="utf-8"),
        [str(compiler.resolve()), stamp and (stamp.st_mtime_ns, stamp.st_size)],
        [os.environ.get(name, "") for name in _VARIABLES],
        [sys.platform, platform.machine(), platform.libc_ver(), _processor()],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _install(build: Build) -> None:
    """Install the wheel for `build`, compiled where no earlier one is kept."""
    folder = _cache() / build.key
    kept = next(folder.glob("*.whl"), None)
    if kept is not None and zipfile.is_zipfile(kept):
        with contextlib.suppress(OSError):
            os.utime(folder)
        _install_wheel(kept)
        return
    with tempfile.TemporaryDirectory() as work:
        made = _compile(build, Path(work))
        _install_wheel(made)
        try:
            _keep(made, folder)
        except OSError as error:
            print(f"The compiled llama.cpp could not be kept in {folder}: {error.strerror}.", file=sys.stderr)


def _install_wheel(wheel: Path) -> None:
    _pip("install", "--quiet", "--no-deps", "--force-reinstall", str(wheel))


def _compile(build: Build, work: Path) -> Path:
    """The wheel for `build`, compiled in the folder `work`."""
    kind = "for every generation of processors" if build.variants else "for this processor"
    print(
        f"llama.cpp is compiled {kind}, once: six to ten minutes on two cores. pip says 'still running...'.", flush=True
    )
    if build.amx == "wrong":
        print("This compiler has a fault in its AMX code, so that is left out.", flush=True)
    source = _source(build.requirement, work)
    if build.variants:
        _without_variants(source, build)
    environment = {**os.environ, "CMAKE_ARGS": build.cmake_args}
    flags = [build.c_flags]
    if sys.platform != "win32":
        flags.append(f"-ffile-prefix-map={source}=.")  # no path of this machine inside
    if build.mended:
        # Beside the source: flags are split at spaces, which the path of a checkout may hold.
        flags.append(f"-include {shutil.copy(_AMX_HEADER, source)}")
    for name in ("CFLAGS", "CXXFLAGS"):
        environment[name] = " ".join([os.environ.get(name, ""), *flags]).strip()
    _pip("wheel", "--no-deps", "--no-cache-dir", "--wheel-dir", str(work), str(source), environment=environment)
    return next(work.glob("*.whl"))


def _source(requirement: str, folder: Path) -> Path:
    """The unpacked source of llama-cpp-python, in `folder`."""
    _pip("download", "--quiet", "--no-deps", "--no-binary", "llama-cpp-python", "--dest", str(folder), requirement)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        # Python 3.11.2, which Debian 12 has, knows no filters yet. What pip brought is run anyway.
        safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **safely)
    return next(path for path in folder.iterdir() if path.is_dir())


def _pip(command: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", command]
    subprocess.run([*pip, *arguments], check=True, env=environment)


def _keep(made: Path, folder: Path) -> None:
    """Copy `made` into the cache whole, and remove the oldest wheels there. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{made.name}.part-{os.getpid()}"
    shutil.copyfile(made, part)
    part.replace(folder / made.name)
    others = sorted((path for path in folder.parent.iterdir() if path != folder), key=lambda path: path.stat().st_mtime)
    for old in others[: -_KEPT_WHEELS + 1]:
        shutil.rmtree(old, ignore_errors=True)


def _without_variants(source: Path, build: Build) -> None:
    """Take the variants that are not wanted out of llama.cpp's list of them."""
    listed = next(source.glob("vendor/llama.cpp/ggml/src/CMakeLists.txt"))
    unwanted = [*_UNWANTED_VARIANTS, *(() if build.amx == "right" else ("sapphirerapids",))]
    pattern = rf"^\s*ggml_add_cpu_backend_variant\(({'|'.join(unwanted)})\b.*\n"
    listed.write_text(re.sub(pattern, "", listed.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8")


def install(*, portable: bool = False) -> None:
    """Make this environment hold the llama.cpp that belongs here, and note what it is."""
    surroundings, noted = _surroundings(), _noted()
    whole = noted.get("files") == _files()
    if whole and noted.get("surroundings") == surroundings:
        return
    build = Build(portable=portable)
    if not build.compiler:
        if not _files():
            raise SystemExit("A C++ compiler is needed to compile llama.cpp. Install g++, then run make again.")
        print("llama.cpp is left as it is: there is no C++ compiler here to compile it anew.", file=sys.stderr)
        return
    if not whole or noted.get("build") != build.key:
        _install(build)
    note = {"surroundings": surroundings, "build": build.key, "files": _files()}
    STATE.write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")


def _noted() -> dict[str, object]:
    """What was noted of the llama.cpp in this environment; {} where there is none."""
    try:
        noted = json.loads(STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _files() -> list[list[object]]:
    """Name, size and time of each library of llama.cpp in this environment: one that is gone or changed is noticed."""
    found = (Path(sysconfig.get_path("platlib")) / "llama_cpp" / "lib").glob("*.*")
    stamps = [(path.name, path.stat()) for path in sorted(found) if path.is_file()]
    return [[name, stamp.st_size, stamp.st_mtime_ns] for name, stamp in stamps]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--portable", action="store_true", help="the build that a bundle takes to other machines")
    install(portable=parser.parse_args().portable)
