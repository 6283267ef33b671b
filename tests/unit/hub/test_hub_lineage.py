"""Lineage over the Hub: card, tags and header are followed upwards, the catalog knows better, the unknown stays so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desktop.catalog.catalog import Catalog, CatalogEntry, Dataset, EntryBase, License, LicenseClause
from desktop.catalog.lineage import Lineage
from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.errors import NetworkError
from desktop.hub.hub_lineage import DEEPEST, MOST_LOOKUPS, HubLineage, node_of
from desktop.hub.repository import Repository
from tests.fakes.hub import FakeHub, FakeRepository, Fault
from tests.fakes.tiny_gguf import random_model
from tests.unit.hub.conftest import AskHub

pytestmark = pytest.mark.loopback


def entry(
    entry_id: str, repository: str, license_id: str, gguf: str = "", base: tuple[EntryBase, ...] = ()
) -> CatalogEntry:
    return CatalogEntry(
        id=entry_id,
        name=entry_id.title(),
        family="f",
        publisher="p",
        license=license_id,
        gate="open",
        summary="s",
        repository=repository,
        gguf=gguf,
        origin="derived" if base else "pretrained",
        base=base,
    )


RESEARCH = LicenseClause("research-only", "2", "Research only.", "research")
CATALOG = Catalog(
    1,
    license=(
        License("Apache-2.0", "Apache 2.0", hub_ids=("apache-2.0",)),
        License("LicenseRef-LLaMA", "LLaMA", hub_ids=("llama",), restriction=(RESEARCH,)),
    ),
    dataset=(Dataset("oasst1", "OpenAssistant Conversations", "LAION", "Apache-2.0"),),
    model=(
        entry("llama-7b", "meta/LLaMA-7B", "LicenseRef-LLaMA"),
        entry("pythia", "eleuther/Pythia", "Apache-2.0", gguf="quantizer/Pythia-GGUF"),
        entry("tuned", "acme/Tuned", "Apache-2.0", base=(EntryBase("llama-7b", "fine-tune"),)),
    ),
)


def publish(fake: FakeHub, name: str, bases: Any = None, license_id: str | None = "apache-2.0", **more: Any) -> None:
    card = {"license": license_id, "base_model": bases, **more}
    fake.add(FakeRepository(name, card={key: value for key, value in card.items() if value is not None}, tags=["gguf"]))


def lineage_of(
    fake: FakeHub, ask: AskHub, name: str, header: GgufHeader | None = None, token: str | None = None
) -> Lineage:
    hub = ask(fake, token)
    return HubLineage(hub, CATALOG).trace(hub.info(Repository(fake.endpoint, name)), header)


def flags(lineage: Lineage) -> set[tuple[str, str]]:
    return {(flag.kind, flag.node) for flag in lineage.flags}


def test_a_copy_that_claims_more_than_its_base_allows_is_found_three_generations_up(
    either: FakeHub, ask: AskHub
) -> None:
    publish(either, "x/Copy-GGUF", "y/Merge")
    publish(either, "y/Merge", ["z/Tune", "eleuther/Pythia"])
    publish(either, "z/Tune", "Meta/llama-7b")
    lineage = lineage_of(either, ask, "x/Copy-GGUF")
    assert [(each.node.id, each.known, each.inherits) for each in lineage.ancestors] == [
        ("llama-7b", True, True),
        ("z/Tune", True, True),
        ("pythia", True, True),
        ("y/Merge", True, True),
    ]
    assert lineage.restrictions == ("research-only",)
    assert ("claims-more", "llama-7b") in flags(lineage)
    assert dict(lineage.licenses) == {"LicenseRef-LLaMA": "llama-7b", "Apache-2.0": "z/Tune"}


def test_a_base_that_is_not_there_stays_unknown(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "x/Tune", "gone/Base")
    assert ("unknown-base", "gone/Base") in flags(lineage_of(fake, ask, "x/Tune"))


def test_no_metadata_is_unknown_and_never_open(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "x/Silent", license_id=None)
    publish(fake, "x/Tune", "x/Silent", license_id="acme-own")
    assert flags(lineage_of(fake, ask, "x/Silent")) == {
        ("unknown-license", "x/Silent"),
        ("unknown-lineage", "x/Silent"),
    }
    assert flags(lineage_of(fake, ask, "x/Tune")) == {
        ("unknown-license", "x/Tune"),
        ("unknown-license", "x/Silent"),
        ("unknown-lineage", "x/Silent"),
    }


def test_a_license_of_its_own_goes_by_its_name(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "x/Own", license_id="other", license_name="acme-research")
    lineage = lineage_of(fake, ask, "x/Own")
    assert lineage.node.licenses == ("acme-research",)
    assert any("acme-research" in flag.sentence for flag in lineage.flags)


def test_a_circle_ends_and_is_said(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "x/A", "x/B")
    publish(fake, "x/B", ["x/C", "x/B"])
    publish(fake, "x/C", "x/A")
    lineage = lineage_of(fake, ask, "x/A")
    assert ("cycle", "x/A") in flags(lineage)
    assert len(fake.requests()) == 3


def test_a_line_without_end_is_cut_and_unknown_from_there(fake: FakeHub, ask: AskHub) -> None:
    for number in range(DEEPEST + 10):
        publish(fake, f"x/M{number}", f"x/M{number + 1}")
    lineage = lineage_of(fake, ask, "x/M0")
    assert len(fake.requests()) == DEEPEST + 1
    assert ("unknown-base", f"x/M{DEEPEST + 1}") in flags(lineage)


def test_very_many_bases_cost_so_many_questions_and_no_more(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "x/Wide", [f"x/B{number}" for number in range(25)])
    for number in range(25):
        publish(fake, f"x/B{number}", [f"x/B{number}-{other}" for other in range(25)])
    lineage = lineage_of(fake, ask, "x/Wide")
    assert len(fake.requests()) == MOST_LOOKUPS + 1
    assert any(kind == "unknown-base" for kind, _ in flags(lineage))


def test_bases_are_asked_for_without_a_token(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "x/Tune", ["x/Gated", "x/Private"])
    fake.add(FakeRepository("x/Gated", gated="manual", card={"license": "apache-2.0"}))
    fake.add(FakeRepository("x/Private", private=True, members={"anna"}))
    lineage = lineage_of(fake, ask, "x/Tune", token=fake.add_token("anna"))
    assert not [seen for seen in fake.requests() if seen.token]
    gates = {each.node.id: each.node.gate for each in lineage.ancestors}
    assert gates == {"x/Gated": "hub-manual", "x/Private": None}
    assert ("unknown-base", "x/Private") in flags(lineage)


def test_a_hub_that_fails_is_not_taken_for_one_that_knows_nothing(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "x/Tune", "x/Base")
    publish(fake, "x/Base")
    fake.inject(Fault("status", on="hub", path="x/Base", status=500, times=None))
    with pytest.raises(NetworkError):
        lineage_of(fake, ask, "x/Tune")


def test_what_the_header_says_is_added_to_the_card(fake: FakeHub, ask: AskHub, tmp_path: Path) -> None:
    publish(fake, "x/Copy-GGUF")
    metadata = {
        "general.license": "llama",
        "general.base_model.count": 1,
        "general.base_model.0.repo_url": "https://huggingface.co/meta/LLaMA-7B",
    }
    header = read_header(random_model(tmp_path / "tiny.gguf", metadata=metadata))
    lineage = lineage_of(fake, ask, "x/Copy-GGUF", header)
    assert lineage.node.licenses == ("Apache-2.0", "LicenseRef-LLaMA")
    assert [each.node.id for each in lineage.ancestors] == ["llama-7b"]
    assert lineage.restrictions == ("research-only",)


def test_the_catalogs_entry_is_not_talked_down_by_its_card(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "acme/Tuned", license_id="mit-like")
    lineage = lineage_of(fake, ask, "acme/Tuned")
    assert lineage.node.id == "tuned"
    assert lineage.node.licenses == ("Apache-2.0", "mit-like")
    assert lineage.restrictions == ("research-only",)


def test_a_quantization_the_catalog_points_to_descends_from_its_entry_whatever_its_card_leaves_out(
    fake: FakeHub, ask: AskHub
) -> None:
    for bases in (None, "eleuther/Pythia"):
        publish(fake, "quantizer/Pythia-GGUF", bases, license_id=None)
        lineage = lineage_of(fake, ask, "quantizer/Pythia-GGUF")
        assert lineage.node.id == "quantizer/Pythia-GGUF"
        assert [(each.node.id, each.relation) for each in lineage.ancestors] == [("pythia", "quantization")]
        assert "cycle" not in {flag.kind for flag in lineage.flags}


def test_data_is_shown_and_not_asked_for(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "x/Tune", "eleuther/Pythia", datasets=["OpenAssistant/oasst1", "x/own-data"])
    lineage = lineage_of(fake, ask, "x/Tune")
    assert {each.node.id: (each.relation, each.known) for each in lineage.ancestors} == {
        "pythia": ("quantization", True),
        "oasst1": ("dataset", True),
        "x/own-data": ("dataset", False),
    }
    assert len(fake.requests()) == 1
    assert not flags(lineage)


def test_known_ancestors_can_be_had_as_nodes(fake: FakeHub, ask: AskHub) -> None:
    publish(fake, "x/Copy", ["x/Tune", "gone/Base"])
    publish(fake, "x/Tune", "meta/LLaMA-7B")
    hub = ask(fake)
    info = hub.info(Repository(fake.endpoint, "x/Copy"))
    assert [node.id for node in HubLineage(hub, CATALOG).nodes(node_of(info, CATALOG))] == ["llama-7b", "x/Tune"]
    assert node_of(replace(info, bases=()), CATALOG).origin == "unknown"
