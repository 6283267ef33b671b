"""Calls of tools read from a model's text as it comes.

A grammar is a generator that reads with the methods of a `CallReader`. Each waits (`yield`) where more text has to come
before it can go on, so that a mark or a value may be cut anywhere.
"""

import hashlib
import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from desktop.engine.generation_options import ToolDefinition
from desktop.translation import tr

_T = TypeVar("_T")
Reading = Generator[None, None, _T]
_ID_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 9  # Mistral's templates take no other
_LONGEST_NAME = 200
_NAME = re.compile(r"[\w.:/-]+")


@dataclass(frozen=True)
class CallPiece:
    """More of the call `call_id`: the first of it has no arguments yet, the others bring them."""

    call_id: str
    name: str
    arguments: str = ""


class NotACallError(Exception):
    """What was read is no call: it is text."""


class ToolCatalog:
    """The tools that an answer may call. `seed` makes the ids of its calls: the same seed gives the same ids.

    `broken` are the names of tools that were called with arguments that are no JSON object.
    """

    def __init__(self, tools: Sequence[ToolDefinition] = (), seed: str = "") -> None:
        self.names = frozenset(tool.name for tool in tools)
        self._seed = seed
        self._types = {tool.name: _types(tool.parameters) for tool in tools}
        self._used: set[str] = set()
        self.calls = 0
        self.broken: list[str] = []

    def new_id(self, given: str) -> str:
        """The id of the next call: the one that the model gave where it is new, else one of nine letters and digits."""
        self.calls += 1
        if given and given not in self._used:
            self._used.add(given)
            return given
        number = int.from_bytes(hashlib.sha256(f"{self._seed}:{self.calls}".encode()).digest(), "big")
        made = "".join(_ID_LETTERS[number // 36**place % 36] for place in range(_ID_LENGTH))
        self._used.add(made)
        return made

    @property
    def broken_notice(self) -> str:
        """One sentence where the model called a tool with arguments that nothing can read, else ""."""
        if not self.broken:
            return ""
        return tr("The model called {tool} with arguments that are not valid JSON.").format(tool=self.broken[0])

    def type_of(self, tool: str, key: str) -> str:
        """What the schema says that argument `key` is: "string", "integer", …; "" where it does not."""
        return self._types.get(tool, {}).get(key, "")


def _types(parameters: str) -> Mapping[str, str]:
    try:
        properties = json.loads(parameters)["properties"]
        return {key: str(each.get("type", "")) for key, each in properties.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


class CallReader:
    """Reads calls by one grammar; `drain` gives their pieces. Once `done`, `rest` is text that is no part of them: all
    of it where it was no call. `opener` is the mark that it began with, `named` the tool that a header named. `begun`
    says whether there was a call."""

    def __init__(
        self, grammar: "Callable[[CallReader], Reading[None]]", tools: ToolCatalog, opener: str = "", name: str = ""
    ) -> None:
        self.tools = tools
        self.opener, self.named = opener, name
        self.done = self.begun = False
        self._text = ""
        self._read = opener
        self._over = False
        self._pieces: list[CallPiece] = []
        self._call: tuple[str, str] | None = None
        self._arguments: list[str] = []
        self._run = grammar(self)

    @property
    def rest(self) -> str:
        return self._text

    def feed(self, text: str, *, over: bool = False) -> None:
        self._text += text
        self._over = over
        try:
            next(self._run)
        except StopIteration:
            self.done = True
        except NotACallError:
            self._text, self.done = self._read + self._text, True

    def drain(self) -> list[CallPiece]:
        pieces, self._pieces = self._pieces, []
        return pieces

    # --- what a grammar tells ---

    def begin(self, name: str, call_id: str = "") -> None:
        """A call of `name` begins. Raises NotACallError where that can be no name."""
        name = name.strip()
        if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
            raise NotACallError
        self.begun = True
        self._call, self._arguments = (self.tools.new_id(call_id.strip()), name), []
        self._pieces.append(CallPiece(*self._call))

    def argue(self, text: str) -> None:
        """More of the arguments' JSON."""
        if text and self._call is not None:
            self._arguments.append(text)
            self._pieces.append(CallPiece(*self._call, text))

    def end(self) -> None:
        """The call is whole. Without arguments it gets an empty object."""
        if self._call is None:
            return
        if not "".join(self._arguments).strip():
            self._pieces.append(CallPiece(*self._call, "{}"))
        elif not isinstance(parsed("".join(self._arguments)), dict):
            self.tools.broken.append(self._call[1])
        self._call = None
        self._read = ""

    # --- what a grammar reads with ---

    def more(self) -> Reading[bool]:
        """Wait for more text; False where there is none."""
        if self._over:
            return False
        yield
        return True

    def at(self, *words: str) -> Reading[str]:
        """Which of `words` comes next, the longest; "" for none."""
        while True:
            found = max((word for word in words if self._text.startswith(word)), key=len, default="")
            grows = any(len(word) > len(self._text) and word.startswith(self._text) for word in words)
            if not grows or not (yield from self.more()):
                return found

    def take(self, *words: str) -> Reading[str]:
        """Read one of `words`, where one comes next."""
        found = yield from self.at(*words)
        self._consume(len(found))
        return found

    def need(self, *words: str) -> Reading[str]:
        """Read one of `words`. Raises NotACallError where none comes."""
        found = yield from self.take(*words)
        if not found:
            raise NotACallError
        return found

    def space(self) -> Reading[None]:
        """Read white space."""
        while True:
            self._consume(len(self._text) - len(self._text.lstrip()))
            if self._text or not (yield from self.more()):
                return

    def until(self, *marks: str, tell: Callable[[str], None] | None = None) -> Reading[tuple[str, str]]:
        """Read to the first of `marks` and over it: (what stood before it, the mark). The mark is "" at the end."""
        found: list[str] = []
        while True:
            begins = [(at, -len(mark), mark) for mark in marks if (at := self._text.find(mark)) >= 0]
            if begins:
                at, _, mark = min(begins)
            else:
                at, mark = len(self._text) - held(self._text, marks, over=self._over), ""
            before = self._consume(at)
            found.append(before)
            if tell is not None and before:
                tell(before)
            if mark:
                self._consume(len(mark))
                return "".join(found), mark
            if not (yield from self.more()):
                rest = self._consume(len(self._text))
                if tell is not None and rest:
                    tell(rest)
                return "".join([*found, rest]), ""

    def json(self, tell: Callable[[str], None] | None = None, stops: Sequence[str] = ()) -> Reading[str]:
        """Read one JSON value, as it is written. One that is broken ends before the first of `stops` outside its
        strings; a string that has no end, before the first of them in it."""
        found: list[str] = []
        scanner = JsonScanner(stops)
        while True:
            before = self._consume(scanner.scan(self._text, over=self._over))
            found.append(before)
            if tell is not None and before:
                tell(before)
            if scanner.done or not (yield from self.more()):
                return "".join(found)

    def put_back(self, text: str) -> None:
        """`text`, which was read last, is still to be read."""
        self._text = text + self._text
        if self._call is None:
            self._read = self._read.removesuffix(text)

    def _consume(self, size: int) -> str:
        before, self._text = self._text[:size], self._text[size:]
        if self._call is None:
            self._read += before
        return before


class JsonScanner:
    """Finds the end of one JSON value in text that comes in pieces; `done` once it is found."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._firsts = {stop[0] for stop in stops}
        self._depth = self._at = 0
        self._string = self._escaped = self._scalar = False
        self._doubtful: int | None = None
        self.done = False

    def scan(self, text: str, *, over: bool) -> int:
        """How many characters of `text` belong to the value for certain. Next time they must be gone from it."""
        while self._at < len(text) and not self.done:
            char = text[self._at]
            if char in self._firsts and self._doubtful is None:
                if not over and any(
                    len(stop) > len(text) - self._at and stop.startswith(text[self._at :]) for stop in self._stops
                ):
                    break
                if text.startswith(self._stops, self._at):
                    if not self._string:
                        self.done = True
                        break
                    self._doubtful = self._at
            self._at += self._in_string(char) if self._string else self._outside(char)
        size = self._at if self._doubtful is None else self._doubtful
        self._at -= size
        if self._doubtful is not None:
            self._doubtful = 0
        return size

    def _in_string(self, char: str) -> int:
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == '"':
            self._string, self._doubtful = False, None
            self.done = self._depth == 0
        return 1

    def _outside(self, char: str) -> int:
        if self._depth == 0 and (char in "}]," or (self._scalar and char.isspace())):
            self.done = True
            return 0
        if char == '"':
            self._string = True
        elif char in "{[":
            self._depth += 1
        elif char in "}]":
            self._depth -= 1
            self.done = self._depth == 0
        elif self._depth == 0 and not char.isspace():
            self._scalar = True
        return 1


def held(text: str, marks: Sequence[str], *, over: bool = False) -> int:
    """How many characters at the end of `text` could be the beginning of one of `marks`."""
    if over:
        return 0
    longest = max(map(len, marks), default=0)
    for length in range(min(longest - 1, len(text)), 0, -1):
        if any(len(mark) > length and mark.startswith(text[-length:]) for mark in marks):
            return length
    return 0


def parsed(text: str) -> Any:
    """What JSON says; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
