"""One lookup of a model at the Hub: its files, its license's exact text, and its lineage, read and kept as values."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from desktop.catalog.catalog import Catalog, CatalogEntry, copied_models
from desktop.catalog.lineage import LineageNode
from desktop.engine.gguf_header import GgufHeader
from desktop.errors import AccessError, EngineError, NotFoundError
from desktop.hub.hub_client import HubClient
from desktop.hub.hub_lineage import HubLineage, node_of
from desktop.hub.repository import Repository, is_repository_id
from desktop.hub.repository_files import RepositoryFile
from desktop.hub.repository_info import RepositoryInfo
from desktop.library.hardware_fit import dimensions_of
from desktop.library.hub_records import HubFileRecord, HubRecord, HubRecords, PublisherTextRecord
from desktop.library.network_services import NetworkServices
from desktop.licenses.license_texts import LicenseTexts

_PREFERRED = ("Q4_K_M", "Q5_K_M", "Q8_0", "Q4_0")


class PolicyNames:
    """`listed` gives the names. Each is asked for once while this process runs. For any number of threads."""

    def __init__(self, online: NetworkServices, listed: Callable[[], tuple[str, ...]]) -> None:
        self._online, self._listed = online, listed
        self._now: dict[tuple[str, str], str] = {}

    def with_policy_names(self, known: HubRecord, stop: threading.Event | None) -> HubRecord:
        """`known` with each listed name that is one of its own, or of what it was built on. Raises what asking the Hub
        does: not knowing would let through what is forbidden."""
        own = {known.repository.casefold()}
        bases = {name.casefold() for each in known.ancestors for name in (each.id, each.repository) if name}
        names, base_names = list(known.names), list(known.base_names)
        for name in filter(is_repository_id, self._listed()):
            now = self._resolved(name, stop).casefold()
            if now in own and name.casefold() not in known.all_names:
                names.append(name)
            elif now in bases and name not in base_names:
                base_names.append(name)
        return msgspec.structs.replace(known, names=tuple(names), base_names=tuple(base_names))

    def _resolved(self, name: str, stop: threading.Event | None) -> str:
        """What the repository of this name is called now; "" where the Hub shows none."""
        hub = self._online.hub
        key = (hub.endpoint, name.casefold())
        if key not in self._now:
            try:
                self._now[key] = hub.info(Repository(hub.endpoint, name), anonymous=True, stop=stop).id
            except (NotFoundError, AccessError):
                self._now[key] = ""
        return self._now[key]


@dataclass(frozen=True)
class RepositoryReader:
    """Asks `hub`, keeps license texts in `texts`. For one question."""

    hub: HubClient
    catalog: Catalog
    texts: LicenseTexts
    hub_records: HubRecords
    stop: threading.Event | None = None

    def read(self, repository: Repository, entry: CatalogEntry | None, before: HubRecord | None) -> HubRecord:
        """The model in `repository`, which is the catalog's `entry` where there is one. `before` is what was known.

        Raises what asking the Hub does: a partial answer would be taken for a complete one.
        """
        info = self.hub.info(repository, stop=self.stop)
        # The Hub answers for a renamed repository under its new name, which may be one that the catalog knows.
        entry = entry or entry_of_repository(info.id, self.catalog)
        before = before or self.hub_records.of_hub(info.hub_id, self.hub.endpoint)
        if before is not None and not _still(before, info, repository.id):
            before = None  # another repository has taken the name over
        publisher = self._publisher(info, entry)
        gated = self._gated(publisher, info, entry)
        header, problem = self._header(info, before)
        if header is None and before is not None and before.commit == info.sha:
            node, architecture, measure = before.node, before.architecture, before.measure
            length, template = before.context_length, before.has_template
        else:
            node = node_of(info, self.catalog, header)
            architecture = header.architecture if header is not None else ""
            length = header.context_length if header is not None else 0
            template = header is not None and header.has_template
            measure = dimensions_of(header) if header is not None else None
        if entry is not None:
            # The catalog's entry is the model, whichever of its repositories holds the files.
            node = replace(node, id=entry.id, name=entry.name, publisher=entry.publisher)
            ancestors: tuple[LineageNode, ...] = ()
        else:
            # A model keeps the id under which things were accepted for it, though its repository was renamed.
            known = before.id if before is not None and self.catalog.find_model(before.id) is None else ""
            node = replace(node, id=known or info.id)
            ancestors = HubLineage(self.hub, self.catalog, self.stop).nodes(node)
        text, node = self._text(publisher, entry, node, before)
        return HubRecord(
            id=node.id,
            repository=info.id,
            commit=info.sha,
            gated=info.gated,
            node=node,
            ancestors=tuple(each for each in ancestors if each.kind == "model"),
            files=tuple(HubFileRecord(each.name, each.quantization, each.size, each.parts) for each in info.files),
            left_out=info.skipped,
            gate_prompt=info.gate_prompt or (gated.gate_prompt if gated is not None else ""),
            gate_fields=info.gate_fields or (gated.gate_fields if gated is not None else ()),
            gate_repository=gated.id if gated is not None else "",
            text=text,
            access=before.access if before is not None else None,
            architecture=architecture,
            context_length=length,
            has_template=template,
            measure=measure,
            not_runnable=problem,
            chosen=before.chosen if before is not None and before.repository == info.id else "",
            downloads=info.downloads,
            looked=time.time(),
            endpoint=self.hub.endpoint,
            names=_other_names(info.id, repository.id, before),
            base_names=before.base_names if before is not None else (),
            hub_id=info.hub_id,
            projectors=info.projectors,
        )

    def _publisher(self, info: RepositoryInfo, entry: CatalogEntry | None) -> RepositoryInfo | None:
        """The repository of the model's own publisher, where its license lies; None where it is not to be seen."""
        if entry is None or not entry.repository or entry.repository.casefold() == info.id.casefold():
            return info
        return self._seen(entry.repository)

    def _gated(
        self, publisher: RepositoryInfo | None, info: RepositoryInfo, entry: CatalogEntry | None
    ) -> RepositoryInfo | None:
        """Whose gate stands before these files besides their own: that of the publisher of any model that they are a
        copy of, whatever a catalog of the person's own says; None where none does."""
        hashes = [part.sha256 for file in info.files for part in file.parts]
        names = (info.id, entry.gguf if entry is not None else "")
        others = [each.repository for each in copied_models(self.catalog, names, hashes)]
        seen = {info.id.casefold(): None} | ({publisher.id.casefold(): publisher} if publisher is not None else {})
        for name in dict.fromkeys((*others, entry.repository if entry is not None else "")):
            key = name.casefold()
            found = (seen[key] if key in seen else self._seen(name)) if name else None
            if found is not None and found.gated is not False and found.id.casefold() != info.id.casefold():
                return found
        return None

    def _seen(self, repository: str) -> RepositoryInfo | None:
        try:
            return self.hub.info(Repository(self.hub.endpoint, repository), stop=self.stop)
        except (NotFoundError, AccessError):
            return None

    def _header(self, info: RepositoryInfo, before: HubRecord | None) -> tuple[GgufHeader | None, str]:
        """What a file of it says of itself, and why it cannot run here ("" where nothing speaks against it)."""
        if before is not None and before.commit == info.sha and before.measure is not None:
            return None, before.not_runnable
        file = _to_read(info.files)
        if file is None:
            return None, ""
        try:
            return self.hub.header(info, file, stop=self.stop), ""
        except (AccessError, NotFoundError):
            return None, ""  # a gate stands before the file: what the card says has to do until it opens
        except EngineError as error:
            return None, " ".join(part for part in (error.title, error.detail) if part)

    def _text(
        self, publisher: RepositoryInfo | None, entry: CatalogEntry | None, node: LineageNode, before: HubRecord | None
    ) -> tuple[PublisherTextRecord | None, LineageNode]:
        """The publisher's own text, kept byte for byte; and the node, with a license of its own where no card names
        one."""
        kept = before.text if before is not None else None
        if publisher is None:
            return kept, node
        try:
            found = self.hub.license_text(publisher, stop=self.stop)
        except (AccessError, NotFoundError):
            return kept, node
        if found is None or not found[1].strip():
            return None, node
        name, data = found
        named = entry.license if entry is not None else node.licenses[0] if node.licenses else ""
        if not named:
            named = _unnamed(before) or "LicenseRef-" + publisher.id.replace("/", "-")
            node = replace(node, licenses=(named,))
        sha256 = self.texts.store(data)
        source = f"{self.hub.endpoint}/{publisher.id}/blob/{publisher.sha}/{name}"
        return PublisherTextRecord(named, name, sha256, source, datetime.now(UTC).date().isoformat()), node


