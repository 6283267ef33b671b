"""What an answer in progress is at, in words."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from desktop.byte_size import duration_text
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.chat.chat_events import AnswerPhase


def answer_phase_text(event: "AnswerPhase") -> str:
    """A phase of an answer, and how far it is where that is known; "" for one without words."""
    if event.phase == "reading" and event.tokens is not None:
        return _reading_text(event, event.tokens)
    words = {
        "waiting": tr("Waiting…"),
        "loading": tr("Loading the model…"),
        "searching": tr("Looking in your documents…"),
        "summarizing": tr("Summarizing the oldest messages…"),
        "reading": tr("Reading…"),
        "thinking": tr("Thinking…"),
    }
    word = words.get(event.phase, "")
    if word and event.fraction is not None and event.fraction < 1:
        return tr("{what} {percent} %").format(what=word, percent=round(event.fraction * 100))
    return word


def _reading_text(event: "AnswerPhase", tokens: tuple[int, int]) -> str:
    done, total = tokens
    percent = int((event.fraction or 0.0) * 100)  # 100 only where all of it is read
    parts = [
        tr("Reading {percent} %").format(percent=percent),
        tr("{done} of {total} tokens").format(done=f"{done:,}", total=f"{total:,}"),
    ]
    if event.seconds_left is not None:
        parts.append(tr("{time} left").format(time=duration_text(event.seconds_left)))
    return " · ".join(parts)


class ReadingAnnouncement:
    """Has `say` speak once for each answer whose prompt takes time to be read: a screen reader is not told every
    percent."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._told = ""

    def tell(self, event: "AnswerPhase") -> None:
        """An answer is at `event`."""
        if event.phase == "reading" and event.tokens is not None and event.message_id != self._told:
            self._told = event.message_id
            self._say(tr("Reading {count} tokens").format(count=f"{event.tokens[1]:,}"))
