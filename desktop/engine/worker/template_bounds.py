"""How much a chat template may make Python do in one call, which no deadline interrupts.

Python writes, compares, hashes and sorts values in a single call of C: lists in lists, each twice, make such a call
twice as long with every level. So values are measured before the call, items counted as often as they occur.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from jinja2.exceptions import SecurityError

LARGEST_TEXT = 8_000_000
MOST_ITEMS = 200_000
LARGEST_NUMBER_BITS = 4096
_LARGEST_WIDTH = 100_000
_MOST_COMPARED = 1_000_000_000  # characters, in a search that may look at each once for every other
_WIDTH = re.compile(r"\d{6,}|\*")
_PADDING = {"ljust", "rjust", "center", "zfill", "expandtabs"}
_PADDING_FILTERS = {"center", "indent", "wordwrap", "batch", "slice", "round", "truncate"}
_BACKWARDS = {"rfind", "rindex", "rsplit", "rpartition", "strip", "lstrip", "rstrip"}


def size(value: object) -> int:
    """How much room `value` takes, roughly: characters, items, or an eighth of a number's bits."""
    if isinstance(value, int):
        return value.bit_length() // 8
    return len(value) if isinstance(value, str | bytes | list | tuple | dict | set) else 0


def bounded(value: Any) -> Any:
    """`value`. Raises SecurityError where it is too large."""
    if size(value) > LARGEST_TEXT:
        raise too_much()
    return value


def walkable(value: Any) -> Any:
    """`value`, unless walking over all of it would take too long. Raises SecurityError."""
    if not isinstance(value, list | tuple | dict | set):
        return value
    seen, text = 0, 0
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        seen += 1
        text += len(one) if isinstance(one, str | bytes) else 0
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set):
            waiting += one
        if seen + len(waiting) > MOST_ITEMS or text > LARGEST_TEXT:
            raise too_much()
    return value


def listed(value: Any) -> Any:
    """An iterator as a list; anything else as it is. Raises SecurityError where it has too many items."""
    if not isinstance(value, Iterator):
        return value
    items = list(islice(value, MOST_ITEMS + 1))
    if len(items) > MOST_ITEMS:
        raise too_much()
    return items


def check_numbers(left: Any, right: Any) -> None:
    """Raise SecurityError where whole numbers are too large to be divided or to be multiplied quickly."""
    if (
        isinstance(left, int)
        and isinstance(right, int)
        and left.bit_length() + right.bit_length() > LARGEST_NUMBER_BITS
    ):
        raise SecurityError("the chat template makes too large a number")


def check_product(left: Any, right: Any) -> None:
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | bytes | list | tuple) and isinstance(times, int) and len(many) * times > LARGEST_TEXT:
            raise too_much()
    check_numbers(left, right)


def check_power(left: Any, right: Any) -> None:
    if not (isinstance(left, int | float) and isinstance(right, int | float)):
        raise SecurityError("only numbers have powers in a chat template")
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > LARGEST_NUMBER_BITS:
        raise SecurityError("the chat template makes too large a number")


def check_layout(layout: str) -> None:
    """Raise SecurityError where a pattern for `%` or `format` pads without bounds."""
    if _WIDTH.search(layout):
        raise too_much()


def check_join(between: str, parts: Any = ()) -> list[Any]:
    """`parts` as a list, where joined they keep within bounds."""
    each = list(walkable(listed(parts)))
    if sum(size(part) for part in each) + len(between) * len(each) > LARGEST_TEXT:
        raise too_much()
    return each


def check_replace(text: str, old: Any = "", new: Any = "", *_: Any) -> None:
    if isinstance(old, str) and isinstance(new, str):
        times = len(text) + 1 if not old else text.count(old)
        if len(text) + times * len(new) > LARGEST_TEXT:
            raise too_much()


def check_search(text: str, *wanted: Any) -> None:
    """Raise SecurityError where a search from the end, or for any of many characters, would take too long."""
    if any(isinstance(each, str) and len(text) * len(each) > _MOST_COMPARED for each in wanted):
        raise too_much()


def check_method(owner: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments for method `name` of `owner`. Raises SecurityError where the call would take too long."""
    values = [*args, *kwargs.values()]
    walkable([owner, *values] if isinstance(owner, list | tuple | dict) else values)
    if isinstance(owner, bytes) and name != "decode":
        raise SecurityError("a chat template works on text, not on bytes")
    if not isinstance(owner, str):
        return args
    if name in _PADDING and any(isinstance(each, int) and each > _LARGEST_WIDTH for each in values):
        raise too_much()
    if name in _BACKWARDS:
        check_search(owner, *values)
    if name == "replace":
        check_replace(owner, *args)
    if name in ("format", "format_map"):
        check_layout(owner)
    return (check_join(owner, *args),) if name == "join" else args


def check_filter(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The arguments for filter or test `name`. Raises SecurityError as `check_method` does."""
    args = tuple(listed(each) for each in args)
    values = [*args, *kwargs.values()]
    walkable([value for value in values if isinstance(value, list | tuple | dict)])
    texts = [value for value in values if isinstance(value, str)]
    if name in _PADDING_FILTERS and any(isinstance(value, int) and value > _LARGEST_WIDTH for value in values):
        raise too_much()
    if name == "format" and texts:
        check_layout(texts[0])
    if name == "trim" and texts:
        check_search(texts[0], *texts[1:])
    if name == "replace" and len(texts) >= 3:
        check_replace(*texts[:3])
    if name == "sum":
        _check_sum(values)
    if name == "divisibleby" and len(args) > 1:
        check_numbers(args[0], args[1])
    if name == "join" and len(args) > 1:
        args = (args[0], check_join(texts[0] if texts else "", args[1]), *args[2:])
    return args


def _check_sum(values: list[Any]) -> None:
    """Lists that are added up are copied once for each of them."""
    for value in values:
        if (
            isinstance(value, list | tuple)
            and len(value) * sum(len(each) for each in value if isinstance(each, list | tuple)) > LARGEST_TEXT
        ):
            raise too_much()


def too_much() -> SecurityError:
    return SecurityError("the chat template makes too much text")
