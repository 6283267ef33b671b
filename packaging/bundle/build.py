"""Makes the bundle: a folder with Latchkey, Python, Qt and llama.cpp, that runs where none of these are.

    python packaging/bundle/build.py [--output build/bundle] [--vulkan libggml-vulkan.so]

Run with the Python of the environment that goes into it (`make bundle` makes one), in which PyInstaller, the libraries
and `llama_wheel.py --portable` are installed. The bundle lies in OUTPUT/latchkey. Sizes are printed; on Linux the build
fails where a file needs a library that is neither inside nor the system's, and where all is larger than 250 MB.
"""

import argparse
import fnmatch
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "packaging"))

from bundle import contents, elf, icons, search_path, symbol_versions  # noqa: E402 - found only now

MOST_MB = 250
INSIDE = "_internal"
FLOOR_FILE = "glibc-version"
"""Beside the executable: the oldest GNU C library that the bundle runs with, such as "2.34"."""
# 2026-01-01: what PyInstaller writes times into gets this one, so that the same input gives the same bytes.
_EPOCH = "1767225600"
# With symbols that only a debugger reads: what was compiled here, and wheels that were built with them. Not those whose
# libraries auditwheel moved (numpy): `strip` is known to break what it wrote.
_STRIPPED = (
    "_internal/libpython*", "_internal/python3.*", "_internal/llama_cpp/lib/*", "_internal/lib*.so.*",
    "_internal/cryptography/*", "_internal/PIL/*", "_internal/Stemmer*", "_internal/rpds/*", "_internal/psutil/*",
    "_internal/PySide6/Qt/lib/libicu*", "_internal/pypdfium2_raw/*",
)  # fmt: skip
_OF_THE_C_LIBRARY = ("libc.so.*", "libm.so.*", "libdl.so.*", "libpthread.so.*", "librt.so.*", "libutil.so.*", "ld-*")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=TOP / "build" / "bundle", help="where the folder goes")
    parser.add_argument("--vulkan", type=Path, help="llama.cpp's plug-in for graphics cards, which goes in as well")
    options = parser.parse_args()
    _install_wheel()
    icons.write_icons(TOP / "build" / "icons")
    pages = [sys.executable, str(TOP / "packaging" / "command_pages.py"), str(TOP / "build" / "pages")]
    subprocess.run(pages, check=True, env=reproducible())
    made = run_pyinstaller(options.output.resolve())
    if sys.platform == "linux":
        finish_linux(made, options.vulkan)
    account = [sys.executable, str(HERE / "account.py"), str(made)]
    subprocess.run(account, check=True, env=reproducible())
    if sys.platform == "darwin":
        hand_on_accounts(made, made.with_name("Latchkey.app"))
    if sys.platform == "linux":
        check_size(made)


def reproducible() -> dict[str, str]:
    """The environment in which the same input gives the same bytes: a fixed order of sets, and one time."""
    return {**os.environ, "PYTHONHASHSEED": "1", "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", _EPOCH)}


def _install_wheel() -> None:
    """Install this checkout's wheel into the environment: what is bundled is what anybody else installs."""
    with tempfile.TemporaryDirectory() as folder:
        _pip("wheel", "--no-deps", "--wheel-dir", folder, str(TOP))
        _pip("install", "--no-deps", "--force-reinstall", str(next(Path(folder).glob("latchkey-*.whl"))))


def _pip(command: str, *arguments: str) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", command, "--quiet", *arguments]
    subprocess.run(pip, check=True, env=reproducible())


def run_pyinstaller(output: Path) -> Path:
    """The folder that PyInstaller made of latchkey.spec, below `output`."""
    work = output.parent / f"{output.name}-work"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", str(output), "--workpath", str(work), str(HERE / "latchkey.spec")]
    work.mkdir(parents=True, exist_ok=True)
    # From a folder that is not the checkout, or its package would be taken and not the one that was installed.
    subprocess.run(command, check=True, env=reproducible(), cwd=work)
    return output / "latchkey"


