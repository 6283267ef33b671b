"""What was found outside the library and is not in it yet: models at the Hub, files of other apps; each with its
`CardText`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from desktop.byte_size import size_text
from desktop.catalog.base_model_name import NOT_NAMED, find_base
from desktop.catalog.catalog import Catalog, EntryBase
from desktop.catalog.lineage import Lineage, LineageNode, trace_in
from desktop.translation import tr, trn
from desktop.ui.models.fact_tables import Fact
from desktop.ui.models.model_text import CardText, StatusLabel
from desktop.ui.models.setup_steps import hub_page_url
from desktop.ui.parts.label import Tone
from desktop.ui.parts.step_row import StepButton
from desktop.ui.parts.terms_text import joined, license_label, restriction_badges

if TYPE_CHECKING:
    from desktop.hub.repository_info import SearchResult
    from desktop.library.other_apps import DiscoveredModel, SkippedFile

OTHER_APP_PREFIX = "file:"
"""Before the path of another app's file, in the place of a model's id."""
_MOST_LEFT_OUT = 50


@dataclass(frozen=True)
class SearchHit:
    """Something that was found: its text in the list, and what its page says. `buttons` are what can be done."""

    card_text: CardText
    summary: str
    facts: tuple[Fact, ...]
    buttons: tuple[StepButton, ...]
    note: str = ""


@dataclass(frozen=True)
class HitSection:
    """What one search found, under its heading. `empty` is said where nothing was."""

    heading: str
    findings: tuple[SearchHit, ...]
    empty: str = ""


# --- at the Hub ---


def hub_hits(words: str, found: "Iterable[SearchResult]", catalog: Catalog, endpoint: str) -> HitSection:
    """What a search of the Hub gave. What is known of each is what its card says: looking at it tells more."""
    findings = tuple(_of_hub(each, catalog, endpoint) for each in found)
    heading = tr("On the Hub, for “{words}” · {count}").format(words=words, count=len(findings))
    return HitSection(
        heading, findings, tr("The Hub has no GGUF model whose name holds “{words}”.").format(words=words)
    )


def _of_hub(found: "SearchResult", catalog: Catalog, endpoint: str) -> SearchHit:
    lineage = _lineage(found, catalog)
    publisher, _, name = found.id.partition("/")
    badges: list[tuple[str, Tone]] = [
        (_license_word(each, catalog), "quiet") for each in found.licenses if each != "other"
    ]
    badges += restriction_badges(lineage.restrictions)
    if not badges:
        badges.append((tr("License not named"), "warn"))
    gated: tuple[str, Tone] = {
        "auto": (tr("Gated: terms on its page"), "chosen"),
        "manual": (tr("Gated: its publisher approves"), "chosen"),
    }.get(str(found.gated), (tr("Open"), "quiet"))  # type: ignore[assignment]
    badges.append(gated)
    bases = [each.id if each.id != NOT_NAMED else tr("a base that is not named") for each in found.bases]
    if bases:
        badges.append((tr("built on {models}").format(models=joined(bases[:2])), "quiet"))
    downloads = trn("{count} download", "{count} downloads", found.downloads).format(count=f"{found.downloads:,}")
    origin = f"{publisher} · {downloads}"
    spoken = ", ".join([name, publisher, downloads, *(text for text, _ in badges)])
    drawn = CardText(found.id, name, origin, StatusLabel(tr("On the Hub")), tuple(badges), spoken, spoken)
    facts: tuple[Fact, ...] = (
        (tr("Repository"), found.id, hub_page_url(found.id, endpoint)),
        (tr("Publisher"), publisher, ""),
        (tr("License"), ", ".join(found.licenses) or tr("not named"), ""),
        (tr("Downloads"), f"{found.downloads:,}", ""),
        (tr("Changed"), found.changed[:10], ""),
    )
    look = StepButton(
        tr("See what it offers"), tr("Ask the Hub about {model}").format(model=found.id), "look", found.id
    )
    summary = tr("A model on the Hub. Its files, its gate and its terms are asked for when you want to see them.")
    return SearchHit(drawn, summary, tuple(fact for fact in facts if fact[1]), (look,))


def _license_word(name: str, catalog: Catalog) -> str:
    """A license as short words: by the catalog's id, where it knows what others call it."""
    known = catalog.find_license(name)
    return license_label(known.id if known is not None else name)


