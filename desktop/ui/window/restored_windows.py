"""The further windows that the next start opens again, after a kill too: those beside the first one."""

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.atomic_file import read_json, write_atomically

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_log = logging.getLogger(__name__)
_MOST = 8
"""More are not opened at once, whatever the file says."""
_LONGEST = 4096


@dataclass(frozen=True)
class OpenView:
    """What a window shows: a conversation's id, "" for none, and a page, "" for the conversation; `geometry` as
    `QWidget.saveGeometry` gives it, in base64."""

    chat: str = ""
    page: str = ""
    geometry: str = ""


class RestoredWindows:
    """Kept in `path`, a small file; as `RestoredView` has it, one that cannot be read counts as empty, and one that
    cannot be written is only logged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: tuple[OpenView, ...] | None = None
        self._was_read = self._ended = False
        self._writer: ThreadPoolExecutor | None = None

    def read(self) -> tuple[OpenView, ...]:
        """What was kept last. Nothing is written before: what was not opened again yet is still there next time."""
        self._was_read = True
        try:
            values: Any = read_json(self._path)
            views = [OpenView(*(_text(each[key]) for key in ("chat", "page", "geometry"))) for each in values]
        except (OSError, TypeError, KeyError, ValueError, AttributeError):
            return ()
        return tuple(_with_something(views))

    def keep_soon(self, views: Iterable[OpenView]) -> None:
        """Write what is open now, off the main thread."""
        from concurrent.futures import ThreadPoolExecutor

        self._ended = False
        kept = _with_something(views)
        self._writer = self._writer or ThreadPoolExecutor(1, thread_name_prefix="windows")
        self._writer.submit(self._write, kept)

    def end(self, views: Iterable[OpenView]) -> None:
        """The program ends with these windows open: of those that close one after the other, the first call counts,
        until `keep_soon` tells that it goes on."""
        if self._ended:
            return
        self._ended = True
        if self._writer is not None:
            self._writer.shutdown(wait=True)
            self._writer = None
        self._write(_with_something(views))

    def _write(self, views: tuple[OpenView, ...]) -> None:
        if not self._was_read or views == self._written or (not views and not self._path.exists()):
            return
        try:
            write_atomically(self._path, json.dumps([asdict(each) for each in views]).encode("ascii"))
        except OSError as error:
            _log.warning("which windows are open could not be saved: %s", error)
        else:
            self._written = views


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError
    return value


def _with_something(views: Iterable[OpenView]) -> tuple[OpenView, ...]:
    """Those that show something that can be shown again: no empty chat, no temporary one."""
    return tuple(each for each in views if each.chat or each.page)[:_MOST]
