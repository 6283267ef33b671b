"""A TOML file that anybody may have written, read within bounds: a policy, or a person's own catalog."""

import re
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from desktop.atomic_file import read_bounded
from desktop.translation import tr

_HEADER = re.compile(r"^\s*\[\[\s*([A-Za-z0-9_.-]+)\s*\]\]")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+|\.\.\.)\]")
_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*')


class TomlLines:
    """The lines of one file, counted from 1."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _plain(self) -> list[str]:
        """Read only where a line is asked for: a file without mistakes needs none."""
        return list(_outside_strings(self._text))

    def of_table(self, kind: str, index: int) -> int:
        """The line of the `index`th `[[kind]]`, from 0; 1 where there is none."""
        found = [number for number, header, _ in self._headers() if header == kind]
        return found[index] if index < len(found) else 1

    def of_key(self, kind: str, index: int, path: str) -> int:
        """The line of what msgspec calls `path` ("$.file[0].name") within that table; the table's own where it is not
        found."""
        start = self.of_table(kind, index)
        after = [number for number, header, _ in self._headers() if header == kind and number > start]
        end = after[0] if after else len(self._plain) + 1
        here, table, best = start, kind, start
        for key, _ in _STEP.findall(path):
            if not key:
                continue
            nested = [n for n, header, _ in self._headers() if header == f"{table}.{key}" and start <= n < end]
            if nested:
                place = _index_after(path, key)
                here = best = nested[min(place, len(nested) - 1)]
                table = f"{table}.{key}"
                continue
            pattern = re.compile(rf'(^|[\s{{,])"?{re.escape(key)}"?\s*=')
            match = next((n for n in range(here, end) if pattern.search(self._plain[n - 1])), None)
            if match is None:
                break
            here = best = match
        return best

    def _headers(self) -> Iterator[tuple[int, str, str]]:
        for number, line in enumerate(self._plain, 1):
            match = _HEADER.match(line)
            if match:
                yield number, match[1], line


def _index_after(path: str, key: str) -> int:
    match = re.search(rf"\.{re.escape(key)}\[(\d+)\]", path)
    return int(match[1]) if match else 0


def _outside_strings(text: str) -> Iterator[str]:
    """Each line with what lies inside of a string of several lines blanked out."""
    fence = ""
    for line in text.splitlines():
        rest, kept = line, ""
        while True:
            if fence:
                _, closed, rest = rest.partition(fence)
                if not closed:
                    break
                fence = ""
            opened = min((rest.find(mark), mark) for mark in ('"""', "'''") if mark in rest) if _opens(rest) else None
            if opened is None:
                kept += rest
                break
            kept += rest[: opened[0]]
            fence, rest = opened[1], rest[opened[0] + 3 :]
        yield kept


def _opens(line: str) -> bool:
    """Whether a string of several lines begins here: three quotes that are neither in a comment nor in a string."""
    if '"""' not in line and "'''" not in line:
        return False
    first = min(line.find(mark) for mark in ('"""', "'''") if mark in line)
    return all(not (match.start() < first < match.end() and match[0] != '""') for match in _LITERAL.finditer(line))


# A key of more parts than any file needs. Python's parser takes the square of their number in steps.
_PART = rb"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_DEEPEST_KEY = 100
_DEEP_KEY = re.compile(rb"(?<![\w-])(?:" + _PART + rb"[ \t]*\.[ \t]*){%d}" % _DEEPEST_KEY)


def read_toml(path: Path, largest: int) -> tuple[str, dict[str, Any]]:
    """The text of the file and its tables. A link to it is followed.

    Raises OSError where it is no regular file, is larger than `largest` bytes or cannot be read; ValueError, with a
    reason, where it is not UTF-8, no TOML, or nested too deeply.
    """
    data = read_bounded(path, largest, follow_link=True)
    try:
        text = data.decode("utf-8-sig")
        # Such a key lies on one line. Counting is quicker than a search through a whole catalog: 1 ms, and not 30.
        if any(line.count(b".") >= _DEEPEST_KEY and _DEEP_KEY.search(line) for line in data.split(b"\n")):
            raise RecursionError
        return text, tomllib.loads(text)
    except RecursionError:
        raise ValueError(tr("it is nested too deeply")) from None
