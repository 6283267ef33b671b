"""A small catalog with the shapes that lineage takes, for tests of it and of what rests on it."""

from desktop.catalog.catalog import Catalog, CatalogEntry, Dataset, EntryBase, License, LicenseClause
from desktop.catalog.license_terms import Gate, Relation, Restriction


def license_(id_: str, *restrictions: Restriction, attribution: str = "", hub: tuple[str, ...] = ()) -> License:
    """A license that restricts so, each in a clause of its own."""
    clauses = tuple(
        LicenseClause(restriction, f"{number}", f"It says {restriction}.", f"{restriction} it is")
        for number, restriction in enumerate(restrictions, 1)
    )
    return License(
        id_, f"The {id_} license", f"licenses/{id_}.txt", restriction=clauses, attribution=attribution, hub_ids=hub
    )


def model(
    id_: str,
    license_id: str,
    *bases: tuple[str, Relation],
    more: tuple[str, ...] = (),
    gate: Gate = "open",
    publisher: str = "Someone",
) -> CatalogEntry:
    """A model built on these."""
    built = tuple(EntryBase(name, relation) for name, relation in bases)
    return CatalogEntry(
        id_,
        id_.title(),
        "Family",
        publisher,
        license_id,
        gate,
        "A model.",
        "" if gate == "closed" else "llama",
        "derived" if any(base.inherits for base in built) else "pretrained",
        built,
        more,
        repository=f"{publisher.lower()}/{id_}",
    )


CATALOG = Catalog(
    1,
    license=(
        license_("MIT"),
        license_("Apache-2.0", hub=("apache-2.0",)),
        license_("CC-BY-NC-4.0", "attribution", "non-commercial"),
        license_("CC-BY-NC-SA-4.0", "attribution", "non-commercial", "share-alike"),
        license_("CC-BY-SA-3.0", "attribution", "share-alike"),
        license_("LicenseRef-LLaMA", "research-only", "non-commercial", "attribution", hub=("llama",)),
        license_("LicenseRef-Llama-3.2", "attribution", "acceptable-use", "user-cap", attribution="Built with Llama"),
        license_("LicenseRef-OpenAI-Terms", "no-output-training"),
        license_("LicenseRef-Unknown"),
    ),
    dataset=(
        Dataset("dolly-15k", "Dolly 15k", "Databricks", "CC-BY-SA-3.0"),
        Dataset("the-pile", "The Pile", "EleutherAI"),
    ),
    model=(
        model("text-davinci-003", "LicenseRef-OpenAI-Terms", gate="closed", publisher="OpenAI"),
        model("llama", "LicenseRef-LLaMA", gate="click-through", publisher="Meta"),
        model(
            "alpaca",
            "CC-BY-NC-4.0",
            ("llama", "difference"),
            ("text-davinci-003", "outputs"),
            more=("LicenseRef-LLaMA",),
        ),
        model("vicuna", "LicenseRef-LLaMA", ("llama", "fine-tune")),
        model("stablevicuna", "CC-BY-NC-SA-4.0", ("vicuna", "fine-tune"), more=("LicenseRef-LLaMA",)),
        model("llama-3.2", "LicenseRef-Llama-3.2", gate="hub-manual", publisher="Meta"),
        model("pythia", "Apache-2.0", ("the-pile", "dataset")),
        model("dolly", "MIT", ("pythia", "fine-tune"), ("dolly-15k", "dataset")),
        model("merged", "Apache-2.0", ("dolly", "merge"), ("llama-3.2", "merge")),
    ),
)
