"""Downloads as a person sees them: begun, paused, gone on with after a restart, and in the end a model in the library.

A model is fetched only where the license check allows it: it is asked at the start, whenever a download goes on, every
few seconds while it runs, and when the ledger changes. What is unfinished is kept as one small file each, so that it
survives every end of the process.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from desktop.errors import AccessError, ForbiddenError, NotFoundError, UserError
from desktop.hub.transfer.model_transfer import ModelTransfer
from desktop.hub.transfer.transfer_types import (
    FetchedFile,
    FileRequest,
    TransferProgress,
    TransferState,
    TransferStoppedError,
)
from desktop.library.download_item import OVER, DownloadItem, in_state, item_of
from desktop.library.download_records import DownloadRecord, DownloadRecords, check_endpoint, new_record, record_id
from desktop.library.hub_records import HubRecord
from desktop.library.installer import Installer
from desktop.library.library import Library
from desktop.library.model_lookup import ModelLookup
from desktop.library.network_services import NetworkServices
from desktop.library.status import DownloadStep, LookUpStep, ReadyStep
from desktop.library.step_error import step_error
from desktop.translation import tr

_log = logging.getLogger(__name__)
_MAX_PARALLEL = 2
_ASK_EVERY_S = 2.0


class AlreadyInstalledError(UserError):
    """The file that was to be fetched is on this computer."""


@dataclass
class _RunningDownload:
    """A download that has a thread of its own: when the license check was last asked about it, and what it objected."""

    transfer: ModelTransfer | None = None
    requested: str = ""
    asked: float = field(default_factory=time.monotonic)
    refusal: UserError | None = None


class Downloads:
    """For any number of threads. `listeners` are called on any of them, a few times a second for each download."""

    def __init__(
        self,
        library: Library,
        getting: ModelLookup,
        online: NetworkServices,
        installer: Installer,
        models: Path,
        records: Path,
    ) -> None:
        self._library, self._getting, self._online, self._installer = library, getting, online, installer
        self._models = models
        self._records = DownloadRecords(records)
        self._items: dict[str, DownloadItem] = {}
        self._running: dict[str, _RunningDownload] = {}
        self._change = threading.Condition()
        self._turns = threading.Semaphore(_MAX_PARALLEL)
        self._closed = False
        self.listeners: list[Callable[[DownloadItem], None]] = []

    # --- looking -------------------------------------------------------------------------------------------------

    def all(self) -> tuple[DownloadItem, ...]:
        """Every download, oldest first; those of former runs are paused."""
        with self._change:
            records = {record.id: record for record in self._records.all()}
            for record in records.values():
                if record.id not in self._items:
                    self._items[record.id] = self._at_rest(record)
            for item in list(self._items.values()):
                unfinished = item.progress.state in ("paused", "failed") and item.id not in self._running
                if unfinished and item.id not in records:
                    del self._items[item.id]  # another process finished it, or gave it up
            return tuple(self._items.values())

    def find(self, download_id: str) -> DownloadItem:
        """One of them. Raises NotFoundError."""
        found = next((each for each in self.all() if each.id == download_id), None)
        if found is None:
            raise NotFoundError(tr("There is no such download."))
        return found

    def of_model(self, model_id: str) -> tuple[DownloadItem, ...]:
        """Those of one model."""
        return tuple(each for each in self.all() if each.model_id == model_id)

    def wait(self, download_id: str, timeout: float | None = None) -> DownloadItem:
        """The download, once it is over or `timeout` seconds have passed."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._change:
            while (item := self._items.get(download_id)) is not None and not (
                item.is_inactive and download_id not in self._running
            ):
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    break
                self._change.wait(0.2 if left is None else min(0.2, left))
        return self.find(download_id)

    # --- doing ---------------------------------------------------------------------------------------------------

    def start(self, model_id: str, file: str = "") -> str:
        """Begin to fetch a file of a model ("" the one to recommend), or go on with it; the download's id.

        Asks the Hub first where nothing is known of the model, or its hashes were hidden until now. Raises the
        UserError that stands in the way: license, access, space, policy, offline; AlreadyInstalledError where the
        file is here, as another process may have fetched it since somebody looked.
        """
        step = self._getting.next_step(model_id, file)
        known = self._library.hub_records.find(model_id)
        if isinstance(step, LookUpStep) or (
            isinstance(step, DownloadStep) and known is not None and _hidden(known, step.file)
        ):
            model_id = self._getting.look_up(model_id).model_id
            step = self._getting.next_step(model_id, file)
        listed = self._library.find_listed(model_id)
        if isinstance(step, ReadyStep):
            raise AlreadyInstalledError(tr("{model} is on this computer already.").format(model=listed.subject.name))
        error = step_error(step, listed.subject.name)
        if error is not None:
            raise error
        known = self._library.hub_records.find(model_id)
        if known is None or not isinstance(step, DownloadStep) or (chosen := known.file(step.file)) is None:
            raise NotFoundError(tr("There is nothing to fetch of {model}.").format(model=listed.subject.name))
        record = new_record(known, chosen, listed.subject.id, listed.subject.name)
        self._records.save(record)
        self._launch(record)
        return record.id

    def pause(self, download_id: str) -> None:
        """Stop it for now; what was fetched is kept."""
        self._request(download_id, "paused")

    def resume(self, download_id: str) -> None:
        """Go on with it. Raises what stands in the way now, as `start` does."""
        record = self._record(download_id)
        listed = self._library.find_listed(record.model_id)
        self._online.switch.check()
        self._installer.check(listed.subject)
        self._launch(record)

    def cancel(self, download_id: str) -> None:
        """Give it up, and throw away what was fetched of it."""
        with self._change:
            running = download_id in self._running
        if running:
            self._request(download_id, "cancelled")
            return
        item, record = self.find(download_id), self._record(download_id)
        self._transfer(record).discard()
        self._installer.discard(record, folder_of(self._models, record.repository, record.commit))
        self._records.delete(download_id)
        self._notify(replace(item, progress=TransferProgress(state="cancelled"), error=None))

    def dismiss(self, download_id: str) -> None:
        """Have a download that is done or cancelled out of the list; one that failed is given up with it."""
        if any(each.id == download_id and each.progress.state in ("failed", "paused") for each in self.all()):
            self.cancel(download_id)
        with self._change:
            if download_id not in self._running:
                self._items.pop(download_id, None)

    def recheck(self) -> None:
        """Pause whatever may no longer be fetched: a license was revoked, a policy changed."""
        with self._change:
            running = [self._items[each] for each in self._running if each in self._items]
        for item in running:
            self._check_license(item)

    def pause_all(self) -> None:
        """Stop all for now, as when the switch goes offline."""
        with self._change:
            running = list(self._running)
        for each in running:
            self.pause(each)

    def close(self) -> None:
        """Stop all, quickly; each goes on from there the next time."""
        with self._change:
            self._closed = True
        self.pause_all()
        end = time.monotonic() + 3.0
        with self._change:
            while self._running and time.monotonic() < end:
                self._change.wait(0.1)

    # --- how it is done ------------------------------------------------------------------------------------------

    def _launch(self, record: DownloadRecord) -> None:
        with self._change:
            if self._closed or record.id in self._running:
                return
            self._running[record.id] = _RunningDownload()
        item = self._at_rest(record)
        self._notify(replace(item, progress=in_state(item.progress, "queued")))
        threading.Thread(target=self._run, args=(record,), name=f"download-{record.id[:8]}", daemon=True).start()

    def _run(self, record: DownloadRecord) -> None:
        item = self._items[record.id]
        try:
            installed = self._fetch(record)
            now = self._items[record.id]
            done = replace(now, progress=in_state(now.progress, "done"), installed=installed, error=None)
            self._records.delete(record.id)
            self._end(done)
        except TransferStoppedError as halted:
            if halted.state == "cancelled":
                self._records.delete(record.id)
            now = self._items.get(record.id, item)
            why = self._running[record.id].refusal if halted.state == "paused" else None
            self._end(replace(now, progress=in_state(now.progress, halted.state), error=why))
        except UserError as error:
            now = self._items.get(record.id, item)
            # Offline by the person's own wish is no failure.
            if isinstance(error, AccessError):
                self._ask_again(record)
            state: TransferState = (
                "paused" if isinstance(error, ForbiddenError) and self._online.switch.offline else "failed"
            )
            self._end(replace(now, progress=in_state(now.progress, state), error=error))
        except Exception as error:  # noqa: BLE001 - a thread of its own: a bug has to be told, not lost
            _log.critical("uncaught error in a download", exc_info=error)
            now = self._items.get(record.id, item)
            failure = UserError(tr("This is a bug in Latchkey."), tr("The log says more."), technical=repr(error))
            self._end(replace(now, progress=in_state(now.progress, "failed"), error=failure))

    def _fetch(self, record: DownloadRecord) -> str:
        running = self._running[record.id]
        while not self._turns.acquire(timeout=0.2):
            self._look_up(running)
        try:
            self._look_up(running)
            check_endpoint(record, self._online.endpoint)
            self._installer.check(self._library.find_listed(record.model_id).subject)
            transfer = self._transfer(record, lambda progress: self._progressed(record.id, progress))
            with self._change:
                running.transfer = transfer
                wish = running.requested
            if wish:
                raise TransferStoppedError("cancelled" if wish == "cancelled" else "paused")
            fetched: tuple[FetchedFile, ...] = transfer.run()
            return self._installer.install(record, fetched)
        finally:
            self._turns.release()

    def _ask_again(self, record: DownloadRecord) -> None:
        """Have the model itself say what stands in the way of its files now."""
        try:
            self._getting.check_access(record.model_id)
        except UserError as error:
            _log.warning("%s", error)

    def _look_up(self, running: _RunningDownload) -> None:
        with self._change:
            if running.requested:
                raise TransferStoppedError("cancelled" if running.requested == "cancelled" else "paused")

    def _request(self, download_id: str, wish: str) -> None:
        with self._change:
            running = self._running.get(download_id)
            if running is None:
                return
            if running.requested != "cancelled":
                running.requested = wish
            transfer = running.transfer
        if transfer is not None:
            if wish == "cancelled":
                transfer.cancel()
            else:
                transfer.pause()

    def _progressed(self, download_id: str, progress: TransferProgress) -> None:
        if progress.state in OVER:
            return  # what the end of a transfer comes to is said once the model is in the library
        item = self._items.get(download_id)
        if item is not None:
            self._notify(replace(item, progress=progress, error=None))
            running = self._running.get(download_id)
            if running is not None and time.monotonic() - running.asked > _ASK_EVERY_S:
                self._check_license(item)

    def _check_license(self, item: DownloadItem) -> None:
        """Pause it where the license check says no by now: another process may have revoked a license, say."""
        running = self._running.get(item.id)
        if running is None:
            return
        running.asked = time.monotonic()
        try:
            self._installer.check(self._library.find_listed(item.model_id).subject)
        except UserError as error:
            running.refusal = error
            self.pause(item.id)

    def _end(self, item: DownloadItem) -> None:
        with self._change:
            self._running.pop(item.id, None)
        self._notify(item)

    def _notify(self, item: DownloadItem) -> None:
        with self._change:
            self._items[item.id] = item
            self._change.notify_all()
            listeners = list(self.listeners)
        for listener in listeners:
            listener(item)

    def _record(self, download_id: str) -> DownloadRecord:
        found = self._records.find(download_id)
        if found is None:
            raise NotFoundError(tr("There is no such download."))
        return found

    def _at_rest(self, record: DownloadRecord) -> DownloadItem:
        total = sum(part.size for part in record.parts)
        try:
            done = max(0, total - self._transfer(record).missing)
        except UserError:  # as where the Hub's address is none; who wants it to go on is told
            done = 0
        return item_of(record, TransferProgress(state="paused", done=done, total=total))

    def bytes_here(self, known: HubRecord, file: str) -> int:
        """How many bytes of a file of the Hub an earlier download left here."""
        record = self._records.find(record_id(known.repository, known.commit, file))
        return self._at_rest(record).progress.done if record is not None else 0

    def _transfer(
        self, record: DownloadRecord, listener: Callable[[TransferProgress], None] = lambda progress: None
    ) -> ModelTransfer:
        wanted = tuple(
            FileRequest(
                repository=record.repository,
                commit=record.commit,
                file=part.name,
                size=part.size or None,
                sha256=part.sha256,
            )
            for part in record.parts
        )
        folder = folder_of(self._models, record.repository, record.commit)
        return ModelTransfer(self._online.client, self._online.hub.locate, wanted, folder, listener=listener)


def folder_of(models: Path, repository: str, commit: str) -> Path:
    """Where the files of a repository's commit lie: one folder for each, so that versions never mix."""
    return models / repository.replace("/", "--") / commit[:12]


def _hidden(known: HubRecord, file: str) -> bool:
    found = known.file(file)
    return known.wants_access and found is not None and any(not part.sha256 for part in found.parts)
