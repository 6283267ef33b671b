"""Makes a .deb of a bundle, with dpkg-deb.

python packaging/linux/deb.py [BUNDLE] [--output dist]
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(TOP / "packaging"))

from bundle import build  # noqa: E402 - found only now
from linux import installed_tree  # noqa: E402

# The package of each library that a bundle leaves to the system. Those of Debian 13 and Ubuntu 24.04 that were renamed
# for 64-bit times provide the old names.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libglx0",
    "libOpenGL.so.0": "libopengl0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libXau.so.6": "libxau6",
    "libXdmcp.so.6": "libxdmcp6",
    "libcrypto.so.3": "libssl3",
    "libssl.so.3": "libssl3",
    "libdbus-1.so.3": "libdbus-1-3",
    "libdrm.so.2": "libdrm2",
    "libexpat.so.1": "libexpat1",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libgcc_s.so.1": "libgcc-s1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libstdc++.so.6": "libstdc++6",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb.so.1": "libxcb1",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
_OPTIONAL = {"libvulkan.so.1": "libvulkan1", "libcups.so.2": "libcups2", "libreadline.so.8": "libreadline8"}
"""Needed by plug-ins that may be left out."""
_CONTROL = """\
Package: latchkey
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {kilobytes}
Depends: {depends}
Recommends: fonts-dejavu-core, fonts-noto-color-emoji, libcups2, shared-mime-info, xdg-utils
Suggests: gnome-keyring | kwalletmanager | keepassxc, libvulkan1, mesa-vulkan-drivers
Section: utils
Priority: optional
Description: chat with language models that run on this computer
 Latchkey shows the terms of gated models, keeps a record of the licenses that
 were accepted, and runs models in GGUF files with llama.cpp. A small model is
 built in.
 .
 It brings its own Python, Qt and llama.cpp.
"""


def depends(libraries: Iterable[str], glibc: str) -> str:
    """The packages of the system's `libraries`, as a control file has them. Raises SystemExit where one is unknown."""
    packages = {f"libc6 (>= {glibc})"}
    for name in libraries:
        if name in PACKAGES:
            packages.add(PACKAGES[name])
        elif name not in _OPTIONAL and not _is_of_libc(name):
            raise SystemExit(f"{name} is left to the system, and packaging/linux/deb.py does not know its package.")
    return ", ".join(sorted(packages))


def _is_of_libc(name: str) -> bool:
    return name.startswith(("ld-", "libc.", "libm.", "libdl.", "libpthread.", "librt.", "libutil.", "libresolv."))


def make_deb(bundle: Path, output: Path) -> Path:
    """The package, made in the folder `output`."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    architecture = subprocess.run(
        ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
    ).stdout.strip()
    output.mkdir(parents=True, exist_ok=True)
    made = output / f"latchkey_{project['version']}_{architecture}.deb"
    with tempfile.TemporaryDirectory(dir=output) as work:
        root = Path(work) / "root"
        installed_tree.lay_out(bundle, root / "usr")
        control = root / "DEBIAN"
        control.mkdir()
        text = _CONTROL.format(
            version=project["version"],
            architecture=architecture,
            maintainer=f"{project['authors'][0]['name']} <latchkey@localhost>",
            kilobytes=build.size(root) // 1024,
            depends=depends(build.system_libraries(bundle), _floor(bundle)),
        )
        (control / "control").write_text(text, encoding="utf-8")
        (control / "md5sums").write_text(_sums(root), encoding="utf-8")
        installed_tree.settle(root)
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(installed_tree.TIME)}
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(made)]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return made


def _floor(bundle: Path) -> str:
    return (bundle / build.FLOOR_FILE).read_text(encoding="ascii").strip()


def _sums(root: Path) -> str:
    files = sorted(path for path in (root / "usr").rglob("*") if path.is_file() and not path.is_symlink())
    return "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in files)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", type=Path, nargs="?", default=TOP / "build" / "bundle" / "latchkey")
    parser.add_argument("--output", type=Path, default=TOP / "dist")
    options = parser.parse_args()
    package = make_deb(options.bundle, options.output)
    print(f"{package}: {package.stat().st_size / 1e6:.1f} MB")
