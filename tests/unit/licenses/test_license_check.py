"""What the door says, case by case: allowed, or exactly what is missing or forbidden."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from desktop.catalog.license_terms import Purpose
from desktop.credentials.file_key_store import FileKeyStore
from desktop.engine.engine_protocol import FileTouchedError, StopSignal
from desktop.errors import ForbiddenError, IntegrityError, LicenseError
from desktop.file_stamp import FileStamp, ModelFile
from desktop.library.subject_builder import subject_of_entry
from desktop.licenses.ledger import Ledger
from desktop.licenses.ledger_record import LedgerEvent
from desktop.licenses.license_check import LicenseCheck
from desktop.licenses.license_subject import LicenseSubject
from desktop.licenses.license_texts import sha256_of
from desktop.licenses.license_verdict import LicenseVerdict, decide
from desktop.licenses.policy import Policy
from desktop.licenses.policy_file import PolicyFile
from desktop.storage.ledger_store import LedgerStore
from tests.unit.catalog.families import CATALOG

FILE = "f" * 64


def text_of(license_id: str) -> bytes:
    return f"text of {license_id}".encode()


def subject(model_id: str, **changes: object) -> LicenseSubject:
    entry = CATALOG.find_model(model_id)
    assert entry is not None
    found = subject_of_entry(entry, CATALOG, lambda license_id: sha256_of(text_of(license_id)))
    return replace(found, file_sha256=FILE, **changes)  # type: ignore[arg-type]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(reopened(tmp_path)) as ledger:
        yield ledger


def accept(ledger: Ledger, subject: LicenseSubject, license_id: str, purpose: Purpose = "research") -> None:
    ledger.store_text(text_of(license_id))
    ledger.append(
        LedgerEvent(
            event="acknowledged",
            model=subject.id,
            license=license_id,
            text_sha256=sha256_of(text_of(license_id)),
            person="Ada",
            purpose=purpose,
        ),
        afresh=True,
    )


def ask(
    ledger: Ledger, subject: LicenseSubject, policy: Policy | ForbiddenError | None = None, file: str = FILE
) -> LicenseVerdict:
    return decide(subject, ledger.state(), policy or Policy(), lambda name: (name,), file)


def test_each_license_of_a_lineage_is_a_step_of_its_own(ledger: Ledger) -> None:
    model = subject("stablevicuna")
    first = ask(ledger, model)
    assert isinstance(first.error, LicenseError)
    assert (first.refusal, first.license) == ("license", "LicenseRef-LLaMA")
    assert f"--text-sha256 {sha256_of(text_of('LicenseRef-LLaMA'))}" in first.error.remedy
    accept(ledger, model, "LicenseRef-LLaMA")
    second = ask(ledger, model)
    assert [each.status for each in second.licenses] == ["in-force", "missing"]
    assert second.license == "CC-BY-NC-SA-4.0"
    accept(ledger, model, "CC-BY-NC-SA-4.0")
    last = ask(ledger, model)
    assert (last.allowed, last.purpose) == (True, "research")


def test_an_acceptance_for_one_model_does_not_open_another(ledger: Ledger) -> None:
    accept(ledger, subject("vicuna"), "LicenseRef-LLaMA")
    assert ask(ledger, subject("vicuna")).allowed
    assert ask(ledger, subject("llama")).refusal == "license"


def test_revoked_and_accepted_again(ledger: Ledger) -> None:
    model = subject("dolly")
    for license_id in ("MIT", "Apache-2.0"):
        accept(ledger, model, license_id)
    assert ask(ledger, model).allowed
    ledger.append(LedgerEvent(event="revoked", model=model.id, license="MIT"))
    verdict = ask(ledger, model)
    assert (verdict.refusal, verdict.license) == ("license", "MIT")
    assert {each.needed.id: each.status for each in verdict.licenses}["MIT"] == "revoked"
    accept(ledger, model, "MIT")
    assert ask(ledger, model).allowed


def test_a_new_text_suspends_until_it_is_accepted(ledger: Ledger) -> None:
    model = subject("llama")
    accept(ledger, model, "LicenseRef-LLaMA")
    newer = replace(model, needed=tuple(replace(each, text_sha256="0" * 64) for each in model.needed))
    verdict = ask(ledger, newer)
    assert [each.status for each in verdict.licenses] == ["text-changed"]
    assert isinstance(verdict.error, LicenseError)
    assert "new text" in verdict.error.title


@pytest.mark.parametrize(("purpose", "allowed"), [("research", True), ("personal", False), ("commercial", False)])
def test_a_purpose_that_a_term_rules_out_is_refused_with_its_clause(
    ledger: Ledger, purpose: Purpose, allowed: bool
) -> None:
    model = subject("llama")
    accept(ledger, model, "LicenseRef-LLaMA", purpose)
    verdict = ask(ledger, model)
    assert verdict.allowed is allowed
    if not allowed:
        assert verdict.refusal == "purpose"
        assert isinstance(verdict.error, ForbiddenError)
        assert "clause 1" in verdict.error.detail


def test_the_purpose_declared_last_counts_for_every_license(ledger: Ledger) -> None:
    model = subject("stablevicuna")
    accept(ledger, model, "LicenseRef-LLaMA", "research")
    accept(ledger, model, "CC-BY-NC-SA-4.0", "commercial")
    assert ask(ledger, model).refusal == "purpose"
    accept(ledger, model, "CC-BY-NC-SA-4.0", "research")
    assert ask(ledger, model).allowed


def test_a_policy_comes_first_and_a_broken_one_forbids_all(ledger: Ledger) -> None:
    model = subject("pythia")
    accept(ledger, model, "Apache-2.0", "commercial")
    assert ask(ledger, model, Policy(purpose=("research",))).refusal == "policy"
    assert ask(ledger, model, Policy(imports=False)).allowed
    assert ask(ledger, replace(model, imported=True), Policy(imports=False)).refusal == "policy"
    broken = ForbiddenError("broken")
    assert ask(ledger, model, broken).error is broken


def test_a_file_that_is_not_the_one_accepted_is_refused(ledger: Ledger) -> None:
    model = subject("pythia")
    accept(ledger, model, "Apache-2.0")
    verdict = ask(ledger, model, file="0" * 64)
    assert verdict.refusal == "file"
    assert isinstance(verdict.error, IntegrityError)


def test_what_cannot_run_says_so_whatever_was_accepted(ledger: Ledger) -> None:
    model = subject("pythia", not_runnable="Nothing computes it.")
    accept(ledger, model, "Apache-2.0")
    verdict = ask(ledger, model)
    assert (verdict.refusal, verdict.error is not None and verdict.error.detail) == (
        "not-runnable",
        "Nothing computes it.",
    )


def test_a_ledger_that_does_not_hold_opens_nothing_until_a_person_accepts_afresh(
    ledger: Ledger, tmp_path: Path
) -> None:
    model = subject("pythia")
    accept(ledger, model, "Apache-2.0")
    (tmp_path / "config" / "ledger-key.json").unlink()
    with closing(reopened(tmp_path)) as again:
        verdict = ask(again, model)
        assert verdict.refusal == "ledger"
        assert isinstance(verdict.error, IntegrityError)
        accept(again, model, "Apache-2.0")
        assert ask(again, model).allowed
        assert [record.event for record in again.records()] == ["acknowledged", "restarted", "acknowledged"]


def reopened(folder: Path) -> Ledger:
    return Ledger(LedgerStore(folder / "ledger.db"), FileKeyStore(folder / "config"), app_version="1")


# --- the door itself ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hashed:
    """What was read of `source`, and whether it still is so."""

    source: "Files"
    sha256: str
    files: tuple[ModelFile, ...] = ()

    def is_unchanged(self) -> bool:
        return self.source.sha256 == self.sha256 and not self.source.touched


class Files:
    """What paths hold, and what they hash to."""

    def __init__(self, model: LicenseSubject) -> None:
        self.model, self.sha256, self.hashed, self.touched = model, FILE, 0, False
        self.subjects = 0
        self.meanwhile: Callable[[], None] | None = None

    def subject_of(self, path: Path) -> LicenseSubject:
        del path
        self.subjects += 1
        return self.model

    def hash_model(self, path: Path, *, anew: bool = False, stop: StopSignal | None = None) -> Hashed:
        self.hashed += 1
        if self.meanwhile is not None:
            self.meanwhile()
        return Hashed(self, self.sha256)


def door_to(files: Files, ledger: Ledger) -> LicenseCheck:
    return LicenseCheck(
        subject_of=files.subject_of,
        hash_model=files.hash_model,
        ledger=ledger,
        policy=PolicyFile(None),
        license_names=lambda name: (name,),
    )


def test_the_door_records_what_it_refuses_and_what_was_loaded(ledger: Ledger, tmp_path: Path) -> None:
    model, path = subject("pythia"), tmp_path / "model.gguf"
    door = door_to(Files(model), ledger)
    with pytest.raises(LicenseError):
        door.admit(path)
    accept(ledger, model, "Apache-2.0")
    door.admit(path)
    door.record_load(path)
    records = ledger.records()
    assert [record.event for record in records] == ["refused", "acknowledged", "loaded"]
    assert (records[0].license, records[0].file_sha256) == ("Apache-2.0", FILE)
    assert "waits for you" in records[0].note
    assert records[2].file_sha256 == FILE


def test_a_file_that_is_swapped_while_it_loads_does_not_stay(ledger: Ledger, tmp_path: Path) -> None:
    model, path = subject("pythia"), tmp_path / "model.gguf"
    files = Files(model)
    door = door_to(files, ledger)
    accept(ledger, model, "Apache-2.0")
    door.admit(path)
    files.sha256 = "0" * 64
    with pytest.raises(IntegrityError):
        door.record_load(path)
    assert [record.event for record in ledger.records()] == ["acknowledged"]


def test_the_door_notices_a_revocation_by_another_process(ledger: Ledger, tmp_path: Path) -> None:
    model, path = subject("pythia"), tmp_path / "model.gguf"
    files = Files(model)
    door = door_to(files, ledger)
    accept(ledger, model, "Apache-2.0")
    door.admit(path)
    door.record_load(path)
    door.check_loaded(path)
    before = files.hashed
    door.check_loaded(path)
    assert files.hashed == before, "asking again hashed the file"
    with closing(reopened(tmp_path)) as command:
        command.append(LedgerEvent(event="revoked", model=model.id, license="Apache-2.0"))
    with pytest.raises(LicenseError):
        door.check_loaded(path)
    with pytest.raises(LicenseError):
        door.check_loaded(path)


def test_a_file_that_was_touched_is_read_once_more_before_it_stays(ledger: Ledger, tmp_path: Path) -> None:
    model, path = subject("pythia"), tmp_path / "model.gguf"
    files = Files(model)
    door = door_to(files, ledger)
    accept(ledger, model, "Apache-2.0")
    door.admit(path)
    door.record_load(path)
    files.touched = True
    with pytest.raises(FileTouchedError):
        door.check_loaded(path)
    files.touched = False
    with pytest.raises(FileTouchedError):  # it may have held anything meanwhile
        door.check_loaded(path)
    door.admit(path)
    door.check_loaded(path)


def test_a_second_load_of_a_file_leaves_the_first_one_alone(ledger: Ledger, tmp_path: Path) -> None:
    """Two workers may hold one file: while it is admitted for the second, the first is asked about too."""
    model, path = subject("pythia"), tmp_path / "model.gguf"
    files = Files(model)
    door = door_to(files, ledger)
    accept(ledger, model, "Apache-2.0")
    first = door.admit(path)
    door.record_load(path)
    asked: list[int] = []

    def while_hashing() -> None:
        door.check_loaded(path, first)
        asked.append(1)

    files.meanwhile = while_hashing
    second = door.admit(path)
    assert asked, "it may stay while the file is read for another worker"
    files.meanwhile = None
    assert second == first
    door.check_loaded(path, first)


def test_a_worker_that_holds_another_file_than_was_admitted_since_does_not_keep_it(
    ledger: Ledger, tmp_path: Path
) -> None:
    model, path = subject("pythia"), tmp_path / "model.gguf"
    files = Files(model)
    door = door_to(files, ledger)
    accept(ledger, model, "Apache-2.0")
    door.admit(path)
    held = (ModelFile(str(path), FileStamp(1, 2, 3, 4, 5)),)
    door.check_loaded(path)
    with pytest.raises(FileTouchedError):
        door.check_loaded(path, held)


def test_two_models_are_each_asked_about_cheaply(ledger: Ledger, tmp_path: Path) -> None:
    model = subject("pythia")
    files = Files(model)
    door = door_to(files, ledger)
    accept(ledger, model, "Apache-2.0")
    paths = [tmp_path / "one.gguf", tmp_path / "two.gguf"]
    for path in paths:
        door.admit(path)
    before = files.subjects
    for _ in range(3):
        for path in paths:
            door.check_loaded(path)
    assert files.subjects == before, "neither is looked up again while nothing changed"


def test_nothing_is_recorded_or_held_that_was_not_admitted(ledger: Ledger, tmp_path: Path) -> None:
    model, path = subject("pythia"), tmp_path / "model.gguf"
    door = door_to(Files(model), ledger)
    accept(ledger, model, "Apache-2.0")
    for ask_door in (door.record_load, door.check_loaded, door.loaded_sha256):
        with pytest.raises(IntegrityError):
            ask_door(path)
    assert [record.event for record in ledger.records()] == ["acknowledged"]


def test_the_door_makes_no_exception_that_its_builder_could_ask_for() -> None:
    parameters = inspect.signature(LicenseCheck).parameters
    assert set(parameters) == {"subject_of", "hash_model", "ledger", "policy", "license_names", "text"}


def test_a_text_that_is_not_of_its_hash_is_no_word_for_another(ledger: Ledger) -> None:
    model = subject("llama")
    accept(ledger, model, "LicenseRef-LLaMA")
    newer = replace(model, needed=tuple(replace(each, text_sha256="0" * 64) for each in model.needed))
    door = LicenseCheck(
        subject_of=lambda _: newer,
        hash_model=Files(newer).hash_model,
        ledger=ledger,
        policy=PolicyFile(None),
        license_names=lambda name: (name,),
        text=lambda _: text_of("LicenseRef-LLaMA"),
    )
    assert [each.status for each in door.verdict(newer).licenses] == ["text-changed"]
