"""The ledger as JSON: complete, and with all that is needed to verify it on another machine."""

import base64
from typing import Any

import msgspec

from desktop.licenses.chain import GENESIS
from desktop.licenses.export.document import Document
from desktop.storage.text import storable

FORMAT = "latchkey-ledger"
VERSION = 1

_ABOUT = (
    "The hash of a record is the SHA-256 over the JSON of its other fields: keys sorted, no spaces, UTF-8. Each record "
    "carries the hash of the one before it in `previous`, the first one 64 zeros. In a record `restarted`, `previous` "
    "is the SHA-256 over all records before it, each as such JSON (with its hash) and a line feed: it marks them, and "
    "they no longer count. A record `segment-begun` follows in the chain and begins a part that another key seals: "
    "`check.segments` says which of them have a right seal, and whether what was acknowledged in them counts. Texts "
    "are named by the SHA-256 of their exact bytes. `latchkey licenses verify FILE` checks all of this without the "
    "ledger itself. The seal of the newest record needs a key that never leaves the machine it was made on: `check` "
    "says what came of that, and nobody else can repeat it. The order of the records is that of `seq`; clocks can be "
    "set back, see `check.clock_back`. `text_differs` says of records by their `seq` in what the accepted text "
    "differs from the one in force at the time of the export: in white space alone, or in words."
)


def as_json(document: Document) -> bytes:
    """The export, indented."""
    head = document.records[-1] if document.records else None
    whole: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "about": _ABOUT,
        "app_version": document.app_version,
        "exported_at": document.time,
        "machine": storable(document.machine),
        "os_user": storable(document.os_user),
        "head": {"seq": head.seq, "hash": head.hash} if head is not None else {"seq": 0, "hash": GENESIS},
        "check": document.check,
        "text_differs": {str(seq): differs for seq, differs in document.differing.items()},
        "models": [_clean(msgspec.to_builtins(model)) for model in document.models],
        "records": document.records,
        "texts": {sha256: _text(data) for sha256, data in sorted(document.texts.items())},
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def _text(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return storable(value) if isinstance(value, str) else value
