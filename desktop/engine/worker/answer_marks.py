"""The marks that models put around their thinking and around their answer, as text, and how they are found in a stream.

Read in the chat templates that the families publish. `<think>` and its like are found in any case and with attributes
or white space, since models spell them out when they are not tokens of their own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

MarkKind = Literal["opens", "closes", "wrapper", "end", "label", "opener", "call"]
# What stands around the answer itself, and is no part of it. A bare word counts only right behind thinking.
_WRAPPERS = ("<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>", "<|begin_of_solution|>",
             "<|end_of_solution|>", "<|begin_of_box|>", "<|end_of_box|>", "<|answer_prefix|>", "<|answer_suffix|>",
             "[END FINAL RESPONSE]")  # fmt: skip
COMMON_WRAPPERS = {"<answer>": "</answer>", "<response>": "</response>"}  # Hunyuan; Granite 3.3 and Ernie
_TAG = re.compile(r"<(/?)([A-Za-z:]+)>\Z")
_MOST_ATTRIBUTES = 100
_LONGEST_START = 160
_SPECIAL = re.compile(
    r"<\|[^<>|\s]{1,40}\|>|<｜[^<>｜\s]{1,40}｜>|<\|?/?[A-Za-z_][\w:▁-]{0,40}\|?>|\[\|[^\[\]|\s]{1,30}\|\]|\[/?[A-Z_]{2,24}\]"
    r"|\[e~\[|\]~!?b[\[\]]|\[unused\d{1,3}\]"
)
_LABEL = re.compile(r"(?:\A|\n)[ \t]*(#{1,6} ?[A-Z][\w /]{0,30}:?|[A-Z][A-Za-z]{1,20}:)\s*\Z")
_HEADING = re.compile(r"#{1,6} ?[A-Z][\w /]{1,30}:?")
_LONGEST_OPENER = 60


@dataclass(frozen=True)
class TagStyle:
    """How one family of models marks its thinking: from `opens` to `closes`.

    A `common` word is taken for a mark only at the very beginning of an answer, and where the prompt opened it.
    """

    opens: str
    closes: str
    common: bool = False


TAG_STYLES = (
    TagStyle("<think>", "</think>"),  # DeepSeek, Qwen, GLM, Granite, Nemotron, SmolLM3, MiniMax, Phi-4, OLMo, LFM, …
    TagStyle("<thinking>", "</thinking>", common=True),
    TagStyle("<thought>", "</thought>", common=True),  # EXAONE Deep
    TagStyle("<reasoning>", "</reasoning>", common=True),
    TagStyle("<seed:think>", "</seed:think>"),  # Seed-OSS
    TagStyle("<mm:think>", "</mm:think>"),  # MiniMax M3
    TagStyle("[THINK]", "[/THINK]"),  # Magistral, Ministral
    TagStyle("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A, Command R7B
    TagStyle("◁think▷", "◁/think▷"),  # Kimi
    TagStyle("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    TagStyle("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThinker
    TagStyle("[unused16]", "[unused17]"),  # openPangu
    TagStyle("<|channel>thought", "<channel|>"),  # Gemma 4
    TagStyle("Here is my thought process:", "Here is my response:", common=True),  # Granite 3.2
    TagStyle("Here's my thought process:", "Here's my response:", common=True),
    TagStyle("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),  # Apriel
)
THINKING_TOKENS = frozenset(
    mark for style in TAG_STYLES for mark in (style.opens, style.closes) if mark[0] in "<[◁"
) | {
    *_WRAPPERS,
    "<|channel>",
}
"""Every spelling that a vocabulary may have a token for."""


@dataclass(frozen=True)
class AnswerMark:
    """What a mark is for. `style` says whose, where it marks thinking; `text` is how it is spelled in the table."""

    kind: MarkKind
    text: str
    style: TagStyle | None = None


class MarkTable:
    """Finds every mark of one model in text: those of thinking, and `more` besides."""

    def __init__(self, more: Iterable[AnswerMark] = ()) -> None:
        marks = [AnswerMark(kind, text, style) for style in TAG_STYLES for kind, text in _of(style)]
        marks += [AnswerMark("wrapper", text) for text in (*_WRAPPERS, *COMMON_WRAPPERS, *COMMON_WRAPPERS.values())]
        for mark in more:
            marks = [known for known in marks if known.text != mark.text or known.style is not None]
            marks.append(mark)
        self._marks = sorted(dict.fromkeys(marks), key=lambda mark: len(mark.text), reverse=True)
        self._pattern = re.compile("|".join(f"({_pattern(mark.text)})" for mark in self._marks))
        self._texts = [mark.text for mark in self._marks]
        self._tags = sorted({_TAG.match(text)[2] for text in self._texts if _TAG.match(text)})  # type: ignore[index]
        firsts = "".join(sorted({re.escape(text[0]) for text in self._texts}))
        self._first = re.compile(f"[{firsts}]")

    @property
    def ends(self) -> tuple[str, ...]:
        """The marks that end a turn wherever they stand as marks."""
        return tuple(mark.text for mark in self._marks if mark.kind == "end")

    def find(self, text: str) -> tuple[AnswerMark, int, int] | None:
        """The first mark in `text`, with its begin and end."""
        for first in self._first.finditer(text):
            found = self._pattern.match(text, first.start())
            if found is not None and found.lastindex is not None:
                return self._marks[found.lastindex - 1], found.start(), found.end()
        return None

    def may_grow(self, text: str) -> bool:
        """Whether `text`, which begins with a mark, may become a longer one."""
        return any(len(mark) > len(text) and mark.startswith(text) for mark in self._texts)

    def held(self, text: str) -> int:
        """How many characters at the end of `text` could be the beginning of a mark."""
        start = max(0, len(text) - _LONGEST_START)
        for found in self._first.finditer(text, start):
            tail = text[found.start() :]
            if any(mark.startswith(tail) for mark in self._texts) or _begins_tag(tail, self._tags):
                return len(tail)
        return 0


def _of(style: TagStyle) -> tuple[tuple[MarkKind, str], tuple[MarkKind, str]]:
    return ("opens", style.opens), ("closes", style.closes)


def _pattern(text: str) -> str:
    tag = _TAG.match(text)
    if tag is None or tag[2].lower() in ("s", "bos", "eos"):
        return re.escape(text)
    return (
        rf"<{tag[1]}(?i:{re.escape(tag[2])})\s{{0,8}}>"
        if tag[1]
        else (rf"<(?i:{re.escape(tag[2])})(?:\s[^<>]{{0,{_MOST_ATTRIBUTES}}})?>")
    )


def _begins_tag(tail: str, names: Sequence[str]) -> bool:
    """Whether `tail` could be the beginning of a tag of one of these names."""
    if tail[0] != "<":
        return False
    inner = tail[1:].removeprefix("/")
    word = re.match(r"[A-Za-z:]*", inner)
    assert word is not None
    name, rest = word[0].lower(), inner[word.end() :]
    if not rest:
        return any(known.lower().startswith(name) for known in names)
    return name in {known.lower() for known in names} and rest[0].isspace() and not re.search("[<>]", rest)


@dataclass(frozen=True)
class EndMarks:
    """`special` end a turn wherever they stand as marks; `labels` where they begin a line and something was said.

    `opener` is what the template writes before an answer, which a model may repeat at the answer's beginning.
    """

    special: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    opener: str = ""

    def marks(self) -> list[AnswerMark]:
        found = [AnswerMark("end", text) for text in self.special] + [AnswerMark("label", text) for text in self.labels]
        return [*found, AnswerMark("opener", self.opener)] if self.opener else found


def is_special(text: str) -> bool:
    """Whether `text` is spelled as special tokens are."""
    return _SPECIAL.fullmatch(text) is not None


def end_marks(
    between: str,
    before: str,
    *,
    bos: str = "",
    spelled: Iterable[str] = (),
    stops: Iterable[str] = (),
    literal: Sequence[str] = (),
) -> EndMarks:
    """The marks of a model. `between` is what its template writes from an answer to the next question, `before` what it
    writes from a question to the answer; `spelled` are its vocabulary's end tokens, `stops` those of its family.
    What is `literal` among those ends an answer anyhow.
    """
    spelled = [word for word in spelled if word.strip()]
    special = [word for word in _SPECIAL.findall(between) if word != bos or word in spelled]
    label = _LABEL.search("\n" + _SPECIAL.sub("", between))
    labels = [label[1]] if label else []
    opener = _opener(before, special)
    for stop in stops:
        word = stop.strip()
        if is_special(word):
            special.append(word)
        elif _HEADING.fullmatch(word):
            labels.append(word)
    special = [word for word in dict.fromkeys([*special, *spelled]) if word not in THINKING_TOKENS]
    labels = [word for word in dict.fromkeys(labels) if not any(stop.strip() in word for stop in literal)]
    return EndMarks(tuple(special), tuple(labels), opener)


def _opener(before: str, special: Sequence[str]) -> str:
    """What stands right before an answer in the template: the mark that opens a turn, and the role in its line."""
    marks = [mark for mark in _SPECIAL.findall(before) if mark not in THINKING_TOKENS and mark not in special[:1]]
    if not marks:
        return ""
    mark = next((mark for mark in marks if mark in special), marks[-1])
    opener = before[before.rfind(mark) :].split("\n")[0].rstrip()
    for found in _SPECIAL.findall(opener):
        if found in THINKING_TOKENS:
            opener = opener[: opener.index(found)].rstrip()
            break
    return opener if len(opener) <= _LONGEST_OPENER else ""
