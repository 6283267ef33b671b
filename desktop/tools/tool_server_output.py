"""What a tool server wrote on its standard error, as `tool_server_process` keeps it: bounded files, a few a server."""

import re
from contextlib import suppress
from pathlib import Path

from desktop.atomic_file import read_end
from desktop.safe_text import escape_controls, repair_surrogates

LARGEST = 64 << 10


def last_output(folder: Path, name: str) -> tuple[Path | None, str]:
    """The newest file of the server `name` in `folder`, and the end of it as text without characters that act. (None,
    "") where it was never started, or never with a log. Not for the main thread."""
    own = re.compile(rf"tools-{re.escape(name)}-\d+-\d+\.log")
    newest: tuple[float, Path] | None = None
    with suppress(OSError):
        for file in folder.iterdir():
            if own.fullmatch(file.name) is None:
                continue
            with suppress(OSError):
                at = file.lstat().st_mtime
                if newest is None or at > newest[0]:
                    newest = (at, file)
    if newest is None:
        return None, ""
    text = ""
    with suppress(OSError):
        text = read_end(newest[1], LARGEST).decode("utf-8", "replace")
    return newest[1], escape_controls(repair_surrogates(text))
