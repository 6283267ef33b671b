"""A model as `models list` and `models show` give it: fields and their names are part of the command's contract."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from desktop.catalog.lineage import Ancestor, EffectiveTerm, LineageFlag
from desktop.catalog.quantization import is_quantization_aware, quality_of
from desktop.cli.command_context import CommandContext
from desktop.endpoints.endpoint import ServedModel
from desktop.engine.gguf_header import GgufHeader, read_header
from desktop.engine.projector_header import find_projector
from desktop.errors import UserError
from desktop.library.download_records import projector_of
from desktop.library.hardware_fit import HardwareFit, HardwareLimits, active_weight_share, fit_of_header, fit_of_size
from desktop.library.hub_records import HubFileRecord
from desktop.library.library_model import LibraryCard, ListedModel, command_id
from desktop.library.status import model_state
from desktop.licenses.license_verdict import LicenseStatus, unreadable_ledger_verdict
from desktop.split_files import parts_of

_LOADABLE = ("fits-gpu", "fits-memory", "slow")


def card_of(listed: ListedModel, tools: CommandContext, *, hashed: bool = False) -> LibraryCard:
    """`listed` with what the license check says of it now; with `hashed` also of its file, then read to its end."""
    try:
        card = tools.library.card_of(listed)
        sha256 = file_hash(listed, tools) if hashed else None
        return card if sha256 is None else replace(card, verdict=tools.license_check.verdict(listed.subject, sha256))
    except UserError as error:  # the ledger cannot be looked at now, and what is known of the model still can
        return LibraryCard(listed, unreadable_ledger_verdict(listed.subject, error))


def file_hash(listed: ListedModel, tools: CommandContext) -> str | None:
    """The sha256 of the model's file as it is now; None where there is none, or it cannot be read."""
    if listed.model is None or listed.model.served is not None:
        return None
    try:
        return tools.hashes.model(parts_of(listed.model.path))
    except UserError:
        return None


def describe(card: LibraryCard, tools: CommandContext, *, hashed: bool) -> dict[str, Any]:
    """All that is known of a model. With `hashed` its file is read to its end where its hash is not known."""
    listed, verdict = card.listed, card.verdict
    subject, entry, model = listed.subject, listed.entry, listed.model
    header = _header(listed)
    machine = tools.lookup.machine
    fit = fit_of(listed, header, machine)
    own = subject.lineage.node.licenses
    return {
        "id": command_id(listed),
        "name": subject.name,
        "family": entry.family if entry else None,
        "publisher": subject.publisher or None,
        "license": own[0] if own else None,
        "gate": subject.gate,
        "restrictions": list(subject.lineage.restrictions),
        "lineage": [_ancestor(each) for each in subject.lineage.ancestors],
        "effective_terms": [_term(each) for each in subject.lineage.terms],
        "architecture": header.architecture if header else (entry.architecture or None if entry else None),
        "runnable": not subject.not_runnable,
        "not_runnable": subject.not_runnable or None,
        "files": _files(listed, fit, tools, hashed=hashed),
        "installed": model is not None and model.served is None,
        "fits": loadable(fit),
        "fit": _fit(fit),
        "state": model_state(card),
        "access": _access(listed),
        "licenses": [_needed(each) for each in verdict.licenses],
        "flags": [_flag(each) for each in subject.lineage.flags],
        "allowed": verdict.allowed and model is not None,
        "refusal": str(verdict.error) if verdict.error else None,
        "purpose": verdict.purpose or None,
        "attribution": list(subject.attribution),
        "built_in": bool(model and model.built_in),
        "imported": subject.imported,
        "adapter": bool(model and model.adapter),
        "kind": model.kind if model and not model.adapter else None,
        "recognized_by": (model.identified_by or None) if model else None,
        "path": str(model.path) if model and model.served is None else None,
        "location": "remote" if model and model.served is not None else "local",
        "endpoint": _endpoint(model.served) if model and model.served is not None else None,
        "projector": _projector(listed),
        "repository": subject.repository or None,
        "summary": entry.summary if entry else None,
        "page": (entry.page or None) if entry else None,
        "context_length": _context_length(listed, header),
        "parameters": (header.parameters if header else entry.parameters if entry else 0) or None,
        "languages": list(entry.languages) if entry else [],
        "published": (entry.published or None) if entry else None,
        "strengths": list(entry.strengths) if entry else [],
        "unchecked": list(entry.unchecked) if entry else [],
    }


def _endpoint(served: ServedModel) -> dict[str, Any]:
    """Where a model that is not on this machine runs: what is written to it goes to `host`."""
    return {"name": served.endpoint.name, "address": served.endpoint.address, "host": served.endpoint.host}


def _projector(listed: ListedModel) -> dict[str, Any] | None:
    """The file that lets a model see: the one that is here, else the one to be fetched with it; None for none."""
    if listed.model is not None:
        kept = listed.model.projector
        if kept is None:
            return None
        name = Path(kept.path).name
        return {"name": name, "path": kept.path, "size": kept.size, "sha256": kept.sha256, "here": kept.is_here}
    known = listed.hub_record
    part = projector_of(known, known.files[0].name) if known is not None and known.files else None
    if part is None:
        return None
    return {"name": part.name, "path": None, "size": part.size, "sha256": part.sha256 or None, "here": False}


