"""Where in an answer's Markdown a mark stands: as a mark of its own, or as text that the answer quotes.

A model that explains its own chat format writes the same characters as one that ends its turn with them. What
distinguishes them is their place: in code, in quotes or inside a sentence they are text.
"""

import re

_PIECES = re.compile(r"\n|`+|[^`\n]+")
_SPAN_ENDS = re.compile(r"[`\n]")
_FENCE = re.compile(r"(?:[ \t>]|[-*+] |\d{1,9}[.)] )*(`{3,}|~{3,})(.*)", re.DOTALL)
_LIST_MARKER = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\Z")
_BLOCK_MARKERS = re.compile(r"[ \t>]*(?:[-*+|>]|#{1,6}|\d{1,9}[.)])[ \t]+\Z")
_INDENTED = re.compile(r"[ \t]*(?:  |\t)[ \t]*\Z")
_VALUE = re.compile(r"[:：]\**[ \t]+\Z")
_VERB = re.compile(r"[ \t]+[a-z]")
_KEPT = 200  # characters of a line's beginning and end: more tells nothing
_PAIRS = dict(zip("\"'“‘„«‹「『(（[*_", "\"'”’“»›」』)）]*_", strict=True))
_SENTENCE_ENDS = '.!?…。！？*)”"»」'
_GOES_ON = ",.;:!?)、，。：；"
_ASIDE = "(|–—=`\"“'"


class MarkdownContext:
    """Follows the text of an answer. `line` is the end of the unfinished line.

    `tells_of_marks` is for who reads it to set: that a mark was text.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew, as at the beginning of a text."""
        self._fence = ""
        self._head = self.line = self._before = ""
        self._open = self._run = 0
        self.quotes_marks = False

    def feed(self, text: str) -> None:
        for piece in _PIECES.findall(text):
            if piece == "\n":
                self._end_line()
                continue
            if piece[0] == "`":
                self._run += len(piece)
            else:
                self._open, self._run = self._open_run(), 0
            if len(self._head) < _KEPT:
                self._head += piece[:_KEPT]
            self.line = (self.line + piece)[-_KEPT:]

    @property
    def in_fence(self) -> bool:
        """Whether what comes next stands in a code fence, or in the line that opens one."""
        return not self._closes_fence() if self._fence else self._opened_fence() != ""

    @property
    def at_line_start(self) -> bool:
        """Whether nothing but white space stands in this line so far."""
        return not self.line.strip()

    @property
    def in_sentence(self) -> bool:
        """Whether what comes next would go on with a sentence, or with an item of a list."""
        before = self.line.rstrip(" \t")
        return bool(before) and (before[-1] not in _SENTENCE_ENDS or _LIST_MARKER.match(before) is not None)

    @property
    def announced(self) -> bool:
        """Whether the last line that has text in it, this one aside, ends with a colon: what follows is shown by it."""
        return self._before.rstrip("*_ \t").endswith((":", "："))

    def in_code(self, after: str, *, over: bool = False) -> bool | None:
        """Whether what comes next, with `after` behind it, stands in code; None where more has to be known.

        A code span is one where its end follows in the same line.
        """
        if self.in_fence:
            return True
        if not self._open_run():
            return False
        found = _SPAN_ENDS.search(after)
        if found is None:
            return False if over or len(after) > _KEPT else None
        return found[0] == "`"

    def mentions(self, after: str, *, over: bool = False) -> bool | None:
        """Whether a mark that comes next, with `after` behind it, is mentioned: text, not a mark.

        None where more of what comes after has to be known; never None where that is all (`over`).
        """
        in_code = self.in_code(after, over=over)
        if in_code is not False:
            return in_code
        if _INDENTED.match(self.line) or _BLOCK_MARKERS.match(self.line):
            return self._goes_on(after, over=over)
        if self.line[-1:] in _PAIRS:
            return None if not after and not over else after[:1] == _PAIRS[self.line[-1]]
        if not self.in_sentence or not self.line[-1].isspace():
            return False
        blank = len(after) - len(after.lstrip(" \t"))
        if blank == len(after) <= _KEPT and not over:
            return None
        following = after[blank : blank + 1]
        if not following:
            return False
        if not blank:
            return following in _GOES_ON
        return (following.isalnum() and not following.isupper()) or following in _ASIDE

    def is_end_mark_quoted(self, after: str, *, over: bool = False) -> bool | None:
        """Whether the end mark of a turn that comes next is quoted, also where `mentions` is False: as the value behind
        a colon, or as what a sentence begins with. None as there.
        """
        value = _VALUE.search(self.line)
        if not value and not self.at_line_start:
            return False
        if value and after[:1] not in (" ", "\t"):
            return self._goes_on(after, over=over)
        if len(after) <= _KEPT and not after.strip(" \t") and not over:
            return None
        return _VERB.match(after) is not None

    def _end_line(self) -> None:
        if not self._fence:
            self._fence = self._opened_fence()
        elif self._closes_fence():
            self._fence = ""
        if self.line.strip():
            self._before = self.line
        self._head = self.line = ""
        self._open = self._run = 0

    def _opened_fence(self) -> str:
        """The fence that this line opens; "" for none."""
        found = _FENCE.match(self._head)
        return found[1] if found and not (found[1][0] == "`" and "`" in found[2]) else ""

    def _closes_fence(self) -> bool:
        line = self._head.strip(" \t>")
        return len(line) >= len(self._fence) and not line.strip(self._fence[0])

    def _open_run(self) -> int:
        """How many backticks opened the code span that is open; 0 for none."""
        if not self._run:
            return self._open
        return self._run if not self._open else 0 if self._open == self._run else self._open

    def _goes_on(self, after: str, *, over: bool) -> bool | None:
        """Whether the answer goes on with `after`, and not with further marks, behind a mark that stands for itself.

        An answer that told of marks before may end with one.
        """
        text = after.lstrip()
        if text in ("", "<"):
            return None if not over and len(after) <= _KEPT else text == "<" or self.quotes_marks
        return not text.startswith("<|")
