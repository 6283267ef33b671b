"""What happens on the database's side of the chat: turns are written, branches found. Runs on the serial executor."""

import re
import unicodedata
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from desktop.chat.attached_parts import attached_parts, kept_parts
from desktop.chat.draft_attachment import TakenAttachments
from desktop.conversation import Conversation, Message, MessagePart, SummaryPart, TextPart
from desktop.engine.prompt_cache_folder import PromptCacheFolder
from desktop.errors import NotFoundError
from desktop.storage.attachment_store import AttachmentStore, remove_unused_attachments
from desktop.storage.conversation_erasure import ConversationErasure
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.folder_store import FolderStore
from desktop.translation import tr

_LONGEST = 48
_LOOKED_AT = 2000
_LINE_START = re.compile(r"^(?:[>\s]|#{1,6}(?=\s)|[-+*](?=\s)|\d{1,9}[.)](?=\s))+")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(r"`+|\*+|~~+|(?<!\w)_+|_+(?!\w)")
_DISCARDED_AT_ONCE = 100
_BREAK = re.compile("[ \t]*[\t\n\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+[ \t]*")
_BLANKS = re.compile("[ \t\n\r\x0b\x0c]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s|(?<=[。！？])")
_SHORTEST = 8
Sampling = dict[str, float | int | str | None]
_PENALTY_STEP, _LARGEST_PENALTY, _PENALTY_TOKENS = 0.1, 1.5, 256


def title_from(text: str) -> str:
    """The first sentence of `text` that says something, without markdown, of about 48 characters at most.

    No line breaks, control characters or marks that turn the direction of writing. "New chat" where nothing is left.
    """
    for line in text[:_LOOKED_AT].splitlines():
        if (title := _plain(line)) and any(not _is_filler(character) for character in title):
            return _shortened(title)
    return tr("New chat")


def typed_title(text: str) -> str:
    """The title that a person typed, in one line; no-break spaces and every other character of it stay."""
    return _BREAK.sub(" ", text).strip(" ")


def _plain(line: str) -> str:
    if line.lstrip().startswith(("```", "~~~")):
        return ""
    line = _LINK.sub(r"\1", _LINE_START.sub("", line))
    line = _MARKS.sub("", line)
    return _BLANKS.sub(" ", "".join(character if _is_safe(character) else " " for character in line)).strip()


def _shortened(title: str) -> str:
    if over := _SENTENCE_END.search(title, _SHORTEST):  # "e.g." and "Hello." say too little
        title = title[: over.start()]
    title = title.rstrip(".。")
    if len(title) <= _LONGEST:
        return title
    end = _LONGEST
    if not title[end].isspace() and (space := title.rfind(" ", 0, end)) >= _LONGEST // 2:
        end = space
    while end and (title[end - 1] == "\u200d" or title[end] in "\u200d\ufe0f" or unicodedata.combining(title[end])):
        end -= 1  # not within an accented letter or a joined emoji
    return title[:end].rstrip(" ,;:-–—(") + "…"


def _is_safe(character: str) -> bool:
    """Controls and surrogates are not; of the invisible ones only those that join letters and emoji are."""
    return unicodedata.category(character) not in ("Cc", "Cs", "Cf", "Zl", "Zp") or character in "\u200c\u200d"


