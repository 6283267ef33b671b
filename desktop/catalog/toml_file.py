"""A TOML file that anybody may have written, read within bounds: a policy, or a person's own catalog."""

import re
import tomllib
from pathlib import Path
from typing import Any

from desktop.translation import tr
from desktop.whole_file import read_whole

# A key of more parts than any file needs. Python's parser takes the square of their number in steps.
_PART = rb"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_DEEP_KEY = re.compile(rb"(?<![\w-])(?:" + _PART + rb"[ \t]*\.[ \t]*){100}")


def read_toml(path: Path, largest: int) -> tuple[str, dict[str, Any]]:
    """The text of the file and its tables. A link to it is followed.

    Raises OSError where it is no regular file, is larger than `largest` bytes or cannot be read; ValueError, with a
    reason, where it is not UTF-8, no TOML, or nested too deeply.
    """
    data = read_whole(path, largest, follow_link=True)
    try:
        text = data.decode("utf-8-sig")
        if _DEEP_KEY.search(data):
            raise RecursionError
        return text, tomllib.loads(text)
    except RecursionError:
        raise ValueError(tr("it is nested too deeply")) from None
