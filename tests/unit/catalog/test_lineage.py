"""What a model inherits: restrictions with the ancestor they come from, licenses to acknowledge, and what to beware."""

from dataclasses import replace

import pytest

from desktop.catalog.catalog import EntryBase
from desktop.catalog.license_terms import Origin, Relation
from desktop.catalog.lineage import MAX_DEPTH, Lineage, LineageNode, node_of_entry, trace_in, trace_lineage
from tests.unit.catalog.families import CATALOG


def lineage_of(model_id: str) -> Lineage:
    entry = CATALOG.find_model(model_id)
    assert entry is not None
    return trace_in(CATALOG, node_of_entry(entry))


def strange(license_id: str, *bases: str, relation: Relation = "quantization") -> Lineage:
    """The lineage of a file that the catalog does not know, with what its header says."""
    built = tuple(EntryBase(base, relation) for base in bases)
    origin: Origin = "derived" if bases else "unknown"
    licenses = (license_id,) if license_id else ()
    return trace_in(CATALOG, LineageNode("file", "A file", licenses=licenses, origin=origin, bases=built))


def terms_of(lineage: Lineage) -> set[tuple[str, str]]:
    return {(term.restriction, term.from_id) for term in lineage.terms}


def kinds(lineage: Lineage) -> set[tuple[str, str]]:
    return {(flag.kind, flag.node) for flag in lineage.flags}


def test_alpaca_is_non_commercial_twice_and_carries_the_terms_of_the_outputs_it_learned_from() -> None:
    alpaca = lineage_of("alpaca")
    non_commercial = {(t.from_id, t.license) for t in alpaca.terms if t.restriction == "non-commercial"}
    assert {("alpaca", "CC-BY-NC-4.0"), ("llama", "LicenseRef-LLaMA")} <= non_commercial
    assert {("research-only", "llama"), ("no-output-training", "text-davinci-003")} <= terms_of(alpaca)
    assert [each for each, _ in alpaca.licenses] == ["LicenseRef-LLaMA", "CC-BY-NC-4.0"]
    assert alpaca.flags == ()


def test_stablevicuna_inherits_from_two_generations_back() -> None:
    lineage = lineage_of("stablevicuna")
    assert [(each.node.id, each.depth, each.parent_of) for each in lineage.ancestors] == [
        ("llama", 2, "vicuna"),
        ("vicuna", 1, "stablevicuna"),
    ]
    assert {("research-only", "llama"), ("share-alike", "stablevicuna")} <= terms_of(lineage)
    assert lineage.licenses == (("LicenseRef-LLaMA", "llama"), ("CC-BY-NC-SA-4.0", "stablevicuna"))
    assert lineage.restrictions[0] == "research-only"
    assert lineage.flags == ()


def test_an_apache_quantization_of_llama_3_2_is_flagged_and_needs_both_licenses() -> None:
    lineage = strange("Apache-2.0", "llama-3.2")
    assert kinds(lineage) == {("claims-more", "llama-3.2")}
    assert "Apache-2.0" in lineage.flags[0].sentence
    assert "acceptable use" in lineage.flags[0].sentence
    assert [each for each, _ in lineage.licenses] == ["LicenseRef-Llama-3.2", "Apache-2.0"]
    assert {("user-cap", "llama-3.2"), ("acceptable-use", "llama-3.2")} <= terms_of(lineage)


def test_a_base_that_nobody_knows_is_unknown_and_never_open() -> None:
    lineage = strange("Apache-2.0", "somebody/something")
    assert kinds(lineage) == {("unknown-base", "somebody/something")}
    assert [(each.node.id, each.known) for each in lineage.ancestors] == [("somebody/something", False)]


def test_without_any_metadata_license_and_lineage_are_unknown() -> None:
    assert {kind for kind, _ in kinds(strange(""))} == {"unknown-license", "unknown-lineage"}
    assert {kind for kind, _ in kinds(strange("my-own-terms"))} == {"unknown-license", "unknown-lineage"}


def test_a_circle_ends_and_is_named() -> None:
    nodes = {
        "a": LineageNode("a", "A", licenses=("MIT",), origin="derived", bases=(EntryBase("b", "fine-tune"),)),
        "b": LineageNode("b", "B", licenses=("CC-BY-NC-4.0",), origin="derived", bases=(EntryBase("a", "merge"),)),
    }
    lineage = trace_lineage(nodes["a"], nodes.get, CATALOG.find_license)
    assert ("cycle", "a") in kinds(lineage)
    assert ("non-commercial", "b") in terms_of(lineage)
    assert "a → b → a" in next(flag.sentence for flag in lineage.flags if flag.kind == "cycle")


