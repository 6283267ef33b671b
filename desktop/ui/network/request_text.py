"""How the window names requests: what for, what came of it, when, how much."""

from datetime import date, datetime, timedelta
from typing import Literal

from PySide6.QtCore import QDate, QLocale

from desktop.byte_size import size_text
from desktop.network.request_log import UNFINISHED, RequestLogEntry
from desktop.translation import tr

RequestOutcome = Literal["fine", "refused", "open", "failed"]
"""What came of a request: an answer, an answer that says no, none yet, none at all or half of one."""


def purpose_words(purpose: str) -> str:
    """What a request was for; the log's own word where it is not known."""
    known = {
        "model": tr("Facts of a model"),
        "access": tr("Access to a model"),
        "token": tr("Check of a token"),
        "search": tr("Search for models"),
        "license": tr("License text"),
        "card": tr("Model card"),
        "header": tr("File header"),
        "file": tr("Model file"),
        "update": tr("News of a version"),
    }
    return known.get(purpose, purpose)


def outcome_of(exchange: RequestLogEntry) -> RequestOutcome:
    """What came of it."""
    if exchange.error == UNFINISHED:
        return "open"
    if exchange.error:
        return "failed"
    return "refused" if exchange.status >= 400 or not exchange.status else "fine"


def answer_words(exchange: RequestLogEntry) -> str:
    """The status and what it means, or why there is none."""
    status = str(exchange.status) if exchange.status else ""
    if exchange.error == UNFINISHED:
        words = tr("unfinished")
    elif exchange.error:
        words = _failure(exchange.error)
    else:
        words = _meaning(exchange.status)
    return " ".join(part for part in (status, words) if part)


def _failure(error: str) -> str:
    if error == "stopped":
        return tr("stopped")
    if error == "offline":
        return tr("ended: offline")
    reasons = {
        "name": tr("host not found"),
        "refused": tr("cannot be reached"),
        "tls": tr("connection not secure"),
        "proxy": tr("proxy does not lead on"),
        "proxy-password": tr("proxy wants a password"),
        "timeout": tr("timed out"),
        "cut": tr("broke off"),
        "protocol": tr("no sensible answer"),
        "redirect": tr("led astray"),
        "too-large": tr("too large"),
        "unencrypted": tr("would not be encrypted"),
        "address": tr("no address"),
    }
    return tr("failed: {reason}").format(reason=reasons.get(error, error))


def _meaning(status: int) -> str:
    known = {
        0: tr("no answer"),
        206: tr("a part"),
        304: tr("unchanged"),
        401: tr("token wanted"),
        403: tr("not allowed"),
        404: tr("not found"),
        407: tr("proxy wants a password"),
        416: tr("no such part"),
        429: tr("too many requests"),
    }
    if status in known or 200 <= status < 300:
        return known.get(status, "")
    if 300 <= status < 400:
        return tr("leads elsewhere")
    return tr("refused") if status < 500 else tr("server in trouble")


def time_words(time: float) -> str:
    """The time of day, to the second, where the person is."""
    return datetime.fromtimestamp(time).strftime("%H:%M:%S")  # noqa: DTZ006 - the person's own


def day_of(time: float) -> date:
    """The person's own day."""
    return datetime.fromtimestamp(time).date()  # noqa: DTZ006 - the person's own


def day_words(day: date, today: date) -> str:
    """ "Today", "Yesterday", "Wednesday, 18 November 2026"."""
    if day == today:
        return tr("Today")
    if day == today - timedelta(days=1):
        return tr("Yesterday")
    return QLocale().toString(QDate(day.year, day.month, day.day), "dddd, d MMMM yyyy")


def took_words(exchange: RequestLogEntry) -> str:
    """How long it took; a dash where it is not over."""
    seconds = exchange.seconds
    if exchange.error == UNFINISHED:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def bytes_words(count: int, exchange: RequestLogEntry) -> str:
    """How much went one way; a dash where that is not known yet."""
    return "–" if exchange.error == UNFINISHED and not count else size_text(count, "two")


def spoken_words(text: str) -> str:
    """What stands in a cell, to be read out."""
    return tr("not known yet") if text == "–" else text


def details(exchange: RequestLogEntry, between: str = "\n") -> str:
    """Everything that the log holds of a request, one fact after the other."""
    moment = datetime.fromtimestamp(exchange.time).astimezone()
    facts = (
        (tr("Time"), moment.isoformat(sep=" ", timespec="seconds")),
        (tr("What for"), purpose_words(exchange.purpose)),
        (tr("Host"), exchange.host),
        (tr("Asked"), f"{exchange.method} {exchange.path}"),
        (tr("Answer"), answer_words(exchange)),
        (tr("Sent"), tr("{count} bytes").format(count=f"{exchange.sent:,}")),
        (tr("Received"), tr("{count} bytes").format(count=f"{exchange.received:,}")),
        (tr("Took"), took_words(exchange)),
    )
    return between.join(f"{name}: {value}" for name, value in facts)


def request_search_text(exchange: RequestLogEntry) -> str:
    """All words by which a request is found: those shown, and those kept."""
    parts = (
        purpose_words(exchange.purpose),
        exchange.purpose,
        exchange.method,
        exchange.host,
        exchange.path,
        answer_words(exchange),
        exchange.error,
        day_of(exchange.time).isoformat(),
        time_words(exchange.time),
    )
    return "\n".join(parts).casefold()
