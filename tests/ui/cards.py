"""Cards made from small catalogs, judged by the real door; nothing of them is on a disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from desktop.catalog.catalog import Catalog, CatalogEntry, Dataset, EntryBase, EntryFile, License, LicenseClause
from desktop.library.library_model import LibraryCard, LibraryModel, ListedModel
from desktop.library.subject_builder import subject_of_entry
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.ledger_seal import LedgerCheck
from desktop.licenses.ledger_state import Acknowledgement, AcknowledgementStatus, LedgerState
from desktop.licenses.license_verdict import decide
from desktop.licenses.policy import Policy

LICENSES = (
    License("Apache-2.0", "Apache License 2.0", "a.txt"),
    License(
        "LicenseRef-LLaMA",
        "LLaMA License Agreement (2023)",
        "l.txt",
        restriction=(LicenseClause("research-only", "1.a", "For research.", "research"),),
    ),
    License(
        "CC-BY-NC-SA-4.0",
        "CC BY-NC-SA 4.0",
        "c.txt",
        restriction=(LicenseClause("non-commercial", "1(k)", "Not for money.", "commercial"),),
    ),
    License(
        "LicenseRef-Llama-3.2",
        "Llama 3.2 Community License",
        "m.txt",
        restriction=(
            LicenseClause("attribution", "1.b.i", "Say so.", "Built"),
            LicenseClause("acceptable-use", "Acceptable Use Policy", "Behave.", "use"),
        ),
        attribution="Built with Llama",
    ),
    License(
        "LicenseRef-OpenAI-Terms",
        "OpenAI terms",
        restriction=(LicenseClause("no-output-training", "2(c)", "Not to train others.", "train"),),
    ),
)
GUIDE = CatalogEntry(
    "latchkey-guide",
    "Latchkey Guide",
    "Latchkey",
    "Latchkey",
    "Apache-2.0",
    "open",
    "A small model that knows Latchkey.",
    "llama",
    file=(EntryFile("guide.gguf", "Q8_0", 6_000_000, "ab" * 32, "builtin/guide.gguf"),),
)
LLAMA = CatalogEntry(
    "llama-13b", "LLaMA 13B", "LLaMA", "Meta AI", "LicenseRef-LLaMA", "click-through", "A base.", "llama"
)
VICUNA = CatalogEntry(
    "vicuna-13b",
    "Vicuna 13B v0",
    "Vicuna",
    "LMSYS",
    "LicenseRef-LLaMA",
    "open",
    "A chat model.",
    "llama",
    origin="derived",
    base=(EntryBase("llama-13b", "difference"), EntryBase("sharegpt", "dataset"), EntryBase("gpt-4", "outputs")),
)
STABLE_VICUNA = CatalogEntry(
    "stablevicuna-13b",
    "StableVicuna 13B",
    "StableVicuna",
    "CarperAI",
    "CC-BY-NC-SA-4.0",
    "open",
    "A chat model from 2023, fine-tuned with human feedback.",
    "llama",
    origin="derived",
    base=(EntryBase("vicuna-13b", "fine-tune"),),
    more_licenses=("LicenseRef-LLaMA",),
    parameters=13_015_864_320,
    context_length=2048,
    languages=("de",),
    published="2023-04-28",
    repository="CarperAI/stable-vicuna-13b-delta",
    file=(EntryFile("stablevicuna.Q4_K_M.gguf", "Q4_K_M", 7_400_000_000, ""),),
    unchecked=("which data its reward model was trained on",),
)
LLAMA_32 = CatalogEntry(
    "llama-3.2-3b",
    "Llama 3.2 3B",
    "Llama 3.2",
    "Meta",
    "LicenseRef-Llama-3.2",
    "hub-manual",
    "A small assistant.",
    "llama",
    repository="meta-llama/Llama-3.2-3B",
)
COPY = CatalogEntry(
    "free-llama",
    "Free Llama",
    "Llama 3.2",
    "Somebody",
    "Apache-2.0",
    "open",
    "A copy that says it is free.",
    "llama",
    origin="derived",
    base=(EntryBase("llama-3.2-3b", "quantization"),),
)
GPT_4 = CatalogEntry("gpt-4", "GPT-4", "GPT-4", "OpenAI", "LicenseRef-OpenAI-Terms", "closed", "Never published.")
GPT_J = CatalogEntry(
    "gpt-j",
    "GPT-J 6B",
    "GPT-J",
    "EleutherAI",
    "Apache-2.0",
    "open",
    "An old one.",
    not_runnable="llama.cpp has no graph.",
)
MODELS = (GUIDE, LLAMA, VICUNA, STABLE_VICUNA, LLAMA_32, COPY, GPT_4, GPT_J)
DATA = (Dataset("sharegpt", "ShareGPT", "many people"),)


def text_sha256(license_id: str) -> str:
    return hashlib.sha256(license_id.encode()).hexdigest()


def catalog_of(*models: CatalogEntry) -> Catalog:
    return Catalog(1, LICENSES, (), DATA, models)


def card_of(
    entry: CatalogEntry,
    catalog: Catalog | None = None,
    *,
    here: bool = False,
    accepted: Mapping[str, AcknowledgementStatus] | None = None,
    old_text: bool = False,
    purpose: str = "research",
    policy: Policy | None = None,
) -> LibraryCard:
    """One card. `accepted` says how licenses stand that were accepted once; `old_text`: it was another text then."""
    subject = subject_of_entry(entry, catalog or catalog_of(*MODELS), text_sha256)
    standing = {}
    for number, (license_id, status) in enumerate((accepted or {}).items(), 1):
        record = LedgerRecord(
            event="acknowledged",
            model=entry.id,
            license=license_id,
            text_sha256="0" * 64 if old_text else text_sha256(license_id),
            person="Ada Lovelace",
            purpose=purpose,
            seq=number,
            time="2026-03-14T12:00:00Z",
            os_user="ada",
            app_version="0",
            previous="0" * 64,
            hash="1" * 64,
        )
        standing[entry.id, license_id] = Acknowledgement(record, status, record)
    state = LedgerState(LedgerCheck(True, len(standing)), standing)
    verdict = decide(subject, state, policy or Policy(), lambda license_id: [license_id])
    model = LibraryModel(
        id=entry.id,
        name=entry.name,
        publisher=entry.publisher,
        quantization="Q4_K_M",
        path=Path("/models") / f"{entry.id}.gguf",
        size=2_000_000_000,
        license=entry.license,
        restrictions=subject.lineage.restrictions,
        built_in=entry is GUIDE,
        imported=entry is not GUIDE,
        attribution=subject.attribution,
    )
    return LibraryCard(ListedModel(subject, entry, model if here else None), verdict)


def all_cards(*changed: LibraryCard) -> list[LibraryCard]:
    """A card for each model, the guide on this computer and ready; `changed` ones in place of theirs, first."""
    own = {card.listed.subject.id: card for card in changed}
    cards = [
        card_of(entry, here=entry is GUIDE, accepted={"Apache-2.0": "in-force"} if entry is GUIDE else None)
        for entry in MODELS
        if entry.id not in own
    ]
    return [*changed, *cards]
