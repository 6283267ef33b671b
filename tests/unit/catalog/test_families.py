"""The families that local models grew from, as the catalog has them: license, gate, architecture, base, prompt.

What their publishers say stands here a second time, so that an entry cannot drift unseen. That each prompt renders and
each architecture loads is shown in `tests/families`.
"""

from functools import cache
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from desktop.catalog.catalog import Catalog
from desktop.catalog.catalog_file import read_catalog
from desktop.catalog.lineage import Lineage, node_of_entry, trace_in
from desktop.paths import find_paths


class Family(NamedTuple):
    licenses: tuple[str, ...]
    gate: str
    architecture: str
    base: tuple[tuple[str, str], ...]
    prompt: str
    restrictions: tuple[str, ...]


LLAMA, LLAMA_2 = "LicenseRef-LLaMA", "LicenseRef-Llama-2"
NC_SA, STABILITY = "CC-BY-NC-SA-4.0", "LicenseRef-Stability-NC-Research"
RESEARCH = ("research-only", "non-commercial", "attribution", "acceptable-use")
OUTPUTS = "no-output-training"
META = ("attribution", "acceptable-use", "user-cap")
FAMILIES = {
    "llama-7b": Family((LLAMA,), "click-through", "llama", (), "completion", RESEARCH),
    "llama-2-7b-chat": Family(
        (LLAMA_2,), "hub-manual", "llama", (("llama-2-7b", "fine-tune"),), "llama-2", (*META, OUTPUTS)
    ),
    "llama-3.2-3b-instruct": Family(
        ("LicenseRef-Llama-3.2",),
        "hub-manual",
        "llama",
        (("llama-3.2-3b", "fine-tune"),),
        "llama-3",
        (*META, "region"),
    ),
    "alpaca-7b": Family(
        ("CC-BY-NC-4.0", LLAMA),
        "open",
        "llama",
        (("llama-7b", "difference"), ("text-davinci-003", "outputs")),
        "alpaca",
        (*RESEARCH, OUTPUTS),
    ),
    "vicuna-7b-v1.3": Family(
        (LLAMA,), "open", "llama", (("llama-7b", "fine-tune"),), "vicuna-v1.1", (*RESEARCH, OUTPUTS)
    ),
    "vicuna-7b-v1.5": Family(
        (LLAMA_2,), "open", "llama", (("llama-2-7b", "fine-tune"),), "vicuna-v1.1", (*META, OUTPUTS)
    ),
    "stablevicuna-13b": Family(
        (NC_SA, LLAMA),
        "open",
        "llama",
        (("vicuna-13b-v0", "fine-tune"),),
        "stablevicuna",
        (*RESEARCH[:3], "share-alike", "acceptable-use", OUTPUTS),
    ),
    "stablelm-base-alpha-7b": Family(
        ("CC-BY-SA-4.0",), "open", "gptneox", (), "completion", ("attribution", "share-alike")
    ),
    "stablelm-tuned-alpha-7b": Family(
        (NC_SA,),
        "open",
        "gptneox",
        (("stablelm-base-alpha-7b", "fine-tune"),),
        "stablelm-tuned",
        ("non-commercial", "attribution", "share-alike", OUTPUTS),
    ),
    "stablelm-2-zephyr-1.6b": Family(
        (STABILITY,),
        "hub-auto",
        "stablelm",
        (("stablelm-2-1.6b", "fine-tune"),),
        "stablelm-2-zephyr",
        ("non-commercial", "attribution", "share-alike", "acceptable-use", OUTPUTS),
    ),
    "oasst-sft-4-pythia-12b": Family(
        ("Apache-2.0",), "open", "gptneox", (("pythia-12b-deduped", "fine-tune"),), "oasst-pythia", (OUTPUTS,)
    ),
    "oasst-sft-7-llama-30b": Family(
        (LLAMA,), "open", "llama", (("llama-30b", "difference"),), "oasst-llama", (*RESEARCH, OUTPUTS)
    ),
    "dolly-v2-3b": Family(("MIT",), "open", "gptneox", (("pythia-2.8b", "fine-tune"),), "dolly", ()),
    "pythia-6.9b": Family(("Apache-2.0",), "open", "gptneox", (("the-pile", "dataset"),), "completion", ()),
    "gpt-neox-20b": Family(("Apache-2.0",), "open", "gptneox", (("the-pile", "dataset"),), "completion", ()),
    "gpt-j-6b": Family(("Apache-2.0",), "open", "gptj", (("the-pile", "dataset"),), "completion", ()),
    "cerebras-gpt-1.3b": Family(("Apache-2.0",), "open", "gpt2", (("the-pile", "dataset"),), "completion", ()),
    "gpt-4": Family(("LicenseRef-OpenAI-Terms",), "closed", "", (), "", (OUTPUTS,)),
    "bard": Family(("LicenseRef-Google-Terms",), "closed", "", (), "", (OUTPUTS,)),
}


