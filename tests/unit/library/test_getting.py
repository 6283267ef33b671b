"""From a name to what the Hub offers: kept, judged by the door, and followed step by step, against a fake Hub."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from desktop.errors import AccessError, ForbiddenError, NotFoundError
from desktop.hub.fake import FakeHub, FakeRepository
from desktop.library.assembly import Assembly, assemble
from desktop.library.next_step import (
    AcceptLicense,
    Download,
    EnterToken,
    FreeSpace,
    Import,
    LookUp,
    NextStep,
    Refused,
    RequestAccess,
    WaitForApproval,
)
from desktop.licenses.desk import Acceptance
from desktop.network.token import AccessToken
from desktop.paths import find_paths
from desktop.settings import Settings
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
def assembly(hub: FakeHub, home: Path) -> Iterator[Assembly]:
    made = assemble(find_paths(), {"LATCHKEY_HOME": str(home)}, settings=lambda: Settings(hub_endpoint=hub.endpoint))
    yield made
    made.close()


def repository(hub: FakeHub, name: str, file: Path, **more: object) -> FakeRepository:
    made = hub.add(FakeRepository(name, **more))  # type: ignore[arg-type]
    made.add_file("tiny-Q8_0.gguf", file)
    return made


def give_token(assembly: Assembly, hub: FakeHub, name: str = "anna", **more: object) -> None:
    value = hub.add_token(name, **more)  # type: ignore[arg-type]
    assembly.online.tokens.put(AccessToken(value, hub.endpoint), "session")
    assembly.getting.token_changed()


def accept(assembly: Assembly, model_id: str) -> None:
    subject = assembly.library.listed_one(model_id).subject
    for needed in subject.needed:
        sha256 = assembly.desk.text(needed.id, model_id).sha256
        assembly.desk.accept(subject, needed.id, sha256, Acceptance("Ada", "personal"))


def step(assembly: Assembly, model_id: str) -> NextStep:
    return assembly.getting.next_step(model_id)


def test_a_repository_by_name_becomes_a_model_of_the_library(
    assembly: Assembly, hub: FakeHub, model_file: Path
) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})

    offer = assembly.getting.look(f"{hub.endpoint}/{OPEN}/tree/main")

    listed = assembly.library.listed_one(OPEN)
    assert (offer.model_id, offer.gated, [file.quantization for file in offer.files]) == (OPEN, False, ["Q8_0"])
    assert offer.recommended == "tiny-Q8_0.gguf"
    assert offer.files[0].quality.startswith("Hardly anything is lost")
    assert [needed.id for needed in listed.subject.needed] == ["Apache-2.0"]
    assert listed.model is None
    assert isinstance(step(assembly, OPEN), AcceptLicense)
    accept(assembly, OPEN)
    assert step(assembly, OPEN) == Download("tiny-Q8_0.gguf", model_file.stat().st_size)


def test_what_was_learned_holds_off_line_and_after_a_restart(
    assembly: Assembly, hub: FakeHub, model_file: Path, home: Path
) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    assembly.getting.look(OPEN)

    with closing(assemble(find_paths(), {"LATCHKEY_HOME": str(home), "LATCHKEY_OFFLINE": "1"})) as again:
        known = again.getting.known(OPEN)

        assert known is not None
        assert known.files[0].size == model_file.stat().st_size
        assert isinstance(again.getting.next_step(OPEN), Refused)
    with pytest.raises(ForbiddenError):
        again.getting.look(OPEN)


def test_the_publishers_own_text_is_the_one_to_accept(assembly: Assembly, hub: FakeHub, model_file: Path) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "other", "license_name": "acme-1"})
    made.add_file("LICENSE", TEXT)
    assembly.getting.look(OPEN)

    subject = assembly.library.listed_one(OPEN).subject
    own = next(needed for needed in subject.needed if needed.comes_from == OPEN and needed.id == "acme-1")

    assert assembly.desk.text("acme-1", OPEN).data == TEXT
    assert own.text_sha256 == assembly.desk.text("acme-1", OPEN).sha256
    assert hub.endpoint in assembly.desk.text("acme-1", OPEN).license.source


def test_a_publishers_text_of_a_known_license_counts_only_where_its_words_differ(
    assembly: Assembly, hub: FakeHub, model_file: Path
) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    ours = assembly.desk.text("Apache-2.0").data
    made.add_file("LICENSE", b"\n" + ours + b"\n\n")
    assembly.getting.look(OPEN)
    assert assembly.desk.text("Apache-2.0", OPEN).data == ours
    accept(assembly, OPEN)
    assert assembly.desk.verdict(assembly.library.listed_one(OPEN).subject).allowed

    made.add_file("LICENSE", ours + b"\nAnd no use on Sundays.\n")
    assembly.getting.look(OPEN)

    verdict = assembly.desk.verdict(assembly.library.listed_one(OPEN).subject)
    assert [standing.status for standing in verdict.standings] == ["text-changed"]
    assert isinstance(step(assembly, OPEN), AcceptLicense)


def test_a_repository_without_any_license_wants_the_persons_statement(
    assembly: Assembly, hub: FakeHub, model_file: Path, tmp_path: Path
) -> None:
    repository(hub, OPEN, random_model(tmp_path / "bare-Q8_0.gguf", metadata={"general.license": ""}))
    assembly.getting.look(OPEN)

    listed = assembly.library.listed_one(OPEN)

    assert [needed.id for needed in listed.subject.needed] == ["LicenseRef-Unknown"]
    assert {flag.kind for flag in listed.subject.lineage.flags} >= {"unknown-license"}


def test_a_gated_model_leads_from_step_to_step(assembly: Assembly, hub: FakeHub, model_file: Path) -> None:
    repository(hub, GATED, model_file, gated="manual", card={"license": "apache-2.0"})
    assembly.getting.look(GATED)
    assert isinstance(step(assembly, GATED), EnterToken)

    give_token(assembly, hub, role="fineGrained", may_read_gated=False)
    assert step(assembly, GATED) == LookUp(again=True)
    assert assembly.getting.check_access(GATED).state == "token-lacks-scope"
    assert isinstance(step(assembly, GATED), EnterToken)

    give_token(assembly, hub)
    assert assembly.getting.check_access(GATED).state == "not-requested"
    assert isinstance(step(assembly, GATED), RequestAccess)

    hub.set_standing(GATED, "anna", "pending")
    assembly.getting.check_access(GATED)
    assert isinstance(step(assembly, GATED), WaitForApproval)

    hub.set_standing(GATED, "anna", "granted")
    assert assembly.getting.check_access(GATED).granted
    known = assembly.library.known.find(GATED)
    assert known is not None
    assert known.measure is not None
    assert all(part.sha256 for part in known.files[0].parts)
    assert isinstance(step(assembly, GATED), AcceptLicense)
    accept(assembly, GATED)
    assert isinstance(step(assembly, GATED), Download)


def test_an_open_copy_is_no_way_round_its_publishers_gate(
    assembly: Assembly, hub: FakeHub, model_file: Path, home: Path
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
    assembly.getting.look("acme-tiny")
    accept(assembly, "acme-tiny")
    assert isinstance(step(assembly, "acme-tiny"), EnterToken)

    give_token(assembly, hub)
    assert assembly.getting.check_access("acme-tiny").state == "not-requested"
    hub.set_standing("acme/tiny", "anna", "granted")
    assert assembly.getting.check_access("acme-tiny").granted
    assert isinstance(step(assembly, "acme-tiny"), Download)


def test_a_token_that_is_not_for_this_hub_is_none(assembly: Assembly, hub: FakeHub, model_file: Path) -> None:
    repository(hub, GATED, model_file, gated="manual", card={"license": "apache-2.0"})
    elsewhere = hub.endpoint.replace("http://", "https://")
    assembly.online.tokens.put(AccessToken(hub.add_token("anna"), elsewhere), "session")

    assembly.getting.look(GATED)

    assert isinstance(step(assembly, GATED), EnterToken)
    with pytest.raises(AccessError, match="no access token"):
        assembly.downloads.start(GATED)


def test_another_token_is_tried_where_a_repository_was_not_to_be_seen(
    assembly: Assembly, hub: FakeHub, model_file: Path
) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    assembly.getting.look(OPEN)
    accept(assembly, OPEN)
    made.private, made.members = True, {"anna"}
    assembly.getting.check_access(OPEN)
    assert isinstance(step(assembly, OPEN), EnterToken)

    give_token(assembly, hub)

    assert not isinstance(step(assembly, OPEN), EnterToken)
    assert assembly.getting.check_access(OPEN).granted


def test_access_that_was_taken_back_is_said_to_be(assembly: Assembly, hub: FakeHub, model_file: Path) -> None:
    repository(hub, GATED, model_file, gated="manual", card={"license": "apache-2.0"})
    give_token(assembly, hub)
    hub.set_standing(GATED, "anna", "granted")
    assembly.getting.look(GATED)

    hub.set_standing(GATED, "anna", "rejected")
    access = assembly.getting.check_access(GATED)

    offer = assembly.getting.known(GATED)
    assert "taken back" in access.title
    assert offer is not None
    assert offer.taken_back
    assert isinstance(step(assembly, GATED), Refused)


def test_a_repository_without_model_files_has_to_be_brought(assembly: Assembly, hub: FakeHub) -> None:
    made = hub.add(FakeRepository(OPEN, card={"license": "apache-2.0"}))
    made.add_file("README.md", b"# nothing here")
    assembly.getting.look(OPEN)

    assert isinstance(step(assembly, OPEN), Import)


def test_too_full_a_disk_is_said_before_anything_is_fetched(
    assembly: Assembly, hub: FakeHub, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    assembly.getting.look(OPEN)
    accept(assembly, OPEN)
    monkeypatch.setattr("desktop.library.getting.free_space", lambda folder: 1000)

    found = step(assembly, OPEN)

    assert isinstance(found, FreeSpace)
    assert (found.free, found.needed > model_file.stat().st_size) == (1000, True)


def test_a_file_can_be_chosen_and_one_that_is_not_there_is_said(
    assembly: Assembly, hub: FakeHub, model_file: Path
) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})

    with pytest.raises(NotFoundError, match="Q4_K_M"):
        assembly.getting.look(f"{OPEN}:Q4_K_M")
    assert assembly.getting.look(f"{OPEN}:q8_0").file("") is not None


def test_a_private_repository_is_not_looked_into(assembly: Assembly, hub: FakeHub, model_file: Path) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    made.private = True

    with pytest.raises((NotFoundError, AccessError)):
        assembly.getting.look(OPEN)


def test_a_kept_text_that_somebody_changed_is_not_shown_for_the_publishers(
    assembly: Assembly, hub: FakeHub, model_file: Path
) -> None:
    made = repository(hub, OPEN, model_file, card={"license": "other", "license_name": "acme-1"})
    made.add_file("LICENSE", TEXT)
    assembly.getting.look(OPEN)
    kept = next(find_paths().publishers_texts.iterdir())
    kept.write_bytes(b"Do whatever you want.\n")

    with pytest.raises(Exception, match="no longer kept"):
        assembly.desk.text("acme-1", OPEN)
    assert assembly.library.listed()


def test_forgetting_takes_a_model_off_the_list(assembly: Assembly, hub: FakeHub, model_file: Path) -> None:
    repository(hub, OPEN, model_file, card={"license": "apache-2.0"})
    assembly.getting.look(OPEN)
    assert OPEN in {listed.subject.id for listed in assembly.library.listed()}

    assembly.getting.forget(OPEN)

    assert OPEN not in {listed.subject.id for listed in assembly.library.listed()}


def test_a_file_that_is_asked_of_a_repository_without_any_is_answered_with_whole_sentences(
    assembly: Assembly, hub: FakeHub
) -> None:
    hub.add(FakeRepository("acme/empty"))
    with pytest.raises(NotFoundError) as refused:
        assembly.getting.look("acme/empty:Q4_K_M")
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
    assembly: Assembly, hub: FakeHub, model_file: Path, line: str
) -> None:
    repository(hub, OPEN, model_file)
    offer = assembly.getting.look(line)
    assert offer.model_id == OPEN
    step = assembly.getting.next_step(OPEN)
    assert isinstance(step, AcceptLicense)
    known = assembly.library.known.find(OPEN)
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
def test_a_name_of_ollamas_library_leads_on(assembly: Assembly, hub: FakeHub, text: str, says: str) -> None:
    with pytest.raises(NotFoundError, match="Ollama's own library") as refused:
        assembly.getting.look(text)
    assert says in refused.value.remedy
    assert not hub.requests()


def test_a_model_that_was_looked_up_is_found_by_its_address(assembly: Assembly, hub: FakeHub, model_file: Path) -> None:
    repository(hub, OPEN, model_file)
    assembly.getting.look(OPEN)
    asked = len(hub.requests())
    for address in (f"https://huggingface.co/{OPEN}", f"hf.co/{OPEN.upper()}:latest", f"hf://{OPEN}"):
        assert assembly.library.listed_one(address).subject.id == OPEN
    for other in (f"https://huggingface.co/{OPEN}/blob/main/x.gguf", f"hf.co/{OPEN}:Q4_0", f"{OPEN}/x.gguf"):
        assert assembly.library.known.find(other) is None
    assert len(hub.requests()) == asked
