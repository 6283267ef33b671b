"""Jinja as chat templates expect it, without access to the interpreter, and with bounded memory and output.

A template comes out of a stranger's file. Jinja's immutable sandbox keeps it from the interpreter; what it can still do
is fill the memory or run for ever. So operations that multiply sizes are bounded here, the output is counted, and
the caller sets a deadline. On Linux the address space is bounded as well while a template runs.
"""

import contextlib
import datetime
import json
import operator
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from desktop.engine.worker.template_bounds import (
    LARGEST_TEXT,
    bounded,
    check_filter,
    check_layout,
    check_method,
    check_numbers,
    check_power,
    check_product,
    size,
    too_much,
    walkable,
)

_CONTAINERS = (list, tuple, dict, set)
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "gteq": operator.ge, "lt": operator.lt,
    "lteq": operator.le, "in": lambda one, many: one in many, "notin": lambda one, many: one not in many,
}  # fmt: skip
_HEADROOM = 512 * 1024 * 1024
_LARGEST_JSON = 1_000_000
Clock = Callable[[], datetime.datetime]


class _BoundedCodeGenerator(CodeGenerator):
    """Sends `~` through the environment, which bounds it; Jinja itself joins strings without asking."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.concatenate((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.compare(")
        self.visit(node.expr, frame)
        for step in node.ops:
            self.write(f", ({step.op!r}, lambda: (")
            self.visit(step.expr, frame)
            self.write("))")
        self.write(")")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.dictionary(")
        for item in node.items:
            self.write("(")
            self.visit(item.key, frame)
            self.write(", ")
            self.visit(item.value, frame)
            self.write("), ")
        self.write(")")


class _GenerationBlock(Extension):
    """`{% generation %}` marks what a model wrote, for training; here its body is simply rendered."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own way

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class ChatEnvironment(ImmutableSandboxedEnvironment):
    """The sandbox with the functions and filters that published chat templates use."""

    code_generator_class = _BoundedCodeGenerator
    intercepted_binops = frozenset({"*", "**", "+", "%", "/", "//"})

    def __init__(self, now: Clock) -> None:
        self._now = now
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,
            finalize=walkable,
            extensions=["jinja2.ext.loopcontrols", _GenerationBlock],
        )
        filters: Mapping[str, Any] = self.filters
        tests: Mapping[str, Any] = self.tests
        self.filters = {name: _guarded(name, each) for name, each in filters.items()}
        self.tests = {name: _guarded(name, each) for name, each in tests.items()}
        self.filters["tojson"] = _tojson
        self.filters["from_json"] = _from_json
        self.globals = {
            "range": self.globals["range"],
            "dict": dict,
            "namespace": self.globals["namespace"],
            "raise_exception": _raise,
            "strftime_now": self._strftime_now,
            "joiner": self.globals["joiner"],
            "cycler": self.globals["cycler"],
        }

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            check_power(left, right)
        elif operator == "*":
            check_product(left, right)
        elif operator in ("/", "//"):
            check_numbers(left, right)
        elif operator == "%" and isinstance(left, str):
            walkable(right)
            check_layout(left)
        elif operator == "%":
            check_numbers(left, right)
        elif operator == "+" and size(left) + size(right) > LARGEST_TEXT:
            raise too_much()
        return super().call_binop(context, operator, left, right)

    def _strftime_now(self, layout: str) -> str:
        check_layout(layout)
        return self._now().strftime(layout)

    def concatenate(self, parts: tuple[Any, ...]) -> str:
        """The `~` operator."""
        texts = [part if isinstance(part, str) else str(walkable(part)) for part in parts]
        if sum(map(len, texts)) > LARGEST_TEXT:
            raise too_much()
        return "".join(texts)

    def compare(self, left: Any, *steps: tuple[str, Callable[[], Any]]) -> Any:
        """`left` compared in a chain, as Python does it: the steps after one that fails are not looked at."""
        result: Any = True
        for step, operand in steps:
            right = operand()
            if isinstance(left, _CONTAINERS) or isinstance(right, _CONTAINERS):
                walkable([left, right])
            result = _COMPARISONS[step](left, right)
            if not result:
                return result
            left = right
        return result

    def dictionary(self, *entries: tuple[Any, Any]) -> dict[Any, Any]:
        """`{key: value, …}`, whose keys are hashed."""
        return {walkable(key): value for key, value in entries}

    def getitem(self, obj: Any, argument: Any) -> Any:
        return super().getitem(obj, walkable(argument))

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - Jinja's
        owner = getattr(getattr(__obj, "__wrapped__", __obj), "__self__", None)
        args = check_method(owner, getattr(__obj, "__name__", ""), args, kwargs)
        return bounded(super().call(__context, __obj, *args, **kwargs))


def _guarded(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or a test whose arguments are checked by `check_filter` first."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        return bounded(original(*check_filter(name, args, kwargs), **kwargs))

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
        raise too_much()
    return json.dumps(
        walkable(value), ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _from_json(text: str) -> Any:
    """What JSON says: tool calls' arguments come as text in some templates."""
    if size(text) > _LARGEST_JSON:
        raise too_much()
    return walkable(json.loads(text))


def _raise(message: object) -> NoReturn:
    raise TemplateError(str(message))


def compile_template(source: str, now: Clock = datetime.datetime.now) -> Template:
    """`source` ready to render; `now` gives the local time. Raises TemplateError and what else its faults raise."""
    with _bounded_memory():
        return ChatEnvironment(now).from_string(source)


def render_template(template: Template, variables: Mapping[str, Any]) -> str:
    """What `template` writes. Raises TemplateError (also for too much text), or what the template's faults raise."""
    parts, size = [], 0
    with _bounded_memory():
        for part in template.generate(**variables):
            size += len(part)
            if size > LARGEST_TEXT:
                raise too_much()
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
