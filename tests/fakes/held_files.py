"""Exports of other programs held in memory, and the ones in tests/data/imports."""

from pathlib import Path
from typing import Any

import msgspec

from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import ConversationReader, ImportedConversation, SkippedItem

EXPORTS = Path(__file__).resolve().parents[1] / "data" / "imports"


class HeldFiles(ExportFiles):
    """`members` by their names, as a zip archive of them would give them."""

    def __init__(self, members: dict[str, bytes]) -> None:
        self.path = Path("export.zip")
        self._members = members
        self._zip = None

    def names(self) -> tuple[str, ...]:
        return tuple(self._members)

    def head(self, name: str, size: int = 65_536) -> bytes:
        return self._members[name][:size]

    def read(self, name: str) -> bytes:
        return self._members[name]


def export_members(app: str) -> dict[str, bytes]:
    """The files of the export of `app`: "chatgpt", "claude", "gpt4all", "jan", "lm-studio" or "open-webui"."""
    folder = EXPORTS / app
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def read_export(
    reader: ConversationReader, members: dict[str, bytes]
) -> tuple[list[ImportedConversation], list[SkippedItem]]:
    """What `reader` takes of an export, and what it leaves."""
    taken: list[ImportedConversation] = []
    left: list[SkippedItem] = []
    for each in reader.read(HeldFiles(members)):
        if isinstance(each, SkippedItem):
            left.append(each)
        else:
            taken.append(each)
    return taken, left


def read_json(reader: ConversationReader, value: Any) -> tuple[list[ImportedConversation], list[SkippedItem]]:
    """The same of an export that is one file of JSON."""
    return read_export(reader, {"conversations.json": msgspec.json.encode(value)})
