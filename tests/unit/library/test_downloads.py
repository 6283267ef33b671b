"""A download from its start to a model in the library: paused, gone on with, given up, refused, and after a restart."""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.errors import (
    AccessError,
    ForbiddenError,
    IntegrityError,
    LicenseError,
    NotFoundError,
    ResourceError,
    UserError,
)
from desktop.hub.transfer.transfer_types import FetchedFile
from desktop.library.download_item import DownloadItem
from desktop.library.download_records import DownloadRecord
from desktop.library.downloads import AlreadyInstalledError
from desktop.library.installer import Installer
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.library.status import DownloadStep, EnterTokenStep, ReadyStep, RefusedStep, RestoreFileStep
from desktop.licenses.acknowledgements import Acceptance
from desktop.network.access_token import AccessToken
from desktop.paths import find_paths
from desktop.settings import Settings
from tests.fakes.hub import FakeHub, FakeRepository, Fault
from tests.fakes.other_apps import split_model
from tests.fakes.tiny_gguf import random_model

pytestmark = pytest.mark.loopback

MODEL = "acme/tiny-GGUF"
PATIENCE_S = 60.0


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return random_model(tmp_path / "tiny-Q8_0.gguf", metadata={"general.license": "apache-2.0"})


def made(hub: FakeHub, home: Path, **environ: str) -> LibraryServices:
    settings = Settings(hub_endpoint=hub.endpoint)
    return build_library_services(find_paths(), {"LATCHKEY_HOME": str(home), **environ}, settings=lambda: settings)


@pytest.fixture
def assembly(hub: FakeHub, home: Path, model_file: Path) -> Iterator[LibraryServices]:
    repository = hub.add(FakeRepository(MODEL, card={"license": "apache-2.0"}))
    repository.add_file("tiny-Q8_0.gguf", model_file)
    assembly = made(hub, home)
    yield assembly
    assembly.close()


def accept(assembly: LibraryServices, model_id: str = MODEL) -> None:
    subject = assembly.library.find_listed(model_id).subject
    for needed in subject.needed:
        sha256 = assembly.acknowledgements.text(needed.id, model_id).sha256
        assembly.acknowledgements.accept(subject, needed.id, sha256, Acceptance("Ada", "personal"))


def ready(assembly: LibraryServices, model_id: str = MODEL) -> None:
    assembly.lookup.look_up(model_id)
    accept(assembly, model_id)


def fetched(assembly: LibraryServices, model_id: str = MODEL) -> DownloadItem:
    item = assembly.downloads.wait(assembly.downloads.start(model_id), PATIENCE_S)
    assert item.error is None, item.error
    return item


def events(assembly: LibraryServices) -> list[str]:
    return [record.event for record in assembly.acknowledgements.records()]


def test_a_download_ends_as_a_model_that_can_answer(assembly: LibraryServices, model_file: Path) -> None:
    ready(assembly)

    item = fetched(assembly)

    model = assembly.library.find(MODEL)
    assert (item.progress.state, item.installed) == ("done", MODEL)
    assert model.path.read_bytes() == model_file.read_bytes()
    assert (model.imported, model.path.is_relative_to(find_paths().models)) == (False, True)
    record = assembly.acknowledgements.records()[-1]
    assert record.event == "downloaded"
    assert (record.repository, record.file_sha256) == (MODEL, hashlib.sha256(model_file.read_bytes()).hexdigest())
    assert len(record.commit) == 40
    assert isinstance(assembly.lookup.next_step(MODEL), ReadyStep)
    assembly.license_check.admit(model.path)
    assert not list(find_paths().downloads.iterdir())


def test_nothing_is_fetched_before_its_license_is_accepted(assembly: LibraryServices, hub: FakeHub) -> None:
    assembly.lookup.look_up(MODEL)
    hub.forget_requests()

    with pytest.raises(LicenseError):
        assembly.downloads.start(MODEL)

    assert not hub.requests("cdn")
    assert not assembly.downloads.all()


