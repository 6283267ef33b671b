"""llama.cpp's GBNF, read as its parser does (`llama_grammar_parser` in llama-grammar.cpp), and written as the Lark
grammar that llguidance takes.

Each character of the grammar becomes a terminal of its own: llguidance's lexer is greedy, and a longer terminal would
swallow what the next rule wants. So the language is exactly that of the GBNF, and left recursion is allowed besides.
Tokens by number or name (`<[1]>`, `<word>`) are refused.
"""

import re
from dataclasses import dataclass, field

from desktop.translation import tr

MOST_TEXT = 100_000
"""Characters of a grammar."""
_MOST_RULES = 1_000  # llguidance compiles rules within rules: 20,000 in a chain exhaust the stack
_MOST_NESTING = 100
_MOST_REPETITIONS = 2_000  # llama.cpp's MAX_REPETITION_THRESHOLD
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_OR_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_REPETITION = re.compile(r"\{\s*([0-9]{1,9})\s*(?:(,)\s*([0-9]{0,9})\s*)?\}")
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", **{char: char for char in '\\"[]-'}}


class GbnfError(Exception):
    """The text is no grammar, or none that can be used; the message says why, as a sentence without its full stop."""


@dataclass
class _Rule:
    """A rule as alternatives, each a sequence of terminals and names in Lark's notation. `needed` are the rules that
    each alternative cannot do without, `named` all that the rule names."""

    alternatives: list[list[str]] = field(default_factory=list)
    needed: list[list[str]] = field(default_factory=list)
    named: set[str] = field(default_factory=set)


def lark_grammar(text: str) -> str:
    """The GBNF grammar `text` as a Lark grammar of llguidance. Raises GbnfError."""
    if len(text) > MOST_TEXT:
        raise GbnfError(tr("It is longer than {count} characters").format(count=f"{MOST_TEXT:,}"))
    reader = _GbnfReader(text)
    rules = reader.read()
    if "root" not in reader.defined:
        raise GbnfError(tr("It has no rule “root”"))
    missing = next((name for name in reader.ids if name not in reader.defined), None)
    if missing is not None:
        raise GbnfError(tr("The rule “{name}” is named but not defined").format(name=missing))
    root = reader.ids["root"]
    _refuse_endless(rules, root, {rule: name for name, rule in reader.ids.items()})
    lines = [f"start: {root}"]
    for name, rule in rules.items():
        lines.append(f"{name}: " + " | ".join(" ".join(each) for each in rule.alternatives))
    return "\n".join(lines) + "\n"


def _refuse_endless(rules: dict[str, _Rule], root: str, written: dict[str, str]) -> None:
    """Raise GbnfError where a rule that `root` reaches matches no text that ever ends."""
    ending: set[str] = set()
    grows = True
    while grows:
        found = {
            name
            for name, rule in rules.items()
            if name not in ending and any(all(each in ending for each in needed) for needed in rule.needed)
        }
        ending |= found
        grows = bool(found)
    reached, todo = {root}, [root]
    while todo:
        fresh = rules[todo.pop()].named - reached
        reached |= fresh
        todo += fresh
    for name in rules:
        if name in reached and name not in ending and name in written:
            raise GbnfError(tr("No text can satisfy the rule “{name}”: it never ends").format(name=written[name]))


