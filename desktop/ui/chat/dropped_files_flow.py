"""What was dropped on the chat: attached at once where that is clear, else asked about above the message."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.background import Background
from desktop.translation import tr, trn
from desktop.ui.chat.attachment_strip import AttachmentStrip
from desktop.ui.chat.cited_sources import file_name
from desktop.ui.chat.dropped_files import DroppedFiles, dropped_files
from desktop.ui.chat.offer_bar import Answer


class DroppedFilesFlow(QObject):
    """`key` gives the key of the message that is being written, `add` attaches files to the message of a key, and `say`
    speaks to screen readers. What is asked stands in `strip`.

    `models_found`, `chats_found` and `collection_asked` carry paths that are meant for elsewhere.
    """

    models_found = Signal(list)
    chats_found = Signal(list)
    collection_asked = Signal(list)

    def __init__(
        self,
        background: Background,
        strip: AttachmentStrip,
        key: Callable[[], str],
        add: Callable[[Sequence[Path], str], None],
        say: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._background, self._strip = background, strip
        self._key, self._add, self._say = key, add, say
        self._closed = False

    def take(self, paths: Sequence[Path], key: str) -> None:
        """These were dropped while the message `key` was being written."""
        from desktop.chat.message_attachments import MOST_ATTACHMENTS

        self._background.pool(
            lambda: dropped_files(paths, MOST_ATTACHMENTS, lambda: self._closed),
            lambda found: self._take_found(found, key, MOST_ATTACHMENTS),
        )

    def close(self) -> None:
        """Look at nothing any more."""
        self._closed = True

    def _take_found(self, found: DroppedFiles, key: str, most: int) -> None:
        if self._closed:
            return
        if found.are_models:
            self.models_found.emit(list(found.paths))
        elif not (found.folders or found.count > most or found.may_be_chats):
            self._add(found.files, key)
        elif key == self._key():
            self._ask(found, key, most)

    def _ask(self, found: DroppedFiles, key: str, most: int) -> None:
        attach = lambda: self._add(found.files, key)  # noqa: E731 - it needs no name
        if found.may_be_chats:
            text = trn(
                "Is this a file to ask about, or chats that another program exported?",
                "Are these files to ask about, or chats that another program exported?",
                found.count,
            )
            chats = lambda: self.chats_found.emit(list(found.paths))  # noqa: E731 - it needs no name
            self._show(text, [(tr("Attach"), attach), (tr("Import chats"), chats)])
            return
        text, count = _said(found), _counted(found)
        answers: list[Answer] = []
        if found.count:
            answers.append((tr("Make a collection of them"), lambda: self.collection_asked.emit(list(found.paths))))
        if 0 < found.count <= most:
            answers.append((trn("Attach it", "Attach all {count}", found.count).format(count=count), attach))
        elif found.count:
            answers.append((tr("Attach the first {count}").format(count=most), attach))
            text += " " + tr("A message takes {count} at most.").format(count=most)
        if found.models or (found.folders and len(found.folders) == len(found.paths)):
            answers.append((tr("Look for models in it"), lambda: self.models_found.emit(list(found.paths))))
        self._show(text, answers)

    def _show(self, text: str, answers: Sequence[Answer]) -> None:
        self._strip.ask(text, answers)
        self._say(text)
        if self._strip.offer is not None:
            self._strip.offer.begin()


def _counted(found: DroppedFiles) -> str:
    count = f"{found.count:,}"
    return tr("more than {count}").format(count=count) if found.more else count


def _said(found: DroppedFiles) -> str:
    """What was dropped, in a sentence."""
    if len(found.folders) == 1 and len(found.paths) == 1:
        text = trn("“{name}” holds {count} file.", "“{name}” holds {count} files.", found.count)
        return text.format(name=file_name(found.folders[0].name), count=_counted(found))
    return trn("This is {count} file.", "These are {count} files.", found.count).format(count=_counted(found))
