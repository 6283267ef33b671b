"""Exports of other programs, those in tests/data/imports and such as a test makes, and what a reader gives of them."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from desktop.chat.importers.export_files import ExportFiles
from desktop.chat.importers.imported_conversation import ConversationReader, ImportedConversation, SkippedItem
from desktop.conversation import Folder

EXPORTS = Path(__file__).resolve().parents[1] / "data" / "imports"


@dataclass
class ReadExport:
    """What a reader took and what it left out."""

    taken: list[ImportedConversation] = field(default_factory=list)
    left: list[SkippedItem] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)

    def left_out(self) -> dict[str, str]:
        """Why, by what it is."""
        return {item.what: item.why for item in self.left}


def export_members(app: str) -> dict[str, bytes]:
    """The files of the export of `app`: "chatgpt", "claude", "gpt4all", "jan", "lm-studio" or "open-webui"."""
    folder = EXPORTS / app
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def written(folder: Path, members: Mapping[str, bytes]) -> Path:
    """`folder` with these files in it."""
    for name, data in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    folder.mkdir(exist_ok=True)
    return folder


def zipped(path: Path, members: Mapping[str, bytes]) -> Path:
    """A zip archive of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def read_export(reader: ConversationReader, path: Path) -> ReadExport:
    """What `reader` gives of the file, the archive or the folder at `path`."""
    read = ReadExport()
    with ExportFiles(path) as files:
        for each in reader.read(files):
            match each:
                case SkippedItem():
                    read.left.append(each)
                case ImportedConversation():
                    read.taken.append(each)
                case Folder():
                    read.folders.append(each)
    return read
