"""What a person does with branches, on the database's side. Runs on the serial executor."""

from collections.abc import Callable

import msgspec

from desktop.chat.answer_continuation import begun_rounds, continued_text, refuse_to_continue
from desktop.chat.answer_record import prefill_of
from desktop.chat.conversation_writer import ConversationBranch, ConversationWriter, new_id, summary_of
from desktop.conversation import (
    Conversation,
    Message,
    MessagePart,
    PassagePart,
    TextPart,
    ThinkingPart,
    Timing,
)
from desktop.ended_calls import calls_ended
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.message_tree import DeletedBranch
from desktop.translation import tr


class BranchWriter:
    """Writes of several steps in `store`. Each raises what the store raises."""

    def __init__(
        self,
        store: ConversationStore,
        writer: ConversationWriter,
        clock: Callable[[], float],
        prompt_cache: PromptCacheFolder | None = None,
    ) -> None:
        self._store, self._writer, self._clock, self._prompt_cache = store, writer, clock, prompt_cache

    def show_sibling(self, message_id: str, step: int) -> ConversationBranch | None:
        """Make the sibling `step` places further the one shown, with its newest branch; None where there is none."""
        siblings = self._store.siblings(message_id)
        place = siblings.index(message_id) + step
        if not step or not 0 <= place < len(siblings):
            return None
        conversation_id = self._store.message(message_id).conversation_id
        self._store.set_leaf(conversation_id, self._store.newest_leaf(siblings[place]))
        return self._writer.branch(conversation_id)

    def edit_answer(self, message_id: str, text: str) -> ConversationBranch:
        """Store an answer that says `text` beside the answer `message_id`, marked as edited, and show it."""
        message = self._writer.message_at(message_id)
        edited = msgspec.structs.replace(
            message,
            id=new_id(),
            parts=_with_text(message.parts, text),
            status="complete",
            timing=_known_of(message.timing),
            error="",
            created_at=self._clock(),
            edited=True,
            record=None,
        )
        self._store.add_messages((edited,))
        return self._writer.branch(message.conversation_id)

    def continue_answer(self, message_id: str) -> tuple[ConversationBranch, Message]:
        """Store an answer beside `message_id` that says the same so far and is to be gone on with. UserError where the
        model cannot go on from it."""
        message = self._writer.message_at(message_id)
        refuse_to_continue(message)
        begun = tuple(part for part in message.parts if not isinstance(part, ThinkingPart))
        rounds, last = begun_rounds(calls_ended(begun))
        text = continued_text(last)
        parts = (*rounds, *(_with_text(last, text) if text or not rounds else ()))
        answer = self._writer.empty_answer(message.conversation_id, message.parent_id, self._clock(), parts)
        answer = msgspec.structs.replace(answer, edited=message.edited)
        self._store.add_messages((answer,))
        return self._writer.branch(message.conversation_id), answer

    def answer_from_record(self, message: Message) -> tuple[ConversationBranch, Message]:
        """Store an empty answer beside `message`, to be made from its record; or one that says what the model went on
        from in it."""
        self._writer.message_at(message.id)
        prefill = prefill_of(message)
        passages = (part for part in message.parts if isinstance(part, PassagePart))
        parts: tuple[MessagePart, ...] = (*summary_of((message,)), *passages)
        parts += (TextPart(prefill),) if prefill else ()
        answer = self._writer.empty_answer(message.conversation_id, message.parent_id, self._clock(), parts)
        self._store.add_messages((answer,))
        return self._writer.branch(message.conversation_id), answer

    def delete(self, message_id: str) -> tuple[DeletedBranch, ConversationBranch]:
        """Take a message and all under it out of its conversation; that, and what is shown now."""
        message = self._writer.message_at(message_id)
        first = self._first_turn(message.conversation_id)
        deleted = self._store.delete_branch(message.id, self._clock())
        if self._prompt_cache is not None:
            self._prompt_cache.discard(deleted.conversation_id)
        return deleted, self._shown(deleted.conversation_id, first)

    def restore(self, deleted: DeletedBranch) -> ConversationBranch:
        """Bring it back; what is shown then."""
        first = self._first_turn(deleted.conversation_id)
        self._store.restore_branch(deleted)
        return self._shown(deleted.conversation_id, first)

    def fork(self, message_id: str) -> Conversation:
        """Store a new conversation that holds copies of the messages up to `message_id`, itself among them."""
        message = self._writer.message_at(message_id)
        head, now = self._store.conversation(message.conversation_id), self._clock()
        fork_id, copies = new_id(), []
        parent_id: str | None = None
        for each in self._store.branch(head.id, message.id):
            status = "stopped" if each.status == "streaming" else each.status
            copy = msgspec.structs.replace(
                each, id=new_id(), conversation_id=fork_id, parent_id=parent_id, status=status
            )
            copies.append(copy)
            parent_id = copy.id
        fork = msgspec.structs.replace(
            head,
            id=fork_id,
            title=fork_title(head.title),
            created_at=now,
            updated_at=now,
            leaf_id=parent_id,
            pinned=False,
            archived_at=None,
        )
        self._store.add_messages(copies, create=fork)
        return fork

    def _first_turn(self, conversation_id: str) -> str | None:
        return next((each.id for each in self._store.branch(conversation_id) if each.role == "user"), None)

    def _shown(self, conversation_id: str, first_turn: str | None) -> ConversationBranch:
        """What is shown of a conversation that began with `first_turn`. Where it begins with another one now, and is
        named after it, it gets a name from that: nothing of a turn that was deleted stays in its name."""
        named = self._store.conversation(conversation_id).title_by == "first-turn"
        if named and self._first_turn(conversation_id) != first_turn:
            self._writer.title_from_first_turn(conversation_id)
        return self._writer.branch(conversation_id)


def fork_title(title: str) -> str:
    """The title of a conversation that was forked from one called `title`."""
    says_so = tr("Fork: {title}").format(title="").strip()
    return title if says_so in title else tr("Fork: {title}").format(title=title)


def _with_text(parts: tuple[MessagePart, ...], text: str) -> tuple[MessagePart, ...]:
    """`parts` without thinking, and with `text` where the last text stood, or behind all of them."""
    kept = [part for part in parts if not isinstance(part, ThinkingPart)]
    place = max((at for at, part in enumerate(kept) if isinstance(part, TextPart)), default=len(kept))
    others = [part for part in kept[:place] if not isinstance(part, TextPart)]
    return (*others, TextPart(text), *kept[place + 1 :])


def _known_of(timing: Timing | None) -> Timing | None:
    """What still holds of how an answer went once a person changed it: how much of the context it takes, about, and
    what was left out for it."""
    if timing is None:
        return None
    return Timing(
        prompt_tokens=timing.prompt_tokens,
        generated_tokens=timing.generated_tokens,
        context_length=timing.context_length,
        dropped_messages=timing.dropped_messages,
        system_tokens=timing.system_tokens,
        document_tokens=timing.document_tokens,
    )
