"""Downloads while something around them is not as it was: the Hub's address, another process, the file itself."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.errors import EngineError, NotFoundError
from desktop.hub.repository_files import FilePart
from desktop.library.download_records import DownloadRecord, DownloadRecords, record_id
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.licenses.acknowledgements import Acceptance
from desktop.licenses.ledger_record import LedgerEvent, LedgerRecord
from desktop.paths import find_paths
from desktop.settings import Settings
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model

pytestmark = pytest.mark.loopback

MODEL = "acme/tiny-GGUF"
FILE = "tiny-Q8_0.gguf"
PATIENCE_S = 60.0


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return random_model(tmp_path / FILE, metadata={"general.license": "apache-2.0"})


@pytest.fixture
def repository(hub: FakeHub, model_file: Path) -> FakeRepository:
    made = hub.add(FakeRepository(MODEL, card={"license": "apache-2.0"}))
    made.add_file(FILE, model_file)
    return made


def made(endpoint: str, home: Path) -> LibraryServices:
    settings = Settings(hub_endpoint=endpoint)
    return build_library_services(find_paths(), {"LATCHKEY_HOME": str(home)}, settings=lambda: settings)


@pytest.fixture
def assembly(hub: FakeHub, home: Path, repository: FakeRepository) -> Iterator[LibraryServices]:
    assembly = made(hub.endpoint, home)
    yield assembly
    assembly.close()


def ready(assembly: LibraryServices) -> None:
    assembly.lookup.look_up(MODEL)
    subject = assembly.library.find_listed(MODEL).subject
    for each in subject.needed:
        sha256 = assembly.acknowledgements.text(each.id, MODEL).sha256
        assembly.acknowledgements.accept(subject, each.id, sha256, Acceptance("Ada", "personal"))


def kept_record(assembly: LibraryServices) -> DownloadRecord:
    """A download that an earlier run left unfinished."""
    known = assembly.library.hub_records.find(MODEL)
    assert known is not None
    file = known.files[0]
    record = DownloadRecord(
        id=record_id(known.repository, known.commit, file.name),
        model_id=MODEL,
        name="tiny",
        repository=known.repository,
        commit=known.commit,
        file=file.name,
        quantization=file.quantization,
        parts=file.parts,
        begun=1.0,
    )
    DownloadRecords(find_paths().downloads).save(record)
    return record


def test_unfinished_ones_are_listed_where_the_hubs_address_is_none(assembly: LibraryServices, home: Path) -> None:
    ready(assembly)
    record = kept_record(assembly)
    lost = made("no address at all", home)

    assert [(each.id, each.progress.state) for each in lost.downloads.all()] == [(record.id, "paused")]
    lost.lookup.next_step(MODEL)
    lost.close()


def test_a_record_with_names_that_no_disk_can_keep_hides_no_other(assembly: LibraryServices) -> None:
    ready(assembly)
    record = kept_record(assembly)
    hostile = DownloadRecord(
        id=record_id("a/b", "0" * 40, "x"), model_id="a/b", name="b", repository="a/b", commit="0" * 40,
        file="../x.gguf", quantization="", parts=(FilePart("../x.gguf", 5),), begun=2.0,
    )  # fmt: skip
    DownloadRecords(find_paths().downloads).save(hostile)

    assert [each.id for each in assembly.downloads.all()] == [record.id]


def test_one_that_another_process_finished_or_gave_up_is_no_row_here_any_more(
    assembly: LibraryServices, hub: FakeHub, home: Path
) -> None:
    ready(assembly)
    record = kept_record(assembly)
    assert [each.id for each in assembly.downloads.all()] == [record.id]
    other = made(hub.endpoint, home)
    assert other.downloads.wait(other.downloads.start(MODEL), PATIENCE_S).installed == MODEL
    other.close()

    assert assembly.downloads.all() == ()
    with pytest.raises(NotFoundError):
        assembly.downloads.find(record.id)


def test_a_whole_file_that_is_no_model_goes_with_its_row(
    assembly: LibraryServices, repository: FakeRepository, tmp_path: Path
) -> None:
    ready(assembly)
    data = bytearray((tmp_path / FILE).read_bytes())
    data[:4] = b"HOAX"
    repository.swap_file(FILE, bytes(data))
    known = assembly.library.hub_records.find(MODEL)
    assert known is not None
    assembly.lookup.look_up(MODEL)  # its header was read before: nothing but its hash is another one
    item = assembly.downloads.wait(assembly.downloads.start(MODEL), PATIENCE_S)
    assert isinstance(item.error, EngineError)

    assembly.downloads.dismiss(item.id)

    assert [each for each in find_paths().models.rglob("*") if each.is_file()] == []


def test_a_strangers_file_in_the_way_outlives_the_row(assembly: LibraryServices) -> None:
    ready(assembly)
    known = assembly.library.hub_records.find(MODEL)
    assert known is not None
    place = find_paths().models / "acme--tiny-GGUF" / known.commit[:12]
    place.mkdir(parents=True)
    (place / FILE).write_bytes(b"somebody's")
    item = assembly.downloads.wait(assembly.downloads.start(MODEL), PATIENCE_S)
    assert item.error is not None

    assembly.downloads.dismiss(item.id)

    assert (place / FILE).read_bytes() == b"somebody's"


def test_a_fetched_model_outlives_a_row_that_was_left(assembly: LibraryServices) -> None:
    ready(assembly)
    item = assembly.downloads.wait(assembly.downloads.start(MODEL), PATIENCE_S)
    assert item.installed == MODEL
    record = kept_record(assembly)

    assembly.downloads.cancel(record.id)

    assert assembly.library.find(MODEL).path.is_file()


def test_the_ledger_knows_of_a_download_before_the_library_does(
    assembly: LibraryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a process that ends in between leaves no model of which the ledger knows nothing."""
    ready(assembly)
    append, here = assembly.ledger.append, []

    def look(fact: LedgerEvent, **more: bool) -> LedgerRecord:
        here.append((fact.event, len(assembly.library.installed_models.all())))
        return append(fact, **more)

    monkeypatch.setattr(assembly.ledger, "append", look)
    assert assembly.downloads.wait(assembly.downloads.start(MODEL), PATIENCE_S).installed == MODEL

    assert here == [("downloaded", 0)]


