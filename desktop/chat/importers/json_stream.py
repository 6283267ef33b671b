"""JSON of exports: large documents one value after another, lines, and values whose text is broken, read all the same.

A document of a gigabyte is read in pieces, and held in memory is no more than the value that is being read. What other
programs write is not always UTF-8, and JavaScript cuts texts between the halves of a character: both are repaired.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from desktop.safe_text import repair_values
from desktop.translation import tr

LARGEST_VALUE = 256 << 20
"""Bytes that one value, or one line, has at most."""
_PIECE = 1 << 20
_MOST_VALUES = 1_000_000
_DEEPEST = 500
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN = rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+"
# What lies before the next bracket that counts: texts, numbers, and lists and objects that hold no other ones.
_TO_BRACKET = re.compile(
    rb'(?:[^"\[\]{}]++|' + _STRING + rb"|\{" + _PLAIN + rb"\}|\[" + _PLAIN + rb"\])*+([\[\]{}])", re.DOTALL
)
_WHOLE_STRING = re.compile(_STRING, re.DOTALL)
_BLANKS = re.compile(rb"[ \t\r\n]*")
_SCALAR = re.compile(rb"[^,\]}\s]+")
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)", re.DOTALL)
_T = TypeVar("_T")


class MalformedJsonError(ValueError):
    """It is no JSON, or ends in the middle; the message says so as the end of a sentence."""


def _cut() -> MalformedJsonError:
    return MalformedJsonError(tr("it ends in the middle"))


def _no_json() -> MalformedJsonError:
    return MalformedJsonError(tr("it is no JSON"))


def _too_deep() -> MalformedJsonError:
    return MalformedJsonError(tr("it is nested too deeply"))


def _too_large() -> MalformedJsonError:
    return MalformedJsonError(tr("one value in it is too large"))


def _too_many() -> MalformedJsonError:
    return MalformedJsonError(tr("it holds too many values"))


# --- bytes as UTF-8 --------------------------------------------------------------------------------------------------


def text_encoding(begin: bytes) -> str:
    """The encoding of a text that begins with these bytes: UTF-8, with or without a mark, or UTF-16, which some
    programs on Windows write."""
    if begin.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(begin) >= 2 and 0 in begin[:2] and begin.replace(b"\0", b"")[:1] in (b"{", b"["):
        return "utf-16-be" if begin[0] == 0 else "utf-16-le"
    return "utf-8"


def in_utf8(data: bytes) -> bytes:
    """A text of any encoding that `text_encoding` tells, as UTF-8 without a mark. Bytes of UTF-8 that are broken
    stay."""
    encoding = text_encoding(data[:4])
    if encoding == "utf-8":
        return data
    if encoding == "utf-8-sig":
        return data[len(codecs.BOM_UTF8) :]
    return data.decode(encoding, "replace").encode()


def _pieces(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """`read`, giving UTF-8 whatever it is; b"" at the end only."""
    begin = read(_PIECE)
    encoding = text_encoding(begin[:4])
    left = [begin[3:] if encoding == "utf-8-sig" else begin]
    if not encoding.startswith("utf-16"):
        return lambda size: left.pop() or read(size) if left else read(size)
    decoder = codecs.getincrementaldecoder(encoding)("replace")

    def piece(size: int) -> bytes:
        while True:
            data = left.pop() if left else read(size)
            text = decoder.decode(data, final=not data)
            if text or not data:
                return text.encode()

    return piece


def repaired(value: bytes) -> tuple[bytes, bool]:
    """JSON text that any parser takes: bytes that are not UTF-8, and halves of characters, are U+FFFD in it. And
    whether there were bytes that are not UTF-8."""
    broken = False
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError:
            value, broken = value.decode(errors="replace").encode(), True
    if b"\\ud" in value or b"\\uD" in value:
        value = _ESCAPE.sub(_whole_escape, value)
    return value, broken


def _whole_escape(match: re.Match[bytes]) -> bytes:
    found = match[0]
    return b"\\ufffd" if len(found) == 6 else found  # a pair has 12 bytes, every other escape 2


def decode_json(value: bytes, type_: type[_T]) -> _T:
    """The value of `type_` in JSON text. MalformedJsonError where it is none, or of another type."""
    try:
        return msgspec.json.decode(value, type=type_)
    except RecursionError:
        raise _too_deep() from None
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return msgspec.json.decode(repaired(value)[0], type=type_)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _no_json() from None


# --- large documents -------------------------------------------------------------------------------------------------


def json_values(read: Callable[[int], bytes], *expanded: str) -> Iterator[tuple[str, bytes]]:
    """The values in the document that `read` gives (so many bytes at most, none at its end): of a list ("", value) one
    after another; of an object (key, value). Of its members `expanded` each value of a list, and each member of an
    object as an object with that member alone. The values are JSON text of their own.

    MalformedJsonError, after what came before it, where it is no JSON, ends in the middle, has more than a million
    values, or one that is too large or too deep.
    """
    window = _JsonWindow(_pieces(read))
    match window.peek():
        case b"[":
            for value in window.elements():
                yield "", value
        case b"{":
            yield from window.members(frozenset(expanded))
        case b"":
            raise MalformedJsonError(tr("it is empty"))
        case _:
            raise _no_json()


def json_lines(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """The lines that are not blank, without their ends. MalformedJsonError where one is too large."""
    piece, rest = _pieces(read), b""
    while data := piece(max(_PIECE, len(rest))):
        *whole, rest = (rest + data).split(b"\n")
        yield from filter(None, (line.strip() for line in whole))
        if len(rest) > LARGEST_VALUE:
            raise _too_large()
    if rest := rest.strip():
        yield rest


class _JsonWindow:
    """What of a document was read and not used yet."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._data = b""
        self._at = 0

    def peek(self) -> bytes:
        """The next byte that is no blank; b"" at the end."""
        while True:
            blanks = _BLANKS.match(self._data, self._at)
            self._at = blanks.end() if blanks else self._at
            if self._at < len(self._data):
                return self._data[self._at : self._at + 1]
            if not self._more():
                return b""

    def elements(self) -> Iterator[bytes]:
        """The values of the list that begins here; what follows it comes next."""
        self._at += 1
        if self.peek() == b"]":
            self._at += 1
            return
        for _ in range(_MOST_VALUES):
            yield self._value()
            if not self._follows(b"]"):
                return
        raise _too_many()

    def members(self, expanded: frozenset[str] = frozenset()) -> Iterator[tuple[str, bytes]]:
        """The members of the object that begins here; what follows it comes next."""
        self._at += 1
        if self.peek() == b"}":
            self._at += 1
            return
        for _ in range(_MOST_VALUES):
            key = self._key()
            begin = self.peek() if key in expanded else b""
            if begin == b"[":
                for value in self.elements():
                    yield key, value
            elif begin == b"{":
                for name, value in self.members():
                    yield key, b"{%b:%b}" % (msgspec.json.encode(name), value)
            else:
                yield key, self._value()
            if not self._follows(b"}"):
                return
        raise _too_many()

    def _follows(self, end: bytes) -> bool:
        """Whether another value follows, or `end` closes what holds them; goes past what stands between."""
        match self.peek():
            case b",":
                self._at += 1
                return True
            case found if found == end:
                self._at += 1
                return False
            case b"":
                raise _cut()
            case _:
                raise _no_json()

    def _key(self) -> str:
        if self.peek() != b'"':
            raise _no_json() if self.peek() else _cut()
        key = decode_json(self._value(), Any)
        if self.peek() != b":":
            raise _no_json() if self.peek() else _cut()
        self._at += 1
        return str(repair_values(key))

    def _value(self) -> bytes:
        """The value that begins here, as it is written."""
        match self.peek():
            case b"":
                raise _cut()
            case b'"':
                return self._taken(_WHOLE_STRING)
            case b"[" | b"{":
                return self._nested()
            case _:
                return self._taken(_SCALAR, at_end=True)

    def _taken(self, pattern: re.Pattern[bytes], *, at_end: bool = False) -> bytes:
        """What `pattern` matches here, read on until it is whole; with `at_end` it may end with what was read."""
        while True:
            found = pattern.match(self._data, self._at)
            if found is not None and not (at_end and found.end() == len(self._data)):
                break
            if not self._more():
                if found is None:
                    raise _cut() if pattern is _WHOLE_STRING else _no_json()
                break
        self._at = found.end()
        return found[0]

    def _nested(self) -> bytes:
        depth, at = 1, self._at + 1
        while depth:
            found = _TO_BRACKET.match(self._data, at)
            if found is None:
                before = self._at
                if not self._more():
                    raise _cut()
                at -= before - self._at
            else:
                at = found.end()
                depth += 1 if found[1] in b"[{" else -1
                if depth > _DEEPEST:
                    raise _too_deep()
        value = self._data[self._at : at]
        self._at = at
        return value

    def _more(self) -> bool:
        """Read on, as much again as is held, so that no text is gone through many times; False at the end."""
        self._data, self._at = self._data[self._at :], 0
        if len(self._data) > LARGEST_VALUE:
            raise _too_large()
        data = self._read(max(_PIECE, len(self._data)))
        self._data += data
        return bool(data)
