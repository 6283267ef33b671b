"""Verifies an exported ledger from the file alone, on any machine: without the database and without the key."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from desktop.errors import NotFoundError, ResourceError
from desktop.licenses.chain import GENESIS, check_chain
from desktop.licenses.export.as_json import FORMAT, VERSION
from desktop.licenses.record import Record
from desktop.licenses.seal import Kind, LedgerCheck
from desktop.licenses.segments import segments_without_key
from desktop.translation import tr

MOST_BYTES = 256 << 20
"""No export comes near this: a hundred thousand records and their texts take half of it."""


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seq: int
    hash: str


class _Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str | None = None
    base64: str | None = None


class _Export(msgspec.Struct, frozen=True):
    format: str
    version: int
    head: _Head
    records: list[msgspec.Raw]
    texts: dict[str, _Text]


class _StrictRecord(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    seq: Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]


_record = msgspec.json.Decoder(_StrictRecord)


def verify_export(path: Path) -> LedgerCheck:
    """Whether the exported JSON at `path` holds: the chain, its end, every text, and a text for each acknowledgement.

    What is not an export at all, or was cut short, does not hold either, and `reason` says so. That the whole of it
    was made up cannot be told from the file. Raises NotFoundError and ResourceError where it cannot be read.
    """
    data = _read(path)
    if data is None:
        return _bad(0, None, tr("The file is too large to be an exported ledger."))
    try:
        export = msgspec.json.decode(data, type=_Export)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _bad(0, None, tr("The file is not a ledger that was exported as JSON, or it was cut short."))
    if export.format != FORMAT:
        return _bad(0, None, tr("The file is not an exported ledger."))
    if export.version != VERSION:
        return _bad(0, None, tr("A newer Latchkey exported this ledger."))
    return _check(export)


def _check(export: _Export) -> LedgerCheck:
    records: list[Record] = []
    for at, raw in enumerate(export.records):
        try:
            records.append(_record.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _bad(len(export.records), at + 1, tr("Record {seq} cannot be read.").format(seq=at + 1))
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
    export: _Export, records: Sequence[Record], trusted: Sequence[Record]
) -> Iterator[tuple[int | None, str]]:
    for sha256, text in export.texts.items():
        if not _is_right(sha256, text):
            seq = next((record.seq for record in records if record.text_sha256 == sha256), None)
            yield seq, tr("The license text {sha256} was changed.").format(sha256=sha256[:64])
    for record in trusted:
        if record.event == "acknowledged" and record.text_sha256 not in export.texts:
            yield record.seq, tr("The license text of record {seq} is missing.").format(seq=record.seq)


def _is_right(sha256: str, text: _Text) -> bool:
    try:
        if text.text is not None and text.base64 is None:
            data = text.text.encode()
        elif text.base64 is not None and text.text is None:
            data = base64.b64decode(text.base64, validate=True)
        else:
            return False
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return False
    return hashlib.sha256(data).hexdigest() == sha256


def _bad(records: int, first_bad: int | None, reason: str, kind: Kind = "damaged") -> LedgerCheck:
    return LedgerCheck(False, records, first_bad, reason, kind)


def _read(path: Path) -> bytes | None:
    """The bytes of the file; None where they are too many."""
    try:
        if path.exists() and not path.is_file():
            raise ResourceError(tr("{file} is not a file.").format(file=path), "", tr("Choose an exported ledger."))
        with path.open("rb") as file:
            return file.read(MOST_BYTES) if path.stat().st_size <= MOST_BYTES else None
    except FileNotFoundError as error:
        raise NotFoundError(
            tr("There is no file {file}.").format(file=path), "", tr("Check its name and folder.")
        ) from error
    except OSError as error:
        raise ResourceError(
            tr("{file} cannot be read.").format(file=path), str(error.strerror), tr("Check the rights of the file.")
        ) from error
