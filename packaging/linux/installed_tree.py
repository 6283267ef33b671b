"""Lays a bundle out as an installed program: below /usr for a .deb, inside an AppImage, below /app for a Flatpak.

    python packaging/linux/installed_tree.py BUNDLE FOLDER

The program goes to FOLDER/lib/latchkey, and what desktops and shells look for to FOLDER/bin and FOLDER/share. The icons
come from build/icons (packaging/bundle/icons.py), manual page and completions from build/pages (command_pages.py).
"""

import gzip
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
BUILT = TOP / "build"
APP_ID = "desktop.latchkey.Latchkey"
"""By which software centres know it. Whoever publishes Latchkey puts a domain of theirs in its place."""
COMPLETIONS = {
    "latchkey.bash": "share/bash-completion/completions/latchkey",
    "_latchkey": "share/zsh/site-functions/_latchkey",
    "latchkey.fish": "share/fish/vendor_completions.d/latchkey.fish",
}
MANUAL = "latchkey.1"
ACCOUNTS = ("latchkey.cdx.json", "THIRD-PARTY-NOTICES.txt")
"""What account.py put into the bundle: people look for it among the documentation."""
TIME = int(os.environ.get("SOURCE_DATE_EPOCH", "1767225600"))
"""Seconds since 1970 that every file is said to be from, so that the same input gives the same package."""


def lay_out(bundle: Path, folder: Path, built: Path = BUILT) -> None:
    """Put all of it into `folder`, which need not exist. `bundle` is what packaging/bundle/build.py made."""
    program = folder / "lib" / "latchkey"
    shutil.copytree(bundle, program, symlinks=True)
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "bin" / "latchkey").symlink_to("../lib/latchkey/latchkey")
    _put(HERE / "latchkey.desktop", folder / "share" / "applications" / "latchkey.desktop")
    _put(HERE / "latchkey.xml", folder / "share" / "mime" / "packages" / "latchkey.xml")
    metainfo = f"{APP_ID}.metainfo.xml"
    _put(HERE / metainfo, folder / "share" / "metainfo" / metainfo)
    icons = folder / "share" / "icons" / "hicolor"
    for picture in sorted((built / "icons").glob("latchkey-*.png")):
        pixels = picture.stem.rpartition("-")[2]
        _put(picture, icons / f"{pixels}x{pixels}" / "apps" / "latchkey.png")
    _put(TOP / "resources" / "icons" / "latchkey.svg", icons / "scalable" / "apps" / "latchkey.svg")
    _put(TOP / "LICENSE", folder / "share" / "doc" / "latchkey" / "copyright")
    for name in ACCOUNTS:
        if (bundle / "_internal" / name).is_file():
            (folder / "share" / "doc" / "latchkey" / name).symlink_to(f"../../../lib/latchkey/_internal/{name}")
    if (built / "pages" / MANUAL).is_file():
        page = folder / "share" / "man" / "man1" / f"{MANUAL}.gz"
        page.parent.mkdir(parents=True)
        page.write_bytes(gzip.compress((built / "pages" / MANUAL).read_bytes(), mtime=0))
    for name, place in COMPLETIONS.items():
        if (built / "pages" / name).is_file():
            _put(built / "pages" / name, folder / place)


def settle(folder: Path) -> None:
    """Give everything in `folder` plain rights and one time, whatever umask and clock it was made with."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (TIME, TIME), follow_symlinks=False)


def _put(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]), Path(sys.argv[2]))
