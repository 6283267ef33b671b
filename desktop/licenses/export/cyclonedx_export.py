"""The models as a bill of materials: CycloneDX 1.6, a component of the kind machine-learning-model for each of them.

Checked against the official JSON schema by the tests. A license that SPDX knows goes by its identifier, any other by
its name; its text, as it was accepted, goes along.
"""

import base64
import re
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

from desktop.file_stamp import is_sha256
from desktop.licenses.export.export_document import ExportDocument, ExportedModel
from desktop.licenses.ledger_record import LedgerRecord
from desktop.safe_text import repair_values

_TAKEN_IN = frozenset({"acknowledged", "downloaded", "imported", "loaded"})
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def as_cyclonedx(document: ExportDocument) -> bytes:
    """The bill: every model that was accepted, fetched or loaded, as far as its records count."""
    counts = {record.seq for record in document.trusted}
    by_model = {model: [each for each in records if each.seq in counts] for model, records in document.by_model.items()}
    whole = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid4().urn,
        "version": 1,
        "metadata": _metadata(document),
        "components": [
            _component(document, model, by_model[model.id])
            for model in document.known()
            if any(each.event in _TAKEN_IN for each in by_model.get(model.id, ()))
        ],
    }
    return msgspec.json.format(msgspec.json.encode(repair_values(whole)), indent=2) + b"\n"


def _metadata(document: ExportDocument) -> dict[str, Any]:
    check = document.check
    properties = {
        "latchkey:ledger:holds": "true" if check.ok else "false",
        "latchkey:ledger:records": str(len(document.records)),
        "latchkey:ledger:reason": check.reason,
        "latchkey:ledger:sealed-by": check.sealed_by,
        "latchkey:ledger:unsealed": ", ".join(
            f"{each.first}-{each.last}" for each in check.segments if not each.sealed
        ),
        "latchkey:ledger:head": document.records[-1].hash if document.records else "",
        "latchkey:account": document.os_user,
    }
    return {
        "timestamp": document.time,
        "tools": {"components": [{"type": "application", "name": "Latchkey", "version": document.app_version}]},
        "component": {"type": "platform", "bom-ref": "machine", "name": document.machine or "unknown"},
        "properties": _properties(properties),
    }


def _component(document: ExportDocument, model: ExportedModel, records: Sequence[LedgerRecord]) -> dict[str, Any]:
    newest: dict[str, LedgerRecord] = {}
    for record in records:
        newest[record.event] = record
    source = next((each for each in reversed(records) if each.repository), None)
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{model.id}",
        "name": model.name,
        "licenses": _licenses(document, model, records),
        "modelCard": _card(model, records),
        "properties": _properties(_facts(document, model, records)),
    }
    if model.publisher:
        component |= {"publisher": model.publisher, "supplier": {"name": model.publisher}}
    if source is not None and source.commit:
        component["version"] = source.commit
    repository = source.repository if source is not None else model.repository
    if _REPOSITORY.fullmatch(repository):
        commit = f"@{source.commit.lower()}" if source is not None and source.commit else ""
        component["purl"] = f"pkg:huggingface/{repository}{commit}"
    hashes = dict.fromkeys(sha256 for each in records if is_sha256(sha256 := each.file_sha256.lower()))
    if hashes:
        component["hashes"] = [{"alg": "SHA-256", "content": each} for each in hashes]
    if model.ancestors:
        component["pedigree"] = {
            "ancestors": [
                {
                    "type": "machine-learning-model",
                    "name": each.name,
                    "properties": _properties({"latchkey:id": each.id}),
                }
                for each in model.ancestors
            ]
        }
    return component


def _licenses(document: ExportDocument, model: ExportedModel, records: Sequence[LedgerRecord]) -> list[dict[str, Any]]:
    accepted = {each.license: each.text_sha256 for each in records if each.event == "acknowledged"}
    differing = {each.license: document.differing.get(each.seq, "") for each in records if each.event == "acknowledged"}
    known = {each.id: each for each in model.licenses}
    found = []
    for license_id in dict.fromkeys([*known, *accepted]):
        license_: dict[str, Any] = {"acknowledgement": "declared"}
        given = known.get(license_id)
        if given is not None and given.spdx and not given.spdx.startswith("LicenseRef-"):
            license_["id"] = given.spdx
        else:
            license_["name"] = (given.name if given is not None else "") or license_id
        data = document.texts.get(accepted.get(license_id) or (given.text_sha256 if given is not None else ""))
        if data is not None:
            license_["text"] = _attachment(data)
        license_["properties"] = _properties(
            {
                "latchkey:license": license_id,
                "latchkey:text-sha256": accepted.get(license_id, ""),
                "latchkey:text-in-force-sha256": given.text_sha256 if given is not None else "",
                "latchkey:text-differs": differing.get(license_id, ""),
            }
        )
        found.append({"license": license_})
    return found


def _attachment(data: bytes) -> dict[str, str]:
    try:
        return {"contentType": "text/plain; charset=utf-8", "content": data.decode()}
    except UnicodeDecodeError:
        encoded = base64.b64encode(data).decode("ascii")
        return {"contentType": "text/plain", "encoding": "base64", "content": encoded}


def _card(model: ExportedModel, records: Sequence[LedgerRecord]) -> dict[str, Any]:
    considerations: dict[str, Any] = {}
    purposes = dict.fromkeys(each.purpose for each in records if each.event == "acknowledged" and each.purpose)
    if purposes:
        considerations["useCases"] = list(purposes)
    if model.restrictions:
        considerations["ethicalConsiderations"] = [
            {"name": f"{each.restriction} ({each.from_name})", "mitigationStrategy": each.clause}
            for each in model.restrictions
        ]
    return {"considerations": considerations} if considerations else {}


def _facts(document: ExportDocument, model: ExportedModel, records: Sequence[LedgerRecord]) -> dict[str, str]:
    facts = {"latchkey:id": model.id, "latchkey:repository": model.repository}
    for each in document.acknowledgements.values():
        if each.record.model == model.id:
            facts |= {
                f"latchkey:acknowledgement:{each.record.license}:status": each.status,
                f"latchkey:acknowledgement:{each.record.license}:record": str(each.record.seq),
                f"latchkey:acknowledgement:{each.record.license}:time": each.record.time,
                f"latchkey:acknowledgement:{each.record.license}:person": each.record.person,
                f"latchkey:acknowledgement:{each.record.license}:organization": each.record.organization,
                f"latchkey:acknowledgement:{each.record.license}:purpose": each.record.purpose,
            }
    for record in records:
        facts[f"latchkey:last-{record.event}"] = record.time
    return facts


def _properties(facts: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in facts.items() if value]
