"""The built-in model is a part of Latchkey: it needs no acknowledgement, and nothing else is spared one."""

import hashlib
import inspect
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.credentials.file_key_store import FileKeyStore
from desktop.credentials.ledger_key_store import LedgerKeyLockedError
from desktop.errors import ForbiddenError, IntegrityError, LicenseError, ResourceError, UserError
from desktop.file_stamp import stamp_at
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.licenses import built_in_model, license_check, license_verdict
from desktop.licenses.built_in_model import BUILT_IN_SHA256, is_built_in
from desktop.licenses.ledger import Ledger
from desktop.licenses.ledger_record import LedgerEvent
from desktop.licenses.ledger_seal import LedgerCheck
from desktop.licenses.ledger_state import LedgerState
from desktop.licenses.policy import Policy
from desktop.paths import Paths, find_paths
from desktop.storage.ledger_store import LedgerStore
from tests.unit.licenses.test_license_check import Files, door_to, reopened, subject

TOP = Path(__file__).resolve().parents[3]

OWN_ENTRY = f"""
version = 1

[[model]]
id = "aaa-gemma"
name = "Gemma copy"
family = "Gemma"
publisher = "Google"
license = "LicenseRef-Gemma"
gate = "open"
summary = "x"
architecture = "gemma3"
gguf = "someone/gguf"

[[model.file]]
name = "a.gguf"
quantization = "Q8_0"
size = 1000
sha256 = "{BUILT_IN_SHA256}"
{{more}}
"""


@pytest.fixture
def assembly(home: Path) -> Iterator[LibraryServices]:
    with closing(build_library_services(find_paths())) as made:
        yield made


@pytest.fixture
def guide() -> Path:
    return find_paths().builtin_model


def events(assembly: LibraryServices) -> list[str]:
    assembly.license_check.recorder.wait()
    return [record.event for record in assembly.ledger.records()]


def load(assembly: LibraryServices, path: Path) -> None:
    """What the engine asks for one load and one answer."""
    assembly.license_check.admit(path)
    assembly.license_check.record_load(path)
    assembly.license_check.check_loaded(path)


# --- which file it is -------------------------------------------------------------------------------------------------


def test_the_constant_the_catalog_and_the_file_agree() -> None:
    assert hashlib.sha256(find_paths().builtin_model.read_bytes()).hexdigest() == BUILT_IN_SHA256
    catalog = (TOP / "models.toml").read_text(encoding="utf-8")
    assert f'sha256 = "{BUILT_IN_SHA256}"\nshipped = "builtin/latchkey-guide.gguf"' in catalog


def test_the_constant_stands_in_one_place_and_whoever_trains_anew_is_told_which() -> None:
    code = [path for path in (TOP / "desktop").rglob("*.py") if BUILT_IN_SHA256 in path.read_text(encoding="utf-8")]
    assert code == [Path(built_in_model.__file__)]
    script = (TOP / "packaging" / "builtin_model" / "build.py").read_text(encoding="utf-8")
    assert "desktop/licenses/built_in_model.py" in script
    assert "models.toml" in script


def test_no_argument_and_no_variable_names_another_exception() -> None:
    assert list(inspect.signature(is_built_in).parameters) == ["sha256"]
    assert "os.environ" not in inspect.getsource(built_in_model) + inspect.getsource(license_check)
    for value in (BUILT_IN_SHA256.upper(), BUILT_IN_SHA256[:-1], "", f" {BUILT_IN_SHA256}"):
        assert not is_built_in(value)


# --- what it may ------------------------------------------------------------------------------------------------------


def test_it_is_loaded_without_an_acknowledgement_and_the_load_is_recorded(
    assembly: LibraryServices, guide: Path
) -> None:
    load(assembly, guide)
    assert events(assembly) == ["loaded"]
    (record,) = assembly.ledger.records()
    assert (record.model, record.file_sha256, record.person) == ("latchkey-guide", BUILT_IN_SHA256, "")
    assert assembly.acknowledgements.check().ok


def test_its_license_is_named_and_said_not_to_be_needed(assembly: LibraryServices) -> None:
    license_verdict = assembly.acknowledgements.verdict(assembly.library.find_listed("latchkey-guide").subject)
    assert license_verdict.allowed
    assert [(each.needed.id, each.status, each.needs_acknowledgement) for each in license_verdict.licenses] == [
        ("Apache-2.0", "not-needed", False)
    ]