def test_two_threads_can_keep_the_same_record(assembly: LibraryServices) -> None:
    ready(assembly)
    record = kept_record(assembly)
    known = assembly.library.hub_records.find(MODEL)
    assert known is not None
    failures: list[Exception] = []

    def keep() -> None:
        try:
            for _ in range(40):
                DownloadRecords(find_paths().downloads).save(record)
                assembly.library.hub_records.save(known)
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    threads = [threading.Thread(target=keep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert assembly.library.hub_records.find(MODEL) == known


@pytest.mark.parametrize("copy", [True, False])
def test_a_file_that_was_imported_before_becomes_the_model_that_is_fetched(
    assembly: LibraryServices, model_file: Path, copy: bool
) -> None:
    assembly.importer.add(model_file, "CC-BY-NC-4.0", copy=copy)
    ready(assembly)

    item = assembly.downloads.wait(assembly.downloads.start(MODEL), PATIENCE_S)

    assert (item.error, item.installed) == (None, MODEL)
    listed = assembly.library.find_listed(MODEL)
    assert listed.model is not None
    assert listed.model.path.is_relative_to(find_paths().models)
    assert {each.id for each in listed.subject.needed} == {"Apache-2.0", "CC-BY-NC-4.0"}
    assert len(list(find_paths().models.rglob("*.gguf"))) == 1
    assert [record.event for record in assembly.acknowledgements.records()][-1] == "downloaded"
