"""Jinja as chat templates expect it, with nothing in reach and no room to burst.

A template comes out of a stranger's file. Jinja's immutable sandbox keeps it from the interpreter; what it can still do
is fill the memory or run for ever. So operations that multiply sizes are bounded here, the output is counted, and
the caller sets a deadline. On Linux the address space is bounded as well while a template runs.
"""

import contextlib
import datetime
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST_TEXT = 8_000_000
_LARGEST_NUMBER_BITS = 4096
_LARGEST_WIDTH = 100_000
_MOST_ITEMS = 200_000
_HEADROOM = 512 * 1024 * 1024
_WIDTH = re.compile(r"\d{6,}|\*")
_PADDING = {"ljust", "rjust", "center", "zfill", "expandtabs"}
_PADDING_FILTERS = {"center", "indent", "wordwrap", "batch", "slice", "round", "truncate"}


class _Code(CodeGenerator):
    """Sends `~` through the environment, which bounds it; Jinja itself joins strings without asking."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.concatenate((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


def _size(value: object) -> int:
    """How much room `value` takes, roughly: characters, items, or an eighth of a number's bits."""
    if isinstance(value, int):
        return value.bit_length() // 8
    return len(value) if isinstance(value, str | bytes | list | tuple | dict | set) else 0


def _bounded(value: Any) -> Any:
    if _size(value) > LARGEST_TEXT:
        raise SecurityError("the chat template makes too much text")
    return value


def _printable(value: Any) -> Any:
    """`value`, unless writing it out would take too long: lists in lists, each twice, grow with every level.

    Python writes them in one call, which no deadline interrupts.
    """
    if not isinstance(value, list | tuple | dict | set):
        return value
    seen, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        seen += 1
        if seen > _MOST_ITEMS:
            raise SecurityError("the chat template makes too much text")
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set):
            waiting += one
    return value


class _GenerationBlock(Extension):
    """`{% generation %}` marks what a model wrote, for training; here its body is simply rendered."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own way

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox with the functions and filters that published chat templates use."""

    code_generator_class = _Code
    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,
            finalize=_printable,
            extensions=["jinja2.ext.loopcontrols", _GenerationBlock],
        )
        self.filters = {name: _guarded(name, filter_) for name, filter_ in self.filters.items()}
        self.filters["tojson"] = _tojson
        self.globals = {
            "range": self.globals["range"],
            "dict": dict,
            "namespace": self.globals["namespace"],
            "raise_exception": _raise,
            "strftime_now": _strftime_now,
        }

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            if not (isinstance(left, int | float) and isinstance(right, int | float)):
                raise SecurityError("only numbers have powers in a chat template")
            if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > _LARGEST_NUMBER_BITS:
                raise SecurityError("the chat template makes too large a number")
        elif operator == "*":
            _check_product(left, right)
        elif operator == "%" and isinstance(left, str):
            _printable(right)
        if (operator == "+" and _size(left) + _size(right) > LARGEST_TEXT) or (
            operator == "%" and isinstance(left, str) and _WIDTH.search(left)
        ):
            raise SecurityError("the chat template makes too much text")
        return super().call_binop(context, operator, left, right)

    def concatenate(self, parts: tuple[Any, ...]) -> str:
        """The `~` operator."""
        texts = [part if isinstance(part, str) else str(_printable(part)) for part in parts]
        if sum(map(len, texts)) > LARGEST_TEXT:
            raise SecurityError("the chat template makes too much text")
        return "".join(texts)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - Jinja's
        name = getattr(__obj, "__name__", "")
        owner = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)
        if isinstance(owner, str):
            _printable([*args, *kwargs.values()])
            if name == "join":
                args = (_check_join(owner, *args),)
            if name in _PADDING and any(isinstance(a, int) and a > _LARGEST_WIDTH for a in (*args, *kwargs.values())):
                raise SecurityError("the chat template makes too much text")
            if name == "replace":
                _check_replace(owner, *args)
            if name in ("format", "format_map") and _WIDTH.search(owner):
                raise SecurityError("the chat template makes too much text")
        return _bounded(super().call(__context, __obj, *args, **kwargs))


