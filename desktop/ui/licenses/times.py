"""Times of the ledger as its tables show them: short days, and seconds in UTC."""

from datetime import UTC, datetime

from PySide6.QtCore import QDate, QLocale


def moment(time: str) -> datetime | None:
    """A time of the ledger (RFC 3339, UTC); None for what is none."""
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def short_day_of(time: str) -> str:
    """The person's own day of a time, "14 Nov 2026"; the time as it is written where it cannot be read."""
    found = moment(time)
    if found is None:
        return time
    day = found.astimezone()
    return QLocale().toString(QDate(day.year, day.month, day.day), "d MMM yyyy")


def utc(time: str) -> str:
    """A time in UTC to the second, "2026-11-22 18:02:11"."""
    found = moment(time)
    return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if found is not None else time
