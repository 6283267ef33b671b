"""A model as `models list` and `models show` give it: fields and their names are part of the command's contract."""

from typing import Any

from desktop.catalog.lineage import Ancestor, Flag, Term
from desktop.cli.tools import Tools
from desktop.engine.hardware import available_memory
from desktop.engine.header import Header, read_header
from desktop.errors import UserError
from desktop.library.hashes import parts_of
from desktop.library.models import Card, Listed
from desktop.licenses.door import LicenseStanding, Verdict
from desktop.translation import tr

_USUAL_CONTEXT = 4096
_SPARE = 1.15  # what keys, values and buffers add to the weights, about, at a usual context


def card_of(listed: Listed, tools: Tools, *, hashed: bool = False) -> Card:
    """`listed` with what the door says of it now; with `hashed` also of its file, which is then read to its end."""
    sha256 = file_hash(listed, tools) if hashed else None
    try:
        verdict = tools.desk.verdict(listed.subject)
        return Card(listed, verdict if sha256 is None else tools.door.verdict(listed.subject, sha256))
    except UserError as error:  # the ledger cannot be looked at now, and what is known of the model still can
        missing = tuple(LicenseStanding(needed, "missing") for needed in listed.subject.needed)
        return Card(listed, Verdict(missing, "ledger", error))


def file_hash(listed: Listed, tools: Tools) -> str | None:
    """The sha256 of the model's file as it is now; None where there is none, or it cannot be read."""
    if listed.model is None:
        return None
    try:
        return tools.hashes.model(parts_of(listed.model.path))
    except UserError:
        return None


def describe(card: Card, tools: Tools, *, hashed: bool) -> dict[str, Any]:
    """All that is known of a model. With `hashed` its file is read to its end where its hash is not known."""
    listed, verdict = card.listed, card.verdict
    subject, entry, model = listed.subject, listed.entry, listed.model
    header = _header(listed)
    own = subject.lineage.node.licenses
    return {
        "id": subject.id,
        "name": subject.name,
        "family": entry.family if entry else None,
        "publisher": subject.publisher or None,
        "license": own[0] if own else None,
        "gate": subject.gate,
        "restrictions": list(subject.lineage.restrictions),
        "lineage": [_ancestor(each) for each in subject.lineage.ancestors],
        "effective_terms": [_term(each) for each in subject.lineage.terms],
        "architecture": header.architecture if header else (entry.architecture or None if entry else None),
        "runnable": not why_not_runnable(listed),
        "not_runnable": why_not_runnable(listed) or None,
        "files": _files(listed, tools, hashed=hashed),
        "installed": model is not None,
        "fits": _fits(listed, header),
        "licenses": [_needed(each) for each in verdict.standings],
        "flags": [_flag(each) for each in subject.lineage.flags],
        "allowed": verdict.allowed and model is not None,
        "refusal": str(verdict.error) if verdict.error else None,
        "purpose": verdict.purpose or None,
        "attribution": list(subject.attribution),
        "built_in": bool(model and model.built_in),
        "imported": subject.imported,
        "path": str(model.path) if model else None,
        "repository": subject.repository or None,
        "summary": entry.summary if entry else None,
        "page": (entry.page or None) if entry else None,
        "context_length": (header.context_length if header else entry.context_length if entry else 0) or None,
        "parameters": (header.parameters if header else entry.parameters if entry else 0) or None,
        "languages": list(entry.languages) if entry else [],
        "published": (entry.published or None) if entry else None,
        "strengths": list(entry.strengths) if entry else [],
        "unchecked": list(entry.unchecked) if entry else [],
    }


def why_not_runnable(listed: Listed) -> str:
    """Why no weights of this model could ever run here, in one sentence; "" where they can."""
    said = listed.subject.not_runnable or (listed.entry.not_runnable if listed.entry else "")
    if said or listed.subject.gate != "closed":
        return said
    return tr("Its weights were never released: it is listed because others were built on it.")


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


def _term(each: Term) -> dict[str, str]:
    return {
        "restriction": each.restriction,
        "from": each.from_id,
        "from_name": each.from_name,
        "license": each.license,
        "clause": each.clause,
        "says": each.says,
        "relation": each.relation,
    }


def _flag(each: Flag) -> dict[str, str]:
    return {"kind": each.kind, "node": each.node, "sentence": each.sentence}


def _needed(each: LicenseStanding) -> dict[str, Any]:
    """A license that has to be accepted, and how it stands; the acknowledgement where there is or was one."""
    needed, record = each.needed, each.record
    return {
        "id": needed.id,
        "name": needed.name,
        "text_sha256": needed.text_sha256 or None,
        "from": needed.comes_from,
        "from_name": needed.from_name,
        "status": each.status,
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


def _files(listed: Listed, tools: Tools, *, hashed: bool) -> list[dict[str, Any]]:
    """The file that is here, or those that the catalog names; what could not be checked is null."""
    model = listed.model
    if model is None:
        return [
            {
                "name": file.name,
                "quantization": file.quantization,
                "size": file.size or None,
                "sha256": file.sha256 or None,
            }
            for file in (listed.entry.file if listed.entry else ())
        ]
    known = listed.subject.file_sha256 or None
    sha256 = file_hash(listed, tools) if hashed or known is None else known
    return [{"name": model.path.name, "quantization": model.quantization, "size": model.size, "sha256": sha256}]


def _header(listed: Listed) -> Header | None:
    if listed.model is None:
        return None
    try:
        return read_header(listed.model.path)
    except UserError:
        return None


def _fits(listed: Listed, header: Header | None) -> bool | None:
    """Whether it can be loaded now with a usual context; None where its size or the memory left is not known.

    A model that is not here is judged by its smallest file whose size is known.
    """
    left = available_memory()
    if left is None or why_not_runnable(listed):
        return None
    if header is not None:
        return header.estimate_memory(min(_USUAL_CONTEXT, header.context_length or _USUAL_CONTEXT)) <= left
    sizes = [file.size for file in (listed.entry.file if listed.entry else ()) if file.size]
    return min(sizes) * _SPARE <= left if sizes else None
