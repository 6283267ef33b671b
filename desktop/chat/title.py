"""A conversation's first title: what the person asked first, short."""

import re
import unicodedata

from desktop.translation import tr

_LONGEST = 48
_LOOKED_AT = 2000
_LINE_START = re.compile(r"^(?:[>\s]|#{1,6}(?=\s)|[-+*](?=\s)|\d{1,9}[.)](?=\s))+")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(r"`+|\*+|~~+|(?<!\w)_+|_+(?!\w)")
_BREAK = re.compile("[ \t]*[\t\n\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]+[ \t]*")
_BLANKS = re.compile("[ \t\n\r\x0b\x0c]+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s|(?<=[。！？])")
_SHORTEST = 8


def title_from(text: str) -> str:
    """The first sentence of `text` that says something, without markdown, of about 48 characters at most.

    No line breaks, control characters or marks that turn the direction of writing. "New chat" where nothing is left.
    """
    for line in text[:_LOOKED_AT].splitlines():
        if (title := _plain(line)) and any(not _is_filler(character) for character in title):
            return _shortened(title)
    return tr("New chat")


def typed_title(text: str) -> str:
    """The title that a person typed, in one line; no-break spaces and every other character of it stay."""
    return _BREAK.sub(" ", text).strip(" ")


def _plain(line: str) -> str:
    if line.lstrip().startswith(("```", "~~~")):
        return ""
    line = _LINK.sub(r"\1", _LINE_START.sub("", line))
    line = _MARKS.sub("", line)
    return _BLANKS.sub(" ", "".join(character if _is_safe(character) else " " for character in line)).strip()


def _shortened(title: str) -> str:
    if over := _SENTENCE_END.search(title, _SHORTEST):  # "e.g." and "Hello." say too little
        title = title[: over.start()]
    title = title.rstrip(".。")
    if len(title) <= _LONGEST:
        return title
    end = _LONGEST
    if not title[end].isspace() and (space := title.rfind(" ", 0, end)) >= _LONGEST // 2:
        end = space
    while end and (title[end - 1] == "\u200d" or title[end] in "\u200d\ufe0f" or unicodedata.combining(title[end])):
        end -= 1  # not within an accented letter or a joined emoji
    return title[:end].rstrip(" ,;:-–—(") + "…"


def _is_safe(character: str) -> bool:
    """Controls and surrogates are not; of the invisible ones only those that join letters and emoji are."""
    return unicodedata.category(character) not in ("Cc", "Cs", "Cf", "Zl", "Zp") or character in "\u200c\u200d"


def _is_filler(character: str) -> bool:
    return unicodedata.category(character)[0] in "PZC"
