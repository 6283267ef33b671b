"""The channels of gpt-oss ("harmony"): an answer is several messages, each with a header that says what it is.

    <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…<|return|>

A header names a role, a channel, a recipient (`to=functions.x`) and a constraint (`<|constrain|>json`), in any order
that the model likes. Read in docs/format.md of github.com/openai/harmony.

Muse Glimmer has recipients in place of channels: what it writes to itself is its thinking.

    <|start|>assistant to=self<|message|>…<|eom|><|start|>assistant to=user<|message|>…<|eot|>
"""

import re
from collections.abc import Sequence
from typing import Literal

from desktop.engine.worker.answer_marks import TagStyle
from desktop.engine.worker.call_grammars import channel_message
from desktop.engine.worker.call_reader import CallReader, ToolCatalog
from desktop.engine.worker.markdown_context import MarkdownContext
from desktop.engine.worker.text_collector import TextCollector, TextPiece

_WORDS = ("start", "channel", "message", "constrain", "end", "eom", "return", "call", "eot")
_MARKS = tuple(f"<|{word}|>" for word in _WORDS)
_CHANNELS = ("analysis", "commentary", "final")
_REST = re.compile(r"(?:t|to|to=\S*\s*)?\Z")
_NAMED = re.compile(r"(?:analysis|commentary|final)\s*\Z")
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w{0,20})\s*")
_NAMES = re.compile(r"\s*(?:(?:analysis|commentary|final)\b)?[ \t]*(?:to=\S*)?[ \t]*")
_RECIPIENT = re.compile(r"\bto=([^\s<]+)")
_NOBODY = ("user", "all", "self", "assistant")
_LONGEST_HEADER = 300
CHANNEL_TOKENS = frozenset(_MARKS) - {"<|eom|>", "<|eot|>"}
"""Every spelling that a vocabulary has a token for; other models end a turn with those that are left out."""


def begins_channels(text: str) -> bool | None:
    """Whether an answer that begins with `text` is one of channels; None where more has to be known."""
    text = text.lstrip()
    if any(begin.startswith(text) for begin in ("<|channel|>", "<|start|>")):
        return None
    if text.startswith("<|start|>"):
        role = text.removeprefix("<|start|>").lstrip()
        return True if role.startswith("assistant") else None if "assistant".startswith(role) else False
    channel = _CHANNEL.match(text)
    if channel is None:
        return False
    if channel[1].lower().startswith(_CHANNELS):
        return True
    after = text[channel.end() :]
    return None if "<|message|>".startswith(after) else after.startswith("<|message|>")


