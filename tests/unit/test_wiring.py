"""Objects are put together by their constructors: none is given a function, or what a widget keeps, from outside."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SOURCES = sorted((TOP / "desktop").rglob("*.py"))
Assignment = tuple[ast.Attribute, ast.expr | None]


def name_of(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


def assignments(nodes: Iterable[ast.AST]) -> Iterator[Assignment]:
    """Every attribute that one of `nodes` assigns to, and what is assigned to it where that is one expression."""
    for node in nodes:
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Tuple):
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [None] * len(target.elts)
                pairs = list(zip(target.elts, values, strict=False))
            else:
                pairs = [(target, node.value)]
            yield from ((each, value) for each, value in pairs if isinstance(each, ast.Attribute))


def is_own(target: ast.Attribute) -> bool:
    return isinstance(target.value, ast.Name) and target.value.id in ("self", "cls")


@cache
def parsed(path: Path) -> ast.Module:
    """A module's tree. Two tests look at most of them."""
    return ast.parse(path.read_text(encoding="utf-8"))


def functions_given(tree: ast.Module) -> list[str]:
    """Where a lambda, a function of the module or a method of the object is assigned to another object."""
    everything = [*ast.walk(tree)]
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    methods = {
        node.name
        for each in everything
        if isinstance(each, ast.ClassDef)
        for node in each.body
        if isinstance(node, ast.FunctionDef) and not node.decorator_list
    }
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in everything
        if isinstance(node, ast.Import)
        for alias in node.names
    }

    def is_function(value: ast.expr | None) -> bool:
        if isinstance(value, ast.Name):
            return value.id in functions
        if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
            return value.attr in ("emit", "post") or (value.value.id == "self" and value.attr in methods)
        return isinstance(value, ast.Lambda)

    return [
        ast.unparse(target)
        for target, value in assignments(everything)
        if is_function(value)
        and not is_own(target)
        and not (isinstance(target.value, ast.Name) and target.value.id in imported)  # sys.excepthook
    ]


def widget_attributes(trees: list[ast.Module]) -> set[str]:
    """What only Qt objects of the window keep: assigned to `self`, or given by a property with a setter."""
    classes = {node.name: node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}

    def is_qt(name: str) -> bool:
        bases = [ast.unparse(base).rpartition(".")[2] for base in classes[name].bases]
        return any((base[:1] == "Q" and base[1:2].isupper()) or (base in classes and is_qt(base)) for base in bases)

    kept: dict[bool, set[str]] = defaultdict(set)
    for name, node in classes.items():
        own = kept[is_qt(name)]
        own |= {target.attr for target, _ in assignments(ast.walk(node)) if is_own(target)}
        for each in node.body:
            if isinstance(each, ast.FunctionDef) and any("setter" in ast.unparse(by) for by in each.decorator_list):
                own.add(each.name)
            elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                own.add(each.target.id)
    return kept[True] - kept[False]


def test_a_function_that_is_given_from_outside_is_noticed() -> None:
    code = """
class A:
    def f(self):
        window.words = lambda: 1
        other.bytes_here, self.own = self.f, self.f
        self.field.check = g
def g(): ...
"""
    assert functions_given(ast.parse(code)) == ["window.words", "other.bytes_here", "self.field.check"]


def test_what_a_widget_keeps_is_noticed() -> None:
    code = """
class Edit(QWidget):
    def __init__(self):
        self.enter_sends = True
        self.place = 0
class Row:
    place: int
class Wide(Edit):
    @property
    def shown(self): ...
    @shown.setter
    def shown(self, value): ...
"""
    assert widget_attributes([ast.parse(code)]) == {"enter_sends", "shown"}


def test_no_object_is_given_a_function_by_assignment() -> None:
    given = {name_of(path): functions_given(parsed(path)) for path in SOURCES}
    assert not {name: found for name, found in given.items() if found}


def test_no_widget_is_set_up_by_assignment() -> None:
    window = [path for path in SOURCES if path.is_relative_to(TOP / "desktop" / "ui")] + [TOP / "desktop" / "app.py"]
    trees = {path: parsed(path) for path in window}
    kept = widget_attributes(list(trees.values()))
    assert not [
        f"{name_of(path)}:{target.lineno}: {ast.unparse(target)}"
        for path, tree in trees.items()
        for target, _ in assignments(ast.walk(tree))
        if not is_own(target) and target.attr in kept
    ]
