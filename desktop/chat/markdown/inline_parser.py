"""How the inline content of a block is read: which rule each character calls, and where every token came from.

markdown-it asks every rule at every character. Here a character calls the rules that begin with it, which is several
times as quick, and every token gets `meta["at"]`: where it begins and ends in the text that was read.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline, newline
from markdown_it.rules_inline.state_inline import Scanned
from markdown_it.token import Token

from desktop.chat.markdown.emphasis import scan_delimiters, special_name_spans
from desktop.chat.markdown.escapes import code_like_spans

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.utils import EnvType

InlineRule = Callable[[StateInline, bool], bool]
At = tuple[int, int]

TERMINATOR = re.compile(r"[\n\\`*_~\[\]!<&$:@]|(?<![0-9A-Za-z_])[Ww](?=[Ww]{2}\.)")
"""What may call a rule: text without it is text and nothing else."""


class InlineState(StateInline):
    """The state of reading one inline text, which also knows where its pending text began."""

    def __init__(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> None:
        super().__init__(src, md, env, tokens)
        self.pending_at = 0
        self.literal_until: dict[int, int] = {}
        self.unclosed: set[str] = set()
        self.last_at_sign = src.rfind("@")
        self.backslashes = (0, False)
        self._code_like: list[At] | None = None
        self._names: set[int] | None = None

    def append_pending(self, text: str) -> None:
        if not self._pending and not self._pending_buffer:
            self.pending_at = self.pos
        super().append_pending(text)

    def pushPending(self) -> Token:  # noqa: N802 - the library's name
        token = super().pushPending()
        token.meta["at"] = (self.pending_at, self.pending_at + len(token.content))
        return token

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803
        if self._names is None:
            self._names = special_name_spans(self.src)
        if start in self._names:
            end = start
            while end < self.posMax and self.src[end] == self.src[start]:
                end += 1
            return Scanned(False, False, end - start)
        return scan_delimiters(self.src, start, self.posMax, canSplitWord)

    def is_code_like(self, position: int) -> bool:
        """Whether the character at `position` stands in a path, a pattern or a command, where a backslash is itself."""
        if self._code_like is None:
            self._code_like = code_like_spans(self.src)
        at = bisect_right(self._code_like, (position, len(self.src) + 1)) - 1
        return at >= 0 and self._code_like[at][0] <= position < self._code_like[at][1]


class InlineParser(ParserInline):
    """markdown-it's inline parser with a table of rules by their first character."""

    def __init__(self, rules: dict[str, tuple[InlineRule, ...]]) -> None:
        super().__init__()
        self.terminator_re = TERMINATOR
        self._rules = rules

    def skipToken(self, state: StateInline) -> None:  # noqa: N802 - the library's name
        position = state.pos
        if position in state.cache:
            state.pos = state.cache[position]
            return
        if state.level < state.md.options["maxNesting"]:
            state.level += 1
            found = self._apply(state, True)
            state.level -= 1
            if not found:
                state.pos += 1
        else:
            state.pos = state.posMax
        state.cache[position] = state.pos

    def tokenize(self, state: StateInline) -> None:
        deepest = state.md.options["maxNesting"]
        while state.pos < state.posMax:
            start, before = state.pos, len(state.tokens)
            if state.level < deepest and self._apply(state, False):
                if len(state.tokens) > before:
                    _place(state.tokens[before:], start, state.pos)
            else:
                state.append_pending(state.src[state.pos])
                state.pos += 1
        if state.pending:
            state.pushPending()

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = InlineState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens

    def _apply(self, state: StateInline, silent: bool) -> bool:
        rules = self._rules.get(state.src[state.pos])
        for rule in rules or ():
            if rule(state, silent):
                return True
        return _text(state, silent)


def _text(state: StateInline, silent: bool) -> bool:
    """Take what calls no rule, up to the next character that does."""
    found = TERMINATOR.search(state.src, state.pos)
    end = min(found.start() if found else state.posMax, state.posMax)
    if end == state.pos:
        return False
    if not silent:
        state.append_pending(state.src[state.pos : end])
    state.pos = end
    return True


