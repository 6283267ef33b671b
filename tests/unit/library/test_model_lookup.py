"""From a name to what the Hub offers: kept, judged by the door, and followed step by step, against a fake Hub."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from desktop.errors import AccessError, ForbiddenError, NotFoundError
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.library.status import (
    AcceptLicenseStep,
    DownloadStep,
    EnterTokenStep,
    FreeSpaceStep,
    ImportStep,
    LookUpStep,
    NextStep,
    RefusedStep,
    RequestAccessStep,
    WaitForApprovalStep,
)
from desktop.licenses.acknowledgements import Acceptance
from desktop.network.access_token import AccessToken
from desktop.paths import find_paths
from desktop.settings import Settings
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model

pytestmark = pytest.mark.loopback

OPEN, GATED = "acme/tiny-GGUF", "acme/gated-GGUF"
TEXT = b"Acme license\n\nDo as you like, but say where it came from.\n"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return random_model(tmp_path / "tiny-Q8_0.gguf", metadata={"general.license": "apache-2.0"})


@pytest.fixture
def assembly(hub: FakeHub, home: Path) -> Iterator[LibraryServices]:
    made = build_library_services(
        find_paths(), {"LATCHKEY_HOME": str(home)}, settings=lambda: Settings(hub_endpoint=hub.endpoint)
    )
    yield made
    made.close()


def repository(hub: FakeHub, name: str, file: Path, **more: object) -> FakeRepository:
    made = hub.add(FakeRepository(name, **more))  # type: ignore[arg-type]
    made.add_file("tiny-Q8_0.gguf", file)
    return made


def give_token(assembly: LibraryServices, hub: FakeHub, name: str = "anna", **more: object) -> None:
    value = hub.add_token(name, **more)  # type: ignore[arg-type]
    assembly.network.tokens.store(AccessToken(value, hub.endpoint), "session")
    assembly.lookup.token_changed()


def accept(assembly: LibraryServices, model_id: str) -> None:
    subject = assembly.library.find_listed(model_id).subject
    for needed in subject.needed:
        sha256 = assembly.acknowledgements.text(needed.id, model_id).sha256
        assembly.acknowledgements.accept(subject, needed.id, sha256, Acceptance("Ada", "personal"))


def step(assembly: LibraryServices, model_id: str) -> NextStep:
    return assembly.lookup.next_step(model_id)


def test_a_repository_by_name_becomes_a_model_of_the_library(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})

    offer = assembly.lookup.look_up(f"{hub.endpoint}/{OPEN}/tree/main")

    listed = assembly.library.find_listed(OPEN)
    assert (offer.model_id, offer.gated, [file.quantization for file in offer.files]) == (OPEN, False, ["Q8_0"])
    assert offer.recommended == "tiny-Q8_0.gguf"
    assert offer.files[0].quality.startswith("Hardly anything is lost")
    assert [needed.id for needed in listed.subject.needed] == ["Apache-2.0"]
    assert listed.model is None
    assert isinstance(step(assembly, OPEN), AcceptLicenseStep)
    accept(assembly, OPEN)
    assert step(assembly, OPEN) == DownloadStep("tiny-Q8_0.gguf", model_file.stat().st_size)


def test_what_was_learned_holds_off_line_and_after_a_restart(
    assembly: LibraryServices, hub: FakeHub, model_file: Path, home: Path
) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    assembly.lookup.look_up(OPEN)

    with closing(build_library_services(find_paths(), {"LATCHKEY_HOME": str(home), "LATCHKEY_OFFLINE": "1"})) as again:
        known = again.lookup.hub_record(OPEN)

        assert known is not None
        assert known.files[0].size == model_file.stat().st_size
        assert isinstance(again.lookup.next_step(OPEN), RefusedStep)
    with pytest.raises(ForbiddenError):
        again.lookup.look_up(OPEN)


def test_the_publishers_own_text_is_the_one_to_accept(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "other", "license_name": "acme-1"})
    made.add_file("LICENSE", TEXT)
    assembly.lookup.look_up(OPEN)

    subject = assembly.library.find_listed(OPEN).subject
    own = next(needed for needed in subject.needed if needed.comes_from == OPEN and needed.id == "acme-1")

    assert assembly.acknowledgements.text("acme-1", OPEN).data == TEXT
    assert own.text_sha256 == assembly.acknowledgements.text("acme-1", OPEN).sha256
    assert hub.endpoint in assembly.acknowledgements.text("acme-1", OPEN).license.source


def test_a_publishers_text_of_a_known_license_counts_only_where_its_words_differ(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    ours = assembly.acknowledgements.text("Apache-2.0").data
    made.add_file("LICENSE", b"\n" + ours + b"\n\n")
    assembly.lookup.look_up(OPEN)
    assert assembly.acknowledgements.text("Apache-2.0", OPEN).data == ours
    accept(assembly, OPEN)
    assert assembly.acknowledgements.verdict(assembly.library.find_listed(OPEN).subject).allowed

    made.add_file("LICENSE", ours + b"\nAnd no use on Sundays.\n")
    assembly.lookup.look_up(OPEN)

    verdict = assembly.acknowledgements.verdict(assembly.library.find_listed(OPEN).subject)
    assert [standing.status for standing in verdict.licenses] == ["text-changed"]
    assert isinstance(step(assembly, OPEN), AcceptLicenseStep)


def test_a_repository_without_any_license_wants_the_persons_statement(
    assembly: LibraryServices, hub: FakeHub, model_file: Path, tmp_path: Path
) -> None:
    repository(hub, OPEN, random_model(tmp_path / "bare-Q8_0.gguf", metadata={"general.license": ""}))
    assembly.lookup.look_up(OPEN)

    listed = assembly.library.find_listed(OPEN)

    assert [needed.id for needed in listed.subject.needed] == ["LicenseRef-Unknown"]
    assert {flag.kind for flag in listed.subject.lineage.flags} >= {"unknown-license"}


def test_a_gated_model_leads_from_step_to_step(assembly: LibraryServices, hub: FakeHub, model_file: Path) -> None:
    repository(hub, GATED, model_file, gated="manual", card={"license": "apache-2.0"})
    assembly.lookup.look_up(GATED)
    assert isinstance(step(assembly, GATED), EnterTokenStep)

    give_token(assembly, hub, role="fineGrained", may_read_gated=False)
    assert step(assembly, GATED) == LookUpStep(again=True)
    assert assembly.lookup.check_access(GATED).state == "token-lacks-scope"
    assert isinstance(step(assembly, GATED), EnterTokenStep)

    give_token(assembly, hub)
    assert assembly.lookup.check_access(GATED).state == "not-requested"
    assert isinstance(step(assembly, GATED), RequestAccessStep)

    hub.set_gate_state(GATED, "anna", "pending")
    assembly.lookup.check_access(GATED)
    assert isinstance(step(assembly, GATED), WaitForApprovalStep)

    hub.set_gate_state(GATED, "anna", "granted")
    assert assembly.lookup.check_access(GATED).granted
    known = assembly.library.hub_records.find(GATED)
    assert known is not None
    assert known.measure is not None
    assert all(part.sha256 for part in known.files[0].parts)
    assert isinstance(step(assembly, GATED), AcceptLicenseStep)
    accept(assembly, GATED)
    assert isinstance(step(assembly, GATED), DownloadStep)


@pytest.mark.parametrize("said", ["not-requested", "pending", "granted"])
def test_what_was_said_of_a_tokens_owner_counts_no_more_without_the_token(
    assembly: LibraryServices, hub: FakeHub, model_file: Path, said: str
) -> None:
    repository(hub, GATED, model_file, gated="manual", card={"license": "apache-2.0"})
    give_token(assembly, hub)
    if said != "not-requested":
        hub.set_gate_state(GATED, "anna", said)  # type: ignore[arg-type]
    assert assembly.lookup.look_up(GATED).access is not None
    assembly.network.tokens.forget(assembly.network.host)
    found = step(assembly, GATED)
    assert isinstance(found, EnterTokenStep)
    assert found.access.state == "no-token"


def test_an_open_copy_is_no_way_round_its_publishers_gate(
    assembly: LibraryServices, hub: FakeHub, model_file: Path, home: Path
) -> None:
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "models.toml").write_text(
        """version = 1
