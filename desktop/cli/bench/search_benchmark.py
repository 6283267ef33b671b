"""Search measured: conversations of made-up words, as many as somebody has after years, in a database of their own."""

import itertools
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from desktop.cli.bench.bench_figures import SearchFigures, median
from desktop.conversation import Conversation, Message, Role, TextPart
from desktop.storage.conversation_store import ConversationStore
from desktop.storage.database import Database
from desktop.storage.message_search import MessageSearch
from desktop.translation import tr

_IN_EACH = 1000
_VOCABULARY = 5000
_TIMES = 7
_SYLLABLES = ("ka", "lo", "mi", "ter", "ran", "so", "pe", "du", "vi", "an", "el", "or", "ist", "ung", "che", "bra")
_RARE = "needleword 針灸療法"
Say = Callable[[str], None]


def measure_search(messages: int, say: Say) -> SearchFigures:
    """Milliseconds from a query to its fifty newest hits with their snippets, over so many messages."""
    say(tr("Searching {count} messages…").format(count=f"{messages:,}"))
    with (
        tempfile.TemporaryDirectory(prefix="latchkey-bench-", ignore_cleanup_errors=True) as folder,
        closing(Database(Path(folder) / "latchkey.db")) as database,
    ):
        words = _fill(ConversationStore(database), messages)
        database.disconnect()
        search = MessageSearch(database)
        first = _timed(search, words[1])  # as after a start: the file is opened for it
        return SearchFigures(
            messages=messages,
            first_ms=first,
            common_ms=_median(search, words[0]),
            rare_ms=_median(search, "needleword"),
            several_ms=_median(search, f"{words[0]} {words[3]}"),
            unspaced_ms=_median(search, "針灸療法"),
            symbols_ms=_median(search, "🎉"),
        )


def _median(search: MessageSearch, query: str) -> float:
    return median([_timed(search, query) for _ in range(_TIMES)])


def _timed(search: MessageSearch, query: str) -> float:
    started = time.perf_counter()
    search.search(query)
    return 1000 * (time.perf_counter() - started)


def _fill(store: ConversationStore, count: int) -> list[str]:
    """Write `count` messages; the words in them, the most common first. One in ten is Chinese."""
    chance = random.Random(1)
    words = ["".join(chance.choices(_SYLLABLES, k=1 + place % 4)) for place in range(_VOCABULARY)]
    weights = list(itertools.accumulate(1 / (place + 1) for place in range(_VOCABULARY)))
    signs = [chr(0x4E00 + place) for place in range(2000)]
    for first in range(0, count, _IN_EACH):
        head = Conversation(f"c{first}", f"Chat {first}", created_at=float(first), updated_at=float(first))
        rows, parent = list[Message](), None
        for number in range(first, min(first + _IN_EACH, count)):
            role: Role = "assistant" if number % 2 else "user"
            length = 120 if number % 2 else 20
            chinese = number // 50 % 10 == 0
            text = "".join(chance.choices(signs, k=length)) if chinese else ""
            text = text or " ".join(chance.choices(words, cum_weights=weights, k=length))
            text += f" {_RARE}" if number == count // 2 else ""
            rows.append(Message(f"m{number}", head.id, parent, role, (TextPart(text),), created_at=float(number)))
            parent = rows[-1].id
        store.add_messages(rows, create=head)
    return words
