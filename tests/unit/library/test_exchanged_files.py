"""A model that was never accepted answers under no accepted hash, whatever another program does to the files.

The other program may write to the folder of models, and knows when they are read: before, while and after a model is
loaded. What answers is told by its words: both models here have the same size and the same names, and other weights.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.engine_protocol import StopSignal
from desktop.engine.generation_options import GenerationOptions, SamplingParams
from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.engine.load_fallback import LoadAttempt
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import AnswerEvent, Delta, GenerateRequest, LoadRequest
from desktop.errors import IntegrityError, NotFoundError, UserError
from desktop.file_stamp import ModelFile
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.library.model_copy import copy_files
from desktop.licenses.license_check import LicenseCheck
from desktop.paths import find_paths
from tests.accepting import accept
from tests.fakes.tiny_gguf import random_model


def overwrite(path: Path, data: bytes) -> None:
    """Write in place, and put the time back."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@dataclass
class Disk:
    """The accepted model at `path`, another one elsewhere, and ways to exchange them; each gives the way back."""

    path: Path
    other: Path

    @property
    def folder(self) -> Path:
        """Where the model's files really are."""
        return self.path.resolve().parent

    @property
    def files(self) -> list[tuple[Path, Path]]:
        """Each file of the model, and the other's in its place."""
        names = sorted(each.name for each in self.folder.iterdir())
        return [(self.folder / name, self.other.parent / name) for name in names]

    def overwritten(self) -> Callable[[], None]:
        kept = [(file, file.read_bytes()) for file, _ in self.files]
        for file, other in self.files:
            overwrite(file, other.read_bytes())

        def back() -> None:
            for file, data in kept:
                overwrite(file, data)

        return back

    def last_overwritten(self) -> Callable[[], None]:
        file, other = self.files[-1]
        kept = file.read_bytes()
        overwrite(file, other.read_bytes())
        return lambda: overwrite(file, kept)

    def renamed(self) -> Callable[[], None]:
        folder, aside = self.folder, self.folder.with_name("aside")
        aside.mkdir(exist_ok=True)
        for file, other in self.files:
            file.rename(aside / file.name)
            os.link(other, file)

        def back() -> None:
            for file in aside.iterdir():
                file.replace(folder / file.name)

        return back

    def folder_renamed(self) -> Callable[[], None]:
        """Which leaves no trace at the files themselves."""
        folder, aside = self.folder, self.folder.with_name("aside")
        folder.rename(aside)
        self.other.parent.rename(folder)

        def back() -> None:
            folder.rename(self.other.parent)
            aside.rename(folder)

        return back

    def pointed_elsewhere(self) -> Callable[[], None]:
        """Where the library knows it by a link; else as the folder is renamed."""
        if not self.path.is_symlink():
            return self.folder_renamed()
        right = self.path.readlink()

        def point(to: Path) -> None:
            new = self.path.with_name("new-link")
            new.symlink_to(to)
            new.replace(self.path)

        point(self.other)
        return lambda: point(right)

    def gone(self) -> Callable[[], None]:
        folder, aside = self.folder, self.folder.with_name("aside")
        folder.rename(aside)

        def back() -> None:
            aside.rename(folder)

        return back


WAYS = [
    *(("one file", way) for way in ("overwritten", "renamed", "folder_renamed")),
    *(("split", way) for way in ("last_overwritten", "folder_renamed")),
    *(("link", way) for way in ("overwritten", "pointed_elsewhere")),
]
in_each_way = pytest.mark.parametrize(("disk", "way"), WAYS, indirect=["disk"])