[[model]]
id = "acme-tiny"
name = "Acme Tiny"
family = "Acme"
publisher = "Acme"
license = "Apache-2.0"
gate = "hub-manual"
summary = "For a test."
architecture = "llama"
repository = "acme/tiny"
gguf = "copies/tiny-GGUF"
"""
    )
    hub.add(FakeRepository("acme/tiny", gated="manual", card={"license": "apache-2.0"})).add_file("README.md", b"# it")
    repository(hub, "copies/tiny-GGUF", model_file, card={"license": "apache-2.0"})
    assembly.lookup.look_up("acme-tiny")
    accept(assembly, "acme-tiny")
    assert isinstance(step(assembly, "acme-tiny"), EnterTokenStep)

    give_token(assembly, hub)
    assert assembly.lookup.check_access("acme-tiny").state == "not-requested"
    hub.set_gate_state("acme/tiny", "anna", "granted")
    assert assembly.lookup.check_access("acme-tiny").granted
    assert isinstance(step(assembly, "acme-tiny"), DownloadStep)


def test_a_token_that_is_not_for_this_hub_is_none(assembly: LibraryServices, hub: FakeHub, model_file: Path) -> None:
    repository(hub, GATED, model_file, gated="manual", card={"license": "apache-2.0"})
    elsewhere = hub.endpoint.replace("http://", "https://")
    assembly.network.tokens.store(AccessToken(hub.add_token("anna"), elsewhere), "session")

    assembly.lookup.look_up(GATED)

    assert isinstance(step(assembly, GATED), EnterTokenStep)
    with pytest.raises(AccessError, match="no access token"):
        assembly.downloads.start(GATED)


def test_another_token_is_tried_where_a_repository_was_not_to_be_seen(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    assembly.lookup.look_up(OPEN)
    accept(assembly, OPEN)
    made.private, made.members = True, {"anna"}
    assembly.lookup.check_access(OPEN)
    assert isinstance(step(assembly, OPEN), EnterTokenStep)

    give_token(assembly, hub)

    assert not isinstance(step(assembly, OPEN), EnterTokenStep)
    assert assembly.lookup.check_access(OPEN).granted


def test_access_that_was_taken_back_is_said_to_be(assembly: LibraryServices, hub: FakeHub, model_file: Path) -> None:
    repository(hub, GATED, model_file, gated="manual", card={"license": "apache-2.0"})
    give_token(assembly, hub)
    hub.set_gate_state(GATED, "anna", "granted")
    assembly.lookup.look_up(GATED)

    hub.set_gate_state(GATED, "anna", "rejected")
    access = assembly.lookup.check_access(GATED)

    offer = assembly.lookup.hub_record(GATED)
    assert "taken back" in access.title
    assert offer is not None
    assert offer.access_revoked
    assert isinstance(step(assembly, GATED), RefusedStep)


def test_a_repository_without_model_files_has_to_be_brought(assembly: LibraryServices, hub: FakeHub) -> None:
    made = hub.add(FakeRepository(OPEN, card={"license": "apache-2.0"}))
    made.add_file("README.md", b"# nothing here")
    assembly.lookup.look_up(OPEN)

    assert isinstance(step(assembly, OPEN), ImportStep)


def test_too_full_a_disk_is_said_before_anything_is_fetched(
    assembly: LibraryServices, hub: FakeHub, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    assembly.lookup.look_up(OPEN)
    accept(assembly, OPEN)
    monkeypatch.setattr("desktop.library.model_lookup.free_space", lambda folder: 1000)

    found = step(assembly, OPEN)

    assert isinstance(found, FreeSpaceStep)
    assert (found.free, found.needed > model_file.stat().st_size) == (1000, True)


def test_a_file_can_be_chosen_and_one_that_is_not_there_is_said(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})

    with pytest.raises(NotFoundError, match="Q4_K_M"):
        assembly.lookup.look_up(f"{OPEN}:Q4_K_M")
    assert assembly.lookup.look_up(f"{OPEN}:q8_0").file("") is not None


def test_a_private_repository_is_not_looked_into(assembly: LibraryServices, hub: FakeHub, model_file: Path) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    made.private = True

    with pytest.raises((NotFoundError, AccessError)):
        assembly.lookup.look_up(OPEN)


def test_a_kept_text_that_somebody_changed_is_not_shown_for_the_publishers(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "other", "license_name": "acme-1"})
    made.add_file("LICENSE", TEXT)
    assembly.lookup.look_up(OPEN)
    kept = next(find_paths().publishers_texts.iterdir())
    kept.write_bytes(b"Do whatever you want.\n")

    with pytest.raises(Exception, match="no longer kept"):
        assembly.acknowledgements.text("acme-1", OPEN)
    assert assembly.library.list_models()


def test_forgetting_takes_a_model_off_the_list(assembly: LibraryServices, hub: FakeHub, model_file: Path) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    assembly.lookup.look_up(OPEN)
    assert OPEN in {listed.subject.id for listed in assembly.library.list_models()}

    assembly.lookup.forget(OPEN)

    assert OPEN not in {listed.subject.id for listed in assembly.library.list_models()}


def test_a_file_that_is_asked_of_a_repository_without_any_is_answered_with_whole_sentences(
    assembly: LibraryServices, hub: FakeHub
) -> None:
    hub.add(FakeRepository("acme/empty"))
    with pytest.raises(NotFoundError) as refused:
        assembly.lookup.look_up("acme/empty:Q4_K_M")
    assert refused.value.title == "acme/empty holds no GGUF file that could be used."
    assert "It holds" not in str(refused.value)
    assert "–" not in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        "hf.co/acme/tiny-GGUF:latest",
        "ollama run hf.co/acme/tiny-GGUF:latest",
        "hf download acme/tiny-GGUF --include '*Q8_0*'",
        "llama-cli -hf acme/tiny-GGUF:Q8_0",
        "[Tiny](https://huggingface.co/acme/tiny-GGUF/blob/main/tiny-Q8_0.gguf)",
    ],
)
def test_a_pasted_line_leads_to_the_file_to_fetch(
    assembly: LibraryServices, hub: FakeHub, model_file: Path, line: str
) -> None:
    repository(hub, OPEN, model_file)
    offer = assembly.lookup.look_up(line)
    assert offer.model_id == OPEN
    step = assembly.lookup.next_step(OPEN)
    assert isinstance(step, AcceptLicenseStep)
    known = assembly.library.hub_records.find(OPEN)
    assert known is not None
    assert known.chosen == ("" if "latest" in line else "tiny-Q8_0.gguf")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("llama3.2:1b", "In the catalog it is llama-3.2-1b-instruct"),
        ("ollama run qwen3:4b", "In the catalog it is qwen3-4b"),
        ("ollama run phi4:latest", "In the catalog it is phi-4"),
        ("ollama pull qwen3", "Search the Hub for “qwen3”"),
        ("ollama run nosuchmodel:7b", "Search the Hub for “nosuchmodel 7b”"),
    ],
)
def test_a_name_of_ollamas_library_leads_on(assembly: LibraryServices, hub: FakeHub, text: str, says: str) -> None:
    with pytest.raises(NotFoundError, match="Ollama's own library") as refused:
        assembly.lookup.look_up(text)
    assert says in refused.value.remedy
    assert not hub.requests()


def test_a_model_that_was_looked_up_is_found_by_its_address(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    repository(hub, OPEN, model_file)
    assembly.lookup.look_up(OPEN)
    asked = len(hub.requests())
    for address in (f"https://huggingface.co/{OPEN}", f"hf.co/{OPEN.upper()}:latest", f"hf://{OPEN}"):
        assert assembly.library.find_listed(address).subject.id == OPEN
    for other in (f"https://huggingface.co/{OPEN}/blob/main/x.gguf", f"hf.co/{OPEN}:Q4_0", f"{OPEN}/x.gguf"):
        assert assembly.library.hub_records.find(other) is None
    assert len(hub.requests()) == asked
