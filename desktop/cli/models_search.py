"""`latchkey models search`: repositories at the Hub with files that Latchkey can run."""

from argparse import Namespace

import msgspec

from desktop.catalog.base_name import find_base
from desktop.catalog.lineage import node_of_entry, trace_in
from desktop.catalog.terms import Restriction
from desktop.cli.layout import paragraph
from desktop.cli.models_list import in_short
from desktop.cli.tools import Tools
from desktop.cli.typed import clean
from desktop.hub.information import Found
from desktop.hub.lineage import GATES
from desktop.licenses.subject import UNKNOWN
from desktop.translation import tr

_SHRINKING = (2, 3)


class FoundModel(msgspec.Struct, frozen=True):
    """A repository as `models search --json` gives it: fields and their names are part of the command's contract.

    `license` is as its publisher names it, None where nobody does. `base` is the catalog's model that it was made of,
    `restrictions` are that one's; None where the catalog does not know what it was made of, and so not its terms.
    """

    id: str
    gate: str
    license: str | None
    base: str | None
    restrictions: tuple[Restriction, ...] | None
    downloads: int
    likes: int
    changed: str | None


def run(options: Namespace, tools: Tools) -> None:
    """Ask the Hub. Raises ForbiddenError offline, and NetworkError."""
    text = clean(" ".join(options.text))
    tools.output.progress(tr("Asking {host}…").format(host=tools.online.host))
    found = [_described(each, tools) for each in tools.online.hub.search(text, options.limit)]
    if options.json:
        tools.output.json(found)
        return
    if not found:
        tools.output.note(tr("Nothing was found. Search for fewer words, or paste the address of a model’s page."))
        return
    header = (tr("NAME"), tr("GATE"), tr("LICENSE"), tr("RESTRICTIONS"), tr("DOWNLOADS"))
    tools.output.table([header, *(_row(each) for each in found)], _SHRINKING)
    for line in paragraph(
        tr("“latchkey models get NAME” fetches one. Its license and what it was made of are looked at before.")
    ):
        tools.output.dim(line + "\n")


def _described(found: Found, tools: Tools) -> FoundModel:
    names = [found.id, *(base.id for base in found.bases)]
    entry = next((entry for name in names if (entry := find_base(name, tools.library.catalog)) is not None), None)
    catalog = tools.library.catalog
    named = next((name for name in found.licenses if name), None)
    license_ = catalog.find_license(named) if named else None
    return FoundModel(
        id=found.id,
        gate=GATES[found.gated],
        license=license_.id if license_ and license_.id != UNKNOWN else named,
        base=entry.id if entry else None,
        restrictions=trace_in(catalog, node_of_entry(entry)).restrictions if entry else None,
        downloads=found.downloads,
        likes=found.likes,
        changed=found.changed or None,
    )


def _row(found: FoundModel) -> tuple[str, ...]:
    license_ = (found.license or tr("unknown")).removeprefix("LicenseRef-")
    restrictions = tr("not known yet") if found.restrictions is None else in_short(found.restrictions)
    return found.id, found.gate, license_, restrictions, f"{found.downloads:,}"
