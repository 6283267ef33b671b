"""A model file's hash is right, is not computed twice for the same file, and never outlives a change of the file."""

import hashlib
import os
from pathlib import Path

import pytest

from desktop.errors import NotFoundError
from desktop.library.hashes import FileHashes


@pytest.fixture
def file(home: Path) -> Path:
    path = home / "model.gguf"
    path.write_bytes(b"weights")
    return path


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_hash_is_the_files_sha256(file: Path, home: Path) -> None:
    assert FileHashes(home / "cache").sha256(file) == digest(b"weights")


def test_a_known_hash_is_found_again_by_the_next_process_without_reading_the_file(file: Path, home: Path) -> None:
    assert FileHashes(home / "cache").cached(file) is None
    FileHashes(home / "cache").sha256(file)
    stamp = file.stat()
    # Same size, time and inode, other bytes: only a hash that was kept can still be the old one.
    with file.open("r+b") as opened:
        opened.write(b"WEIGHTS")
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    again = FileHashes(home / "cache")
    assert again.cached(file) == digest(b"weights")
    assert again.sha256(file) == digest(b"weights")


def test_a_changed_file_is_hashed_again(file: Path, home: Path) -> None:
    hashes = FileHashes(home / "cache")
    hashes.sha256(file)
    file.write_bytes(b"weights, trained more")
    assert hashes.cached(file) is None
    assert hashes.sha256(file) == digest(b"weights, trained more")


def test_a_file_replaced_by_another_of_the_same_size_and_time_is_hashed_again(file: Path, home: Path) -> None:
    hashes = FileHashes(home / "cache")
    hashes.sha256(file)
    stamp = file.stat()
    other = home / "other.gguf"
    other.write_bytes(b"WEIGHTS")
    os.utime(other, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    other.replace(file)
    assert hashes.sha256(file) == digest(b"WEIGHTS")


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b'{"x": 3}', b"\xff\xfe"])
def test_a_damaged_memory_of_hashes_does_not_matter(file: Path, home: Path, content: bytes) -> None:
    cache = home / "cache"
    cache.mkdir()
    (cache / "hashes.json").write_bytes(content)
    assert FileHashes(cache).sha256(file) == digest(b"weights")
    assert FileHashes(cache).cached(file) == digest(b"weights")


def test_where_nothing_can_be_kept_the_hash_is_given_all_the_same(file: Path, home: Path) -> None:
    blocked = home / "blocked"
    blocked.write_text("a file where the folder should be")
    assert FileHashes(blocked).sha256(file) == digest(b"weights")
    assert FileHashes(blocked).cached(file) is None


def test_a_missing_file_has_no_hash(home: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.gguf"):
        FileHashes(home / "cache").sha256(home / "nothing.gguf")
