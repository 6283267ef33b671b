"""What a block of a growing answer has more than it had, where the rest of it stays as it was drawn."""

from typing import TYPE_CHECKING

from desktop.chat.markdown.answer_segments import Block

if TYPE_CHECKING:
    from markdown_it.token import Token

_APPENDED = ("text", "softbreak", "hardbreak", "code_inline", "strong_open", "strong_close", "em_open", "em_close")


def grown_inline(was: Block, now: Block) -> "tuple[Token, Token] | None":
    """The last inline token of both, where nothing before it is another one."""
    if len(was) != len(now):
        return None
    last: tuple[Token, Token] | None = None
    for old, new in zip(was, now, strict=True):
        if new.type == "inline":
            if last is not None and last[0].content != last[1].content:
                return None
            last = old, new
        if old.type != new.type or old.info != new.info or old.hidden != new.hidden or old.meta != new.meta:
            return None
        if new.type != "inline" and (old.content != new.content or old.attrs != new.attrs):
            return None
    return last


def added(was: Block, now: Block) -> "tuple[str, Token, list[Token]] | None":
    """What `now` has more than `was` where that is at its end: words more in the last text of `was`, the token that
    has them, and tokens after it."""
    last = grown_inline(was, now)
    if last is None:
        return None
    before, after = last[0].children or [], last[1].children or []
    count = len(before)
    if not before or count > len(after):
        return None
    old, new, children = before[-1], after[count - 1], after[count:]
    if old.type != new.type or old.attrs != new.attrs or not new.content.startswith(old.content):
        return None
    if not all(map(_looks_same, before[:-1], after)):
        return None
    words = new.content[len(old.content) :]
    if not words and old.meta.get("at") != new.meta.get("at"):
        return None  # it stands for something else than before
    if (words and new.type != "text") or set(words) & set("\n\r\0\u2029\ufdd0\ufdd1"):
        return None
    if not (words or children) or any(child.type not in _APPENDED for child in children):
        return None
    return words, new, children


def changed_end(was: Block, now: Block) -> "tuple[int, list[Token]] | None":
    """Where children of the last inline token of `now` begin which are other ones than in `was`, and all of them; None
    where other things changed as well, or where nothing before them stays that can be told from them by its place.

    That is a child outside of emphasis and links, so that those before it have the style of their paragraph.
    """
    last = grown_inline(was, now)
    if last is None:
        return None
    before, after = last[0].children or [], last[1].children or []
    first = open_now = 0
    for place, (old, new) in enumerate(zip(before, after, strict=False)):
        if not _looks_same(old, new):
            break
        open_now += new.nesting
        if not open_now and place + 1 < len(after) and "at" in new.meta and "at" in after[place + 1].meta:
            first = place + 1
    return (first, after) if first else None


def _looks_same(old: "Token", new: "Token") -> bool:
    return old is new or (
        old.type == new.type
        and old.content == new.content
        and old.attrs == new.attrs
        and old.meta.get("at") == new.meta.get("at")
    )
