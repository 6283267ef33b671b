"""The endpoints that a person added: one file in `config`, without keys. It is written as a whole, and read within
bounds; a damaged one is never taken for an empty one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from desktop.atomic_file import DamagedFileError, read_struct, write_atomically, write_error
from desktop.endpoints.endpoint import Endpoint, EndpointError, check_name, is_model_id
from desktop.endpoints.endpoint_address import endpoint_address
from desktop.errors import IntegrityError, ResourceError
from desktop.file_stamp import FileStamp, stamp_at
from desktop.folder_lock import folder_lock
from desktop.translation import tr


class Endpoints(msgspec.Struct, frozen=True):
    """What the file holds. `removed_names` are names of endpoints that were removed: `NAME/model` still means a model
    of theirs, which nobody else is to hear of."""

    version: int = 1
    endpoints: tuple[Endpoint, ...] = ()
    removed_names: tuple[str, ...] = ()

    def know(self, name: str) -> bool:
        """Whether an endpoint is, or was, called `name`."""
        removed = (each.casefold() for each in self.removed_names)
        return any(each.is_called(name) for each in self.endpoints) or name.casefold() in removed


class EndpointFile:
    """The file at `path`; there need not be one yet. For any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._stamp: FileStamp | None = None
        self._read: Endpoints | None = None

    def stamp(self) -> FileStamp | None:
        """A value that differs once the file is another."""
        return stamp_at(self.path)

    def read(self) -> Endpoints:
        """What it holds, read again where it changed. Raises IntegrityError where it is damaged, ResourceError where it
        cannot be read."""
        stamp = self.stamp()
        with self._lock:
            if self._read is None or stamp != self._stamp:
                self._read, self._stamp = self._read_anew(), stamp
            return self._read

    @contextmanager
    def change(self) -> Iterator[list[Endpoints]]:
        """A list of what it holds; what stands first in it when the block ends is written. Other processes wait.
        Raises as `read`, and ResourceError where it cannot be written."""
        with folder_lock(self.path.parent):
            held = [self._read_anew()]
            yield held
            try:
                write_atomically(self.path, msgspec.json.format(msgspec.json.encode(held[0])))
            except OSError as error:
                raise write_error(
                    tr("The endpoints were not saved."),
                    self.path,
                    error,
                    tr("Free some space or make the folder writable."),
                ) from error

    def _read_anew(self) -> Endpoints:
        try:
            found = read_struct(self.path, Endpoints)
            _check(found)
        except (FileNotFoundError, NotADirectoryError):
            return Endpoints()
        except (DamagedFileError, EndpointError) as error:
            reason = error.strerror if isinstance(error, DamagedFileError) else error.title
            raise IntegrityError(
                tr("The list of endpoints is damaged, so none is used: {reason}").format(reason=reason),
                "",
                tr("Mend {file} or move it away, and add the endpoints again.").format(file=self.path),
            ) from error
        except OSError as error:
            raise ResourceError(
                tr("The list of endpoints cannot be read."),
                tr("The system says: {reason}.").format(reason=error.strerror or error),
                tr("Look at the rights of {file}.").format(file=self.path),
            ) from error
        return found


def _check(found: Endpoints) -> None:
    """Raise EndpointError where a person could not have added what stands there."""
    names: set[str] = set()
    for endpoint in found.endpoints:
        check_name(endpoint.name)
        if endpoint_address(endpoint.address) != endpoint.address:
            raise EndpointError(tr("An address is not in its one spelling."))
        mine = {each.casefold() for each in (endpoint.name, *endpoint.former_names)}
        if names & mine:
            raise EndpointError(tr("Two endpoints have the same name."))
        names |= mine
        if not all(is_model_id(each.id) for each in endpoint.models):
            raise EndpointError(tr("A model has a name that cannot be one."))
