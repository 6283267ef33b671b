"""Writes the hashes of what is published, in the form that `sha256sum --check` and `sha512sum --check` read.

    python packaging/checksums.py FOLDER

FOLDER gets SHA256SUMS and SHA512SUMS, of every file in it but these and signatures, by name. packaging/README.md says
how they are signed.
"""

import hashlib
import sys
from pathlib import Path

NAMES = {"sha256": "SHA256SUMS", "sha512": "SHA512SUMS"}
_SIGNATURES = (".asc", ".minisig", ".sig")


def write_checksums(folder: Path) -> list[Path]:
    """Write both files into `folder`; them. Raises OSError, and ValueError where there is nothing to hash."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not _is_of_ours(path.name))
    if not files:
        raise ValueError(f"There is no file in {folder}.")
    written = []
    for algorithm, name in NAMES.items():
        lines = [f"{_digest(path, algorithm)}  {path.name}\n" for path in files]
        (folder / name).write_text("".join(lines), encoding="utf-8", newline="\n")
        written.append(folder / name)
    return written


def _is_of_ours(name: str) -> bool:
    return name in NAMES.values() or name.endswith(_SIGNATURES)


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    for made in write_checksums(Path(sys.argv[1])):
        print(made)
