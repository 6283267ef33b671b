"""Times of the ledger in UTC, as its history shows them."""

from datetime import UTC, datetime


def moment(time: str) -> datetime | None:
    """A time of the ledger (RFC 3339, UTC); None for what is none."""
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def utc(time: str) -> str:
    """A time in UTC to the second, "2026-11-22 18:02:11"."""
    found = moment(time)
    return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if found is not None else time
