"""Ledgers for tests: made and filled as the program does, and tampered with as somebody would who knows SQL."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desktop.credentials.file_key_store import FileKeyStore
from desktop.licenses.ledger import Ledger
from desktop.licenses.ledger_record import LedgerEvent
from desktop.storage.ledger_store import RECORD_COLUMNS, LedgerStore

TEXTS = (b"You may use it.\r\n", b"\xef\xbb\xbfYou may use it for research.\n", b"Nur f\xfcr Forschung.\n")
RECORDS = 12

OpenLedger = Callable[..., Ledger]
"""Makes a ledger as `ledger_in` does, and sees to it that it is closed."""


def clock() -> Callable[[], float]:
    """Seconds that pass by one with each look, from some day in 2026."""
    now = [1_780_000_000.0]

    def look() -> float:
        now[0] += 1
        return now[0]

    return look


def file_of(home: Path) -> Path:
    return home / "data" / "ledger.db"


def ledger_in(home: Path, time: Callable[[], float] | None = None) -> Ledger:
    """The ledger of a home, as the program builds it; its key lies in a file."""
    return Ledger(
        LedgerStore(file_of(home)),
        FileKeyStore(home / "config"),
        app_version="0.1.0",
        os_user="ada",
        clock=time or clock(),
    )


def acknowledged(ledger: Ledger, model: str, license_id: str, text: bytes = TEXTS[0], **more: str) -> LedgerEvent:
    """The fact that somebody accepted a text, which is handed to the ledger to keep."""
    return LedgerEvent(
        event="acknowledged",
        model=model,
        model_name=model.title(),
        license=license_id,
        text_sha256=ledger.store_text(text),
        person=more.pop("person", "Ada Lovelace"),
        purpose=more.pop("purpose", "research"),
        **more,
    )


def facts(ledger: Ledger) -> list[LedgerEvent]:
    """Twelve facts of most kinds, about four models."""
    llama = {"model": "llama-2-7b", "model_name": "Llama 2 7B", "license": "LicenseRef-Llama-2"}
    files = {"repository": "meta/llama", "commit": "c" * 40, "file_sha256": "f" * 64, "organization": "Engines Ltd"}
    return [
        acknowledged(ledger, "dolly", "MIT"),
        acknowledged(ledger, "llama-2-7b", "LicenseRef-Llama-2", TEXTS[1], **files),
        LedgerEvent(event="downloaded", **llama, **files),
        LedgerEvent(event="loaded", **llama, **files),
        acknowledged(ledger, "alpaca", "CC-BY-NC-4.0", TEXTS[2], note="Read twice.", **files),
        LedgerEvent(event="refused", model="vicuna", license="LicenseRef-LLaMA", note="Not acknowledged."),
        LedgerEvent(event="imported", model="vicuna", model_name="Vicuna 7B"),
        LedgerEvent(event="suspended", **llama, note="The text changed."),
        acknowledged(ledger, "llama-2-7b", "LicenseRef-Llama-2", TEXTS[0], **files),
        LedgerEvent(event="revoked", model="dolly"),
        LedgerEvent(event="removed", model="dolly"),
        LedgerEvent(event="loaded", **llama, **files),
    ]


def fill(ledger: Ledger) -> None:
    """Record all of them."""
    ledger.append_all(facts(ledger))


def rows(home: Path) -> list[dict[str, Any]]:
    """The records as they lie in the file."""
    connection = sqlite3.connect(file_of(home))
    names = ", ".join(f'"{name}"' for name in RECORD_COLUMNS)
    found = [dict(zip(RECORD_COLUMNS, row, strict=True)) for row in connection.execute(f"SELECT {names} FROM ledger")]
    connection.close()
    return sorted(found, key=lambda row: row["seq"])


def edit(home: Path, *statements: str, unguarded: bool = False) -> None:
    """Run statements on the ledger's file, with the triggers out of the way; they stand again afterwards."""
    connection = sqlite3.connect(file_of(home), isolation_level=None)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    connection.execute("BEGIN IMMEDIATE")
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    if not unguarded:
        for _, sql in triggers:
            connection.execute(sql)
    connection.execute("COMMIT")
    connection.close()


def write_anew(home: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], *, hashes: int = 0) -> None:
    """Store the records as `change` gives them; from position `hashes` on, all hashes are computed anew."""
    changed = change(rows(home))
    for at, row in enumerate(changed):
        if at >= hashes:
            row["previous"] = changed[at - 1]["hash"] if at else "0" * 64
            row["hash"] = hash_of(row)
    statements = ["DELETE FROM ledger"]
    for row in changed:
        values = ", ".join(
            str(row[name]) if name == "seq" else "'" + row[name].replace("'", "''") + "'" for name in row
        )
        statements.append(
            f"INSERT INTO ledger ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in row)}) VALUES ({values})"
        )
    edit(home, *statements)


def hash_of(row: dict[str, Any]) -> str:
    """The hash of a record, computed by other means than the program's."""
    values = {name: value for name, value in row.items() if name != "hash"}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
