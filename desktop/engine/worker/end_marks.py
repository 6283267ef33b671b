"""What ends a model's turn, read from what its chat template writes behind an answer.

A file may spell its end mark in ordinary tokens, or name another token as its end than the one it says: then the mark
is text, and the model goes on in the person's place. What the template writes between an answer and the next question
is what such a model writes too.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from desktop.engine.worker.thinking_marks import TOKENS, Mark

_SPECIAL = re.compile(
    r"<\|[^<>|\s]{1,40}\|>|<｜[^<>｜\s]{1,40}｜>|<\|?/?[A-Za-z_][\w:▁-]{0,40}\|?>|\[\|[^\[\]|\s]{1,30}\|\]|\[/?[A-Z_]{2,24}\]"
    r"|\[e~\[|\]~!?b[\[\]]|\[unused\d{1,3}\]"
)
_LABEL = re.compile(r"(?:\A|\n)[ \t]*(#{1,6} ?[A-Z][\w /]{0,30}:?|[A-Z][A-Za-z]{1,20}:)\s*\Z")
_HEADING = re.compile(r"#{1,6} ?[A-Z][\w /]{1,30}:?")
_LONGEST_OPENER = 60


@dataclass(frozen=True)
class EndMarks:
    """`special` end a turn wherever they stand as marks; `labels` where they begin a line and something was said.

    `opener` is what the template writes before an answer, which a model may repeat at the answer's beginning.
    """

    special: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    opener: str = ""

    def marks(self) -> list[Mark]:
        found = [Mark("end", text) for text in self.special] + [Mark("label", text) for text in self.labels]
        return [*found, Mark("opener", self.opener)] if self.opener else found


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
    special = [word for word in dict.fromkeys([*special, *spelled]) if word not in TOKENS]
    labels = [word for word in dict.fromkeys(labels) if not any(stop.strip() in word for stop in literal)]
    return EndMarks(tuple(special), tuple(labels), opener)


def _opener(before: str, special: Sequence[str]) -> str:
    """What stands right before an answer in the template: the mark that opens a turn, and the role in its line."""
    marks = [mark for mark in _SPECIAL.findall(before) if mark not in TOKENS and mark not in special[:1]]
    if not marks:
        return ""
    mark = next((mark for mark in marks if mark in special), marks[-1])
    opener = before[before.rfind(mark) :].split("\n")[0].rstrip()
    for found in _SPECIAL.findall(opener):
        if found in TOKENS:
            opener = opener[: opener.index(found)].rstrip()
            break
    return opener if len(opener) <= _LONGEST_OPENER else ""
