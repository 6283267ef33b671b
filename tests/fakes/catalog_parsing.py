"""The catalog that ships, parsed once in a process: nearly every window, library and command of the tests reads it."""

from __future__ import annotations

import pickle
import tomllib
from typing import Any

_LONG_TOML = 100_000  # characters: the catalog that ships is the only one


class ParsedOnce:
    """Stands for `tomllib.loads`: what that gives, as new objects each time. A long text is parsed once: 5 ms from then
    on, not 80."""

    def __init__(self) -> None:
        self._loads = tomllib.loads
        self._text = ""
        self._packed = b""

    def __call__(self, text: str, /, **options: Any) -> dict[str, Any]:
        if len(text) < _LONG_TOML or options:
            return self._loads(text, **options)
        if text != self._text:
            self._packed = pickle.dumps(self._loads(text))
            self._text = text
        found: dict[str, Any] = pickle.loads(self._packed)
        return found
