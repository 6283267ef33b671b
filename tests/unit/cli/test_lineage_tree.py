"""A lineage as text: every ancestor under what was built on it, each term at the one that brings it."""

from desktop.catalog.catalog import EntryBase
from desktop.catalog.lineage import Lineage, LineageNode, node_of_entry, trace_in, trace_lineage
from desktop.cli.models_show_command import lineage_tree
from tests.unit.catalog.families import CATALOG


def tree_of(model_id: str) -> list[str]:
    entry = CATALOG.find_model(model_id)
    assert entry is not None
    return lineage_tree(trace_in(CATALOG, node_of_entry(entry)))


def line_with(lines: list[str], text: str) -> str:
    (found,) = [line for line in lines if text in line]
    return found


def depth(line: str) -> int:
    return len(line) - len(line.lstrip(" │├└─•"))


def test_each_generation_stands_further_in_than_what_was_built_on_it() -> None:
    lines = tree_of("stablevicuna")
    named = [line for line in lines if "─ " in line]
    assert lines[0].startswith("  Stablevicuna, Someone, CC-BY-NC-SA-4.0")
    assert [line.strip(" │├└─").split(",")[0] for line in named] == ["Vicuna", "Llama"]
    assert depth(lines[0]) < depth(named[0]) < depth(named[1])


def test_a_term_stands_once_at_the_oldest_that_brings_its_license_with_its_clause() -> None:
    lines = tree_of("stablevicuna")
    term = line_with(lines, "research-only")
    llama = lines.index(line_with(lines, "─ Llama,"))
    assert lines.index(term) > llama
    assert "LicenseRef-LLaMA" in " ".join(lines[lines.index(term) : lines.index(term) + 2])


def test_of_a_merge_both_sides_are_branches() -> None:
    merged = LineageNode(
        "m", "Merged", bases=(EntryBase("a", "merge"), EntryBase("b", "merge")), origin="derived", licenses=("MIT",)
    )
    nodes = {"a": LineageNode("a", "Left", licenses=("MIT",)), "b": LineageNode("b", "Right", licenses=("MIT",))}
    lines = lineage_tree(trace_lineage(merged, nodes.get, CATALOG.find_license))
    assert "├─ Left" in line_with(lines, "Left")
    assert "└─ Right" in line_with(lines, "Right")


def test_a_circle_and_a_base_that_nobody_knows_end_in_a_tree() -> None:
    nodes = {
        "a": LineageNode("a", "A", bases=(EntryBase("b", "fine-tune"),)),
        "b": LineageNode("b", "B", bases=(EntryBase("a", "fine-tune"),)),
    }
    lines = lineage_tree(trace_lineage(nodes["a"], nodes.get, CATALOG.find_license))
    assert "B" in lines[1]
    stranger = LineageNode("x", "X", bases=(EntryBase("who/knows", "fine-tune"),))
    unknown = lineage_tree(trace_lineage(stranger, lambda _: None, CATALOG.find_license))
    assert "who/knows" in unknown[1]
    assert "knows nothing of it" in unknown[1]
    assert "license not known" in unknown[0]


def test_a_model_built_on_nothing_is_one_line() -> None:
    assert lineage_tree(Lineage(LineageNode("x", "X", "Somebody", licenses=("MIT",), gate="open"))) == [
        "  X, Somebody, MIT, open"
    ]


def test_no_line_is_wider_than_a_terminal() -> None:
    for entry in CATALOG.model:
        assert all(len(line) <= 100 for line in tree_of(entry.id))
