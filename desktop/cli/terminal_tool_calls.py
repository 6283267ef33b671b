"""Calls of tools in an answer at a terminal: the person is asked about each that needs it, and told how each ended.

What is shown comes from a model and from a server: it is escaped, and but for the arguments cut where it is long. What
was typed before the question was there is no answer to it. In a pipe nobody is asked.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from desktop.chat.chat_events import AnswerDelta
from desktop.chat.tool_call_state import ToolCallAnswer, ToolCallState, ToolChoice
from desktop.cli.acceptance_prompt import can_ask
from desktop.cli.command_context import CommandContext
from desktop.cli.terminal_input import drop_typed
from desktop.conversation import Message, NotePart
from desktop.safe_text import escape_controls, one_line
from desktop.translation import tr

_CHOICES: dict[str, ToolChoice] = {"y": "once", "c": "chat", "a": "always", "n": "deny"}


class TerminalToolCalls:
    """`asks` says whether a person can be asked."""

    def __init__(self, tools: CommandContext, *, asks: bool) -> None:
        self._output = tools.output
        self.asks = asks and can_ask(tools)
        self._told: set[str] = set()
        self._notes: set[str] = set()
        self._said = ""
        self._called = False

    def begins_paragraph(self, delta: AnswerDelta) -> bool:
        """Whether the answer goes on with `delta` after calls, behind text."""
        begins = self._called and bool(self._said.strip()) and not delta.thinking
        if not delta.thinking:
            self._said += delta.text
            self._called = False
        return begins

    def take(self, message: Message) -> bool:
        """An answer in progress is this now: its notes are told. Whether no more is new of it than these and calls."""
        for part in message.parts:
            if isinstance(part, NotePart) and part.text not in self._notes:
                self._notes.add(part.text)
                self._output.note(part.text)
        return message.summary is None and message.text.strip() == self._said.strip()

    def decide(self, calls: Sequence[ToolCallState]) -> tuple[str, ToolCallAnswer] | None:
        """Tell how calls ended, and ask about the first that waits for that: its id, and what the person says. Raises
        KeyboardInterrupt where they press Ctrl+C."""
        self._called |= bool(calls)
        if not calls:
            self._told.clear()
            self._said = ""
        for call in calls:
            if call.status not in ("asked", "waiting", "running") and call.call_id not in self._told:
                self._told.add(call.call_id)
                self._output.note(_ended(call))
        waiting = next((call for call in calls if call.status == "asked"), None)
        if waiting is None or not self.asks:
            return None
        self._show(waiting)
        return waiting.call_id, ToolCallAnswer(self._chosen())

    def _show(self, call: ToolCallState) -> None:
        names = {"tool": one_line(call.tool)[:200], "server": one_line(call.server)}
        self._output.note("")
        if call.reason == "changed":
            words = tr(
                "The model wants to call the tool “{tool}” of “{server}”, which is not as you allowed it any more."
            )
        else:
            words = tr("The model wants to call the tool “{tool}” of “{server}”.")
        self._output.note(words.format(**names))
        if call.description:
            said = tr("The server says of it: {text}").format(text=one_line(call.description)[:500])
            self._output.note(said)
        if call.place:
            self._output.note(call.place)
        if call.problem:
            self._output.note(call.problem)
        self._output.note(tr("It would be sent:"))
        self._output.note(escape_controls(call.arguments))

    def _chosen(self) -> ToolChoice:
        drop_typed()
        question = tr("[y] call it once, [c] in this chat, [a] always, [n] do not: ")
        while True:
            self._output.prompt(question)
            try:
                with _interruptible():
                    typed = input().strip().casefold()
            except EOFError:
                return "deny"
            if typed in _CHOICES:
                return _CHOICES[typed]


def _ended(call: ToolCallState) -> str:
    names = {"tool": one_line(call.tool)[:200], "server": one_line(call.server)}
    if call.status == "done":
        return tr("Called the tool “{tool}” of “{server}” ({seconds} s).").format(
            **names, seconds=f"{call.seconds:.1f}"
        )
    if call.status == "denied" and call.by != "person" and call.problem:
        return one_line(call.problem)  # which names the tool
    failures = {
        "denied": tr("The tool “{tool}” was not called. {reason}"),
        "cancelled": tr("The call of the tool “{tool}” was stopped. {reason}"),
    }
    failed = failures.get(call.status, tr("The call of the tool “{tool}” failed. {reason}"))
    return failed.format(tool=names["tool"], reason=one_line(call.problem)).strip()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Within the block Ctrl+C raises KeyboardInterrupt, whatever it does around it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