def _check_product(left: Any, right: Any) -> None:
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | bytes | list | tuple) and isinstance(times, int) and len(many) * times > LARGEST_TEXT:
            raise SecurityError("the chat template makes too much text")
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and left.bit_length() + right.bit_length() > _LARGEST_NUMBER_BITS:
        raise SecurityError("the chat template makes too large a number")


def _check_join(between: str, parts: Any = ()) -> list[Any]:
    """`parts` as a list, where joined they keep within bounds."""
    listed = list(_printable(parts))
    if sum(_size(part) for part in listed) + len(between) * len(listed) > LARGEST_TEXT:
        raise SecurityError("the chat template makes too much text")
    return listed


def _check_replace(text: str, old: Any = "", new: Any = "", *_: Any) -> None:
    if isinstance(old, str) and isinstance(new, str):
        times = len(text) + 1 if not old else text.count(old)
        if len(text) + times * len(new) > LARGEST_TEXT:
            raise SecurityError("the chat template makes too much text")


def _guarded(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that neither pads without bounds nor writes out what has none."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        values = [*args, *kwargs.values()]
        _printable([value for value in values if isinstance(value, list | tuple | dict)])
        texts = [value for value in values if isinstance(value, str)]
        if name in _PADDING_FILTERS and any(isinstance(v, int) and v > _LARGEST_WIDTH for v in values):
            raise SecurityError("the chat template makes too much text")
        if name == "format" and texts and _WIDTH.search(texts[0]):
            raise SecurityError("the chat template makes too much text")
        if name == "replace" and len(texts) >= 3:
            _check_replace(*texts[:3])
        if name == "join" and len(args) > 1:
            args = (args[0], _check_join(texts[0] if texts else "", args[1]), *args[2:])
        return _bounded(original(*args, **kwargs))

    return _like(original, guarded)


def _like(original: Callable[..., Any], wrapper: Callable[..., Any]) -> Callable[..., Any]:
    """Keep what Jinja marks a filter with (that it wants the context or the environment)."""
    for mark in ("jinja_pass_arg", "jinja_async_variant"):
        if hasattr(original, mark):
            setattr(wrapper, mark, getattr(original, mark))
    return wrapper


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON without HTML escapes, as transformers renders it."""
    if indent is not None and indent > 100:
        raise SecurityError("the chat template makes too much text")
    return json.dumps(
        _printable(value), ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise(message: object) -> NoReturn:
    raise TemplateError(str(message))


def _strftime_now(layout: str) -> str:
    if _WIDTH.search(layout):
        raise SecurityError("the chat template makes too much text")
    return datetime.datetime.now().strftime(layout)  # noqa: DTZ005 - the person's own day is meant


def compiled(source: str) -> Template:
    """`source` ready to render. Raises TemplateError and what else its faults raise."""
    with _bounded_memory():
        return ChatEnvironment().from_string(source)


def render(template: Template, variables: Mapping[str, Any]) -> str:
    """What `template` writes. Raises TemplateError (also for too much text), or what the template's faults raise."""
    parts, size = [], 0
    with _bounded_memory():
        for part in template.generate(**variables):
            size += len(part)
            if size > LARGEST_TEXT:
                raise SecurityError("the chat template makes too much text")
            parts.append(part)
    return "".join(parts)


def _statm() -> int | None:
    """A descriptor of this process's own size, opened before the worker gives up reading other files."""
    try:
        return os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return None


_own_size = _statm()


@contextlib.contextmanager
def _bounded_memory() -> Iterator[None]:
    """On Linux: let the address space grow by no more than 512 MiB within the block (MemoryError beyond)."""
    if _own_size is None:
        yield
        return
    import resource

    pages = int(os.pread(_own_size, 64, 0).split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + _HEADROOM
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
