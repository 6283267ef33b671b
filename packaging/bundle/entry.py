"""Where a bundle's executable begins."""

import sys
from pathlib import Path

_RUNNING = Path("/proc/self/exe")


def keep_modules() -> None:
    """Have modules that are imported later come from the executable that was started, also after an update has put
    another one in its place, or it was moved or removed: PyInstaller's loader opens it by its name each time, reads
    another version's bytes as its own, and ends the program where there is none (pyimod01_archive.py)."""
    if sys.platform == "linux" and _RUNNING.exists():
        from pyimod02_importers import pyz_archive  # type: ignore[import-not-found] # PyInstaller's, in bundles alone

        pyz_archive._filename = str(_RUNNING)  # noqa: SLF001 - there is no other way to it


if __name__ == "__main__":
    keep_modules()
    from desktop.__main__ import main

    sys.exit(main())
