"""Between the strip of queued messages, the chat session that holds them, and the drafts' file that keeps them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtWidgets import QVBoxLayout

from desktop.translation import tr, trn
from desktop.ui.chat.composer import Composer
from desktop.ui.chat.composer_drafts import queue_key
from desktop.ui.chat.window_drafts import WindowDrafts
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.chat.chat_events import QueueChanged, QueuedMessage
    from desktop.chat.chat_session import ChatSession
    from desktop.chat.message_queue import MessageQueue
    from desktop.ui.chat.message_queue_strip import MessageQueueStrip


class MessageQueueFlow:
    """`column` is where the composer stands: the strip is put above it, when something waits for the first time.

    `chat` gives the chat session, None where there is none; `save` writes the drafts, `say` speaks to screen readers.
    """

    def __init__(
        self,
        theme: Theme,
        drafts: WindowDrafts,
        column: QVBoxLayout,
        composer: Composer,
        chat: "Callable[[], ChatSession | None]",
        save: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._theme, self._drafts, self._column, self._composer = theme, drafts, column, composer
        self._chat, self._save, self._say = chat, save, say
        self._conversation_id = ""
        self._dropped: list[tuple[QueuedMessage, int]] = []
        self._strip: MessageQueueStrip | None = None
        composer.queued.connect(self._add)

    @property
    def strip(self) -> "MessageQueueStrip":
        """The strip, built at its first use: nothing waits when the window opens."""
        if self._strip is None:
            from desktop.ui.chat.message_queue_strip import MessageQueueStrip

            strip = self._strip = MessageQueueStrip(self._theme)
            strip.setMaximumWidth(self._composer.maximumWidth())
            self._column.insertWidget(self._column.indexOf(self._composer), strip)
            strip.edit_begun.connect(self._begin_edit)
            strip.edited.connect(self._edit)
            strip.edit_ended.connect(lambda key: self._with(lambda queue: queue.end_edit(self._conversation_id, key)))
            strip.dropped.connect(self._drop)
            strip.moved.connect(
                lambda key, step: self._with(lambda queue: queue.move(self._conversation_id, key, step))
            )
            strip.resume_asked.connect(self._resume)
            strip.undo_asked.connect(self._undo)
            strip.left.connect(self._composer.edit.setFocus)
        return self._strip

    def show_conversation(self, conversation_id: str) -> None:
        """This conversation is open. What waited in it when the program ended waits again, held."""
        if conversation_id != self._conversation_id:
            if self._strip is not None:
                self._save_edits()
                self._strip.hide_undo()
            self._conversation_id = conversation_id
            self._dropped.clear()
            kept = self._drafts.get(queue_key(conversation_id))
            if kept and not self._waiting():
                self._with(lambda queue: queue.restore(conversation_id, _decoded(kept)))
        self._refresh()

    def take_change(self, event: "QueueChanged") -> None:
        """What waits in a conversation is another thing now: it is written before anything else happens."""
        kept = msgspec.json.encode(event.messages).decode() if event.messages else ""
        self._drafts.set(queue_key(event.conversation_id), kept)
        self._save()
        if event.conversation_id == self._conversation_id:
            self._refresh()

    def take_files(self, conversation_id: str) -> None:
        """Other files than before are attached to something that waits in a conversation."""
        if conversation_id == self._conversation_id and self._strip is not None:
            self._refresh()

    def _refresh(self) -> None:
        chat = self._chat()
        if chat is not None:
            state = chat.queue.state(self._conversation_id)
            if state.messages or self._strip is not None:
                self.strip.show_queue(state.messages, held=state.held, files=self._files(chat, state.messages))

    def _files(self, chat: "ChatSession", messages: "tuple[QueuedMessage, ...]") -> dict[str, list[str]]:
        """The names of the files attached to what waits, by the message's id."""
        from desktop.chat.message_attachments import queued_key

        keys = {message.id: queued_key(self._conversation_id, message.id) for message in messages}
        return {key: [item.name for item in chat.attachments.items(queued)] for key, queued in keys.items()}

    def _waiting(self) -> "tuple[QueuedMessage, ...]":
        chat = self._chat()
        return chat.queue.state(self._conversation_id).messages if chat is not None else ()

    # --- what the person does ------------------------------------------------------------------------------------

    def _add(self, text: str) -> None:
        chat = self._chat()
        if chat is None or not self._conversation_id:
            return
        self._drafts.set(self._conversation_id, "")  # written in one with the queue, which holds it now
        if chat.queue.add(self._conversation_id, text):
            self._composer.set_text("")
            count = len(self._waiting())
            self._say(trn("Queued. 1 message waits.", "Queued. {count} messages wait.", count).format(count=count))

    def _begin_edit(self, message_id: str) -> None:
        self._save_edits()
        chip, chat = self.strip.chip_of(message_id), self._chat()
        if chat is not None and chip is not None and chat.queue.begin_edit(self._conversation_id, message_id):
            chip.open_edit(enter_saves=self._composer.edit.enter_sends)

    def _save_edits(self) -> None:
        for chip in self.strip.chips:
            chip.save_edit()

    def _edit(self, message_id: str, text: str) -> None:
        if text.strip():
            self._with(lambda queue: queue.edit(self._conversation_id, message_id, text))
        else:
            self._drop(message_id)

    def _drop(self, message_id: str) -> None:
        before = self._waiting()
        self._with(lambda queue: queue.remove(self._conversation_id, message_id))
        after = [message.id for message in self._waiting()]
        gone = [(message, place) for place, message in enumerate(before) if message.id not in after]
        if message_id in [message.id for message, _ in gone]:
            self._dropped += [each for each in gone if each[0].id == message_id]
            self.strip.offer_undo()
            self._say(tr("Message dropped"))

    def _undo(self) -> None:
        if self._dropped:
            message, place = self._dropped.pop()
            self._with(lambda queue: queue.insert(self._conversation_id, message, place))
            chip = self.strip.chip_of(message.id)
            if chip is not None:
                chip.setFocus()
        if not self._dropped:
            self.strip.hide_undo()

    def _resume(self) -> None:
        self._composer.edit.setFocus()  # the button that had the focus goes
        self._with(lambda queue: queue.resume(self._conversation_id))

    def _with(self, act: "Callable[[MessageQueue], object]") -> None:
        chat = self._chat()
        if chat is not None:
            act(chat.queue)


def _decoded(text: str) -> "tuple[QueuedMessage, ...]":
    from desktop.chat.chat_events import QueuedMessage

    try:
        return msgspec.json.decode(text, type=tuple[QueuedMessage, ...])
    except msgspec.DecodeError:
        return ()  # of another version: left where it is until the queue changes