def line_end(state: StateInline, silent: bool) -> bool:
    """The rule for a line end: CommonMark's, but at least two spaces that begin the next line of a verse are text."""
    start = state.pos
    if not newline(state, silent):
        return False
    if state.env.get("keeps_indents") and state.pos - start > 2 and "\t" not in state.src[start : state.pos]:
        state.pos = start + 1
        if not silent:
            state.append_pending(state.src[start + 1 : _text_start(state)])
            state.tokens[-1].meta["at"] = (start, start + 1)
        state.pos = _text_start(state)
    return True


def _text_start(state: StateInline) -> int:
    at = state.pos
    while at < state.posMax and state.src[at] == " ":
        at += 1
    return at


def show_empty_links(state: StateInline) -> None:
    """Give a link without a text its address as one, so that it is seen."""
    made: list[Token] = []
    for token in state.tokens:
        if token.type == "link_close" and made[-1].type == "link_open" and (href := made[-1].attrGet("href")):
            text = Token("text", "", 0, content=str(href), info="entity", level=token.level + 1)
            text.meta["at"] = token.meta["at"]
            token.meta["at"] = (token.meta["at"][1],) * 2
            made.append(text)
        made.append(token)
    state.tokens[:] = made


def _place(tokens: list[Token], start: int, end: int) -> None:
    """Say of the tokens that one rule made of the text from `start` to `end` where each came from."""
    new = [token for token in tokens if "at" not in token.meta]
    if not new:
        return
    if len(new) == 1:
        new[0].meta["at"] = (start, end)
    elif new[0].type == "link_open":
        first, last = tokens.index(new[0]), tokens.index(new[-1])
        new[0].meta["at"] = (start, start + 1)
        for token in new[1:-1]:
            token.meta["at"] = (start + 1, end - 1)
        inside = tokens[first + 1 : last]
        new[-1].meta["at"] = (inside[-1].meta["at"][1] if inside else start + 1, end)
    else:
        for token in new:
            token.meta["at"] = (start, start + len(token.content))
            start += len(token.content)


def join_text(state: StateInline) -> None:
    """Join neighboring texts that also neighbor in the source, and count levels anew.

    Takes the place of markdown-it's `fragments_join` and `text_join`. A text that is not written as it reads (an
    escape, an entity) stays a token of its own, so that every other one is exactly the source between its ends.
    """
    level = 0
    joined: list[Token] = []
    parts: list[str] = []
    delimiter: At | None = None

    def close() -> None:
        if parts:
            joined[-1].content = "".join(parts)
            parts.clear()

    for token in state.tokens:
        if token.nesting < 0:
            level -= 1
        token.level = level
        if token.nesting > 0:
            level += 1
        if token.type == "text_special":
            token.type = "text"
        if token.type == "text":
            if not token.content:  # the other half of a `**`
                delimiter = token.meta["at"]
                if joined and joined[-1].type == "strong_close" and joined[-1].meta["at"][1] == delimiter[0]:
                    joined[-1].meta["at"] = (joined[-1].meta["at"][0], delimiter[1])
                continue
            start, end = token.meta["at"]
            if parts and joined[-1].type == "text" and joined[-1].meta["at"][1] == start and _exact(token):
                parts.append(token.content)
                joined[-1].meta["at"] = (joined[-1].meta["at"][0], end)
                continue
            close()
            joined.append(token)
            if _exact(token):
                parts.append(token.content)
            continue
        close()
        if token.type == "strong_open" and delimiter and delimiter[1] == token.meta["at"][0]:
            token.meta["at"] = (delimiter[0], token.meta["at"][1])
        joined.append(token)
    close()
    state.tokens[:] = joined


def _exact(token: Token) -> bool:
    start, end = token.meta["at"]
    return token.info != "escape" and token.info != "entity" and bool(end - start == len(token.content))
