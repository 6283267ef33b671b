"""A model file's hash is right, is not computed twice for the same file, and never outlives a change of the file."""

import hashlib
import mmap
import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.file_stamp import stamp_from_stat
from desktop.library.file_hashes import FileHashes, HashingStoppedError
from desktop.library.library_services import build_library_services
from desktop.paths import find_paths


@pytest.fixture
def file(home: Path) -> Path:
    path = home / "model.gguf"
    path.write_bytes(b"weights")
    return path


def overwrite(path: Path, data: bytes, at: int = 0) -> None:
    """Write in place, and put the time back."""
    stamp = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def point(link: Path, to: Path) -> None:
    """Have the link lead elsewhere."""
    new = link.with_name("new-link")
    new.symlink_to(to)
    new.replace(link)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_hash_is_the_files_sha256(file: Path, home: Path) -> None:
    assert FileHashes(home / "cache").sha256(file) == digest(b"weights")


def test_a_known_hash_is_found_again_by_the_next_process_without_reading_the_file(file: Path, home: Path) -> None:
    assert FileHashes(home / "data").cached(file) is None
    FileHashes(home / "data").sha256(file)
    told: list[int] = []
    again = FileHashes(home / "data")
    assert again.cached(file) == digest(b"weights")
    assert again.sha256(file, told.append) == digest(b"weights")
    assert told == [], "the file was read again"


def test_a_file_overwritten_in_place_under_its_old_time_is_hashed_again(file: Path, home: Path) -> None:
    hashes = FileHashes(home / "data")
    assert hashes.sha256(file) == digest(b"weights")
    overwrite(file, b"WEIGHTS")
    assert hashes.cached(file) is None
    assert hashes.sha256(file) == FileHashes(home / "data").sha256(file) == digest(b"WEIGHTS")


def test_what_is_written_through_memory_that_was_shared_before_is_noticed(disk_path: Path, home: Path) -> None:
    """Such a write leaves a time only where the page was written out since the last one."""
    file = disk_path / "model.gguf"
    file.write_bytes(b"weights")
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as memory:
        memory[0:1] = b"w"
        hashes = FileHashes(home / "data")
        assert hashes.sha256(file) == digest(b"weights")
        memory[0:1] = b"W"
    assert hashes.sha256(file) == digest(b"Weights")


def test_a_file_that_changes_right_after_it_was_read_is_told_from_what_was_read(file: Path, home: Path) -> None:
    """Clocks of file systems advance in ticks: within one, two contents have the same time."""
    hashes = FileHashes(home / "data")
    for number in range(5):
        file.write_bytes(b"%07d" % number)
        assert hashes.sha256(file) == digest(b"%07d" % number)
        stamp = file.stat()
        with file.open("r+b") as opened:
            opened.write(b"X")
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert hashes.cached(file) is None


def test_a_file_that_changes_while_it_is_read_has_no_hash(file: Path, home: Path) -> None:
    file.write_bytes(bytes(3 << 20))

    def change(done: int) -> None:
        if done == 1 << 20:
            overwrite(file, b"x", at=0)

    with pytest.raises(IntegrityError, match="changed while it was read"):
        FileHashes(home / "data").sha256(file, change)
    assert FileHashes(home / "data").cached(file) is None


def test_another_file_under_the_name_while_it_is_read_is_not_what_was_hashed(file: Path, home: Path) -> None:
    """What is kept is of the file that was opened, not of what its name leads to later."""
    other = home / "other.gguf"
    other.write_bytes(b"WEIGHTS")
    hashes = FileHashes(home / "data")
    link = home / "link.gguf"
    link.symlink_to(file)
    sha256, stamp = hashes.hash_with_stamp(link)
    point(link, other)
    assert hashes.cached(link) is None
    hashes.remember(link, sha256, stamp)
    assert hashes.cached(link) is None
    assert hashes.sha256(link) == digest(b"WEIGHTS")


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_has_no_hash_and_is_not_waited_for(home: Path, kind: str) -> None:
    path = Path("/dev/zero") if kind == "device" else home / "model.gguf"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(ResourceError):
        FileHashes(home / "data").sha256(path)


def test_a_stop_counts_before_all_of_the_file_is_read(home: Path) -> None:
    path = home / "endless.gguf"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    stop = threading.Event()
    told: list[int] = []

    def hear(done: int) -> None:
        told.append(done)
        stop.set()

    with pytest.raises(HashingStoppedError):
        FileHashes(home / "data").sha256(path, hear, stop)
    assert len(told) == 1


def test_a_split_model_is_unchanged_only_while_each_part_is(home: Path) -> None:
    parts = [home / f"m-{number:05d}-of-00003.gguf" for number in (1, 2, 3)]
    for part in parts:
        part.write_bytes(part.name.encode())
    hashes = FileHashes(home / "data")
    for touched in parts:
        model = hashes.hashed_model(parts[0])
        assert model.is_unchanged()
        assert [Path(file.path) for file in model.files] == parts
        overwrite(touched, b"x", at=0)
        assert not model.is_unchanged()


def test_the_memory_of_hashes_has_an_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.library.file_hashes._MOST_KEPT", 3)
    hashes = FileHashes(home / "data")
    files = [home / f"{number}.gguf" for number in range(5)]
    for each in files:
        each.write_bytes(each.name.encode())
        hashes.sha256(each)
    assert [hashes.cached(each) is not None for each in files] == [False, False, True, True, True]


def test_what_workers_may_have_written_into_the_cache_says_nothing(home: Path) -> None:
    """Hashes were once kept there."""
    paths = find_paths()
    file = home / "model.gguf"
    file.write_bytes(b"weights")
    FileHashes(paths.cache).remember(file, "0" * 64, stamp_from_stat(file.stat()))
    with closing(build_library_services(paths)) as assembly:
        assert assembly.hashes.cached(file) is None
        assembly.hashes.sha256(file)
    assert not (paths.cache / "hashes.json").is_symlink()
    assert (paths.data / "hashes.json").is_file()


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
    with pytest.raises(NotFoundError, match=r"nothing\.gguf.*Put it back"):
        FileHashes(home / "cache").sha256(home / "nothing.gguf")
