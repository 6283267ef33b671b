"""Files attached to messages that are being written: read off the main thread, shown as they come, and handed over with
the message.

A message in the composer is known by the id of its conversation, one that waits in the queue by `queued_key`, one that
is being edited by `edited_key`. Nothing of a file is kept for a message that is never sent but what `AttachmentDrafts`
keeps aside for a while.

Everything here happens on the main thread but where a method says otherwise.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from desktop.background import Background
from desktop.chat.attached_file_reader import AttachedFileReader, GivenFile, decoded_content
from desktop.chat.attachment_drafts import AttachmentDrafts
from desktop.chat.draft_attachment import DraftAttachment, DraftRecord, TakenAttachment, TakenAttachments, given_whole
from desktop.chat.unsent_file import RemovedFiles, UnsentFile, UnsentFiles
from desktop.document_content import DocumentContent
from desktop.errors import UserError
from desktop.safe_text import one_line
from desktop.translation import tr

MOST_ATTACHMENTS = 50
"""To one message."""
_AT_ONCE = 2  # files that are read at the same time
_LONGEST_NAME = 200
_BROUGHT_BACK = 3  # times that files were taken away


def queued_key(conversation_id: str, message_id: str) -> str:
    """The key of a message that waits in the queue of a conversation."""
    return f"{conversation_id}/{message_id}"


def edited_key(conversation_id: str, message_id: str) -> str:
    """The key of an earlier message that is being edited: what is attached to it beside what it has."""
    return f"{conversation_id}/edit/{message_id}"


class MessageAttachments:
    """`changed` is called with the key of a message whose files are others than before, or further; `failed` with that
    and what could not be attached at all. `room` gives how many tokens the files of a message may take where they are
    given whole."""

    def __init__(
        self,
        reader: AttachedFileReader,
        drafts: AttachmentDrafts,
        background: Background,
        *,
        changed: Callable[[str], object],
        failed: Callable[[str, UserError], None],
        room: Callable[[str], int],
        new_id: Callable[[], str],
    ) -> None:
        self._reader, self._drafts, self._background = reader, drafts, background
        self._changed, self._failed, self._room, self._new_id = changed, failed, room, new_id
        self._messages: dict[str, UnsentFiles] = {}
        self._removed: deque[RemovedFiles] = deque(maxlen=_BROUGHT_BACK)
        self._waiting: deque[tuple[str, UnsentFile]] = deque()
        self._reading = 0
        self._closed = False

    # --- what is attached ----------------------------------------------------------------------------------------

    def items(self, key: str) -> tuple[DraftAttachment, ...]:
        """What is attached to a message, in the order in which it was; which are given whole follows from how much room
        there is now."""
        entries = self._entries(key)
        read = [entry.record for entry in entries if entry.record is not None]
        whole = dict(
            zip((record.id for record in read), given_whole(read, self._room(key) if read else 0), strict=True)
        )
        return tuple(msgspec.structs.replace(each.item, whole=whole.get(each.item.id, False)) for each in entries)

    def is_reading(self, key: str) -> bool:
        """Whether a file of a message is still being read."""
        return any(entry.item.state == "reading" for entry in self._entries(key))

    def add_files(self, key: str, paths: Iterable[Path]) -> None:
        """Attach files, which are read from now on."""
        self._add(key, [(path.name or str(path), path) for path in paths])

    def add_bytes(self, key: str, data: bytes, name: str) -> None:
        """Attach what was pasted, say, under this name."""
        self._add(key, [(name, data)])

    def remove(self, key: str, *item_ids: str) -> Callable[[], None]:
        """Take files away; what is returned brings them back, until files were taken away three times more."""
        entries = self._entries(key)
        removed = RemovedFiles(key, [each for each in enumerate(entries) if each[1].item.id in item_ids])
        for _, entry in removed.entries:
            entries.remove(entry)
            entry.cancelled = True
        if removed.entries:
            self._removed.append(removed)
            self._save()
            self._told(key)
        return lambda: self._bring_back(removed)

    def _bring_back(self, removed: RemovedFiles) -> None:
        if removed in self._removed:
            self._removed.remove(removed)
            message = self._messages.setdefault(removed.key, UnsentFiles())
            for place, entry in removed.entries:
                message.entries.insert(place, again := entry.again())
                if again.item.state == "reading":
                    self._begin(removed.key, again)
            self._save()
            self._told(removed.key)

    def retry(self, key: str, item_id: str) -> None:
        """Read one that failed once more."""
        entry = self._entry(key, item_id)
        if entry is not None and entry.item.state == "failed" and entry.source is not None:
            self._begin(key, entry)
            self._told(key)

    def enter_password(self, key: str, item_id: str, password: str) -> None:
        """Read one that needs a password with this one. It is kept nowhere."""
        if (entry := self._entry(key, item_id)) is not None:
            entry.password = password
            self.retry(key, item_id)

    def move(self, key: str, to: str) -> None:
        """What is attached to one message belongs to another one from now on."""
        if key != to and (moved := self._messages.pop(key, None)) is not None:
            target = self._messages.setdefault(to, UnsentFiles())
            target.entries += moved.entries
            target.when_read += moved.when_read
            for removed in self._removed:
                removed.key = to if removed.key == key else removed.key
            self._save()
            self._changed(key)
            self._told(to)

    def read_content(
        self, key: str, item_id: str, give: Callable[[DocumentContent], object], failed: Callable[[UserError], object]
    ) -> None:
        """Have `give` called with what was read of a document, or `failed`."""
        entry = self._entry(key, item_id)
        if entry is None or entry.record is None:
            return
        sha256 = entry.record.sha256
        self._background.pool(lambda: decoded_content(self._drafts.read(sha256)), _unit(give), _unit(failed))

    def read_bytes(
        self, key: str, item_id: str, give: Callable[[bytes], object], failed: Callable[[UserError], object]
    ) -> None:
        """Have `give` called with the bytes of an image, or `failed`."""
        entry = self._entry(key, item_id)
        if entry is not None and entry.record is not None:
            sha256 = entry.record.sha256
            self._background.pool(lambda: self._drafts.read(sha256), _unit(give), _unit(failed))

    # --- sending -------------------------------------------------------------------------------------------------

    def when_read(self, key: str, then: Callable[[], object]) -> None:
        """Call `then` once all files of a message are read: now, where they are."""
        if self.is_reading(key):
            self._messages[key].when_read.append(then)
        else:
            then()

    def is_awaited(self, key: str) -> bool:
        """Whether a message was sent that goes once its files are read."""
        return key in self._messages and bool(self._messages[key].when_read)

    def error(self, key: str) -> UserError | None:
        """Why the first file of a message that could not be read was not; None where all were."""
        return next((entry.item.error for entry in self._entries(key) if entry.item.state == "failed"), None)

    def take(self, key: str) -> TakenAttachments:
        """What is attached to a message, which has it no longer. Files that could not be read are left out."""
        whole = {item.id for item in self.items(key) if item.whole}
        taken = tuple(
            TakenAttachment.of(entry.record, self._bytes_of(entry.record), whole=entry.item.id in whole)
            for entry in self._entries(key)
            if entry.record is not None
        )
        if self._messages.pop(key, None) is not None:
            self._changed(key)
        return taken

    def give_back(self, key: str, taken: TakenAttachments) -> None:
        """The message was not sent: it has again what was taken."""
        if taken:
            entries = [UnsentFile.of(each.record) for each in taken]
            message = self._messages.setdefault(key, UnsentFiles())
            message.entries = [*entries, *message.entries]
            self._told(key)

    def adopt(self, key: str, taken: TakenAttachments) -> None:
        """Attach what was taken from a message of a chat that is over."""

        def keep() -> None:
            for each in taken:
                self._drafts.add(each.read())

        def kept(_: None) -> None:
            self.give_back(key, taken)
            self._save()

        if taken:
            self._background.pool(keep, kept, lambda error: self._failed(key, error))

    def sent(self, taken: TakenAttachments) -> None:
        """What was taken is stored with its message: nothing of it is kept aside any more."""
        if taken:
            self._save()

    def discard(self, keys: Callable[[str], bool]) -> None:
        """Forget what is attached to the messages whose keys `keys` picks."""
        gone = [key for key in self._messages if keys(key)]
        for key in gone:
            for entry in self._messages.pop(key).entries:
                entry.cancelled = True
        removed = [each for each in self._removed if keys(each.key)]
        for each in removed:
            self._removed.remove(each)
        if gone or removed:
            self._save()

    # --- over a restart ------------------------------------------------------------------------------------------

    def restore(self, loaded: Callable[[], object]) -> None:
        """What was attached and not sent in an earlier run is attached again; `loaded` is called then."""

        def found(records: dict[str, tuple[DraftRecord, ...]]) -> None:
            for key, kept in records.items():
                message = self._messages.setdefault(key, UnsentFiles())
                known = {entry.item.id for entry in message.entries}
                message.entries += [UnsentFile.of(record) for record in kept if record.id not in known]
                self._told(key)
            loaded()

        self._background.database(self._drafts.load, found, lambda error: self._failed("", error))

    @property
    def keys(self) -> tuple[str, ...]:
        """The messages that have anything attached."""
        return tuple(key for key, message in self._messages.items() if message.entries)

    def close(self) -> None:
        """Stop reading."""
        self._closed = True
        for message in self._messages.values():
            for entry in message.entries:
                entry.cancelled = True

    # --- inside --------------------------------------------------------------------------------------------------

    def _entries(self, key: str) -> list[UnsentFile]:
        message = self._messages.get(key)
        return message.entries if message is not None else []

    def _entry(self, key: str, item_id: str) -> UnsentFile | None:
        return next((entry for entry in self._entries(key) if entry.item.id == item_id), None)

    def _add(self, key: str, files: Sequence[tuple[str, Path | bytes]]) -> None:
        message = self._messages.setdefault(key, UnsentFiles())
        room = max(MOST_ATTACHMENTS - len(message.entries), 0)
        for name, source in files[:room]:
            shown = one_line(name)[:_LONGEST_NAME] or tr("file")
            size = len(source) if isinstance(source, bytes) else 0
            entry = UnsentFile(DraftAttachment(self._new_id(), shown, "document", "reading", size), source)
            message.entries.append(entry)
            self._begin(key, entry)
        self._told(key)
        if len(files) > room:
            self._failed(
                key,
                UserError(
                    tr("A message takes {count} files at most.").format(count=MOST_ATTACHMENTS),
                    tr("The others were not attached."),
                    tr("Put them into a collection, where any number of files can be asked about."),
                ),
            )

    def _begin(self, key: str, entry: UnsentFile) -> None:
        entry.item = msgspec.structs.replace(entry.item, state="reading", error=None, fraction=None)
        self._waiting.append((key, entry))
        self._advance()

    def _advance(self) -> None:
        while self._waiting and self._reading < _AT_ONCE and not self._closed:
            _, entry = self._waiting.popleft()
            if not entry.cancelled:
                self._reading += 1
                self._background.pool(
                    partial(self._read_entry, entry), partial(self._read, entry), partial(self._unread, entry)
                )

    def _read_entry(self, entry: UnsentFile) -> DraftRecord:
        """What was read of a file, kept aside. Runs in the pool."""
        source, item, password = entry.source, entry.item, entry.password
        entry.password = ""
        assert source is not None
        given = GivenFile(item.id, item.name, source, password)

        def progress(done: int, total: int) -> None:
            fraction = done / total if total else None
            self._note(entry, lambda now: msgspec.structs.replace(now, fraction=fraction))

        return self._reader.read(
            given,
            is_cancelled=lambda: entry.cancelled,
            on_size=lambda size: self._note(entry, lambda now: msgspec.structs.replace(now, size=size)),
            on_progress=progress,
        )

    def _note(self, entry: UnsentFile, change: Callable[[DraftAttachment], DraftAttachment]) -> None:
        """Have `entry` changed and told, on the main thread."""

        def changed() -> None:
            if not entry.cancelled and entry.item.state == "reading":
                entry.item = change(entry.item)
                if (key := self._key_of(entry)) is not None:
                    self._changed(key)

        self._background.call_on_main_thread(changed)

    def _read(self, entry: UnsentFile, record: DraftRecord) -> None:
        self._finished(entry, record, None)

    def _unread(self, entry: UnsentFile, error: UserError) -> None:
        self._finished(entry, None, error)

    def _finished(self, entry: UnsentFile, record: DraftRecord | None, error: UserError | None) -> None:
        self._reading -= 1
        key = self._key_of(entry)
        if entry.cancelled or key is None:
            if record is not None:
                self._save()  # which removes what was read of it
        elif record is None:
            entry.item = msgspec.structs.replace(entry.item, state="failed", error=error, fraction=None)
        elif self._is_known(key, record):
            self._messages[key].entries.remove(entry)  # the same file once more
        else:
            read = UnsentFile.of(record)
            entry.item, entry.record, entry.source = read.item, record, None
            self._save()
        if key is not None:
            self._told(key)
        self._advance()

    def _is_known(self, key: str, record: DraftRecord) -> bool:
        known = [entry.record for entry in self._entries(key) if entry.record is not None]
        return any(each.file_sha256 == record.file_sha256 and each.name == record.name for each in known)

    def _key_of(self, entry: UnsentFile) -> str | None:
        return next((key for key, message in self._messages.items() if entry in message.entries), None)

    def _told(self, key: str) -> None:
        if self._closed:
            return
        self._changed(key)
        message = self._messages.get(key)
        if message is not None and message.when_read and not self.is_reading(key):
            waiting, message.when_read = message.when_read, []
            for then in waiting:
                then()

    def _save(self) -> None:
        """Write down what is attached; what was read of anything else goes, but for what may be brought back."""
        records = {
            key: tuple(entry.record for entry in message.entries if entry.record is not None)
            for key, message in self._messages.items()
        }
        kept = {key: found for key, found in records.items() if found}
        files = [entry for removed in self._removed for _, entry in removed.entries]
        spared = {entry.record.sha256 for entry in files if entry.record is not None}
        self._background.database(
            lambda: self._drafts.save(kept, spared), failure=lambda error: self._failed("", error)
        )

    def _bytes_of(self, record: DraftRecord) -> Callable[[], bytes]:
        return lambda: self._drafts.read(record.sha256)


def _unit(function: Callable[..., object]) -> Callable[..., None]:
    def call(value: object) -> None:
        function(value)

    return call
