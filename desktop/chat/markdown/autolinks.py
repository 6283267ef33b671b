"""Addresses in running text that become links: GFM's extended autolinks, with ends that are right in every script.

GFM ends an address at white space and takes ASCII punctuation from its end. In most scripts an address is followed by
punctuation, or by a word, without a space: those end it as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast
from unicodedata import category, name

from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline import autolink as angle_autolink

from desktop.chat.markdown.emphasis import sets_no_spaces

if TYPE_CHECKING:
    from desktop.chat.markdown.inline_parser import InlineState

_SCHEME = re.compile(r"(?:^|[^0-9A-Za-z+.-])((?:https?|ftp))$", re.IGNORECASE)
_LOCAL_PART = re.compile(r"[0-9A-Za-z._+-]{1,64}$")
_MAIL_HOST = re.compile(r"[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)+")
_ENDS_HOST = re.compile(r"[/?#:]")
_ENTITY = re.compile(r"&[0-9A-Za-z]{1,31};$")
_PARTICLES = re.compile(
    "(?:을|를|은|는|이|가|에|에서|에게|에는|에서는|와|과|의|로|으로|도|만|부터|까지|처럼|보다|이나|나|이며|이고|라는|이라는|입니다|이다)"
)
_TRAILING = frozenset("?!.,:;*_~'\"")
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_NOT_IN_ADDRESSES = frozenset('<>"`\\|^\x7f')


def scheme_link(state: StateInline, silent: bool) -> bool:
    """The rule for the colon of `http://`, `https://` and `ftp://`."""
    start = state.pos
    if silent or state.linkLevel or not state.src.startswith("://", start):
        return False
    scheme = _SCHEME.search(state.src[max(start - 7, 0) : start])
    if not scheme or not state.pending.lower().endswith(scheme[1].lower()):
        return False
    begin = start - len(scheme[1])
    end = address_end(state.src, start + 3, state.posMax)
    host = _ENDS_HOST.split(state.src[start + 3 : end], maxsplit=1)[0]
    if not host.strip(".-_"):
        return False
    return _link(state, begin, end, state.src[begin:end])


def www_link(state: StateInline, silent: bool) -> bool:
    """The rule for the first letter of `www.`."""
    start = state.pos
    if silent or state.linkLevel or state.src[start : start + 4].lower() != "www.":
        return False
    end = address_end(state.src, start, state.posMax)
    host = _ENDS_HOST.split(state.src[start:end], maxsplit=1)[0]
    labels = host.split(".")
    if len(labels) < 2 or not all(labels) or any("_" in label for label in labels[-2:]):
        return False
    return _link(state, start, end, "http://" + state.src[start:end])


def mail_link(state: StateInline, silent: bool) -> bool:
    """The rule for the `@` of a mail address."""
    start = state.pos
    if silent or state.linkLevel:
        return False
    local = _LOCAL_PART.search(state.src[max(start - 64, 0) : start])
    end = _mail_end(state.src, start, state.posMax)
    if not local or not end or not state.pending.endswith(local[0]):
        return False
    begin = start - len(local[0])
    return _link(state, begin, end, "mailto:" + state.src[begin:end])


def mail_underscore(state: StateInline, silent: bool) -> bool:
    """The rule for an underscore in the local part of a mail address, which is no emphasis."""
    start, source = state.pos, state.src
    if cast("InlineState", state).last_at_sign < start:
        return False
    rest = re.compile(r"[0-9A-Za-z._+-]{1,64}@").match(source, start)
    if not rest or not source[start - 1 : start].isalnum() or not _mail_end(source, rest.end() - 1, state.posMax):
        return False
    if not silent:
        state.append_pending("_")
    state.pos += 1
    return True


def written_autolink(state: StateInline, silent: bool) -> bool:
    """The rule for `<https://…>`: CommonMark's, with the address as it was written."""
    start = state.pos
    if not angle_autolink(state, silent):
        return False
    if not silent:
        state.tokens[-2].content = state.src[start + 1 : state.pos - 1]
    return True


def _mail_end(source: str, at: int, maximum: int) -> int:
    host = _MAIL_HOST.match(source, at + 1, maximum)
    return host.end() if host and host[0][-1] not in "-_" else 0


def _link(state: StateInline, begin: int, end: int, address: str) -> bool:
    href = state.md.normalizeLink(address)
    if not state.md.validateLink(href):
        return False
    if begin < state.pos:
        state.pending = state.pending[: begin - state.pos]
    opening = state.push("link_open", "a", 1)
    opening.attrs, opening.markup, opening.info = {"href": href}, "linkify", "auto"
    text = state.push("text", "", 0)
    text.content = state.src[begin:end]
    closing = state.push("link_close", "a", -1)
    closing.markup, closing.info = "linkify", "auto"
    opening.meta["at"], text.meta["at"], closing.meta["at"] = (begin, begin), (begin, end), (end, end)
    state.pos = end
    return True


def address_end(source: str, start: int, maximum: int) -> int:
    """Where the address ends whose host begins at `start`."""
    end = start
    while end < maximum and _belongs(source, end):
        end += 1
    slash = _ENDS_HOST.search(source, start, end)
    host_end = slash.start() if slash else end
    if (cut := _host_end(source, start, host_end)) < host_end:
        end = cut
    else:
        end = _path_end(source, host_end, end)
    return _without_trailing(source, start, end)


def _belongs(source: str, at: int) -> bool:
    character = source[at]
    if character.isascii():
        if character <= " " or character in _NOT_IN_ADDRESSES:
            return False
        return not (character in "*~" and source[at + 1 : at + 2] == character)
    return category(character)[0] in "LMN" or character in "\u200c\u200d"


def _host_end(source: str, start: int, end: int) -> int:
    """Where the host's last label, begun in ASCII, goes on in another script: `example.com` before Chinese text."""
    label = source.rfind(".", start, end) + 1 or start
    if not source[label:end] or not source[label].isascii():
        return end
    for at in range(label, end):
        if not source[at].isascii() and not name(source[at], "").startswith("LATIN"):
            return at
    return end


def _path_end(source: str, start: int, end: int) -> int:
    """Where a word of the sentence follows a path directly: a particle of Korean or Japanese, or Thai and its like."""
    for at in range(start + 1, end):
        character = source[at]
        if character.isascii() or not source[at - 1].isascii():
            continue
        if _PARTICLES.fullmatch(source, at, end):
            return at
        after_word = source[at - 1].isalnum()
        hiragana = "\u3041" <= character <= "\u309f"
        if (after_word and hiragana) or character == "を":
            return at
        if after_word and ord(character) < 0x1A00 and sets_no_spaces(character):
            return at
    return end


def _without_trailing(source: str, start: int, end: int) -> int:
    while end > start:
        last = source[end - 1]
        if last == ";" and (entity := _ENTITY.search(source[max(start, end - 34) : end])):
            end -= len(entity[0])
        elif last in _TRAILING or (
            last in _BRACKETS and source.count(last, start, end) > source.count(_BRACKETS[last], start, end)
        ):
            end -= 1
        else:
            break
    return end