def _still(before: HubRecord, info: RepositoryInfo, asked: str) -> bool:
    """Whether the Hub's answer to the name `asked` is about the repository that `before` was."""
    if before.hub_id and info.hub_id:
        return before.hub_id == info.hub_id
    led_on = info.id.casefold() != asked.casefold()
    return led_on or before.repository.casefold() == info.id.casefold()


def _unnamed(before: HubRecord | None) -> str:
    """The id under which the text of a license without a name was accepted, whatever the repository is called now."""
    text = before.text.license if before is not None and before.text is not None else ""
    return text if before is not None and text == "LicenseRef-" + before.id.replace("/", "-") else ""


def _other_names(now: str, asked: str, before: HubRecord | None) -> tuple[str, ...]:
    former = (asked, before.repository, *before.names) if before is not None else (asked,)
    return tuple({each.casefold(): each for each in former if each.casefold() != now.casefold()}.values())


def entry_of_repository(repository: str, catalog: Catalog) -> CatalogEntry | None:
    """The catalog's model whose files lie in this repository."""
    wanted = repository.casefold()
    copies = (each for each in catalog.model if each.gguf.casefold() == wanted)
    originals = (each for each in catalog.model if each.repository.casefold() == wanted and not each.gguf)
    return next(copies, None) or next(originals, None)


def _to_read(files: tuple[RepositoryFile, ...]) -> RepositoryFile | None:
    """The file whose header stands for all: the headers of quantizations differ in little but their tensors' types."""
    for wanted in _PREFERRED:
        if (found := next((each for each in files if each.quantization == wanted), None)) is not None:
            return found
    return files[0] if files else None
