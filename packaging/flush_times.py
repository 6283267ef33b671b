"""Measures what drawing a growing answer costs the window's main thread, for each shape that an answer can have.

    python packaging/flush_times.py [SHAPE ...] [--characters N] [--profile]

Text comes as 200 tokens a second of four characters do. A frame is all that the main thread computes from one flush to
the end of the painting that follows it, in milliseconds of its CPU time. No display is needed.
"""

import argparse
import cProfile
import gc
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP)]

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from desktop.ui.chat.chat_page import ChatPage

CHARACTERS_PER_S = 800.0
_SENTENCE = "The light of the window falls on the **floor**, and nobody says `why` it is so late today. "
_NUMBERS = range(100_000)


def _lines(size: int, line: str) -> str:
    return "".join(line.format(n=n) for n in _NUMBERS[: size // len(line) + 1])[:size]


def _nested(size: int) -> str:
    levels = "".join(f"{'  ' * depth}- Point {{n}} at depth {depth}: {_SENTENCE}\n" for depth in range(6))
    return _lines(size, levels)


def _one_item(size: int) -> str:
    """A list of one item, in which all others stand."""
    return "- The whole\n" + _lines(size, f"  - A part, number {{n}}: {_SENTENCE}\n    - and one of it: {_SENTENCE}\n")


SHAPES: dict[str, Callable[[int], str]] = {
    "prose": lambda size: _lines(size, f"{_SENTENCE * 4}\n\n"),
    "code": lambda size: "```python\n" + _lines(size, "value_{n} = call(first, 'text', {n})  # why\n"),
    "bullets": lambda size: _lines(size, "- Point {n}: " + _SENTENCE + "\n"),
    "short bullets": lambda size: _lines(size, "- point {n}\n"),
    "numbers": lambda size: _lines(size, "{n}. " + _SENTENCE + "\n"),
    "loose list": lambda size: _lines(size, "1. Point {n}: " + _SENTENCE + "\n\n   " + _SENTENCE + "\n\n"),
    "nested list": _nested,
    "one item": _one_item,
    "table": lambda size: (
        "| Name | Number | What it is | Where |\n|---|---:|---|---|\n"
        + _lines(size, "| name {n} | {n} | some words of it | in the **house** |\n")
    ),
    "wide table": lambda size: (
        "|" + " h |" * 12 + "\n|" + "---|" * 12 + "\n" + _lines(size, "|" + " cell {n} |" * 12 + "\n")
    ),
    "paragraph": lambda size: _lines(size, _SENTENCE + "{n}\n"),
    "one line": lambda size: _lines(size, _SENTENCE),
    "quote": lambda size: _lines(size, "> " + _SENTENCE + "\n"),
    "nested quotes": lambda size: "".join(">" * (n % 9 + 1) + " " + _SENTENCE + "\n" for n in _NUMBERS[: size // 100]),
    "hebrew list": lambda size: _lines(size, "- {n} הדג שוחה בים הגדול ואיש אינו יודע לאן הוא הולך\n"),
    "chinese": lambda size: _lines(size, "窗户里的灯光落在地板上，没有人说今天为什么这么晚。{n}" * 20 + "\n\n"),
}


def measure(application: "QApplication", page: "ChatPage", text: str) -> tuple[list[float], int]:
    """The milliseconds of each frame while `text` streams into a new answer, and those between the last two."""
    from PySide6.QtCore import QEvent

    from desktop.chat.chat_events import ConversationOpened
    from desktop.conversation import Conversation, Message
    from desktop.ui.chat.pending_text import PendingText

    message = Message("a", "c", None, "assistant", (), status="streaming")
    page.show_opened(ConversationOpened(Conversation("c", created_at=1.0), (message,), {}))
    transcript = page.transcript
    pending = transcript.findChild(PendingText)
    assert pending is not None
    for _ in range(5):
        application.processEvents()
    application.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)  # the answer before
    gc.collect()
    taken: list[float] = []
    at, due = 0, 0.0
    while at < len(text):
        due += pending.interval_ms / 1000 * CHARACTERS_PER_S
        end = min(max(int(due), at + 1), len(text))
        transcript.append_text("a", text[at:end], thinking=False)
        at = end
        began = time.thread_time()
        transcript.flush()
        application.processEvents()
        application.processEvents()
        taken.append(1000 * (time.thread_time() - began))
    return taken, pending.interval_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=", ".join(SHAPES))
    parser.add_argument("--characters", type=int, default=24_000)
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    options = parser.parse_args()
    os.environ["LATCHKEY_HOME"] = tempfile.mkdtemp()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from desktop.ui.program import create

    application, window = create(["latchkey"])
    window.resize(1280, 800)
    end = time.monotonic() + 4
    while time.monotonic() < end:  # the program is built behind the window
        application.processEvents()
    page = window.chat_page
    measure(application, page, SHAPES["prose"](2_000))  # what is imported and built once
    gc.freeze()
    print(f"{'shape':16}{'frames':>8}{'p50':>8}{'p90':>8}{'p99':>8}{'most':>8}  ms of a frame; ms between the last")
    for name in options.shapes or SHAPES:
        profile = cProfile.Profile()
        if options.profile:
            profile.enable()
        taken, interval = measure(application, page, SHAPES[name](options.characters))
        profile.disable()
        ordered = sorted(taken)
        p50, p90, p99 = (ordered[min(int(len(ordered) * part), len(ordered) - 1)] for part in (0.5, 0.9, 0.99))
        print(f"{name:16}{len(taken):8}{p50:8.1f}{p90:8.1f}{p99:8.1f}{ordered[-1]:8.1f}  {interval}", flush=True)
        if options.profile:
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    window.close()


if __name__ == "__main__":
    main()
