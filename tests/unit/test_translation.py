"""Strings change with the language, and stay readable where there is no translation."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.translation import tr, trn, use_language


def write_catalog(folder: Path, language: str, messages: dict[str, str]) -> None:
    """A gettext .mo file, format as in the gettext manual, section "The Format of GNU MO Files"."""
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **messages}.items())
    keys, values = [key.encode() for key, _ in pairs], [value.encode() for _, value in pairs]
    offset = 28 + 16 * len(pairs)
    tables, body = b"", b""
    for texts in (keys, values):
        for text in texts:
            tables += struct.pack("<II", len(text), offset + len(body))
            body += text + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    file = folder / language / "LC_MESSAGES" / "latchkey.mo"
    file.parent.mkdir(parents=True)
    file.write_bytes(header + tables + body)


@pytest.fixture(autouse=True)
def _english_afterwards(tmp_path: Path) -> Iterator[None]:
    yield
    use_language(tmp_path / "none", "en")


def test_a_catalog_is_used_for_its_language(tmp_path: Path) -> None:
    write_catalog(tmp_path, "de", {"Send": "Senden"})

    use_language(tmp_path, "de")

    assert tr("Send") == "Senden"
    assert tr("Not translated") == "Not translated"


def test_an_unknown_language_shows_the_original(tmp_path: Path) -> None:
    use_language(tmp_path, "tlh")

    assert tr("Send") == "Send"
    assert trn("{count} chat", "{count} chats", 1) == "{count} chat"
    assert trn("{count} chat", "{count} chats", 2) == "{count} chats"
