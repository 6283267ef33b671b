"""What rows of collections and files say: what they hold, how far they are, what is wrong with them."""

from datetime import date, datetime

from PySide6.QtCore import QDate, QLocale

from desktop.byte_size import duration_text, percent_text, size_text
from desktop.documents.document_collection import CollectionFile, CollectionState
from desktop.translation import tr, trn
from desktop.ui.parts.label import Tone

_STEPS = 1000


def pages_words(count: int) -> str:
    """ "29 pages"."""
    return trn("{count} page", "{count} pages", count).format(count=f"{count:,}")


def holds_words(state: CollectionState) -> str:
    """ "3 files · 112 pages": of the files that have pages."""
    files = trn("{count} file", "{count} files", state.files).format(count=f"{state.files:,}")
    if not state.files:
        return tr("no files yet")
    return f"{files} · {pages_words(state.pages)}" if state.pages else files


def passages_words(state: CollectionState) -> str:
    """ "418 passages"."""
    return trn("{count} passage", "{count} passages", state.passages).format(count=f"{state.passages:,}")


def search_words(state: CollectionState) -> str:
    """How its passages are found."""
    return tr("words and meaning") if state.search_by == "lexical-and-meaning" else tr("words")


def is_under_way(state: CollectionState) -> bool:
    """Whether a bar says how far it is."""
    return state.state in ("indexing", "paused")


def progress_words(state: CollectionState) -> str:
    """ "62 % · 4 min": how far it is, and for how long it will go on, as far as that is known."""
    # A hundred only when all of it is read.
    parts = [percent_text(min(int(state.fraction * _STEPS), _STEPS - 1), _STEPS)]
    if state.state == "paused":
        parts.append(tr("paused"))
    elif state.seconds_left is not None:
        parts.append(duration_text(state.seconds_left))
    return " · ".join(parts)


def state_words(state: CollectionState) -> tuple[str, Tone]:
    """Where a collection stands, and in which tone a badge says it."""
    if is_under_way(state):
        return progress_words(state), "quiet"
    if state.state == "waiting":
        return tr("waits for its turn"), "quiet"
    if state.unread:
        return trn("{count} file not read", "{count} files not read", state.unread).format(
            count=f"{state.unread:,}"
        ), "warn"
    if state.problems:
        return tr("a folder was not read"), "warn"
    return (tr("ready"), "good") if state.files else (tr("empty"), "quiet")


def turn_words(state: CollectionState) -> str:
    """What stops or goes on with what is under way; "" where nothing is."""
    return {"indexing": tr("Pause"), "waiting": tr("Pause"), "paused": tr("Resume")}.get(state.state, "")


def notes_words(state: CollectionState) -> list[str]:
    """What else is to be known of a collection, a sentence each."""
    said = list(state.problems)
    if state.skipped:
        said.append(
            trn(
                "{count} file of another kind was passed over.",
                "{count} files of other kinds were passed over.",
                state.skipped,
            ).format(count=f"{state.skipped:,}")
        )
    return said


def size_words(file: CollectionFile) -> str:
    """The pages that were read of a file, or how large it is where it has none; "" before it was read."""
    if file.state == "encrypted" and not file.pages:
        return tr("encrypted")
    if file.read_at is None:
        return ""
    return pages_words(file.pages) if file.pages else size_text(file.size)


def read_words(file: CollectionFile, now: datetime) -> str:
    """When it was read, by the person's own days: "read 2 days ago"."""
    if file.read_at is None:
        return ""
    try:
        then = datetime.fromtimestamp(file.read_at)  # noqa: DTZ006 - the person's own days
    except (OverflowError, OSError, ValueError):
        return ""  # a clock far off wrote it
    days = (now.date() - then.date()).days
    if days <= 0:
        return tr("read today at {time}").format(time=then.strftime("%H:%M"))
    if days == 1:
        return tr("read yesterday")
    if days < 30:
        return trn("read {count} day ago", "read {count} days ago", days).format(count=days)
    return tr("read on {day}").format(day=_day(then.date()))


def _day(day: date) -> str:
    return QLocale().toString(QDate(day.year, day.month, day.day), "d MMM yyyy")


def file_state_words(file: CollectionFile) -> tuple[str, Tone]:
    """What is to be known of a file's state, and the tone of its badge; "" where it was simply read."""
    said: dict[str, tuple[str, Tone]] = {
        "waiting": (tr("not read yet"), "quiet"),
        "encrypted": (tr("needs its password"), "warn"),
        "unreadable": (tr("cannot be read"), "bad"),
        "missing": (tr("no longer there"), "warn"),
        "changed": (tr("changed since then"), "quiet"),
        "left-out": (tr("left out"), "quiet"),
    }
    return said.get(file.state, ("", "quiet"))


def error_words(file: CollectionFile) -> str:
    """What is wrong with a file and what to do, in one piece; "" where nothing is."""
    error = file.error
    if error is None:
        return ""
    return " ".join(part for part in (error.title, error.detail, error.remedy) if part)