def test_a_revoked_license_ends_a_download_and_keeps_it_from_going_on(assembly: LibraryServices, hub: FakeHub) -> None:
    ready(assembly)
    hub.rate = 20_000
    download = assembly.downloads.start(MODEL)
    _until(assembly, download, lambda item: item.progress.done > 0)

    assembly.acknowledgements.revoke(MODEL)
    assembly.downloads.recheck()

    assert assembly.downloads.wait(download, PATIENCE_S).progress.state == "paused"
    with pytest.raises(LicenseError):
        assembly.downloads.resume(download)


def test_what_another_process_revokes_ends_a_download_as_well(
    assembly: LibraryServices, hub: FakeHub, home: Path
) -> None:
    ready(assembly)
    hub.rate = 20_000
    download = assembly.downloads.start(MODEL)
    _until(assembly, download, lambda item: item.progress.done > 0)
    other = made(hub, home)

    other.acknowledgements.revoke(MODEL)

    item = assembly.downloads.wait(download, PATIENCE_S)
    assert item.progress.state == "paused"
    assert isinstance(item.error, LicenseError)
    other.close()


def test_a_paused_download_goes_on_in_another_process_of_the_same_home(
    assembly: LibraryServices, hub: FakeHub, home: Path, model_file: Path
) -> None:
    ready(assembly)
    hub.rate = 40_000
    download = assembly.downloads.start(MODEL)
    _until(assembly, download, lambda item: item.progress.done > 0)
    assembly.downloads.pause(download)
    paused = assembly.downloads.wait(download, PATIENCE_S)
    assert (paused.progress.state, paused.error) == ("paused", None)
    assembly.close()
    hub.rate = None

    again = made(hub, home)
    listed = again.downloads.all()
    step = again.lookup.next_step(MODEL)
    again.downloads.resume(download)
    done = again.downloads.wait(download, PATIENCE_S)
    again.close()

    assert [(item.id, item.progress.state) for item in listed] == [(download, "paused")]
    assert listed[0].progress.done > 0
    assert isinstance(step, DownloadStep)
    assert step.done > 0
    assert done.installed == MODEL
    assert again.library.find(MODEL).path.read_bytes() == model_file.read_bytes()
    again.ledger.close()


def test_a_download_given_up_leaves_nothing(assembly: LibraryServices, hub: FakeHub) -> None:
    ready(assembly)
    hub.rate = 20_000
    download = assembly.downloads.start(MODEL)
    _until(assembly, download, lambda item: item.progress.done > 0)

    assembly.downloads.cancel(download)
    item = assembly.downloads.wait(download, PATIENCE_S)
    assembly.downloads.dismiss(download)

    assert item.progress.state == "cancelled"
    assert not assembly.downloads.all()
    assert not [each for each in find_paths().models.rglob("*") if each.is_file()]
    assert not list(find_paths().downloads.iterdir())


def test_a_paused_one_given_up_leaves_nothing(assembly: LibraryServices, hub: FakeHub) -> None:
    ready(assembly)
    hub.rate = 20_000
    download = assembly.downloads.start(MODEL)
    _until(assembly, download, lambda item: item.progress.done > 0)
    assembly.downloads.pause(download)
    assembly.downloads.wait(download, PATIENCE_S)

    assembly.downloads.dismiss(download)

    assert not assembly.downloads.all()
    assert not [each for each in find_paths().models.rglob("*") if each.is_file()]


def test_wrong_bytes_never_become_a_model(assembly: LibraryServices, hub: FakeHub) -> None:
    ready(assembly)
    hub.inject(Fault("wrong-bytes", at=5000, times=10))

    item = assembly.downloads.wait(assembly.downloads.start(MODEL), PATIENCE_S)

    assert item.progress.state == "failed"
    assert isinstance(item.error, IntegrityError)
    assert "downloaded" not in events(assembly)
    with pytest.raises(UserError):
        assembly.library.find(MODEL)


