"""Zipped documents within bounds: how many members, how large they become, and how much larger than they are."""

import zipfile

from desktop.documents.reader.refused_file import RefusedFileError

_MOST_MEMBERS = 20_000
_MOST_BYTES = 512 * 1024 * 1024
_MOST_OF_ONE = 256 * 1024 * 1024
_UNSUSPICIOUS, _MOST_RATIO = 32 * 1024 * 1024, 250
_ENCRYPTED = 0x1


def check_archive(archive: zipfile.ZipFile) -> None:
    """Raise RefusedFileError where unpacking `archive` would take too much, or a password.

    What members say of their size is believed: zipfile reads no more of one than that.
    """
    members = archive.infolist()
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise RefusedFileError("office-encrypted")
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > _MOST_MEMBERS or unpacked > _MOST_BYTES:
        raise RefusedFileError("bomb")
    if any(member.file_size > _MOST_OF_ONE for member in members):
        raise RefusedFileError("bomb")
    if unpacked > _UNSUSPICIOUS and unpacked > packed * _MOST_RATIO:
        raise RefusedFileError("bomb")


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """At most `most` bytes of the member `name`. Raises KeyError where there is none, RefusedFileError where it is
    encrypted."""
    if archive.getinfo(name).flag_bits & _ENCRYPTED:
        raise RefusedFileError("office-encrypted")
    with archive.open(name) as member:
        return member.read(most)