def _is_filler(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZC"


@dataclass(frozen=True)
class ConversationBranch:
    """A conversation with the branch it shows. `siblings`: place and count, for messages that have any."""

    conversation: Conversation
    messages: tuple[Message, ...]
    siblings: dict[str, tuple[int, int]]


BranchWrite = Callable[[], tuple[ConversationBranch, Message]]
"""Writes a branch that ends with an empty answer; the two."""


@dataclass(frozen=True)
class StoredExchange:
    """Two turns that were stored: the person's, and the empty one for the answer."""

    conversation: Conversation
    user: Message
    answer: Message


def new_id() -> str:
    """A fresh id for a conversation or a message."""
    return uuid.uuid4().hex


class ConversationWriter:
    """Reads and writes of several steps in `store`. Each raises what the store raises.

    What the engine keeps of conversations goes with them, in `prompt_cache` and, by `forget`, in memory; so do
    `attachments` that no message names any more.
    """

    def __init__(
        self,
        store: ConversationStore,
        clock: Callable[[], float],
        prompt_cache: PromptCacheFolder | None = None,
        forget: Callable[[str], None] = lambda conversation_id: None,
        attachments: AttachmentStore | None = None,
    ) -> None:
        self._store = store
        self._folders, self._erasure = FolderStore(store.database), ConversationErasure(store.database)
        self._clock = clock
        self._prompt_cache = prompt_cache
        self._forget = forget
        self._attachments = attachments

    def branch(self, conversation_id: str) -> ConversationBranch:
        """The conversation as it is to be shown. NotFoundError where it is not there, or deleted.

        An answer in it that another process left unfinished when it died is over then.
        """
        conversation = self._require_existing(self._store.conversation(conversation_id))
        messages = tuple(self._store.branch(conversation_id))
        if any(each.status == "streaming" for each in messages) and self._store.mark_interrupted():
            messages = tuple(self._store.branch(conversation_id))
        siblings = {
            message_id: (place, len(group))
            for group in self._store.sibling_groups(conversation_id)
            for place, message_id in enumerate(group)
        }
        return ConversationBranch(
            conversation, messages, {each.id: siblings[each.id] for each in messages if each.id in siblings}
        )

    def send(
        self,
        text: str,
        conversation_id: str,
        fresh: Conversation | None,
        message_id: str = "",
        attached: TakenAttachments = (),
    ) -> StoredExchange:
        """Store `text` with what is attached to it at the end of the branch shown, as `message_id` ("": a new id);
        `fresh` first where it is not stored yet.

        NotFoundError where there is neither, or the conversation was deleted; what reading what is attached raises.
        """
        found = (
            self._store.conversation(conversation_id)
            if fresh is None
            else self._store.find_conversation(conversation_id)
        )
        now = self._clock()
        if found is None:
            head = msgspec.structs.replace(
                fresh or Conversation(conversation_id),
                title=title_from(text),
                title_by="first-turn",
                created_at=now,
                updated_at=now,
            )
        else:
            head = self._require_existing(found)
            if head.leaf_id is None and head.title_by == "first-turn":  # all that was said in it was deleted
                head = msgspec.structs.replace(head, title=title_from(text))
                self._store.rename(head.id, head.title, by="first-turn")
        before = self._store.branch(head.id, head.leaf_id) if attached and head.leaf_id is not None else ()
        parts, files = attached_parts(attached, before)
        user = self._user(head.id, head.leaf_id, (*parts, TextPart(text)), now, message_id)
        answer = self.empty_answer(head.id, user.id, now)
        self._store.add_messages((user, answer), create=head if found is None else None, keep=lambda: self._keep(files))
        return StoredExchange(msgspec.structs.replace(head, leaf_id=answer.id, updated_at=now), user, answer)

    def answer_again(self, message_id: str) -> tuple[ConversationBranch, Message]:
        """Store an empty answer beside `message_id` (or, where that is the person's turn, under it).

        In place of one that only repeated itself, it carries sampling that makes this less likely.
        """
        message = self.message_at(message_id)
        parent_id = message.id if message.role == "user" else message.parent_id
        answer = self.empty_answer(message.conversation_id, parent_id, self._clock(), summary_of((message,)))
        if message.timing is not None and message.timing.stop_reason == "repetition":
            answer = msgspec.structs.replace(answer, sampling=_less_repetitive(message.sampling or {}))
        self._store.add_messages((answer,))
        return self.branch(message.conversation_id), answer

    def answer_in_place(self, message_id: str) -> tuple[ConversationBranch, Message]:
        """Make the answer `message_id`, which was not begun, an empty one again, under the sampling it was asked for
        with; where it was begun, store an empty one beside it."""
        message = self.message_at(message_id)
        if message.role != "assistant" or message.begun or message.status == "streaming":
            return self.answer_again(message_id)
        answer = msgspec.structs.replace(
            message, parts=summary_of((message,)), status="streaming", timing=None, error=""
        )
        self._store.save_message(answer)
        return self.branch(message.conversation_id), answer

    def edit_summary(self, message_id: str, text: str) -> Message:
        """Store `text` as the summary in the answer `message_id`; the answer as it is then."""
        changed = with_summary_text(self.message_at(message_id), text)
        self._store.save_message(changed, answered=False)
        return changed

    def edit(
        self,
        message_id: str,
        text: str,
        attached: TakenAttachments = (),
        left_out: Collection[str] = (),
    ) -> tuple[ConversationBranch, Message]:
        """Store `text` beside the person's turn `message_id`, and an empty answer under it. What is attached to that
        turn stays attached but for files whose part's sha256 is in `left_out`; `attached` comes to it."""
        message = self.message_at(message_id)
        now = self._clock()
        stays = kept_parts(message, left_out)
        above = self._store.branch(message.conversation_id, message.parent_id) if message.parent_id is not None else []
        parts, files = attached_parts(attached, (*above, msgspec.structs.replace(message, parts=stays)))
        user = self._user(message.conversation_id, message.parent_id, (*stays, *parts, TextPart(text)), now)
        below = map(self._store.message, self._store.children(message_id))
        answer = self.empty_answer(message.conversation_id, user.id, now, summary_of(tuple(below)))
        self._store.add_messages((user, answer), keep=lambda: self._keep(files))
        return self.branch(message.conversation_id), answer

    def rename(self, conversation_id: str, title: str) -> None:
        """The person's title; with a blank one the first turn's again."""
        if title.strip():
            self._store.rename(conversation_id, typed_title(title))
            return
        self.title_from_first_turn(conversation_id)

    def title_from_first_turn(self, conversation_id: str) -> None:
        """Name it after the first turn of the branch shown."""
        first = next((message.text for message in self._store.branch(conversation_id) if message.role == "user"), "")
        self._store.rename(conversation_id, title_from(first), by="first-turn")

    def delete(self, ids: Sequence[str]) -> tuple[Conversation, ...]:
        """Put conversations into the bin; those that were not in it, as they were. What the engine keeps of them goes
        at once. NotFoundError where none of them is there."""
        deleted = self._folders.delete_conversations(ids, self._clock())
        if not deleted:
            self._require_existing(self._store.conversation(ids[0]))
        for head in deleted:
            self._discard(head.id)
        return deleted

    def erase(self, ids: Sequence[str] | None = None) -> tuple[str, ...]:
        """Erase what is in the bin, or those of `ids` that are; the ids of what was erased."""
        gone, steps = self.begin_erasing(ids)
        for _ in steps:
            pass
        return gone

    def purge(self, older_than: float) -> tuple[str, ...]:
        """Erase what was deleted at or before `older_than`, and what is kept of conversations that are not there; the
        ids of the conversations erased."""
        gone, steps = self.begin_purging(older_than)
        for _ in steps:
            pass
        return gone

    def begin_erasing(self, ids: Sequence[str] | None = None) -> tuple[tuple[str, ...], Iterator[int]]:
        """As `erase`, whose work is done by going through what is returned: each step takes a moment."""
        gone = self._erasure.begin(self._folders.bin() if ids is None else ids)
        return gone, self._erase(gone)

    def begin_purging(self, older_than: float) -> tuple[tuple[str, ...], Iterator[int]]:
        """As `purge`, the same way."""
        return self._erasure.begin_old(older_than), self._purge(older_than)

    def _erase(self, gone: tuple[str, ...]) -> Iterator[int]:
        for at, each in enumerate(gone, 1):
            self._discard(each)  # an answer that was stopped may have been saved after all
            if at % _DISCARDED_AT_ONCE == 0:
                yield 0
        yield from self._erasure.steps()
        self._remove_unused_attachments()

    def _purge(self, older_than: float) -> Iterator[int]:
        yield from self._erasure.steps(older_than)
        if self._prompt_cache is not None:
            self._prompt_cache.discard_others(self._store.ids())
        self._remove_unused_attachments()

    def _remove_unused_attachments(self) -> None:
        if self._attachments is not None:
            remove_unused_attachments(self._store.database, self._attachments)

    def _discard(self, conversation_id: str) -> None:
        """The engine keeps nothing of it any more, neither on the disk nor in memory."""
        if self._prompt_cache is not None:
            self._prompt_cache.discard(conversation_id)
        self._forget(conversation_id)

    def message_at(self, message_id: str) -> Message:
        """A message to branch at. NotFoundError where it is not there, or deleted, or its conversation is."""
        message = self._store.message(message_id)
        if message.deleted_at is not None:
            raise NotFoundError(
                tr("This message was deleted."), "", tr("Bring it back with Undo, or go on without it.")
            )
        self._require_existing(self._store.conversation(message.conversation_id))
        return message

    def _user(
        self,
        conversation_id: str,
        parent_id: str | None,
        parts: tuple[MessagePart, ...],
        now: float,
        message_id: str = "",
    ) -> Message:
        return Message(message_id or new_id(), conversation_id, parent_id, "user", parts, created_at=now)

    def _keep(self, files: Sequence[bytes]) -> None:
        if self._attachments is not None:
            for data in files:
                self._attachments.add(data)

    def empty_answer(
        self, conversation_id: str, parent_id: str | None, now: float, parts: tuple[MessagePart, ...] = ()
    ) -> Message:
        """A new answer that is to be generated, behind `parts`; not stored yet."""
        return Message(new_id(), conversation_id, parent_id, "assistant", parts, status="streaming", created_at=now)

    @staticmethod
    def _require_existing(conversation: Conversation) -> Conversation:
        if conversation.deleted_at is not None:
            raise NotFoundError(
                tr("This conversation was deleted."), "", tr("Bring it back from the bin, or go on in a new one.")
            )
        return conversation


def with_summary_text(message: Message, text: str) -> Message:
    """`message` with `text` as its summary."""
    parts = tuple(
        msgspec.structs.replace(part, text=text) if isinstance(part, SummaryPart) else part for part in message.parts
    )
    return msgspec.structs.replace(message, parts=parts)


def summary_of(answers: Sequence[Message]) -> tuple[MessagePart, ...]:
    """The newest summary that `answers` to one question were given: another answer to it, or to another wording of it,
    needs none of its own."""
    made = [each.summary for each in answers if each.summary is not None and each.summary.text]
    return tuple(made[-1:])


def _less_repetitive(sampling: Sampling) -> Sampling:
    """Sampling to go beside the person's own, with a repeat penalty one step above that of `sampling`.

    Over 256 tokens, as 64 are fewer than a paragraph. With the real model greedy, 1.1 ended each answer that had
    repeated itself; DRY (multiplier 0.8) did not: sequences end at its breakers, and short lines repeated instead.
    """
    set_penalty = sampling.get("repeat_penalty")
    before = max(set_penalty, 1.0) if isinstance(set_penalty, int | float) else 1.0
    penalty = max(before, min(round(before + _PENALTY_STEP, 2), _LARGEST_PENALTY))
    return {"repeat_penalty": penalty, "repeat_last_n": _PENALTY_TOKENS}