def test_a_merge_brings_the_terms_and_licenses_of_both() -> None:
    lineage = lineage_of("merged")
    assert [each for each, _ in lineage.licenses] == ["Apache-2.0", "MIT", "LicenseRef-Llama-3.2"]
    assert ("acceptable-use", "llama-3.2") in terms_of(lineage)
    assert kinds(lineage) == {("claims-more", "llama-3.2")}


def test_closed_outputs_bring_terms_and_no_license_to_acknowledge() -> None:
    lineage = strange("MIT", "text-davinci-003", relation="outputs")
    assert terms_of(lineage) == {("no-output-training", "text-davinci-003")}
    assert [each for each, _ in lineage.licenses] == ["MIT"]


def test_data_stands_in_the_tree_and_brings_neither_terms_nor_licenses() -> None:
    lineage = lineage_of("dolly")
    assert {each.node.id for each in lineage.ancestors} == {"the-pile", "pythia", "dolly-15k"}
    assert lineage.terms == ()
    assert lineage.licenses == (("Apache-2.0", "pythia"), ("MIT", "dolly"))


def test_a_purpose_is_forbidden_by_the_clause_of_the_ancestor_that_forbids_it() -> None:
    lineage = lineage_of("vicuna")
    term = lineage.forbidding("personal")
    assert term is not None
    assert (term.restriction, term.from_id, term.license) == ("research-only", "vicuna", "LicenseRef-LLaMA")
    assert lineage.forbidding("research") is None
    nc = strange("CC-BY-NC-4.0")
    assert nc.forbidding("personal") is None
    forbidding = nc.forbidding("commercial")
    assert forbidding is not None
    assert forbidding.clause == "2"


@pytest.mark.parametrize("length", [MAX_DEPTH - 1, MAX_DEPTH + 1, 400])
def test_a_long_line_is_followed_so_far_and_said_to_be_unknown_beyond(length: int) -> None:
    def find(name: str) -> LineageNode | None:
        number = int(name)
        bases = (EntryBase(str(number + 1), "fine-tune"),) if number < length else ()
        return LineageNode(name, name, licenses=("MIT",), origin="derived" if bases else "pretrained", bases=bases)

    start = find("0")
    assert start is not None
    lineage = trace_lineage(start, find, CATALOG.find_license)
    assert len(lineage.ancestors) == min(length, MAX_DEPTH)
    assert ("too-deep" in {kind for kind, _ in kinds(lineage)}) == (length > MAX_DEPTH)


def test_a_lattice_of_merges_ends() -> None:
    """Each generation merges two of the one before: 2^20 ways up, and still an answer."""

    def find(name: str) -> LineageNode | None:
        level = int(name.split("-")[0])
        bases = tuple(EntryBase(f"{level + 1}-{side}", "merge") for side in "ab") if level < 20 else ()
        return LineageNode(name, name, licenses=("MIT",), origin="derived" if bases else "pretrained", bases=bases)

    start = find("0-a")
    assert start is not None
    assert len(trace_lineage(start, find, CATALOG.find_license).ancestors) == 40


def test_an_ancestor_reached_twice_is_named_once_and_inherits_if_any_way_does() -> None:
    lineage = trace_in(
        CATALOG,
        LineageNode(
            "file",
            "A file",
            licenses=("MIT",),
            origin="derived",
            bases=(EntryBase("llama", "outputs"), EntryBase("vicuna", "fine-tune")),
        ),
    )
    llama = [each for each in lineage.ancestors if each.node.id == "llama"]
    assert [each.inherits for each in llama] == [True]


def test_a_license_that_says_all_its_base_demands_is_not_flagged() -> None:
    entry = CATALOG.find_model("stablevicuna")
    assert entry is not None
    assert trace_in(CATALOG, node_of_entry(entry)).flags == ()
    silent = replace(node_of_entry(entry), licenses=("CC-BY-NC-SA-4.0",))
    flags = trace_in(CATALOG, silent).flags
    assert {flag.kind for flag in flags} == {"claims-more"}
    assert all("research only" in flag.sentence for flag in flags)