def _lineage(found: "SearchResult", catalog: Catalog) -> Lineage:
    ids = ((each, find_base(each.id, catalog)) for each in found.bases)
    bases = tuple(EntryBase(entry.id if entry is not None else each.id, each.relation) for each, entry in ids)
    known = tuple(own.id if (own := catalog.find_license(each)) else each for each in found.licenses)
    node = LineageNode(found.id, found.id.rpartition("/")[2], licenses=known, origin="derived" if bases else "unknown",
                bases=bases)  # fmt: skip
    return trace_in(catalog, node)


# --- on this disk ---


def other_app_hits(
    found: "Iterable[DiscoveredModel]", catalog: Catalog, left_out: "Sequence[SkippedFile]" = ()
) -> HitSection:
    """What other apps fetched, then what cannot be used and why. Those that the library has already are left out."""
    findings = tuple(_of_app(each, catalog) for each in found if not each.imported)
    heading = tr("Found on this computer · {count}").format(count=len(findings))
    empty = tr("No models of other apps were found that are not here already.")
    unusable = tuple(_unusable(each) for each in left_out[:_MOST_LEFT_OUT])
    if unusable and not findings:
        heading = empty + " " + trn(
            "{count} file could not be used.", "{count} files could not be used.", len(left_out)
        ).format(count=len(left_out))  # fmt: skip
    return HitSection(heading, findings + unusable, empty)


def _unusable(left_out: "SkippedFile") -> SearchHit:
    """Something that looks like a model, with what is wrong with it."""
    key = f"{OTHER_APP_PREFIX}{left_out.app}:{left_out.path}:{left_out.name}"
    app = left_out.app or tr("A folder")
    state = StatusLabel(tr("Cannot be used"))
    drawn = CardText(key, left_out.name, app, state, (), f"{left_out.name}, {app}", left_out.reason)
    return SearchHit(drawn, left_out.reason, ((tr("Place"), str(left_out.path), ""),), ())


def hit_key(path: Path) -> str:
    """What stands in the place of a model's id."""
    return f"{OTHER_APP_PREFIX}{path}"


def _of_app(found: "DiscoveredModel", catalog: Catalog) -> SearchHit:
    key = hit_key(found.path)
    known = catalog.find_license(found.license) if found.license else None
    badges: list[tuple[str, Tone]] = [(found.quantization, "quiet")] if found.quantization else []
    badges.append(
        (_license_word(found.license, catalog), "quiet") if found.license else (tr("License not named"), "warn")
    )
    badges += restriction_badges(known.restrictions) if known is not None else []
    app = found.app or tr("A folder")
    origin = f"{app} · {size_text(found.size, 'two')}"
    spoken = ", ".join([found.name, origin, *(text for text, _ in badges)])
    drawn = CardText(key, found.name, origin, StatusLabel(tr("Not added yet")), tuple(badges), spoken, spoken)
    facts: tuple[Fact, ...] = (
        (tr("Fetched by"), found.app, ""),
        (tr("Repository"), found.repository, ""),
        (tr("Architecture"), found.architecture, ""),
        (tr("Size"), size_text(found.size, "two"), ""),
        (tr("Place"), str(found.path), ""),
    )
    buttons = (
        StepButton(
            tr("Use it where it is"), tr("Use {model} where it is").format(model=found.name), "import", key, True
        ),
        StepButton(tr("Copy it"), tr("Copy {model} to Latchkey's models").format(model=found.name), "copy", key),
    )
    if found.app:
        note = tr("Used where it is, it takes no more space; when {app} removes it, it is gone here too.")
        summary = tr("A model file that {app} fetched. Its licenses are asked for as for any other.")
        note, summary = note.format(app=app), summary.format(app=app)
    else:
        note = tr("Used where it is, it takes no more space; when it is removed from there, it is gone here too.")
        summary = tr("A model file in a folder of yours. Its licenses are asked for as for any other.")
    return SearchHit(drawn, summary, tuple(fact for fact in facts if fact[1]), buttons, note)