def _ancestor(each: Ancestor) -> dict[str, Any]:
    node = each.node
    return {
        "id": node.id,
        "name": node.name,
        "license": node.licenses[0] if node.licenses else None,
        "gate": node.gate,
        "licenses": list(node.licenses),
        "publisher": node.publisher or None,
        "kind": node.kind,
        "relation": each.relation,
        "parent_of": each.parent_of,
        "depth": each.depth,
        "inherits": each.inherits,
        "known": each.known,
    }


def _term(each: EffectiveTerm) -> dict[str, str]:
    return {
        "restriction": each.restriction,
        "from": each.from_id,
        "from_name": each.from_name,
        "license": each.license,
        "clause": each.clause,
        "says": each.says,
        "relation": each.relation,
    }


def _flag(each: LineageFlag) -> dict[str, str]:
    return {"kind": each.kind, "node": each.node, "sentence": each.sentence}


def _needed(each: LicenseStatus) -> dict[str, Any]:
    """A license that has to be accepted, and how it stands; the acknowledgement where there is or was one."""
    needed, record = each.needed, each.record
    return {
        "id": needed.id,
        "name": needed.name,
        "text_sha256": needed.text_sha256 or None,
        "from": needed.comes_from,
        "from_name": needed.from_name,
        "status": each.status,
        "tagged": needed.tagged or None,
        "white_space_differs": each.white_space_differs,
        "accepted": {
            "seq": record.seq,
            "time": record.time,
            "person": record.person,
            "purpose": record.purpose,
            "text_sha256": record.text_sha256,
        }
        if record is not None and record.event == "acknowledged"
        else None,
    }


def _files(
    listed: ListedModel, fit: HardwareFit | None, tools: CommandContext, *, hashed: bool
) -> list[dict[str, Any]]:
    """The file that is here, those at the Hub, or those that the catalog names; what could not be checked is null."""
    model = listed.model
    if model is not None and model.served is not None:
        return []
    if model is not None:
        known = listed.subject.file_sha256 or None
        sha256 = file_hash(listed, tools) if hashed or known is None else known
        return [_file(model.path.name, model.quantization, model.size, sha256, fit)]
    machine = tools.lookup.machine
    if listed.hub_record is not None:
        return [
            _file(
                each.name,
                each.quantization,
                each.size,
                _sha256(each),
                fit_of_size(each.size, machine, each.name),
                listed.hub_record.repository,
            )
            for each in listed.hub_record.files
        ]
    entry = listed.entry
    if entry is None:
        return []
    active = active_weight_share(entry)
    return [
        _file(each.name, each.quantization, each.size, each.sha256, fit_of_size(each.size, machine, active=active),
              entry.gguf)
        for each in entry.offered
    ]  # fmt: skip


def _file(
    name: str, quantization: str, size: int, sha256: str | None, fit: HardwareFit | None, repository: str = ""
) -> dict[str, Any]:
    quality = quality_of(quantization, trained_for_it=is_quantization_aware(name, repository))
    return {
        "name": name,
        "quantization": quantization,
        "size": size or None,
        "sha256": sha256 or None,
        "fits": loadable(fit),
        "fit": fit.label if fit is not None else "unknown",
        "quality": {"loss": quality.loss, "perplexity_growth": quality.perplexity, "short": quality.short}
        if quality is not None
        else None,
    }


def _sha256(file: HubFileRecord) -> str:
    """Of a file in one part its hash; one in several has one for each."""
    return file.parts[0].sha256 if len(file.parts) == 1 else ""


def _header(listed: ListedModel) -> GgufHeader | None:
    if listed.model is None or listed.model.served is not None:
        return None
    try:
        return read_header(listed.model.path, embedding=None)
    except UserError:
        return None


def fit_of(listed: ListedModel, header: GgufHeader | None, machine: HardwareLimits) -> HardwareFit | None:
    """How a model suits this machine: by the header of its file, else by the size of the smallest that could be had.

    None for one that no machine runs.
    """
    if listed.subject.not_runnable or listed.subject.served_at:
        return None
    if header is not None:
        projector = listed.model.projector_path if listed.model is not None else None
        found = find_projector(projector) if projector is not None else None
        return fit_of_header(header, machine, beside=found.memory if found is not None else 0)
    if listed.hub_record is not None:
        sizes = [each.size for each in listed.hub_record.files if each.size]
    else:
        sizes = [each.size for each in (listed.entry.offered if listed.entry else ()) if each.size]
    active = active_weight_share(listed.entry) if listed.entry else None
    return fit_of_size(min(sizes, default=0), machine, active=active)


def _context_length(listed: ListedModel, header: GgufHeader | None) -> int | None:
    if listed.model is not None and listed.model.served is not None:
        return listed.model.served.context_length
    entry = listed.entry
    return (header.context_length if header else entry.context_length if entry else 0) or None


def loadable(fit: HardwareFit | None) -> bool | None:
    """Whether it can be loaded here; None where that cannot be told."""
    return fit.label in _LOADABLE if fit is not None and fit.label != "unknown" else None


def _fit(fit: HardwareFit | None) -> dict[str, Any] | None:
    """The same with its figures, in bytes."""
    if fit is None:
        return None
    return {
        "label": fit.label,
        "needed": fit.needed or None,
        "available": fit.available or None,
        "sentence": fit.sentence,
    }


def _access(listed: ListedModel) -> dict[str, Any] | None:
    """What the Hub last said about access: its state, and when, in seconds since 1970. None where it was not asked."""
    said = listed.hub_record.access if listed.hub_record is not None else None
    return None if said is None else {"state": said.state, "time": said.time}
