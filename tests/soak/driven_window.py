"""The real window, driven from inside as a person would: what it does is told before, and once it is done and stored.

On standard output it writes one JSON value a line: `{"do": key, "value": …}` before something is done, `{"done": key,
"value": …}` when the program has stored it, `{"text": id, "so_far": …}` of an answer as it grows, `{"over": id, …}` at
its end, `{"ready": …}` when the window stands. Keys are those of `kill_promises.py`.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtTest import QTest

from desktop import app
from desktop.chat.chat_events import AnswerDelta, AnswerFinished, AnswerReplaced, ChatEvent, ChatFailed, MessageAdded
from desktop.conversation import Conversation, Message
from desktop.ui.program import Program
from desktop.ui.window.main_window import MainWindow

QUESTIONS = (
    "How do I stop an answer?",
    "What is a lineage?",
    "How do I add a model?",
    "Where is the ledger?",
    "What does the padlock mean?",
    "鍵は何ですか？",
)
NAMES = ("one", "two", "three")
Wait = Callable[[], bool]


def say(**value: Any) -> None:
    """Tell whoever keeps the books, at once."""
    os.write(1, json.dumps(value).encode("ascii") + b"\n")


class DrivenWindow(MainWindow):
    """The window, with a person in it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._person = Person(self, random.Random(sys.argv[1]), int(sys.argv[2]))

    def show_event(self, event: ChatEvent) -> None:
        super().show_event(event)
        self._person.hear(event)


