"""The transfer of one item: a file, or all the parts of a model that is split into several."""

from collections.abc import Callable
from pathlib import Path

from desktop.errors import ForbiddenError, UserError
from desktop.hub.transfer.disk import check_space, make_folder
from desktop.hub.transfer.file_transfer import FileTransfer, TransferContext
from desktop.hub.transfer.transfer_progress import ProgressReporter
from desktop.hub.transfer.transfer_types import (
    FetchedFile,
    FileRequest,
    LocateFile,
    RetryPolicy,
    StopRequest,
    TransferProgress,
    TransferStoppedError,
)
from desktop.network.http_client import HttpClient
from desktop.translation import tr

MAX_CONNECTIONS = 8


class ModelTransfer:
    """Fetches `wanted` into `folder`, each file by its own name. Made anew with the same arguments, in this process or
    another, it goes on where it was left, however it was left.

    Until all files are there and verified none has its own name: unfinished ones end in `.part`, with a sidecar
    `.part.state` and, while a process fetches them, `.part.lock` beside them. `listener` is called on the thread that
    runs it: at once when the state or the note changes, else about five times a second.
    """

    def __init__(
        self,
        client: HttpClient,
        locate: LocateFile,
        wanted: tuple[FileRequest, ...],
        folder: Path,
        *,
        listener: Callable[[TransferProgress], None],
        connections: int = MAX_CONNECTIONS,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        """Raises ForbiddenError where a name is unfit. `connections`: to one file at once, at most."""
        self._folder = folder
        self._halting = StopRequest()
        self._reporter = ProgressReporter(listener, sum(each.size or 0 for each in wanted))
        means = TransferContext(client, locate, connections, retry_policy or RetryPolicy())
        self._files = [FileTransfer(means, each, folder, self._halting, self._reporter) for each in wanted]
        if len({file.target.name.casefold() for file in self._files}) < len(self._files):
            raise ForbiddenError(
                tr("These files cannot be kept beside each other."),
                tr("Two of them have the same name."),
                tr("Choose one of them."),
            )

    @property
    def missing(self) -> int:
        """About how many bytes are still to be fetched, without asking anybody."""
        return sum(file.missing for file in self._files)

    def run(self) -> tuple[FetchedFile, ...]:
        """Fetch, on the caller's thread, once. Files that were there already are verified and not fetched.

        Raises TransferStoppedError where it was paused or cancelled, and UserErrors: AccessError, NotFoundError,
        NetworkError, ForbiddenError (offline, by policy), ResourceError (disk; another file has the name),
        IntegrityError (twice not the right bytes). What was fetched is kept, except after `cancel` and IntegrityError.
        """
        try:
            return self._run()
        except TransferStoppedError as halted:
            # `cancel` may have come while it was being paused.
            reason = self._halting.reason or halted.state
            if reason == "cancelled":
                for file in self._files:
                    file.discard()
            self._reporter.end(reason)
            raise TransferStoppedError(reason) from None
        except UserError:
            if self._halting.reason == "cancelled":
                for file in self._files:
                    file.discard()
            self._reporter.end("failed")
            raise
        finally:
            for file in self._files:
                file.release_lock()

    def pause(self) -> None:
        """Have `run` end soon, with what was fetched kept. From any thread, also before `run`."""
        self._halting.stop("paused")

    def cancel(self) -> None:
        """Have `run` end soon, and delete what is unfinished. From any thread, also before `run`."""
        self._halting.stop("cancelled")

    def discard(self) -> None:
        """Delete what is unfinished, where nothing runs: neither here nor in another process."""
        for file in self._files:
            file.discard()
            file.release_lock()

    def _run(self) -> tuple[FetchedFile, ...]:
        self._halting.check()
        make_folder(self._folder)
        check_space(self._folder, sum(file.missing for file in self._files))
        fetched = []
        for number, file in enumerate(self._files):
            self._halting.check()
            self._reporter.begin_file(file.wanted.size, (file.wanted.size or 0) - file.missing)
            fetched.append(file.fetch(sum(later.missing for later in self._files[number + 1 :])))
        self._halting.check()
        for file in self._files:
            file.publish()
        self._reporter.end("done")
        return tuple(fetched)
