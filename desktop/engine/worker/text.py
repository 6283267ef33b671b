"""From token bytes to text that may be shown: UTF-8 put together, thinking told apart, stop strings held back.

Everything is incremental: a byte sequence, a tag or a stop string may be spread over any number of tokens.
"""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TagStyle:
    """How one family of models marks its thinking: from `opens` to `closes`; `plain` opens an answer without it."""

    opens: str
    closes: str
    plain: str = ""


# Read in the chat templates that these families publish.
TAG_STYLES = (
    TagStyle("<think>", "</think>"),
    TagStyle("<thinking>", "</thinking>"),
    TagStyle("<thought>", "</thought>"),
    TagStyle("<reasoning>", "</reasoning>"),
    TagStyle("<seed:think>", "</seed:think>"),
    TagStyle("[THINK]", "[/THINK]"),
    TagStyle("<|START_THINKING|>", "<|END_THINKING|>"),
    TagStyle("◁think▷", "◁/think▷"),
    TagStyle("<|channel>thought\n", "<channel|>"),
    TagStyle(
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
        "<|channel|>final<|message|>",
    ),
)


def longest_held(text: str, marks: Sequence[str]) -> int:
    """How many characters at the end of `text` could be the beginning of one of `marks`."""
    longest = 0
    for mark in marks:
        for length in range(min(len(mark) - 1, len(text)), longest, -1):
            if text.endswith(mark[:length]):
                longest = length
                break
    return longest


class StopStrings:
    """Cuts the answer before the first of `stops`; holds back an end that may become one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """What of the text so far may be shown now. Nothing more once `hit`."""
        if not self._stops:
            return text
        if self.hit:
            return ""
        text = self._held + text
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.hit, self._held = True, ""
            return text[: min(found)]
        keep = longest_held(text, self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back, at the answer's end."""
        rest, self._held = self._held, ""
        return rest


class Thinking:
    """Tells thinking from answer. Thinking is taken as such only at the very start, as models write it.

    `opened` is the style whose opening tag the prompt already ends with.
    """

    def __init__(self, styles: Sequence[TagStyle] = TAG_STYLES, opened: TagStyle | None = None) -> None:
        self._styles = styles
        self._style = opened
        self._state: Literal["start", "thinking", "gap", "answer"] = "thinking" if opened else "start"
        self._fresh = opened is not None
        self._held = ""

    @property
    def settled(self) -> bool:
        """Whether everything from here on is answer."""
        return self._state == "answer"

    @property
    def thinking(self) -> bool:
        return self._state == "thinking"

    def feed(self, text: str) -> list[tuple[str, bool]]:
        """Pieces of text with whether each is thinking, as far as it can be told by now."""
        if self._state == "answer":
            return [(text, False)]
        self._held += text
        told: list[tuple[str, bool]] = []
        while self._step(told):
            pass
        return [(piece, thinking) for piece, thinking in told if piece]

    def finish(self) -> list[tuple[str, bool]]:
        """What was held back, at the answer's end."""
        rest, self._held = self._held, ""
        if self._state == "thinking":
            rest = rest.rstrip()
        return [(rest, self._state == "thinking")] if rest and self._state != "gap" else []

    def _step(self, told: list[tuple[str, bool]]) -> bool:
        """Take one step of the state machine on what is held; False where more text is needed."""
        match self._state:
            case "start":
                return self._at_start()
            case "thinking":
                return self._in_thinking(told)
            case "gap":
                self._held = self._held.lstrip()
                if self._held:
                    self._state = "answer"
                return bool(self._held)
            case _:
                told.append((self._held, False))
                self._held = ""
                return False

    def _at_start(self) -> bool:
        text = self._held.lstrip()
        if not text:
            return False
        for style in self._styles:
            if text.startswith(style.opens):
                self._style, self._state, self._fresh = style, "thinking", True
                self._held = text[len(style.opens) :]
                return True
            if style.plain and text.startswith(style.plain):
                self._state, self._held = "gap", text[len(style.plain) :]
                return True
        if any(tag.startswith(text) for style in self._styles for tag in (style.opens, style.plain)):
            return False
        self._state = "answer"
        return True

    def _in_thinking(self, told: list[tuple[str, bool]]) -> bool:
        assert self._style is not None
        if self._fresh:
            self._held = self._held.lstrip()
            if not self._held:
                return False
            self._fresh = False
        at = self._held.find(self._style.closes)
        if at >= 0:
            told.append((self._held[:at].rstrip(), True))
            self._held = self._held[at + len(self._style.closes) :]
            self._state = "gap"
            return True
        show = self._held[: len(self._held) - longest_held(self._held, [self._style.closes])].rstrip()
        told.append((show, True))
        self._held = self._held[len(show) :]
        return False


class AnswerText:
    """The whole way of one answer's bytes: UTF-8, thinking, stop strings (which count in the answer alone).

    With `strip`, white space before the answer's first word is left out, as vocabularies put a space before words.
    """

    def __init__(self, stops: Sequence[str] = (), opened: TagStyle | None = None, *, strip: bool = True) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._thinking = Thinking(opened=opened)
        self._stops = StopStrings(stops)
        self._strip = strip

    @property
    def stopped(self) -> bool:
        """Whether a stop string was met: the answer is over."""
        return self._stops.hit

    @property
    def thinking(self) -> bool:
        return self._thinking.thinking

    def feed(self, piece: bytes) -> list[tuple[str, bool]]:
        """Text that may be shown now, each piece with whether it is thinking."""
        text = self._decode(piece)
        return self._shown(self._thinking.feed(text)) if text else []

    def finish(self) -> list[tuple[str, bool]]:
        """What was held back, at the answer's end; a cut-off character becomes U+FFFD. Nothing after a stop string."""
        told = self._shown([*self._thinking.feed(self._decode(b"", True)), *self._thinking.finish()])
        return [*told, *self._stripped([(self._stops.finish(), False)])]

    def _shown(self, told: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
        return self._stripped([(text if thinking else self._stops.feed(text), thinking) for text, thinking in told])

    def _stripped(self, told: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
        kept = []
        for text, thinking in told:
            shown = text.lstrip() if self._strip and not thinking else text
            if shown:
                self._strip = self._strip and thinking
                kept.append((shown, thinking))
        return kept
