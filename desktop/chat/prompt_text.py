"""Variables in the text of a prompt: `{{name}}`, `{{name|what stands there otherwise}}`, `{{clipboard}}`, `{{date}}`.

A backslash before the braces keeps them as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

CLIPBOARD, DATE = "clipboard", "date"
_VARIABLE = re.compile(r"(\\?)\{\{([^{}|\n]{1,100})(?:\|([^{}]*))?\}\}")
"""Bounded where it could be tried in many ways: the text may be anything."""


@dataclass(frozen=True)
class PromptVariable:
    """A variable that a person fills in, and what stands there otherwise."""

    name: str
    default: str = ""


def prompt_variables(text: str) -> tuple[PromptVariable, ...]:
    """Those a person fills in, each once, in the order of the text; the first default that is given counts."""
    found: dict[str, str] = {}
    for escape, written, default in _VARIABLE.findall(text):
        name = written.strip()
        if not escape and name and name not in (CLIPBOARD, DATE):
            found[name] = found.get(name) or default.strip()
    return tuple(PromptVariable(name, default) for name, default in found.items())


def uses_clipboard(text: str) -> bool:
    """Whether the clipboard's text stands in it."""
    return any(not escape and name.strip() == CLIPBOARD for escape, name, _ in _VARIABLE.findall(text))


def filled_prompt(text: str, values: Mapping[str, str], *, clipboard: str = "", date: str = "") -> str:
    """`text` with every variable filled in: by `values`, else by its default. What is filled in is not looked at for
    variables again."""
    defaults = {each.name: each.default for each in prompt_variables(text)}

    def value(found: re.Match[str]) -> str:
        escape, written, default = found.groups()
        name = written.strip()
        if escape or not name:
            return found[0][len(escape) :]
        if name == CLIPBOARD:
            return clipboard or (default or "").strip()
        if name == DATE:
            return date
        return values.get(name, defaults[name])

    return _VARIABLE.sub(value, text)
