"""Makes an AppImage of a bundle: one file that runs without being installed.

    python packaging/linux/appimage.py [BUNDLE] [--output dist]

Its first part, which mounts the rest, is compiled here from appimage_runtime.c. On Debian that takes
gcc libsquashfuse-dev libfuse3-dev libzstd-dev, and squashfs-tools.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "packaging"))

from linux import installed_tree  # noqa: E402 - found only now

MOST_MB = 130
_LIBRARIES = ("squashfuse_ll", "squashfuse", "fuse3", "zstd", "pthread")
_PACKAGES = ("libsquashfuse-dev", "libfuse3-dev", "libzstd-dev", "libc6-dev")
"""Of Debian's, whose libraries are linked into the first part: their copyright files travel with it."""
NOTICES = "APPIMAGE-RUNTIME-NOTICES.txt"
_NOTICE = """\
The first part of this AppImage, which mounts the rest, is compiled of packaging/linux/appimage_runtime.c (Apache-2.0)
and has libraries linked into it: squashfuse (BSD-2-Clause), libfuse 3 and the GNU C library (LGPL-2.1-or-later),
Zstandard (BSD-3-Clause). Whoever wants another libfuse or C library in it compiles it anew: that is what
packaging/linux/appimage.py in Latchkey's source does. The sources of these libraries are Debian's packages of the same
names.
"""
_MAGIC_AT, _MAGIC = 8, b"AI\x02"  # AppImage specification 2.0: type 2


def compile_runtime(to: Path) -> None:
    """Compile appimage_runtime.c to the file `to`, linked to nothing of the system that it will run on."""
    flags = subprocess.run(
        ["pkg-config", "--cflags", "fuse3"], capture_output=True, text=True, check=True
    ).stdout.split()
    command = [os.environ.get("CC", "cc"), "-Os", "-static", "-s", "-D_FILE_OFFSET_BITS=64"]
    command += ["-o", str(to), str(HERE / "appimage_runtime.c"), *flags, *(f"-l{name}" for name in _LIBRARIES)]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)  # the linker warns of dlopen
    if compiled.returncode:
        raise SystemExit(f"{compiled.stderr}\nThe AppImage's runtime could not be compiled.")
    with to.open("r+b") as file:
        file.seek(_MAGIC_AT)
        file.write(_MAGIC)


def runtime_notices(documentation: Path = Path("/usr/share/doc")) -> str:
    """What has to be said of the libraries in the first part. Raises SystemExit where a copyright file is missing."""
    texts = [_NOTICE]
    for package in _PACKAGES:
        try:
            text = (documentation / package / "copyright").read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise SystemExit(f"The copyright file of {package} is not here: {error}") from None
        texts.append(f"{'=' * 78}\n{package}\n{'=' * 78}\n\n{text.rstrip()}\n")
    license_text = (installed_tree.TOP / "resources" / "licenses" / "bundled" / "LGPL-2.1-only.txt").read_text(
        encoding="utf-8"
    )
    return "\n".join([*texts, license_text])


def make_appimage(bundle: Path, output: Path) -> Path:
    """The AppImage, made in the folder `output`. Raises SystemExit where it is too large."""
    version = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    output.mkdir(parents=True, exist_ok=True)
    made = output / f"Latchkey-{version}-{platform.machine()}.AppImage"
    with tempfile.TemporaryDirectory(dir=output) as work:
        folder, image, runtime = Path(work) / "AppDir", Path(work) / "image", Path(work) / "runtime"
        installed_tree.lay_out(bundle, folder / "usr")
        shutil.copyfile(HERE / "AppRun", folder / "AppRun")
        (folder / "AppRun").chmod(0o755)
        (folder / "latchkey.desktop").symlink_to("usr/share/applications/latchkey.desktop")
        (folder / "latchkey.svg").symlink_to("usr/share/icons/hicolor/scalable/apps/latchkey.svg")
        (folder / ".DirIcon").symlink_to("usr/share/icons/hicolor/256x256/apps/latchkey.png")
        notices = folder / "usr" / "share" / "doc" / "latchkey" / NOTICES
        notices.write_text(runtime_notices(), encoding="utf-8")
        installed_tree.settle(folder)
        command = ["mksquashfs", str(folder), str(image), "-noappend", "-all-root", "-no-xattrs", "-no-progress"]
        command += ["-comp", "zstd", "-Xcompression-level", "19", "-b", "256K", "-processors", "2"]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(installed_tree.TIME)}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        compile_runtime(runtime)
        with made.open("wb") as file:
            for part in (runtime, image):
                file.write(part.read_bytes())
        made.chmod(0o755)
    if made.stat().st_size > MOST_MB * 1e6:
        raise SystemExit(f"{made} is larger than {MOST_MB} MB.")
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", type=Path, nargs="?", default=TOP / "build" / "bundle" / "latchkey")
    parser.add_argument("--output", type=Path, default=TOP / "dist")
    options = parser.parse_args()
    package = make_appimage(options.bundle, options.output)
    print(f"{package}: {package.stat().st_size / 1e6:.1f} MB")