class Meanwhile:
    """The person's license door, with something done before and after the model is loaded."""

    def __init__(self, door: LicenseCheck) -> None:
        self._door = door
        self.before: Callable[[], object] = lambda: None
        self.after: Callable[[], object] = lambda: None

    def admit(self, path: Path, stop: StopSignal | None = None) -> tuple[ModelFile, ...]:
        files = self._door.admit(path, stop)
        self.before()
        return files

    def record_load(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        self.after()
        self._door.record_load(path)

    def check_loaded(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        self._door.check_loaded(path, files)


@pytest.fixture
def disk(request: pytest.FixtureRequest, home: Path) -> Disk:
    kind = getattr(request, "param", "one file")
    folders = home / "models" / "accepted", home / "models" / "other"
    name = "m-00001-of-00002.gguf" if kind == "split" else "m.gguf"
    for seed, folder in enumerate(folders):
        folder.mkdir(parents=True)
        if kind == "split":
            random_model(folder / "m.gguf", seed=seed, change=split_in_two)
        else:
            random_model(folder / name, seed=seed)
    if kind != "link":
        return Disk(folders[0] / name, folders[1] / name)
    link = home / "link.gguf"
    link.symlink_to(folders[0] / name)
    return Disk(link, folders[1] / name)


def split_in_two(writer: gguf.GGUFWriter) -> None:
    tensors = list(writer.tensors[0].items())
    writer.tensors = [dict(tensors[:12]), dict(tensors[12:])]
    writer.split_max_tensors = 12


@pytest.fixture
def assembly(disk: Disk) -> Iterator[LibraryServices]:
    with closing(build_library_services(find_paths())) as made:
        accept(made, made.importer.add(disk.path).id)
        yield made


@pytest.fixture
def door(assembly: LibraryServices) -> Meanwhile:
    return Meanwhile(assembly.license_check)


@pytest.fixture
def client(door: Meanwhile, home: Path) -> Iterator[EngineClient]:
    with closing(EngineClient(license_check=door, logs=home / "logs", cache=home / "cache")) as made:
        yield made


def load(client: EngineClient, disk: Disk) -> None:
    client.load_and_wait(LoadParams(str(disk.path), threads=1))


def ask(client: EngineClient, on: Callable[[AnswerEvent], None] = lambda _: None, tokens: int = 12) -> str:
    request = GenerateRequest(
        client.next_id(),
        (ChatMessage.from_text("user", "Hello"),),
        GenerationOptions(SamplingParams(temperature=0), tokens, ignore_eos=True),
    )
    text = ""
    for event in client.answer(request):
        on(event)
        text += event.text if isinstance(event, Delta) else ""
    return text


def loads(assembly: LibraryServices) -> list[str]:
    return [record.file_sha256 for record in assembly.ledger.records() if record.event == "loaded"]


@pytest.mark.parametrize("disk", ["one file", "split", "link"], indirect=True)
def test_the_accepted_model_answers_and_its_hash_is_recorded(
    client: EngineClient, disk: Disk, assembly: LibraryServices
) -> None:
    load(client, disk)
    assert ask(client)
    hashed, loaded = assembly.hashes.hashed_model(disk.path).sha256, assembly.license_check.loaded_sha256(disk.path)
    assert loads(assembly) == [hashed] == [loaded]


@in_each_way
def test_what_was_exchanged_before_is_refused(
    client: EngineClient, disk: Disk, assembly: LibraryServices, way: str
) -> None:
    assembly.license_check.admit(disk.path)
    getattr(disk, way)()
    with pytest.raises(UserError):
        load(client, disk)
    assert loads(assembly) == []


@in_each_way
def test_what_is_exchanged_while_it_is_loaded_is_refused(
    client: EngineClient, door: Meanwhile, disk: Disk, assembly: LibraryServices, way: str
) -> None:
    door.before = getattr(disk, way)
    with pytest.raises(IntegrityError):
        load(client, disk)
    assert loads(assembly) == []


@in_each_way
def test_what_is_exchanged_and_put_back_while_it_is_loaded_is_refused(
    client: EngineClient, door: Meanwhile, disk: Disk, assembly: LibraryServices, way: str
) -> None:
    def exchange() -> None:
        door.after = getattr(disk, way)()

    door.before = exchange
    with pytest.raises(IntegrityError):
        load(client, disk)
    assert loads(assembly) == []


@pytest.mark.parametrize("disk", ["link"], indirect=True)
def test_a_link_that_leads_elsewhere_while_nothing_is_opened_changes_nothing(
    client: EngineClient, door: Meanwhile, disk: Disk, assembly: LibraryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is left the files that it opened, and not what a name of theirs led to at another moment."""
    backs: list[Callable[[], None]] = []
    door.before = lambda: backs.append(disk.pointed_elsewhere())
    make_request = LoadAttempt.request

    def request(attempt: LoadAttempt) -> LoadRequest:
        made = make_request(attempt)
        backs.pop()()
        return made

    monkeypatch.setattr(LoadAttempt, "request", request)
    load(client, disk)
    assert ask(client)
    assert loads(assembly) == [assembly.hashes.hashed_model(disk.path).sha256]


@pytest.mark.parametrize(("disk", "way"), [*WAYS, ("split", "gone")], indirect=["disk"])
def test_what_is_exchanged_after_it_was_loaded_answers_nothing_more(
    client: EngineClient, disk: Disk, assembly: LibraryServices, way: str
) -> None:
    load(client, disk)
    words = ask(client)
    back = getattr(disk, way)()
    with pytest.raises((IntegrityError, NotFoundError)):
        ask(client)
    back()
    load(client, disk)
    assert ask(client) == words
    assert len(set(loads(assembly))) == 1


def test_what_is_overwritten_in_mid_answer_ends_the_answer(client: EngineClient, disk: Disk) -> None:
    load(client, disk)
    done: list[object] = []

    def overwrite_once(event: AnswerEvent) -> None:
        if isinstance(event, Delta) and not done:
            done.append(disk.last_overwritten())

    with pytest.raises(IntegrityError, match="was changed while it was in use"):
        ask(client, overwrite_once, tokens=400)


def test_a_file_that_was_touched_and_is_the_same_answers_on(
    client: EngineClient, disk: Disk, assembly: LibraryServices
) -> None:
    """Another program's label, or a second name that a backup makes, is no other model."""
    load(client, disk)
    words = ask(client)
    disk.path.chmod(0o400)
    os.link(disk.path, disk.path.with_name("backup"))
    disk.path.with_name("backup").unlink()
    assert ask(client) == words
    assert len(loads(assembly)) == 2


# --- taking files in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copy", [False, True])
def test_the_terms_that_are_noted_are_those_of_the_very_file_that_was_hashed(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, copy: bool
) -> None:
    """A header of one file, and the contents of another, that lay under its name in turns."""
    free = random_model(home / "m.gguf", metadata={"general.license": "mit"})
    strict = random_model(home / "strict.gguf", metadata={"general.license": "llama3.2"})
    calls: list[Path] = []

    def read_and_exchange(path: Path, **kinds: bool | None) -> GgufHeader:
        header = read_header(path, **kinds)  # type: ignore[arg-type]
        calls.append(path)
        if len(calls) == 1:
            strict.replace(free)
        return header

    monkeypatch.setattr("desktop.library.import_source.read_header", read_and_exchange)
    with closing(build_library_services(find_paths())) as assembly:
        try:
            assembly.importer.add(free, copy=copy)
        except IntegrityError:
            assert assembly.library.installed_models.all() == []
        for kept in assembly.library.installed_models.all():
            assert kept.licenses == ("LicenseRef-Llama-3.2",)


def test_a_copy_that_somebody_else_writes_to_becomes_no_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = random_model(home / "m.gguf", seed=1)
    other = random_model(home / "other.gguf", seed=2).read_bytes()

    def make_and_overwrite(*arguments: Any) -> Any:
        copied = copy_files(*arguments)
        overwrite(copied.files[0], other)
        return copied

    monkeypatch.setattr("desktop.library.import_source.copy_files", make_and_overwrite)
    with closing(build_library_services(find_paths())) as assembly:
        with pytest.raises(IntegrityError):
            assembly.importer.add(source, copy=True)
        assert assembly.library.installed_models.all() == []
        assert list(find_paths().models.iterdir()) == []


def test_a_file_that_was_overwritten_under_its_old_time_is_not_taken_for_the_one_that_is_known(home: Path) -> None:
    path, other = random_model(home / "m.gguf", seed=1), random_model(home / "other.gguf", seed=2)
    with closing(build_library_services(find_paths())) as assembly:
        first = assembly.importer.import_file(path)
        assert not first.existed
        overwrite(path, other.read_bytes())
        again = assembly.importer.import_file(path)
        assert not again.existed
        assert again.model.id != first.model.id


def test_a_damaged_file_under_its_old_time_gives_way_to_a_whole_one(home: Path) -> None:
    path, copy = random_model(home / "m.gguf", seed=1), home / "copy.gguf"
    copy.write_bytes(path.read_bytes())
    other = random_model(home / "other.gguf", seed=2)
    with closing(build_library_services(find_paths())) as assembly:
        assembly.importer.add(path)
        overwrite(path, other.read_bytes())
        model = assembly.importer.add(copy)
        accept(assembly, model.id)
        assert model.path == copy
        assembly.license_check.admit(copy)