class _GbnfReader:
    """Reads one grammar. `ids` are Lark's names of the rules that GBNF names, `defined` those that have a body."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._rules: dict[str, _Rule] = {}
        self.ids: dict[str, str] = {}
        self.defined: set[str] = set()
        self._groups = 0

    def read(self) -> dict[str, _Rule]:
        """Every rule by its Lark name, groups in parentheses as rules of their own."""
        self._skip(lines=True)
        while self._at < len(self._text):
            name = self._name()
            self._skip(lines=False)
            if not self._take("::="):
                raise self._wrong(tr("“::=” is missing"))
            self._skip(lines=True)
            self._rules[self._id(name)] = self._alternatives(nested=False)
            self.defined.add(name)
            if self._at < len(self._text) and self._text[self._at] not in "\r\n":
                raise self._wrong(tr("something stands where the rule should end"))
            self._skip(lines=True)
        return self._rules

    def _alternatives(self, *, nested: bool) -> _Rule:
        rule = _Rule()
        while True:
            sequence, needed = self._sequence(rule.named, nested=nested)
            rule.alternatives.append(sequence)
            rule.needed.append(needed)
            if not self._take("|"):
                return rule
            self._skip(lines=True)

    def _sequence(self, named: set[str], *, nested: bool) -> tuple[list[str], list[str]]:
        """The items here, and the rules among them that have to come; all that are named are added to `named`."""
        sequence: list[str] = []
        needed: list[str] = []
        last = last_needed = 0  # where the item begins that a repetition is of
        while char := self._text[self._at : self._at + 1]:
            if char in "*+?{":
                self._repeat(sequence, needed, last, last_needed)
                self._skip(lines=nested)
                continue
            last, last_needed = len(sequence), len(needed)
            if char == '"':
                self._at += 1
                sequence += self._literal()
            elif char == "[":
                self._at += 1
                sequence.append(self._char_class())
            elif char == ".":
                self._at += 1
                sequence.append("/(?s:.)/")
            elif char == "(" or _NAME.match(char):
                name = self._group() if char == "(" else self._id(self._name())
                sequence.append(name)
                needed.append(name)
                named.add(name)
            elif char in "<!":
                raise self._wrong(tr("tokens by number or name are not supported"))
            else:
                break
            self._skip(lines=nested)
        return sequence, needed

    def _repeat(self, sequence: list[str], needed: list[str], last: int, last_needed: int) -> None:
        """Put the repetition that stands here on the items of `sequence` from `last` on."""
        if len(sequence) == last:
            raise self._wrong(tr("there is nothing to repeat"))
        operator, least = self._operator()
        items = sequence[last:]
        if len(items) > 1 or items[0][-1] in "*+?}":
            rule = _Rule([items], [needed[last_needed:]], set(needed[last_needed:]))
            items = [self._new_rule(rule)]
        sequence[last:] = [items[0] + operator]
        if not least:
            del needed[last_needed:]

    def _operator(self) -> tuple[str, int]:
        """The operator here as Lark writes it, and how many times the item comes at least."""
        char = self._text[self._at]
        if char != "{":
            self._at += 1
            return char, int(char == "+")
        found = _REPETITION.match(self._text, self._at)
        if found is None:
            raise self._wrong(tr("“{” is not followed by a number of repetitions and “}”"))
        self._at = found.end()
        least = int(found[1])
        most = least if found[2] is None else int(found[3]) if found[3] else None
        if most is not None and most > _MOST_REPETITIONS:
            most = None  # as llama.cpp does
        if least > _MOST_REPETITIONS or (most is not None and most < least):
            raise self._wrong(tr("this number of repetitions cannot be used"))
        return (f"{{{least},{most}}}" if most is not None else f"{{{least},}}"), least

    def _group(self) -> str:
        self._depth += 1
        if self._depth > _MOST_NESTING:
            raise self._wrong(tr("parentheses are nested too deeply"))
        self._at += 1
        self._skip(lines=True)
        rule = self._alternatives(nested=True)
        if not self._take(")"):
            raise self._wrong(tr("“)” is missing"))
        self._depth -= 1
        return self._new_rule(rule)

    def _literal(self) -> list[str]:
        terminals = []
        while not self._take('"'):
            terminals.append(f"/{_spelled(self._char())}/")
        return terminals

    def _char_class(self) -> str:
        inverted = "^" if self._take("^") else ""
        members = ""
        while not self._take("]"):
            first = last = self._char()
            if self._text[self._at : self._at + 1] == "-" and self._text[self._at + 1 : self._at + 2] != "]":
                self._at += 1
                last = self._char()
            if last < first:
                raise self._wrong(tr("a range of characters runs backwards"))
            members += _spelled(first) if first == last else f"{_spelled(first)}-{_spelled(last)}"
        if not members:
            raise self._wrong(tr("a set of characters is empty"))
        return f"/[{inverted}{members}]/"

    def _char(self) -> int:
        """The code point of the character or escape here."""
        char = self._text[self._at : self._at + 1]
        if not char:
            raise self._wrong(tr("the text ends too early"))
        self._at += 1
        if char != "\\":
            return ord(char)
        kind = self._text[self._at : self._at + 1]
        if kind in _HEX_DIGITS:
            digits = self._text[self._at + 1 : self._at + 1 + _HEX_DIGITS[kind]]
            if not re.fullmatch(f"[0-9a-fA-F]{{{_HEX_DIGITS[kind]}}}", digits):
                raise self._wrong(tr("hexadecimal digits are missing"))
            self._at += 1 + len(digits)
            code = int(digits, 16)
            if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                raise self._wrong(tr("there is no such character"))
            return code
        if not kind or kind not in _ESCAPES:
            raise self._wrong(tr("this escape is not known"))
        self._at += 1
        return ord(_ESCAPES[kind])

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        if found is None:
            raise self._wrong(tr("a rule's name is missing"))
        self._at = found.end()
        return found[0]

    def _id(self, name: str) -> str:
        if name not in self.ids:
            self.ids[name] = f"r{len(self.ids)}"
            self._count_rules()
        return self.ids[name]

    def _new_rule(self, rule: _Rule) -> str:
        self._groups += 1
        self._count_rules()
        name = f"g{self._groups}"
        self._rules[name] = rule
        return name

    def _count_rules(self) -> None:
        if len(self.ids) + self._groups > _MOST_RULES:
            raise GbnfError(tr("It has more than {count} rules and groups").format(count=f"{_MOST_RULES:,}"))

    def _take(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        if found:
            self._at += len(text)
        elif self._at >= len(self._text) and text in ('"', "]", ")"):
            raise self._wrong(tr("the text ends too early"))
        return found

    def _skip(self, *, lines: bool) -> None:
        found = (_SPACE_OR_LINES if lines else _SPACE).match(self._text, self._at)
        self._at = found.end() if found is not None else self._at

    def _wrong(self, reason: str) -> GbnfError:
        line = self._text.count("\n", 0, self._at) + 1
        near = self._text[self._at : self._at + 20].partition("\n")[0]
        if not near:
            return GbnfError(tr("Line {line}: {reason}").format(line=line, reason=reason))
        return GbnfError(tr("Line {line}: {reason}, before “{text}”").format(line=line, reason=reason, text=near))


def _spelled(code: int) -> str:
    """A character as a regular expression spells it, whatever it is."""
    return f"\\x{{{code:X}}}"
