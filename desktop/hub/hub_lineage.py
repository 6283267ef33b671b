"""The lineage of a model that no catalog has: read from its card, its tags and its header, and from those of its bases.

Bases are asked for anonymously: their terms are public. What the catalog knows is taken from the catalog, where people
checked it; what nobody knows stays unknown, and is never taken for open.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from desktop.catalog.base_model_name import base_model_name, find_base
from desktop.catalog.catalog import Catalog, CatalogEntry, EntryBase
from desktop.catalog.license_terms import Gate, strictest
from desktop.catalog.lineage import Lineage, LineageNode, node_in, node_of_entry, trace_lineage
from desktop.engine.gguf_header import GgufHeader
from desktop.errors import AccessError, NotFoundError
from desktop.hub.hub_client import HubClient
from desktop.hub.repository import Repository, is_repository_id
from desktop.hub.repository_info import CardBase, RepositoryInfo

DEEPEST = 8
MOST_LOOKUPS = 32
"""Repositories that are asked for in one lineage; beyond that its ancestors stay unknown."""

GATES: Mapping[str | bool, Gate] = {False: "open", "auto": "hub-auto", "manual": "hub-manual"}
"""What the Hub says of a repository's gate, in the catalog's words."""


def node_of(info: RepositoryInfo, catalog: Catalog, header: GgufHeader | None = None) -> LineageNode:
    """A repository as a node of lineage. What the header of one of its files names is added to what the card says."""
    entry = _entry(info.id, catalog)
    own = entry is not None and entry.repository.casefold() == info.id.casefold()
    named = {base.id.casefold(): base for base in info.bases}
    for name in map(base_model_name, header.base_models if header is not None else ()):
        named.setdefault(name.casefold(), CardBase(name, "quantization"))
    named.pop(info.id.casefold(), None)
    bases = {known: EntryBase(known, base.relation) for base in named.values() if (known := known_id(base.id, catalog))}
    if entry is not None and not own:
        # Quantizations that the catalog itself points to, whatever their card leaves out.
        bases.setdefault(entry.id, EntryBase(entry.id, "quantization"))
    data = tuple(EntryBase(_dataset_id(name, catalog), "dataset") for name in info.datasets)
    publisher, _, name = info.id.partition("/")
    node = LineageNode(
        id=entry.id if entry is not None and own else info.id,
        name=name,
        publisher=publisher,
        repository=info.id,
        licenses=_licenses(info, catalog, header),
        gate=GATES[info.gated],
        origin="derived" if bases else "unknown",
        bases=(*bases.values(), *data),
    )
    return _stricter(node, node_of_entry(entry)) if entry is not None and own else node


def known_id(repository: str, catalog: Catalog) -> str:
    """The catalog's id for a model in this repository, however that is spelled, else the repository itself."""
    entry = find_base(repository, catalog)
    return entry.id if entry is not None else repository


@dataclass
class HubLineage:
    """Follows bases over the Hub. One value for one question: it remembers what was asked."""

    hub: HubClient
    catalog: Catalog
    stop: threading.Event | None = None

    def __post_init__(self) -> None:
        self._known: dict[str, LineageNode | None] = {}
        self._depths: dict[str, int] = {}
        self._lookups = 0

    def trace(self, info: RepositoryInfo, header: GgufHeader | None = None) -> Lineage:
        """The lineage of the model in `info`. Raises NetworkError where the Hub could not be asked about a base: what
        could not be asked is not recorded as unknown."""
        return self._trace(node_of(info, self.catalog, header))

    def nodes(self, start: LineageNode) -> tuple[LineageNode, ...]:
        """Every known ancestor of `start` as a node, oldest first. Raises NetworkError as `trace` does."""
        return tuple(each.node for each in self._trace(start).ancestors if each.known)

    def _trace(self, start: LineageNode) -> Lineage:
        self._remember_depth(start, 0)
        return trace_lineage(start, self._find, self.catalog.find_license)

    def _find(self, node_id: str) -> LineageNode | None:
        if (known := node_in(self.catalog, node_id)) is not None:
            return known
        if node_id not in self._known:
            self._known[node_id] = self._ask(node_id)
        return self._known[node_id]

    def _ask(self, node_id: str) -> LineageNode | None:
        depth = self._depths.get(node_id)
        if depth is None or depth > DEEPEST or self._lookups >= MOST_LOOKUPS or not is_repository_id(node_id):
            return None
        self._lookups += 1
        try:
            info = self.hub.info(Repository(self.hub.endpoint, node_id), anonymous=True, stop=self.stop)
        except (NotFoundError, AccessError):
            return None
        node = node_of(info, self.catalog)
        # The Hub answers for a renamed repository under its new name.
        node = replace(node, id=node_id)
        self._remember_depth(node, depth)
        return node

    def _remember_depth(self, node: LineageNode, depth: int) -> None:
        for base in node.bases:
            # Data is not asked for: it is shown by its name.
            if base.inherits:
                self._depths[base.id] = min(self._depths.get(base.id, depth + 1), depth + 1)


def _stricter(card: LineageNode, entry: LineageNode) -> LineageNode:
    """The catalog's entry, and whatever license and base the card names besides."""
    bases = {base.id: base for base in (*card.bases, *entry.bases) if base.id != entry.id}
    licenses = dict.fromkeys((*entry.licenses, *card.licenses))
    return replace(entry, licenses=tuple(licenses), bases=tuple(bases.values()), gate=strictest(card.gate, entry.gate))


def _licenses(info: RepositoryInfo, catalog: Catalog, header: GgufHeader | None) -> tuple[str, ...]:
    """By the catalog's ids where it knows them, else as they are called. A header that says another one adds it."""
    named = [each for each in info.licenses if each.casefold() != "other"]
    if info.license_name and (not named or len(named) < len(info.licenses)):
        named.append(info.license_name)
    if header is not None:
        own = header.license if header.license.casefold() != "other" else ""
        named += [name for name in (own or header.license_name,) if name]
    known = (license_.id if (license_ := catalog.find_license(name)) else name for name in named)
    return tuple(dict.fromkeys(known))


def _entry(repository: str, catalog: Catalog) -> CatalogEntry | None:
    wanted = repository.casefold()
    return next((each for each in catalog.model if wanted in (each.repository.casefold(), each.gguf.casefold())), None)


def _dataset_id(name: str, catalog: Catalog) -> str:
    """The catalog's id for a dataset where it is called by its last word, else its name on the Hub."""
    last = name.rpartition("/")[2].casefold()
    return next((each.id for each in catalog.dataset if each.id.casefold() == last), name)
