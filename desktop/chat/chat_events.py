"""What `ChatSession` sends to its one listener, on the main thread: frozen values, each naming its conversation.

Events come for every conversation, not for the open one alone: an answer goes on while another conversation is read.
A listener that does not show a message (another branch is open) leaves that message's events aside.
"""

from typing import Literal

import msgspec

from desktop.chat.draft_attachment import DraftAttachment
from desktop.chat.tool_call_state import ToolCallState
from desktop.conversation import ContextChoice, Conversation, Folder, Message
from desktop.engine.engine_protocol import EngineState
from desktop.errors import UserError
from desktop.storage.message_tree import DeletedBranch

AnswerPhaseName = Literal["waiting", "loading", "searching", "summarizing", "reading", "thinking", "writing", "calling"]
OrderChangeKind = Literal["moved", "archived", "unarchived", "deleted", "tagged", "untagged", "folder-deleted"]


class ConversationsChanged(msgspec.Struct, frozen=True):
    """The list of conversations is no longer what it was: ask for it again."""


class ConversationOpened(msgspec.Struct, frozen=True):
    """This conversation, with this branch, is the one shown now.

    `messages` are the branch from the root to its leaf, with what is known so far of an answer in progress. `siblings`
    names, for messages that have any, the place of the message among them (0 is the oldest) and how many there are.
    Sent again when the branch changes (edit, regenerate, another branch): the first `unchanged` messages are then the
    ones that were shown before. On opening another conversation it is 0.
    """

    conversation: Conversation
    messages: tuple[Message, ...]
    siblings: dict[str, tuple[int, int]]
    unchanged: int = 0


class MessageAdded(msgspec.Struct, frozen=True):
    """A message was written at the end of the branch shown: the person's, then the empty assistant's (status
    "streaming")."""

    conversation_id: str
    message: Message


class ToolCallsChanged(msgspec.Struct, frozen=True):
    """The calls of tools of an answer in progress are these now, in the order of the answer; () when it is over."""

    conversation_id: str
    message_id: str
    calls: tuple[ToolCallState, ...]


class AnswerPhase(msgspec.Struct, frozen=True):
    """What an answer in progress is at. `fraction` (0 to 1) where it is known: of loading, of summarizing what does not
    fit the context, or of reading the prompt. While "searching", passages of documents are looked for; while "calling",
    tools are, or a person is asked about them.

    Where reading lasts, `tokens` are how many of the prompt have been read and how many there are, and `seconds_left`
    how long the rest will take, once that can be told.
    """

    conversation_id: str
    message_id: str
    phase: AnswerPhaseName
    fraction: float | None = None
    tokens: tuple[int, int] | None = None
    seconds_left: float | None = None


class AnswerDelta(msgspec.Struct, frozen=True):
    """More of an answer: `text` is what came since the last such event, to be appended.

    `tokens_per_s` is the speed so far; `used_tokens` how much of the context prompt and answer take together.
    """

    conversation_id: str
    message_id: str
    text: str
    thinking: bool = False
    tokens_per_s: float | None = None
    used_tokens: int = 0


class AnswerReplaced(msgspec.Struct, frozen=True):
    """The whole answer in progress so far, in place of the AnswerDelta events before; it goes on: what the model wrote
    first turned out to be thinking, or a summary was made for it.
    """

    conversation_id: str
    message: Message


class AnswerFinished(msgspec.Struct, frozen=True):
    """An answer is over: `message.status` is complete, stopped or failed, `message.error` says why it failed.

    `error` is that failure whole, where there is one: title, detail and remedy apart.
    """

    conversation_id: str
    message: Message
    error: UserError | None = None


class ContextUsed(msgspec.Struct, frozen=True):
    """How full the context is, in tokens; `room` of them are kept free of the prompt, for an answer. The
    `dropped_messages` oldest did not fit and were left out."""

    conversation_id: str
    used: int
    total: int
    dropped_messages: int = 0
    room: int = 0