@pytest.mark.parametrize(
    "policy", ['[deny]\nlicense = ["Apache-2.0"]\n', '[deny]\npublisher = ["Latchkey"]\n', "no policy at all"]
)
def test_a_policy_forbids_it_all_the_same(
    home: Path, guide: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    with closing(build_library_services(find_paths())) as assembly:
        load(assembly, guide)
    (home / "policy.toml").write_text(policy)
    monkeypatch.setenv("LATCHKEY_POLICY", str(home / "policy.toml"))
    with closing(build_library_services(find_paths())) as under:
        with pytest.raises(ForbiddenError):
            under.license_check.admit(guide)
        assert events(under) == ["loaded", "refused"]


def test_a_policy_that_comes_later_ends_it(home: Path, guide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATCHKEY_POLICY", str(home / "policy.toml"))
    (home / "policy.toml").write_text("")
    with closing(build_library_services(find_paths())) as assembly:
        load(assembly, guide)
        (home / "policy.toml").write_text('[deny]\ngate = ["open"]\n')
        with pytest.raises(ForbiddenError):
            assembly.license_check.check_loaded(guide)


def test_a_person_may_still_accept_and_revoke_and_it_answers_before_and_after(
    assembly: LibraryServices, guide: Path
) -> None:
    from tests.accepting import accept

    accept(assembly, "latchkey-guide")
    load(assembly, guide)
    assembly.acknowledgements.revoke("latchkey-guide")
    assembly.license_check.check_loaded(guide)
    load(assembly, guide)
    assert events(assembly) == ["acknowledged", "loaded", "revoked", "loaded"]


# --- what is not it ---------------------------------------------------------------------------------------------------


def changed_copy(guide: Path, to: Path) -> Path:
    """The built-in model with one byte of its weights changed."""
    data = bytearray(guide.read_bytes())
    data[-1] ^= 1
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(data)
    return to


def test_a_changed_file_is_a_model_like_any_other_whatever_it_is_called(
    assembly: LibraryServices, guide: Path, tmp_path: Path
) -> None:
    copy = changed_copy(guide, tmp_path / "builtin" / "latchkey-guide.gguf")
    with pytest.raises(LicenseError):
        assembly.license_check.admit(copy)
    assembly.importer.add(copy)
    with pytest.raises(LicenseError):
        assembly.license_check.admit(copy)
    assert events(assembly)[-1] == "refused"


def moved_paths(home: Path) -> Paths:
    """Folders with a place of their own for the built-in model; nothing lies there yet."""
    paths = find_paths()
    resources = home / "resources"
    (resources / "builtin").mkdir(parents=True)
    for name in ("licenses", "style", "icons"):
        (resources / name).symlink_to(paths.resources / name)
    return replace(paths, resources=resources)


def test_a_changed_file_in_its_place_is_not_loaded(home: Path) -> None:
    moved = moved_paths(home)
    changed_copy(find_paths().builtin_model, moved.builtin_model)
    with closing(build_library_services(moved)) as assembly, pytest.raises(IntegrityError):
        assembly.license_check.admit(moved.builtin_model)


@pytest.mark.parametrize("anew", [False, True], ids=["the same process", "another process"])
def test_a_file_changed_under_its_old_time_is_neither_loaded_nor_recorded_as_it(home: Path, *, anew: bool) -> None:
    moved = moved_paths(home)
    shutil.copyfile(find_paths().builtin_model, moved.builtin_model)
    with closing(build_library_services(moved)) as assembly:
        load(assembly, moved.builtin_model)
        before = moved.builtin_model.stat()
        with moved.builtin_model.open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"\x11")
        os.utime(moved.builtin_model, ns=(before.st_atime_ns, before.st_mtime_ns))
        with closing(build_library_services(moved)) as other:
            asked = other if anew else assembly
            with pytest.raises(IntegrityError):
                asked.license_check.admit(moved.builtin_model)
            with pytest.raises(IntegrityError):
                asked.license_check.record_load(moved.builtin_model)
            assert events(asked) == ["loaded", "refused"]
            assert asked.ledger.records()[-1].file_sha256 != BUILT_IN_SHA256


def test_a_file_that_only_what_is_kept_of_hashes_says_to_be_it_is_not_loaded(
    assembly: LibraryServices, guide: Path, tmp_path: Path
) -> None:
    copy = changed_copy(guide, tmp_path / "other.gguf")
    assembly.importer.add(copy)
    stamp = stamp_at(copy)
    assert stamp is not None
    assembly.hashes.remember(copy, BUILT_IN_SHA256, stamp)
    with pytest.raises(LicenseError):
        assembly.license_check.admit(copy)


def test_a_shipped_file_that_only_the_catalog_vouches_for_waits_for_its_license(ledger: Ledger, tmp_path: Path) -> None:
    """Whoever exchanges the file and its hash in the catalog has not changed the program."""
    other = door_to(Files(subject("pythia")), ledger)
    with pytest.raises(LicenseError):
        other.admit(tmp_path / "latchkey-guide.gguf")


def test_a_library_that_claims_another_file_to_be_it_opens_nothing(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    files = Files(subject("pythia"))
    claimed = door_to(files, ledger)
    files.model = replace(files.model, file_sha256=BUILT_IN_SHA256)
    with pytest.raises(IntegrityError):
        claimed.admit(path)
    with pytest.raises(IntegrityError):
        claimed.check_loaded(path)


def test_a_catalog_entry_that_names_its_hash_is_not_spared_its_license(home: Path) -> None:
    """Nothing of that model may be fetched for the hash of a file that it does not have."""
    paths = find_paths()
    paths.own_catalog.parent.mkdir(parents=True, exist_ok=True)
    paths.own_catalog.write_text(OWN_ENTRY.format(more=""))
    with closing(build_library_services(paths)) as assembly:
        assert not assembly.acknowledgements.verdict(assembly.library.find_listed("aaa-gemma").subject).allowed
    paths.own_catalog.write_text(OWN_ENTRY.format(more='shipped = "builtin/nothing-here.gguf"'))
    with closing(build_library_services(paths)) as assembly:
        assert assembly.library.catalog.find_model("aaa-gemma") is None


def test_without_a_file_only_the_shipped_model_is_it() -> None:
    named = replace(subject("pythia"), file_sha256=BUILT_IN_SHA256)
    empty = LedgerState(LedgerCheck(True, 0), {})
    assert license_verdict.decide(named, empty, Policy(), lambda name: (name,)).refusal == "license"
    assert license_verdict.decide(replace(named, shipped=True), None, Policy(), lambda name: (name,)).allowed
    other = replace(named, shipped=True, file_sha256="1" * 64)
    assert license_verdict.decide(other, empty, Policy(), lambda name: (name,)).refusal == "license"


def test_another_file_in_its_place_while_it_loads_does_not_stay(ledger: Ledger, tmp_path: Path) -> None:
    files = Files(replace(subject("pythia"), file_sha256=""))
    files.sha256 = BUILT_IN_SHA256
    made = door_to(files, ledger)
    made.admit(tmp_path / "guide.gguf")
    files.sha256 = "0" * 64
    with pytest.raises(IntegrityError):
        made.record_load(tmp_path / "guide.gguf")


def test_a_copy_that_was_imported_is_it_wherever_it_lies(
    assembly: LibraryServices, guide: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "some other name.gguf"
    copy.write_bytes(guide.read_bytes())
    assembly.importer.add(copy)
    load(assembly, copy)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(reopened(tmp_path)) as made:
        yield made


# --- a ledger that cannot be written ----------------------------------------------------------------------------------


class LockedKeeper(FileKeyStore):
    """A keyring that opens for nobody; `asked` counts, and `wait` is waited for first."""

    def __init__(self, folder: Path, wait: Callable[[], object] = lambda: None) -> None:
        super().__init__(folder)
        self._wait = wait

    def key(self) -> bytes | None:
        self._wait()
        raise LedgerKeyLockedError("The keyring does not open.", "", "Unlock it.")


def guide_door(ledger: Ledger) -> tuple[license_check.LicenseCheck, list[UserError]]:
    """A door to the built-in model, and what it tells of what could not be recorded."""
    files = Files(replace(subject("pythia"), file_sha256=BUILT_IN_SHA256))
    files.sha256 = BUILT_IN_SHA256
    made = door_to(files, ledger)
    told: list[UserError] = []
    made.recorder.add_listener(told.append)
    return made, told


def test_a_locked_keyring_does_not_stop_it_and_is_told(tmp_path: Path) -> None:
    locked = Ledger(LedgerStore(tmp_path / "ledger.db"), LockedKeeper(tmp_path / "config"), app_version="1")
    made, told = guide_door(locked)
    path = tmp_path / "guide.gguf"
    made.admit(path)
    made.record_load(path)
    made.check_loaded(path)
    made.recorder.wait()
    (error,) = told
    assert "could not be recorded" in error.title
    assert "The keyring does not open." in error.detail
    assert "Unlock it." in error.remedy


def test_an_answer_does_not_wait_for_a_keyring_that_asks_a_person(tmp_path: Path) -> None:
    unlocked = threading.Event()
    keeper = LockedKeeper(tmp_path / "config", unlocked.wait)
    made, told = guide_door(Ledger(LedgerStore(tmp_path / "ledger.db"), keeper, app_version="1"))
    path = tmp_path / "guide.gguf"
    made.admit(path)
    made.record_load(path)
    made.check_loaded(path)  # as before an answer, while the keyring is still asked
    made.recorder.wait(0.01)
    assert told == []
    unlocked.set()
    made.recorder.wait()
    assert len(told) == 1


def test_a_disk_that_refuses_after_the_answer_began_is_told(tmp_path: Path) -> None:
    unlocked = threading.Event()

    class SlowKeeper(FileKeyStore):
        def key(self) -> bytes | None:
            unlocked.wait()
            raise ResourceError("The disk is full.")

    keeper = SlowKeeper(tmp_path / "config")
    made, told = guide_door(Ledger(LedgerStore(tmp_path / "ledger.db"), keeper, app_version="1"))
    made.admit(tmp_path / "guide.gguf")
    made.record_load(tmp_path / "guide.gguf")
    assert told == []
    unlocked.set()
    made.recorder.wait()
    (error,) = told
    assert "The disk is full." in error.detail


def test_a_mistake_of_the_program_is_told_and_logged_and_the_next_load_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class BrokenKeeper(FileKeyStore):
        broken = True

        def key(self) -> bytes | None:
            if self.broken:
                raise RuntimeError("a bug")
            return super().key()

    keeper = BrokenKeeper(tmp_path / "config")
    with closing(Ledger(LedgerStore(tmp_path / "ledger.db"), keeper, app_version="1")) as ledger:
        made, told = guide_door(ledger)
        made.admit(tmp_path / "guide.gguf")
        made.record_load(tmp_path / "guide.gguf")
        made.recorder.wait()
        (error,) = told
        assert "could not be recorded" in error.title
        assert "a bug" in error.technical
        assert "RuntimeError: a bug" in caplog.text
        keeper.broken = False
        made.record_load(tmp_path / "guide.gguf")
        made.recorder.wait()
        assert [record.event for record in ledger.records()] == ["loaded"]


def test_a_ledger_that_does_not_hold_is_told_and_takes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(LedgerEvent(event="imported", model="other"))
    (tmp_path / "config" / "ledger-key.json").unlink()
    with closing(reopened(tmp_path)) as again:
        made, told = guide_door(again)
        path = tmp_path / "guide.gguf"
        made.admit(path)
        made.record_load(path)
        made.check_loaded(path)
        made.recorder.wait()
        assert len(told) == 1
        assert [record.event for record in again.records()] == ["imported"]
        assert not again.check().ok


def test_loads_are_recorded_in_their_order(assembly: LibraryServices, guide: Path) -> None:
    for _ in range(5):
        load(assembly, guide)
    assert events(assembly) == ["loaded"] * 5
    assert assembly.acknowledgements.check().ok


def test_where_the_disk_takes_no_record_it_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way of the folder")
    keeper = FileKeyStore(tmp_path / "config")
    made, told = guide_door(Ledger(LedgerStore(tmp_path / "data" / "ledger.db"), keeper, app_version="1"))
    made.admit(tmp_path / "guide.gguf")
    with pytest.raises(ResourceError):
        made.record_load(tmp_path / "guide.gguf")
    assert told == []
