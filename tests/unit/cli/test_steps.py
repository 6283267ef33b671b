"""What stands between a person and a first answer: the steps, and the word for it in the list."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from desktop.catalog.entries import Entry, EntryFile
from desktop.cli.steps import state_of, steps_of
from desktop.errors import ForbiddenError, IntegrityError, LicenseError
from desktop.library.models import Card, LibraryModel, Listed
from desktop.library.subjects import subject_of_entry
from desktop.licenses.door import LicenseStanding, Refusal, Status, Verdict
from tests.unit.catalog.families import CATALOG


def listed(model_id: str, *, here: bool = False, **changes: object) -> Listed:
    entry = CATALOG.find_model(model_id)
    assert entry is not None
    subject = subject_of_entry(entry, CATALOG, lambda license_id: f"hash of {license_id}")
    model = LibraryModel(entry.id, entry.name, entry.publisher, "Q8_0", Path("/m.gguf"), 1, entry.license)
    return Listed(replace(subject, **changes), entry, model if here else None)  # type: ignore[arg-type]


def card(of: Listed, status: Status = "in-force", refusal: Refusal = "", error: Exception | None = None) -> Card:
    standings = tuple(LicenseStanding(needed, status) for needed in of.subject.needed)
    return Card(of, Verdict(standings, refusal, error))  # type: ignore[arg-type]


def commands(of: Card) -> list[str]:
    return [command for step in steps_of(of) for command in step.commands]


def test_of_a_model_that_is_ready_only_asking_is_left() -> None:
    ready = card(listed("vicuna", here=True))
    assert commands(ready) == ['latchkey ask "…" --model vicuna']
    assert state_of(ready) == "ready"


def test_each_license_is_a_step_with_the_hash_of_its_text_ancestors_first() -> None:
    waits = card(listed("alpaca", here=True), "missing", "license", LicenseError("It waits."))
    said = commands(waits)
    assert said[0] == "latchkey licenses show LicenseRef-LLaMA"
    assert "--text-sha256 hash of LicenseRef-LLaMA " in said[1]
    assert said[2] == "latchkey licenses show CC-BY-NC-4.0"
    assert "It comes from Llama" in steps_of(waits)[0].sentence
    assert state_of(waits) == "to accept"


@pytest.mark.parametrize("status", ["text-changed", "suspended"])
def test_a_changed_text_is_compared_before_it_is_accepted(status: Status) -> None:
    changed = card(listed("vicuna", here=True), status, "license", LicenseError("It changed."))
    assert commands(changed)[0] == "latchkey licenses show vicuna --changes"
    assert state_of(changed) == "license changed"


def test_what_is_forbidden_ends_there() -> None:
    error = ForbiddenError("Forbidden by your organization.", "", "Ask it.")
    forbidden = card(listed("vicuna", here=True), "in-force", "policy", error)
    assert [step.sentence for step in steps_of(forbidden)] == [str(error)]
    assert commands(forbidden) == []
    assert state_of(forbidden) == "forbidden"


def test_a_model_whose_weights_were_never_released_has_no_steps() -> None:
    closed = card(listed("text-davinci-003"), "missing", "license", LicenseError("It waits."))
    (step,) = steps_of(closed)
    assert step.commands == ()
    assert state_of(closed) == "closed"


def test_a_ledger_that_does_not_hold_asks_for_every_license_afresh() -> None:
    broken = card(listed("vicuna", here=True), "in-force", "ledger", IntegrityError("It does not hold."))
    said = commands(broken)
    assert said[0] == "latchkey licenses verify"
    assert any(command.startswith("latchkey licenses accept vicuna") for command in said)
    assert state_of(broken) == "ledger broken"


def test_a_file_that_is_not_here_has_to_be_fetched_and_only_a_known_one_is_taken_for_the_model() -> None:
    away = listed("vicuna")
    assert "latchkey models import FILE.gguf" in commands(card(away))
    assert commands(card(away))[-1].endswith("--model ID")
    assert away.entry is not None
    known = replace(away, entry=_with_file(away.entry))
    assert commands(card(known))[-1].endswith("--model vicuna")
    assert state_of(card(away)) == "not here"


def _with_file(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, gguf="x/y", file=(EntryFile("v.gguf", "Q8_0", 1, "a" * 64),))


def test_an_id_that_a_shell_would_take_apart_is_quoted() -> None:
    odd = listed("vicuna", here=True, id="it's a; model")
    assert commands(card(odd))[-1] == """latchkey ask "…" --model 'it'"'"'s a; model'"""