@cache
def catalog() -> Catalog:
    return read_catalog(find_paths().catalog, text_folders=[find_paths().resources]).catalog


def lineage_of(model_id: str) -> Lineage:
    entry = catalog().find_model(model_id)
    assert entry is not None, model_id
    return trace_in(catalog(), node_of_entry(entry))


@pytest.mark.parametrize("model_id", FAMILIES)
def test_a_family_is_in_the_catalog_as_its_publisher_describes_it(model_id: str) -> None:
    entry, expected = catalog().find_model(model_id), FAMILIES[model_id]
    assert entry is not None
    assert (entry.licenses, entry.gate, entry.architecture, entry.prompt) == (
        expected.licenses,
        expected.gate,
        expected.architecture,
        expected.prompt,
    )
    assert set(expected.base) <= {(base.id, base.relation) for base in entry.base}
    assert lineage_of(model_id).restrictions == expected.restrictions


def test_alpaca_is_non_commercial_by_itself_and_through_llama() -> None:
    terms = {(t.restriction, t.from_id, t.license) for t in lineage_of("alpaca-7b").terms}
    assert ("non-commercial", "alpaca-7b", "CC-BY-NC-4.0") in terms
    assert ("non-commercial", "llama-7b", LLAMA) in terms
    assert (OUTPUTS, "text-davinci-003", "LicenseRef-OpenAI-Terms") in terms


def test_a_distillation_that_says_mit_on_a_llama_is_flagged_where_it_does_not_name_llamas_license() -> None:
    entry = catalog().find_model("deepseek-r1-distill-llama-8b")
    assert entry is not None
    silent = trace_in(catalog(), node_of_entry(replace(entry, more_licenses=())))
    assert {flag.kind for flag in silent.flags} == {"claims-more"}
    assert not lineage_of(entry.id).flags, "its publisher names it"
    for lineage in (silent, lineage_of(entry.id)):
        assert "LicenseRef-Llama-3.1" in [license_ for license_, _ in lineage.licenses]


def test_no_ungated_copy_of_gated_weights_is_offered() -> None:
    """The files of a gated model come from its publisher or not at all."""
    for entry in catalog().model:
        if entry.gate in ("hub-auto", "hub-manual", "click-through") and entry.gguf:
            assert entry.gguf.split("/")[0].casefold() == entry.repository.split("/")[0].casefold(), entry.id


def test_there_are_many_of_todays_models_of_every_kind_to_run_on_a_laptop_or_one_gpu() -> None:
    today = [e for e in catalog().model if e.chat and e.runnable and e.gate != "closed" and e.published >= "2024"]
    assert len(today) >= 30
    for strength in ("general", "coding", "reasoning", "multilingual", "fully-open"):
        assert sum(strength in entry.strengths for entry in today) >= 3, strength
    assert min(entry.parameters for entry in today if entry.parameters) < 400_000_000
    assert any(60_000_000_000 < entry.parameters < 80_000_000_000 for entry in today)


def test_every_model_says_when_it_was_published_and_what_is_not_certain() -> None:
    for entry in catalog().model:
        assert entry.summary.endswith("."), entry.id
        assert entry.gate == "closed" or entry.prompt or not entry.runnable or entry.id == "latchkey-guide", entry.id


def test_the_id_of_a_model_of_this_year_is_its_repositorys_name_in_lower_case() -> None:
    this_year = [each for each in catalog().model if each.published >= "2026" and each.repository]
    assert len(this_year) > 30
    assert {each.id for each in this_year} == {each.repository.split("/")[1].lower() for each in this_year}
    muse = catalog().find_model("muse-glimmer-30b")
    assert muse is not None
    assert muse.publisher == "Meta"


def test_a_model_of_this_year_says_what_it_stands_on_and_what_it_does_not() -> None:
    """Each fact that nothing was compared with is owned up to."""
    for each in catalog().model:
        if each.published >= "2026" and each.chat and each.id != "latchkey-guide":
            assert each.evidence or each.unchecked, each.id
            assert not each.without_evidence or each.unchecked, each.id


def test_what_cannot_run_says_why() -> None:
    for model_id in ("gpt-j-6b", "gpt4all-j"):
        entry = catalog().find_model(model_id)
        assert entry is not None
        assert "gptj" in entry.not_runnable