def finish_linux(folder: Path, vulkan: Path | None = None) -> None:
    """Make of what PyInstaller gave what is handed on: each library once, without symbols.

    Raises SystemExit where a library or the catalog is missing.
    """
    inside = folder / INSIDE
    if not (inside / "desktop" / "_data" / "models.toml").is_file():
        raise SystemExit("The bundle lacks what travels with Latchkey: it was not made of the wheel.")
    if vulkan is not None:
        pack_plugin(vulkan, inside / "llama_cpp" / "lib")
    link_libraries(inside / "llama_cpp" / "lib")
    for path in [path for path in inside.rglob("*") if path.is_symlink() and not path.exists()]:
        path.unlink()  # it led to what contents.py leaves out
    strip(folder)
    files = list(elf.elf_files(folder))
    for file in files:
        symbol_versions.ask_for_older(file)
        search_path.forget_search_path(file)
    floor = elf.newest_glibc([*files, *([vulkan] if vulkan is not None else [])])
    (folder / FLOOR_FILE).write_text("{}.{}\n".format(*floor), encoding="ascii")
    if missing := missing_libraries(folder, files):
        raise SystemExit("The bundle lacks " + ", ".join(f"{name} ({user})" for name, user in missing))
    print(f"{folder}: for GNU C library {floor[0]}.{floor[1]} and newer")


def pack_plugin(plugin: Path, folder: Path) -> None:
    """Put llama.cpp's `plugin` into `folder`, packed: 3 MB, not 28. The engine unpacks it where there is a GPU
    (desktop/engine/worker/gpu_plugins.py). Raises SystemExit where it is linked to a library that the system may lack.
    """
    system = (*contents.SYSTEM_LIBRARIES, *_OF_THE_C_LIBRARY, "libggml-base.so.*")
    for name in elf.needed_libraries(plugin):
        if not any(fnmatch.fnmatchcase(name, each) for each in system):
            raise SystemExit(f"{plugin.name} needs {name}, which is neither in the bundle nor the system's.")
    (folder / f"{plugin.name}.xz").write_bytes(lzma.compress(plugin.read_bytes()))


def hand_on_accounts(folder: Path, app: Path) -> None:
    """Copy what account.py wrote into `folder` into `app`, which PyInstaller had made of it before. It is signed later
    (packaging/macos/dmg.sh). Code lies in Frameworks, and finds the notices by a link there, as it does other data."""
    resources = app / "Contents" / "Resources"
    for name in ("latchkey.cdx.json", "THIRD-PARTY-NOTICES.txt"):
        shutil.copyfile(folder / INSIDE / name, resources / name)
        (app / "Contents" / "Frameworks").mkdir(exist_ok=True)
        (app / "Contents" / "Frameworks" / name).symlink_to(f"../Resources/{name}")
    shutil.copytree(folder / INSIDE / "licenses", resources / "licenses", dirs_exist_ok=True)


def check_size(folder: Path) -> None:
    """Print how large the bundle is. Raises SystemExit where it is too large."""
    megabytes = size(folder) / 1e6
    print(f"{folder}: {megabytes:.1f} MB")
    if megabytes > MOST_MB:
        raise SystemExit(f"The bundle is larger than {MOST_MB} MB.")


def link_libraries(folder: Path) -> None:
    """Leave one copy of each library of llama.cpp, by the name that others are linked to; its other names lead to it.

    A wheel cannot hold links, so there the same file lies three times.
    """
    for file in sorted(folder.glob("lib*.so")):
        name = elf.library_name(file)
        for other in sorted(folder.glob(f"{file.name}.*")):
            if other.name != name:
                other.unlink()
        if name and name != file.name and (folder / name).is_file():
            file.unlink()
            file.symlink_to(name)


def strip(folder: Path) -> None:
    """Take the symbols out of what was compiled here."""
    for file in elf.elf_files(folder):
        if any(fnmatch.fnmatchcase(file.relative_to(folder).as_posix(), each) for each in _STRIPPED):
            subprocess.run(["strip", "--strip-unneeded", str(file)], check=True)


def missing_libraries(folder: Path, files: Sequence[Path]) -> list[tuple[str, str]]:
    """The libraries that `files` are linked to, and are neither in `folder` nor the system's (contents.py); each with
    the file that needs it."""
    here = {path.name for path in folder.rglob("*.so*")}
    system = (*contents.SYSTEM_LIBRARIES, *_OF_THE_C_LIBRARY)
    return [
        (name, str(file.relative_to(folder)))
        for file in files
        for name in elf.needed_libraries(file)
        if name not in here and not any(fnmatch.fnmatchcase(name, each) for each in system)
    ]


def system_libraries(folder: Path) -> set[str]:
    """The libraries of the system that the bundle in `folder` needs to be there."""
    files = list(elf.elf_files(folder))
    here = {path.name for path in folder.rglob("*.so*")}
    return {name for file in files for name in elf.needed_libraries(file)} - here


def size(folder: Path) -> int:
    """The bytes of all files in `folder`, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


if __name__ == "__main__":
    main()
