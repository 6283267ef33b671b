"""What a person does to keep conversations in order: title, pin, folders, tags, archive, bin. All of it can be undone,
but for what is erased for good."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from desktop.background import Background
from desktop.chat.background_erasing import BackgroundErasing
from desktop.chat.chat_events import (
    ChatEvent,
    ConversationsChanged,
    ConversationsDeleted,
    ConversationsRestored,
    OrderChanged,
)
from desktop.chat.conversation_writer import ConversationWriter, new_id
from desktop.conversation import Conversation, Folder
from desktop.errors import UserError
from desktop.storage.conversation_listing import ConversationListing, ListedConversations, ListFilter
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.folder_store import FolderStore
from desktop.translation import tr

_T = TypeVar("_T")


class ShownConversation(Protocol):
    """What of a chat session knows which conversation is open."""

    def is_stored(self, conversation_id: str) -> bool:
        """False for one that is open and was not written in yet."""

    def begin(self, conversation: Conversation) -> None:
        """Show `conversation`, a new one."""

    def stop(self, conversation_id: str | None = None) -> None:
        """Stop its answers."""

    def leave(self, conversation_ids: Sequence[str]) -> None:
        """They were deleted: their answers stop, and wherever one of them is open, a new one is shown."""

    def come_back(self, conversation_ids: Sequence[str]) -> None:
        """They are there again: each is shown where it was open, if nothing else was opened there meanwhile."""


class ConversationOrder:
    """Every method is called on the main thread and returns at once. `tell` is the listener of the chat session, which
    hears ConversationsChanged of each change, or ChatFailed; `offer` hears OrderChanged of each that `undo` takes."""

    def __init__(
        self,
        shown: ShownConversation,
        store: ConversationStore,
        writer: ConversationWriter,
        erasing: BackgroundErasing,
        background: Background,
        clock: Callable[[], float],
        tell: Callable[[ChatEvent], None],
        offer: Callable[[OrderChanged], None],
        failed: Callable[[str | None], Callable[[UserError], None]],
    ) -> None:
        self._shown = shown
        self._writer, self._erasing = writer, erasing
        self._background = background
        self._clock = clock
        self._tell = tell
        self._offer = offer
        self._failed = failed
        self._folders = FolderStore(store.database)
        self._listing = ConversationListing(store.database)
        self._listings = 0

    def list(self, wanted: ListFilter, on_result: Callable[[ListedConversations], None]) -> None:
        """Read the list. `on_result` is called on the main thread; it is not where a newer call was made meanwhile."""
        self._listings += 1
        mine = self._listings

        def listed() -> ListedConversations | None:
            return self._listing.read(wanted) if mine == self._listings else None

        def give(found: ListedConversations | None) -> None:
            if found is not None and mine == self._listings:
                on_result(found)

        self._background.database(listed, give, self._failed(None))

    # --- conversations -------------------------------------------------------------------------------------------

    def rename(self, conversation_id: str, title: str) -> None:
        """Give it the person's own title; an empty one brings back the first turn's."""
        self._change(lambda: self._writer.rename(conversation_id, title), conversation_id=conversation_id)

    def pin(self, ids: Sequence[str], pinned: bool) -> None:
        """Keep conversations at the top of the list, or no longer."""
        self._change(lambda: self._folders.pin(ids, pinned))

    def move(self, ids: Sequence[str], folder_id: str | None) -> None:
        """Put conversations into a folder; None: into none. OrderChanged."""

        def moved(before: tuple[Conversation, ...]) -> None:
            self._offer_undo(OrderChanged("moved", before))

        self._change(lambda: self._folders.move(ids, folder_id), moved)

    def archive(self, ids: Sequence[str], archived: bool) -> None:
        """Take conversations off the list into the archive, or back. OrderChanged."""
        at = self._clock() if archived else None

        def changed(before: tuple[Conversation, ...]) -> None:
            self._offer_undo(OrderChanged("archived" if archived else "unarchived", before))

        self._change(lambda: self._folders.archive(ids, at), changed)

    def delete(self, ids: Sequence[str]) -> None:
        """Stop their answers and put conversations into the bin: ConversationsDeleted, OrderChanged. Where one
        was open, a new one is. What the engine keeps of them is erased."""
        stored = [each for each in ids if self._shown.is_stored(each)]
        if not stored:
            return  # not written in yet: there is nothing to delete
        for each in stored:
            self._shown.stop(each)

        def deleted(before: tuple[Conversation, ...]) -> None:
            self._tell(ConversationsDeleted(before))
            self._offer_undo(OrderChanged("deleted", before))
            self._shown.leave([head.id for head in before])

        self._change(lambda: self._writer.delete(stored), deleted, stored[0])

    def restore(self, ids: Sequence[str]) -> None:
        """Bring conversations back out of the bin, to where they stood: ConversationsRestored."""

        def restored(before: tuple[Conversation, ...]) -> None:
            back = tuple(head.id for head in before)
            if back:
                self._tell(ConversationsRestored(back))
                self._shown.come_back(back)

        self._change(lambda: self._folders.undelete(ids), restored)

    def erase(self, ids: Sequence[str] | None = None) -> None:
        """Erase conversations that are in the bin for good, all of them where `ids` is None: ConversationsErased."""
        self._erasing.begin(lambda: self._writer.begin_erasing(ids), self._failed(None))

    def add_tag(self, ids: Sequence[str], tag: str) -> None:
        """Give conversations a tag. OrderChanged."""

        def tagged(result: tuple[str, tuple[str, ...]]) -> None:
            name, changed = result
            self._offer_undo(OrderChanged("tagged", ids=changed, tag=name))

        self._change(lambda: self._folders.add_tag(ids, tag), tagged)

    def remove_tag(self, ids: Sequence[str], tag: str) -> None:
        """Take a tag off conversations. OrderChanged."""

        def untagged(changed: tuple[str, ...]) -> None:
            self._offer_undo(OrderChanged("untagged", ids=changed, tag=tag))

        self._change(lambda: self._folders.remove_tag(ids, tag), untagged)

    # --- folders -------------------------------------------------------------------------------------------------

    def begin_in(self, folder: Folder) -> None:
        """Show a new conversation that will stand in `folder`, and begins with its model."""
        self._shown.begin(Conversation(new_id(), folder_id=folder.id, model_id=folder.model_id))

    def create_folder(self, on_created: Callable[[Folder], None], ids: Sequence[str] = ()) -> None:
        """Make a folder with the name “New folder”, or “New folder 2”, …, and put conversations into it."""

        def create() -> Folder:
            names = {each.name for each in self._folders.folders()}
            folder = self._folders.create(Folder(new_id(), _free_name(names), created_at=self._clock()))
            if ids:
                self._folders.move(ids, folder.id)
            return folder

        self._change(create, on_created)

    def rename_folder(self, folder_id: str, name: str) -> None:
        """Give a folder another name."""
        self._change(lambda: self._folders.rename(folder_id, name))

    def update_folder(self, folder: Folder) -> None:
        """Store the name, system prompt, model and options of a folder in place of the old ones."""
        self._change(lambda: self._folders.update(folder))

    def set_folder_model(self, folder_id: str, model_id: str | None) -> None:
        """Let new conversations in a folder begin with this model; None: with the one in use."""
        self._change(lambda: self._folders.set_model(folder_id, model_id))

    def fold(self, folder_id: str, folded: bool) -> None:
        """Leave the conversations of a folder out of sight, or show them."""
        self._change(lambda: self._folders.fold(folder_id, folded))

    def place_folder(self, folder_id: str, position: int) -> None:
        """Let a folder stand at `position` among the others, 0 for the first."""
        self._change(lambda: self._folders.place(folder_id, position))

    def delete_folder(self, folder_id: str) -> None:
        """Take a folder away; its conversations stay. OrderChanged."""

        def deleted(result: tuple[Folder, tuple[str, ...]]) -> None:
            folder, held = result
            self._offer_undo(OrderChanged("folder-deleted", ids=held, folder=folder))

        self._change(lambda: self._folders.delete(folder_id), deleted)

    # --- undo ----------------------------------------------------------------------------------------------------

    def undo(self, change: OrderChanged) -> None:
        """Take back what `change` tells of."""
        match change.kind:
            case "deleted":
                self.restore([head.id for head in change.conversations])
            case "moved":
                self._change(lambda: self._folders.put_back(change.conversations, "folder_id"))
            case "archived" | "unarchived":
                self._change(lambda: self._folders.put_back(change.conversations, "archived_at"))
            case "tagged":
                self._change(lambda: self._folders.remove_tag(change.ids, change.tag))
            case "untagged":
                self._change(lambda: self._folders.add_tag(change.ids, change.tag))
            case "folder-deleted":
                if (folder := change.folder) is not None:
                    self._change(lambda: self._folders.restore(folder, change.ids))

    def _offer_undo(self, change: OrderChanged) -> None:
        if change.count or change.folder is not None:
            self._offer(change)

    def _change(
        self,
        work: Callable[[], _T],
        done: Callable[[_T], None] | None = None,
        conversation_id: str | None = None,
    ) -> None:
        def changed(result: _T) -> None:
            if done is not None:
                done(result)
            self._tell(ConversationsChanged())

        self._background.database(work, changed, self._failed(conversation_id))


def _free_name(taken: set[str]) -> str:
    name, count = tr("New folder"), 1
    while name in taken:
        count += 1
        name = tr("New folder {count}").format(count=count)
    return name
