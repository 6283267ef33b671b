"""`latchkey models`: the models on this disk, and what is known of each."""

from argparse import Namespace
from typing import Any

from desktop.cli.exit_codes import DONE
from desktop.cli.tools import Tools
from desktop.engine.hardware import available_memory
from desktop.engine.header import Header, read_header
from desktop.library.models import LibraryModel
from desktop.translation import tr

_USUAL_CONTEXT = 4096


def run(options: Namespace, tools: Tools) -> int:
    if options.action == "list":
        _list(options, tools)
    else:
        _show(options, tools)
    return DONE


def _list(options: Namespace, tools: Tools) -> None:
    models = tools.library.models()
    if options.json:
        tools.output.json([_description(model, tools) for model in models])
        return
    rows = [(tr("ID"), tr("NAME"), tr("PUBLISHER"), tr("LICENSE"), tr("QUANTIZATION"), tr("SIZE"))]
    rows += [
        (each.id, each.name, each.publisher, each.license, each.quantization, f"{each.size / 1e6:.0f} MB")
        for each in models
    ]
    tools.output.table(rows)


def _show(options: Namespace, tools: Tools) -> None:
    described = _description(tools.library.find(options.id), tools)
    if options.json:
        tools.output.json(described)
        return
    for name, value in described.items():
        if name == "files":
            for file in value:
                tools.output.line(f"file: {file['name']}, {file['size']} bytes, sha256 {file['sha256']}")
        else:
            tools.output.line(f"{name}: {_plain(value)}")


def _description(model: LibraryModel, tools: Tools) -> dict[str, Any]:
    """A model as `models show` gives it: fields and their names are part of the command's contract."""
    header = read_header(model.path)
    entry = tools.library.entry(model)
    license_id = model.license or None
    return {
        "id": model.id,
        "name": model.name,
        "family": entry.family if entry else None,
        "publisher": model.publisher or None,
        "license": license_id,
        "gate": entry.gate if entry else None,
        "restrictions": list(model.restrictions),
        "lineage": [
            {"id": each, "name": each, "license": None, "gate": None} for each in _lineage(model, header, tools)
        ],
        "effective_terms": [{"restriction": each, "from": model.id} for each in model.restrictions],
        "architecture": header.architecture,
        "runnable": True,
        "files": [
            {
                "name": model.path.name,
                "quantization": model.quantization,
                "size": model.size,
                "sha256": tools.hashes.sha256(model.path),
            }
        ],
        "installed": True,
        "fits": _fits(header),
    }


def _lineage(model: LibraryModel, header: Header, tools: Tools) -> tuple[str, ...]:
    entry = tools.library.entry(model)
    return entry.lineage if entry else tuple(header.base_models)


def _fits(header: Header) -> bool | None:
    """Whether it can be loaded now with a usual context; None where the memory left is not known."""
    left = available_memory()
    context = min(_USUAL_CONTEXT, header.context_length or _USUAL_CONTEXT)
    return None if left is None else header.estimate_memory(context) <= left


def _plain(value: Any) -> str:
    match value:
        case None:
            return tr("unknown")
        case bool():
            return tr("yes") if value else tr("no")
        case []:
            return tr("none")
        case list():
            return ", ".join(
                str(each.get("restriction") or each["id"]) if isinstance(each, dict) else str(each) for each in value
            )
    return str(value)
