"""The ledger as JSON: complete, with all that is needed to verify it on another machine; and that verification."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec

from desktop.errors import NotFoundError, ResourceError
from desktop.licenses.export.export_document import ExportDocument
from desktop.licenses.ledger_chain import GENESIS, check_chain
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.ledger_seal import LedgerCheck, LedgerFault, segments_without_key
from desktop.safe_text import repair_surrogates, repair_values
from desktop.translation import tr

FORMAT = "latchkey-ledger"
VERSION = 2
_WITHOUT_RESTORED = 1
"""The version of an export without records `restored`, which a Latchkey that does not know them can verify."""

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
    "differs from the one in force at the time of the export: in white space alone, or in words. A record `restored` "
    "came out of a backup: its `note` is JSON with the `record` of another ledger as that had it, hash included, and "
    "`held`, whether the chain it came from was whole. It is history, and nothing acknowledged in it counts here."
)
MAX_EXPORT_BYTES = 256 << 20
"""No export comes near this: a hundred thousand records and their texts take half of it."""


def as_json(document: ExportDocument) -> bytes:
    """The export, indented."""
    head = document.records[-1] if document.records else None
    whole: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION if any(each.event == "restored" for each in document.records) else _WITHOUT_RESTORED,
        "about": _ABOUT,
        "app_version": document.app_version,
        "exported_at": document.time,
        "machine": repair_surrogates(document.machine),
        "os_user": repair_surrogates(document.os_user),
        "head": {"seq": head.seq, "hash": head.hash} if head is not None else {"seq": 0, "hash": GENESIS},
        "check": document.check,
        "text_differs": {str(seq): differs for seq, differs in document.differing.items()},
        "models": [repair_values(msgspec.to_builtins(model)) for model in document.models],
        "records": document.records,
        "texts": {sha256: _text(data) for sha256, data in sorted(document.texts.items())},
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def _text(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


class _ChainHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seq: int
    hash: str


class _EncodedText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str | None = None
    base64: str | None = None


class _ExportFile(msgspec.Struct, frozen=True):
    format: str
    version: int
    head: _ChainHead
    records: list[msgspec.Raw]
    texts: dict[str, _EncodedText]


class _StrictLedgerRecord(LedgerRecord, frozen=True, kw_only=True, forbid_unknown_fields=True):
    seq: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]


_record = msgspec.json.Decoder(_StrictLedgerRecord)


@dataclass(frozen=True)
class LedgerExport:
    """What an exported file holds: the records that can be read, the texts that are what their names say, and whether
    all of it holds."""

    records: tuple[LedgerRecord, ...]
    texts: Mapping[str, bytes]
    check: LedgerCheck


def verify_export(path: Path) -> LedgerCheck:
    """Whether the exported JSON at `path` holds: the chain, its end, every text, and a text for each acknowledgement.

    What is not an export at all, or was cut short, does not hold either, and `reason` says so. That the whole of it
    was made up cannot be told from the file. Raises NotFoundError and ResourceError where it cannot be read.
    """
    return read_export(path).check


def read_export(path: Path) -> LedgerExport:
    """The exported JSON at `path`, as far as it can be read. Judges and raises as `verify_export`."""
    data = _read(path)
    if data is None:
        return _unreadable(tr("The file is too large to be an exported ledger."))
    try:
        export = msgspec.json.decode(data, type=_ExportFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _unreadable(tr("The file is not a ledger that was exported as JSON, or it was cut short."))
    if export.format != FORMAT:
        return _unreadable(tr("The file is not an exported ledger."))
    if export.version not in (_WITHOUT_RESTORED, VERSION):
        return _unreadable(tr("A newer Latchkey exported this ledger."))
    records: list[LedgerRecord] = []
    unread: int | None = None
    for at, raw in enumerate(export.records):
        try:
            records.append(_record.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            unread = at + 1 if unread is None else unread
    texts = {sha256: data for sha256, text in export.texts.items() if (data := _right_data(sha256, text)) is not None}
    if unread is not None:
        check = _bad(len(export.records), unread, tr("Record {seq} cannot be read.").format(seq=unread))
    else:
        check = _check(export, records)
    return LedgerExport(tuple(records), texts, check)


def _unreadable(reason: str) -> LedgerExport:
    return LedgerExport((), {}, _bad(0, None, reason))


def _check(export: _ExportFile, records: list[LedgerRecord]) -> LedgerCheck:
    chain = check_chain(records)
    check = LedgerCheck(
        chain.ok,
        chain.records,
        chain.first_bad,
        chain.reason,
        "" if chain.ok else "chain",
        chain.marked,
        chain.clock_back,
        segments=segments_without_key(records, chain) if chain.ok else (),
    )
    if not chain.ok:
        return check
    last = records[-1] if records else None
    seq, head = (last.seq, last.hash) if last is not None else (0, GENESIS)
    if export.head.seq > seq:
        return _bad(len(records), seq + 1, tr("Record {seq} is missing at the end.").format(seq=seq + 1), "shortened")
    if (export.head.seq, export.head.hash) != (seq, head):
        return _bad(len(records), None, tr("The newest record is not the one that the export ends with."), "chain")
    for first_bad, reason in _wrong_texts(export, records, records[chain.trusted :]):
        return _bad(len(records), first_bad, reason)
    return check


def _wrong_texts(
    export: _ExportFile, records: Sequence[LedgerRecord], trusted: Sequence[LedgerRecord]
) -> Iterator[tuple[int | None, str]]:
    for sha256, text in export.texts.items():
        if _right_data(sha256, text) is None:
            seq = next((record.seq for record in records if record.text_sha256 == sha256), None)
            yield seq, tr("The license text {sha256} was changed.").format(sha256=sha256[:64])
    for record in trusted:
        if record.event == "acknowledged" and record.text_sha256 not in export.texts:
            yield record.seq, tr("The license text of record {seq} is missing.").format(seq=record.seq)


def _right_data(sha256: str, text: _EncodedText) -> bytes | None:
    """The bytes of a text; None where they are not those that its name says."""
    try:
        if text.text is not None and text.base64 is None:
            data = text.text.encode()
        elif text.base64 is not None and text.text is None:
            data = base64.b64decode(text.base64, validate=True)
        else:
            return None
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def _bad(records: int, first_bad: int | None, reason: str, kind: LedgerFault = "damaged") -> LedgerCheck:
    return LedgerCheck(False, records, first_bad, reason, kind)


def _read(path: Path) -> bytes | None:
    """The bytes of the file; None where they are too many."""
    try:
        if path.exists() and not path.is_file():
            raise ResourceError(tr("{file} is not a file.").format(file=path), "", tr("Choose an exported ledger."))
        with path.open("rb") as file:
            return file.read(MAX_EXPORT_BYTES) if path.stat().st_size <= MAX_EXPORT_BYTES else None
    except FileNotFoundError as error:
        raise NotFoundError(
            tr("There is no file {file}.").format(file=path), "", tr("Check its name and folder.")
        ) from error
    except OSError as error:
        raise ResourceError(
            tr("{file} cannot be read.").format(file=path), str(error.strerror), tr("Check the rights of the file.")
        ) from error
