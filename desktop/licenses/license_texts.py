"""The license texts in force: the exact bytes of each, its hash, and its decoded text."""

import codecs
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop.atomic_file import read_bounded, write_atomically
from desktop.catalog.catalog import License
from desktop.errors import IntegrityError, ResourceError
from desktop.file_stamp import FileStamp, stamp_from_stat
from desktop.translation import tr

_LARGEST = 16 << 20
_NOTICE = re.compile(r"\W*(?:copyright\W*)?(?:\(c\)|©|[\[<{](?:yyyy|year)|\d{4}).{0,200}", re.IGNORECASE)
_APPENDIX = re.compile(
    r"\s*appendix\W+how to apply the .*permissions\s+and\s+limitations\s+under\s+the\s+license\W*",
    re.IGNORECASE | re.DOTALL,
)
_APPENDIX_LENGTH = 2_000  # characters; it has 1,500


@dataclass(frozen=True)
class LicenseText:
    """A license's text: `data` is what was published, byte for byte, and `sha256` the hash of just that."""

    license: License
    data: bytes
    sha256: str

    @property
    def text(self) -> str:
        """The text as people read it; line ends as they are."""
        return decode_text(self.data)


@dataclass(frozen=True)
class _KnownText:
    """A text as it was read, and its file's stamp then."""

    stamp: FileStamp
    data: bytes
    sha256: str


class LicenseTexts:
    """Texts by license, from the folders given, the first that has it. Read when asked for.

    `kept` is the folder for texts that publishers have in their repositories: files named by their own sha256.
    """

    def __init__(self, folders: Sequence[Path], kept: Path | None = None) -> None:
        self._folders = tuple(folders)
        self._kept = kept
        self._known: dict[Path, _KnownText] = {}

    def text_of(self, license_: License) -> LicenseText:
        """The text in force for `license_`. Raises IntegrityError where there is none."""
        known = self._read(license_.text, license_.name)
        return LicenseText(license_, known.data, known.sha256)

    def with_sha256(self, sha256: str) -> bytes | None:
        """The text of this hash among those in force: given out before, or kept of a publisher. None where none is."""
        given = (known.data for known in self._known.values() if known.sha256 == sha256)
        try:
            data = next(given, None) or (read_bounded(self._kept / sha256, _LARGEST) if self._kept is not None else b"")
        except OSError:
            return None
        return data if sha256_of(data) == sha256 else None

    def acceptable_use(self, license_: License) -> str:
        """The use policy that the license incorporates, "" where there is none. Raises IntegrityError."""
        return decode_text(self.acceptable_use_data(license_))

    def acceptable_use_data(self, license_: License) -> bytes:
        """Its exact bytes, none where there is none. Raises IntegrityError."""
        return self._read(license_.acceptable_use, license_.name).data if license_.acceptable_use else b""

    def publisher_text(self, license_: License, sha256: str) -> LicenseText:
        """A publisher's own text for `license_`, as it was kept. Raises IntegrityError where it is gone or changed."""
        try:
            data = read_bounded(self._kept / sha256, _LARGEST) if self._kept is not None else b""
        except OSError:
            data = b""
        if sha256_of(data) != sha256:
            raise IntegrityError(
                tr("The publisher's text of the license {license} is no longer kept.").format(license=license_.name),
                tr("Without its text nobody can accept it."),
                tr("Look the model up again: its license is then fetched anew."),
            )
        return LicenseText(license_, data, sha256)

    def store(self, data: bytes) -> str:
        """Keep a publisher's text; its sha256. Raises ResourceError where it cannot be written."""
        assert self._kept is not None
        sha256 = sha256_of(data)
        target = self._kept / sha256
        try:
            if read_bounded(target, _LARGEST) == data:
                return sha256
        except OSError:
            pass  # not there, or not to be read: it is written anew
        try:
            write_atomically(target, data)
        except OSError as error:
            raise ResourceError(
                tr("The license text could not be kept."),
                tr("Writing to {folder} failed: {reason}.").format(folder=self._kept, reason=error.strerror),
                tr("Free some space or make the folder writable, and try again."),
            ) from error
        return sha256

    def _read(self, place: str, name: str) -> _KnownText:
        for folder in self._folders if place else ():
            path = folder / place
            try:
                stamp = stamp_from_stat(path.stat())
                known = self._known.get(path)
                if known is None or known.stamp != stamp:
                    data = read_bounded(path, _LARGEST, follow_link=True)
                    known = self._known[path] = _KnownText(stamp, data, sha256_of(data))
                return known
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


def words_sha256(data: bytes) -> str:
    """The SHA-256 of a text's words in their order, one space between two: the same where white space alone differs."""
    return sha256_of(" ".join(decode_text(data).split()).encode())


def same_words(one: bytes, other: bytes) -> bool:
    """Whether two texts say the same, however their lines are broken."""
    return decode_text(one).split() == decode_text(other).split()


def same_license(standard: bytes, other: bytes, name: str = "") -> bool:
    """Whether `other` is the license of which `standard` is the text: the same words but for what publishers change in
    it, which is the notice of whose copyright it is, a title (`name`), and how to apply it. An added word is another
    license."""
    forms = {tuple(_words(standard, name, whole=whole)) for whole in (True, False)}
    return bool(forms & {tuple(_words(other, name, whole=whole)) for whole in (True, False)})


def _words(data: bytes, name: str, *, whole: bool) -> list[str]:
    """The words of a license, without notices of copyright and title, and unless `whole` without what stands at the
    end of a standard text about how to apply it."""
    text = "\n".join(line for line in decode_text(data).splitlines() if not _NOTICE.fullmatch(line.strip()))
    applied = re.split(r"(?i)\bend of terms and conditions\b", text)
    if not whole and len(applied) == 2 and (not applied[1].strip() or _is_appendix(applied[1])):
        text = applied[0]
    words = re.findall(r"\w+", text.casefold().replace("https:", "http:"))
    title = {"the", "license", *re.findall(r"\w+", name.casefold())}
    start = next((at for at, word in enumerate(words[:12]) if word not in title), 0)
    return words[start:]


def _is_appendix(text: str) -> bool:
    """Whether `text` is the appendix of the Apache license, which ends with the words that it offers, and no more."""
    return len(text) < _APPENDIX_LENGTH and _APPENDIX.fullmatch(text) is not None


def decode_text(data: bytes) -> str:
    """Bytes as text: UTF-16 where a mark says so, else UTF-8, else what every byte has a meaning in (Windows-1252)."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