class Person(QObject):
    """Does one thing after the other in `window`, `count` of them, then closes it."""

    def __init__(self, window: DrivenWindow, choose: random.Random, count: int) -> None:
        super().__init__(window)
        self._window, self._choose, self._count = window, choose, count
        self._answers: dict[str, str] = {}
        self._over: set[str] = set()
        self._asked: dict[str, str] = {}
        self._failed = 0
        self._life = self._live()
        self._wait: Wait = lambda: True
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._tick)
        self._timer.start(10)

    def hear(self, event: ChatEvent) -> None:
        """What the chat session tells the window."""
        match event:
            case MessageAdded(message=message) if message.role == "user":
                self._asked[message.text] = message.id
            case AnswerDelta(thinking=False):
                self._answers[event.message_id] = self._answers.get(event.message_id, "") + event.text
                say(text=event.message_id, so_far=self._answers[event.message_id])
            case AnswerReplaced():
                self._answers[event.message.id] = event.message.text
            case AnswerFinished(message=message):
                self._over.add(message.id)
                if event.error is None:
                    self._when_stored(lambda: say(over=message.id, value=message.text, status=message.status))
            case ChatFailed():
                self._failed += 1

    def _tick(self) -> None:
        if self._wait():
            try:
                self._wait = next(self._life)
            except StopIteration:
                self._timer.stop()
                self._window.quit()

    # --- what a person does --------------------------------------------------------------------------------------

    def _live(self) -> Iterator[Wait]:
        yield lambda: self._window.chat is not None
        yield lambda: self._page.top_bar.model is not None and self._page.top_bar.progress is None
        for _ in range(4):  # what a start sets right and cleans comes one step after another
            yield from self._stored()
        say(ready=time.time())
        actions = [self._ask] * 6 + [self._edit, self._regenerate, self._delete_message, self._edit_answer] * 2
        actions += [self._rename, self._move, self._pin, self._archive, self._delete, self._tag] * 1
        actions += [self._new, self._open, self._set, self._draft, self._queue, self._fork]
        for _ in range(self._count):
            yield from self._choose.choice(actions)()

    @property
    def _page(self) -> Any:
        return self._window.chat_page

    @property
    def _chat(self) -> Any:
        return self._window.chat

    @property
    def _program(self) -> Program:
        return next(each for each in self._window.children() if isinstance(each, Program))

    def _when_stored(self, then: Callable[[], None]) -> None:
        """Call `then` when all work with the database that was asked for by now is done."""
        backend = self._program.backend
        if backend is not None:
            backend._background.database(lambda: None, lambda _: then())

    def _stored(self) -> Iterator[Wait]:
        done: list[bool] = []
        self._when_stored(lambda: done.append(True))
        yield lambda: bool(done)

    def _do(self, key: str, value: Any, act: Callable[[], object]) -> Iterator[Wait]:
        say(do=key, value=value)
        failed = self._failed
        act()
        yield from self._stored()
        if self._failed == failed:
            say(done=key, value=value)

    @property
    def _messages(self) -> list[Message]:
        return [] if self._page.shown_transcript is None else self._page.shown_transcript.messages

    def _some(self, role: str) -> Message | None:
        found = [each for each in self._messages if each.role == role and each.status != "streaming"]
        return self._choose.choice(found) if found else None

    def _someone(self) -> Conversation | None:
        found: list[Conversation] = self._window.sidebar.rows.conversations
        return self._choose.choice(found) if found else None

    def _question(self) -> str:
        return f"{self._choose.choice(QUESTIONS)} ({uuid.uuid4().hex})"

    def _send(self, text: str) -> None:
        composer = self._page.composer
        composer.edit.setPlainText(text)
        QTest.keyClick(composer.edit, Qt.Key.Key_Return)

    def _ask(self) -> Iterator[Wait]:
        if self._chat.is_answering():
            yield from self._finish()
        text = self._question()
        say(do=f"question:{text}", value=True)
        self._send(text)
        yield lambda: text in self._asked
        say(done=f"question:{text}", value=True)
        yield from self._finish()

    def _finish(self) -> Iterator[Wait]:
        """Wait for the end of the answer, or for its middle, and stop it or not."""
        how = self._choose.random()
        if how < 0.3:
            ticks = iter(range(self._choose.randrange(1, 100)))
            yield lambda: next(ticks, None) is None or not self._chat.is_answering()
            self._chat.stop()
        yield lambda: not self._chat.is_answering()
        yield from self._stored()

    def _edit(self) -> Iterator[Wait]:
        last = self._some("user")
        if last is None or self._chat.is_answering():
            return
        text = self._question()
        say(do=f"question:{text}", value=True)
        self._page.begin_edit(last)
        self._send(text)
        failed = self._failed
        yield lambda: any(each.text == text for each in self._messages) or self._failed > failed
        if self._failed == failed:
            say(done=f"question:{text}", value=True)
        yield from self._finish()

    def _regenerate(self) -> Iterator[Wait]:
        last = self._some("assistant")
        if last is None or self._chat.is_answering():
            return
        known = {each.id for each in self._messages}
        self._page.regenerate(last.id)
        failed = self._failed
        yield lambda: self._failed > failed or bool({each.id for each in self._messages} - known)
        for each in self._messages:
            if each.id not in known:
                say(do=f"there:{each.id}", value=True)
                say(done=f"there:{each.id}", value=True)
        yield from self._finish()

    def _edit_answer(self) -> Iterator[Wait]:
        answer = self._some("assistant")
        if answer is None or self._chat.is_answering():
            return
        text = f"What I would have said. {uuid.uuid4().hex}"
        yield from self._do(f"answer:{text}", True, lambda: self._chat.branches.edit_answer(answer, text))

    def _fork(self) -> Iterator[Wait]:
        message = self._some("assistant")
        if message is None or self._chat.is_answering():
            return
        self._chat.branches.fork(message)
        yield from self._stored()
        yield from self._stored()

    def _delete_message(self) -> Iterator[Wait]:
        message = self._some("user")
        if message is None or self._chat.is_answering() or len(self._messages) < 4:
            return
        yield from self._do(f"gone:{message.id}", True, lambda: self._chat.branches.delete(message))

    def _change(self, field: str, value: Any, act: Callable[[Any, Conversation], object]) -> Iterator[Wait]:
        head = self._someone()
        if head is not None:
            yield from self._do(f"{field}:{head.id}", value, lambda: act(self._chat.order, head))

    def _rename(self) -> Iterator[Wait]:
        title = f"Title {uuid.uuid4().hex[:6]}"
        yield from self._change("title", title, lambda order, head: order.rename(head.id, title))

    def _pin(self) -> Iterator[Wait]:
        pinned = self._choose.random() < 0.5
        yield from self._change("pinned", pinned, lambda order, head: order.pin([head.id], pinned))

    def _tag(self) -> Iterator[Wait]:
        tag = self._choose.choice(NAMES)
        yield from self._change(f"tag {tag}", True, lambda order, head: order.add_tag([head.id], tag))

    def _archive(self) -> Iterator[Wait]:
        yield from self._change("archived", True, lambda order, head: order.archive([head.id], True))

    def _delete(self) -> Iterator[Wait]:
        if len(self._window.sidebar.rows.conversations) > 3:
            yield from self._change("deleted", True, lambda order, head: order.delete([head.id]))

    def _move(self) -> Iterator[Wait]:
        folders = self._window.sidebar.rows.folders
        if len(folders) < 3:
            made: list[str] = []
            self._chat.order.create_folder(lambda folder: made.append(folder.id))
            yield lambda: bool(made)
            target: str | None = made[0]
        else:
            target = self._choose.choice([*(each.id for each in folders), None])
        yield from self._change("folder", target, lambda order, head: order.move([head.id], target))

    def _new(self) -> Iterator[Wait]:
        self._window.new_chat()
        yield from self._stored()

    def _open(self) -> Iterator[Wait]:
        head = self._someone()
        if head is not None:
            self._window.open_conversation(head.id)
            yield from self._stored()

    def _set(self) -> Iterator[Wait]:
        name, value = self._choose.choice(
            [("wrap_code", self._choose.random() < 0.5), ("unload_after", self._choose.randrange(5, 100))]
        )
        say(do=f"setting:{name}", value=value)
        self._window.change_settings({name: value})
        say(done=f"setting:{name}", value=value)
        yield lambda: True

    def _draft(self) -> Iterator[Wait]:
        text = f"A draft {uuid.uuid4().hex}"
        say(do=f"draft:{text}", value=True)
        self._page.composer.edit.setPlainText(text)
        self._page.save_draft()
        say(done=f"draft:{text}", value=True)
        yield lambda: True
        say(do=f"draft:{text}", value=False)
        self._page.composer.set_text("")
        self._page.save_draft()
        say(done=f"draft:{text}", value=False)

    def _queue(self) -> Iterator[Wait]:
        if self._chat.is_answering():
            return
        first, second = self._question(), self._question()
        say(do=f"question:{first}", value=True)
        self._send(first)
        yield lambda: first in self._asked
        say(done=f"question:{first}", value=True)
        if self._chat.is_answering():
            say(do=f"question:{second}", value=True)
            self._send(second)
            say(done=f"question:{second}", value=True)  # it stands in the drafts' file
        yield from self._finish()
        self._chat.queue.resume(self._chat.current_id)
        yield lambda: not self._chat.is_answering()


def main(arguments: list[str]) -> int:
    """Open it; `arguments` are a seed, and how many things to do."""
    sys.argv = ["latchkey", *arguments]
    return app.run(["latchkey"], window_class=DrivenWindow)
