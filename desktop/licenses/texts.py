"""The license texts in force: the exact bytes of each, its hash, and how it reads."""

import codecs
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.catalog.entries import License
from desktop.errors import IntegrityError, ResourceError
from desktop.translation import tr
from desktop.whole_file import write_whole

_LARGEST = 16 << 20


@dataclass(frozen=True)
class LicenseText:
    """A license's text: `data` is what was published, byte for byte, and `sha256` the hash of just that."""

    license: License
    data: bytes
    sha256: str

    @property
    def text(self) -> str:
        """The text as people read it; line ends as they are."""
        return readable(self.data)


class LicenseTexts:
    """Texts by license, from the folders given, the first that has it. Read when asked for.

    `kept` is the folder for texts that publishers have in their repositories: files named by their own sha256.
    """

    def __init__(self, folders: Sequence[Path], kept: Path | None = None) -> None:
        self._folders = tuple(folders)
        self._kept = kept
        self._known: dict[Path, tuple[tuple[int, int, int], bytes]] = {}

    def of(self, license_: License) -> LicenseText:
        """The text in force for `license_`. Raises IntegrityError where there is none."""
        data = self._read(license_.text, license_.name)
        return LicenseText(license_, data, sha256_of(data))

    def acceptable_use(self, license_: License) -> str:
        """The use policy that the license incorporates, "" where there is none. Raises IntegrityError."""
        return readable(self._read(license_.acceptable_use, license_.name)) if license_.acceptable_use else ""

    def of_publisher(self, license_: License, sha256: str) -> LicenseText:
        """A publisher's own text for `license_`, as it was kept. Raises IntegrityError where it is gone or changed."""
        try:
            data = (self._kept / sha256).read_bytes() if self._kept is not None else b""
        except OSError:
            data = b""
        if sha256_of(data) != sha256:
            raise IntegrityError(
                tr("The publisher's text of the license {license} is no longer kept.").format(license=license_.name),
                tr("Without its text nobody can accept it."),
                tr("Look the model up again: its license is then fetched anew."),
            )
        return LicenseText(license_, data, sha256)

    def keep(self, data: bytes) -> str:
        """Keep a publisher's text; its sha256. Raises ResourceError where it cannot be written."""
        assert self._kept is not None
        sha256 = sha256_of(data)
        target = self._kept / sha256
        try:
            if target.read_bytes() == data:
                return sha256
        except OSError:
            pass  # not there, or not to be read: it is written anew
        try:
            write_whole(target, data)
        except OSError as error:
            raise ResourceError(
                tr("The license text could not be kept."),
                tr("Writing to {folder} failed: {reason}.").format(folder=self._kept, reason=error.strerror),
                tr("Free some space or make the folder writable, and try again."),
            ) from error
        return sha256

    def _read(self, place: str, name: str) -> bytes:
        for folder in self._folders if place else ():
            path = folder / place
            try:
                status = path.stat()
                stamp = (status.st_size, status.st_mtime_ns, status.st_ino)
                known = self._known.get(path)
                if known is None or known[0] != stamp:
                    if status.st_size > _LARGEST:
                        continue
                    known = self._known[path] = (stamp, path.read_bytes())
                return known[1]
            except OSError:
                continue
        raise IntegrityError(
            tr("The text of the license {license} is missing.").format(license=name),
            tr("Without its text nobody can accept it."),
            tr("Install Latchkey again to restore it."),
        )


def sha256_of(data: bytes) -> str:
    """The SHA-256 of exactly these bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def same_words(one: bytes, other: bytes) -> bool:
    """Whether two texts say the same, however their lines are broken."""
    return readable(one).split() == readable(other).split()


def readable(data: bytes) -> str:
    """Bytes as text: UTF-16 where a mark says so, else UTF-8, else what every byte has a meaning in (Windows-1252)."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
