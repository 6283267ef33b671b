"""What stands between a person and a first answer: the steps, and the word for it in the list."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from desktop.catalog.catalog import EntryFile
from desktop.catalog.lineage import node_of_entry
from desktop.cli.models_list_command import status_text
from desktop.cli.step_commands import command_steps, gate_sentence
from desktop.errors import ForbiddenError, IntegrityError, LicenseError
from desktop.hub.repository_access import AccessState, RepositoryAccess, access_in_state
from desktop.hub.repository_files import FilePart
from desktop.library.hub_records import HubAccessRecord, HubFileRecord, HubRecord
from desktop.library.library_model import LibraryCard, LibraryModel, ListedModel
from desktop.library.status import (
    DownloadStep,
    EnterTokenStep,
    FreeSpaceStep,
    ImportStep,
    LookUpStep,
    ModelState,
    ModelStatus,
    NextStep,
    RefusedStep,
    RequestAccessStep,
    WaitForApprovalStep,
    model_state,
)
from desktop.library.subject_builder import subject_of_entry
from desktop.licenses.license_verdict import LicenseStatus, LicenseStatusKind, LicenseVerdict, Refusal
from tests.unit.catalog.families import CATALOG


def listed(model_id: str, *, here: bool = False, **changes: object) -> ListedModel:
    entry = CATALOG.find_model(model_id)
    assert entry is not None
    subject = subject_of_entry(entry, CATALOG, lambda license_id: f"hash of {license_id}")
    model_id = str(changes.get("id", entry.id))
    model = LibraryModel(model_id, entry.name, entry.publisher, "Q8_0", Path("/m.gguf"), 1, entry.license)
    return ListedModel(replace(subject, **changes), entry, model if here else None)  # type: ignore[arg-type]


def card(
    of: ListedModel, status: LicenseStatusKind = "in-force", refusal: Refusal = "", error: Exception | None = None
) -> LibraryCard:
    standings = tuple(LicenseStatus(needed, status) for needed in of.subject.needed)
    return LibraryCard(of, LicenseVerdict(standings, refusal, error))  # type: ignore[arg-type]


def commands(of: LibraryCard) -> list[str]:
    return [command for step in command_steps(of) for command in step.commands]


def test_of_a_model_that_is_ready_only_asking_is_left() -> None:
    ready = card(listed("vicuna", here=True))
    assert commands(ready) == ['latchkey ask "…" --model vicuna']
    assert model_state(ready) == "ready"


def test_each_license_is_a_step_with_the_hash_of_its_text_ancestors_first() -> None:
    waits = card(listed("alpaca", here=True), "missing", "license", LicenseError("It waits."))
    said = commands(waits)
    assert said[0] == "latchkey licenses show LicenseRef-LLaMA"
    assert "--text-sha256 hash of LicenseRef-LLaMA " in said[1]
    assert said[2] == "latchkey licenses show CC-BY-NC-4.0"
    assert "It comes from Llama" in command_steps(waits)[0].sentence
    assert model_state(waits) == "to-accept"


@pytest.mark.parametrize("status", ["text-changed", "suspended"])
def test_a_changed_text_is_compared_before_it_is_accepted(status: LicenseStatusKind) -> None:
    changed = card(listed("vicuna", here=True), status, "license", LicenseError("It changed."))
    assert commands(changed)[0] == "latchkey licenses show vicuna --changes"
    assert model_state(changed) == "license-changed"


def test_what_is_forbidden_ends_there() -> None:
    error = ForbiddenError("Forbidden by your organization.", "", "Ask it.")
    forbidden = card(listed("vicuna", here=True), "in-force", "policy", error)
    assert [step.sentence for step in command_steps(forbidden)] == [str(error)]
    assert commands(forbidden) == []
    assert model_state(forbidden) == "forbidden"


def test_a_model_whose_weights_were_never_released_has_no_steps() -> None:
    closed = card(listed("text-davinci-003"), "missing", "license", LicenseError("It waits."))
    (step,) = command_steps(closed)
    assert step.commands == ()
    assert model_state(closed) == "closed"


def test_a_ledger_that_does_not_hold_asks_for_every_license_afresh() -> None:
    broken = card(listed("vicuna", here=True), "in-force", "ledger", IntegrityError("It does not hold."))
    said = commands(broken)
    assert said[0] == "latchkey licenses verify"
    assert any(command.startswith("latchkey licenses accept vicuna") for command in said)
    assert model_state(broken) == "ledger-broken"


def test_a_file_that_is_not_at_the_hub_has_to_be_brought_and_only_a_known_one_is_taken_for_the_model() -> None:
    away = listed("vicuna")
    assert "latchkey models import FILE.gguf" in commands(card(away))
    assert commands(card(away))[-1].endswith("--model ID")
    assert away.entry is not None
    known = replace(away, entry=msgspec.structs.replace(away.entry, file=(EntryFile("v.gguf", "Q8_0", 1, "a" * 64),)))
    assert commands(card(known))[-1].endswith("--model vicuna")
    assert model_state(card(away)) == "not-here"


def test_what_the_hub_holds_is_fetched_after_its_licenses_are_accepted() -> None:
    waits = card(at_hub(), "missing", "license", LicenseError("It waits."))
    said = commands_for(waits, LookUpStep())
    assert said[-2:] == ["latchkey models get vicuna", 'latchkey ask "…" --model vicuna']
    assert any(command.startswith("latchkey licenses accept vicuna") for command in said[:-2])
    assert not any("import" in command for command in said)


@pytest.mark.parametrize(
    ("kind", "state", "first"),
    [
        (EnterTokenStep, "no-token", "latchkey token set"),
        (RequestAccessStep, "not-requested", "latchkey access vicuna"),
        (WaitForApprovalStep, "pending", "latchkey access vicuna"),
    ],
)
def test_the_gate_comes_before_the_license_since_its_publisher_may_take_days(
    kind: Callable[[RepositoryAccess], NextStep], state: AccessState, first: str
) -> None:
    waits = card(at_hub(), "missing", "license", LicenseError("It waits."))
    steps = command_steps(waits, ModelStatus(kind(access(state))))
    assert steps[0].commands[0] == first
    assert "https://hub.example" in steps[0].sentence
    assert any("licenses accept" in command for step in steps[1:] for command in step.commands)


def test_a_download_says_what_comes_and_what_is_here() -> None:
    (fetch, _) = command_steps(card(at_hub()), ModelStatus(DownloadStep("v.gguf", 4_000_000_000)))
    assert "v.gguf, 4.0 GB" in fetch.sentence
    (rest, _) = command_steps(card(at_hub()), ModelStatus(DownloadStep("v.gguf", 4_000_000_000, 1_000_000_000)))
    assert "1.0 of 4.0 GB" in rest.sentence
    (space, _) = command_steps(card(at_hub()), ModelStatus(FreeSpaceStep(9_000_000_000, 1_000_000_000)))
    assert "not enough space" in space.sentence


def test_off_line_says_so_and_still_names_what_comes_after() -> None:
    steps = command_steps(
        card(at_hub()), ModelStatus(RefusedStep(ForbiddenError("Latchkey is offline.", "", "latchkey offline off")))
    )
    assert "offline" in steps[0].sentence
    assert steps[1].commands == ("latchkey models get vicuna",)


def test_a_purpose_that_the_terms_rule_out_ends_there() -> None:
    error = ForbiddenError("It may not be used for that.", "", "Declare another purpose.")
    refused = card(listed("vicuna", here=True), "in-force", "purpose", error)
    assert [step.sentence for step in command_steps(refused)] == [str(error)]
    assert model_state(refused) == "forbidden"


def test_a_file_is_brought_before_licenses_that_may_be_accepted_for_an_id_of_its_own() -> None:
    waits = card(listed("vicuna"), "missing", "license", LicenseError("It waits."))
    said = commands_for(waits, ImportStep("The Hub holds no file of it."))
    assert said[0] == "latchkey models import FILE.gguf"
    assert any("licenses accept" in command for command in said[1:])


def test_where_a_publisher_gives_the_weights_out_on_application_that_comes_before_the_file() -> None:
    applied = card(listed("llama"))
    assert applied.listed.subject.gate == "click-through"
    sentences = [step.sentence for step in command_steps(applied, ModelStatus(ImportStep("No file of it.")))]
    assert sentences[:2] == [gate_sentence("click-through"), "No file of it."]


def test_what_was_recognized_by_words_alone_runs_though_the_model_it_was_made_from_does_not() -> None:
    here = listed("vicuna", here=True)
    assert here.entry is not None
    made_from = replace(here, entry=msgspec.structs.replace(here.entry, not_runnable="llama.cpp has no graph."))
    assert model_state(card(made_from)) == "ready"


def test_a_file_that_vanished_or_changed_is_told_first() -> None:
    here = listed("vicuna", here=True)
    assert here.model is not None
    gone = card(replace(here, model=replace(here.model, state="missing")))
    assert commands(gone)[0] == "latchkey models remove vicuna"
    assert model_state(gone) == "file-missing"
    changed = card(replace(here, model=replace(here.model, state="changed")))
    assert commands(changed)[0] == "latchkey models verify vicuna"
    assert model_state(changed) == "file-changed"


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ("granted", "not-here"),
        ("no-token", "needs-token"),
        ("token-lacks-scope", "needs-token"),
        ("not-requested", "needs-access"),
        ("reset", "needs-access"),
        ("pending", "waiting-for-approval"),
        ("rejected", "no-access"),
        ("disabled", "no-access"),
        ("missing", "no-access"),
        ("missing-or-private", "needs-token"),
        ("unknown", "no-access"),
    ],
)
def test_what_the_hub_last_said_is_the_state_of_a_model_that_is_not_here(said: AccessState, stands: ModelState) -> None:
    away = at_hub()
    assert away.hub_record is not None
    asked = msgspec.structs.replace(away.hub_record, access=HubAccessRecord(said, "", "x/y", 1.0))
    assert model_state(card(replace(away, hub_record=asked))) == stands


def test_every_state_has_words() -> None:
    assert all(status_text(state) for state in get_args(ModelState))


def at_hub() -> ListedModel:
    """A model of the catalog whose files somebody looked up."""
    away = listed("vicuna")
    assert away.entry is not None
    part = FilePart("v.gguf", 4_000_000_000, "a" * 64)
    known = HubRecord(
        "vicuna",
        "x/y",
        "c" * 40,
        "manual",
        node_of_entry(away.entry),
        files=(HubFileRecord("v.gguf", "Q8_0", part.size, (part,)),),
        endpoint="https://hub.example",
    )
    return replace(away, entry=msgspec.structs.replace(away.entry, gguf="x/y"), hub_record=known)


def access(state: AccessState) -> RepositoryAccess:
    return access_in_state(state, "", repository="x/y", endpoint="https://hub.example")


def commands_for(of: LibraryCard, coming: NextStep) -> list[str]:
    return [command for step in command_steps(of, ModelStatus(coming)) for command in step.commands]


def test_an_id_that_a_shell_would_take_apart_is_quoted() -> None:
    odd = listed("vicuna", here=True, id="it's a; model")
    assert commands(card(odd))[-1] == """latchkey ask "…" --model 'it'"'"'s a; model'"""
