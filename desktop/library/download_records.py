"""What is kept of every unfinished download: one small JSON file each, the same for every process."""

import hashlib
import time
from pathlib import Path

import msgspec

from desktop.atomic_file import read_struct, write_atomically
from desktop.errors import ForbiddenError, ResourceError, UserError
from desktop.hub.repository import is_commit, is_repository_id
from desktop.hub.repository_files import FilePart, check_repository_path
from desktop.library.hub_records import HubFileRecord, HubRecord
from desktop.library.model_projector import best_projector_name
from desktop.translation import tr

_ENDING = ".json"


class DownloadRecord(msgspec.Struct, frozen=True):
    """A download: the model, the file at its commit, and its parts with size and hash. `begun` is in s since 1970,
    `endpoint` the Hub that offered it. `projector` is the name of the part that is the model's projector, the last one;
    "" where it has none."""

    id: str
    model_id: str
    name: str
    repository: str
    commit: str
    file: str
    quantization: str
    parts: tuple[FilePart, ...]
    begun: float
    endpoint: str = ""
    projector: str = ""


def record_id(repository: str, commit: str, file: str) -> str:
    """The same for the same file, whoever fetches it."""
    return hashlib.sha256(f"{repository}\n{commit}\n{file}".encode()).hexdigest()[:20]


def new_record(known: HubRecord, file: HubFileRecord, model_id: str, name: str) -> DownloadRecord:
    """A download of `file` that begins now, with its projector, for the model `model_id` called `name`."""
    projector = projector_of(known, file.name)
    return DownloadRecord(
        id=record_id(known.repository, known.commit, file.name),
        model_id=model_id,
        name=name,
        repository=known.repository,
        commit=known.commit,
        file=file.name,
        quantization=file.quantization,
        parts=(*file.parts, projector) if projector is not None else file.parts,
        begun=time.time(),
        endpoint=known.endpoint,
        projector=projector.name if projector is not None else "",
    )


def projector_of(known: HubRecord, file: str) -> FilePart | None:
    """The projector that is fetched with the file of this name; None where the repository has none."""
    name = best_projector_name((each.name for each in known.projectors), file)
    return next((each for each in known.projectors if each.name == name), None)


def size_with_projector(known: HubRecord, file: str, size: int) -> int:
    """Bytes to fetch for a file of `size` bytes; 0 where the Hub does not tell them."""
    projector = projector_of(known, file)
    return size + projector.size if size and projector is not None else size


def check_endpoint(record: DownloadRecord, endpoint: str) -> None:
    """Raise UserError where another Hub is asked now than the one that offered the file: its hashes are not that
    one's."""
    if record.endpoint and record.endpoint != endpoint:
        raise UserError(
            tr("{file} was begun from another Hub.").format(file=record.file),
            tr("It was offered by {endpoint}.").format(endpoint=record.endpoint),
            tr("Set that Hub again to go on, or give this download up and look the model up anew."),
        )


def _is_sound(record: DownloadRecord) -> bool:
    """Whether everything in it that becomes a path or an address can be one."""
    try:
        for part in record.parts:
            check_repository_path(part.name)
    except ForbiddenError:
        return False
    return bool(record.parts) and is_repository_id(record.repository) and is_commit(record.commit)


class DownloadRecords:
    """All of them, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[DownloadRecord]:
        """Every unfinished download, oldest first; what cannot be read is none."""
        try:
            names = [each.stem for each in self._folder.iterdir() if each.suffix == _ENDING]
        except OSError:
            return []
        found = [record for name in names if (record := self.find(name)) is not None]
        return sorted(found, key=lambda each: (each.begun, each.id))

    def find(self, download_id: str) -> DownloadRecord | None:
        """The one with this id."""
        if not download_id.isalnum():
            return None
        try:
            record = read_struct(self._folder / f"{download_id}{_ENDING}", DownloadRecord)
        except OSError:
            return None
        return record if record.id == download_id and _is_sound(record) else None

    def save(self, record: DownloadRecord) -> None:
        """Keep it. Raises ResourceError."""
        target = self._folder / f"{record.id}{_ENDING}"
        try:
            write_atomically(target, msgspec.json.encode(record))
        except OSError as error:
            raise ResourceError(
                tr("The download could not be begun."),
                tr("Writing {file} failed: {reason}.").format(file=target, reason=error.strerror),
                tr("Free some space or make the folder writable, and try again."),
            ) from error

    def delete(self, download_id: str) -> None:
        """Delete the record."""
        (self._folder / f"{download_id}{_ENDING}").unlink(missing_ok=True)