class ChannelParser:
    """Follows one answer; the counterpart of `ThinkingParser` for models with channels. `header` is the prompt's last,
    open one, and `ends` are further marks that end the turn.

    The final channel is the answer, and so is commentary for the person. Where there are `tools`, a message to a
    function is a call. The rest is thinking: analysis, what the model writes to itself, channels that nobody knows.
    """

    style: TagStyle | None = None  # channels are not marked by tags

    def __init__(self, header: str = "", ends: Sequence[str] = (), tools: ToolCatalog | None = None) -> None:
        self._tools = tools
        self._reader: CallReader | None = None
        self._marks = (*_MARKS, *ends)
        self._mark_pattern = re.compile("|".join(map(re.escape, sorted(self._marks, key=len, reverse=True))))
        self._first = re.compile(f"[{''.join(sorted({re.escape(mark[0]) for mark in self._marks}))}]")
        self._longest = max(map(len, self._marks))
        self._passage = TextCollector()
        self._context = MarkdownContext()
        self._held = ""
        self._state: Literal["header", "body"] = "header"
        self._header = ""
        self._is_thinking = False
        self.ended = False
        self.feed(header)
        if self._header == "<|start|>assistant":
            self._header = ""  # the role is whole: what comes next is no more of it

    @property
    def thinking(self) -> bool:
        return self._state == "body" and self._is_thinking and self._reader is None

    def expect_close(self) -> None:
        """A mark that ends a message of thinking does so anyhow."""

    @property
    def answering(self) -> bool:
        """Whether what comes next is the answer's own text, not thinking and no header."""
        return self._state == "body" and not self._is_thinking

    def feed(self, text: str) -> list[TextPiece]:
        """The pieces whose kind is known by now."""
        return self._go_on(text, over=False)

    def finish(self) -> list[TextPiece]:
        """What was held back, at the answer's end."""
        pieces = self._go_on("", over=True)
        if self._state == "header" and not self.ended:
            if "<|" not in self._header:
                self._begin_body(self._header)
            elif text := _behind_names(self._header):
                self._begin_body(text)
        self._end_call()
        return [*pieces, *self._passage.drain()]

    def _go_on(self, text: str, *, over: bool) -> list[TextPiece]:
        text, self._held = self._held + text, ""
        while text and not self.ended:
            found = self._mark_pattern.search(text)
            if found is None:
                keep = 0 if over else self._held_back(text)
                self._add(text[: len(text) - keep])
                self._held = text[len(text) - keep :]
                break
            if not self._add(text[: found.start()]):
                break
            after = text[found.end() :]
            if self._state == "body" and not self._is_thinking:
                mentioned = self._context.mentions(after, over=over)
                if mentioned is None:
                    self._held = text[found.start() :]
                    break
                if mentioned:
                    self._context.quotes_marks = True
                    self._add(found[0])
                    text = after
                    continue
            self._mark(found[0])
            text = after
        return self._passage.drain()

    def _held_back(self, text: str) -> int:
        """How many characters at the end of `text` could be the beginning of a mark."""
        for found in self._first.finditer(text, max(0, len(text) - self._longest)):
            tail = text[found.start() :]
            if any(mark.startswith(tail) for mark in self._marks):
                return len(tail)
        return 0

    def _add(self, text: str) -> bool:
        """Take text without marks; whether the answer goes on."""
        if self._reader is not None:
            self._read_call(self._reader, text)
            return True
        if self._state == "body":
            self._context.feed(text)
            self._passage.add(text, thinking=self._is_thinking)
            return True
        self._header += text
        too_long = len(self._header) > _LONGEST_HEADER
        if "<|channel|>" in self._header or "<|constrain|>" in self._header:
            if too_long or "\n" in self._header.rpartition("<|channel|>")[2].strip():
                self._begin_body(_behind_names(self._header))  # the mark that ends a header is missing
            return not self.ended
        rest = _behind_role(self._header)
        is_name = any(name.startswith(rest) for name in _CHANNELS) or _NAMED.match(rest) is not None
        if too_long or not (is_name or _REST.match(rest)):
            self._begin_body(rest if self._header.startswith("<|start|>") else self._header)
        return not self.ended

    def _read_call(self, reader: CallReader, text: str, *, over: bool = False) -> None:
        reader.feed(text, over=over)
        for piece in reader.drain():
            self._passage.call(piece)

    def _end_call(self) -> None:
        """The message is over, and with it the call that it is."""
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done:
            self._read_call(reader, "", over=True)

    def _mark(self, mark: str) -> None:
        self._end_call()
        match mark:
            case "<|message|>":
                self._begin_body("")
            case "<|end|>" | "<|eom|>":
                self._state, self._header = "header", ""
            case "<|start|>":
                self._state, self._header = "header", mark
            case "<|channel|>" | "<|constrain|>":
                if self._state == "body":
                    self._state, self._header = "header", ""
                self._header += mark
            case _:
                if self._state == "header" and "<|" not in self._header:
                    self._begin_body(_behind_role(self._header))
                self.ended = True

    def _begin_body(self, text: str) -> None:
        """A message's text begins, with `text`; its header decides whether it is thinking."""
        header, self._header = self._header, ""
        role = re.match(r"<\|start\|>\s*([\w.]*)", header)
        if role is not None and role[1] not in ("assistant", ""):
            self.ended = True  # the model goes on as somebody else
            return
        channel = re.search(r"<\|channel\|>\s*(\w*)", header)
        if channel is None and not text:
            channel = re.match(r"(analysis|commentary|final)", _behind_role(header))
        recipient = _RECIPIENT.search(header)
        self._state = "body"
        if recipient is not None and self._tools is not None and recipient[1] not in _NOBODY:
            self._is_thinking = True  # in a call no mark is mentioned
            self._reader = CallReader(channel_message, self._tools, name=recipient[1].removeprefix("functions."))
            return
        self._is_thinking = (channel is not None and channel[1].lower() not in ("final", "commentary")) or (
            recipient is not None and recipient[1] not in ("user", "all")
        )
        self._context.clear()
        if not self._is_thinking:
            self._passage.separate()
        self._passage.begin(thinking=self._is_thinking)
        if text:
            self._context.feed(text)
            self._passage.add(text, thinking=self._is_thinking)


def _behind_names(header: str) -> str:
    """What stands in `header` behind the names of a channel and a recipient; "" for one without a channel."""
    named = header.rpartition("<|channel|>")[2] if "<|channel|>" in header else ""
    found = _NAMES.match(named)
    return named[found.end() :] if found is not None else named


def _behind_role(header: str) -> str:
    """What stands in `header` behind the role; "" where the role may not be whole yet."""
    if header.startswith("<|start|>"):
        return re.sub(r"\A<\|start\|>\s*[\w.]*\s*", "", header)
    header = header.lstrip()
    return "" if "assistant".startswith(header) else header.removeprefix("assistant").lstrip()
