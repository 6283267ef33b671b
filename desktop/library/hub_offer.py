"""What the Hub offers of a model, as a value: its files with how each suits this machine, and the way to them."""

from dataclasses import dataclass
from typing import Literal

from desktop.catalog.quantization import is_quantization_aware, quality_of
from desktop.hub.repository_access import RepositoryAccess, access_in_state, access_revoked, was_revoked
from desktop.hub.repository_files import FilePart
from desktop.library.download_records import projector_of
from desktop.library.hardware_fit import HardwareFit, HardwareLimits, fit_of, fit_of_size, recommended_file
from desktop.library.hub_records import HubFileRecord, HubRecord


@dataclass(frozen=True)
class OfferedFile:
    """A model file that could be fetched. `size` in bytes of all parts, 0 unknown; `fit` how it suits this machine,
    `quality` a sentence on what its quantization costs ("" where its name says none)."""

    name: str
    quantization: str
    size: int
    parts: tuple[FilePart, ...]
    fit: HardwareFit
    quality: str = ""


@dataclass(frozen=True)
class HubOffer:
    """What can be had of a model at one commit.

    `recommended` is the name of the file to take, "" where none fits. `access` is what was last said about access,
    `checked` when (seconds since 1970, 0 never), `asked` how often since it changed, `taken_back` whether there was
    access once. `skipped` are files that cannot be offered. `license_file` is the publisher's own license in the
    repository, "" for none; `page` the repository in a browser; `looked` when the Hub was asked (since 1970).
    """

    model_id: str
    name: str
    repository: str
    commit: str
    gated: Literal[False, "auto", "manual"]
    files: tuple[OfferedFile, ...]
    recommended: str
    access: RepositoryAccess | None
    checked: float
    checks_since_change: int
    access_revoked: bool
    gate_prompt: str
    gate_fields: tuple[str, ...]
    skipped: tuple[str, ...]
    license_file: str
    page: str
    looked_up_at: float

    def file(self, name: str) -> OfferedFile | None:
        """The file of this name or quantization; the recommended one, else the first, for ""."""
        wanted = (name or self.recommended).casefold()
        for each in self.files:
            base = each.name.rpartition("/")[2].casefold()
            if wanted in (each.name.casefold(), base, each.quantization.casefold()):
                return each
        return self.files[0] if self.files and not name else None


def offer_of(known: HubRecord, machine: HardwareLimits) -> HubOffer:
    """What is known of a model, as an offer for `machine`."""
    files = tuple(_offered(each, known, machine) for each in known.files)
    sizes = [(each.name, each.quantization, each.size) for each in known.files]
    chosen = recommended_file(sizes, machine, known.measure)
    access = last_access(known)
    return HubOffer(
        model_id=known.id,
        name=known.node.name,
        repository=known.repository,
        commit=known.commit,
        gated=known.gated,
        files=files,
        recommended=chosen,
        access=access,
        checked=known.access.time if known.access is not None else 0.0,
        checks_since_change=known.access.asked if known.access is not None else 0,
        access_revoked=access_was_revoked(known),
        gate_prompt=known.gate_prompt,
        gate_fields=known.gate_fields,
        skipped=known.left_out,
        license_file=known.text.file if known.text is not None else "",
        page=f"{known.endpoint}/{known.repository}",
        looked_up_at=known.looked,
    )


def last_access(known: HubRecord) -> RepositoryAccess | None:
    """What was last said about access, in words; None where it was never asked."""
    if known.access is None:
        return None
    record = known.access
    access = access_in_state(record.state, record.message, repository=record.repository, endpoint=known.endpoint)
    return access_revoked(access, record.repository) if access_was_revoked(known) else access


def access_was_revoked(known: HubRecord) -> bool:
    """Whether there was access once, and the publisher's decision ended it."""
    record = known.access
    if record is None or not record.granted_once:
        return False
    now = access_in_state(record.state, record.message, repository=record.repository, endpoint=known.endpoint)
    return was_revoked("granted", now)


def _offered(file: HubFileRecord, known: HubRecord, machine: HardwareLimits) -> OfferedFile:
    measure = known.measure
    quality = quality_of(file.quantization, trained_for_it=is_quantization_aware(file.name, known.repository))
    sentence = quality.sentence if quality is not None else ""
    projector = projector_of(known, file.name)
    beside = projector.size if projector is not None else 0
    if measure is not None and file.size:
        fit = fit_of(measure, machine, size=file.size, beside=beside)
    else:
        fit = fit_of_size(file.size + beside if file.size else 0, machine, file.name)
    return OfferedFile(file.name, file.quantization, file.size, file.parts, fit, sentence)