def test_turning_the_switch_pauses_and_is_no_failure(assembly: LibraryServices, hub: FakeHub, home: Path) -> None:
    ready(assembly)
    hub.rate = 20_000
    download = assembly.downloads.start(MODEL)
    _until(assembly, download, lambda item: item.progress.done > 0)

    offline = threading.Event()
    assembly.network.switch._reasons = lambda: "setting" if offline.is_set() else None
    offline.set()
    item = assembly.downloads.wait(download, PATIENCE_S)

    assert item.progress.state == "paused"
    assert isinstance(item.error, ForbiddenError)
    with pytest.raises(ForbiddenError):
        assembly.downloads.resume(download)


def test_a_gated_model_is_fetched_with_the_token_and_its_hash_once_it_is_told(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    gated = "acme/gated-GGUF"
    repository = hub.add(FakeRepository(gated, gated="manual", card={"license": "apache-2.0"}))
    repository.add_file("gated-Q8_0.gguf", model_file)
    assembly.lookup.look_up(gated)
    with pytest.raises(AccessError):
        assembly.downloads.start(gated)
    token = hub.add_token("anna")
    hub.set_gate_state(gated, "anna", "granted")
    assembly.network.tokens.store(AccessToken(token, hub.endpoint), "session")
    assembly.lookup.check_access(gated)
    accept(assembly, gated)

    fetched(assembly, gated)

    kept = next(each for each in assembly.library.installed_models.all() if each.model == gated)
    assert kept.vouched
    assert not any(token in str(seen.headers) for seen in hub.requests("cdn"))


def test_access_that_ends_in_the_middle_is_what_the_model_then_says(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    gated = "acme/gated-GGUF"
    hub.add(FakeRepository(gated, gated="manual", card={"license": "apache-2.0"})).add_file("g-Q8_0.gguf", model_file)
    hub.set_gate_state(gated, "anna", "granted")
    assembly.network.tokens.store(AccessToken(hub.add_token("anna"), hub.endpoint), "session")
    ready(assembly, gated)
    hub.rate = 20_000
    download = assembly.downloads.start(gated)
    _until(assembly, download, lambda item: item.progress.done > 0)
    assembly.downloads.pause(download)
    assembly.downloads.wait(download, PATIENCE_S)

    hub.set_gate_state(gated, "anna", "rejected")
    assembly.downloads.resume(download)
    item = assembly.downloads.wait(download, PATIENCE_S)

    assert isinstance(item.error, AccessError)
    assert isinstance(assembly.lookup.next_step(gated), RefusedStep)


def test_without_its_token_access_that_was_granted_is_no_more(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    gated = "acme/gated-GGUF"
    hub.add(FakeRepository(gated, gated="manual", card={"license": "apache-2.0"})).add_file("g-Q8_0.gguf", model_file)
    hub.set_gate_state(gated, "anna", "granted")
    assembly.network.tokens.store(AccessToken(hub.add_token("anna"), hub.endpoint), "session")
    ready(assembly, gated)

    assembly.network.tokens.forget(assembly.network.host)

    assert isinstance(assembly.lookup.next_step(gated), EnterTokenStep)


def test_a_model_in_several_files_is_one_download(assembly: LibraryServices, hub: FakeHub, tmp_path: Path) -> None:
    parts = split_model(tmp_path / "parts")
    repository = hub.add(FakeRepository("acme/split-GGUF", card={"license": "apache-2.0"}))
    for part in parts:
        repository.add_file(part.name, part)
    ready(assembly, "acme/split-GGUF")

    item = fetched(assembly, "acme/split-GGUF")

    folder = assembly.library.find("acme/split-GGUF").path.parent
    assert item.progress.total == sum(part.stat().st_size for part in parts)
    assert sorted(each.name for each in folder.iterdir()) == sorted(part.name for part in parts)
    assembly.license_check.admit(assembly.library.find("acme/split-GGUF").path)


def test_a_second_quantization_is_a_model_of_its_own_under_the_same_license(
    assembly: LibraryServices, hub: FakeHub, tmp_path: Path
) -> None:
    other = random_model(tmp_path / "tiny-F16.gguf", metadata={"general.license": "apache-2.0"}, seed=8)
    hub.find(MODEL).add_file("tiny-F16.gguf", other)  # type: ignore[union-attr]
    ready(assembly)
    fetched(assembly)

    item = assembly.downloads.wait(assembly.downloads.start(MODEL, "F16"), PATIENCE_S)

    models = {model.id: model for model in assembly.library.models() if not model.built_in}
    assert item.error is None
    assert set(models) == {MODEL, item.installed}
    assert item.installed != MODEL
    for model in models.values():
        assembly.license_check.admit(model.path)


def test_what_is_here_is_not_fetched_again(assembly: LibraryServices) -> None:
    ready(assembly)
    fetched(assembly)

    with pytest.raises(AlreadyInstalledError, match="already"):
        assembly.downloads.start(MODEL)


def test_a_file_that_is_gone_is_not_said_to_be_here(assembly: LibraryServices) -> None:
    ready(assembly)
    installed = fetched(assembly).installed
    assembly.library.find(installed).path.unlink()

    assert isinstance(assembly.lookup.next_step(MODEL), RestoreFileStep)
    with pytest.raises(NotFoundError, match="no longer there"):
        assembly.downloads.start(MODEL)


def test_removing_a_download_frees_its_bytes(assembly: LibraryServices, model_file: Path) -> None:
    ready(assembly)
    fetched(assembly)

    freed = assembly.importer.remove(MODEL)

    assert freed == pytest.approx(model_file.stat().st_size, abs=8192)
    assert events(assembly)[-1] == "removed"
    assert isinstance(assembly.lookup.next_step(MODEL), DownloadStep)


def test_a_ledger_that_cannot_be_written_leaves_no_model(
    assembly: LibraryServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(assembly)

    def refuse(*_: object) -> None:
        raise ResourceError("the disk is full")

    monkeypatch.setattr(assembly.ledger, "append", refuse)
    item = assembly.downloads.wait(assembly.downloads.start(MODEL), PATIENCE_S)
    monkeypatch.undo()

    assert isinstance(item.error, ResourceError)
    with pytest.raises(UserError):
        assembly.library.find(MODEL)
    assembly.downloads.resume(item.id)
    assert assembly.downloads.wait(item.id, PATIENCE_S).installed == MODEL


def test_a_policy_that_forbids_imports_does_not_forbid_downloads(
    assembly: LibraryServices, hub: FakeHub, home: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(f'imports = false\nendpoint = ["{hub.endpoint}"]\n')
    ready(assembly)
    strict = made(hub, home, LATCHKEY_POLICY=str(policy))

    fetched(strict)

    strict.license_check.admit(strict.library.find(MODEL).path)
    strict.close()


def _until(assembly: LibraryServices, download: str, wanted: object) -> None:
    reached = threading.Event()

    def hear(item: DownloadItem) -> None:
        if item.id == download and wanted(item):  # type: ignore[operator]
            reached.set()

    assembly.downloads.listeners.append(hear)
    assert reached.wait(PATIENCE_S)
    assembly.downloads.listeners.remove(hear)


def test_what_another_program_wrote_into_a_fetched_file_becomes_no_model(
    assembly: LibraryServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(assembly)
    other = random_model(tmp_path / "other.gguf", seed=99).read_bytes()
    install = Installer.install

    def overwrite(installer: Installer, record: DownloadRecord, fetched: tuple[FetchedFile, ...]) -> str:
        path = fetched[0].path
        before = path.stat()
        with path.open("r+b") as file:
            file.write(other)
            file.truncate()
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return install(installer, record, fetched)

    monkeypatch.setattr(Installer, "install", overwrite)
    item = assembly.downloads.wait(assembly.downloads.start(MODEL), PATIENCE_S)
    assert isinstance(item.error, IntegrityError)
    assert assembly.library.installed_models.all() == []
