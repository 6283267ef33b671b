"""A copy is whole or it is not there: stopped, cut off, without space, or of a file that changes meanwhile."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from desktop.errors import IntegrityError, NotFoundError, ResourceError
from desktop.library.file_hashes import HashingStoppedError
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.paths import find_paths
from tests.accepting import accept
from tests.fakes.other_apps import split_model
from tests.fakes.tiny_gguf import random_model


def left(home: Path) -> list[str]:
    """What lies in the folder of models."""
    models = home / "models"
    return sorted(str(each.relative_to(models)) for each in models.rglob("*")) if models.exists() else []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes, as on a disk that is full."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_copy_shows_how_far_it_is_and_is_not_read_again_for_its_first_answer(
    assembly: LibraryServices, home: Path
) -> None:
    files = split_model(home / "split")
    whole = sum(file.stat().st_size for file in files)
    told: list[tuple[int, int]] = []
    model = assembly.importer.add(files[0], copy=True, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (whole, whole)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    copies = [model.path.with_name(file.name) for file in files]
    assert [copy.read_bytes() for copy in copies] == [file.read_bytes() for file in files]
    assert all(assembly.hashes.cached(copy) is not None for copy in copies)
    accept(assembly, model.id)
    assembly.license_check.admit(model.path)


def test_hashing_in_place_shows_how_far_it_is_over_all_parts(assembly: LibraryServices, home: Path) -> None:
    files = split_model(home / "split")
    whole = sum(file.stat().st_size for file in files)
    told: list[tuple[int, int]] = []
    assembly.importer.add(files[0], progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (whole, whole)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("copy", [False, True], ids=["in place", "copy"])
def test_an_import_that_is_stopped_leaves_nothing(assembly: LibraryServices, home: Path, copy: bool) -> None:
    path = random_model(home / "some.gguf", width=512)
    stop = threading.Event()
    with pytest.raises(HashingStoppedError):
        assembly.importer.add(path, copy=copy, stop=stop, progress=lambda done, of: stop.set())
    assert left(home) == []
    assert assembly.library.installed_models.all() == []
    assert assembly.ledger.records() == []
    stop.clear()
    assert assembly.importer.add(path, copy=copy, stop=stop).id


def test_a_disk_that_fills_up_leaves_nothing_and_says_what_to_do(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf", width=256)
    with files_of_at_most(100_000), pytest.raises(ResourceError) as caught:
        assembly.importer.add(path, copy=True)
    assert str(home / "models") in caught.value.detail
    assert left(home) == []
    assert assembly.library.installed_models.all() == []
    assert path.exists()


def test_a_copy_that_cannot_fit_is_not_begun(
    assembly: LibraryServices, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = random_model(home / "some.gguf")
    monkeypatch.setattr("desktop.library.model_copy.free_space", lambda folder: path.stat().st_size - 1)
    with pytest.raises(ResourceError, match="not enough space"):
        assembly.importer.add(path, copy=True)
    assert left(home) == []


def test_a_file_that_somebody_is_writing_is_not_taken_in(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf")

    def write(done: int, of: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    for copy in (False, True):
        with pytest.raises(IntegrityError, match="changed while it was read"):
            assembly.importer.add(path, copy=copy, progress=write)
        random_model(path)
    assert left(home) == []
    assert assembly.library.installed_models.all() == []


def test_a_medium_that_vanishes_meanwhile_is_told(assembly: LibraryServices, home: Path) -> None:
    files = split_model(home / "stick")
    with pytest.raises(NotFoundError, match=files[1].name):
        assembly.importer.add(files[0], copy=True, progress=lambda done, of: files[1].unlink(missing_ok=True))
    assert left(home) == []


def test_what_a_killed_copy_left_is_cleared_by_the_next_one(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf", width=512)
    program = (
        "import sys, threading; from pathlib import Path\n"
        "from desktop.library.model_copy import copy_files\n"
        "def told(done, of): print('begun', flush=True); threading.Event().wait()\n"
        f"copy_files([Path({str(path)!r})], ['some.gguf'], Path({str(home / 'models')!r}), told, None)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    begun = left(home)
    assert any(name.endswith("some.gguf") for name in begun)
    # While it runs, another import leaves it alone.
    other = random_model(home / "other.gguf", seed=9)
    assembly.importer.add(other, copy=True)
    assert set(begun) <= set(left(home))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    model = assembly.importer.add(path, copy=True)
    assert not set(begun) & set(left(home))
    assert model.path.read_bytes() == path.read_bytes()


def test_a_name_that_is_no_text_is_refused_in_place_and_copied_under_another(
    assembly: LibraryServices, home: Path
) -> None:
    path = home / os.fsdecode(b"\xfftiny\n.gguf")
    random_model(home / "x.gguf").rename(path)
    with pytest.raises(NotFoundError) as caught:
        assembly.importer.add(path)
    assert "copy" in caught.value.remedy
    str(caught.value).encode()
    model = assembly.importer.add(path, copy=True)
    assert model.path.name.endswith("tiny_.gguf")
    assert model.path.read_bytes() == path.read_bytes()


def test_a_name_with_line_breaks_is_used_in_place(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "two\nlines.gguf")
    model = assembly.importer.add(path)
    with closing(build_library_services(find_paths())) as again:
        assert again.library.find(model.id).path == path


def test_two_copies_of_one_file_at_once_are_one(assembly: LibraryServices, home: Path) -> None:
    path = random_model(home / "some.gguf", width=256)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(str(assembly.importer.add(path, copy=True).path)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert len(left(home)) == 2  # its folder and itself
    assert [record.event for record in assembly.ledger.records()] == ["imported"]