class MessageChanged(msgspec.Struct, frozen=True):
    """A message was pinned or unpinned, or its summary edited: it is `message` now."""

    conversation_id: str
    message: Message


class ContextChosen(msgspec.Struct, frozen=True):
    """The person chose what happens where this conversation no longer fits the context; None: what settings say."""

    conversation_id: str
    choice: ContextChoice | None


class AnswerPlaceChanged(msgspec.Struct, frozen=True):
    """What answers of a conversation, or of those in a folder, are asked with is another; the other one is None."""

    conversation: Conversation | None
    folder: Folder | None


class EngineChanged(msgspec.Struct, frozen=True):
    """The engine's state, and the model chosen. `fraction` (0 to 1) while loading; `error` where loading failed.

    `notice` is one sentence for the person where the model runs otherwise than asked (on the CPU, say), else "".
    `context_length` is that of the model loaded, in tokens; 0 where none is.
    """

    state: EngineState
    fraction: float | None = None
    model_id: str | None = None
    model_name: str = ""
    error: UserError | None = None
    notice: str = ""
    context_length: int = 0


class QueuedMessage(msgspec.Struct, frozen=True):
    """A message that is not sent yet. `id` is that of the turn which it becomes."""

    id: str
    text: str


class QueueChanged(msgspec.Struct, frozen=True):
    """What waits in a conversation for the answer in progress, in the order in which it will be sent. With `held`
    nothing is sent until the person says so."""

    conversation_id: str
    messages: tuple[QueuedMessage, ...] = ()
    held: bool = False


class AttachmentsChanged(msgspec.Struct, frozen=True):
    """Other files than before are attached to a message that is not sent yet, or they are read further. `key` is that
    of the message, as `MessageAttachments` has it."""

    conversation_id: str
    items: tuple[DraftAttachment, ...] = ()
    key: str = ""


class ChatFailed(msgspec.Struct, frozen=True):
    """What was asked for was not done: nothing was sent or changed. `text` is what the person had typed, given back."""

    error: UserError
    conversation_id: str | None = None
    text: str = ""


class ConversationsDeleted(msgspec.Struct, frozen=True):
    """Conversations went into the bin; `conversations` are as they were before. One event for all: thousands go at a
    time, and every window hears of it on the main thread."""

    conversations: tuple[Conversation, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Their ids."""
        return tuple(each.id for each in self.conversations)


class ConversationsRestored(msgspec.Struct, frozen=True):
    """Conversations came back out of the bin."""

    conversation_ids: tuple[str, ...]


class ConversationsErased(msgspec.Struct, frozen=True):
    """Conversations that were in the bin are gone for good."""

    conversation_ids: tuple[str, ...]


class OrderChanged(msgspec.Struct, frozen=True):
    """The order of conversations changed in a way that `ChatSession.order.undo` takes back, given this event.

    `conversations` are those that changed, as they were before; where tags changed or a folder was deleted, `ids` are
    the conversations that this is about.
    """

    kind: OrderChangeKind
    conversations: tuple[Conversation, ...] = ()
    ids: tuple[str, ...] = ()
    tag: str = ""
    folder: Folder | None = None

    @property
    def count(self) -> int:
        """How many conversations changed."""
        return len(self.conversations) or len(self.ids)


class BranchDeleted(msgspec.Struct, frozen=True):
    """A message and all under it left its conversation; `branches.undo_delete(deleted)` brings them back."""

    deleted: DeletedBranch


ChatEvent = (
    ConversationsChanged
    | ConversationOpened
    | MessageAdded
    | AnswerPhase
    | AnswerDelta
    | AnswerReplaced
    | ToolCallsChanged
    | AnswerFinished
    | ContextUsed
    | MessageChanged
    | ContextChosen
    | AnswerPlaceChanged
    | EngineChanged
    | QueueChanged
    | AttachmentsChanged
    | ChatFailed
    | ConversationsDeleted
    | ConversationsRestored
    | ConversationsErased
    | OrderChanged
    | BranchDeleted
)
